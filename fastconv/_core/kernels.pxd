# cython: language_level=3
"""What the Cython drivers see of kernels/fc_kernels.h; the contracts are documented there."""
from libc.stdint cimport int32_t

cdef extern from "kernels/fc_kernels.h" nogil:
    ctypedef int fc_memory_type
    ctypedef int fc_kind
    ctypedef int fc_isa
    int FC_PAD_FILL
    int FC_ISA_BASELINE, FC_ISA_AVX2, FC_ISA_AVX512, FC_ISA_NEON
    ctypedef void fc_tap_ukr(ptrdiff_t taps, const int32_t *off, const void *x, ptrdiff_t im,
                             const void *w, void *c, ptrdiff_t ldc, int accumulate) noexcept
    ctypedef void fc_tap_store(ptrdiff_t taps, const int32_t *off, const void *x, const void *w, ptrdiff_t ldw,
                               const void *bias, void *c, ptrdiff_t ldc) noexcept nogil
    ctypedef struct fc_tap_row:
        const char *name
        fc_kind kind
        int mr
        int nv
        int lanes
        fc_tap_ukr *run
        fc_tap_store *store
    const fc_tap_row *fc_tap_rows(fc_isa isa, int *count) noexcept
    ctypedef void fc_chan_ukr(ptrdiff_t taps, const int32_t *off, const void *x, ptrdiff_t step, const void *w,
                              void *c, ptrdiff_t ldc, const void *bias, int accumulate) noexcept
    ctypedef void fc_chan_points(ptrdiff_t taps, const int32_t *off, const void *x, const int32_t *at, const void *w,
                                 void *c, ptrdiff_t ldc, const void *bias, int accumulate) noexcept nogil
    ctypedef void fc_chan_store(void *dst, ptrdiff_t ld, const void *c, ptrdiff_t width,
                                ptrdiff_t pixels, ptrdiff_t channels, const void *bias) noexcept
    ctypedef int fc_chan_pack(void *dst, const char *w, const ptrdiff_t *row_bytes,
                              const ptrdiff_t *woff_bytes, const ptrdiff_t *place, ptrdiff_t taps,
                              int mr, int width) noexcept nogil
    ctypedef void fc_chan_weave(void *dst, const void *src, ptrdiff_t ld, ptrdiff_t rows, ptrdiff_t n) noexcept
    ctypedef struct fc_chan_row:
        const char *name
        fc_kind kind
        int pixels
        int nv
        int lanes
        fc_chan_ukr *unit
        fc_chan_ukr *steps
        fc_chan_points *points
        fc_chan_store *store
        fc_chan_store *rows
        fc_chan_pack *pack
        fc_chan_weave *weave
    const fc_chan_row *fc_chan_rows(fc_isa isa, int *count) noexcept
    ctypedef void fc_indirect_ukr(ptrdiff_t taps, ptrdiff_t first, ptrdiff_t end,
                                  const void *const *at, const void *w, ptrdiff_t skip, void *c, ptrdiff_t ldc,
                                  const void *bias, int accumulate) noexcept
    ctypedef struct fc_indirect_row:
        const char *name
        fc_kind kind
        int pixels
        int nv
        int lanes
        fc_indirect_ukr *run
    const fc_indirect_row *fc_indirect_rows(fc_isa isa, int *count) noexcept
    ctypedef struct fc_row_taps:
        ptrdiff_t planes
        const int32_t *plane_x
        const int32_t *plane_w
        ptrdiff_t kh
        ptrdiff_t kw
        const int32_t *off
        ptrdiff_t pitch
    ctypedef void fc_row_ukr(const fc_row_taps *taps, ptrdiff_t groups, const void *x,
                             const void *w, const void *bias, void *c, ptrdiff_t ldc,
                             ptrdiff_t last, int accumulate) noexcept
    ctypedef struct fc_row_row:
        const char *name
        fc_kind kind
        int kh
        int rows
        int nv
        int lanes
        fc_row_ukr *run
    const fc_row_row *fc_row_rows(fc_isa isa, int *count) noexcept
    ctypedef struct fc_plane_layout:
        ptrdiff_t h
        ptrdiff_t w
        ptrdiff_t x_row
        ptrdiff_t top
        ptrdiff_t left
        ptrdiff_t stride_h
        ptrdiff_t stride_w
        ptrdiff_t phase_rows
        ptrdiff_t phase_cols
        ptrdiff_t pitch
        const char *row_met
        const char *col_met
        int zeros
    ctypedef void fc_plane_pack(const fc_plane_layout *d, const void *x, void *buf,
                                ptrdiff_t first) noexcept
    ctypedef void fc_rows_copy(void *to, ptrdiff_t to_row, const void *source,
                               ptrdiff_t from_row, ptrdiff_t rows, ptrdiff_t n) noexcept
    ctypedef struct fc_place:
        ptrdiff_t cols
        ptrdiff_t left
        ptrdiff_t right
        ptrdiff_t out_row
        int taps
        const void *mask[2]
    ctypedef void fc_place_rows(const fc_place *d, ptrdiff_t count, const void *const *rows, const void *w,
                                const void *bias, void *y) noexcept
    ctypedef struct fc_turned:
        ptrdiff_t w
        ptrdiff_t cols
        ptrdiff_t left
        ptrdiff_t step
        ptrdiff_t w_tap
    ctypedef void fc_turned_rows(const fc_turned *d, ptrdiff_t count, const void *const *rows, const void *w,
                                 const void *bias, void *y) noexcept
    ctypedef struct fc_last_row:
        int crowded
        ptrdiff_t channels
        ptrdiff_t w
        ptrdiff_t cols
        ptrdiff_t kw
        ptrdiff_t stride
        ptrdiff_t dilation
        ptrdiff_t left
        ptrdiff_t x_col
        ptrdiff_t out_col
        ptrdiff_t w_tap
        ptrdiff_t w_vector
        ptrdiff_t rows
        const ptrdiff_t *row_x
        const ptrdiff_t *row_w
    ctypedef void fc_last_ukr(const fc_last_row *d, const void *x, const void *w,
                              const void *bias, void *out) noexcept
    ctypedef void fc_last_groups(const fc_last_row *d, int side, const void *x, const void *w,
                                 const void *bias, void *out) noexcept
    int FC_SQUARE_ROWS
    ctypedef struct fc_square:
        ptrdiff_t channels
        ptrdiff_t first
        ptrdiff_t end
        ptrdiff_t back
        ptrdiff_t block
        ptrdiff_t w
        ptrdiff_t cols
        ptrdiff_t left
        ptrdiff_t taps
        ptrdiff_t x_col
        ptrdiff_t x_row
        ptrdiff_t out_col
        ptrdiff_t out_row
        ptrdiff_t planes
        const ptrdiff_t *plane_x
        const ptrdiff_t *plane_w
    ctypedef void fc_square_rows(const fc_square *d, int kernel, ptrdiff_t rows, ptrdiff_t lo, ptrdiff_t hi, const void *x,
                                 const void *w, const void *bias, void *y) noexcept
    ctypedef void fc_to_last(void *to, ptrdiff_t to_col, const void *x, ptrdiff_t plane,
                             ptrdiff_t n) noexcept
    ctypedef void fc_to_planes(void *to, ptrdiff_t plane, const void *x, ptrdiff_t x_col,
                               ptrdiff_t n, int first) noexcept
    ctypedef struct fc_depthwise_row:
        const char *name
        fc_kind kind
        int lanes
        fc_plane_pack *pack
        fc_place_rows *place
        fc_rows_copy *copy
        fc_last_ukr *last
        fc_last_groups *groups
        fc_to_last *to_last
        fc_to_planes *to_planes
        fc_turned_rows *turned
        fc_square_rows *square
    const fc_depthwise_row *fc_depthwise_rows(fc_isa isa, int *count) noexcept
    int FC_WINO_POINTS
    ctypedef void fc_wino_in(const int *points, const void *x, const ptrdiff_t *step, void *v,
                             ptrdiff_t xi) noexcept
    ctypedef void fc_wino_out(const int *points, const int *outs, const void *m, ptrdiff_t xi,
                              void *y, const ptrdiff_t *step, const void *bias, int activation,
                              void *check) noexcept
    ctypedef void fc_wino_edge(const int *points, const ptrdiff_t *low, const ptrdiff_t *high,
                               const void *x, const ptrdiff_t *step, void *to) noexcept
    ctypedef void fc_wino_clip(const int *outs, const ptrdiff_t *count, const void *source, void *y,
                               const ptrdiff_t *step) noexcept
    ctypedef struct fc_wino_weights:
        int points[3]
        int taps[3]
        const double *matrix[3]
        ptrdiff_t width
        ptrdiff_t channels
        ptrdiff_t deep
        ptrdiff_t filter
        ptrdiff_t xi
    ctypedef int fc_wino_pack(const fc_wino_weights *d, const void *w, void *u) noexcept
    ctypedef struct fc_winograd_row:
        const char *name
        fc_kind kind
        int lanes
        fc_wino_in *tile_in "in"
        fc_wino_out *tile_out "out"
        fc_wino_edge *edge
        fc_wino_clip *clip
        fc_wino_pack *weights
        fc_to_last *to_last
        fc_to_planes *to_planes
    const fc_winograd_row *fc_winograd_rows(fc_isa isa, int *count) noexcept
    int fc_isa_compiled(fc_isa isa) noexcept
    size_t fc_kind_size(fc_kind kind) noexcept
    int fc_kind_planes(fc_kind kind) noexcept

    ctypedef void fc_pack_fn(void *dst, const char *src, ptrdiff_t step_bytes,
                             ptrdiff_t n) noexcept
    fc_pack_fn *fc_pack_find(fc_memory_type source, fc_kind to) noexcept
    ctypedef struct fc_reader:
        fc_pack_fn *pack
        int swapped
        int planes
        ptrdiff_t imag_bytes
        ptrdiff_t real_bytes
        ptrdiff_t number_bytes
        char fill[2][16]
        int fill_is_zero
        int same
    ctypedef struct fc_axis:
        ptrdiff_t length
        ptrdiff_t upsample
        ptrdiff_t step_bytes
        int mode
    ptrdiff_t fc_source_index(ptrdiff_t i, ptrdiff_t n, int mode) noexcept
    void fc_fill_run(const fc_reader *r, char *re, char *im, ptrdiff_t n) noexcept
    void fc_read_run(const fc_reader *r, char *re, char *im, const char *src,
                     ptrdiff_t step_bytes, ptrdiff_t n) noexcept
    void fc_gather(const fc_reader *r, char *re, char *im, const char *row, const fc_axis *axis,
                   ptrdiff_t first, ptrdiff_t stride, ptrdiff_t n) noexcept
    void fc_gather_rows(const fc_reader *r, char *re, char *im, ptrdiff_t pitch, const char *plane,
                        const fc_axis *row, ptrdiff_t first_row, ptrdiff_t row_stride,
                        ptrdiff_t rows, const fc_axis *col, ptrdiff_t first_col,
                        ptrdiff_t col_stride, ptrdiff_t cols) noexcept
    void fc_gather_channels(const fc_reader *r, char *dst, ptrdiff_t pitch, const char *row,
                            const fc_axis *axis, ptrdiff_t first, ptrdiff_t stride, ptrdiff_t n,
                            ptrdiff_t channels) noexcept
    void fc_gather_turned(const fc_reader *r, fc_to_last *turn, int lanes, char *dst, ptrdiff_t pitch,
                          const char *row, ptrdiff_t channel_bytes, const fc_axis *axis, ptrdiff_t first,
                          ptrdiff_t stride, ptrdiff_t n, ptrdiff_t channels) noexcept
    void fc_copy_run(char *dst, const char *src, ptrdiff_t step_bytes, ptrdiff_t n,
                     ptrdiff_t size) noexcept
    void fc_pack_weights(char *dst, const char *w, const ptrdiff_t *row_bytes,
                         const ptrdiff_t *woff_bytes, ptrdiff_t taps, int mr,
                         int width, ptrdiff_t size) noexcept
    void fc_window_row(ptrdiff_t taps, const ptrdiff_t *off, const double *w, const double *x, double *sum,
                       ptrdiff_t n) noexcept
    void fc_window_differences(int axes, const ptrdiff_t *step, const double *x, double *sum, ptrdiff_t n) noexcept
    void fc_window_store(char *to, ptrdiff_t step_bytes, fc_memory_type type, const double *src, ptrdiff_t n,
                         int whole) noexcept
    int fc_all_finite(fc_kind kind, const void *numbers, ptrdiff_t n) noexcept

    ctypedef void fc_finish_fn(char *out, ptrdiff_t step_bytes, const void *re, const void *im,
                               ptrdiff_t n, const void *bias, int activation) noexcept
    fc_finish_fn *fc_finish_find(fc_kind source, fc_memory_type to) noexcept

    ctypedef struct fc_volume:
        int nd
        ptrdiff_t size[3]
        ptrdiff_t step_bytes[3]
    ctypedef void fc_corners_fn(void *weights, ptrdiff_t *offsets, const fc_volume *v,
                                const void *pos, ptrdiff_t n) noexcept
    ctypedef void fc_sample_fn(void *dst, const char *x, const void *weights,
                               const ptrdiff_t *offsets, const void *mask, int corners,
                               ptrdiff_t n) noexcept
    fc_corners_fn *fc_corners_find(fc_kind kind) noexcept
    fc_sample_fn *fc_sample_find(fc_kind kind) noexcept

    void fc_store_whole(char *to, ptrdiff_t to_step, fc_memory_type type, const char *from_, ptrdiff_t from_step,
                        ptrdiff_t n, int shift, int add) noexcept
    unsigned long long fc_peak(const char *x, ptrdiff_t step, fc_memory_type type, ptrdiff_t n) noexcept
    void fc_load_whole(double *to, const char *x, ptrdiff_t step, ptrdiff_t n) noexcept
    void *fc_scratch(size_t bytes) noexcept
    void *fc_keep_malloc(void *context, size_t n) noexcept
    void *fc_keep_calloc(void *context, size_t count, size_t size) noexcept
    void *fc_keep_realloc(void *context, void *p, size_t n) noexcept
    void fc_keep_free(void *context, void *p, size_t n) noexcept
    size_t fc_keep_most(size_t nbytes) noexcept
    size_t fc_keep_limit() noexcept
    size_t fc_keep_held() noexcept
    double fc_now() noexcept
    void fc_prefetch(const void *at, ptrdiff_t nbytes, int write) noexcept

cdef extern from "kernels/fc_region.h" nogil:
    const int fc_openmp
    ctypedef struct fc_share:
        ptrdiff_t item
        ptrdiff_t end
        bint caller
    ctypedef void fc_task(void *job, void *call, void *team, fc_share *share) noexcept
    bint fc_next(fc_share *share) noexcept
    void fc_run(fc_task *task, void *job, void *call, void *team, ptrdiff_t items, ptrdiff_t chunk,
                int threads) noexcept
