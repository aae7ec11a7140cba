/* Contracts between the Cython drivers and the C microkernels.
 *
 * Nothing here knows Python.  "Planes": a real number type has one plane of numbers, a complex one
 * has two (real, imaginary), kept apart in the workspace so that one vector holds one kind.
 * All sizes are ptrdiff_t; a name that ends in _bytes counts bytes, every other counts elements.
 */
#ifndef FC_KERNELS_H
#define FC_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* Element types as they lie in the caller's memory (real part of a complex type). */
typedef enum {
    FC_BOOL, FC_I8, FC_U8, FC_I16, FC_U16, FC_I32, FC_U32, FC_I64, FC_U64,
    FC_F16, FC_BF16, FC_F32, FC_F64, FC_LD, FC_MEMORY_TYPES
} fc_memory_type;

/* Number types that the tap microkernels compute in. Integers wrap, so unsigned serve signed. */
typedef enum {
    FC_KIND_BOOL, FC_KIND_U8, FC_KIND_U16, FC_KIND_U32, FC_KIND_U64,
    FC_KIND_F32, FC_KIND_F64, FC_KIND_LD, FC_KIND_C32, FC_KIND_C64, FC_KIND_CLD,
    FC_KIND_MAX_I8, FC_KIND_MAX_U8, FC_KIND_MAX_I16, FC_KIND_MAX_U16, FC_KIND_MAX_I32,
    FC_KIND_MAX_U32, FC_KIND_MAX_I64, FC_KIND_MAX_U64, FC_KIND_MAX_F32, FC_KIND_MAX_F64,
    FC_KIND_MAX_LD, FC_KINDS
} fc_kind;

typedef enum { FC_ISA_BASELINE, FC_ISA_AVX2, FC_ISA_AVX512, FC_ISA_NEON, FC_ISAS } fc_isa;

typedef enum {
    FC_ACT_NONE, FC_ACT_RELU, FC_ACT_RELU6, FC_ACT_LEAKY_RELU, FC_ACT_SILU, FC_ACT_GELU,
    FC_ACT_SIGMOID, FC_ACT_TANH
} fc_activation;

typedef enum {
    FC_PAD_FILL, FC_PAD_REFLECT, FC_PAD_SYMM, FC_PAD_REPLICATE, FC_PAD_CIRCULAR
} fc_pad_mode;

/* ---- small windows (window.c) -----------------------------------------------------------
 * sum[i] = sum over t < taps of x[off[t] + i] * w[t], in that order, for i < n. */
void fc_window_row(ptrdiff_t taps, const ptrdiff_t *off, const double *w, const double *x, double *sum, ptrdiff_t n);
/* The sum over axes of the second differences of samples step[axis] apart, axis by axis. */
void fc_window_differences(int axes, const ptrdiff_t *step, const double *x, double *sum, ptrdiff_t n);
/* Sums as numbers of the type: fractions are cut off, what is too large wraps as C's integers do; whole: modulo 2^n. */
void fc_window_store(char *to, ptrdiff_t step_bytes, fc_memory_type type, const double *from, ptrdiff_t n, int whole);

/* ---- tap microkernel --------------------------------------------------------------------
 * c[i][p] (+)= sum over t < taps of x[off[t] + p] * w[t * mr + i]   for i < mr, p < pixels
 * One table of taps serves every rank, stride, dilation and the transposed convolution: the
 * driver has laid the samples out so that the pixels of a tile are neighbours.
 * x may be read up to off[t] + pixels - 1; complex x: imaginary plane at x + im.
 * w: mr weights per tap, complex ones interleaved.  c: mr rows of ldc (complex: re row, im row).
 * The max kinds ignore w and keep the larger (a NaN stays). Pixels = nv * lanes, always whole. */
typedef void fc_tap_ukr(ptrdiff_t taps, const int32_t *off, const void *x, ptrdiff_t im,
                        const void *w, void *c, ptrdiff_t ldc, int accumulate);

/* c[i][p] = bias[i] + sum over t < taps: no running sums. bias may be NULL. ldw: 0, or the weight of tap t is
 * w[i * ldw + t]. Real floats, else NULL. */
