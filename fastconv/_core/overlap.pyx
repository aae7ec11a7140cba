# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Overlap-save convolution along one axis: blocks that stay in cache, each filtered by FFT.

A block reads 2 S real (S complex) samples where they lie, or gathers them where there are borders,
steps or other types, and writes the results of its circular convolution from `skip` on, those that
no wrap-around reaches.

An FFT's error is relative to the loudest samples of the block.  So every block is looked at first:
where a quiet stretch lies beside loud samples, or anything is not finite, it is computed with care,
in double precision: single loud (or not finite) samples are taken out and their products added one
by one; what even double precision cannot resolve is summed directly.
"""
from libc.math cimport fabs, isfinite, sqrt
from libc.stdint cimport int32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset
cimport numpy as cnp
import numpy as np

from fastconv._core cimport kernels as k
from fastconv._core.cpu cimport threads_for
from fastconv._core.fft cimport Transform, data_of, fc_fft_filter, fc_fft_forward, fc_fft_soon
from fastconv._core.job cimport Block, Team, Tiles, fill_reader, pixel_tiles, table

from fastconv._core.arrays import aligned

cnp.import_array()

cdef enum:
    WORK = 100      # multiply-adds that the work on one complex point compares to
    BINS = 64       # parts of a filter that its width is found from
    LEAST_CHUNK = 32
    MOST_CHUNK = 1024
    TAKEN = 64      # loud samples of a block that are taken out rather than summing it directly
    SLACK = 4096    # bytes that a tile may read and write past the end
    F64 = 6         # fc_kind
    C64 = 9


# Largest error allowed over sum |x| |h| of a window of the filter's width, by what a transform's
# error reaches over ||x|| ||h|| / sqrt(length) (12 units of rounding at most on random data).
cdef double ALLOWED_UNITS = 64 / 12.0
cdef double WIDE_UNITS = 1e-10 / (12 * 1.11e-16)


cdef struct Call:               # one run's operands
    const char *x
    const char *taps
    const char *spectra
    char *to
    ptrdiff_t chunk             # as in Filters
    const double *ratio
    const double *wide_ratio


cdef void _spectra(Job self, const Call *call, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part of the filters."""
    cdef char *scratch = team.scratch(self.scratch_bytes)
    cdef ptrdiff_t width = self._planes_bytes()
    while team.next(share):
        self._spectrum(self.t, call.taps + share.item * self.planes * self.taps * self.number, scratch,
                       scratch + width, call.to + share.item * width)


