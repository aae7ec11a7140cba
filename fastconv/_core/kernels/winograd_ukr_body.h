/* Winograd transforms for one number type: included by winograd_ukr.c once per kind.
 *
 * FC_T: short name of the number type.  A vector holds neighbouring channels, so a transform along any
 * axis is arithmetic on whole vectors.  Points are 0, +-p[0], +-p[1], ..., infinity, in this order, and
 * rows of the input matrix are monic: row p is the coefficients of N(x) / (x - p), N = x * prod(x^2 - p^2).
 * The rows of +-p share their even and their odd part.  fastconv/backends/_winograd_points.py has the same
 * matrices in rationals.
 */
#define T FC_T
#define V FC_CAT(FC_T, _v)
#define VU FC_CAT(FC_T, _vu)
#define LANES ((int)(sizeof(V) / sizeof(T)))
#define N(name) FC_CAT(name, FC_T)
#define D f64_v
#define H FC_CAT(FC_T, _half)

/* as many numbers as a vector of doubles holds */
typedef T H __attribute__((vector_size(FC_VEC_BYTES / sizeof(double) * sizeof(T)), aligned(sizeof(T)),
                           may_alias));
#include "turn_body.h"

/* The positive points for `points` points in all, and their squares. */
FC_INLINE T N(root_)(const int points, const int i)
{
    if (points == 6)
        return i == 0 ? (T)0.625 : (T)1.5;
    return i == 0 ? (T)1 : i == 1 ? (T)2 : (T)0.5;
}

FC_INLINE T N(square_)(const int points, const int i)
{
    return N(root_)(points, i) * N(root_)(points, i);
}

/* r = B^T d for one line; pairs: points / 2 - 1. */
FC_INLINE void N(line_in_)(const int points, const V *d, V *r)
{
    const int pairs = points / 2 - 1;
    const T q0 = N(square_)(points, 0), q1 = N(square_)(points, 1), q2 = N(square_)(points, 2);
    if (points == 4) {
        r[0] = d[2] - q0 * d[0];
        r[3] = d[3] - q0 * d[1];
    } else if (points == 6) {
        r[0] = (q0 * q1) * d[0] + (d[4] - (q0 + q1) * d[2]);
        r[5] = (q0 * q1) * d[1] + (d[5] - (q0 + q1) * d[3]);
    } else {
        const T e1 = q0 + q1 + q2, e2 = q0 * q1 + q0 * q2 + q1 * q2, e3 = q0 * q1 * q2;
        r[0] = (d[6] - e1 * d[4]) + (e2 * d[2] - e3 * d[0]);
        r[7] = (d[7] - e1 * d[5]) + (e2 * d[3] - e3 * d[1]);
    }
    FC_UNROLL for (int i = 0; i < pairs; i++) {
        const T a = N(square_)(points, i == 0 ? 1 : 0), b = N(square_)(points, i == 2 ? 1 : 2);
        V even, odd;
        if (points == 4) {
            even = d[2];
            odd = d[1];
        } else if (points == 6) {
            even = d[4] - a * d[2];
            odd = d[3] - a * d[1];
        } else {
            even = (d[6] - (a + b) * d[4]) + (a * b) * d[2];
            odd = (d[5] - (a + b) * d[3]) + (a * b) * d[1];
        }
        r[2 * i + 1] = even + N(root_)(points, i) * odd;
        r[2 * i + 2] = even - N(root_)(points, i) * odd;
    }
}

/* y = A^T m for one line. */
FC_INLINE void N(line_out_)(const int points, const int outs, const V *m, V *y)
{
    const int pairs = points / 2 - 1;
    V even[3], odd[3];
    FC_UNROLL for (int i = 0; i < pairs; i++) {
        even[i] = m[2 * i + 1] + m[2 * i + 2];
        odd[i] = m[2 * i + 1] - m[2 * i + 2];
    }
    FC_UNROLL for (int j = 0; j < outs; j++) {
        V sum = j == 0 ? m[0] : m[points - 1];
        const int ends = j == 0 || j == outs - 1;
        FC_UNROLL for (int i = 0; i < pairs; i++) {
            T power = 1;
            FC_UNROLL for (int e = 0; e < j; e++)
                power *= N(root_)(points, i);
            const V term = j % 2 ? odd[i] : even[i];
            sum = i == 0 && !ends ? power * term : sum + power * term;
        }
        y[j] = sum;
    }
}

