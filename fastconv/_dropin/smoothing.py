"""scipy.ndimage's separable filters: Gaussians, differences, running means."""

import math
import numbers
from functools import lru_cache

import numpy as np
from numpy.polynomial import polynomial as poly

from .._core import arrays, separable, small_window
from . import outputs, windows
from .arguments import axes_of, axis_of, integer, number
from .lines import (
    correlate1d,
    fillable,
    image,
    in_order,
    modes_of,
    one_axis,
    passes,
    per_axis,
    usual,
)

DIFFERENCE = np.array([-1.0, 0.0, 1.0])
SHORT_ROWS = 16  # numbers of a row to which axis by axis is the better way
SECOND_DIFFERENCE = np.array([1.0, -2.0, 1.0])
SMOOTH = {"sobel": np.array([1.0, 2.0, 1.0]), "prewitt": np.ones(3)}


# -- Gaussians ------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def gaussian_taps(sigma, order, radius):
    """The order-th derivative of a Gaussian whose samples sum to 1, at -radius .. radius, reversed.

    ``g' = -x / sigma**2 * g``: the derivatives of g are polynomials times g.
    """
    x = np.arange(-radius, radius + 1)
    taps = np.exp(-0.5 / (sigma * sigma) * x**2)
    taps /= taps.sum()
    if order:
        slope, factor = 1.0 / -(sigma * sigma), [1.0]
        for _ in range(order):
            factor = poly.polyadd(poly.polyder(factor), slope * poly.polymulx(factor))
        taps = np.vander(x, order + 1, increasing=True).dot(factor) * taps
    taps = taps[::-1].copy()
    taps.flags.writeable = False
    return taps


def is_real(value):
    """isinstance(value, numbers.Real), which is slow, after a look at the usual types."""
    return type(value) is float or type(value) is int or isinstance(value, numbers.Real)


def gaussian_step(axis, sigma, order, mode, truncate, radius):
    """The pass along one axis, or None."""
    order = integer(order)
    if order is None or order < 0 or not is_real(sigma):
        return None
    sigma = float(sigma)
    if radius is None:
        if not is_real(truncate) or not math.isfinite(truncate * sigma):
            return None
        radius = int(truncate * sigma + 0.5)
    radius = integer(radius)
    if radius is None or radius < 0 or not sigma * sigma > 0:
        return None
    return axis, gaussian_taps(sigma, order, radius), radius, mode


def gaussian_filter1d(x, sigma, axis, order, output, mode, cval, truncate, radius):
    """scipy.ndimage.gaussian_filter1d, or None."""
    x = image(x)
    modes = modes_of(mode, 1) if isinstance(mode, str) else None
    axis = axis_of(axis, x.ndim) if x is not None else None
    if axis is None or modes is None:
        return None
    step = gaussian_step(axis, sigma, order, mode, truncate, radius)
    return None if step is None else passes(x, [step], cval, output)


def gaussian_filter(x, sigma, order, output, mode, cval, truncate, radius, axes):
    """scipy.ndimage.gaussian_filter, or None."""
    x = image(x)
    axes = axes_of(axes, x.ndim) if x is not None else None
    if not axes:
        return None
    steps = gaussian_steps(axes, sigma, order, mode, truncate, radius)
    return passes(x, steps, cval, output) if steps else None


def gaussian_steps(axes, sigma, order, mode, truncate, radius):
    """The passes of a Gaussian over axes, or None."""
    count = len(axes)
    modes, sigmas = modes_of(mode, count), per_axis(sigma, count)
    orders, radii = per_axis(order, count), per_axis(radius, count)
    if None in (modes, sigmas, orders, radii):
        return None
    if not all(map(is_real, sigmas)):
        return None
    steps = [
        gaussian_step(axis, s, o, m, truncate, r)
        for axis, s, o, m, r in zip(axes, sigmas, orders, modes, radii, strict=True)
        if s > 1e-15
    ]
    return None if None in steps else steps


def gaussian_derivatives(x, sigma, output, mode, cval, axes, order, keywords):
    """The Gaussian derivative of that order along each axis in turn, or None: (out, generator).

    The first is written to out, the others are new arrays of its dtype.
    """
    x = image(x)
    axes = axes_of(axes, x.ndim) if x is not None else None
    if not axes or not keywords.keys() <= {"truncate", "radius"}:
        return None
    modes, sigmas = modes_of(mode, len(axes)), per_axis(sigma, len(axes))
    truncate, radius = keywords.get("truncate", 4.0), keywords.get("radius")
    if modes is None or sigmas is None or per_axis(radius, len(axes)) is None:
        return None
    each = []
    for i, m in enumerate(modes):
        orders = [order if j == i else 0 for j in range(len(axes))]
        each.append(gaussian_steps(axes, sigmas, orders, m, truncate, radius))
    out = outputs.allocate(output, x, x.dtype.kind == "c") if all(each) else None
    if out is None or number(cval, np.dtype(np.float64)) is None:
        return None
    if np.may_share_memory(x, out):
        x = x.copy()
    return out, (passes(x, steps, cval, out if i == 0 else out.dtype)
                 for i, steps in enumerate(each))  # fmt: skip


def gaussian_laplace(x, sigma, output, mode, cval, axes, keywords):
    """scipy.ndimage.gaussian_laplace, or None."""
    found = gaussian_derivatives(x, sigma, output, mode, cval, axes, 2, keywords)
    if found is None:
        return None
    out, terms = found
    next(terms)
    for term in terms:
        out += term
    return out


