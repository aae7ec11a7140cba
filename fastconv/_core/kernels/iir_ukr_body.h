/* Recursive tiles of one vector type: included by iir_ukr.c for vectors and for single numbers.
 *
 * T: the number, V: the vector (or T), VU: its unaligned view, KEEP, FC_TILE: the name to define.
 * Every variant does the same operations in the same order, so a channel's bits do not depend on how
 * channels are grouped.  Coefficients stay in registers where they fit, else they are read from the
 * first cache; the products that a compiler could contract either way are kept apart.
 */
FC_INLINE void FC_CAT(FC_TILE, _step)(const int P, V *u, const V *c, V *z)
{
    const V y = c[0] * *u + z[0];
    V back = c[2 * P] * y;
    KEEP(back);
    FC_UNROLL for (int p = 0; p < P - 1; p++)
        z[p] = (z[p + 1] + c[1 + 2 * p] * *u) - c[2 + 2 * p] * y;
    z[P - 1] = c[2 * P - 1] * *u - back;
    *u = y;
}

FC_INLINE void FC_TILE(const int S, const int P, const int NV, ptrdiff_t n, const T *x,
                       const ptrdiff_t *x_at, ptrdiff_t x_step, T *y, const ptrdiff_t *y_at,
                       ptrdiff_t y_step, const V *coef, V *state)
{
    enum { resident = 5 };
    const int size = S * (2 * P + 1);
    V z[8], kept[resident];
    const T *from[4];
    T *to[4];
    FC_UNROLL for (int i = 0; i < NV * S * P; i++)
        z[i] = state[i];
    FC_UNROLL for (int v = 0; v < NV; v++) {
        from[v] = x + x_at[v];
        to[v] = y + y_at[v];
    }
    if (size <= resident)
        FC_UNROLL for (int i = 0; i < size; i++)
            kept[i] = coef[i];
    for (ptrdiff_t i = 0; i < n; i++) {
        FC_OPAQUE(coef);
        FC_UNROLL for (int v = 0; v < NV; v++) {
            V u = *(const VU *)from[v];
            FC_UNROLL for (int s = 0; s < S; s++)
                FC_CAT(FC_TILE, _step)(P, &u, size <= resident ? kept : coef + s * (2 * P + 1),
                                       z + (v * S + s) * P);
            *(VU *)to[v] = u;
            from[v] += x_step;
            to[v] += y_step;
        }
    }
    FC_UNROLL for (int i = 0; i < NV * S * P; i++)
        state[i] = z[i];
}

/* Any order: the state stays in memory. */
static void FC_CAT(FC_TILE, _any)(ptrdiff_t order, ptrdiff_t n, const T *x, ptrdiff_t x_step, T *y,
                                  ptrdiff_t y_step, const V *c, V *z)
{
    for (ptrdiff_t i = 0; i < n; i++, x += x_step, y += y_step) {
        const V u = *(const VU *)x, out = c[0] * u + z[0];
        V back = c[2 * order] * out;
        KEEP(back);
        for (ptrdiff_t p = 0; p < order - 1; p++)
            z[p] = (z[p + 1] + c[1 + 2 * p] * u) - c[2 + 2 * p] * out;
        z[order - 1] = c[2 * order - 1] * u - back;
        *(VU *)y = out;
    }
}

#define FC_IIR(S, P, NV)                                                                         \
    static void FC_CAT4(FC_TILE, _##S, _##P, _##NV)(                                             \
        ptrdiff_t order, ptrdiff_t n, const void *x, const ptrdiff_t *x_at, ptrdiff_t x_step,    \
        void *y, const ptrdiff_t *y_at, ptrdiff_t y_step, const void *coef, void *state)         \
    {                                                                                            \
        if (P)                                                                                   \
            FC_TILE(S, P ? P : 1, NV, n, (const T *)x, x_at, x_step, (T *)y, y_at, y_step,               \
                    (const V *)coef, (V *)state);                                                \
        else                                                                                     \
            FC_CAT(FC_TILE, _any)(order, n, (const T *)x + x_at[0], x_step, (T *)y + y_at[0],    \
                                  y_step, (const V *)coef, (V *)state);                          \
    }
#include "iir.inc"
#undef FC_IIR
#undef T
#undef V
#undef VU
#undef KEEP
#undef FC_TILE