typedef void fc_tap_store(ptrdiff_t taps, const int32_t *off, const void *x, const void *w, ptrdiff_t ldw,
                          const void *bias, void *c, ptrdiff_t ldc);

typedef struct {
    const char *name;
    fc_kind kind;
    int mr, nv, lanes;
    fc_tap_ukr *run;
    fc_tap_store *store;
} fc_tap_row;

/* All rows that an ISA has; count is 0 where it was not compiled. */
const fc_tap_row *fc_tap_rows(fc_isa isa, int *count);
int fc_isa_compiled(fc_isa isa);

/* ---- channel-lane microkernel ------------------------------------------------------------
 * c[p][k] (+)= sum over t < taps of x[off[t] + p * step] * w[t][k] for p < pixels, k < nv * lanes
 * w holds nv * lanes numbers a row, rows of c begin ldc numbers apart; bias: as many numbers, added too, or NULL.
 * `unit` is the same for step 1. Real floats only.
 * points: pixel p at at[p] rather than p * step. A row of the table has either points or the other two. */
typedef void fc_chan_ukr(ptrdiff_t taps, const int32_t *off, const void *x, ptrdiff_t step,
                         const void *w, void *c, ptrdiff_t ldc, const void *bias, int accumulate);
typedef void fc_chan_points(ptrdiff_t taps, const int32_t *off, const void *x, const int32_t *at,
                            const void *w, void *c, ptrdiff_t ldc, const void *bias, int accumulate);
/* dst[k * ld + p] = c[p * width + k] + bias[k] (bias may be NULL), and dst[p * ld + k], c itself among them */
typedef void fc_chan_store(void *dst, ptrdiff_t ld, const void *c, ptrdiff_t width,
                           ptrdiff_t pixels, ptrdiff_t channels, const void *bias);
/* As fc_pack_weights, for width a multiple of lanes; tap t becomes the one of number place[t] (NULL: t). 1 where
 * all weights are finite. */
typedef int fc_chan_pack(void *dst, const char *w, const ptrdiff_t *row_bytes, const ptrdiff_t *woff_bytes,
                         const ptrdiff_t *place, ptrdiff_t taps, int mr, int width);
/* dst[p * rows + r] = src[r * ld + p] for p < n, r < rows; rows: 2 or 4 */
typedef void fc_chan_weave(void *dst, const void *src, ptrdiff_t ld, ptrdiff_t rows, ptrdiff_t n);
typedef struct {
    const char *name;
    fc_kind kind;
    int pixels, nv, lanes;
    fc_chan_ukr *unit, *steps;
    fc_chan_points *points;
    fc_chan_store *store, *rows;
    fc_chan_pack *pack;
    fc_chan_weave *weave;
} fc_chan_row;
const fc_chan_row *fc_chan_rows(fc_isa isa, int *count);

/* ---- indirect microkernel ----------------------------------------------------------------
 * c[p][k] (+)= sum over t < taps, first <= i < end of at[t * pixels + p][i] * w[t][i - first][k] for
 * p < pixels, k < nv * lanes; `at`: pointers to runs of channels. skip: numbers of w left out after each
 * tap. Rows of c begin ldc numbers apart; bias: as many numbers as a row, added too, or NULL. */
typedef void fc_indirect_ukr(ptrdiff_t taps, ptrdiff_t first, ptrdiff_t end, const void *const *at,
                             const void *w, ptrdiff_t skip, void *c, ptrdiff_t ldc, const void *bias,
                             int accumulate);
typedef struct {
    const char *name;
    fc_kind kind;
    int pixels, nv, lanes;
    fc_indirect_ukr *run;
} fc_indirect_row;
const fc_indirect_row *fc_indirect_rows(fc_isa isa, int *count);

/* ---- row microkernel ---------------------------------------------------------------------
 * c[r][p] (+)= bias + sum over planes z, s < kw, i < kh of
 *              x[plane_x[z] + (r + i) * pitch + off[s] + p] * w[plane_w[z] + s * kh + i]
 * for r < groups * rows, p < nv * lanes, but the last vector begins at p = last (last >= (nv - 2) * lanes,
 * so vectors may overlap where nothing is accumulated). bias: one number or NULL. A row of the table is for
 * kernels of its kh rows, or, where that is 0, for any kh >= rows. Real floats only. */
