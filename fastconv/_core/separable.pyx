"""Filtering an N-D array by one 1-D kernel per axis, and by running means.

out = the kernels applied axis by axis, the first axis first; between two axes the numbers have the type of
out, as in SciPy's ndimage.  Called by fastconv.ndimage.
"""
import numpy as np
cimport numpy as cnp

cnp.import_array()

MODES = {"reflect": 2, "constant": 0, "nearest": 3, "mirror": 1, "wrap": 4, "grid-mirror": 2, "grid-wrap": 4,
         "grid-constant": 0}


def _positions(ptrdiff_t first, ptrdiff_t count, ptrdiff_t n, str mode):
    """Index in an axis of n samples of the virtual positions first, first + 1, ...; -1: outside."""
    i = np.arange(first, first + count)
    code = MODES[mode]
    if code == 0:
        return np.where((i < 0) | (i >= n), -1, i)
    if code == 3:
        return np.clip(i, 0, n - 1)
    if code == 4:
        return i % n
    if code == 2:
        i = i % (2 * n)
        return np.where(i < n, i, 2 * n - 1 - i)
    if n == 1:
        return np.zeros_like(i)
    i = i % (2 * n - 2)
    return np.where(i < n, i, 2 * n - 2 - i)


def _windows(x, int axis, ptrdiff_t taps, str mode, cval, ptrdiff_t origin, dtype):
    """The samples under tap t of every output, for t = 0, 1, ..."""
    cdef ptrdiff_t n = x.shape[axis]
    at = _positions(-(taps // 2) - origin, n + taps - 1, n, mode)
    padded = np.take(x, np.maximum(at, 0), axis=axis).astype(dtype)
    padded[(slice(None),) * axis + (at < 0,)] = cval
    for t in range(taps):
        yield padded[(slice(None),) * axis + (slice(t, t + n),)]


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
    source = x
    dtype = np.result_type(x.dtype, out.dtype, np.float64)
    for axis in range(x.ndim):
        if kernels[axis] is None:
            continue
        w = np.asarray(kernels[axis])
        total = np.zeros(x.shape, dtype)
        windows = _windows(source, axis, len(w), modes[axis], cvals[axis], origins[axis], dtype)
        for weight, window in zip(w, windows, strict=True):
            total += weight * window
        source = total.astype(out.dtype)
    out[...] = source


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
    source = x
    for axis in range(x.ndim):
        if sizes[axis] == 1:
            continue
        integers = source.dtype.kind in "biu"
        dtype = np.dtype(np.int64) if integers else np.result_type(source.dtype, np.float64)
        total = np.zeros(x.shape, dtype)
        for window in _windows(source, axis, sizes[axis], modes[axis], cvals[axis], origins[axis], dtype):
            total += window
        if integers:
            total = np.sign(total) * (abs(total) // sizes[axis])
        else:
            total /= sizes[axis]
        source = total.astype(out.dtype)
    out[...] = source
