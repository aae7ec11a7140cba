# cython: language_level=3
"""One axis of narrow rows, for separable."""
cimport numpy as cnp

cdef bint fits(cnp.ndarray x, cnp.ndarray out, int axis, ptrdiff_t taps, bint means) noexcept
cdef int run(cnp.ndarray x, cnp.ndarray out, int memory, int out_memory, int axis, cnp.ndarray w, int mode, double cval,
             ptrdiff_t before, int symmetry, bint means) except -1
