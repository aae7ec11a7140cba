# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""One 1-D kernel, or means, along an axis whose samples are a few neighbours each (trajectories, colours, parts), or along
a last axis of a few samples.

Samples that lie one after the other are one line of numbers, and the taps stand as far apart as a sample is wide: the
vectors are full whatever the width. Blocks of samples are read where they lie, or are gathered with what lies beyond the
ends, in float64 where that is not the type of both arrays. Of short lines some hundred are turned first: then a vector
holds a sample of each, and what lies beyond the ends is another pointer to a sample. Called by separable.pyx.
"""
from libc.string cimport memcpy, memset
cimport numpy as cnp

from fastconv._core cimport kernels as k
from fastconv._core.boxes cimport LINE
from fastconv._core.cpu cimport threads_for
from fastconv._core.image_cut cimport (
    FC_IMAGE_STORE, TAP_BLOCK, Tools, fc_box, fc_box_widths, fc_image_taps, fc_image_ukr, fc_ordered, tools_of)
from fastconv._core.job cimport Team, fill_reader

cnp.import_array()

cdef enum:
    NUMBERS = 4096          # of a block of results, in the first-level cache
    F32 = 11                # fc_memory_type
    F64 = 12
    MOST_TILE = 4           # vectors of a tile
    SHORT = 16              # samples of a short line
    FEW = 16                # short lines that are too few
    LINES = 256             # of them that are turned together
    MOST_TAPS = 128         # along short lines


# The most numbers of a sample for which this is the way: of floats, which have others that fill vectors and take taps
# in pairs, for means, a few taps, and many; of all other types for means, and taps. asv_bench/tools/narrow_rows.py shows
# where they meet.
cdef ptrdiff_t[5] widths = [32, 24, 8, 2048, 256]
cdef enum:
    MANY = 25               # taps
    MOST_UNDER = 32768      # numbers under the taps: the scratch of a thread holds some 20 times as many


cdef bint short_lines = True


def most_widths(wanted):
    """Set them, for tests and measurements; those before. Where all are 0 short lines go another way too."""
    global short_lines
    before = [widths[i] for i in range(5)]
    for i in range(5):
        widths[i] = wanted[i]
    short_lines = any(wanted)
    return before


cdef struct Pass:
    const char *x
    char *out
    const char *w           # in the type of the sums
    ptrdiff_t width         # numbers of a sample
    ptrdiff_t n, before, taps
    ptrdiff_t x_bytes, out_bytes    # of a sample
    int mode, symmetry, out_memory
    bint tiled              # by tiles; else in order
    bint means, plain       # plain: both arrays are of the type of the sums
    const Tools *tools
    k.fc_reader reader
    char fill[16]
    ptrdiff_t block, blocks, room   # samples of a block; numbers under one; of short lines: lines of a block, room of one
    k.fc_finish_fn *store           # plain results at a distance


cdef bint fits(cnp.ndarray x, cnp.ndarray out, int axis, ptrdiff_t taps, bint means) noexcept:
    """Whether rows are narrow, or lines short, and both arrays in C order."""
    cdef ptrdiff_t width = 1
    cdef bint plain = cnp.PyArray_TYPE(x) == cnp.PyArray_TYPE(out) and cnp.PyArray_ISFLOAT(x)
    cdef ptrdiff_t most = widths[(0 if means else 1 if taps < MANY else 2) if plain else 3 if means else 4]
    cdef int i
    if not (cnp.PyArray_IS_C_CONTIGUOUS(x) and cnp.PyArray_IS_C_CONTIGUOUS(out) and cnp.PyArray_ISALIGNED(x) and
            cnp.PyArray_ISALIGNED(out)):
        return False
    if axis == cnp.PyArray_NDIM(x) - 1:
        return short_lines and cnp.PyArray_DIM(x, axis) <= SHORT and taps <= MOST_TAPS and \
            cnp.PyArray_SIZE(x) >= FEW * cnp.PyArray_DIM(x, axis)
    for i in range(axis + 1, cnp.PyArray_NDIM(x)):
        width *= cnp.PyArray_DIM(x, i)
    return 2 <= width <= most and taps * width <= MOST_UNDER and (means or taps <= TAP_BLOCK)


cdef int run(cnp.ndarray x, cnp.ndarray out, int memory, int out_memory, int axis, cnp.ndarray w, int mode, double cval,
             ptrdiff_t before, int symmetry, bint means) except -1:
    """One axis of arrays that do not overlap, of types by fc_memory_type; w: float64, or as many samples as a mean has."""
    cdef Pass p
    cdef Team team = Team()
    cdef bytes fill
    cdef ptrdiff_t items = 1, i
    cdef int kind, threads
    cdef k.fc_task *task = <k.fc_task *>some
    p.plain = memory == out_memory and (memory == F32 or memory == F64)
    kind = 5 if p.plain and memory == F32 else 6
    p.tools, p.store = tools_of(kind), k.fc_finish_find(<k.fc_kind>kind, <k.fc_memory_type>memory)
    p.width, p.n, p.before, p.taps = 1, cnp.PyArray_DIM(x, axis), before, cnp.PyArray_SIZE(w)
    for i in range(cnp.PyArray_NDIM(x)):
        if i < axis:
            items *= cnp.PyArray_DIM(x, i)
        elif i > axis:
            p.width *= cnp.PyArray_DIM(x, i)
    p.x, p.out = <const char *>cnp.PyArray_DATA(x), <char *>cnp.PyArray_DATA(out)
    p.x_bytes, p.out_bytes = p.width * cnp.PyArray_ITEMSIZE(x), p.width * cnp.PyArray_ITEMSIZE(out)
    p.mode, p.symmetry, p.means, p.out_memory = mode, symmetry, means, out_memory
    weights = w.astype("f4") if kind == 5 else w
    p.w = <const char *>cnp.PyArray_DATA(<cnp.ndarray>weights)
    p.tiled = p.plain and (symmetry == 0 or symmetry > 0 and kind == 5)
    (<double *>p.fill)[0] = cval
    if kind == 5:
        (<float *>p.fill)[0] = <float>cval
    fill = (<char *>p.fill)[:8]
    fill_reader(&p.reader, kind, memory, False, False, (fill, bytes(8)))
    if axis == cnp.PyArray_NDIM(x) - 1:
        task = <k.fc_task *>some_short
        p.block, p.blocks, p.room = LINES, items, LINES + LINE
        threads = threads_for(<double>items * p.n * (8 + p.taps))
        items = (items + LINES - 1) // LINES
    else:
        p.block = min(p.n, max(NUMBERS // p.width, 4 * p.taps))
        p.blocks = (p.n + p.block - 1) // p.block
        p.room = ((p.block + p.taps) * p.width + 2 * LINE) // LINE * LINE
        items *= p.blocks
        threads = threads_for(<double>items * p.block * p.width * (8 if means else p.taps))
    with nogil:
        team.run(task, NULL, &p, items, max(<ptrdiff_t>1, items // (threads * 8)), threads)
    team.check()
    return 0


cdef void some(void *_, const Pass *p, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part."""
    cdef ptrdiff_t number = p.tools.number
    # samples, two widths of sums and results; the table of rows
    cdef char *scratch = team.scratch(4 * p.room * number + p.taps * sizeof(void *))
    cdef const void **rows = <const void **>(scratch + 4 * p.room * number)
    while team.next(share):
        item(p, share.item, scratch, rows)


