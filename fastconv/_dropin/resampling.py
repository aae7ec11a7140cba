"""scipy.signal's filters that change the rate or fit polynomials: upfirdn and what stands on it."""

import math

import numpy as np

from .._core import arrays, filters, separable
from .._plan import Cache
from . import engine, originals
from .arguments import axis_of, integer, native, number, plain
from .recursive import (
    TYPES,
    along,
    coefficients,
    common,
    filtfilt,
    lfilter,
    signal,
    sosfilt,
    sosfiltfilt,
    vector,
)

DESIGNS = Cache(64)  # what was asked of SciPy's filter design -> coefficients
BACKGROUNDS = {"mean": np.mean, "median": np.median, "minimum": np.min, "maximum": np.max}
SAVGOL_MODES = ("mirror", "constant", "nearest", "wrap")


def designed(name, *arguments, **keywords):
    """Coefficients that SciPy's function of that name designs, remembered."""
    key = (name, arguments, tuple(sorted(keywords.items())))
    try:
        hash(key)
    except TypeError:
        return getattr(originals.signal, name)(*arguments, **keywords)
    return DESIGNS.get(key, lambda: getattr(originals.signal, name)(*arguments, **keywords))


# -- polyphase ------------------------------------------------------------------------------------


def upfirdn(h, x, up, down, axis, mode, cval):
    """scipy.signal.upfirdn, or None."""
    h, x = plain(h), signal(x)
    if h is None or x is None or h.ndim != 1 or not h.size or not isinstance(mode, str):
        return None
    axis, up, down, mode = axis_of(axis, x.ndim), integer(up), integer(down), mode.lower()
    dtype = common(h, x, np.float32)
    if None in (axis, up, down) or dtype is None or up < 1 or down < 1 or mode not in filters.UPFIRDN_MODES:
        return None
    cval = number(cval, dtype)
    if cval is None:
        return None
    return filters.upfirdn(coefficients(h, dtype), x.astype(dtype, copy=False), up, down, axis, mode,
                           cval)  # fmt: skip


