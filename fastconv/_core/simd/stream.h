/* FC_STREAM(to, v): store a vector past the caches where the ISA can; `to` is a multiple of a vector. */
#ifndef FC_STREAM_H
#define FC_STREAM_H

#include "vec.h"

#if defined(__SSE2__)
#include <immintrin.h>
#if defined(FC_EMULATE_AVX512)
#define FC_STREAM(to, v) (*(__typeof__(v) *)(to) = (v))
#elif FC_VEC_BYTES == 64
#define FC_STREAM(to, v) _mm512_stream_si512((void *)(to), (__m512i)(v))
#elif FC_VEC_BYTES == 32
#define FC_STREAM(to, v) _mm256_stream_si256((__m256i *)(to), (__m256i)(v))
#else
#define FC_STREAM(to, v) _mm_stream_si128((__m128i *)(to), (__m128i)(v))
#endif
#else
#define FC_STREAM(to, v) (*(__typeof__(v) *)(to) = (v))
#endif

#endif
