# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Overlap-save in two and three dimensions: tiles are transformed, multiplied and transformed back.

out[n, g, f, o] = activation(bias[g, f] + sum over t of x[n, g, o + t - before] * w[g, f, t])

An item is one tile of outputs of one plane, or of a block of planes where a third axis is
convolved: along that one the spectra of planes are summed directly. Tiles are gathered with their
borders, so nothing is padded.  What a spectrum would spoil (NaN, infinity, a tile far louder in one
place than in another) is found while the tile is in the cache: such an item is summed directly
here, or left to a job of a wider type.
A Job belongs to one set of strides; backends/_tiles.py builds it. One channel, stride 1.
"""
cimport cython
from libc.math cimport sqrt
from libc.stdint cimport int32_t, uint8_t, uintptr_t
from libc.string cimport memset
cimport numpy as cnp

from fastconv._core cimport fft2
from fastconv._core cimport kernels as k
from fastconv._core.cpu cimport isa_index, threads_for
from fastconv._core.job cimport Buffer, Team, Tiles, buffer_of, fill_reader, pixel_tiles, table

cnp.import_array()

cdef enum:
    PAD = 64                # bytes after a row of a tile, so that rows do not share one cache set
    BAND = 64               # complex vectors of every plane that a step of their sum takes
    FOUR = 4                # planes whose sums that step keeps
    CHUNK = 8               # items that a thread takes at once, so that it can look ahead
    CLAIMED = 8             # rows of results asked for ahead
    OPERATIONS = 100        # multiply-adds that a complex point of a tile is worth


cdef const fft2.fc_fft2_row *_find(int kind) except NULL:
    cdef int count, i
    cdef const fft2.fc_fft2_row *rows = fft2.fc_fft2_rows(isa_index(), &count)
    for i in range(count):
        if rows[i].kind == kind:
            return &rows[i]
    raise ValueError(f"no tile microkernel of kind {kind}")


ctypedef struct Axis:
    k.fc_axis source
    ptrdiff_t out_step      # bytes
    ptrdiff_t outs
    ptrdiff_t before
    ptrdiff_t taps
    ptrdiff_t tile          # outputs of one item
    ptrdiff_t tiles


ctypedef struct Call:       # one call's arrays
    const char *x
    char *out
    const char *weights
    const char *spectra
    const char *bias
    const double *spread    # of each filter: sum of |w| over its root mean square sum
    uint8_t *status         # of each item: 1 where it is left to a wider type
    ptrdiff_t first         # filter of the first item
    bint again              # only items that another job left


ctypedef struct Place:      # of an item
    const char *x           # its plane of samples
    char *out
    ptrdiff_t filter
    ptrdiff_t first[3]      # outputs
    ptrdiff_t count[3]


cdef inline char *_aligned(const void *p) noexcept nogil:
    return <char *>((<uintptr_t>p + 63) & ~<uintptr_t>63)


cdef void _filter_planes(Job self, const Call *call, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part of the filters."""
    cdef char *scratch = team.scratch(self.scratch_bytes)
    while team.next(share):
        self._filter_plane(call.weights + share.item * self._filter_bytes(), scratch,
                           call.out + share.item * self.spectrum)


