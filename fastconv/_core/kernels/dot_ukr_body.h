/* Dot tiles of one number type: included by dot_ukr.c.
 *
 * BLOCK windows at a time: lane l of a sum is added up over taps l, l + LANES, ..., then the sums are turned
 * in registers and added across.  What the last vector has too much is masked out of x, so that a NaN
 * beyond the window is not met.  One window alone goes the same way, to the same bits.
 */
#define T FC_T
#define V FC_CAT(FC_T, _v)
#define VU FC_CAT(FC_T, _vu)
#define LANES ((int)(sizeof(V) / sizeof(T)))
#define BLOCK (LANES > 8 ? LANES : 8)
#define N(name) FC_CAT(name, FC_T)
#define FC_TRANSPOSE N(turn_)
#include "../simd/transpose.h"

typedef __typeof__((V){0} == (V){0}) N(mask_);

/* R running sums of windows x_step apart, over all planes */
FC_INLINE void N(sums_)(const int R, V *acc, const fc_dot_taps *taps, const T *x, ptrdiff_t x_step,
                        ptrdiff_t vectors, N(mask_) last)
{
    FC_UNROLL for (int r = 0; r < R; r++)
        acc[r] = FC_CAT(FC_T, _zero);
    for (ptrdiff_t p = 0; p < taps->planes; p++) {
        const T *xp = x + p * taps->x_plane, *h = (const T *)taps->h + p * taps->h_plane;
        for (ptrdiff_t t = 0; t < vectors - 1; t++, xp += LANES, h += LANES) {
            const V a = *(const VU *)h;
            FC_UNROLL for (int r = 0; r < R; r++)
                acc[r] += a * *(const VU *)(xp + r * x_step);
        }
        const V a = *(const VU *)h;
        FC_UNROLL for (int r = 0; r < R; r++)
            acc[r] += a * (V)((N(mask_))*(const VU *)(xp + r * x_step) & last);
    }
}

static void N(dots_)(const fc_dot_taps *taps, const void *x_, ptrdiff_t x_step, void *y_,
                     ptrdiff_t y_step, ptrdiff_t n)
{
    const ptrdiff_t vectors = (taps->count + LANES - 1) / LANES;
    const T *x = x_;
    T *y = y_;
    N(mask_) last;
    FC_UNROLL for (int l = 0; l < LANES; l++)
        last[l] = -((vectors - 1) * LANES + l < taps->count);
    V acc[BLOCK];
    for (; n >= BLOCK; n -= BLOCK, x += BLOCK * x_step) {
        N(sums_)(BLOCK, acc, taps, x, x_step, vectors, last);
        FC_UNROLL for (int g = 0; g < BLOCK; g += LANES) {
            N(turn_)(acc + g);
            V sum = acc[g];
            FC_UNROLL for (int r = 1; r < LANES; r++)
                sum += acc[g + r];
            FC_UNROLL for (int r = 0; r < LANES; r++, y += y_step)
                *y = sum[r];
        }
    }
    for (; n > 0; n--, x += x_step, y += y_step) {
        N(sums_)(1, acc, taps, x, 0, vectors, last);
        T sum = acc[0][0];
        FC_UNROLL for (int l = 1; l < LANES; l++)
            sum += acc[0][l];
        *y = sum;
    }
}
#undef FC_T
#undef T
#undef V
#undef VU
#undef LANES
#undef BLOCK
#undef N
