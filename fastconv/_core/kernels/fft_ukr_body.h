/* The FFT microkernels of one number type: included by fft_ukr.c once per FC_T.
 *
 * A "pair" is a vector of real parts and one of imaginary parts.  Butterflies take `inverse` as a constant
 * and unroll; ranges of pieces are the callers' (fc_fft.h).
 */
#define T FC_T
#define V FC_CAT(FC_T, _v)
#define VU FC_CAT(FC_T, _vu)
#define KEEP(x) FC_CAT(FC_T, _keep)(x)
#define LANES ((int)(sizeof(V) / sizeof(T)))
#define NAME(n) FC_CAT4(fft_, FC_T, _, n)
#define PAIR NAME(pair)

typedef struct {
    V re, im;
} PAIR;

FC_INLINE V NAME(splat)(T s)
{
    return s - (V){0};
}

FC_INLINE PAIR NAME(load)(const T *p)
{
    return (PAIR){*(const V *)p, *(const V *)(p + LANES)};
}

FC_INLINE void NAME(store)(T *p, PAIR a)
{
    *(V *)p = a.re;
    *(V *)(p + LANES) = a.im;
}

FC_INLINE PAIR NAME(add)(PAIR a, PAIR b)
{
    return (PAIR){a.re + b.re, a.im + b.im};
}

FC_INLINE PAIR NAME(sub)(PAIR a, PAIR b)
{
    return (PAIR){a.re - b.re, a.im - b.im};
}

/* a * w forward, a * conj(w) inverse */
FC_INLINE PAIR NAME(times)(PAIR a, V re, V im, const int inverse)
{
    if (inverse)
        return (PAIR){a.re * re + a.im * im, a.im * re - a.re * im};
    return (PAIR){a.re * re - a.im * im, a.im * re + a.re * im};
}

/* a * -i forward, a * i inverse */
FC_INLINE PAIR NAME(quarter)(PAIR a, const int inverse)
{
    return inverse ? (PAIR){-a.im, a.re} : (PAIR){a.im, -a.re};
}

FC_INLINE void NAME(radix2)(PAIR *a)
{
    const PAIR s = NAME(add)(a[0], a[1]);
    a[1] = NAME(sub)(a[0], a[1]);
    a[0] = s;
}

FC_INLINE void NAME(radix4)(PAIR *a, const int inverse)
{
    const PAIR s0 = NAME(add)(a[0], a[2]), d0 = NAME(sub)(a[0], a[2]);
    const PAIR s1 = NAME(add)(a[1], a[3]), d1 = NAME(sub)(a[1], a[3]);
    const PAIR plus = {d0.re + d1.im, d0.im - d1.re}, minus = {d0.re - d1.im, d0.im + d1.re};
    a[0] = NAME(add)(s0, s1);
    a[2] = NAME(sub)(s0, s1);
    a[1] = inverse ? minus : plus;
    a[3] = inverse ? plus : minus;
}

FC_INLINE void NAME(radix8)(PAIR *a, const int inverse)
{
    const V half = NAME(splat)((T)0.70710678118654752440);
    PAIR s[4], d[4];
    FC_UNROLL for (int j = 0; j < 4; j++) {
        s[j] = NAME(add)(a[j], a[j + 4]);
        d[j] = NAME(sub)(a[j], a[j + 4]);
    }
    if (inverse) {
        d[1] = (PAIR){half * (d[1].re - d[1].im), half * (d[1].im + d[1].re)};
        d[3] = (PAIR){-half * (d[3].im + d[3].re), half * (d[3].re - d[3].im)};
    } else {
        d[1] = (PAIR){half * (d[1].re + d[1].im), half * (d[1].im - d[1].re)};
        d[3] = (PAIR){half * (d[3].im - d[3].re), -half * (d[3].re + d[3].im)};
    }
    d[2] = NAME(quarter)(d[2], inverse);
    NAME(radix4)(s, inverse);
    NAME(radix4)(d, inverse);
    FC_UNROLL for (int j = 0; j < 4; j++) {
        a[2 * j] = s[j];
        a[2 * j + 1] = d[j];
    }
}

