# cython: language_level=3
"""What the drivers of depthwise layers share; see depthwise.pyx."""
from fastconv._core cimport kernels as k
from fastconv._core.job cimport Team

cdef enum:
    MOST_TAPS = 256         # of a window: one running sum each


cdef class Job:
    cdef list keep
    cdef const k.fc_depthwise_row *ukr
    cdef k.fc_finish_fn *finish
    cdef int activation
    cdef ptrdiff_t number, items
    cdef double work
    cdef ptrdiff_t *x_n
    cdef ptrdiff_t *out_n
    # spatial axes, always three: outputs, stride, samples, steps in bytes, first tap, taps, dilation
    cdef ptrdiff_t[3] outs, stride, size, x_step, out_step, first, taps, dilation
    cdef bint down      # items go down the planes first: of a volume, fewer rows lie between two uses of one
    cdef readonly ptrdiff_t scratch_bytes
    cdef readonly str packing   # of the weights: "rows", "columns", "channels" or "vectors"
    cdef char *_scratch(self, Team team) noexcept nogil
    cdef ptrdiff_t _place(self, ptrdiff_t item, ptrdiff_t rows, ptrdiff_t *plane, ptrdiff_t *row) noexcept nogil
    cdef void _activate(self, char *out, ptrdiff_t rows, ptrdiff_t row_bytes, ptrdiff_t count) noexcept nogil
    cdef void _item(self, ptrdiff_t item, char *scratch, const char *x, const char *w,
                    const char *bias, char *out) noexcept nogil
