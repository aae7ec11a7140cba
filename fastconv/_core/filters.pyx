"""Filters along one axis of an array: recursive (lfilter, sosfilt) and polyphase (upfirdn).

Three functions with the arithmetic of their namesakes in scipy.signal, without their conveniences: arrays
have one native floating dtype, coefficients the same or its real counterpart, initial states their exact
shape.  Complex samples with real coefficients are two real channels.

Recursive filters run lanes of channels (see kernels/iir_ukr.c); blocks of samples are turned into lanes on
the way, unless channels are neighbours in memory already.  Polyphase filters gather a stretch of the
extended signal and take every phase of the outputs as inner products (kernels/dot_ukr.c).  Results do not
depend on threads, on how channels are grouped, nor on where a stretch begins.
"""
import math

import numpy as np

cimport numpy as cnp
from cython.parallel cimport prange
from libc.string cimport memcpy, memset

from fastconv._core cimport kernels as k
from fastconv._core.cpu cimport isa_index, threads_for

cnp.import_array()

cdef enum:
    F32 = 5             # FC_KIND_F32, FC_KIND_F64
    F64 = 6
    IIR_BYTES = 16384   # of samples that pass through all sections before the next ones
    STRETCH = 8192      # samples and outputs of a piece of a polyphase filter
    TOGETHER = 16       # neighbouring columns that share the lines of the cache

UPFIRDN_MODES = ("constant", "wrap", "edge", "smooth", "symmetric", "reflect", "antisymmetric",
                 "antireflect", "line")


cdef ptrdiff_t ceil_div(ptrdiff_t a, ptrdiff_t b) noexcept nogil:
    return (a + b - 1) // b     # C division: -(-a // b) would round down


# --- arguments ------------------------------------------------------------------------------

def _samples(x, axis):
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


def _coefficients(name, c, x):
    """c as a contiguous array of x's dtype or its real counterpart."""
    c = np.asarray(c)
    if c.dtype != x.dtype and c.dtype != x.real.dtype:
        raise TypeError(f"{name} must have the dtype of x ({x.dtype}) or of its real part, found {c.dtype}")
    if c.size == 0:
        raise ValueError(f"{name} has no coefficients")
    return np.ascontiguousarray(c)


