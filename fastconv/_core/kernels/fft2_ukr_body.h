/* Tile transforms for one number type: included by fft2_ukr.c once per kind.
 *
 * FC_T: short name of the number type, FC_NAME: makes the names to define.  A pass takes blocks of `len`
 * elements, polynomials modulo t^len - W, to `radix` blocks of len / radix: element i + j * len / radix is
 * multiplied by the j-th power of a radix-th root of W, then a butterfly follows; the root is the same for a
 * whole block.  Radix 4 throughout, since 8 complex vectors and 3 roots are what 16 registers bear.
 */
#define T FC_T
#define V FC_CAT(FC_T, _v)
#define VU FC_CAT(FC_T, _vu)
#define Z FC_CAT(FC_T, _z)
#define L ((int)(sizeof(V) / sizeof(T)))

typedef struct { V re, im; } Z;

FC_INLINE Z FC_NAME(times)(Z a, const T *w)
{
    return (Z){a.re * w[0] - a.im * w[1], a.re * w[1] + a.im * w[0]};
}

FC_INLINE Z FC_NAME(times_conj)(Z a, const T *w)
{
    return (Z){a.re * w[0] + a.im * w[1], a.im * w[0] - a.re * w[1]};
}

FC_INLINE Z FC_NAME(sum)(Z a, Z b)
{
    return (Z){a.re + b.re, a.im + b.im};
}

FC_INLINE Z FC_NAME(difference)(Z a, Z b)
{
    return (Z){a.re - b.re, a.im - b.im};
}

/* b[k] = sum over j of a[j] * i^(jk) (radix 4), the conjugate factors for the inverse */
FC_INLINE void FC_NAME(butterfly)(const int radix, const int inverse, Z *a)
{
    if (radix == 2) {
        const Z s = FC_NAME(sum)(a[0], a[1]);
        a[1] = FC_NAME(difference)(a[0], a[1]);
        a[0] = s;
        return;
    }
    const Z s = FC_NAME(sum)(a[0], a[2]), d = FC_NAME(difference)(a[0], a[2]);
    const Z p = FC_NAME(sum)(a[1], a[3]), q = FC_NAME(difference)(a[1], a[3]);
    const Z plus = {d.re - q.im, d.im + q.re}, minus = {d.re + q.im, d.im - q.re};
    a[0] = FC_NAME(sum)(s, p);
    a[1] = inverse ? minus : plus;
    a[2] = FC_NAME(difference)(s, p);
    a[3] = inverse ? plus : minus;
}

/* One pass over n elements, element i at x + i * step (real and imaginary parts apart), to y. */
FC_INLINE void FC_NAME(pass)(const int radix, const int inverse, ptrdiff_t n, ptrdiff_t len,
                             const T *w, const T *re, const T *im, ptrdiff_t step, T *to_re,
                             T *to_im, ptrdiff_t to_step)
{
    const ptrdiff_t s = len / radix, hop = s * step, to_hop = s * to_step;
    for (ptrdiff_t b = 0; b < n; b += len, w += 2 * (radix - 1)) {
        const T *r = re + b * step, *i = im + b * step;
        T *to_r = to_re + b * to_step, *to_i = to_im + b * to_step;
        for (ptrdiff_t e = 0; e < s; e++) {
            Z a[4];
            FC_UNROLL for (int j = 0; j < radix; j++) {
                a[j] = (Z){*(const VU *)(r + j * hop), *(const VU *)(i + j * hop)};
                FC_CAT(FC_T, _keep)(a[j].re);
                FC_CAT(FC_T, _keep)(a[j].im);
            }
            if (!inverse)
                FC_UNROLL for (int j = 1; j < radix; j++)
                    a[j] = FC_NAME(times)(a[j], w + 2 * (j - 1));
            FC_NAME(butterfly)(radix, inverse, a);
            if (inverse)
                FC_UNROLL for (int j = 1; j < radix; j++)
                    a[j] = FC_NAME(times_conj)(a[j], w + 2 * (j - 1));
            FC_UNROLL for (int j = 0; j < radix; j++) {
                *(VU *)(to_r + j * to_hop) = a[j].re;
                *(VU *)(to_i + j * to_hop) = a[j].im;
            }
            r += step;
            i += step;
            to_r += to_step;
            to_i += to_step;
        }
    }
}

static __attribute__((noinline)) void FC_NAME(pass_4)(T *d, ptrdiff_t n, ptrdiff_t len, const T *w)
{
    FC_NAME(pass)(4, 0, n, len, w, d, d + L, 2 * L, d, d + L, 2 * L);
}

