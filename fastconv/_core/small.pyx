"""convolve and correlate: the plain case of little work at once, everything else to the general path.

Both are entered here.  Two plain C arrays of the same type (float32 or float64), perhaps such an out, and little
work are served without any Python object but the result: checks are C-API macros, images go to ``small_image.pyx``,
short signals (of long ones the ends) go through a zero-padded copy on the stack, and the FIR microkernel does
the rest, with the same bits as backend "direct".  Every other call, and every bad one, goes on to
``functions/signal_style.py``.
"""
from libc.string cimport memcpy, memset
cimport numpy as cnp

from fastconv._core cimport small_image
from fastconv._core cimport kernels as k
from fastconv._core.arrays cimport result_for
from fastconv._core.cpu cimport isa_index
from fastconv._core.filters cimport fc_fir_line, fc_fir_row, fc_fir_rows

cnp.import_array()

cdef extern from "numpy/arrayobject.h":
    bint PyArray_CheckExact(object) noexcept
    bint PyArray_ISCARRAY_RO(cnp.ndarray) noexcept

cdef enum:
    SLACK = 16              # a vector may read past the end
    MAX_WORK = 1000000      # multiply-adds: fewer than threads are worth
    FREE_WORK = 200000      # from which on the interpreter is released

cdef str FULL = "full"
cdef str SAME = "same"
cdef str VALID = "valid"
cdef str FILL = "fill"
cdef str AUTO = "auto"
cdef str DIRECT = "direct"
cdef str SAME_KIND = "same_kind"

cdef object general_convolve, general_correlate
cdef fc_fir_line *line[2]       # of float32, float64


bypassed = 0


def set_bypass(bint on):
    """Count a reason to leave everything to the general path (on), or take one back."""
    global bypassed
    bypassed = max(0, bypassed + (1 if on else -1))


def set_general(for_convolve, for_correlate):
    """Tell which functions serve everything but the plain small case."""
    global general_convolve, general_correlate
    general_convolve, general_correlate = for_convolve, for_correlate


cdef void find_kernels() noexcept:
    cdef int count, i
    cdef const fc_fir_row *rows = fc_fir_rows(isa_index(), &count)
    for i in range(count):
        if rows[i].kind in (5, 6):    # FC_KIND_F32, FC_KIND_F64
            line[rows[i].kind - 5] = rows[i].line


find_kernels()


cdef int mode_code(object mode) noexcept:
    """0 full, 1 same, 2 valid, -1 for the general path to complain about."""
    if mode is FULL:
        return 0
    if mode is SAME:
        return 1
    if mode is VALID:
        return 2
    if not isinstance(mode, str):
        return -1
    return 0 if mode == FULL else 1 if mode == SAME else 2 if mode == VALID else -1


cdef bint plain(object keyword, str default) noexcept:
    return keyword is default or (isinstance(keyword, str) and keyword == default)


cdef bint direct(object backend) noexcept:
    return plain(backend, AUTO) or plain(backend, DIRECT)


cdef bint plain_vector(object a) noexcept:
    return PyArray_CheckExact(a) and cnp.PyArray_NDIM(<cnp.ndarray>a) == 1 and \
        PyArray_ISCARRAY_RO(<cnp.ndarray>a) and cnp.PyArray_DIM(<cnp.ndarray>a, 0) > 0


cdef int pad_code(object boundary) noexcept:
    """fc_pad_mode, -1 for the general path to complain about."""
    if boundary is FILL:
        return 0
    if not isinstance(boundary, str):
        return -1
    return 0 if boundary == FILL else 1 if boundary == "reflect" else 2 if boundary == "symm" else \
        3 if boundary == "nearest" else 4 if boundary == "wrap" else -1


