"""Pieces that the tap drivers share: the tiles that cover K channels, C memory, Ctrl-C."""
cimport cython
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset
import numpy as np

from fastconv._core cimport kernels as k
from fastconv._core.cpu cimport isa_index, run_region

cdef class Buffer:
    def __dealloc__(self):
        free(self.data)


cdef const k.fc_depthwise_row *depthwise_row(int kind) noexcept:
    """The row of that kind in the table of depthwise tiles, which also turn planes; NULL: there is none."""
    cdef int count, i
    cdef const k.fc_depthwise_row *rows = k.fc_depthwise_rows(isa_index(), &count)
    for i in range(count):
        if rows[i].kind == kind:
            return &rows[i]
    return NULL


cdef Buffer buffer_of(size_t nbytes):
    cdef Buffer b = Buffer()
    b.data = calloc(nbytes if nbytes else 1, 1)
    if b.data == NULL:
        raise MemoryError(f"cannot allocate {nbytes} bytes")
    return b


cdef ptrdiff_t *table(list keep, numbers) except NULL:
    """The numbers as a C array, kept alive by the list."""
    cdef ptrdiff_t i, n = len(numbers)
    cdef Buffer b = buffer_of(n * sizeof(ptrdiff_t))
    cdef ptrdiff_t *out = <ptrdiff_t *>b.data
    cdef const ptrdiff_t[::1] view
    keep.append(b)
    if isinstance(numbers, (tuple, list)):
        for i in range(n):
            out[i] = numbers[i]
    elif n:
        view = numbers
        for i in range(n):
            out[i] = view[i]
    return out


cdef enum:
    MOST_REST = 4096    # bytes of a tile one vector wide


cdef class Tiles:
    def __cinit__(self, int kind, ptrdiff_t channels):
        self.kind = kind
        self.planes = k.fc_kind_planes(kind)
        self.number_bytes = k.fc_kind_size(kind)
        self.sum_block = TAP_BLOCK
        self.blocks = <Block *>calloc(max(channels, 1), sizeof(Block))
        if self.blocks == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.blocks)

    cdef void multiply(self, const Block *b, ptrdiff_t pixels, ptrdiff_t taps,
                       const int32_t *off, const char *x, ptrdiff_t im, const char *w, char *c,
                       ptrdiff_t ldc, int accumulate) noexcept nogil:
        """c[i][p] (+)= sum over taps for all pixels of a row; tiles may run over its end."""
        cdef ptrdiff_t first = 0, count, p, left, done
        cdef ptrdiff_t size = self.number_bytes
        cdef ptrdiff_t weight_bytes = size * self.planes * b.width
        while True:
            count = min(taps - first, self.sum_block)
            p = 0
            while p < pixels:
                left = pixels - p
                if left > b.wide_pixels - b.narrow_pixels:
                    b.wide(count, off + first, x + p * size, im, w + first * weight_bytes,
                           c + p * size, ldc, accumulate or first > 0)
                    done = b.wide_pixels
                else:
                    b.narrow(count, off + first, x + p * size, im, w + first * weight_bytes,
                             c + p * size, ldc, accumulate or first > 0)
                    done = b.narrow_pixels
                p += done
            first += count
            if first >= taps:
                break

    cdef void store(self, const Block *b, ptrdiff_t pixels, ptrdiff_t taps, const int32_t *off,
                    const char *x, const char *w, ptrdiff_t ldw, const char *bias, char *c,
                    ptrdiff_t ldc) noexcept nogil:
        """c[i][p] = bias[i] + sum over at most TAP_BLOCK taps, exactly for these pixels (at least a vector):
        the last tile lies over its neighbour. ldw: of fc_tap_store."""
        cdef ptrdiff_t p = 0, left, size = self.number_bytes
        while p < pixels:
            left = pixels - p
            if left > b.narrow_pixels and pixels >= b.wide_pixels:
                p = min(p, pixels - b.wide_pixels)
                b.wide_store(taps, off, x + p * size, w, ldw, bias, c + p * size, ldc)
                p += b.wide_pixels
            else:
                p = min(p, pixels - b.narrow_pixels)
                b.narrow_store(taps, off, x + p * size, w, ldw, bias, c + p * size, ldc)
                p += b.narrow_pixels

    cdef void store_blocks(self, const Block *b, ptrdiff_t pixels, ptrdiff_t taps, const int32_t *off,
                           const char *x, const char *w, char *c, ptrdiff_t ldc) noexcept nogil:
        """As store, without a bias, in running sums of sum_block taps: block by block for all pixels, so that few of
        the planes that taps are in are read at a time."""
        cdef ptrdiff_t first = 0, count, p, i, size = self.number_bytes, narrow = b.narrow_pixels
        cdef ptrdiff_t wide = pixels // b.wide_pixels * b.wide_pixels, even = pixels // narrow * narrow
        cdef const char *part
        cdef char rest[MOST_REST]
        while first < taps:
            count, part = min(taps - first, self.sum_block), w + first * size * b.width
            p = 0
            while p < wide:
                b.wide(count, off + first, x + p * size, 0, part, c + p * size, ldc, first > 0)
                p += b.wide_pixels
            while p < even:
                b.narrow(count, off + first, x + p * size, 0, part, c + p * size, ldc, first > 0)
                p += narrow
            if even < pixels:       # the last pixels and some before, which are summed already
                b.narrow(count, off + first, x + (pixels - narrow) * size, 0, part, rest, narrow, first > 0)
            first += count
        for i in range(b.mr if even < pixels else 0):
            memcpy(c + (i * ldc + even) * size, rest + (i * narrow + narrow - (pixels - even)) * size,
                   (pixels - even) * size)


