/* Whole transforms from the passes of fft_ukr.c, each sub-transform finished before the next is begun.
 *
 * A block larger than the L1 cache is read from further away by every pass over all of it; going down one
 * sub-transform at a time, only the first passes are.  Called by the overlap drivers.
 */
#include "fc_fft.h"

/* Half of a 32 KB L1 cache for the samples: the twiddles and the kernel's spectrum need the rest. */
#define FC_FFT_NEAR 16384

/* Rows [at, at + rows) from pass on: down, and (with h) the product and up again; up alone with back. */
typedef struct {
    const fc_fft_row *row;
    const fc_fft_plan *plan;
    char *data;
    const char *h;
    char *spectrum;
    ptrdiff_t near_rows;
    fc_fft_soon soon; /* what is left of it */
} walk;

/* As much of what will soon be touched as a pass over so many rows is of the whole work: asked for all at
 * once, memory would be waited for. */
static void ask_ahead(walk *w, ptrdiff_t rows)
{
    const ptrdiff_t share = w->soon.bytes * rows / ((2 * w->plan->passes + 1) * w->plan->rows) + 64;
    if (w->soon.read)
        for (ptrdiff_t i = 0; i < share && w->soon.done + i < w->soon.bytes; i += 64)
            __builtin_prefetch(w->soon.read + w->soon.done + i, 0, 2);
    if (w->soon.write)
        for (ptrdiff_t i = 0; i < share && w->soon.done + i < w->soon.bytes; i += 64)
            __builtin_prefetch(w->soon.write + w->soon.done + i, 1, 2);
    w->soon.done += share / 64 * 64;
}

static void pieces(walk *w, int pass, fc_fft_pass *run, ptrdiff_t at, ptrdiff_t rows)
{
    ask_ahead(w, rows);
    const int radix = w->plan->radix[pass];
    run(w->plan, pass, w->data, at / radix, (at + rows) / radix);
}

static void deepest(walk *w, int inverse, ptrdiff_t at, ptrdiff_t rows)
{
    ask_ahead(w, rows);
    const ptrdiff_t from = at / w->plan->last, to = (at + rows) / w->plan->last;
    if (w->h)
        w->row->product(w->plan, w->data, w->h, from, to);
    else if (inverse)
        w->row->back(w->plan, w->spectrum, w->data, from, to);
    else
        w->row->last(w->plan, w->data, w->spectrum, from, to);
}

static void descend(walk *w, int inverse, int pass, ptrdiff_t at, ptrdiff_t rows)
{
    const int passes = w->plan->passes;
    if (rows > w->near_rows && pass < passes) {
        const ptrdiff_t part = rows / w->plan->radix[pass];
        if (!inverse)
            pieces(w, pass, w->row->down, at, rows);
        for (ptrdiff_t i = 0; i < rows; i += part)
            descend(w, inverse, pass + 1, at + i, part);
        if (inverse || w->h)
            pieces(w, pass, w->row->up, at, rows);
        return;
    }
    for (int q = pass; q < passes && !inverse; q++)
        pieces(w, q, w->row->down, at, rows);
    deepest(w, inverse, at, rows);
    for (int q = passes - 1; q >= pass && (inverse || w->h); q--)
        pieces(w, q, w->row->up, at, rows);
}

static void start(walk *w, int inverse)
{
    w->near_rows = FC_FFT_NEAR * w->plan->rows / w->plan->size / 2 / (ptrdiff_t)fc_kind_size(w->row->kind);
    descend(w, inverse, 0, 0, w->plan->rows);
}

void fc_fft_forward(const fc_fft_row *row, const fc_fft_plan *plan, const void *re, const void *im,
                    void *data, void *spectrum)
{
    walk w = {row, plan, (char *)data, NULL, (char *)spectrum, 0, {0}};
    row->first(plan, re, im, data, 0, plan->rows / row->lanes);
    start(&w, 0);
}

void fc_fft_filter(const fc_fft_row *row, const fc_fft_plan *plan, const void *re, const void *im,
                   const void *h, void *data, void *to_re, void *to_im, ptrdiff_t low,
                   ptrdiff_t high, const fc_fft_soon *soon)
{
    walk w = {row, plan, (char *)data, (const char *)h, NULL, 0, *soon};
    row->first(plan, re, im, data, 0, plan->rows / row->lanes);
    start(&w, 0);
    row->end(plan, data, to_re, to_im, low, high, 0, plan->rows / row->lanes);
}

void fc_fft_inverse(const fc_fft_row *row, const fc_fft_plan *plan, const void *spectrum,
                    void *data, void *to_re, void *to_im, ptrdiff_t low, ptrdiff_t high)
{
    walk w = {row, plan, (char *)data, NULL, (char *)spectrum, 0, {0}};
    start(&w, 1);
    row->end(plan, data, to_re, to_im, low, high, 0, plan->rows / row->lanes);
}
