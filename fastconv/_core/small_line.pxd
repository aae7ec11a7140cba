# cython: language_level=3
"""Short signals, for other entries than convolve and correlate."""
cimport numpy as cnp

cdef enum:
    MAX_TAPS = 512
    MAX_SAMPLES = 1024      # of the padded copy on the stack

cdef int[10] SIZE           # bytes of a number of each way
cdef int way_of(int typenum) noexcept       # how numbers of a type are summed, -1: not here
cdef bint run(int way, const char *x, cnp.npy_intp n, const char *w, cnp.npy_intp m, char *y,
              cnp.npy_intp out, cnp.npy_intp start, bint flip, bint conj) noexcept nogil
cdef object serve(cnp.ndarray x, cnp.ndarray w, int mode, bint flip, object out)
