/* Windowed sums of small images in float64, tap by tap in the order of the window, as scipy.ndimage adds them up.
 *
 * Compiled for the baseline: products are rounded before they are added.  Called by small_window.pyx.
 */
#include "fc_kernels.h"
#include "numbers.h"

void fc_window_row(ptrdiff_t taps, const ptrdiff_t *off, const double *w, const double *x, double *sum, ptrdiff_t n)
{
    ptrdiff_t i = 0;
    for (; i + 8 <= n; i += 8) { /* eight sums in registers */
        double s[8] = {0};
        for (ptrdiff_t t = 0; t < taps; t++) {
            const double *from = x + off[t] + i, weight = w[t];
            for (int j = 0; j < 8; j++)
                s[j] += from[j] * weight;
        }
        memcpy(sum + i, s, sizeof s);
    }
    for (; i < n; i++) {
        double s = 0;
        for (ptrdiff_t t = 0; t < taps; t++)
            s += x[off[t] + i] * w[t];
        sum[i] = s;
    }
}

void fc_window_differences(int axes, const ptrdiff_t *step, const double *x, double *sum, ptrdiff_t n)
{
    for (int q = 0; q < axes; q++) {
        const double *low = x - step[q], *high = x + step[q];
        for (ptrdiff_t i = 0; i < n; i++) {
            const double here = x[i] * -2 + (low[i] + high[i]);
            sum[i] = q ? sum[i] + here : here;
        }
    }
}

/* As a cast to a signed integer does on x86: what it cannot hold is its least number. */
static inline int64_t cut(double v, double limit, int64_t least)
{
    return v >= -limit && v < limit ? (int64_t)v : least;
}

#define FC_CUT(T)                                                                          \
    for (ptrdiff_t i = 0; i < n; i++) {                                                    \
        const T value = (T)(u64)cut(from[i], limit, least);                                \
        memcpy(to + i * step, &value, sizeof value);                                       \
    }                                                                                      \
    return;
#define FC_ROUND(T)                                                                        \
    for (ptrdiff_t i = 0; i < n; i++) {                                                    \
        const T value = (T)from[i];                                                        \
        memcpy(to + i * step, &value, sizeof value);                                       \
    }                                                                                      \
    return;

void fc_window_store(char *to, ptrdiff_t step, fc_memory_type type, const double *from, ptrdiff_t n, int whole)
{
    const int small = !whole && type < FC_I32;
    const double limit = small ? 0x1p31 : 0x1p63;
    const int64_t least = small ? INT32_MIN : INT64_MIN;
    switch (type) {
    case FC_I8: case FC_U8: FC_CUT(u8)
    case FC_I16: case FC_U16: FC_CUT(u16)
    case FC_I32: case FC_U32: FC_CUT(u32)
    case FC_F32: FC_ROUND(float)
    default: FC_ROUND(double)
    }
}
