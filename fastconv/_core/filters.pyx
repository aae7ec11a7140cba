"""Filters along one axis of an array: recursive (lfilter, sosfilt), and the door to polyphase ones (upfirdn).

Three functions with the arithmetic of their namesakes in scipy.signal, without their conveniences: arrays
have one native floating dtype, coefficients the same or its real counterpart, initial states their exact
shape.  Complex samples with real coefficients are two real channels.

Recursive filters run lanes of channels (see kernels/iir_ukr.c); blocks of samples are turned into lanes on
the way, unless channels are neighbours in memory already.  Results do not depend on threads nor on how
channels are grouped.
"""
import numpy as np

cimport numpy as cnp
from libc.string cimport memcpy, memset

from fastconv._core cimport kernels as k
from fastconv._core.cpu cimport isa_index, threads_for
from fastconv._core.image_cut cimport number_of
from fastconv._core.job cimport Team
from fastconv._core.filters cimport (
    fc_iir_complex, fc_iir_row, fc_iir_rows, fc_iir_ukr, fc_lanes_row, fc_lanes_rows)
from fastconv._core.arrays import new
from fastconv._core.cpu import get_threads
from fastconv._core.polyphase import (
    UPFIRDN_MODES, coefficients, offsets, samples, upfirdn, upfirdn_length)

cnp.import_array()

cdef enum:
    F32 = 5             # FC_KIND_F32, FC_KIND_F64
    F64 = 6
    IIR_BYTES = 16384   # of samples that pass through all sections before the next ones
    MOST_ORDER = 8      # with tiles of its own
    SHORT = 20000       # samples times order that are computed at once, without threads

cdef extern from "numpy/arrayobject.h":
    bint PyArray_CheckExact(object) noexcept
    bint PyArray_ISCARRAY_RO(cnp.ndarray) noexcept

__all__ = ["UPFIRDN_MODES", "lfilter", "sosfilt", "upfirdn", "upfirdn_length"]


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
    if axis == -1 or axis == 0:
        found = _one_channel(b, a, x, zi)
        if found is not None:
            return found
    x, axis = samples(x, axis)
    b, a = coefficients("b", b, x), coefficients("a", a, x)
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
    x, axis = samples(x, axis)
    sos = coefficients("sos", sos, x)
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


cdef bint _is_vector(object a, int typenum) noexcept:
    return PyArray_CheckExact(a) and cnp.PyArray_NDIM(<cnp.ndarray>a) == 1 and \
        cnp.PyArray_TYPE(<cnp.ndarray>a) == typenum and PyArray_ISCARRAY_RO(<cnp.ndarray>a) and \
        cnp.PyArray_SIZE(<cnp.ndarray>a) > 0


cdef object _one_channel(object b, object a, object x, object zi):
    """lfilter of a short signal by real coefficients, with the tile of one channel (of complex numbers: of two) and
    no more: its pair of results; None: another case."""
    cdef char coef[8 * (2 * MOST_ORDER + 1)]
    cdef char state[2 * 8 * MOST_ORDER]
    cdef ptrdiff_t[2] at = [0, 1]
    cdef ptrdiff_t i, order
    cdef int typenum, real, kind, parts
    cdef fc_iir_ukr *tile
    cdef const char *mine_a
    cdef const char *mine_b
    cdef double first
    if not PyArray_CheckExact(x):
        return None
    typenum = cnp.PyArray_TYPE(<cnp.ndarray>x)
    parts = 2 if typenum == cnp.NPY_CFLOAT or typenum == cnp.NPY_CDOUBLE else 1
    real = cnp.NPY_FLOAT if typenum == cnp.NPY_FLOAT or typenum == cnp.NPY_CFLOAT else cnp.NPY_DOUBLE
    if (parts == 1 and typenum != real) or not _is_vector(x, typenum) or not _is_vector(b, real) or not _is_vector(a, real):
        return None
    order = max(cnp.PyArray_SIZE(<cnp.ndarray>a), cnp.PyArray_SIZE(<cnp.ndarray>b)) - 1
    kind = F32 if real == cnp.NPY_FLOAT else F64
    if not 1 <= order <= MOST_ORDER or cnp.PyArray_SIZE(<cnp.ndarray>x) * order > SHORT or \
            zi is not None and not (_is_vector(zi, typenum) and cnp.PyArray_SIZE(<cnp.ndarray>zi) == order):
        return None
    tile = _single_tile(kind, order, parts)
    mine_a, mine_b = <const char *>cnp.PyArray_DATA(<cnp.ndarray>a), <const char *>cnp.PyArray_DATA(<cnp.ndarray>b)
    first = number_of(kind, mine_a, 0)
    if tile == NULL or first == 0:
        return None
    memset(coef, 0, sizeof(coef))
    memset(state, 0, sizeof(state))
    for i in range(order + 1):
        if i < cnp.PyArray_SIZE(<cnp.ndarray>b):
            put_number(coef, 2 * i - 1 if i else 0, number_of(kind, mine_b, i), first, kind)
        if 0 < i < cnp.PyArray_SIZE(<cnp.ndarray>a):
            put_number(coef, 2 * i, number_of(kind, mine_a, i), first, kind)
    if zi is not None:
        move_parts(state, <char *>cnp.PyArray_DATA(<cnp.ndarray>zi), order, parts, kind, True)
    y = new(x.shape, x.dtype)
    tile(order, cnp.PyArray_SIZE(<cnp.ndarray>x), cnp.PyArray_DATA(<cnp.ndarray>x), at, parts,
         cnp.PyArray_DATA(<cnp.ndarray>y), at, parts, coef, state)
    if zi is None:
        return y, None
    zf = new(zi.shape, zi.dtype)
    move_parts(state, <char *>cnp.PyArray_DATA(<cnp.ndarray>zf), order, parts, kind, False)
    return y, zf