cdef void item(const Pass *p, ptrdiff_t at, char *scratch, const void **rows) noexcept nogil:
    """A block of samples."""
    cdef ptrdiff_t first = at % p.blocks * p.block, count = min(p.block, p.n - first), number = p.tools.number
    cdef ptrdiff_t line = at // p.blocks * p.n, begin = first - p.before, numbers = count * p.width, t
    cdef const char *x = p.x + line * p.x_bytes
    cdef char *out = p.out + (line + first) * p.out_bytes
    cdef char *result = out if p.plain else scratch + 3 * p.room * number
    cdef const char *data = scratch
    cdef fc_box box
    cdef fc_ordered o
    if p.plain and not p.means and begin >= 0 and begin + count + p.taps - 1 <= p.n and numbers >= p.tools.lanes:
        data = x + begin * p.x_bytes
    else:
        gather(p, x, begin, count + p.taps - 1, scratch)
    if p.means:
        box.taps, box.step, box.x, box.divisor = p.taps, p.width, data, p.taps
        fc_box_widths(&box)
        box.nears = scratch + p.room * number if box.near > 1 else scratch
        box.fars = scratch + 2 * p.room * number if box.far > 1 else box.nears
        p.tools.box_line(&box, result, numbers)
    elif p.tiled:
        for t in range(p.taps):
            rows[t] = data + t * p.width * number
        tiles(p, rows, numbers, result, scratch + 3 * p.room * number)
    else:
        o.taps, o.symmetry, o.w, o.rows, o.x, o.step = p.taps, p.symmetry, p.w, NULL, data, p.width
        o.y = result if numbers >= p.tools.lanes else scratch + 3 * p.room * number
        p.tools.ordered(&o, numbers, FC_IMAGE_STORE)
        if o.y != result:
            memcpy(result, o.y, numbers * number)
    if not p.plain:
        p.tools.cast(out, p.out_bytes // p.width, <k.fc_memory_type>p.out_memory, <const double *>result, numbers)


cdef void tiles(const Pass *p, const void **rows, ptrdiff_t numbers, char *out, char *small) noexcept nogil:
    """Sums of floats, in tiles of one row."""
    cdef ptrdiff_t lanes = p.tools.lanes, number = p.tools.number, at = 0, many
    cdef int nv
    cdef fc_image_ukr *ukr
    cdef fc_image_taps taps
    taps.planes, taps.plane_rows, taps.kh, taps.kw = 1, p.taps, p.taps, 1
    if numbers < lanes:
        p.tools.tile[1][1][1](&taps, rows, 0, p.w, small, lanes, 1, FC_IMAGE_STORE)
        memcpy(out, small, numbers * number)
        return
    while at < numbers:
        nv = MOST_TILE
        while nv > 1 and (nv * lanes > numbers - at or p.tools.tile[1][1][nv] == NULL):
            nv >>= 1
        ukr, many = p.tools.tile[1][1][nv], (numbers - at) // (nv * lanes)
        if many == 0:       # over its neighbour
            at, many = numbers - nv * lanes, 1
        ukr(&taps, rows, at, p.w, out + at * number, nv * lanes, many, FC_IMAGE_STORE)
        at += many * nv * lanes


cdef void gather(const Pass *p, const char *x, ptrdiff_t first, ptrdiff_t count, char *to) noexcept nogil:
    """Samples at virtual positions first, first + 1, ... of a line, in the type of the sums."""
    cdef ptrdiff_t low = min(max(-first, <ptrdiff_t>0), count), high = max(low, min(count, p.n - first))
    beyond(p, x, first, low, to)
    read(p, x + (first + low) * p.x_bytes, (high - low) * p.width, to + low * p.width * p.tools.number)
    beyond(p, x, first + high, count - high, to + high * p.width * p.tools.number)


cdef void beyond(const Pass *p, const char *x, ptrdiff_t first, ptrdiff_t count, char *to) noexcept nogil:
    """The same where all of them lie outside."""
    cdef ptrdiff_t i, at, q, number = p.tools.number
    for i in range(first, first + count):
        at = k.fc_source_index(i, p.n, p.mode)
        if at >= 0:
            read(p, x + at * p.x_bytes, p.width, to)
        else:
            for q in range(p.width):
                memcpy(to + q * number, p.fill, number)
        to += p.width * number


cdef inline void read(const Pass *p, const char *x, ptrdiff_t numbers, char *to) noexcept nogil:
    if p.plain:
        memcpy(to, x, numbers * p.tools.number)
    else:
        k.fc_read_run(&p.reader, to, to, x, p.x_bytes // p.width, numbers)


# --- short lines


cdef void some_short(void *_, const Pass *p, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part."""
    cdef ptrdiff_t number = p.tools.number
    # the lines' samples, what lies outside, results; the table of rows
    cdef char *scratch = team.scratch((p.n + 3) * p.room * number + p.taps * sizeof(void *))
    cdef char *outside = scratch + p.n * p.room * number
    cdef const void **rows = <const void **>(scratch + (p.n + 3) * p.room * number)
    cdef ptrdiff_t q
    for q in range(LINES if scratch != NULL else 0):
        memcpy(outside + q * number, p.fill, number)
    while team.next(share):
        short_item(p, share.item * p.block, scratch, outside, rows)


cdef void short_item(const Pass *p, ptrdiff_t first, char *scratch, char *outside, const void **rows) noexcept nogil:
    """Some lines: sample by sample of all of them."""
    cdef ptrdiff_t count = min(p.block, p.blocks - first), number = p.tools.number, j, t, at
    cdef ptrdiff_t x_number = p.x_bytes, out_number = p.out_bytes, line = p.room * number
    cdef const char *x = p.x + first * p.n * x_number
    cdef char *out = p.out + first * p.n * out_number
    cdef char *result = outside + line
    cdef fc_ordered o
    for j in range(p.n):
        k.fc_read_run(&p.reader, scratch + j * line, scratch + j * line, x + j * x_number, p.n * x_number, count)
    o.taps, o.symmetry, o.w, o.rows, o.at, o.y = p.taps, p.symmetry, p.w, rows, 0, result
    for j in range(p.n):
        for t in range(p.taps):
            at = k.fc_source_index(j + t - p.before, p.n, p.mode)
            rows[t] = outside if at < 0 else scratch + at * line
        if p.means:
            mean(p, rows, count, result)
        elif p.tiled:
            tiles(p, rows, count, result, result + line)
        else:
            p.tools.ordered(&o, count, FC_IMAGE_STORE)
        if p.plain:
            p.store(out + j * out_number, p.n * out_number, result, NULL, count, NULL, 0)
        else:
            p.tools.cast(out + j * out_number, p.n * out_number, <k.fc_memory_type>p.out_memory,
                         <const double *>result, count)


cdef void mean(const Pass *p, const void **rows, ptrdiff_t count, char *sums) noexcept nogil:
    """The mean of the rows."""
    cdef ptrdiff_t t, i
    memset(sums, 0, count * p.tools.number)
    for t in range(p.taps):
        p.tools.box_add(sums, rows[t], NULL, count)
    for i in range(count):
        if p.tools.number == 4:
            (<float *>sums)[i] /= p.taps
        else:
            (<double *>sums)[i] /= p.taps