FC_INLINE void N(pass_in_)(const int points, const T *src, ptrdiff_t src_line, ptrdiff_t src_point,
                           T *dst, ptrdiff_t dst_line, ptrdiff_t dst_point, ptrdiff_t lines)
{
    for (ptrdiff_t l = 0; l < lines; l++, src += src_line, dst += dst_line) {
        V d[8], r[8];
        FC_UNROLL for (int i = 0; i < points; i++)
            d[i] = *(const VU *)(src + i * src_point);
        N(line_in_)(points, d, r);
        FC_UNROLL for (int i = 0; i < points; i++)
            *(VU *)(dst + i * dst_point) = r[i];
    }
}

FC_INLINE void N(pass_out_)(const int points, const int outs, const T *src, ptrdiff_t src_line,
                            ptrdiff_t src_point, T *dst, ptrdiff_t dst_line, ptrdiff_t dst_point,
                            ptrdiff_t lines)
{
    for (ptrdiff_t l = 0; l < lines; l++, src += src_line, dst += dst_line) {
        V m[8], y[6];
        FC_UNROLL for (int i = 0; i < points; i++)
            m[i] = *(const VU *)(src + i * src_point);
        N(line_out_)(points, outs, m, y);
        FC_UNROLL for (int j = 0; j < outs; j++)
            *(VU *)(dst + j * dst_point) = y[j];
    }
}

/* The same with the last touch: bias, relu, and the sum that no NaN or infinity can hide from. */
FC_INLINE void N(last_out_)(const int points, const int outs, const T *src, ptrdiff_t src_line,
                            ptrdiff_t src_point, T *dst, ptrdiff_t dst_line, ptrdiff_t dst_point,
                            ptrdiff_t lines, V bias, int activation, V *check)
{
    V seen = *check;
    for (ptrdiff_t l = 0; l < lines; l++, src += src_line, dst += dst_line) {
        V m[8], y[6];
        FC_UNROLL for (int i = 0; i < points; i++)
            m[i] = *(const VU *)(src + i * src_point);
        if (points == 1)
            y[0] = m[0];
        else
            N(line_out_)(points, outs, m, y);
        FC_UNROLL for (int j = 0; j < outs; j++) {
            seen += y[j];
            y[j] += bias;
            if (activation)
                y[j] = (V)((__typeof__(y[j] > 0))y[j] & (y[j] > 0));
            *(VU *)(dst + j * dst_point) = y[j];
        }
    }
    *check = seen;
}

#define FC_PASS(points)                                                                         \
    case points:                                                                                \
        N(pass_in_)(points, src, src_line, src_point, dst, dst_line, dst_point, lines);         \
        break;
static void N(any_in_)(int points, const T *src, ptrdiff_t src_line, ptrdiff_t src_point, T *dst,
                       ptrdiff_t dst_line, ptrdiff_t dst_point, ptrdiff_t lines)
{
    switch (points) {
    FC_PASS(4)
    FC_PASS(6)
    FC_PASS(8)
    default:
        for (ptrdiff_t l = 0; l < lines; l++)
            *(VU *)(dst + l * dst_line) = *(const VU *)(src + l * src_line);
    }
}
#undef FC_PASS

#define FC_PASS(points, outs)                                                                   \
    case 8 * points + outs:                                                                     \
        N(pass_out_)(points, outs, src, src_line, src_point, dst, dst_line, dst_point, lines);  \
        break;
static void N(any_out_)(int points, int outs, const T *src, ptrdiff_t src_line, ptrdiff_t src_point,
                        T *dst, ptrdiff_t dst_line, ptrdiff_t dst_point, ptrdiff_t lines)
{
    switch (8 * points + outs) {
    FC_PASS(4, 2)
    FC_PASS(6, 4)
    FC_PASS(6, 2)
    FC_PASS(8, 6)
    FC_PASS(8, 4)
    }
}
#undef FC_PASS

