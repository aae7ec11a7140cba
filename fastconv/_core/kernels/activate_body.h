/* The sigmoid, which never overflows, and silu of one floating type T. A NaN passes through. */
static inline T FC_CAT(sigmoid_, T)(T v)
{
    const T e = FC_CAT(exp_neg_, T)(v < 0 ? v : -v);
    return (v < 0 ? e : (T)1) / (1 + e);
}

static inline T FC_CAT(silu_, T)(T v)
{
    return v * FC_CAT(sigmoid_, T)(v);
}
#undef T
