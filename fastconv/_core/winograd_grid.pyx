# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Tiles of a Winograd convolution: from samples in memory to V, from M to results in memory.

Vectors hold channels throughout, so where channels are neighbours in memory samples are read and
results written as they lie; elsewhere, and at borders that are no zeros, a strip of one vector of
channels is laid out channels last in the cache, and turned back.  A tile's samples may lie any step apart, so
dilation is a matter of tables.  Where C or K is no multiple of a vector, the last one reaches back over its
neighbour and computes the same numbers again; fewer channels than a vector has lanes are followed by zeros.
The base of winograd.pyx.
"""
from libc.string cimport memcpy, memset

from fastconv._core cimport kernels as k
from fastconv._core.cpu cimport isa_index
from fastconv._core.job cimport table


cdef enum:
    VECTOR = 64                 # bytes of the widest vector
    TURNED = 64                 # samples of short rows turned at once


cdef const k.fc_winograd_row *transforms(int kind) except NULL:
    """The row of that kind for the ISA in use."""
    cdef int count, i
    cdef const k.fc_winograd_row *rows = k.fc_winograd_rows(isa_index(), &count)
    for i in range(count):
        if rows[i].kind == kind:
            return &rows[i]
    raise ValueError(f"no Winograd transforms of kind {kind}")


cdef class Grid:
    def __init__(self, *, int kind, int out_type, int activation, points, outs, taps, deep, axes,
                 ptrdiff_t channels, ptrdiff_t k_count, ptrdiff_t x_channel, ptrdiff_t out_channel):
        """points, outs, taps: per axis of a tile; deep: (taps, dilation) along axis 0 summed directly;
        axes: as ``_set_axis``; x_channel, out_channel: bytes."""
        cdef int i
        self.keep = []
        self.kind, self.activation = kind, activation
        self.ukr = transforms(kind)
        self.finish = k.fc_finish_find(kind, out_type)
        self.number, self.lanes = k.fc_kind_size(kind), self.ukr.lanes
        self.all_points = self.out_points = 1
        for i in range(3):
            self.points[i], self.outs[i], self.taps[i] = points[i], outs[i], taps[i]
            self.all_points *= self.points[i]
            self.out_points *= self.outs[i]
            self._set_axis(&self.axis[i], axes[i])
        self.deep, self.deep_step = deep
        self.channels, self.x_real = max(channels, self.lanes), min(channels, self.lanes)
        self.k_count, self.out_real = max(k_count, self.lanes), min(k_count, self.lanes)
        self.wide = 2 * self.lanes if self.k_count >= 2 * self.lanes else self.lanes
        self.x_channel, self.out_channel = x_channel, out_channel
        self.x_last = x_channel == self.number
        self.x_direct = self.x_last and self.x_real == self.lanes and \
            self.axis[0].mode == self.axis[1].mode == self.axis[2].mode == 0
        # strips hold zeros beside the samples, so that no tile reaches over an edge
        self.padded = not self.x_direct and self.deep == 1
        for i in range(3):
            self.padded = self.padded and self.axis[i].mode == 0 and not self.axis[i].whole
        self.out_direct = out_channel == self.number and self.out_real == self.lanes
        self._set_steps()

    cdef void _set_axis(self, Axis *a, dict spec) except *:
        """spec: what Axis says, per tile in lists."""
        a.size, a.x_bytes, a.out_bytes = spec["size"], spec["x_bytes"], spec["out_bytes"]
        a.step, a.outputs, a.mode, a.whole = spec["step"], spec["outputs"], spec["mode"], spec["whole"]
        a.x_first, a.out_first = table(self.keep, spec["x_first"]), table(self.keep, spec["out_first"])
        a.low, a.high = table(self.keep, spec["low"]), table(self.keep, spec["high"])
        a.count, a.group = table(self.keep, spec["count"]), table(self.keep, spec["group"])
        a.groups = len(spec["group"]) - 1

    cdef ptrdiff_t off_4k(self, ptrdiff_t n) noexcept:
        """A step of at least n numbers that is no multiple of 2 KiB: such rows share few cache sets."""
        cdef ptrdiff_t line = 64 // self.number
        n = (n + line - 1) // line * line
        return n + line if n * self.number % 2048 == 0 else n

    cdef void _set_steps(self) except *:
        """Steps of V and M, and sizes of the strips of the largest block."""
        cdef ptrdiff_t i, j, most
        cdef Axis *a
        self.tiles_most = self.strip_numbers = self.out_numbers = 1
        for i in range(3):
            a = &self.axis[i]
            most = 0
            for j in range(a.groups):
                most = max(most, a.group[j + 1] - a.group[j])
            self.tiles_most *= most
            self.strip_numbers *= a.size if a.whole else (most - 1) * self.outs[i] + self.points[i]
            self.out_numbers *= a.outputs if a.whole else most * self.outs[i]
        self.strip_numbers = 0 if self.x_direct else self.strip_numbers * self.lanes
        self.out_numbers = 0 if self.out_direct else self.out_numbers * self.lanes
        self.pitch = self.off_4k(self.channels + 64 // self.number)
        self.v_point = self.off_4k(self.tiles_most * self.pitch)
        self.v_plane = self.v_point * self.all_points
        self.m_point = self.off_4k(self.tiles_most * self.wide)

    cdef void look(self, Block *b) noexcept nogil:
        """Everything about the block of that index."""
        cdef ptrdiff_t rest = b.index, first, last, step
        cdef const Axis *a
        cdef int i
        b.count = 1
        for i in range(2, -1, -1):
            a = &self.axis[i]
            first = a.group[rest % a.groups]
            last = a.group[rest % a.groups + 1] - 1
            rest //= a.groups
            b.first[i], b.tiles[i] = first, last - first + 1
            b.count *= b.tiles[i]
            if a.whole:
                b.base[i] = b.out_base[i] = 0
                b.slots[i], b.out_slots[i], b.step[i] = a.size, a.outputs, 1
            else:
                b.base[i], b.out_base[i], b.step[i] = a.x_first[first], a.out_first[first], a.step
                b.slots[i] = (b.tiles[i] - 1) * self.outs[i] + self.points[i]
                b.out_slots[i] = (b.tiles[i] - 1) * self.outs[i] + a.count[last]
            step = b.step[i]
            b.high[i] = max(<ptrdiff_t>0, min(b.slots[i], (a.size - b.base[i] + step - 1) // step))
            b.low[i] = min(b.high[i], max(<ptrdiff_t>0, (step - 1 - b.base[i]) // step))
        b.stride[2] = b.out_stride[2] = self.lanes
        b.stride[1], b.out_stride[1] = self.lanes * b.slots[2], self.lanes * b.out_slots[2]
        b.stride[0], b.out_stride[0] = b.stride[1] * b.slots[1], b.out_stride[1] * b.out_slots[1]

    # --- samples --------------------------------------------------------------------------

    cdef void transform(self, const Block *b, ptrdiff_t z, ptrdiff_t first, ptrdiff_t end, const char *x,
                        char *v, char *strip, char *spare) noexcept nogil:
        """V of channels first .. end - 1 (at least a vector) of a block, for plane z of the direct axis."""
        cdef ptrdiff_t c = first, shift = z * self.deep_step
        v += z * self.v_plane * self.number
        if self.x_direct:
            self._tiles_of(b, shift, x + c * self.number, end - first, v + c * self.number, spare)
            return
        if self.padded:
            self._blank(b, strip)
        while c < end:
            c = min(c, end - self.lanes)
            self._turn(b, shift, x + c * self.x_channel, strip)
            if self.padded:
                self._tiles_inside(b, strip, v + c * self.number)
            else:
                self._tiles_of(b, shift, strip, self.lanes, v + c * self.number, spare)
            c += self.lanes

    cdef void _blank(self, const Block *b, char *strip) noexcept nogil:
        """Zeros where a strip reaches beyond the samples: nothing is laid out there."""
        cdef ptrdiff_t i, j, slot = self.lanes * self.number, inside
        cdef char *row
        for i in range(b.slots[0]):
            for j in range(b.slots[1]):
                row = strip + (i * b.stride[0] + j * b.stride[1]) * self.number
                inside = b.low[0] <= i < b.high[0] and b.low[1] <= j < b.high[1]
                if not inside:
                    memset(row, 0, b.slots[2] * slot)
                    continue
                memset(row, 0, b.low[2] * slot)
                memset(row + b.high[2] * slot, 0, (b.slots[2] - b.high[2]) * slot)

    cdef void _tiles_inside(self, const Block *b, const char *strip, char *v) noexcept nogil:
        """Transform the tiles of a block from a strip that holds every point of them."""
        cdef ptrdiff_t i, j, m
        cdef const char *row
        for i in range(b.tiles[0]):
            for j in range(b.tiles[1]):
                row = strip + (i * self.outs[0] * b.stride[0] + j * self.outs[1] * b.stride[1]) * self.number
                for m in range(b.tiles[2]):
                    self.ukr.tile_in(self.points, row, b.stride, v, self.v_point)
                    row += self.outs[2] * b.stride[2] * self.number
                    v += self.pitch * self.number

    cdef ptrdiff_t _source(self, const Axis *a, ptrdiff_t i) noexcept nogil:
        """The sample that stands at position i, -1: a zero."""
        if 0 <= i < a.size:
            return i
        return -1 if a.mode == 0 else k.fc_source_index(i, a.size, a.mode)

    cdef void _tiles_of(self, const Block *b, ptrdiff_t shift, const char *x, ptrdiff_t channels, char *v,
                        char *spare) noexcept nogil:
        """Transform the tiles of a block: from the caller's memory, or from a strip of one vector of
        channels. shift: samples by which axis 0 is moved."""
        cdef ptrdiff_t[3] at, low, high, step, spare_step, t
        cdef ptrdiff_t i, offset, c
        cdef bint inside
        cdef const Axis *a
        spare_step[2] = self.lanes
        spare_step[1] = self.lanes * self.points[2]
        spare_step[0] = spare_step[1] * self.points[1]
        for i in range(3):
            a = &self.axis[i]
            step[i] = a.x_bytes // self.number * a.step if self.x_direct else \
                b.stride[i] * (a.step if a.whole else 1)
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
                            low[0], high[0] = 0, a.mode != 0 or 0 <= at[0] < a.size
                        inside = inside and low[i] == 0 and high[i] == self.points[i]
                        if self.x_direct:
                            offset += at[i] * a.x_bytes
                        else:
                            offset += (at[i] if a.whole else t[i] * self.outs[i]) * b.stride[i] * \
                                self.number
                    if self.x_direct and t[2] + 1 < b.tiles[2]:
                        self._fetch(x + offset, step, channels)
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

    cdef void _fetch(self, const char *x, const ptrdiff_t *step, ptrdiff_t channels) noexcept nogil:
        """Ask for what the next tile reads beside this one's samples at x: these channels of them."""
        cdef ptrdiff_t i, j, q, column = step[2] * self.number, row = step[1] * self.number
        cdef ptrdiff_t pixels = self.outs[2], width = channels * self.number
        x += self.points[2] * column
        if width == column:
            width *= pixels
            pixels = 1
        for i in range(self.points[0]):
            for j in range(self.points[1]):
                for q in range(pixels):
                    k.fc_prefetch(x + i * step[0] * self.number + j * row + q * column, width, False)

    cdef void _turn(self, const Block *b, ptrdiff_t shift, const char *x, char *to) noexcept nogil:
        """Lay a strip of one vector of channels out with channels last."""
        cdef const Axis *p = &self.axis[0]
        cdef const Axis *r = &self.axis[1]
        cdef const Axis *c = &self.axis[2]
        cdef ptrdiff_t i, j, plane, row, rows = b.high[1] - b.low[1]
        # rows that are whole and follow each other in memory
        cdef bint whole = r.mode == c.mode == 0 and b.step[1] == 1 and not self.x_last and \
            b.high[2] - b.low[2] == c.size and r.x_bytes == c.size * c.x_bytes
        cdef bint joined = whole and b.slots[2] == c.size
        cdef bint short_rows = whole and c.size < self.lanes <= rows * c.size and self._turns(c.x_bytes)
        for i in range(b.slots[0]):
            plane = self._source(p, b.base[0] + i * b.step[0] + shift)
            if plane < 0:
                continue
            if joined:
                self._turn_run(to + (i * b.stride[0] + b.low[1] * b.stride[1]) * self.number,
                               x + plane * p.x_bytes + (b.base[1] + b.low[1]) * r.x_bytes, c.x_bytes,
                               rows * c.size)
                continue
            if short_rows:
                self._turn_short(to + (i * b.stride[0] + b.low[1] * b.stride[1] + b.low[2] * self.lanes) * self.number,
                                 b.stride[1] * self.number,
                                 x + plane * p.x_bytes + (b.base[1] + b.low[1]) * r.x_bytes, c.size, rows)
                continue
            for j in range(b.slots[1]):
                row = self._source(r, b.base[1] + j * b.step[1])
                if row >= 0:
                    self._turn_row(b, x + plane * p.x_bytes + row * r.x_bytes,
                                   to + (i * b.stride[0] + j * b.stride[1]) * self.number)

    cdef void _turn_row(self, const Block *b, const char *x, char *to) noexcept nogil:
        cdef const Axis *c = &self.axis[2]
        cdef ptrdiff_t i, slot = self.lanes * self.number
        self._turn_run(to + b.low[2] * slot, x + (b.base[2] + b.low[2] * b.step[2]) * c.x_bytes,
                       b.step[2] * c.x_bytes, b.high[2] - b.low[2])
        if c.mode == 0:
            return
        for i in range(b.slots[2]):
            if i < b.low[2] or i >= b.high[2]:
                self._turn_run(to + i * slot, x + self._source(c, b.base[2] + i * b.step[2]) * c.x_bytes,
                               0, 1)

    cdef bint _turns(self, ptrdiff_t step) noexcept nogil:
        """Whether the microkernel can turn samples so many bytes apart."""
        return step == self.number and self.x_real == self.lanes and self.x_channel % self.number == 0

    cdef void _turn_short(self, char *to, ptrdiff_t to_row, const char *x, ptrdiff_t width,
                          ptrdiff_t rows) noexcept nogil:
        """Rows of less than a vector: turned as one, then parted. to_row: bytes from row to row."""
        cdef char[TURNED * VECTOR] turned
        cdef ptrdiff_t slot = self.lanes * self.number, total = rows * width, p = 0, begin, end, count
        while p < total:
            begin = min(p, total - self.lanes)
            end = min(begin + TURNED, total)
            self.ukr.to_last(turned, self.lanes, x + begin * self.number, self.x_channel // self.number, end - begin)
            while p < end:
                count = min(width - p % width, end - p)
                memcpy(to + p // width * to_row + p % width * slot, turned + (p - begin) * slot, count * slot)
                p += count

    cdef void _turn_run(self, char *to, const char *x, ptrdiff_t step, ptrdiff_t n) noexcept nogil:
        """to[p][lane] = x[lane][p] for n samples `step` bytes apart."""
        cdef ptrdiff_t i, lane, slot = self.lanes * self.number
        if n >= self.lanes and self._turns(step):
            self.ukr.to_last(to, self.lanes, x, self.x_channel // self.number, n)
            return
        if self.x_real < self.lanes:
            memset(to, 0, n * slot)
        for i in range(n):
            if self.x_last:
                memcpy(to + i * slot, x + i * step, self.x_real * self.number)
                continue
            for lane in range(self.x_real):
                memcpy(to + i * slot + lane * self.number, x + lane * self.x_channel + i * step,
                       self.number)

    # --- results --------------------------------------------------------------------------

    cdef bint results(self, const Block *b, const char *m, ptrdiff_t first, const char *bias, char *out,
                      char *strip, char *spare) noexcept nogil:
        """Write a block of filters, the first of them given; True where a sum was not finite."""
        cdef ptrdiff_t _vector
        cdef char *check = spare + self.all_points * self.lanes * self.number
        cdef char *at = out + first * self.out_channel
        memset(check, 0, self.lanes * self.number)
        if bias != NULL:
            bias += first * self.number
        if self.out_direct:
            self._tiles_to(b, m, bias, at, spare, check, self.wide // self.lanes)
        else:
            for _vector in range(self.wide // self.lanes):
                self._tiles_to(b, m, bias, strip, spare, check, 1)
                self._turn_back(b, strip, at)
                m += self.lanes * self.number
                at += self.lanes * self.out_channel
                if bias != NULL:
                    bias += self.lanes * self.number
        return not k.fc_all_finite(self.kind, check, self.lanes)

    cdef void _tiles_to(self, const Block *b, const char *m, const char *bias, char *y, char *spare,
                        char *check, ptrdiff_t vectors) noexcept nogil:
        """Transform some vectors of results back, neighbours in m and y; y as x in _tiles_of."""
        cdef ptrdiff_t[3] t, count, spare_step, step
        cdef ptrdiff_t i, offset, v, vector = self.lanes * self.number
        cdef bint whole
        cdef const Axis *a
        spare_step[2] = self.lanes
        spare_step[1] = self.lanes * self.outs[2]
        spare_step[0] = spare_step[1] * self.outs[1]
        for i in range(3):
            a = &self.axis[i]
            step[i] = a.out_bytes // self.number * a.step if self.out_direct else \
                b.out_stride[i] * (a.step if a.whole else 1)
        for t[0] in range(b.tiles[0]):
            for t[1] in range(b.tiles[1]):
                for t[2] in range(b.tiles[2]):
                    whole, offset = True, 0
                    for i in range(3):
                        a = &self.axis[i]
                        count[i] = a.count[b.first[i] + t[i]]
                        whole = whole and count[i] == self.outs[i]
                        if self.out_direct:
                            offset += a.out_first[b.first[i] + t[i]] * a.out_bytes
                        else:
                            offset += (a.out_first[b.first[i] + t[i]] if a.whole else t[i] * self.outs[i]) \
                                * b.out_stride[i] * self.number
                    for v in range(vectors):
                        if whole:
                            self.ukr.tile_out(self.points, self.outs, m + v * vector, self.m_point, y + offset, step,
                                              NULL if bias == NULL else bias + v * vector, self.activation == 1, check)
                        else:
                            self.ukr.tile_out(self.points, self.outs, m + v * vector, self.m_point, spare, spare_step,
                                              NULL if bias == NULL else bias + v * vector, self.activation == 1, check)
                            self.ukr.clip(self.outs, count, spare, y + offset, step)
                        if self.activation > 1:
                            self._activate(y + offset, count, step)
                        offset += vector
                    m += self.wide * self.number

    cdef void _activate(self, char *y, const ptrdiff_t *count, const ptrdiff_t *step) noexcept nogil:
        cdef ptrdiff_t i, j, m
        cdef char *at
        for i in range(count[0]):
            for j in range(count[1]):
                for m in range(count[2]):
                    at = y + (i * step[0] + j * step[1] + m * step[2]) * self.number
                    self.finish(at, self.number, at, NULL, self.lanes, NULL, self.activation)

    cdef void _turn_back(self, const Block *b, const char *y, char *out) noexcept nogil:
        """Write a strip of results, channels last, to the planes of one vector of filters."""
        cdef const Axis *p = &self.axis[0]
        cdef const Axis *r = &self.axis[1]
        cdef const Axis *c = &self.axis[2]
        cdef ptrdiff_t step = b.step[2] * c.out_bytes, i, j, slots = b.out_slots[2]
        cdef bint joined = b.step[1] == b.step[2] == 1 and slots == c.outputs and \
            r.out_bytes == c.outputs * c.out_bytes
        for i in range(b.out_slots[0]):
            if joined:
                self._back_run(out + (b.out_base[0] + i * b.step[0]) * p.out_bytes + b.out_base[1] * r.out_bytes,
                               step, y + i * b.out_stride[0] * self.number, b.out_slots[1] * slots)
                continue
            for j in range(b.out_slots[1]):
                self._back_run(out + (b.out_base[0] + i * b.step[0]) * p.out_bytes
                               + (b.out_base[1] + j * b.step[1]) * r.out_bytes + b.out_base[2] * c.out_bytes,
                               step, y + (i * b.out_stride[0] + j * b.out_stride[1]) * self.number, slots)

    cdef void _back_run(self, char *out, ptrdiff_t step, const char *y, ptrdiff_t n) noexcept nogil:
        """out[lane][p] = y[p][lane] for n samples `step` bytes apart."""
        cdef ptrdiff_t i, lane
        if step == self.number and n >= self.lanes == self.out_real and \
                self.out_channel % self.number == 0:
            self.ukr.to_planes(out, self.out_channel // self.number, y, self.lanes, n, 0)
            return
        for i in range(n):
            for lane in range(self.out_real):
                memcpy(out + lane * self.out_channel + i * step,
                       y + (i * self.lanes + lane) * self.number, self.number)
