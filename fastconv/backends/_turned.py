"""Layers with channels last on drivers of planes: turned, computed, and turned back, some images or groups at a time.

Small groups, and FFTs of planes, leave a driver nothing to do with neighbouring channels; reading every one of them
by itself touches each line of memory once per channel. Turning an image costs a few tenths of a nanosecond a number.
"direct" takes some groups at a time (``GroupsPlan``), "oa" whole images (``TurnedPlan``). Groups of 2 or 4 channels and as
many filters are not turned (``RowsPlan``).
"""

import math
import threading
from dataclasses import replace

import numpy as np

from .. import _costs
from .._core import arrays
from .._core import depthwise as _depthwise
from .._core import turn as _turn
from . import _work, reference
from ._activations import CODES
from .base import Plan, c_steps

MOST_PRODUCTS = 256  # of one running sum


def fits(problem):
    """Whether operands are such that they can be turned: float32 or float64, channels enough for a vector, or one."""
    g = problem.geometry
    if not problem.channels_last or problem.kind != "conv" or problem.workspace_limit is not None:
        return False
    if problem.dtype != problem.compute or problem.compute.str[1:] not in ("f4", "f8") or not g.axes:
        return False
    sides = _sides(g)
    return any(channels > 1 for channels, _ in sides) and all(
        channels == 1 or _turn.can(problem.types.kind, channels, pixels) for channels, pixels in sides
    )


def _sides(g):
    """(channels, pixels) of an image of x, and of the result."""
    groups = math.prod(g.groups)
    return ((groups * g.channels, math.prod(a.size for a in g.axes)),
            (groups * math.prod(g.filters), math.prod(a.out for a in g.axes)))  # fmt: skip


def planar(problem):
    """The same with channels first."""
    return replace(problem, channels_last=False)


def seconds(problem, each):
    """What turning takes, so long for each number of four bytes."""
    g = problem.geometry
    turned = sum(channels * pixels for channels, pixels in _sides(g) if channels > 1)
    return each * _work.words(problem, math.prod(g.batch) * turned)


