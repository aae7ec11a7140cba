/* Copying a few numbers of the type T. */
#define VEC_LANES ((ptrdiff_t)(sizeof(FC_CAT(T, _v)) / sizeof(T)))

/* n numbers, exactly: whole vectors, the last over its neighbour; few numbers by halves likewise. A call of
 * memcpy would cost more than most rows do. */
FC_INLINE void FC_CAT(copy_row_, T)(T *to, const T *from, ptrdiff_t n)
{
    ptrdiff_t i = 0;
    if (n >= VEC_LANES) {
        for (; i < n - VEC_LANES; i += VEC_LANES)
            *(FC_CAT(T, _vu) *)(to + i) = *(const FC_CAT(T, _vu) *)(from + i);
        *(FC_CAT(T, _vu) *)(to + n - VEC_LANES) = *(const FC_CAT(T, _vu) *)(from + n - VEC_LANES);
        return;
    }
#define HALF(k)                                                                    \
    if (n >= k) {                                                                  \
        char a[k * sizeof(T)], b[k * sizeof(T)];                                   \
        memcpy(a, from, sizeof a);                                                 \
        memcpy(b, from + n - k, sizeof b);                                         \
        memcpy(to, a, sizeof a);                                                   \
        memcpy(to + n - k, b, sizeof b);                                           \
        return;                                                                    \
    }
    HALF(8) /* with fewer lanes than that the vectors above have done it */
    HALF(4)
    HALF(2)
#undef HALF
    if (n > 0)
        *to = *from;
}
#undef VEC_LANES
