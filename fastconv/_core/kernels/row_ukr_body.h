/* One register tile of row reuse, for one number type: included by row_ukr.c once per kind.
 *
 * FC_T: short name of the number type, FC_TILE: the name to define.  R output rows by NV vectors;
 * an input vector is loaded once per column tap and feeds every output row whose window it is in.
 * The last vector lies at `last`, over its neighbour where a row is not a multiple of vectors.
 * The loop over column taps stays a loop (unrolled, GCC spills).  KH > 0: kernels of that many rows, all
 * rows unrolled, the weights of a column in registers.  KH = 0: any kh >= R, rows in three parts: windows
 * that begin, all windows, windows that end.  Each output adds its taps column by column, rows inside,
 * whatever the tile.
 */
#define T FC_T
#define V FC_CAT(FC_T, _v)
#define VU FC_CAT(FC_T, _vu)
#define LANES ((int)(sizeof(V) / sizeof(T)))
#define FEED(low, high)                                                \
    FC_UNROLL for (int j = 0; j < NV; j++) {                          \
        V a = *(const VU *)(xi + (j < NV - 1 ? j * LANES : last));    \
        FC_CAT(FC_T, _keep)(a);                                       \
        FC_UNROLL for (int r = low; r <= high; r++)                   \
            acc[r][j] += a * wi[-r];                                  \
    }                                                                 \
    xi += pitch;                                                      \
    wi++
FC_INLINE void FC_TILE(const int KH, const int R, const int NV, const fc_row_taps *taps,
                       const T *x, const T *w, const T *bias, T *c, ptrdiff_t ldc, ptrdiff_t last,
                       int accumulate)
{
    V acc[4][4];
    const ptrdiff_t kw = taps->kw, kh = KH ? KH : taps->kh, pitch = taps->pitch;
    FC_UNROLL for (int r = 0; r < R; r++)
        FC_UNROLL for (int j = 0; j < NV; j++)
            acc[r][j] = FC_CAT(FC_T, _zero);
    for (ptrdiff_t z = 0; z < taps->planes; z++) {
        const T *xz = x + taps->plane_x[z], *wz = w + taps->plane_w[z];
        for (ptrdiff_t s = 0; s < kw; s++, wz += kh) {
            const T *xi = xz + taps->off[s];
            const T *wi = wz;
            if (KH) {
                FC_UNROLL for (int i = 0; i < R + KH - 1; i++) {
                    FEED((i >= KH ? i - KH + 1 : 0), (i < R ? i : R - 1));
                }
            } else {
                FC_UNROLL for (int i = 0; i < R - 1; i++) {
                    FEED(0, i);
                }
                for (ptrdiff_t i = R - 1; i < kh; i++) {
                    FEED(0, R - 1);
                }
                FC_UNROLL for (int i = 1; i < R; i++) {
                    FEED(i, R - 1);
                }
            }
        }
    }
    const T add = bias ? *bias : 0;
    FC_UNROLL for (int r = 0; r < R; r++)
        FC_UNROLL for (int j = 0; j < NV; j++) {
            T *to = c + r * ldc + (j < NV - 1 ? j * LANES : last);
            if (accumulate)
                acc[r][j] += *(const VU *)to;
            *(VU *)to = acc[r][j] + add;
        }
}
#undef FEED
#undef FC_TILE
#undef FC_T
#undef T
#undef V
#undef VU
#undef LANES