#define FC_PASS(points, outs)                                                                   \
    case 8 * points + outs:                                                                     \
        N(last_out_)(points, outs, src, src_line, src_point, dst, dst_line, dst_point, lines,   \
                     bias, activation, check);                                                  \
        break;
static void N(any_last_)(int points, int outs, const T *src, ptrdiff_t src_line,
                         ptrdiff_t src_point, T *dst, ptrdiff_t dst_line, ptrdiff_t dst_point,
                         ptrdiff_t lines, V bias, int activation, V *check)
{
    switch (8 * points + outs) {
    FC_PASS(1, 1)
    FC_PASS(4, 2)
    FC_PASS(6, 4)
    FC_PASS(6, 2)
    FC_PASS(8, 6)
    FC_PASS(8, 4)
    }
}
#undef FC_PASS

/* One plane of a tile whose axes are alike: most layers. The constants are known when it is compiled. */
FC_INLINE void N(plane_in_)(const int points, const T *x, ptrdiff_t row, ptrdiff_t col, T *v, ptrdiff_t xi)
{
    V t[8][8];
    FC_UNROLL for (int i = 0; i < points; i++) {
        V d[8];
        const T *p = x + i * row;
        FC_UNROLL for (int j = 0; j < points; j++)
            d[j] = *(const VU *)(p + j * col);
        N(line_in_)(points, d, t[i]);
    }
    FC_UNROLL for (int j = 0; j < points; j++) {
        V d[8], r[8];
        T *to = v + j * xi;
        FC_UNROLL for (int i = 0; i < points; i++)
            d[i] = t[i][j];
        N(line_in_)(points, d, r);
        FC_UNROLL for (int i = 0; i < points; i++)
            *(VU *)(to + points * i * xi) = r[i];
    }
}

/* The way back. */
FC_INLINE void N(plane_out_)(const int points, const int outs, const T *m, ptrdiff_t xi, T *y, ptrdiff_t row,
                             ptrdiff_t col, V bias, int activation, V *check)
{
    V t[6][8], seen = *check;
    FC_UNROLL for (int j = 0; j < points; j++) {
        V d[8], r[6];
        const T *from = m + j * xi;
        FC_UNROLL for (int i = 0; i < points; i++)
            d[i] = *(const VU *)(from + points * i * xi);
        N(line_out_)(points, outs, d, r);
        FC_UNROLL for (int i = 0; i < outs; i++)
            t[i][j] = r[i];
    }
    FC_UNROLL for (int i = 0; i < outs; i++) {
        V r[6];
        T *to = y + i * row;
        N(line_out_)(points, outs, t[i], r);
        FC_UNROLL for (int j = 0; j < outs; j++) {
            seen += r[j];
            r[j] += bias;
            if (activation)
                r[j] = (V)((__typeof__(r[j] > 0))r[j] & (r[j] > 0));
            *(VU *)(to + j * col) = r[j];
        }
    }
    *check = seen;
}

/* 1: done */
static int N(whole_in_)(int points, const T *x, ptrdiff_t row, ptrdiff_t col, T *v, ptrdiff_t xi)
{
    if (points == 4)
        N(plane_in_)(4, x, row, col, v, xi);
    else if (points == 6)
        N(plane_in_)(6, x, row, col, v, xi);
    else
        return 0;
    return 1;
}

static int N(whole_out_)(int points, int outs, const T *m, ptrdiff_t xi, T *y, ptrdiff_t row, ptrdiff_t col,
                         V bias, int activation, V *check)
{
    if (points == 4 && outs == 2)
        N(plane_out_)(4, 2, m, xi, y, row, col, bias, activation, check);
    else if (points == 6 && outs == 4)
        N(plane_out_)(6, 4, m, xi, y, row, col, bias, activation, check);
    else if (points == 6 && outs == 2)
        N(plane_out_)(6, 2, m, xi, y, row, col, bias, activation, check);
    else
        return 0;
    return 1;
}

