"""Filters along one axis: direct, without a copy of the samples but at the ends of the axis.

out[i] = activation(bias + sum over t < taps of x[i + first + t] * w[t])  for every line of samples along the
axis, all with one filter or each with its own; real ones may have a bias and an activation.

Three ways, chosen by memory steps alone, with the same bits (kernels/fir_ukr.c):

* samples that are neighbours are read in place; only outputs whose window leaves the axis get their samples
  gathered, with the border filled in;
* where the samples of another axis are neighbours, strips of rows are gathered and filtered across;
* everything else is gathered line by line, and scattered if need be.

A Job belongs to one set of strides; backends/_fir.py builds it and keeps it with the plan.
"""
from libc.string cimport memcpy
cimport numpy as cnp

from fastconv._core cimport kernels as k
from fastconv._core.cpu cimport isa_index, threads_for
from fastconv._core.filters cimport fc_fir_row, fc_fir_rows
from fastconv._core.job cimport Team, table

cnp.import_array()

cdef enum:
    SHORT = 768             # outputs of a line that is gathered whole: two ends cost more than a copy
    BUNDLE = 4096           # samples of short lines that are filtered as one
    CHUNK = 16384           # outputs of one item of work on a longer line
    FINISHED = 4096         # the same where they are gone through again, in the L1 cache
    WORK = 8                # multiply-adds that moving a sample in and out takes as long as
    STRIP_BYTES = 196608    # of gathered rows, in the L2 cache
    ROW_BYTES = 1024        # of one of them
    AHEAD = 6               # rows that are fetched before they are copied: no prefetcher sees their pattern


cdef struct Call:               # one run's operands
    const char *x
    const char *w
    const char *bias
    char *out


