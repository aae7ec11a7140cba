# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Convolution of endless signals, block by block, without delay: partitioned overlap-save.

The first taps of the kernel, the head, are summed directly.  The rest is cut into levels of
partitions: a level of size S covers taps from 2 S on, in partitions of S taps.  When S samples are
complete, at time T, the window of the last 2 S is transformed (one turned transform of S points,
kernels/fc_fft.h), multiplied with the partitions' spectra together with the windows before it, and
transformed back: the results T + S .. T + 2 S, so that there are S samples of time for it.  That
work, a task, is a list of phases (the passes of the transforms, the products) of equal pieces, and
every call does its share of it by the samples that it brings: no block costs much more than others.

Everything is real: complex samples are two planes, and complex kernels add to both.  All of a
channel's state is its own, so that channels may be computed side by side.

A kernel and its results are a voice; while one is faded to another there are two.
"""
from cpython.pythread cimport (
    NOWAIT_LOCK, PyThread_acquire_lock, PyThread_allocate_lock, PyThread_free_lock,
    PyThread_release_lock, WAIT_LOCK,
)
from libc.stdint cimport int32_t
from libc.string cimport memcpy
cimport numpy as cnp
import numpy as np

from fastconv._core.arrays cimport fits
from fastconv._core cimport kernels as k
from fastconv._core.cpu cimport run_region, threads_for
from fastconv._core.fft cimport Transform, data_of
from fastconv._core.kernels cimport fc_now
from fastconv._core.job cimport Buffer, TAP_BLOCK, buffer_of, pixel_tiles

from fastconv._core.arrays import aligned
from fastconv._core.fft import spectrum_of

cnp.import_array()

cdef extern from "numpy/arrayobject.h":
    bint PyArray_CheckExact(object) noexcept
    bint PyArray_ISCARRAY_RO(cnp.ndarray) noexcept
    object PyArray_EMPTY(int, cnp.npy_intp *, int, int)

cdef enum:
    IN = 0
    OUT = 1
    RELEASED = 1 << 20      # multiply-adds of a call that the GIL is released for

cdef int32_t offsets[TAP_BLOCK]
cdef int _i
for _i in range(TAP_BLOCK):
    offsets[_i] = _i

ctypedef fused real:
    float
    double


cdef void split(const real *x, real *re, real *im, ptrdiff_t n) noexcept nogil:
    cdef ptrdiff_t i
    for i in range(n):
        re[i] = x[2 * i]
        im[i] = x[2 * i + 1]


cdef void add(real *y, const real *x, ptrdiff_t n) noexcept nogil:
    cdef ptrdiff_t i
    for i in range(n):
        y[i] += x[i]


cdef void mix(real *old, const real *new, ptrdiff_t n, ptrdiff_t faded,
              ptrdiff_t fade) noexcept nogil:
    """old fades to new: the i-th of ``fade`` samples is i + 1 of fade + 1 parts new."""
    cdef ptrdiff_t i
    cdef real step = <real>(1 / (fade + 1.0)), g
    for i in range(n):
        g = (faded + i + 1) * step
        old[i] += g * (new[i] - old[i])


cdef void store(const real *re, const real *im, real *y, ptrdiff_t n) noexcept nogil:
    cdef ptrdiff_t i
    for i in range(n):
        y[2 * i] = re[i]
        y[2 * i + 1] = im[i]


cdef class Kernel:
    """The taps and spectra of a set of filters, for the levels of one Engine."""
    cdef object heads       # (filters, planes, head)
    cdef object spectra     # of each level: (filters, planes, partitions, 2 S)

    def __init__(self, filters, ptrdiff_t head, levels):
        """filters: (count, planes, taps) of real numbers; levels: (Transform, partitions)."""
        count, planes, taps = filters.shape
        if planes == 2:     # for i * i the imaginary part is subtracted
            filters = np.concatenate([filters, -filters[:, 1:]], axis=1)
            planes = 3
        used = min(head, taps)
        self.heads = aligned(count * planes * head, filters.dtype).reshape(count, planes, head)
        self.heads[:] = 0
        self.heads[..., head - used :] = filters[..., :used][..., ::-1]
        self.spectra = []
        for t, partitions in levels:
            size, first = t.size, 2 * t.size
            found = aligned(count * planes * partitions * 2 * size, filters.dtype)
            found = found.reshape(count, planes, partitions, 2 * size)
            block, nothing = np.zeros(size, filters.dtype), np.zeros(size, filters.dtype)
            for i, j, p in np.ndindex(count, planes, partitions):
                part = filters[i, j, first + p * size : first + (p + 1) * size]
                block[: len(part)] = part / size
                block[len(part) :] = 0
                found[i, j, p] = spectrum_of(t, block, nothing)
            self.spectra.append(found)


cdef struct Call:
    const char *x
    char *y
    ptrdiff_t n


cdef void _channels(Engine self, const Call *call, void *_, k.fc_share *share) noexcept nogil:
    """A thread's part of the channels."""
    cdef ptrdiff_t at
    while k.fc_next(share):
        at = share.item * call.n * self.number * self.planes
        self._run_channel(&self.channel[share.item], call.x + at, call.y + at, call.n)


