# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Depthwise layers: one channel in, one or several out, planes or channels as they lie in memory.

out[n, g, f, o] = activation(bias[g, f] + sum over t of x[n, g, o * stride + delta[t]] * w[g, f, t])

Channels last: rows of pixels, vectors of channels, no copy; so small planes, once they are turned.  Larger planes: planes.pyx.
A Job belongs to one set of strides; backends/depthwise.py builds it.  Real floats only.
"""
from libc.string cimport memcpy, memset
cimport numpy as cnp
import numpy as np

from fastconv._core cimport kernels as k
from fastconv._core.cpu cimport crowded, threads_for
from fastconv._core.job cimport Team, depthwise_row, table
from fastconv._core.arrays import aligned

cnp.import_array()

cdef enum:
    PIECE = 64 * 1024       # multiply-adds of a row's taps after which rows of pixels are cut
    TILE = 7                # pixels of a register tile
    SQUARE_BLOCK = 512      # bytes of channels whose window of 3 x 3 stays in the first-level cache; of larger ones, half
    SQUARE_WORK = 128 * 1024    # multiply-adds of an item of squares
    LEVEL_VECTORS = 8       # of channels, so that one more is worth it where none lies in two lines of the cache then
    # dilated rows are taken apart up to such a dilation, where each part has so many columns
    SPLIT_MOST = 4
    SPLIT_COLUMNS = 4
    # a multiply-add of these layers takes as long as several of a dense one: it waits for memory
    WORK = 8


cdef const k.fc_depthwise_row *_find(int kind) except NULL:
    cdef const k.fc_depthwise_row *row = depthwise_row(kind)
    if row == NULL:
        raise ValueError(f"no depthwise microkernel of kind {kind}")
    return row


def lanes(int kind):
    """Numbers in a vector of that kind."""
    return _find(kind).lanes


ctypedef struct Call:
    const char *x
    const char *w
    const char *bias
    char *out


cdef void _items(Job self, const Call *call, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part of a call."""
    cdef char *scratch = self._scratch(team)
    while team.next(share):
        self._item(share.item, scratch, call.x, call.w, call.bias, call.out)


