/* Winograd transforms of tiles: vectors hold channels, every rank is the 1-D transform along each axis.
 *
 *     v = (B^T x B^T x ..) d,  y = (A^T x A^T x ..) m,  u = (G x G x ..) g  (x: Kronecker product)
 *
 * for F(2,3), F(4,3), F(6,3), F(2,5), F(4,5) and the identity along each of three axes (Winograd 1980;
 * Lavin and Gray 2016, arXiv:1509.09308).  The contracts are in fc_kernels.h.  Compiled once per ISA;
 * called by the Winograd driver, which multiplies with the channel-lane microkernels.
 */
#include "fc_kernels.h"
#include "../simd/vectors.h"
#if FC_VEC_BYTES > 16
#include <immintrin.h>
#endif

#define FC_T f32
#include "winograd_ukr_body.h"
#define FC_T f64
#include "winograd_ukr_body.h"

#define FC_STRING_(x) #x
#define FC_STRING(x) FC_STRING_(x)
#define FC_WINOGRAD(kind, T)                                                                    \
    {"fc_" #kind "_winograd_ukr__" FC_STRING(FC_ISA), FC_KIND_##kind,                           \
     (int)(sizeof(T##_v) / sizeof(T)), tile_in_##T, tile_out_##T, edge_##T, clip_##T, weights_##T,     \
     to_last_##T, to_planes_##T},
const fc_winograd_row FC_CAT(fc_winograd_table__, FC_ISA)[] = {
    FC_WINOGRAD(F32, f32)
    FC_WINOGRAD(F64, f64)
};
const int FC_CAT(fc_winograd_count__, FC_ISA) =
    (int)(sizeof FC_CAT(fc_winograd_table__, FC_ISA) / sizeof(fc_winograd_row));
