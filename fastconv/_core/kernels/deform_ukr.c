/* Deformable sampling: corner weights of fractional positions, and the weighted samples.
 *
 * value(p) = sum over the 2^nd corners q of prod_d (1 - |p_d - q_d|) * x[q]; a position at or
 * beyond one sample outside gives 0 (torchvision's rule), a NaN position NaN, and a corner of weight
 * 0 is not read.  Corners are found once per tap and offset group and serve all its channels.
 * Dai et al. 2017, Deformable Convolutional Networks (arXiv:1703.06211).  Called by deform.pyx.
 */
#include "fc_kernels.h"
#include "numbers.h"
#include <math.h>

#define T f32
#define P f64
#include "deform_body.h"
#define T f64
#define P f64
#include "deform_body.h"
#define T ld
#define P ld
#include "deform_body.h"

static int floating(fc_kind kind)
{
    switch (kind) {
    case FC_KIND_F32: case FC_KIND_C32:
        return 0;
    case FC_KIND_F64: case FC_KIND_C64:
        return 1;
    case FC_KIND_LD: case FC_KIND_CLD:
        return 2;
    default:
        return 3;
    }
}

fc_corners_fn *fc_corners_find(fc_kind kind)
{
    static fc_corners_fn *const table[] = {corners_f32, corners_f64, corners_ld, NULL};
    return table[floating(kind)];
}

fc_sample_fn *fc_sample_find(fc_kind kind)
{
    static fc_sample_fn *const table[] = {sample_f32, sample_f64, sample_ld, NULL};
    return table[floating(kind)];
}