typedef struct {
    ptrdiff_t planes;
    const int32_t *plane_x, *plane_w;
    ptrdiff_t kh, kw;
    const int32_t *off;
    ptrdiff_t pitch;
} fc_row_taps;
typedef void fc_row_ukr(const fc_row_taps *taps, ptrdiff_t groups, const void *x, const void *w,
                        const void *bias, void *c, ptrdiff_t ldc, ptrdiff_t last, int accumulate);
typedef struct {
    const char *name;
    fc_kind kind;
    int kh, rows, nv, lanes;
    fc_row_ukr *run;
} fc_row_row;
const fc_row_row *fc_row_rows(fc_isa isa, int *count);

size_t fc_kind_size(fc_kind kind);  /* bytes of one number in one plane */
int fc_kind_planes(fc_kind kind);

/* ---- reading the caller's samples into the workspace ------------------------------------- */
/* dst[i] = (compute type) src[i * step_bytes], any alignment, native byte order. */
typedef void fc_pack_fn(void *dst, const char *src, ptrdiff_t step_bytes, ptrdiff_t n);
fc_pack_fn *fc_pack_find(fc_memory_type from, fc_kind to);

typedef struct {
    fc_pack_fn *pack;
    int swapped;              /* the caller's byte order is not this machine's */
    int planes;               /* planes wanted: 1 or 2 */
    ptrdiff_t imag_bytes;     /* where the imaginary part lies, 0 for a real source */
    ptrdiff_t real_bytes;     /* bytes of one real number in the caller's memory */
    ptrdiff_t number_bytes;   /* bytes of one number in a plane */
    char fill[2][16];         /* what lies outside, per plane, as the compute type */
    int fill_is_zero;
    int same;                 /* one plane of the caller's own numbers, of 4 or 8 bytes: a plain copy */
} fc_reader;

typedef struct {
    ptrdiff_t length;         /* samples along the axis, after nearest-neighbour upsampling */
    ptrdiff_t upsample;       /* 1, or how often each sample is repeated */
    ptrdiff_t step_bytes;
    int mode;                 /* fc_pad_mode */
} fc_axis;

/* Index of sample i of a padded axis, or -1 for the fill value; any i, any length >= 1. */
ptrdiff_t fc_source_index(ptrdiff_t i, ptrdiff_t n, int mode);
void fc_fill_run(const fc_reader *r, char *re, char *im, ptrdiff_t n);
void fc_read_run(const fc_reader *r, char *re, char *im, const char *src, ptrdiff_t step_bytes,
                 ptrdiff_t n);
/* n samples at virtual positions first, first + stride, ... of one row. */
void fc_gather(const fc_reader *r, char *re, char *im, const char *row, const fc_axis *axis,
               ptrdiff_t first, ptrdiff_t stride, ptrdiff_t n);
/* A rectangle: rows at first_row, first_row + row_stride, ... of a plane (NULL: all fill), each a run of
 * columns as fc_gather's, `pitch` numbers apart. */
void fc_gather_rows(const fc_reader *r, char *re, char *im, ptrdiff_t pitch, const char *plane,
                    const fc_axis *row, ptrdiff_t first_row, ptrdiff_t row_stride, ptrdiff_t rows,
                    const fc_axis *col, ptrdiff_t first_col, ptrdiff_t col_stride,
                    ptrdiff_t cols);
/* The same where a sample is `channels` neighbouring numbers: dst[q * pitch + c], one plane. */
void fc_gather_channels(const fc_reader *r, char *dst, ptrdiff_t pitch, const char *row,
                        const fc_axis *axis, ptrdiff_t first, ptrdiff_t stride, ptrdiff_t n,
                        ptrdiff_t channels);
/* to[p * to_col + c] = x[c * plane + p] for p < n, c < lanes; n >= lanes. Planes become runs of channels. */
typedef void fc_to_last(void *to, ptrdiff_t to_col, const void *x, ptrdiff_t plane, ptrdiff_t n);
/* As fc_gather_channels for channels that lie channel_bytes apart; lanes: those that turn takes. */
void fc_gather_turned(const fc_reader *r, fc_to_last *turn, int lanes, char *dst, ptrdiff_t pitch,
                      const char *row, ptrdiff_t channel_bytes, const fc_axis *axis, ptrdiff_t first,
                      ptrdiff_t stride, ptrdiff_t n, ptrdiff_t channels);
