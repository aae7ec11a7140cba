/* Reads a run of numbers of type FROM into a plane of type TO (FC_READ converts one number).
 * The contiguous case is apart so that it vectorises; memcpy allows any alignment. */
static void FC_CAT4(pack_, FROM, _, TO_NAME)(void *dst, const char *src, ptrdiff_t step_bytes,
                                             ptrdiff_t n)
{
    TO *d = (TO *)dst;
    FROM v;
    if (step_bytes == (ptrdiff_t)sizeof(FROM)) {
        for (ptrdiff_t i = 0; i < n; i++) {
            memcpy(&v, src + i * (ptrdiff_t)sizeof(FROM), sizeof v);
            d[i] = (TO)FC_READ(v);
        }
    } else if (step_bytes == 2 * (ptrdiff_t)sizeof(FROM)) { /* stride 2: vectors and shuffles */
        for (ptrdiff_t i = 0; i < n; i++) {
            memcpy(&v, src + i * 2 * (ptrdiff_t)sizeof(FROM), sizeof v);
            d[i] = (TO)FC_READ(v);
        }
    } else {
        for (ptrdiff_t i = 0; i < n; i++) {
            memcpy(&v, src + i * step_bytes, sizeof v);
            d[i] = (TO)FC_READ(v);
        }
    }
}
#undef FROM
#undef FC_READ
