/* Packing a block of weights for channel lanes, for one number type: included by chan_ukr.c once per kind.
 *
 * dst[place[t] * width + i] = w[row i][woff[t]]: rows of neighbouring taps are transposed in registers, neighbouring
 * rows are copied, other weights (the phases of a transposed convolution) are picked one by one.  x - x is zero where x is finite and
 * no number elsewhere, so the bits of all such differences tell whether all were (a sum of them would wait
 * for itself).
 */
#define T FC_T
#define V FC_CAT(FC_T, _v)
#define VU FC_CAT(FC_T, _vu)
#define LANES ((int)(sizeof(V) / sizeof(T)))
#define FC_TRANSPOSE FC_CAT(transpose_, FC_T)
#include "../simd/transpose.h"

static int FC_CAT(pack_, FC_T)(void *dst, const char *w, const ptrdiff_t *row_bytes, const ptrdiff_t *woff_bytes,
                               const ptrdiff_t *place, ptrdiff_t taps, int mr, int width)
{
    T *to = (T *)dst;
    typedef __typeof__((V){0} == (V){0}) bits;
    bits seen = (V){0} != (V){0};
    ptrdiff_t run = 1;
    int beside = 1;
    while (beside < mr && row_bytes[beside] == row_bytes[beside - 1] + (ptrdiff_t)sizeof(T))
        beside++;
    while (run < taps && woff_bytes[run] == woff_bytes[run - 1] + (ptrdiff_t)sizeof(T))
        run++;
    if (run == taps && taps >= LANES) {
        /* one group of rows after the other: rows a power of two apart share few sets of the cache */
        for (int k = 0; k < width; k += LANES)
            for (ptrdiff_t t = 0; t < taps; t += LANES) {
                V v[LANES];
                if (t + LANES > taps)
                    t = taps - LANES; /* over its neighbour */
                FC_UNROLL for (int i = 0; i < LANES; i++) {
                    v[i] = FC_CAT(FC_T, _zero);
                    if (k + i < mr)
                        v[i] = *(const VU *)(w + row_bytes[k + i] + woff_bytes[t]);
                    seen |= (bits)(v[i] - v[i]);
                }
                FC_CAT(transpose_, FC_T)(v);
                FC_UNROLL for (int i = 0; i < LANES; i++)
                    *(VU *)(to + (place ? place[t + i] : t + i) * width + k) = v[i];
            }
    } else if (beside == mr && mr >= LANES) {
        const ptrdiff_t ahead = 16; /* taps are far apart: nothing else fetches the next */
        for (ptrdiff_t t = 0; t < taps; t++) {
            const char *tap = w + row_bytes[0] + woff_bytes[t];
            to = (T *)dst + (place ? place[t] : t) * width;
            if (t + ahead < taps)
                fc_prefetch(w + row_bytes[0] + woff_bytes[t + ahead], mr * (ptrdiff_t)sizeof(T), 0);
            for (int k = 0; k < mr; k += LANES) {
                const int at = k + LANES > mr ? mr - LANES : k; /* the last over its neighbour */
                const V v = *(const VU *)((const T *)tap + at);
                seen |= (bits)(v - v);
                *(VU *)(to + at) = v;
            }
            for (int i = mr; i < width; i++)
                to[i] = 0;
        }
    } else {
        for (ptrdiff_t t = 0; t < taps; t++) {
            to = (T *)dst + (place ? place[t] : t) * width;
            const char *tap = w + woff_bytes[t];
            for (int i = 0; i < mr; i++)
                to[i] = *(const T *)(tap + row_bytes[i]);
            for (int i = mr; i < width; i++)
                to[i] = 0;
            for (int k = 0; k < width; k += LANES)
                seen |= (bits)(*(const VU *)(to + k) - *(const VU *)(to + k));
        }
    }
    int finite = 1;
    for (int l = 0; l < LANES; l++)
        finite &= seen[l] == 0;
    return finite;
}
#undef FC_T
#undef T
#undef V
#undef VU
#undef LANES
