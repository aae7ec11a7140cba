/* One register tile of an image filter, for one number type: included by image_ukr.c once per kind.
 *
 * FC_T: short name of the number type, FC_TILE: the name to define.  R output rows by NV vectors.  Input row p
 * meets the outputs r with 0 <= p - r < kh, the first R - 1 rows and the last R - 1 fewer than R each.  Rows are taken
 * from the first to the last: every output adds its taps in the same order, so that equal windows give equal bits
 * wherever they lie in an image.  The loop over column taps takes several at once (fully unrolled, GCC spills), but
 * for KW = 1, where rows do, and for kernels of 3 x 3 (KH = KW = 3, everything unrolled).
 */
#define T FC_T
#define V FC_CAT(FC_T, _v)
#define VU FC_CAT(FC_T, _vu)
#define LANES ((int)(sizeof(V) / sizeof(T)))

/* Vectors at x meet outputs low..high, whose weights lie at w - r.  What is fewer, vectors or weights,
 * is held in registers while the other passes by. */
#define FC_MEET(x, w, low, high)                                             \
    if (NV < R) {                                                            \
        V v_[4];                                                             \
        FC_UNROLL for (int j = 0; j < NV; j++) {                             \
            v_[j] = *(const VU *)((x) + j * LANES);                          \
            FC_CAT(FC_T, _keep)(v_[j]);                                      \
        }                                                                    \
        FC_UNROLL for (int r = 0; r < R; r++) {                              \
            if (r < (low) || r > (high))                                     \
                continue;                                                    \
            V b_ = (w)[-r] - FC_CAT(FC_T, _zero);                            \
            FC_CAT(FC_T, _keep)(b_);                                         \
            FC_UNROLL for (int j = 0; j < NV; j++)                           \
                acc[r][j] += v_[j] * b_;                                     \
        }                                                                    \
    } else {                                                                 \
        FC_UNROLL for (int j = 0; j < NV; j++) {                             \
            V v_ = *(const VU *)((x) + j * LANES);                           \
            FC_CAT(FC_T, _keep)(v_);                                         \
            FC_UNROLL for (int r = 0; r < R; r++)                            \
                if (r >= (low) && r <= (high))                               \
                    acc[r][j] += v_ * (w)[-r];                               \
        }                                                                    \
    }

/* Input row p meets outputs low..high with all taps of a row; wp: the weights of output 0. */
#define FC_ROW(p, low, high)                                                              \
    {                                                                                     \
        const T *a = (const T *)rows[p] + at, *ws = wp;                                   \
        FC_OPAQUE(a);                                                                     \
        FC_OPAQUE(ws); /* or weights of one row are kept for the next, and sums spilled */ \
        FC_SEVERAL for (ptrdiff_t s = 0; s < kw; s++, a++, ws += kh)                      \
            FC_MEET(a, ws, low, high)                                                     \
    }

FC_INLINE void FC_TILE(const int KH, const int KW, const int R, const int NV, const fc_image_taps *taps,
                       const void *const *rows, ptrdiff_t at, const T *w, T *c, ptrdiff_t ldc, int write)
{
    V acc[6][4];
    const ptrdiff_t kh = KH ? KH : taps->kh, kw = KW ? KW : taps->kw;
    FC_UNROLL for (int r = 0; r < R; r++)
        FC_UNROLL for (int j = 0; j < NV; j++)
            acc[r][j] = FC_CAT(FC_T, _zero);
    for (ptrdiff_t z = 0; z < taps->planes; z++) {
        if (KH) {
            FC_UNROLL for (int p = 0; p < R + KH - 1; p++) {
                const T *a = (const T *)rows[p] + at, *wp = w + p;
                /* or offsets of all vectors are worked out first, all weights broadcast first, and spilled */
                FC_OPAQUE(a);
                FC_OPAQUE(wp);
                FC_UNROLL for (int s = 0; s < KW; s++) {
                    FC_MEET(a + s, wp + s * KH, (p >= KH ? p - KH + 1 : 0), (p < R ? p : R - 1));
                }
            }
            w += KH * KW;
            rows += taps->plane_rows;
            continue;
        }
        const T *wp = w;
        FC_UNROLL for (int p = 0; p < R - 1; p++, wp++)
            FC_ROW(p, 0, p)
        if (KW == 1)
            FC_SEVERAL for (ptrdiff_t p = R - 1; p < kh; p++, wp++)
                FC_ROW(p, 0, R - 1)
        else
            for (ptrdiff_t p = R - 1; p < kh; p++, wp++)
                FC_ROW(p, 0, R - 1)
        FC_UNROLL for (int q = 0; q < R - 1; q++, wp++)
            FC_ROW(kh + q, q + 1, R - 1)
        w += kh * kw;
        rows += taps->plane_rows;
    }
    FC_UNROLL for (int r = 0; r < R; r++, c += ldc) {
        FC_OPAQUE(c); /* or every row of every tile has a pointer of its own */
        FC_UNROLL for (int j = 0; j < NV; j++) {
            T *to = c + j * LANES;
            if (write == FC_IMAGE_STREAM) {
                FC_STREAM(to, acc[r][j]);
                continue;
            }
            if (write == FC_IMAGE_ADD)
                acc[r][j] += *(const VU *)to;
            *(VU *)to = acc[r][j];
        }
    }
}
#undef FC_MEET
#undef FC_ROW
#undef FC_TILE
#undef FC_T
#undef T
#undef V
#undef VU
#undef LANES
