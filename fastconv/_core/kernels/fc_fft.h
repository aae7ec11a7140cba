/* Contracts of the FFT microkernels (fft_ukr.c): convolution of power-of-two blocks in the frequency domain.
 *
 * A transform has S complex points, S = lanes * rows.  Its lanes are `lanes` sub-transforms of `rows`
 * points inside one block, so that all passes but the first and the last move whole vectors; there is no
 * bit reversal: the spectrum stays in the order in which it arises, which is the same for every operand.
 *
 *   first:  radix `lanes` over points `rows` apart, twiddles, transposition
 *   down:   radix 4 or 8 passes in place           up:  their mirrors
 *   last:   radix 4 or 8                           back: its mirror
 *   product: last, times the kernel's spectrum, back, in one pass over the data
 *   end:    the mirror of first
 *
 * "Turned" (right-angle) transforms take one real block of 2 S samples as z[n] = x[n] + i x[n + S], weighted
 * by exp(i pi n / 2 S): products of their spectra are negacyclic convolutions of 2 S real samples, so of a
 * block and m taps the results m - 1 .. 2 S - 1 are those of the linear convolution.  Plain transforms
 * take S complex samples (results m - 1 .. S - 1).
 * A spectrum is [rows][2][lanes]: real and imaginary vectors, 2 S numbers, aligned to 64 bytes.
 * Nothing is scaled: scale one operand by 1 / S.
 */
#ifndef FC_FFT_H
#define FC_FFT_H

#include "fc_kernels.h"

#define FC_FFT_PASSES 12

typedef struct {
    ptrdiff_t size, rows;             /* complex points; size / lanes */
    int turned;
    int passes;                       /* down passes, done in this order; up in the reverse one */
    int radix[FC_FFT_PASSES];
    ptrdiff_t length[FC_FFT_PASSES];  /* of the sub-transforms that the pass splits */
    const void *twiddle[FC_FFT_PASSES]; /* [length / radix][radix - 1][re, im]: exp(-2 pi i n k / length) */
    int last;                         /* radix of last and back */
    const void *first;                /* [rows / lanes][lanes k][2][lanes n]: exp(-2 pi i n k / size), turned:
                                         times exp(i pi n / 2 size) */
    const void *turn;                 /* [lanes][re, im]: exp(i pi j / 2 lanes) */
} fc_fft_plan;

/* Work is cut into equal pieces so that a caller can spread it: pieces are rows / lanes in first and end,
 * rows / radix in down and up, rows / last in last, back and product; [from, to) of them are done. */
typedef void fc_fft_first(const fc_fft_plan *p, const void *re, const void *im, void *data,
                          ptrdiff_t from, ptrdiff_t to);
typedef void fc_fft_pass(const fc_fft_plan *p, int pass, void *data, ptrdiff_t from, ptrdiff_t to);
typedef void fc_fft_last(const fc_fft_plan *p, const void *data, void *spectrum, ptrdiff_t from,
                         ptrdiff_t to);
typedef void fc_fft_product(const fc_fft_plan *p, void *data, const void *h, ptrdiff_t from,
                            ptrdiff_t to);
/* y[i] (+)= sum over q < count of x[q + outputs - 1 - i] * h[q], spectra, for i < outputs (1 or 2): of row
 * vectors [from, to), any of 0 .. rows. */
typedef void fc_fft_mac(const fc_fft_plan *p, ptrdiff_t count, const void *const *x,
                        const void *const *h, void *const *y, int outputs, int accumulate,
                        ptrdiff_t from, ptrdiff_t to);
/* Samples [low, high) of a turned block (indices 0 .. 2 S - 1, so re[low] is its first), of a plain one
 * (0 .. S - 1): re + n and im + n are written for samples n of the first half, n + S of the second. Destroys data. */
typedef void fc_fft_end(const fc_fft_plan *p, void *data, void *re, void *im, ptrdiff_t low,
                        ptrdiff_t high, ptrdiff_t from, ptrdiff_t to);

/* levels[c] += sum |x| of the c-th `chunk` samples (the last may be shorter), *energy += sum x^2, summed in the
 * number type: whatever is not finite makes the energy so. */
typedef void fc_fft_levels(const void *x, ptrdiff_t n, ptrdiff_t chunk, double *levels,
                           double *energy);
/* Results n in [low, high) whose window of samples n - taps + 1 .. n is all zero are made zero; there are zeros
 * before the first sample. im, to_im: NULL for real blocks. */
typedef void fc_fft_silence(const void *re, const void *im, ptrdiff_t taps, void *to_re,
                            void *to_im, ptrdiff_t low, ptrdiff_t high);

typedef struct {
    const char *name;
    fc_kind kind;                     /* FC_KIND_F32 or FC_KIND_F64 */
    int lanes;
    fc_fft_first *first;
    fc_fft_pass *down, *up;
    fc_fft_last *last, *back;
    fc_fft_product *product;
    fc_fft_mac *mac;
    fc_fft_end *end;
    fc_fft_levels *levels;
    fc_fft_silence *silence;
} fc_fft_row;
const fc_fft_row *fc_fft_rows(fc_isa isa, int *count);

/* Memory that is wanted next: asked for little by little while a block is worked on. */
typedef struct {
    const char *read, *write; /* each may be NULL */
    ptrdiff_t bytes, done;    /* of each; 0 */
} fc_fft_soon;

/* Whole transforms (fft.c); data: 2 S numbers of scratch, aligned to 64 bytes, which may be the spectrum.
 * forward: block -> spectrum; filter: block -> samples [low, high) of its convolution with the kernel whose
 * spectrum is h; inverse: spectrum (kept, unless it is data) -> samples [low, high). */
void fc_fft_forward(const fc_fft_row *row, const fc_fft_plan *plan, const void *re, const void *im,
                    void *data, void *spectrum);
void fc_fft_filter(const fc_fft_row *row, const fc_fft_plan *plan, const void *re, const void *im,
                   const void *h, void *data, void *to_re, void *to_im, ptrdiff_t low,
                   ptrdiff_t high, const fc_fft_soon *soon);
void fc_fft_inverse(const fc_fft_row *row, const fc_fft_plan *plan, const void *spectrum,
                    void *data, void *to_re, void *to_im, ptrdiff_t low, ptrdiff_t high);

#endif