cdef void _items(Job self, const Call *call, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part of a call."""
    while team.next(share):
        if not self._item(share.item, call.x, call.w, call.bias, call.out):
            team.fail(self.scratch_bytes)


cdef class Job:
    """One filter for one set of operand strides.  Immutable once built."""
    cdef list keep
    cdef const fc_fir_row *tile
    cdef ptrdiff_t n, outputs, taps, first, size, x_step, out_step
    cdef ptrdiff_t lines, cols, chunk, chunks, col_chunk, col_chunks, pitch
    cdef ptrdiff_t bundle           # lines of one item
    cdef ptrdiff_t *x_at
    cdef ptrdiff_t *out_at
    cdef ptrdiff_t *filter_at       # filter of each line, NULL: they share one
    cdef ptrdiff_t items
    cdef int mode, kind, activation
    cdef k.fc_finish_fn *finish
    cdef char fill[16]
    cdef readonly ptrdiff_t scratch_bytes
    cdef readonly str packing       # of the weights: filter by filter
    cdef bint zeros                 # samples outside count as nothing, whatever the weights

    def __init__(self, int kind, *, axis, ptrdiff_t taps, ptrdiff_t first, bytes fill, bint zeros,
                 ptrdiff_t size, x_at, out_at, columns, ptrdiff_t budget, filter_at=None, int out_type=0,
                 int activation=0):
        """axis: (samples, outputs, x step, out step, pad mode); first: sample of output 0 at tap 0; columns:
        an axis whose samples are neighbours, (samples), or 0; x_at, out_at: offsets of the lines, or of
        their first column; budget: bytes of workspace wished; filter_at: which filter a line has; out_type:
        fc_memory_type, where there may be a bias or an activation."""
        cdef int count, i
        cdef const fc_fir_row *rows = fc_fir_rows(isa_index(), &count)
        cdef ptrdiff_t numbers, line    # of a sample; bytes of a vector
        self.keep = []
        for i in range(count):
            if rows[i].kind == kind:
                self.tile = &rows[i]
        self.kind, self.taps, self.first, self.size, self.zeros = kind, taps, first, size, zeros
        self.n, self.outputs, self.x_step, self.out_step, self.mode = axis
        memcpy(self.fill, <const char *>fill, size)
        self.x_at, self.out_at = table(self.keep, x_at), table(self.keep, out_at)
        self.lines, self.cols, self.bundle = len(x_at), columns, 1
        self.filter_at = NULL if filter_at is None else table(self.keep, filter_at)
        self.activation, self.finish, self.packing = activation, NULL, "rows"
        if out_type:
            self.finish = k.fc_finish_find(kind, out_type)
        numbers = 2 if kind >= 8 else 1
        line = self.tile.lanes // numbers * size
        if self.cols:
            self._cut_columns(line, budget)
        else:
            self.chunk = min(CHUNK if self.finish == NULL else FINISHED, budget // (2 * size) - taps)
            self.chunk = max(<ptrdiff_t>256, self.chunk)
            self.chunk = min(self.chunk, max(self.outputs, <ptrdiff_t>1))
            self.col_chunks = 1
            if filter_at is None and 2 * self.outputs <= SHORT and self.chunk == self.outputs and taps <= self.outputs:
                self.bundle = min(<ptrdiff_t>BUNDLE, budget // (2 * size)) // (self.outputs + taps - 1)
                self.bundle = max(<ptrdiff_t>1, min(self.bundle, self.lines))
            self.scratch_bytes = 2 * (self.chunk + taps) * self.bundle * size + 3 * line + 128
        self.chunks = (self.outputs + self.chunk - 1) // self.chunk
        self.items = (self.lines + self.bundle - 1) // self.bundle * self.chunks * self.col_chunks

    cdef void _cut_columns(self, ptrdiff_t line, ptrdiff_t budget) noexcept:
        cdef ptrdiff_t row = min(self.cols * self.size, <ptrdiff_t>ROW_BYTES)
        cdef ptrdiff_t block = self.tile.block, rows
        # whole vectors, and rows that do not all fall into the same sets of the cache
        self.pitch = (row + line - 1) // line * line
        if self.pitch % 256 == 0:
            self.pitch += 64
        self.col_chunks = (self.cols * self.size + row - 1) // row
        self.col_chunk = (self.cols + self.col_chunks - 1) // self.col_chunks
        self.col_chunk = min((self.col_chunk * self.size + line - 1) // line * line // self.size, self.cols)
        self.col_chunks = (self.cols + self.col_chunk - 1) // self.col_chunk
        rows = max(self.taps, min(<ptrdiff_t>STRIP_BYTES, budget) // self.pitch - self.taps)
        self.chunk = max(block, min(rows // block * block, <ptrdiff_t>CHUNK))
        self.chunk = min(self.chunk, max(self.outputs, <ptrdiff_t>1))
        self.scratch_bytes = (2 * self.chunk + self.taps) * self.pitch + 64

    def run(self, cnp.ndarray x_array not None, cnp.ndarray w_array not None, cnp.ndarray bias_array,
            cnp.ndarray out_array not None):
        """Compute everything; the interpreter is released.  w: contiguous, of the compute type; bias: a number
        a filter or None.  False: w is not finite, where that matters; nothing is computed then."""
        cdef double work = <double>self.lines * self.outputs * max(self.taps, <ptrdiff_t>WORK) * \
            max(self.cols, <ptrdiff_t>1)
        cdef int threads = threads_for(work * (4 if self.kind >= 8 else 1))
        cdef Call call
        cdef Team team
        cdef void *job = <void *>self
        call.x, call.w = <const char *>cnp.PyArray_DATA(x_array), <const char *>cnp.PyArray_DATA(w_array)
        call.bias = NULL if bias_array is None else <const char *>cnp.PyArray_DATA(bias_array)
        call.out = <char *>cnp.PyArray_DATA(out_array)
        if self.zeros and not k.fc_all_finite(self.kind, call.w, self.taps * (2 if self.kind >= 8 else 1)):
            return False
        team = Team()
        with nogil:
            team.run(<k.fc_task *>_items, job, &call, self.items, max(1, self.items // (threads * 32)), threads)
        team.check()
        return True

    cdef bint _item(self, ptrdiff_t item, const char *x, const char *w, const char *bias,
                    char *out) noexcept nogil:
        """Some outputs of a line, or of a strip of neighbouring lines; False: no memory."""
        cdef ptrdiff_t part = item % self.col_chunks, chunk = item // self.col_chunks % self.chunks
        cdef ptrdiff_t line = item // self.col_chunks // self.chunks
        cdef ptrdiff_t i = chunk * self.chunk, end = min(i + self.chunk, self.outputs)
        cdef ptrdiff_t low, high
        cdef char *scratch = <char *>k.fc_scratch(self.scratch_bytes)
        if scratch == NULL:
            return False
        if self.bundle > 1:
            line *= self.bundle
            self._bundle(x, w, out, line, min(line + self.bundle, self.lines), scratch)
            return True
        x += self.x_at[line]
        out += self.out_at[line]
        if self.filter_at != NULL:
            w += self.filter_at[line] * self.taps * self.size
            if bias != NULL:
                bias += self.filter_at[line] * self.size
        if self.cols:
            self._strip(x, w, bias, out, part * self.col_chunk, i, end, scratch)
            return True
        low = high = end        # outputs low .. high - 1 see no border, and no copy of their samples
        if self.x_step == self.size and self.out_step == self.size and end - i > SHORT:
            low = min(max(i, -self.first), end)
            high = max(low, min(end, self.n - self.taps + 1 - self.first))
            if high - low < SHORT:
                low = high = end
        if low > i:
            self._gathered(x, w, bias, out, i, low, scratch)
        if high > low:
            self.tile.line(self.taps, w, x + (low + self.first) * self.size, out + low * self.size,
                           high - low)
        if end > high:
            self._gathered(x, w, bias, out, high, end, scratch)
        if self.out_step == self.size:
            self._finish(out + i * self.size, end - i, bias)
        return True

    cdef inline void _finish(self, char *y, ptrdiff_t count, const char *bias) noexcept nogil:
        """Bias and activation of neighbouring results."""
        if self.finish != NULL and (bias != NULL or self.activation):
            self.finish(y, self.size, y, NULL, count, bias, self.activation)

    cdef void _gathered(self, const char *x, const char *w, const char *bias, char *out, ptrdiff_t i,
                        ptrdiff_t end, char *scratch) noexcept nogil:
        """Outputs i .. end - 1 of a line from a copy of their samples; where they lie apart, finished."""
        cdef ptrdiff_t count = end - i, d
        cdef char *y = out + i * self.out_step
        cdef char *from_
        self._read(x, i + self.first, count + self.taps - 1, scratch)
        if self.out_step == self.size:
            self.tile.line(self.taps, w, scratch, y, count)
            return
        from_ = scratch + self.scratch_bytes - (count * self.size + 63) // 64 * 64
        self.tile.line(self.taps, w, scratch, from_, count)
        self._finish(from_, count, bias)
        for d in range(count):
            copy_sample(y + d * self.out_step, from_ + d * self.size, self.size)

    cdef void _bundle(self, const char *x, const char *w, char *out, ptrdiff_t line, ptrdiff_t end,
                      char *scratch) noexcept nogil:
        """Short lines one behind the other: what is summed across two of them is left out."""
        cdef ptrdiff_t part = (self.outputs + self.taps - 1) * self.size, count = end - line, i, d
        cdef char *y = scratch + self.scratch_bytes - (count * part + 63) // 64 * 64
        cdef const char *done
        for i in range(count):
            self._read(x + self.x_at[line + i], self.first, self.outputs + self.taps - 1, scratch + i * part)
        self.tile.line(self.taps, w, scratch, y, count * part // self.size - (self.taps - 1))
        for i in range(count):
            done = y + i * part
            if self.out_step == self.size:
                memcpy(out + self.out_at[line + i], done, self.outputs * self.size)
                continue
            for d in range(self.outputs):
                copy_sample(out + self.out_at[line + i] + d * self.out_step, done + d * self.size, self.size)

    cdef void _read(self, const char *x, ptrdiff_t first, ptrdiff_t count, char *to) noexcept nogil:
        """Samples first .. first + count - 1 of a line and what lies beyond its ends."""
        cdef ptrdiff_t low = min(max(-first, <ptrdiff_t>0), count)
        cdef ptrdiff_t high = max(low, min(count, self.n - first))
        self._border(x, first, low, to)
        k.fc_copy_run(to + low * self.size, x + (first + low) * self.x_step, self.x_step, high - low,
                      self.size)
        self._border(x, first + high, count - high, to + high * self.size)

    cdef void _border(self, const char *x, ptrdiff_t first, ptrdiff_t count, char *to) noexcept nogil:
        """count samples from position first on, all of them outside."""
        cdef ptrdiff_t i, at
        if self.mode == k.FC_PAD_FILL:
            for i in range(count):
                copy_sample(to + i * self.size, self.fill, self.size)
            return
        for i in range(count):
            at = k.fc_source_index(first + i, self.n, self.mode)
            copy_sample(to + i * self.size, x + at * self.x_step, self.size)

    cdef void _strip(self, const char *x, const char *w, const char *bias, char *out, ptrdiff_t col,
                     ptrdiff_t i, ptrdiff_t end, char *scratch) noexcept nogil:
        """Outputs i .. end - 1 of neighbouring lines, across."""
        cdef ptrdiff_t cols = min(self.col_chunk, self.cols - col), at, r, d
        cdef ptrdiff_t number = 4 if self.kind in (5, 8) else 8
        cdef ptrdiff_t numbers = cols * self.size // number, whole = max(numbers, <ptrdiff_t>self.tile.lanes)
        cdef char *to = scratch
        cdef char *y = out + i * self.out_step + col * self.size
        x += col * self.size
        for r in range(i + self.first, end + self.first + self.taps - 1):
            at = k.fc_source_index(r, self.n, self.mode)
            if at < 0:
                for d in range(cols):
                    copy_sample(to + d * self.size, self.fill, self.size)
            else:
                k.fc_prefetch(x + (at + AHEAD) * self.x_step, cols * self.size, False)
                memcpy(to, x + at * self.x_step, cols * self.size)
            to += self.pitch
        # into scratch, then row by row: the result's rows may all fall into the same sets of the cache
        self.tile.columns(self.taps, w, scratch, self.pitch // number, to, self.pitch // number, end - i,
                          whole)
        for r in range(end - i):
            k.fc_prefetch(y + (r + AHEAD) * self.out_step, cols * self.size, True)
            self._finish(to + r * self.pitch, cols, bias)
            memcpy(y + r * self.out_step, to + r * self.pitch, cols * self.size)


cdef inline void copy_sample(char *to, const char *from_, ptrdiff_t size) noexcept nogil:
    if size == 4:
        memcpy(to, from_, 4)
    elif size == 8:
        memcpy(to, from_, 8)
    else:
        memcpy(to, from_, 16)