static void N(tile_in_)(const int *points, const void *x_, const ptrdiff_t *step, void *v_,
                        ptrdiff_t xi)
{
    const T *x = (const T *)x_;
    T *v = (T *)v_;
    const int a = points[0], b = points[1], c = points[2];
    if (a == 1 && b == c && N(whole_in_)(b, x, step[1], step[2], v, xi))
        return;
    V buf[FC_WINO_POINTS];
    T *between = (T *)buf;
    const ptrdiff_t all = (ptrdiff_t)a * b * c, plane = (ptrdiff_t)b * c;
    const int rows = b > 1, planes = a > 1;
    T *to = rows || planes ? between : v;
    ptrdiff_t to_step = rows || planes ? LANES : xi;
    if (c > 1)
        for (ptrdiff_t i = 0; i < a; i++)
            N(any_in_)(c, x + i * step[0], step[1], step[2], to + i * plane * to_step, c * to_step,
                       to_step, b);
    else
        for (ptrdiff_t i = 0; i < a; i++)
            N(any_in_)(1, x + i * step[0], step[1], 0, to + i * plane * to_step, to_step, 0, b);
    if (rows) {
        to = planes ? between : v;
        to_step = planes ? LANES : xi;
        for (ptrdiff_t i = 0; i < a; i++)
            N(any_in_)(b, between + i * plane * LANES, LANES, c * LANES, to + i * plane * to_step,
                       to_step, c * to_step, c);
    }
    if (planes)
        N(any_in_)(a, between, LANES, plane * LANES, v, xi, plane * xi, all / a);
}

static void N(tile_out_)(const int *points, const int *outs, const void *m_, ptrdiff_t xi, void *y_,
                         const ptrdiff_t *step, const void *bias_, int activation, void *check_)
{
    const T *m = (const T *)m_;
    T *y = (T *)y_;
    V buf[FC_WINO_POINTS];
    V *check = (V *)check_;
    T *between = (T *)buf;
    V bias = FC_CAT(FC_T, _zero);
    if (bias_)
        bias = *(const VU *)bias_;
    const int a = points[0], b = points[1], c = points[2];
    const ptrdiff_t plane = (ptrdiff_t)b * c;
    if (a == 1 && b == c && outs[1] == outs[2]
        && N(whole_out_)(b, outs[1], m, xi, y, step[1], step[2], bias, activation, check))
        return;
    const T *from = m;
    ptrdiff_t at = xi;
    if (a > 1) {
        N(any_out_)(a, outs[0], from, at, plane * at, between, LANES, plane * LANES, plane);
        from = between;
        at = LANES;
    }
    for (ptrdiff_t i = 0; i < outs[0]; i++) {
        const T *p = from + i * plane * at;
        ptrdiff_t line = c * at, point = at;
        if (b > 1) {    /* in place where it follows a pass along planes: outs come before points */
            T *to = between + i * plane * LANES;
            N(any_out_)(b, outs[1], p, point, line, to, LANES, c * LANES, c);
            p = to;
            point = LANES;
            line = c * LANES;
        }
        N(any_last_)(c, outs[2], p, line, point, y + i * step[0], step[1], step[2], outs[1], bias,
                     activation, check);
    }
}

/* A tile that reaches over an edge: what is inside is copied, the rest is zero. */
static void N(edge_)(const int *points, const ptrdiff_t *low, const ptrdiff_t *high, const void *x_,
                     const ptrdiff_t *step, void *to_)
{
    const T *x = (const T *)x_;
    T *to = (T *)to_;
    for (ptrdiff_t i = 0; i < points[0]; i++)
        for (ptrdiff_t j = 0; j < points[1]; j++)
            for (ptrdiff_t l = 0; l < points[2]; l++, to += LANES) {
                const int inside = i >= low[0] && i < high[0] && j >= low[1] && j < high[1]
                                   && l >= low[2] && l < high[2];
                V sample = FC_CAT(FC_T, _zero);
                if (inside)
                    sample = *(const VU *)(x + i * step[0] + j * step[1] + l * step[2]);
                *(VU *)to = sample;
            }
}

