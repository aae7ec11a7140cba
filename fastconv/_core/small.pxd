# cython: language_level=3
"""The plain small case, for other entries than convolve and correlate."""
cimport numpy as cnp

cdef enum:
    MAX_TAPS = 64
    MAX_SAMPLES = 1024      # of the padded copy on the stack

cdef int bypassed           # reasons to leave everything to the general path

cdef bint run(int j, const char *x, cnp.npy_intp n, const char *w, cnp.npy_intp m, char *y,
              cnp.npy_intp out, cnp.npy_intp start, bint flip) noexcept nogil
