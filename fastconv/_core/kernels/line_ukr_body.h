/* One row filtered by one row of taps, for one number type: included by image_ukr.c once per kind.
 *
 * Taps r, r + lanes, r + 2 lanes, ... meet the same vectors of samples, lanes apart: a block of NV output vectors
 * and M such taps loads NV + M - 1 vectors for NV * M multiply-adds.  Every output adds its taps in the same
 * order, whatever the block.
 */
#define T FC_T
#define V FC_CAT(FC_T, _v)
#define VU FC_CAT(FC_T, _vu)
#define LANES ((int)(sizeof(V) / sizeof(T)))
#define BLOCK FC_CAT(FC_LINE, _block)
#define MEET FC_CAT(FC_LINE, _meet)

/* acc += taps w[0], w[lanes], ... M of them, over the samples from x on */
FC_INLINE void MEET(const int M, const int NV, V *acc, const T *x, const T *w)
{
    V tap[4];
    FC_OPAQUE(x); /* or vectors are carried over from one block of taps to the next, and spilled */
    FC_UNROLL for (int m = 0; m < M; m++)
        tap[m] = w[m * LANES] - FC_CAT(FC_T, _zero);
    FC_UNROLL32 for (int i = 0; i < NV + M - 1; i++) {
        V a = *(const VU *)(x + i * LANES);
        FC_KEEP(a);
        FC_UNROLL for (int m = 0; m < M; m++)
            if (i - m >= 0 && i - m < NV) {
                acc[i - m] += a * tap[m];
                FC_KEEP(acc[i - m]); /* else GCC lets sums wander into the sample's register, and spills */
            }
    }
}

/* M taps each for r = from .. to - 1: taps r, r + lanes, ... */
FC_INLINE void FC_CAT(FC_LINE, _meets)(const int M, const int NV, V *acc, const T *x, const T *w, int from, int to)
{
    for (int r = from; r < to; r++)
        MEET(M, NV, acc, x + r, w + r);
}
#define MEETS FC_CAT(FC_LINE, _meets)

FC_INLINE void BLOCK(const int NV, ptrdiff_t taps, const T *x, const T *w, T *y, int write)
{
    V acc[FC_LINE_VECTORS];
    FC_UNROLL for (int j = 0; j < NV; j++)
        acc[j] = FC_CAT(FC_T, _zero);
    for (; taps >= FC_LINE_TAPS * LANES; taps -= FC_LINE_TAPS * LANES, x += FC_LINE_TAPS * LANES, w += FC_LINE_TAPS * LANES)
        MEETS(FC_LINE_TAPS, NV, acc, x, w, 0, LANES);
    const int full = (int)taps / LANES, more = (int)taps % LANES;
    if (full == 3) {
        MEETS(4, NV, acc, x, w, 0, more);
        MEETS(3, NV, acc, x, w, more, LANES);
    } else if (full == 2) {
        MEETS(3, NV, acc, x, w, 0, more);
        MEETS(2, NV, acc, x, w, more, LANES);
    } else if (full == 1) {
        MEETS(2, NV, acc, x, w, 0, more);
        MEETS(1, NV, acc, x, w, more, LANES);
    } else {
        MEETS(1, NV, acc, x, w, 0, more);
    }
    FC_UNROLL for (int j = 0; j < NV; j++) {
        T *to = y + j * LANES;
        if (write == FC_IMAGE_STREAM) {
            FC_STREAM(to, acc[j]);
            continue;
        }
        if (write == FC_IMAGE_ADD)
            acc[j] += *(const VU *)to;
        *(VU *)to = acc[j];
    }
}
#undef MEETS

static void FC_LINE(ptrdiff_t taps, const void *x_, const void *w_, void *y_, ptrdiff_t n, int write)
{
    const T *x = (const T *)x_, *w = (const T *)w_;
    T *y = (T *)y_;
    ptrdiff_t p = 0;
    for (; p + FC_LINE_VECTORS * LANES <= n; p += FC_LINE_VECTORS * LANES)
        BLOCK(FC_LINE_VECTORS, taps, x + p, w, y + p, write);
    for (; p + 4 * LANES <= n; p += 4 * LANES)
        BLOCK(4, taps, x + p, w, y + p, write);
    for (; p + LANES <= n; p += LANES)
        BLOCK(1, taps, x + p, w, y + p, write);
    if (p < n) { /* over its neighbour */
        T last[LANES];
        BLOCK(1, taps, x + n - LANES, w, last, FC_IMAGE_STORE);
        for (ptrdiff_t i = p; i < n; i++)
            y[i] = write == FC_IMAGE_ADD ? y[i] + last[i - (n - LANES)] : last[i - (n - LANES)];
    }
}
#undef FC_LINE
#undef FC_T
#undef T
#undef V
#undef VU
#undef LANES
#undef BLOCK
#undef MEET