/* Raw copy of n elements of size bytes each, dst contiguous. */
void fc_copy_run(char *dst, const char *src, ptrdiff_t step_bytes, ptrdiff_t n, ptrdiff_t size);
/* Weights: dst[t * width + i] = w[row i][woff[t]] for t < taps, i < mr, zeros up to width; size bytes
 * an element. */
void fc_pack_weights(char *dst, const char *w, const ptrdiff_t *row_bytes,
                     const ptrdiff_t *woff_bytes, ptrdiff_t taps, int mr, int width,
                     ptrdiff_t size);

/* 1 where none of n numbers is NaN or infinite (integers never are). */
int fc_all_finite(fc_kind kind, const void *numbers, ptrdiff_t n);

/* ---- writing the result ------------------------------------------------------------------
 * out[p * step_bytes] = activation(c[p] + bias), converted to the result type. */
typedef void fc_finish_fn(char *out, ptrdiff_t step_bytes, const void *re, const void *im,
                          ptrdiff_t n, const void *bias, int activation);
fc_finish_fn *fc_finish_find(fc_kind from, fc_memory_type to);

/* ---- deformable sampling ----------------------------------------------------------------
 * corners: for n positions (pos: nd rows of n, in double, long double for long double) the weights
 * and byte offsets of their 2^nd neighbours, [corner][n].  sample: dst[p] = mask[p] * sum over
 * corners; x holds the compute type's own numbers, mask may be NULL. */
typedef struct {
    int nd;
    ptrdiff_t size[3];
    ptrdiff_t step_bytes[3];
} fc_volume;
typedef void fc_corners_fn(void *weights, ptrdiff_t *offsets, const fc_volume *v, const void *pos,
                           ptrdiff_t n);
typedef void fc_sample_fn(void *dst, const char *x, const void *weights, const ptrdiff_t *offsets,
                          const void *mask, int corners, ptrdiff_t n);
fc_corners_fn *fc_corners_find(fc_kind kind);
fc_sample_fn *fc_sample_find(fc_kind kind);

/* ---- depthwise layers ----------------------------------------------------------------------
 * One plane of h x w numbers laid out for row tiles: rows and columns sorted by phase of the stride, each
 * packed row `pitch` numbers. Packed row i of row phase a holds row first + i * stride_h + a - top, lane j
 * of column phase b column j * stride_w + b - left. What lies outside is left as it is (the caller has
 * zeroed it once) but for rows above and below, zeroed if `zeros`, and so are phases that no tap meets. */
typedef struct {
    ptrdiff_t h, w, x_row;            /* x_row: numbers from row to row */
    ptrdiff_t top, left, stride_h, stride_w;
    ptrdiff_t phase_rows, phase_cols; /* packed rows of a row phase, lanes of a column phase */
    ptrdiff_t pitch;                  /* stride_w * phase_cols */
    const char *row_met, *col_met;    /* of every phase: whether a tap meets it */
    int zeros;
} fc_plane_layout;
typedef void fc_plane_pack(const fc_plane_layout *d, const void *x, void *buf, ptrdiff_t first);
/* rows of n numbers, exactly: nothing beyond them is written */
typedef void fc_rows_copy(void *to, ptrdiff_t to_row, const void *from, ptrdiff_t from_row,
                          ptrdiff_t rows, ptrdiff_t n);
/* Rows of outputs of a plane that is read where it lies, taps x taps (3, 5 or 7) at stride 1: for r < count, q < cols
 * y[r * out_row + q] = bias + sum over s, i < taps of rows[r + i][q + s] * w[s * taps + i]
 * rows: count + taps - 1 pointers to what lies under the first tap of the first column. cols >= lanes; only the first
 * and the last vector of a row may reach beyond it: mask[0], mask[1] say, for each of the taps, which of their lanes
 * count (all bits set, or none); left, right: by how many. */
typedef struct {
    ptrdiff_t cols, left, right, out_row;
    int taps;
    const void *mask[2];
} fc_place;
typedef void fc_place_rows(const fc_place *d, ptrdiff_t count, const void *const *rows, const void *w,
                           const void *bias, void *y);
