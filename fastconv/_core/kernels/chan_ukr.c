/* Channel-lane microkernels: c[p][k] += sum over taps of x[off[t] + p * step] * w[t][k].
 *
 * Lanes are output channels, so no lane is wasted at any image width, and samples are only
 * broadcast: any pixel step (stride, channels-last samples) costs nothing.  Compiled once per ISA; kernels.inc
 * says which tiles exist (every number of pixels up to the largest, so rows can be split evenly).  Also
 * the transposition of a finished block to rows of pixels.  Called by the implicit driver.
 */
#include <string.h>

#include "fc_kernels.h"
#include "../simd/vectors.h"
#include "tile_out.h"

#define FC_T f32
#define FC_TILE chan_F32
#define FC_POINTS points_F32
#include "chan_ukr_body.h"
#define FC_T f64
#define FC_TILE chan_F64
#define FC_POINTS points_F64
#include "chan_ukr_body.h"

#define FC_T f32
#include "chan_pack_body.h"
#define FC_T f64
#include "chan_pack_body.h"

#define T f32
#include "chan_store_body.h"
#define T f64
#include "chan_store_body.h"

#define FC_UKR_NAME(kind, px, nv, how) FC_CAT(fc_##kind##_chan_ukr_##px##_##nv##_, how)
#define FC_DEFINE(kind, T, px, nv, how, step_used)                                              \
    static void FC_UKR_NAME(kind, px, nv, how)(ptrdiff_t taps, const int32_t *off,              \
                                               const void *x, ptrdiff_t step, const void *w,    \
                                               void *c, ptrdiff_t ldc, const void *bias,        \
                                               int accumulate)                                  \
    {                                                                                           \
        (void)step;                                                                             \
        chan_##kind(px, nv, taps, off, (const T *)x, step_used, (const T *)w, (T *)c, ldc,      \
                    (const T *)bias, accumulate);                                               \
    }
#define FC_DEFINE_POINTS(kind, T, px, nv)                                                       \
    static void FC_UKR_NAME(kind, px, nv, points)(ptrdiff_t taps, const int32_t *off,           \
                                                  const void *x, const int32_t *at,             \
                                                  const void *w, void *c, ptrdiff_t ldc,        \
                                                  const void *bias, int accumulate)             \
    {                                                                                           \
        points_##kind(px, nv, taps, off, (const T *)x, at, (const T *)w, (T *)c, ldc,           \
                      (const T *)bias, accumulate);                                             \
    }
#define FC_BOTH(kind, T, px, nv)                                                                \
    FC_DEFINE(kind, T, px, nv, unit, 1)                                                         \
    FC_DEFINE(kind, T, px, nv, steps, step)
#define FC_CHAN(kind, T, px, nv) FC_BOTH(kind, T, px, nv)
#define FC_CHAN_POINTS(kind, T, px, nv) FC_DEFINE_POINTS(kind, T, px, nv)
#include "chan.inc"
#undef FC_CHAN
#undef FC_CHAN_POINTS

#define FC_STRING_(x) #x
#define FC_STRING(x) FC_STRING_(x)
#define FC_ROW(kind, T, px, nv, unit, steps, points, how)                                       \
    {"fc_" #kind "_chan_" how "ukr_" #px "x" #nv "__" FC_STRING(FC_ISA), FC_KIND_##kind, px, nv,  \
     (int)(sizeof(T##_v) / sizeof(T)), unit, steps, points, FC_CAT(store_, T), FC_CAT(rows_, T),  \
     FC_CAT(pack_, T), FC_CAT(weave_, T)},
#define FC_CHAN(kind, T, px, nv)                                                                \
    FC_ROW(kind, T, px, nv, FC_UKR_NAME(kind, px, nv, unit), FC_UKR_NAME(kind, px, nv, steps),    \
           NULL, "")
#define FC_CHAN_POINTS(kind, T, px, nv)                                                         \
    FC_ROW(kind, T, px, nv, NULL, NULL, FC_UKR_NAME(kind, px, nv, points), "points_")
const fc_chan_row FC_CAT(fc_chan_table__, FC_ISA)[] = {
#include "chan.inc"
};
const int FC_CAT(fc_chan_count__, FC_ISA) =
    (int)(sizeof FC_CAT(fc_chan_table__, FC_ISA) / sizeof(fc_chan_row));
