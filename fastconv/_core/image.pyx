# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""One filter over the planes of an array: images, volumes, and any number of batch axes.

out[o] = sum over t of x[o + t - before] * w[t], samples outside by the axis's border mode

Rows under a block of output rows are found through a table of pointers: a reflected row is a row of the image,
one outside a row of the fill value.  Only columns beside the left and right border are copied, into a patch.  A
product of a column and a row (``lined``) goes over a strip in two passes, by way of a buffer in the cache.
Stride and dilation 1, columns neighbours in memory; backends/_image.py leaves all else to direct.pyx.
"""
from libc.string cimport memcpy, memset
cimport numpy as cnp

from fastconv._core cimport kernels as k
from fastconv._core.cpu cimport isa_index, threads_for
from fastconv._core.job cimport Team

cnp.import_array()

cdef enum:
    TAP_BLOCK = 256         # of one running sum, as in job.pxd
    LINE = 64               # bytes
    STRIP_BYTES = 256 * 1024    # rows under a tile: they should stay in the L2 cache
    PANEL_BYTES = 48 * 1024
    LINED_BYTES = 128 * 1024    # the buffer between the two passes
    MOST_WORK = 1 << 29     # multiply-adds of an item: Ctrl-C is noticed between two
    MOST_BLOCK = 96         # rows of an item
    EARLY = 2               # threads share images of half the usual work: no other backend waits for them there
    MOVED = 8               # multiply-adds in the time of a number read and written
    # streamed stores save reads, and lose where the result would have stayed in the L3 cache: in and out
    STREAM_BYTES = 32 * 1024 * 1024
    # and take three times as long where the rows of a tile fall into one set of the first-level cache, or nearly
    # so (Zen 3, rows of 2560, 4096, 4112, 4608 numbers)
    STREAM_SETS = 2048
    STREAM_APART = 256

cdef Tools tools[5]


cdef void find_tools() noexcept:
    cdef int count, i, kind
    cdef const fc_image_row *rows = fc_image_rows(isa_index(), &count)
    cdef const fc_line_row *lines
    cdef Tools *t
    for i in range(count):
        t = &tools[rows[i].kind - 2]
        t.kind, t.number, t.lanes = rows[i].kind, k.fc_kind_size(rows[i].kind), rows[i].lanes
        if rows[i].kh == 3:
            t.three, t.three_rows = rows[i].run, rows[i].rows
            continue
        t.tile[rows[i].kw][rows[i].rows][rows[i].nv] = rows[i].run
        if rows[i].kw == 0:     # serves one column of taps too, where there is no tile for that
            if t.tile[1][rows[i].rows][rows[i].nv] == NULL:
                t.tile[1][rows[i].rows][rows[i].nv] = rows[i].run
            t.most_rows = max(t.most_rows, rows[i].rows)
        t.column_rows = max(t.column_rows, rows[i].rows)
    lines = fc_line_rows(isa_index(), &count)
    for i in range(count):
        t = &tools[lines[i].kind - 2]
        t.line, t.ordered, t.box_add, t.box_line = (
            lines[i].run, lines[i].ordered, lines[i].box_add, lines[i].box_line)


find_tools()


cdef const Tools *tools_of(int kind) noexcept nogil:
    """The microkernels of a kind (fc_kind), NULL where there are none."""
    return &tools[kind - 2] if 2 <= kind <= 6 else NULL


cdef ptrdiff_t up(ptrdiff_t n, ptrdiff_t step) noexcept nogil:
    return (n + step - 1) // step * step


cdef void prepare(Image *d, const Tools *tools) noexcept nogil:
    """Decide how the work is cut; axes, fill, lined, edge and gather are set."""
    cdef Axis *row = &d.axis[d.axes - 2]
    cdef Axis *col = &d.axis[d.axes - 1]
    cdef ptrdiff_t number = tools.number, outer = 1, samples, outputs, table_rows, most
    cdef int i
    d.tools = tools
    d.planes = 1
    samples = row.size * col.size
    for i in range(d.axes - 2):
        outer *= d.axis[i].out
        d.planes *= d.axis[i].taps
        samples *= d.axis[i].size
    outputs = outer * row.out * col.out
    d.special = NULL
    d.rows = tools.column_rows if d.lined else tools.most_rows
    if row.taps == 3 and col.taps == 3 and not d.lined and tools.three != NULL:
        d.special, d.rows = tools.three, tools.three_rows
    while d.rows > 1 and (row.taps < d.rows - 1 or tools.tile[d.lined][d.rows][1] == NULL):
        d.rows -= 1
    d.tap_columns = max(1, TAP_BLOCK // row.taps)
    d.stream = not d.lined and (samples + outputs) * number > STREAM_BYTES and \
        d.planes * row.taps * col.taps <= TAP_BLOCK and row.out_step % LINE == 0 and \
        col.out * number >= 8 * LINE and \
        STREAM_APART <= row.out_step % STREAM_SETS <= STREAM_SETS - STREAM_APART
    if d.planes * (row.taps + d.rows - 1) > 8 and row.x_step % 4096 == 0 and d.planes * row.taps > 1 and \
            col.out * number <= 2048:
        d.gather = True         # many short rows in one cache set
    # an item: enough of them for several threads, enough rows that borders do not count
    most = up(max(1, outer * row.out // 16), d.rows)
    d.block = min(max(most, 8 * d.rows), up(MOST_BLOCK, d.rows))
    d.chunk = max(1, col.out)
    if d.lined:
        most = LINED_BYTES // max(1, (col.out + col.taps) * number)
        d.block = min(d.block, max(most // d.rows * d.rows, up(row.taps // 2, d.rows), d.rows))
        # tall filters: a few columns of all rows under the block at a time, in the first-level cache
        most = PANEL_BYTES // (number * d.planes * (d.block + row.taps - 1))
        d.panel = max(most // (MOST_VECTORS * tools.lanes), 2) * MOST_VECTORS * tools.lanes
        # rows of one cache set, or shorter than a vector, are copied together
        d.gather = col.size < tools.lanes or (row.x_step % 1024 == 0 and d.planes * row.taps > 32)
    else:
        most = STRIP_BYTES // (number * d.planes * (row.taps + d.rows - 1))
        d.chunk = min(d.chunk, max(up(most, LINE), 8 * LINE))
        most = MOST_WORK // max(1, d.chunk * d.planes * row.taps * col.taps)
        d.block = min(d.block, max(most // d.rows * d.rows, d.rows))
    d.block = min(d.block, max(1, row.out))
    d.blocks = (row.out + d.block - 1) // d.block
    d.chunks = (col.out + d.chunk - 1) // d.chunk if d.chunk else 0
    d.items = outer * d.blocks * d.chunks
    d.work = <double>outputs * (MOVED + d.planes * (row.taps + col.taps if d.lined else row.taps * col.taps))
    table_rows = d.planes * (d.block + row.taps - 1)
    d.table_bytes = up(2 * table_rows * sizeof(void *), LINE)
    d.pitch = patch_columns(d) + col.taps - 1 + tools.lanes
    d.pitch = up(d.pitch, tools.lanes)
    if d.pitch * number % 1024 == 0:
        d.pitch += tools.lanes
    d.patch_bytes = up(table_rows * d.pitch * number, LINE)
    d.fill_bytes = up((max(d.chunk, col.size) + col.taps + 4 * tools.lanes) * number, LINE)
    d.buffer_bytes = MOST_ROWS * MOST_VECTORS * tools.lanes * number
    if d.lined:
        d.buffer_bytes += d.block * buffer_pitch(d) * number
    d.scratch_bytes = d.table_bytes + d.patch_bytes + d.fill_bytes + up(d.buffer_bytes, LINE)


cdef ptrdiff_t before_image(const Axis *col) noexcept nogil:
    """Outputs whose window begins left of the samples."""
    return min(col.out, max(col.before, 0))


cdef ptrdiff_t beyond_image(const Axis *col) noexcept nogil:
    """Outputs whose window ends right of the samples."""
    return min(col.out, max(col.out - (col.size - col.taps + col.before + 1), 0))


cdef ptrdiff_t patch_columns(const Image *d) noexcept nogil:
    """Most outputs of a patch."""
    cdef const Axis *col = &d.axis[d.axes - 1]
    cdef ptrdiff_t lanes = d.tools.lanes, beside
    if d.lined:
        return min(col.size, 2 * d.panel) if d.gather else 0
    beside = max(before_image(col), beyond_image(col))
    beside = up(beside + LINE // d.tools.number, lanes) + lanes
    if d.gather or 2 * (beside + lanes) > d.chunk:
        return d.chunk
    return beside


cdef ptrdiff_t buffer_pitch(const Image *d) noexcept nogil:
    """Numbers in a row between the two passes: samples and what lies beside them."""
    cdef const Axis *col = &d.axis[d.axes - 1]
    cdef ptrdiff_t n = max(col.before, 0) + col.size + 2 * d.tools.lanes + \
        max(col.out - col.before + col.taps - 1 - col.size, 0)
    n = up(n, d.tools.lanes)
    return n + d.tools.lanes if n * d.tools.number % 1024 == 0 else n


# --- running ------------------------------------------------------------------------------------


cdef int run(const Image *d, const char *x, const char *w, char *out) except -1:
    """Compute everything; the interpreter is released where it takes long."""
    cdef int threads
    cdef ptrdiff_t item
    cdef char *scratch
    cdef Call call
    cdef Team team
    call.d, call.x, call.w, call.out = d, x, w, out
    # the system has just written the zeros of a fresh page, which are then in the cache
    call.stream = d.stream and fc_resident(out, d.axis[0].out * d.axis[0].out_step)
    if d.items == 0:
        return 0
    if d.work < 20000:
        scratch = <char *>k.fc_scratch(d.scratch_bytes)
        if scratch == NULL:
            raise MemoryError(f"no memory for a workspace of {d.scratch_bytes} bytes a thread")
        fill_row(d, scratch)
        for item in range(d.items):
            one_item(d, item, x, w, out, call.stream, scratch)
        return 0
    team = Team()
    threads = threads_for(EARLY * d.work)
    with nogil:
        team.run(<k.fc_task *>some_items, NULL, &call, d.items, 1, threads)
    team.check()
    return 0


cdef struct Call:
    const Image *d
    const char *x
    const char *w
    char *out
    bint stream


cdef void some_items(void *_, const Call *call, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part of a call."""
    cdef char *scratch = team.scratch(call.d.scratch_bytes)
    if scratch != NULL:
        fill_row(call.d, scratch)
    while team.next(share):
        one_item(call.d, share.item, call.x, call.w, call.out, call.stream, scratch)
    if call.stream:
        fc_fence()