def _offsets(array, axis, bint split):
    """Where each channel begins, in real numbers (``split``: complex channels as real and imaginary), or in
    the array's own."""
    cdef ptrdiff_t size = array.real.itemsize if split else array.itemsize
    at = np.zeros(1, np.intp)
    for i, (n, step) in enumerate(zip(array.shape, array.strides)):
        if i != axis:
            at = np.add.outer(at, np.arange(n, dtype=np.intp) * (step // size)).reshape(-1)
    if split and array.dtype.kind == "c":
        at = np.add.outer(at, np.arange(2, dtype=np.intp)).reshape(-1)
    return np.ascontiguousarray(at)


# --- recursive filters ------------------------------------------------------------------------

def lfilter(b, a, x, zi=None, axis=-1):
    """Filter along an axis with a rational transfer function, in transposed direct form II.

    ``a[0] y[n] = b[0] x[n] + ... + b[M] x[n-M] - a[1] y[n-1] - ... - a[N] y[n-N]``

    Parameters
    ----------
    b, a : ndarray
        Coefficients, 1-D, at least one each, ``a[0]`` not 0; of x's dtype or its real counterpart.
    x : ndarray
        Samples: float32, float64, complex64 or complex128, any number of axes, any strides.
    zi : ndarray, optional
        State before the first sample: x's shape with ``max(len(a), len(b)) - 1`` along the axis.
    axis : int
        Axis to filter along.

    Returns
    -------
    y : ndarray
        As x, C-contiguous.
    zf : ndarray or None
        State after the last sample; None without zi.

    Raises
    ------
    TypeError, ValueError
        A dtype or shape other than described, ``a[0]`` equal to 0.
    """
    x, axis = _samples(x, axis)
    b, a = _coefficients("b", b, x), _coefficients("a", a, x)
    if b.ndim != 1 or a.ndim != 1:
        raise ValueError(f"b and a must be 1-D, found {b.ndim} and {a.ndim} axes")
    if a[0] == 0:
        raise ValueError("a[0] must not be 0")
    order = max(len(a), len(b)) - 1
    shape = (*x.shape[:axis], order, *x.shape[axis + 1:])
    state = _state(zi, shape, x)
    kind = np.result_type(a, b)
    c = np.zeros((1, 2 * order + 1), kind)
    b, a = (b / a[0]).astype(kind), (a / a[0]).astype(kind)
    c[0, 0] = b[0]
    c[0, 1:2 * len(b) - 1:2] = b[1:]
    c[0, 2:2 * len(a):2] = a[1:]
    if order == 0:
        return np.ascontiguousarray(x * c[0, 0]), state
    last = np.moveaxis(state, axis, -1) if zi is not None else None
    y, z = _recursive(c, order, x, axis, last)
    return y, None if zi is None else np.ascontiguousarray(np.moveaxis(z.reshape(last.shape), -1, axis))


def sosfilt(sos, x, zi=None, axis=-1):
    """Filter along an axis with second-order sections, one behind the other.

    Parameters
    ----------
    sos : ndarray
        ``(sections, 6)``: b0, b1, b2, 1, a1, a2 of each section; of x's dtype or its real counterpart.
    x : ndarray
        As for `lfilter`.
    zi : ndarray, optional
        State before the first sample: ``(sections,)`` and x's shape with 2 along the axis.
    axis : int
        Axis of x to filter along.

    Returns
    -------
    y, zf
        As for `lfilter`.

    Raises
    ------
    TypeError, ValueError
        A dtype or shape other than described.
    """
    x, axis = _samples(x, axis)
    sos = _coefficients("sos", sos, x)
    if sos.ndim != 2 or sos.shape[1] != 6:
        raise ValueError(f"sos must have shape (sections, 6), found {sos.shape}")
    if not (sos[:, 3] == 1).all():
        raise ValueError("sos[:, 3] must be 1 throughout")
    shape = (len(sos), *x.shape[:axis], 2, *x.shape[axis + 1:])
    state = _state(zi, shape, x)
    last = np.moveaxis(state, (0, axis + 1), (-2, -1)) if zi is not None else None
    y, z = _recursive(np.ascontiguousarray(sos[:, [0, 1, 4, 2, 5]]), 2, x, axis, last)
    if zi is None:
        return y, None
    return y, np.ascontiguousarray(np.moveaxis(z.reshape(last.shape), (-2, -1), (0, axis + 1)))


def _state(zi, shape, x):
    if zi is None:
        return None
    zi = np.asarray(zi)
    if zi.shape != shape or zi.dtype != x.dtype:
        raise ValueError(f"zi must have shape {shape} and dtype {x.dtype}, found {zi.shape}, {zi.dtype}")
    return zi


def _recursive(coef, ptrdiff_t order, x, int axis, state):
    """(y, state after): coef (sections, 2 order + 1) as fc_iir_ukr's; state: channels first, or None."""
    cdef bint split = coef.dtype.kind != "c" and x.dtype.kind == "c"
    cdef ptrdiff_t n = x.shape[axis], channels = x.size // n if n else 0
    y = np.empty(x.shape, x.dtype)
    z = np.zeros((channels, coef.shape[0] * order), x.dtype)
    if state is not None:
        z[...] = state.reshape(z.shape) if channels else 0
    if not channels:    # no samples: the state stays as it was
        return y, (state if state is not None else z).copy()
    if split:           # (channels, sections * order) of complex numbers: twice the channels, real
        z = np.ascontiguousarray(np.moveaxis(z.view(x.real.dtype).reshape(*z.shape, 2), 2, 1))
        z = z.reshape(2 * channels, -1)
    run = _Recursion(coef, order, x, y, z, axis, split)
    run.compute()
    if split:
        z = np.ascontiguousarray(np.moveaxis(z.reshape(channels, 2, -1), 1, 2)).view(x.dtype)
    return y, z


cdef struct Piece:          # channels that one thread takes through all samples
    ptrdiff_t first
    ptrdiff_t count         # fewer than its vectors hold: the last channel fills them up
    int vectors
    int lanes


cdef class _Recursion:
    """One call: its operands, the tiles of its order, and how channels are cut."""
    cdef char *x
    cdef char *y
    cdef char *coef
    cdef char *state
    cdef ptrdiff_t n, order, sections, channels, x_step, y_step, number, pieces, full
    cdef ptrdiff_t *x_at
    cdef ptrdiff_t *y_at
    cdef int kind, lanes, vectors
    cdef bint is_complex
    cdef object keep
    cdef const fc_lanes_row *mover
    cdef fc_iir_ukr *tile[2][3][5]      # by lanes or single numbers, log2(sections), vectors
    cdef Piece rest[64]                 # pieces after the full ones

    def __init__(self, cnp.ndarray coef, ptrdiff_t order, cnp.ndarray x, cnp.ndarray y, cnp.ndarray z,
                 int axis, bint split):
        cdef cnp.ndarray x_at = _offsets(x, axis, split), y_at = _offsets(y, axis, split)
        self.is_complex = coef.dtype.kind == "c"
        self.kind = F32 if x.real.dtype.itemsize == 4 else F64
        self.number = x.real.itemsize if split else x.itemsize
        self.n, self.order, self.sections = x.shape[axis], order, coef.shape[0]
        self.channels = len(x_at)
        self.x_step = x.strides[axis] // self.number
        self.y_step = y.strides[axis] // self.number
        self.x, self.y = <char *>cnp.PyArray_DATA(x), <char *>cnp.PyArray_DATA(y)
        self.x_at, self.y_at = <ptrdiff_t *>cnp.PyArray_DATA(x_at), <ptrdiff_t *>cnp.PyArray_DATA(y_at)
        self.coef, self.state = <char *>cnp.PyArray_DATA(coef), <char *>cnp.PyArray_DATA(z)
        self.keep = (coef, x, y, z, x_at, y_at)
        self._find_tiles()
        self._cut()

    cdef void _find_tiles(self) noexcept:
        cdef int count, i
        cdef const fc_iir_row *rows = fc_iir_rows(isa_index(), &count)
        cdef const fc_lanes_row *movers
        for i in range(count):
            if rows[i].kind == self.kind and rows[i].order == (self.order if self.order <= 8 else 0):
                self.tile[rows[i].lanes == 1][rows[i].sections // 2][rows[i].nv] = rows[i].run
        movers = fc_lanes_rows(isa_index(), &count)
        for i in range(count):
            if movers[i].kind == self.kind:
                self.mover = &movers[i]
                self.lanes = movers[i].lanes

    cdef int _vectors(self, ptrdiff_t at_most) noexcept:
        """Vectors at a time: as many as the tile of the largest step of sections holds."""
        cdef int s = 2 if self.sections >= 4 else 1 if self.sections >= 2 else 0, v = 4
        while v > 1 and (v > at_most or self.tile[0][s][v] == NULL):
            v -= 1
        return v

    cdef void _cut(self) noexcept:
        """Full pieces, then single vectors, then single numbers, several at a time."""
        cdef int threads = threads_for(2e9)
        cdef ptrdiff_t at, left, n
        cdef Piece *p
        if self.is_complex:
            self.pieces = self.full = self.channels
            return
        self.vectors = self._vectors(max(<ptrdiff_t>1, self.channels // (self.lanes * threads)))
        self.full = self.channels // (self.vectors * self.lanes)
        self.pieces, at = self.full, self.full * self.vectors * self.lanes
        while at < self.channels:
            p = &self.rest[self.pieces - self.full]
            left = self.channels - at
            p.first, p.vectors, p.lanes = at, 1, self.lanes
            if 2 * left < self.lanes:
                p.lanes, p.vectors = 1, self._vectors(left)
            p.count = min(left, <ptrdiff_t>p.vectors * p.lanes)
            at += p.count
            self.pieces += 1

    def compute(self):
        cdef double work = <double>self.n * self.channels * self.sections * (2 * self.order + 1)
        cdef int threads = threads_for(2 * work), failed = 0
        cdef int *status = &failed
        cdef ptrdiff_t i
        if threads > self.pieces:
            threads = <int>self.pieces
        if threads <= 1:
            with nogil:
                for i in range(self.pieces):
                    if not self._take(i):
                        failed = 1
                        break
        else:
            for i in prange(self.pieces, nogil=True, num_threads=threads, schedule="dynamic"):
                if not self._take(i):
                    status[0] = 1
        if failed:
            raise MemoryError("no memory for a block of samples")

    cdef bint _take(self, ptrdiff_t i) noexcept nogil:
        cdef Piece p
        if self.is_complex:
            fc_iir_complex(self.kind, self.sections, self.order, self.n,
                           self.x + self.x_at[i] * self.number, self.x_step,
                           self.y + self.y_at[i] * self.number, self.y_step, self.coef,
                           self.state + i * self.sections * self.order * self.number)
            return True
        if i >= self.full:
            p = self.rest[i - self.full]
        else:
            p.first, p.vectors, p.lanes = i * self.vectors * self.lanes, self.vectors, self.lanes
            p.count = p.vectors * p.lanes
        return self._piece(&p)

    cdef int _step(self, const Piece *p, ptrdiff_t s) noexcept nogil:
        """Sections of the next tile, when s are done."""
        cdef int step = 4
        while step > 1 and (self.sections - s < step or
                            self.tile[p.lanes == 1][step // 2][p.vectors] == NULL):
            step //= 2
        return step

    cdef void _move_state(self, const Piece *p, char *state, bint into) noexcept nogil:
        """The states of a piece, as its tiles want them, or back."""
        cdef ptrdiff_t c, s = 0, d, i
        cdef int step
        cdef char *mine
        cdef char *theirs
        while s < self.sections:
            step = self._step(p, s)
            for c in range(p.vectors * p.lanes if into else p.count):
                for d in range(step):
                    for i in range(self.order):
                        mine = state + (((s * p.vectors + c // p.lanes * step + d) * self.order + i)
                                        * p.lanes + c % p.lanes) * self.number
                        theirs = self.state + (((p.first + min(c, p.count - 1)) * self.sections
                                                + s + d) * self.order + i) * self.number
                        memcpy(mine if into else theirs, theirs if into else mine, self.number)
            s += step

    cdef void _sections(self, const Piece *p, ptrdiff_t n, const char *x, const ptrdiff_t *x_at,
                        ptrdiff_t x_step, char *y, const ptrdiff_t *y_at, ptrdiff_t y_step,
                        const char *coef, char *state) noexcept nogil:
        """n samples through all sections: the first tile from x to y, the others in y."""
        cdef ptrdiff_t s = 0, lane_bytes = p.lanes * self.number
        cdef int step
        while s < self.sections:
            step = self._step(p, s)
            self.tile[p.lanes == 1][step // 2][p.vectors](
                self.order, n, x if s == 0 else y, x_at if s == 0 else y_at,
                x_step if s == 0 else y_step, y, y_at, y_step,
                coef + s * (2 * self.order + 1) * lane_bytes,
                state + s * p.vectors * self.order * lane_bytes)
            s += step

    cdef bint _piece(self, const Piece *p) noexcept nogil:
        """Some channels from the first sample to the last; False: no memory."""
        cdef ptrdiff_t width = p.vectors * p.lanes, numbers = self.sections * (2 * self.order + 1)
        cdef ptrdiff_t i, l, n, block = IIR_BYTES // (width * self.number)
        cdef ptrdiff_t coef_bytes = numbers * p.lanes * self.number
        cdef ptrdiff_t state_bytes = self.sections * self.order * width * self.number
        cdef ptrdiff_t x_at[64]
        cdef ptrdiff_t y_at[64]
        cdef ptrdiff_t inner[4]
        cdef bint straight = True
        coef_bytes = (coef_bytes + 63) // 64 * 64
        state_bytes = (state_bytes + 63) // 64 * 64
        cdef char *coef = <char *>k.fc_scratch(coef_bytes + state_bytes + block * width * self.number)
        if coef == NULL:
            return False
        cdef char *state = coef + coef_bytes
        cdef char *buf = state + state_bytes
        cdef const char *x
        cdef char *y
        for i in range(numbers):
            for l in range(p.lanes):
                memcpy(coef + (i * p.lanes + l) * self.number, self.coef + i * self.number, self.number)
        self._move_state(p, state, True)
        for i in range(width):
            x_at[i] = self.x_at[p.first + min(i, p.count - 1)]
            y_at[i] = self.y_at[p.first + min(i, p.count - 1)]
            straight = straight and x_at[i] == x_at[i // p.lanes * p.lanes] + i % p.lanes and \
                y_at[i] == y_at[i // p.lanes * p.lanes] + i % p.lanes
        for i in range(p.vectors):
            inner[i] = i * p.lanes
            if straight:
                x_at[i], y_at[i] = x_at[i * p.lanes], y_at[i * p.lanes]
        if straight and self._step(p, 0) == self.sections:
            block = self.n      # one tile: nothing to keep in the cache
        i = 0
        while i < self.n:
            n = min(block, self.n - i)
            x, y = self.x + i * self.x_step * self.number, self.y + i * self.y_step * self.number
            if straight:
                self._sections(p, n, x, x_at, self.x_step, y, y_at, self.y_step, coef, state)
            else:
                for l in range(p.vectors):
                    self.mover.read(buf + l * p.lanes * self.number, width, x, x_at + l * p.lanes,
                                    self.x_step, n)
                self._sections(p, n, buf, inner, width, buf, inner, width, coef, state)
                for l in range(p.vectors):
                    self.mover.write(y, y_at + l * p.lanes, self.y_step,
                                     buf + l * p.lanes * self.number, width, n,
                                     <int>min(<ptrdiff_t>p.lanes, p.count - l * p.lanes))
            i += n
        self._move_state(p, state, False)
        return True


# --- polyphase filters ------------------------------------------------------------------------

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
    if mode == "constant":
        found = np.full(shape, cval, x.dtype)
    else:
        found = np.ascontiguousarray(np.broadcast_to(_reflected(x, at, mode), shape), x.dtype)
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
    x, axis = _samples(x, axis)
    h = _coefficients("h", h, x)
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
    y = np.empty((*x.shape[:axis], length, *x.shape[axis + 1:]), x.dtype)
    if y.size == 0:
        return y
    taps = ceil_div(len(h), up)
    rows = np.moveaxis(x, axis, -1)
    after = max(0, (length - 1) * down // up - (n - 1))
    before = _extension(rows, np.arange(1 - taps, 0), mode, cval)
    _Polyphase(h, x, y, before, _extension(rows, np.arange(n, n + after), mode, cval), axis, up,
               down).compute()
    return y


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
    cdef fc_dots *dots
    cdef object keep

    def __init__(self, cnp.ndarray h, cnp.ndarray x, cnp.ndarray y, cnp.ndarray before, cnp.ndarray after,
                 int axis, ptrdiff_t up, ptrdiff_t down):
        cdef cnp.ndarray x_at = _offsets(x, axis, False), y_at = _offsets(y, axis, False)
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
        self.periods = max(<ptrdiff_t>8, STRETCH // (self.classes + self.advance) // 8 * 8)
        self.stretches = ceil_div(self.length, self.periods * self.classes)

    cdef _set_phases(self, h, up, down, ptrdiff_t lanes):
        common = math.gcd(up, down)
        self.classes, self.advance = up // common, down // common
        self.h_size = ceil_div(self.taps, lanes) * lanes
        first = np.arange(self.classes, dtype=np.intp) * down
        phase = first % up
        cdef cnp.ndarray table = np.array([(len(h) - phase + up - 1) // up, first // up], np.intp)
        # column t of a phase: its taps from the last to the first, zeros behind
        at = phase[:, None] + (table[0][:, None] - 1 - np.arange(self.h_size)) * up
        flipped = np.where(at >= 0, h[np.maximum(at, 0)], 0) if len(at) else h[:0]
        cdef cnp.ndarray packed
        if self.h_planes == 1:
            packed = np.ascontiguousarray(flipped)
        else:   # the real part of a product is (re, -im) . (re, im), its imaginary part (im, re) . (re, im)
            packed = np.array([[flipped.real, -flipped.imag], [flipped.imag, flipped.real]])
        self.h = <char *>cnp.PyArray_DATA(packed)
        self.class_taps = <ptrdiff_t *>cnp.PyArray_DATA(table)
        self.class_last = self.class_taps + self.classes
        self.keep += [table, packed]

    def compute(self):
        cdef double work = <double>self.rows * self.length * self.taps * self.planes * self.h_planes
        cdef int threads = threads_for(work), failed = 0
        cdef int *status = &failed
        cdef ptrdiff_t item, groups = ceil_div(self.rows, self.together)
        cdef ptrdiff_t items = groups * self.stretches
        if threads > items:
            threads = <int>items
        if threads <= 1:
            with nogil:
                for item in range(items):
                    if not self._item(item):
                        failed = 1
                        break
        else:
            for item in prange(items, nogil=True, num_threads=threads, schedule="dynamic"):
                if not self._item(item):
                    status[0] = 1
        if failed:
            raise MemoryError("no memory for a stretch of samples")

    cdef bint _item(self, ptrdiff_t item) noexcept nogil:
        """A stretch of outputs of some neighbouring rows; False: no memory."""
        cdef ptrdiff_t group = item // self.stretches, period = item % self.stretches * self.periods
        cdef ptrdiff_t count = min(self.periods, ceil_div(self.length, self.classes) - period)
        cdef ptrdiff_t first = period * self.advance - (self.taps - 1)
        cdef ptrdiff_t end = (period + count - 1) * self.advance + self.class_last[self.classes - 1] + 1
        cdef ptrdiff_t plane = end - first + 64      # what the last vectors of taps may read beyond
        cdef char *buf = <char *>k.fc_scratch(self.planes * plane * self.number)
        cdef ptrdiff_t row
        if buf == NULL:
            return False
        for row in range(group * self.together, min((group + 1) * self.together, self.rows)):
            self._gather(row, first, min(end, self.n + self.tail), buf, plane)
            self._row(row, period, count, first, buf, plane)
        return True

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
