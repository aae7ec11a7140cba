# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""One filter over the planes of an array: images, volumes, and any number of batch axes.

out[o] = sum over t of x[o + t - before] * w[t], samples outside by the axis's border mode

Rows under a block of output rows are found through a table of pointers: a reflected row is a row of the image,
one outside a row of the fill value.  Only columns beside the left and right border are copied, into a patch.  A
product of a column and a row (``lined``) goes over a strip in two passes, by way of a buffer in the cache.  How the
work is cut: image_cut.pyx.
Stride and dilation 1, columns neighbours in memory; backends/_image.py leaves all else to direct.pyx.
"""
from libc.string cimport memcpy, memset
cimport numpy as cnp

from fastconv._core cimport kernels as k
from fastconv._core.cpu cimport EARLY, threads_for
from fastconv._core.image_cut cimport (
    FC_IMAGE_ADD, FC_IMAGE_STORE, FC_IMAGE_STREAM, IN_ORDER, IN_PAIRS, LINE, MOST_AXES, MOST_ROWS, MOST_VECTORS, TAP_BLOCK,
    Axis, Image, Tools, Way, before_image, beyond_image, buffer_pitch, fc_fence, fc_image_taps, fc_image_ukr, fc_ordered,
    fc_resident, number_of, prepare, tools_of, up, way_along, way_down)
from fastconv._core.job cimport Team

cnp.import_array()

cdef enum:
    ORDERED_BYTES = 64 * 1024       # of rows under columns that are summed in order


cdef int run(const Image *d, const char *x, const char *w, char *out) except -1:
    """Compute everything; the interpreter is released where it takes long."""
    cdef int threads
    cdef ptrdiff_t item
    cdef char *scratch
    cdef Call call
    cdef Team team
    call.d, call.x, call.w, call.out = d, x, w, out
    call.down, call.along = way_down(d, w), way_along(d, w)
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
            one_item(&call, item, scratch)
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
    Way down, along


cdef void some_items(void *_, const Call *call, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part of a call."""
    cdef char *scratch = team.scratch(call.d.scratch_bytes)
    if scratch != NULL:
        fill_row(call.d, scratch)
    while team.next(share):
        one_item(call, share.item, scratch)
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
    """The row that stands for every row outside, where there can be any."""
    cdef ptrdiff_t done = d.tools.number
    cdef char *row = scratch + d.table_bytes
    cdef bint outside = False
    cdef int i
    for i in range(d.axes):
        outside = outside or (d.axis[i].mode == k.FC_PAD_FILL and
                              (d.axis[i].taps > 1 or d.axis[i].before != 0 or d.axis[i].out > d.axis[i].size))
    if not outside:
        return
    put(row, d.fill, done)
    while done < d.fill_bytes:
        memcpy(row + done, row, min(done, d.fill_bytes - done))
        done *= 2


