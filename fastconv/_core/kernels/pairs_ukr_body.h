/* Taps that read the same from both ends, or with the other sign: included by image_ukr.c once per number type.
 *
 * Two samples are added (subtracted) before they meet their weight: half of the multiply-adds become additions, for
 * which some cores (Zen 2 and later, Golden Cove) have units of their own.  R neighbouring outputs need one new left
 * sample from one pair of taps to the next: the others stay in registers that change places, and are back in them
 * after R pairs.  Right samples are operands in memory: registers for both leave room for too few sums, which then
 * wait for themselves.  Every output adds the middle tap's product and the pairs' from the outermost on, whatever the
 * tile; in float64 that is what ordered_ukr_body.h gives.
 *
 * Samples are first copied such that neighbours lie a constant distance apart, which instructions hold: down the
 * columns into a panel of some columns, along rows turned, so that a vector holds a sample of each row.
 *
 * A sum of two samples may overflow where the products do not: results that are not finite are computed again, tap
 * by tap, where that is asked for (`again`).
 */
#define T FC_T
#define V FC_CAT(FC_T, _v)
#define VU FC_CAT(FC_T, _vu)
#define LANES ((ptrdiff_t)(sizeof(V) / sizeof(T)))
#define PANEL ((ptrdiff_t)(FC_PAIR_PANEL / sizeof(T)))
#define R FC_PAIR_ROWS
#define N(name) FC_CAT(name, FC_T)

/* R outputs meet the s-th pair of taps from here: their left samples come in registers, the right ones lie at y. */
#define FC_PAIR(s, left)                                                             \
    {                                                                                \
        const V tap = w[s] - FC_CAT(FC_T, _zero);                                    \
        FC_OPAQUE(y); /* or right samples are kept for the next pair, and spilled */ \
        FC_UNROLL for (int r = 0; r < R; r++) {                                      \
            const V right = *(const VU *)(y + (r - (s)) * step);                     \
            V sum = (odd ? (left) - right : (left) + right) * tap;                   \
            if (sizeof(T) == 8) /* rounded before it is added, as SciPy does */      \
                FC_KEEP(sum);                                                        \
            sum += acc[r];                                                           \
            FC_KEEP(sum);                                                            \
            acc[r] = sum;                                                            \
        }                                                                            \
    }
/* The same s pairs after the registers had their first places; x: where one new left sample is due */
#define FC_NEXT_PAIR(s)                          \
    {                                            \
        V next = *(const VU *)(x + (s) * step);  \
        FC_KEEP(next);                           \
        a[(R - 1 + (s)) % R] = next;             \
        FC_PAIR(s, a[(r + (s)) % R])             \
    }

/* R vectors of outputs of samples `step` apart; zeros where they are finite */
FC_INLINE V N(pairs_tile_)(const int odd, const ptrdiff_t step, ptrdiff_t taps, const T *x, const T *w, T *to,
                           ptrdiff_t to_step)
{
    V acc[R], zeros = FC_CAT(FC_T, _zero);
    const T *y = x + (taps - 1) * step;
    const ptrdiff_t turns = taps / 2 / R, middle = taps / 2;
    FC_UNROLL for (int r = 0; r < R; r++)
        acc[r] = FC_CAT(FC_T, _zero);
    if (taps % 2)
        FC_UNROLL for (int r = 0; r < R; r++)
            acc[r] = *(const VU *)(x + (middle + r) * step) * w[middle];
    for (ptrdiff_t left = taps / 2 - turns * R; left > 0; left--, x += step, y -= step, w++)
        FC_PAIR(0, *(const VU *)(x + r * step))
    if (turns > 0) {
        V a[R];
        FC_UNROLL for (int r = 0; r < R - 1; r++, x += step) {
            V left = *(const VU *)x;
            FC_KEEP(left);
            a[r] = left;
        }
        for (ptrdiff_t left = turns; left > 0; left--, x += R * step, y -= R * step, w += R) {
            FC_NEXT_PAIR(0) FC_NEXT_PAIR(1) FC_NEXT_PAIR(2) FC_NEXT_PAIR(3) FC_NEXT_PAIR(4) FC_NEXT_PAIR(5)
        }
    }
    FC_UNROLL for (int r = 0; r < R; r++) {
        zeros += acc[r] * 0;
        *(VU *)(to + r * to_step) = acc[r];
    }
    return zeros;
}
#undef FC_PAIR
#undef FC_NEXT_PAIR

