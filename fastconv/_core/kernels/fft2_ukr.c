/* Tile microkernels: 2-D transforms of one tile of an image, for overlap-save convolution.
 *
 * Columns, transposes in registers, rows times the spectrum of the filter and back while they are in the L1
 * cache, transposes, and only those columns back that are kept; the contracts are in fc_fft2.h.  The passes
 * are those of the twisted transform (Bernstein, "Multidigit multiplication for mathematicians", 2001,
 * section 7; Crandall & Fagin 1994 for the real form), so roots belong to blocks, not to elements.
 * Compiled once per ISA.  Called by the tiles driver.
 */
#include "fc_fft2.h"
#include "../simd/vectors.h"

#define FC_T f32
#define FC_TRANSPOSE f32_fft2_transpose
#include "../simd/transpose.h"
#define FC_NAME(part) f32_fft2_##part
#include "fft2_ukr_body.h"
#define FC_T f64
#define FC_TRANSPOSE f64_fft2_transpose
#include "../simd/transpose.h"
#define FC_NAME(part) f64_fft2_##part
#include "fft2_ukr_body.h"

#define FC_STRING_(x) #x
#define FC_STRING(x) FC_STRING_(x)
#define FC_ROW(kind, T)                                                                          \
    {"fc_" #kind "_fft2_ukr__" FC_STRING(FC_ISA), FC_KIND_##kind, (int)(sizeof(T##_v) / sizeof(T)), \
     T##_fft2_down, T##_fft2_up, T##_fft2_along, T##_fft2_back, T##_fft2_filter, T##_fft2_mac,     \
     T##_fft2_scan}
const fc_fft2_row FC_CAT(fc_fft2_table__, FC_ISA)[] = {FC_ROW(F32, f32), FC_ROW(F64, f64)};
const int FC_CAT(fc_fft2_count__, FC_ISA) = 2;
