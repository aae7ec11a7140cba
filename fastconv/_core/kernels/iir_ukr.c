/* Recursive filters: lanes are channels, sections run one behind the other in registers.
 *
 * Transposed direct form II, as SciPy's lfilter and sosfilt (Oppenheim and Schafer, Discrete-Time Signal
 * Processing, section 6.3; the contract is in fc_filters.h).  A recurrence can't be spread over the lanes
 * of one channel without changing its rounding, so vectors hold channels, and several of them (or several
 * sections) hide the latency; the same code on single numbers serves few channels.  Compiled once per ISA;
 * iir.inc says which tiles exist.  Called by filters.pyx.
 */
#include "fc_filters.h"
#include "../simd/vectors.h"

#define T f32
#define V f32_v
#define VU f32_vu
#define KEEP(x) FC_KEEP(x)
#define FC_TILE iir_F32
#include "iir_ukr_body.h"
#define T f32
#define V f32
#define VU f32
#define KEEP(x) FC_KEEP(x)
#define FC_TILE iir_one_F32
#include "iir_ukr_body.h"
#define T f64
#define V f64_v
#define VU f64_vu
#define KEEP(x) FC_KEEP(x)
#define FC_TILE iir_F64
#include "iir_ukr_body.h"
#define T f64
#define V f64
#define VU f64
#define KEEP(x) FC_KEEP(x)
#define FC_TILE iir_one_F64
#include "iir_ukr_body.h"

#define FC_T f32
#include "lanes_body.h"
#define FC_T f64
#include "lanes_body.h"

#define FC_STRING_(x) #x
#define FC_STRING(x) FC_STRING_(x)
#define FC_LIST(kind, tile, S, P, NV, lanes)                                                   \
    {"fc_" #tile "_ukr_" #S "_" #P "x" #NV "__" FC_STRING(FC_ISA), FC_KIND_##kind, S, P, NV, lanes, \
     tile##_##S##_##P##_##NV},
const fc_iir_row FC_CAT(fc_iir_table__, FC_ISA)[] = {
#define FC_IIR(S, P, NV) FC_LIST(F32, iir_F32, S, P, NV, (int)(sizeof(f32_v) / sizeof(f32)))
#include "iir.inc"
#undef FC_IIR
#define FC_IIR(S, P, NV) FC_LIST(F64, iir_F64, S, P, NV, (int)(sizeof(f64_v) / sizeof(f64)))
#include "iir.inc"
#undef FC_IIR
#define FC_IIR(S, P, NV) FC_LIST(F32, iir_one_F32, S, P, NV, 1)
#include "iir.inc"
#undef FC_IIR
#define FC_IIR(S, P, NV) FC_LIST(F64, iir_one_F64, S, P, NV, 1)
#include "iir.inc"
#undef FC_IIR
};
const int FC_CAT(fc_iir_count__, FC_ISA) =
    (int)(sizeof FC_CAT(fc_iir_table__, FC_ISA) / sizeof(fc_iir_row));

const fc_lanes_row FC_CAT(fc_lanes_table__, FC_ISA)[] = {
    {"fc_F32_lanes__" FC_STRING(FC_ISA), FC_KIND_F32, (int)(sizeof(f32_v) / sizeof(f32)),
     lanes_in_f32, lanes_out_f32},
    {"fc_F64_lanes__" FC_STRING(FC_ISA), FC_KIND_F64, (int)(sizeof(f64_v) / sizeof(f64)),
     lanes_in_f64, lanes_out_f64},
};
const int FC_CAT(fc_lanes_count__, FC_ISA) = 2;
