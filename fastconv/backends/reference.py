"""backend="reference": readable NumPy for everything; the oracle, and the last resort."""

import math

import numpy as np

from .. import _costs, _reference
from ._deform import ReferenceDeformPlan
from .base import Plan, Verdict

name = "reference"


def supports(problem):
    """Everything but a workspace limit."""
    if problem.workspace_limit is not None:
        return Verdict(False, "its NumPy temporaries are not bounded by workspace_limit")
    return Verdict(True, "computes everything, slowly")


def cost(problem):
    """Seconds: NumPy passes over the data, one per tap and channel."""
    return _costs.REFERENCE_CALL + problem.geometry.macs / _costs.REFERENCE_RATE


def _max_pool(problem, x):
    g = problem.geometry
    rows = math.prod(g.batch) * math.prod(g.groups)
    y = _reference.max_pool(
        x.reshape(rows, *(a.size for a in g.axes)).astype(problem.compute, copy=False),
        kernel=tuple(a.kernel for a in g.axes), stride=tuple(a.stride for a in g.axes),
        padding=tuple((a.before, a.after) for a in g.axes),
        dilation=tuple(a.dilation for a in g.axes), output_shape=tuple(a.out for a in g.axes),
    )  # fmt: skip
    return y.reshape(g.out_shape)


def compute(problem, x, w, bias):
    """The result of a problem in its compute dtype, canonical shape."""
    g = problem.geometry
    if problem.kind == "max_pool":
        return _max_pool(problem, x)
    n, groups, filters = (math.prod(s) for s in (g.batch, g.groups, g.filters))
    sizes, kernels = [a.size for a in g.axes], [a.kernel for a in g.axes]
    x = x.reshape(n, groups, g.channels, *sizes).astype(problem.compute, copy=False)
    w = w.reshape(groups, filters, g.channels, *kernels).astype(problem.compute, copy=False)
    stride, dilation = (tuple(getattr(a, f) for a in g.axes) for f in ("stride", "dilation"))
    padding = tuple((a.before, a.after) for a in g.axes)
    outs = tuple(a.out for a in g.axes)
    if g.transposed:
        y = _reference.conv_transpose(x, w, stride=stride, dilation=dilation, padding=padding,
                                      output_shape=outs)  # fmt: skip
    else:
        modes = {a.mode for a in g.axes} or {"fill"}
        if len(modes) > 1:
            raise ValueError(f"one padding mode for all axes is wanted, found {sorted(modes)}")
        y = _reference.conv(x, w, stride=stride, dilation=dilation, padding=padding,
                            mode=modes.pop(), fill=g.fill,
                            upsample=tuple(a.upsample for a in g.axes),
                            output_shape=outs)  # fmt: skip
    if bias is not None:
        bias = bias.reshape(1, groups, filters, *(1,) * len(g.axes))
        y = np.logical_or(y, bias) if y.dtype == bool else y + bias
    return _reference.activate(y, problem.activation).reshape(g.out_shape)


class ReferencePlan(Plan):
    """No preparation at all."""

    backend = name

    def run(self, x, weights, out):
        with np.errstate(all="ignore"):
            y = compute(self.problem, x, weights and weights.w, weights and weights.bias)
            np.copyto(out, y, casting="unsafe")


def plan(problem):
    """A plan that calls ``_reference``."""
    return ReferenceDeformPlan(problem) if problem.kind == "deform" else ReferencePlan(problem)
