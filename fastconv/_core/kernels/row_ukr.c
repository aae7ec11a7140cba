/* Row microkernels: one filter over planes, rows reused across output rows.
 *
 * c[r][p] (+)= bias + sum over planes z, s < kw, i < kh of x[z][(r + i) * pitch + off[s] + p] * w[z][s * kh + i],
 * for one tile of rows after the other (the contract is in fc_kernels.h).
 * For depthwise layers and single-channel images, where a tap microkernel would load a vector for
 * every multiply-add.  Compiled once per ISA; row.inc says which tiles exist.
 * Called by the direct and depthwise drivers.
 */
#include "fc_kernels.h"
#include "../simd/vectors.h"

#define FC_T f32
#define FC_TILE row_F32
#include "row_ukr_body.h"
#define FC_T f64
#define FC_TILE row_F64
#include "row_ukr_body.h"

#define FC_UKR_NAME(kind, kh, rows, nv) fc_##kind##_row_ukr_##kh##_##rows##_##nv
#define FC_ROW(kind, T, kh, rows, nv)                                                           \
    static void FC_UKR_NAME(kind, kh, rows, nv)(                                                \
        const fc_row_taps *taps, ptrdiff_t groups, const void *x, const void *w,                \
        const void *bias, void *c, ptrdiff_t ldc, ptrdiff_t last, int accumulate)               \
    {                                                                                           \
        for (ptrdiff_t g = 0; g < groups; g++)                                                  \
            row_##kind(kh, rows, nv, taps, (const T *)x + g * rows * taps->pitch, (const T *)w, \
                       (const T *)bias, (T *)c + g * rows * ldc, ldc, last, accumulate);        \
    }
#include "row.inc"
#undef FC_ROW

#define FC_STRING_(x) #x
#define FC_STRING(x) FC_STRING_(x)
#define FC_ROW(kind, T, kh, rows, nv)                                                           \
    {"fc_" #kind "_row_ukr_" #kh "_" #rows "x" #nv "__" FC_STRING(FC_ISA), FC_KIND_##kind, kh,  \
     rows, nv, (int)(sizeof(T##_v) / sizeof(T)), FC_UKR_NAME(kind, kh, rows, nv)},
const fc_row_row FC_CAT(fc_row_table__, FC_ISA)[] = {
#include "row.inc"
};
const int FC_CAT(fc_row_count__, FC_ISA) =
    (int)(sizeof FC_CAT(fc_row_table__, FC_ISA) / sizeof(fc_row_row));
