# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Winograd convolution, fused per block of tiles.

An item of work is a block of tiles of one image and group (and a part of its filters):

    V[z][p][t][c]   the transformed samples: point p of tile t, z a plane where depth is summed directly
    M[p][t][k]      sum over z, c of V[z][p][t][c] * U[p][z][c][k], by the channel-lane microkernels
    y               the inverse transform of M, with bias and activation

Vectors hold channels throughout, so where channels are neighbours in memory samples are read and
results written as they lie; elsewhere a strip is turned to channels last in the cache, and back.  A tile's
samples may lie any step apart, so dilation is a matter of tables.  Where C or K is no multiple of a
vector, the last one reaches back over its neighbour and computes the same numbers again.
Called by backends/winograd.py; float32 and float64 only.
"""
from cython.parallel cimport parallel, prange, threadid
from libc.stdint cimport int32_t
from libc.string cimport memcpy
cimport numpy as cnp

from fastconv._core cimport kernels as k
from fastconv._core.cpu cimport isa_index, threads_for
from fastconv._core.job cimport TAP_BLOCK, Buffer, Stopper, buffer_of, table

cnp.import_array()

cdef enum:
    MAX_PIXELS = 14


cdef const k.fc_winograd_row *_find(int kind) except NULL:
    cdef int count, i
    cdef const k.fc_winograd_row *rows = k.fc_winograd_rows(isa_index(), &count)
    for i in range(count):
        if rows[i].kind == kind:
            return &rows[i]
    raise ValueError(f"no Winograd transforms of kind {kind}")


def lanes(int kind):
    """Numbers in a vector of that kind."""
    return _find(kind).lanes


cdef struct Axis:
    ptrdiff_t size              # samples of x
    ptrdiff_t x_bytes, out_bytes    # from sample to sample
    ptrdiff_t step              # dilation: samples between the points of a tile, and between its outputs
    ptrdiff_t *x_first          # per tile: its first sample, its first output,
    ptrdiff_t *out_first
    ptrdiff_t *low              # its points that are inside x, its outputs
    ptrdiff_t *high
    ptrdiff_t *count
    ptrdiff_t groups            # blocks along the axis
    ptrdiff_t *group            # first tile of each, and the end
    ptrdiff_t outputs
    bint whole                  # one block holds the axis


cdef struct Block:              # what one item looks at
    ptrdiff_t[3] first, tiles
    ptrdiff_t count
    ptrdiff_t[3] slots          # of the strip of samples, per axis
    ptrdiff_t[3] base           # sample of slot 0
    ptrdiff_t[3] out_slots
    ptrdiff_t[3] out_base


cdef class Job:
    """One convolution for one set of operand strides.  Immutable once built."""
    cdef list keep
    cdef const k.fc_winograd_row *ukr
    cdef const k.fc_chan_row *tile[3][MAX_PIXELS + 1]
    cdef int[3] most
    cdef k.fc_finish_fn *finish
    cdef int kind, activation
    cdef int[3] points, outs, taps
    cdef const double *matrix[3]
    cdef Axis[3] axis
    cdef ptrdiff_t number, lanes, all_points, out_points
    cdef ptrdiff_t channels, k_count, pitch
    cdef ptrdiff_t deep, deep_step, deep_taps
    cdef ptrdiff_t *x_n
    cdef ptrdiff_t *x_g
    cdef ptrdiff_t *out_n
    cdef ptrdiff_t *out_g
    cdef ptrdiff_t n_count, g_count, x_channel, out_channel
    cdef ptrdiff_t blocks, wide, narrow, units, parts, items
    cdef ptrdiff_t u_point, tiles_most, v_point, v_plane, m_point
    cdef ptrdiff_t v_at, m_at, strip_at, out_at, spare_at
    cdef int32_t *off
    cdef double work
    cdef readonly ptrdiff_t scratch_bytes, packed_numbers
    cdef bint x_last, out_last

    def __init__(self, *, int kind, int out_type, int activation, double work, points, outs, taps, matrices,
                 deep, axes, ptrdiff_t channels, ptrdiff_t k_count, ptrdiff_t x_channel,
                 ptrdiff_t out_channel, x_n, x_g, out_n, out_g, ptrdiff_t parts):
        """points, outs, taps: per axis of a tile; matrices: G per axis, points x taps, float64; deep: (taps,
        dilation) along axis 0 summed directly; axes: as ``_set_axis``; x_channel, out_channel: bytes."""
        cdef int i
        cdef cnp.ndarray g
        self.keep = []
        self.kind, self.activation, self.work = kind, activation, work
        self.ukr = _find(kind)
        self.finish = k.fc_finish_find(kind, out_type)
        self.number, self.lanes = k.fc_kind_size(kind), self.ukr.lanes
        self.all_points = self.out_points = 1
        for i in range(3):
            self.points[i], self.outs[i], self.taps[i] = points[i], outs[i], taps[i]
            self.all_points *= self.points[i]
            self.out_points *= self.outs[i]
            g = matrices[i]
            self.keep.append(g)
            self.matrix[i] = <const double *>cnp.PyArray_DATA(g)
            self._set_axis(&self.axis[i], axes[i])
        self.deep, self.deep_step = deep
        self.channels, self.k_count = channels, k_count
        self.x_channel, self.out_channel = x_channel, out_channel
        self.x_last, self.out_last = x_channel == self.number, out_channel == self.number
        self.x_n, self.x_g = table(self.keep, x_n), table(self.keep, x_g)
        self.out_n, self.out_g = table(self.keep, out_n), table(self.keep, out_g)
        self.n_count, self.g_count = len(x_n), len(x_g)
        self._set_tiles()
        self._set_blocks(parts)
        self._set_scratch()

    cdef void _set_axis(self, Axis *a, dict spec) except *:
        """spec: size, steps in bytes, dilation, and per tile what Axis says."""
        a.size, a.x_bytes, a.out_bytes = spec["size"], spec["x_bytes"], spec["out_bytes"]
        a.step, a.outputs = spec["step"], spec["outputs"]
        a.x_first, a.out_first = table(self.keep, spec["x_first"]), table(self.keep, spec["out_first"])
        a.low, a.high = table(self.keep, spec["low"]), table(self.keep, spec["high"])
        a.count, a.group = table(self.keep, spec["count"]), table(self.keep, spec["group"])
        a.groups = len(spec["group"]) - 1
        a.whole = a.groups == 1

    cdef void _set_tiles(self) except *:
        cdef int count, i
        cdef const k.fc_chan_row *rows = k.fc_chan_rows(isa_index(), &count)
        cdef Buffer b = buffer_of(TAP_BLOCK * sizeof(int32_t))
        for i in range(count):
            if rows[i].kind == self.kind:
                self.tile[rows[i].nv][rows[i].pixels] = &rows[i]
                self.most[rows[i].nv] = max(self.most[rows[i].nv], rows[i].pixels)
        self.keep.append(b)
        self.off = <int32_t *>b.data
        for i in range(TAP_BLOCK):
            self.off[i] = i

    cdef void _set_blocks(self, ptrdiff_t parts) except *:
        """Filters in blocks of two vectors, or of one where there are fewer; parts: items of a tile block."""
        self.wide = 2 * self.lanes if self.k_count >= 2 * self.lanes else self.lanes
        self.blocks = (self.k_count + self.wide - 1) // self.wide
        # a last block that reaches back belongs to the same part as the one it overlaps
        self.units = self.blocks - (self.k_count % self.wide != 0)
        self.parts = max(1, min(parts, self.units))
        self.items = self.n_count * self.g_count * self.axis[0].groups * self.axis[1].groups * \
            self.axis[2].groups * self.parts
        self.u_point = self._off_4k(self.deep * self.channels * self.wide)
        self.packed_numbers = self.g_count * self.blocks * self.all_points * self.u_point

    cdef ptrdiff_t _off_4k(self, ptrdiff_t n) noexcept:
        """A step of n numbers that is no multiple of 4 KiB: such rows share one cache set."""
        cdef ptrdiff_t line = 64 // self.number
        n = (n + line - 1) // line * line
        return n + line if n * self.number % 2048 == 0 else n

    cdef void _set_scratch(self) except *:
        cdef ptrdiff_t i, j, most, strip = 1, out = 1, line = 64 // self.number
        cdef Axis *a
        self.tiles_most = 1
        for i in range(3):
            a = &self.axis[i]
            most = 0
            for j in range(a.groups):
                most = max(most, a.group[j + 1] - a.group[j])
            self.tiles_most *= most
            strip *= max(a.size if i == 2 and a.whole else 0, (most - 1) * self.outs[i] + self.points[i])
            out *= max(a.outputs if i == 2 and a.whole else 0, most * self.outs[i])
        self.pitch = self._off_4k(self.channels + line)
        self.v_point = self._off_4k(self.tiles_most * self.pitch)
        self.v_plane = self.v_point * self.all_points
        self.m_point = self._off_4k(self.tiles_most * self.wide)
        self.v_at = 64
        self.m_at = self.v_at + self.v_plane * self.deep * self.number
        self.strip_at = self.m_at + self.m_point * self.all_points * self.number
        self.out_at = self.strip_at + (0 if self.x_last else strip * self.lanes * self.number)
        self.spare_at = self.out_at + (0 if self.out_last else out * self.lanes * self.number)
        self.scratch_bytes = self.spare_at + (self.all_points + 1) * self.lanes * self.number + 64

    # --- weights --------------------------------------------------------------------------

    def pack(self, cnp.ndarray w not None, cnp.ndarray out not None):
        """Transform the weights (compute type, C-contiguous); False: not all results are finite."""
        cdef const char *weights = <const char *>cnp.PyArray_DATA(w)
        cdef char *u = <char *>cnp.PyArray_DATA(out)
        cdef ptrdiff_t jobs = self.g_count * self.blocks, j
        cdef ptrdiff_t size = self.packed_numbers // max(1, jobs)
        cdef k.fc_wino_weights d
        cdef int i, bad = 0, threads = threads_for(<double>self.packed_numbers * 2)
        cdef const char *at
        d.channels, d.deep, d.filter = self.channels, self.deep, self.channels * self.deep
        for i in range(3):
            d.points[i], d.taps[i], d.matrix[i] = self.points[i], self.taps[i], self.matrix[i]
            d.filter *= self.taps[i]
        d.width = self.wide
        d.xi = self.u_point
        for j in prange(jobs, nogil=True, num_threads=threads, schedule="static"):
            at = weights + (j // self.blocks * self.k_count + self._block_first(j % self.blocks)) * \
                d.filter * self.number
            bad += not self.ukr.weights(&d, at, u + j * size * self.number)
        return bad == 0

    cdef ptrdiff_t _block_first(self, ptrdiff_t b) noexcept nogil:
        """First filter of a block."""
        return min(b * self.wide, self.k_count - self.wide)

    # --- running --------------------------------------------------------------------------

    def run(self, cnp.ndarray x_array not None, cnp.ndarray packed_array not None,
            cnp.ndarray bias_array, cnp.ndarray out_array not None, cnp.ndarray bad_array not None):
        """Compute everything; bad_array (one byte an image) is set where a result is not finite."""
        cdef const char *x = <const char *>cnp.PyArray_DATA(x_array)
        cdef const char *packed = <const char *>cnp.PyArray_DATA(packed_array)
        cdef const char *bias = NULL
        cdef char *out = <char *>cnp.PyArray_DATA(out_array)
        cdef char *bad = <char *>cnp.PyArray_DATA(bad_array)
        cdef int threads = threads_for(self.work)
        cdef ptrdiff_t item
        cdef Stopper stopper = Stopper()
        cdef int failed = 0
        cdef int *status = &failed
        cdef char *scratch
        if bias_array is not None:
            bias = <const char *>cnp.PyArray_DATA(bias_array)
        if self.items == 0:
            return
        threads = <int>min(<ptrdiff_t>threads, self.items)
        if threads == 1:
            with nogil:
                scratch = <char *>k.fc_scratch(self.scratch_bytes)
                failed = scratch == NULL
                if not failed:
                    (<ptrdiff_t *>scratch)[0] = -1
                    for item in range(self.items):
                        if stopper.look():
                            break
                        self._item(item, scratch, x, packed, bias, out, bad, stopper, True)
        else:
            with nogil, parallel(num_threads=threads):
                scratch = <char *>k.fc_scratch(self.scratch_bytes)
                if scratch == NULL:
                    status[0] = 1
                else:
                    (<ptrdiff_t *>scratch)[0] = -1
                for item in prange(self.items, schedule="dynamic"):
                    if status[0] == 0 and not stopper.stop:
                        if threadid() == 0:
                            stopper.look()
                        self._item(item, scratch, x, packed, bias, out, bad, stopper,
                                   threadid() == 0)
        stopper.check()
        if failed:
            raise MemoryError(f"no memory for a workspace of {self.scratch_bytes} bytes a thread")

    cdef void _item(self, ptrdiff_t item, char *scratch, const char *x, const char *packed,
                    const char *bias, char *out, char *bad, Stopper stopper,
                    bint watching) noexcept nogil:
        cdef ptrdiff_t part = item % self.parts, rest = item // self.parts, i, g, n, b, last
        cdef Block block
        block.count = 1
        for i in range(2, -1, -1):
            self._look_at(&block, i, rest % self.axis[i].groups)
            rest //= self.axis[i].groups
        g = rest % self.g_count
        n = rest // self.g_count
        if (<ptrdiff_t *>scratch)[0] != item - part:    # the parts of a block share its samples
            self._samples(&block, x + self.x_n[n] + self.x_g[g], scratch)
            (<ptrdiff_t *>scratch)[0] = item - part
        out += self.out_n[n] + self.out_g[g]
        if bias != NULL:
            bias += g * self.k_count * self.number
        last = (part + 1) * self.units // self.parts
        if part == self.parts - 1:
            last = self.blocks
        for b in range(part * self.units // self.parts, last):
            self._products(&block, packed + (g * self.blocks + b) * self.all_points * self.u_point
                           * self.number, scratch)
            if self._results(&block, self._block_first(b), bias, out, scratch):
                bad[n] = 1
            if stopper.stop or (watching and stopper.look()):
                return

    cdef void _look_at(self, Block *b, int i, ptrdiff_t group) noexcept nogil:
        """The tiles and the strip of one axis of a block."""
        cdef const Axis *a = &self.axis[i]
        cdef ptrdiff_t first = a.group[group], last = a.group[group + 1] - 1
        b.first[i], b.tiles[i] = first, last - first + 1
        b.count *= b.tiles[i]
        if a.whole and i == 2:      # all samples, all outputs, as they lie
            b.base[i], b.slots[i] = 0, a.size
            b.out_base[i], b.out_slots[i] = 0, a.outputs
        else:
            b.base[i] = a.x_first[first]
            b.slots[i] = (b.tiles[i] - 1) * self.outs[i] + self.points[i]
            b.out_base[i] = a.out_first[first]
            b.out_slots[i] = (b.tiles[i] - 1) * self.outs[i] + a.count[last]

    cdef bint _dense(self, int i) noexcept nogil:
        """Whether the slots of a strip along an axis are the samples as they lie."""
        return i == 2 and self.axis[i].whole

    cdef void _samples(self, const Block *b, const char *x, char *scratch) noexcept nogil:
        """Transform all samples of a block."""
        cdef ptrdiff_t z, c, i, shift
        cdef char *v
        cdef ptrdiff_t[3] step
        for z in range(self.deep):
            shift = z * self.deep_step
            v = scratch + self.v_at + z * self.v_plane * self.number
            if self.x_last:
                for i in range(3):
                    step[i] = self.axis[i].x_bytes // self.number * self.axis[i].step
                self._tiles_of(b, shift, x, step, True, self.channels, v, scratch + self.spare_at)
                continue
            step[2] = self.lanes * (self.axis[2].step if self._dense(2) else 1)
            step[1] = self.lanes * b.slots[2]
            step[0] = step[1] * b.slots[1]
            c = 0
            while c < self.channels:
                c = min(c, self.channels - self.lanes)
                self._turn(b, shift, x + c * self.x_channel, scratch + self.strip_at)
                self._tiles_of(b, shift, scratch + self.strip_at, step, False, self.lanes,
                               v + c * self.number, scratch + self.spare_at)
                c += self.lanes

    cdef void _tiles_of(self, const Block *b, ptrdiff_t shift, const char *x, const ptrdiff_t *step,
                        bint direct, ptrdiff_t channels, char *v, char *spare) noexcept nogil:
        """Transform the tiles of a block; direct: x is the caller's memory, else a strip of one vector of
        channels. shift: samples by which axis 0 is moved."""
        cdef ptrdiff_t[3] at, low, high, spare_step, t
        cdef ptrdiff_t i, offset, c
        cdef bint inside
        cdef const Axis *a
        spare_step[2] = self.lanes
        spare_step[1] = self.lanes * self.points[2]
        spare_step[0] = spare_step[1] * self.points[1]
        for t[0] in range(b.tiles[0]):
            for t[1] in range(b.tiles[1]):
                for t[2] in range(b.tiles[2]):
                    inside, offset = True, 0
                    for i in range(3):
                        a = &self.axis[i]
                        low[i], high[i] = a.low[b.first[i] + t[i]], a.high[b.first[i] + t[i]]
                        at[i] = a.x_first[b.first[i] + t[i]]
                        if i == 0 and self.deep > 1:
                            at[0] += shift
                            low[0], high[0] = 0, 0 <= at[0] < a.size
                        inside = inside and low[i] == 0 and high[i] == self.points[i]
                        if direct:
                            offset += at[i] * a.x_bytes
                        elif self._dense(<int>i):
                            offset += at[i] * self.lanes * self.number
                        else:
                            offset += t[i] * self.outs[i] * step[i] * self.number
                    c = 0
                    while c < channels:
                        c = min(c, channels - self.lanes)
                        if inside:
                            self.ukr.tile_in(self.points, x + offset + c * self.number, step,
                                             v + c * self.number, self.v_point)
                        else:
                            self.ukr.edge(self.points, low, high, x + offset + c * self.number, step,
                                          spare)
                            self.ukr.tile_in(self.points, spare, spare_step, v + c * self.number,
                                             self.v_point)
                        c += self.lanes
                    v += self.pitch * self.number

    cdef void _turn(self, const Block *b, ptrdiff_t shift, const char *x, char *to) noexcept nogil:
        """Lay a strip of one vector of channels out with channels last."""
        cdef const Axis *p = &self.axis[0]
        cdef const Axis *r = &self.axis[1]
        cdef const Axis *c = &self.axis[2]
        cdef ptrdiff_t step = 1 if self._dense(2) else c.step
        cdef ptrdiff_t low = 0, high = b.slots[2], i, j, plane, row, first, last
        while b.base[2] + low * step < 0:
            low += 1
        while high > low and b.base[2] + (high - 1) * step >= c.size:
            high -= 1
        for i in range(b.slots[0]):
            plane = b.base[0] + i * p.step + shift
            if plane < 0 or plane >= p.size:
                continue
            first, last = 0, b.slots[1]
            while b.base[1] + first * r.step < 0:
                first += 1
            while last > first and b.base[1] + (last - 1) * r.step >= r.size:
                last -= 1
            if r.step == 1 and high - low == b.slots[2] == c.size and r.x_bytes == c.size * c.x_bytes:
                self._turn_run(to + (i * b.slots[1] + first) * b.slots[2] * self.lanes * self.number,
                               x + plane * p.x_bytes + (b.base[1] + first) * r.x_bytes, c.x_bytes,
                               (last - first) * c.size)
                continue
            for j in range(first, last):
                row = b.base[1] + j * r.step
                self._turn_run(
                    to + ((i * b.slots[1] + j) * b.slots[2] + low) * self.lanes * self.number,
                    x + plane * p.x_bytes + row * r.x_bytes + (b.base[2] + low * step) * c.x_bytes,
                    step * c.x_bytes, high - low)

    cdef void _turn_run(self, char *to, const char *x, ptrdiff_t step, ptrdiff_t n) noexcept nogil:
        """to[p][lane] = x[lane][p] for n samples `step` bytes apart."""
        cdef ptrdiff_t i, l
        if step == self.number and n >= self.lanes and self.x_channel % self.number == 0:
            self.ukr.to_last(to, self.lanes, x, self.x_channel // self.number, n)
            return
        for i in range(n):
            for l in range(self.lanes):
                memcpy(to + (i * self.lanes + l) * self.number, x + l * self.x_channel + i * step,
                       self.number)

    cdef void _products(self, const Block *b, const char *u, char *scratch) noexcept nogil:
        """M of one block of filters."""
        cdef int nv = <int>(self.wide // self.lanes)
        cdef ptrdiff_t tiles = (b.count + self.most[nv] - 1) // self.most[nv]
        cdef ptrdiff_t p, i, z, c, count, px, done
        cdef const char *v
        cdef const char *w
        cdef char *m
        cdef bint more
        for p in range(self.all_points):
            more = False
            for z in range(self.deep):
                c = 0
                while c < self.channels:
                    count = min(self.channels - c, <ptrdiff_t>TAP_BLOCK)
                    v = scratch + self.v_at + (z * self.v_plane + p * self.v_point + c) * self.number
                    w = u + (p * self.u_point + (z * self.channels + c) * self.wide) * self.number
                    m = scratch + self.m_at + p * self.m_point * self.number
                    done = 0
                    for i in range(tiles):
                        px = b.count // tiles + (1 if i < b.count % tiles else 0)
                        self.tile[nv][px].steps(count, self.off, v + done * self.pitch * self.number,
                                                self.pitch, w, m + done * self.wide * self.number, more)
                        done += px
                    c += count
                    more = True

    cdef bint _results(self, const Block *b, ptrdiff_t first, const char *bias, char *out,
                       char *scratch) noexcept nogil:
        """Write a block of filters; True where a sum was not finite."""
        cdef ptrdiff_t vector, l
        cdef char *m = scratch + self.m_at
        cdef char *spare = scratch + self.spare_at
        cdef char *check = spare + self.all_points * self.lanes * self.number
        cdef char *at = out + first * self.out_channel
        cdef ptrdiff_t[3] step
        for l in range(self.lanes):
            if self.number == 4:
                (<float *>check)[l] = 0
            else:
                (<double *>check)[l] = 0
        if bias != NULL:
            bias += first * self.number
        for vector in range(self.wide // self.lanes):
            if self.out_last:
                for l in range(3):
                    step[l] = self.axis[l].out_bytes // self.number * self.axis[l].step
                self._tiles_to(b, m, bias, at, step, True, spare, check)
            else:
                step[2] = self.lanes * (self.axis[2].step if self._dense(2) else 1)
                step[1] = self.lanes * b.out_slots[2]
                step[0] = step[1] * b.out_slots[1]
                self._tiles_to(b, m, bias, scratch + self.out_at, step, False, spare, check)
                self._turn_back(b, scratch + self.out_at, at)
            m += self.lanes * self.number
            at += self.lanes * self.out_channel
            if bias != NULL:
                bias += self.lanes * self.number
        return not k.fc_all_finite(self.kind, check, self.lanes)

    cdef void _tiles_to(self, const Block *b, const char *m, const char *bias, char *y,
                        const ptrdiff_t *step, bint direct, char *spare, char *check) noexcept nogil:
        """Transform one vector of results back; y as x in _tiles_of."""
        cdef ptrdiff_t[3] t, count, spare_step, px
        cdef ptrdiff_t i, offset
        cdef bint whole
        cdef const Axis *a
        spare_step[2] = self.lanes
        spare_step[1] = self.lanes * self.outs[2]
        spare_step[0] = spare_step[1] * self.outs[1]
        for t[0] in range(b.tiles[0]):
            for t[1] in range(b.tiles[1]):
                for t[2] in range(b.tiles[2]):
                    whole, offset = True, 0
                    for i in range(3):
                        a = &self.axis[i]
                        count[i] = a.count[b.first[i] + t[i]]
                        whole = whole and count[i] == self.outs[i]
                        if direct:
                            offset += a.out_first[b.first[i] + t[i]] * a.out_bytes
                        elif self._dense(<int>i):
                            offset += a.out_first[b.first[i] + t[i]] * self.lanes * self.number
                        else:
                            offset += t[i] * self.outs[i] * step[i] * self.number
                    if whole:
                        self.ukr.tile_out(self.points, self.outs, m, self.m_point, y + offset, step,
                                          bias, self.activation == 1, check)
                    else:
                        self.ukr.tile_out(self.points, self.outs, m, self.m_point, spare, spare_step,
                                          bias, self.activation == 1, check)
                        self.ukr.clip(self.outs, count, spare, y + offset, step)
                    if self.activation > 1:
                        self._activate(y + offset, count, step)
                    m += self.wide * self.number

    cdef void _activate(self, char *y, const ptrdiff_t *count, const ptrdiff_t *step) noexcept nogil:
        cdef ptrdiff_t i, j, l
        cdef char *at
        for i in range(count[0]):
            for j in range(count[1]):
                for l in range(count[2]):
                    at = y + (i * step[0] + j * step[1] + l * step[2]) * self.number
                    self.finish(at, self.number, at, NULL, self.lanes, NULL, self.activation)

    cdef void _turn_back(self, const Block *b, const char *y, char *out) noexcept nogil:
        """Write a strip of results, channels last, to the planes of one vector of filters."""
        cdef const Axis *p = &self.axis[0]
        cdef const Axis *r = &self.axis[1]
        cdef const Axis *c = &self.axis[2]
        cdef ptrdiff_t step = (1 if self._dense(2) else c.step) * c.out_bytes, i, j
        cdef ptrdiff_t slots = b.out_slots[2], slot = self.lanes * self.number
        for i in range(b.out_slots[0]):
            if r.step == 1 and self._dense(2) and r.out_bytes == c.outputs * c.out_bytes:
                self._back_run(out + (b.out_base[0] + i * p.step) * p.out_bytes + b.out_base[1] * r.out_bytes,
                               step, y + i * b.out_slots[1] * slots * slot, b.out_slots[1] * slots)
                continue
            for j in range(b.out_slots[1]):
                self._back_run(out + (b.out_base[0] + i * p.step) * p.out_bytes
                               + (b.out_base[1] + j * r.step) * r.out_bytes + b.out_base[2] * c.out_bytes,
                               step, y + (i * b.out_slots[1] + j) * slots * slot, slots)

    cdef void _back_run(self, char *out, ptrdiff_t step, const char *y, ptrdiff_t n) noexcept nogil:
        """out[lane][p] = y[p][lane] for n samples `step` bytes apart."""
        cdef ptrdiff_t i, l
        if step == self.number and n >= self.lanes and self.out_channel % self.number == 0:
            self.ukr.to_planes(out, self.out_channel // self.number, y, self.lanes, n, 0)
            return
        for i in range(n):
            for l in range(self.lanes):
                memcpy(out + l * self.out_channel + i * step, y + (i * self.lanes + l) * self.number,
                       self.number)