/* The same of 3 x 3 taps where lanes are channels: pixels lie step numbers apart, rows of y cols * step, weights w_tap
 * from tap to tap, row by row; rows point at the first column of the plane, which has w. One vector of channels. */
typedef struct {
    ptrdiff_t w, cols, left, step, w_tap;
} fc_turned;
typedef void fc_turned_rows(const fc_turned *d, ptrdiff_t count, const void *const *rows, const void *w,
                            const void *bias, void *y);
/* One row of outputs whose channels are neighbours in memory: for q < cols, k < channels
 * out[q * out_col + k] = bias[k] + sum over r < rows, s < kw of
 *                        x[row_x[r] + (q * stride + s * dilation - left) * x_col + k] * w[row_w[r] + s * w_tap + k]
 * where a column outside 0 .. w - 1 counts as nothing. channels >= lanes. crowded: pixels fall into few sets of the
 * first-level cache, so that lines are used up at once. */
typedef struct {
    int crowded;
    ptrdiff_t channels, w, cols, kw, stride, dilation, left, x_col, out_col, w_tap, w_vector;
    ptrdiff_t rows;
    const ptrdiff_t *row_x, *row_w;
} fc_last_row;
typedef void fc_last_ukr(const fc_last_row *d, const void *x, const void *w, const void *bias,
                         void *out);
/* The same for groups of `side` channels and as many filters, side 2 or 4 and <= lanes: out[..][k] is the sum over i
 * < side of x[..][k / side * side + i] * w[v * w_vector + row_w[r] + s * w_tap + i * lanes + k - first of v], where vector v
 * of filters begins with filter min(v * lanes, channels - lanes). channels: whole groups. */
typedef void fc_last_groups(const fc_last_row *d, int side, const void *x, const void *w, const void *bias,
                            void *out);
/* A few rows of outputs of K x K taps (kernel: 3, 5 or 7) at stride 1, whose channels are neighbours in memory: for r < rows <=
 * FC_SQUARE_ROWS, q < cols, k < channels
 * y[r * out_row + q * out_col + k] = bias[k] + sum over p < planes, i, s < K of
 *     x[plane_x[p] + (r + i) * x_row + (q + s - left) * x_col + k] * w[v * lanes * taps + plane_w[p] + (i * K + s) * lanes + l]
 * where a row i outside lo .. hi - 1 or a column outside 0 .. w - 1 counts as nothing. k = l + max(0, min(v * lanes - back,
 * channels - lanes)), l < lanes, first <= v < end: vectors of channels may overlap. block: vectors worked off at a time. */
#define FC_SQUARE_ROWS 4
typedef struct {
    ptrdiff_t channels, first, end, back, block, w, cols, left, taps, x_col, x_row, out_col, out_row;
    ptrdiff_t planes;
    const ptrdiff_t *plane_x, *plane_w;
} fc_square;
typedef void fc_square_rows(const fc_square *d, int kernel, ptrdiff_t rows, ptrdiff_t lo, ptrdiff_t hi, const void *x,
                            const void *w, const void *bias, void *y);
/* The way back, for first <= c. */
typedef void fc_to_planes(void *to, ptrdiff_t plane, const void *x, ptrdiff_t x_col, ptrdiff_t n,
                          int first);
typedef struct {
    const char *name;
    fc_kind kind;
    int lanes;
    fc_plane_pack *pack;
    fc_place_rows *place;
    fc_rows_copy *copy;
    fc_last_ukr *last;
    fc_last_groups *groups;
    fc_to_last *to_last;
    fc_to_planes *to_planes;
    fc_turned_rows *turned;
    fc_square_rows *square;
} fc_depthwise_row;
const fc_depthwise_row *fc_depthwise_rows(fc_isa isa, int *count);

