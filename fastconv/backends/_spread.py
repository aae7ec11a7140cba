"""Transposed layers whose windows do not overlap, as 1x1 convolutions to more filters.

With as many taps as the stride, every result has one tap: out[k, i * s + t] = sum over c of x[c, i] * w[c, k, t].
(k, t) are the filters of a 1x1 convolution, a plain matrix product, whose results alternate along the rows of the
result: backend "implicit" weaves them on the way out.  U-Net's 2x2 layers of stride 2 are of this kind.
"""

import math
from dataclasses import replace

import numpy as np

from .base import Plan


def fits(problem):
    """Whether it is such a layer, of planes apart, for a result that nothing is cut from or added to."""
    g = problem.geometry
    return (
        g.transposed and not problem.channels_last and bool(g.axes) and g.axes[-1].stride in (2, 4)
        and len(g.filters) == 1
        and all(a.kernel == a.stride and a.dilation == 1 and a.before == 0 and a.out == a.size * a.stride
                for a in g.axes)
    )  # fmt: skip


class SpreadPlan(Plan):
    """Runs the plan of the 1x1 convolution on views of the operands."""

    backend = "implicit"

    def __init__(self, problem, plan):
        """plan: makes the Plan of the other problem."""
        super().__init__(problem)
        g = problem.geometry
        self._kernel = tuple(a.kernel for a in g.axes)
        axes = tuple(replace(a, kernel=1, stride=1, out=a.size, after=0) for a in g.axes)
        other = replace(g, axes=axes, filters=(*g.filters, *self._kernel), transposed=False, spread=True)
        self._make = plan
        self._inner = plan(replace(problem, geometry=other))
        self.workspace_bytes = self._inner.workspace_bytes

    def __reduce__(self):
        return SpreadPlan, (self.problem, self._make)

    def prepare(self, w, bias):
        g = self.problem.geometry
        at, nd = len(g.groups), len(g.axes)
        # (groups, filters, channels, taps) -> (groups, filters, taps, channels, ones)
        w = np.moveaxis(w, at + 1, -1)[(..., *(None,) * nd)]
        taps = math.prod(self._kernel)
        return self._inner.prepare(w, None if bias is None else np.repeat(bias, taps))

    def warm(self, weights):
        self._inner.warm(weights)

    def run(self, x, weights, out):
        lead = out.ndim - len(self._kernel)
        steps = out.strides[lead:]
        shape = (*out.shape[:lead], *self._kernel, *(a.size for a in self.problem.geometry.axes))
        strides = (*out.strides[:lead], *steps, *(n * s for n, s in zip(self._kernel, steps, strict=True)))
        self._inner.run(x, weights, np.lib.stride_tricks.as_strided(out, shape, strides))
