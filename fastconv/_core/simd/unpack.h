/* Transposition of as many vectors as a vector has numbers, in registers: f32_turn and f64_turn.
 *
 * Every round is one shuffle a vector that the machine has as an instruction: interleaving ("unpacking")
 * within 128 bits, then swaps of 128-bit and 256-bit parts.  The masks are literals: masks worked out in loops
 * stay variables when GCC 12 lowers shuffles, at three instructions each.
 */
#ifndef FC_UNPACK_H
#define FC_UNPACK_H

#include "vectors.h"

#define FC_SHUFFLE __builtin_shufflevector
#if FC_VEC_BYTES == 16
#define FC_LOW32(a, b) FC_SHUFFLE(a, b, 0, 4, 1, 5)
#define FC_HIGH32(a, b) FC_SHUFFLE(a, b, 2, 6, 3, 7)
#define FC_LOW64(a, b) FC_SHUFFLE(a, b, 0, 2)
#define FC_HIGH64(a, b) FC_SHUFFLE(a, b, 1, 3)
#elif FC_VEC_BYTES == 32
#define FC_LOW32(a, b) FC_SHUFFLE(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define FC_HIGH32(a, b) FC_SHUFFLE(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define FC_LOW64(a, b) FC_SHUFFLE(a, b, 0, 4, 2, 6)
#define FC_HIGH64(a, b) FC_SHUFFLE(a, b, 1, 5, 3, 7)
#define FC_LOW128(a, b) FC_SHUFFLE(a, b, 0, 1, 4, 5)
#define FC_HIGH128(a, b) FC_SHUFFLE(a, b, 2, 3, 6, 7)
#else
#define FC_LOW32(a, b) \
    FC_SHUFFLE(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
#define FC_HIGH32(a, b) \
    FC_SHUFFLE(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
#define FC_LOW64(a, b) FC_SHUFFLE(a, b, 0, 8, 2, 10, 4, 12, 6, 14)
#define FC_HIGH64(a, b) FC_SHUFFLE(a, b, 1, 9, 3, 11, 5, 13, 7, 15)
#define FC_LOW128(a, b) FC_SHUFFLE(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define FC_HIGH128(a, b) FC_SHUFFLE(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
#define FC_LOW256(a, b) FC_SHUFFLE(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
#define FC_HIGH256(a, b) FC_SHUFFLE(a, b, 4, 5, 6, 7, 12, 13, 14, 15)
#endif

#define FC_ROUND(h, low, high)                                    \
    FC_UNROLL for (int i = 0; i < count; i++)                     \
        if (!(i & (h))) {                                         \
            const __typeof__(v[0]) a = v[i], b = v[i | (h)];      \
            v[i] = low(a, b);                                     \
            v[i | (h)] = high(a, b);                              \
        }

/* The rounds of 64-bit numbers on `count` vectors; h: how far apart the first round's partners are. */
FC_INLINE void fc_turn64(f64_v *v, const int count, const int h)
{
    FC_ROUND(h, FC_LOW64, FC_HIGH64)
#if FC_VEC_BYTES >= 32
    FC_ROUND(2 * h, FC_LOW128, FC_HIGH128)
#endif
#if FC_VEC_BYTES >= 64
    FC_ROUND(4 * h, FC_LOW256, FC_HIGH256)
#endif
}

FC_INLINE void f64_turn(f64_v *v)
{
    fc_turn64(v, FC_VEC_BYTES / 8, 1);
}

FC_INLINE void f32_turn(f32_v *v)
{
    enum { count = FC_VEC_BYTES / 4 };
    f64_v w[count];
    FC_ROUND(1, FC_LOW32, FC_HIGH32)
    FC_UNROLL for (int i = 0; i < count; i++)
        w[i] = (f64_v)v[i];
    fc_turn64(w, count, 2);
    /* the first round left the middle two of every four vectors in each other's places */
    FC_UNROLL for (int i = 0; i < count; i++) {
        const int from = (i & ~3) | (i & 1) << 1 | (i & 2) >> 1;
        v[i] = (f32_v)w[from];
    }
}

#endif
