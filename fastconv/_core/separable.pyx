"""Filtering an N-D array by one 1-D kernel per axis, and by running means.

out = the kernels applied axis by axis, the first axis first; between two axes the numbers have the
type of out, as in SciPy's ndimage.  float32 and float64 go through the image driver, the last two
axes in one pass; every other type is computed in float64 line by line, in the order and rounding of
SciPy, so that what is cut off when a result becomes an integer is the same.  Called by
fastconv.ndimage.
"""
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy, memset
import numpy as np
cimport numpy as cnp

from fastconv._core cimport image_cut
from fastconv._core cimport kernels as k
from fastconv._core.cpu cimport threads_for
from fastconv._core.image cimport Job, put
from fastconv._core.job cimport Team, fill_reader
from fastconv._core.arrays import like, new

cnp.import_array()

# fc_pad_mode of SciPy's names
MODES = {"reflect": 2, "constant": 0, "nearest": 3, "mirror": 1, "wrap": 4, "grid-mirror": 2,
         "grid-wrap": 4,
         "grid-constant": 0}
FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
# fc_memory_type of what is read and written as it is; other types by way of float64
MEMORY = {np.dtype(name): code for name, code in zip(
    ("?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"), (*range(9), 11, 12),
    strict=True)}

cdef enum:
    F64 = 6                 # fc_kind
    BLOCK = 64              # outputs along a slow axis that share converted rows
    COLUMNS = 256           # numbers of a row that are converted together
    LINE = 64               # numbers more than a line of a row takes
    SLACK = 16              # numbers that a vector may lie beyond the end of a row


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
    _through(x, out, passes, _float_passes, _ordered_pass)


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
    _through(x, out, passes, _box_passes, _mean_pass)


def _box_passes(x, out, passes):
    _float_passes(x, out, passes, _one_box)


def _mean_pass(x, out, axis, w, mode, cval, origin):
    """One axis of means of another type: in float64, where sums of integers are exact, or in int64."""
    if not (x.dtype.kind in "iu" and x.dtype.itemsize == 8):
        _ordered_pass(x, out, axis, w, mode, cval, origin, len(w))
        return
    total = np.zeros(x.shape, x.dtype)
    for window in _windows(x, axis, len(w), mode, cval, origin, x.dtype):
        total += window
    mean = abs(total) // total.dtype.type(len(w))
    out[...] = np.where(total < 0, -mean, mean) if x.dtype.kind == "i" else mean


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


def _through(x, out, passes, floats, ordered):
    """All passes of a real filter; complex arrays part by part."""
    if x.size == 0:
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
            _through(values, result, one, floats, ordered)
            getattr(out, part)[...] = result
        return
    if not passes:
        np.copyto(out, x, casting="unsafe")
        return
    if x.dtype.kind == "c":
        x = x.real
    if x.dtype == out.dtype and x.dtype in FLOATS:
        floats(x, out, passes)
        return
    if x.dtype not in MEMORY or not x.dtype.isnative:
        x = x.astype(np.float64)
    target = out if out.dtype in MEMORY and not np.may_share_memory(x, out) else \
        new(x.shape, out.dtype if out.dtype in MEMORY else np.float64)
    for one in passes:      # line by line, so a pass may read what it writes only where it is done
        result = target if x is not target else like(target)
        ordered(x, result, *one)
        x = result
    if x is not out:
        np.copyto(out, x, casting="unsafe")


# --- float32 and float64


