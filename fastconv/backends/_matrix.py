"""Layers with one result per image and filter, as matrix products: images are the pixels of one that has channels last.

out[n, k] = sum over i of x[n, i] * w[k, i], where i runs through all that a window covers: a 1x1 layer of single
pixels (squeeze and excitation, classifiers), or a window as large as its image (discriminators, fully connected layers
written as convolutions).  So is a transposed layer of single pixels, whose taps are so many more filters (generators).
Image by image, tiles of several pixels would be filled by one.
"""

import math
from dataclasses import replace
from functools import cached_property

import numpy as np

from .. import _costs
from .._core import arrays, cpu, dots
from .._problem import Axis
from ._activations import CODES
from .base import Plan, contiguous


def fits(problem):
    """Whether a product is to be made of it."""
    return is_single(problem) and not (problem.channels_last and _is_product(problem.geometry))


def is_single(problem):
    """Whether it is such a layer, of one axis each of images, groups and filters."""
    g = problem.geometry
    return (
        problem.kind == "conv" and problem.workspace_limit is None and bool(g.axes) and not g.spread
        and len(g.batch) == len(g.groups) == len(g.filters) == 1 and all(_single(a, g.transposed) for a in g.axes)
    )  # fmt: skip


def _single(axis, transposed):
    """Whether one window meets every sample once, or one sample every tap."""
    plain = axis.before == 0 and axis.upsample == 1 and (axis.dilation == 1 or axis.kernel == 1)
    if transposed:
        return plain and axis.size == 1 and axis.out == axis.kernel
    return plain and axis.out == 1 and axis.size == axis.kernel


def _is_product(g):
    """Whether there is nothing to gain: it is what ``product`` would make of it."""
    return g.batch == (1,) and len(g.axes) == 1 and g.axes[0].kernel == 1


def product(problem):
    """The Problem of the matrix product."""
    g = problem.geometry
    taps = math.prod(a.kernel for a in g.axes)
    images = Axis(size=g.batch[0], kernel=1, out=g.batch[0])
    more_filters, more_channels = (taps, 1) if g.transposed else (1, taps)
    other = replace(g, batch=(1,), channels=g.channels * more_channels, filters=(g.filters[0] * more_filters,),
                    axes=(images,), transposed=False, spread=g.transposed, fill=0)  # fmt: skip
    return replace(problem, geometry=other, channels_last=True)


def dots_fit(problem):
    """Whether a DotsPlan computes it: not the weights of transposed layers, whose sums run along columns."""
    g = problem.geometry
    return (is_single(problem) and not g.transposed and problem.dtype == problem.compute
            and problem.compute.str[1:] in ("f4", "f8") and min(g.x_shape) > 0)  # fmt: skip


def dots_cost(problem):
    """Seconds on one thread of a DotsPlan."""
    g = problem.geometry
    macs = g.macs / _costs.VECTOR_BYTES[cpu.isa] * problem.compute.itemsize
    return (_costs.DOTS_CALL + math.prod(g.w_shape) * problem.compute.itemsize / _costs.DOTS_BYTES
            + macs / _costs.DOTS_RATE)  # fmt: skip


def more_cost(problem):
    """Seconds of layers of one result an image beside those of products: weights come from memory for a few images
    each. 0 for others."""
    if not is_single(problem):
        return 0
    return _costs.MATRIX_CALL + math.prod(problem.geometry.w_shape) * problem.compute.itemsize / _costs.MATRIX_BYTES


class _SinglePlan(Plan):
    """What both plans share."""

    def _samples(self, array):
        """The axes that a sum runs through in the order in which they lie in memory."""
        return np.moveaxis(array, 2, -1) if self._turned else array

    @cached_property
    def _turned(self):
        """Whether channels come last, and so do they in a window."""
        g = self.problem.geometry
        return self.problem.channels_last and any(a.size > 1 for a in g.axes)


class DotsPlan(_SinglePlan):
    """Inner products with the caller's own weights, for few images."""

    backend = "direct"

    def __init__(self, problem):
        super().__init__(problem)
        g = problem.geometry
        self._job = dots.Job(
            kind=problem.types.kind, out_type=problem.types.memory, activation=CODES.index(problem.activation),
            images=g.batch[0], groups=g.groups[0], filters=g.filters[0],
            length=g.channels * math.prod(a.size for a in g.axes),
        )  # fmt: skip
        self.workspace_bytes = self._job.scratch_bytes
        self.straight = None if self._turned else self._job.straight

    def __reduce__(self):
        return DotsPlan, (self.problem,)

    def prepare(self, w, bias):
        return super().prepare(self._samples(w), bias)

    def run(self, x, weights, out):
        self._job.run(contiguous(self._samples(x), self.problem.dtype), weights.w, weights.bias,
                      out[(..., *(0,) * len(self.problem.geometry.axes))])  # fmt: skip


class MatrixPlan(_SinglePlan):
    """Runs the plan of the matrix product on views of the operands."""

    def __init__(self, problem, make, backend):
        """make: makes the Plan of the product; backend: the name of the one it belongs to."""
        super().__init__(problem)
        self.backend = backend
        self._make = make
        self._inner = make(product(problem))
        self.workspace_bytes = self._inner.workspace_bytes

    def __reduce__(self):
        return MatrixPlan, (self.problem, self._make, self.backend)

    def prepare(self, w, bias):
        g = self.problem.geometry
        if g.transposed:
            w = np.moveaxis(w, 2, -1)  # (groups, filters, taps, channels)
            if bias is not None:
                bias = np.repeat(bias, math.prod(a.kernel for a in g.axes))
        else:
            w = self._samples(w)
        inner = self._inner.problem.geometry
        return self._inner.prepare(w.reshape(inner.w_shape), bias)

    def warm(self, weights):
        self._inner.warm(weights)

    def run(self, x, weights, out):
        g = self.problem.geometry
        inner = self._inner.problem.geometry
        x = self._samples(x).reshape(g.batch[0], *inner.groups, inner.channels).transpose(1, 2, 0)[None]
        whole = out.flags.c_contiguous or not g.transposed
        result = out if whole else arrays.new(out.shape, out.dtype)
        sums = result.reshape(g.batch[0], *inner.groups, *inner.filters) if g.transposed else \
            result[(..., *(0,) * len(g.axes))]  # fmt: skip
        self._inner.run(x, weights, sums.transpose(1, 2, 0)[None])
        if not whole:
            out[...] = result