cdef void move_parts(char *state, char *numbers, ptrdiff_t order, int parts, int kind, bint into) noexcept:
    """The state of a channel, the parts of complex numbers apart, from numbers or back."""
    cdef ptrdiff_t size = 4 if kind == F32 else 8, i, p
    for p in range(parts):
        for i in range(order):
            if into:
                memcpy(state + (p * order + i) * size, numbers + (i * parts + p) * size, size)
            else:
                memcpy(numbers + (i * parts + p) * size, state + (p * order + i) * size, size)


cdef void put_number(char *to, ptrdiff_t i, double a, double b, int kind) noexcept:
    """a / b, in the precision of the kind."""
    if kind == F32:
        (<float *>to)[i] = <float>a / <float>b
    else:
        (<double *>to)[i] = a / b


cdef fc_iir_ukr *_single_tile(int kind, ptrdiff_t order, int channels) noexcept:
    """The tile of so many channels, each in a number of its own, and one section."""
    cdef int count, i
    cdef const fc_iir_row *rows = fc_iir_rows(isa_index(), &count)
    for i in range(count):
        if rows[i].kind == kind and rows[i].order == order and rows[i].lanes == 1 and rows[i].sections == 1 and \
                rows[i].nv == channels:
            return rows[i].run
    return NULL


def _state(zi, shape, x):
    if zi is None:
        return None
    zi = np.asarray(zi)
    if zi.shape != shape or zi.dtype != x.dtype:
        raise ValueError(f"zi must have shape {shape} and dtype {x.dtype}, found {zi.shape}, {zi.dtype}")
    return zi


def _recursive(coef, ptrdiff_t order, x, int axis, state):
    """(y, state after): coef (sections, 2 order + 1) as fc_iir_ukr's; state: channels first, or None for zeros."""
    cdef bint split = coef.dtype.kind != "c" and x.dtype.kind == "c"
    cdef ptrdiff_t n = x.shape[axis], channels = x.size // n if n else 0
    y = new(x.shape, x.dtype)
    if not channels:    # no samples: the state stays as it was
        return y, None if state is None else state.copy()
    if state is None:
        _Recursion(coef, order, x, y, None, axis, split).compute()
        return y, None
    z = np.array(state, x.dtype, order="C").reshape(channels, coef.shape[0] * order)
    if split:           # (channels, sections * order) of complex numbers: twice the channels, real
        z = np.ascontiguousarray(z.view(x.real.dtype).reshape(*z.shape, 2).transpose(0, 2, 1))
        z = z.reshape(2 * channels, -1)
    _Recursion(coef, order, x, y, z, axis, split).compute()
    if split:
        z = np.ascontiguousarray(z.reshape(channels, 2, -1).transpose(0, 2, 1)).view(x.dtype)
    return y, z


cdef struct Piece:          # channels that one thread takes through all samples
    ptrdiff_t first
    ptrdiff_t count         # fewer than its vectors hold: the last channel fills them up
    int vectors
    int lanes