cdef object serve(object a, object v, int mode, bint flip, int pad, object out):
    """The result, or None where this is not the plain small case."""
    cdef cnp.ndarray x, w
    cdef cnp.npy_intp n, m, count, start
    cdef int j, t
    if bypassed or mode < 0 or pad < 0:
        return None
    if PyArray_CheckExact(a) and cnp.PyArray_NDIM(<cnp.ndarray>a) == 2:
        return small_image.serve(a, v, mode, flip, pad, out)
    if pad or not plain_vector(a) or not plain_vector(v):
        return None
    x, w = <cnp.ndarray>a, <cnp.ndarray>v
    t = cnp.PyArray_TYPE(x)
    if t != cnp.PyArray_TYPE(w):
        return None
    if t == cnp.NPY_FLOAT:
        j = 0
    elif t == cnp.NPY_DOUBLE:
        j = 1
    else:
        return None
    n, m = cnp.PyArray_DIM(x, 0), cnp.PyArray_DIM(w, 0)
    if m > n or m > MAX_TAPS or n > MAX_WORK // m:
        return None
    count = n + m - 1 if mode == 0 else n if mode == 1 else n - m + 1
    start = 0 if mode == 0 else (m - 1) // 2 if mode == 1 else m - 1
    out = result_for(out, 1, &count, t, x, w)
    if out is None:
        return None
    cdef const char *from_ = <const char *>cnp.PyArray_DATA(x)
    cdef const char *taps = <const char *>cnp.PyArray_DATA(w)
    cdef char *to = <char *>cnp.PyArray_DATA(<cnp.ndarray>out)
    cdef bint done
    if n < FREE_WORK // m:      # releasing the interpreter would cost as much as the sums
        done = run(j, from_, n, taps, m, to, count, start, flip)
    else:
        with nogil:
            done = run(j, from_, n, taps, m, to, count, start, flip)
    return out if done else None


cdef bint run(int j, const char *x, cnp.npy_intp n, const char *w, cnp.npy_intp m, char *y,
              cnp.npy_intp out, cnp.npy_intp start, bint flip) noexcept nogil:
    """y[i] = full[i + start]; False where the filter is not finite (its padding would matter)."""
    cdef double samples[MAX_SAMPLES + SLACK]
    cdef double taps[MAX_TAPS]
    cdef char *buf = <char *>samples
    cdef char *filter = <char *>taps
    cdef cnp.npy_intp size = 4 if j == 0 else 8, first = start - (m - 1), low, high, i
    cdef cnp.npy_intp last = m - 1 if flip else 0, step = -1 if flip else 1
    cdef double seen = 0        # zeros, or no number where taps are not finite
    if j == 0:
        for i in range(m):
            (<float *>filter)[i] = (<const float *>w)[last + i * step]
            seen += (<float *>filter)[i] * 0.0
    else:
        for i in range(m):
            taps[i] = (<const double *>w)[last + i * step]
            seen += taps[i] * 0.0
    if seen != 0:
        return False
    if n + 2 * m <= MAX_SAMPLES:
        part(j, x, n, first, filter, m, y, out, buf)
        return True
    # outputs low .. high - 1 see no border
    low, high = -first, n - m + 1 - first
    if high > out:
        high = out
    part(j, x, n, first, filter, m, y, low, buf)
    line[j](m, filter, x + (first + low) * size, y + low * size, high - low)
    part(j, x, n, first + high, filter, m, y + high * size, out - high, buf)
    return True


cdef void part(int j, const char *x, cnp.npy_intp n, cnp.npy_intp first, const char *taps, cnp.npy_intp m,
               char *y, cnp.npy_intp count, char *buf) noexcept nogil:
    """count outputs, of windows that begin at sample first, from a copy with zeros beyond the ends."""
    cdef cnp.npy_intp size = 4 if j == 0 else 8, before = 0, end = first + count + m - 1, inside
    if count <= 0:
        return
    if first < 0:
        before = -first
        first = 0
    inside = (n if end > n else end) - first
    memset(buf, 0, before * size)
    memcpy(buf + before * size, x + first * size, inside * size)
    memset(buf + (before + inside) * size, 0, (end - first - inside) * size)
    line[j](m, taps, buf, y, count)


