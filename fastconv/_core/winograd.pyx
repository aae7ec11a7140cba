# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Winograd convolution on blocks of tiles.

    V[z][p][t][c]   the transformed samples: point p of tile t, z a plane where depth is summed directly
    M[p][t][k]      sum over z, c of V[z][p][t][c] * U[p][z][c][k], by the channel-lane microkernels
    y               the inverse transform of M, with bias and activation

Two ways through a block. Fused: an item of work is a block, its V stays in the cache of one thread. Shared:
blocks one after the other, all threads transform channels into one V, then each multiplies gangs of
filters; for few tiles, and where U is so large that it must be read seldom.  M holds a gang of blocks of
filters, so that V is read once for all of them.  U is made by ``pack`` or, in a call that holds none, at the
start; where it serves one or two blocks, a panel of some filters and channels at a time, in the cache.
The way in and out is in winograd_grid.pyx. Called by backends/winograd.py; float32 and float64 only.
"""
from libc.stdint cimport int32_t
cimport numpy as cnp

from fastconv._core cimport kernels as k
from fastconv._core.cpu cimport isa_index, threads_for
from fastconv._core.job cimport Buffer, Team, buffer_of, table
from fastconv._core.winograd_grid cimport Block, Grid, transforms

cnp.import_array()

cdef enum:
    MAX_PIXELS = 14
    LINE = 64                   # bytes of a cache line, which no two threads should write at once
    SUM_BLOCK = 128             # channels of a running sum, and of a panel of U


def lanes(int kind):
    """Numbers in a vector of that kind."""
    return transforms(kind).lanes


cdef struct Call:               # one run's operands
    const char *x
    const char *u               # NULL: made gang by gang
    const char *w
    const char *bias
    char *out
    char *bad
    char *v                     # where all share it
    char *first                 # the workspace of the calling thread
    size_t u_at                 # in it
    size_t common               # bytes of it that all share
    size_t own                  # bytes of a thread's own
    ptrdiff_t item              # the block of tiles, where all work on one
    bint unfinite               # weights that are not finite were met


cdef void _pack_blocks(Job self, Call *call, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part of the weights."""
    while team.next(share):
        if not self._pack(share.item, call.w, call.first + call.u_at + share.item * self.u_block * self.number):
            call.unfinite = True


cdef char *_scratch(Call *call, Team team, bint caller) noexcept nogil:
    return call.first + call.common if caller else team.scratch(call.own)


