/* Reading one row of an axis that has borders: padding of every mode, cropping, upsampling.
 *
 * A run of virtual positions first, first + stride, ... is cut into the part left of the array, the
 * part inside and the part right of it; only the outer parts look positions up one by one, so no
 * padded copy of the input is ever made.  Called by the direct and im2col drivers.
 */
#include "fc_kernels.h"
#include <string.h>

#define FC_TURN_SPAN 32  /* samples of a channel that are turned at a time */
#define FC_TURN_LANES 16 /* channels, at most */
#define FC_TURN_AHEAD 2  /* times those are fetched ahead */

ptrdiff_t fc_source_index(ptrdiff_t i, ptrdiff_t n, int mode)
{
    if (i >= 0 && i < n)
        return i;
    ptrdiff_t period, r;
    switch (mode) {
    case FC_PAD_REPLICATE:
        return i < 0 ? 0 : n - 1;
    case FC_PAD_CIRCULAR:
        r = i % n;
        return r < 0 ? r + n : r;
    case FC_PAD_SYMM: /* d c b a | a b c d | d c b a */
        period = 2 * n;
        r = i % period;
        r = r < 0 ? r + period : r;
        return r < n ? r : period - 1 - r;
    case FC_PAD_REFLECT: /* d c b | a b c d | c b a */
        if (n == 1)
            return 0;
        period = 2 * (n - 1);
        r = i % period;
        r = r < 0 ? r + period : r;
        return r < n ? r : period - r;
    default:
        return -1;
    }
}

void fc_fill_run(const fc_reader *r, char *re, char *im, ptrdiff_t n)
{
    char *plane[2] = {re, im};
    for (int p = 0; p < r->planes; p++) {
        const char *value = r->fill[p];
        if (r->fill_is_zero)
            memset(plane[p], 0, (size_t)(n * r->number_bytes));
        else
            for (ptrdiff_t i = 0; i < n; i++)
                memcpy(plane[p] + i * r->number_bytes, value, (size_t)r->number_bytes);
    }
}

#define FC_CHUNK 64

static void read_swapped(const fc_reader *r, char *dst, const char *src, ptrdiff_t step_bytes,
                         ptrdiff_t n)
{
    char native[FC_CHUNK * 16];
    const ptrdiff_t size = r->real_bytes;
    for (ptrdiff_t done = 0; done < n; done += FC_CHUNK) {
        const ptrdiff_t count = n - done < FC_CHUNK ? n - done : FC_CHUNK;
        for (ptrdiff_t i = 0; i < count; i++)
            for (ptrdiff_t b = 0; b < size; b++)
                native[i * size + b] = src[(done + i) * step_bytes + size - 1 - b];
        r->pack(dst + done * r->number_bytes, native, size, count);
    }
}

void fc_read_run(const fc_reader *r, char *re, char *im, const char *src, ptrdiff_t step_bytes,
                 ptrdiff_t n)
{
    if (r->swapped)
        read_swapped(r, re, src, step_bytes, n);
    else
        r->pack(re, src, step_bytes, n);
    if (r->planes == 1)
        return;
    if (r->imag_bytes == 0)
        memset(im, 0, (size_t)(n * r->number_bytes));
    else if (r->swapped)
        read_swapped(r, im, src + r->imag_bytes, step_bytes, n);
    else
        r->pack(im, src + r->imag_bytes, step_bytes, n);
}

/* Positions that need a look-up each: borders, and every position of an upsampled axis. */
static void gather_each(const fc_reader *r, char *re, char *im, const char *row,
                        const fc_axis *axis, ptrdiff_t first, ptrdiff_t stride, ptrdiff_t n)
{
    for (ptrdiff_t q = 0; q < n; q++) {
        const ptrdiff_t at = fc_source_index(first + q * stride, axis->length, axis->mode);
        char *d = re + q * r->number_bytes, *e = im + q * r->number_bytes;
        if (at < 0)
            fc_fill_run(r, d, e, 1);
        else
            fc_read_run(r, d, e, row + at / axis->upsample * axis->step_bytes, 0, 1);
    }
}

static ptrdiff_t ceil_div(ptrdiff_t a, ptrdiff_t b) /* b > 0 */
{
    return a > 0 ? (a + b - 1) / b : -((-a) / b);
}

