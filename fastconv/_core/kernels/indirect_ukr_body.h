/* One indirect tile for one number type: PX pixels by NV vectors of channels; included once per kind. */
#define T FC_T
#define V FC_CAT(FC_T, _v)
#define VU FC_CAT(FC_T, _vu)
#define LANES ((int)(sizeof(V) / sizeof(T)))
FC_INLINE void FC_TILE(const int PX, const int NV, ptrdiff_t taps, ptrdiff_t first, ptrdiff_t end,
                       const void *const *at, const T *w, ptrdiff_t skip, T *c, ptrdiff_t ldc,
                       const T *bias, int accumulate)
{
    V acc[14][2];
    T *row = c;
    FC_UNROLL for (int p = 0; p < PX; p++)
        FC_UNROLL for (int j = 0; j < NV; j++)
            acc[p][j] = FC_CAT(FC_T, _zero);
    for (ptrdiff_t t = 0; t < taps; t++, at += PX, w += skip)
        FC_SEVERAL for (ptrdiff_t i = first; i < end; i++, w += NV * LANES) {
            V b[2];
            FC_UNROLL for (int j = 0; j < NV; j++) {
                b[j] = *(const VU *)(w + j * LANES);
                FC_CAT(FC_T, _keep)(b[j]);
            }
            FC_UNROLL for (int p = 0; p < PX; p++) {
                const T x = ((const T *)at[p])[i];
                FC_UNROLL for (int j = 0; j < NV; j++)
                    acc[p][j] += b[j] * x;
            }
        }
    FC_TILE_OUT(PX, NV)
}
#undef FC_TILE
#undef FC_T
#undef T
#undef V
#undef VU
#undef LANES