/* 16 = 4 x 4; cos and sin of e * 2 pi / 16 for the products e = j * k of its inner twiddles */
FC_INLINE void NAME(radix16)(PAIR *a, const int inverse)
{
    static const T cosine[10] = {1, (T)0.92387953251128675613, (T)0.70710678118654752440,
                                 (T)0.38268343236508977173, 0, 0, (T)-0.70710678118654752440, 0, 0,
                                 (T)-0.92387953251128675613};
    static const T sine[10] = {0, (T)-0.38268343236508977173, (T)-0.70710678118654752440,
                               (T)-0.92387953251128675613, -1, 0, (T)-0.70710678118654752440, 0, 0,
                               (T)0.38268343236508977173};
    PAIR z[4][4];
    FC_UNROLL for (int j = 0; j < 4; j++) {
        PAIR b[4] = {a[j], a[j + 4], a[j + 8], a[j + 12]};
        NAME(radix4)(b, inverse);
        FC_UNROLL for (int k = 0; k < 4; k++)
            z[k][j] = j * k == 0   ? b[k]
                      : j * k == 4 ? NAME(quarter)(b[k], inverse)
                                   : NAME(times)(b[k], NAME(splat)(cosine[j * k]),
                                                 NAME(splat)(sine[j * k]), inverse);
    }
    FC_UNROLL for (int k = 0; k < 4; k++) {
        NAME(radix4)(z[k], inverse);
        FC_UNROLL for (int m = 0; m < 4; m++)
            a[k + 4 * m] = z[k][m];
    }
}

FC_INLINE void NAME(radix)(const int radix, PAIR *a, const int inverse)
{
    if (radix == 2)
        NAME(radix2)(a);
    else if (radix == 4)
        NAME(radix4)(a, inverse);
    else if (radix == 8)
        NAME(radix8)(a, inverse);
    else
        NAME(radix16)(a, inverse);
}

FC_INLINE void NAME(first_of)(const int turned, const fc_fft_plan *p, const T *re, const T *im,
                              T *data, ptrdiff_t from, ptrdiff_t to)
{
    const T *turn = (const T *)p->turn;
    const T *w = (const T *)p->first + from * 2 * LANES * LANES;
    const ptrdiff_t rows = p->rows;
    for (ptrdiff_t g = from; g < to; g++, w += 2 * LANES * LANES) {
        PAIR z[LANES];
        V part[LANES];
        T *row = data + g * 2 * LANES * LANES;
        FC_UNROLL for (int j = 0; j < LANES; j++) {
            z[j].re = *(const VU *)(re + g * LANES + j * rows);
            z[j].im = *(const VU *)(im + g * LANES + j * rows);
            if (turned && j)
                z[j] = NAME(times)(z[j], NAME(splat)(turn[2 * j]), NAME(splat)(turn[2 * j + 1]), 0);
        }
        NAME(radix)(LANES, z, 0);
        FC_UNROLL for (int k = 0; k < LANES; k++)
            if (turned || k) {
                const PAIR u = NAME(load)(w + 2 * LANES * k);
                z[k] = NAME(times)(z[k], u.re, u.im, 0);
            }
        FC_UNROLL for (int k = 0; k < LANES; k++)
            part[k] = z[k].re;
        FC_CAT(FC_T, _turn)(part);
        FC_UNROLL for (int n = 0; n < LANES; n++)
            *(V *)(row + 2 * LANES * n) = part[n];
        FC_UNROLL for (int k = 0; k < LANES; k++)
            part[k] = z[k].im;
        FC_CAT(FC_T, _turn)(part);
        FC_UNROLL for (int n = 0; n < LANES; n++)
            *(V *)(row + 2 * LANES * n + LANES) = part[n];
    }
}

/* Of the runs of `rows` samples that one half of a block consists of: a bit for each that lies in [low, high)
 * as a whole; of the others nothing is written yet. */
FC_INLINE unsigned NAME(whole_runs)(ptrdiff_t rows, ptrdiff_t low, ptrdiff_t high)
{
    unsigned whole = 0;
    for (int j = 0; j < LANES; j++)
        whole |= (unsigned)(j * rows >= low && (j + 1) * rows <= high) << j;
    return whole;
}

/* Runs that [low, high) cuts: `end` has left their vectors where the group's own lay. */
static void NAME(cut_runs)(const fc_fft_plan *p, unsigned whole, const T *left, T *to, ptrdiff_t low,
                           ptrdiff_t high, ptrdiff_t from, ptrdiff_t end)
{
    for (int j = 0; j < LANES; j++) {
        const ptrdiff_t begin = j * p->rows + from * LANES, stop = j * p->rows + end * LANES;
        const ptrdiff_t last = high < stop ? high : stop;
        if (whole >> j & 1)
            continue;
        for (ptrdiff_t n = low > begin ? low : begin; n < last; n++) {
            const ptrdiff_t i = n - j * p->rows;
            to[n] = left[i / LANES * 2 * LANES * LANES + j * 2 * LANES + i % LANES];
        }
    }
}

