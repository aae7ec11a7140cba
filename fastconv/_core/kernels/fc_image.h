/* Contracts of the image microkernels: one filter over rows that are found through a table of pointers. */
#ifndef FC_IMAGE_H
#define FC_IMAGE_H

#include "fc_kernels.h"

/* ---- image tile ---------------------------------------------------------------------------
 * c[r * ldc + p] (+)= sum over planes z, i < kh, s < kw of
 *                    rows[z * plane_rows + r + i][at + s + p] * w[(z * kw + s) * kh + i]
 * for r < rows of the tile, p < nv * lanes; kh >= rows - 1. Rows may be any memory: borders are entries of the
 * table. A row of the table serves kernels of its kh rows and kw columns, any where that is 0. */
typedef struct {
    ptrdiff_t planes, plane_rows, kh, kw;
} fc_image_taps;
typedef enum {
    FC_IMAGE_STORE,
    FC_IMAGE_ADD,   /* to what is there */
    FC_IMAGE_STREAM /* past the caches; c and ldc are multiples of a vector */
} fc_image_write;
typedef void fc_image_ukr(const fc_image_taps *taps, const void *const *rows, ptrdiff_t at, const void *w,
                          void *c, ptrdiff_t ldc, int write);
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
typedef struct {
    const char *name;
    fc_kind kind;
    int lanes;
    fc_line_ukr *run;
} fc_line_row;
const fc_line_row *fc_line_rows(fc_isa isa, int *count);

void fc_fence(void); /* makes streamed stores visible */

#endif
