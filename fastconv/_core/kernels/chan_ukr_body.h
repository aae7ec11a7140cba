/* One register tile of channel lanes, for one number type: included by chan_ukr.c once per kind.
 *
 * FC_T: short name of the number type, FC_TILE: the name to define.  PX pixels by NV vectors of output
 * channels; a sample is broadcast to all lanes.  The loop over taps takes several at once.
 */
#define T FC_T
#define V FC_CAT(FC_T, _v)
#define VU FC_CAT(FC_T, _vu)
#define LANES ((int)(sizeof(V) / sizeof(T)))
FC_INLINE void FC_TILE(const int PX, const int NV, ptrdiff_t taps, const int32_t *off, const T *x,
                       ptrdiff_t step, const T *w, T *c, ptrdiff_t ldc, const T *bias, int accumulate)
{
    V acc[14][2];
    T *row = c;
    FC_UNROLL for (int p = 0; p < PX; p++)
        FC_UNROLL for (int j = 0; j < NV; j++)
            acc[p][j] = FC_CAT(FC_T, _zero);
    FC_SEVERAL for (ptrdiff_t t = 0; t < taps; t++) {
        const T *xt = x + off[t];
        V b[2];
        FC_UNROLL for (int j = 0; j < NV; j++) {
            b[j] = *(const VU *)(w + j * LANES);
            FC_CAT(FC_T, _keep)(b[j]);
        }
        FC_UNROLL for (int p = 0; p < PX; p++) {
            FC_UNROLL for (int j = 0; j < NV; j++)
                acc[p][j] += b[j] * *xt;
            xt += step;
        }
        w += NV * LANES;
    }
    FC_TILE_OUT(PX, NV)
}

/* The same for pixels that lie anywhere: c[p][k] += sum over taps of x[off[t] + at[p]] * w[t][k]. One register
 * a pixel holds where it begins, so tiles run over the ends of rows; made for 16 vector registers. */
FC_INLINE void FC_POINTS(const int PX, const int NV, ptrdiff_t taps, const int32_t *off, const T *x,
                         const int32_t *at, const T *w, T *c, ptrdiff_t ldc, const T *bias,
                         int accumulate)
{
    V acc[8][2];
    const T *pixel[8];
    T *row = c;
    FC_UNROLL for (int p = 0; p < PX; p++) {
        pixel[p] = x + at[p];
        FC_OPAQUE(pixel[p]); /* else x + off[t] is worked out at every tap, and at[p] added */
        FC_UNROLL for (int j = 0; j < NV; j++)
            acc[p][j] = FC_CAT(FC_T, _zero);
    }
    FC_SEVERAL for (ptrdiff_t t = 0; t < taps; t++) {
        const ptrdiff_t o = off[t];
        V b[2];
        FC_UNROLL for (int j = 0; j < NV; j++) {
            b[j] = *(const VU *)(w + j * LANES);
            FC_CAT(FC_T, _keep)(b[j]);
        }
        FC_UNROLL for (int p = 0; p < PX; p++)
            FC_UNROLL for (int j = 0; j < NV; j++)
                acc[p][j] += b[j] * pixel[p][o];
        w += NV * LANES;
    }
    FC_TILE_OUT(PX, NV)
}
#undef FC_TILE
#undef FC_POINTS
#undef FC_T
#undef T
#undef V
#undef VU
#undef LANES