/* The first count[] outputs along each axis of a whole tile of outs[]. */
static void N(clip_)(const int *outs, const ptrdiff_t *count, const void *from_, void *y_,
                     const ptrdiff_t *step)
{
    const T *from = (const T *)from_;
    T *y = (T *)y_;
    for (ptrdiff_t i = 0; i < count[0]; i++)
        for (ptrdiff_t j = 0; j < count[1]; j++)
            for (ptrdiff_t l = 0; l < count[2]; l++)
                *(VU *)(y + i * step[0] + j * step[1] + l * step[2]) =
                    *(const VU *)(from + ((i * outs[1] + j) * outs[2] + l) * LANES);
}

/* out = G in for one line of taps; rows of +-p have the same even and, but for its sign, odd part. */
FC_INLINE void N(line_weights_)(const int taps, const int points, const double *g, const D *in, D *out)
{
    out[0] = g[0] * in[0];
    FC_UNROLL for (int p = 1; p < points - 1; p += 2) {
        const double *row = g + p * taps;
        D even = row[0] * in[0], odd = row[1] * in[1];
        FC_UNROLL for (int s = 2; s < taps; s++) {
            if (s % 2)
                odd += row[s] * in[s];
            else
                even += row[s] * in[s];
        }
        out[p] = even + odd;
        out[p + 1] = even - odd;
    }
    out[points - 1] = g[points * taps - 1] * in[taps - 1];
}

/* One axis: to[o][p][i] = sum over s of g[p][s] * from[o][s][i] */
FC_INLINE void N(weights_lines_)(const int taps, const int points, const double *g, ptrdiff_t before,
                                 ptrdiff_t after, const D *from, D *to)
{
    for (ptrdiff_t o = 0; o < before; o++, from += taps * after, to += points * after)
        for (ptrdiff_t i = 0; i < after; i++) {
            D in[5], out[8];
            FC_UNROLL for (int s = 0; s < taps; s++)
                in[s] = from[s * after + i];
            N(line_weights_)(taps, points, g, in, out);
            FC_UNROLL for (int p = 0; p < points; p++)
                to[p * after + i] = out[p];
        }
}

static void N(weights_axis_)(int taps, int points, const double *g, ptrdiff_t before, ptrdiff_t after,
                             const D *from, D *to)
{
    switch (8 * points + taps) {
    case 8 * 4 + 3:
        N(weights_lines_)(3, 4, g, before, after, from, to);
        break;
    case 8 * 6 + 3:
        N(weights_lines_)(3, 6, g, before, after, from, to);
        break;
    case 8 * 8 + 3:
        N(weights_lines_)(3, 8, g, before, after, from, to);
        break;
    case 8 * 6 + 5:
        N(weights_lines_)(5, 6, g, before, after, from, to);
        break;
    case 8 * 8 + 5:
        N(weights_lines_)(5, 8, g, before, after, from, to);
        break;
    }
}

/* The taps of one channel for half a vector of filters, `step` numbers apart at x, to u; seen: zeros, or no
 * numbers where taps are not finite */
static H N(weights_unit_)(const fc_wino_weights *d, const T *x, ptrdiff_t step, T *u, H seen)
{
    const ptrdiff_t taps = (ptrdiff_t)d->taps[0] * d->taps[1] * d->taps[2];
    D one[FC_WINO_POINTS], two[FC_WINO_POINTS];
    D *from = one, *to = two;
    ptrdiff_t before = taps, after = 1;
    for (ptrdiff_t t = 0; t < taps; t++) {
        const H tap = *(const H *)(x + t * step);
        seen += tap * 0;
        from[t] = __builtin_convertvector(tap, D);
    }
    for (int axis = 2; axis >= 0; axis--) {
        const int r = d->taps[axis], points = d->points[axis];
        if (r == 1)
            continue;
        before /= r;
        N(weights_axis_)(r, points, d->matrix[axis], before, after, from, to);
        after *= points;
        D *swap = from;
        from = to;
        to = swap;
    }
    for (ptrdiff_t p = 0; p < after; p++)
        *(H *)(u + p * d->xi) = __builtin_convertvector(from[p], H);
    return seen;
}

