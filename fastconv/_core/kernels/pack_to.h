/* All readers into one compute type TO: one inclusion of pack_body.h per type in memory, then the
 * row of the table, in the order of fc_memory_type. */
#define FROM b8
#define FC_READ FC_FROM_BOOL
#include "pack_body.h"
#define FROM i8
#define FC_READ FC_PLAIN
#include "pack_body.h"
#define FROM u8
#define FC_READ FC_PLAIN
#include "pack_body.h"
#define FROM i16
#define FC_READ FC_PLAIN
#include "pack_body.h"
#define FROM u16
#define FC_READ FC_PLAIN
#include "pack_body.h"
#define FROM i32
#define FC_READ FC_PLAIN
#include "pack_body.h"
#define FROM u32
#define FC_READ FC_PLAIN
#include "pack_body.h"
#define FROM i64
#define FC_READ FC_PLAIN
#include "pack_body.h"
#define FROM u64
#define FC_READ FC_PLAIN
#include "pack_body.h"
#define FROM f16
#define FC_READ fc_from_f16
#include "pack_body.h"
#define FROM bf16
#define FC_READ fc_from_bf16
#include "pack_body.h"
#define FROM f32
#define FC_READ FC_PLAIN
#include "pack_body.h"
#define FROM f64
#define FC_READ FC_PLAIN
#include "pack_body.h"
#define FROM ld
#define FC_READ FC_PLAIN
#include "pack_body.h"
static fc_pack_fn *const FC_CAT(pack_to_, TO_NAME)[FC_MEMORY_TYPES] = {
    FC_CAT4(pack_, b8, _, TO_NAME),
    FC_CAT4(pack_, i8, _, TO_NAME),
    FC_CAT4(pack_, u8, _, TO_NAME),
    FC_CAT4(pack_, i16, _, TO_NAME),
    FC_CAT4(pack_, u16, _, TO_NAME),
    FC_CAT4(pack_, i32, _, TO_NAME),
    FC_CAT4(pack_, u32, _, TO_NAME),
    FC_CAT4(pack_, i64, _, TO_NAME),
    FC_CAT4(pack_, u64, _, TO_NAME),
    FC_CAT4(pack_, f16, _, TO_NAME),
    FC_CAT4(pack_, bf16, _, TO_NAME),
    FC_CAT4(pack_, f32, _, TO_NAME),
    FC_CAT4(pack_, f64, _, TO_NAME),
    FC_CAT4(pack_, ld, _, TO_NAME),
};
#undef TO
#undef TO_NAME