static ptrdiff_t clamp(ptrdiff_t a, ptrdiff_t low, ptrdiff_t high)
{
    return a < low ? low : a > high ? high : a;
}

void fc_gather(const fc_reader *r, char *re, char *im, const char *row, const fc_axis *axis,
               ptrdiff_t first, ptrdiff_t stride, ptrdiff_t n)
{
    const ptrdiff_t size = r->number_bytes;
    const ptrdiff_t begin = clamp(ceil_div(-first, stride), 0, n);
    const ptrdiff_t end = clamp(ceil_div(axis->length - first, stride), begin, n);
    if (axis->mode == FC_PAD_FILL) {
        fc_fill_run(r, re, im, begin);
        fc_fill_run(r, re + end * size, im + end * size, n - end);
    } else {
        gather_each(r, re, im, row, axis, first, stride, begin);
        gather_each(r, re + end * size, im + end * size, row, axis, first + end * stride, stride,
                    n - end);
    }
    if (end == begin)
        return;
    re += begin * size;
    im += begin * size;
    if (axis->upsample == 1)
        fc_read_run(r, re, im, row + (first + begin * stride) * axis->step_bytes,
                    stride * axis->step_bytes, end - begin);
    else
        gather_each(r, re, im, row, axis, first + begin * stride, stride, end - begin);
}

/* Zeros for a few numbers of 4 bytes or a multiple: a loop of moves, hidden from GCC, which makes a call of
 * memset of it that costs more than it does. */
static inline void few_zeros(char *to, ptrdiff_t bytes)
{
    const uint32_t zero = 0;
    if (bytes > 128 || bytes % 4) {
        memset(to, 0, (size_t)bytes);
        return;
    }
    for (; bytes > 0; bytes -= 4, to += 4) {
        memcpy(to, &zero, 4);
        __asm__("" : "+r"(to));
    }
}

/* A row of numbers: short ones by pieces of 32 or 16 bytes, the last over its neighbour. */
static inline void copy_row(char *to, const char *from, ptrdiff_t bytes)
{
    ptrdiff_t i = 0;
    if (bytes > 512 || bytes < 16) {
        memcpy(to, from, (size_t)bytes);
    } else if (bytes < 32) {
        memcpy(to, from, 16);
        memcpy(to + bytes - 16, from + bytes - 16, 16);
    } else {
        for (; i < bytes - 32; i += 32)
            memcpy(to + i, from + i, 32);
        memcpy(to + bytes - 32, from + bytes - 32, 32);
    }
}

/* Rows of one plane of numbers with zeros around them, the case of most layers: what is inside is the
 * same for all rows, so it is found once. */
static void gather_plain(const fc_reader *r, char *to, ptrdiff_t pitch_bytes, const char *plane,
                         const fc_axis *row, ptrdiff_t first_row, ptrdiff_t row_stride,
                         ptrdiff_t rows, const fc_axis *col, ptrdiff_t first_col,
                         ptrdiff_t col_stride, ptrdiff_t cols)
{
    const ptrdiff_t size = r->number_bytes;
    const ptrdiff_t begin = clamp(ceil_div(-first_col, col_stride), 0, cols);
    const ptrdiff_t end = clamp(ceil_div(col->length - first_col, col_stride), begin, cols);
    const ptrdiff_t step_bytes = col_stride * col->step_bytes;
    const ptrdiff_t inside_bytes = (end - begin) * size;
    const int copy = r->same && step_bytes == size;
    for (ptrdiff_t j = 0; j < rows; j++, to += pitch_bytes) {
        const ptrdiff_t at = fc_source_index(first_row + j * row_stride, row->length, row->mode);
        if (!plane || at < 0) {
            few_zeros(to, cols * size);
            continue;
        }
        const char *src = plane + at / row->upsample * row->step_bytes +
                          (first_col + begin * col_stride) * col->step_bytes;
        few_zeros(to, begin * size);
        if (copy)
            copy_row(to + begin * size, src, inside_bytes);
        else if (inside_bytes)
            r->pack(to + begin * size, src, step_bytes, end - begin);
        few_zeros(to + end * size, (cols - end) * size);
    }
}

