"""backend="winograd": minimal filtering on tiles, fewer products for more additions.

Decides what ``_core/winograd.pyx`` does: the variant F(m, r) of each axis, how the grid of tiles is cut into
blocks, and the tables that make dilation and ragged edges ordinary. Rounding errors are a few times
those of a direct sum, so ``accuracy="strict"`` leaves it out.  A result that is not finite may be the fault of
a neighbour in the tile: its block of tiles is computed again by "implicit".  See ``_winograd_points.py``.
"""

import itertools
import math
import sys
from dataclasses import replace
from functools import cached_property, lru_cache

import numpy as np

from .. import _costs
from .._core import winograd as _winograd
from .._core.arrays import aligned, new
from .._problem import PAD_CODES
from . import _complex, _work, direct, implicit
from ._activations import CODES
from .base import BackendNotSupportedError, Jobs, Plan, Verdict, without_idle

name = "winograd"
MOST_POINTS = 256  # of a tile, as FC_WINO_POINTS
# (outputs, taps) that there are transforms for, and the accuracy that allows them
VARIANTS = {(2, 3): "default", (4, 3): "default", (6, 3): "relaxed", (2, 5): "default",
            (4, 5): "relaxed", (1, 1): "default"}  # fmt: skip


def supports(problem):
    """Plain float32 and float64 layers of stride 1 with kernels of 3 or 5, and complex ones by their parts."""
    if _complex.fits(problem):
        return supports(_complex.real(problem))
    reason = _refusal(problem)
    if reason is not None:
        return Verdict(False, reason)
    chosen = variants(problem)
    chosen = chosen[-len(problem.geometry.axes) :]
    said = " x ".join(f"F({m},{r})" if m > 1 else "direct" for m, r in chosen)
    tiles, _ = _grid(problem, chosen, _way(problem, chosen)[1])
    fewer = problem.geometry.macs / max(1, _products(problem, chosen, tiles))
    return direct.fits(WinogradPlan, problem, f"{said}, {fewer:.1f} times fewer products")


def _refusal(problem):
    g = problem.geometry
    if problem.kind != "conv" or g.transposed:
        return f"it computes no {'transposed convolution' if g.transposed else problem.kind}"
    if problem.compute.str[1:] not in ("f4", "f8") or problem.dtype != problem.compute:
        return f"its transforms are float32 and float64, found {problem.dtype}"
    if len(g.axes) > 3:
        return "more than three spatial axes"
    if len(g.filters) != 1 or 0 in (*g.x_shape, *g.w_shape, *g.out_shape):
        return "it computes layers that have something to compute"
    if any(a.stride != 1 for a in g.axes):
        return f"it wants stride 1, found {tuple(a.stride for a in g.axes)}"
    if any(a.upsample != 1 for a in g.axes):
        return "it does not enlarge its input"
    if g.fill != 0 and any(a.mode == "fill" for a in g.axes):
        return f"it pads with zeros, found {g.fill}"
    if problem.accuracy == "strict":
        return "its rounding errors exceed those of a direct sum, and accuracy='strict'"
    if variants(problem) is None:
        return (f"it has transforms for kernels of 3 and 5 taps, found {tuple(a.kernel for a in g.axes)} "
                f"with accuracy={problem.accuracy!r}")  # fmt: skip
    return None


@lru_cache(maxsize=64)  # a choice of backend asks three times
def variants(problem):
    """(m, r) of three axes, the cheapest allowed; None where there is none.

    (1, k) with k > 1 is an axis whose taps are summed directly: the first of three."""
    words = ("default", "relaxed") if problem.accuracy == "relaxed" else ("default",)
    axes = problem.geometry.axes
    choices = []
    for i, axis in enumerate(axes):
        found = [v for v, word in VARIANTS.items() if word in words and v[1] == axis.kernel]
        if axis.kernel > 1 and i == 0 and len(axes) == 3:
            found.append((1, axis.kernel))
        choices.append(found)
    # errors multiply from axis to axis: three of six points are as far off as eight points are
    options = [o for o in itertools.product(*choices) if any(m > 1 for m, _ in o)
               and math.prod(_points(v) for v in o) <= MOST_POINTS
               and ("relaxed" in words or sum(m > 2 for m, _ in o) < 3)]  # fmt: skip
    if not options:
        return None
    best = min(options, key=lambda o: _of_an_image(problem, o))
    return ((1, 1),) * (3 - len(axes)) + best


def _of_an_image(problem, chosen):
    """Predicted seconds of one image: the batch has no say in what is chosen, nor whether U is made once, as bits
    depend on neither."""
    found = amounts(problem, chosen)
    images = max(1, math.prod(problem.geometry.batch))
    return _work.seconds(name, {kind: n / images for kind, n in found.items() if kind not in ("call", "made")})


