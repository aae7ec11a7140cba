/* Row microkernels: one filter over one plane, rows reused across output rows.
 *
 * c[r][p] (+)= sum over s < kw, i < kh of x[(r + i) * pitch + off[s] + p] * w[s * kh + i], for one tile
 * of rows after the other.
 * For depthwise layers and single-channel images, where a tap microkernel would load a vector for
 * every multiply-add.  Needs kh >= rows of the tile.  Compiled once per ISA; row.inc says which tiles exist.
 * Called by the direct driver.
 */
#include "fc_kernels.h"
#include "../simd/vectors.h"

#define FC_T f32
#define FC_TILE row_F32
#include "row_ukr_body.h"
#define FC_T f64
#define FC_TILE row_F64
#include "row_ukr_body.h"

#define FC_UKR_NAME(kind, rows, nv) fc_##kind##_row_ukr_##rows##_##nv
#define FC_ROW(kind, T, rows, nv)                                                               \
    static void FC_UKR_NAME(kind, rows, nv)(                                                    \
        ptrdiff_t groups, ptrdiff_t kh, ptrdiff_t kw, const int32_t *off, const void *x,        \
        ptrdiff_t pitch, const void *w, void *c, ptrdiff_t ldc, ptrdiff_t last, int accumulate) \
    {                                                                                           \
        for (ptrdiff_t g = 0; g < groups; g++)                                                  \
            row_##kind(rows, nv, kh, kw, off, (const T *)x + g * rows * pitch, pitch,           \
                       (const T *)w, (T *)c + g * rows * ldc, ldc, last, accumulate);           \
    }
#include "row.inc"
#undef FC_ROW

#define FC_STRING_(x) #x
#define FC_STRING(x) FC_STRING_(x)
#define FC_ROW(kind, T, rows, nv)                                                               \
    {"fc_" #kind "_row_ukr_" #rows "x" #nv "__" FC_STRING(FC_ISA), FC_KIND_##kind, rows, nv,    \
     (int)(sizeof(T##_v) / sizeof(T)), FC_UKR_NAME(kind, rows, nv)},
const fc_row_row FC_CAT(fc_row_table__, FC_ISA)[] = {
#include "row.inc"
};
const int FC_CAT(fc_row_count__, FC_ISA) =
    (int)(sizeof FC_CAT(fc_row_table__, FC_ISA) / sizeof(fc_row_row));