cdef class Job:
    """What both layouts share.  Immutable once built."""
    def __init__(self, *, int kind, int out_type, int activation, double work, x_n, out_n, axes, **_):
        cdef int i
        self.keep = []
        self.ukr = _find(kind)
        self.finish = k.fc_finish_find(kind, out_type)
        self.activation, self.work = activation, work * WORK
        self.number = k.fc_kind_size(kind)
        self.x_n, self.out_n = table(self.keep, x_n), table(self.keep, out_n)
        for i in range(3):
            (self.outs[i], self.stride[i], self.size[i], self.x_step[i], self.out_step[i], self.first[i],
             self.taps[i], self.dilation[i]) = axes[i]
        self.down = self.taps[0] > 1

    def run(self, cnp.ndarray x_array not None, cnp.ndarray w_array not None,
            cnp.ndarray bias_array, cnp.ndarray out_array not None):
        """Compute everything; w as the layout wants it (see backends/depthwise.py)."""
        cdef Call call
        cdef int threads = threads_for(self.work)
        cdef ptrdiff_t chunk = max(1, self.items // (threads * 8))
        cdef Team team = Team()
        cdef void *job = <void *>self
        call.x, call.w = <const char *>cnp.PyArray_DATA(x_array), <const char *>cnp.PyArray_DATA(w_array)
        call.out = <char *>cnp.PyArray_DATA(out_array)
        call.bias = NULL if bias_array is None else <const char *>cnp.PyArray_DATA(bias_array)
        with nogil:
            team.run(<k.fc_task *>_items, job, &call, self.items, chunk, threads)
        team.check()

    cdef char *_scratch(self, Team team) noexcept nogil:
        """The thread's workspace."""
        return team.scratch(self.scratch_bytes)

    cdef void _activate(self, char *out, ptrdiff_t rows, ptrdiff_t row_bytes, ptrdiff_t count) noexcept nogil:
        """The activation of results that are there already: rows of count numbers, neighbours in memory."""
        cdef ptrdiff_t r
        if self.activation == 0:
            return
        if row_bytes == count * self.number:
            count *= rows
            rows = 1
        for r in range(rows):
            self.finish(out, self.number, out, NULL, count, NULL, self.activation)
            out += row_bytes

    cdef ptrdiff_t _place(self, ptrdiff_t item, ptrdiff_t rows, ptrdiff_t *plane, ptrdiff_t *row) noexcept nogil:
        """Where an item lies of which there are rows in a plane: the output plane, the row, and (returned) the image."""
        if self.down:
            plane[0], row[0] = item % self.outs[0], item // self.outs[0] % rows
        else:
            plane[0], row[0] = item // rows % self.outs[0], item % rows
        return item // rows // self.outs[0]

    cdef void _item(self, ptrdiff_t item, char *scratch, const char *x, const char *w,
                    const char *bias, char *out) noexcept nogil:
        pass


cdef class RowJob(Job):
    """Channels last: an item is a row of output pixels, or a piece of one, all channels of it; of several filters a
    channel, one after the other, each to its places between the others'. side: channels, and filters, of a group."""
    cdef k.fc_last_row row
    cdef ptrdiff_t filters, piece, pieces
    cdef int side
    cdef bint splits

    def __init__(self, *, ptrdiff_t channels, ptrdiff_t filters=1, int side=1, **keywords):
        super().__init__(**keywords)
        cdef k.fc_last_row *d = &self.row
        self.filters, self.side = filters, side
        d.channels, d.w, d.cols = channels, self.size[2], self.outs[2]
        d.kw, d.stride, d.dilation = self.taps[2], self.stride[2], self.dilation[2]
        d.left, d.w_tap = -self.first[2], channels if side == 1 else self.ukr.lanes * side
        d.w_vector = self.taps[0] * self.taps[1] * self.taps[2] * d.w_tap
        d.x_col, d.out_col = self.x_step[2] // self.number, self.out_step[2] // self.number
        d.crowded = crowded(self.taps[0] * self.taps[1] * ((TILE - 1) * d.stride + (d.kw - 1) * d.dilation + 1),
                            self.x_step[2])
        self.splits = self._may_split(d.x_col)
        # whole tiles of pixels, and what a thread may well take at once
        self.piece = max(1, PIECE // max(<ptrdiff_t>1, channels * side * d.kw) // TILE) * TILE
        self.pieces = max(<ptrdiff_t>1, (d.cols + self.piece - 1) // self.piece)
        self.items = len(keywords["x_n"]) * self.outs[0] * self.outs[1] * self.pieces
        self.scratch_bytes = 64
        if filters > 1:     # a row of results, and a bias
            self.scratch_bytes += (min(self.piece, d.cols) + 1) * channels * self.number
        self.packing = "channels"

    cdef void _item(self, ptrdiff_t item, char *scratch, const char *x, const char *w,
                    const char *bias, char *out) noexcept nogil:
        cdef ptrdiff_t first = item % self.pieces * self.piece, oz, oy, f, q, c
        cdef ptrdiff_t n = self._place(item // self.pieces, self.outs[1], &oz, &oy)
        cdef ptrdiff_t cols = min(self.piece, self.row.cols - first)
        cdef ptrdiff_t channels = self.row.channels, number = self.number, step = self.filters * number
        cdef char *own = scratch + channels * number
        x += self.x_n[n]
        out += self.out_n[n] + oz * self.out_step[0] + oy * self.out_step[1] + first * self.out_step[2]
        if self.filters == 1:
            self._row(oz, oy, first, cols, self.x_step[0], self.x_step[1], x, w, bias, out)
            return
        for f in range(self.filters):
            if bias != NULL:
                for c in range(channels):
                    memcpy(scratch + c * number, bias + c * step + f * number, number)
            self._sums(oz, oy, first, cols, self.x_step[0], self.x_step[1], x, w, NULL if bias == NULL else scratch,
                       own, channels)
            for q in range(cols):
                self.finish(out + q * self.out_step[2] + f * number, step, own + q * channels * number, NULL,
                            channels, NULL, self.activation)
            w += self.row.w_vector * number     # those of all channels

    cdef void _row(self, ptrdiff_t oz, ptrdiff_t oy, ptrdiff_t first, ptrdiff_t cols, ptrdiff_t z_step,
                   ptrdiff_t y_step, const char *x, const char *w, const char *bias, char *out) noexcept nogil:
        """Some output pixels of a row from x, whose planes and rows lie z_step and y_step bytes apart."""
        cdef ptrdiff_t out_col = self.row.out_col
        self._sums(oz, oy, first, cols, z_step, y_step, x, w, bias, out, out_col)
        self._activate(out, cols, out_col * self.number, self.row.channels)

    cdef void _sums(self, ptrdiff_t oz, ptrdiff_t oy, ptrdiff_t first, ptrdiff_t cols, ptrdiff_t z_step,
                    ptrdiff_t y_step, const char *x, const char *w, const char *bias, char *out,
                    ptrdiff_t out_col) noexcept nogil:
        """The same without an activation, pixels out_col numbers apart."""
        cdef ptrdiff_t[MOST_TAPS] row_x
        cdef ptrdiff_t[MOST_TAPS] row_w
        cdef k.fc_last_row d = self.row
        cdef ptrdiff_t t, i, z = 0, y = 0
        d.out_col = out_col
        d.cols, d.left = cols, self.row.left - first * self.stride[2]
        d.rows, d.row_x, d.row_w = 0, row_x, row_w
        for t in range(self.taps[0]):
            z = oz * self.stride[0] + self.first[0] + t * self.dilation[0]
            for i in range(self.taps[1]):
                y = oy * self.stride[1] + self.first[1] + i * self.dilation[1]
                if 0 <= z < self.size[0] and 0 <= y < self.size[1]:
                    row_x[d.rows] = (z * z_step + y * y_step) // self.number
                    row_w[d.rows] = (t * self.taps[1] + i) * d.kw * d.w_tap
                    d.rows += 1
        # the last row that the window meets one plane further, when that is the next item's
        z += self.stride[0]
        if self.down and d.stride == 1 and cols > 3 * TILE and 0 <= y < self.size[1] and 0 <= z < self.size[0]:
            self._fetching(&d, x, w, bias, out, x + z * z_step + y * y_step, first)
        elif self.splits and cols >= SPLIT_COLUMNS * d.dilation:
            self._apart(&d, x, w, bias, out)
        else:
            self._columns(&d, x, w, bias, out)

    cdef bint _may_split(self, ptrdiff_t x_col) noexcept:
        """Whether dilated rows are taken apart into rows of neighbours: where there are tiles whose many taps share what they
        load, and the pixels of a tile do not push each other out of the cache."""
        cdef bint shared = self.taps[2] == 5 or self.taps[2] == 7
        return shared and self.stride[2] == 1 and 1 < self.dilation[2] <= SPLIT_MOST and not crowded(
            self.taps[0] * self.taps[1] * (TILE + self.taps[2] - 1) * 3 // 2, x_col * self.dilation[2] * self.number)

    cdef void _fetching(self, k.fc_last_row *d, const char *x, const char *w, const char *bias, char *out,
                        const char *next, ptrdiff_t first) noexcept nogil:
        """A row, a few pixels at a time; between them those of the row of the next plane are fetched, which lies too far away
        to be foreseen."""
        cdef ptrdiff_t cols = d.cols, left = d.left, done = 0
        cdef ptrdiff_t x_bytes = self.row.x_col * self.number, width = self.row.channels * self.number, i
        while done < cols:
            d.cols, d.left = min(<ptrdiff_t>TILE, cols - done), left - done
            for i in range(d.cols):
                if first + done + i < d.w:
                    k.fc_prefetch(next + (first + done + i) * x_bytes, width, False)
            self._columns(d, x, w, bias, out + done * d.out_col * self.number)
            done += d.cols

    cdef void _columns(self, const k.fc_last_row *d, const char *x, const char *w, const char *bias,
                       char *out) noexcept nogil:
        if self.side > 1:
            self.ukr.groups(d, self.side, x, w, bias, out)
        else:
            self.ukr.last(d, x, w, bias, out)

    cdef void _apart(self, k.fc_last_row *d, const char *x, const char *w, const char *bias, char *out) noexcept nogil:
        """A dilated row as so many rows of neighbours, whose taps share what is loaded: outputs q, q + dilation, ... meet
        every dilation-th column."""
        cdef ptrdiff_t step = d.dilation, cols = d.cols, left = d.left, width = d.w, q, at
        cdef ptrdiff_t x_bytes = d.x_col * self.number, out_bytes = d.out_col * self.number
        d.dilation, d.x_col, d.out_col = 1, d.x_col * step, d.out_col * step
        for q in range(min(step, cols)):
            at = ((q - left) % step + step) % step      # the column that the first of them could meet
            d.left = -((q - left - at) // step)
            d.w = (width - at + step - 1) // step if at < width else 0
            d.cols = (cols - q + step - 1) // step
            self._columns(d, x + at * x_bytes, w, bias, out + q * out_bytes)


cdef class SquareJob(Job):
    """Channels last, 3 x 3, 5 x 5 or 7 x 7 at stride 1: an item is a few rows of output pixels, or some channels of them."""
    cdef k.fc_square square
    cdef ptrdiff_t part, parts, strips      # part: vectors of channels
    cdef bint level     # all pixels begin as far from the last whole vector of memory as the first does

    def __init__(self, *, ptrdiff_t channels, x_n, **keywords):
        super().__init__(x_n=x_n, **keywords)
        cdef k.fc_square *d = &self.square
        cdef ptrdiff_t taps = self.taps[0] * self.taps[1] * self.taps[2], vector = self.ukr.lanes * self.number, i
        d.channels, d.w, d.taps = channels, self.size[2], taps
        d.block = max(1, SQUARE_BLOCK // vector // (2 if self.taps[2] > 3 else 1))
        d.cols, d.left = self.outs[2], -self.first[2]
        d.x_col, d.x_row = self.x_step[2] // self.number, self.x_step[1] // self.number
        d.out_col, d.out_row = self.out_step[2] // self.number, self.out_step[1] // self.number
        self.level = channels >= LEVEL_VECTORS * self.ukr.lanes
        for i in range(3):
            self.level = self.level and self.x_step[i] % vector == 0
        for i in range(len(x_n)):
            self.level = self.level and self.x_n[i] % vector == 0
        # whole blocks, as many as a thread may well take at once; more than one vector, as the second reaches over the first
        self.part = SQUARE_WORK // max(<ptrdiff_t>1, self.outs[2] * taps * k.FC_SQUARE_ROWS * self.ukr.lanes)
        self.part = max(<ptrdiff_t>2, d.block, self.part // d.block * d.block)
        self.parts = (channels // self.ukr.lanes + self.part) // self.part      # one vector more where they overlap
        self.strips = (self.outs[1] + k.FC_SQUARE_ROWS - 1) // k.FC_SQUARE_ROWS
        self.items = len(x_n) * self.outs[0] * self.strips * self.parts
        self.packing = "vectors"

    cdef ptrdiff_t _back(self, const char *x) noexcept nogil:
        """Channels by which all vectors but the first reach back, so that none lies in two lines of the cache."""
        cdef ptrdiff_t over = <ptrdiff_t>(<size_t>x % <size_t>(self.ukr.lanes * self.number))
        return over // self.number if self.level and over % self.number == 0 else 0

    cdef ptrdiff_t _vectors(self, ptrdiff_t back) noexcept nogil:
        """How many vectors of channels there are then."""
        return (self.square.channels + back + self.ukr.lanes - 1) // self.ukr.lanes

    def back(self, cnp.ndarray x not None):
        """Channels by which vectors of weights have to reach back for that operand."""
        return self._back(<const char *>cnp.PyArray_DATA(x))

    def pack(self, w, ptrdiff_t back):
        """Weights of each vector of channels, tap by tap: the first vector begins with the first channel, the last ends with
        the last, others begin `back` earlier than those of vectors laid side by side."""
        cdef cnp.ndarray given = np.ascontiguousarray(w)
        cdef ptrdiff_t lanes = self.ukr.lanes, taps = self.square.taps, channels = self.square.channels, v
        cdef ptrdiff_t vectors = self._vectors(back)
        cdef cnp.ndarray packed = aligned(vectors * taps * lanes, given.dtype)
        cdef const char *x = <const char *>cnp.PyArray_DATA(given)
        cdef char *to = <char *>cnp.PyArray_DATA(packed)
        for v in range(vectors):
            self.ukr.to_last(to + v * taps * lanes * self.number, lanes,
                             x + min(max(<ptrdiff_t>0, v * lanes - back), channels - lanes) * taps * self.number, taps, taps)
        return packed

    cdef void _item(self, ptrdiff_t item, char *scratch, const char *x, const char *w,
                    const char *bias, char *out) noexcept nogil:
        cdef ptrdiff_t[MOST_TAPS] plane_x
        cdef ptrdiff_t[MOST_TAPS] plane_w
        cdef k.fc_square d = self.square
        cdef ptrdiff_t oz, oy, rows, t, y, z
        cdef ptrdiff_t n = self._place(item // self.parts, self.strips, &oz, &oy)
        oy *= k.FC_SQUARE_ROWS
        rows = min(<ptrdiff_t>k.FC_SQUARE_ROWS, self.outs[1] - oy)
        y = oy + self.first[1]
        d.back = self._back(x)
        d.first = item % self.parts * self.part
        d.end = self._vectors(d.back)
        if d.first and d.end - d.first == 1:
            return      # the last vector: with the one before, over which it reaches
        if d.end - d.first > self.part + 1:
            d.end = d.first + self.part
        d.planes, d.plane_x, d.plane_w = 0, plane_x, plane_w
        for t in range(self.taps[0]):
            z = oz * self.stride[0] + self.first[0] + t * self.dilation[0]
            # a plane or rows without a sample add nothing
            if 0 <= z < self.size[0] and -(rows + self.taps[1] - 1) < y < self.size[1]:
                plane_x[d.planes] = z * self.x_step[0] // self.number
                plane_w[d.planes] = t * self.taps[1] * self.taps[2] * self.ukr.lanes
                d.planes += 1
        out += self.out_n[n] + oz * self.out_step[0] + oy * self.out_step[1]
        self.ukr.square(&d, <int>self.taps[2], rows, -y, self.size[1] - y, x + self.x_n[n] + y * self.x_step[1], w, bias, out)
        if self.activation:
            y = max(<ptrdiff_t>0, d.first * self.ukr.lanes - d.back)    # the channels of this part, and those alone
            z = min(d.channels, d.end * self.ukr.lanes - d.back)
            for t in range(rows):
                self._activate(out + t * self.out_step[1] + y * self.number, d.cols, self.out_step[2], z - y)


cdef class TurnedJob(RowJob):
    """Channels first, small planes: an item is a few channels, turned to channels last and back.

    A plane of 7 x 7 leaves most lanes of a vector along its rows empty, and costs more to lay out than to
    multiply; 16 planes side by side fill them."""
    cdef ptrdiff_t x_plane, out_plane, chunk, chunks, samples, sums, zeros, zeros_bytes
    cdef k.fc_turned turned
    cdef bint dense     # 3 x 3 at stride 1 has tiles of its own

    def __init__(self, *, ptrdiff_t x_plane, ptrdiff_t out_plane, ptrdiff_t chunk, **keywords):
        """x_plane, out_plane: bytes from channel to channel; chunk: channels of an item, one or several
        vectors of them."""
        super().__init__(**keywords)
        cdef ptrdiff_t channels = self.row.channels
        cdef int i
        self.x_plane, self.out_plane, self.chunk = x_plane, out_plane, chunk
        self.chunks = (channels + chunk - 1) // chunk
        self.samples = self.size[0] * self.size[1] * self.size[2]
        self.sums = self.outs[0] * self.outs[1] * self.outs[2]
        self.row.w_tap, self.row.channels = channels, chunk
        self.row.x_col = self.row.out_col = chunk
        self.splits, self.down = self._may_split(chunk), False
        self.items = len(keywords["x_n"]) * self.chunks
        self.dense = self.taps[1] == self.taps[2] == 3 and self.taps[0] == 1 and self.first[0] == 0 and \
            self.outs[0] == self.size[0]
        for i in range(3):
            self.dense = self.dense and self.stride[i] == self.dilation[i] == 1
        self.turned.w, self.turned.cols, self.turned.left = self.size[2], self.outs[2], -self.first[2]
        self.turned.step, self.turned.w_tap = chunk, channels
        # behind the samples and the sums: a row of zeros, and a table of rows
        self.zeros = (self.samples + self.sums) * chunk * self.number
        self.zeros_bytes = self.size[2] * chunk * self.number if self.dense else 0
        self.scratch_bytes = self.zeros + self.zeros_bytes + (self.outs[1] + self.taps[1]) * <ptrdiff_t>sizeof(void *)

    cdef char *_scratch(self, Team team) noexcept nogil:
        cdef char *scratch = team.scratch(self.scratch_bytes)
        if scratch != NULL:
            memset(scratch + self.zeros, 0, self.zeros_bytes)
        return scratch

    cdef void _item(self, ptrdiff_t item, char *scratch, const char *x, const char *w,
                    const char *bias, char *out) noexcept nogil:
        cdef ptrdiff_t channels = self.row.w_tap, lanes = self.ukr.lanes, number = self.number
        cdef ptrdiff_t n = item // self.chunks, start = item % self.chunks * self.chunk
        # the last chunk reaches back over its neighbour, whose results it leaves alone
        cdef ptrdiff_t c = min(start, channels - self.chunk), j, oz, oy
        cdef ptrdiff_t y_step = self.size[2] * self.chunk * number
        cdef char *sums = scratch + self.samples * self.chunk * number
        cdef char *to = sums
        x += self.x_n[n] + c * self.x_plane
        out += self.out_n[n] + c * self.out_plane
        for j in range(self.chunk // lanes):
            self.ukr.to_last(scratch + j * lanes * number, self.chunk, x + j * lanes * self.x_plane,
                             self.x_plane // number, self.samples)
        w += c * number
        if bias != NULL:
            bias += c * number
        for oz in range(self.outs[0]):
            if self.dense:
                self._planes(oz, scratch, w, bias, to)
                to += self.outs[1] * self.outs[2] * self.chunk * number
                continue
            for oy in range(self.outs[1]):
                self._row(oz, oy, 0, self.row.cols, y_step * self.size[1], y_step, scratch, w, bias, to)
                to += self.outs[2] * self.chunk * number
        for j in range(self.chunk // lanes):
            self.ukr.to_planes(out + j * lanes * self.out_plane, self.out_plane // number,
                               sums + j * lanes * number, self.chunk, self.sums,
                               <int>min(max(start - c - j * lanes, <ptrdiff_t>0), lanes))


    cdef void _planes(self, ptrdiff_t z, char *scratch, const char *w, const char *bias, char *out) noexcept nogil:
        """Output plane z of all channels of an item, by the tiles of 3 x 3."""
        cdef ptrdiff_t row_bytes = self.size[2] * self.chunk * self.number, i, y, j
        cdef ptrdiff_t vector = self.ukr.lanes * self.number
        cdef const void **rows = <const void **>(scratch + self.zeros + self.zeros_bytes)
        for j in range(self.chunk // self.ukr.lanes):
            for i in range(self.outs[1] + self.taps[1] - 1):
                y = i + self.first[1]
                rows[i] = scratch + j * vector + (
                    (z * self.size[1] + y) * row_bytes if 0 <= y < self.size[1] else self.zeros)
            self.ukr.turned(&self.turned, self.outs[1], rows, w + j * vector,
                            NULL if bias == NULL else bias + j * vector, out + j * vector)
        row_bytes = self.outs[2] * self.chunk * self.number
        self._activate(out, self.outs[1], row_bytes, self.outs[2] * self.chunk)
