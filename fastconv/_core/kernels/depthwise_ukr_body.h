/* The depthwise microkernels of one number type (FC_T): included by depthwise_ukr.c once per kind. */
#define T FC_T
#define V FC_CAT(FC_T, _v)
#define VU FC_CAT(FC_T, _vu)
#define LANES ((ptrdiff_t)(sizeof(V) / sizeof(T)))
#define KEEP FC_CAT(FC_T, _keep)
#define N(name) FC_CAT(name, FC_T)

/* ---- channels first: planes laid out for the row tiles ---- */

#include "copy_body.h"

static void N(copy_)(void *to, ptrdiff_t to_row, const void *from, ptrdiff_t from_row,
                     ptrdiff_t rows, ptrdiff_t n)
{
    for (ptrdiff_t r = 0; r < rows; r++)
        N(copy_row_)((T *)to + r * to_row, (const T *)from + r * from_row, n);
}

/* even[j] = x[2 j] and odd[j] = x[2 j + 1] for all of n numbers */
FC_INLINE void N(split_row_)(T *even, T *odd, const T *x, ptrdiff_t n)
{
    typedef __typeof__((V){0} == (V){0}) I;
    I first, second;
    FC_UNROLL for (int l = 0; l < LANES; l++) {
        first[l] = 2 * l;
        second[l] = 2 * l + 1;
    }
    ptrdiff_t i = 0;
    if (n >= 2 * LANES) {
        for (;; i += 2 * LANES) {
            if (i + 2 * LANES > n)
                i = (n - 2 * LANES) & ~(ptrdiff_t)1; /* over its neighbour; evens stay evens */
            const V a = *(const VU *)(x + i), b = *(const VU *)(x + i + LANES);
            *(VU *)(even + i / 2) = __builtin_shuffle(a, b, first);
            *(VU *)(odd + i / 2) = __builtin_shuffle(a, b, second);
            if (i + 2 * LANES >= n - 1)
                break;
        }
        i += 2 * LANES;
    } else if (n >= LANES / 2) { /* by way of a copy, so that nothing beyond the row is read */
        T few[2 * LANES], out[2 * LANES];
        N(copy_row_)(few, x, n);
        const V a = *(const VU *)few, b = *(const VU *)(few + LANES);
        *(VU *)out = __builtin_shuffle(a, b, first);
        *(VU *)(out + LANES) = __builtin_shuffle(a, b, second);
        N(copy_row_)(even, out, (n + 1) / 2);
        N(copy_row_)(odd, out + LANES, n / 2);
        i = n;
    }
    for (; i < n; i++)
        *((i % 2 ? odd : even) + i / 2) = x[i];
}

/* One packed row, all column phases that a tap meets. */
FC_INLINE void N(pack_row_)(const fc_plane_layout *d, const T *x, T *to)
{
    const ptrdiff_t stride = d->stride_w, before = d->left > 0 ? d->left : 0;
    const ptrdiff_t skipped = before - d->left; /* numbers cropped by a negative padding */
    ptrdiff_t n = d->w - skipped;
    if (n > stride * d->phase_cols - before)
        n = stride * d->phase_cols - before;
    if (n <= 0)
        return;
    x += skipped;
    if (stride == 1) {
        N(copy_row_)(to + before, x, n);
        return;
    }
    if (stride == 2 && d->col_met[0] && d->col_met[1]) {
        T *even = to + before % 2 * d->phase_cols + before / 2;
        T *odd = to + (before + 1) % 2 * d->phase_cols + (before + 1) / 2;
        N(split_row_)(even, odd, x, n);
        return;
    }
    for (ptrdiff_t phase = 0; phase < stride; phase++, to += d->phase_cols)
        if (d->col_met[phase]) {
            ptrdiff_t j = (before - phase + stride - 1) / stride;
            for (ptrdiff_t i = phase + j * stride - before; i < n; i += stride)
                to[j++] = x[i];
        }
}

static void N(pack_)(const fc_plane_layout *layout, const void *x, void *buf, ptrdiff_t first)
{
    const fc_plane_layout own = *layout, *d = &own; /* what is written cannot change it: worked out once for all rows */
    T *to = (T *)buf;
    for (ptrdiff_t a = 0; a < d->stride_h; a++) {
        if (!d->row_met[a]) {
            to += d->phase_rows * d->pitch;
            continue;
        }
        for (ptrdiff_t i = 0; i < d->phase_rows; i++, to += d->pitch) {
            const ptrdiff_t y = first + i * d->stride_h + a - d->top;
            if (y >= 0 && y < d->h)
                N(pack_row_)(d, (const T *)x + y * d->x_row, to);
            else if (d->zeros)
                memset(to, 0, (size_t)d->pitch * sizeof(T));
        }
    }
}

#include "place_body.h"

/* ---- channels last: vectors of channels ---- */

/* PX pixels by NV vectors.  KW > 0: kernels of KW dense columns at stride 1, which share what they load;
 * KW = 0: any.  EDGE: columns outside the row are passed over. `at`: column of the first tap. */
