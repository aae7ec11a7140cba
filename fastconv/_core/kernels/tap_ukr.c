/* Tap microkernels: c[i][p] += sum over taps of x[off[t] + p] * w[t][i], one body for every kind.
 *
 * Compiled once per ISA (FC_ISA names it); kernels.inc says which tiles exist.  Pixels lie along
 * the vector, weights are broadcast ("pixel lanes"): plain NCHW rows are read in place at any
 * shift, so no im2col matrix is needed.  Called by the direct, deformable and pooling drivers.
 */
#include "fc_kernels.h"
#include "../simd/vec.h"

#define FC_CAT_(a, b) a##b
#define FC_CAT(a, b) FC_CAT_(a, b)
#define FC_CAT4_(a, b, c, d) a##b##c##d
#define FC_CAT4(a, b, c, d) FC_CAT4_(a, b, c, d)

#define FC_MULADD 0
#define FC_CMULADD 1
#define FC_ORAND 2
#define FC_MAXIMUM 3

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

#define FC_T u8
#define FC_TILE tile_BOOL
#define FC_OP FC_ORAND
#include "tap_ukr_body.h"

#define FC_T u8
#define FC_TILE tile_U8
#define FC_OP FC_MULADD
#include "tap_ukr_body.h"

#define FC_T u16
#define FC_TILE tile_U16
#define FC_OP FC_MULADD
#include "tap_ukr_body.h"

#define FC_T u32
#define FC_TILE tile_U32
#define FC_OP FC_MULADD
#include "tap_ukr_body.h"

#define FC_T u64
#define FC_TILE tile_U64
#define FC_OP FC_MULADD
#include "tap_ukr_body.h"

#define FC_T f32
#define FC_TILE tile_F32
#define FC_OP FC_MULADD
#include "tap_ukr_body.h"

#define FC_T f64
#define FC_TILE tile_F64
#define FC_OP FC_MULADD
#include "tap_ukr_body.h"

#define FC_T ld
#define FC_TILE tile_LD
#define FC_OP FC_MULADD
#include "tap_ukr_body.h"

#define FC_T f32
#define FC_TILE tile_C32
#define FC_OP FC_CMULADD
#include "tap_ukr_body.h"

#define FC_T f64
#define FC_TILE tile_C64
#define FC_OP FC_CMULADD
#include "tap_ukr_body.h"

#define FC_T ld
#define FC_TILE tile_CLD
#define FC_OP FC_CMULADD
#include "tap_ukr_body.h"

#define FC_T i8
#define FC_TILE tile_MAX_I8
#define FC_OP FC_MAXIMUM
#include "tap_ukr_body.h"

#define FC_T u8
#define FC_TILE tile_MAX_U8
#define FC_OP FC_MAXIMUM
#include "tap_ukr_body.h"

#define FC_T i16
#define FC_TILE tile_MAX_I16
#define FC_OP FC_MAXIMUM
#include "tap_ukr_body.h"

#define FC_T u16
#define FC_TILE tile_MAX_U16
#define FC_OP FC_MAXIMUM
#include "tap_ukr_body.h"

#define FC_T i32
#define FC_TILE tile_MAX_I32
#define FC_OP FC_MAXIMUM
#include "tap_ukr_body.h"

#define FC_T u32
#define FC_TILE tile_MAX_U32
#define FC_OP FC_MAXIMUM
#include "tap_ukr_body.h"

#define FC_T i64
#define FC_TILE tile_MAX_I64
#define FC_OP FC_MAXIMUM
#include "tap_ukr_body.h"

#define FC_T u64
#define FC_TILE tile_MAX_U64
#define FC_OP FC_MAXIMUM
#include "tap_ukr_body.h"

#define FC_T f32
#define FC_TILE tile_MAX_F32
#define FC_OP FC_MAXIMUM
#include "tap_ukr_body.h"

#define FC_T f64
#define FC_TILE tile_MAX_F64
#define FC_OP FC_MAXIMUM
#include "tap_ukr_body.h"

#define FC_T ld
#define FC_TILE tile_MAX_LD
#define FC_OP FC_MAXIMUM
#include "tap_ukr_body.h"

/* Two functions per row of the table: the wide tile, and one vector of pixels for what is left. */
#define FC_UKR_NAME(kind, mr, width) fc_##kind##_tap_ukr_##mr##_##width
#define FC_DEFINE(kind, T, mr, nv, width)                                                       \
    static void FC_UKR_NAME(kind, mr, width)(ptrdiff_t taps, const int32_t *off, const void *x, \
                                             ptrdiff_t im, const void *w, void *c,              \
                                             ptrdiff_t ldc, int accumulate)                     \
    {                                                                                           \
        tile_##kind(mr, nv, taps, off, (const T *)x, im, (const T *)w, (T *)c, ldc,             \
                    accumulate);                                                                \
    }
#define FC_TAP(kind, T, mr, a, b, c)                                                              \
    FC_DEFINE(kind, T, mr, FC_PICK(a, b, c), wide)                                     \
    FC_DEFINE(kind, T, mr, 1, narrow)
#include "kernels.inc"
#undef FC_TAP

#define FC_STRING_(x) #x
#define FC_STRING(x) FC_STRING_(x)
#define FC_LIST(kind, T, mr, nv, width)                                                         \
    {"fc_" #kind "_tap_ukr_" #mr "x" FC_STRING(nv) "__" FC_STRING(FC_ISA), FC_KIND_##kind, mr,  \
     nv, (int)(sizeof(T##_v) / sizeof(T)), FC_UKR_NAME(kind, mr, width)},
#define FC_TAP(kind, T, mr, a, b, c)                                                              \
    FC_LIST(kind, T, mr, FC_PICK(a, b, c), wide) FC_LIST(kind, T, mr, 1, narrow)
const fc_tap_row FC_CAT(fc_tap_table__, FC_ISA)[] = {
#include "kernels.inc"
};
const int FC_CAT(fc_tap_count__, FC_ISA) =
    (int)(sizeof FC_CAT(fc_tap_table__, FC_ISA) / sizeof(fc_tap_row));
