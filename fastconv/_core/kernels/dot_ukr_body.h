/* Dot tiles of one number type: included by dot_ukr.c.
 *
 * Eight windows at a time: lane l of a sum is added up over taps l, l + LANES, ..., then the sums are turned
 * in registers and added across.  What the last vector has too much is masked out of x, so that a NaN
 * beyond the window is not met.  One window alone goes the same way, to the same bits.
 */
#define T FC_T
#define V FC_CAT(FC_T, _v)
#define VU FC_CAT(FC_T, _vu)
#define LANES ((int)(sizeof(V) / sizeof(T)))
#define N(name) FC_CAT(name, FC_T)
#define FC_TRANSPOSE N(turn_)
#include "../simd/transpose.h"

typedef __typeof__((V){0} == (V){0}) N(mask_);

FC_INLINE void N(sums_)(const int R, V *sums, const T *x, ptrdiff_t x_step, const T *h,
                        ptrdiff_t vectors, N(mask_) last)
{
    V acc[8];
    FC_UNROLL for (int r = 0; r < R; r++)
        acc[r] = sums[r];
    for (ptrdiff_t t = 0; t < vectors - 1; t++, x += LANES, h += LANES) {
        const V a = *(const VU *)h;
        FC_UNROLL for (int r = 0; r < R; r++)
            acc[r] += a * *(const VU *)(x + r * x_step);
    }
    const V a = *(const VU *)h;
    FC_UNROLL for (int r = 0; r < R; r++)
        sums[r] = acc[r] + a * (V)((N(mask_))*(const VU *)(x + r * x_step) & last);
}

static void N(dots_)(ptrdiff_t taps, ptrdiff_t planes, const void *x_, ptrdiff_t x_plane,
                     ptrdiff_t x_step, const void *h, void *y_, ptrdiff_t y_step, ptrdiff_t n)
{
    enum { block = LANES > 8 ? LANES : 8 };
    const ptrdiff_t vectors = (taps + LANES - 1) / LANES;
    const T *x = x_;
    T *y = y_;
    N(mask_) last;
    for (int l = 0; l < LANES; l++)
        last[l] = -((vectors - 1) * LANES + l < taps);
    for (ptrdiff_t i = 0; i < n; i += block, x += block * x_step) {
        const ptrdiff_t left = n - i < block ? n - i : block;
        V sums[block];
        for (int r = 0; r < block; r++)
            sums[r] = FC_CAT(FC_T, _zero);
        for (ptrdiff_t p = 0; p < planes; p++) {
            const T *xp = x + p * x_plane, *hp = (const T *)h + p * vectors * LANES;
            ptrdiff_t r = 0;
            for (; r + 8 <= left; r += 8)
                N(sums_)(8, sums + r, xp + r * x_step, x_step, hp, vectors, last);
            for (; r < left; r++)
                N(sums_)(1, sums + r, xp + r * x_step, 0, hp, vectors, last);
        }
        for (int g = 0; g < left; g += LANES) {
            V *part = sums + g;
            N(turn_)(part);
            V sum = part[0];
            FC_UNROLL for (int r = 1; r < LANES; r++)
                sum += part[r];
            for (int r = 0; r < LANES && g + r < left; r++, y += y_step)
                *y = sum[r];
        }
    }
}
#undef FC_T
#undef T
#undef V
#undef VU
#undef LANES
#undef N
