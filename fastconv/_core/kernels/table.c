/* Which microkernels exist: the tables of the ISAs that were compiled, found by ISA.
 *
 * The rows come from kernels.inc through tap_ukr.c; the build defines FC_HAVE_<isa> for each ISA
 * that the compiler could make.  Which one a machine runs is decided in cpu.pyx.
 */
#include "fc_fft.h"
#include "fc_fft2.h"
#include "fc_filters.h"
#include "fc_image.h"
#include "fc_kernels.h"

#define FC_ROWS(family, isa)                  \
    *count = fc_##family##_count__##isa;      \
    return fc_##family##_table__##isa

/* One look-up per family: the rows of the ISA, none where it was not compiled. */
#ifdef FC_HAVE_avx2
#define FC_AVX2(family) case FC_ISA_AVX2: FC_ROWS(family, avx2);
#else
#define FC_AVX2(family)
#endif
#ifdef FC_HAVE_avx512
#define FC_AVX512(family) case FC_ISA_AVX512: FC_ROWS(family, avx512);
#else
#define FC_AVX512(family)
#endif
#ifdef FC_HAVE_neon
#define FC_NEON(family) case FC_ISA_NEON: FC_ROWS(family, neon);
#else
#define FC_NEON(family)
#endif
#define FC_DECLARE(family, isa)                              \
    extern const fc_##family##_row fc_##family##_table__##isa[]; \
    extern const int fc_##family##_count__##isa;
#define FC_LOOK_UP(family)                                                  \
    FC_DECLARE(family, baseline)                                            \
    FC_DECLARE(family, avx2)                                                \
    FC_DECLARE(family, avx512)                                              \
    FC_DECLARE(family, neon)                                                \
    const fc_##family##_row *fc_##family##_rows(fc_isa isa, int *count)     \
    {                                                                       \
        switch (isa) {                                                      \
        case FC_ISA_BASELINE: FC_ROWS(family, baseline);                    \
        FC_AVX2(family) FC_AVX512(family) FC_NEON(family)                   \
        default: *count = 0; return NULL;                                   \
        }                                                                   \
    }
FC_LOOK_UP(tap)
FC_LOOK_UP(chan)
FC_LOOK_UP(row)
FC_LOOK_UP(depthwise)
FC_LOOK_UP(indirect)
FC_LOOK_UP(winograd)
FC_LOOK_UP(iir)
FC_LOOK_UP(lanes)
FC_LOOK_UP(dots)
FC_LOOK_UP(fir)
FC_LOOK_UP(image)
FC_LOOK_UP(line)
FC_LOOK_UP(fft)
FC_LOOK_UP(fft2)

int fc_isa_compiled(fc_isa isa)
{
    int count;
    fc_tap_rows(isa, &count);
    return count > 0;
}

size_t fc_kind_size(fc_kind kind)
{
    switch (kind) {
    case FC_KIND_BOOL: case FC_KIND_U8: case FC_KIND_MAX_I8: case FC_KIND_MAX_U8:
        return 1;
    case FC_KIND_U16: case FC_KIND_MAX_I16: case FC_KIND_MAX_U16:
        return 2;
    case FC_KIND_U32: case FC_KIND_F32: case FC_KIND_C32:
    case FC_KIND_MAX_I32: case FC_KIND_MAX_U32: case FC_KIND_MAX_F32:
        return 4;
    case FC_KIND_LD: case FC_KIND_CLD: case FC_KIND_MAX_LD:
        return sizeof(long double);
    default:
        return 8;
    }
}

int fc_kind_planes(fc_kind kind)
{
    return kind == FC_KIND_C32 || kind == FC_KIND_C64 || kind == FC_KIND_CLD ? 2 : 1;
}
