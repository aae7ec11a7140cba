# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Indirect convolution: a table says for every output pixel and tap which sample it meets.

out[n, g, p, k] = activation(bias[g, k] + sum over t, i of x[n, g, table[p, t], i] * w[g, k, i, t])

Samples are runs of neighbouring channels and are multiplied where they lie; nothing is gathered, and windows
may lie anywhere, so rank, stride, dilation and borders are only entries of the table.  Channels that lie
apart are first turned to runs, the whole input at once.  An item is a strip of pixels of one image and
group, or a part of its filters.  Called by backends/indirect.py; real floats only.
"""
cimport numpy as cnp

from fastconv._core cimport kernels as k
from fastconv._core.cpu cimport EARLY, isa_index, threads_for
from fastconv._core.job cimport TAP_BLOCK, Team, depthwise_row, fill_reader, table

cnp.import_array()

cdef enum:
    MAX_PIXELS = 14
    TURN = 64               # samples that are turned to channels last at a time


def tile_pixels(int kind):
    """Pixels of the largest tile of that kind."""
    cdef int count, i, most = 0
    cdef const k.fc_indirect_row *rows = k.fc_indirect_rows(isa_index(), &count)
    for i in range(count):
        if rows[i].kind == kind and rows[i].nv == 2:
            most = max(most, rows[i].pixels)
    return most


cdef struct Call:               # one run's operands
    const char *x
    const char *packed
    const char *w
    const char *bias
    char *out
    char *first                 # the workspace of the calling thread
    size_t own                  # bytes of a thread's own
    bint bad                    # weights that are not finite were met


cdef void _pack_blocks(Job self, Call *call, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part of the weights."""
    while team.next(share):
        if not self._pack(share.item // self.blocks, share.item % self.blocks, call.w,
                          call.out + self._block_at(share.item // self.blocks, share.item % self.blocks)):
            call.bad = True


cdef void _turn_samples(Job self, Call *call, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part of the samples that are turned to channels last."""
    while team.next(share):
        self._turn(share.item, call.x, call.first)


cdef void _items(Job self, Call *call, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part of a call."""
    cdef char *scratch = call.first + self.turned_bytes if share.caller else team.scratch(call.own)
    if scratch != NULL:
        k.fc_fill_run(&self.reader, scratch, scratch, self.channels)
    while team.next(share):
        if not self._item(share.item, scratch, call, team, share.caller):
            call.bad = True


cdef class Job:
    """One convolution for one set of operand strides.  Immutable once built."""
    cdef list keep
    cdef const k.fc_indirect_row *tile[3][MAX_PIXELS + 1]   # [vectors][pixels]
    cdef const k.fc_chan_row *chan
    cdef int[3] most
    cdef int lanes, activation
    cdef k.fc_reader reader
    cdef k.fc_finish_fn *finish
    cdef ptrdiff_t number, channels, filters, pixels, taps, strip, strips, parts, blocks, items
    cdef ptrdiff_t images, groups, sources, source_step, turned_bytes, k_step, group_bytes
    cdef ptrdiff_t *meets       # [pixels][taps]: numbers from the image's first sample, -1: outside
    cdef ptrdiff_t *source_at   # of each sample in the caller's image, where it must be turned
    cdef ptrdiff_t *out_at
    cdef bint beside            # the channels of a result are neighbours
    cdef ptrdiff_t *x_at        # of each image and group
    cdef ptrdiff_t *out_from
    cdef ptrdiff_t *w_k
    cdef ptrdiff_t *w_at        # of every weight of a filter, as they lie; its place in the order [tap][channel]
    cdef ptrdiff_t *w_place
    cdef ptrdiff_t *w_g
    cdef double work
    cdef bint turned, turn_tiles
    cdef ptrdiff_t turns        # pieces of an image that is turned
    cdef const k.fc_depthwise_row *planes
    cdef readonly ptrdiff_t packed_bytes, scratch_bytes, workspace_bytes
    cdef readonly ptrdiff_t repeats     # how often a call needs each block of weights

    def __init__(self, *, int kind, reader, int out_type, int activation, ptrdiff_t channels, meets,
                 ptrdiff_t taps, out_at, x_at, out_from, ptrdiff_t groups, ptrdiff_t k_step, w_g, w_k, w_at, w_place,
                 ptrdiff_t strip, ptrdiff_t parts, source_at, ptrdiff_t source_step):
        """source_at: bytes of every sample in an image whose channels lie source_step bytes apart, or
        None where channels are neighbours and x is read in place."""
        cdef int count, i
        cdef const k.fc_indirect_row *rows = k.fc_indirect_rows(isa_index(), &count)
        cdef const k.fc_chan_row *chans
        for i in range(count):
            if rows[i].kind == kind:
                self.tile[rows[i].nv][rows[i].pixels] = &rows[i]
                self.most[rows[i].nv] = max(self.most[rows[i].nv], rows[i].pixels)
                self.lanes = rows[i].lanes
        chans = k.fc_chan_rows(isa_index(), &count)
        for i in range(count):
            if chans[i].kind == kind:
                self.chan = &chans[i]
        self.keep = []
        memory_type, is_complex, swapped, fill = reader
        fill_reader(&self.reader, kind, memory_type, is_complex, swapped, fill)
        self.finish = k.fc_finish_find(kind, out_type)
        self.activation, self.number = activation, k.fc_kind_size(kind)
        self.channels, self.filters, self.taps = channels, len(w_k), taps
        self.meets, self.pixels = table(self.keep, meets), len(out_at)
        self.out_at, self.k_step = table(self.keep, out_at), k_step
        self.beside = k_step == self.number
        for i in range(self.pixels):
            self.beside = self.beside and self.out_at[i] % self.number == 0
        self.x_at, self.out_from = table(self.keep, x_at), table(self.keep, out_from)
        self.groups, self.images = groups, len(x_at) // max(groups, 1)
        self.w_g, self.w_k = table(self.keep, w_g), table(self.keep, w_k)
        self.w_at, self.w_place = table(self.keep, w_at), table(self.keep, w_place)
        self.turned = source_at is not None
        if self.turned:
            self.source_at, self.sources = table(self.keep, source_at), len(source_at)
            self.source_step = source_step
            self.turns = (self.sources + TURN - 1) // TURN
            # whole planes of plain numbers are transposed in registers
            self.planes = depthwise_row(kind)
            self.turn_tiles = self.reader.same and self.planes != NULL and \
                self.planes.lanes == self.lanes and source_step % self.number == 0 and \
                min(self.sources, channels) >= self.lanes
            for i in range(self.sources):
                self.turn_tiles = self.turn_tiles and self.source_at[i] == i * self.number
            self.turned_bytes = (len(x_at) * self.sources * channels * self.number + 63) // 64 * 64
        self.strip, self.strips = strip, (self.pixels + strip - 1) // strip
        self.blocks = (self.filters + 2 * self.lanes - 1) // (2 * self.lanes)
        self.parts = max(1, min(parts, self.blocks))
        self.items = len(x_at) * self.strips * self.parts
        self.repeats = self.images * self.strips
        self.group_bytes = self._lanes_before(self.blocks) * taps * channels * self.number
        self.packed_bytes = groups * self.group_bytes
        self.work = <double>len(x_at) * self.pixels * self.filters * taps * channels
        self.scratch_bytes = self._pointers_at() + strip * taps * sizeof(void *) + \
            strip * 4 * self.lanes * self.number + 64
        self.workspace_bytes = self.turned_bytes + self.scratch_bytes

    cdef ptrdiff_t _pointers_at(self) noexcept nogil:
        # first in the workspace: what stands outside the image, as many channels as a sample has
        return (self.channels * self.number + 63) // 64 * 64

    cdef ptrdiff_t _lanes_before(self, ptrdiff_t block) noexcept nogil:
        """Lanes of packed weights before a block: pairs of vectors, a single one where that will do."""
        cdef ptrdiff_t pair = 2 * self.lanes
        if block < self.blocks:
            return block * pair
        return (self.blocks - 1) * pair + \
            (pair if self.filters - (self.blocks - 1) * pair > self.lanes else self.lanes) \
            if self.blocks else 0

    def pack(self, cnp.ndarray w not None, cnp.ndarray out not None):
        """Lay the weights out block by block, [tap][channel][lanes]; False: not all finite."""
        cdef Call call
        cdef ptrdiff_t blocks = self.groups * self.blocks
        cdef int threads = threads_for(<double>self.packed_bytes * 4)
        cdef Team team = Team()
        cdef void *job = <void *>self
        call.w, call.out, call.bad = <const char *>cnp.PyArray_DATA(w), <char *>cnp.PyArray_DATA(out), False
        with nogil:
            team.run(<k.fc_task *>_pack_blocks, job, &call, blocks, max(1, blocks // (threads * 8)), threads)
        team.check()
        return not call.bad

    cdef ptrdiff_t _block_at(self, ptrdiff_t g, ptrdiff_t b) noexcept nogil:
        """Where a block of packed weights begins."""
        return g * self.group_bytes + self._lanes_before(b) * self.taps * self.channels * self.number

    cdef bint _pack(self, ptrdiff_t g, ptrdiff_t b, const char *w, char *to) noexcept nogil:
        """Pack one block; False: not all finite."""
        cdef ptrdiff_t at = self._lanes_before(b)
        cdef int width = <int>(self._lanes_before(b + 1) - at)
        return self.chan.pack(to, w + self.w_g[g], self.w_k + at, self.w_at, self.w_place,
                              self.taps * self.channels, <int>min(<ptrdiff_t>width, self.filters - at), width)

    def run(self, cnp.ndarray x_array not None, cnp.ndarray packed_array, cnp.ndarray w_array,
            cnp.ndarray bias_array, cnp.ndarray out_array not None):
        """Compute everything; the interpreter is released.  Without packed weights, blocks of the raw ones
        (w_array) are packed where they are used, in the cache.  False: those are not all finite."""
        cdef Call call
        cdef int threads = threads_for(EARLY * self.work)
        cdef Team team = Team()
        cdef void *job = <void *>self
        call.x, call.out = <const char *>cnp.PyArray_DATA(x_array), <char *>cnp.PyArray_DATA(out_array)
        call.packed = NULL if packed_array is None else <const char *>cnp.PyArray_DATA(packed_array)
        call.w = NULL if w_array is None else <const char *>cnp.PyArray_DATA(w_array)
        call.bias = NULL if bias_array is None else <const char *>cnp.PyArray_DATA(bias_array)
        call.bad, call.own = False, self.scratch_bytes
        if self.items == 0:
            return True
        if call.packed == NULL:
            call.own += self._block_at(0, 1) + 64
        with nogil:
            # the turned input lies in the workspace of this thread, before its own part
            call.first = team.scratch(self.turned_bytes + call.own)
            if self.turned:
                team.run(<k.fc_task *>_turn_samples, job, &call, self.images * self.groups * self.turns, 1, threads)
                call.x = call.first
            team.run(<k.fc_task *>_items, job, &call, self.items, 1, threads)
        team.check()
        return not call.bad

    cdef void _turn(self, ptrdiff_t item, const char *x, char *to) noexcept nogil:
        """The channels of some samples side by side."""
        cdef ptrdiff_t i = item // self.turns, s = item % self.turns * TURN, c = 0
        cdef ptrdiff_t end = min(s + TURN, self.sources), step = self.channels * self.number
        cdef ptrdiff_t lanes = self.lanes
        x += self.x_at[i]
        to += i * self.sources * step
        if self.turn_tiles:     # a tile of fewer samples, or channels, than lanes lies over its neighbour
            s = min(s, end - lanes)
            while c < self.channels:
                c = min(c, self.channels - lanes)
                self.planes.to_last(to + s * step + c * self.number, self.channels,
                                    x + s * self.number + c * self.source_step,
                                    self.source_step // self.number, end - s)
                c += lanes
            return
        while s < end:
            k.fc_read_run(&self.reader, to + s * step, to, x + self.source_at[s], self.source_step,
                          self.channels)
            s += 1

    cdef bint _item(self, ptrdiff_t item, char *scratch, const Call *call, Team team,
                    bint caller) noexcept nogil:
        """A strip, or a part of its filters; False: weights that are not finite were packed."""
        cdef ptrdiff_t part = item % self.parts, rest = item // self.parts, b, lane
        cdef ptrdiff_t start = rest % self.strips * self.strip, i = rest // self.strips
        cdef ptrdiff_t count = min(self.strip, self.pixels - start), g = i % self.groups
        cdef const void **at = <const void **>(scratch + self._pointers_at())
        cdef char *c = <char *>(at + self.strip * self.taps)
        cdef char *panel = scratch + (self.scratch_bytes + 63) // 64 * 64
        cdef const char *block = panel
        cdef const char *own
        cdef bint finite = True
        cdef ptrdiff_t pitch = self._pitch(start, count)
        cdef const char *x = call.x
        if self.turned:
            x += i * self.sources * self.channels * self.number
        else:
            x += self.x_at[i]
        self._point(at, start, count, x, scratch)
        for b in range(part * self.blocks // self.parts, (part + 1) * self.blocks // self.parts):
            lane = self._lanes_before(b)
            if call.packed == NULL:
                finite &= self._pack(g, b, call.w, panel)
            else:
                block = call.packed + self._block_at(g, b)
            own = NULL if call.bias == NULL else call.bias + (g * self.filters + lane) * self.number
            if pitch and self._lanes_before(b + 1) <= self.filters:
                self._block(b, at, count, block, call.packed != NULL,
                            call.out + self.out_from[i] + self.out_at[start] + lane * self.number, pitch, own)
            else:
                self._block(b, at, count, block, call.packed != NULL, c, self._lanes_before(b + 1) - lane, NULL)
                self._store(b, start, count, c, own, call.out + self.out_from[i])
            if team.over(caller):
                break
        return finite

    cdef ptrdiff_t _pitch(self, ptrdiff_t start, ptrdiff_t count) noexcept nogil:
        """Numbers from pixel to pixel where tiles may write these where they belong, in one go; else 0."""
        cdef ptrdiff_t p, step = self.out_at[start + 1] - self.out_at[start] if count > 1 else self.number
        if not self.beside or self.activation or step <= 0 or self.taps * self.channels > TAP_BLOCK:
            return 0
        for p in range(1, count):
            if self.out_at[start + p] - self.out_at[start + p - 1] != step:
                return 0
        return step // self.number

    cdef ptrdiff_t _tiles(self, ptrdiff_t count, int nv) noexcept nogil:
        return (count + self.most[nv] - 1) // self.most[nv]

    cdef void _point(self, const void **at, ptrdiff_t start, ptrdiff_t count, const char *x,
                     const char *outside) noexcept nogil:
        """Pointers of a strip, tap by tap for each tile of the widest blocks' cut; the first of a tap that
        meets zeros in the whole tile is NULL."""
        cdef ptrdiff_t tiles = self._tiles(count, 2), i, px, p, t, where
        cdef ptrdiff_t even = count // tiles, longer = count % tiles
        cdef bint idle
        for i in range(tiles):
            px = even + (1 if i < longer else 0)
            for t in range(self.taps):
                idle = self.reader.fill_is_zero
                for p in range(px):
                    where = self.meets[(start + p) * self.taps + t]
                    at[t * px + p] = outside if where < 0 else x + where * self.number
                    idle = idle and where < 0
                if idle:
                    at[t * px] = NULL
            at += px * self.taps
            start += px

    cdef void _block(self, ptrdiff_t b, const void **at, ptrdiff_t count, const char *w, bint more, char *c,
                     ptrdiff_t ldc, const char *bias) noexcept nogil:
        """The sums of a block of filters, in blocks of products that keep sums short; a bias where there is one. more:
        the weights behind these are read next; they are fetched on the way."""
        cdef int nv = <int>((self._lanes_before(b + 1) - self._lanes_before(b)) // self.lanes)
        cdef ptrdiff_t width = nv * self.lanes, tiles = self._tiles(count, 2), i, px, t = 0, step
        cdef ptrdiff_t even = count // tiles, longer = count % tiles
        cdef ptrdiff_t runs = max(<ptrdiff_t>1, TAP_BLOCK // max(<ptrdiff_t>1, self.channels)), some, first, end, share
        cdef const void **tile_at
        cdef const char *panel
        cdef const char *ahead
        cdef char *to
        while t < self.taps or t == 0:
            some = min(runs, self.taps - t)
            first = 0
            while True:
                end = min(self.channels, first + TAP_BLOCK)
                step = self.channels - (end - first)
                tile_at, to = at, c
                panel = w + (t * self.channels + first) * width * self.number
                share = some * (end - first) * width * self.number
                ahead = panel + share
                share = (share + tiles - 1) // tiles
                for i in range(tiles):
                    px = even + (1 if i < longer else 0)
                    if more:
                        k.fc_prefetch(ahead + i * share, share, False)
                    self._tile(self.tile[nv][px], some, first, end, tile_at + t * px, panel, step * width, to, ldc, bias,
                               t + first > 0)
                    tile_at += px * self.taps
                    to += px * ldc * self.number
                first = end
                if first >= self.channels:
                    break
            t += max(some, <ptrdiff_t>1)

    cdef inline void _tile(self, const k.fc_indirect_row *tile, ptrdiff_t taps, ptrdiff_t first, ptrdiff_t end,
                           const void **at, const char *w, ptrdiff_t skip, char *c, ptrdiff_t ldc,
                           const char *bias, bint accumulate) noexcept nogil:
        """The products of some taps in one tile, without those that meet zeros alone: with wide padding and
        dilation most do."""
        cdef ptrdiff_t t = 0, run, px = tile.pixels
        cdef ptrdiff_t tap_bytes = ((end - first) * tile.nv * tile.lanes + skip) * self.number
        while t < taps:
            run = t
            while run < taps and at[run * px] != NULL:
                run += 1
            if run > t or not accumulate:   # no tap at all writes zeros
                tile.run(run - t, first, end, at + t * px, w + t * tap_bytes, skip, c, ldc, bias, accumulate)
                accumulate, bias = True, NULL
            t = run + 1
        if not accumulate:
            tile.run(0, first, end, at, w, skip, c, ldc, bias, False)

    cdef void _store(self, ptrdiff_t b, ptrdiff_t start, ptrdiff_t count, char *c, const char *bias,
                     char *out) noexcept nogil:
        cdef ptrdiff_t lane = self._lanes_before(b), width = self._lanes_before(b + 1) - lane, p, i
        cdef ptrdiff_t mr = min(width, self.filters - lane)
        cdef char *rows = c + count * width * self.number
        cdef ptrdiff_t step, run
        out += lane * self.k_step
        if not self.beside:
            self.chan.store(rows, count, c, width, count, mr, bias)
        elif self.activation:
            if bias != NULL:
                self.chan.rows(c, width, c, width, count, mr, bias)
                bias = NULL
            self.finish(c, self.number, c, NULL, count * width, NULL, self.activation)
        # runs of pixels that lie at equal steps in the result
        p = 0
        while p < count:
            step = self.out_at[start + p + 1] - self.out_at[start + p] if p + 1 < count else 0
            run = 1
            while p + run < count and \
                    self.out_at[start + p + run] - self.out_at[start + p + run - 1] == step:
                run += 1
            if self.beside:
                self.chan.rows(out + self.out_at[start + p], step // self.number, c + p * width * self.number, width,
                               run, mr, bias)
            else:
                for i in range(mr):
                    self.finish(out + i * self.k_step + self.out_at[start + p], step,
                                rows + (i * count + p) * self.number, NULL, run, NULL, self.activation)
            p += run
