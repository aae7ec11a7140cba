# cython: language_level=3
"""Means over boxes, for separable."""
from fastconv._core.image_cut cimport Image

cdef enum:
    LINE = 64               # numbers that vectors may reach over the end of a line


cdef ptrdiff_t most_columns(ptrdiff_t n, ptrdiff_t taps) noexcept nogil
cdef int run_box(const Image *d, const char *x, char *out) except -1