def _points(variant):
    m, r = variant
    return m + r - 1 if m > 1 else 1


def _deep(variant):
    """Whether the taps of an axis are summed directly."""
    return variant[0] == 1 and variant[1] > 1


def _weights(problem, chosen):
    """Numbers of U for one group."""
    lanes = _winograd.lanes(problem.types.kind)
    g = problem.geometry
    filters = -(-g.filters[0] // lanes) * lanes
    return math.prod(r if _deep((m, r)) else _points((m, r)) for m, r in chosen) * max(lanes, g.channels) * filters


def _products(problem, chosen, tiles):
    """Multiply-adds of all groups and images, of so many tiles each."""
    return math.prod(problem.geometry.batch) * math.prod(problem.geometry.groups) * _weights(problem, chosen) * tiles


def _count(axis, variant, most):
    """(tiles, blocks of at most so many of them) of an axis, all phases of its dilation."""
    phases = 1 if _deep(variant) else axis.dilation
    outs, longer = divmod(axis.out, phases)
    tiles = blocks = 0
    for n, times in ((outs + 1, longer), (outs, phases - longer)):
        here = -(-n // variant[0])
        tiles += times * here
        blocks += times * -(-here // most)
    return tiles, blocks


def _grid(problem, chosen, wanted):
    """(tiles of an image, blocks) as ``_tables`` cuts them."""
    left, whole, tiles, blocks = wanted, True, 1, 1
    for axis, variant in zip(problem.geometry.axes[::-1], chosen[::-1], strict=False):
        here, cut = _count(axis, variant, 1 if _deep(variant) else left)
        whole = whole and not _deep(variant) and here <= left and axis.mode == "fill"
        tiles, blocks = tiles * here, blocks * (1 if whole else cut)
        left = max(1, left // here)
    return tiles, blocks


def _way(problem, chosen):
    """(whether threads share blocks: U is large, so it is read seldom, or there are few blocks, tiles wanted of
    a block)"""
    weights = _weights(problem, chosen) * problem.compute.itemsize
    blocks = math.prod(problem.geometry.groups) * _grid(problem, chosen, _costs.WINOGRAD_TILES)[1]
    if weights > _costs.WINOGRAD_WEIGHTS_MOST or blocks < _costs.ITEMS_WANTED // 4:
        return True, _costs.WINOGRAD_SHARED_TILES
    return False, _costs.WINOGRAD_TILES


def amounts(problem, chosen=None):
    """Units of each kind of work (_work.py): products, numbers through both transforms, numbers of transformed
    weights read from near or from far, samples and results on their way, rows of samples, weights made."""
    chosen = variants(problem)[-len(problem.geometry.axes) :] if chosen is None else chosen
    g = problem.geometry
    groups, images = math.prod(g.groups), math.prod(g.batch)
    weights = _weights(problem, chosen)
    tiles, blocks = _grid(problem, chosen, _way(problem, chosen)[1])
    deep = math.prod(v[1] for v in chosen if _deep(v))
    moved = math.prod(_points(v) for v in chosen) * (deep * max(_work.lanes(problem), g.channels) + g.filters[0]) * tiles
    each, near = images * groups, weights * problem.compute.itemsize <= _costs.WINOGRAD_NEAR
    axes = sum(m > 1 for m, _ in chosen)
    kind = "moved_dilated" if len(chosen) == 1 and g.axes[0].dilation > 1 else f"moved{axes}"
    read = _work.words(problem, each * blocks * weights)
    return {"call": 1, "product": _work.products(problem, _products(problem, chosen, tiles)), kind: _work.vectors(problem, each * moved),
            "weight" if near else "far_weight": read,
            "number": _work.words(problem, math.prod(g.x_shape) + math.prod(g.out_shape)),
            "row": math.prod(g.x_shape) / max(1, g.axes[-1].size), "made": 0 if problem.held else _work.vectors(problem, groups * weights)}  # fmt: skip


def cost(problem):
    """Seconds on one thread."""
    if _complex.fits(problem):
        return cost(_complex.real(problem)) + _complex.cost(problem)
    g = problem.geometry
    narrow = problem.channels_last and math.prod(g.groups) > 1 and math.prod(g.filters) <= 4 * _work.lanes(problem)
    return _work.seconds(name, amounts(problem)) * (_costs.WINOGRAD_LAST_GROUPS if narrow else 1)


class WinogradPlan(Plan):
    """Jobs by operand strides; the transformed weights are the same for all of them."""

    backend = name

    def __init__(self, problem):
        super().__init__(problem)
        self._jobs = Jobs()
        self._other = implicit.ImplicitPlan(problem)
        if problem.workspace_limit is not None:
            self._default_job()  # refuses here what does not fit

    @cached_property
    def workspace_bytes(self):
        return max(self._default_job().workspace_bytes, self._other.workspace_bytes)

    def _default_job(self):
        x, out_steps = direct.usual_operands(self.problem)
        return self._job(x.strides, out_steps)[0]

    def __reduce__(self):
        return plan, (self.problem,)

    def _job(self, x_steps, out_steps):
        """(Job, first output and end of every block along each axis)"""
        key = (x_steps, out_steps)
        found = self._jobs.get(key)
        if found is None:
            found = self._jobs.keep(key, build_job(self.problem, x_steps, out_steps))
        return found

    def _whole_vectors(self, weights):
        """(weights, bias) with zeros after fewer channels or filters than a vector has lanes."""
        g, lanes = self.problem.geometry, _winograd.lanes(self.problem.types.kind)
        groups, filters = math.prod(g.groups), g.filters[0]
        given, bias = without_idle(g, weights.w), weights.bias
        w = given
        if filters < lanes or g.channels < lanes:
            w = np.zeros((groups, max(filters, lanes), max(g.channels, lanes), *g.w_shape[-len(g.axes) :]), w.dtype)
            w[:, :filters, : g.channels] = given.reshape(groups, filters, *g.w_shape[-1 - len(g.axes) :])
        if bias is not None and filters < lanes:
            bias = np.zeros((groups, lanes), bias.dtype)
            bias[:, :filters] = weights.bias.reshape(groups, filters)
        return w, bias

    def _packed(self, job, weights):
        """(U, bias, whether all of U is finite), of a plan's weights"""
        found = weights.packed.get(name)
        if found is None:
            w, bias = self._whole_vectors(weights)
            u = aligned(max(1, job.packed_numbers), self.problem.compute)
            found = weights.packed[name] = u, bias, job.pack(w, u)
        return found

    def warm(self, weights):
        weights.held = True
        self._packed(self._default_job(), weights)

    def run(self, x, weights, out):
        dtype = self.problem.dtype
        if x.dtype != dtype or not (x.dtype.isnative and x.flags.aligned):
            x = x.astype(dtype)  # the same bits as if the caller had converted it
        if any(s % dtype.itemsize for s in x.strides):
            x = np.ascontiguousarray(x)
        if any(s % dtype.itemsize for s in out.strides):
            y = new(out.shape, dtype)
            self.run(x, weights, y)
            out[...] = y
            return
        job, bounds = self._job(x.strides, out.strides)
        g = self.problem.geometry
        bad = np.zeros((math.prod(g.batch), *(len(b) for b in bounds)), np.uint8)
        if weights.held:
            u, bias, finite = self._packed(job, weights)
            finite = finite and job.run(x, u, None, bias, out, bad)
        else:
            finite = job.run(x, None, *self._whole_vectors(weights), out, bad)
        if not finite:
            self._other.run(x, weights, out)
        elif bad.any():
            self._again(x, weights, out, bad, bounds)

    def _again(self, x, weights, out, bad, bounds):
        """Sum the blocks directly in which something was not finite: only where a window covers a NaN or
        infinity there is to be one."""
        g = self.problem.geometry
        for image, *block in np.argwhere(bad):
            at = np.unravel_index(image, g.batch)
            axes, where = [], [slice(i, i + 1) for i in at]
            where += [slice(None)] * (len(g.groups) + len(g.filters))
            for axis, ends, i in zip(g.axes, bounds[-len(g.axes) :], block[-len(g.axes) :], strict=True):
                first, end = ends[i]
                axes.append(replace(axis, out=end - first, before=axis.before - first,
                                    after=axis.after + end - axis.out))  # fmt: skip
                where.append(slice(first, end))
            part = replace(g, batch=(1,) * len(g.batch), axes=tuple(axes))
            other = implicit.ImplicitPlan(replace(self.problem, geometry=part))
            other.run(x[tuple(slice(i, i + 1) for i in at)], weights, out[tuple(where)])


def _even(n, most):
    """Bounds of the fewest equal parts of n that are no longer than most."""
    parts = max(1, -(-n // max(1, most)))
    return [n * i // parts for i in range(parts + 1)]


def _axis(axis, variant, most):
    """Tables of one axis (see ``_set_axis`` of the grid); most: tiles of a block along it."""
    m = variant[0]
    step = 1 if _deep(variant) else axis.dilation
    points = _points(variant)
    first, group = [], [0]
    counts = []
    for phase in range(min(step, axis.out)):
        outs = -(-(axis.out - phase) // step)
        tiles = -(-outs // m)
        start = len(first)
        first += [phase + step * m * t for t in range(tiles)]
        counts += [min(m, outs - m * t) for t in range(tiles)]
        group += [start + b for b in _even(tiles, most)[1:]]
    out_first = np.asarray(first, np.intp)
    x_first = out_first - axis.before
    high = np.clip(-((x_first - axis.used) // step), 0, points)
    low = np.minimum(high, np.clip(-(x_first // step), 0, points))
    if axis.mode != "fill":  # samples stand outside as well
        low, high = np.zeros_like(low), np.full_like(high, points)
    return {"size": axis.used, "step": step, "outputs": axis.out, "mode": PAD_CODES[axis.mode],
            "whole": False, "x_first": x_first, "out_first": out_first, "low": low, "high": high,
            "count": np.asarray(counts, np.intp), "group": group}  # fmt: skip


def _bounds(table):
    """First output and end of every block along an axis."""
    last = table["out_first"] + (table["count"] - 1) * table["step"] + 1
    return [(int(table["out_first"][a:b].min()), int(last[a:b].max()))
            for a, b in itertools.pairwise(table["group"])]  # fmt: skip


def _tables(problem, chosen, tiles_wanted):
    """(axes, tables) of three axes, cut so that a block has about ``tiles_wanted`` tiles."""
    g = problem.geometry
    plain = replace(g.axes[0], size=1, kernel=1, out=1, dilation=1, before=0, after=0, mode="fill")
    axes = (plain,) * (3 - len(g.axes)) + g.axes
    tables, left, whole = [], tiles_wanted, True
    for axis, variant in zip(axes[::-1], chosen[::-1], strict=True):
        deep = _deep(variant)
        table = _axis(axis, variant, 1 if deep else left)
        tiles = len(table["x_first"])
        # all phases side by side, where the axes inside are whole too
        whole = whole and not deep and tiles <= left and axis.mode == "fill"
        if whole and table["step"] > 1:
            table.update(whole=True, group=[0, tiles])
        tables.append(table)
        left = max(1, left // max(1, tiles))
    return axes, tables[::-1]


def build_job(problem, x_steps, out_steps):
    """(Job, bounds of its blocks) for these strides; blocks shrink until they fit a workspace limit."""
    chosen, limit = variants(problem), problem.workspace_limit
    shared, wanted = _way(problem, chosen)
    sums = _costs.WINOGRAD_SUMS_BYTES
    while True:
        job, bounds = _job_of(problem, (x_steps, out_steps), chosen, wanted, shared, sums)
        if limit is None or job.workspace_bytes <= limit:
            return job, bounds
        if wanted == 1:
            raise BackendNotSupportedError(
                f"its smallest block needs {job.workspace_bytes} bytes of workspace a thread, "
                f"workspace_limit is {limit}"
            )
        wanted, sums = wanted // 2, 0


def _job_of(problem, steps, chosen, tiles_wanted, shared, sums):
    from ._winograd_points import weights_matrix  # rationals: not at start-up

    g = problem.geometry
    x_steps, out_steps = steps
    nb, ng, nf = len(g.batch), len(g.groups), len(g.filters)
    axes, tables = _tables(problem, chosen, tiles_wanted)
    missing = (0,) * (3 - len(g.axes))
    x_axes, out_axes = missing + x_steps[nb + ng + 1 :], missing + out_steps[nb + ng + nf :]
    for table, x_step, out_step in zip(tables, x_axes, out_axes, strict=True):
        table.update(x_bytes=x_step, out_bytes=out_step)
    deep = (chosen[0][1], axes[0].dilation) if chosen[0][0] == 1 else (1, 1)
    shapes = [(1, 1) if m == 1 else (m, r) for m, r in chosen]
    job = _winograd.Job(
        kind=problem.types.kind, out_type=problem.types.memory, activation=CODES.index(problem.activation),
        work=float(g.macs), points=[_points(v) for v in shapes], outs=[m for m, _ in shapes],
        taps=[r for _, r in shapes], matrices=[weights_matrix(m, r) for m, r in shapes], deep=deep, axes=tables,
        channels=g.channels, k_count=g.filters[0], x_channel=x_steps[nb + ng],
        out_channel=out_steps[nb + ng + nf - 1], x_n=direct.offsets(g.batch, x_steps[:nb]),
        x_g=direct.offsets(g.groups, x_steps[nb : nb + ng]), out_n=direct.offsets(g.batch, out_steps[:nb]),
        out_g=direct.offsets(g.groups, out_steps[nb : nb + ng]), repeats=_costs.PANEL_REPEATS, shared=shared,
        sums_bytes=sums, parts=_costs.ITEMS_WANTED // 2 if shared else 1,
    )  # fmt: skip
    return job, [_bounds(t) for t in tables]


def plan(problem):
    """A WinogradPlan, or one of real numbers."""
    if _complex.fits(problem):
        return _complex.ComplexPlan(problem, sys.modules[__name__])
    return WinogradPlan(problem)