cdef Tiles pixel_tiles(int kind, ptrdiff_t channels):
    """Pixel lanes: the widest tiles first, smaller ones for the channels left."""
    cdef Tiles tiles = Tiles(kind, channels)
    cdef int count, i
    cdef const k.fc_tap_row *rows = k.fc_tap_rows(isa_index(), &count)
    cdef ptrdiff_t done = 0
    cdef Block *b
    while done < channels:
        b = &tiles.blocks[tiles.count]
        b.k0 = b.at = done
        for i in range(count):      # the largest tile that the channels left can fill
            if rows[i].kind == kind and rows[i].mr <= channels - done and \
                    rows[i].mr >= b.mr and rows[i].nv:
                b.mr = b.width = rows[i].mr
                if rows[i].nv == 1:
                    b.narrow, b.narrow_store = rows[i].run, rows[i].store
                    b.narrow_pixels = rows[i].lanes
        for i in range(count):
            if rows[i].kind == kind and rows[i].mr == b.mr and \
                    rows[i].nv * rows[i].lanes > b.wide_pixels:
                b.wide, b.wide_store = rows[i].run, rows[i].store
                b.wide_pixels = rows[i].nv * rows[i].lanes
        done += b.mr
        tiles.count += 1
        tiles.total_width += b.width
        tiles.max_width = max(tiles.max_width, b.width)
        tiles.max_pixels = max(tiles.max_pixels, b.wide_pixels)
    return tiles


cdef void fill_reader(k.fc_reader *r, int kind, int memory_type, bint is_complex, bint swapped,
                      fill) except *:
    """Set up how the caller's numbers become compute numbers; fill: two numbers as bytes."""
    cdef bytes re = fill[0], im = fill[1]
    r.pack = k.fc_pack_find(memory_type, kind)
    r.swapped = swapped
    r.planes = k.fc_kind_planes(kind)
    r.number_bytes = k.fc_kind_size(kind)
    r.real_bytes = REAL_BYTES[memory_type]
    r.imag_bytes = r.real_bytes if is_complex else 0
    memset(r.fill, 0, sizeof(r.fill))
    memcpy(&r.fill[0][0], <const char *>re, min(len(re), 16))
    memcpy(&r.fill[1][0], <const char *>im, min(len(im), 16))
    r.fill_is_zero = not any(re) and not any(im)
    # float32 and float64 (fc_memory_type 11, 12) in their own kinds
    r.same = not swapped and not is_complex and (memory_type, kind) in (
        (11, 5), (12, 6), (5, 3), (6, 3), (7, 4), (8, 4))


# in the order of fc_memory_type
REAL_BYTES = (1, 1, 1, 2, 2, 4, 4, 8, 8, 2, 2, 4, 8, np.dtype(np.longdouble).itemsize)


cdef class Team:
    cdef void run(self, k.fc_task *task, void *job, void *call, ptrdiff_t items, ptrdiff_t chunk,
                  int threads) noexcept nogil:
        """Items 0 to items - 1, ``chunk`` at a time: task(job, call, self, share) in each thread, which goes
        through them with ``next``."""
        if items and not self.stop:
            run_region(task, job, call, <void *>self, items, chunk, threads)

    cdef char *scratch(self, size_t nbytes) noexcept nogil:
        """The workspace of this thread, or NULL and the end of all."""
        cdef char *data = <char *>k.fc_scratch(nbytes)
        if data == NULL:
            self.fail(nbytes)
        return data

    cdef void fail(self, size_t nbytes) noexcept nogil:
        """End all: a thread did not get that much memory."""
        self.missing, self.stop = nbytes, True

    cdef bint next(self, k.fc_share *share) noexcept nogil:
        """On to share.item; False: none is left, or none may be begun."""
        return not self.over(share.caller) and k.fc_next(share)

    cdef bint over(self, bint caller) noexcept nogil:
        """Whether to begin nothing more; the calling thread also looks for Ctrl-C."""
        cdef double now
        if self.stop or not caller:
            return self.stop
        now = k.fc_now()
        if self.last == 0:
            self.last = now
        if now - self.last > 0.05:
            self.last = now
            self._signals()
        return self.stop

    cdef void _signals(self) noexcept with gil:
        # apart from over: a function with Python objects takes the GIL on entry, always
        try:
            PyErr_CheckSignals()
        except BaseException as error:
            self.error = error      # kept for the driver, which raises it when its threads have ended
            self.stop = True

    cdef int check(self) except -1:
        """Raise what ended the call early, if anything did."""
        if self.error is not None:
            raise self.error
        if self.missing:
            raise MemoryError(f"no memory for a workspace of {self.missing} bytes a thread")
        return 0
