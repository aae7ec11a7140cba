/* The activations of one floating type T; FC_M(name) is the libm function of that type.
 * A NaN passes through all of them; the sigmoid never overflows. */
static inline T FC_CAT(sigmoid_, T)(T v)
{
    const T e = FC_M(exp)(v < 0 ? v : -v);
    return (v < 0 ? e : (T)1) / (1 + e);
}

static T FC_CAT(activate_, T)(T v, int activation)
{
    switch (activation) {
    case FC_ACT_RELU:
        return v < 0 ? (T)0 : v;
    case FC_ACT_RELU6:
        return v < 0 ? (T)0 : v > 6 ? (T)6 : v;
    case FC_ACT_LEAKY_RELU:
        return v < 0 ? v * (T)0.01L : v;
    case FC_ACT_SILU:
        return v * FC_CAT(sigmoid_, T)(v);
    case FC_ACT_GELU:
        return v / 2 * FC_M(erfc)(v * (T)-0.70710678118654752440084436210485L);
    case FC_ACT_SIGMOID:
        return FC_CAT(sigmoid_, T)(v);
    case FC_ACT_TANH:
        return FC_M(tanh)(v);
    default:
        return v;
    }
}
#undef T
#undef FC_M