static __attribute__((noinline)) void FC_NAME(pass_2)(T *d, ptrdiff_t n, const T *w)
{
    FC_NAME(pass)(2, 0, n, n, w, d, d + L, 2 * L, d, d + L, 2 * L);
}

static __attribute__((noinline)) void FC_NAME(back_4)(T *d, ptrdiff_t n, ptrdiff_t len, const T *w)
{
    FC_NAME(pass)(4, 1, n, len, w, d, d + L, 2 * L, d, d + L, 2 * L);
}

static __attribute__((noinline)) void FC_NAME(back_2)(T *d, ptrdiff_t n, const T *w)
{
    FC_NAME(pass)(2, 1, n, n, w, d, d + L, 2 * L, d, d + L, 2 * L);
}

static __attribute__((noinline)) void FC_NAME(load)(int radix, ptrdiff_t n, const T *w, const T *re,
                                                   const T *im, ptrdiff_t ld, T *d)
{
    if (radix == 2)
        FC_NAME(pass)(2, 0, n, n, w, re, im, ld, d, d + L, 2 * L);
    else
        FC_NAME(pass)(4, 0, n, n, w, re, im, ld, d, d + L, 2 * L);
}

static __attribute__((noinline)) void FC_NAME(store)(int radix, ptrdiff_t n, const T *w, const T *d,
                                                    T *re, T *im, ptrdiff_t ld)
{
    if (radix == 2)
        FC_NAME(pass)(2, 1, n, n, w, d, d + L, 2 * L, re, im, ld);
    else
        FC_NAME(pass)(4, 1, n, n, w, d, d + L, 2 * L, re, im, ld);
}

/* The last forward pass, the product with a filter's spectrum, and the first pass back. */
static __attribute__((noinline)) void FC_NAME(middle)(T *d, ptrdiff_t n, const T *w, const T *h)
{
    for (ptrdiff_t b = 0; b < n; b += 4, w += 6, d += 8 * L, h += 8 * L) {
        Z a[4];
        FC_UNROLL for (int j = 0; j < 4; j++) {
            a[j] = (Z){*(const V *)(d + 2 * j * L), *(const V *)(d + (2 * j + 1) * L)};
            FC_CAT(FC_T, _keep)(a[j].re);
            FC_CAT(FC_T, _keep)(a[j].im);
        }
        FC_UNROLL for (int j = 1; j < 4; j++)
            a[j] = FC_NAME(times)(a[j], w + 2 * (j - 1));
        FC_NAME(butterfly)(4, 0, a);
        FC_UNROLL for (int j = 0; j < 4; j++) {
            const V hr = *(const V *)(h + 2 * j * L), hi = *(const V *)(h + (2 * j + 1) * L);
            a[j] = (Z){a[j].re * hr - a[j].im * hi, a[j].re * hi + a[j].im * hr};
        }
        FC_NAME(butterfly)(4, 1, a);
        FC_UNROLL for (int j = 1; j < 4; j++)
            a[j] = FC_NAME(times_conj)(a[j], w + 2 * (j - 1));
        FC_UNROLL for (int j = 0; j < 4; j++) {
            *(V *)(d + 2 * j * L) = a[j].re;
            *(V *)(d + (2 * j + 1) * L) = a[j].im;
        }
    }
}

/* Radix 4 passes from blocks of `len` down to blocks of `end`; the roots of the next pass. */
FC_INLINE const T *FC_NAME(down_to)(T *d, ptrdiff_t n, ptrdiff_t len, ptrdiff_t end, const T *w)
{
    for (; len > end; len /= 4) {
        FC_NAME(pass_4)(d, n, len, w);
        w += n / len * 6;
    }
    return w;
}

/* Radix 4 passes back, to blocks of at most `end`, from blocks of `len`; w: just after their roots. */
FC_INLINE const T *FC_NAME(up_to)(T *d, ptrdiff_t n, ptrdiff_t len, ptrdiff_t end, const T *w)
{
    for (; len <= end; len *= 4) {
        w -= n / len * 6;
        FC_NAME(back_4)(d, n, len, w);
    }
    return w;
}

/* 2 where an odd power of two begins with a pass of radix 2, else 4 */
FC_INLINE int FC_NAME(first)(ptrdiff_t n)
{
    return __builtin_ctzll((unsigned long long)n) & 1 ? 2 : 4;
}

/* All roots of n points: n / radix - 1 for each factor of the radix, summed over the passes, is n - 1. */
FC_INLINE const T *FC_NAME(end_of_roots)(const fc_fft2_axis *axis)
{
    return (const T *)axis->roots + 2 * (axis->n - 1);
}

