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
    if (activation == FC_ACT_NONE && step_bytes == (ptrdiff_t)sizeof(TO)) {
        for (ptrdiff_t i = 0; i < n; i++) {
            v = FC_WRITE(a[i] + add);
            memcpy(out + i * (ptrdiff_t)sizeof(TO), &v, sizeof v);
        }
        return;
    }
    for (ptrdiff_t i = 0; i < n; i++, out += step_bytes) {
#if FC_FLOATS
        v = FC_WRITE(FC_CAT(activate_, T)(a[i] + add, activation));
#else
        v = FC_WRITE(a[i] + add);
        if (activation != FC_ACT_NONE && v < 1)
            v = 0;
        if (activation == FC_ACT_RELU6 && v > 6)
            v = 6;
#endif
        memcpy(out, &v, sizeof v);
    }
#endif
}
#undef FC_NAME
#undef T
#undef TO
#undef FC_WRITE
#undef FC_FLOATS
#undef FC_COMPLEX
