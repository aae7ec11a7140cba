"""convolve and correlate on arrays of any rank: broadcasting, any axes, borders of every kind.

The general path of the two functions; ``_core/small.pyx`` serves the plain small case before it.
"""

import math
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np

from .. import _args, _dtypes, _select
from .._core import arrays, small, small_line
from .._plan import CALLS
from .._problem import Axis, Geometry, Problem

MAX_AXES = 60  # NumPy's 64, less those that the canonical views add
MODES = ("full", "same", "valid")
BOUNDARIES = {"fill": "fill", "wrap": "circular", "symm": "symm", "reflect": "reflect",
              "nearest": "replicate"}  # fmt: skip


def normalize_axes(axes, ndim_a, ndim_v):
    """(axes to convolve over, common number of axes)."""
    ndim = max(ndim_a, ndim_v)
    if axes is None:
        if ndim_a != ndim_v:
            raise ValueError(f"a and v must have the same number of axes unless axes= is given, found "
                             f"{ndim_a} and {ndim_v}")  # fmt: skip
        return tuple(range(ndim)), ndim
    try:
        given = tuple(axes)
    except TypeError:
        given = (axes,)
    if not given:
        raise ValueError("axes must name at least one axis, found none")
    found = []
    for axis in given:
        i = _args.integer(axis, "axes")
        if not -ndim <= i < ndim:
            raise ValueError(f"axes: {i} is out of range for arrays of {ndim} axes")
        found.append(i % ndim)
    if len(set(found)) != len(found):
        raise ValueError(f"axes must be different, found {axes!r}")
    return tuple(sorted(found)), ndim


class Roles:
    """How the axes of a and v take part: which is batch, group, filter, and which is convolved.

    An axis that only the samples have is a batch axis; one that only the filter has makes a bank of
    filters; one that both have makes groups.
    """

    def __init__(self, x_shape, w_shape, axes):
        self.axes = axes
        self.batch, self.groups, self.filters = [], [], []
        for i, (n, m) in enumerate(zip(x_shape, w_shape, strict=True)):
            if i in axes:
                continue
            if n != m and 1 not in (n, m):
                raise ValueError(f"a and v do not broadcast along axis {i}: {n} and {m}")
            if m == 1:
                self.batch.append(i)
            elif n == 1:
                self.filters.append(i)
            else:
                self.groups.append(i)

        order = (*self.batch, *self.groups, *self.filters, *axes)
        self._order = None if order == tuple(range(len(order))) else order
        whole = (slice(None),)
        inner = len(self.batch) + len(self.groups)
        self._unfiltered = whole * inner + (0,) * len(self.filters) if self.filters else None
        self._x_hole = whole * inner + (None,)
        self._w_hole = whole * (len(self.groups) + len(self.filters)) + (None,)

    def x_view(self, x):
        """Canonical (batch, groups, 1, *sizes)."""
        x = self.out_view(x)
        return (x if self._unfiltered is None else x[self._unfiltered])[self._x_hole]

    def w_view(self, w):
        """Canonical (groups, filters, 1, *kernels)."""
        w = self.out_view(w)
        return (w[(0,) * len(self.batch)] if self.batch else w)[self._w_hole]

    def out_view(self, out):
        """Canonical (batch, groups, filters, *outs)."""
        return out if self._order is None else out.transpose(self._order)


def plan_axes(n, m, mode, boundary, swapped):
    """Axis of one convolved axis: samples n, taps m of the array in the filter's role.

    ``swapped``: the filter's role is played by a, so "same" is centred on m samples.
    """
    if mode == "valid":
        return Axis(n, m, n - m + 1)
    if mode == "full":
        start, out = 0, n + m - 1
    else:
        taps, out = (n, m) if swapped else (m, n)
        start = (taps - 1) // 2
    before = m - 1 - start
    return Axis(n, m, out, before=before, after=out - n - before + m - 1, mode=boundary)