def convolve(a, v, mode="full", *, axes=None, boundary="fill", fillvalue=0, out=None, dtype=None,
             casting="same_kind", backend="auto"):
    """Convolve two arrays over some or all of their axes.

    ``out[i] = sum over j of a[j] * v[i - j + s]``, with ``s`` 0 for mode "full", ``(len(v) - 1) // 2`` for
    "same" and ``len(v) - 1`` for "valid"; the filter v is flipped, as in mathematics.

    Parameters
    ----------
    a, v : array_like
        The samples and the filter. With ``axes=None`` both have the same number of axes; with ``axes`` every
        other axis broadcasts, shorter shapes being extended on the left.
    mode : {'full', 'same', 'valid'}
        ``n + m - 1`` samples; n samples, centred on those of "full"; or the ``n - m + 1`` samples that
        need no border (then the longer operand may be either).
    axes : int or sequence of int, optional
        Axes to convolve over, default all.
    boundary : {'fill', 'wrap', 'symm', 'reflect', 'nearest'}
        What lies outside of a, for modes "same" and "full": ``fillvalue``; a repeated; a mirrored with
        the edge sample repeated (``"symm"``) or not (``"reflect"``); the edge sample.
    fillvalue : number
        For ``boundary="fill"``, default 0.
    out : ndarray, optional
        Array that the result is written to and that is returned; may overlap an input.
    dtype : dtype, optional
        dtype of the computation and the result; default ``np.result_type(a, v)``. Integers are exact modulo
        ``2**n``; float16 and bfloat16 are summed in float32; bool gives logical or of logical and.
    casting : {'same_kind', 'no', 'equiv', 'safe', 'unsafe'}
        What may be cast to ``dtype``, and ``dtype`` to that of ``out``.
    backend : str
        ``"auto"``, ``"tune"`` (time the candidates once, remember the fastest), or one of
        ``fastconv.backends()``.

    Returns
    -------
    ndarray
        The convolution. A NaN or infinity reaches exactly the outputs whose window covers it.

    Raises
    ------
    ValueError
        Shapes, axes, names or a fill value that do not fit; an operand without samples.
    TypeError
        A dtype without arithmetic, a cast that ``casting`` forbids, an array of another library.
    BackendNotSupportedError
        The backend asked for cannot compute this.

    See Also
    --------
    correlate : the same without flipping v.
    conv2d : layer style, with channels, strides and groups.

    Notes
    -----
    Modes and centring are those of ``scipy.signal.convolve`` [1]_.

    References
    ----------
    .. [1] P. Virtanen et al., "SciPy 1.0", Nature Methods 17, 2020, doi:10.1038/s41592-019-0686-2.

    Examples
    --------
    >>> import numpy as np, fastconv
    >>> fastconv.convolve([1, 2, 3], [0, 1, 5])
    array([ 0,  1,  7, 13, 15])
    >>> fastconv.convolve(np.eye(3), np.ones((1, 2)), mode="same", axes=(0, 1))
    array([[1., 1., 0.],
           [0., 1., 1.],
           [0., 0., 1.]])
    """
    if axes is None and dtype is None and fillvalue is ZERO and direct(backend) and plain(casting, SAME_KIND):
        y = serve(a, v, mode_code(mode), True, pad_code(boundary), out)
        if y is not None:
            return y
    return general_convolve(a, v, mode, axes=axes, boundary=boundary, fillvalue=fillvalue, out=out,
                            dtype=dtype, casting=casting, backend=backend)


def correlate(a, v, mode="full", *, axes=None, boundary="fill", fillvalue=0, out=None, dtype=None,
              casting="same_kind", backend="auto"):
    """Cross-correlate two arrays over some or all of their axes.

    ``out[i] = sum over j of a[j] * conj(v[j - i + len(v) - 1 - s])``, with ``s`` as in ``convolve``: the filter
    v is conjugated and not flipped.  Equal to ``convolve(a, conj(v reversed along axes))``.

    Parameters
    ----------
    a, v : array_like
        The samples and the filter.
    mode, axes, boundary, fillvalue, out, dtype, casting, backend
        As in ``convolve``.

    Returns
    -------
    ndarray
        The correlation; lag 0 is at index ``len(v) - 1`` in mode "full".

    Raises
    ------
    ValueError, TypeError, BackendNotSupportedError
        As ``convolve``.

    References
    ----------
    .. [1] P. Virtanen et al., "SciPy 1.0", Nature Methods 17, 2020, doi:10.1038/s41592-019-0686-2.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.correlate([1, 2, 3], [0, 1, 5])
    array([ 5, 11, 17,  3,  0])
    """
    if axes is None and dtype is None and fillvalue is ZERO and direct(backend) and plain(casting, SAME_KIND):
        y = serve(a, v, mode_code(mode), False, pad_code(boundary), out)
        if y is not None:
            return y
    return general_correlate(a, v, mode, axes=axes, boundary=boundary, fillvalue=fillvalue, out=out,
                             dtype=dtype, casting=casting, backend=backend)


cdef object ZERO = 0    # small ints are one object: an identity test sees the default