void fc_gather_rows(const fc_reader *r, char *re, char *im, ptrdiff_t pitch, const char *plane,
                    const fc_axis *row, ptrdiff_t first_row, ptrdiff_t row_stride, ptrdiff_t rows,
                    const fc_axis *col, ptrdiff_t first_col, ptrdiff_t col_stride, ptrdiff_t cols)
{
    const ptrdiff_t pitch_bytes = pitch * r->number_bytes;
    if (r->planes == 1 && !r->swapped && r->fill_is_zero && col->mode == FC_PAD_FILL &&
        col->upsample == 1) {
        gather_plain(r, re, pitch_bytes, plane, row, first_row, row_stride, rows, col, first_col,
                     col_stride, cols);
        return;
    }
    for (ptrdiff_t j = 0; j < rows; j++, re += pitch_bytes, im += pitch_bytes) {
        const ptrdiff_t at = fc_source_index(first_row + j * row_stride, row->length, row->mode);
        if (!plane || at < 0)
            fc_fill_run(r, re, im, cols);
        else
            fc_gather(r, re, im, plane + at / row->upsample * row->step_bytes, col, first_col,
                      col_stride, cols);
    }
}

/* Neighbouring pixels of plain numbers, all channels of each: one run where nothing lies between pixels on either
 * side, else pixel by pixel. */
static void gather_pixels(const fc_reader *r, char *to, ptrdiff_t pitch_bytes, const char *from,
                          ptrdiff_t step_bytes, ptrdiff_t n, ptrdiff_t bytes)
{
    if (step_bytes == bytes && pitch_bytes == bytes) {
        memcpy(to, from, (size_t)(n * bytes));
        return;
    }
    if (bytes > 16 || r->number_bytes != 4) {
        for (; n > 0; n--, to += pitch_bytes, from += step_bytes)
            copy_row(to, from, bytes);
        return;
    }
    for (; n > 0; n--, to += pitch_bytes, from += step_bytes)
        for (ptrdiff_t i = 0; i < bytes; i += 4)
            memcpy(to + i, from + i, 4);
}

/* Pixels that need a look-up each, or are of another type. */
static void gather_each_pixel(const fc_reader *r, char *to, ptrdiff_t pitch_bytes, const char *row,
                              const fc_axis *axis, ptrdiff_t first, ptrdiff_t stride, ptrdiff_t n,
                              ptrdiff_t channels)
{
    const ptrdiff_t whole = r->imag_bytes ? 2 * r->real_bytes : r->real_bytes;
    for (ptrdiff_t q = 0; q < n; q++, to += pitch_bytes) {
        const ptrdiff_t at = fc_source_index(first + q * stride, axis->length, axis->mode);
        if (at < 0)
            fc_fill_run(r, to, to, channels);
        else
            fc_read_run(r, to, to, row + at / axis->upsample * axis->step_bytes, whole, channels);
    }
}

void fc_gather_channels(const fc_reader *r, char *dst, ptrdiff_t pitch, const char *row,
                        const fc_axis *axis, ptrdiff_t first, ptrdiff_t stride, ptrdiff_t n,
                        ptrdiff_t channels)
{
    const ptrdiff_t pitch_bytes = pitch * r->number_bytes;
    ptrdiff_t begin = n, end = n; /* of the pixels that are copied as they are */
    if (r->same && axis->upsample == 1) {
        begin = clamp(ceil_div(-first, stride), 0, n);
        end = clamp(ceil_div(axis->length - first, stride), begin, n);
    }
    gather_each_pixel(r, dst, pitch_bytes, row, axis, first, stride, begin, channels);
    if (end > begin)
        gather_pixels(r, dst + begin * pitch_bytes, pitch_bytes, row + (first + begin * stride) * axis->step_bytes,
                      stride * axis->step_bytes, end - begin, channels * r->number_bytes);
    gather_each_pixel(r, dst + end * pitch_bytes, pitch_bytes, row, axis, first + end * stride, stride, n - end,
                      channels);
}

/* Whether all samples that a run spans are plain numbers beside each other, and enough for a vector. */
static int plain_span(const fc_reader *r, const fc_axis *axis, ptrdiff_t channel_bytes, ptrdiff_t first,
                      ptrdiff_t span, int lanes)
{
    return r->same && axis->upsample == 1 && axis->step_bytes == r->number_bytes &&
           channel_bytes % r->number_bytes == 0 && first >= 0 && first + span <= axis->length && span >= lanes &&
           span <= FC_TURN_SPAN;
}

