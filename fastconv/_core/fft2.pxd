# cython: language_level=3
"""What the tiles driver sees of kernels/fc_fft2.h; the contracts are documented there."""
from fastconv._core.kernels cimport fc_isa, fc_kind

cdef extern from "kernels/fc_fft2.h" nogil:
    int FC_FFT2_ROWS, FC_FFT2_COLS
    ctypedef struct fc_fft2_axis:
        ptrdiff_t n
        const void *roots
    ctypedef struct fc_fft2_shape:
        fc_fft2_axis down
        fc_fft2_axis along
        ptrdiff_t pitch
    ctypedef void fc_fft2_down(const fc_fft2_shape *s, const void *re, const void *im, ptrdiff_t ld,
                               void *work, void *spectrum) noexcept
    ctypedef void fc_fft2_up(const fc_fft2_shape *s, const void *spectrum, void *work, void *re,
                             void *im, ptrdiff_t ld, ptrdiff_t cols) noexcept
    ctypedef void fc_fft2_along(const fc_fft2_shape *s, void *spectrum) noexcept
    ctypedef void fc_fft2_filter(const fc_fft2_shape *s, void *spectrum, const void *filter,
                                ptrdiff_t g) noexcept
    ctypedef void fc_fft2_mac(void *sum, ptrdiff_t outputs, const void *x, ptrdiff_t x_step,
                              const void *w, ptrdiff_t w_step, ptrdiff_t taps, ptrdiff_t n) noexcept
    ctypedef void fc_fft2_scan(const void *re, const void *im, ptrdiff_t ld, ptrdiff_t rows,
                               ptrdiff_t cols, double *found) noexcept
    ctypedef struct fc_fft2_row:
        const char *name
        fc_kind kind
        int lanes
        fc_fft2_down *down
        fc_fft2_up *up
        fc_fft2_along *along
        fc_fft2_along *back
        fc_fft2_filter *filter
        fc_fft2_mac *mac
        fc_fft2_scan *scan
    const fc_fft2_row *fc_fft2_rows(fc_isa isa, int *count) noexcept
    void fc_fft2_fetch(const char *at, ptrdiff_t step, ptrdiff_t rows, ptrdiff_t nbytes) noexcept
    void fc_fft2_claim(char *at, ptrdiff_t nbytes) noexcept
