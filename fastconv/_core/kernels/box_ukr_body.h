/* Sums over boxes, for one number type: included by image_ukr.c once per kind.
 *
 * Down the columns a row of running sums.  Along a row nothing is ever subtracted: sums of `near` neighbours, of
 * `far` such sums, and a result is the fewest of the widest, then of the narrower ones, that make up its window,
 * added in one pass.  fc_box_widths (fc_image.h) chooses near and far.
 */
#define T FC_T
#define V FC_CAT(FC_T, _v)
#define VU FC_CAT(FC_T, _vu)
#define LANES ((ptrdiff_t)(sizeof(V) / sizeof(T)))

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

/* acc[j] += sum over s < count of x[s * step], NV vectors of them */
FC_INLINE void FC_CAT(box_meet_, FC_T)(const int NV, V *acc, const T *x, ptrdiff_t step, ptrdiff_t count)
{
    for (ptrdiff_t s = 0; s < count; s++, x += step)
        FC_UNROLL for (int j = 0; j < NV; j++)
            acc[j] += *(const VU *)(x + j * LANES);
}

/* to[i] = sum over s < count of x[i + s * step] for i < n, and up to FC_BOX_SLACK numbers more */
static void FC_CAT(box_widen_, FC_T)(const T *x, ptrdiff_t step, ptrdiff_t count, T *to, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i += 4 * LANES) {
        V acc[4] = {{0}};
        FC_CAT(box_meet_, FC_T)(4, acc, x + i, step, count);
        FC_UNROLL for (int j = 0; j < 4; j++)
            *(VU *)(to + i + j * LANES) = acc[j];
    }
}

FC_INLINE void FC_CAT(box_mean_, FC_T)(const int NV, const fc_box *b, ptrdiff_t i, T *y)
{
    const ptrdiff_t far = b->near * b->far, wide = b->taps / far, middle = b->taps % far / b->near, step = b->step;
    const V by = (T)b->divisor - FC_CAT(FC_T, _zero);
    V acc[4] = {{0}};
    FC_CAT(box_meet_, FC_T)(NV, acc, (const T *)b->fars + i, far * step, wide);
    i += wide * far * step;
    FC_CAT(box_meet_, FC_T)(NV, acc, (const T *)b->nears + i, b->near * step, middle);
    i += middle * b->near * step;
    FC_CAT(box_meet_, FC_T)(NV, acc, (const T *)b->x + i, step, b->taps % b->near);
    FC_UNROLL for (int j = 0; j < NV; j++)
        *(VU *)(y + j * LANES) = acc[j] / by;
}

static void FC_CAT(box_line_, FC_T)(const fc_box *b, void *y_, ptrdiff_t n)
{
    T *y = (T *)y_, last[LANES];
    const ptrdiff_t far = b->near * b->far;
    ptrdiff_t i = 0;
    if (b->nears != b->x)
        FC_CAT(box_widen_, FC_T)((const T *)b->x, b->step, b->near, (T *)b->nears, n + (b->taps - b->near) * b->step);
    if (b->fars != b->nears)
        FC_CAT(box_widen_, FC_T)((const T *)b->nears, b->near * b->step, b->far, (T *)b->fars,
                                n + (b->taps - far) * b->step);
    for (; i + 4 * LANES <= n; i += 4 * LANES)
        FC_CAT(box_mean_, FC_T)(4, b, i, y + i);
    for (; i + LANES <= n; i += LANES)
        FC_CAT(box_mean_, FC_T)(1, b, i, y + i);
    if (i < n) {
        FC_CAT(box_mean_, FC_T)(1, b, i, last);
        memcpy(y + i, last, (size_t)(n - i) * sizeof(T));
    }
}
#undef FC_T
#undef T
#undef V
#undef VU
#undef LANES
