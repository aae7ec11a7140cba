/* FFT microkernels: forward and inverse passes and products of power-of-two blocks, float32 and float64.
 *
 * Contract and layout in fc_fft.h.  Decimation in frequency down, the mirrored decimation in time up, so
 * no pass reorders anything; radix 4 and 8 butterflies keep their operands in registers, twiddles of the
 * inner passes are broadcast scalars.  Compiled once per ISA.  Called by the overlap and streaming drivers.
 */
#include "fc_fft.h"
#include "../simd/unpack.h"

#define FC_T f32
#include "fft_ukr_body.h"
#define FC_T f64
#include "fft_ukr_body.h"

#define FC_STRING_(x) #x
#define FC_STRING(x) FC_STRING_(x)
#define FC_FFT_ROW(kind, T)                                                                        \
    {"fc_" #kind "_fft_ukr__" FC_STRING(FC_ISA), FC_KIND_##kind, (int)(sizeof(T##_v) / sizeof(T)), \
     fft_##T##_first, fft_##T##_down, fft_##T##_up, fft_##T##_last, fft_##T##_back,                \
     fft_##T##_product, fft_##T##_mac, fft_##T##_end, fft_##T##_levels,                            \
     fft_##T##_silence},
const fc_fft_row FC_CAT(fc_fft_table__, FC_ISA)[] = {
    FC_FFT_ROW(F32, f32) FC_FFT_ROW(F64, f64)
};
const int FC_CAT(fc_fft_count__, FC_ISA) =
    (int)(sizeof FC_CAT(fc_fft_table__, FC_ISA) / sizeof(fc_fft_row));