/* rows >= R by n >= LANES outputs; whether all are finite */
FC_INLINE int N(pairs_tiles_)(const int odd, const ptrdiff_t step, ptrdiff_t taps, const T *x, const T *w, T *to,
                              ptrdiff_t to_step, ptrdiff_t rows, ptrdiff_t n)
{
    V zeros = FC_CAT(FC_T, _zero);
    for (ptrdiff_t r = 0; r < rows; r += R) {
        r = r + R > rows ? rows - R : r; /* over their neighbours, as the last columns */
        for (ptrdiff_t p = 0; p < n; p += LANES) {
            p = p + LANES > n ? n - LANES : p;
            zeros += N(pairs_tile_)(odd, step, taps, x + r * step + p, w, to + r * to_step + p, to_step);
        }
    }
    T sum = 0;
    FC_UNROLL for (int l = 0; l < LANES; l++)
        sum += zeros[l];
    return sum == 0;
}

/* Not inlined: in deeper nests of loops GCC leaves the sums in memory. */
#define FC_PAIRS(name, odd, step)                                                                                   \
    static __attribute__((noinline)) int N(name)(ptrdiff_t taps, const T *x, const T *w, T *to, ptrdiff_t to_step,  \
                                                 ptrdiff_t rows, ptrdiff_t n)                                       \
    {                                                                                                               \
        return N(pairs_tiles_)(odd, step, taps, x, w, to, to_step, rows, n);                                        \
    }
FC_PAIRS(pairs_panel_even_, 0, PANEL)
FC_PAIRS(pairs_panel_odd_, 1, PANEL)
FC_PAIRS(pairs_turned_even_, 0, LANES)
FC_PAIRS(pairs_turned_odd_, 1, LANES)
#undef FC_PAIRS

/* Tap by tap where the result is not finite */
static __attribute__((noinline)) void N(pairs_again_)(int sign, ptrdiff_t taps, const T *x, ptrdiff_t step, const T *w,
                                                      T *to, ptrdiff_t to_step, ptrdiff_t rows, ptrdiff_t n)
{
    for (ptrdiff_t r = 0; r < rows; r++, x += step, to += to_step)
        for (ptrdiff_t p = 0; p < n; p++) {
            if (to[p] - to[p] == 0)
                continue;
            T sum = 0;
            for (ptrdiff_t t = 0; t < taps; t++)
                sum += x[t * step + p] * (2 * t < taps ? w[t] : sign * w[taps - 1 - t]);
            to[p] = sum;
        }
}

static void N(pair_columns_)(ptrdiff_t taps, int sign, int again, const void *const *rows_, ptrdiff_t at, const void *w,
                             void *y_, ptrdiff_t y_step, ptrdiff_t rows, ptrdiff_t n, void *scratch)
{
    const T *const *from = (const T *const *)rows_;
    T *panel = scratch, *few = panel + (rows + R + taps) * PANEL;
    for (ptrdiff_t p = 0; p < n; p += PANEL) {
        ptrdiff_t many = n - p < PANEL ? n - p : PANEL;
        if (many < LANES) { /* over its neighbour */
            p = n - LANES;
            many = LANES;
        }
        for (ptrdiff_t i = 0; i < rows + taps - 1; i++) {
            T *to = panel + i * PANEL;
            const T *x = from[i] + at + p;
            if (many == PANEL)
                FC_UNROLL for (int q = 0; q < PANEL; q += LANES) {
                    *(VU *)(to + q) = *(const VU *)(x + q);
                    if (q % (64 / (int)sizeof(T)) == 0) /* the next panel, which no prefetcher foresees */
                        __builtin_prefetch(x + PANEL + q);
                }
            else
                memcpy(to, x, many * sizeof(T));
        }
        T *y = (T *)y_ + p, *to = y;
        ptrdiff_t step = y_step, count = rows;
        if (rows < R) {
            memset(panel + (rows + taps - 1) * PANEL, 0, (R - rows) * PANEL * sizeof(T));
            to = few, step = PANEL, count = R;
        }
        if (!(sign < 0 ? N(pairs_panel_odd_) : N(pairs_panel_even_))(taps, panel, w, to, step, count, many) && again)
            N(pairs_again_)(sign, taps, panel, PANEL, w, to, step, count, many);
        for (ptrdiff_t i = 0; i < rows && rows < R; i++)
            memcpy(y + i * y_step, few + i * PANEL, many * sizeof(T));
    }
}

/* to[p * LANES + r] = x[r * step + p] for p < n */
FC_INLINE void N(pairs_turn_)(T *to, const T *x, ptrdiff_t step, ptrdiff_t n)
{
    ptrdiff_t p = 0;
    for (; p + LANES <= n; p += LANES)
        N(turn_)(to + p * LANES, LANES, x + p, step, 0);
    if (p < n)
        N(turn_)(to + (n - LANES) * LANES, LANES, x + n - LANES, step, 0);
}

