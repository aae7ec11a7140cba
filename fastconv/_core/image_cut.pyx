# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""How the image driver cuts its work: microkernels by number type, tiles, items, panels, and the scratch of a thread."""
from fastconv._core cimport kernels as k
from fastconv._core.cpu cimport isa_index

cdef enum:
    STRIP_BYTES = 256 * 1024    # rows under a tile: they should stay in the L2 cache
    PANEL_BYTES = 48 * 1024
    LINED_BYTES = 128 * 1024    # the buffer between the two passes
    MOST_WORK = 1 << 29     # multiply-adds of an item: Ctrl-C is noticed between two
    MOST_BLOCK = 96         # rows of an item
    MOVED = 8               # multiply-adds in the time of a number read and written
    # streamed stores save reads, and lose where the result would have stayed in the L3 cache: in and out
    STREAM_BYTES = 32 * 1024 * 1024
    # and take three times as long where the rows of a tile fall into one set of the first-level cache, or nearly
    # so (Zen 3, rows of 2560, 4096, 4112, 4608 numbers)
    STREAM_SETS = 2048
    STREAM_APART = 256
    # Samples under taps that read the same from both ends are added in pairs. Fewer taps gain nothing: samples are
    # copied, down the columns, and turned, along rows, for it (asv_bench/tools/pair_taps.py). Where the other way is
    # in order, without the tiles' register blocks, fewer taps are enough (the same tool with --dtype float64, on two builds
    # that differ in these).
    DOWN_PAIRS = 25
    LINE_PAIRS = 97
    DOWN_ORDERED = 11
    LINE_ORDERED = 49
    PAIR_ROWS = 48          # of an item: they are copied into the first-level cache
    MOST_PAIRS = 2 * TAP_BLOCK
    F32 = 5                 # fc_kind

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
        t.line, t.ordered, t.cast, t.box_add, t.box_line, t.pair_columns, t.pair_lines = (
            lines[i].run, lines[i].ordered, lines[i].cast, lines[i].box_add, lines[i].box_line,
            lines[i].pair_columns, lines[i].pair_lines)


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
    cdef ptrdiff_t number = tools.number, outer = 1, samples, outputs, table_rows, most, wide
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
        most = max(LINED_BYTES // max(1, (col.out + col.taps) * number), up(row.taps // 2, d.rows))
        # whole tiles of rows, or whole groups of rows that are turned
        wide = d.rows if col.taps < LINE_ORDERED else 3 * tools.lanes if most >= 3 * tools.lanes else tools.lanes
        d.block = min(up(d.block, wide), max(most // wide * wide, wide))
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
        if col.taps == 1:
            d.block = min(d.block, <ptrdiff_t>PAIR_ROWS)
        elif d.planes * row.taps == 1:
            d.block = up(d.block, tools.lanes)      # they may be turned
        while 0 < col.out % d.chunk < tools.lanes and d.chunk < col.out:
            d.chunk += LINE     # or the last columns make no vector
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
    if tools.pair_columns != NULL and (d.lined or col.taps == 1 or d.planes * row.taps == 1):
        d.pair_bytes = max(FC_PAIR_SCRATCH(d.block, row.taps), FC_PAIR_SCRATCH(FC_PAIR_COLUMNS, col.taps))
    d.buffer_bytes = up(d.buffer_bytes, LINE)
    d.edge_bytes = sizeof(ptrdiff_t) * max(d.pitch, buffer_pitch(d) - col.size)
    d.scratch_bytes = d.table_bytes + d.patch_bytes + d.fill_bytes + d.buffer_bytes + d.pair_bytes + d.edge_bytes


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


cdef int mirrored(int kind, const char *w, ptrdiff_t taps) noexcept nogil:
    """1: the taps read the same from both ends, -1: with another sign, in every bit; 0: neither."""
    cdef int sign = 0
    cdef ptrdiff_t i
    cdef double one, other
    for i in range((taps + 1) // 2):
        one, other = number_of(kind, w, i), number_of(kind, w, taps - 1 - i)
        if one == 0 and other == 0:
            continue
        if one == other and sign >= 0:
            sign = 1
        elif one == -other and sign <= 0:
            sign = -1
        else:
            return 0
    return sign


cdef Way way_of(const Image *d, const char *w, ptrdiff_t taps, bint down, bint whole) noexcept nogil:
    """How the taps of one axis, 0 where they are not apart from the others', are summed; whole: there are as many columns
    of results as of samples."""
    cdef Way way
    cdef bint ordered
    cdef int least
    way.order, way.symmetry, way.exact = BY_TILES, 0, d.exact and taps % 2
    if d.tools.pair_columns != NULL:
        way.symmetry = mirrored(d.tools.kind, w, taps)
    if way.symmetry == 0:
        return way
    ordered = way.exact or way.symmetry < 0 and d.tools.kind == F32 and taps % 2 and taps <= TAP_BLOCK
    if down:
        least = DOWN_ORDERED if ordered else DOWN_PAIRS
    else:
        least = LINE_ORDERED if ordered else LINE_PAIRS
    if whole and least <= taps <= MOST_PAIRS:
        way.order = IN_PAIRS
    elif ordered:
        way.order = IN_ORDER
    return way


cdef Way way_down(const Image *d, const char *w) noexcept nogil:
    """way_of the taps down the columns."""
    cdef const Axis *col = &d.axis[d.axes - 1]
    cdef ptrdiff_t taps = d.axis[d.axes - 2].taps if d.planes == 1 and (d.lined or col.taps == 1) else 0
    return way_of(d, w, taps, True, col.size >= d.tools.lanes and (d.lined or col.size == col.out))


cdef Way way_along(const Image *d, const char *w) noexcept nogil:
    """way_of the taps along the rows."""
    cdef const Axis *col = &d.axis[d.axes - 1]
    cdef ptrdiff_t down = d.planes * d.axis[d.axes - 2].taps
    return way_of(d, w + (down * d.tools.number if d.lined else 0), col.taps if d.lined or down == 1 else 0, False,
                  col.out >= d.tools.lanes)