cdef void one_item(const Call *call, ptrdiff_t item, char *scratch) noexcept nogil:
    """A block of rows, or a part of their columns, of one position of the outer axes."""
    cdef const Image *d = call.d
    cdef char *out = call.out
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
        plane, rest = call.x, z
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
        lined(call, table, count, out, rows, scratch)
    elif call.down.order == IN_PAIRS:
        d.tools.pair_columns(row.taps, call.down.symmetry, not call.down.exact, <const void **>table, first_col, call.w, out,
                             row.out_step // d.tools.number, rows, cols, pairs_of_item(d, scratch))
    else:
        windows(call, table, count, out, first_col, rows, cols, scratch)


cdef void windows(const Call *call, const char **table, ptrdiff_t count, char *out, ptrdiff_t first,
                  ptrdiff_t rows, ptrdiff_t cols, char *scratch) noexcept nogil:
    """Columns whose windows lie inside straight from the image, the others through patches."""
    cdef const Image *d = call.d
    cdef const Axis *col = &d.axis[d.axes - 1]
    cdef ptrdiff_t lanes = d.tools.lanes, number = d.tools.number, wide
    cdef ptrdiff_t left = min(max(before_image(col) - first, 0), cols)
    cdef ptrdiff_t right = max(left, min(cols, col.out - beyond_image(col) - first))
    cdef int write = FC_IMAGE_STORE
    # stores that lie across two lines of the cache take twice as long
    if right - left >= 2 * LINE:
        while (<size_t>(out + left * number)) % LINE and left < right:
            left += 1
        write = FC_IMAGE_STREAM if call.stream else FC_IMAGE_STORE
    if right - left < lanes or d.gather:
        patched(call, table, count, out, first, rows, cols, scratch)
        return
    if left:
        wide = up(left, lanes)
        patched(call, table, count, out, first, rows, wide, scratch)
    if right < cols:
        wide = up(cols - right, lanes)
        patched(call, table, count, out + (cols - wide) * number, first + cols - wide, rows, wide, scratch)
    tiles(call, <const void **>table, count, out + left * number, first + left - col.before, rows, right - left,
          d.axis[d.axes - 2].out_step // number, write, False, scratch)


cdef char *buffer_of(const Image *d, char *scratch) noexcept nogil:
    return scratch + d.table_bytes + d.fill_bytes + d.patch_bytes


cdef char *pairs_of_item(const Image *d, char *scratch) noexcept nogil:
    return buffer_of(d, scratch) + d.buffer_bytes


cdef ptrdiff_t *sources_of(const Image *d, char *scratch) noexcept nogil:
    return <ptrdiff_t *>(pairs_of_item(d, scratch) + d.pair_bytes)


cdef void patched(const Call *call, const char **table, ptrdiff_t count, char *out, ptrdiff_t first,
                  ptrdiff_t rows, ptrdiff_t cols, char *scratch) noexcept nogil:
    """Some columns by way of a copy with their borders."""
    cdef const Image *d = call.d
    cdef const Axis *col = &d.axis[d.axes - 1]
    cdef const char **patch_rows = table + d.planes * count
    gather(d, table, patch_rows, d.planes * count, first - col.before, cols + col.taps - 1, scratch)
    tiles(call, <const void **>patch_rows, count, out, 0, rows, cols, d.axis[d.axes - 2].out_step // d.tools.number,
          FC_IMAGE_STORE, False, scratch)


cdef void gather(const Image *d, const char **table, const char **to_table, ptrdiff_t count,
                 ptrdiff_t first, ptrdiff_t n, char *scratch) noexcept nogil:
    """Virtual columns first .. first + n of every row of the table, side by side; to_table: their rows."""
    cdef const Axis *col = &d.axis[d.axes - 1]
    cdef ptrdiff_t number = d.tools.number, i
    cdef ptrdiff_t begin = min(max(-first, 0), n), end = max(begin, min(n, col.size - first))
    cdef char *to = scratch + d.table_bytes + d.fill_bytes
    cdef const char *nowhere = scratch + d.table_bytes
    cdef ptrdiff_t *sources = sources_of(d, scratch)
    find_sources(col, first, begin, sources)
    find_sources(col, first + end, n - end, sources + begin)
    for i in range(count):
        to_table[i] = to
        if table[i] == nowhere:
            memcpy(to, nowhere, n * number)
        else:
            edge(to, begin, sources, table[i], nowhere, number)
            memcpy(to + begin * number, table[i] + (first + begin) * number, (end - begin) * number)
            edge(to + end * number, n - end, sources + begin, table[i], nowhere, number)
        to += d.pitch * number


cdef void find_sources(const Axis *col, ptrdiff_t first, ptrdiff_t n, ptrdiff_t *to) noexcept nogil:
    """Where the samples at virtual columns first .. first + n lie, the same for every row; -1: nowhere."""
    cdef ptrdiff_t i
    for i in range(n):
        to[i] = k.fc_source_index(first + i, col.size, col.mode)


cdef void edge(char *to, ptrdiff_t n, const ptrdiff_t *sources, const char *line, const char *outside,
               ptrdiff_t number) noexcept nogil:
    """n numbers of a line, or what lies outside."""
    cdef ptrdiff_t i
    for i in range(n):
        put(to + i * number, outside if sources[i] < 0 else line + sources[i] * number, number)


cdef void tiles(const Call *call, const void **table, ptrdiff_t count, char *out, ptrdiff_t at, ptrdiff_t rows,
                ptrdiff_t cols, ptrdiff_t ldc, int write, bint column, char *scratch) noexcept nogil:
    """rows x cols outputs; column: w begins with one column of taps, the rows' own columns are left alone."""
    cdef const Image *d = call.d
    cdef const Tools *tools = d.tools
    cdef const char *w = call.w
    cdef char *small = buffer_of(d, scratch)
    cdef ptrdiff_t lanes = tools.lanes, number = tools.number, r = 0, p, left, begin, many
    cdef int high, nv, kw1
    cdef fc_image_ukr *ukr
    cdef fc_image_taps taps
    taps.planes, taps.plane_rows, taps.kh = d.planes, count, d.axis[d.axes - 2].taps
    taps.kw = 1 if column else d.axis[d.axes - 1].taps
    kw1 = taps.kw == 1
    if call.down.order == IN_ORDER and kw1:
        in_order(call, table, at, out, ldc, rows, cols, write, small)
        return
    if d.planes * taps.kh == 1 and taps.kw > 1 and (cols >= lanes or call.along.order == IN_ORDER):
        along(call, <const char *>table[0] + at * number,
              (<const char *>table[1] - <const char *>table[0]) // number if rows > 1 else 0, w, out, ldc, rows, cols,
              write, scratch)
        return
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


cdef void lined(const Call *call, const char **table, ptrdiff_t count, char *out, ptrdiff_t rows,
                char *scratch) noexcept nogil:
    """Down the columns into a buffer, then along its rows."""
    cdef const Image *d = call.d
    cdef const Axis *row = &d.axis[d.axes - 2]
    cdef const Axis *col = &d.axis[d.axes - 1]
    cdef const Tools *tools = d.tools
    cdef const char *w = call.w
    cdef ptrdiff_t number = tools.number, pitch = buffer_pitch(d), i, base = max(col.before, 0)
    cdef ptrdiff_t after = max(col.out - col.before + col.taps - 1 - col.size, 0)
    cdef char *small = buffer_of(d, scratch)
    cdef char *buffer = small + MOST_ROWS * MOST_VECTORS * tools.lanes * number
    cdef char *line
    cdef char beside[16]
    cdef ptrdiff_t *sources = sources_of(d, scratch)
    down(call, table, count, buffer + base * number, pitch, rows, scratch)
    if d.edge_given:
        memcpy(beside, d.edge, 16)
    elif col.mode == k.FC_PAD_FILL:
        by_blocks_fill(call, count, beside, scratch)
    find_sources(col, -base, base, sources)
    find_sources(col, col.size, after, sources + base)
    for i in range(rows):
        line = buffer + (i * pitch + base) * number
        edge(line - base * number, base, sources, line, beside, number)
        edge(line + col.size * number, after, sources + base, line, beside, number)
    buffer += (base - col.before) * number
    w += d.planes * row.taps * number
    if col.out >= tools.lanes or call.along.order == IN_ORDER:
        along(call, buffer, pitch, w, out, row.out_step // number, rows, col.out, FC_IMAGE_STORE, scratch)
        return
    for i in range(rows):
        filter_line(tools, col.taps, buffer + i * pitch * number, w, small, tools.lanes, FC_IMAGE_STORE)
        memcpy(out + i * row.out_step, small, col.out * number)


cdef void along(const Call *call, const char *x, ptrdiff_t x_step, const char *w, char *out, ptrdiff_t out_step,
                ptrdiff_t rows, ptrdiff_t cols, int write, char *scratch) noexcept nogil:
    """The row of taps, cols outputs of each row; steps in numbers."""
    cdef const Tools *tools = call.d.tools
    cdef ptrdiff_t taps = call.d.axis[call.d.axes - 1].taps, i
    cdef fc_ordered o
    if call.along.order == IN_PAIRS:
        tools.pair_lines(taps, call.along.symmetry, not call.along.exact, x, x_step, w, out, out_step, rows, cols,
                         pairs_of_item(call.d, scratch))
        return
    if call.along.order == IN_ORDER:
        o.taps, o.symmetry, o.w, o.rows, o.step = taps, call.along.symmetry, w, NULL, 1
        for i in range(rows):
            o.x = x + i * x_step * tools.number
            one_in_order(tools, &o, out + i * out_step * tools.number, cols, write, buffer_of(call.d, scratch))
        return
    for i in range(rows):
        filter_line(tools, taps, x + i * x_step * tools.number, w, out + i * out_step * tools.number, cols, write)


cdef void down(const Call *call, const char **table, ptrdiff_t count, char *to, ptrdiff_t pitch,
               ptrdiff_t rows, char *scratch) noexcept nogil:
    """The column of taps, panel by panel."""
    cdef const Image *d = call.d
    cdef const Tools *tools = d.tools
    cdef ptrdiff_t number = tools.number, cols = d.axis[d.axes - 1].size, at = 0, n
    cdef const char **source = table
    if call.down.order == IN_PAIRS:
        tools.pair_columns(count - rows + 1, call.down.symmetry, not call.down.exact, <const void **>table, 0, call.w, to,
                           pitch, rows, cols, pairs_of_item(d, scratch))
        return
    while at < cols:
        n = d.panel if cols - at >= 2 * d.panel and (d.gather or call.down.order != IN_ORDER) else cols - at
        if d.gather:
            source = table + d.planes * count
            gather(d, table, source, d.planes * count, at, n, scratch)
        tiles(call, <const void **>source, count, to + at * number, 0 if d.gather else at, rows, n, pitch,
              FC_IMAGE_STORE, True, scratch)
        at += n


cdef void in_order(const Call *call, const void **table, ptrdiff_t at, char *out, ptrdiff_t ldc, ptrdiff_t rows,
                   ptrdiff_t cols, int write, char *small) noexcept nogil:
    """The column of taps, as many columns at a time as stay in the cache from one row of results to the next."""
    cdef const Tools *tools = call.d.tools
    cdef ptrdiff_t taps = call.d.axis[call.d.axes - 2].taps, p = 0, n, r
    cdef ptrdiff_t wide = max(up(ORDERED_BYTES // ((taps + 1) * tools.number), LINE), 2 * LINE)
    cdef fc_ordered o
    o.taps, o.symmetry, o.w = taps, call.down.symmetry, call.w
    while p < cols:
        n = wide if cols - p >= wide + tools.lanes else cols - p
        o.at = at + p
        for r in range(rows):
            o.rows = table + r
            one_in_order(tools, &o, out + (r * ldc + p) * tools.number, n, write, small)
        p += n


cdef void one_in_order(const Tools *tools, fc_ordered *o, char *out, ptrdiff_t n, int write, char *small) noexcept nogil:
    """A row of n results, by way of `small` where they make no vector."""
    o.y = out if n >= tools.lanes else small
    tools.ordered(o, n, write if n >= tools.lanes else FC_IMAGE_STORE)
    if n < tools.lanes:
        memcpy(out, small, n * tools.number)


cdef void filter_line(const Tools *tools, ptrdiff_t taps, const char *line, const char *w, char *out, ptrdiff_t n,
                      int write) noexcept nogil:
    """A row in running sums of at most TAP_BLOCK taps."""
    cdef ptrdiff_t t = min(taps, <ptrdiff_t>TAP_BLOCK), more
    tools.line(t, line, w, out, n, write)
    while t < taps:
        more = min(taps - t, <ptrdiff_t>TAP_BLOCK)
        tools.line(more, line + t * tools.number, w + t * tools.number, out, n, FC_IMAGE_ADD)
        t += more


cdef void by_blocks_fill(const Call *call, ptrdiff_t count, char *to, char *scratch) noexcept nogil:
    """What the column of taps makes of the fill value."""
    cdef const Image *d = call.d
    cdef const char **table = <const char **>scratch + d.planes * count
    cdef ptrdiff_t i
    cdef fc_image_taps taps
    cdef char *small = buffer_of(d, scratch)
    for i in range(d.planes * count):
        table[i] = scratch + d.table_bytes
    if call.down.order == IN_ORDER:
        in_order(call, <const void **>table, 0, to, 0, 1, 1, FC_IMAGE_STORE, small)
        return
    taps.planes, taps.plane_rows, taps.kh, taps.kw = d.planes, count, d.axis[d.axes - 2].taps, 1
    d.tools.tile[1][1][1](&taps, <const void **>table, 0, call.w, small, 0, 1, FC_IMAGE_STORE)
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
