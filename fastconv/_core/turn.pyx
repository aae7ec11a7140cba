# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Images between channels last and planes, a block of pixels at a time, which the L1 cache holds: whole ones, or
some groups of a layer, which are computed on the way.

Called by backends/_turned.py; float32 and float64 only.
"""
cimport numpy as cnp

from fastconv._core cimport direct
from fastconv._core cimport kernels as k
from fastconv._core.cpu cimport threads_for
from fastconv._core.job cimport Team, depthwise_row

cnp.import_array()

cdef enum:
    BLOCK_BYTES = 16 * 1024     # of the pixels that are turned at once
    BLOCK = 64                  # pixels of some groups that are turned at once
    WORK = 4                    # multiply-adds that turning a number takes as long as


cdef void turn_pixels(const k.fc_depthwise_row *ukr, ptrdiff_t number, char *image, ptrdiff_t step, char *planes,
                      ptrdiff_t pixels, ptrdiff_t channels, ptrdiff_t count, bint back) noexcept nogil:
    """``count`` pixels, `step` numbers apart, of ``channels`` neighbours (at least a vector) into planes of so many
    pixels, or ``back``."""
    cdef ptrdiff_t c = 0
    while c < channels:         # the last vector reaches back
        c = min(c, channels - ukr.lanes)
        if back:
            ukr.to_last(image + c * number, step, planes + c * pixels * number, pixels, count)
        else:
            ukr.to_planes(planes + c * pixels * number, pixels, image + c * number, step, count, 0)
        c += ukr.lanes


cdef class Call:
    cdef const k.fc_depthwise_row *ukr
    cdef char *image
    cdef char *planes
    cdef ptrdiff_t number, channels, pixels, block, blocks
    cdef bint back

    cdef void _item(self, ptrdiff_t item) noexcept nogil:
        """All channels of a block of pixels of an image."""
        cdef ptrdiff_t n = item // self.blocks, b = item % self.blocks, first = b * self.block
        cdef ptrdiff_t count = self.pixels - first if b == self.blocks - 1 else self.block
        turn_pixels(self.ukr, self.number, self.image + (n * self.pixels + first) * self.channels * self.number,
                    self.channels, self.planes + (n * self.channels * self.pixels + first) * self.number,
                    self.pixels, self.channels, count, self.back)


cdef void _items(Call call, void *_, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part."""
    while team.next(share):
        call._item(share.item)


def can(int kind, ptrdiff_t channels, ptrdiff_t pixels):
    """Whether images of so many channels and pixels can be turned."""
    cdef const k.fc_depthwise_row *row = depthwise_row(kind)
    return row != NULL and min(channels, pixels) >= row.lanes


