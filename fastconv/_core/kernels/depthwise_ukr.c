/* Depthwise microkernels: one channel in, one channel out.
 *
 * Channels first: a plane is read where it lies, or laid out with zeros around it, its rows and columns sorted by
 * phase of the stride, and the row tiles of row_ukr.c run over it.  Channels last: a vector holds channels, the
 * samples of a window lie at fixed steps, and nothing is copied.  The contracts are in fc_kernels.h.
 * Compiled once per ISA; called by the depthwise driver.
 */
#include "fc_kernels.h"
#include "../simd/vectors.h"
#include <string.h>
#if FC_VEC_BYTES > 16
#include <immintrin.h>
#endif

#define FC_T f32
#include "depthwise_ukr_body.h"
#define FC_T f64
#include "depthwise_ukr_body.h"

#define FC_STRING_(x) #x
#define FC_STRING(x) FC_STRING_(x)
#define FC_DEPTHWISE(kind, T)                                                                   \
    {"fc_" #kind "_depthwise_ukr__" FC_STRING(FC_ISA), FC_KIND_##kind,                          \
     (int)(sizeof(T##_v) / sizeof(T)), pack_##T, place_##T, copy_##T, last_##T, groups_##T, to_last_##T, \
     to_planes_##T, turned_##T, square_##T},
const fc_depthwise_row FC_CAT(fc_depthwise_table__, FC_ISA)[] = {
    FC_DEPTHWISE(F32, f32)
    FC_DEPTHWISE(F64, f64)
};
const int FC_CAT(fc_depthwise_count__, FC_ISA) =
    (int)(sizeof FC_CAT(fc_depthwise_table__, FC_ISA) / sizeof(fc_depthwise_row));