/* lanes x lanes blocks of vectors at `from`, 2 * L apart, to rows 2 * L apart at `to`, both parts */
FC_INLINE void FC_NAME(turn)(const T *from, T *to)
{
    for (int part = 0; part < 2; part++) {
        V v[L];
        FC_UNROLL for (int i = 0; i < L; i++)
            v[i] = *(const V *)(from + (2 * i + part) * L);
        FC_NAME(transpose)(v);
        FC_UNROLL for (int i = 0; i < L; i++)
            *(V *)(to + (2 * i + part) * L) = v[i];
    }
}

static void FC_NAME(down)(const fc_fft2_shape *s, const void *re, const void *im, ptrdiff_t ld,
                          void *work, void *spectrum)
{
    const ptrdiff_t n = s->down.n;
    const int radix = FC_NAME(first)(n);
    const T *roots = (const T *)s->down.roots;
    T *d = (T *)work;
    for (ptrdiff_t c = 0; c < s->along.n; c += L) {
        FC_NAME(load)(radix, n, roots, (const T *)re + c, (const T *)im + c, ld, d);
        FC_NAME(down_to)(d, n, n / radix, 1, roots + 2 * (radix - 1));
        for (ptrdiff_t g = 0; g < n / L; g++)
            FC_NAME(turn)(d + g * 2 * L * L, (T *)spectrum + g * s->pitch + c * 2 * L);
    }
}

static void FC_NAME(up)(const fc_fft2_shape *s, const void *spectrum, void *work, void *re, void *im,
                        ptrdiff_t ld, ptrdiff_t cols)
{
    const ptrdiff_t n = s->down.n;
    const int radix = FC_NAME(first)(n);
    T *d = (T *)work;
    for (ptrdiff_t c = 0; c < cols; c += L) {
        for (ptrdiff_t g = 0; g < n / L; g++)
            FC_NAME(turn)((const T *)spectrum + g * s->pitch + c * 2 * L, d + g * 2 * L * L);
        FC_NAME(up_to)(d, n, 4, n / radix, FC_NAME(end_of_roots)(&s->down));
        FC_NAME(store)(radix, n, (const T *)s->down.roots, d, (T *)re + c, (T *)im + c, ld);
    }
}

/* The first pass of a row where it is one of radix 2; the roots that follow and the length left. */
FC_INLINE const T *FC_NAME(begin)(T *d, const fc_fft2_axis *axis, ptrdiff_t *len)
{
    const T *w = (const T *)axis->roots;
    *len = axis->n;
    if (FC_NAME(first)(axis->n) == 2) {
        FC_NAME(pass_2)(d, axis->n, w);
        *len /= 2;
        w += 2;
    }
    return w;
}

FC_INLINE void FC_NAME(finish)(T *d, const fc_fft2_axis *axis, ptrdiff_t len, const T *w)
{
    const int radix = FC_NAME(first)(axis->n);
    FC_NAME(up_to)(d, axis->n, len, radix == 2 ? axis->n / 2 : axis->n, w);
    if (radix == 2)
        FC_NAME(back_2)(d, axis->n, (const T *)axis->roots);
}

static void FC_NAME(along)(const fc_fft2_shape *s, void *spectrum)
{
    ptrdiff_t len;
    for (ptrdiff_t g = 0; g < s->down.n / L; g++) {
        T *d = (T *)spectrum + g * s->pitch;
        const T *w = FC_NAME(begin)(d, &s->along, &len);
        FC_NAME(down_to)(d, s->along.n, len, 1, w);
    }
}

static void FC_NAME(back)(const fc_fft2_shape *s, void *spectrum)
{
    for (ptrdiff_t g = 0; g < s->down.n / L; g++)
        FC_NAME(finish)((T *)spectrum + g * s->pitch, &s->along, 4, FC_NAME(end_of_roots)(&s->along));
}

static void FC_NAME(filter)(const fc_fft2_shape *s, void *spectrum, const void *filter, ptrdiff_t g)
{
    ptrdiff_t len;
    T *d = (T *)spectrum + g * s->pitch;
    const T *w = FC_NAME(begin)(d, &s->along, &len);
    w = FC_NAME(down_to)(d, s->along.n, len, 4, w);
    FC_NAME(middle)(d, s->along.n, w, (const T *)filter + g * s->pitch);
    FC_NAME(finish)(d, &s->along, 16, w);
}

