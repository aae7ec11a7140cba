/* Channels last, squares of K x K taps at stride 1, for one number type: included by depthwise_ukr_body.h.
 *
 * A vector holds neighbouring channels. ROWS rows of outputs by COLS pixels at a time, column by
 * column of samples: each row of samples is read from the second-level cache (rows + K - 1) / rows times instead of K
 * times, and every sample that is loaded meets all the outputs of the tile that it counts for.
 */
#define ROWS FC_SQUARE_ROWS
#define COLS 2 /* of outputs */

#define WINDOW (ROWS + 6)
typedef __typeof__((V){0} == (V){0}) N(square_mask_);
/* What a tile at an edge takes for the rows of its window: those that count for nothing are read where another is. */
typedef struct {
    ptrdiff_t rows, cols, at;
    ptrdiff_t offset[WINDOW];
    N(square_mask_) mask[WINDOW];
} N(square_edge_);

/* e: NULL for whole tiles whose window lies inside; else e->rows x e->cols outputs are stored, columns of the window are
 * passed over where e->at, that of the first, says that they are outside. */
FC_INLINE void N(square_tile_)(const int K, const N(square_edge_) *e, const fc_square *d, const T *x0, const T *w0,
                               const T *bias, T *y)
{
    const ptrdiff_t row = d->x_row, step = d->x_col;
    V acc[ROWS][COLS];
    FC_UNROLL for (int r = 0; r < ROWS; r++)
        FC_UNROLL for (int p = 0; p < COLS; p++)
            acc[r][p] = FC_CAT(FC_T, _zero);
    /* multiples of a step that no addressing mode has */
    ptrdiff_t row3 = 3 * row, row5 = 5 * row;
    FC_OPAQUE(row3);
    FC_OPAQUE(row5);
    for (ptrdiff_t z = 0; z < d->planes; z++) {
        const T *x = x0 + d->plane_x[z], *w = w0 + d->plane_w[z];
        FC_UNROLL for (int c = 0; c < COLS + K - 1; c++, x += step) {
            FC_OPAQUE(x);
            FC_OPAQUE(w); /* else weights are kept, on the stack, for the next column */
            const T *x6 = x + 6 * row;
            if (e && (size_t)(e->at + c) >= (size_t)d->w)
                continue;
            FC_UNROLL for (int i = 0; i < ROWS + K - 1; i++) {
                const T *xi = i < 6 ? x : x6;
                const int j = i < 6 ? i : i - 6;
                V a = *(const VU *)(e ? x + e->offset[i] : xi + (j == 3 ? row3 : j == 5 ? row5 : j * row));
                if (e)
                    a = (V)((N(square_mask_))a & e->mask[i]);
                KEEP(a);
                FC_UNROLL for (int r = 0; r < ROWS; r++)
                    FC_UNROLL for (int p = 0; p < COLS; p++)
                        if (i - r >= 0 && i - r < K && c - p >= 0 && c - p < K)
                            acc[r][p] += a * *(const VU *)(w + ((i - r) * K + c - p) * LANES);
            }
        }
    }
    FC_UNROLL for (int p = 0; p < COLS; p++, y += d->out_col) {
        T *to = y;
        FC_OPAQUE(to);
        FC_UNROLL for (int r = 0; r < ROWS; r++, to += d->out_row) {
            if (bias)
                acc[r][p] += *(const VU *)bias;
            if (!e || (r < e->rows && p < e->cols))
                *(VU *)to = acc[r][p];
        }
    }
}

FC_INLINE void N(square_rows_)(const int K, const fc_square *given, ptrdiff_t rows, ptrdiff_t lo, ptrdiff_t hi, const T *x,
                               const T *w, const T *bias, T *y)
{
    const fc_square own = *given, *d = &own; /* what is written cannot change it */
    const int whole = rows == ROWS && lo <= 0 && hi >= ROWS + K - 1;
    N(square_edge_) e = {.rows = rows};
    lo = lo > 0 ? lo : 0;
    hi = hi < rows + K - 1 ? hi : rows + K - 1;
    FC_UNROLL for (int i = 0; i < ROWS + K - 1; i++) {
        e.offset[i] = (i < lo ? lo : i < hi ? i : hi - 1) * d->x_row;
        FC_UNROLL for (int l = 0; l < LANES; l++)
            e.mask[i][l] = lo <= i && i < hi ? -1 : 0;
    }
    for (ptrdiff_t first = d->first; first < d->end; first += d->block) {
        const ptrdiff_t end = d->end - first < d->block ? d->end : first + d->block;
        for (ptrdiff_t q = 0; q < d->cols; q += COLS) {
            const ptrdiff_t at = q - d->left;
            const T *xq = x + at * d->x_col;
            T *yq = y + q * d->out_col;
            e.at = at;
            e.cols = d->cols - q;
            const int inside = whole && e.cols >= COLS && at >= 0 && at + COLS + K - 1 <= d->w;
            for (ptrdiff_t v = first; v < end; v++) {
                const T *wv = w + v * d->taps * LANES;
                ptrdiff_t k = v ? v * LANES - d->back : 0;
                k = k < d->channels - LANES ? k : d->channels - LANES;
                if (inside)
                    N(square_tile_)(K, NULL, d, xq + k, wv, bias ? bias + k : NULL, yq + k);
                else
                    N(square_tile_)(K, &e, d, xq + k, wv, bias ? bias + k : NULL, yq + k);
            }
        }
    }
}

static void N(square_)(const fc_square *d, int kernel, ptrdiff_t rows, ptrdiff_t lo, ptrdiff_t hi, const void *x, const void *w,
                       const void *bias, void *y)
{
    if (kernel == 3)
        N(square_rows_)(3, d, rows, lo, hi, (const T *)x, (const T *)w, (const T *)bias, (T *)y);
    else if (kernel == 5)
        N(square_rows_)(5, d, rows, lo, hi, (const T *)x, (const T *)w, (const T *)bias, (T *)y);
    else
        N(square_rows_)(7, d, rows, lo, hi, (const T *)x, (const T *)w, (const T *)bias, (T *)y);
}
#undef WINDOW
#undef ROWS
#undef COLS
