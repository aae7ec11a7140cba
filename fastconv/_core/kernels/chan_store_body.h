/* Writing a block of channel lanes, for one number type: included by chan_ukr.c once per kind.
 *
 * c[p][k] of `width` lanes a pixel becomes dst[k * ld + p] (numbers) for k < channels, p < pixels, plus
 * bias[k]: a transposition by 4x4 tiles, which vector shuffles do in registers.
 */
#include "copy_body.h"

typedef T FC_CAT(T, _four) __attribute__((vector_size(4 * sizeof(T)), aligned(sizeof(T)), may_alias));

static void FC_CAT(store_, T)(void *to, ptrdiff_t ld, const void *from, ptrdiff_t width,
                              ptrdiff_t pixels, ptrdiff_t channels, const void *bias)
{
    typedef FC_CAT(T, _four) F;
    T *dst = (T *)to;
    const T *c = (const T *)from, *add = (const T *)bias;
    const F zero = {0};
    ptrdiff_t k = 0;
    for (; k + 4 <= channels; k += 4) {
        const F b = add ? *(const F *)(add + k) : zero;
        ptrdiff_t p = 0;
        for (; p + 4 <= pixels; p += 4) {
            const T *row = c + p * width + k;
            const F r0 = *(const F *)row + b, r1 = *(const F *)(row + width) + b;
            const F r2 = *(const F *)(row + 2 * width) + b, r3 = *(const F *)(row + 3 * width) + b;
            const F a0 = __builtin_shufflevector(r0, r1, 0, 4, 1, 5);
            const F a1 = __builtin_shufflevector(r0, r1, 2, 6, 3, 7);
            const F a2 = __builtin_shufflevector(r2, r3, 0, 4, 1, 5);
            const F a3 = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
            T *d = dst + k * ld + p;
            *(F *)d = __builtin_shufflevector(a0, a2, 0, 1, 4, 5);
            *(F *)(d + ld) = __builtin_shufflevector(a0, a2, 2, 3, 6, 7);
            *(F *)(d + 2 * ld) = __builtin_shufflevector(a1, a3, 0, 1, 4, 5);
            *(F *)(d + 3 * ld) = __builtin_shufflevector(a1, a3, 2, 3, 6, 7);
        }
        for (; p < pixels; p++)
            for (ptrdiff_t i = 0; i < 4; i++)
                dst[(k + i) * ld + p] = c[p * width + k + i] + b[i];
    }
    for (; k < channels; k++)
        for (ptrdiff_t p = 0; p < pixels; p++)
            dst[k * ld + p] = c[p * width + k] + (add ? add[k] : 0);
}

/* dst[p * step + k] = c[p * width + k] + bias[k], for results whose channels are neighbours: whole vectors, the last
 * over its neighbour. In place (step: width) all of a pixel's lanes are written, so that none is added to twice. */
static void FC_CAT(rows_, T)(void *to, ptrdiff_t step, const void *from, ptrdiff_t width,
                             ptrdiff_t pixels, ptrdiff_t channels, const void *bias)
{
    enum { LANES = sizeof(FC_CAT(T, _v)) / sizeof(T) };
    typedef FC_CAT(T, _v) V;
    typedef FC_CAT(T, _vu) VU;
    T *dst = (T *)to, add[2 * LANES] = {0};
    const T *c = (const T *)from;
    if (bias)
        memcpy(add, bias, (size_t)channels * sizeof(T));
    if (dst == c)
        channels = width;
    const V first = *(const VU *)add;
    if (channels < LANES) {
        for (ptrdiff_t p = 0; p < pixels; p++, c += width, dst += step) {
            T few[LANES];
            *(VU *)few = *(const VU *)c + first;
            FC_CAT(copy_row_, T)(dst, few, channels);
        }
        return;
    }
    const ptrdiff_t last = channels - LANES;
    const V end = *(const VU *)(add + last);
    for (ptrdiff_t p = 0; p < pixels; p++, c += width, dst += step) {
        const V a = *(const VU *)c + first, b = *(const VU *)(c + last) + end;
        *(VU *)dst = a;
        *(VU *)(dst + last) = b;
    }
}

/* dst[p * rows + r] = src[r * ld + p] for p < n: results of the phases of a transposed layer, which alternate */
static void FC_CAT(weave_, T)(void *to, const void *from, ptrdiff_t ld, ptrdiff_t rows, ptrdiff_t n)
{
    T *restrict dst = (T *)to;
    const T *restrict src = (const T *)from;
    ptrdiff_t r = 0;
    if (rows == 2) {
        for (ptrdiff_t p = 0; p < n; p++) {
            dst[2 * p] = src[p];
            dst[2 * p + 1] = src[ld + p];
        }
        return;
    }
    for (; r + 4 <= rows; r += 4) {
        const T *restrict a = src + r * ld, *restrict b = a + ld, *restrict c = b + ld, *restrict d = c + ld;
        T *restrict y = dst + r;
        for (ptrdiff_t p = 0; p < n; p++, y += rows) {
            y[0] = a[p];
            y[1] = b[p];
            y[2] = c[p];
            y[3] = d[p];
        }
    }
    for (; r < rows; r++)
        for (ptrdiff_t p = 0; p < n; p++)
            dst[p * rows + r] = src[r * ld + p];
}
#undef T
