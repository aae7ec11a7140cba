# cython: language_level=3
"""The image driver, for the modules that filter images (image, separable, small_image)."""
from fastconv._core.image_cut cimport Image


cdef void put(char *to, const char *source, ptrdiff_t number) noexcept nogil
cdef int run(const Image *d, const char *x, const char *w, char *out) except -1
cdef class Job:
    cdef Image image