cdef void _spans(Job self, Call *call, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part of the samples of one block of tiles."""
    cdef char *scratch = _scratch(call, team, share.caller)
    while team.next(share):
        self._span(call, share.item, scratch)


cdef void _gangs(Job self, Call *call, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part of the filters of one block of tiles."""
    cdef char *scratch = _scratch(call, team, share.caller)
    while team.next(share):
        self._ganged(call, share.item, scratch)


cdef void _blocks(Job self, Call *call, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part of the blocks of tiles."""
    cdef char *scratch = _scratch(call, team, share.caller)
    while team.next(share):
        self._fused(call, share.item, scratch, team, share.caller)


cdef class Job(Grid):
    """One convolution for one set of operand strides.  Immutable once built."""
    cdef const k.fc_chan_row *tile[3][MAX_PIXELS + 1]
    cdef int[3] most
    cdef const double *matrix[3]
    cdef ptrdiff_t *x_n
    cdef ptrdiff_t *x_g
    cdef ptrdiff_t *out_n
    cdef ptrdiff_t *out_g
    cdef ptrdiff_t g_count, inner, items, repeats
    cdef ptrdiff_t blocks, gang, gangs, units, span, spans
    cdef ptrdiff_t u_point, u_block, m_block, sums, panel_point
    cdef ptrdiff_t v_bytes, m_at, strip_at, out_at, spare_at, panel_bytes
    cdef int32_t *off
    cdef int32_t[MAX_PIXELS] tile_at
    cdef double work
    cdef bint shared
    cdef readonly ptrdiff_t scratch_bytes, packed_numbers

    def __init__(self, *, double work, matrices, x_n, x_g, out_n, out_g, ptrdiff_t repeats, bint shared,
                 ptrdiff_t sums_bytes, ptrdiff_t parts, **grid):
        """matrices: G per axis, points x taps, float64; repeats: blocks up to which a call that holds no U
        makes it again for each; sums_bytes: of M; parts: gangs that there should be at least."""
        cdef int i
        cdef cnp.ndarray g
        super().__init__(**grid)
        self.work, self.shared, self.repeats = work, shared, repeats
        for i in range(3):
            g = matrices[i]
            self.keep.append(g)
            self.matrix[i] = <const double *>cnp.PyArray_DATA(g)
        self.x_n, self.x_g = table(self.keep, x_n), table(self.keep, x_g)
        self.out_n, self.out_g = table(self.keep, out_n), table(self.keep, out_g)
        self.g_count = len(x_g)
        self.inner = self.axis[0].groups * self.axis[1].groups * self.axis[2].groups
        self.items = <ptrdiff_t>len(x_n) * self.g_count * self.inner
        self._set_tiles()
        self._set_gangs(sums_bytes, parts)
        self._set_scratch()

    cdef void _set_tiles(self) except *:
        cdef int count, i
        cdef const k.fc_chan_row *rows = k.fc_chan_rows(isa_index(), &count)
        cdef Buffer b = buffer_of(SUM_BLOCK * sizeof(int32_t))
        for i in range(count):
            if rows[i].kind == self.kind:
                self.tile[rows[i].nv][rows[i].pixels] = &rows[i]
                self.most[rows[i].nv] = max(self.most[rows[i].nv], rows[i].pixels)
        self.keep.append(b)
        self.off = <int32_t *>b.data
        for i in range(SUM_BLOCK):
            self.off[i] = i
        for i in range(MAX_PIXELS):
            self.tile_at[i] = <int32_t>(i * self.pitch)

    cdef void _set_gangs(self, ptrdiff_t sums_bytes, ptrdiff_t parts) except *:
        """Filters in blocks of ``wide``, blocks in gangs."""
        # channels that a thread transforms at once, into lines of its own
        self.span = max(self.lanes, LINE // self.number) * (2 if self.x_direct else 1)
        self.blocks = (self.k_count + self.wide - 1) // self.wide
        # a last block that reaches back belongs to the same gang as the one it overlaps
        self.units = self.blocks - (self.k_count % self.wide != 0)
        self.m_block = self.all_points * self.m_point
        self.gang = max(1, min(sums_bytes // (self.m_block * self.number), self.units // parts))
        self.gangs = (self.units + self.gang - 1) // self.gang
        self.spans = max(1, self.channels // self.span)
        self.u_point = self.off_4k(self.deep * self.channels * self.wide)
        self.u_block = self.all_points * self.u_point
        self.sums = (self.channels + SUM_BLOCK - 1) // SUM_BLOCK
        self.panel_point = self.off_4k(self.deep * (self.channels // self.sums + 1) * self.wide)
        self.packed_numbers = self.g_count * self.blocks * self.u_block

    cdef void _set_scratch(self) except *:
        cdef ptrdiff_t most = self.gang + (self.blocks > self.units)
        self.v_bytes = (self.v_plane * self.deep * self.number + 63) // 64 * 64
        self.m_at = 0 if self.shared else self.v_bytes
        self.strip_at = self.m_at + self.m_block * most * self.number
        self.out_at = self.strip_at + self.strip_numbers * self.number
        self.spare_at = self.out_at + self.out_numbers * self.number
        self.scratch_bytes = self.spare_at + (self.all_points + 1) * self.lanes * self.number + 64
        self.scratch_bytes = (self.scratch_bytes + 63) // 64 * 64
        self.panel_bytes = self.all_points * self.panel_point * self.number

    @property
    def workspace_bytes(self):
        """Of the first thread, where U is given."""
        return self.scratch_bytes + (self.v_bytes if self.shared else 0)

    # --- weights --------------------------------------------------------------------------

    def pack(self, cnp.ndarray w not None, cnp.ndarray out not None):
        """Transform the weights (compute type, C-contiguous); False: not all results are finite."""
        cdef Call call
        cdef int threads = threads_for(<double>self.packed_numbers * 2)
        cdef Team team = Team()
        cdef void *job = <void *>self
        call.w, call.first = <const char *>cnp.PyArray_DATA(w), <char *>cnp.PyArray_DATA(out)
        call.u_at, call.unfinite = 0, False
        with nogil:
            team.run(<k.fc_task *>_pack_blocks, job, &call, self.g_count * self.blocks, 1, threads)
        team.check()
        return not call.unfinite

    cdef bint _pack(self, ptrdiff_t j, const char *w, char *u) noexcept nogil:
        """Transform block j of all groups; False: not all finite."""
        return self._weights(j, 0, self.channels, w, u, self.u_point)

    cdef bint _weights(self, ptrdiff_t j, ptrdiff_t first, ptrdiff_t channels, const char *w, char *u,
                       ptrdiff_t point) noexcept nogil:
        """The same for some channels only; point: numbers from point to point in u."""
        cdef k.fc_wino_weights d
        cdef int i
        d.channels, d.deep, d.filter = channels, self.deep, self.deep
        for i in range(3):
            d.points[i], d.taps[i], d.matrix[i] = self.points[i], self.taps[i], self.matrix[i]
            d.filter *= self.taps[i]
        w += first * d.filter * self.number
        d.filter *= self.channels
        d.width = self.wide
        d.xi = point
        w += (j // self.blocks * self.k_count + self._block_first(j % self.blocks)) * d.filter * self.number
        return self.ukr.weights(&d, w, u)

    cdef ptrdiff_t _block_first(self, ptrdiff_t b) noexcept nogil:
        """First filter of a block."""
        return min(b * self.wide, self.k_count - self.wide)

    # --- running --------------------------------------------------------------------------

    def run(self, cnp.ndarray x_array not None, cnp.ndarray packed_array, cnp.ndarray w_array,
            cnp.ndarray bias_array, cnp.ndarray out_array not None, cnp.ndarray bad_array not None):
        """Compute everything; bad_array (a byte for each image and block of tiles) is set where a result is
        not finite. False: weights (w_array, where packed_array is None) that are not finite were met."""
        cdef Call call
        cdef int threads = threads_for(self.work)
        cdef bint ahead = packed_array is None and not (self.shared and self.items <= self.repeats)
        cdef Team team = Team()
        cdef void *job = <void *>self
        call.x, call.out = <const char *>cnp.PyArray_DATA(x_array), <char *>cnp.PyArray_DATA(out_array)
        call.bad, call.unfinite = <char *>cnp.PyArray_DATA(bad_array), False
        call.u = NULL if packed_array is None else <const char *>cnp.PyArray_DATA(packed_array)
        call.w = NULL if w_array is None else <const char *>cnp.PyArray_DATA(w_array)
        call.bias = NULL if bias_array is None else <const char *>cnp.PyArray_DATA(bias_array)
        if self.items == 0:
            return True
        call.common = call.u_at = self.v_bytes if self.shared else 0
        call.own = self.scratch_bytes
        if ahead:
            call.common += self.packed_numbers * self.number
        elif call.u == NULL:
            call.own += self.panel_bytes
        with nogil:
            # of this thread: what all share, its own
            call.first = call.v = team.scratch(call.common + call.own)
            if ahead:
                team.run(<k.fc_task *>_pack_blocks, job, &call, self.g_count * self.blocks, 1, threads)
                call.u = call.first + call.u_at
            if self.shared:
                for call.item in range(self.items):
                    team.run(<k.fc_task *>_spans, job, &call, self.spans, 1, threads)
                    team.run(<k.fc_task *>_gangs, job, &call, self.gangs, 1, threads)
            else:
                team.run(<k.fc_task *>_blocks, job, &call, self.items, 1, threads)
        team.check()
        return not call.unfinite

    cdef const char *_locate(self, const Call *call, ptrdiff_t item, Block *b) noexcept nogil:
        """The block of that number; its samples."""
        b.index = item % self.inner
        b.g = item // self.inner % self.g_count
        b.n = item // self.inner // self.g_count
        self.look(b)
        return call.x + self.x_n[b.n] + self.x_g[b.g]

    cdef void _fused(self, Call *call, ptrdiff_t item, char *scratch, Team team,
                     bint caller) noexcept nogil:
        cdef Block b
        cdef ptrdiff_t i
        cdef const char *x = self._locate(call, item, &b)
        for i in range(self.deep):
            self.transform(&b, i, 0, self.channels, x, scratch, scratch + self.strip_at,
                           scratch + self.spare_at)
        for i in range(self.gangs):
            if team.over(caller):
                return
            self._gang(call, &b, i, scratch, scratch)

    cdef void _span(self, Call *call, ptrdiff_t i, char *scratch) noexcept nogil:
        """Transform some channels of a block into the V that all share."""
        cdef Block b
        cdef ptrdiff_t z, end = self.channels if i == self.spans - 1 else (i + 1) * self.span
        cdef const char *x = self._locate(call, call.item, &b)
        for z in range(self.deep):
            self.transform(&b, z, i * self.span, end, x, call.v, scratch + self.strip_at,
                           scratch + self.spare_at)

    cdef void _ganged(self, Call *call, ptrdiff_t i, char *scratch) noexcept nogil:
        cdef Block b
        self._locate(call, call.item, &b)
        self._gang(call, &b, i, call.v, scratch)

    cdef void _gang(self, Call *call, const Block *b, ptrdiff_t i, const char *v,
                    char *scratch) noexcept nogil:
        """The results of one gang of filters."""
        cdef ptrdiff_t first = i * self.gang, end = min((i + 1) * self.gang, self.units), j
        cdef const char *bias = call.bias
        cdef char *m = scratch + self.m_at
        if i == self.gangs - 1:
            end = self.blocks
        if call.u == NULL:
            for j in range(end - first):
                if not self._by_panels(b, b.g * self.blocks + first + j, call.w, v,
                                       m + j * self.m_block * self.number, scratch + self.scratch_bytes):
                    call.unfinite = True
        else:
            self._products(b, call.u + (b.g * self.blocks + first) * self.u_block * self.number, end - first,
                           v, m)
        if bias != NULL:
            bias += b.g * self.k_count * self.number
        for j in range(end - first):
            if self.results(b, m + j * self.m_block * self.number, self._block_first(first + j), bias,
                            call.out + self.out_n[b.n] + self.out_g[b.g], scratch + self.out_at,
                            scratch + self.spare_at):
                call.bad[b.n * self.inner + b.index] = 1

    cdef void _product(self, const k.fc_chan_row *tile, ptrdiff_t taps, const char *v, const char *w,
                       char *m, bint accumulate) noexcept nogil:
        """One register tile: samples of neighbouring tiles lie a pitch apart."""
        if tile.points != NULL:
            tile.points(taps, self.off, v, self.tile_at, w, m, tile.nv * tile.lanes, NULL, accumulate)
        else:
            tile.steps(taps, self.off, v, self.pitch, w, m, tile.nv * tile.lanes, NULL, accumulate)

    cdef void _products(self, const Block *b, const char *u, ptrdiff_t blocks, const char *v,
                        char *m) noexcept nogil:
        """M of some blocks of filters. The order of sums is that of _by_panels."""
        cdef ptrdiff_t p, j, i, z, first, end, panel, ahead
        for p in range(self.all_points):
            for j in range(blocks):
                if j + 1 < blocks:
                    ahead = (j + 1) * self.u_block + p * self.u_point
                elif p + 1 < self.all_points:
                    ahead = (p + 1) * self.u_point
                else:
                    ahead = blocks * self.u_block
                for i in range(self.sums):
                    first, end = self.channels * i // self.sums, self.channels * (i + 1) // self.sums
                    for z in range(self.deep):
                        panel = (z * self.channels + first) * self.wide
                        self._multiply(
                            b, end - first, v + (z * self.v_plane + p * self.v_point + first) * self.number,
                            u + (j * self.u_block + p * self.u_point + panel) * self.number,
                            m + (j * self.m_block + p * self.m_point) * self.number, z + i > 0,
                            u + (ahead + panel) * self.number)

    cdef bint _by_panels(self, const Block *b, ptrdiff_t block, const char *w, const char *v, char *m,
                         char *panel) noexcept nogil:
        """M of one block of filters, whose U is made on the way; False: weights are not all finite."""
        cdef ptrdiff_t p, i, z, first, end
        cdef bint finite = True
        for i in range(self.sums):
            first, end = self.channels * i // self.sums, self.channels * (i + 1) // self.sums
            finite &= self._weights(block, first, end - first, w, panel, self.panel_point)
            for p in range(self.all_points):
                for z in range(self.deep):
                    self._multiply(
                        b, end - first, v + (z * self.v_plane + p * self.v_point + first) * self.number,
                        panel + (p * self.panel_point + z * (end - first) * self.wide) * self.number,
                        m + p * self.m_point * self.number, z + i > 0, NULL)
        return finite

    cdef void _multiply(self, const Block *b, ptrdiff_t channels, const char *v, const char *u, char *m,
                        bint more, const char *ahead) noexcept nogil:
        """Products of one point for all tiles of a block; on the way the panel at ahead is fetched."""
        cdef int nv = <int>(self.wide // self.lanes)
        cdef ptrdiff_t tiles = (b.count + self.most[nv] - 1) // self.most[nv], i, px
        cdef ptrdiff_t share = (channels * self.wide * self.number + tiles - 1) // tiles
        for i in range(tiles):
            px = b.count // tiles + (1 if i < b.count % tiles else 0)
            if ahead != NULL:
                k.fc_prefetch(ahead + i * share, share, False)
            self._product(self.tile[nv][px], channels, v, u, m, more)
            v += px * self.pitch * self.number
            m += px * self.wide * self.number
