/* Contracts of the filters along one axis: recursive (iir_ukr.c), polyphase (dot_ukr.c), direct (fir_ukr.c).
 *
 * As in fc_kernels.h: nothing knows Python, names in _bytes count bytes, all others count numbers.
 */
#ifndef FC_FILTERS_H
#define FC_FILTERS_H

#include "fc_kernels.h"

/* ---- recursive filters --------------------------------------------------------------------
 * Sections in a row, each in transposed direct form II of the same order p:
 *     y = b0 u + z[0];  z[i] = (z[i + 1] + b[i + 1] u) - a[i + 1] y for i < p, z[p] = 0;  u of the next = y
 * for nv vectors of channels (or nv single channels, where lanes is 1). Sample i of vector v lies at
 * x[at[v] + i * x_step], its result at y[at[v] + i * y_step]; y may be x.
 * coef: per section b0, b1, a1, b2, a2, ..., each repeated `lanes` times; state: z by vector, section, i.
 * order 0 in the table: any order of at least 2, then given by `order`. */
typedef void fc_iir_ukr(ptrdiff_t order, ptrdiff_t n, const void *x, const ptrdiff_t *x_at,
                        ptrdiff_t x_step, void *y, const ptrdiff_t *y_at, ptrdiff_t y_step,
                        const void *coef, void *state);
typedef struct {
    const char *name;
    fc_kind kind;
    int sections, order, nv, lanes;
    fc_iir_ukr *run;
} fc_iir_row;
const fc_iir_row *fc_iir_rows(fc_isa isa, int *count);

/* One vector of channels in and out of a block: buf[i * width + l] = x[at[l] + i * step] for i < n,
 * l < lanes; and y[at[l] + i * step] = buf[i * width + l] for l < channels. */
typedef void fc_lanes_in(void *buf, ptrdiff_t width, const void *x, const ptrdiff_t *at,
                         ptrdiff_t step, ptrdiff_t n);
typedef void fc_lanes_out(void *y, const ptrdiff_t *at, ptrdiff_t step, const void *buf,
                          ptrdiff_t width, ptrdiff_t n, int channels);
typedef struct {
    const char *name;
    fc_kind kind;
    int lanes;
    fc_lanes_in *in;
    fc_lanes_out *out;
} fc_lanes_row;
const fc_lanes_row *fc_lanes_rows(fc_isa isa, int *count);

/* Complex coefficients, one channel, any order: interleaved complex numbers, steps in complex numbers. */
void fc_iir_complex(fc_kind kind, ptrdiff_t sections, ptrdiff_t order, ptrdiff_t n, const void *x,
                    ptrdiff_t x_step, void *y, ptrdiff_t y_step, const void *coef, void *state);

/* ---- polyphase filters --------------------------------------------------------------------
 * y[i * y_step] = sum over p < planes, t < count of x[p * x_plane + i * x_step + t] * h[p * h_plane + t] for
 * i < n. h has zeros up to whole vectors, and as many samples of a window are read. */
typedef struct {
    ptrdiff_t count, planes, x_plane, h_plane;
    const void *h;
} fc_dot_taps;
typedef void fc_dots(const fc_dot_taps *taps, const void *x, ptrdiff_t x_step, void *y,
                     ptrdiff_t y_step, ptrdiff_t n);
typedef struct {
    const char *name;
    fc_kind kind;
    int lanes;
    fc_dots *run;
} fc_dots_row;
const fc_dots_row *fc_dots_rows(fc_isa isa, int *count);
/* y[i * y_step] = sum over planes q, t < count[c] of x[i / classes * advance + last[c] + 1 - count[c] + t][q] * h[c][t][q]
 * with c = i % classes: all phases of a filter, one output after the other. x_plane, h_plane: numbers from a plane to the
 * next, h_size: from a phase to the next. */
typedef struct {
    ptrdiff_t classes, advance, planes, x_plane, h_plane, h_size;
    const ptrdiff_t *count, *last;
    const void *h;
} fc_phases;
void fc_in_order(fc_kind kind, const fc_phases *p, const void *x, void *y, ptrdiff_t y_step, ptrdiff_t n);

/* ---- one filter along one axis -------------------------------------------------------------
 * y[i] = sum over t < taps of x[i + t] * w[t]; complex numbers are interleaved as the caller has them.
 * line: samples are neighbours; i < n. Where n is less than a vector holds, x is read as for a whole one.
 * columns: sample i is a row of cols numbers, which are filtered apart: y[i * y_pitch + c] = sum over t of
 * x[(i + t) * x_pitch + c] * w[t] for i < n; pitches in numbers (two to a complex one), cols at least lanes.
 * The sum of an output is added up in an order that depends on taps and lanes only, in both. */
typedef void fc_fir_line(ptrdiff_t taps, const void *w, const void *x, void *y, ptrdiff_t n);
typedef void fc_fir_columns(ptrdiff_t taps, const void *w, const void *x, ptrdiff_t x_pitch, void *y,
                         ptrdiff_t y_pitch, ptrdiff_t n, ptrdiff_t cols);
typedef struct {
    const char *name;
    fc_kind kind;
    int lanes;                /* numbers in a vector */
    int block;                /* samples of the widest tile */
    fc_fir_line *line;
    fc_fir_columns *columns;
} fc_fir_row;
const fc_fir_row *fc_fir_rows(fc_isa isa, int *count);

#endif
