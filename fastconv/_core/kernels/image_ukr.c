/* Image microkernels: one filter over the rows of an image, rows reused across output rows.
 *
 * The contracts are in fc_image.h.  For single-channel images and volumes: the driver (image.pyx) passes a table
 * of pointers to rows, where rows outside the image are rows inside (reflection) or a row of the fill value, so the
 * image is never copied.  Compiled once per ISA; image.inc says which tiles exist.
 */
#include <string.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "fc_image.h"
#include "../simd/stream.h"
#include "../simd/vectors.h"

#define FC_T f32
#define FC_TILE image_F32
#include "image_ukr_body.h"
#define FC_T f64
#define FC_TILE image_F64
#include "image_ukr_body.h"
#define FC_T u16
#define FC_TILE image_U16
#include "image_ukr_body.h"
#define FC_T u32
#define FC_TILE image_U32
#include "image_ukr_body.h"
#define FC_T u64
#define FC_TILE image_U64
#include "image_ukr_body.h"

#define FC_UKR_NAME(kind, kh, kw, rows, nv) fc_##kind##_image_ukr_##kh##_##kw##_##rows##_##nv
#define FC_IMAGE(kind, T, kh, kw, rows, nv)                                                            \
    static void FC_UKR_NAME(kind, kh, kw, rows, nv)(const fc_image_taps *taps, const void *const *row, \
                                                    ptrdiff_t at, const void *w, void *c,              \
                                                    ptrdiff_t ldc, ptrdiff_t count, int write)         \
    {                                                                                                  \
        const ptrdiff_t width = nv * (ptrdiff_t)(sizeof(T##_v) / sizeof(T));                           \
        for (ptrdiff_t i = 0; i < count; i++)                                                          \
            image_##kind(kh, kw, rows, nv, taps, row, at + i * width, (const T *)w,                    \
                         (T *)c + i * width, ldc, write);                                              \
    }
#include "image.inc"
#undef FC_IMAGE

#define FC_STRING_(x) #x
#define FC_STRING(x) FC_STRING_(x)
#define FC_IMAGE(kind, T, kh, kw, rows, nv)                                                              \
    {"fc_" #kind "_image_ukr_" #kh "_" #kw "_" #rows "x" #nv "__" FC_STRING(FC_ISA), FC_KIND_##kind, kh, \
     kw, rows, nv, (int)(sizeof(T##_v) / sizeof(T)), FC_UKR_NAME(kind, kh, kw, rows, nv)},
const fc_image_row FC_CAT(fc_image_table__, FC_ISA)[] = {
#include "image.inc"
};
const int FC_CAT(fc_image_count__, FC_ISA) =
    (int)(sizeof FC_CAT(fc_image_table__, FC_ISA) / sizeof(fc_image_row));

/* 10 sums, 4 taps and a vector of samples in 16 registers */
#define FC_LINE_VECTORS FC_PICK(16, 10, 10)
#define FC_LINE_TAPS 4
#define FC_T f32
#define FC_LINE line_F32
#include "line_ukr_body.h"
#define FC_T f64
#define FC_LINE line_F64
#include "line_ukr_body.h"
#define FC_T u16
#define FC_LINE line_U16
#include "line_ukr_body.h"
#define FC_T u32
#define FC_LINE line_U32
#include "line_ukr_body.h"
#define FC_T u64
#define FC_LINE line_U64
#include "line_ukr_body.h"

/* Numbers of integers narrower than int go by way of int, as in C; those of others by way of int64_t. */
#define FC_CAST(T, way)                                                        \
    {                                                                          \
        if (step == sizeof(T)) {                                               \
            T *restrict side_by_side = to_;                                    \
            for (ptrdiff_t i = 0; i < n; i++)                                  \
                side_by_side[i] = (T)(way)values[i];                           \
        } else {                                                               \
            for (ptrdiff_t i = 0; i < n; i++)                                  \
                *(T *)((char *)to_ + i * step) = (T)(way)values[i];            \
        }                                                                      \
        break;                                                                 \
    }
static void cast_F64(void *to_, ptrdiff_t step, fc_memory_type type, const double *restrict values, ptrdiff_t n)
{
    switch (type) {
    case FC_F64: FC_CAST(double, double)
    case FC_F32: FC_CAST(float, float)
    case FC_I8: case FC_U8: FC_CAST(uint8_t, int)
    case FC_I16: case FC_U16: FC_CAST(uint16_t, int)
    case FC_I32: case FC_U32: FC_CAST(uint32_t, int64_t)
    case FC_I64: FC_CAST(int64_t, int64_t)
    case FC_BOOL:
        for (ptrdiff_t i = 0; i < n; i++)
            ((unsigned char *)to_)[i * step] = (int)values[i] != 0;
        break;
    default: /* uint64: numbers beyond int64 too */
        for (ptrdiff_t i = 0; i < n; i++)
            *(uint64_t *)((char *)to_ + i * step) =
                values[i] < 9223372036854775808.0 ? (uint64_t)(int64_t)values[i] : (uint64_t)values[i];
    }
}

#define FC_T f32
#include "box_ukr_body.h"
#define FC_T f64
#include "box_ukr_body.h"

#define FC_T f32
#include "turn_body.h"
#include "pairs_ukr_body.h"
#include "ordered_ukr_body.h"
#undef FC_T
#define FC_T f64
#include "turn_body.h"
#include "pairs_ukr_body.h"
#include "ordered_ukr_body.h"
#undef FC_T

#define FC_LINE_ROW(kind, T, add, box, ordered, cast, pair_columns, pair_lines)                                \
    {"fc_" #kind "_line_ukr__" FC_STRING(FC_ISA), FC_KIND_##kind, (int)(sizeof(T##_v) / sizeof(T)),     \
     line_##kind, add, box, ordered, cast, pair_columns, pair_lines}
const fc_line_row FC_CAT(fc_line_table__, FC_ISA)[] = {
    FC_LINE_ROW(F32, f32, box_add_f32, box_line_f32, ordered_f32, NULL, pair_columns_f32, pair_lines_f32),
    FC_LINE_ROW(F64, f64, box_add_f64, box_line_f64, ordered_f64, cast_F64, pair_columns_f64, pair_lines_f64),
    FC_LINE_ROW(U16, u16, NULL, NULL, NULL, NULL, NULL, NULL),
    FC_LINE_ROW(U32, u32, NULL, NULL, NULL, NULL, NULL, NULL),
    FC_LINE_ROW(U64, u64, NULL, NULL, NULL, NULL, NULL, NULL),
};
const int FC_CAT(fc_line_count__, FC_ISA) =
    (int)(sizeof FC_CAT(fc_line_table__, FC_ISA) / sizeof(fc_line_row));
