# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Windowed sums of small images as scipy.ndimage's correlate and convolve have them, at little cost.

Samples of every type are summed in float64 in SciPy's order, so that float64 has SciPy's bits.  Weights of zero are left
out, as there.  A padded copy of the image lies on the stack.  Whatever is not plain is somebody else's.
"""
from libc.float cimport DBL_EPSILON
from libc.math cimport fabs, floor
from libc.string cimport memcpy, memset
cimport numpy as cnp

from fastconv._core cimport kernels as k
from fastconv._core.arrays cimport result_for

from fastconv._core.separable import MODES as border_rules

cnp.import_array()

cdef extern from "numpy/arrayobject.h":
    bint PyArray_CheckExact(object) noexcept
    bint PyArray_ISBEHAVED_RO(cnp.ndarray) noexcept
    cnp.npy_intp PyArray_SIZE(cnp.ndarray) noexcept

cdef dict MODES = border_rules

cdef enum:
    MOST_AXES = 4
    MOST_TAPS = 128
    MOST_PADDED = 4608      # samples of the padded copy, which lies on the stack,
    MOST_COLUMNS = 1024     # and of a row
    MOST_WORK = 40000       # multiply-adds: up to here an image takes less than a call of the general path costs

cdef enum:                  # fc_memory_type
    I8 = 1
    I32 = 5
    I64 = 7
    F32 = 11
    F64 = 12

ctypedef struct Window:
    int axes, mode, memory              # fc_pad_mode, fc_memory_type
    double cval
    bint differences                    # second ones, no windowed sum
    bint whole                          # sums of integers by whole weights, which are exact
    ptrdiff_t taps                      # those that are not zero
    ptrdiff_t[MOST_AXES] size, count, before, padded, x_step, y_step
    ptrdiff_t[MOST_TAPS] off            # of each in the padded copy
    double[MOST_TAPS] w
    double[MOST_PADDED] x


cdef int memory_of(int typenum) noexcept:
    """fc_memory_type of what is taken here, -1 of all else: integers of at most 4 bytes, float32, float64."""
    if typenum == cnp.NPY_DOUBLE:
        return F64
    if typenum == cnp.NPY_FLOAT:
        return F32
    if cnp.NPY_BYTE <= typenum <= cnp.NPY_UINT:
        return I8 + typenum - cnp.NPY_BYTE
    return -1


cdef bint set_image(Window *d, object a, object mode, object cval) noexcept:
    """What an image and its borders are; False for what is not plain."""
    cdef cnp.ndarray x
    if not PyArray_CheckExact(a):
        return False
    x = <cnp.ndarray>a
    d.axes, d.memory = cnp.PyArray_NDIM(x), memory_of(cnp.PyArray_TYPE(x))
    d.mode = MODES.get(mode, -1) if isinstance(mode, str) else -1
    if d.memory < 0 or d.mode < 0 or not 2 <= d.axes <= MOST_AXES or not PyArray_ISBEHAVED_RO(x):
        return False
    if (type(cval) is not float and type(cval) is not int) or not -1e38 < cval < 1e38:
        return False
    d.cval = cval
    return True


cdef bint set_axes(Window *d, cnp.ndarray x, const cnp.npy_intp *counts, ptrdiff_t origin, bint flip) noexcept:
    """Sizes and borders; False for what is too large, or an origin outside of the window."""
    cdef ptrdiff_t total = 1, taps = 1, moved
    cdef int q
    for q in range(d.axes):
        d.size[q], d.count[q] = cnp.PyArray_DIM(x, q), counts[q]
        taps *= counts[q]
        if d.size[q] > MOST_COLUMNS or not 0 < taps <= MOST_TAPS:
            return False
        moved = -origin - (d.count[q] % 2 == 0) if flip else origin
        if not -(d.count[q] // 2) <= moved <= (d.count[q] - 1) // 2:
            return False
        d.before[q] = d.count[q] // 2 + moved
        d.padded[q] = d.size[q] + d.count[q] - 1
        d.x_step[q] = cnp.PyArray_STRIDE(x, q)
        total *= d.padded[q]
        if total > MOST_PADDED:
            return False
    return 0 < PyArray_SIZE(x) * taps <= MOST_WORK


cdef bint set_taps(Window *d, cnp.ndarray w, bint flip) noexcept:
    """Weights that are not zero, where they meet the padded copy, and whether all are whole; False for those that are so
    small that scipy.ndimage leaves them out, or are not finite."""
    cdef ptrdiff_t i, rest, at, index, step, n = PyArray_SIZE(w)
    cdef int q, typenum = cnp.PyArray_TYPE(w)
    cdef int memory = (I64 if sizeof(long) == 8 else I32) if typenum == cnp.NPY_LONG else memory_of(typenum)
    cdef const char *source
    cdef double value = 0
    if memory != F64 and memory != F32 and memory != I64 and memory != I32:
        return False
    d.taps, d.whole = 0, True
    for i in range(n):
        source, rest, at, step = <const char *>cnp.PyArray_DATA(w), i, 0, 1
        for q in range(d.axes - 1, -1, -1):
            index = rest % d.count[q]
            rest //= d.count[q]
            source += (d.count[q] - 1 - index if flip else index) * cnp.PyArray_STRIDE(w, q)
            at += index * step
            step *= d.padded[q]
        k.fc_pack_find(<k.fc_memory_type>memory, <k.fc_kind>6)(&value, source, 0, 1)
        if not fabs(value) < 1e30 or 0 < fabs(value) <= DBL_EPSILON:
            return False
        if value:
            d.w[d.taps], d.off[d.taps] = value, at
            d.taps += 1
            d.whole = d.whole and value == floor(value)
    return True


cdef bint exact(const Window *d) noexcept:
    """Whether sums of integers by whole weights are whole numbers of float64, border included; else False, or for fractions."""
    cdef double total = 0, most = 2.0 ** (8 if d.memory < 3 else 16 if d.memory < 5 else 32)
    cdef ptrdiff_t t
    for t in range(d.taps):
        total += fabs(d.w[t])
    if d.mode == 0:
        if d.cval != floor(d.cval):
            return False
        most = max(most, fabs(d.cval))
    return total * most < 2.0 ** 53


cdef void fill(Window *d, const char *x) noexcept nogil:
    """The image with its borders, as float64."""
    cdef k.fc_reader r
    cdef k.fc_axis col
    cdef int q, last = d.axes - 1
    cdef ptrdiff_t i, rest, at, rows = 1, cols = d.padded[last]
    cdef const char *row
    memset(&r, 0, sizeof(r))
    r.pack, r.planes, r.number_bytes, r.same = k.fc_pack_find(<k.fc_memory_type>d.memory, <k.fc_kind>6), 1, 8, d.memory == F64
    memcpy(&r.fill[0][0], &d.cval, 8)
    r.fill_is_zero = d.cval == 0
    col.length, col.upsample, col.step_bytes, col.mode = d.size[last], 1, d.x_step[last], d.mode
    for q in range(last):
        rows *= d.padded[q]
    for i in range(rows):
        row, rest = x, i
        for q in range(last - 1, -1, -1):
            at = k.fc_source_index(rest % d.padded[q] - d.before[q], d.size[q], d.mode)
            rest //= d.padded[q]
            if at < 0:
                row = NULL
                break
            row += at * d.x_step[q]
        if row == NULL:
            k.fc_fill_run(&r, <char *>(d.x + i * cols), NULL, cols)
        else:
            k.fc_gather(&r, <char *>(d.x + i * cols), NULL, row, &col, -d.before[last], 1, cols)


cdef void compute(const Window *d, char *y) noexcept nogil:
    """All rows of results: windowed sums, without taps second differences."""
    cdef double[MOST_COLUMNS] sums
    cdef ptrdiff_t[MOST_AXES] step
    cdef int q, last = d.axes - 1
    cdef ptrdiff_t i, rest, at, rows = 1
    cdef char *to
    step[last] = 1
    for q in range(last - 1, -1, -1):
        rows *= d.size[q]
        step[q] = step[q + 1] * d.padded[q + 1]
    for i in range(rows):
        to, rest, at = y, i, 0
        for q in range(last - 1, -1, -1):
            at += rest % d.size[q] * step[q]
            to += rest % d.size[q] * d.y_step[q]
            rest //= d.size[q]
        if d.differences:
            for q in range(d.axes):
                at += step[q]
            k.fc_window_differences(d.axes, step, d.x + at, sums, d.size[last])
        else:
            k.fc_window_row(d.taps, d.off, d.w, d.x + at, sums, d.size[last])
        k.fc_window_store(to, d.y_step[last], <k.fc_memory_type>d.memory, sums, d.size[last], d.whole)


cdef object run(Window *d, cnp.ndarray x, cnp.ndarray w, object out):
    """The result in out (None: a new array), or None where out is another case."""
    cdef int q
    out = result_for(out, d.axes, cnp.PyArray_DIMS(x), cnp.PyArray_TYPE(x), x, w)
    if out is None:
        return None
    for q in range(d.axes):
        d.y_step[q] = cnp.PyArray_STRIDE(<cnp.ndarray>out, q)
    fill(d, <const char *>cnp.PyArray_DATA(x))
    compute(d, <char *>cnp.PyArray_DATA(<cnp.ndarray>out))
    return out


def window(a, v, out, mode, cval, origin, bint flip):
    """The windowed sum of a plain small image by weights v (not flipped, unless flip), or None for another case; arguments
    as scipy.ndimage has them."""
    cdef cnp.ndarray x, w
    cdef Window d
    if not set_image(&d, a, mode, cval) or not PyArray_CheckExact(v) or type(origin) is not int:
        return None
    x, w, d.differences = <cnp.ndarray>a, <cnp.ndarray>v, False
    if cnp.PyArray_NDIM(w) != d.axes or not PyArray_ISBEHAVED_RO(w) or not -MOST_TAPS < origin < MOST_TAPS:
        return None
    if not set_axes(&d, x, cnp.PyArray_DIMS(w), origin, flip) or not set_taps(&d, w, flip):
        return None
    d.whole = d.whole and exact(&d)
    return run(&d, x, w, out)


def laplace(a, out, mode, cval):
    """The sum of second differences along all axes of a plain small image, or None for another case."""
    cdef cnp.npy_intp[MOST_AXES] three = [3, 3, 3, 3]
    cdef Window d
    if not set_image(&d, a, mode, cval) or not set_axes(&d, <cnp.ndarray>a, three, 0, False):
        return None
    if d.mode == 0 and d.cval != 0:     # SciPy cuts a fraction off pass by pass
        return None
    d.differences = d.whole = True
    return run(&d, <cnp.ndarray>a, <cnp.ndarray>a, out)
