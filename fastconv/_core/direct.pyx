# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Direct convolution: strips of the input are laid out for the tap microkernel, tile by tile.

out[n, g, k, o] = activation(bias[g, k] + sum over c, t of x[n, g, c, o * stride + delta[t]] * w[g, k, c, t])

One item of work is one strip of output rows of one (image, group, outer position).  The strip's
input is gathered into the thread's scratch: converted to the compute type, borders filled in,
columns and rows sorted by phase so that the samples of neighbouring outputs are neighbours.  A
table of offsets, one per tap, then makes every rank, stride and dilation (and each phase of a
transposed convolution) the same product.  A Job belongs to one set of strides; backends/direct.py
builds it and keeps it with the plan.
"""
cimport cython
from libc.stdint cimport int32_t
cimport numpy as cnp

from fastconv._core cimport kernels as k
from fastconv._core.cpu cimport EARLY, isa_index, threads_for
from fastconv._core.job cimport (
    ROW_TILE, TAP_BLOCK, Block, Buffer, Team, Tiles, buffer_of, fill_reader, pixel_tiles,
    table)

cnp.import_array()


cdef enum:
    PACKED_CHANNELS = 8         # whose weights stay in the L1 cache while phases are packed in turn


cdef ptrdiff_t ceil_div(ptrdiff_t a, ptrdiff_t b) noexcept nogil:
    return (a + b - 1) // b     # C division: -(-a // b) would round down


cdef bint evenly(const ptrdiff_t *at, ptrdiff_t count, ptrdiff_t size) noexcept nogil:
    """Whether places lie a whole number of numbers of that size apart, all alike."""
    cdef ptrdiff_t i
    if count < 2:
        return True
    if (at[1] - at[0]) % size:
        return False
    for i in range(2, count):
        if at[i] - at[i - 1] != at[1] - at[0]:
            return False
    return True


cdef void set_axis(k.fc_axis *axis, spec) except *:
    axis.length, axis.upsample, axis.step_bytes, axis.mode = spec


ctypedef struct Packing:
    const char *w
    char *to
    bint bad                    # not all finite


cdef void _pack_blocks(Job self, Packing *call, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part of the weights."""
    cdef ptrdiff_t rest
    while team.next(share):
        rest = share.item // self.tiles.count
        if not self._pack_phases(&self.phase[rest // self.g_count * self.group], &self.tiles.blocks[share.item % self.tiles.count],
                                 rest % self.g_count, call.w, call.to):
            call.bad = True


cdef void _items(Job self, const Call *call, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part of a call."""
    cdef char *scratch = team.scratch(call.nbytes)
    if scratch != NULL:
        (<ptrdiff_t *>scratch)[0] = -1      # the strip that it holds
    while team.next(share):
        self._item(share.item, scratch, call, team, share.caller)


cdef class Job:
    """One convolution for one set of operand strides.  Immutable once built."""
    def _set_in_place(self, ptrdiff_t row, ptrdiff_t col, const int32_t[::1] off):
        cdef Buffer b = buffer_of(len(off) * sizeof(int32_t))
        self.keep.append(b)
        self.in_place_row, self.in_place_col, self.in_place_off = row, col, <int32_t *>b.data
        for i in range(len(off)):
            self.in_place_off[i] = off[i]

    def __init__(self, int phases, *, int kind, reader, int out_type, int activation,
                 ptrdiff_t k_count, ptrdiff_t channels, ptrdiff_t x_channel_bytes,
                 x_n, x_g, out_n, out_g, out_k, w_g, w_k, ptrdiff_t parts, bint weightless, bint plain_type,
                 ptrdiff_t group, ptrdiff_t sum_block=TAP_BLOCK, in_place=None, bint checked=True):
        """checked: whether weights are looked at for NaN and infinity; in_place: None, or numbers from row to row, column
        to column and to each channel (an array); group: so many phases in turn share what is gathered; sum_block: taps
        of a running sum."""
        self.keep = []
        self.group = group
        self.in_place = in_place is not None
        if self.in_place:
            self._set_in_place(*in_place)
        cdef Buffer b = buffer_of(phases * sizeof(Phase))
        self.keep.append(b)
        self.phase = <Phase *>b.data
        self.first_item = table(self.keep, [0] * (phases + 1))
        self.phases = phases
        self.tiles = self._tiles(kind, k_count)
        self.tiles.sum_block = sum_block
        memory_type, is_complex, swapped, fill = reader
        fill_reader(&self.reader, kind, memory_type, is_complex, swapped, fill)
        self.finish = k.fc_finish_find(kind, out_type)
        self.activation, self.checked, self.unpacked = activation, checked, True
        self.k_count, self.channels, self.x_channel_bytes = k_count, channels, x_channel_bytes
        self.x_n, self.x_g = table(self.keep, x_n), table(self.keep, x_g)
        self.out_n, self.out_g = table(self.keep, out_n), table(self.keep, out_g)
        self.out_k = table(self.keep, out_k)
        self.w_g, self.w_k = table(self.keep, w_g), table(self.keep, w_k)
        if k_count < 2:
            self.filter_step = 1    # no tile meets a second filter
        elif evenly(self.w_k, k_count, self.tiles.number_bytes):
            self.filter_step = (self.w_k[1] - self.w_k[0]) // self.tiles.number_bytes
        self.n_count, self.g_count = len(x_n), len(x_g)
        self.parts = max(1, min(parts, self.tiles.count))
        self.weightless, self.plain_type = weightless, plain_type
        self._find_row_tiles()

    def add_phase(self, *, outer, row, col, off, weight_offsets, ptrdiff_t out_bytes,
                  ptrdiff_t row_taps, ptrdiff_t col_taps, ptrdiff_t col_gap, ptrdiff_t plane_size):
        """outer: (counts, strides, out steps, axes, plane deltas); row, col: (axis, stride,
        segments, outputs, outputs of a strip, out step); off, weight_offsets: one per tap.
        row_taps: rows of the kernel where they are neighbours in the strip and come last in the
        order of taps, else 0; col_gap: packed samples from one output of a row to the next;
        plane_size: numbers from one packed plane to the next."""
        cdef Phase *f = &self.phase[self.ready]
        cdef Buffer b
        cdef ptrdiff_t i
        cdef int side
        counts, strides, steps, axes, deltas = outer
        f.outer = len(counts)
        f.outer_n, f.outer_stride = table(self.keep, counts), table(self.keep, strides)
        f.outer_out_bytes = table(self.keep, steps)
        b = buffer_of(f.outer * sizeof(k.fc_axis))
        self.keep.append(b)
        f.outer_axis = <k.fc_axis *>b.data
        f.outer_positions = 1
        for i in range(f.outer):
            set_axis(&f.outer_axis[i], axes[i])
            f.outer_positions *= f.outer_n[i]
        f.planes = len(deltas)
        f.plane_delta = table(self.keep, [d for delta in deltas for d in delta])
        for side in range(2):
            axis, stride, segments, outputs, strip, step = (row, col)[side]
            b = buffer_of(len(segments) * sizeof(Segment))
            self.keep.append(b)
            self._set_segments(<Segment *>b.data, segments)
            if side == 0:
                set_axis(&f.row, axis)
                f.row_stride, f.oh, f.strip_rows, f.out_row_bytes = stride, outputs, strip, step
                f.row_segments, f.row_segment = len(segments), <Segment *>b.data
            else:
                set_axis(&f.col, axis)
                f.col_stride, f.ow, f.strip_cols, f.out_col_bytes = stride, outputs, strip, step
                f.col_segments, f.col_segment = len(segments), <Segment *>b.data
        f.pitch = sum([s[1] for s in col[2]])
        f.plane_size = plane_size
        f.taps = len(off)
        f.out_bytes, f.row_taps, f.col_taps, f.col_gap = out_bytes, row_taps, col_taps, col_gap
        self._set_taps(f, off, weight_offsets)
        self._set_items(f)

    cdef void _set_segments(self, Segment *s, segments) except *:
        cdef ptrdiff_t i, base = 0
        for i in range(len(segments)):
            s[i].first, s[i].count = segments[i]
            s[i].base = base
            base += s[i].count

    cdef void _set_taps(self, Phase *f, off, weight_offsets) except *:
        cdef Buffer b = buffer_of(f.taps * sizeof(int32_t))
        cdef const int32_t[::1] view = off
        cdef ptrdiff_t i
        self.keep.append(b)
        f.off = <int32_t *>b.data
        for i in range(f.taps):
            f.off[i] = view[i]
        if f.row_taps:
            b = buffer_of(f.col_taps * sizeof(int32_t))
            self.keep.append(b)
            f.col_off = <int32_t *>b.data
            for i in range(f.col_taps):     # of row 0, relative to the first column tap
                f.col_off[i] = f.off[i * f.row_taps] - f.off[0] if f.taps else 0
        f.weight_bytes = table(self.keep, weight_offsets)
        f.in_order = f.taps == 1 or f.taps > 1 and evenly(f.weight_bytes, f.taps, self.tiles.number_bytes) and \
            f.weight_bytes[1] - f.weight_bytes[0] == self.tiles.number_bytes
        f.packed_bytes = self.packed_bytes
        f.group_bytes = 0 if self.weightless else \
            self.tiles.total_width * f.taps * self.tiles.planes * self.tiles.number_bytes
        self.packed_bytes += self.g_count * f.group_bytes

    cdef void _set_items(self, Phase *f) except *:
        cdef ptrdiff_t b
        f.row_strips = ceil_div(f.oh, f.strip_rows) if f.oh else 0
        f.col_strips = ceil_div(f.ow, f.strip_cols) if f.ow else 0
        self.work += <double>self.n_count * self.g_count * f.outer_positions * f.oh * f.ow * \
            self.k_count * f.taps * (4 if self.tiles.planes == 2 else 1)
        self._size(f)
        self.x_bytes = self.x_plane_bytes * self.tiles.planes
        for b in range(self.tiles.count):
            self.unpacked = self.unpacked and self._as_they_came(
                f, &self.tiles.blocks[b], f.ow - (f.col_strips - 1) * f.strip_cols)
        self.panel_bytes = max(self.panel_bytes, self._panel_bytes(f))
        cdef ptrdiff_t strips = self.n_count * f.outer_positions * f.row_strips * f.col_strips
        if self.ready % self.group == 0:    # the first phase of an item
            self.items += strips * self.g_count * self.parts
        # phases that belong together read the same lines of the weights
        self.repeats = max(self.repeats, strips * self.group)
        self.ready += 1
        self.first_item[self.ready] = self.items

    cdef void _find_row_tiles(self) except *:
        cdef int count, i
        cdef const k.fc_row_row *rows = k.fc_row_rows(isa_index(), &count)
        for i in range(count):
            if rows[i].kind == self.tiles.kind and rows[i].kh == 0:
                self.row_tile[rows[i].rows][rows[i].nv] = &rows[i]
                self.row_lanes = rows[i].lanes

    cdef Tiles _tiles(self, int kind, ptrdiff_t channels):
        return pixel_tiles(kind, channels)

    cdef ptrdiff_t _narrow(self) noexcept nogil:
        """Pixels of the smallest tile."""
        return self.tiles.blocks[0].narrow_pixels if self.tiles.count else 1

    cdef void _size(self, Phase *f) except *:
        """Whether rows are joined, and what a strip takes in scratch."""
        cdef ptrdiff_t wide = self.tiles.max_pixels
        cdef ptrdiff_t flat_pixels = (f.strip_rows - 1) * f.pitch + f.strip_cols
        cdef ptrdiff_t narrow = self._narrow(), b
        cdef ptrdiff_t row_pixels = ceil_div(f.strip_cols, narrow) * narrow
        f.flat = ceil_div(flat_pixels, narrow) * narrow <= f.strip_rows * row_pixels
        f.ldc = (flat_pixels if f.flat else f.strip_rows * (f.strip_cols + wide)) + wide
        cdef ptrdiff_t plane = (self.channels * f.planes * f.plane_size + wide) * \
            self.tiles.number_bytes
        self.x_plane_bytes = max(self.x_plane_bytes, ceil_div(plane, 64) * 64)
        self.c_bytes = max(self.c_bytes, self.tiles.max_width * self.tiles.planes * f.ldc *
                           self.tiles.number_bytes)
        for b in range(self.tiles.count):
            self.in_place = self.in_place and self._exact(f, &self.tiles.blocks[b], narrow)
        if f.row_taps:      # row tiles take whole vectors of every row
            self.c_bytes = max(self.c_bytes, f.strip_rows * (f.strip_cols + self.row_lanes) *
                               self.tiles.number_bytes)

    @property
    def scratch_bytes(self):
        """Workspace of one thread."""
        return self.x_bytes + self.c_bytes + 64

    # --- weights --------------------------------------------------------------------------

    def pack(self, cnp.ndarray w not None, cnp.ndarray out not None):
        """Lay the weights (compute type, C-contiguous) out tile by tile; False: not all finite."""
        cdef Packing call
        cdef ptrdiff_t blocks = self.phases // self.group * self.g_count * self.tiles.count
        cdef int threads = threads_for(<double>self.packed_bytes * 4)
        cdef Team team = Team()
        cdef void *job = <void *>self
        call.w, call.to = <const char *>cnp.PyArray_DATA(w), <char *>cnp.PyArray_DATA(out)
        call.bad = False
        with nogil:
            team.run(<k.fc_task *>_pack_blocks, job, &call, blocks, max(1, blocks // (threads * 8)), threads)
        team.check()
        return not call.bad

    cdef bint _pack_phases(self, const Phase *f, const Block *b, ptrdiff_t g, const char *w, char *to) noexcept nogil:
        """A block's weights of the phases of an item, f the first, a few channels at a time: their taps lie side by
        side. False: not all finite."""
        cdef ptrdiff_t number = self.tiles.planes * self.tiles.number_bytes, c = 0, end, taps, q
        cdef ptrdiff_t some = PACKED_CHANNELS if self.group > 1 else self.channels
        cdef const Phase *e
        cdef bint finite = True
        while c < self.channels:
            end = min(c + some, self.channels)
            for q in range(self.group):
                e = f + q
                taps = e.taps // self.channels
                finite &= self._pack(e, b, w + self.w_g[g], c * taps, (end - c) * taps,
                                     to + e.packed_bytes + g * e.group_bytes +
                                     (b.at * e.taps + c * taps * b.width) * number)
            c = end
        return finite

    cdef bint _pack(self, const Phase *f, const Block *b, const char *raw, ptrdiff_t first,
                    ptrdiff_t count, char *to) noexcept nogil:
        """A block's weights of some taps, from those of its group; False: not all finite."""
        k.fc_pack_weights(to, raw, self.w_k + b.k0, f.weight_bytes + first, count, b.mr, b.width,
                          self.tiles.planes * self.tiles.number_bytes)
        # looked at while the block is still in the cache
        return not self.checked or k.fc_all_finite(self.tiles.kind, to, count * b.width * self.tiles.planes)

    # --- running --------------------------------------------------------------------------

    def run(self, cnp.ndarray x_array not None, cnp.ndarray packed_array, cnp.ndarray bias_array,
            cnp.ndarray out_array not None, cnp.ndarray raw_array=None):
        """Compute everything; the interpreter is released.  Without packed weights, panels of the raw
        ones are packed on the way; False: those were not all finite."""
        cdef Call call
        cdef int threads = threads_for(EARLY * self.work), bad = 0
        cdef Team team = Team()
        cdef void *job = <void *>self
        call.nbytes = self.scratch_bytes
        call.x, call.out = <const char *>cnp.PyArray_DATA(x_array), <char *>cnp.PyArray_DATA(out_array)
        call.packed = call.raw = call.bias = NULL
        call.bad = &bad
        if packed_array is not None:
            call.packed = <const char *>cnp.PyArray_DATA(packed_array)
        if raw_array is not None:
            call.raw = <const char *>cnp.PyArray_DATA(raw_array)
            call.nbytes += self.panel_bytes
        if bias_array is not None:
            call.bias = <const char *>cnp.PyArray_DATA(bias_array)
        # where there are enough strips, all parts of one go to the thread that has gathered it
        cdef ptrdiff_t unit = self.parts if self.items >= 4 * threads * self.parts else 1
        with nogil:
            team.run(<k.fc_task *>_items, job, &call, self.items, max(1, self.items // (threads * 32 * unit)) * unit, threads)
        team.check()
        return not bad

    cdef void _item(self, ptrdiff_t item, char *scratch, const Call *call, Team team,
                    bint caller) noexcept nogil:
        """One strip: gather it, multiply it by each block of channels, write the results."""
        cdef int p = 0
        while item >= self.first_item[p + 1]:
            p += 1
        cdef Phase *f = &self.phase[p]
        cdef ptrdiff_t part, strip, cols_at, position, g, n, rest = item - self.first_item[p]
        part = rest % self.parts
        rest //= self.parts
        cols_at = rest % f.col_strips * f.strip_cols
        rest //= f.col_strips
        strip = rest % f.row_strips * f.strip_rows
        rest //= f.row_strips
        position = rest % f.outer_positions
        rest //= f.outer_positions
        g = rest % self.g_count
        n = rest // self.g_count
        cdef ptrdiff_t rows = min(f.strip_rows, f.oh - strip)
        cdef ptrdiff_t cols = min(f.strip_cols, f.ow - cols_at)
        cdef char *x_buf = scratch + 64
        cdef ptrdiff_t index[64]
        cdef ptrdiff_t d, at = position, out_at = f.out_bytes
        for d in range(f.outer - 1, -1, -1):
            index[d] = at % f.outer_n[d]
            at //= f.outer_n[d]
            out_at += index[d] * f.outer_out_bytes[d]
        cdef char *out = call.out + self.out_n[n] + self.out_g[g] + out_at + \
            strip * f.out_row_bytes + cols_at * f.out_col_bytes
        cdef bint fresh = (<ptrdiff_t *>scratch)[0] != item - part
        (<ptrdiff_t *>scratch)[0] = item - part     # the parts of a strip share its input
        self._strip(call, f, part, g, call.x + self.x_n[n] + self.x_g[g], index, strip, cols_at, rows, cols,
                    x_buf, out, fresh, team, caller)

    cdef void _strip(self, const Call *call, Phase *f, ptrdiff_t part, ptrdiff_t g, const char *x,
                     const ptrdiff_t *index, ptrdiff_t strip, ptrdiff_t cols_at, ptrdiff_t rows,
                     ptrdiff_t cols, char *buf, char *out, bint fresh, Team team,
                     bint caller) noexcept nogil:
        """One part of the channels of a strip; fresh: its input is not in buf yet."""
        cdef ptrdiff_t b, first = part * self.tiles.count // self.parts
        cdef ptrdiff_t last = (part + 1) * self.tiles.count // self.parts
        cdef const char *samples = buf
        cdef const int32_t *off = NULL          # in place of the phase's own
        cdef Phase *e
        cdef ptrdiff_t pitch = f.pitch
        cdef ptrdiff_t c, q, number = self.tiles.number_bytes
        if self.in_place and cols >= self._narrow():
            samples = self._plane(f, x, index, 0) + strip * f.row.step_bytes + cols_at * f.col.step_bytes
            off, pitch = self.in_place_off, self.in_place_row
            # plane by plane, which the processor reads ahead; a tile meets all planes, which it does not
            for c in range(self.channels if fresh else 0):
                k.fc_prefetch(samples + off[c] * number, cols * number, False)
        elif fresh:
            self._gather(f, x, index, strip, cols_at, rows, cols, buf, 0, self.channels)
        for b in range(first, last):
            for q in range(self.group):
                e = f + q
                self._block(call, e, &self.tiles.blocks[b], g, samples, e.off if off == NULL else off, pitch, buf,
                            out + e.out_bytes - f.out_bytes, rows, cols)
            if team.over(caller):
                return

    cdef ptrdiff_t _panel_bytes(self, const Phase *f) noexcept nogil:
        """Scratch for the panel of one block: all its taps."""
        return f.taps * self.tiles.max_width * self.tiles.planes * self.tiles.number_bytes

    cdef void _panel(self, const Call *call, Phase *f, const Block *b, ptrdiff_t g, ptrdiff_t first,
                     ptrdiff_t count, char *to) noexcept nogil:
        """Pack a block's weights of some taps, while the caches hold little else."""
        if not self._pack(f, b, call.raw + self.w_g[g], first, count, to):
            call.bad[0] = 1

    cdef const char *_plane(self, const Phase *f, const char *x, const ptrdiff_t *index,
                            ptrdiff_t t) noexcept nogil:
        """Where plane t of the outer taps begins in x, NULL if it lies outside."""
        cdef ptrdiff_t d, at
        for d in range(f.outer):
            at = k.fc_source_index(index[d] * f.outer_stride[d] + f.plane_delta[t * f.outer + d],
                                   f.outer_axis[d].length, f.outer_axis[d].mode)
            if at < 0:
                return NULL
            x += at // f.outer_axis[d].upsample * f.outer_axis[d].step_bytes
        return x

    cdef void _gather(self, Phase *f, const char *x, const ptrdiff_t *index, ptrdiff_t strip,
                      ptrdiff_t cols_at, ptrdiff_t rows, ptrdiff_t cols, char *buf,
                      ptrdiff_t first_channel, ptrdiff_t channels) noexcept nogil:
        """The strip's samples of some channels and all outer taps, rows and columns by segments."""
        cdef ptrdiff_t c, t, d, q, number = self.tiles.number_bytes
        cdef ptrdiff_t im = self.x_plane_bytes
        cdef const char *plane
        cdef char *to
        cdef Segment *rs
        cdef Segment *cs
        x += first_channel * self.x_channel_bytes
        for c in range(channels):
            for t in range(f.planes):
                plane = self._plane(f, x + c * self.x_channel_bytes, index, t)
                for q in range(f.row_segments):
                    rs = &f.row_segment[q]
                    for d in range(f.col_segments):
                        cs = &f.col_segment[d]
                        to = buf + ((c * f.planes + t) * f.plane_size + rs.base * f.pitch
                                    + cs.base) * number
                        k.fc_gather_rows(&self.reader, to, to + im, f.pitch, plane, &f.row,
                                         strip * f.row_stride + rs.first, f.row_stride,
                                         rs.count - (f.strip_rows - rows), &f.col,
                                         cols_at * f.col_stride + cs.first, f.col_stride,
                                         cs.count - (f.strip_cols - cols))

    cdef void _block(self, const Call *call, Phase *f, const Block *b, ptrdiff_t g, const char *x,
                     const int32_t *off, ptrdiff_t pitch, char *buf, char *out, ptrdiff_t rows,
                     ptrdiff_t cols) noexcept nogil:
        """mr output channels of the strip, whose samples are those at x: product in scratch, then the finished rows."""
        cdef ptrdiff_t number = self.tiles.number_bytes, planes = self.tiles.planes
        cdef ptrdiff_t im = self.x_plane_bytes // number
        cdef char *c = buf + self.x_bytes
        cdef const char *w = NULL
        cdef const char *bias = NULL
        cdef ptrdiff_t c_pitch = f.pitch if f.flat else f.strip_cols + self.tiles.max_pixels
        cdef ptrdiff_t j, i, at, ldc, ldw = 0
        cdef const char *add = NULL
        cdef const char *late
        cdef char *to
        if call.packed != NULL:
            w = call.packed + f.packed_bytes + g * f.group_bytes + b.at * f.taps * planes * number
        elif self._as_they_came(f, b, cols):
            w, ldw = call.raw + self.w_g[g] + self.w_k[b.k0] + f.weight_bytes[0], self.filter_step
        elif not self.weightless:
            w = c + self.c_bytes
            self._panel(call, f, b, g, 0, f.taps, <char *>w)
        if call.bias != NULL:
            bias = call.bias + g * self.k_count * planes * number
        if b.mr == 1 and f.row_taps > 1 and self.row_lanes:
            self._rows(f, x, w, NULL if bias == NULL else bias + b.k0 * number,
                       out + self.out_k[b.k0], rows, cols)
            return
        if self._exact(f, b, cols):
            late = bias
            ldc = (self.out_k[b.k0 + 1] - self.out_k[b.k0]) // number if b.mr > 1 else 0
            for j in range(rows):
                to = out + self.out_k[b.k0] + j * f.out_row_bytes
                if f.taps > self.tiles.sum_block:
                    self.tiles.store_blocks(b, cols, f.taps, off, x + j * pitch * number, w, to, ldc)
                else:
                    self.tiles.store(b, cols, f.taps, off, x + j * pitch * number, w, ldw,
                                     NULL if bias == NULL else bias + b.k0 * number, to, ldc)
                    late = NULL     # the bias is added
                for i in range(b.mr if self.activation or late != NULL else 0):
                    to = out + self.out_k[b.k0 + i] + j * f.out_row_bytes
                    self.finish(to, number, to, NULL, cols, NULL if late == NULL else late + (b.k0 + i) * number,
                                self.activation)
            return
        if f.flat:
            self.tiles.multiply(b, (rows - 1) * f.pitch + cols, f.taps, f.off, x, im, w, c,
                                f.ldc, 0)
        else:
            for j in range(rows):
                self.tiles.multiply(b, cols, f.taps, f.off, x + j * f.pitch * number, im, w,
                                    c + j * c_pitch * number, f.ldc, 0)
        for i in range(b.mr):
            if bias != NULL:
                add = bias + (b.k0 + i) * planes * number
            at = i * planes * f.ldc
            for j in range(rows):
                self.finish(out + self.out_k[b.k0 + i] + j * f.out_row_bytes, f.out_col_bytes,
                            c + (at + j * c_pitch) * number,
                            c + (at + (planes - 1) * f.ldc + j * c_pitch) * number,
                            cols, add, self.activation)

    cdef bint _exact(self, const Phase *f, const Block *b, ptrdiff_t cols) noexcept nogil:
        """Whether tiles write the block's results where they belong, and read the samples of these columns only."""
        return b.wide_store != NULL and f.taps <= <ptrdiff_t>TAP_BLOCK and self.plain_type and \
            cols >= b.narrow_pixels and f.out_col_bytes == self.tiles.number_bytes and \
            not (f.flat and f.strip_rows > 1) and evenly(self.out_k + b.k0, b.mr, self.tiles.number_bytes)

    cdef bint _as_they_came(self, const Phase *f, const Block *b, ptrdiff_t cols) noexcept nogil:
        """Whether a block's tiles read weights that are not packed."""
        return f.in_order and self.filter_step and not (self.checked or self.weightless) and \
            f.taps <= self.tiles.sum_block and self._exact(f, b, cols)

    # --- one filter over one plane --------------------------------------------------------

    cdef void _rows(self, Phase *f, const char *buf, const char *w, const char *bias, char *out,
                    ptrdiff_t rows, ptrdiff_t cols) noexcept nogil:
        """One output channel by row tiles: every packed row is loaded for several output rows."""
        cdef ptrdiff_t number = self.tiles.number_bytes, pitch = f.pitch * number
        cdef ptrdiff_t planes = self.channels * f.planes
        cdef ptrdiff_t vectors = (cols + self.row_lanes - 1) // self.row_lanes
        cdef ptrdiff_t ldc = vectors * self.row_lanes, p, j, v, groups, last, to_step
        cdef char *c = <char *>buf + self.x_bytes
        cdef char *to
        cdef int r = <int>min(f.row_taps, <ptrdiff_t>ROW_TILE), width
        # a plain single plane goes straight into the result: the last vector of a row then lies over
        # its neighbour, which is right as long as nothing is added up there
        cdef bint straight = self.plain_type and planes == 1 and bias == NULL and \
            f.row_taps * f.col_taps <= <ptrdiff_t>TAP_BLOCK and \
            self.activation == 0 and f.out_col_bytes == number and f.out_row_bytes % number == 0
        if straight and cols < self.row_lanes:
            straight = False
            if f.out_row_bytes == cols * number:
                # a vector longer than a row runs into the next ones, which are written after it: all
                # tiles but those that would run over the end of the strip
                groups = (rows - (self.row_lanes + cols - 1) // cols + 1) // r
                if groups > 0:
                    self._row_group(f, buf, w, out, cols, r, 1, 0, groups)
                    j = groups * r
                    buf += j * pitch
                    out += j * f.out_row_bytes
                    rows -= j
        to_step = f.out_row_bytes // number if straight else ldc
        v = 0
        while v < vectors:
            width = <int>min(vectors - v, <ptrdiff_t>ROW_TILE)
            while width == 3 or self.row_tile[r][width] == NULL:
                width -= 1
            p = v * self.row_lanes
            last = (width - 1) * self.row_lanes
            if straight:
                last = min(last, cols - self.row_lanes - p)
            to = (out if straight else c) + p * number
            groups = rows // r
            if groups:
                self._row_group(f, buf + p * number, w, to, to_step, r, width, last, groups)
            if rows % r:
                j = groups * r
                self._row_group(f, buf + j * pitch + p * number, w, to + j * to_step * number,
                                to_step, <int>(rows % r), width, last, 1)
            v += width
        if not straight:
            for j in range(rows):
                self.finish(out + j * f.out_row_bytes, f.out_col_bytes, c + j * ldc * number, NULL,
                            cols, bias, self.activation)

    cdef void _row_group(self, Phase *f, const char *x, const char *w, char *c, ptrdiff_t ldc,
                         int rows, int vectors, ptrdiff_t last,
                         ptrdiff_t groups) noexcept nogil:
        """One tile over all channels and outer taps, in blocks of columns: sums stay short."""
        cdef ptrdiff_t number = self.tiles.number_bytes, t, s
        cdef ptrdiff_t block = max(<ptrdiff_t>TAP_BLOCK // f.row_taps, <ptrdiff_t>1)
        cdef ptrdiff_t taps = f.row_taps * f.col_taps
        cdef int32_t plane_x, plane_w = 0
        cdef k.fc_row_taps part
        part.planes, part.plane_x, part.plane_w = 1, &plane_x, &plane_w
        part.kh, part.pitch = f.row_taps, f.pitch
        for t in range(self.channels * f.planes):
            s = 0
            while s < f.col_taps:
                plane_x = f.off[t * taps]
                part.kw, part.off = min(block, f.col_taps - s), f.col_off + s
                self.row_tile[rows][vectors].run(
                    &part, groups, x, w + (t * taps + s * f.row_taps) * number, NULL, c, ldc, last,
                    t + s > 0)
                s += part.kw