def turn(int kind, cnp.ndarray last not None, cnp.ndarray planes not None, bint back):
    """Images (images, pixels, channels) into planes (images, channels, pixels), or ``back``; both contiguous."""
    cdef Call call = Call()
    cdef Team team = Team()
    cdef ptrdiff_t images = cnp.PyArray_DIM(last, 0)
    cdef int threads = threads_for(<double>cnp.PyArray_SIZE(last) * WORK)
    cdef void *job = <void *>call
    call.ukr, call.back, call.number = depthwise_row(kind), back, cnp.PyArray_ITEMSIZE(last)
    call.pixels, call.channels = cnp.PyArray_DIM(last, 1), cnp.PyArray_DIM(last, 2)
    call.image, call.planes = <char *>cnp.PyArray_DATA(last), <char *>cnp.PyArray_DATA(planes)
    call.block = max(<ptrdiff_t>1, BLOCK_BYTES // (call.channels * call.number) // call.ukr.lanes) * call.ukr.lanes
    call.blocks = max(<ptrdiff_t>1, call.pixels // call.block)
    with nogil:
        team.run(<k.fc_task *>_items, job, NULL, images * call.blocks, 1, threads)
    team.check()


ctypedef struct Operands:
    const char *x
    const char *packed
    const char *bias
    char *out


cdef void _sets(Groups self, const Operands *given, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part of a layer."""
    cdef char *scratch = team.scratch(self.scratch_bytes)
    while team.next(share):
        self._item(share.item, scratch, given, team, share.caller)


cdef class Groups:
    """A layer of small groups: an item is some groups of an image, turned to planes, computed by a direct.Job for
    them, and turned back, all in the cache of one thread."""
    cdef direct.Job inner
    cdef const k.fc_depthwise_row *ukr
    cdef ptrdiff_t number, images, sets, packed_bytes
    cdef ptrdiff_t[2] channels, pixels      # of a set, and of an image: of x and of the result
    cdef double work
    cdef readonly ptrdiff_t scratch_bytes

    def __init__(self, direct.Job inner not None, *, int kind, ptrdiff_t images, ptrdiff_t sets, channels, pixels,
                 double macs):
        cdef int i
        self.inner, self.ukr, self.number = inner, depthwise_row(kind), k.fc_kind_size(kind)
        self.images, self.sets, self.work = images, sets, macs
        self.packed_bytes = (inner.packed_bytes + 63) // 64 * 64
        self.scratch_bytes = (inner.scratch_bytes + 63) // 64 * 64
        for i in range(2):
            self.channels[i], self.pixels[i] = channels[i], pixels[i]
            self.scratch_bytes += self._planes(i)
            self.work += WORK * images * sets * self.channels[i] * self.pixels[i]

    @property
    def all_packed_bytes(self):
        return self.sets * self.packed_bytes

    def pack(self, w not None, cnp.ndarray packed not None):
        """Pack the weights of all sets, groups outermost; False: not all are finite."""
        cdef ptrdiff_t i, groups = len(w) // self.sets
        finite = True
        for i in range(self.sets):
            finite &= self.inner.pack(w[i * groups : (i + 1) * groups],
                                      packed[i * self.packed_bytes : (i + 1) * self.packed_bytes])
        return finite

    def run(self, cnp.ndarray x not None, cnp.ndarray packed not None, cnp.ndarray bias,
            cnp.ndarray out not None):
        """x and out: images with channels last, contiguous."""
        cdef Operands given
        cdef Team team = Team()
        cdef int threads = threads_for(self.work)
        cdef ptrdiff_t items = self.images * self.sets
        cdef void *job = <void *>self
        given.x, given.out = <const char *>cnp.PyArray_DATA(x), <char *>cnp.PyArray_DATA(out)
        given.packed = <const char *>cnp.PyArray_DATA(packed)
        given.bias = NULL if bias is None else <const char *>cnp.PyArray_DATA(bias)
        with nogil:
            # neighbours to one thread: the sets at their ends may share lines of memory
            team.run(<k.fc_task *>_sets, job, &given, items, max(<ptrdiff_t>1, items // (2 * threads)), threads)
        team.check()

    cdef ptrdiff_t _planes(self, int side) noexcept nogil:
        """Bytes of the planes of a set."""
        return (self.channels[side] * self.pixels[side] * self.number + 63) // 64 * 64

    cdef void _item(self, ptrdiff_t item, char *scratch, const Operands *given, Team team,
                    bint caller) noexcept nogil:
        cdef ptrdiff_t n = item // self.sets, s = item % self.sets, i
        cdef char *sums = scratch + self._planes(0)
        cdef char *own = sums + self._planes(1)
        cdef direct.Call call
        call.x, call.out, call.raw, call.bad = scratch, sums, NULL, NULL     # all weights are packed
        call.packed, call.bias = given.packed + s * self.packed_bytes, given.bias
        if call.bias != NULL:
            call.bias += s * self.channels[1] * self.number
        self._turn(n, s, 0, <char *>given.x, scratch)
        (<ptrdiff_t *>own)[0] = -1      # no strip is in it
        for i in range(self.inner.items):
            self.inner._item(i, own, &call, team, caller)
            if team.over(caller):
                return
        self._turn(n, s, 1, given.out, sums)

    cdef void _turn(self, ptrdiff_t n, ptrdiff_t s, int side, char *image, char *planes) noexcept nogil:
        """The channels of a set out of an image into planes (side 0), or from planes into an image."""
        cdef ptrdiff_t step = self.sets * self.channels[side], pixels = self.pixels[side], p = 0, count, i
        image += (n * pixels * step + s * self.channels[side]) * self.number
        while p < pixels:
            # the rest after the last whole block goes with it: a vector may not be filled by it
            count = BLOCK if pixels - p >= 2 * BLOCK else pixels - p
            for i in range(min(count, pixels - p - count)):     # what comes next, a line or two a pixel
                k.fc_prefetch(image + (p + count + i) * step * self.number, self.channels[side] * self.number, side)
            turn_pixels(self.ukr, self.number, image + p * step * self.number, step, planes + p * self.number, pixels,
                        self.channels[side], count, side)
            p += count
