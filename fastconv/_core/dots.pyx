# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Layers of one result an image, as inner products of images with rows of weights that are read where they lie.

out[n, g, k] = activation(bias[g, k] + sum over i < length of x[n, g, i] * w[g, k, i])

For few images weights are met once or a few times: packing them takes longer than the products.  An item is a block
of rows of weights, for all images.  Called by backends/_matrix.py; real floats.
"""
from libc.string cimport memcpy, memset
cimport numpy as cnp

from fastconv._core cimport kernels as k
from fastconv._core.cpu cimport isa_index, threads_for
from fastconv._core.filters cimport fc_dot_taps, fc_dots, fc_dots_row, fc_dots_rows
from fastconv._core.job cimport TAP_BLOCK, Team

cnp.import_array()

cdef enum:
    ROWS = 8                    # rows of weights that a microkernel takes at a time
    BLOCK_BYTES = 64 * 1024     # of the weights of an item, which all images meet while they are in the cache
    WORK = 4                    # a product waits for its weight, and takes as long as several of a dense layer


ctypedef struct Call:
    const char *x
    const char *w
    const char *bias
    char *out
    ptrdiff_t n_step, g_step, k_step    # of the result, in bytes


cdef void _items(Job self, const Call *call, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part of a call."""
    cdef char *scratch = team.scratch(self.scratch_bytes)
    while team.next(share):
        self._item(share.item, call, scratch)


cdef class Job:
    """Immutable once built."""
    cdef fc_dots *dots
    cdef k.fc_finish_fn *finish
    cdef int kind, activation
    cdef ptrdiff_t images, groups, filters, length, number, lanes, rows, blocks, row_bytes
    cdef ptrdiff_t edge     # the last rows of all weights, whose last vectors would reach beyond their end
    cdef readonly ptrdiff_t scratch_bytes

    def __init__(self, *, int kind, int out_type, int activation, ptrdiff_t images, ptrdiff_t groups,
                 ptrdiff_t filters, ptrdiff_t length):
        cdef int count, i
        cdef const fc_dots_row *rows = fc_dots_rows(isa_index(), &count)
        for i in range(count):
            if rows[i].kind == kind:
                self.dots, self.lanes = rows[i].run, rows[i].lanes
        if self.dots == NULL or length < 1:
            raise ValueError(f"no inner products of kind {kind} and {length} samples")
        self.kind, self.activation, self.finish = kind, activation, k.fc_finish_find(kind, out_type)
        self.number = k.fc_kind_size(kind)
        self.images, self.groups, self.filters, self.length = images, groups, filters, length
        self.edge = ((-length % self.lanes + self.lanes) % self.lanes + length - 1) // length
        self.rows = max(1, BLOCK_BYTES // (length * self.number) // ROWS) * ROWS
        self.blocks = (filters + self.rows - 1) // self.rows
        # a row that ends with whole vectors, of x and of the weights; sums, and those of a block of taps
        self.row_bytes = (length + self.lanes) * self.number
        self.scratch_bytes = 2 * self.row_bytes + 2 * self.rows * self.number

    def run(self, cnp.ndarray x not None, cnp.ndarray w not None, cnp.ndarray bias, cnp.ndarray out not None):
        """x (images, groups, length) and w (groups, filters, length): contiguous; out (images, groups, filters)."""
        cdef Call call
        call.n_step, call.g_step, call.k_step = (
            cnp.PyArray_STRIDE(out, 0), cnp.PyArray_STRIDE(out, 1), cnp.PyArray_STRIDE(out, 2))
        self._run(x, w, bias, out, &call)

    def straight(self, cnp.ndarray x not None, cnp.ndarray w not None, cnp.ndarray bias, cnp.ndarray out not None):
        """The same of arrays of any shape, out contiguous too."""
        cdef Call call
        call.k_step = self.number
        call.g_step = self.filters * call.k_step
        call.n_step = self.groups * call.g_step
        self._run(x, w, bias, out, &call)

    cdef int _run(self, cnp.ndarray x, cnp.ndarray w, cnp.ndarray bias, cnp.ndarray out, Call *call) except -1:
        cdef Team team = Team()
        cdef int threads = threads_for(<double>WORK * self.images * self.groups * self.filters * self.length)
        cdef ptrdiff_t items = self.groups * self.blocks
        cdef void *job = <void *>self
        call.x, call.w = <const char *>cnp.PyArray_DATA(x), <const char *>cnp.PyArray_DATA(w)
        call.out = <char *>cnp.PyArray_DATA(out)
        call.bias = NULL if bias is None else <const char *>cnp.PyArray_DATA(bias)
        with nogil:
            team.run(<k.fc_task *>_items, job, call, items, max(<ptrdiff_t>1, items // (threads * 8)), threads)
        team.check()
        return 0

    cdef void _item(self, ptrdiff_t item, const Call *call, char *scratch) noexcept nogil:
        cdef ptrdiff_t g = item // self.blocks, first = item % self.blocks * self.rows, n
        cdef ptrdiff_t rows = min(self.rows, self.filters - first), size = self.length * self.number, r
        cdef ptrdiff_t whole = min(rows, max(<ptrdiff_t>0, (self.groups - g) * self.filters - first - self.edge))
        cdef const char *w = call.w + (g * self.filters + first) * size
        cdef const char *x
        cdef char *last = scratch + self.row_bytes
        cdef char *sums = last + self.row_bytes
        cdef bint tail = self.length % self.lanes != 0
        memset(last + size, 0, self.lanes * self.number)
        for n in range(self.images):
            x = call.x + (n * self.groups + g) * size
            if tail:
                memcpy(scratch, x, size)
                memset(scratch + size, 0, self.lanes * self.number)
                x = scratch
            self._sums(x, w, sums, whole)
            for r in range(whole, rows):
                memcpy(last, w + r * size, size)
                self._sums(x, last, sums + r * self.number, 1)
            if call.bias != NULL:
                self._add(sums, call.bias + (g * self.filters + first) * self.number, rows)
            self.finish(call.out + n * call.n_step + g * call.g_step + first * call.k_step, call.k_step, sums, NULL,
                        rows, NULL, self.activation)

    cdef void _sums(self, const char *x, const char *w, char *sums, ptrdiff_t rows) noexcept nogil:
        """x times each row, in running sums of at most TAP_BLOCK products a lane."""
        cdef ptrdiff_t block = TAP_BLOCK * self.lanes, at = 0
        cdef char *more = sums
        cdef fc_dot_taps taps
        taps.planes, taps.x_plane, taps.h_plane = 1, 0, 0
        while at < self.length:
            taps.count, taps.h = min(block, self.length - at), x + at * self.number
            self.dots(&taps, w + at * self.number, self.length, more, 1, rows)
            if at > 0:
                self._add(sums, more, rows)
            more = sums + self.rows * self.number
            at += block

    cdef void _add(self, char *to, const char *more, ptrdiff_t n) noexcept nogil:
        if self.number == 4:
            add(<float *>to, <const float *>more, n)
        else:
            add(<double *>to, <const double *>more, n)


ctypedef fused Real:
    float
    double


cdef inline void add(Real *to, const Real *more, ptrdiff_t n) noexcept nogil:
    cdef ptrdiff_t i
    for i in range(n):
        to[i] += more[i]
