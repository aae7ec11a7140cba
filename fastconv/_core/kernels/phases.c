/* Polyphase filters of few taps a phase, or of few outputs a phase: output by output, in plain C.
 *
 * What dot_ukr.c does phase by phase, for where its vectors would stay empty.  Called by polyphase.pyx.
 */
#include "fc_filters.h"

#define FC_BODY(T)                                                                                      \
    const T *x = x_;                                                                                    \
    T *y = y_;                                                                                          \
    for (ptrdiff_t i = 0, c = 0; i < n; i++, y += y_step) {                                             \
        const T *from = x + p->last[c] - (p->count[c] - 1), *h = (const T *)p->h + c * p->h_size;       \
        T sum = 0;                                                                                      \
        for (ptrdiff_t q = 0; q < p->planes; q++, from += p->x_plane, h += p->h_plane)                  \
            for (ptrdiff_t t = 0; t < p->count[c]; t++)                                                 \
                sum += from[t] * h[t];                                                                  \
        *y = sum;                                                                                       \
        if (++c == p->classes) {                                                                        \
            c = 0;                                                                                      \
            x += p->advance;                                                                            \
        }                                                                                               \
    }

static void in_order_f32(const fc_phases *p, const void *x_, void *y_, ptrdiff_t y_step, ptrdiff_t n)
{
    FC_BODY(float)
}

static void in_order_f64(const fc_phases *p, const void *x_, void *y_, ptrdiff_t y_step, ptrdiff_t n)
{
    FC_BODY(double)
}

void fc_in_order(fc_kind kind, const fc_phases *p, const void *x, void *y, ptrdiff_t y_step, ptrdiff_t n)
{
    if (kind == FC_KIND_F32)
        in_order_f32(p, x, y, y_step, n);
    else
        in_order_f64(p, x, y, y_step, n);
}
