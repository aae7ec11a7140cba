/* Recursive filters with complex coefficients: one channel, one section after the other, plain C.
 *
 * The same recurrence as iir_ukr.c in complex numbers, interleaved as the caller has them.  Rare enough
 * not to have lanes.  Called by filters.pyx.
 */
#include "fc_filters.h"
#include "numbers.h"

#define T float
#define C fc_complex_f32
#define FC_NAME iir_complex_f32
#include "iir_complex_body.h"
#define T double
#define C fc_complex_f64
#define FC_NAME iir_complex_f64
#include "iir_complex_body.h"

void fc_iir_complex(fc_kind kind, ptrdiff_t sections, ptrdiff_t order, ptrdiff_t n, const void *x,
                    ptrdiff_t x_step, void *y, ptrdiff_t y_step, const void *coef, void *state)
{
    if (kind == FC_KIND_F32)
        iir_complex_f32(sections, order, n, x, x_step, y, y_step, coef, state);
    else
        iir_complex_f64(sections, order, n, x, x_step, y, y_step, coef, state);
}
