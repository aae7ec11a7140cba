"""From a layer-style call to a plan and back: views, output array, one run.

``decide`` turns shapes, dtypes and keywords into a Decision (checked, planned, cached); ``execute``
applies it to arrays.  Function calls and user-held plans share both.
"""

from typing import NamedTuple

import numpy as np

from . import _args, _select
from ._core import arrays, calls
from ._plan import CALLS
from ._problem import Geometry, Problem


class Spec(NamedTuple):
    """The keywords of a layer-style call, as the user gave them."""

    rank: int
    stride: object = 1
    padding: object = 0
    dilation: object = 1
    groups: object = 1
    padding_mode: str = "zeros"
    flip: bool = False
    layout: str = "channels_first"
    activation: str | None = None
    output_padding: object = 0
    transposed: bool = False
    upsample: object = 1
    dtype: object = None
    casting: str = "same_kind"
    backend: str = "auto"
    workspace_limit: int | None = None
    accuracy: str = "default"

    def types(self):
        """Types of the numbers: 1.0 and True equal 1, but must not find what was cached for it."""
        return tuple(map(_type_of, (self.stride, self.padding, self.dilation, self.groups,
                                    self.output_padding, self.upsample)))  # fmt: skip


_CASTING, _BACKEND = map(Spec._fields.index, ("casting", "backend"))


class Decision(NamedTuple):
    """Everything about a call but its arrays."""

    plan: object
    dtype: np.dtype
    out_shape: tuple
    batched: bool
    channels_last: bool
    transposed: bool
    flip: bool
    straight: object = None  # the plan's, where the arrays of the call allow it

    def x_view(self, x):
        """The canonical (batch, groups, channels, *sizes) view of x."""
        if self.channels_last:
            x = x.transpose(self._channels_first(x.ndim))
        return arrays.view(x, self.plan.problem.geometry.x_shape)

    def out_view(self, out):
        """The canonical (batch, groups, filters, *outs) view of the result."""
        if self.channels_last:
            out = out.transpose(self._channels_first(out.ndim))
        return arrays.view(out, self.plan.problem.geometry.out_shape)

    def _channels_first(self, ndim):
        """The order of axes in which channels come before the spatial ones."""
        batched = ndim - self.rank - 1
        return (*range(batched), ndim - 1, *range(batched, ndim - 1))

    def w_view(self, w):
        """The canonical (groups, filters, channels, *kernels) view of the weights."""
        shape = self.plan.problem.geometry.w_shape
        if self.flip:
            w = w[(..., *(slice(None, None, -1),) * self.rank)]
        if self.transposed:
            return w.reshape(shape[0], shape[2], shape[1], *shape[3:]).swapaxes(1, 2)
        return arrays.view(w, shape)

    @property
    def geometry(self):
        return self.plan.problem.geometry

    @property
    def rank(self):
        return len(self.geometry.axes)


def decide(spec, x_shape, w_shape, bias_shape, dtypes, held=False):
    """Check everything that shapes, dtypes and keywords can tell, and plan it.

    ``dtypes``: of x, w and bias (None without one), as ``(name, dtype)`` operands; held: weights are prepared once for
    many calls.
    """
    geometry, batched = geometry_of(spec, x_shape, w_shape)
    if bias_shape is not None:
        wanted = geometry.groups[0] * geometry.filters[0]
        if bias_shape != (wanted,):
            raise ValueError(f"bias has shape {bias_shape}, wanted ({wanted},): one value per output "
                             "channel")  # fmt: skip
    wanted = _args.result_dtype(spec.dtype, spec.casting, **dtypes)
    activation = _args.check_activation(spec.activation, wanted)
    flip = _args.flag(spec.flip, "flip")
    shape = out_shape(geometry, batched, spec.layout)
    _args.check_size(shape, wanted)
    problem = Problem(geometry, wanted, activation, bias_shape is not None,
                      _args.limit(spec.workspace_limit),
                      channels_last=spec.layout == "channels_last",
                      accuracy=_args.choice(spec.accuracy, _args.ACCURACIES, "accuracy"), held=held)  # fmt: skip
    plan = _select.choose(problem, _args.check_backend(spec.backend))
    return Decision(plan, wanted, shape, batched, spec.layout == "channels_last", spec.transposed,
                    flip)  # fmt: skip


def out_shape(geometry, batched, layout):
    """Shape of a layer's result as the user sees it."""
    outs = tuple(a.out for a in geometry.axes)
    channels = (geometry.groups[0] * geometry.filters[0],)
    inner = outs + channels if layout == "channels_last" else channels + outs
    return geometry.batch + inner if batched else inner


