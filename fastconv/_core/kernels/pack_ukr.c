/* Readers: a run of the caller's numbers, any step and alignment, into a plane of compute numbers.
 *
 * dst[i] = (TO)src[i].  One body (pack_body.h) for every pair of types: a strided, misaligned or
 * float16 input needs no copy of the whole, only of the strip in work.  Also the weight packer.
 * Called by gather.c and the Cython drivers.  Integers wrap like C casts (and NumPy's astype).
 */
#include "fc_kernels.h"
#include "numbers.h"

#define FC_PLAIN(v) (v)
#define FC_FROM_BOOL(v) ((v).bits != 0)

#define TO u8
#define TO_NAME u8
#include "pack_to.h"
#define TO u16
#define TO_NAME u16
#include "pack_to.h"
#define TO u32
#define TO_NAME u32
#include "pack_to.h"
#define TO u64
#define TO_NAME u64
#include "pack_to.h"
#define TO i8
#define TO_NAME i8
#include "pack_to.h"
#define TO i16
#define TO_NAME i16
#include "pack_to.h"
#define TO i32
#define TO_NAME i32
#include "pack_to.h"
#define TO i64
#define TO_NAME i64
#include "pack_to.h"
#define TO f32
#define TO_NAME f32
#include "pack_to.h"
#define TO f64
#define TO_NAME f64
#include "pack_to.h"
#define TO ld
#define TO_NAME ld
#include "pack_to.h"

fc_pack_fn *fc_pack_find(fc_memory_type from, fc_kind to)
{
    /* in the order of fc_kind; the maximum kinds compare, so they keep the sign */
    static fc_pack_fn *const *const tables[FC_KINDS] = {
        pack_to_u8, pack_to_u8, pack_to_u16, pack_to_u32, pack_to_u64, pack_to_f32, pack_to_f64,
        pack_to_ld, pack_to_f32, pack_to_f64, pack_to_ld, pack_to_i8, pack_to_u8, pack_to_i16,
        pack_to_u16, pack_to_i32, pack_to_u32, pack_to_i64, pack_to_u64, pack_to_f32, pack_to_f64,
        pack_to_ld,
    };
    return tables[to][from];
}

void fc_copy_run(char *dst, const char *src, ptrdiff_t step_bytes, ptrdiff_t n, ptrdiff_t size)
{
    if (step_bytes == size) {
        memcpy(dst, src, (size_t)(n * size));
        return;
    }
    for (ptrdiff_t i = 0; i < n; i++) {
        const char *s = src + i * step_bytes;
        switch (size) { /* constant sizes become plain moves */
        case 1: dst[i] = *s; break;
        case 2: memcpy(dst + 2 * i, s, 2); break;
        case 4: memcpy(dst + 4 * i, s, 4); break;
        case 8: memcpy(dst + 8 * i, s, 8); break;
        case 16: memcpy(dst + 16 * i, s, 16); break;
        default: memcpy(dst + size * i, s, (size_t)size);
        }
    }
}

/* Taps taken at a time, so that the lines of dst are whole before they leave the cache. */
#define FC_CHUNK 512

/* 4x4 tiles of 4-byte numbers whose taps are neighbours: most weights of most layers.  mr >= 4: the last tile
 * lies over the one before where mr is no multiple of 4. */
static void transpose_words(char *dst, const char *w, const ptrdiff_t *row_bytes, ptrdiff_t taps, int mr)
{
    typedef u32 four __attribute__((vector_size(16), aligned(4), may_alias));
    for (ptrdiff_t first = 0; first < taps; first += FC_CHUNK) {
        const ptrdiff_t end = first + FC_CHUNK < taps ? first + FC_CHUNK : taps;
        for (int at = 0; at < mr; at += 4) {
            const int i = at + 4 > mr ? mr - 4 : at;
            const u32 *r0 = (const u32 *)(w + row_bytes[i]);
            const u32 *r1 = (const u32 *)(w + row_bytes[i + 1]);
            const u32 *r2 = (const u32 *)(w + row_bytes[i + 2]);
            const u32 *r3 = (const u32 *)(w + row_bytes[i + 3]);
            for (ptrdiff_t t = first; t < end; t += 4) {
                const four v0 = *(const four *)(r0 + t), v1 = *(const four *)(r1 + t);
                const four v2 = *(const four *)(r2 + t), v3 = *(const four *)(r3 + t);
                const four a0 = __builtin_shufflevector(v0, v1, 0, 4, 1, 5);
                const four a1 = __builtin_shufflevector(v0, v1, 2, 6, 3, 7);
                const four a2 = __builtin_shufflevector(v2, v3, 0, 4, 1, 5);
                const four a3 = __builtin_shufflevector(v2, v3, 2, 6, 3, 7);
                u32 *to = (u32 *)dst + t * mr + i;
                *(four *)to = __builtin_shufflevector(a0, a2, 0, 1, 4, 5);
                *(four *)(to + mr) = __builtin_shufflevector(a0, a2, 2, 3, 6, 7);
                *(four *)(to + 2 * mr) = __builtin_shufflevector(a1, a3, 0, 1, 4, 5);
                *(four *)(to + 3 * mr) = __builtin_shufflevector(a1, a3, 2, 3, 6, 7);
            }
        }
    }
}