cdef void put(char *to, const char *source, ptrdiff_t number) noexcept nogil:
    """One number."""
    if number == 4:
        (<unsigned int *>to)[0] = (<const unsigned int *>source)[0]
    elif number == 8:
        (<unsigned long long *>to)[0] = (<const unsigned long long *>source)[0]
    else:
        memcpy(to, source, number)


cdef void fill_row(const Image *d, char *scratch) noexcept nogil:
    """The row that stands for every row outside."""
    cdef ptrdiff_t number = d.tools.number, i
    cdef char *row = scratch + d.table_bytes
    for i in range(d.fill_bytes // number):
        put(row + i * number, d.fill, number)


cdef void one_item(const Image *d, ptrdiff_t item, const char *x, const char *w, char *out,
                   bint stream, char *scratch) noexcept nogil:
    """A block of rows, or a part of their columns, of one position of the outer axes."""
    cdef const Axis *row = &d.axis[d.axes - 2]
    cdef const Axis *col = &d.axis[d.axes - 1]
    cdef const Axis *a
    cdef ptrdiff_t index[16]
    cdef ptrdiff_t first_col = item % d.chunks * d.chunk, rest = item // d.chunks
    cdef ptrdiff_t first_row = rest % d.blocks * d.block, i, z, t, at, rows, cols, count
    cdef const char *plane
    cdef const char *nowhere = scratch + d.table_bytes
    cdef const char **table = <const char **>scratch
    rest //= d.blocks
    rows = min(d.block, row.out - first_row)
    cols = min(d.chunk, col.out - first_col)
    count = rows + row.taps - 1
    for i in range(d.axes - 3, -1, -1):
        index[i] = rest % d.axis[i].out
        rest //= d.axis[i].out
        out += index[i] * d.axis[i].out_step
    out += first_row * row.out_step + first_col * col.out_step
    for z in range(d.planes):
        plane, rest = x, z
        for i in range(d.axes - 3, -1, -1):
            a = &d.axis[i]
            t = rest % a.taps
            rest //= a.taps
            at = k.fc_source_index(index[i] + t - a.before, a.size, a.mode)
            if at < 0:
                plane = NULL
                break
            plane += at * a.x_step
        for i in range(count):
            at = -1
            if plane != NULL:
                at = k.fc_source_index(first_row + i - row.before, row.size, row.mode)
            table[z * count + i] = nowhere if at < 0 else plane + at * row.x_step
    if d.lined:
        lined(d, table, count, w, out, rows, scratch)
    else:
        windows(d, table, count, w, out, first_col, rows, cols, stream, scratch)


cdef void windows(const Image *d, const char **table, ptrdiff_t count, const char *w, char *out,
                  ptrdiff_t first, ptrdiff_t rows, ptrdiff_t cols, bint stream,
                  char *scratch) noexcept nogil:
    """Columns whose windows lie inside straight from the image, the others through patches."""
    cdef const Axis *col = &d.axis[d.axes - 1]
    cdef ptrdiff_t lanes = d.tools.lanes, number = d.tools.number, wide
    cdef ptrdiff_t left = min(max(before_image(col) - first, 0), cols)
    cdef ptrdiff_t right = max(left, min(cols, col.out - beyond_image(col) - first))
    cdef int write = FC_IMAGE_STORE
    # stores that lie across two lines of the cache take twice as long
    if right - left >= 2 * LINE:
        while (<size_t>(out + left * number)) % LINE and left < right:
            left += 1
        write = FC_IMAGE_STREAM if stream else FC_IMAGE_STORE
    if right - left < lanes or d.gather:
        patched(d, table, count, w, out, first, rows, cols, scratch)
        return
    if left:
        wide = up(left, lanes)
        patched(d, table, count, w, out, first, rows, wide, scratch)
    if right < cols:
        wide = up(cols - right, lanes)
        patched(d, table, count, w, out + (cols - wide) * number, first + cols - wide, rows, wide,
                scratch)
    tiles(d, <const void **>table, count, w, out + left * number, first + left - col.before, rows,
          right - left, d.axis[d.axes - 2].out_step // number, write, False, buffer_of(d, scratch))


cdef char *buffer_of(const Image *d, char *scratch) noexcept nogil:
    return scratch + d.table_bytes + d.fill_bytes + d.patch_bytes


cdef void patched(const Image *d, const char **table, ptrdiff_t count, const char *w, char *out,
                  ptrdiff_t first, ptrdiff_t rows, ptrdiff_t cols, char *scratch) noexcept nogil:
    """Some columns by way of a copy with their borders."""
    cdef const Axis *col = &d.axis[d.axes - 1]
    cdef const char **patch_rows = table + d.planes * count
    gather(d, table, patch_rows, d.planes * count, first - col.before, cols + col.taps - 1, scratch)
    tiles(d, <const void **>patch_rows, count, w, out, 0, rows, cols,
          d.axis[d.axes - 2].out_step // d.tools.number, FC_IMAGE_STORE, False,
          buffer_of(d, scratch))


cdef void gather(const Image *d, const char **table, const char **to_table, ptrdiff_t count,
                 ptrdiff_t first, ptrdiff_t n, char *scratch) noexcept nogil:
    """Virtual columns first .. first + n of every row of the table, side by side; to_table: their rows."""
    cdef const Axis *col = &d.axis[d.axes - 1]
    cdef ptrdiff_t number = d.tools.number, i, j, at
    cdef ptrdiff_t begin = min(max(-first, 0), n), end = max(begin, min(n, col.size - first))
    cdef char *to = scratch + d.table_bytes + d.fill_bytes
    cdef const char *nowhere = scratch + d.table_bytes
    cdef const char *source
    for i in range(count):
        to_table[i] = to
        source = table[i]
        if source == nowhere:
            memcpy(to, nowhere, n * number)
        else:
            memcpy(to + begin * number, source + (first + begin) * number, (end - begin) * number)
            for j in range(begin):
                at = k.fc_source_index(first + j, col.size, col.mode)
                put(to + j * number, nowhere if at < 0 else source + at * number, number)
            for j in range(end, n):
                at = k.fc_source_index(first + j, col.size, col.mode)
                put(to + j * number, nowhere if at < 0 else source + at * number, number)
        to += d.pitch * number


cdef void tiles(const Image *d, const void **table, ptrdiff_t count, const char *w, char *out,
                ptrdiff_t at, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldc, int write, bint column,
                char *small) noexcept nogil:
    """rows x cols outputs; column: w is one column of taps, the rows' own columns are left alone."""
    cdef const Tools *tools = d.tools
    cdef ptrdiff_t lanes = tools.lanes, number = tools.number, r = 0, p, left, begin, many
    cdef int high, nv, kw1
    cdef fc_image_ukr *ukr
    cdef fc_image_taps taps
    taps.planes, taps.plane_rows, taps.kh = d.planes, count, d.axis[d.axes - 2].taps
    taps.kw = 1 if column else d.axis[d.axes - 1].taps
    kw1 = taps.kw == 1
    while r < rows:
        high = <int>min(<ptrdiff_t>d.rows, rows - r)
        while tools.tile[kw1][high][1] == NULL:
            high -= 1
        p = 0
        while p < cols:
            left = cols - p
            nv = 4 if left > 2 * lanes else 2 if left > lanes else 1
            while nv > 1 and (nv * lanes > cols or tools.tile[kw1][high][nv] == NULL):
                nv >>= 1
            ukr = tools.tile[kw1][high][nv]
            if d.special != NULL and nv == 4 and high == d.rows:
                ukr = d.special
            # the last tile of a row lies over its neighbour
            begin = max(min(p, cols - nv * lanes), 0)
            if nv * lanes > cols or taps.planes * taps.kh * taps.kw > TAP_BLOCK:
                by_blocks(d, ukr, high, nv, &taps, table + r, at + begin, w,
                          out + (r * ldc + begin) * number, ldc, min(cols, nv * lanes), small)
                begin += nv * lanes
            else:
                many = max(left // (nv * lanes), 1)
                ukr(&taps, table + r, at + begin, w, out + (r * ldc + begin) * number, ldc, many,
                    write if begin == p else FC_IMAGE_STORE)
                begin += many * nv * lanes
            p = begin
        r += high


cdef void by_blocks(const Image *d, fc_image_ukr *ukr, int rows, int nv, const fc_image_taps *taps,
                    const void **table, ptrdiff_t at, const char *w, char *out, ptrdiff_t ldc,
                    ptrdiff_t cols, char *small) noexcept nogil:
    """One tile in running sums of at most TAP_BLOCK taps, which are added up; or one wider than its row."""
    cdef ptrdiff_t number = d.tools.number, width = nv * d.tools.lanes, z, s, i
    cdef fc_image_taps part
    part.planes, part.plane_rows, part.kh = 1, taps.plane_rows, taps.kh
    if taps.planes * taps.kh * taps.kw <= TAP_BLOCK:
        ukr(taps, table, at, w, small, width, 1, FC_IMAGE_STORE)
    else:
        for z in range(taps.planes):
            s = 0
            while s < taps.kw:
                part.kw = min(d.tap_columns, taps.kw - s)
                ukr(&part, table + z * taps.plane_rows, at + s,
                    w + (z * taps.kw + s) * taps.kh * number,
                    small, width, 1, FC_IMAGE_ADD if z + s > 0 else FC_IMAGE_STORE)
                s += part.kw
    for i in range(rows):
        memcpy(out + i * ldc * number, small + i * width * number, cols * number)


# --- a column and a row of taps --------------------------------------------------------------


cdef void lined(const Image *d, const char **table, ptrdiff_t count, const char *w, char *out,
                ptrdiff_t rows, char *scratch) noexcept nogil:
    """Down the columns into a buffer, then along its rows."""
    cdef const Axis *row = &d.axis[d.axes - 2]
    cdef const Axis *col = &d.axis[d.axes - 1]
    cdef const Tools *tools = d.tools
    cdef ptrdiff_t number = tools.number, pitch = buffer_pitch(d), i, n, at, base = max(col.before, 0)
    cdef ptrdiff_t after = max(col.out - col.before + col.taps - 1 - col.size, 0)
    cdef char *small = buffer_of(d, scratch)
    cdef char *buffer = small + MOST_ROWS * MOST_VECTORS * tools.lanes * number
    cdef char *line
    cdef const char *end_w = w + d.planes * row.taps * number
    cdef char beside[16]
    if d.planes * row.taps == 1 and tools.kind >= 5 and number_of(tools.kind, w, 0) == 1:
        for i in range(rows):
            memcpy(buffer + (i * pitch + base) * number, table[i], col.size * number)
    else:
        at = 0
        while at < col.size:
            n = d.panel if col.size - at >= 2 * d.panel else col.size - at
            if d.gather:
                gather(d, table, table + d.planes * count, d.planes * count, at, n, scratch)
                tiles(d, <const void **>(table + d.planes * count), count, w,
                      buffer + (base + at) * number, 0, rows, n, pitch, FC_IMAGE_STORE, True, small)
            else:
                tiles(d, <const void **>table, count, w, buffer + (base + at) * number, at, rows, n,
                      pitch, FC_IMAGE_STORE, True, small)
            at += n
    if d.edge_given:
        memcpy(beside, d.edge, 16)
    elif col.mode == k.FC_PAD_FILL:
        by_blocks_fill(d, count, w, beside, scratch)
    for i in range(rows):
        line = buffer + (i * pitch + base) * number
        for at in range(-base, 0):
            edge(line, at, col, beside, number)
        for at in range(col.size, col.size + after):
            edge(line, at, col, beside, number)
        line += -col.before * number
        if col.out >= tools.lanes:
            filter_line(tools, col.taps, line, end_w, out + i * row.out_step, col.out)
        else:
            filter_line(tools, col.taps, line, end_w, small, tools.lanes)
            memcpy(out + i * row.out_step, small, col.out * number)


cdef inline void filter_line(const Tools *tools, ptrdiff_t taps, const char *line, const char *w,
                             char *out, ptrdiff_t n) noexcept nogil:
    """A row in running sums of at most TAP_BLOCK taps."""
    cdef ptrdiff_t t = min(taps, <ptrdiff_t>TAP_BLOCK), more
    tools.line(t, line, w, out, n, FC_IMAGE_STORE)
    while t < taps:
        more = min(taps - t, <ptrdiff_t>TAP_BLOCK)
        tools.line(more, line + t * tools.number, w + t * tools.number, out, n, FC_IMAGE_ADD)
        t += more


cdef inline void edge(char *line, ptrdiff_t at, const Axis *col, const char *beside,
                      ptrdiff_t number) noexcept nogil:
    cdef ptrdiff_t source = k.fc_source_index(at, col.size, col.mode)
    put(line + at * number, beside if source < 0 else line + source * number, number)


cdef void by_blocks_fill(const Image *d, ptrdiff_t count, const char *w, char *to,
                         char *scratch) noexcept nogil:
    """What the column of taps makes of the fill value."""
    cdef const char **table = <const char **>scratch + d.planes * count
    cdef ptrdiff_t i
    cdef fc_image_taps taps
    cdef char *small = buffer_of(d, scratch)
    for i in range(d.planes * count):
        table[i] = scratch + d.table_bytes
    taps.planes, taps.plane_rows, taps.kh, taps.kw = d.planes, count, d.axis[d.axes - 2].taps, 1
    d.tools.tile[1][1][1](&taps, <const void **>table, 0, w, small, 0, 1, FC_IMAGE_STORE)
    memcpy(to, small, d.tools.number)


# --- from Python ------------------------------------------------------------------------------


cdef class Job:
    """A filter for one set of operand steps.  Immutable once built."""
    def __init__(self, int kind, axes, bytes fill not None, bint lined, bytes edge=None):
        """axes: (size, out, taps, before, x step, out step, mode) from the outermost to the column axis; edge: what
        lies beside the rows between the two passes, where that is not what the column makes of the fill value."""
        cdef const Tools *tools = tools_of(kind)
        cdef int i
        if tools == NULL or not 2 <= len(axes) <= MOST_AXES:
            raise ValueError(f"no image microkernel for kind {kind} and {len(axes)} axes")
        memset(&self.image, 0, sizeof(Image))
        self.image.axes = len(axes)
        for i in range(len(axes)):
            (self.image.axis[i].size, self.image.axis[i].out, self.image.axis[i].taps,
             self.image.axis[i].before, self.image.axis[i].x_step, self.image.axis[i].out_step,
             self.image.axis[i].mode) = axes[i]
        memcpy(self.image.fill, <const char *>fill, min(len(fill), 16))
        self.image.lined = lined
        if edge is not None:
            self.image.edge_given = True
            memcpy(self.image.edge, <const char *>edge, min(len(edge), 16))
        prepare(&self.image, tools)

    @property
    def scratch_bytes(self):
        """Workspace of one thread."""
        return self.image.scratch_bytes

    def run(self, cnp.ndarray x not None, cnp.ndarray w not None, cnp.ndarray out not None):
        """Filter x into out; w: the taps as the microkernels read them, of the same type."""
        run(&self.image, <const char *>cnp.PyArray_DATA(x), <const char *>cnp.PyArray_DATA(w),
            <char *>cnp.PyArray_DATA(out))