cdef void _pieces(_Recursion self, void *_, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part of the channels."""
    while team.next(share):
        self._take(share.item, team)


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
        """z: the states, which become those after the last sample, or None for zeros."""
        cdef cnp.ndarray x_at = offsets(x, axis, split), y_at = offsets(y, axis, split)
        self.is_complex = coef.dtype.kind == "c"
        self.kind = F32 if x.real.dtype.itemsize == 4 else F64
        self.number = x.real.itemsize if split else x.itemsize
        self.n, self.order, self.sections = x.shape[axis], order, coef.shape[0]
        self.channels = len(x_at)
        self.x_step = x.strides[axis] // self.number
        self.y_step = y.strides[axis] // self.number
        self.x, self.y = <char *>cnp.PyArray_DATA(x), <char *>cnp.PyArray_DATA(y)
        self.x_at, self.y_at = <ptrdiff_t *>cnp.PyArray_DATA(x_at), <ptrdiff_t *>cnp.PyArray_DATA(y_at)
        self.coef, self.state = <char *>cnp.PyArray_DATA(coef), NULL if z is None else <char *>cnp.PyArray_DATA(z)
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
        cdef int threads = get_threads()
        cdef ptrdiff_t at, left
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
        cdef int threads = threads_for(2 * work)
        cdef Team team = Team()
        cdef void *job = <void *>self
        with nogil:
            team.run(<k.fc_task *>_pieces, job, NULL, self.pieces, 1, threads)
        team.check()

    cdef void _take(self, ptrdiff_t i, Team team) noexcept nogil:
        cdef Piece p
        if self.is_complex:
            self._complex(i, team)
            return
        if i >= self.full:
            p = self.rest[i - self.full]
        else:
            p.first, p.vectors, p.lanes = i * self.vectors * self.lanes, self.vectors, self.lanes
            p.count = p.vectors * p.lanes
        self._piece(&p, team)

    cdef void _complex(self, ptrdiff_t channel, Team team) noexcept nogil:
        """A channel with complex coefficients."""
        cdef ptrdiff_t nbytes = self.sections * self.order * self.number
        cdef char *state = self.state + channel * nbytes
        if self.state == NULL:
            state = team.scratch(nbytes)
            if state == NULL:
                return
            memset(state, 0, nbytes)
        fc_iir_complex(self.kind, self.sections, self.order, self.n, self.x + self.x_at[channel] * self.number,
                       self.x_step, self.y + self.y_at[channel] * self.number, self.y_step, self.coef, state)

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

    cdef void _piece(self, const Piece *p, Team team) noexcept nogil:
        """Some channels from the first sample to the last."""
        cdef ptrdiff_t width = p.vectors * p.lanes, numbers = self.sections * (2 * self.order + 1)
        cdef ptrdiff_t i, lane, n, block = IIR_BYTES // (width * self.number)
        cdef ptrdiff_t coef_bytes = numbers * p.lanes * self.number
        cdef ptrdiff_t state_bytes = self.sections * self.order * width * self.number
        cdef ptrdiff_t x_at[64]
        cdef ptrdiff_t y_at[64]
        cdef ptrdiff_t inner[4]
        cdef bint straight = True
        coef_bytes = (coef_bytes + 63) // 64 * 64
        state_bytes = (state_bytes + 63) // 64 * 64
        cdef char *coef = team.scratch(coef_bytes + state_bytes + block * width * self.number)
        if coef == NULL:
            return
        cdef char *state = coef + coef_bytes
        cdef char *buf = state + state_bytes
        cdef const char *x
        cdef char *y
        for i in range(numbers):
            for lane in range(p.lanes):
                memcpy(coef + (i * p.lanes + lane) * self.number, self.coef + i * self.number, self.number)
        if self.state == NULL:
            memset(state, 0, state_bytes)
        else:
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
                for lane in range(p.vectors):
                    self.mover.read(buf + lane * p.lanes * self.number, width, x, x_at + lane * p.lanes,
                                    self.x_step, n)
                self._sections(p, n, buf, inner, width, buf, inner, width, coef, state)
                for lane in range(p.vectors):
                    self.mover.write(y, y_at + lane * p.lanes, self.y_step,
                                     buf + lane * p.lanes * self.number, width, n,
                                     <int>min(<ptrdiff_t>p.lanes, p.count - lane * p.lanes))
            i += n
        if self.state != NULL:
            self._move_state(p, state, False)