def geometry_of(spec, x_shape, w_shape):
    """(Geometry, whether x has a batch axis)."""
    rank = spec.rank
    _args.choice(spec.layout, _args.LAYOUTS, "layout")
    if len(w_shape) != rank + 2:
        raise ValueError(f"w must have {rank + 2} axes (filters, channels, and {rank} of the kernel), "
                         f"found shape {w_shape}")  # fmt: skip
    if len(x_shape) not in (rank + 1, rank + 2):
        raise ValueError(f"x must have {rank + 2} axes, or {rank + 1} without a batch axis, found "
                         f"shape {x_shape}")  # fmt: skip
    batched = len(x_shape) == rank + 2
    n = x_shape[0] if batched else 1
    inner = x_shape[batched:]
    channels, sizes = (inner[-1], inner[:-1]) if spec.layout == "channels_last" else \
        (inner[0], inner[1:])  # fmt: skip
    groups = _args.integer(spec.groups, "groups", 1)
    if channels % groups:
        raise ValueError(f"groups={groups} does not divide the {channels} channels of x")
    if spec.transposed:
        if w_shape[0] != channels:
            raise ValueError(f"w has {w_shape[0]} input channels (shape {w_shape}), x has {channels}")
        filters = w_shape[1]
        axes = _args.transposed_axes(sizes, w_shape[2:], spec.stride, spec.padding,
                                     spec.output_padding, spec.dilation)  # fmt: skip
        _args.choice(spec.padding_mode, ("zeros",), "padding_mode")
    else:
        if w_shape[0] % groups:
            raise ValueError(f"groups={groups} does not divide the {w_shape[0]} filters of w")
        if w_shape[1] * groups != channels:
            raise ValueError(f"w has {w_shape[1]} channels a group (shape {w_shape}), wanted "
                             f"{channels // groups}: x has {channels} channels in {groups} groups")  # fmt: skip
        filters = w_shape[0] // groups
        mode = _args.PADDING_MODES[
            _args.choice(spec.padding_mode, tuple(_args.PADDING_MODES), "padding_mode")]
        upsample = _args.per_axis(spec.upsample, rank, "scale", 1)
        axes = _args.conv_axes(sizes, w_shape[2:], spec.stride, spec.padding, spec.dilation, mode,
                               upsample)  # fmt: skip
    geometry = Geometry((n,), (groups,), channels // groups, (filters,), axes, spec.transposed)
    return geometry, batched


def _decision(spec, x, w, bias):
    """The cached Decision for these arrays; unhashable keywords (lists) are decided each time."""
    def make():
        dtypes = {"x": x, "w": w, "bias": bias}
        return decide(spec, x.shape, w.shape, None if bias is None else bias.shape, dtypes)

    key = arrays.call_key(spec, x, w, bias)
    if key is None:
        key = (spec, spec.types(), x.shape, x.dtype, w.shape, w.dtype,
               None if bias is None else (bias.shape, bias.dtype))  # fmt: skip
        key = key if hashable(key) else None
    return CALLS.get(key, make)


def hashable(key):
    """True if the key can be looked up; lists among the keywords cannot."""
    try:
        hash(key)
    except TypeError:
        return False
    return True


def _type_of(value):
    return tuple(map(_type_of, value)) if type(value) is tuple else type(value)


def consult(spec, x, w, bias):
    """The Decision for these arrays; what cannot be computed is refused here."""
    d = _decision(spec, x, w, bias)
    _select.observe(d.plan, spec.backend)
    return d


def layer(keywords, x, w, bias, out):
    """Run one layer-style call; keywords: a Spec, or a tuple of what makes one."""
    emptied = CALLS.emptied
    d = calls.find(emptied, keywords, x, w, bias)
    if d is None:
        given = x, w, bias
        x, w = _args.as_array(x, "x"), _args.as_array(w, "w")
        if bias is not None:
            bias = _args.as_array(bias, "bias")
        d = _decision(Spec(*keywords), x, w, bias)
        if d.plan.straight and not d.flip and arrays.all_ready(given, d.dtype):
            d = d._replace(straight=d.plan.straight)
        calls.keep(emptied, keywords, *given, d)
    _select.observe(d.plan, keywords[_BACKEND])
    operands = x, w, bias
    if out is None:
        out, apart = arrays.new(d.out_shape, d.dtype), True  # its size was checked with the decision
    else:
        _args.check_out(out, d.out_shape, d.dtype, keywords[_CASTING])
        apart = arrays.all_ready((out,), d.dtype) and not arrays.overlaps(out, operands)
    if apart and d.straight is not None:
        d.straight(x, w, bias, out)
        return out
    weights = d.plan.prepare(d.w_view(w), bias)
    if not apart:
        return execute(d, x, weights, out, operands)
    d.plan.run(d.x_view(x), weights, d.out_view(out))
    return out


def execute(d, x, weights, out, operands):
    """Run a Decision into out, through a temporary where out overlaps an operand."""
    if _args.needs_temporary(out, d.dtype, operands):
        result = _args.allocate(d.out_shape, d.dtype)
        d.plan.run(d.x_view(x), weights, d.out_view(result))
        np.copyto(out, result, casting="unsafe")
    else:
        d.plan.run(d.x_view(x), weights, d.out_view(out))
    return out


__all__ = ["Decision", "Spec", "decide", "execute", "layer"]
