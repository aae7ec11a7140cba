"""Complex layers as real ones of twice the channels and filters, for backends that have real tiles only.

With the real and imaginary parts as channels of their own, (a + ib)(c + id) is [a, b] times [c, -d] and times
[d, c]: one real layer of 2 C channels and 2 K filters, which is as many real products as any complex sum of four
products, but by the fastest tiles there are. Parts are taken apart before and put together after.
"""

import math
from dataclasses import replace

import numpy as np

from .. import _costs
from .._core import arrays
from .base import Plan, contiguous


def fits(problem):
    """Whether it is a complex layer that can be taken apart."""
    g = problem.geometry
    return (problem.compute.str[1:] in ("c8", "c16") and problem.dtype == problem.compute and problem.kind == "conv"
            and problem.activation is None and problem.workspace_limit is None
            and (g.fill == 0 or all(a.mode != "fill" for a in g.axes)))  # fmt: skip


def real(problem):
    """The Problem of the real layer."""
    g = problem.geometry
    parts = replace(g, channels=2 * g.channels, filters=(2 * math.prod(g.filters),), fill=0)
    return replace(problem, geometry=parts, dtype=np.empty(0, problem.dtype).real.dtype)


def cost(problem):
    """Seconds of taking parts apart and putting them together."""
    g = problem.geometry
    numbers = 2 * (math.prod(g.x_shape) + math.prod(g.out_shape)) + 4 * math.prod(g.w_shape)
    return numbers * problem.compute.itemsize / 8 * _costs.COMPLEX_PART


class ComplexPlan(Plan):
    """Runs the plan of the real layer on copies of the parts."""

    def __init__(self, problem, backend):
        """backend: the module whose plan() makes the plan of the real layer."""
        super().__init__(problem)
        self._module, self.backend = backend, backend.name
        self._real = real(problem)
        self._inner = backend.plan(self._real)
        g = self._real.geometry
        copies = (math.prod(g.x_shape) + math.prod(g.out_shape)) * self._real.dtype.itemsize
        self.workspace_bytes = self._inner.workspace_bytes + copies

    def __reduce__(self):
        return self._module.plan, (self.problem,)

    def prepare(self, w, bias):
        g, parts = self.problem.geometry, self._real.geometry
        filters, channels = math.prod(g.filters), g.channels
        w = contiguous(w, self.problem.compute).reshape(*g.groups, filters, *g.w_shape[-1 - len(g.axes) :])
        both = np.empty(parts.w_shape, self._real.dtype)
        # the axes of filters and channels first
        at = np.moveaxis(both, (len(g.groups), len(g.groups) + 1), (0, 1))
        w = np.moveaxis(w, (len(g.groups), len(g.groups) + 1), (0, 1))
        at[:filters, :channels] = at[filters:, channels:] = w.real
        np.negative(w.imag, out=at[:filters, channels:])
        at[filters:, :channels] = w.imag
        if bias is not None:
            bias = np.asarray(bias, self.problem.compute).reshape(math.prod(g.groups), 1, filters)
            bias = np.concatenate((bias.real, bias.imag), axis=1).reshape(-1)
        return self._inner.prepare(both, bias)

    def warm(self, weights):
        self._inner.warm(weights)

    def run(self, x, weights, out):
        g, parts = self.problem.geometry, self._real.geometry
        filters = math.prod(g.filters)
        both = self._empty(parts.x_shape)
        at = both.ndim - 1 - len(g.axes)  # of channels, and of filters
        halves = np.moveaxis(both, at, 0)
        with np.errstate(all="ignore"):
            halves[: g.channels] = np.moveaxis(x.real, at, 0)
            halves[g.channels :] = np.moveaxis(x.imag, at, 0)
        sums = self._empty(parts.out_shape)
        self._inner.run(both, weights, sums)
        halves = np.moveaxis(sums, at, 0)
        lead = out.shape[:at]
        for part, half in ((out.real, halves[:filters]), (out.imag, halves[filters:])):
            part[...] = np.moveaxis(half, 0, at).reshape(*lead, *g.filters, *out.shape[at + len(g.filters) :])

    def _empty(self, shape):
        """An array in the layout of the problem."""
        nd = len(self.problem.geometry.axes)
        if not self.problem.channels_last or nd == 0:
            return arrays.new(shape, self._real.dtype)
        batch = len(self.problem.geometry.batch)
        inner = shape[batch:-nd]
        array = arrays.new((*shape[:batch], *shape[-nd:], *inner), self._real.dtype)
        return np.moveaxis(array, range(batch, batch + nd), range(-nd, 0))