/* The same in 2x2 tiles of 8-byte numbers; mr >= 2. */
static void transpose_longs(char *dst, const char *w, const ptrdiff_t *row_bytes, ptrdiff_t taps, int mr)
{
    typedef u64 two __attribute__((vector_size(16), aligned(8), may_alias));
    for (ptrdiff_t first = 0; first < taps; first += FC_CHUNK) {
        const ptrdiff_t end = first + FC_CHUNK < taps ? first + FC_CHUNK : taps;
        for (int at = 0; at < mr; at += 2) {
            const int i = at + 2 > mr ? mr - 2 : at;
            const u64 *r0 = (const u64 *)(w + row_bytes[i]);
            const u64 *r1 = (const u64 *)(w + row_bytes[i + 1]);
            for (ptrdiff_t t = first; t < end; t += 2) {
                const two v0 = *(const two *)(r0 + t), v1 = *(const two *)(r1 + t);
                u64 *to = (u64 *)dst + t * mr + i;
                *(two *)to = __builtin_shufflevector(v0, v1, 0, 2);
                *(two *)(to + mr) = __builtin_shufflevector(v0, v1, 1, 3);
            }
        }
    }
}

void fc_pack_weights(char *dst, const char *w, const ptrdiff_t *row_bytes,
                     const ptrdiff_t *woff_bytes, ptrdiff_t taps, int mr, int width,
                     ptrdiff_t size)
{
    ptrdiff_t t = 0;
    if ((size == 4 || size == 8) && mr * size >= 16 && mr == width) {
        ptrdiff_t apart = 0; /* without a branch: looked at for every block of filters */
        for (ptrdiff_t i = 1; i < taps; i++)
            apart |= (woff_bytes[i] - woff_bytes[i - 1]) ^ size;
        t = apart ? 0 : taps / 4 * 4;
        if (t)
            (size == 4 ? transpose_words : transpose_longs)(dst, w + woff_bytes[0], row_bytes, t, mr);
    }
    for (; t < taps; t++) {
        const char *tap = w + woff_bytes[t];
        char *to = dst + t * width * size;
        switch (size) {
        case 4:
            for (int i = 0; i < mr; i++)
                memcpy(to + 4 * i, tap + row_bytes[i], 4);
            break;
        case 8:
            for (int i = 0; i < mr; i++)
                memcpy(to + 8 * i, tap + row_bytes[i], 8);
            break;
        default:
            for (int i = 0; i < mr; i++)
                memcpy(to + size * i, tap + row_bytes[i], (size_t)size);
        }
        memset(to + mr * size, 0, (size_t)((width - mr) * size));
    }
}

#define FC_FINITE(type)                              \
    do {                                             \
        const type *v = (const type *)numbers;       \
        type sum[32] = {0}; /* so many sums that none waits for another */ \
        ptrdiff_t i = 0;                             \
        for (; i + 32 <= n; i += 32)                 \
            for (int l = 0; l < 32; l++)             \
                sum[l] += v[i + l] * 0;              \
        for (; i < n; i++)                           \
            sum[0] += v[i] * 0;                      \
        for (int l = 0; l < 32; l++)                 \
            bad |= !(sum[l] == 0);                   \
    } while (0)

int fc_all_finite(fc_kind kind, const void *numbers, ptrdiff_t n)
{
    int bad = 0;
    switch (kind) {
    case FC_KIND_F32: case FC_KIND_C32:
        FC_FINITE(f32);
        break;
    case FC_KIND_F64: case FC_KIND_C64:
        FC_FINITE(f64);
        break;
    case FC_KIND_LD: case FC_KIND_CLD:
        FC_FINITE(ld);
        break;
    default:
        break;
    }
    return !bad;
}
