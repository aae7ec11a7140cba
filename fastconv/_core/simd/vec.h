/* The vector width of the ISA being compiled, and the few things that differ per ISA.
 *
 * Every microkernel is written once with GCC/Clang vector extensions and compiled once per ISA;
 * this header is the only place that asks which one it is.  A vector type wider than the ISA
 * goes through the stack (GCC 12: 100 stack references in a 6-row tile), so the width follows
 * the compile flags and never the other way round.
 */
#ifndef FC_VEC_H
#define FC_VEC_H

#include <stddef.h>
#include <stdint.h>

#if defined(FC_EMULATE_AVX512) /* slow, for tests: its widths and tiles, in pairs of registers */
#define FC_VEC_BYTES 64
#define FC_PICK(avx512, avx2, other) avx512
#define FC_VEC_REG "m" /* no register holds one, but the barrier against fusing stays */
#elif defined(__AVX512F__)
#define FC_VEC_BYTES 64
#define FC_PICK(avx512, avx2, other) avx512
#define FC_VEC_REG "v"
#elif defined(__AVX2__)
#define FC_VEC_BYTES 32
#define FC_PICK(avx512, avx2, other) avx2
#define FC_VEC_REG "x"
#elif defined(__SSE2__)
#define FC_VEC_BYTES 16
#define FC_PICK(avx512, avx2, other) other
#define FC_VEC_REG "x"
#elif defined(__aarch64__)
#define FC_VEC_BYTES 16
#define FC_PICK(avx512, avx2, other) avx512 /* 32 registers: the tiles of AVX-512 fit */
#define FC_VEC_REG "w"
#else
#define FC_VEC_BYTES 16
#define FC_PICK(avx512, avx2, other) other
#endif

/* Keeps a loaded vector in its register: GCC otherwise folds the load into every multiply that
 * uses it, one split load each.  Empty where we do not know the register class. */
#ifdef FC_VEC_REG
#define FC_KEEP(x) __asm__("" : "+" FC_VEC_REG(x))
#else
#define FC_KEEP(x) (void)0
#endif

/* Hides where a pointer came from, so that addresses are not worked out ahead and spilled. */
#define FC_OPAQUE(p) __asm__("" : "+r"(p))

#define FC_UNROLL _Pragma("GCC unroll 16")
#define FC_UNROLL32 _Pragma("GCC unroll 32")
/* Several turns of a loop of unknown length at once: what counts turns is a tenth of a tile's instructions, and
 * those are what a core has too few of while its other hyperthread is at work (docs/dev/benchmarking.rst). */
#define FC_SEVERAL _Pragma("GCC unroll 4")
#define FC_INLINE static inline __attribute__((always_inline))

#endif