/* NV vectors along a row, where rows are too few to be turned: the same sums, every sample loaded for every tap */
FC_INLINE V N(pairs_here_)(const int NV, const int odd, ptrdiff_t taps, const T *x, const T *w, T *to)
{
    V acc[R], zeros = FC_CAT(FC_T, _zero);
    const T *y = x + taps - 1;
    const ptrdiff_t middle = taps / 2;
    FC_UNROLL for (int j = 0; j < NV; j++)
        acc[j] = FC_CAT(FC_T, _zero);
    if (taps % 2)
        FC_UNROLL for (int j = 0; j < NV; j++)
            acc[j] = *(const VU *)(x + middle + j * LANES) * w[middle];
    for (ptrdiff_t left = middle; left > 0; left--, x++, y--, w++) {
        const V tap = *w - FC_CAT(FC_T, _zero);
        FC_UNROLL for (int j = 0; j < NV; j++) {
            const V a = *(const VU *)(x + j * LANES), b = *(const VU *)(y + j * LANES);
            V sum = (odd ? a - b : a + b) * tap;
            if (sizeof(T) == 8)
                FC_KEEP(sum);
            acc[j] += sum;
        }
    }
    FC_UNROLL for (int j = 0; j < NV; j++) {
        zeros += acc[j] * 0;
        *(VU *)(to + j * LANES) = acc[j];
    }
    return zeros;
}

FC_INLINE void N(pairs_line_)(const int odd, int again, ptrdiff_t taps, const T *x, const T *w, T *y, ptrdiff_t n)
{
    V zeros = FC_CAT(FC_T, _zero);
    ptrdiff_t p = 0;
    for (; p + R * LANES <= n; p += R * LANES)
        zeros += N(pairs_here_)(R, odd, taps, x + p, w, y + p);
    for (; p + R / 2 * LANES <= n; p += R / 2 * LANES)
        zeros += N(pairs_here_)(R / 2, odd, taps, x + p, w, y + p);
    for (; p + LANES <= n; p += LANES)
        zeros += N(pairs_here_)(1, odd, taps, x + p, w, y + p);
    if (p < n) /* over its neighbour */
        zeros += N(pairs_here_)(1, odd, taps, x + n - LANES, w, y + n - LANES);
    T sum = 0;
    FC_UNROLL for (int l = 0; l < LANES; l++)
        sum += zeros[l];
    if (sum != 0 && again)
        N(pairs_again_)(odd ? -1 : 1, taps, x, 1, w, y, 0, 1, n);
}

/* LANES rows */
FC_INLINE void N(pairs_lanes_)(ptrdiff_t taps, int sign, int again, const T *x, ptrdiff_t x_step, const T *w, T *y,
                               ptrdiff_t y_step, ptrdiff_t n, T *turned)
{
    T *result = turned + (FC_PAIR_COLUMNS + R + taps) * LANES;
    for (ptrdiff_t p = 0; p < n; p += FC_PAIR_COLUMNS) {
        ptrdiff_t many = n - p < FC_PAIR_COLUMNS ? n - p : FC_PAIR_COLUMNS;
        if (many < LANES) { /* over its neighbour */
            p = n - LANES;
            many = LANES;
        }
        const ptrdiff_t count = many < R ? R : many;
        N(pairs_turn_)(turned, x + p, x_step, many + taps - 1);
        memset(turned + (many + taps - 1) * LANES, 0, (count - many) * LANES * sizeof(T));
        if (!(sign < 0 ? N(pairs_turned_odd_) : N(pairs_turned_even_))(taps, turned, w, result, LANES, count, LANES) && again)
            N(pairs_again_)(sign, taps, turned, LANES, w, result, LANES, count, LANES);
        for (ptrdiff_t q = 0; q < many; q += LANES) {
            q = q + LANES > many ? many - LANES : q;
            N(turn_)(y + p + q, y_step, result + q * LANES, LANES, 0);
        }
    }
}

static void N(pair_lines_)(ptrdiff_t taps, int sign, int again, const void *x_, ptrdiff_t x_step, const void *w,
                           void *y_, ptrdiff_t y_step, ptrdiff_t rows, ptrdiff_t n, void *scratch)
{
    const T *x = x_;
    T *y = y_;
    ptrdiff_t part = n / LANES; /* of a row that is turned by itself */
    for (; rows >= LANES; rows -= LANES, x += LANES * x_step, y += LANES * y_step)
        N(pairs_lanes_)(taps, sign, again, x, x_step, w, y, y_step, n, scratch);
    for (; rows > 0; rows--, x += x_step, y += y_step) {
        ptrdiff_t done = 0;
        if (part >= LANES) {
            N(pairs_lanes_)(taps, sign, again, x, part, w, y, part, part, scratch);
            done = part * LANES < n ? n - LANES : n;
        }
        if (sign < 0)
            N(pairs_line_)(1, again, taps, x + done, w, y + done, n - done);
        else
            N(pairs_line_)(0, again, taps, x + done, w, y + done, n - done);
    }
}
#undef T
#undef V
#undef VU
#undef LANES
#undef PANEL
#undef R
#undef N
