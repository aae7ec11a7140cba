/* One channel of complex numbers: included by iir_complex.c for each number type T. */
typedef struct { T re, im; } C;

/* s + a * b */
static inline C FC_CAT(FC_NAME, _add)(C s, C a, C b)
{
    return (C){s.re + a.re * b.re - a.im * b.im, s.im + a.re * b.im + a.im * b.re};
}

static void FC_NAME(ptrdiff_t sections, ptrdiff_t order, ptrdiff_t n, const C *x, ptrdiff_t x_step,
                    C *y, ptrdiff_t y_step, const C *coef, C *state)
{
    const C zero = {0, 0};
    for (ptrdiff_t i = 0; i < n; i++, x += x_step, y += y_step) {
        C u = *x;
        for (ptrdiff_t s = 0; s < sections; s++) {
            const C *c = coef + s * (2 * order + 1);
            C *z = state + s * order;
            const C out = FC_CAT(FC_NAME, _add)(z[0], c[0], u), back = {-out.re, -out.im};
            for (ptrdiff_t p = 0; p < order; p++)
                z[p] = FC_CAT(FC_NAME, _add)(
                    FC_CAT(FC_NAME, _add)(p < order - 1 ? z[p + 1] : zero, c[1 + 2 * p], u),
                    c[2 + 2 * p], back);
            u = out;
        }
        *y = u;
    }
}
#undef T
#undef C
#undef FC_NAME