FC_INLINE void N(last_tile_)(const int PX, const int NV, const int KW, const int EDGE,
                             const fc_last_row *d, ptrdiff_t at, const T *x, const T *w,
                             const T *bias, T *out)
{
    V acc[7][2];
    FC_UNROLL for (int p = 0; p < PX; p++)
        FC_UNROLL for (int j = 0; j < NV; j++)
            acc[p][j] = FC_CAT(FC_T, _zero);
    for (ptrdiff_t r = 0; r < d->rows; r++) {
        const T *xr = x + d->row_x[r], *wr = w + d->row_w[r];
        if (KW) {
            V b[7][2]; /* of a constant size: one of KW would be an array of variable length, in memory */
            FC_UNROLL for (int s = 0; s < KW; s++)
                FC_UNROLL for (int j = 0; j < NV; j++)
                    b[s][j] = *(const VU *)(wr + s * d->w_tap + j * LANES);
            FC_UNROLL for (int q = 0; q < PX + KW - 1; q++, xr += d->x_col) {
                if (EDGE && (size_t)(at + q) >= (size_t)d->w)
                    continue;
                FC_UNROLL for (int j = 0; j < NV; j++) {
                    V a = *(const VU *)(xr + j * LANES);
                    KEEP(a);
                    FC_UNROLL for (int s = 0; s < KW; s++)
                        if (q - s >= 0 && q - s < PX)
                            acc[q - s][j] += a * b[s][j];
                }
            }
            continue;
        }
        ptrdiff_t col = at;
        for (ptrdiff_t s = 0; s < d->kw; s++, wr += d->w_tap, col += d->dilation) {
            V b[2];
            const T *xp = xr;
            FC_UNROLL for (int j = 0; j < NV; j++)
                b[j] = *(const VU *)(wr + j * LANES);
            FC_UNROLL for (int p = 0; p < PX; p++, xp += d->stride * d->x_col)
                if (!EDGE || (size_t)(col + p * d->stride) < (size_t)d->w)
                    FC_UNROLL for (int j = 0; j < NV; j++)
                        acc[p][j] += *(const VU *)(xp + j * LANES) * b[j];
            xr += d->dilation * d->x_col;
        }
    }
    FC_UNROLL for (int p = 0; p < PX; p++, out += d->out_col)
        FC_UNROLL for (int j = 0; j < NV; j++) {
            if (bias)
                acc[p][j] += *(const VU *)(bias + j * LANES);
            *(VU *)(out + j * LANES) = acc[p][j];
        }
}

/* All channels of PX pixels: NV vectors, then single ones, the last over its neighbour. */
FC_INLINE void N(last_pixels_)(const int PX, const int NV, const int KW, const int EDGE, const fc_last_row *d,
                               ptrdiff_t at, const T *x, const T *w, const T *bias, T *out)
{
    ptrdiff_t k = 0;
    for (; NV == 2 && k + 2 * LANES <= d->channels; k += 2 * LANES)
        N(last_tile_)(PX, NV, KW, EDGE, d, at, x + k, w + k, bias ? bias + k : NULL, out + k);
    for (; k < d->channels; k += LANES) {
        if (k + LANES > d->channels)
            k = d->channels - LANES;
        N(last_tile_)(PX, 1, KW, EDGE, d, at, x + k, w + k, bias ? bias + k : NULL, out + k);
    }
}

/* A whole row by tiles of PX pixels and NV vectors, of 4 and of 1. */
FC_INLINE void N(last_row_)(const int PX, const int NV, const int KW, const fc_last_row *d, const T *x, const T *w,
                            const T *bias, T *out)
{
    const ptrdiff_t reach = (d->kw - 1) * d->dilation;
    for (ptrdiff_t q = 0; q < d->cols;) {
        const ptrdiff_t left = d->cols - q, px = left >= PX ? PX : left >= 4 ? 4 : 1;
        const ptrdiff_t at = q * d->stride - d->left;
        const int edge = at < 0 || at + (px - 1) * d->stride + reach >= d->w;
        const T *xq = x + at * d->x_col;
        T *to = out + q * d->out_col;
        if (px == PX && !edge)
            N(last_pixels_)(PX, NV, KW, 0, d, at, xq, w, bias, to);
        else if (px == PX)
            N(last_pixels_)(PX, NV, KW, 1, d, at, xq, w, bias, to);
        else if (px == 4)
            N(last_pixels_)(4, NV, KW, 1, d, at, xq, w, bias, to);
        else
            N(last_pixels_)(1, NV, KW, 1, d, at, xq, w, bias, to);
        q += px;
    }
}