FC_INLINE void NAME(end_of)(const int turned, const fc_fft_plan *p, T *data, T *re, T *im,
                            ptrdiff_t low, ptrdiff_t high, ptrdiff_t from, ptrdiff_t to)
{
    const T *turn = (const T *)p->turn;
    const T *w = (const T *)p->first + from * 2 * LANES * LANES;
    const ptrdiff_t rows = p->rows, shift = turned ? p->size : 0;
    const unsigned whole = NAME(whole_runs)(rows, low, high);
    const unsigned whole_im = NAME(whole_runs)(rows, low - shift, high - shift);
    for (ptrdiff_t g = from; g < to; g++, w += 2 * LANES * LANES) {
        PAIR z[LANES];
        V part[LANES];
        T *row = data + g * 2 * LANES * LANES;
        FC_UNROLL for (int n = 0; n < LANES; n++)
            part[n] = *(const V *)(row + 2 * LANES * n);
        FC_CAT(FC_T, _turn)(part);
        FC_UNROLL for (int k = 0; k < LANES; k++)
            z[k].re = part[k];
        FC_UNROLL for (int n = 0; n < LANES; n++)
            part[n] = *(const V *)(row + 2 * LANES * n + LANES);
        FC_CAT(FC_T, _turn)(part);
        FC_UNROLL for (int k = 0; k < LANES; k++)
            z[k].im = part[k];
        FC_UNROLL for (int k = 0; k < LANES; k++)
            if (turned || k) {
                const PAIR u = NAME(load)(w + 2 * LANES * k);
                z[k] = NAME(times)(z[k], u.re, u.im, 1);
            }
        NAME(radix)(LANES, z, 1);
        FC_UNROLL for (int j = 0; j < LANES; j++) {
            const ptrdiff_t n = g * LANES + j * rows;
            if (turned && j)
                z[j] = NAME(times)(z[j], NAME(splat)(turn[2 * j]), NAME(splat)(turn[2 * j + 1]), 1);
            *(VU *)(whole >> j & 1 ? re + n : row + 2 * LANES * j) = z[j].re;
            *(VU *)(whole_im >> j & 1 ? im + n : row + 2 * LANES * j + LANES) = z[j].im;
        }
    }
    NAME(cut_runs)(p, whole, data, re, low, high, from, to);
    NAME(cut_runs)(p, whole_im, data + LANES, im, low - shift, high - shift, from, to);
}

static void NAME(first)(const fc_fft_plan *p, const void *re, const void *im, void *data,
                        ptrdiff_t from, ptrdiff_t to)
{
    if (p->turned)
        NAME(first_of)(1, p, (const T *)re, (const T *)im, (T *)data, from, to);
    else
        NAME(first_of)(0, p, (const T *)re, (const T *)im, (T *)data, from, to);
}

static void NAME(end)(const fc_fft_plan *p, void *data, void *re, void *im, ptrdiff_t low,
                      ptrdiff_t high, ptrdiff_t from, ptrdiff_t to)
{
    if (p->turned)
        NAME(end_of)(1, p, (T *)data, (T *)re, (T *)im, low, high, from, to);
    else
        NAME(end_of)(0, p, (T *)data, (T *)re, (T *)im, low, high, from, to);
}

/* One pass over pieces [from, to): piece f is butterfly f % step of sub-transform f / step. */
FC_INLINE void NAME(pass_of)(const int radix, const int inverse, T *data, ptrdiff_t length,
                             const T *twiddle, ptrdiff_t from, ptrdiff_t to)
{
    const ptrdiff_t step = length / radix;
    ptrdiff_t i = from % step;
    T *d = data + (from / step * length + i) * 2 * LANES;
    for (ptrdiff_t f = from; f < to;) {
        const ptrdiff_t end = f + step - i < to ? f + step - i : to;
        const T *w = twiddle + i * 2 * (radix - 1);
        for (; f < end; f++, i++, d += 2 * LANES, w += 2 * (radix - 1)) {
            PAIR a[8];
            FC_UNROLL for (int j = 0; j < radix; j++) {
                a[j] = NAME(load)(d + j * step * 2 * LANES);
                if (inverse && j)
                    a[j] = NAME(times)(a[j], NAME(splat)(w[2 * j - 2]), NAME(splat)(w[2 * j - 1]), 1);
            }
            NAME(radix)(radix, a, inverse);
            FC_UNROLL for (int j = 0; j < radix; j++) {
                if (!inverse && j)
                    a[j] = NAME(times)(a[j], NAME(splat)(w[2 * j - 2]), NAME(splat)(w[2 * j - 1]), 0);
                NAME(store)(d + j * step * 2 * LANES, a[j]);
            }
        }
        d += (length - step) * 2 * LANES;
        i = 0;
    }
}

