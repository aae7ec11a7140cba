"""Polyphase filters along one axis of an array (upfirdn), and what all filters ask of their arguments.

A stretch of the extended signal is gathered, and every phase of its outputs is taken as inner products
(kernels/dot_ukr.c).  Results do not depend on threads, nor on where a stretch begins.  `filters` offers the
function to the layers above.
"""
import math

import numpy as np

cimport numpy as cnp
from libc.string cimport memset

from fastconv._core cimport kernels as k
from fastconv._core.cpu cimport isa_index, threads_for
from fastconv._core.job cimport Team
from fastconv._core.arrays import new
from fastconv._core.filters cimport fc_dot_taps, fc_dots, fc_dots_row, fc_dots_rows, fc_in_order, fc_phases

cnp.import_array()

cdef enum:
    F32 = 5             # FC_KIND_F32, FC_KIND_F64
    F64 = 6
    STRETCH = 8192      # samples and outputs of a piece
    FEW_TAPS = 2        # of a phase, or outputs: then outputs are taken in their order
    FEW_OUTPUTS = 8
    TOGETHER = 16       # neighbouring columns that share the lines of the cache

    REMEMBERED_BYTES = 16384    # of filters whose phases are kept
    MOST_REMEMBERED = 32

PHASES = {}                 # (up, down, dtype, filter) -> phases

UPFIRDN_MODES = ("constant", "wrap", "edge", "smooth", "symmetric", "reflect", "antisymmetric",
                 "antireflect", "line")


cdef ptrdiff_t ceil_div(ptrdiff_t a, ptrdiff_t b) noexcept nogil:
    return (a + b - 1) // b     # C division: -(-a // b) would round down


# --- arguments ------------------------------------------------------------------------------

def samples(x, axis):
    """x as an aligned array of whole steps, and the axis counted from 0."""
    x = np.asarray(x)
    if x.dtype.char not in "fdFD" or not x.dtype.isnative:
        raise TypeError(f"x must be float32, float64, complex64 or complex128, found {x.dtype}")
    if x.ndim == 0:
        raise ValueError("x must have at least one axis")
    if not -x.ndim <= axis < x.ndim:
        raise ValueError(f"axis {axis} is out of bounds for an array of {x.ndim} axes")
    if not x.flags.aligned or any(s % x.dtype.alignment for s in x.strides):
        x = x.copy()
    return x, axis % x.ndim


def coefficients(name, c, x):
    """c as a contiguous array of x's dtype or its real counterpart."""
    c = np.asarray(c)
    if c.dtype != x.dtype and c.dtype != x.real.dtype:
        raise TypeError(f"{name} must have the dtype of x ({x.dtype}) or of its real part, found {c.dtype}")
    if c.size == 0:
        raise ValueError(f"{name} has no coefficients")
    return np.ascontiguousarray(c)


ONE, TWO = np.zeros(1, np.intp), np.arange(2, dtype=np.intp)   # where the parts of a single channel begin


