/* Short names of the number types in memory, and the conversions of the 16-bit floats.
 *
 * float16 and bfloat16 have no arithmetic here: they are read into float and rounded once, to
 * nearest even, when the result is written.
 */
#ifndef FC_NUMBERS_H
#define FC_NUMBERS_H

#include <stdint.h>
#include <string.h>

typedef int8_t i8;
typedef uint8_t u8;
typedef int16_t i16;
typedef uint16_t u16;
typedef int32_t i32;
typedef uint32_t u32;
typedef int64_t i64;
typedef uint64_t u64;
typedef float f32;
typedef double f64;
typedef long double ld;
typedef struct { uint8_t bits; } b8;   /* NumPy's bool */
typedef struct { uint16_t bits; } f16;
typedef struct { uint16_t bits; } bf16;

static inline float fc_float_of_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static inline uint32_t fc_bits_of_float(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static inline float fc_from_f16(f16 h)
{
    const uint32_t rest = h.bits & 0x7fffu, sign = (uint32_t)(h.bits & 0x8000u) << 16;
    /* shift into place, then move the exponent by a multiplication: exact for subnormals too */
    float f = fc_float_of_bits(rest << 13) * 0x1p112f;
    const uint32_t special = rest >= 0x7c00u ? 0x7f800000u : 0;
    return fc_float_of_bits(fc_bits_of_float(f) | special | sign);
}

static inline f16 fc_to_f16(float f)
{
    uint32_t x = fc_bits_of_float(f);
    const uint16_t sign = (uint16_t)((x >> 16) & 0x8000u);
    f16 h;
    x &= 0x7fffffffu;
    if (x > 0x7f800000u)
        h.bits = sign | 0x7e00u;
    else if (x >= 0x477ff000u) /* 65520 and above round to infinity */
        h.bits = sign | 0x7c00u;
    else if (x < 0x38800000u) /* subnormal: 0.5 has the spacing that half has here */
        h.bits = sign | (uint16_t)(fc_bits_of_float(fc_float_of_bits(x) + 0.5f) - 0x3f000000u);
    else
        h.bits = sign | (uint16_t)((x + 0xfffu + ((x >> 13) & 1u) - 0x38000000u) >> 13);
    return h;
}

static inline float fc_from_bf16(bf16 h)
{
    return fc_float_of_bits((uint32_t)h.bits << 16);
}

static inline bf16 fc_to_bf16(float f)
{
    const uint32_t x = fc_bits_of_float(f);
    bf16 h;
    if ((x & 0x7fffffffu) > 0x7f800000u)
        h.bits = (uint16_t)((x >> 16) | 0x40u);
    else
        h.bits = (uint16_t)((x + 0x7fffu + ((x >> 16) & 1u)) >> 16);
    return h;
}

#define FC_CAT_(a, b) a##b
#define FC_CAT(a, b) FC_CAT_(a, b)
#define FC_CAT4_(a, b, c, d) a##b##c##d
#define FC_CAT4(a, b, c, d) FC_CAT4_(a, b, c, d)

#endif