def _decide(a_shape, v_shape, axes, mode, boundary, fill, dtype, backend, limit=None,
            may_swap=True):  # fmt: skip
    """(Roles, plan, result shape, swapped) for broadcast shapes.

    A plan that holds v ready does not swap the roles unless it must (``may_swap`` false)."""
    for name, shape in (("a", a_shape), ("v", v_shape)):
        for i in axes:
            if shape[i] < 1:
                raise ValueError(f"{name} must have at least one sample along axis {i}, found shape "
                                 f"{shape}")  # fmt: skip
    longer = [a_shape[i] >= v_shape[i] for i in axes]
    shorter = [a_shape[i] <= v_shape[i] for i in axes]
    if mode == "valid" and not all(longer) and not all(shorter):
        raise ValueError(f"mode='valid' needs one operand at least as large as the other along every "
                         f"axis, found {a_shape} and {v_shape}")  # fmt: skip
    if mode == "valid":
        swapped = not all(longer)
    else:
        # with zeros around, convolution commutes: the longer operand is read as samples
        swapped = (may_swap and boundary == "fill" and fill == 0 and
                   math.prod(v_shape[i] for i in axes) > math.prod(a_shape[i] for i in axes))  # fmt: skip
    x_shape, w_shape = (v_shape, a_shape) if swapped else (a_shape, v_shape)
    roles = Roles(x_shape, w_shape, axes)
    mode_name = "fill" if mode == "valid" else BOUNDARIES[boundary]
    spatial = tuple(plan_axes(x_shape[i], w_shape[i], mode, mode_name, swapped) for i in axes)
    geometry = Geometry(
        tuple(x_shape[i] for i in roles.batch), tuple(x_shape[i] for i in roles.groups), 1,
        tuple(w_shape[i] for i in roles.filters), spatial, fill=fill,
    )  # fmt: skip
    shape = [max(n, m) if 0 not in (n, m) else 0 for n, m in zip(a_shape, v_shape, strict=True)]
    for i, axis in zip(axes, spatial, strict=True):
        shape[i] = axis.out
    _args.check_size(shape, dtype)
    plan = _select.choose(Problem(geometry, dtype, workspace_limit=limit, held=not may_swap and not swapped), backend)
    return roles, plan, tuple(shape), swapped


def check_fill(fillvalue, dtype):
    """The fill value as a Python number that the dtype can hold."""
    try:
        value = np.asarray(fillvalue)
        if value.dtype.kind == "O" and isinstance(fillvalue, int) and dtype.kind not in "biu":
            value = np.asarray(float(fillvalue))  # beyond int64
    except OverflowError:
        raise ValueError(f"fillvalue={fillvalue} is too large for the result's dtype {dtype}") from None
    except ValueError:
        value = np.zeros(1)
    if value.ndim or value.dtype.kind not in "biufc":
        raise ValueError(f"fillvalue must be one number, found {fillvalue!r}")
    number = value.item()
    if dtype.kind != "c" and value.dtype.kind == "c" and number.imag:
        raise ValueError(f"fillvalue={number} is complex, the result is {dtype}")
    if dtype.kind in "biu":
        real = number.real
        limits = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        if real != real or abs(real) == math.inf or int(real) != real or not (
            limits[0] <= int(real) <= limits[1]
        ):
            raise ValueError(f"fillvalue={fillvalue} cannot be held by the result's dtype {dtype}")
        return int(real)
    with np.errstate(over="ignore"):
        held = np.asarray(number).astype(dtype)
    if np.isfinite(number) and not np.isfinite(held.astype(np.clongdouble)):
        raise ValueError(f"fillvalue={fillvalue} is too large for the result's dtype {dtype}")
    return number if dtype.kind == "c" else number.real


def spec_of(a, v, mode, axes, boundary, fillvalue, dtype, casting, backend):
    """All checks of a call that need shapes and dtypes only: (axes, ndim, dtype, fill)."""
    if not isinstance(mode, str):
        raise TypeError(f"mode must be a string, found {mode!r}")
    _args.choice(mode, MODES, "mode")
    _args.choice(boundary, tuple(BOUNDARIES), "boundary")
    _args.check_backend(backend)
    wanted = _args.result_dtype(dtype, casting, a=a, v=v)
    found, ndim = normalize_axes(axes, a.ndim, v.ndim)
    return found, ndim, wanted, check_fill(fillvalue, wanted)


class _Call(NamedTuple):
    """Everything about a call but its arrays; no axes: a product of two numbers."""

    axes: tuple
    dtype: np.dtype
    x_shape: tuple  # of a and v with as many axes as the result
    w_shape: tuple
    roles: Roles | None = None
    plan: object = None
    shape: tuple = ()
    swapped: bool = False


