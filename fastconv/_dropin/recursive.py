"""scipy.signal's filters with state: lfilter, sosfilt, forward and backward filtering, deconvolve."""

import numpy as np

from .._core import arrays, filters
from .._plan import Cache
from ..functions.signal_style import convolve as _convolve
from . import engine, originals
from .arguments import axis_of, integer, native, plain

TYPES = "fdFD"  # what the compiled filters compute with
STEADY = Cache(64)  # coefficients -> the state of a step that has settled


def vector(obj):
    """obj as a vector of coefficients, or None."""
    obj = plain(obj)
    if obj is None or obj.ndim > 1 or not obj.size:
        return None
    return obj.reshape(-1)


def signal(obj):
    """obj as samples, or None."""
    obj = plain(obj)
    return obj if obj is not None and obj.ndim and obj.size else None


def common(*arrays):
    """Their common dtype if the compiled filters have it, or None."""
    dtype = native(np.result_type(*arrays))
    return dtype if dtype.char in TYPES else None


def coefficients(array, dtype):
    """Coefficients for samples of dtype: real ones stay real."""
    if dtype.kind == "c" and array.dtype.kind != "c":
        dtype = np.dtype(np.float32 if dtype.char == "F" else np.float64)
    return np.ascontiguousarray(array, dtype)


# -- one section ----------------------------------------------------------------------------------


def lfilter(b, a, x, axis, zi):
    """scipy.signal.lfilter, or None: (result, final state or None)."""
    b, a, x = vector(b), vector(a), signal(x)
    if b is None or a is None or x is None or a[0] == 0:
        return None
    axis = axis_of(axis, x.ndim)
    inputs = [b, a, x]
    if axis is None:
        return None
    if zi is not None:
        zi = expanded(plain(zi), x.shape, axis, max(len(a), len(b)) - 1)
        if zi is None:
            return None
        inputs.append(zi)
    dtype = common(*inputs)
    if dtype is None:
        return None
    if zi is not None:
        zi = zi.astype(dtype, copy=False)
    if len(a) == 1:
        return fir(b.astype(dtype) / a.astype(dtype)[0], x, axis, dtype, zi)
    return filters.lfilter(coefficients(b, dtype), coefficients(a, dtype), x.astype(dtype, copy=False),
                           zi, axis)  # fmt: skip


def expanded(zi, shape, axis, order):
    """zi with axes of length 1 spread over the samples, as SciPy does it, or None."""
    if zi is None or zi.ndim != len(shape) or zi.dtype.kind not in "biufc":
        return None
    wanted = (*shape[:axis], order, *shape[axis + 1 :])
    if zi.shape == wanted:
        return zi
    if zi.shape[axis] != order:
        return None
    try:
        return np.broadcast_to(zi, wanted)
    except ValueError:
        return None


def fir(b, x, axis, dtype, zi):
    """A filter without feedback: (result, final state or None)."""
    m, n = len(b), x.shape[axis]
    out = arrays.new(x.shape, dtype)
    engine.window(x, b[::-1], (axis,), (m - 1,), ("constant",), 0, dtype, out)
    if zi is None:
        return out, None
    start = along(axis, 0, min(n, m - 1))
    out[start] += zi[along(axis, 0, min(n, m - 1))]
    last = x[along(axis, max(0, n - m + 1), n)].astype(dtype, copy=False)
    taps = b.astype(dtype, copy=False).reshape((-1,) + (1,) * (x.ndim - axis - 1))
    if m == 1:
        return out, zi.copy()
    after = _convolve(last, taps, "full", axes=axis)[along(axis, last.shape[axis], None)]
    after = np.array(after)
    if n < m - 1:
        after[along(axis, 0, m - 1 - n)] += zi[along(axis, n, None)]
    return out, after


def along(axis, start, stop, step=None):
    """An index that cuts one axis."""
    return (slice(None),) * axis + (slice(start, stop, step),)


def deconvolve(signal_, divisor):
    """scipy.signal.deconvolve, or None: (quotient, remainder).

    The quotient is the response of the filter with feedback only to the first samples."""
    b, a = plain(signal_), plain(divisor)
    if b is None or a is None or b.ndim > 1 or a.ndim > 1 or not b.size or not a.size:
        return None
    b, a = b.reshape(-1), a.reshape(-1)
    dtype = common(b, a, np.float64)
    if dtype is None or len(a) > len(b) or a[0] == 0:
        return None
    start = b[: len(b) - len(a) + 1].astype(dtype)
    quotient, _ = lfilter(np.ones(1), a, start, 0, None)
    return quotient, b - _convolve(a, quotient)


