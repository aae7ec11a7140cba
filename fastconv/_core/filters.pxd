# cython: language_level=3
"""What filters.pyx sees of kernels/fc_filters.h; the contracts are documented there."""
from fastconv._core.kernels cimport fc_isa, fc_kind

cdef extern from "kernels/fc_filters.h" nogil:
    ctypedef void fc_iir_ukr(ptrdiff_t order, ptrdiff_t n, const void *x, const ptrdiff_t *x_at,
                             ptrdiff_t x_step, void *y, const ptrdiff_t *y_at, ptrdiff_t y_step,
                             const void *coef, void *state) noexcept
    ctypedef struct fc_iir_row:
        const char *name
        fc_kind kind
        int sections
        int order
        int nv
        int lanes
        fc_iir_ukr *run
    const fc_iir_row *fc_iir_rows(fc_isa isa, int *count) noexcept

    ctypedef void fc_lanes_in(void *buf, ptrdiff_t width, const void *x, const ptrdiff_t *at,
                              ptrdiff_t step, ptrdiff_t n) noexcept
    ctypedef void fc_lanes_out(void *y, const ptrdiff_t *at, ptrdiff_t step, const void *buf,
                               ptrdiff_t width, ptrdiff_t n, int channels) noexcept
    ctypedef struct fc_lanes_row:
        const char *name
        fc_kind kind
        int lanes
        fc_lanes_in *read "in"
        fc_lanes_out *write "out"
    const fc_lanes_row *fc_lanes_rows(fc_isa isa, int *count) noexcept

    void fc_iir_complex(fc_kind kind, ptrdiff_t sections, ptrdiff_t order, ptrdiff_t n,
                        const void *x, ptrdiff_t x_step, void *y, ptrdiff_t y_step,
                        const void *coef, void *state) noexcept

    ctypedef struct fc_dot_taps:
        ptrdiff_t count
        ptrdiff_t planes
        ptrdiff_t x_plane
        ptrdiff_t h_plane
        const void *h
    ctypedef void fc_dots(const fc_dot_taps *taps, const void *x, ptrdiff_t x_step, void *y,
                          ptrdiff_t y_step, ptrdiff_t n) noexcept
    ctypedef struct fc_dots_row:
        const char *name
        fc_kind kind
        int lanes
        fc_dots *run
    const fc_dots_row *fc_dots_rows(fc_isa isa, int *count) noexcept
    ctypedef struct fc_phases:
        ptrdiff_t classes
        ptrdiff_t advance
        ptrdiff_t planes
        ptrdiff_t x_plane
        ptrdiff_t h_plane
        ptrdiff_t h_size
        const ptrdiff_t *count
        const ptrdiff_t *last
        const void *h
    void fc_in_order(fc_kind kind, const fc_phases *p, const void *x, void *y, ptrdiff_t y_step, ptrdiff_t n) noexcept

    ctypedef void fc_fir_line(ptrdiff_t taps, const void *w, const void *x, void *y,
                              ptrdiff_t n) noexcept
    ctypedef void fc_fir_columns(ptrdiff_t taps, const void *w, const void *x, ptrdiff_t x_pitch,
                                 void *y, ptrdiff_t y_pitch, ptrdiff_t n, ptrdiff_t cols) noexcept
    ctypedef struct fc_fir_row:
        const char *name
        fc_kind kind
        int lanes
        int block
        fc_fir_line *line
        fc_fir_columns *columns
    const fc_fir_row *fc_fir_rows(fc_isa isa, int *count) noexcept
