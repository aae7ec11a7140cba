/* Planes to channels last and back, for one number type: included once per kind.
 *
 * FC_T: short name of the number type (not undefined here).  A vector is put together from pieces of 16
 * bytes, each of another plane, so that what is left is a transposition of 2 x 2 or 4 x 4 within each
 * piece.  Called through the depthwise row of an ISA.
 */
#define TURN_T FC_T
#define TURN_V FC_CAT(FC_T, _v)
#define TURN_VU FC_CAT(FC_T, _vu)
#define TURN_P FC_CAT(FC_T, _piece)
#define TURN_LANES ((int)(sizeof(TURN_V) / sizeof(TURN_T)))
#define TURN_SIDE ((int)(16 / sizeof(TURN_T)))
#define TURN_N(name) FC_CAT(name, FC_T)

typedef TURN_T TURN_P __attribute__((vector_size(16), aligned(sizeof(TURN_T)), may_alias));

/* The pieces at x, x + step, ... side by side; far: x + step, from a pointer of its own where there are two pieces, so
 * that all rows are a few steps from one of two pointers */
FC_INLINE TURN_V TURN_N(pieces_)(const TURN_T *x, const TURN_T *far, ptrdiff_t step)
{
#if FC_VEC_BYTES == 64 && defined(__AVX512F__)
    __m512 v = _mm512_castps128_ps512(_mm_loadu_ps((const float *)x));
    v = _mm512_mask_broadcast_f32x4(v, 0x00f0, _mm_loadu_ps((const float *)far));
    v = _mm512_mask_broadcast_f32x4(v, 0x0f00, _mm_loadu_ps((const float *)(x + 2 * step)));
    v = _mm512_mask_broadcast_f32x4(v, 0xf000, _mm_loadu_ps((const float *)(x + 3 * step)));
    return (TURN_V)v;
#elif FC_VEC_BYTES == 32
    __m256 v = _mm256_castps128_ps256(_mm_loadu_ps((const float *)x));
    (void)step;
    return (TURN_V)_mm256_insertf128_ps(v, _mm_loadu_ps((const float *)far), 1);
#else
    TURN_V v;
    (void)far;
    FC_UNROLL for (int i = 0; i < TURN_LANES / TURN_SIDE; i++)
        ((TURN_P *)&v)[i] = *(const TURN_P *)(x + i * step);
    return v;
#endif
}

/* Interleaves the low (high: the high) halves of the pieces of a and b, by numbers or by pairs of them */
FC_INLINE TURN_V TURN_N(zip_)(TURN_V a, TURN_V b, const int high, const int pair)
{
    typedef __typeof__(a == b) I;
    TURN_V r;
    I at;
    FC_UNROLL for (int l = 0; l < TURN_LANES; l++) {
        const int piece = l / TURN_SIDE * TURN_SIDE, i = l % TURN_SIDE;
        const int from = pair ? i / 2 : i % 2;
        const int index = pair ? i % 2 + 2 * high : i / 2 + high * TURN_SIDE / 2;
        at[l] = piece + index + from * TURN_LANES;
    }
    r = __builtin_shuffle(a, b, at);
    return r;
}

/* to[i * to_row + c] = x[c * x_row + i] for i < LANES, first <= i, c < LANES */
FC_INLINE void TURN_N(turn_)(TURN_T *to, ptrdiff_t to_row, const TURN_T *x, ptrdiff_t x_row, int first)
{
    FC_UNROLL for (int g = 0; g < TURN_LANES; g += TURN_SIDE) {
        TURN_V v[4], t[4];
        TURN_T *d = to + g * to_row;
        const TURN_T *near = x + g, *far = near + TURN_SIDE * x_row;
        FC_OPAQUE(near);
        FC_OPAQUE(far);
        FC_OPAQUE(d);
        FC_UNROLL for (int r = 0; r < TURN_SIDE; r++)
            v[r] = TURN_N(pieces_)(near + r * x_row, far + r * x_row, TURN_SIDE * x_row);
        if (TURN_SIDE == 2) {
            t[0] = TURN_N(zip_)(v[0], v[1], 0, 0);
            t[1] = TURN_N(zip_)(v[0], v[1], 1, 0);
        } else {
            FC_UNROLL for (int h = 0; h < 2; h++) {
                const TURN_V a = TURN_N(zip_)(v[0], v[1], h, 0), b = TURN_N(zip_)(v[2], v[3], h, 0);
                t[2 * h] = TURN_N(zip_)(a, b, 0, 1);
                t[2 * h + 1] = TURN_N(zip_)(a, b, 1, 1);
            }
        }
        FC_UNROLL for (int i = 0; i < TURN_SIDE; i++)
            if (g + i >= first)
                *(TURN_VU *)(d + i * to_row) = t[i];
    }
}

/* to[p * to_col + c] = x[c * plane + p] for p < n (n >= LANES), c < LANES */
static void TURN_N(to_last_)(void *to_, ptrdiff_t to_col, const void *x_, ptrdiff_t plane, ptrdiff_t n)
{
    const TURN_T *x = (const TURN_T *)x_;
    TURN_T *to = (TURN_T *)to_;
    for (ptrdiff_t p = 0; p < n; p += TURN_LANES) {
        if (p + TURN_LANES > n)
            p = n - TURN_LANES;
        TURN_N(turn_)(to + p * to_col, to_col, x + p, plane, 0);
    }
}

/* The way back: to[c * plane + p] = x[p * x_col + c] for p < n (n >= LANES), first <= c < LANES */
static void TURN_N(to_planes_)(void *to_, ptrdiff_t plane, const void *x_, ptrdiff_t x_col,
                               ptrdiff_t n, int first)
{
    const TURN_T *x = (const TURN_T *)x_;
    TURN_T *to = (TURN_T *)to_;
    for (ptrdiff_t p = 0; p < n; p += TURN_LANES) {
        if (p + TURN_LANES > n)
            p = n - TURN_LANES;
        TURN_N(turn_)(to + p, plane, x + p * x_col, x_col, first);
    }
}
#undef TURN_T
#undef TURN_V
#undef TURN_VU
#undef TURN_P
#undef TURN_LANES
#undef TURN_SIDE
#undef TURN_N