cdef void _items(Job self, const Call *call, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part of a call."""
    cdef char *scratch = team.scratch(self.scratch_bytes)
    if scratch != NULL:
        (<ptrdiff_t *>scratch)[0] = -1      # the samples that it holds
        (<ptrdiff_t *>scratch)[1] = 0
    while team.next(share):
        if not call.again or call.status[share.item]:
            self._item(share.item, share.item + 1 < share.end and not call.again, scratch, call)


cdef class Job:
    """All tiles of a problem for one set of strides. Immutable once built."""
    cdef list keep
    cdef const fft2.fc_fft2_row *ukr
    cdef fft2.fc_fft2_shape shape
    cdef k.fc_reader reader
    cdef k.fc_finish_fn *finish
    cdef Tiles direct
    cdef int activation
    cdef bint leaves            # loud items to a wider type
    cdef bint narrows           # it is that type, float64 for float32
    cdef double least, most, range_limit
    cdef ptrdiff_t number, planes, rows, ld, plane, filters, n_count, slices
    cdef ptrdiff_t spectrum     # bytes of one
    cdef readonly ptrdiff_t scratch_bytes, items_per_filter, filter_bytes
    cdef Axis axis[3]           # depth, rows, columns
    cdef ptrdiff_t *x_n
    cdef ptrdiff_t *out_n
    cdef ptrdiff_t *x_g
    cdef ptrdiff_t *out_g
    cdef ptrdiff_t *out_f
    cdef int32_t *off

    def __init__(self, *, int kind, int real_kind, int out_kind, reader, int out_type,
                 int activation, x_n, out_n, x_g, out_g, out_f, axes, tile, roots, bint leaves,
                 limits):
        cdef ptrdiff_t i, j, lanes
        cdef Axis *a
        cdef Buffer taps
        self.keep = [roots]
        self.ukr, self.finish = _find(real_kind), k.fc_finish_find(out_kind, out_type)
        self.narrows = kind != out_kind
        fill_reader(&self.reader, kind, reader[0], reader[1], reader[2], reader[3])
        self.activation, self.leaves = activation, leaves
        self.least, self.most, self.range_limit = limits
        self.number, self.planes = k.fc_kind_size(kind), k.fc_kind_planes(kind)
        self.x_n, self.out_n = table(self.keep, x_n), table(self.keep, out_n)
        self.x_g, self.out_g = table(self.keep, x_g), table(self.keep, out_g)
        self.out_f = table(self.keep, out_f)
        self.filters, self.n_count = len(out_f), len(x_n)
        self.items_per_filter = self.n_count
        for i in range(3):
            a = &self.axis[i]
            (a.source.length, a.source.step_bytes, a.source.mode, a.out_step, a.outs, a.before,
             a.taps, a.tile) = axes[i]
            a.source.upsample = 1
            a.tiles = (a.outs + a.tile - 1) // a.tile
            self.items_per_filter *= a.tiles
        lanes = self.ukr.lanes
        self.shape.down.n, self.shape.along.n = tile
        self.shape.down.roots = cnp.PyArray_DATA(roots[0])
        self.shape.along.roots = cnp.PyArray_DATA(roots[1])
        self.shape.pitch = (self.shape.along.n + 1) * 2 * lanes
        self.rows = self.shape.down.n * (3 - self.planes)
        self.ld = self.shape.along.n + PAD // self.number
        self.plane = self.rows * self.ld * self.number
        self.spectrum = self.shape.down.n // lanes * self.shape.pitch * self.number
        self.filter_bytes = self.axis[0].taps * self.spectrum
        self.slices = self.axis[0].tile + self.axis[0].taps - 1
        self.direct = pixel_tiles(kind, 1)
        taps = buffer_of(self.axis[1].taps * self.axis[2].taps * sizeof(int32_t))
        self.keep.append(taps)
        self.off = <int32_t *>taps.data
        for i in range(self.axis[1].taps):
            for j in range(self.axis[2].taps):
                self.off[i * self.axis[2].taps + j] = <int32_t>(i * self.ld + j)
        # two tiles of samples, columns on their way, the spectra of the planes (or those planes
        # themselves, where they are summed directly), and a band of sums (or rows of them, or a
        # byte for each output)
        self.scratch_bytes = 256 + 2 * self._tile_bytes() + self._work_bytes() + \
            self.slices * max(self.spectrum, self._tile_bytes()) + self._sum_bytes()

    cdef ptrdiff_t _tile_bytes(self) noexcept nogil:
        return self.planes * self.plane + 16 * PAD

    cdef ptrdiff_t _work_bytes(self) noexcept nogil:
        return 2 * self.ukr.lanes * self.shape.down.n * self.number

    cdef ptrdiff_t _sum_bytes(self) noexcept nogil:
        cdef ptrdiff_t numbers = max(FOUR * BAND * 2 * self.ukr.lanes,
                                     2 * (self.shape.along.n + 256))
        return max(numbers * self.number,
                   (self.rows + 4) * self.shape.along.n if self.axis[0].taps == 1 else 0)

    # --- filters --------------------------------------------------------------------------

    def transform(self, cnp.ndarray weights not None, ptrdiff_t first, ptrdiff_t count,
                  cnp.ndarray spectra not None):
        """Spectra of some filters, scaled so that nothing else is; weights as ``run`` wants."""
        cdef ptrdiff_t jobs = count * self.axis[0].taps
        cdef int threads = threads_for(<double>jobs * self.shape.down.n * self.shape.along.n * OPERATIONS)
        cdef Call call
        cdef Team team = Team()
        cdef void *job = <void *>self
        call.weights = <const char *>cnp.PyArray_DATA(weights) + first * self.axis[0].taps * self._filter_bytes()
        call.out = _aligned(cnp.PyArray_DATA(spectra))
        with nogil:
            team.run(<k.fc_task *>_filter_planes, job, &call, jobs, 1, threads)
        team.check()

    cdef ptrdiff_t _filter_bytes(self) noexcept nogil:
        """Of a plane of a filter, as it came."""
        return self.axis[1].taps * self.axis[2].taps * self.planes * self.number

    cdef void _filter_plane(self, const char *w, char *scratch, char *to) noexcept nogil:
        """One plane of a filter: tap (i, j) at (-i, -j); a negacyclic axis changes the sign."""
        cdef char *tile = scratch
        cdef char *work = tile + self._tile_bytes()
        memset(tile, 0, self.planes * self.plane)
        if self.number == 4:
            self._place(<const float *>w, <float *>tile)
        else:
            self._place(<const double *>w, <double *>tile)
        self.ukr.down(&self.shape, tile, self._imaginary(tile), self.ld, work, to)
        self.ukr.along(&self.shape, to)

    cdef void _place(self, const cython.floating *w, cython.floating *tile) noexcept nogil:
        cdef ptrdiff_t i, j, at, p
        cdef ptrdiff_t points = self.shape.down.n * self.shape.along.n
        cdef cython.floating scale = <cython.floating>(1.0 / points)
        for i in range(self.axis[1].taps):
            if i == 1 and self.planes == 1:
                scale = -scale
            for j in range(self.axis[2].taps):
                at = (self.rows - i) % self.rows * self.ld + \
                    (self.shape.along.n - j) % self.shape.along.n
                for p in range(self.planes):
                    tile[p * self.rows * self.ld + at] = w[p] * scale
                w += self.planes

    cdef inline char *_imaginary(self, char *tile) noexcept nogil:
        """The second plane of a complex tile, the second half of a real one."""
        if self.planes == 2:
            return tile + self.plane
        return tile + self.shape.down.n * self.ld * self.number

    # --- running --------------------------------------------------------------------------

    def run(self, cnp.ndarray x not None, cnp.ndarray weights not None,
            cnp.ndarray spectra not None, cnp.ndarray spread not None, cnp.ndarray bias,
            cnp.ndarray out not None, ptrdiff_t first, ptrdiff_t count,
            cnp.ndarray status not None, bint again):
        """Compute ``count`` filters from ``first`` on.

        weights: (filters, depth, rows, columns) contiguous, the axes as this job's.  status: a
        byte an item; ``again``: only items that another job has set to 1.  Whether any is set.
        """
        cdef Call call
        cdef ptrdiff_t items = count * self.items_per_filter
        cdef double work = <double>items * self.slices * self.shape.down.n * self.shape.along.n
        cdef int threads = threads_for(work * OPERATIONS)
        cdef Team team = Team()
        cdef void *job = <void *>self
        call.x, call.out = <const char *>cnp.PyArray_DATA(x), <char *>cnp.PyArray_DATA(out)
        call.weights = <const char *>cnp.PyArray_DATA(weights)
        call.spectra = _aligned(cnp.PyArray_DATA(spectra))
        call.spread = <const double *>cnp.PyArray_DATA(spread)
        call.status = <uint8_t *>cnp.PyArray_DATA(status)
        call.bias = NULL if bias is None else <const char *>cnp.PyArray_DATA(bias)
        call.first, call.again = first, again
        with nogil:
            team.run(<k.fc_task *>_items, job, &call, items,
                     max(min(<ptrdiff_t>CHUNK, items // (8 * threads)), <ptrdiff_t>1), threads)
        team.check()
        return bool(self.leaves and status.any())

    cdef inline void _place_of(self, ptrdiff_t item, const Call *call, Place *p) noexcept nogil:
        """Which outputs an item is, and where they and their samples lie."""
        cdef ptrdiff_t i, g, rest = item
        cdef Axis *a
        for i in range(2, -1, -1):
            a = &self.axis[i]
            p.first[i] = rest % a.tiles * a.tile
            p.count[i] = min(a.tile, a.outs - p.first[i])
            rest //= a.tiles
        p.x = call.x + self.x_n[rest % self.n_count]
        p.out = call.out + self.out_n[rest % self.n_count]
        p.filter = rest // self.n_count + call.first
        g = p.filter // self.filters
        p.x += self.x_g[g]
        p.out += self.out_g[g] + self.out_f[p.filter % self.filters]
        for i in range(3):
            p.out += p.first[i] * self.axis[i].out_step

    cdef void _item(self, ptrdiff_t item, bint more, char *scratch,
                    const Call *call) noexcept nogil:
        """One tile of outputs, of a block of planes; ``more``: this thread will do the next one."""
        cdef Place p
        cdef ptrdiff_t i, s, z
        cdef ptrdiff_t *state = <ptrdiff_t *>scratch    # item gathered ahead, in which buffer
        cdef bint gathered = state[0] == item
        if gathered:
            state[1] = 1 - state[1]
        cdef char *tile = scratch + 64 + state[1] * self._tile_bytes()
        cdef char *work = scratch + 64 + 2 * self._tile_bytes()
        cdef char *spectra = work + self._work_bytes()
        cdef char *to
        cdef char *row
        cdef char *filter
        self._place_of(item, call, &p)
        cdef Axis *a = &self.axis[0]
        cdef bint silent = True, plain, gaps = False
        cdef char *marks = spectra + self.slices * max(self.spectrum, self._tile_bytes())
        for s in range(p.count[0] + a.taps - 1):
            to = spectra + s * self.spectrum
            z = k.fc_source_index(p.first[0] + s - a.before, a.source.length, a.source.mode)
            plain = z < 0 and self.reader.fill_is_zero
            if not plain:
                if not gathered:
                    self._gather(p.x + z * a.source.step_bytes if z >= 0 else NULL, p.first, 0,
                                 self.rows, tile)
                i = self._loudness(p.first, tile, call.spread[p.filter])
                if i < 0:
                    self._other_way(item, &p, scratch, call)
                    return
                plain, gaps = i == 0, i == 2
            if plain:
                memset(to, 0, self.spectrum)
                continue
            silent = False
            self.ukr.down(&self.shape, tile, self._imaginary(tile), self.ld, work, to)
            if a.taps > 1:
                self.ukr.along(&self.shape, to)
        filter = <char *>call.spectra + (p.filter - call.first) * self.filter_bytes
        if a.taps > 1 and not silent:
            self._sum_planes(spectra, filter, marks, p.count[0])
        elif gaps and self.number == 4:
            self._mark(<const float *>tile, &p, marks)
        elif gaps:
            self._mark(<const double *>tile, &p, marks)
        for s in range(p.count[0]):
            if silent:
                memset(tile, 0, self.planes * self.plane)
            else:
                if a.taps > 1:
                    self.ukr.back(&self.shape, spectra + s * self.spectrum)
                else:
                    self._filter(spectra, filter, item + 1 if more else -1, scratch, call)
                self.ukr.up(&self.shape, spectra + s * self.spectrum, work, tile,
                            self._imaginary(tile), self.ld, p.count[2])
                if gaps:
                    self._erase(tile, &p, marks)
            for i in range(p.count[1]):
                row = p.out + s * a.out_step + i * self.axis[1].out_step
                if i + CLAIMED < p.count[1] and self.axis[2].out_step == self.planes * self.number:
                    fft2.fc_fft2_claim(row + CLAIMED * self.axis[1].out_step,
                                       p.count[2] * self.axis[2].out_step)
                to = tile + i * self.ld * self.number
                self._write(row, to, to + self.plane, p.count[2], p.filter, call)

    cdef void _filter(self, char *spectrum, const char *filter, ptrdiff_t next_item, char *scratch,
                      const Call *call) noexcept nogil:
        """Multiply a plane by a filter's spectrum.  Memory is idle meanwhile, so that the next tile
        is gathered part by part, each asked for one group of rows before it is read."""
        cdef ptrdiff_t *state = <ptrdiff_t *>scratch
        cdef ptrdiff_t g, z = -1, groups = self.shape.down.n // self.ukr.lanes
        cdef ptrdiff_t rows = self.rows // groups, top, left = 0, width = 0
        cdef Axis *row = &self.axis[1]
        cdef Axis *col = &self.axis[2]
        cdef Place p
        cdef char *tile = scratch + 64 + (1 - state[1]) * self._tile_bytes()
        if next_item >= 0:
            self._place_of(next_item, call, &p)
            z = k.fc_source_index(p.first[0] - self.axis[0].before, self.axis[0].source.length,
                                  self.axis[0].source.mode)
        if z < 0:
            for g in range(groups):
                self.ukr.filter(&self.shape, spectrum, filter, g)
            return
        state[0] = next_item
        p.x += z * self.axis[0].source.step_bytes
        top = p.first[1] - row.before
        if col.source.step_bytes == self.reader.real_bytes * self.planes:
            left = max(p.first[2] - col.before, <ptrdiff_t>0)
            width = (min(p.first[2] - col.before + self.shape.along.n, col.source.length) - left) \
                * col.source.step_bytes
        for g in range(groups):
            fft2.fc_fft2_fetch(p.x + (top + g * rows) * row.source.step_bytes
                               + left * col.source.step_bytes, row.source.step_bytes, rows, width)
            self.ukr.filter(&self.shape, spectrum, filter, g)
            self._gather(p.x, p.first, g * rows, rows, tile)

    cdef void _write(self, char *out, char *re, char *im, ptrdiff_t n, ptrdiff_t f,
                     const Call *call) noexcept nogil:
        """A row of results of one filter."""
        cdef ptrdiff_t i
        cdef const char *bias = NULL
        if self.narrows:
            for i in range(n):
                (<float *>re)[i] = <float>(<double *>re)[i]
            if self.planes == 2:
                for i in range(n):
                    (<float *>im)[i] = <float>(<double *>im)[i]
        if call.bias != NULL:
            bias = call.bias + f * self.planes * (4 if self.narrows else self.number)
        self.finish(out, self.axis[2].out_step, re, im, n, bias, self.activation)

    cdef void _gather(self, const char *plane, const ptrdiff_t *first, ptrdiff_t low,
                      ptrdiff_t rows, char *tile) noexcept nogil:
        """Rows of the samples under a tile of outputs, with what lies outside (NULL: all does)."""
        cdef Axis *row = &self.axis[1]
        cdef Axis *col = &self.axis[2]
        tile += low * self.ld * self.number
        k.fc_gather_rows(&self.reader, tile, tile + self.plane, self.ld, plane, &row.source,
                         first[1] - row.before + low, 1, rows, &col.source,
                         first[2] - col.before, 1, self.shape.along.n)

    cdef int _loudness(self, const ptrdiff_t *first, const char *tile,
                       double spread) noexcept nogil:
        """0: all zero; 1: can be transformed; 2: the same, but some windows may be all zero;
        -1: not without harm to the quietest window."""
        cdef ptrdiff_t low[2]
        cdef ptrdiff_t count[2]
        cdef ptrdiff_t i, full, least
        cdef Axis *a
        cdef double found[4]
        cdef double mean_square, quiet
        for i in range(2):      # within the array: blocks of padding would pass for quiet ones
            a = &self.axis[1 + i]
            full = self.rows if i == 0 else self.shape.along.n
            least = fft2.FC_FFT2_ROWS if i == 0 else fft2.FC_FFT2_COLS
            low[i], count[i] = 0, full
            if a.source.mode == k.FC_PAD_FILL and self.reader.fill_is_zero:
                low[i] = min(max(a.before - first[1 + i], <ptrdiff_t>0), full - least)
                count[i] = min(max(a.source.length + a.before - first[1 + i] - low[i], least),
                               full - low[i])
        tile += (low[0] * self.ld + low[1]) * self.number
        self.ukr.scan(tile, tile + self.plane if self.planes == 2 else NULL, self.ld, count[0],
                      count[1], found)
        if found[0] == 0:
            return 0
        if not self.least <= found[0] <= self.most:
            return -1
        mean_square = found[1] / (<double>self.rows * self.shape.along.n)
        quiet = found[2] / (fft2.FC_FFT2_ROWS * fft2.FC_FFT2_COLS)
        if sqrt(mean_square) > self.range_limit * spread * quiet:
            return -1
        return 2 if found[3] > 0 and self.axis[0].taps == 1 else 1

    cdef void _mark(self, const cython.floating *x, const Place *p, char *marks) noexcept nogil:
        """A byte for each output: whether its window has any sample that is not zero."""
        cdef ptrdiff_t rows = self.axis[1].taps, cols = self.axis[2].taps, n = p.count[2] + cols - 1
        cdef ptrdiff_t r, c
        cdef int32_t *counts = <int32_t *>marks     # down each column of the windows
        cdef int32_t total
        marks += n * sizeof(int32_t)
        memset(counts, 0, n * sizeof(int32_t))
        for r in range(rows - 1):
            self._count(x + r * self.ld, n, 1, counts)
        for r in range(p.count[1]):
            self._count(x + (r + rows - 1) * self.ld, n, 1, counts)
            total = 0
            for c in range(cols - 1):
                total += counts[c]
            for c in range(p.count[2]):
                total += counts[c + cols - 1]
                marks[c] = total != 0
                total -= counts[c]
            self._count(x + r * self.ld, n, -1, counts)
            marks += p.count[2]

    cdef inline void _count(self, const cython.floating *x, ptrdiff_t n, int sign,
                            int32_t *counts) noexcept nogil:
        cdef ptrdiff_t c, im = self.plane // self.number if self.planes == 2 else 0
        for c in range(n):
            counts[c] += sign * (x[c] != 0 or x[c + im] != 0)

    cdef void _erase(self, char *tile, const Place *p, const char *marks) noexcept nogil:
        """What a transform leaves where there was nothing: an exact zero is expected there."""
        cdef ptrdiff_t r, c, at
        marks += (p.count[2] + self.axis[2].taps - 1) * sizeof(int32_t)
        for r in range(p.count[1]):
            for c in range(p.count[2]):
                if not marks[c]:
                    at = (r * self.ld + c) * self.number
                    memset(tile + at, 0, self.number)
                    if self.planes == 2:
                        memset(tile + at + self.plane, 0, self.number)
            marks += p.count[2]

    cdef void _sum_planes(self, char *x, const char *w, char *sums,
                          ptrdiff_t outputs) noexcept nogil:
        """Spectra of the results, in place: the sum over t of plane o + t times tap t."""
        cdef ptrdiff_t total = self.spectrum // self.number, step = total
        cdef ptrdiff_t band = BAND * 2 * self.ukr.lanes, n, at = 0, o, j, count
        cdef ptrdiff_t i
        while at < total:
            n = min(band, total - at)
            o = 0
            while o < outputs:
                count = min(outputs - o, <ptrdiff_t>FOUR)
                memset(sums, 0, count * n * self.number)
                self.ukr.mac(sums, count, x + (o * step + at) * self.number, step,
                             w + at * self.number, step, self.axis[0].taps, n)
                for j in range(count):
                    for i in range(n * self.number // 8):
                        (<double *>(x + ((o + j) * step + at) * self.number))[i] = \
                            (<double *>(sums + j * n * self.number))[i]
                o += count
            at += n

    cdef void _other_way(self, ptrdiff_t item, const Place *p, char *scratch,
                         const Call *call) noexcept nogil:
        """An item that no spectrum of this type can hold: note it, or sum it as it is written."""
        if self.leaves:
            call.status[item] = 1
            return
        cdef ptrdiff_t s, z, i, t, step = self._tile_bytes()
        cdef ptrdiff_t taps = self.axis[1].taps * self.axis[2].taps
        cdef ptrdiff_t size = self.planes * self.number, ldc = self.shape.along.n + 256
        cdef Axis *a = &self.axis[0]
        cdef char *tiles = scratch + 64 + 2 * self._tile_bytes() + self._work_bytes()
        cdef char *sums = tiles + self.slices * max(self.spectrum, step)
        cdef const char *w = call.weights + p.filter * a.taps * taps * size
        for s in range(p.count[0] + a.taps - 1):
            z = k.fc_source_index(p.first[0] + s - a.before, a.source.length, a.source.mode)
            self._gather(p.x + z * a.source.step_bytes if z >= 0 else NULL, p.first, 0, self.rows,
                         tiles + s * step)
        for s in range(p.count[0]):
            for i in range(p.count[1]):
                for t in range(a.taps):
                    self.direct.multiply(&self.direct.blocks[0], p.count[2], taps, self.off,
                                         tiles + (s + t) * step + i * self.ld * self.number,
                                         self.plane // self.number, w + t * taps * size, sums,
                                         ldc, t > 0)
                self._write(p.out + s * a.out_step + i * self.axis[1].out_step, sums,
                            sums + ldc * self.number, p.count[2], p.filter, call)