/* outputs x taps products a vector; x is loaded once for each, the sums stay in registers */
FC_INLINE void FC_NAME(mac_tile)(const int outputs, const int taps, T *sum, const T *x,
                                 ptrdiff_t x_step, const T *w, ptrdiff_t w_step, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i += 2 * L) {
        Z acc[4];
        FC_UNROLL for (int o = 0; o < outputs; o++)
            acc[o] = (Z){*(V *)(sum + o * n + i), *(V *)(sum + o * n + i + L)};
        FC_UNROLL for (int t = 0; t < taps; t++) {
            V wr = *(const V *)(w + t * w_step + i), wi = *(const V *)(w + t * w_step + i + L);
            FC_CAT(FC_T, _keep)(wr);
            FC_CAT(FC_T, _keep)(wi);
            FC_UNROLL for (int o = 0; o < outputs; o++) {
                const T *at = x + (o + t) * x_step + i;
                const V xr = *(const V *)at, xi = *(const V *)(at + L);
                acc[o].re += xr * wr;
                acc[o].im += xr * wi;
                acc[o].re -= xi * wi;
                acc[o].im += xi * wr;
            }
        }
        FC_UNROLL for (int o = 0; o < outputs; o++) {
            *(V *)(sum + o * n + i) = acc[o].re;
            *(V *)(sum + o * n + i + L) = acc[o].im;
        }
    }
}

static void FC_NAME(mac)(void *sum, ptrdiff_t outputs, const void *x, ptrdiff_t x_step, const void *w,
                         ptrdiff_t w_step, ptrdiff_t taps, ptrdiff_t n)
{
    const ptrdiff_t fours = outputs / 4 * 4;
    for (ptrdiff_t o = 0; o < outputs; o += o < fours ? 4 : 1) {
        T *to = (T *)sum + o * n;
        for (ptrdiff_t t = 0; t < taps; t += t + 4 <= taps ? 4 : 1) {
            const T *a = (const T *)x + (o + t) * x_step, *b = (const T *)w + t * w_step;
            if (o < fours && t + 4 <= taps)
                FC_NAME(mac_tile)(4, 4, to, a, x_step, b, w_step, n);
            else if (o < fours)
                FC_NAME(mac_tile)(4, 1, to, a, x_step, b, w_step, n);
            else if (t + 4 <= taps)
                FC_NAME(mac_tile)(1, 4, to, a, x_step, b, w_step, n);
            else
                FC_NAME(mac_tile)(1, 1, to, a, x_step, b, w_step, n);
        }
    }
}

static void FC_NAME(scan)(const void *re, const void *im, ptrdiff_t ld, ptrdiff_t rows, ptrdiff_t cols,
                          double *found)
{
    typedef __typeof__((V){0} == (V){0}) bits;
    const bits magnitude = ~(bits)(-(V){0});
    double sum = 0, squares = 0, quiet = __builtin_inf(), silent = 0;
    for (ptrdiff_t r = 0; r < rows; r += FC_FFT2_ROWS) {
        const ptrdiff_t top = r < rows - FC_FFT2_ROWS ? r : rows - FC_FFT2_ROWS;
        V two = {0}; /* of a band of blocks: only sums of |x| are wanted block by block */
        for (ptrdiff_t c = 0; c < cols; c += FC_FFT2_COLS) {
            const ptrdiff_t at = top * ld + (c < cols - FC_FFT2_COLS ? c : cols - FC_FFT2_COLS);
            V one[2] = {{0}, {0}};
            for (int part = 0; part < (im ? 2 : 1); part++) {
                const T *from = (const T *)(part ? im : re) + at;
                FC_UNROLL for (int i = 0; i < FC_FFT2_ROWS; i++)
                    FC_UNROLL for (int j = 0; j < FC_FFT2_COLS; j += L) {
                        const V v = *(const VU *)(from + i * ld + j);
                        one[i & 1] += (V)((bits)v & magnitude);
                        two += v * v;
                    }
            }
            T lanes[L];
            *(VU *)lanes = one[0] + one[1];
            FC_UNROLL for (int h = 0; h < __builtin_ctz(L); h++)
                FC_UNROLL for (int l = 0; l < L >> (h + 1); l++)
                    lanes[l] += lanes[l + (L >> (h + 1))];
            const double block = (double)lanes[0];
            sum += block;
            quiet = block > 0 && block < quiet ? block : quiet;
            silent += block == 0;
        }
        for (int l = 0; l < L; l++)
            squares += (double)two[l];
    }
    found[0] = sum;
    found[1] = squares;
    found[2] = quiet;
    found[3] = silent;
}
#undef FC_T
#undef FC_NAME
#undef T
#undef V
#undef VU
#undef Z
#undef L