static void NAME(down)(const fc_fft_plan *p, int pass, void *data, ptrdiff_t from, ptrdiff_t to)
{
    if (p->radix[pass] == 8)
        NAME(pass_of)(8, 0, (T *)data, p->length[pass], (const T *)p->twiddle[pass], from, to);
    else
        NAME(pass_of)(4, 0, (T *)data, p->length[pass], (const T *)p->twiddle[pass], from, to);
}

static void NAME(up)(const fc_fft_plan *p, int pass, void *data, ptrdiff_t from, ptrdiff_t to)
{
    if (p->radix[pass] == 8)
        NAME(pass_of)(8, 1, (T *)data, p->length[pass], (const T *)p->twiddle[pass], from, to);
    else
        NAME(pass_of)(4, 1, (T *)data, p->length[pass], (const T *)p->twiddle[pass], from, to);
}

/* h: NULL, or the spectrum to multiply with between the radix and its mirror */
FC_INLINE void NAME(last_of)(const int radix, const int inverse, const T *data, const T *h,
                             T *spectrum, ptrdiff_t from, ptrdiff_t to)
{
    for (ptrdiff_t f = from; f < to; f++) {
        const ptrdiff_t at = f * radix * 2 * LANES;
        PAIR a[8];
        FC_UNROLL for (int j = 0; j < radix; j++)
            a[j] = NAME(load)(data + at + j * 2 * LANES);
        NAME(radix)(radix, a, inverse);
        if (h) {
            FC_UNROLL for (int j = 0; j < radix; j++) {
                const PAIR u = NAME(load)(h + at + j * 2 * LANES);
                a[j] = NAME(times)(a[j], u.re, u.im, 0);
            }
            NAME(radix)(radix, a, 1);
        }
        FC_UNROLL for (int j = 0; j < radix; j++)
            NAME(store)(spectrum + at + j * 2 * LANES, a[j]);
    }
}

static void NAME(last)(const fc_fft_plan *p, const void *data, void *spectrum, ptrdiff_t from,
                       ptrdiff_t to)
{
    if (p->last == 8)
        NAME(last_of)(8, 0, (const T *)data, NULL, (T *)spectrum, from, to);
    else
        NAME(last_of)(4, 0, (const T *)data, NULL, (T *)spectrum, from, to);
}

static void NAME(back)(const fc_fft_plan *p, const void *spectrum, void *data, ptrdiff_t from,
                       ptrdiff_t to)
{
    if (p->last == 8)
        NAME(last_of)(8, 1, (const T *)spectrum, NULL, (T *)data, from, to);
    else
        NAME(last_of)(4, 1, (const T *)spectrum, NULL, (T *)data, from, to);
}

static void NAME(product)(const fc_fft_plan *p, void *data, const void *h, ptrdiff_t from,
                          ptrdiff_t to)
{
    if (p->last == 8)
        NAME(last_of)(8, 0, (const T *)data, (const T *)h, (T *)data, from, to);
    else
        NAME(last_of)(4, 0, (const T *)data, (const T *)h, (T *)data, from, to);
}

