/* Indirect microkernels: c[p][k] += sum over t < taps, i < channels of x[at[t * PX + p]][i] * w[t][i][k].
 *
 * Every pixel of a tile has its own pointer for every tap, so windows may lie anywhere: over the edge they
 * point to a row of zeros, or, for other borders, to the sample that stands there (Dukhan 2019,
 * arXiv:1907.02129).  Samples are runs of channels, vectors hold output channels.  Compiled once per ISA;
 * called by the indirect driver.
 */
#include "fc_kernels.h"
#include "../simd/vectors.h"
#include "tile_out.h"

#define FC_T f32
#define FC_TILE indirect_F32
#include "indirect_ukr_body.h"
#define FC_T f64
#define FC_TILE indirect_F64
#include "indirect_ukr_body.h"

#define FC_UKR_NAME(kind, px, nv) fc_##kind##_indirect_ukr_##px##_##nv
#define FC_CHAN(kind, T, px, nv)                                                                \
    static void FC_UKR_NAME(kind, px, nv)(ptrdiff_t taps, ptrdiff_t first, ptrdiff_t end,       \
                                          const void *const *at, const void *w, ptrdiff_t skip, \
                                          void *c, ptrdiff_t ldc, const void *bias,             \
                                          int accumulate)                                       \
    {                                                                                           \
        indirect_##kind(px, nv, taps, first, end, at, (const T *)w, skip, (T *)c, ldc,          \
                        (const T *)bias, accumulate);                                           \
    }
#define FC_CHAN_POINTS FC_CHAN
#include "chan.inc"
#undef FC_CHAN_POINTS
#undef FC_CHAN

#define FC_STRING_(x) #x
#define FC_STRING(x) FC_STRING_(x)
#define FC_CHAN(kind, T, px, nv)                                                                \
    {"fc_" #kind "_indirect_ukr_" #px "x" #nv "__" FC_STRING(FC_ISA), FC_KIND_##kind, px, nv,   \
     (int)(sizeof(T##_v) / sizeof(T)), FC_UKR_NAME(kind, px, nv)},
const fc_indirect_row FC_CAT(fc_indirect_table__, FC_ISA)[] = {
#define FC_CHAN_POINTS FC_CHAN
#include "chan.inc"
#undef FC_CHAN_POINTS
};
const int FC_CAT(fc_indirect_count__, FC_ISA) =
    (int)(sizeof FC_CAT(fc_indirect_table__, FC_ISA) / sizeof(fc_indirect_row));