def _consider(a, v, mode, axes, boundary, fillvalue, dtype, casting, backend):
    """The _Call for these arrays and keywords, checked."""
    if max(a.ndim, v.ndim) > MAX_AXES:
        raise ValueError(f"a and v may have at most {MAX_AXES} axes, found {a.ndim} and {v.ndim}")
    found, ndim, wanted, fill = spec_of(a, v, mode, axes, boundary, fillvalue, dtype, casting,
                                        backend)  # fmt: skip
    shapes = ((1,) * (ndim - a.ndim) + a.shape, (1,) * (ndim - v.ndim) + v.shape)
    if not found:
        return _Call(found, wanted, *shapes)
    return _Call(found, wanted, *shapes, *_decide(*shapes, found, mode, boundary, fill, wanted, backend))


def _call(a, v, *keywords):
    """_consider, from the cache where the keywords can be looked up."""
    key = arrays.call_key(keywords, a, v, None)
    return CALLS.get(key, lambda: _consider(a, v, *keywords))


def general(flip, a, v, mode="full", *, axes=None, boundary="fill", fillvalue=0, out=None,
            dtype=None, casting="same_kind", backend="auto"):  # fmt: skip
    """convolve (flip) or correlate (not flip) for every input."""
    a, v = _args.as_array(a, "a"), _args.as_array(v, "v")
    call = _call(a, v, mode, axes, boundary, fillvalue, dtype, casting, backend)
    x, w = arrays.view(a, call.x_shape), arrays.view(v, call.w_shape)
    if not flip and w.dtype.kind == "c":
        w = np.conj(w)
    roles, plan = call.roles, call.plan
    if roles is None:
        return _scalars(a, w, out, call.dtype, casting)
    _select.observe(plan, backend)
    _args.check_out(out, call.shape, call.dtype, casting)
    if call.swapped:
        x, w = (w if flip else _reversed(w, call.axes)), _reversed(x, call.axes)
    elif flip:  # correlation does not flip, layers do not either
        w = _reversed(w, call.axes)
    result = out
    if out is None or _args.needs_temporary(out, call.dtype, (a, v)):
        order = "F" if a.flags.f_contiguous and not a.flags.c_contiguous else "C"
        result = arrays.new(call.shape, call.dtype, order)
    weights = plan.prepare(roles.w_view(w), None)
    plan.run(roles.x_view(x), weights, roles.out_view(result))
    if out is not None and result is not out:
        np.copyto(out, result, casting="unsafe")
        return out
    return result


def _reversed(array, axes):
    return array[_reversal(array.ndim, axes)]


@lru_cache(maxsize=64)
def _reversal(ndim, axes):
    return tuple(slice(None, None, -1) if i in axes else slice(None) for i in range(ndim))


def _scalars(a, v, out, dtype, casting):
    """Two numbers: their product."""
    _args.check_out(out, (), dtype, casting)
    with np.errstate(all="ignore"):
        product = np.multiply(a.astype(dtype, copy=False), v.astype(dtype, copy=False))
    if out is None:
        return product
    out[...] = product
    return out


def _small_types():
    """The types that the small path knows, by NumPy's numbers (small_line.set_types), and what pairs have in common."""
    ways = {"f4": 0, "f8": 1, "c8": 2, "c16": 3, "b1": 4, "f2": 9}
    served = [np.dtype(c) for c in "?bBhHiIlLqQefdFD"]
    table = {t.num: (ways.get(t.str[1:], FIRST_INTEGER + t.itemsize.bit_length()), _dtypes.describe(t).memory)
             for t in served}  # fmt: skip
    pairs = {(a.num, b.num): np.result_type(a, b).num for a in served for b in served
             if a == b or "c" not in a.kind + b.kind}  # fmt: skip
    return table, {pair: found for pair, found in pairs.items() if found in table}


FIRST_INTEGER = 4  # the way of those of one byte, less one
small_line.set_types(*_small_types())
small.set_bypass(_select.verbose())  # the small path chooses, and so says, nothing
small.set_general(partial(general, True), partial(general, False))
convolve, correlate = small.convolve, small.correlate

__all__ = ["convolve", "correlate", "general"]
