/* Channels into lanes and back, for one number type: included by iir_ukr.c.
 *
 * Neighbouring samples are turned block by block in registers, all others are moved one by one.
 */
#define T FC_T
#define V FC_CAT(FC_T, _v)
#define VU FC_CAT(FC_T, _vu)
#define LANES ((int)(sizeof(V) / sizeof(T)))
#define FC_TRANSPOSE FC_CAT(transpose_, FC_T)
#include "../simd/transpose.h"

static void FC_CAT(lanes_in_, FC_T)(void *buf_, ptrdiff_t width, const void *x_,
                                    const ptrdiff_t *at, ptrdiff_t step, ptrdiff_t n)
{
    const T *x = x_;
    T *buf = buf_;
    ptrdiff_t i = 0;
    if (step == 1)
        for (; i + LANES <= n; i += LANES) {
            V v[LANES];
            FC_UNROLL for (int l = 0; l < LANES; l++)
                v[l] = *(const VU *)(x + at[l] + i);
            FC_CAT(transpose_, FC_T)(v);
            FC_UNROLL for (int l = 0; l < LANES; l++)
                *(VU *)(buf + (i + l) * width) = v[l];
        }
    for (; i < n; i++)
        for (int l = 0; l < LANES; l++)
            buf[i * width + l] = x[at[l] + i * step];
}

static void FC_CAT(lanes_out_, FC_T)(void *y_, const ptrdiff_t *at, ptrdiff_t step,
                                     const void *buf_, ptrdiff_t width, ptrdiff_t n, int channels)
{
    T *y = y_;
    const T *buf = buf_;
    ptrdiff_t i = 0;
    if (step == 1 && channels == LANES)
        for (; i + LANES <= n; i += LANES) {
            V v[LANES];
            FC_UNROLL for (int l = 0; l < LANES; l++)
                v[l] = *(const VU *)(buf + (i + l) * width);
            FC_CAT(transpose_, FC_T)(v);
            FC_UNROLL for (int l = 0; l < LANES; l++)
                *(VU *)(y + at[l] + i) = v[l];
        }
    for (; i < n; i++)
        for (int l = 0; l < channels; l++)
            y[at[l] + i * step] = buf[i * width + l];
}
#undef FC_T
#undef T
#undef V
#undef VU
#undef LANES