def _float_passes(x, out, passes, one_pass=None):
    """The image driver, pass by pass; the last two filtered axes in one pass where the last is contiguous."""
    size = x.itemsize
    good = [i for i in range(x.ndim) if x.strides[i] == size and out.strides[i] == size and x.shape[i] > 1]
    if not good or not (x.flags.aligned and out.flags.aligned) or any(s % size for s in (*x.strides, *out.strides)):
        copy = new(x.shape, out.dtype)
        x = np.ascontiguousarray(x)
        if x.shape[x.ndim - 1] > 1:
            _float_passes(x, copy, passes, one_pass)
        else:   # no axis has neighbours: give it one more
            wide = new((*x.shape, 2), x.dtype)
            _float_passes(np.repeat(x[..., None], 2, axis=x.ndim), wide, passes, one_pass)
            copy[...] = wide[..., 0]
        out[...] = copy
        return
    column = passes[-1][0] if passes[-1][0] in good else good[-1]
    steps = []
    rest = list(passes)
    while rest:
        if len(rest) == 2 and rest[1][0] == column and rest[0][0] != column:
            steps.append(rest)
            break
        steps.append([rest.pop(0)])
    if len(steps) == 1 and np.may_share_memory(x, out):
        x = x.copy(order="K")
    spare = like(out) if len(steps) > 1 else None
    for i, step in enumerate(steps):
        # alternately, so that the last one writes to out
        result = out if (len(steps) - i) % 2 else spare
        if result is out and i < len(steps) - 1 and np.may_share_memory(x, out) and i == 0:
            x = x.copy(order="K")
        (one_pass or _one_pass)(x, result, step, column)
        x = result


def _one_pass(x, out, step, int column):
    """One filter down an axis, along the contiguous one, or both."""
    job, parts = _job(x, out, step, column)
    job.run(x, np.concatenate(parts), out)


def _one_box(cnp.ndarray x not None, cnp.ndarray out not None, step, int column):
    """The means along one axis or two."""
    cdef Job job = _job(x, out, step, column)[0]
    run_box(&job.image, <const char *>cnp.PyArray_DATA(x), <char *>cnp.PyArray_DATA(out))


