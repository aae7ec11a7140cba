/* Image microkernels: one filter over the rows of an image, rows reused across output rows.
 *
 * The contracts are in fc_image.h.  For single-channel images and volumes: the driver (image.pyx) passes a table
 * of pointers to rows, where rows outside the image are rows inside (reflection) or a row of the fill value, so the
 * image is never copied.  Compiled once per ISA; image.inc says which tiles exist.
 */
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
                                                    ptrdiff_t ldc, int write)                          \
    {                                                                                                  \
        image_##kind(kh, kw, rows, nv, taps, row, at, (const T *)w, (T *)c, ldc, write);               \
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

#define FC_LINE_ROW(kind, T) \
    {"fc_" #kind "_line_ukr__" FC_STRING(FC_ISA), FC_KIND_##kind, (int)(sizeof(T##_v) / sizeof(T)), line_##kind}
const fc_line_row FC_CAT(fc_line_table__, FC_ISA)[] = {
    FC_LINE_ROW(F32, f32), FC_LINE_ROW(F64, f64), FC_LINE_ROW(U16, u16), FC_LINE_ROW(U32, u32),
    FC_LINE_ROW(U64, u64),
};
const int FC_CAT(fc_line_count__, FC_ISA) =
    (int)(sizeof FC_CAT(fc_line_table__, FC_ISA) / sizeof(fc_line_row));
