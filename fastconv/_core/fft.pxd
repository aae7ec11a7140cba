# cython: language_level=3
"""FFT microkernels (kernels/fc_fft.h documents them) and Transform, the tables that one transform needs.

A driver holds a Transform and calls ``t.row.first(&t.plan, ...)`` and so on, or the whole-block functions.
"""
from fastconv._core.kernels cimport fc_isa, fc_kind

cdef extern from "kernels/fc_fft.h" nogil:
    ctypedef struct fc_fft_plan:
        ptrdiff_t size
        ptrdiff_t rows
        int turned
        int passes
        int radix[12]
        ptrdiff_t length[12]
        const void *twiddle[12]
        int last
        const void *first
        const void *turn
    ctypedef void fc_fft_first(const fc_fft_plan *p, const void *re, const void *im, void *data,
                               ptrdiff_t first, ptrdiff_t end) noexcept
    ctypedef void fc_fft_pass(const fc_fft_plan *p, int step, void *data, ptrdiff_t first,
                              ptrdiff_t end) noexcept
    ctypedef void fc_fft_last(const fc_fft_plan *p, const void *data, void *spectrum,
                              ptrdiff_t first, ptrdiff_t end) noexcept
    ctypedef void fc_fft_product(const fc_fft_plan *p, void *data, const void *h, ptrdiff_t first,
                                 ptrdiff_t end) noexcept
    ctypedef void fc_fft_mac(const fc_fft_plan *p, ptrdiff_t count, const void *const *x,
                             const void *const *h, void *const *y, int outputs, int accumulate,
                             ptrdiff_t first, ptrdiff_t end) noexcept
    ctypedef void fc_fft_end(const fc_fft_plan *p, void *data, void *re, void *im, ptrdiff_t low,
                             ptrdiff_t high, ptrdiff_t first, ptrdiff_t end) noexcept
    ctypedef void fc_fft_levels(const void *x, ptrdiff_t n, ptrdiff_t chunk, double *levels,
                                double *energy) noexcept
    ctypedef void fc_fft_silence(const void *re, const void *im, ptrdiff_t taps, void *to_re,
                                 void *to_im, ptrdiff_t low, ptrdiff_t high) noexcept
    ctypedef struct fc_fft_row:
        const char *name
        fc_kind kind
        int lanes
        fc_fft_first *first
        fc_fft_pass *down
        fc_fft_pass *up
        fc_fft_last *last
        fc_fft_last *back
        fc_fft_product *product
        fc_fft_mac *mac
        fc_fft_end *end
        fc_fft_levels *levels
        fc_fft_silence *silence
    const fc_fft_row *fc_fft_rows(fc_isa isa, int *count) noexcept
    ctypedef struct fc_fft_soon:
        const char *read
        const char *write
        ptrdiff_t bytes
        ptrdiff_t done
    void fc_fft_forward(const fc_fft_row *row, const fc_fft_plan *plan, const void *re,
                        const void *im, void *data, void *spectrum) noexcept
    void fc_fft_filter(const fc_fft_row *row, const fc_fft_plan *plan, const void *re,
                       const void *im, const void *h, void *data, void *to_re, void *to_im,
                       ptrdiff_t low, ptrdiff_t high, const fc_fft_soon *soon) noexcept
    void fc_fft_inverse(const fc_fft_row *row, const fc_fft_plan *plan, const void *spectrum,
                        void *data, void *to_re, void *to_im, ptrdiff_t low,
                        ptrdiff_t high) noexcept


cdef class Transform:
    """One size of transform: immutable, shared by plans and threads."""
    cdef fc_fft_plan plan
    cdef const fc_fft_row *row
    cdef readonly ptrdiff_t size        # complex points
    cdef readonly ptrdiff_t lanes
    cdef readonly ptrdiff_t number      # bytes of a real number
    cdef readonly bint turned
    cdef list tables


cdef const fc_fft_row *fft_row(bint double_precision) except NULL


cdef void *data_of(array) noexcept
