/* Writers: bias, activation and conversion of a row of results, fused into the store.
 *
 * out[p] = activation(c[p] + bias), rounded once to the type in memory.  One body per type
 * (finish_body.h).  Called by the direct, im2col and deformable drivers for each finished row.
 */
#if defined(__GNUC__) && !defined(__clang__)
/* both sides of a choice may be computed: no loop becomes vectors else. No result depends on it. */
#pragma GCC optimize("no-trapping-math")
#endif
#include "fc_kernels.h"
#include "numbers.h"
#include "exponentials.h"

#define FC_PLAIN(v) (v)

#define T f32
#include "activate_body.h"
#define T f64
#include "activate_body.h"
#define T ld
#include "activate_body.h"

static inline b8 to_bool(u8 v)
{
    b8 b = {v != 0};
    return b;
}

#define FC_NAME i8
#define T u8
#define TO i8
#define FC_WRITE (i8)
#define FC_FLOATS 0
#define FC_COMPLEX 0
#include "finish_body.h"
#define FC_NAME u8
#define T u8
#define TO u8
#define FC_WRITE (u8)
#define FC_FLOATS 0
#define FC_COMPLEX 0
#include "finish_body.h"
#define FC_NAME i16
#define T u16
#define TO i16
#define FC_WRITE (i16)
#define FC_FLOATS 0
#define FC_COMPLEX 0
#include "finish_body.h"
#define FC_NAME u16
#define T u16
#define TO u16
#define FC_WRITE (u16)
#define FC_FLOATS 0
#define FC_COMPLEX 0
#include "finish_body.h"
#define FC_NAME i32
#define T u32
#define TO i32
#define FC_WRITE (i32)
#define FC_FLOATS 0
#define FC_COMPLEX 0
#include "finish_body.h"
#define FC_NAME u32
#define T u32
#define TO u32
#define FC_WRITE (u32)
#define FC_FLOATS 0
#define FC_COMPLEX 0
#include "finish_body.h"
#define FC_NAME i64
#define T u64
#define TO i64
#define FC_WRITE (i64)
#define FC_FLOATS 0
#define FC_COMPLEX 0
#include "finish_body.h"
#define FC_NAME u64
#define T u64
#define TO u64
#define FC_WRITE (u64)
#define FC_FLOATS 0
#define FC_COMPLEX 0
#include "finish_body.h"
#define FC_NAME f16
#define T f32
#define TO f16
#define FC_WRITE fc_to_f16
#define FC_FLOATS 1
#define FC_COMPLEX 0
#include "finish_body.h"
#define FC_NAME bf16
#define T f32
#define TO bf16
#define FC_WRITE fc_to_bf16
#define FC_FLOATS 1
#define FC_COMPLEX 0
#include "finish_body.h"
#define FC_NAME f32
#define T f32
#define TO f32
#define FC_WRITE FC_PLAIN
#define FC_FLOATS 1
#define FC_COMPLEX 0
#include "finish_body.h"
#define FC_NAME f64
#define T f64
#define TO f64
#define FC_WRITE FC_PLAIN
#define FC_FLOATS 1
#define FC_COMPLEX 0
#include "finish_body.h"
#define FC_NAME ld
#define T ld
#define TO ld
#define FC_WRITE FC_PLAIN
#define FC_FLOATS 1
#define FC_COMPLEX 0
#include "finish_body.h"
#define FC_NAME c32
#define T f32
#define TO f32
#define FC_WRITE FC_PLAIN
#define FC_FLOATS 1
#define FC_COMPLEX 1
#include "finish_body.h"
#define FC_NAME c64
#define T f64
#define TO f64
#define FC_WRITE FC_PLAIN
#define FC_FLOATS 1
#define FC_COMPLEX 1
#include "finish_body.h"
#define FC_NAME cld
#define T ld
#define TO ld
#define FC_WRITE FC_PLAIN
#define FC_FLOATS 1
#define FC_COMPLEX 1
#include "finish_body.h"

static void finish_bool(char *out, ptrdiff_t step_bytes, const void *re, const void *im,
                        ptrdiff_t n, const void *bias, int activation)
{
    const u8 *a = (const u8 *)re;
    const u8 add = bias ? *(const u8 *)bias : 0;
    (void)im;
    (void)activation;
    for (ptrdiff_t i = 0; i < n; i++, out += step_bytes) {
        const b8 v = to_bool(a[i] | add);
        memcpy(out, &v, sizeof v);
    }
}

fc_finish_fn *fc_finish_find(fc_kind from, fc_memory_type to)
{
    if (fc_kind_planes(from) == 2)
        return from == FC_KIND_C32 ? finish_c32 : from == FC_KIND_C64 ? finish_c64 : finish_cld;
    /* an integer's bits are the same whether it was added up signed or unsigned */
    static fc_finish_fn *const table[FC_MEMORY_TYPES] = {
        finish_bool, finish_i8, finish_u8, finish_i16, finish_u16, finish_i32, finish_u32,
        finish_i64, finish_u64, finish_f16, finish_bf16, finish_f32, finish_f64, finish_ld,
    };
    return table[to];
}