cdef class Engine:
    def __init__(self, dtype, ptrdiff_t channels, ptrdiff_t head, levels, bint complex_filters,
                 costs):
        """head: taps summed directly; levels: (Transform, partitions), ascending; costs: a row's of
        first and end, of a pass, of last and back, of a product."""
        dtype = np.dtype(dtype)
        self.lock = PyThread_allocate_lock()
        if self.lock == NULL:
            raise MemoryError
        self.channels, self.head, self.levels = channels, head, len(levels)
        self.planes = 2 if dtype.kind == "c" else 1
        self.filter_planes = 3 if complex_filters else 1
        self.typenum, self.number = dtype.num, dtype.itemsize // self.planes
        self.kind = 5 if self.number == 4 else 6            # FC_KIND_F32, FC_KIND_F64
        self.tiles = pixel_tiles(self.kind, 1)
        self.transforms, self.kept, self.voices, self.arrays = levels, [], [None, None], []
        largest = MAX_SEGMENT
        for i, (t, partitions) in enumerate(levels):
            largest = t.size
            self.level[i].partitions = partitions
            self._set_transform(i, t)
            self._describe(&self.level[i], costs)
        self.guard = (head + 15) // 16 * 16
        self.ring = max(4 * largest, 1 << (2 * self.guard - 1).bit_length())
        self._allocate()
        self.work_per_sample = channels * self.planes * (head + 40.0 * self.levels)

    def __dealloc__(self):
        if self.lock != NULL:
            PyThread_free_lock(self.lock)

    cdef void _enter(self) noexcept:
        """Wait until nobody else uses this."""
        if not PyThread_acquire_lock(self.lock, NOWAIT_LOCK):
            with nogil:
                PyThread_acquire_lock(self.lock, WAIT_LOCK)

    def _set_transform(self, int i, Transform t not None):
        cdef Level *lv = &self.level[i]
        lv.plan, lv.row, lv.size = &t.plan, t.row, t.size
        lv.slots, lv.bytes = lv.partitions + 1, 2 * t.size * self.number

    cdef void _describe(self, Level *lv, costs) except *:
        cdef ptrdiff_t rows = lv.plan.rows
        cdef int i, passes = lv.plan.passes
        cdef double ends, step, last, product
        ends, step, last, product = costs
        product *= lv.partitions * (2 if self.filter_planes > 1 else 1)
        lv.down, lv.up = passes + 2, passes + 3
        lv.pieces[IN][0] = lv.pieces[OUT][passes + 2] = rows // lv.row.lanes
        lv.cost[IN][0] = lv.cost[OUT][passes + 2] = ends * lv.row.lanes
        for i in range(passes):
            lv.pieces[IN][1 + i] = lv.pieces[OUT][passes + 1 - i] = rows // lv.plan.radix[i]
            lv.cost[IN][1 + i] = lv.cost[OUT][passes + 1 - i] = step * lv.plan.radix[i]
        lv.pieces[IN][passes + 1] = lv.pieces[OUT][1] = rows // lv.plan.last
        lv.cost[IN][passes + 1] = lv.cost[OUT][1] = last * lv.plan.last
        lv.pieces[OUT][0], lv.cost[OUT][0] = rows, product
        for i in range(lv.down):
            lv.total[IN] += lv.pieces[IN][i] * lv.cost[IN][i]
        for i in range(lv.up):
            lv.total[OUT] += lv.pieces[OUT][i] * lv.cost[OUT][i]

    def _numbers(self, ptrdiff_t count):
        """Zeros that live as long as this, aligned."""
        found = aligned(count, "f4" if self.number == 4 else "f8")
        found[:] = 0
        self.arrays.append(found)
        return found

    cdef void _allocate(self) except *:
        cdef ptrdiff_t i, j
        cdef int v, p, w
        cdef Channel *c
        cdef Level *lv
        cdef Task *t
        cdef Buffer room = buffer_of(self.channels * sizeof(Channel))
        self.channel = <Channel *>room.data
        self.kept.append(room)
        for i in range(self.channels):
            c = &self.channel[i]
            c.sums = <char *>data_of(self._numbers(4 * (MAX_SEGMENT + SLACK)))
            for p in range(self.planes):
                c.ring[p] = <char *>data_of(self._numbers(self.guard + self.ring + SLACK))
                c.ring[p] += self.guard * self.number
            for j in range(self.levels):
                lv, t = &self.level[j], &c.task[j]
                for p in range(self.planes):
                    t.data[p] = <char *>data_of(self._numbers(2 * lv.size))
                    spectra = self._numbers(lv.slots * 2 * lv.size)
                    t.spectra[p] = self._pointers(self.kept, <const char *>data_of(spectra),
                                                  lv.slots, lv.bytes, True)
                    for v in range(2):
                        for w in range(2):
                            t.result[v][p][w] = <char *>data_of(self._numbers(lv.size))
        self.reset()

    cdef const void **_pointers(self, list keep, const char *data, ptrdiff_t count, ptrdiff_t step,
                                bint ring) except NULL:
        """Pointers to spectra that lie step bytes apart; of a ring: newest first, twice."""
        cdef Buffer room = buffer_of((2 * count if ring else count) * sizeof(void *))
        cdef const void **found = <const void **>room.data
        cdef ptrdiff_t i
        keep.append(room)
        for i in range(2 * count if ring else count):
            found[i] = data + ((2 * count - 1 - i) % count if ring else i) * step
        return found

    # -- state -------------------------------------------------------------------------------------

    def reset(self):
        """Forget all samples; the next one is the first. A fade in progress is over."""
        cdef ptrdiff_t i
        cdef int j
        cdef Channel *c
        self._enter()
        for array in self.arrays:
            array[:] = 0
        for i in range(self.channels):
            c = &self.channel[i]
            c.at = c.fade = c.faded = 0
            for j in range(self.levels):
                c.task[j].slot = c.task[j].playing = 0
                c.task[j].step, c.task[j].voices = self.level[j].down, 0
        PyThread_release_lock(self.lock)

    def prepare(self, filters):
        """The Kernel of (count, planes, taps) real numbers, as ``swap`` wants it."""
        return Kernel(filters, self.head, self.transforms)

    def swap(self, Kernel kernel not None, ptrdiff_t fade):
        """From the next sample on, or faded to in so many samples, the kernel is this one."""
        cdef ptrdiff_t i
        cdef int j, voice
        cdef Channel *c
        self._enter()
        try:
            voice = 1 - self.channel[0].newest
            for i in range(self.channels):      # tasks under way may still need what is replaced
                c = &self.channel[i]
                for j in range(self.levels):
                    self._work(c, &self.level[j], &c.task[j], j, 1)
            self.voices[voice] = self._voice(kernel, voice)
            with nogil:
                for i in range(self.channels):
                    c = &self.channel[i]
                    c.newest, c.fade, c.faded = voice, fade, 0
                    self._recompute(c, voice)
        finally:
            PyThread_release_lock(self.lock)

    def _voice(self, Kernel kernel not None, int voice):
        """Point all channels at the kernel; what must live as long as they use it."""
        cdef ptrdiff_t i, f, filters = len(kernel.heads)
        cdef int j, p
        cdef Voice *to
        cdef list keep = [kernel]
        for i in range(self.channels):
            to, f = &self.channel[i].voice[voice], i if filters > 1 else 0
            for p in range(self.filter_planes):
                to.head[p] = <const char *>data_of(kernel.heads[f, p])
                for j in range(self.levels):
                    to.spectra[j][p] = self._pointers(
                        keep, <const char *>data_of(kernel.spectra[j][f, p]),
                        self.level[j].partitions, self.level[j].bytes, False)
        return keep

    cdef void _recompute(self, Channel *c, int voice) noexcept nogil:
        """A voice's results for the period that is being played, and for the next one."""
        cdef int j, which, phase
        cdef const Level *lv
        cdef Task *t
        for j in range(self.levels):
            lv, t = &self.level[j], &c.task[j]
            for which in range(2):
                self._products(c, lv, t, j, voice, which, 0, lv.pieces[OUT][0])
                for phase in range(1, lv.up):
                    self._inverse(lv, t, voice, phase, t.playing if which else 1 - t.playing, 0,
                                  lv.pieces[OUT][phase])

    # -- the work of a level -----------------------------------------------------------------------

    cdef void _start(self, Channel *c, Level *lv, Task *t) noexcept nogil:
        """A period begins: what was computed is played, and the window that ends here is due."""
        t.playing = 1 - t.playing
        t.slot = t.slot + 1 if t.slot + 1 < lv.slots else 0
        t.window = c.at
        t.step, t.piece, t.done = 0, 0, 0
        t.voices, t.voice[0] = 1, c.newest
        if c.fade:
            t.voices, t.voice[1] = 2, 1 - c.newest

    cdef void _products(self, const Channel *c, const Level *lv, Task *t, int level, int voice,
                        ptrdiff_t shift, ptrdiff_t first, ptrdiff_t end) noexcept nogil:
        """Sums over partitions of spectra, those of ``shift`` periods ago, into data."""
        cdef const void **const *h = c.voice[voice].spectra[level]
        cdef ptrdiff_t newest = lv.slots - 1 - t.slot + shift
        cdef void *to
        cdef int p
        for p in range(self.planes):
            to = t.data[p]
            if self.filter_planes == 1:
                lv.row.mac(lv.plan, lv.partitions, t.spectra[p] + newest, h[0], &to, 1, 0, first,
                           end)
                continue
            lv.row.mac(lv.plan, lv.partitions, t.spectra[0] + newest, h[p], &to, 1, 0, first, end)
            lv.row.mac(lv.plan, lv.partitions, t.spectra[1] + newest, h[2 - 2 * p], &to, 1, 1,
                       first, end)

    cdef void _inverse(self, const Level *lv, Task *t, int voice, int phase, int which,
                       ptrdiff_t first, ptrdiff_t end) noexcept nogil:
        cdef int p, passes = lv.plan.passes
        cdef char *y
        for p in range(self.planes):
            if phase == 1:
                lv.row.back(lv.plan, t.data[p], t.data[p], first, end)
            elif phase < passes + 2:
                lv.row.up(lv.plan, passes + 1 - phase, t.data[p], first, end)
            else:
                y = t.result[voice][p][which]
                lv.row.end(lv.plan, t.data[p], y, y, lv.size, 2 * lv.size, first, end)

    cdef void _phase(self, const Channel *c, const Level *lv, Task *t, int level, int step,
                     ptrdiff_t first, ptrdiff_t end) noexcept nogil:
        """Pieces of one phase of a task."""
        cdef int p, phase, voice
        cdef char *to
        if step >= lv.down:
            phase, voice = (step - lv.down) % lv.up, t.voice[(step - lv.down) // lv.up]
            if phase == 0:
                self._products(c, lv, t, level, voice, 0, first, end)
            else:
                self._inverse(lv, t, voice, phase, 1 - t.playing, first, end)
            return
        for p in range(self.planes):
            if step == 0:
                lv.row.first(lv.plan, self._window(c.ring[p], t.window - 2 * lv.size),
                            self._window(c.ring[p], t.window - lv.size), t.data[p], first, end)
            elif step <= lv.plan.passes:
                lv.row.down(lv.plan, step - 1, t.data[p], first, end)
            else:
                to = <char *>t.spectra[p][lv.slots - 1 - t.slot]
                lv.row.last(lv.plan, t.data[p], to, first, end)

    cdef const char *_window(self, const char *ring, ptrdiff_t index) noexcept nogil:
        return ring + (index if index >= 0 else index + self.ring) * self.number

    cdef void _work(self, const Channel *c, const Level *lv, Task *t, int level,
                    double share) noexcept nogil:
        """Go on until that share of the task is done."""
        cdef int steps = lv.down + t.voices * lv.up, way, phase
        cdef double target = share * (lv.total[IN] + t.voices * lv.total[OUT])
        cdef ptrdiff_t left, count
        while t.step < steps:
            way = OUT if t.step >= lv.down else IN
            phase = (t.step - lv.down) % lv.up if way else t.step
            count = left = lv.pieces[way][phase] - t.piece
            if share < 1:
                count = min(left, <ptrdiff_t>((target - t.done) / lv.cost[way][phase] + 0.5))
                if count <= 0:
                    return
            self._phase(c, lv, t, level, t.step, t.piece, t.piece + count)
            t.piece += count
            t.done += count * lv.cost[way][phase]
            if count == left:
                t.step, t.piece = t.step + 1, 0

    # -- samples -----------------------------------------------------------------------------------

    cdef void _sum(self, Channel *c, int voice, ptrdiff_t n) noexcept nogil:
        """The results of a voice for n samples that begin at c.at, into the channel's sums."""
        cdef const char *h
        cdef const char *x
        cdef char *y
        cdef ptrdiff_t at, first, count, size = self.number
        cdef int p, q, terms = 1 if self.filter_planes == 1 else 2
        cdef Task *t
        for p in range(self.planes):
            y = c.sums + (voice * 2 + p) * (MAX_SEGMENT + SLACK) * size
            for q in range(terms):
                h = c.voice[voice].head[0 if terms == 1 else p if q == 0 else 2 - 2 * p]
                x = c.ring[p if terms == 1 else q] + (c.at - self.head + 1) * size
                first = 0
                while first < self.head:
                    count = min(self.head - first, <ptrdiff_t>TAP_BLOCK)
                    self.tiles.multiply(&self.tiles.blocks[0], n, count, offsets, x + first * size,
                                        0, h + first * size, y, 0, first > 0 or q > 0)
                    first += count
            for q in range(self.levels):
                t, at = &c.task[q], (c.at & (self.level[q].size - 1)) * size
                if size == 4:
                    add[float](<float *>y, <float *>(t.result[voice][p][t.playing] + at), n)
                else:
                    add[double](<double *>y, <double *>(t.result[voice][p][t.playing] + at), n)

    cdef void _segment(self, Channel *c, const char *x, char *y, ptrdiff_t n) noexcept nogil:
        """n samples that cross no period of the smallest level and no end of the ring."""
        cdef ptrdiff_t size = self.number, at = c.at, extra
        cdef char *sums = c.sums + 2 * c.newest * (MAX_SEGMENT + SLACK) * size
        cdef char *old = c.sums + 2 * (1 - c.newest) * (MAX_SEGMENT + SLACK) * size
        cdef int p
        if self.planes == 1:
            memcpy(c.ring[0] + at * size, x, n * size)
        elif size == 4:
            split[float](<const float *>x, <float *>c.ring[0] + at, <float *>c.ring[1] + at, n)
        else:
            split[double](<const double *>x, <double *>c.ring[0] + at, <double *>c.ring[1] + at, n)
        if at + n > self.ring - self.guard:     # the end of the ring also stands before its begin
            extra = max(at, self.ring - self.guard)
            for p in range(self.planes):
                memcpy(c.ring[p] + (extra - self.ring) * size, c.ring[p] + extra * size,
                       (at + n - extra) * size)
        self._sum(c, c.newest, n)
        if c.fade:
            self._sum(c, 1 - c.newest, n)
            extra = (MAX_SEGMENT + SLACK) * size
            for p in range(self.planes):
                if size == 4:
                    mix[float](<float *>(old + p * extra), <float *>(sums + p * extra), n, c.faded,
                               c.fade)
                else:
                    mix[double](<double *>(old + p * extra), <double *>(sums + p * extra), n,
                                c.faded, c.fade)
            sums = old
            c.faded += n
            if c.faded >= c.fade:
                c.fade = 0
        if self.planes == 1:
            memcpy(y, sums, n * size)
        elif size == 4:
            store[float](<float *>sums, <float *>sums + MAX_SEGMENT + SLACK, <float *>y, n)
        else:
            store[double](<double *>sums, <double *>sums + MAX_SEGMENT + SLACK, <double *>y, n)

    cdef void _run_channel(self, Channel *c, const char *x, char *y, ptrdiff_t n) noexcept nogil:
        cdef ptrdiff_t size = self.number * self.planes, count, into
        cdef ptrdiff_t period = self.level[0].size if self.levels else self.ring
        cdef int j
        cdef Level *lv
        while n > 0:
            count = min(min(n, <ptrdiff_t>MAX_SEGMENT), period - (c.at & (period - 1)))
            if c.fade:
                count = min(count, c.fade - c.faded)
            self._segment(c, x, y, count)
            c.at += count
            for j in range(self.levels):
                lv = &self.level[j]
                into = c.at & (lv.size - 1)      # sizes are powers of two
                if into:
                    self._work(c, lv, &c.task[j], j, <double>into / lv.size)
                    continue
                self._work(c, lv, &c.task[j], j, 1)
                self._start(c, lv, &c.task[j])
            if c.at == self.ring:
                c.at = 0
            x += count * size
            y += count * size
            n -= count

    cdef void _run(self, cnp.ndarray x, cnp.ndarray y) noexcept:
        cdef double work = cnp.PyArray_DIM(x, cnp.PyArray_NDIM(x) - 1) * self.work_per_sample
        cdef int threads = min(<ptrdiff_t>threads_for(work), self.channels)
        cdef Call call
        cdef void *job = <void *>self
        call.n = cnp.PyArray_DIM(x, cnp.PyArray_NDIM(x) - 1)
        call.x, call.y = <const char *>cnp.PyArray_DATA(x), <char *>cnp.PyArray_DATA(y)
        self._enter()
        if work < RELEASED:     # getting the GIL back may take longer than such a block
            run_region(<k.fc_task *>_channels, job, &call, NULL, self.channels, 1, 1)
        else:
            with nogil:
                run_region(<k.fc_task *>_channels, job, &call, NULL, self.channels, 1, threads)
        PyThread_release_lock(self.lock)

    def compute(self, cnp.ndarray x not None, cnp.ndarray y not None):
        """Checked arrays of this type, contiguous, (channels, n) or one channel's (n,)."""
        self._run(x, y)

    cdef bint _takes(self, cnp.ndarray x, object out) noexcept:
        """True for an array like x that is x or lies elsewhere."""
        cdef ptrdiff_t distance
        if not fits(out, cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), self.typenum):
            return False
        distance = <const char *>cnp.PyArray_DATA(<cnp.ndarray>out) - <const char *>cnp.PyArray_DATA(x)
        return distance == 0 or max(distance, -distance) >= cnp.PyArray_NBYTES(x)

    def plain(self, block, out):
        """The result of a plain block, contiguous and of this type and channels; else None."""
        cdef cnp.ndarray x, y
        cdef int ndim
        if not PyArray_CheckExact(block):
            return None
        x = <cnp.ndarray>block
        ndim = cnp.PyArray_NDIM(x)
        if cnp.PyArray_TYPE(x) != self.typenum or not PyArray_ISCARRAY_RO(x) or ndim not in (1, 2):
            return None
        if self.channels != (1 if ndim == 1 else cnp.PyArray_DIM(x, 0)):
            return None
        if out is None:
            y = PyArray_EMPTY(ndim, cnp.PyArray_DIMS(x), self.typenum, 0)
        elif self._takes(x, out):
            y = <cnp.ndarray>out
        else:
            return None
        self._run(x, y)
        return y

    def phase_seconds(self, int level, int times):
        """What a piece of each phase takes, of the forward and of the inverse transforms: for the
        script that fits the costs. What was computed before is lost."""
        cdef Level *lv = &self.level[level]
        cdef Channel *c = &self.channel[0]
        cdef Task *t = &c.task[level]
        cdef int way, phase, _i, step
        cdef double start
        found = [], []
        self._start(c, lv, t)
        for step in range(lv.down + lv.up):
            way = OUT if step >= lv.down else IN
            phase = step - lv.down if way else step
            start = fc_now()
            for _i in range(times):
                self._phase(c, lv, t, level, step, 0, lv.pieces[way][phase])
            found[way].append((fc_now() - start) / times / lv.pieces[way][phase])
        return found
