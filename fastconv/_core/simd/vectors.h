/* The vectors that microkernels are written with: for a number type T, T_v is a vector of the ISA's
 * width, T_vu its unaligned view, T_keep the register barrier, T_zero, and T_max (a NaN wins).
 */
#ifndef FC_VECTORS_H
#define FC_VECTORS_H

#include "vec.h"

#define FC_CAT_(a, b) a##b
#define FC_CAT(a, b) FC_CAT_(a, b)
#define FC_CAT4_(a, b, c, d) a##b##c##d
#define FC_CAT4(a, b, c, d) FC_CAT4_(a, b, c, d)

/* A vector, its unaligned view, the register barrier, zero, and a maximum in which a NaN wins. */
#define FC_VECTOR(name, type)                                                                   \
    typedef type name;                                                                          \
    typedef type name##_v __attribute__((vector_size(FC_VEC_BYTES)));                           \
    typedef type name##_vu                                                                      \
        __attribute__((vector_size(FC_VEC_BYTES), aligned(sizeof(type)), may_alias));           \
    static const name##_v name##_zero = {0};                                                    \
    FC_INLINE name##_v name##_max(name##_v a, name##_v b)                                       \
    {                                                                                           \
        const __typeof__(a >= b) keep = (a >= b) | (a != a);                                    \
        return (name##_v)((keep & (__typeof__(keep))a) | (~keep & (__typeof__(keep))b));        \
    }
FC_VECTOR(u8, uint8_t)
FC_VECTOR(u16, uint16_t)
FC_VECTOR(u32, uint32_t)
FC_VECTOR(u64, uint64_t)
FC_VECTOR(i8, int8_t)
FC_VECTOR(i16, int16_t)
FC_VECTOR(i32, int32_t)
FC_VECTOR(i64, int64_t)
FC_VECTOR(f32, float)
FC_VECTOR(f64, double)
#define u8_keep(x) FC_KEEP(x)
#define u16_keep(x) FC_KEEP(x)
#define u32_keep(x) FC_KEEP(x)
#define u64_keep(x) FC_KEEP(x)
#define i8_keep(x) FC_KEEP(x)
#define i16_keep(x) FC_KEEP(x)
#define i32_keep(x) FC_KEEP(x)
#define i64_keep(x) FC_KEEP(x)
#define f32_keep(x) FC_KEEP(x)
#define f64_keep(x) FC_KEEP(x)

/* long double has no vectors: a "vector" of one */
typedef long double ld, ld_v, ld_vu;
static const ld ld_zero = 0;
#define ld_keep(x) (void)0
FC_INLINE ld ld_max(ld a, ld b)
{
    return a >= b || a != a ? a : b;
}

#endif
