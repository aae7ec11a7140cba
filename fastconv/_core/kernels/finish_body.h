/* Writes one row of results of type TO from planes of type T: bias, activation, conversion.
 *
 * FC_NAME, FC_WRITE (T -> TO), FC_FLOATS: 1 for floating T, 0 for integers, FC_COMPLEX: 0 or 1.
 */
static void FC_CAT(finish_, FC_NAME)(char *out, ptrdiff_t step_bytes, const void *re,
                                     const void *im, ptrdiff_t n, const void *bias, int activation)
{
    const T *a = (const T *)re;
    TO v;
#if FC_COMPLEX
    const T *b = (const T *)im;
    const T add = bias ? ((const T *)bias)[0] : 0, add_im = bias ? ((const T *)bias)[1] : 0;
    (void)activation;
    for (ptrdiff_t i = 0; i < n; i++, out += step_bytes) {
        v = FC_WRITE(a[i] + add);
        memcpy(out, &v, sizeof v);
        v = FC_WRITE(b[i] + add_im);
        memcpy(out + sizeof v, &v, sizeof v);
    }
#else
    const T add = bias ? *(const T *)bias : 0;
    (void)im;
/* One loop for each activation, so that none has a choice in it; one for neighbours, which vectors may do (results
 * replace their sums or lie elsewhere, so no number depends on another), and one for any step. */
#define EACH(expression)                                                           \
    do {                                                                           \
        if (step_bytes == (ptrdiff_t)sizeof(TO))                                   \
            _Pragma("GCC ivdep") for (ptrdiff_t i = 0; i < n; i++) {               \
                const T s = a[i] + add;                                            \
                v = FC_WRITE(expression);                                          \
                memcpy(out + i * (ptrdiff_t)sizeof(TO), &v, sizeof v);             \
            }                                                                      \
        else                                                                       \
            for (ptrdiff_t i = 0; i < n; i++, out += step_bytes) {                 \
                const T s = a[i] + add;                                            \
                v = FC_WRITE(expression);                                          \
                memcpy(out, &v, sizeof v);                                         \
            }                                                                      \
    } while (0)
    switch (activation) {
#if FC_FLOATS
    case FC_ACT_RELU:
        EACH(s < 0 ? (T)0 : s);
        break;
    case FC_ACT_RELU6:
        EACH(s < 0 ? (T)0 : s > 6 ? (T)6 : s);
        break;
    case FC_ACT_LEAKY_RELU:
        EACH(s < 0 ? s * (T)0.01L : s);
        break;
    case FC_ACT_SILU:
        EACH(FC_CAT(silu_, T)(s));
        break;
    case FC_ACT_GELU:
        EACH(FC_CAT(gelu_, T)(s));
        break;
    case FC_ACT_SIGMOID:
        EACH(FC_CAT(sigmoid_, T)(s));
        break;
    case FC_ACT_TANH:
        EACH(FC_CAT(tanh_, T)(s));
        break;
#else /* compared as what is written, signed or not */
    case FC_ACT_RELU:
        EACH(FC_WRITE(s) < 1 ? 0 : s);
        break;
    case FC_ACT_RELU6:
        EACH(FC_WRITE(s) < 1 ? 0 : FC_WRITE(s) > 6 ? 6 : s);
        break;
#endif
    default:
        EACH(s);
    }
#undef EACH
#endif
}
#undef FC_NAME
#undef T
#undef TO
#undef FC_WRITE
#undef FC_FLOATS
#undef FC_COMPLEX
