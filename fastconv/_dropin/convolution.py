"""scipy.signal's convolutions: convolve, correlate, fftconvolve, oaconvolve, convolve2d, correlate2d.

All of them are one call of ``fastconv.convolve`` or ``correlate``; what is left to do here is SciPy's rules of
types, of operands that broadcast, and of arguments that are refused.
"""

import numpy as np

from .._core import arrays
from ..functions.signal_style import convolve as _convolve
from ..functions.signal_style import correlate as _correlate
from . import engine
from .arguments import axes_of, native, number, plain

MODES = ("full", "same", "valid")
BOUNDARIES = {"fill": "fill", "pad": "fill", "wrap": "wrap", "circular": "wrap", "symm": "symm",
              "symmetric": "symm"}  # fmt: skip
WINDOW_MODES = {"fill": "constant", "wrap": "wrap", "symm": "reflect"}
FFT_WARNING = ("Use of fft convolution on input with NAN or inf results in NAN or inf output. Consider using "
               "method='direct' instead.")  # fmt: skip


def operands(a, v, mode):
    """Both as arrays of equal rank with something in them, or None."""
    a, v = plain(a), plain(v)
    if a is None or v is None or a.ndim != v.ndim or not a.ndim or not a.size or not v.size:
        return None
    return (a, v) if isinstance(mode, str) and mode in MODES else None


def valid_fits(a, v, axes):
    """0 if v fits into a along axes, 1 if a fits into v, None if neither."""
    if all(a.shape[i] >= v.shape[i] for i in axes):
        return 0
    return 1 if all(v.shape[i] >= a.shape[i] for i in axes) else None


def convolve(a, v, mode, method, *, flip):
    """scipy.signal.convolve (flip) or correlate, or None; with it whether to warn about the FFT."""
    found = operands(a, v, mode)
    if found is None or not isinstance(method, str) or method not in ("auto", "direct", "fft"):
        return None
    a, v = found
    kinds = a.dtype.char + v.dtype.char
    numpy_sums = a.ndim == 1 and not (mode == "same" and v.size > a.size)
    if not numpy_sums and np.result_type(a, v).char in "?e":  # SciPy itself has no direct sum of these
        return None
    if a.ndim > 1 and mode == "valid" and valid_fits(a, v, range(a.ndim)) is None:
        return None
    if method == "fft" and ("?" in kinds or "g" in kinds.lower()):
        return None
    return (_convolve if flip else _correlate)(a, v, mode)


def spoiled(result, a, v):
    """True if an FFT would have spread a NaN or infinity of an operand."""
    if result.dtype.kind not in "fc":
        return False
    return not (np.isfinite(plain(a)).all() and np.isfinite(plain(v)).all())


def fft_dtype(*dtypes):
    """dtype of what scipy.fft makes of operands of these dtypes."""
    floats = []
    for dtype in dtypes:
        dtype = native(dtype)
        if dtype.kind in "biu":
            dtype = np.dtype(np.float64)
        floats.append(np.dtype(np.float32) if dtype.char == "e" else dtype)
    return np.result_type(*floats)


def fftconvolve(a, v, mode, axes):
    """scipy.signal.fftconvolve and oaconvolve, or None."""
    found = operands(a, v, mode)
    if found is None:
        return None
    a, v = found
    axes = axes_of(axes, a.ndim)
    if axes is None:
        return None
    axes = tuple(i for i in axes if a.shape[i] != 1 and v.shape[i] != 1)
    others = [i for i in range(a.ndim) if i not in axes]
    if not axes or any(a.shape[i] != v.shape[i] and 1 not in (a.shape[i], v.shape[i]) for i in others):
        return None
    if mode == "valid" and valid_fits(a, v, axes) is None:
        return None
    if mode == "same":  # SciPy cuts what broadcasting added to a: only the middle is computed
        for i in others:
            if a.shape[i] < v.shape[i]:
                middle = (v.shape[i] - 1) // 2
                v = v[(slice(None),) * i + (slice(middle, middle + 1),)]
    return _convolve(a, v, mode, axes=axes, dtype=fft_dtype(a.dtype, v.dtype))


def convolve2d(a, v, mode, boundary, fillvalue, *, flip):
    """scipy.signal.convolve2d (flip) or correlate2d, or None."""
    found = operands(a, v, mode)
    if found is None or not isinstance(boundary, str) or boundary not in BOUNDARIES:
        return None
    a, v = found
    if a.ndim != 2:
        return None
    dtype = np.result_type(a, v)
    fill = number(fillvalue, dtype) if BOUNDARIES[boundary] == "fill" else 0
    if dtype.char in "?e" or fill is None:
        return None
    if mode == "valid":
        if valid_fits(a, v, (0, 1)) is None:
            return None
        return (_convolve if flip else _correlate)(a, v, mode)
    if flip or mode == "full" or all(m % 2 for m in v.shape):
        call = _convolve if flip else _correlate
        return call(a, v, mode, boundary=BOUNDARIES[boundary], fillvalue=fill or 0)
    # here SciPy centres filters of even size one sample later than its correlate does
    before = tuple((m - 1) // 2 for m in v.shape)
    rules = (WINDOW_MODES[BOUNDARIES[boundary]],) * 2
    return engine.window(a, np.conj(v), (0, 1), before, rules, fill, dtype, arrays.new(a.shape, dtype))