def gaussian_gradient_magnitude(x, sigma, output, mode, cval, axes, keywords):
    """scipy.ndimage.gaussian_gradient_magnitude, or None."""
    if axes is not None:  # SciPy's versions differ in what is smoothed along the other axes
        return None
    found = gaussian_derivatives(x, sigma, output, mode, cval, axes, 1, keywords)
    if found is None:
        return None
    out, terms = found
    next(terms)
    np.multiply(out, out, out)
    for term in terms:
        np.multiply(term, term, term)
        out += term
    return np.sqrt(out, out, casting="unsafe")


# -- differences ----------------------------------------------------------------------------------


def edges(name, x, axis, output, mode, cval):
    """scipy.ndimage.sobel or prewitt, or None."""
    x = image(x)
    axis = axis_of(axis, x.ndim) if x is not None else None
    modes = modes_of(mode, x.ndim) if axis is not None else None
    if modes is None:
        return None
    steps = [(axis, DIFFERENCE, 1, modes[axis])]
    steps += [(i, SMOOTH[name], 1, modes[i]) for i in range(x.ndim) if i != axis]
    return passes(x, steps, cval, output)


def laplace(x, output, mode, cval, axes):
    """scipy.ndimage.laplace, or None: the second differences of all axes as one window."""
    if axes is None:
        if usual(x, 0, output, mode, cval) and x.ndim == 1:
            return correlate1d(x, SECOND_DIFFERENCE, 0, output, mode, cval, 0, flip=False)
        found = small_window.laplace(x, output, mode, cval)
        if found is not None:
            return found
    x = image(x)
    axes = axes_of(axes, x.ndim) if x is not None else None
    modes = modes_of(mode, len(axes)) if axes else None
    if modes is None:
        return None
    wanted = outputs.dtype_of(output, x)
    if wanted is None or (wanted.kind in "iub" and x.dtype.kind == "f"):  # cut off axis by axis
        return None
    axes, modes = zip(*sorted(zip(axes, modes, strict=True)), strict=True)
    if x.shape[-1] <= SHORT_ROWS < x.size and wanted.kind != "b":  # windows are made of vectors along rows
        if isinstance(output, np.ndarray) and arrays.overlaps(output, (x,)):
            x = x.copy()
        total = None
        for axis, mode in zip(axes, modes, strict=True):
            found = passes(x, [(axis, SECOND_DIFFERENCE, 1, mode)], cval, output if total is None else np.empty_like(total))
            if found is None:
                return None
            total = found if total is None else np.add(total, found, total)
        return total
    return windows.run(x, _cross(len(axes)), axes, (1,) * len(axes), modes, cval, output, flip=True)


@lru_cache(maxsize=8)
def _cross(rank):
    window = np.zeros((3,) * rank)
    for i in range(rank):
        line = tuple(slice(None) if j == i else 1 for j in range(rank))
        window[line] += SECOND_DIFFERENCE
    window.flags.writeable = False
    return window


# -- running means --------------------------------------------------------------------------------


def uniform_filter1d(x, size, axis, output, mode, cval, origin):
    """scipy.ndimage.uniform_filter1d, or None."""
    if usual(x, axis, output, mode, cval) and type(size) is int and type(origin) is int:
        if size >= 1 and 0 <= size // 2 + origin < size:
            return one_axis(x, np.ones(size), axis, output, mode, cval, size // 2 + origin, True)
    x = image(x)
    axis = axis_of(axis, x.ndim) if x is not None else None
    if axis is None or not isinstance(mode, str):
        return None
    return means(x, (axis,), (size,), mode, origin, cval, output)


def uniform_filter(x, size, output, mode, cval, origin, axes):
    """scipy.ndimage.uniform_filter, or None."""
    if axes is None and usual(x, 0, output, mode, cval) and type(size) is int and type(origin) is int:
        if size > 1 and 0 <= size // 2 + origin < size:
            n, out = x.ndim, arrays.new(x.shape, x.dtype) if output is None else output
            separable.box(x, [size] * n, [mode] * n, [cval] * n, [origin] * n, out)
            return out
    x = image(x)
    axes = axes_of(axes, x.ndim) if x is not None else None
    sizes = per_axis(size, len(axes)) if axes else None
    if sizes is None:
        return None
    return means(x, axes, sizes, mode, origin, cval, output, skip_ones=True)


def means(x, axes, sizes, mode, origin, cval, output, skip_ones=False):
    """Running means along axes, or None."""
    modes, origins = modes_of(mode, len(axes)), per_axis(origin, len(axes))
    if modes is None or origins is None:
        return None
    steps = []
    for axis, size, shift, m in zip(axes, sizes, origins, modes, strict=True):
        size, shift = integer(size), integer(shift)
        if size is None or shift is None or size < 1:
            return None
        if skip_ones and size == 1:
            continue
        if not 0 <= size // 2 + shift < size:
            return None
        steps.append((axis, size, size // 2 + shift, m))
    out = outputs.allocate(output, x, x.dtype.kind == "c") if steps else None
    if out is None or not fillable(cval, out):
        return None
    held = outputs.numbers(out)
    for group in in_order(steps, held.dtype, cval):
        sizes, modes, origins = [1] * x.ndim, ["reflect"] * x.ndim, [0] * x.ndim
        for axis, size, before, m in group:
            sizes[axis], modes[axis], origins[axis] = size, m, before - size // 2
        separable.box(x, sizes, modes, [cval] * x.ndim, origins, held)
        x = held
    return outputs.finish(held, out)
