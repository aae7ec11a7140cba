/* Tap microkernels: c[i][p] += sum over taps of x[off[t] + p] * w[t][i], one body for every kind.
 *
 * Compiled once per ISA (FC_ISA names it); kernels.inc says which tiles exist.  Pixels lie along
 * the vector, weights are broadcast ("pixel lanes"): plain NCHW rows are read in place at any
 * shift, so no im2col matrix is needed.  Called by the direct, deformable and pooling drivers.
 */
#include "fc_kernels.h"
#include "../simd/vectors.h"

#define FC_MULADD 0
#define FC_CMULADD 1
#define FC_ORAND 2
#define FC_MAXIMUM 3

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
#define FC_STORE straight_F32
#define FC_OP FC_MULADD
#include "tap_ukr_body.h"

#define FC_T f64
#define FC_TILE tile_F64
#define FC_STORE straight_F64
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
#define FC_DEFINE_STORE(kind, T, mr, nv, width)                                                 \
    static void FC_CAT(FC_UKR_NAME(kind, mr, width), _store)(                                   \
        ptrdiff_t taps, const int32_t *off, const void *x, const void *w, ptrdiff_t ldw,        \
        const void *bias, void *c, ptrdiff_t ldc)                                               \
    {                                                                                           \
        if (ldw)                                                                                \
            straight_##kind(mr, nv, 1, taps, off, (const T *)x, (const T *)w, ldw, (const T *)bias, (T *)c, ldc); \
        else                                                                                    \
            straight_##kind(mr, nv, 0, taps, off, (const T *)x, (const T *)w, 0, (const T *)bias, (T *)c, ldc); \
    }
#define FC_TAP_STORE(kind, T, mr, a, b, c)                                                      \
    FC_TAP(kind, T, mr, a, b, c)                                                                \
    FC_DEFINE_STORE(kind, T, mr, FC_PICK(a, b, c), wide)                                        \
    FC_DEFINE_STORE(kind, T, mr, 1, narrow)
#include "kernels.inc"
#undef FC_TAP
#undef FC_TAP_STORE

#define FC_STRING_(x) #x
#define FC_STRING(x) FC_STRING_(x)
#define FC_LIST(kind, T, mr, nv, used, width, store)                                            \
    {"fc_" #kind "_tap_ukr_" #mr "x" FC_STRING(nv) "__" FC_STRING(FC_ISA), FC_KIND_##kind, mr,  \
     (used) ? nv : 0, (int)(sizeof(T##_v) / sizeof(T)), FC_UKR_NAME(kind, mr, width), store},
/* no wide tile, no narrow one: alone it would load more than it multiplies */
#define FC_TAP(kind, T, mr, a, b, c)                                                            \
    FC_LIST(kind, T, mr, FC_PICK(a, b, c), 1, wide, NULL)                                       \
    FC_LIST(kind, T, mr, 1, FC_PICK(a, b, c), narrow, NULL)
#define FC_TAP_STORE(kind, T, mr, a, b, c)                                                      \
    FC_LIST(kind, T, mr, FC_PICK(a, b, c), 1, wide, FC_CAT(FC_UKR_NAME(kind, mr, wide), _store))  \
    FC_LIST(kind, T, mr, 1, FC_PICK(a, b, c), narrow, FC_CAT(FC_UKR_NAME(kind, mr, narrow), _store))
const fc_tap_row FC_CAT(fc_tap_table__, FC_ISA)[] = {
#include "kernels.inc"
};
const int FC_CAT(fc_tap_count__, FC_ISA) =
    (int)(sizeof FC_CAT(fc_tap_table__, FC_ISA) / sizeof(fc_tap_row));