static void N(last_)(const fc_last_row *d, const void *x, const void *w, const void *bias, void *out)
{
    /* 7 pixels: the usual sizes of planes are multiples of it. Where pixels push each other out of the cache, and taps
     * do not share what is loaded: 4, so that 16 registers hold two vectors, as a line of the cache does. */
    const int NV = FC_PICK(2, 1, 1);
    const ptrdiff_t kw = d->stride == 1 && d->dilation == 1 ? d->kw : 0;
    if (kw == 3)
        N(last_row_)(7, NV, 3, d, (const T *)x, (const T *)w, (const T *)bias, (T *)out);
    else if (kw == 4)
        N(last_row_)(7, NV, 4, d, (const T *)x, (const T *)w, (const T *)bias, (T *)out);
    else if (kw == 5)
        N(last_row_)(7, NV, 5, d, (const T *)x, (const T *)w, (const T *)bias, (T *)out);
    else if (kw == 7)
        N(last_row_)(7, NV, 7, d, (const T *)x, (const T *)w, (const T *)bias, (T *)out);
    else if (NV == 1 && d->crowded)
        N(last_row_)(4, 2, 0, d, (const T *)x, (const T *)w, (const T *)bias, (T *)out);
    else
        N(last_row_)(7, NV, 0, d, (const T *)x, (const T *)w, (const T *)bias, (T *)out);
}

#include "square_body.h"

/* ---- channels last, small groups: a vector holds several, each of whose filters takes the channels of its own ---- */

FC_INLINE V N(spread_)(V a, const int side, const int i)
{
    typedef __typeof__((V){0} == (V){0}) I;
    I at;
    FC_UNROLL for (int l = 0; l < LANES; l++)
        at[l] = l / side * side + i;
    return __builtin_shuffle(a, at);
}

/* PX pixels of a vector of channels; w: of each tap `side` vectors of filters. */
FC_INLINE void N(groups_tile_)(const int PX, const int SIDE, const int EDGE, const fc_last_row *d, ptrdiff_t at,
                               const T *x, const T *w, const T *bias, T *out)
{
    V acc[7];
    FC_UNROLL for (int p = 0; p < PX; p++)
        acc[p] = FC_CAT(FC_T, _zero);
    for (ptrdiff_t r = 0; r < d->rows; r++) {
        const T *xr = x + d->row_x[r], *wr = w + d->row_w[r];
        ptrdiff_t col = at;
        for (ptrdiff_t s = 0; s < d->kw; s++, wr += d->w_tap, col += d->dilation) {
            V b[4];
            const T *xp = xr;
            FC_UNROLL for (int i = 0; i < SIDE; i++)
                b[i] = *(const VU *)(wr + i * LANES);
            FC_UNROLL for (int p = 0; p < PX; p++, xp += d->stride * d->x_col)
                if (!EDGE || (size_t)(col + p * d->stride) < (size_t)d->w) {
                    V a = *(const VU *)xp;
                    KEEP(a);
                    FC_UNROLL for (int i = 0; i < SIDE; i++)
                        acc[p] += N(spread_)(a, SIDE, i) * b[i];
                }
            xr += d->dilation * d->x_col;
        }
    }
    FC_UNROLL for (int p = 0; p < PX; p++, out += d->out_col) {
        if (bias)
            acc[p] += *(const VU *)bias;
        *(VU *)out = acc[p];
    }
}

FC_INLINE void N(groups_row_)(const int SIDE, const fc_last_row *d, const T *x, const T *w, const T *bias, T *out)
{
    const ptrdiff_t reach = (d->kw - 1) * d->dilation;
    for (ptrdiff_t q = 0; q < d->cols;) {
        const ptrdiff_t left = d->cols - q, px = left >= 7 ? 7 : left >= 4 ? 4 : 1;
        const ptrdiff_t at = q * d->stride - d->left;
        const int edge = at < 0 || at + (px - 1) * d->stride + reach >= d->w;
        const T *wk = w;
        for (ptrdiff_t k = 0; k < d->channels; k += LANES, wk += d->w_vector) {
            if (k + LANES > d->channels)
                k = d->channels - LANES; /* whole groups, as LANES and channels are */
            const T *xk = x + at * d->x_col + k, *bk = bias ? bias + k : NULL;
            T *to = out + q * d->out_col + k;
            if (px == 7 && !edge)
                N(groups_tile_)(7, SIDE, 0, d, at, xk, wk, bk, to);
            else if (px == 7)
                N(groups_tile_)(7, SIDE, 1, d, at, xk, wk, bk, to);
            else if (px == 4)
                N(groups_tile_)(4, SIDE, 1, d, at, xk, wk, bk, to);
            else
                N(groups_tile_)(1, SIDE, 1, d, at, xk, wk, bk, to);
        }
        q += px;
    }
}

static void N(groups_)(const fc_last_row *d, int side, const void *x, const void *w, const void *bias, void *out)
{
    if (side == 2)
        N(groups_row_)(2, d, (const T *)x, (const T *)w, (const T *)bias, (T *)out);
    else if (LANES >= 4)
        N(groups_row_)(4, d, (const T *)x, (const T *)w, (const T *)bias, (T *)out);
}

/* ---- small planes: LANES channels at a time, turned to channels last and back ---- */

#include "turn_body.h"
#include "turned_body.h"
#undef N
#undef FC_T
#undef T
#undef V
#undef VU
#undef LANES
#undef KEEP
