# cython: language_level=3
"""The plain small case, for other entries than convolve and correlate."""

cdef int bypassed           # reasons to leave everything to the general path