def offsets(array, axis, bint split):
    """Where each channel begins, in real numbers (``split``: complex channels as real and imaginary), or in
    the array's own."""
    cdef ptrdiff_t size = array.itemsize
    if array.ndim == 1:
        return ONE if not split or array.dtype.kind != "c" else TWO
    if split and array.dtype.kind == "c":
        size //= 2
    at = ONE
    for i, (n, step) in enumerate(zip(array.shape, array.strides)):
        if i != axis:
            at = np.add.outer(at, np.arange(n, dtype=np.intp) * (step // size)).reshape(-1)
    if split and array.dtype.kind == "c":
        at = np.add.outer(at, TWO).reshape(-1)
    return np.ascontiguousarray(at)


# --- upfirdn --------------------------------------------------------------------------------

def upfirdn_length(taps, n, up, down):
    """Outputs of `upfirdn` along its axis."""
    return ((n - 1) * up + taps - 1) // down + 1


def _reflected(x, at, mode):
    """x at positions outside of it (along the last axis), by scipy.signal.upfirdn's modes."""
    n = x.shape[-1]
    first, last = x[..., :1], x[..., -1:]
    beyond = np.where(at < 0, -at, at - (n - 1))        # steps from the nearest sample, 1 ...
    if mode == "edge" or (n == 1 and mode != "antisymmetric"):
        return np.where(at < 0, first, last)
    if mode == "smooth":
        return np.where(at < 0, first + at * (x[..., 1:2] - first),
                        last + beyond * (last - x[..., -2:-1]))
    if mode == "line":
        slope = (last - first) / (n - 1)
        return np.where(at < 0, first + at * slope, last + beyond * slope)
    if mode == "wrap":
        return x[..., at % n]
    if mode in ("symmetric", "antisymmetric"):
        at = at % (2 * n)
        found = x[..., np.where(at < n, at, 2 * n - 1 - at)]
        return np.where(at < n, found, -found) if mode == "antisymmetric" else found
    turns, at = at // (2 * n - 2), at % (2 * n - 2)
    found = x[..., np.where(at < n, at, 2 * n - 2 - at)]
    if mode == "reflect":
        return found
    return np.where(at < n, found, 2 * last - found) + 2 * turns * (last - first)


def _extension(x, at, mode, cval):
    """(rows, len(at)) samples beyond the ends of each row, C-contiguous, of x's dtype."""
    shape = (*x.shape[:-1], len(at))
    if mode != "constant":
        return np.ascontiguousarray(np.broadcast_to(_reflected(x, at, mode), shape), x.dtype)
    found = np.zeros(shape, x.dtype)
    if cval != 0:
        found[...] = cval
    return found


def upfirdn(h, x, up=1, down=1, axis=-1, mode="constant", cval=0):
    """Insert up - 1 zeros after each sample, convolve with h, keep every down-th sample.

    ``y[m] = sum over i of x[i] * h[m * down - i * up]``, i over the samples and their extension.

    Parameters
    ----------
    h : ndarray
        Filter, 1-D, of x's dtype or its real counterpart; flipped, as in a convolution.
    x : ndarray
        Samples: float32, float64, complex64 or complex128, at least one along the axis.
    up, down : int
        Rates, at least 1.
    axis : int
        Axis to filter along.
    mode : str
        One of ``UPFIRDN_MODES``: how the signal goes on beyond its ends.
    cval : number
        What lies outside for mode "constant".

    Returns
    -------
    ndarray
        C-contiguous, of x's dtype, ``upfirdn_length(len(h), n, up, down)`` samples along the axis.

    Raises
    ------
    TypeError, ValueError
        A dtype, rate, mode or shape other than described.
    """
    x, axis = samples(x, axis)
    h = coefficients("h", h, x)
    if h.ndim != 1:
        raise ValueError(f"h must be 1-D, found {h.ndim} axes")
    if up < 1 or down < 1:
        raise ValueError(f"up and down must be at least 1, found {up} and {down}")
    if mode not in UPFIRDN_MODES:
        raise ValueError(f"mode must be one of {', '.join(UPFIRDN_MODES)}, found {mode!r}")
    n = x.shape[axis]
    if n == 0:
        raise ValueError("x has no samples along the axis")
    length = upfirdn_length(len(h), n, up, down)
    y = new((*x.shape[:axis], length, *x.shape[axis + 1:]), x.dtype)
    if y.size == 0:
        return y
    taps = ceil_div(len(h), up)
    rows = x if axis == x.ndim - 1 else np.moveaxis(x, axis, -1)
    after = max(0, (length - 1) * down // up - (n - 1))
    before = _extension(rows, np.arange(1 - taps, 0), mode, cval)
    _Polyphase(h, x, y, before, _extension(rows, np.arange(n, n + after), mode, cval), axis, up,
               down).compute()
    return y


cdef void _items(_Polyphase self, void *_, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part of a call."""
    while team.next(share):
        self._item(share.item, team)


cdef class _Polyphase:
    """One call: phases of the filter and the pieces of the signal."""
    cdef char *x
    cdef char *y
    cdef const char *before
    cdef const char *after
    cdef ptrdiff_t n, length, rows, x_step, y_step, number, taps, tail
    cdef ptrdiff_t classes, advance     # outputs of one period, samples it moves on
    cdef ptrdiff_t *x_at
    cdef ptrdiff_t *y_at
    cdef ptrdiff_t *class_taps          # of each output of a period
    cdef ptrdiff_t *class_last          # its last sample, for the first period
    cdef ptrdiff_t periods, stretches, together
    cdef char *h                        # flipped phases in whole vectors: [part][plane][phase][tap]
    cdef ptrdiff_t h_size
    cdef int planes                     # of the samples
    cdef int h_planes
    cdef bint in_order
    cdef fc_dots *dots
    cdef object keep

    def __init__(self, cnp.ndarray h, cnp.ndarray x, cnp.ndarray y, cnp.ndarray before, cnp.ndarray after,
                 int axis, ptrdiff_t up, ptrdiff_t down):
        cdef cnp.ndarray x_at = offsets(x, axis, False), y_at = offsets(y, axis, False)
        cdef int count, i, lanes = 1
        cdef const fc_dots_row *rows = fc_dots_rows(isa_index(), &count)
        self.number = x.real.itemsize
        for i in range(count):
            if rows[i].kind == (F32 if self.number == 4 else F64):
                self.dots, lanes = rows[i].run, rows[i].lanes
        self.planes = 2 if x.dtype.kind == "c" else 1
        self.h_planes = 2 if h.dtype.kind == "c" else 1
        self.n, self.length, self.rows = x.shape[axis], y.shape[axis], len(x_at)
        self.x_step = x.strides[axis] // self.number
        self.y_step = y.strides[axis] // self.number
        self.x, self.y = <char *>cnp.PyArray_DATA(x), <char *>cnp.PyArray_DATA(y)
        self.x_at, self.y_at = <ptrdiff_t *>cnp.PyArray_DATA(x_at), <ptrdiff_t *>cnp.PyArray_DATA(y_at)
        self.before = <const char *>cnp.PyArray_DATA(before)
        self.after = <const char *>cnp.PyArray_DATA(after)
        self.taps, self.tail = before.shape[before.ndim - 1] + 1, after.shape[after.ndim - 1]
        self.keep = [x, y, x_at, y_at, before, after]
        self._set_phases(h, up, down, lanes)
        # neighbouring columns of a slow axis share cache lines: one thread takes them one after another
        self.together = 1
        if x.ndim > 1 and axis != x.ndim - 1 and abs(x.strides[x.ndim - 1]) < abs(x.strides[axis]):
            self.together = min(<ptrdiff_t>TOGETHER, <ptrdiff_t>x.shape[x.ndim - 1])
        self.in_order = self.taps <= FEW_TAPS or self.length < FEW_OUTPUTS * self.classes
        self.periods = max(<ptrdiff_t>8, STRETCH // (self.classes + self.advance) // 8 * 8)
        self.stretches = ceil_div(self.length, self.periods * self.classes)

    cdef _set_phases(self, h, up, down, ptrdiff_t lanes):
        common = math.gcd(up, down)
        self.classes, self.advance = up // common, down // common
        self.h_size = ceil_div(self.taps, lanes) * lanes
        key = up, down, h.dtype.char, h.tobytes() if h.nbytes <= REMEMBERED_BYTES else None
        found = PHASES.get(key)
        cdef cnp.ndarray table, packed
        if found is None:
            found = self._phases(h, up, down)
            if key[3] is not None:
                if len(PHASES) >= MOST_REMEMBERED:
                    PHASES.clear()
                PHASES[key] = found
        table, packed = found
        self.h = <char *>cnp.PyArray_DATA(packed)
        self.class_taps = <ptrdiff_t *>cnp.PyArray_DATA(table)
        self.class_last = self.class_taps + self.classes
        self.keep += [table, packed]

    cdef tuple _phases(self, h, up, down):
        """(taps of each output of a period, and its last sample; the flipped phases)."""
        first = np.arange(self.classes, dtype=np.intp) * down
        phase = first % up
        table = np.array([(len(h) - phase + up - 1) // up, first // up], np.intp)
        # column t of a phase: its taps from the last to the first, zeros behind
        at = phase[:, None] + (table[0][:, None] - 1 - np.arange(self.h_size)) * up
        flipped = np.where(at >= 0, h[np.maximum(at, 0)], 0) if len(at) else h[:0]
        if self.h_planes == 1:
            return table, np.ascontiguousarray(flipped)
        # the real part of a product is (re, -im) . (re, im), its imaginary part (im, re) . (re, im)
        return table, np.array([[flipped.real, -flipped.imag], [flipped.imag, flipped.real]])

    def compute(self):
        cdef double work = <double>self.rows * self.length * self.taps * self.planes * self.h_planes
        cdef int threads = threads_for(work)
        cdef Team team = Team()
        cdef void *job = <void *>self
        with nogil:
            team.run(<k.fc_task *>_items, job, NULL, ceil_div(self.rows, self.together) * self.stretches, 1, threads)
        team.check()

    cdef void _item(self, ptrdiff_t item, Team team) noexcept nogil:
        """A stretch of outputs of some neighbouring rows."""
        cdef ptrdiff_t group = item // self.stretches, period = item % self.stretches * self.periods
        cdef ptrdiff_t count = min(self.periods, ceil_div(self.length, self.classes) - period)
        cdef ptrdiff_t first = period * self.advance - (self.taps - 1)
        cdef ptrdiff_t end = (period + count - 1) * self.advance + self.class_last[self.classes - 1] + 1
        cdef ptrdiff_t plane = end - first + 64      # what the last vectors of taps may read beyond
        cdef char *buf = team.scratch(self.planes * plane * self.number)
        cdef ptrdiff_t row
        if buf == NULL:
            return
        for row in range(group * self.together, min((group + 1) * self.together, self.rows)):
            self._gather(row, first, min(end, self.n + self.tail), buf, plane)
            self._row(row, period, count, first, buf, plane)

    cdef void _gather(self, ptrdiff_t row, ptrdiff_t first, ptrdiff_t end, char *buf,
                      ptrdiff_t plane) noexcept nogil:
        """Samples first .. end - 1 of an extended row, plane by plane."""
        cdef ptrdiff_t number = self.number, whole = number * self.planes, head = self.taps - 1
        cdef ptrdiff_t low = min(max(first, <ptrdiff_t>0), self.n), high = min(max(end, low), self.n)
        cdef const char *before = self.before + (row * head + head + first) * whole
        cdef const char *x = self.x + self.x_at[row] * whole + low * self.x_step * number
        cdef const char *after = self.after + row * self.tail * whole
        cdef char *to
        cdef int p
        if first > self.n:
            after += (first - self.n) * whole
        for p in range(self.planes):
            to = buf + p * plane * number
            k.fc_copy_run(to, before + p * number, whole,
                          max(min(end, <ptrdiff_t>0) - first, <ptrdiff_t>0), number)
            if low > first:
                to += (min(end, low) - first) * number
            k.fc_copy_run(to, x + p * number, self.x_step * number, high - low, number)
            to += (high - low) * number
            k.fc_copy_run(to, after + p * number, whole,
                          max(end - max(first, self.n), <ptrdiff_t>0), number)

    cdef void _row(self, ptrdiff_t row, ptrdiff_t period, ptrdiff_t count, ptrdiff_t first,
                   const char *buf, ptrdiff_t plane) noexcept nogil:
        """Every phase of the outputs of a stretch."""
        cdef ptrdiff_t c, at, n, number = self.number, i
        cdef ptrdiff_t outputs = self.length - period * self.classes
        cdef char *y = self.y + self.y_at[row] * number * self.planes + \
            period * self.classes * self.y_step * number
        cdef fc_dot_taps taps
        cdef int p
        if self.in_order:
            self._in_order(buf + (period * self.advance - first) * number, plane, y,
                           min(outputs, count * self.classes))
            return
        taps.planes, taps.x_plane, taps.h_plane = self.h_planes, plane, self.classes * self.h_size
        for c in range(min(self.classes, outputs)):
            n = min(count, ceil_div(outputs - c, self.classes))
            taps.count = self.class_taps[c]
            at = period * self.advance + self.class_last[c] - (taps.count - 1) - first
            for p in range(self.planes):
                if taps.count <= 0:
                    for i in range(n):
                        memset(y + ((c + i * self.classes) * self.y_step + p) * number, 0, number)
                    continue
                # complex taps meet both planes, real ones the plane of this part
                taps.h = self.h + (c + (p * 2 * self.classes if self.h_planes == 2 else 0)) * \
                    self.h_size * number
                self.dots(&taps, buf + (at + (p * plane if self.h_planes == 1 else 0)) * number,
                          self.advance, y + (c * self.y_step + p) * number,
                          self.classes * self.y_step, n)

    cdef void _in_order(self, const char *x, ptrdiff_t plane, char *y, ptrdiff_t outputs) noexcept nogil:
        """The same, one output after the other; x: the sample that the first one's phase is counted from."""
        cdef fc_phases phases
        cdef ptrdiff_t number = self.number
        cdef int p
        phases.classes, phases.advance, phases.h_size = self.classes, self.advance, self.h_size
        phases.count, phases.last, phases.planes = self.class_taps, self.class_last, self.h_planes
        phases.x_plane, phases.h_plane = plane, self.classes * self.h_size
        for p in range(self.planes):    # complex taps meet both planes, real ones the plane of this part
            phases.h = self.h + (p * 2 * self.classes if self.h_planes == 2 else 0) * self.h_size * number
            fc_in_order(<k.fc_kind>(F32 if number == 4 else F64), &phases,
                        x + (p * plane if self.h_planes == 1 else 0) * number, y + p * number, self.y_step, outputs)
