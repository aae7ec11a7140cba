/* One register tile of taps, for one number type: included by tap_ukr.c once per kind.
 *
 * FC_T: short name of the number type (f32, u8, ...; with FC_T_v its vector), FC_TILE: the name to
 * define, FC_OP: FC_MULADD, FC_CMULADD (complex), FC_ORAND (bool) or FC_MAXIMUM.
 * The loop over taps takes several at once (FC_SEVERAL; fully unrolled, GCC shares broadcasts across taps and
 * spills); everything inside it is unrolled.  Every pixel sees the same sequence of operations whichever
 * tile it falls into, so results do not depend on how an image was cut.
 */
#define T FC_T
#define V FC_CAT(FC_T, _v)
#define VU FC_CAT(FC_T, _vu)
#define LANES ((int)(sizeof(V) / sizeof(T)))
#define KEEP FC_CAT(FC_T, _keep)
#define FC_COMPLEX (FC_OP == FC_CMULADD)
FC_INLINE void FC_TILE(const int MR, const int NV, ptrdiff_t taps, const int32_t *off,
                       const T *x, ptrdiff_t im, const T *w, T *c, ptrdiff_t ldc, int accumulate)
{
    V acc[8][8], a[8];
    T *row = c;
    (void)im;
    (void)w;
#if FC_COMPLEX
    V acc_im[8][8];
#endif
    FC_UNROLL for (int i = 0; i < MR; i++)
        FC_UNROLL for (int j = 0; j < NV; j++) {
            acc[i][j] = FC_CAT(FC_T, _zero);
#if FC_COMPLEX
            acc_im[i][j] = FC_CAT(FC_T, _zero);
#elif FC_OP == FC_MAXIMUM /* nothing is below every number and NaN: begin with the first tap */
            acc[i][j] = *(const VU *)(x + off[0] + j * LANES);
#endif
        }
    FC_SEVERAL for (ptrdiff_t t = 0; t < taps; t++) {
        const T *xt = x + off[t];
        FC_UNROLL for (int j = 0; j < NV; j++) {
            a[j] = *(const VU *)(xt + j * LANES);
            if (MR > 1)
                KEEP(a[j]);
        }
#if FC_COMPLEX
        const T *again = w;
        FC_OPAQUE(again); /* else all broadcasts of this tap are kept for the second half */
        FC_UNROLL for (int i = 0; i < MR; i++)
            FC_UNROLL for (int j = 0; j < NV; j++) {
                acc[i][j] += a[j] * w[2 * i];
                acc_im[i][j] += a[j] * w[2 * i + 1];
            }
        FC_UNROLL for (int j = 0; j < NV; j++) {
            a[j] = *(const VU *)(xt + im + j * LANES);
            KEEP(a[j]);
        }
        FC_UNROLL for (int i = 0; i < MR; i++)
            FC_UNROLL for (int j = 0; j < NV; j++) {
                acc[i][j] -= a[j] * again[2 * i + 1];
                acc_im[i][j] += a[j] * again[2 * i];
            }
        w += 2 * MR;
#elif FC_OP == FC_MAXIMUM
        FC_UNROLL for (int j = 0; j < NV; j++)
            acc[0][j] = FC_CAT(FC_T, _max)(acc[0][j], a[j]);
#else
        FC_UNROLL for (int i = 0; i < MR; i++)
            FC_UNROLL for (int j = 0; j < NV; j++) {
#if FC_OP == FC_MULADD
                acc[i][j] += a[j] * w[i];
#else
                acc[i][j] |= a[j] & w[i];
#endif
            }
        w += MR;
#endif
    }
    /* what was there is added last: sums of blocks of taps, not one long running sum */
    FC_UNROLL for (int i = 0; i < MR; i++, row += (FC_COMPLEX + 1) * ldc) {
        FC_OPAQUE(row); /* else every row's address is kept, and spilled */
        FC_UNROLL for (int j = 0; j < NV; j++) {
            if (accumulate) {
#if FC_OP == FC_MAXIMUM
                acc[i][j] = FC_CAT(FC_T, _max)(acc[i][j], *(const VU *)(row + j * LANES));
#elif FC_OP == FC_ORAND
                acc[i][j] |= *(const VU *)(row + j * LANES);
#else
                acc[i][j] += *(const VU *)(row + j * LANES);
#endif
            }
            *(VU *)(row + j * LANES) = acc[i][j];
#if FC_COMPLEX
            if (accumulate)
                acc_im[i][j] += *(const VU *)(row + ldc + j * LANES);
            *(VU *)(row + ldc + j * LANES) = acc_im[i][j];
#endif
        }
    }
}
#ifdef FC_STORE
/* The same for few taps, straight into the result: c[i][p] = bias[i] + sum over taps; bias may be NULL.
 * APART: the weights of a filter are neighbours, as the caller has them, those of the next filter ldw behind. */
FC_INLINE void FC_STORE(const int MR, const int NV, const int APART, ptrdiff_t taps, const int32_t *off, const T *x,
                        const T *w, ptrdiff_t ldw, const T *bias, T *c, ptrdiff_t ldc)
{
    V acc[8][8], a[8];
    T *row = c;
    const T *third[3] = {w, w + 3 * ldw, w + 6 * ldw}; /* an address reaches rows 0, 1 and 2 of its base */
    FC_UNROLL for (int i = 0; i < MR; i++)
        FC_UNROLL for (int j = 0; j < NV; j++)
            acc[i][j] = FC_CAT(FC_T, _zero);
    FC_SEVERAL for (ptrdiff_t t = 0; t < taps; t++) {
        const T *xt = x + off[t];
        FC_UNROLL for (int j = 0; j < NV; j++) {
            a[j] = *(const VU *)(xt + j * LANES);
            if (MR > 1)
                KEEP(a[j]);
        }
        FC_UNROLL for (int i = 0; i < MR; i++)
            FC_UNROLL for (int j = 0; j < NV; j++)
                acc[i][j] += a[j] * (APART ? third[i / 3][i % 3 * ldw + t] : w[i]);
        w += MR;
    }
    FC_UNROLL for (int i = 0; i < MR; i++, row += ldc) {
        FC_OPAQUE(row);
        FC_UNROLL for (int j = 0; j < NV; j++) {
            if (bias)
                acc[i][j] += bias[i];
            *(VU *)(row + j * LANES) = acc[i][j];
        }
    }
}
#endif
#undef FC_STORE
#undef FC_TILE
#undef FC_OP
#undef FC_T
#undef T
#undef V
#undef VU
#undef LANES
#undef KEEP
#undef FC_COMPLEX
