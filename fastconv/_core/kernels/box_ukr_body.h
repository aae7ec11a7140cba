/* Sums over boxes, for one number type: included by image_ukr.c once per kind.
 *
 * Down the columns a row of running sums, along a row sums of 1, 2, 4, ... samples: a window of n is at most
 * 2 log2(n) of them, and nothing is ever subtracted there.  Plain loops that the compiler turns into vectors.
 */
#define T FC_T

/* sums[i] += add[i] - sub[i]; sub may be NULL */
static void FC_CAT(box_add_, FC_T)(void *sums_, const void *add_, const void *sub_, ptrdiff_t n)
{
    T *restrict sums = (T *)sums_;
    const T *restrict add = (const T *)add_, *restrict sub = (const T *)sub_;
    if (sub)
        for (ptrdiff_t i = 0; i < n; i++)
            sums[i] += add[i] - sub[i];
    else
        for (ptrdiff_t i = 0; i < n; i++)
            sums[i] += add[i];
}

static void FC_CAT(box_line_, FC_T)(ptrdiff_t taps, void *x_, void *y_, ptrdiff_t n, double divisor)
{
    T *x = (T *)x_, *restrict y = (T *)y_;
    const T by = (T)divisor;
    ptrdiff_t done = 0, width = 1, left = n + taps - 1;
    for (;;) { /* x[i] is the sum of `width` samples from i on */
        const T *restrict part = x + done;
        if (done + width == taps && done)
            for (ptrdiff_t i = 0; i < n; i++)
                y[i] = (y[i] + part[i]) / by;
        else if (done + width == taps)
            for (ptrdiff_t i = 0; i < n; i++)
                y[i] = part[i] / by;
        else if ((taps & width) && done)
            for (ptrdiff_t i = 0; i < n; i++)
                y[i] += part[i];
        else if (taps & width)
            for (ptrdiff_t i = 0; i < n; i++)
                y[i] = part[i];
        done += taps & width;
        if (done == taps)
            return;
        left -= width;
        const T *ahead = x + width;
#pragma GCC ivdep /* what is read lies ahead of what is written */
        for (ptrdiff_t i = 0; i < left; i++)
            x[i] += ahead[i];
        width *= 2;
    }
}
#undef FC_T
#undef T