def _job(x, out, step, int column):
    """(Job, [taps down, taps along]), without those of an axis that is left alone."""
    by_axis = {one[0]: one for one in step}
    along = by_axis.pop(column, None)
    down = next(iter(by_axis.values()), None)
    row = down[0] if down else next((i for i in range(x.ndim) if i != column), None)
    axes = [(x.shape[i], x.shape[i], 1, 0, x.strides[i], out.strides[i], 0)
            for i in range(x.ndim) if i not in (row, column)]  # fmt: skip
    dtype = x.dtype
    parts = []
    for axis, one in ((row, down), (column, along)):
        taps, before, mode = (len(one[1]), len(one[1]) // 2 + one[4], one[2]) if one else (1, 0, 0)
        if one:
            parts.append(one[1].astype(dtype))
        axes.append((1, 1, 1, 0, 0, 0, 0) if axis is None else
                    (x.shape[axis], x.shape[axis], taps, before, x.strides[axis],
                     out.strides[axis], mode))
    fill = np.asarray((down or along)[3]).astype(dtype).tobytes()
    edge = np.asarray(along[3] if along else 0).astype(dtype).tobytes()
    return Job(5 if dtype == np.float32 else 6, axes, fill, down is not None and along is not None, edge), parts


# --- boxes of float32 and float64

cdef enum:
    RESTART = 64            # rows after which running sums begin anew: rounding errors stay small


cdef void one_box(const image_cut.Image *d, ptrdiff_t item, const char *x, char *out,
                  char *scratch) noexcept nogil:
    """RESTART rows of means at one position of the outer axes."""
    cdef const image_cut.Axis *row = &d.axis[d.axes - 2]
    cdef const image_cut.Axis *col = &d.axis[d.axes - 1]
    cdef ptrdiff_t number = d.tools.number, blocks = (row.out + RESTART - 1) // RESTART
    cdef ptrdiff_t first = item % blocks * RESTART, rest = item // blocks, i, r, at, index
    cdef ptrdiff_t n = col.size
    cdef ptrdiff_t room = box_room(col) * number
    # running sums of all columns, and what stands beside them
    cdef char *sums = scratch + (max(col.before, <ptrdiff_t>0) + LINE - 1) // LINE * LINE * number
    cdef char *line = sums - col.before * number
    cdef char *outside = scratch + room
    cdef image_cut.fc_box box
    cdef char beside[16]
    cdef char *edge = beside
    cdef char *value
    cdef const char *added
    cdef const char *dropped
    for i in range(d.axes - 3, -1, -1):
        index = rest % d.axis[i].out
        rest //= d.axis[i].out
        x += index * d.axis[i].x_step
        out += index * d.axis[i].out_step
    for i in range(n):
        put(outside + i * number, d.fill, number)
    box.taps, box.x, box.divisor = col.taps, line, <double>row.taps * col.taps
    image_cut.fc_box_widths(&box)
    box.nears = scratch + 2 * room if box.near > 1 else line
    box.fars = scratch + 3 * room if box.far > 1 else box.nears
    memset(sums, 0, n * number)
    for i in range(row.taps - 1):
        d.tools.box_add(sums, row_of(row, x, first + i - row.before, outside), NULL, n)
    for r in range(first, min(first + RESTART, row.out)):
        added = row_of(row, x, r + row.taps - 1 - row.before, outside)
        dropped = NULL if r == first else row_of(row, x, r - 1 - row.before, outside)
        if row.taps == 1:
            memcpy(sums, added, n * number)
        else:
            d.tools.box_add(sums, added, dropped, n)
        if number == 4:     # rows of that value, summed
            (<float *>beside)[0] = (<const float *>d.edge)[0] * row.taps
        else:
            (<double *>beside)[0] = (<const double *>d.edge)[0] * row.taps
        for i in range(col.taps - 1):
            at = i - col.before if i < col.before else i - col.before + n
            index = k.fc_source_index(at, n, col.mode)
            value = sums + index * number if index >= 0 else edge
            put(line + (at + col.before) * number, value, number)
        d.tools.box_line(&box, out + r * row.out_step, n)


cdef ptrdiff_t box_room(const image_cut.Axis *col) noexcept nogil:
    """Numbers in a row of sums, with what stands beside them and what vectors reach over its end."""
    return (col.size + col.taps + 3 * LINE) // LINE * LINE


cdef const char *row_of(const image_cut.Axis *row, const char *x, ptrdiff_t i,
                        const char *outside) noexcept nogil:
    cdef ptrdiff_t at = k.fc_source_index(i, row.size, row.mode)
    return outside if at < 0 else x + at * row.x_step


cdef int run_box(const image_cut.Image *d, const char *x, char *out) except -1:
    cdef ptrdiff_t items = (d.axis[d.axes - 2].out + RESTART - 1) // RESTART, i
    cdef ptrdiff_t nbytes = 4 * box_room(&d.axis[d.axes - 1]) * d.tools.number
    cdef double numbers = d.axis[d.axes - 2].out * d.axis[d.axes - 1].out
    cdef Box call
    cdef Team team = Team()
    for i in range(d.axes - 2):
        items *= d.axis[i].out
        numbers *= d.axis[i].out
    call.d, call.x, call.out, call.nbytes = d, x, out, nbytes
    cdef int threads = threads_for(8 * numbers)
    with nogil:
        team.run(<k.fc_task *>some_boxes, NULL, &call, items, 1, threads)
    team.check()
    return 0


cdef struct Box:
    const image_cut.Image *d
    const char *x
    char *out
    ptrdiff_t nbytes


cdef void some_boxes(void *_, const Box *call, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part of a call."""
    cdef char *scratch = team.scratch(call.nbytes)
    while team.next(share):
        one_box(call.d, share.item, call.x, call.out, scratch)


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
    image_cut.fc_ordered_ukr *run
    image_cut.fc_cast *cast
    double cval, divisor        # of the sums
    bint lines                  # an item is a line; else some neighbouring columns of a block of rows
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


cdef void write(const Pass *p, char *to, ptrdiff_t step, double *values, ptrdiff_t n) noexcept nogil:
    """Results, as the type of out."""
    cdef ptrdiff_t i
    if p.divisor != 1:
        for i in range(n):
            values[i] /= p.divisor
    p.cast(to, step, <k.fc_memory_type>p.out_type, values, n)


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
    for i in range(count):
        p.run(p.taps, p.symmetry, <const double **>(rows + i), p.w, result, cols)
        write(p, out + (first + i) * p.out_along, p.out_step[last], result, cols)


cdef void one_line(const Pass *p, ptrdiff_t item, double *scratch) noexcept nogil:
    """A whole line along the filtered axis."""
    cdef ptrdiff_t i
    cdef const char *x = p.x
    cdef char *out = p.out
    cdef double **rows = <double **>scratch
    cdef double *line = scratch + p.taps
    cdef double *result = line + p.n + p.taps - 1 + SLACK
    for i in range(p.axes - 1, -1, -1):
        x += item % p.shape[i] * p.x_step[i]
        out += item % p.shape[i] * p.out_step[i]
        item //= p.shape[i]
    k.fc_gather(&p.reader, <char *>line, <char *>line, x, &p.along, -p.before, 1, p.n + p.taps - 1)
    for i in range(p.taps):
        rows[i] = line + i
    p.run(p.taps, p.symmetry, <const double **>rows, p.w, result, p.n)
    write(p, out, p.out_along, result, p.n)


def _ordered_pass(cnp.ndarray x not None, cnp.ndarray out not None, int axis,
                  cnp.ndarray w not None, int mode,
                  cval, ptrdiff_t origin, double divisor=1):
    """One axis in float64; x and out must not overlap."""
    cdef Pass p
    cdef ptrdiff_t items, i
    cdef int threads
    cdef Team team = Team()
    p.x, p.out = <const char *>cnp.PyArray_DATA(x), <char *>cnp.PyArray_DATA(out)
    p.w, p.taps = <const double *>cnp.PyArray_DATA(w), cnp.PyArray_SIZE(w)
    p.n = cnp.PyArray_DIM(x, axis)
    p.before, p.cval, p.divisor = p.taps // 2 + origin, cval, divisor
    p.symmetry = symmetry_of(p.w, p.taps) if divisor == 1 else 0
    fill_reader(&p.reader, F64, MEMORY[x.dtype], False, False,
                (np.float64(cval).tobytes(), np.float64(0).tobytes()))
    p.out_type = MEMORY[out.dtype]
    p.run, p.cast = image_cut.tools_of(F64).ordered, image_cut.tools_of(F64).cast
    p.x_along, p.out_along = cnp.PyArray_STRIDE(x, axis), cnp.PyArray_STRIDE(out, axis)
    p.along.length, p.along.upsample, p.along.step_bytes, p.along.mode = p.n, 1, p.x_along, mode
    # the other axes, the one with the narrowest step last
    others = sorted((i for i in range(x.ndim) if i != axis), key=lambda i: -abs(x.strides[i]))
    p.axes = len(others)
    items = 1
    for i in range(p.axes):
        p.shape[i], p.x_step[i], p.out_step[i] = (
            x.shape[others[i]], x.strides[others[i]], out.strides[others[i]])
        items *= p.shape[i]
    p.lines = p.axes == 0 or abs(p.x_along) <= abs(p.x_step[p.axes - 1])
    threads = threads_for(<double>items * p.n * p.taps)
    if p.lines:
        p.numbers = p.taps + 2 * (p.n + p.taps + SLACK)
    else:
        p.columns = min(p.shape[p.axes - 1], <ptrdiff_t>COLUMNS)
        p.chunks = (p.shape[p.axes - 1] + p.columns - 1) // p.columns
        p.blocks = (p.n + BLOCK - 1) // BLOCK
        items = items // p.shape[p.axes - 1] * p.chunks * p.blocks
        p.numbers = BLOCK + p.taps + (BLOCK + p.taps) * (p.columns + SLACK)
    with nogil:
        team.run(<k.fc_task *>some_lines, NULL, &p, items, max(1, items // (threads * 8)), threads)
    team.check()
