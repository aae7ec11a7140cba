/* One row of results, each summed in the order of SciPy's correlate1d: included by image_ukr.c once per number type.
 *
 * FC_T: the number type.  float64: products are rounded before they are added, and samples under taps that read the
 * same from both ends are added (subtracted) first, as SciPy does: the bits are SciPy's.  float32, for which SciPy
 * sums in float64: two products are subtracted, which may not overflow where they do not; samples that are alike
 * leave nothing.
 */
#define T FC_T
#define V FC_CAT(FC_T, _v)
#define VU FC_CAT(FC_T, _vu)
#define LANES ((ptrdiff_t)(sizeof(V) / sizeof(T)))
#define N(name) FC_CAT(name, FC_T)

/* NV vectors at p; samples of tap t lie at rows[t], or, without rows, at x + t * step. */
FC_INLINE void N(ordered_block_)(const int NV, const int symmetry, const int by_rows, const fc_ordered *o, ptrdiff_t p,
                                 int write)
{
    const T *w = o->w, *const *low = (const T *const *)o->rows, *const *high = low + o->taps - 1;
    const ptrdiff_t first = symmetry ? o->taps / 2 : o->taps - 1, step = by_rows ? 0 : o->step;
    const T *a = (const T *)o->x + p, *b = a + (o->taps - 1) * step;
    const T *middle = by_rows ? low[first] + o->at + p : a + first * step;
    V acc[8];
    FC_UNROLL for (int j = 0; j < NV; j++)
        acc[j] = *(const VU *)(middle + j * LANES) * *(w + first);
    for (ptrdiff_t t = 0; t < first; t++, w++, low++, high--, a += step, b -= step) {
        if (by_rows) {
            a = *low + o->at + p;
            b = *high + o->at + p;
        }
        const V tap = *w - FC_CAT(FC_T, _zero);
        FC_UNROLL for (int j = 0; j < NV; j++) {
            V v = *(const VU *)(a + j * LANES);
            if (sizeof(T) == 4) {
                V u = *(const VU *)(b + j * LANES) * tap;
                FC_KEEP(u);
                v *= tap;
                FC_KEEP(v);
                v -= u;
            } else {
                if (symmetry > 0)
                    v += *(const VU *)(b + j * LANES);
                else if (symmetry < 0)
                    v -= *(const VU *)(b + j * LANES);
                v *= tap;
                FC_KEEP(v); /* or the product and the sum become one operation, rounded once */
            }
            acc[j] += v;
        }
    }
    FC_UNROLL for (int j = 0; j < NV; j++) {
        T *to = (T *)o->y + p + j * LANES;
        if (write == FC_IMAGE_STREAM) {
            FC_STREAM(to, acc[j]);
        } else {
            *(VU *)to = acc[j];
        }
    }
}

FC_INLINE void N(ordered_blocks_)(const int symmetry, const int by_rows, const fc_ordered *o, ptrdiff_t n, int write)
{
    ptrdiff_t p = 0;
    for (; p + 8 * LANES <= n; p += 8 * LANES)
        N(ordered_block_)(8, symmetry, by_rows, o, p, write);
    for (; p + 4 * LANES <= n; p += 4 * LANES)
        N(ordered_block_)(4, symmetry, by_rows, o, p, write);
    for (; p + LANES <= n; p += LANES)
        N(ordered_block_)(1, symmetry, by_rows, o, p, write);
    if (p < n)
        N(ordered_block_)(1, symmetry, by_rows, o, n >= LANES ? n - LANES : 0, FC_IMAGE_STORE);
}

static void N(ordered_)(const fc_ordered *o, ptrdiff_t n, int write)
{
#define FC_ORDERED(symmetry)                                          \
    if (o->rows)                                                      \
        N(ordered_blocks_)(symmetry, 1, o, n, write);                 \
    else                                                              \
        N(ordered_blocks_)(symmetry, 0, o, n, write);
    if (sizeof(T) == 4 || o->symmetry < 0) {
        FC_ORDERED(-1)
    } else if (o->symmetry > 0) {
        FC_ORDERED(1)
    } else {
        FC_ORDERED(0)
    }
#undef FC_ORDERED
}
#undef T
#undef V
#undef VU
#undef LANES
#undef N