def resample_poly(x, up, down, axis, window, padtype, cval):
    """scipy.signal.resample_poly, or None."""
    x = signal(x)
    axis = axis_of(axis, x.ndim) if x is not None else None
    up, down = integer(up), integer(down)
    if None in (axis, up, down) or up < 1 or down < 1 or not isinstance(padtype, str):
        return None
    if not (padtype in BACKGROUNDS or padtype in filters.UPFIRDN_MODES) or x.dtype.char not in TYPES + "bBhHiIlLqQ":
        return None
    if cval is not None and padtype != "constant":
        return None
    common_factor = math.gcd(up, down)
    up, down = up // common_factor, down // common_factor
    if up == down == 1:
        return x.copy()
    found = resampling_filter(x, up, down, window)
    if found is None:
        return None
    h, half = found
    n_out = -(-x.shape[axis] * up // down)
    h, skip = centred(h * up, half, x.shape[axis], up, down, n_out)
    keywords = ("constant", 0)
    background = None
    if padtype in BACKGROUNDS:
        background = BACKGROUNDS[padtype](x, axis=axis, keepdims=True)
        x = x - background
    else:
        keywords = (padtype, 0 if cval is None or padtype != "constant" else cval)
    y = upfirdn(h, x, up, down, axis, *keywords)
    if y is None:
        return None
    y = y[along(axis, skip, skip + n_out)]
    if background is not None:
        y += background
    return y


def resampling_filter(x, up, down, window):
    """(low-pass filter, index of its middle), or None."""
    if isinstance(window, (list, np.ndarray)):
        h = plain(window)
        return None if h is None or h.ndim != 1 or not h.size or h.dtype.kind == "b" else (h, (len(h) - 1) // 2)
    rate = max(up, down)
    half = 10 * rate
    h = designed("firwin", 2 * half + 1, 1.0 / rate, window=window)
    return (coefficients(h, x.dtype) if x.dtype.kind in "fc" else h), half


def centred(h, half, n, up, down, n_out):
    """(h padded with zeros so that the kept outputs start at its middle, how many to skip)."""
    before = down - half % down
    skip = (half + before) // down
    after = 0
    while filters.upfirdn_length(len(h) + before + after, n, up, down) < n_out + skip:
        after += 1
    return np.pad(h, (before, after)), skip


def decimate(x, q, n, ftype, axis, zero_phase):
    """scipy.signal.decimate, or None."""
    x, q = signal(x), integer(q)
    axis = axis_of(axis, x.ndim) if x is not None else None
    if axis is None or q is None or q < 1 or (n is not None and integer(n) is None):
        return None
    dtype = x.dtype if x.dtype.kind in "fc" and x.dtype.char != "e" else np.dtype(np.float64)
    if native(dtype).char not in TYPES:
        return None
    found = decimator(ftype, q, n, dtype)
    if found is None:
        return None
    kind, *taps = found
    every = along(axis, None, None, q)
    if kind == "sos":
        y = sosfiltfilt(*taps, x, axis, "odd", None) if zero_phase else sosfilt(*taps, x, axis, None)
    elif kind == "tf":
        y = filtfilt(*taps, x, axis, "odd", None, "pad") if zero_phase else lfilter(*taps, x, axis, None)
    elif zero_phase:
        return resample_poly(x, 1, q, axis, *taps, "constant", None)
    else:
        y = upfirdn(*taps, x, 1, q, axis, "constant", 0)
        every = along(axis, None, -(-x.shape[axis] // q))
    if y is None:
        return None
    return (y if zero_phase or kind == "fir" else y[0])[every]


def decimator(ftype, q, n, dtype):
    """The filter of decimate, ("fir", b), ("sos", sos) or ("tf", b, a), or None."""
    if isinstance(ftype, str):
        if ftype == "fir":
            b = designed("firwin", (20 * q if n is None else integer(n)) + 1, 1.0 / q, window="hamming")
            return "fir", coefficients(b, dtype)
        if ftype == "iir":
            sos = designed("cheby1", 8 if n is None else integer(n), 0.05, 0.8 / q, output="sos")
            return "sos", coefficients(sos, dtype)
        return None
    if not isinstance(ftype, originals.signal.dlti):
        return None
    zpk, tf = ftype.to_zpk(), ftype.to_tf()
    if not len(zpk.poles):
        return "fir", tf.num / tf.den
    if np.iscomplexobj(zpk.gain) or np.iscomplex(zpk.poles).any():
        return "tf", tf.num, tf.den
    return "sos", originals.signal.zpk2sos(zpk.zeros, zpk.poles, zpk.gain).astype(dtype)


# -- polynomials ----------------------------------------------------------------------------------


def savgol_filter(x, window_length, polyorder, deriv, delta, axis, mode, cval):
    """scipy.signal.savgol_filter, or None."""
    x = signal(x)
    if x is None or x.dtype.kind == "c" or mode not in (*SAVGOL_MODES, "interp"):
        return None
    axis = axis_of(axis, x.ndim)
    sizes = integer(window_length), integer(polyorder), integer(deriv)
    if axis is None or None in sizes or number(delta, np.dtype(float)) is None:
        return None
    if not 0 <= sizes[1] < sizes[0] or sizes[2] < 0 or (mode == "interp" and sizes[0] > x.shape[axis]):
        return None
    if number(cval, np.dtype(float)) is None:
        return None
    delta = float(delta)
    taps = designed("savgol_coeffs", sizes[0], sizes[1], deriv=sizes[2], delta=delta)
    out = arrays.new(x.shape, x.dtype if x.dtype == np.float32 else np.float64)
    kernels = [None] * x.ndim
    kernels[axis] = taps[::-1]
    shift = len(taps) % 2 - 1  # filters of even size, flipped
    separable.separable(x, kernels, ["constant" if mode == "interp" else mode] * x.ndim,
                        [cval] * x.ndim, [shift] * x.ndim, out)  # fmt: skip
    if mode == "interp":
        fit_edges(x, *sizes, delta, axis, out)
    return out


def fit_edges(x, taps, order, deriv, delta, axis, out):
    """Replace the ends of out by polynomials fitted to the first and last samples of x."""
    half = taps // 2
    if not half:
        return
    n = x.shape[axis]
    matrix = DESIGNS.get(("edges", taps, order, deriv), lambda: edge_matrix(taps, order, deriv))
    matrix = matrix.astype(out.dtype) / out.dtype.type(delta**deriv)
    ends = ((matrix[:half], 0, 0), (matrix[-half:], n - taps, n - half))
    for rows, start, to in ends:
        fitted = np.tensordot(rows, x[along(axis, start, start + taps)].astype(out.dtype), (1, axis))
        out[along(axis, to, to + half)] = np.moveaxis(fitted, 0, axis)


def edge_matrix(taps, order, deriv):
    """Maps samples to the deriv-th derivative of the polynomial fitted to them, at each of them.

    Fitted in Legendre polynomials over -1 .. 1, whose equations are well conditioned.
    """
    legendre = np.polynomial.legendre
    half = max((taps - 1) / 2, 0.5)
    t = (np.arange(taps) - (taps - 1) / 2) / half
    q, r = np.linalg.qr(legendre.legvander(t, order))
    unit = np.eye(order + 1)
    slopes = np.stack([legendre.legval(t, legendre.legder(u, deriv)) for u in unit], axis=1)
    return slopes @ np.linalg.solve(r, q.T) / half**deriv


def sepfir2d(x, rows, columns):
    """scipy.signal.sepfir2d, or None."""
    x, rows, columns = signal(x), vector(rows), vector(columns)
    if x is None or rows is None or columns is None or x.ndim != 2 or len(rows) % 2 + len(columns) % 2 < 2:
        return None
    dtype = native(np.result_type(x, np.float32))
    if dtype.char not in TYPES or not all(np.can_cast(h.dtype, dtype, "safe") for h in (rows, columns)):
        return None
    out = arrays.new(x.shape, dtype)
    if rows.dtype.kind == "c" or columns.dtype.kind == "c":
        for axis, h in ((1, rows), (0, columns)):
            x = engine.window(x, h[::-1], (axis,), (len(h) // 2,), ("reflect",), 0, dtype, out)
        return out
    separable.separable(x, [columns[::-1].astype(float), rows[::-1].astype(float)], ["reflect"] * 2,
                        [0.0] * 2, [0] * 2, out)  # fmt: skip
    return out
