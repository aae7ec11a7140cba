/* Contracts of the image microkernels: one filter over rows that are found through a table of pointers. */
#ifndef FC_IMAGE_H
#define FC_IMAGE_H

#include "fc_kernels.h"

/* ---- image tile ---------------------------------------------------------------------------
 * c[r * ldc + p] (+)= sum over planes z, i < kh, s < kw of
 *                    rows[z * plane_rows + r + i][at + s + p] * w[(z * kw + s) * kh + i]
 * for r < rows of the tile, p < nv * lanes, and so for `count` tiles side by side; kh >= rows - 1. Rows may be any
 * memory: borders are entries of the table. Accumulating is for one tile. A row of the table of microkernels serves
 * kernels of its kh rows and kw columns, any where that is 0. */
typedef struct {
    ptrdiff_t planes, plane_rows, kh, kw;
} fc_image_taps;
typedef enum {
    FC_IMAGE_STORE,
    FC_IMAGE_ADD,   /* to what is there */
    FC_IMAGE_STREAM /* past the caches; c and ldc are multiples of a vector */
} fc_image_write;
typedef void fc_image_ukr(const fc_image_taps *taps, const void *const *rows, ptrdiff_t at, const void *w,
                          void *c, ptrdiff_t ldc, ptrdiff_t count, int write);
typedef struct {
    const char *name;
    fc_kind kind;
    int kh, kw, rows, nv, lanes;
    fc_image_ukr *run;
} fc_image_row;
const fc_image_row *fc_image_rows(fc_isa isa, int *count);

/* ---- one row by one row of taps -------------------------------------------------------------
 * y[p] (+)= sum over t < taps of x[p + t] * w[t] for p < n, n >= lanes. x may be read up to n + taps - 1. */
typedef void fc_line_ukr(ptrdiff_t taps, const void *x, const void *w, void *y, ptrdiff_t n, int write);
/* y[p] = sum over t < taps of (sample p under tap t) * w[t] for p < n, in the order and, in float64, the rounding of
 * SciPy's correlate1d: symmetry 1: the middle tap, then pairs (a + b) * w[t] of taps t and taps - 1 - t, from the
 * outermost on; -1: differences; 0: tap by tap, the last one first. Where n is less than a vector, rows and y have room
 * for one. float32: symmetry -1 alone. Floats only, else NULL. */
typedef struct {
    ptrdiff_t taps;
    int symmetry;
    const void *w;
    const void *const *rows; /* of the samples, which begin at index `at` of each; or NULL: */
    ptrdiff_t at;
    const void *x; /* samples, those under tap t from x + t * step on */
    ptrdiff_t step;
    void *y;
} fc_ordered;
typedef void fc_ordered_ukr(const fc_ordered *what, ptrdiff_t n, int write);
/* The values as C casts them to a memory type, which SciPy leaves the rounding to integers to; to advances by step
 * bytes. float64 only, else NULL. */
typedef void fc_cast(void *to, ptrdiff_t step, fc_memory_type type, const double *values, ptrdiff_t n);
/* y[r * y_step + p] = sum over t < taps of rows[r + t][at + p] * w[t] for r < count, p < n, n >= lanes, where
 * w[taps - 1 - t] is w[t] (sign 1) or -w[t] (sign -1); only the first half of w is read, and the middle.
 * again: whether what overflows in a sum of two samples is computed again. scratch: FC_PAIR_SCRATCH(count, taps) bytes.
 * Floats only, else NULL. */
#define FC_PAIR_PANEL 256 /* bytes of a row that are filtered together */
#define FC_PAIR_ROWS 6
#define FC_PAIR_SCRATCH(count, taps) (((count) + 2 * FC_PAIR_ROWS + (taps)) * FC_PAIR_PANEL)
typedef void fc_pair_columns(ptrdiff_t taps, int sign, int again, const void *const *rows, ptrdiff_t at, const void *w,
                             void *y, ptrdiff_t y_step, ptrdiff_t count, ptrdiff_t n, void *scratch);
/* y[r * y_step + p] = sum over t < taps of x[r * x_step + p + t] * w[t] for such taps, r < count, p < n, n >= lanes.
 * scratch: as for FC_PAIR_COLUMNS rows. */
#define FC_PAIR_COLUMNS 256
typedef void fc_pair_lines(ptrdiff_t taps, int sign, int again, const void *x, ptrdiff_t x_step, const void *w, void *y,
                           ptrdiff_t y_step, ptrdiff_t count, ptrdiff_t n, void *scratch);
/* Running sums down the columns, and y[p] = sum over t < taps of x[p + t * step] / divisor for p < n. x, nears and fars
 * have room for FC_BOX_SLACK numbers after n + taps * step. Floats only, else NULL. */
#define FC_BOX_SLACK 64
typedef struct {
    ptrdiff_t taps, near, far, step; /* step: numbers from a tap to the next */
    const void *x;
    void *nears, *fars; /* for sums of near samples, of far such sums; x, nears where near, far are 1 */
    double divisor;
} fc_box;
typedef void fc_box_add(void *sums, const void *add, const void *sub, ptrdiff_t n);
typedef void fc_box_line(const fc_box *box, void *y, ptrdiff_t n);
/* The widths for which there are the fewest loads and stores. */
static inline void fc_box_widths(fc_box *box)
{
    const ptrdiff_t taps = box->taps, most = taps < 16 ? taps / 2 : 8, most_far = taps > 32 ? 8 : 1;
    ptrdiff_t best = taps;
    box->near = box->far = 1;
    for (ptrdiff_t near = 2; near <= most; near++)
        for (ptrdiff_t far = 1; far <= most_far; far++) {
            const ptrdiff_t rest = taps % (near * far);
            const ptrdiff_t cost = near + 1 + (far > 1 ? far + 1 : 0) + taps / (near * far) + rest / near + rest % near;
            if (cost < best) {
                best = cost;
                box->near = near;
                box->far = far;
            }
        }
}
typedef struct {
    const char *name;
    fc_kind kind;
    int lanes;
    fc_line_ukr *run;
    fc_box_add *box_add;
    fc_box_line *box_line;
    fc_ordered_ukr *ordered;
    fc_cast *cast;
    fc_pair_columns *pair_columns;
    fc_pair_lines *pair_lines;
} fc_line_row;
const fc_line_row *fc_line_rows(fc_isa isa, int *count);

void fc_fence(void);                       /* makes streamed stores visible */
int fc_resident(const void *at, size_t n); /* 0 where the last page has never been touched */

#endif
