/* Dot microkernels: short inner products of one row of taps with windows of a signal.
 *
 * y[i] = sum over planes p and taps t of x[p][i * x_step + t] * h[p][t], lanes along the taps.  One phase of a polyphase filter is such a product: its windows lie `down` samples apart, its
 * outputs `up`.  Compiled once per ISA.  Called by filters.pyx; the contract is in fc_filters.h.
 */
#include "fc_filters.h"
#include "../simd/vectors.h"

#define FC_T f32
#include "dot_ukr_body.h"
#define FC_T f64
#include "dot_ukr_body.h"

#define FC_STRING_(x) #x
#define FC_STRING(x) FC_STRING_(x)
const fc_dots_row FC_CAT(fc_dots_table__, FC_ISA)[] = {
    {"fc_F32_dots__" FC_STRING(FC_ISA), FC_KIND_F32, (int)(sizeof(f32_v) / sizeof(f32)), dots_f32},
    {"fc_F64_dots__" FC_STRING(FC_ISA), FC_KIND_F64, (int)(sizeof(f64_v) / sizeof(f64)), dots_f64},
};
const int FC_CAT(fc_dots_count__, FC_ISA) = 2;
