"""scipy.ndimage's windowed sums over any axes: correlate and convolve.

In SciPy's words: ``mode`` names the border rule, ``origin`` moves the window.
"""

import numpy as np

from .._core import arrays
from . import engine, outputs
from .arguments import axes_of, integer, native, number, plain

FLOAT_KINDS = {"f": 5, "d": 6, "F": 8, "D": 9}  # fc_kind


def correlate(x, w, output, mode, cval, origin, axes, *, flip):
    """correlate (flip false) or convolve of scipy.ndimage, or None."""
    x, w = plain(x), plain(w)
    if x is None or w is None or not x.ndim or not outputs.usable(x) or not outputs.usable(w):
        return None
    axes = axes_of(axes, x.ndim)
    if axes is None or w.ndim != len(axes) or not axes or not w.size:
        return None
    if not isinstance(mode, str) or mode not in engine.MODES:
        return None
    origins = _per_axis(origin, len(axes))
    if origins is None:
        return None
    # SciPy sets the weights' axes in ascending order whatever that of axes; origins follow axes, if not all
    if len(axes) < x.ndim:
        origins = tuple(o for _, o in sorted(zip(axes, origins, strict=True)))
    axes = tuple(sorted(axes))
    if flip:
        w = w[(slice(None, None, -1),) * w.ndim]
    before = befores(w.shape, origins, flip)
    if before is None:
        return None
    return run(x, w, axes, before, (str(mode),) * len(axes), cval, output, flip)


def _per_axis(value, count):
    """One integer for each axis, or None."""
    if isinstance(value, (tuple, list, np.ndarray)):
        values = tuple(integer(v) for v in value)
    else:
        values = (integer(value),) * count
    return values if len(values) == count and None not in values else None


def befores(shape, origins, flip):
    """Samples of the window before its output, for each axis, or None for an invalid origin."""
    before = []
    for m, origin in zip(shape, origins, strict=True):
        if flip:
            origin = -origin - (m % 2 == 0)
        if not -(m // 2) <= origin <= (m - 1) // 2:
            return None
        before.append(m // 2 + origin)
    return tuple(before)


def run(x, w, axes, before, modes, cval, output, flip):
    """The windowed sum with the types of scipy.ndimage, or None."""
    is_complex = x.dtype.kind == "c" or w.dtype.kind == "c"
    if not x.size or (len(axes) > 1 and skipped_zeros(x, w)):
        return None
    if isinstance(cval, complex) and cval.imag and x.dtype.kind != "c":
        return None
    if w.dtype.kind == "c" and not flip:
        w = np.conj(w)
    out = outputs.allocate(output, x, is_complex)
    if out is None:
        return None
    held = outputs.numbers(out)
    dtype, w, fill = compute_in(x, w, cval, held.dtype)
    if fill is None:
        return None
    engine.window(x, w, axes, before, modes, fill, dtype, held)
    return outputs.finish(held, out)


def compute_in(x, w, cval, wanted):
    """(dtype of the sums, weights and border value for it; no border value: ask SciPy).

    float32 for float32 (and small integers) into float32, integers for integers into integers
    with whole weights (the same modulo 2**n as float64, exact beyond 2**53), else float64.
    """
    if wanted.kind in "iu" and x.dtype.kind in "iub":
        whole = whole_weights(w)
        dtype = native(wanted)
        fill = None if whole is None else number(cval, dtype)
        if fill is not None:
            return dtype, whole, fill
    single = wanted.char in "fF" and x.dtype.char in "fF?bBhH" and in_range(w)
    if wanted.kind == "c":
        dtype = np.dtype(np.complex64 if single else np.complex128)
    else:
        dtype = np.dtype(np.float32 if single else np.float64)
    return dtype, w, number(cval, dtype)


def whole_weights(w):
    """w as integers of 64 bits if it holds nothing else, or None."""
    if w.dtype.kind in "iub":
        return w
    if all(v.is_integer() and -(2.0**62) < v < 2.0**62 for v in w.ravel().tolist()):
        return w.astype(np.int64)
    return None


def in_range(w):
    """True if the weights lose no range in float32."""
    if w.dtype.kind in "iub" or w.dtype.char in "fF":
        return True
    if w.size <= 64:  # faster one by one
        return all(1e-30 < size < 1e30 or size == 0 for size in map(abs, w.ravel().tolist()))
    size = np.abs(w)
    return bool((((size > 1e-30) & (size < 1e30)) | (size == 0)).all())


def skipped_zeros(x, w):
    """True if a weight of zero meets a NaN or infinity: scipy.ndimage then skips the product."""
    if x.dtype.kind not in "fc" or np.count_nonzero(w) == w.size:
        return False
    if x.dtype.char not in FLOAT_KINDS or not x.dtype.isnative:
        return not np.isfinite(x).all()
    # not a product with itself: BLAS would wake its threads for it
    return not arrays.all_finite(FLOAT_KINDS[x.dtype.char], np.ascontiguousarray(x.ravel(order="K")))

