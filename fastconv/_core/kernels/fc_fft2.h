/* Contracts of the tile microkernels: 2-D transforms of one tile, and what is done between them.
 *
 * A tile is `rows` x `cols` complex numbers, both powers of two and multiples of the lanes, cols >= 4. It is
 * transformed down its columns first (lanes are columns), then along its rows (lanes are rows):
 *
 *   spectrum[g][c][0 or 1][lane] = real or imaginary part, row g * lanes + lane, column c
 *
 * with `pitch` numbers from group to group of rows. Each transform reduces a polynomial of degree n modulo
 * t^n - W to its values at the n roots, W^(1/n): W = 1 gives cyclic convolution, W = i with
 * z[r] = x[r] + i x[r + n] the negacyclic convolution of 2n real samples, so a real tile is one complex
 * transform and shares it with nothing. The roots come in the order in which radix 2 and 4 passes make them:
 * no permutation, the inverse takes them back. Nothing is scaled.
 */
#ifndef FC_FFT2_H
#define FC_FFT2_H

#include "fc_kernels.h"

/* n: length; roots: what the forward passes multiply by, pass by pass, block by block (complex numbers,
 * radix - 1 for a block). One pass of radix 2 comes first where n is an odd power of two. */
typedef struct {
    ptrdiff_t n;
    const void *roots;
} fc_fft2_axis;

typedef struct {
    fc_fft2_axis down, along;
    ptrdiff_t pitch;
} fc_fft2_shape;

/* Columns of a tile, real and imaginary parts apart with ld numbers a row, into the spectrum's layout.
 * work: 2 * lanes * down.n numbers. */
typedef void fc_fft2_down(const fc_fft2_shape *s, const void *re, const void *im, ptrdiff_t ld,
                          void *work, void *spectrum);
/* The way back, for at least `cols` columns (whole vectors of them). */
typedef void fc_fft2_up(const fc_fft2_shape *s, const void *spectrum, void *work, void *re, void *im,
                        ptrdiff_t ld, ptrdiff_t cols);
/* Rows, in place. `filter`: group g of rows forward, times the spectrum of a filter, and back. */
typedef void fc_fft2_along(const fc_fft2_shape *s, void *spectrum);
typedef void fc_fft2_filter(const fc_fft2_shape *s, void *spectrum, const void *filter, ptrdiff_t g);
/* sum[o * n + i] += sum over t < taps of x[(o + t) * x_step + i] * w[t * w_step + i] for o < outputs,
 * complex vectors i < n / (2 * lanes); n counts numbers. */
typedef void fc_fft2_mac(void *sum, ptrdiff_t outputs, const void *x, ptrdiff_t x_step, const void *w,
                         ptrdiff_t w_step, ptrdiff_t taps, ptrdiff_t n);
/* How loud a tile is: sum of |x|, sum of squares, the smallest sum of |x| over a block of FC_FFT2_ROWS x
 * FC_FFT2_COLS samples that is not all zero (infinity if there is none), and how many blocks are all zero. im: imaginary parts, or NULL. Every
 * sample counts at least once, those of overlapping blocks at the far edges more often; a NaN or an infinity
 * shows in the sum. At least one block. */
typedef void fc_fft2_scan(const void *re, const void *im, ptrdiff_t ld, ptrdiff_t rows, ptrdiff_t cols,
                          double *found);
enum { FC_FFT2_ROWS = 8, FC_FFT2_COLS = 16 };

typedef struct {
    const char *name;
    fc_kind kind;
    int lanes;
    fc_fft2_down *down;
    fc_fft2_up *up;
    fc_fft2_along *along, *back;
    fc_fft2_filter *filter;
    fc_fft2_mac *mac;
    fc_fft2_scan *scan;
} fc_fft2_row;
/* Ask for rows of memory that will be read, or written, soon. Any address may be asked for. */
static inline void fc_fft2_fetch(const char *at, ptrdiff_t step, ptrdiff_t rows, ptrdiff_t bytes)
{
    for (ptrdiff_t r = 0; r < rows; r++)
        for (ptrdiff_t b = 0; b < bytes; b += 64)
            __builtin_prefetch(at + r * step + b, 0, 2);
}

static inline void fc_fft2_claim(char *at, ptrdiff_t bytes)
{
    for (ptrdiff_t b = 0; b < bytes; b += 64)
        __builtin_prefetch(at + b, 1, 3);
}

const fc_fft2_row *fc_fft2_rows(fc_isa isa, int *count);

#endif
