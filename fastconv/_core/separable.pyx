"""Filtering an N-D array by one 1-D kernel per axis, and by running means.

out = the kernels applied axis by axis, the first axis first; between two axes the numbers have the
type of out, as in SciPy's ndimage.  float32 and float64 go through the image driver, the last two
axes in one pass; every other type is computed in float64 line by line, in the order and rounding of SciPy,
so that what is cut off when a result becomes an integer is the same.  So are float64's symmetric and
antisymmetric kernels.  Called by fastconv.ndimage.
"""
from libc.string cimport memset
import math

import numpy as np
cimport numpy as cnp

from fastconv._core cimport image_cut, narrow
from fastconv._core cimport kernels as k
from fastconv._core.boxes cimport LINE, most_columns, run_box
from fastconv._core.cpu cimport threads_for
from fastconv._core.image cimport run
from fastconv._core.job cimport Team, fill_reader
from fastconv._core.arrays import like, new
from fastconv._core.whole import peak

cnp.import_array()

# fc_pad_mode of SciPy's names
MODES = {"reflect": 2, "constant": 0, "nearest": 3, "mirror": 1, "wrap": 4, "grid-mirror": 2,
         "grid-wrap": 4,
         "grid-constant": 0}
FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
USUAL = frozenset(map(np.dtype, ("f4", "f8", "c8", "c16", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8")))
# fc_memory_type of what is read and written as it is; other types by way of float64
MEMORY = {np.dtype(name): code for name, code in zip(
    ("?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"), (*range(9), 11, 12),
    strict=True)}

cdef enum:
    F64 = 6                 # fc_kind
    BLOCK = 64              # outputs along a slow axis that share converted rows
    COLUMNS = 256           # numbers of a row that are converted together
    SHORT = 32              # lines up to which neighbouring ones are computed together
    SLACK = 16              # numbers that a vector may lie beyond the end of a row
    FEW = 16                # numbers of a row that is filtered apart from the columns


def separable(x, kernels, modes, cvals, origins, out):
    """Filter x by one 1-D kernel per axis into out.

    Along each axis ``y[i] = sum over t of w[t] * x[i + t - len(w) // 2 - origin]``: w is not flipped.

    Parameters
    ----------
    x : ndarray
        Samples of any real or complex dtype and any strides.
    kernels : sequence, one item per axis of x
        1-D array of float64 weights, or None to leave the axis alone.
    modes : sequence of str, one per axis
        SciPy's names: "reflect", "constant", "nearest", "mirror", "wrap", "grid-..." .
    cvals : sequence of numbers, one per axis
        What lies outside with mode "constant".
    origins : sequence of int, one per axis
        As in ``scipy.ndimage.correlate1d``.
    out : ndarray
        The result; shape of x, any strides; may overlap x.
    """
    passes = [(i, np.ascontiguousarray(w, np.float64), MODES[modes[i]], cvals[i], origins[i])
              for i, w in enumerate(kernels) if w is not None]  # fmt: skip
    _through(x, out, passes, False)


def box(x, sizes, modes, cvals, origins, out):
    """Means of boxes: ``y[i] = sum over t < size of x[i + t - size // 2 - origin] / size`` along each axis.

    Parameters
    ----------
    x : ndarray
        Samples of any real or complex dtype and any strides.
    sizes : sequence of int, one per axis
        Samples of the box; 1 leaves the axis alone.
    modes, cvals, origins, out
        As in ``separable``.

    Notes
    -----
    Sums of integers are exact and the mean is truncated towards zero, once per axis.
    """
    passes = [(i, np.ones(n), MODES[modes[i]], cvals[i], origins[i])
              for i, n in enumerate(sizes) if n != 1]
    _through(x, out, passes, True)


def one_axis(cnp.ndarray x not None, w, axis, mode, cval, origin, bint means, cnp.ndarray out not None):
    """``separable`` (or ``box``, of as many samples as w has numbers) along one axis, in the usual case: both arrays of
    one of the types in USUAL, apart, w of float64 and contiguous, at most 16 axes."""
    if cnp.PyArray_ISCOMPLEX(x):
        _through(x, out, [(axis, w, MODES[mode], cval, origin)], means)
    elif (<object>x).dtype in FLOATS:
        _float_passes(x, out, [(axis, w, MODES[mode], cval, origin)], means)
    else:
        (_mean_pass if means else _ordered_pass)(x, out, axis, w, MODES[mode], cval, origin)


def _mean_pass(x, out, axis, w, mode, cval, origin):
    """One axis of means of another type: in float64, where sums of integers are exact, or in int64."""
    if not (x.dtype.kind in "iu" and x.dtype.itemsize == 8) or sums_are_exact(x, len(w), cval):
        _ordered_pass(x, out, axis, w, mode, cval, origin, True)
        return
    total = np.zeros(x.shape, x.dtype)
    for window in _windows(x, axis, len(w), mode, cval, origin, x.dtype):
        total += window
    mean = abs(total) // total.dtype.type(len(w))
    out[...] = np.where(total < 0, -mean, mean) if x.dtype.kind == "i" else mean


def sums_are_exact(x, weight, cval):
    """Whether float64 holds every sum of integers of x and of cval whose weights, without signs, add up to that much."""
    if not (x.flags.aligned and x.dtype.isnative):
        x = x.astype(x.dtype.newbyteorder("="))
    return weight * max(peak(x, MEMORY[x.dtype]), abs(cval)) < 2**53


def _positions(ptrdiff_t first, ptrdiff_t count, ptrdiff_t n, int mode):
    """Index in an axis of n samples of the virtual positions first, first + 1, ...; -1: outside."""
    return np.array([k.fc_source_index(i, n, mode) for i in range(first, first + count)], np.intp)


def _windows(x, int axis, ptrdiff_t taps, int mode, cval, ptrdiff_t origin, dtype):
    """The samples under tap t of every output, for t = 0, 1, ..."""
    cdef ptrdiff_t n = x.shape[axis]
    at = _positions(-(taps // 2) - origin, n + taps - 1, n, mode)
    padded = np.take(x, np.maximum(at, 0), axis=axis).astype(dtype)
    padded[(slice(None),) * axis + (at < 0,)] = cval
    for t in range(taps):
        yield padded[(slice(None),) * axis + (slice(t, t + n),)]


def _as_parts(x, out, passes):
    """Whether complex arrays can be read as real ones of one axis more, and what lies outside is the same for both parts."""
    return (x.dtype == out.dtype and x.dtype.char in "FD" and x.dtype.isnative and x.ndim < image_cut.MOST_AXES
            and x.flags.c_contiguous and out.flags.c_contiguous
            and all(mode != MODES["constant"] or np.real(cval) == np.imag(cval) for _, _, mode, cval, _ in passes))  # fmt: skip


def _through(x, out, passes, bint means):
    """All passes of a real filter; complex arrays part by part."""
    if x.size == 0:
        return
    if out.dtype.kind == "c" and passes and _as_parts(x, out, passes):
        for i, w, mode, cval, origin in passes:     # the parts of a number are neighbours: what is done is done to both
            around = _around((*x.shape, 2), i)
            _through(x.view(x.real.dtype).reshape(around), out.view(out.real.dtype).reshape(around),
                     [(1, w, mode, np.real(cval), origin)], means)
            x = out
        return
    if out.dtype.kind == "c":
        for part in ("real", "imag"):
            if x.dtype.kind != "c" and part == "imag":
                values = np.zeros(x.shape, x.dtype)
            else:
                values = np.ascontiguousarray(getattr(x, part))
            result = new(x.shape, getattr(out, part).dtype)
            one = [(i, w, mode, getattr(np.complex128(cval), part), origin)
                   for i, w, mode, cval, origin in passes]  # fmt: skip
            _through(values, result, one, means)
            getattr(out, part)[...] = result
        return
    if not passes:
        np.copyto(out, x, casting="unsafe")
        return
    if x.dtype.kind == "c":
        x = x.real
    if x.dtype in FLOATS and x.dtype == out.dtype and x.ndim <= image_cut.MOST_AXES:
        _float_passes(x, out, passes, means)
        return
    if x.dtype not in MEMORY or not x.dtype.isnative:
        x = x.astype(np.float64)
    target = out if out.dtype in MEMORY and not may_overlap(x, out) else \
        new(x.shape, out.dtype if out.dtype in MEMORY else np.float64)
    for one in passes:      # line by line, so a pass may read what it writes only where it is done
        result = target if x is not target else like(target)
        (_mean_pass if means else _ordered_pass)(x, result, *one)
        x = result
    if x is not out:
        np.copyto(out, x, casting="unsafe")


# --- float32 and float64


cdef struct One:            # the filter of one axis
    int axis, mode
    const double *w
    ptrdiff_t taps, before
    double cval


cdef bint may_overlap(cnp.ndarray x, cnp.ndarray out) noexcept:
    """Whether the memory that one spans reaches into that of the other."""
    cdef char *low[2]
    cdef char *high[2]
    cdef cnp.ndarray a
    cdef ptrdiff_t reach
    cdef int i, q
    for q in range(2):
        a = out if q else x
        low[q] = high[q] = <char *>cnp.PyArray_DATA(a)
        high[q] += cnp.PyArray_ITEMSIZE(a)
        for i in range(cnp.PyArray_NDIM(a)):
            reach = (cnp.PyArray_DIM(a, i) - 1) * cnp.PyArray_STRIDE(a, i)
            if reach < 0:
                low[q] += reach
            else:
                high[q] += reach
    return low[0] < high[1] and low[1] < high[0]


cdef int column_of(cnp.ndarray x, cnp.ndarray out, int wanted) noexcept:
    """An axis along which numbers are neighbours in both, the wanted one where it is; -1: there is none, or steps are
    not whole numbers."""
    cdef ptrdiff_t size = cnp.PyArray_ITEMSIZE(x)
    cdef int i, column = -1
    if not (cnp.PyArray_ISALIGNED(x) and cnp.PyArray_ISALIGNED(out)):
        return -1
    for i in range(cnp.PyArray_NDIM(x)):
        if cnp.PyArray_STRIDE(x, i) % size or cnp.PyArray_STRIDE(out, i) % size:
            return -1
        if cnp.PyArray_STRIDE(x, i) == size and cnp.PyArray_STRIDE(out, i) == size and \
                cnp.PyArray_DIM(x, i) > 1 and column != wanted:
            column = i
    return column


def _float_passes(x, out, passes, bint means):
    """The image driver, pass by pass; the last two filtered axes in one pass where the last is contiguous."""
    cdef int column = column_of(x, out, passes[-1][0])
    cdef Py_ssize_t i
    if column < 0:
        copy = new(x.shape, out.dtype)
        x = np.ascontiguousarray(x)
        if x.shape[x.ndim - 1] > 1:
            _float_passes(x, copy, passes, means)
        else:   # no axis has neighbours: give it one more
            wide = new((*x.shape, 2), x.dtype)
            _float_passes(np.repeat(x[..., None], 2, axis=x.ndim), wide, passes, means)
            copy[...] = wide[..., 0]
        out[...] = copy
        return
    steps = []
    rest = list(passes)
    while rest:
        if len(rest) == 2 and rest[1][0] == column and rest[0][0] != column and x.shape[column] > FEW:
            steps.append(rest)
            break
        steps.append([rest.pop(0)])
    # alternately to out and to spare memory, so that the last one writes to out
    if len(steps) % 2 and may_overlap(x, out):
        x = x.copy(order="K")
    spare = like(out) if len(steps) > 1 else None
    for i in range(len(steps)):
        result = out if (len(steps) - i) % 2 else spare
        if len(steps[i]) == 1 and x.ndim > 2 and x.flags.c_contiguous and result.flags.c_contiguous:
            axis, *more = steps[i][0]
            around = _around(x.shape, axis)
            _step(x.reshape(around), result.reshape(around), [(len(around) - 2 + (axis == x.ndim - 1), *more)],
                  len(around) - 1, means)
        else:
            _step(x, result, steps[i], column, means)
        x = result


def _around(shape, int axis):
    """The shape with all axes before one, and all behind it, as one."""
    inner = math.prod(shape[axis + 1:])
    outer = math.prod(shape[:axis])
    return (outer, shape[axis], inner) if axis < len(shape) - 1 else (outer, shape[axis])


cdef int _step(cnp.ndarray x, cnp.ndarray out, list step, int column, bint means) except -1:
    """One filter down an axis, along the contiguous one, or both."""
    cdef One one[2]
    cdef const One *down = NULL
    cdef const One *along = NULL
    cdef image_cut.Image d
    cdef char few[1024]
    cdef char *w = few
    cdef int i
    cdef bint single = cnp.PyArray_ITEMSIZE(x) == 4
    cdef cnp.ndarray many
    cdef ptrdiff_t taps = 0
    for i in range(len(step)):
        read_one(&one[i], step[i])
        taps += one[i].taps
        if one[i].axis == column:
            along = &one[i]
        else:
            down = &one[i]
    if len(step) == 1 and narrow.fits(x, out, one[0].axis, taps, means):
        return narrow.run(x, out, MEMORY[(<object>x).dtype], MEMORY[(<object>out).dtype], one[0].axis, step[0][1],
                          one[0].mode, one[0].cval, one[0].before,
                          image_cut.mirrored(F64, <const char *>one[0].w, taps) if taps % 2 else 0, means)
    set_image(&d, x, out, down, along, column)
    if means:
        return run_box(&d, <const char *>cnp.PyArray_DATA(x), <char *>cnp.PyArray_DATA(out))
    if taps * 8 > sizeof(few):
        many = new((taps,), np.float64)
        w = <char *>cnp.PyArray_DATA(many)
    taps = 0
    for i in range(2):
        if (along if i else down) != NULL:
            taps += put_taps(w, taps, along if i else down, single)
    return run(&d, <const char *>cnp.PyArray_DATA(x), w, <char *>cnp.PyArray_DATA(out))


cdef int read_one(One *to, tuple one) except -1:
    cdef cnp.ndarray w = one[1]
    to.axis, to.mode, to.cval = one[0], one[2], one[3]
    to.w, to.taps = <const double *>cnp.PyArray_DATA(w), cnp.PyArray_SIZE(w)
    to.before = to.taps // 2 + <ptrdiff_t>one[4]
    return 0


cdef ptrdiff_t put_taps(char *to, ptrdiff_t at, const One *one, bint single) noexcept nogil:
    """The taps as numbers of the image's type, from index `at` on; how many there are."""
    cdef ptrdiff_t i
    for i in range(one.taps):
        if single:
            (<float *>to)[at + i] = <float>one.w[i]
        else:
            (<double *>to)[at + i] = one.w[i]
    return one.taps


cdef void set_image(image_cut.Image *d, cnp.ndarray x, cnp.ndarray out, const One *down, const One *along,
                    int column) noexcept:
    """Axes and what lies outside, and how the work is cut; down, along: NULL for an axis that is left alone."""
    cdef int i, row = down.axis if down != NULL else 0 if column != 0 else 1, ndim = cnp.PyArray_NDIM(x)
    cdef image_cut.Axis *axis
    cdef const One *one
    memset(d, 0, sizeof(image_cut.Image))
    for i in range(ndim):
        if i != row and i != column:
            set_axis(&d.axis[d.axes], x, out, i)
            d.axes += 1
    for i in range(2):
        axis, one = &d.axis[d.axes], along if i else down
        d.axes += 1
        if (column if i else row) < ndim:
            set_axis(axis, x, out, column if i else row)
        else:
            axis.size = axis.out = axis.taps = 1
        if one != NULL:
            axis.taps, axis.before, axis.mode = one.taps, one.before, one.mode
    d.lined, d.edge_given = down != NULL and along != NULL, True
    d.exact = cnp.PyArray_ITEMSIZE(x) == 8
    one = down if down != NULL else along
    if cnp.PyArray_ITEMSIZE(x) == 4:
        (<float *>d.fill)[0] = <float>one.cval
        (<float *>d.edge)[0] = <float>along.cval if along != NULL else 0
    else:
        (<double *>d.fill)[0] = one.cval
        (<double *>d.edge)[0] = along.cval if along != NULL else 0
    image_cut.prepare(d, image_cut.tools_of(5 if cnp.PyArray_ITEMSIZE(x) == 4 else 6))


cdef void set_axis(image_cut.Axis *axis, cnp.ndarray x, cnp.ndarray out, int i) noexcept:
    axis.size = axis.out = cnp.PyArray_DIM(x, i)
    axis.x_step, axis.out_step, axis.taps = cnp.PyArray_STRIDE(x, i), cnp.PyArray_STRIDE(out, i), 1


# --- every other type


cdef int symmetry_of(const double *w, ptrdiff_t taps) noexcept nogil:
    """As SciPy's correlate1d sees it: 1 symmetric, -1 antisymmetric, 0 neither."""
    cdef ptrdiff_t i, half = taps // 2
    cdef bint same = taps % 2, opposite = taps % 2
    for i in range(1, half + 1 if same else 1):
        if abs(w[half + i] - w[half - i]) > 2.220446049250313e-16:
            same = False
        if abs(w[half + i] + w[half - i]) > 2.220446049250313e-16:
            opposite = False
    return 1 if same else -1 if opposite else 0


ctypedef struct Pass:
    k.fc_reader reader
    k.fc_axis along             # the filtered axis
    const char *x
    char *out
    int out_type                # fc_memory_type
    int axes                    # others, the last one walked as columns
    ptrdiff_t shape[64]
    ptrdiff_t x_step[64]
    ptrdiff_t out_step[64]
    ptrdiff_t n, x_along, out_along
    ptrdiff_t taps, before
    int symmetry
    const double *w
    const image_cut.Tools *tools
    double cval
    bint means                  # of the samples, whose sums are exact: in any order
    bint lines                  # an item is a part of a line; else some neighbouring columns of a block of rows
    ptrdiff_t columns, chunks, blocks
    ptrdiff_t numbers           # scratch of a thread


cdef void some_lines(void *_, const Pass *p, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part of a pass."""
    cdef double *scratch = <double *>team.scratch(p.numbers * sizeof(double))
    while team.next(share):
        if p.lines:
            one_line(p, share.item, scratch)
        else:
            one_run(p, share.item, scratch)


cdef void write(const Pass *p, char *to, ptrdiff_t step, const double *values, ptrdiff_t n) noexcept nogil:
    """Results, as the type of out."""
    p.tools.cast(to, step, <k.fc_memory_type>p.out_type, values, n)


cdef void one_run(const Pass *p, ptrdiff_t item, double *scratch) noexcept nogil:
    """A block of outputs along the axis for some columns of one position of the other axes."""
    cdef ptrdiff_t chunk = item % p.chunks, block = item // p.chunks % p.blocks
    cdef ptrdiff_t rest = item // p.chunks // p.blocks
    cdef ptrdiff_t first = block * BLOCK, count = min(<ptrdiff_t>BLOCK, p.n - first), i, at, q
    cdef ptrdiff_t index
    cdef ptrdiff_t last = p.axes - 1, from_col = chunk * p.columns
    cdef ptrdiff_t cols = min(p.columns, p.shape[last] - from_col), pitch = p.columns + SLACK
    cdef const char *x = p.x + from_col * p.x_step[last]
    cdef char *out = p.out + from_col * p.out_step[last]
    cdef double **rows = <double **>scratch
    cdef double *data = scratch + BLOCK + p.taps
    cdef double *result
    cdef double *sums
    cdef image_cut.fc_ordered o
    for i in range(last - 1, -1, -1):
        index = rest % p.shape[i]
        rest //= p.shape[i]
        x += index * p.x_step[i]
        out += index * p.out_step[i]
    for i in range(count + p.taps - 1):
        rows[i] = data + i * pitch
        at = k.fc_source_index(first + i - p.before, p.n, p.along.mode)
        if at < 0:
            for q in range(cols):
                rows[i][q] = p.cval
        else:
            k.fc_read_run(&p.reader, <char *>rows[i], <char *>rows[i], x + at * p.x_along,
                          p.x_step[last], cols)
    result = data + (BLOCK + p.taps - 1) * pitch
    sums = result + pitch
    o.taps, o.symmetry, o.w, o.at, o.y = p.taps, p.symmetry, p.w, 0, result
    if p.means:
        memset(sums, 0, cols * sizeof(double))
        for i in range(p.taps - 1):
            p.tools.box_add(sums, rows[i], NULL, cols)
    for i in range(count):
        if p.means:
            p.tools.box_add(sums, rows[i + p.taps - 1], rows[i - 1] if i else NULL, cols)
            for q in range(cols):
                result[q] = sums[q] / p.taps
        else:
            o.rows = <const void **>(rows + i)
            p.tools.ordered(&o, cols, image_cut.FC_IMAGE_STORE)
        write(p, out + (first + i) * p.out_along, p.out_step[last], result, cols)


cdef void one_line(const Pass *p, ptrdiff_t item, double *scratch) noexcept nogil:
    """Some results of a line along the filtered axis."""
    cdef ptrdiff_t first = item % p.chunks * p.columns, n = min(p.columns, p.n - first), i
    cdef const char *x = p.x
    cdef char *out = p.out + first * p.out_along
    cdef double *line = scratch
    cdef double *result = line + p.columns + p.taps + LINE
    cdef image_cut.fc_box box
    cdef image_cut.fc_ordered o
    item //= p.chunks
    for i in range(p.axes - 1, -1, -1):
        x += item % p.shape[i] * p.x_step[i]
        out += item % p.shape[i] * p.out_step[i]
        item //= p.shape[i]
    k.fc_gather(&p.reader, <char *>line, <char *>line, x, &p.along, first - p.before, 1, n + p.taps - 1)
    if p.means:
        box.taps, box.step, box.x, box.divisor = p.taps, 1, line, p.taps
        image_cut.fc_box_widths(&box)
        box.nears = result + p.columns + p.taps + LINE if box.near > 1 else line
        box.fars = result + 2 * (p.columns + p.taps + LINE) if box.far > 1 else box.nears
        p.tools.box_line(&box, result, n)
    else:
        o.taps, o.symmetry, o.w, o.rows, o.x, o.step, o.y = p.taps, p.symmetry, p.w, NULL, line, 1, result
        p.tools.ordered(&o, n, image_cut.FC_IMAGE_STORE)
    write(p, out, p.out_along, result, n)


def _ordered_pass(cnp.ndarray x not None, cnp.ndarray out not None, int axis,
                  cnp.ndarray w not None, int mode,
                  cval, ptrdiff_t origin, bint means=False):
    """One axis in float64; x and out must not overlap."""
    if narrow.fits(x, out, axis, cnp.PyArray_SIZE(w), means):
        narrow.run(x, out, MEMORY[x.dtype], MEMORY[out.dtype], axis, w, mode, cval, cnp.PyArray_SIZE(w) // 2 + origin,
                   symmetry_of(<const double *>cnp.PyArray_DATA(w), cnp.PyArray_SIZE(w)), means)
        return
    cdef Pass p
    cdef ptrdiff_t items, i, q
    cdef int threads
    cdef Team team = Team()
    if cnp.PyArray_NDIM(x) > 2 and cnp.PyArray_IS_C_CONTIGUOUS(x) and cnp.PyArray_IS_C_CONTIGUOUS(out):
        around = _around((<object>x).shape, axis)
        x, out = (<object>x).reshape(around), (<object>out).reshape(around)
        axis = 1
    p.x, p.out = <const char *>cnp.PyArray_DATA(x), <char *>cnp.PyArray_DATA(out)
    p.w, p.taps = <const double *>cnp.PyArray_DATA(w), cnp.PyArray_SIZE(w)
    p.n = cnp.PyArray_DIM(x, axis)
    p.before, p.cval, p.means = p.taps // 2 + origin, cval, means
    p.symmetry = 0 if means else symmetry_of(p.w, p.taps)
    fill_reader(&p.reader, F64, MEMORY[x.dtype], False, False,
                (np.float64(cval).tobytes(), np.float64(0).tobytes()))
    p.out_type = MEMORY[out.dtype]
    p.tools = image_cut.tools_of(F64)
    p.x_along, p.out_along = cnp.PyArray_STRIDE(x, axis), cnp.PyArray_STRIDE(out, axis)
    p.along.length, p.along.upsample, p.along.step_bytes, p.along.mode = p.n, 1, p.x_along, mode
    # the other axes, the one with the narrowest step last
    p.axes, items = 0, 1
    for i in range(cnp.PyArray_NDIM(x)):
        if i == axis:
            continue
        items *= cnp.PyArray_DIM(x, i)
        q = p.axes
        while q > 0 and abs(p.x_step[q - 1]) < abs(cnp.PyArray_STRIDE(x, i)):
            p.shape[q], p.x_step[q], p.out_step[q] = p.shape[q - 1], p.x_step[q - 1], p.out_step[q - 1]
            q -= 1
        p.shape[q], p.x_step[q], p.out_step[q] = (
            cnp.PyArray_DIM(x, i), cnp.PyArray_STRIDE(x, i), cnp.PyArray_STRIDE(out, i))
        p.axes += 1
    p.lines = p.axes == 0 or (p.n >= SHORT and abs(p.x_along) <= abs(p.x_step[p.axes - 1]))
    threads = threads_for(<double>items * p.n * p.taps)
    if p.lines:
        p.columns = most_columns(p.n, p.taps)
        p.chunks = (p.n + p.columns - 1) // p.columns
        items *= p.chunks
        p.numbers = 4 * (p.columns + p.taps + LINE)
    else:
        p.columns = min(p.shape[p.axes - 1], <ptrdiff_t>COLUMNS)
        p.chunks = (p.shape[p.axes - 1] + p.columns - 1) // p.columns
        p.blocks = (p.n + BLOCK - 1) // BLOCK
        items = items // p.shape[p.axes - 1] * p.chunks * p.blocks
        p.numbers = BLOCK + p.taps + (BLOCK + p.taps + 1) * (p.columns + SLACK)
    with nogil:
        team.run(<k.fc_task *>some_lines, NULL, &p, items, max(1, items // (threads * 8)), threads)
    team.check()