def _images(g, itemsize):
    """How many images to turn at a time: as many as divide the batch and stay in a cache."""
    batch = math.prod(g.batch)
    one = sum(channels * pixels for channels, pixels in _sides(g)) * itemsize
    most = max(1, _costs.TURNED_BYTES // max(1, one))
    return max(n for n in range(1, min(most, max(1, batch)) + 1) if batch % n == 0)


def channels_behind(array, g):
    """The view with all axes of channels behind the spatial ones."""
    first, end = len(g.batch), array.ndim - len(g.axes)
    return array.transpose((*range(first), *range(end, array.ndim), *range(first, end)))


def in_planes(problem, x):
    """A copy of x, which lies in memory with channels last, with channels first; None where x lies otherwise."""
    g = problem.geometry
    channels, pixels = _sides(g)[0]
    last = channels_behind(x, g)
    if (problem.workspace_limit is not None or not _turn.can(problem.types.kind, channels, pixels)
            or not arrays.ready(last, problem.dtype)):  # fmt: skip
        return None
    planes = arrays.new(x.shape, problem.dtype)
    images = math.prod(g.batch)
    _turn.turn(problem.types.kind, last.reshape(images, pixels, channels), planes.reshape(images, channels, pixels), False)
    return planes


class _Last(Plan):
    """What the ways share: operands as images with channels last."""

    def __init__(self, problem, module):
        super().__init__(problem)
        self._module, self.backend = module, module.name

    def __reduce__(self):
        return self._module.plan, (self.problem,)

    def run(self, x, weights, out):
        g, compute = self.problem.geometry, self.problem.compute
        images = math.prod(g.batch)
        (channels, pixels), (filters, outs) = _sides(g)
        last, to = channels_behind(x, g), channels_behind(out, g)
        if not arrays.ready(last, compute):
            last = np.require(last, compute, ("C", "A"))
        usual = arrays.ready(to, compute)  # else out is of another layout
        result = to.reshape(images, outs, filters) if usual else arrays.new((images, outs, filters), compute)
        self._run(last.reshape(images, pixels, channels), weights, result)
        if not usual:
            to[...] = result.reshape(to.shape)


class TurnedPlan(_Last):
    """A plan of planes, for some images at a time."""

    def __init__(self, problem, module):
        super().__init__(problem, module)
        g = problem.geometry
        self._images = _images(g, problem.compute.itemsize)
        some = replace(planar(problem), geometry=replace(g, batch=(self._images,)))
        self._inner = module.plan(some)
        self._local = threading.local()  # planes of a thread, kept for the next call
        one = sum(channels * pixels for channels, pixels in _sides(g)) * problem.compute.itemsize
        self.workspace_bytes = self._inner.workspace_bytes + self._images * one

    def prepare(self, w, bias):
        return self._inner.prepare(w, bias)

    def warm(self, weights):
        self._inner.warm(weights)

    def _run(self, x, weights, out):
        if not hasattr(self._local, "planes"):
            inner, dtype = self._inner.problem.geometry, self.problem.compute
            self._local.planes = arrays.new(inner.x_shape, dtype), arrays.new(inner.out_shape, dtype)
        planes, sums = self._local.planes
        for first in range(0, len(x), self._images):
            part = slice(first, first + self._images)
            self._turn(x[part], planes, False)
            self._inner.run(planes, weights, sums)
            self._turn(out[part], sums, True)

    def _turn(self, last, planes, back):
        if last.shape[-1] > 1:
            _turn.turn(self.problem.types.kind, last, planes, back)
        elif back:
            last.reshape(-1)[...] = planes.reshape(-1)
        else:
            planes.reshape(-1)[...] = last.reshape(-1)


def _set(problem):
    """How many groups to turn at a time: few, whose lines of memory are theirs alone; 0: not in parts. Groups that fill
    a line each are left to the other backends, which read runs of their channels."""
    g = problem.geometry
    groups, line = math.prod(g.groups), 64 // problem.compute.itemsize
    least = min(g.channels, math.prod(g.filters))
    if least >= line:
        return 0
    return next((n for n in range(1, groups // 2 + 1) if groups % n == 0 and n * least >= line), 0)


def groups_fit(problem):
    """Whether several sets of groups can be turned one after the other."""
    return _set(problem) > 0 and fits(problem)


def rows_fit(problem):
    """Whether vectors of channels serve groups of as many channels as filters, few that divide a vector."""
    g = problem.geometry
    side = g.channels
    if side not in (2, 4) or not fits(problem) or math.prod(g.filters) != side:
        return False
    if g.transposed or g.fill != 0 or any(a.mode != "fill" or a.upsample != 1 for a in g.axes) or len(g.axes) > 3:
        return False
    lanes = _depthwise.lanes(problem.types.kind)
    return side <= lanes and math.prod(a.kernel for a in g.axes) * side <= MOST_PRODUCTS


def rows_seconds(problem):
    """Seconds on one thread."""
    g = problem.geometry
    return _work.seconds("depthwise", {
        "call": 1, "product": _work.products(problem, g.macs) * _costs.GROUP_ROWS,
        "stored": _work.words(problem, math.prod(g.out_shape)),
    })  # fmt: skip


class RowsPlan(_Last):
    """Groups of 2 or 4 channels and as many filters: vectors of a pixel's channels, whose groups need no turning."""

    def __init__(self, problem, module):
        super().__init__(problem, module)
        g, size = problem.geometry, problem.compute.itemsize
        images = math.prod(g.batch)
        (channels, pixels), (_, outs) = _sides(g)
        steps = [c_steps((*(getattr(a, name) for a in g.axes), channels), problem.compute)[:-1] for name in ("size", "out")]
        axes = [(1, 1, 1, 0, 0, 0, 1, 1)] * (3 - len(g.axes)) + [
            (a.out, a.stride, a.size, x_step, out_step, -a.before, a.kernel, a.dilation)
            for a, x_step, out_step in zip(g.axes, *steps, strict=True)
        ]
        self._job = _depthwise.RowJob(
            kind=problem.types.kind, out_type=problem.types.memory, activation=CODES.index(problem.activation),
            work=float(g.macs), axes=axes, channels=channels, side=g.channels,
            x_n=np.arange(images, dtype=np.intp) * pixels * channels * size,
            out_n=np.arange(images, dtype=np.intp) * outs * channels * size,
        )  # fmt: skip
        self.workspace_bytes = self._job.scratch_bytes

    def _packed(self, weights):
        """Vector by vector of filters, the last over its neighbour: tap by tap, channel by channel of a group."""
        packed = weights.packed.get("rows")
        if packed is None:
            g, lanes = self.problem.geometry, _depthwise.lanes(self.problem.types.kind)
            side, taps = g.channels, math.prod(a.kernel for a in g.axes)
            filters = weights.w.reshape(-1, side, taps)
            whole, vectors = len(filters) // lanes, -(-len(filters) // lanes)
            packed = arrays.aligned(vectors * taps * side * lanes, filters.dtype).reshape(vectors, taps, side, lanes)
            packed[:whole] = filters[: whole * lanes].reshape(whole, lanes, side, taps).transpose(0, 3, 2, 1)
            packed[whole:] = filters[-lanes:].transpose(2, 1, 0)
            weights.packed["rows"] = packed
        return packed

    def warm(self, weights):
        self._packed(weights)

    def _run(self, x, weights, out):
        # a tap outside is passed over, so weights that are not finite meet no zeros
        self._job.run(x, self._packed(weights), weights.bias, out)


class GroupsPlan(_Last):
    """Some groups at a time, in the cache of one thread."""

    def __init__(self, problem, module):
        super().__init__(problem, module)
        g, n = problem.geometry, _set(problem)
        some = replace(planar(problem), geometry=replace(g, batch=(1,), groups=(n,)))
        job, _ = module.build_job(some, *module.usual_operands(some))
        sides = _sides(some.geometry)
        self._job = _turn.Groups(
            job, kind=problem.types.kind, images=math.prod(g.batch), sets=math.prod(g.groups) // n,
            channels=[c for c, _ in sides], pixels=[p for _, p in sides],
            macs=float(g.macs),
        )  # fmt: skip
        self.workspace_bytes = self._job.scratch_bytes

    def _packed(self, weights):
        packed = weights.packed.get("groups")
        if packed is None:
            packed = arrays.aligned(max(1, self._job.all_packed_bytes), np.uint8)
            weights.finite = self._job.pack(weights.w.reshape(-1, *weights.w.shape[len(self.problem.geometry.groups) :]),
                                            packed)  # fmt: skip
            weights.packed["groups"] = packed
        return packed

    def warm(self, weights):
        self._packed(weights)

    def run(self, x, weights, out):
        self._packed(weights)
        if not weights.finite and self.problem.geometry.has_zeros:
            # a NaN or infinity in the weights times a padded zero must not make a NaN
            reference.ReferencePlan(self.problem).run(x, weights, out)
            return
        super().run(x, weights, out)

    def _run(self, x, weights, out):
        self._job.run(x, self._packed(weights), weights.bias, out)