/* ---- Winograd transforms -------------------------------------------------------------------
 * A vector holds `lanes` neighbouring channels; steps count numbers. points[i]: 1 (the axis is left as it is),
 * 4, 6 or 8 along axis i; outs[i]: 1, 2, 4 or 6. At most FC_WINO_POINTS points in all.
 * in: v[p * xi + lane] = transform of x[sum of i * step[] + lane].
 * out: y[sum of j * step[] + lane] = activation(bias[lane] + inverse transform of m[p * xi + lane]), bias may
 * be NULL, activation 0 or 1 (relu); check, a vector, takes the sum of all results before that.
 * edge: to[p * lanes + lane] = x, or zero where an index is outside low .. high - 1.
 * clip: y[sum of j * step[] + lane] = from[..] for j < count[], from: outs[] vectors. */
#define FC_WINO_POINTS 256
#define FC_WINO_COLUMNS 256
typedef void fc_wino_in(const int *points, const void *x, const ptrdiff_t *step, void *v, ptrdiff_t xi);
typedef void fc_wino_out(const int *points, const int *outs, const void *m, ptrdiff_t xi, void *y,
                         const ptrdiff_t *step, const void *bias, int activation, void *check);
typedef void fc_wino_edge(const int *points, const ptrdiff_t *low, const ptrdiff_t *high,
                          const void *x, const ptrdiff_t *step, void *to);
typedef void fc_wino_clip(const int *outs, const ptrdiff_t *count, const void *from, void *y,
                          const ptrdiff_t *step);
/* u[p * xi + (z * channels + c) * width + k] = transform of the taps w[k * filter + (c * deep + z) * taps + t]
 * for k < width, a multiple of `lanes`; in double, rounded once. channels * taps >= lanes. 0: not all are finite */
typedef struct {
    int points[3], taps[3];
    const double *matrix[3];          /* points x taps */
    ptrdiff_t width, channels, deep, filter, xi;
} fc_wino_weights;
typedef int fc_wino_pack(const fc_wino_weights *d, const void *w, void *u);
typedef struct {
    const char *name;
    fc_kind kind;
    int lanes;
    fc_wino_in *in;
    fc_wino_out *out;
    fc_wino_edge *edge;
    fc_wino_clip *clip;
    fc_wino_pack *weights;
    fc_to_last *to_last;
    fc_to_planes *to_planes;
} fc_winograd_row;
const fc_winograd_row *fc_winograd_rows(fc_isa isa, int *count);

/* Whole numbers computed in float64, back to integers: to = nearest(from) * 2^shift modulo 2^n, or added to what is there.
 * |from| < 2^51; steps in bytes; from and to may be the same memory. */
void fc_store_whole(char *to, ptrdiff_t to_step, fc_memory_type type, const char *from, ptrdiff_t from_step, ptrdiff_t n,
                    int shift, int add);
/* The largest magnitude; of integers of 8 bytes a number that is no smaller, and at most twice as large and 1. */
uint64_t fc_peak(const char *x, ptrdiff_t step, fc_memory_type type, ptrdiff_t n);
/* Integers of 8 bytes below 2^51 as float64. */
void fc_load_whole(double *to, const char *x, ptrdiff_t step, ptrdiff_t n);

/* ---- workspace ---------------------------------------------------------------------------
 * Scratch of the calling thread: grows, is reused, freed when the thread ends. NULL: no memory. */
void *fc_scratch(size_t bytes);
/* Fresh memory for free(), aligned to 64 bytes, and to 2 MB pages when large. NULL: no memory. */
void *fc_pages(size_t bytes);
/* Memory of results, kept for the next ones: a memory handler of NumPy. The context is not used. */
void *fc_keep_malloc(void *context, size_t n);
void *fc_keep_calloc(void *context, size_t count, size_t size);
void *fc_keep_realloc(void *context, void *p, size_t n);
void fc_keep_free(void *context, void *p, size_t n);
/* Lets so many bytes be kept, and says how many it was before; how many may be, and are. */
size_t fc_keep_most(size_t bytes);
size_t fc_keep_limit(void);
size_t fc_keep_held(void);
double fc_now(void);  /* seconds of a monotonic clock */
/* Asks for memory that is read soon, into the L2 cache, or written; any address will do. */
static inline void fc_prefetch(const void *at, ptrdiff_t bytes, int write)
{
    for (const char *p = (const char *)at; p < (const char *)at + bytes; p += 64) {
        if (write)
            __builtin_prefetch(p, 1);
        else
            __builtin_prefetch(p, 0, 2);
    }
}

#endif