# -- sections in a row ----------------------------------------------------------------------------


def sections(sos):
    """Second-order sections as SciPy wants them, or None."""
    sos = plain(sos)
    if sos is None or sos.ndim != 2 or not len(sos) or sos.shape[1] != 6 or not (sos[:, 3] == 1).all():
        return None
    return sos


def sosfilt(sos, x, axis, zi):
    """scipy.signal.sosfilt, or None: (result, final state or None)."""
    sos, x = sections(sos), signal(x)
    axis = axis_of(axis, x.ndim) if sos is not None and x is not None else None
    if axis is None:
        return None
    inputs = [sos, x]
    if zi is not None:
        zi = plain(zi)
        if zi is None or zi.shape != (len(sos), *x.shape[:axis], 2, *x.shape[axis + 1 :]):
            return None
        inputs.append(zi)
    dtype = common(*inputs)
    if dtype is None:
        return None
    zi = None if zi is None else zi.astype(dtype, copy=False)
    return filters.sosfilt(coefficients(sos, dtype), x.astype(dtype, copy=False), zi, axis)


# -- forward and backward -------------------------------------------------------------------------


def extended(x, axis, padtype, padlen, taps):
    """(samples added at each end, x with them), or None."""
    if padtype not in ("even", "odd", "constant", None):
        return None
    edge = 0 if padtype is None else 3 * taps if padlen is None else integer(padlen)
    if edge is None or edge < 0 or x.shape[axis] <= edge:
        return None
    if padtype is None or edge == 0:
        return edge, x
    first, last = x[along(axis, 0, 1)], x[along(axis, -1, None)]
    if padtype == "constant":
        shape = (*x.shape[:axis], edge, *x.shape[axis + 1 :])
        before, after = np.broadcast_to(first, shape), np.broadcast_to(last, shape)
    else:
        before, after = x[along(axis, edge, 0, -1)], x[along(axis, -2, -edge - 2, -1)]
        if padtype == "odd":
            before, after = 2 * first - before, 2 * last - after
    return edge, np.concatenate((before, x, after), axis=axis)


def both_ways(run, steady, x, axis, edge):
    """Filter forward and backward, each beginning as if it had always been at its first sample."""
    y = run(x, steady * x[along(axis, 0, 1)])
    y = y[along(axis, None, None, -1)]
    y = run(y, steady * y[along(axis, 0, 1)])
    y = y[along(axis, None, None, -1)]
    return y[along(axis, edge, -edge)] if edge else y


def filtfilt(b, a, x, axis, padtype, padlen, method):
    """scipy.signal.filtfilt, or None."""
    b, a, x = vector(b), vector(a), signal(x)
    if b is None or a is None or x is None or method != "pad" or a[0] == 0:
        return None
    axis = axis_of(axis, x.ndim)
    if axis is None or common(b, a, x) is None:
        return None
    found = extended(x, axis, padtype, padlen, max(len(a), len(b)))
    if found is None:
        return None
    edge, x = found
    key = ("lfilter", b.tobytes(), b.dtype, a.tobytes(), a.dtype)
    steady = STEADY.get(key, lambda: originals.signal.lfilter_zi(b, a))
    if common(b, a, x, steady) is None:
        return None
    steady = steady.reshape((1,) * axis + (-1,) + (1,) * (x.ndim - axis - 1))

    def run(samples, zi):
        return lfilter(b, a, samples, axis, zi)[0]

    return both_ways(run, steady, x, axis, edge)


def sosfiltfilt(sos, x, axis, padtype, padlen):
    """scipy.signal.sosfiltfilt, or None."""
    sos, x = sections(sos), signal(x)
    axis = axis_of(axis, x.ndim) if sos is not None and x is not None else None
    if axis is None or common(sos, x) is None:
        return None
    taps = 2 * len(sos) + 1 - min((sos[:, 2] == 0).sum(), (sos[:, 5] == 0).sum())
    found = extended(x, axis, padtype, padlen, int(taps))
    if found is None:
        return None
    edge, x = found
    key = ("sosfilt", sos.tobytes(), sos.shape, sos.dtype)
    steady = STEADY.get(key, lambda: originals.signal.sosfilt_zi(sos))
    steady = steady.reshape((len(sos),) + (1,) * axis + (2,) + (1,) * (x.ndim - axis - 1))

    def run(samples, zi):
        return sosfilt(sos, samples, axis, zi)[0]

    return both_ways(run, steady, x, axis, edge)