/* n samples of `count` channels, at most `lanes`, that have to be looked up, converted or filled in, or are few. */
static void turn_any(const fc_reader *r, fc_to_last *turn, int lanes, int count, char *to, ptrdiff_t pitch,
                     const char *src, ptrdiff_t channel_bytes, const fc_axis *axis, ptrdiff_t first,
                     ptrdiff_t stride, ptrdiff_t n)
{
    const ptrdiff_t size = r->number_bytes;
    char some[FC_TURN_LANES * FC_TURN_SPAN * 8] __attribute__((aligned(64)));
    for (int l = 0; l < count; l++) {
        char *row = some + l * FC_TURN_SPAN * size;
        fc_gather(r, row, row, src + l * channel_bytes, axis, first, stride, n);
    }
    if (n >= lanes && count == lanes) {
        turn(to, pitch, some, FC_TURN_SPAN, n);
        return;
    }
    for (ptrdiff_t i = 0; i < n; i++)
        for (int l = 0; l < count; l++)
            memcpy(to + (i * pitch + l) * size, some + (l * FC_TURN_SPAN + i) * size, (size_t)size);
}

/* Every stride-th of the samples that lie beside each other: all are turned, some are taken. */
static void turn_some(fc_to_last *turn, int lanes, char *to, ptrdiff_t pitch, const char *src, ptrdiff_t plane,
                      ptrdiff_t stride, ptrdiff_t n, ptrdiff_t size)
{
    char some[FC_TURN_LANES * FC_TURN_SPAN * 8] __attribute__((aligned(64)));
    turn(some, lanes, src, plane, (n - 1) * stride + 1);
    for (ptrdiff_t i = 0; i < n; i++)
        copy_row(to + i * pitch * size, some + i * stride * lanes * size, lanes * size);
}

/* Lines of `lanes` channels on their way into the cache: from plane to plane no hardware foresees them. */
static inline void fetch_channels(const char *src, ptrdiff_t channel_bytes, int lanes, ptrdiff_t bytes)
{
    for (int l = 0; l < lanes; l++, src += channel_bytes)
        fc_prefetch(src, bytes + 63, 0);
}

void fc_gather_turned(const fc_reader *r, fc_to_last *turn, int lanes, char *dst, ptrdiff_t pitch,
                      const char *row, ptrdiff_t channel_bytes, const fc_axis *axis, ptrdiff_t first,
                      ptrdiff_t stride, ptrdiff_t n, ptrdiff_t channels)
{
    const ptrdiff_t size = r->number_bytes;
    const ptrdiff_t most = stride < FC_TURN_SPAN ? (FC_TURN_SPAN - 1) / stride + 1 : 1;
    const ptrdiff_t pieces = (n + most - 1) / most;
    for (ptrdiff_t p = 0, q = 0; p < pieces; p++) {
        const ptrdiff_t cols = n * (p + 1) / pieces - q, from = first + q * stride;
        const int plain = channels >= lanes &&
                          plain_span(r, axis, channel_bytes, from, (cols - 1) * stride + 1, lanes);
        for (ptrdiff_t done = 0; done < channels; done += lanes) {
            /* the last vector lies over its neighbour */
            const ptrdiff_t c = done && done + lanes > channels ? channels - lanes : done;
            const char *src = row + c * channel_bytes;
            char *to = dst + (q * pitch + c) * size;
            const ptrdiff_t later = c + FC_TURN_AHEAD * lanes, wrap = later >= channels;
            if (plain)
                fetch_channels(row + (wrap ? later - channels : later) * channel_bytes +
                                   (from + wrap * cols * stride) * size,
                               channel_bytes, lanes, cols * stride * size);
            if (!plain)
                turn_any(r, turn, lanes, (int)(channels < lanes ? channels : lanes), to, pitch, src, channel_bytes,
                         axis, from, stride, cols);
            else if (stride > 1)
                turn_some(turn, lanes, to, pitch, src + from * size, channel_bytes / size, stride, cols, size);
            else
                turn(to, pitch, src + from * size, channel_bytes / size, cols);
        }
        q += cols;
    }
}
