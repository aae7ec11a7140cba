# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""The plain small call for images: convolve(a, v) of two C-contiguous arrays of one type, at little cost: float32,
float64, integers of two to eight bytes.

As small.pyx, which calls it: no Python object but the result; whatever is not plain is somebody else's.
"""
from libc.math cimport fabs
from libc.string cimport memset
cimport numpy as cnp

from fastconv._core cimport kernels as k
from fastconv._core.arrays cimport result_for
from fastconv._core.image cimport put, run
from fastconv._core.image_cut cimport Axis, Image, number_of, prepare, tools_of

cnp.import_array()

cdef extern from "numpy/arrayobject.h":
    bint PyArray_CheckExact(object) noexcept
    bint PyArray_ISCARRAY_RO(cnp.ndarray) noexcept

cdef enum:
    MOST_TAPS = 256
    SURE_TAPS = 64          # up to which no transform is faster, whatever the image
    SURE_WORK = 4000000     # multiply-adds up to which none is with more
    SURE_WIDE_WORK = 200000 # of integers of 8 bytes, which are better summed in float64


cdef bint plain_image(object a) noexcept:
    return PyArray_CheckExact(a) and cnp.PyArray_NDIM(<cnp.ndarray>a) == 2 and \
        PyArray_ISCARRAY_RO(<cnp.ndarray>a) and cnp.PyArray_SIZE(<cnp.ndarray>a) > 0


cdef int kind_of(int typenum) noexcept:
    """The fc_kind of the tiles for a type, 0: there are none."""
    if typenum == cnp.NPY_FLOAT:
        return 5
    if typenum == cnp.NPY_DOUBLE:
        return 6
    if typenum == cnp.NPY_SHORT or typenum == cnp.NPY_USHORT:
        return 2
    if typenum == cnp.NPY_INT or typenum == cnp.NPY_UINT:
        return 3
    if cnp.NPY_LONG <= typenum <= cnp.NPY_ULONGLONG:
        return 4 if sizeof(long) == 8 or typenum >= cnp.NPY_LONGLONG else 3
    return 0


cdef double tap(int kind, const char *w, ptrdiff_t i) noexcept nogil:
    """A tap; unsigned ones as if they were signed."""
    if kind == 2:
        return (<const short *>w)[i]
    if kind == 3:
        return (<const int *>w)[i]
    return <double>(<const long long *>w)[i] if kind == 4 else number_of(kind, w, i)


cdef bint factors(int kind, const char *w, ptrdiff_t rows, ptrdiff_t cols) noexcept nogil:
    """Whether the taps might be a product of a column and a row that gains; preparing weights says for sure."""
    cdef ptrdiff_t i, at = 0, n = rows * cols
    cdef double a, b
    if rows * cols < 2 * (rows + cols):     # as gains() of backends/_image.py
        return False
    for i in range(1, n):       # the largest tap and its row and column
        if fabs(tap(kind, w, i)) > fabs(tap(kind, w, at)):
            at = i
    for i in range(n):
        a = tap(kind, w, at) * tap(kind, w, i)
        b = tap(kind, w, i // cols * cols + at % cols) * tap(kind, w, at // cols * cols + i % cols)
        if fabs(a - b) > 1e-3 * (fabs(a) + fabs(b)):
            return False
    return True


cdef object serve(object a, object v, int mode, bint flip, int pad, object out):
    """convolve(a, v) or correlate(a, v) of plain images into out, None where it is another case; mode: 0 full,
    1 same, 2 valid; pad: fc_pad_mode."""
    cdef cnp.ndarray x, w
    cdef Image d
    cdef Axis *axis
    cdef cnp.npy_intp shape[2]
    cdef char taps[MOST_TAPS * 8]
    cdef const char *source
    cdef ptrdiff_t n, m, number, i, j, rows, cols
    cdef int kind, q
    if not plain_image(a) or not plain_image(v):
        return None
    x, w = <cnp.ndarray>a, <cnp.ndarray>v
    if cnp.PyArray_TYPE(x) != cnp.PyArray_TYPE(w):
        return None
    kind = kind_of(cnp.PyArray_TYPE(x))
    rows, cols = cnp.PyArray_DIM(w, 0), cnp.PyArray_DIM(w, 1)
    if not kind or rows < 2 or cols < 2 or rows * cols > MOST_TAPS or \
            (rows * cols > SURE_TAPS and rows * cols * cnp.PyArray_SIZE(x) > SURE_WORK) or \
            (kind == 4 and rows * cols * cnp.PyArray_SIZE(x) > SURE_WIDE_WORK) or tools_of(kind) == NULL or \
            rows > cnp.PyArray_DIM(x, 0) or cols > cnp.PyArray_DIM(x, 1):
        return None
    source = <const char *>cnp.PyArray_DATA(w)
    if (kind >= 5 and not k.fc_all_finite(kind, source, rows * cols)) or factors(kind, source, rows, cols):
        return None
    memset(&d, 0, sizeof(Image))
    d.axes, number = 2, k.fc_kind_size(kind)
    for q in range(2):
        axis = &d.axis[q]
        n, m = cnp.PyArray_DIM(x, q), cnp.PyArray_DIM(w, q)
        axis.size, axis.taps, axis.mode = n, m, pad
        axis.out = n + m - 1 if mode == 0 else n if mode == 1 else n - m + 1
        axis.before = m - 1 if mode == 0 else m // 2 if mode == 1 else 0
        axis.x_step = cnp.PyArray_STRIDE(x, q)
        shape[q] = axis.out
    d.axis[0].out_step, d.axis[1].out_step = d.axis[1].out * number, number
    out = result_for(out, 2, shape, cnp.PyArray_TYPE(x), x, w)
    if out is None:
        return None
    for i in range(rows):       # column by column; convolution reads the taps backwards
        for j in range(cols):
            q = <int>(j * rows + i)
            put(taps + (rows * cols - 1 - q if flip else q) * number,
                source + (i * cols + j) * number, number)
    prepare(&d, tools_of(kind))
    run(&d, <const char *>cnp.PyArray_DATA(x), taps, <char *>cnp.PyArray_DATA(<cnp.ndarray>out))
    return out
