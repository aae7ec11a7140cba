"""convolve and correlate: the plain case of little work at once, everything else to the general path.

Both are entered here.  Two plain C arrays, perhaps such an out, and little work are served without any Python
object but the result: checks are C-API macros, signals go to ``small_line.pyx``, images to ``small_image.pyx``.
Every other call, and every bad one, goes on to ``functions/signal_style.py``.
"""
cimport numpy as cnp

from fastconv._core cimport small_image, small_line

cnp.import_array()

cdef extern from "numpy/arrayobject.h":
    bint PyArray_CheckExact(object) noexcept
    bint PyArray_ISCARRAY_RO(cnp.ndarray) noexcept

cdef str FULL = "full"
cdef str SAME = "same"
cdef str VALID = "valid"
cdef str FILL = "fill"
cdef str AUTO = "auto"
cdef str DIRECT = "direct"
cdef str SAME_KIND = "same_kind"

cdef object general_convolve, general_correlate


bypassed = 0


def set_bypass(bint on):
    """Count a reason to leave everything to the general path (on), or take one back."""
    global bypassed
    bypassed = max(0, bypassed + (1 if on else -1))


def set_general(for_convolve, for_correlate):
    """Tell which functions serve everything but the plain small case."""
    global general_convolve, general_correlate
    general_convolve, general_correlate = for_convolve, for_correlate


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
    if bypassed or mode < 0 or pad < 0:
        return None
    if PyArray_CheckExact(a) and cnp.PyArray_NDIM(<cnp.ndarray>a) == 2:
        return small_image.serve(a, v, mode, flip, pad, out)
    if pad or not plain_vector(a) or not plain_vector(v):
        return None
    return small_line.serve(a, v, mode, flip, out)


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
