"""scipy.ndimage's filters along one axis, and what several of them in a row have in common.

Every pass stores its result in the dtype of the output, as SciPy's do.
"""

import math
from functools import lru_cache

import numpy as np

from .._core import arrays, separable
from . import engine, outputs, windows
from .arguments import axis_of, integer, number, plain


def image(x):
    """x as an array that scipy.ndimage filters, or None."""
    x = plain(x)
    return x if x is not None and x.ndim and x.size and outputs.usable(x) else None


def per_axis(value, count):
    """value for each axis, as SciPy distributes it, or None."""
    if isinstance(value, str) or not isinstance(value, (tuple, list, np.ndarray)):
        return (value,) * count
    values = tuple(value)
    return values if len(values) == count else None


def modes_of(mode, count):
    """A known border rule for each axis, or None."""
    if type(mode) is str:
        return (mode,) * count if mode in engine.MODES else None
    modes = per_axis(mode, count)
    known = modes is not None and all(isinstance(m, str) and m in engine.MODES for m in modes)
    return tuple(str(m) for m in modes) if known else None


def fillable(cval, out):
    """True if cval can lie around the samples of out."""
    return number(cval, np.dtype(np.complex128 if out.dtype.kind == "c" else np.float64)) is not None


def passes(x, steps, cval, output):
    """Apply (axis, weights, before, mode) one after the other, or None; the last argument as SciPy's."""
    out = outputs.allocate(output, x, x.dtype.kind == "c")
    if out is None or not fillable(cval, out):
        return None
    held = outputs.numbers(out)
    if held.dtype.kind in "iu" and held.dtype.itemsize == 8 and x.dtype.kind in "iub" and _loses_bits(x, steps, cval, held):
        for axis, w, before, mode in steps:  # modulo 2**64
            dtype, w, fill = windows.compute_in(x, w, cval, held.dtype)
            x = engine.window(x, w, (axis,), (before,), (mode,), fill, dtype, held)
        return outputs.finish(held, out)
    single = x.dtype.char in "fF" and held.dtype.char in "fF"
    for group in in_order(steps, held.dtype, cval):
        kernels, modes, origins = [None] * x.ndim, ["reflect"] * x.ndim, [0] * x.ndim
        for axis, w, before, mode in group:
            w = in_single(w) if single else w
            kernels[axis], modes[axis], origins[axis] = w, mode, before - len(w) // 2
        separable.separable(x, kernels, modes, [cval] * x.ndim, origins, held)
        x = held
    return outputs.finish(held, out)


def _loses_bits(x, steps, cval, held):
    """Whether float64 would lose bits of sums of integers by whole weights, in results of 64 bits."""
    if any(windows.whole_weights(w) is None for _, w, _, _ in steps):
        return False
    if held.dtype.kind == "u" and len(steps) > 1 and any((w < 0).any() for _, w, _, _ in steps):
        return True  # what is negative between two passes is nearly 2**64
    return not separable.sums_are_exact(x, math.prod(max(1.0, abs(w).sum()) for _, w, _, _ in steps), cval)


def in_single(w):
    """w in numbers of float32 whose sum is that of w: rounded one by one they would raise or lower the mean."""
    return _in_single(w.tobytes())


@lru_cache(maxsize=256)
def _in_single(numbers):
    w = np.frombuffer(numbers)
    rounded = w.astype(np.float32).astype(np.float64)
    largest = np.abs(rounded).argmax()
    rounded[largest] = np.float32(rounded[largest] + (w.sum() - rounded.sum()))
    rounded.flags.writeable = False
    return rounded


def in_order(steps, dtype, cval):
    """Groups of steps that one call may do, first axis first.

    The order shows where fractions are cut off, and where the border has a value of its own."""
    if dtype.kind in "fc" and not (cval and any(step[-1].endswith("constant") for step in steps)):
        return [steps]
    groups = [[steps[0]]]
    for step in steps[1:]:
        if step[0] > groups[-1][-1][0]:
            groups[-1].append(step)
        else:
            groups.append([step])
    return groups


def usual(x, axis, output, mode, cval):
    """True for what nearly every call along one axis asks for: a new array or one like x, arguments of plain types."""
    return (type(x) is np.ndarray and (output is None or outputs.like(output, x)) and type(mode) is str and type(axis) is int
            and type(cval) is float and x.dtype in separable.USUAL and x.size > 0
            and (cval == 0.0 or x.dtype.kind != "c") and -x.ndim <= axis < x.ndim <= 16 and mode in engine.MODES)  # fmt: skip


def one_axis(x, w, axis, output, mode, cval, before, means):
    """A filter along one axis in the usual case."""
    out = arrays.new(x.shape, x.dtype) if output is None else output
    separable.one_axis(x, w, axis % x.ndim, mode, cval, before - w.size // 2, means, out)
    return out


def correlate1d(x, w, axis, output, mode, cval, origin, *, flip):
    """correlate1d (flip false) or convolve1d of scipy.ndimage, or None."""
    if usual(x, axis, output, mode, cval) and type(origin) is int and type(w) in (list, np.ndarray):
        weights = np.asarray(w)
        if weights.ndim == 1 and weights.dtype.kind in "fiu" and weights.size:
            before = windows.befores(weights.shape, (origin,), flip)
            if before is not None:
                weights = np.ascontiguousarray(weights[::-1] if flip else weights, np.float64)
                weights = in_single(weights) if x.dtype.char in "fF" else weights
                if x.dtype.char not in "lLqQ" or separable.sums_are_exact(x, abs(weights).sum(), cval):
                    return one_axis(x, weights, axis, output, mode, cval, before[0], False)
    x, w, origin = image(x), plain(w), integer(origin)
    if x is None or w is None or w.ndim != 1 or not w.size or origin is None or not outputs.usable(w):
        return None
    axis = axis_of(axis, x.ndim)
    modes = modes_of(mode, 1) if isinstance(mode, str) else None
    if axis is None or modes is None:
        return None
    w = w[::-1] if flip else w
    before = windows.befores(w.shape, (origin,), flip)
    if before is None:
        return None
    if w.dtype.kind == "c":
        return windows.run(x, w, (axis,), before, modes, cval, output, flip)
    return passes(x, [(axis, w.astype(np.float64, copy=False), *before, mode)], cval, output)
