# cython: language_level=3
"""Small images, for small.pyx."""


cdef object serve(object a, object v, int mode, bint flip, int pad, object out)
