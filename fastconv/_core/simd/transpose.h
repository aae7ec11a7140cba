/* Transposition of LANES vectors of LANES numbers in registers: log2(LANES) rounds of block swaps.
 *
 * Included once per number type: FC_T names it, FC_TRANSPOSE the function to define.
 */
FC_INLINE void FC_TRANSPOSE(FC_CAT(FC_T, _v) *v)
{
    typedef FC_CAT(FC_T, _v) vector;
    typedef __typeof__((vector){0} == (vector){0}) index;
    enum { lanes = sizeof(vector) / sizeof(FC_T) };
    /* counted by k: a loop that doubles h is not unrolled, and looks every index up while it runs */
    FC_UNROLL for (int k = 0; k < __builtin_ctz(lanes); k++) {
        const int h = 1 << k;
        index low, high;
        FC_UNROLL for (int l = 0; l < lanes; l++) {
            low[l] = l & h ? lanes + l - h : l;
            high[l] = l & h ? lanes + l : l + h;
        }
        FC_UNROLL for (int i = 0; i < lanes; i++)
            if (!(i & h)) {
                const vector a = v[i], b = v[i | h];
                v[i] = __builtin_shuffle(a, b, low);
                v[i | h] = __builtin_shuffle(a, b, high);
            }
    }
}
#undef FC_TRANSPOSE
