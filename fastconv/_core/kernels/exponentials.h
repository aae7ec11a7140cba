/* What activations are made of, for loops that the compiler turns into vectors: no calls, no branches.
 *
 * exp_neg_T(x): e**x for x <= 0, to 2 units in the last place; results below the normal numbers are rounded
 * once. x = n ln 2 + r with |r| <= ln(2) / 2 (ln 2 in two parts, of which the first has few bits, so that n times
 * it is exact: Cody and Waite 1980, "Software Manual for the Elementary Functions"), then Taylor's series of e**r.
 * Adding MAGIC rounds to a whole number n and leaves it in the low bits, from where it is shifted into an
 * exponent; n + SHIFT is one of a normal number. long double has libm's functions.
 */
#ifndef FC_EXPONENTIALS_H
#define FC_EXPONENTIALS_H

#include <math.h>
#include <string.h>

static inline f32 exp_neg_f32(f32 x)
{
    const f32 magic = 0x1.8p23f;
    x = x < -104.0f ? -104.0f : x; /* 2**-150: rounds to 0 */
    const f32 t = x * 1.44269504088896341f + magic, n = t - magic;
    const f32 r = x - n * 0.693359375f - n * -2.12194440e-4f;
    f32 p = 1.0f / 5040, scale;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r * r + r + 1;
    u32 bits;
    memcpy(&bits, &t, sizeof bits);
    bits = (bits << 23) + ((127u + 100) << 23);
    memcpy(&scale, &bits, sizeof scale);
    return p * scale * 0x1p-100f;
}

static inline f64 exp_neg_f64(f64 x)
{
    const f64 magic = 0x1.8p52;
    x = x < -746.0 ? -746.0 : x;
    const f64 t = x * 1.44269504088896340736 + magic, n = t - magic;
    const f64 r = x - n * 6.93145751953125e-1 - n * 1.42860682030941723212e-6;
    f64 p = 1.0 / 6227020800, scale;
    p = p * r + 1.0 / 479001600;
    p = p * r + 1.0 / 39916800;
    p = p * r + 1.0 / 3628800;
    p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 0.5;
    p = p * r * r + r + 1;
    u64 bits;
    memcpy(&bits, &t, sizeof bits);
    bits = (bits << 52) + ((u64)(1023 + 500) << 52);
    memcpy(&scale, &bits, sizeof scale);
    return p * scale * 0x1p-500;
}

static inline ld exp_neg_ld(ld x)
{
    return expl(x);
}

/* tanh: near 0, where the quotient of exponentials would cancel, x + x z P(z) / Q(z) with z = x * x
 * (coefficients of Moshier's Cephes library, netlib.org/cephes) */
static inline f32 tanh_f32(f32 x)
{
    const f32 a = x < 0 ? -x : x, e = exp_neg_f32(-2 * a), z = x * x;
    f32 p = -5.70498872745e-3f;
    p = p * z + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    const f32 near = x + x * z * p, far = (1 - e) / (1 + e);
    return a < 0.625f ? near : x < 0 ? -far : far;
}

static inline f64 tanh_f64(f64 x)
{
    const f64 a = x < 0 ? -x : x, e = exp_neg_f64(-2 * a), z = x * x;
    const f64 p = (-9.64399179425052238628e-1 * z - 9.92877231001918586564e1) * z - 1.61468768441708447952e3;
    const f64 q = ((z + 1.12811678491632931402e2) * z + 2.23548839060100448583e3) * z + 4.84406305325125486048e3;
    const f64 near = x + x * z * (p / q), far = (1 - e) / (1 + e);
    return a < 0.625 ? near : x < 0 ? -far : far;
}

static inline ld tanh_ld(ld x)
{
    return tanhl(x);
}

/* gelu(x) = x / 2 erfc(-x / sqrt 2), of float32 by way of float64, because erfc magnifies the rounding of its
 * argument; erfc to a relative 1.2e-7 (Chebyshev coefficients of Press et al., "Numerical Recipes", section 6.2) */
static inline f32 gelu_f32(f32 x)
{
    const f64 y = -0.70710678118654752440 * x, z = y < 0 ? -y : y, t = 1 / (1 + 0.5 * z);
    f64 p = 0.17087277;
    p = p * t - 0.82215223;
    p = p * t + 1.48851587;
    p = p * t - 1.13520398;
    p = p * t + 0.27886807;
    p = p * t - 0.18628806;
    p = p * t + 0.09678418;
    p = p * t + 0.37409196;
    p = p * t + 1.00002368;
    p = p * t - 1.26551223;
    const f64 r = t * exp_neg_f64(p - z * z);
    return (f32)(0.5 * x * (y < 0 ? 2 - r : r));
}

static inline f64 gelu_f64(f64 x)
{
    return x / 2 * erfc(x * -0.70710678118654752440);
}

static inline ld gelu_ld(ld x)
{
    return x / 2 * erfcl(x * -0.70710678118654752440084436210485L);
}

#endif
