/* Integers that are computed with in float64: how large they are, and the way back, modulo 2^n of their type.
 *
 * A result lies within 1/4 of a whole number below 2^51, as the caller has made sure (backends/_integers.py).
 * Called by whole.pyx.
 */
#include "fc_kernels.h"
#include "numbers.h"

/* The nearest integer: beside 1.5 * 2^52 doubles are whole, and their bits count up with them.  Below AVX-512
 * no vector instruction makes 64-bit integers of doubles, and a cast would cut off. */
static inline u64 nearest(const char *at)
{
    const double beside = 0x1.8p52, moved = *(const double *)at + beside;
    u64 bits, origin;
    memcpy(&bits, &moved, sizeof bits);
    memcpy(&origin, &beside, sizeof origin);
    return bits - origin;
}

/* Steps that are constants make vectors. */
#define FC_RUN(T, to_step, from_step)                                                                   \
    _Pragma("GCC ivdep") for (ptrdiff_t i = 0; i < n; i++)                                              \
    {                                                                                                   \
        T *at = (T *)(to + i * (to_step));                                                              \
        *at = (T)((nearest(from + i * (from_step)) << shift) + (*at & there));                          \
    }
#define FC_STORE(T)                                                                                     \
    {                                                                                                   \
        const T there = (T)(add ? ~(T)0 : 0);                                                           \
        if (to_step == sizeof(T) && from_step == sizeof(double))                                        \
            FC_RUN(T, (ptrdiff_t)sizeof(T), (ptrdiff_t)sizeof(double))                                  \
        else                                                                                            \
            FC_RUN(T, to_step, from_step)                                                               \
        return;                                                                                         \
    }

void fc_store_whole(char *to, ptrdiff_t to_step, fc_memory_type type, const char *from, ptrdiff_t from_step,
                    ptrdiff_t n, int shift, int add)
{
    switch (type) {
    case FC_BOOL: /* of sums of products of 0 and 1 */
        for (ptrdiff_t i = 0; i < n; i++)
            *(u8 *)(to + i * to_step) = nearest(from + i * from_step) != 0;
        return;
    case FC_I8: case FC_U8: FC_STORE(u8)
    case FC_I16: case FC_U16: FC_STORE(u16)
    case FC_I32: case FC_U32: FC_STORE(u32)
    default: FC_STORE(u64)
    }
}

#define FC_PEAK(T)                                                                                      \
    {                                                                                                   \
        T low = 0, high = 0;                                                                            \
        if (step == sizeof(T))                                                                          \
            FC_EXTREMES(T, (ptrdiff_t)sizeof(T))                                                        \
        else                                                                                            \
            FC_EXTREMES(T, step)                                                                        \
        const u64 below = 0 - (u64)low, above = (u64)high;                                              \
        return below > above ? below : above;                                                           \
    }
#define FC_EXTREMES(T, step)                                                                            \
    for (ptrdiff_t i = 0; i < n; i++) {                                                                 \
        const T v = *(const T *)(x + i * (step));                                                       \
        low = v < low ? v : low;                                                                        \
        high = v > high ? v : high;                                                                     \
    }

/* Vectors compare no integers of 8 bytes below SSE 4: bits that any of them has. */
static u64 wide_peak(const char *x, ptrdiff_t step, int is_signed, ptrdiff_t n)
{
    i64 seen = 0;
    if (is_signed && step == sizeof(i64)) {
        for (ptrdiff_t i = 0; i < n; i++)
            seen |= ((const i64 *)x)[i] ^ (((const i64 *)x)[i] >> 63);
    } else {
        for (ptrdiff_t i = 0; i < n; i++) {
            const i64 v = *(const i64 *)(x + i * step);
            seen |= is_signed ? v ^ (v >> 63) : v;
        }
    }
    return seen == -1 ? ~(u64)0 : (u64)seen + 1;
}

u64 fc_peak(const char *x, ptrdiff_t step, fc_memory_type type, ptrdiff_t n)
{
    switch (type) {
    case FC_BOOL: return 1;
    case FC_I8: FC_PEAK(i8)
    case FC_U8: FC_PEAK(u8)
    case FC_I16: FC_PEAK(i16)
    case FC_U16: FC_PEAK(u16)
    case FC_I32: FC_PEAK(i32)
    case FC_U32: FC_PEAK(u32)
    default: return wide_peak(x, step, type == FC_I64, n);
    }
}

void fc_load_whole(double *to, const char *x, ptrdiff_t step, ptrdiff_t n)
{
    const u64 origin = 0x4338000000000000; /* the bits of `beside` */
    for (ptrdiff_t i = 0; i < n; i++) {
        const u64 bits = *(const u64 *)(x + i * step) + origin;
        double moved;
        memcpy(&moved, &bits, sizeof moved);
        to[i] = moved - 0x1.8p52;
    }
}