/* The same for two axes alike. */
FC_INLINE H N(weights_plane_)(const int taps, const int points, const double *g, const T *x, ptrdiff_t step,
                              T *u, ptrdiff_t xi, H seen)
{
    D t[5][8];
    FC_UNROLL for (int s = 0; s < taps; s++) {
        D in[5];
        FC_UNROLL for (int i = 0; i < taps; i++) {
            const H tap = *(const H *)(x + (taps * s + i) * step);
            seen += tap * 0;
            in[i] = __builtin_convertvector(tap, D);
        }
        N(line_weights_)(taps, points, g, in, t[s]);
    }
    FC_UNROLL for (int q = 0; q < points; q++) {
        D in[5], out[8];
        T *to = u + q * xi;
        FC_OPAQUE(g);   /* its numbers are loaded where they are used, not kept on the stack */
        FC_UNROLL for (int s = 0; s < taps; s++)
            in[s] = t[s][q];
        N(line_weights_)(taps, points, g, in, out);
        FC_UNROLL for (int p = 0; p < points; p++)
            *(H *)(to + points * p * xi) = __builtin_convertvector(out[p], H);
    }
    return seen;
}

static H N(weights_3_4_)(const double *g, const T *x, ptrdiff_t step, T *u, ptrdiff_t xi, H seen)
{
    return N(weights_plane_)(3, 4, g, x, step, u, xi, seen);
}

static H N(weights_3_6_)(const double *g, const T *x, ptrdiff_t step, T *u, ptrdiff_t xi, H seen)
{
    return N(weights_plane_)(3, 6, g, x, step, u, xi, seen);
}

static H N(weights_5_6_)(const double *g, const T *x, ptrdiff_t step, T *u, ptrdiff_t xi, H seen)
{
    return N(weights_plane_)(5, 6, g, x, step, u, xi, seen);
}

/* The unit for two axes alike, NULL: none */
typedef H N(weights_fn_)(const double *g, const T *x, ptrdiff_t step, T *u, ptrdiff_t xi, H seen);
static N(weights_fn_) *N(weights_of_)(const fc_wino_weights *d)
{
    if (d->points[0] > 1 || d->points[1] != d->points[2] || d->taps[1] != d->taps[2])
        return NULL;
    switch (8 * d->points[1] + d->taps[1]) {
    case 8 * 4 + 3:
        return N(weights_3_4_);
    case 8 * 6 + 3:
        return N(weights_3_6_);
    case 8 * 6 + 5:
        return N(weights_5_6_);
    }
    return NULL;
}

static int N(weights_)(const fc_wino_weights *d, const void *w_, void *u_)
{
    T strip[FC_WINO_COLUMNS * 2 * LANES] __attribute__((aligned(64)));
    const ptrdiff_t taps = (ptrdiff_t)d->taps[0] * d->taps[1] * d->taps[2], width = d->width;
    const ptrdiff_t units = d->channels * d->deep, half = (ptrdiff_t)(sizeof(D) / sizeof(double));
    const ptrdiff_t most = FC_WINO_COLUMNS / taps, chunk = units < most ? units : most;
    N(weights_fn_) *const plane = N(weights_of_)(d);
    H seen = {0};
    for (ptrdiff_t first = 0; first < units; first += chunk) {
        if (first + chunk > units)
            first = units - chunk;      /* the same numbers once more */
        for (ptrdiff_t v = 0; v < width; v += LANES)
            N(to_last_)(strip + v, width, (const T *)w_ + v * d->filter + first * taps, d->filter,
                        chunk * taps);
        for (ptrdiff_t i = 0; i < chunk; i++) {
            const ptrdiff_t c = (first + i) / d->deep, z = (first + i) % d->deep;
            const T *x = strip + i * taps * width;
            T *u = (T *)u_ + (z * d->channels + c) * width;
            for (ptrdiff_t v = 0; v < width; v += half)
                seen = plane ? plane(d->matrix[2], x + v, width, u + v, d->xi, seen)
                             : N(weights_unit_)(d, x + v, width, u + v, seen);
        }
    }
    int finite = 1;
    for (size_t i = 0; i < sizeof(H) / sizeof(T); i++)
        finite &= seen[i] == 0;
    return finite;
}
#undef D
#undef H
#undef N
#undef FC_T
#undef T
#undef V
#undef VU
#undef LANES
