/* Direct FIR microkernels: one filter along one axis, on a line or down rows.
 *
 * y[i] = sum over t of x[i + t] * w[t].  One unaligned load a multiply-add would halve the speed; here a
 * loaded vector serves several taps (see fir_ukr_body.h).  The same tile serves neighbouring samples and
 * samples a row apart, in the same order of sums: a signal's bits do not depend on where its array keeps it.
 * Compiled once per ISA.  Called by fir.pyx; the contract is in fc_filters.h.
 */
#include "fc_filters.h"
#include "../simd/vectors.h"

/* TILE sums, TAPS broadcasts and a sample: 21 of 32 registers, or 15 of 16; complex ones have two of each */
#define TILE_REAL FC_PICK(16, 10, 10)
#define TILE_COMPLEX FC_PICK(10, 5, 5)

#define FC_T f32
#define FC_KIND_NAME F32
#define UNIT 1
#define TILE TILE_REAL
#define TAPS 4
#include "fir_ukr_body.h"
#define FC_T f64
#define FC_KIND_NAME F64
#define UNIT 1
#define TILE TILE_REAL
#define TAPS 4
#include "fir_ukr_body.h"
#define FC_T f32
#define FC_KIND_NAME C32
#define UNIT 2
#define TILE TILE_COMPLEX
#define TAPS 2
#include "fir_ukr_body.h"
#define FC_T f64
#define FC_KIND_NAME C64
#define UNIT 2
#define TILE TILE_COMPLEX
#define TAPS 2
#include "fir_ukr_body.h"

#define FC_STRING_(x) #x
#define FC_STRING(x) FC_STRING_(x)
#define FC_LIST(kind, T, tile, unit)                                                            \
    {"fc_" #kind "_fir__" FC_STRING(FC_ISA), FC_KIND_##kind, (int)(sizeof(T##_v) / sizeof(T)),  \
     tile * (int)(sizeof(T##_v) / sizeof(T)) / unit, line_##kind, columns_##kind}
const fc_fir_row FC_CAT(fc_fir_table__, FC_ISA)[] = {
    FC_LIST(F32, f32, TILE_REAL, 1),
    FC_LIST(F64, f64, TILE_REAL, 1),
    FC_LIST(C32, f32, TILE_COMPLEX, 2),
    FC_LIST(C64, f64, TILE_COMPLEX, 2),
};
const int FC_CAT(fc_fir_count__, FC_ISA) = 4;