/* Two partitions at a time: the sums are read and written half as often. */
FC_INLINE void NAME(mac_of)(const int outputs, const int parts, const T *const *x,
                            const T *const *h, T *const *y, int accumulate, ptrdiff_t at)
{
    PAIR sum[2], u[3];
    FC_UNROLL for (int i = 0; i < outputs; i++)
        sum[i] = accumulate ? NAME(load)(y[i] + at) : (PAIR){{0}, {0}};
    FC_UNROLL for (int j = 0; j < outputs + parts - 1; j++)
        u[j] = NAME(load)(x[j] + at);
    FC_UNROLL for (int q = 0; q < parts; q++) {
        const PAIR w = NAME(load)(h[q] + at);
        FC_UNROLL for (int i = 0; i < outputs; i++) {
            const PAIR v = u[q + outputs - 1 - i];
            sum[i].re += v.re * w.re;
            sum[i].im += v.re * w.im;
            sum[i].re -= v.im * w.im;
            sum[i].im += v.im * w.re;
        }
    }
    FC_UNROLL for (int i = 0; i < outputs; i++)
        NAME(store)(y[i] + at, sum[i]);
}

static void NAME(mac)(const fc_fft_plan *p, ptrdiff_t count, const void *const *x,
                      const void *const *h, void *const *y, int outputs, int accumulate,
                      ptrdiff_t from, ptrdiff_t to)
{
    enum { CHUNK = 16 }; /* row vectors whose sums stay in the L1 cache */
    const T *const *xs = (const T *const *)x, *const *hs = (const T *const *)h;
    T *const *ys = (T *const *)y;
    (void)p;
    for (ptrdiff_t low = from; low < to; low += CHUNK) {
        const ptrdiff_t high = low + CHUNK < to ? low + CHUNK : to;
        int add = accumulate;
        ptrdiff_t q = 0;
        if (count % 2 || !count) {
            for (ptrdiff_t r = low; r < high; r++) {
                const ptrdiff_t at = r * 2 * LANES;
                if (!count) {
                    for (int i = 0; i < outputs && !add; i++)
                        NAME(store)(ys[i] + at, (PAIR){{0}, {0}});
                } else if (outputs == 2)
                    NAME(mac_of)(2, 1, xs, hs, ys, add, at);
                else
                    NAME(mac_of)(1, 1, xs, hs, ys, add, at);
            }
            q = 1;
            add = 1;
        }
        for (; q + 2 <= count; q += 2, add = 1)
            for (ptrdiff_t r = low; r < high; r++) {
                const ptrdiff_t at = r * 2 * LANES;
                if (outputs == 2)
                    NAME(mac_of)(2, 2, xs + q, hs + q, ys, add, at);
                else
                    NAME(mac_of)(1, 2, xs + q, hs + q, ys, add, at);
            }
    }
}

static void NAME(levels)(const void *samples, ptrdiff_t n, ptrdiff_t chunk, double *levels,
                         double *energy)
{
    typedef __typeof__((V){0} == (V){0}) bits;
    const bits magnitude = ~(bits)NAME(splat)((T)-0.0);
    const T *x = (const T *)samples;
    for (ptrdiff_t at = 0; at < n; at += chunk) {
        const ptrdiff_t end = at + chunk < n ? at + chunk : n;
        V sum[2] = {{0}}, square[2] = {{0}};
        ptrdiff_t i = at;
        for (; i + 2 * LANES <= end; i += 2 * LANES)
            FC_UNROLL for (int j = 0; j < 2; j++) {
                const V a = *(const VU *)(x + i + j * LANES);
                sum[j] += (V)((bits)a & magnitude);
                square[j] += a * a;
            }
        T s = 0, e = 0;
        for (int l = 0; l < LANES; l++) {
            s += sum[0][l] + sum[1][l];
            e += square[0][l] + square[1][l];
        }
        for (; i < end; i++) {
            s += x[i] < 0 ? -x[i] : x[i];
            e += x[i] * x[i];
        }
        *levels++ += s;
        *energy += e;
    }
}

/* Results whose window holds nothing but zeros are zero, not rounding errors. */
static void NAME(silence)(const void *re, const void *im, ptrdiff_t taps, void *to_re, void *to_im,
                          ptrdiff_t low, ptrdiff_t high)
{
    const T *a = (const T *)re, *b = (const T *)im;
    const ptrdiff_t start = low + 1 - taps > 0 ? low + 1 - taps : 0;
    ptrdiff_t run = start - (low + 1 - taps);
    for (ptrdiff_t n = start; n < high; n++) {
        run = a[n] != 0 || (b && b[n] != 0) ? 0 : run + 1;
        if (run >= taps && n >= low) {
            ((T *)to_re)[n] = 0;
            if (b)
                ((T *)to_im)[n] = 0;
        }
    }
}

#undef FC_T
#undef T
#undef V
#undef VU
#undef KEEP
#undef LANES
#undef NAME
#undef PAIR