cdef void _items(Job self, const Call *call, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part of a call."""
    cdef char *scratch = team.scratch(self.scratch_bytes)
    while team.next(share):
        if self._item(share.item, scratch, call) != 0:
            team.fail(self.scratch_bytes)


cdef class Filters:
    """Taps and spectra of the filters of one plan, and how even a block must be for them."""
    cdef readonly object taps       # (filters, planes, m): the compute type's planes, as correlated
    cdef readonly object spectra    # (filters, 2 S), aligned
    cdef readonly bint finite
    cdef object ratios
    cdef double *ratio              # loudest root mean square over quietest level, per filter
    cdef double *wide_ratio         # the same in double precision
    cdef ptrdiff_t chunk            # samples of one level

    def __init__(self, taps, Transform t not None):
        cdef ptrdiff_t i, count = len(taps), size = taps.size // max(1, count)
        cdef const char *w = <const char *>data_of(taps)
        self.taps = taps
        self.spectra = aligned(2 * t.size * count, "f8" if t.number == 8 else "f4")
        self.ratios = np.empty(2 * count)
        self.ratio = <double *>data_of(self.ratios)
        self.wide_ratio = self.ratio + count
        self.finite, self.chunk = True, MOST_CHUNK
        with nogil:
            for i in range(count):
                self._measure(w + i * size * t.number, size, t.number, i)

    cdef void _measure(self, const char *w, ptrdiff_t size, ptrdiff_t number,
                       ptrdiff_t f) noexcept nogil:
        """Norms of filter f and the width that holds nine tenths of it."""
        cdef double[BINS] bin
        cdef double total = 0, energy = 0, a, held = 0
        cdef ptrdiff_t i, width = (size + BINS - 1) // BINS, first = 0, shortest = BINS
        memset(bin, 0, sizeof(bin))
        for i in range(size):
            a = fabs((<const double *>w)[i] if number == 8 else (<const float *>w)[i])
            bin[i // width] += a
            total += a
            energy += a * a
        if not isfinite(total):
            self.finite = False
        for i in range(BINS):
            held += bin[i]
            while held - bin[first] >= 0.9 * total and first < i:
                held -= bin[first]
                first += 1
            if held >= 0.9 * total:
                shortest = min(shortest, i - first + 1)
        while self.chunk > LEAST_CHUNK and 2 * self.chunk > shortest * width:
            self.chunk //= 2
        # the squares of very large and very small taps are not exact enough to judge by
        a = 1e18 if number == 4 else 1e140
        if 0 < total and not 1 / a < total < a:
            self.ratio[f] = self.wide_ratio[f] = 0
            return
        a = total / sqrt(energy) if energy > 0 else 1
        self.ratio[f] = a * (WIDE_UNITS if number == 8 else ALLOWED_UNITS)
        self.wide_ratio[f] = a * WIDE_UNITS


cdef class Job:
    """One convolution for one set of operand strides.  Immutable once built."""
    cdef list keep
    cdef Transform t, wide
    cdef k.fc_reader reader, wide_reader
    cdef k.fc_axis axis
    cdef k.fc_finish_fn *finish
    cdef Tiles tiles
    cdef int planes
    cdef ptrdiff_t taps, before, outs, skip, valid, blocks, length
    cdef ptrdiff_t number, out_step, rows, items
    cdef ptrdiff_t *x_row
    cdef ptrdiff_t *out_row
    cdef ptrdiff_t *filter_row
    cdef bint plain_in, plain_out
    cdef double lowest, highest     # energies whose squares are exact enough to judge by
    cdef readonly ptrdiff_t scratch_bytes

    def __init__(self, Transform transform not None, Transform wide not None, *, int kind, reader,
                 int out_type, axis, ptrdiff_t taps, ptrdiff_t before, ptrdiff_t outs,
                 ptrdiff_t skip, x_row, out_row, filter_row, ptrdiff_t out_step,
                 bint plain):
        """axis: (samples, step in bytes, fc_pad_mode); x_row, out_row: byte offsets of every row,
        filter_row: which filter it is convolved with; wide: the same transform in double precision;
        plain: operands are aligned; skip: results of a block that are not taken, taps - 1 unless it
        ends in zeros."""
        cdef Transform t = transform
        self.keep = []
        self.t, self.wide = t, wide
        self.planes, self.number = k.fc_kind_planes(kind), t.number
        memory, is_complex, swapped, fill, wide_fill = reader
        fill_reader(&self.reader, kind, memory, is_complex, swapped, fill)
        fill_reader(&self.wide_reader, C64 if self.planes == 2 else F64, memory, is_complex,
                    swapped, wide_fill)
        self.axis.length, self.axis.step_bytes, self.axis.mode = axis
        self.axis.upsample = 1
        self.finish = k.fc_finish_find(kind, out_type)
        self.tiles = pixel_tiles(C64 if self.planes == 2 else F64, 1)
        self.taps, self.before, self.outs = taps, before, outs
        self.length = t.size * (2 if t.turned else 1)
        self.skip = skip
        self.valid = self.length - self.skip
        self.blocks = (outs + self.valid - 1) // self.valid
        self.x_row, self.out_row = table(self.keep, x_row), table(self.keep, out_row)
        self.filter_row = table(self.keep, filter_row)
        self.rows, self.out_step = len(x_row), out_step
        self.items = self.rows * self.blocks
        self.plain_in = plain and self.reader.same and self.axis.step_bytes == self.number
        # fc_memory_type 11, 12: float32, float64
        self.plain_out = plain and self.planes == 1 and out_step == self.number and \
            out_type in (11, 12)
        self.lowest, self.highest = (1e-280, 1e280) if t.number == 8 else (1e-28, 1e28)
        self.scratch_bytes = 3 * self._planes_bytes() + self._chunks() * <ptrdiff_t>sizeof(double)

    cdef ptrdiff_t _planes_bytes(self) noexcept nogil:
        return 2 * self.t.size * self.number

    cdef ptrdiff_t _chunks(self) noexcept nogil:
        return self.length // LEAST_CHUNK + 1

    def filters(self, taps):
        """Filters from taps (filters, planes, m), C-contiguous numbers of the compute type."""
        cdef Filters made = Filters(taps, self.t)
        cdef ptrdiff_t count = len(taps)
        cdef int threads = threads_for(<double>count * self.t.size * WORK) if count > 1 else 1
        cdef Call call
        cdef Team team = Team()
        cdef void *job = <void *>self
        call.taps, call.to = <const char *>data_of(taps), <char *>data_of(made.spectra)
        with nogil:
            team.run(<k.fc_task *>_spectra, job, &call, count, 1, threads)
        team.check()
        return made

    cdef void _spectrum(self, Transform t, const char *taps, char *block, char *data,
                        char *spectrum) noexcept nogil:
        """Taps, as correlated, reversed and scaled by 1 / S: planes of t's own numbers."""
        cdef ptrdiff_t i, p, m = self.taps
        cdef ptrdiff_t half = t.size * t.number
        memset(block, 0, 2 * half)
        for p in range(self.planes):
            if t.number == 8:
                for i in range(m):
                    (<double *>(block + p * half))[i] = \
                        (<const double *>taps)[p * m + m - 1 - i] / t.size
            else:
                for i in range(m):
                    (<float *>(block + p * half))[i] = \
                        (<const float *>taps)[p * m + m - 1 - i] / t.size
        fc_fft_forward(t.row, &t.plan, block, block + half, data, spectrum)

    def run(self, x, Filters filters not None, out):
        """Compute everything."""
        cdef int threads = threads_for(<double>self.items * self.t.size * WORK)
        cdef Call call
        cdef Team team = Team()
        cdef void *job = <void *>self
        call.x, call.to = <const char *>data_of(x), <char *>data_of(out)
        call.spectra, call.taps = <const char *>data_of(filters.spectra), <const char *>data_of(filters.taps)
        call.chunk, call.ratio, call.wide_ratio = filters.chunk, filters.ratio, filters.wide_ratio
        with nogil:
            team.run(<k.fc_task *>_items, job, &call, self.items, max(1, self.items // (threads * 8)), threads)
        team.check()

    cdef int _item(self, ptrdiff_t item, char *scratch, const Call *call) noexcept nogil:
        """One block of one row; 0 unless there is no memory."""
        cdef ptrdiff_t row = item // self.blocks, first = item % self.blocks * self.valid
        cdef ptrdiff_t f = self.filter_row[row]
        cdef ptrdiff_t count = min(self.valid, self.outs - first)
        # the sample at the block's first place
        cdef ptrdiff_t at = first - self.before - (self.skip - self.taps + 1)
        cdef ptrdiff_t used = self.skip + count, half = self.t.size * self.number
        cdef ptrdiff_t lead = self._lead(), inside = max(lead, -at)
        cdef ptrdiff_t end = min(used, self.axis.length - at)
        cdef char *block = scratch
        cdef char *data = scratch + self._planes_bytes()
        cdef char *sums = data + self._planes_bytes()
        cdef double *levels = <double *>(sums + self._planes_bytes())
        cdef const char *re = block
        cdef const char *x = call.x + self.x_row[row]
        cdef char *to = call.to + self.out_row[row] + first * self.out_step
        cdef int calm
        cdef fc_fft_soon soon
        if self.plain_in and at >= 0 and at + self.length <= self.axis.length and (first or not lead):
            re, inside, end = x + at * self.number, 0, self.length
        else:
            memset(block, 0, self._planes_bytes())
            self._gather(&self.reader, block, half, x, at, used)
            if self.axis.mode != 0 or not self.reader.fill_is_zero:
                inside, end = lead, used
        calm = self._judge(re, inside, end, call.chunk, levels, call.ratio[f])
        if calm == 0:
            return self._careful(x, at, used, call.taps + f * self.planes * self.taps * self.number,
                                 call.chunk, call.wide_ratio[f], to)
        soon.read, soon.write, soon.bytes, soon.done = NULL, NULL, count * self.number, 0
        if self.plain_in and at + self.length + self.valid <= self.axis.length:
            soon.read = x + (at + self.length) * self.number
        if self.plain_out:
            sums = to - self.skip * self.number
            soon.write = to
        fc_fft_filter(self.t.row, &self.t.plan, re, re + half, call.spectra + f * self._planes_bytes(),
                      data, sums, sums + half, self.skip, used, &soon)
        if calm == 2:
            self.t.row.silence(re, re + half if self.planes == 2 else NULL, self.taps, sums,
                               sums + half, self.skip, used)
        if not self.plain_out:
            sums += self.skip * self.number
            self.finish(to, self.out_step, sums, sums + half, count, NULL, 0)
        return 0

    cdef inline ptrdiff_t _lead(self) noexcept nogil:
        """Samples at a block's start that no window of it covers."""
        return max(<ptrdiff_t>0, self.skip - self.taps + 1)

    cdef void _gather(self, const k.fc_reader *reader, char *block, ptrdiff_t half, const char *x,
                      ptrdiff_t at, ptrdiff_t used) noexcept nogil:
        """The samples of a block that some window of it covers."""
        cdef ptrdiff_t lead = self._lead(), skipped = lead * (half // self.t.size)
        k.fc_gather(reader, block + skipped, block + half + skipped, x, &self.axis, at + lead, 1,
                    used - lead)

    cdef int _judge(self, const char *re, ptrdiff_t first, ptrdiff_t end, ptrdiff_t chunk,
                    double *levels, double ratio) noexcept nogil:
        """Whether the transform's own precision is enough for samples [first, end): 0 no, 1 yes,
        2 yes, and some of them are silent."""
        cdef ptrdiff_t p, n = end - first
        cdef double energy = 0
        if n <= 0:
            return 2
        memset(levels, 0, (n + chunk - 1) // chunk * sizeof(double))
        for p in range(self.planes):
            self.t.row.levels(re + p * self.t.size * self.number + first * self.number, n, chunk,
                              levels, &energy)
        return self._calm(levels, n, chunk, energy, self.lowest, self.highest, ratio)

    cdef int _calm(self, const double *levels, ptrdiff_t n, ptrdiff_t chunk, double energy,
                   double lowest, double highest, double ratio) noexcept nogil:
        cdef ptrdiff_t i, chunks = n // chunk
        cdef double quietest = 0
        cdef int answer = 1
        if energy == 0:
            for i in range((n + chunk - 1) // chunk):
                if levels[i] != 0:
                    return 0
            return 2
        if not (lowest < energy < highest):     # a NaN is neither
            return 0
        for i in range(chunks):     # a last part of a chunk says too little
            if levels[i] == 0:
                answer = 2
            elif quietest == 0 or levels[i] < quietest:
                quietest = levels[i]
        if quietest == 0:
            return answer
        return answer if sqrt(energy / self.length) <= ratio * quietest / chunk else 0

    # --- with care: everything in double precision ---

    cdef int _careful(self, const char *x, ptrdiff_t at, ptrdiff_t used, const char *taps,
                      ptrdiff_t chunk, double ratio, char *to) noexcept nogil:
        cdef ptrdiff_t half = self.wide.size * 8, planes_bytes = 2 * half
        cdef ptrdiff_t tap_bytes = self.planes * self.taps * 8, i
        cdef ptrdiff_t before = max(<ptrdiff_t>0, self.taps - 1 - self.skip) * 8
        cdef char *room = <char *>malloc(before + 4 * planes_bytes + 3 * SLACK + 2 * tap_bytes +
                                         self.taps * 4 + used * sizeof(ptrdiff_t) +
                                         self._chunks() * 8 + 128)
        cdef char *block = room + before + (64 - (<ptrdiff_t>room + before) % 64)
        cdef char *data = block + planes_bytes + SLACK
        cdef char *sums = data + planes_bytes + SLACK
        cdef char *spectrum = sums + planes_bytes + SLACK
        cdef double *w = <double *>(spectrum + planes_bytes)
        cdef double *mixed = <double *>(<char *>w + tap_bytes)
        cdef double *levels = <double *>(<char *>mixed + tap_bytes)
        cdef ptrdiff_t *loud = <ptrdiff_t *>(levels + self._chunks())
        cdef int32_t *off = <int32_t *>(loud + used)
        cdef ptrdiff_t found, count = used - self.skip
        cdef fc_fft_soon soon
        soon.read, soon.write, soon.bytes, soon.done = NULL, NULL, 0, 0
        if room == NULL:
            return 1
        memset(block - before, 0, before + planes_bytes + SLACK)
        self._gather(&self.wide_reader, block, half, x, at, used)
        for i in range(self.planes * self.taps):
            w[i] = (<const double *>taps)[i] if self.number == 8 else (<const float *>taps)[i]
        memcpy(data, block, planes_bytes)
        found = self._take_out(<double *>data, used, chunk, levels, loud, ratio)
        if found < 0:
            self._direct(block, w, mixed, off, sums, count)
        else:
            self._spectrum(self.wide, <const char *>w, block, sums, spectrum)
            # the samples that were taken out, before the block is overwritten
            fc_fft_filter(self.wide.row, &self.wide.plan, data, data + half, spectrum, block, sums,
                          sums + half, self.skip, used, &soon)
            if found:
                self._gather(&self.wide_reader, block, half, x, at, used)
            self._put_back(<double *>block, <double *>sums, w, loud, found, used)
        self._finish(sums + self.skip * 8, half, count, to)
        free(room)
        return 0

    cdef ptrdiff_t _take_out(self, double *block, ptrdiff_t used, ptrdiff_t chunk, double *levels,
                             ptrdiff_t *loud, double ratio) noexcept nogil:
        """Zero what is not finite and, if that is not enough, few loud samples: how many, -1 where
        the rest is still too uneven."""
        cdef ptrdiff_t found = 0, bad, i
        cdef double limit = 0
        for i in range(used):
            if not isfinite(self._size(block, i)):
                loud[found] = i
                found += 1
                self._zero(block, i)
        if self._even(block, used, chunk, levels, ratio):
            return found
        for i in range(used // chunk):
            if levels[i] > 0 and (limit == 0 or levels[i] < limit):
                limit = levels[i]
        limit *= 0.5 * ratio / chunk
        bad = found
        for i in range(used):
            if self._size(block, i) > limit:
                if found - bad == TAKEN:
                    return -1
                loud[found] = i
                found += 1
                self._zero(block, i)
        return found if self._even(block, used, chunk, levels, ratio) else -1

    cdef double _size(self, const double *block, ptrdiff_t i) noexcept nogil:
        return fabs(block[i]) + (fabs(block[self.wide.size + i]) if self.planes == 2 else 0)

    cdef void _zero(self, double *block, ptrdiff_t i) noexcept nogil:
        block[i] = 0
        if self.planes == 2:
            block[self.wide.size + i] = 0

    cdef bint _even(self, const double *block, ptrdiff_t used, ptrdiff_t chunk, double *levels,
                    double ratio) noexcept nogil:
        cdef ptrdiff_t p
        cdef double energy = 0
        memset(levels, 0, self._chunks() * sizeof(double))
        for p in range(self.planes):
            self.wide.row.levels(block + p * self.wide.size, used, chunk, levels, &energy)
        return self._calm(levels, used, chunk, energy, 1e-280, 1e280, ratio) != 0

    cdef void _put_back(self, const double *block, double *sums, const double *w,
                        const ptrdiff_t *loud, ptrdiff_t found, ptrdiff_t used) noexcept nogil:
        """Add the products of the samples that were taken out, to the windows that cover them."""
        cdef ptrdiff_t i, n, first, end, half = self.wide.size
        cdef const double *tap
        cdef double re, im
        for i in range(found):
            first = max(loud[i], self.skip)
            end = min(loud[i] + self.taps, used)
            tap = w + self.taps - 1 + loud[i]       # of result n: tap[-n]
            re = block[loud[i]]
            if self.planes == 1:
                for n in range(first, end):
                    sums[n] += re * tap[-n]
                continue
            im = block[half + loud[i]]
            for n in range(first, end):
                sums[n] += re * tap[-n] - im * tap[self.taps - n]
                sums[half + n] += re * tap[self.taps - n] + im * tap[-n]

    cdef void _direct(self, const char *block, const double *w, double *mixed, int32_t *off,
                      char *sums, ptrdiff_t count) noexcept nogil:
        """Results by tap tiles, at sums + skip."""
        cdef const Block *b = self.tiles.blocks
        cdef ptrdiff_t i, p
        for i in range(self.taps):
            off[i] = <int32_t>i
            for p in range(self.planes):    # complex weights are interleaved
                mixed[i * self.planes + p] = w[p * self.taps + i]
        self.tiles.multiply(b, count, self.taps, off, block + (self.skip - self.taps + 1) * 8,
                            self.wide.size, <const char *>mixed, sums + self.skip * 8,
                            self.wide.size, 0)

    cdef void _finish(self, char *sums, ptrdiff_t half, ptrdiff_t count, char *to) noexcept nogil:
        """Write results of double precision, as float32 first where that is the compute type."""
        cdef ptrdiff_t i, p
        cdef float *narrow
        if self.number == 4:
            for p in range(self.planes):
                narrow = <float *>(sums + p * half)
                for i in range(count):
                    narrow[i] = <float>(<double *>(sums + p * half))[i]
        self.finish(to, self.out_step, sums, sums + half, count, NULL, 0)
