# cython: language_level=3
"""What a driver may ask of arrays; see arrays.pyx."""
cimport numpy as cnp

cdef object result_for(object out, int ndim, cnp.npy_intp *shape, int typenum, cnp.ndarray x, cnp.ndarray w)
cdef bint fits(object out, int ndim, const cnp.npy_intp *shape, int typenum) noexcept
