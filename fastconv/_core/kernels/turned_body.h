/* Turned planes filtered by 3 x 3 taps at stride 1, for one number type: included by depthwise_ukr_body.h.
 *
 * Samples of neighbouring channels fill a vector, pixels lie `step` numbers apart.  R rows of outputs at a time, pixel by
 * pixel, from a table of input rows; the weights stay in registers.  Columns outside the plane are passed over.  (5 x 5
 * and 7 x 7 gained nothing so: their weights are read again for every pixel.)
 */

/* The pixels whose windows begin at column `at`. EDGE: columns outside the plane are passed over. */
FC_INLINE void N(turned_pixels_)(const int R, const int EDGE, const fc_turned *d, const T *const *x, ptrdiff_t at,
                                 const V *w, V bias, T *y, ptrdiff_t y_row)
{
    const ptrdiff_t step = d->step, width = d->w;
    V acc[4];
    FC_UNROLL for (int r = 0; r < R; r++)
        acc[r] = bias;
    FC_UNROLL for (int s = 0; s < 3; s++) {
        if (EDGE && (at + s < 0 || at + s >= width))
            continue;
        FC_UNROLL for (int i = 0; i < R + 2; i++) {
            V a = *(const VU *)(x[i] + (at + s) * step);
            KEEP(a);
            FC_UNROLL for (int r = 0; r < R; r++)
                if (i - r >= 0 && i - r < 3)
                    acc[r] += a * w[3 * (i - r) + s];
        }
    }
    FC_UNROLL for (int r = 0; r < R; r++, y += y_row) {
        FC_OPAQUE(y);
        *(VU *)y = acc[r];
    }
}

FC_INLINE void N(turned_rows_)(const int R, const fc_turned *d, const void *const *rows, const V *w, V bias, T *y)
{
    const ptrdiff_t cols = d->cols, width = d->w, step = d->step, y_row = cols * step, left = d->left;
    const T *x[6];
    FC_UNROLL for (int i = 0; i < R + 2; i++)
        x[i] = rows[i];
    for (ptrdiff_t q = 0; q < cols; q++, y += step) {
        const ptrdiff_t at = q - left;
        if (at >= 0 && at + 3 <= width)
            N(turned_pixels_)(R, 0, d, x, at, w, bias, y, y_row);
        else
            N(turned_pixels_)(R, 1, d, x, at, w, bias, y, y_row);
    }
}

static void N(turned_)(const fc_turned *d, ptrdiff_t count, const void *const *rows, const void *w, const void *bias,
                       void *y_)
{
    const V add = bias ? (V) * (const VU *)bias : FC_CAT(FC_T, _zero);
    T *y = y_;
    V kept[9];
    FC_UNROLL for (int t = 0; t < 9; t++)
        kept[t] = *(const VU *)((const T *)w + t * d->w_tap);
    for (; count >= 4; count -= 4, rows += 4, y += 4 * d->cols * d->step)
        N(turned_rows_)(4, d, rows, kept, add, y);
    if (count == 3)
        N(turned_rows_)(3, d, rows, kept, add, y);
    else if (count == 2)
        N(turned_rows_)(2, d, rows, kept, add, y);
    else if (count == 1)
        N(turned_rows_)(1, d, rows, kept, add, y);
}
