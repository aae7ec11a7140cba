/* Planes read where they lie, for one number type: included by depthwise_ukr_body.h.
 *
 * K x K taps at stride 1, R rows of outputs at a time, from a table of input rows that begin at the first tap of the
 * first column.  Only the first and the last vector of a row reach beyond it, by fewer numbers than a vector holds: what
 * they load there is masked out, so nothing is laid out anew, and a row costs its multiply-adds and their loads.  Weights
 * of 3 x 3 taps stay in registers.  Every output adds its taps column by column, rows inside, whatever the tile.
 */
typedef __typeof__((V){0} == (V){0}) N(select_);

/* A column of taps: kept in registers, or w, each broadcast when the first row meets it, so that four are held at a time.
 * mask: of vector `edge`; -1 within the row. */
FC_INLINE void N(place_column_)(const int K, const int R, const int NV, V *acc, const T *const *x, ptrdiff_t at,
                                const N(select_) * mask, const int edge, const T *w, const V *kept)
{
    V b[8];
    FC_UNROLL for (int i = 0; i < R + K - 1; i++) {
        if (i < K) {
            b[i] = kept ? kept[i] : w[i] - FC_CAT(FC_T, _zero);
            if (!kept)
                KEEP(b[i]);
        }
        FC_UNROLL for (int j = 0; j < NV; j++) {
            V a = *(const VU *)(x[i] + at + j * LANES);
            if (j == edge)
                a = (V)((N(select_))a & *mask);
            if (R > 1 && i > 0 && i < R + K - 2) /* those feed one row only, and may be loaded by its multiply-add */
                KEEP(a);
            FC_UNROLL for (int r = 0; r < R; r++)
                if (i - r >= 0 && i - r < K)
                    acc[r * NV + j] += a * b[i - r];
        }
    }
}

FC_INLINE void N(place_tile_)(const int K, const int R, const int NV, const T *const *x, ptrdiff_t at,
                              const N(select_) * mask, const int edge, const T *w, const V *kept, V bias, T *y,
                              ptrdiff_t y_row)
{
    V acc[8];
    FC_UNROLL for (int r = 0; r < R * NV; r++)
        acc[r] = bias;
    if (K == 3) {
        N(place_column_)(3, R, NV, acc, x, at, mask, edge, NULL, kept);
        N(place_column_)(3, R, NV, acc, x, at + 1, mask + 1, edge, NULL, kept + 3);
        N(place_column_)(3, R, NV, acc, x, at + 2, mask + 2, edge, NULL, kept + 6);
    } else {
        for (ptrdiff_t s = 0; s < K; s++, w += K)
            N(place_column_)(K, R, NV, acc, x, at + s, mask + s, edge, w, NULL);
    }
    FC_UNROLL for (int r = 0; r < R; r++)
        FC_UNROLL for (int j = 0; j < NV; j++)
            *(VU *)(y + r * y_row + at + j * LANES) = acc[r * NV + j];
}

/* NV vectors at a time. A row of one vector may reach beyond both ends, others have vectors enough for each. */
FC_INLINE void N(place_rows_)(const int K, const int R, const int NV, const fc_place *d, const void *const *rows,
                              const T *w, V bias, T *y)
{
    const ptrdiff_t wide = NV * LANES, inner = d->cols - d->right, y_row = d->out_row;
    const N(select_) *first = d->mask[0], *last = d->mask[1];
    const T *x[16];
    V kept[9];
    ptrdiff_t at = wide;
    FC_UNROLL for (int i = 0; i < R + K - 1; i++)
        x[i] = rows[i];
    if (K == 3)
        FC_UNROLL for (int t = 0; t < 9; t++)
            kept[t] = w[t] - FC_CAT(FC_T, _zero);
    N(place_tile_)(K, R, NV, x, 0, first, 0, w, kept, bias, y, y_row);
    for (; at + wide <= inner; at += wide)
        N(place_tile_)(K, R, NV, x, at, first, -1, w, kept, bias, y, y_row);
    if (d->cols - at > wide)
        N(place_tile_)(K, R, NV, x, inner - wide, first, -1, w, kept, bias, y, y_row);
    if (d->cols > at)
        N(place_tile_)(K, R, NV, x, d->cols - wide, last, NV - 1, w, kept, bias, y, y_row);
}

/* count rows: four at a time, the last four over their neighbours; fewer one by one */
FC_INLINE void N(place_all_)(const int K, const fc_place *d, ptrdiff_t count, const void *const *rows, const T *w, V bias,
                             T *y)
{
    /* 4 sums of 3 x 3 leave room for the weights, and tiles are short enough to overlap; longer chains want 8 */
    const int two = K > 3 && d->cols - d->right >= 2 * LANES && d->cols - d->left >= 2 * LANES;
    for (ptrdiff_t r = 0; r < count; r += count < 4 ? 1 : 4) {
        const ptrdiff_t at = r + 4 <= count || count < 4 ? r : count - 4;
        T *to = y + at * d->out_row;
        if (count < 4)
            N(place_rows_)(K, 1, 1, d, rows + at, w, bias, to);
        else if (two)
            N(place_rows_)(K, 4, 2, d, rows + at, w, bias, to);
        else
            N(place_rows_)(K, 4, 1, d, rows + at, w, bias, to);
    }
}

/* of K x K each its own: in one, GCC has too much to hold */
#define PLACE(K)                                                                                                     \
    static __attribute__((noinline)) void N(place##K##_)(const fc_place *d, ptrdiff_t count, const void *const *rows, \
                                                         const T *w, V bias, T *y)                                   \
    {                                                                                                                \
        N(place_all_)(K, d, count, rows, w, bias, y);                                                                \
    }
PLACE(3)
PLACE(5)
PLACE(7)
#undef PLACE

static void N(place_)(const fc_place *d, ptrdiff_t count, const void *const *rows, const void *w, const void *bias,
                      void *y)
{
    const V add = (bias ? *(const T *)bias : 0) - FC_CAT(FC_T, _zero);
    if (d->taps == 3)
        N(place3_)(d, count, rows, w, add, y);
    else if (d->taps == 5)
        N(place5_)(d, count, rows, w, add, y);
    else if (d->taps == 7)
        N(place7_)(d, count, rows, w, add, y);
}
