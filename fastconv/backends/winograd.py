"""backend="winograd": minimal filtering on tiles, fewer products for more additions.

Decides what ``_core/winograd.pyx`` does: the variant F(m, r) of each axis, how the grid of tiles is cut into
blocks, and the tables that make dilation and ragged edges ordinary. Rounding errors are a few times
those of a direct sum, so ``accuracy="strict"`` leaves it out.  A result that is not finite may be the fault of
a neighbour in the tile: its image is computed again by "implicit".  See ``_winograd_points.py``.
"""

import itertools
import math
import threading
from dataclasses import replace

import numpy as np

from .. import _costs
from .._core import cpu
from .._core import winograd as _winograd
from . import direct, implicit
from ._activations import CODES
from ._winograd_points import VARIANTS, weights_matrix
from .base import BackendNotSupportedError, Plan, Verdict

name = "winograd"
MOST_POINTS = 256  # of a tile, as FC_WINO_POINTS
_ENDLESS = 1 << 62


def supports(problem):
    """Plain float32 and float64 layers of stride 1 with kernels of 3 or 5 and enough channels."""
    reason = _refusal(problem)
    if reason is not None:
        return Verdict(False, reason)
    chosen = variants(problem)
    said = " x ".join(f"F({m},{r})" if m > 1 else "direct" for m, r in chosen[-len(problem.geometry.axes) :])
    return direct.fits(WinogradPlan, problem, f"{said} on blocks of tiles")


def _refusal(problem):
    g = problem.geometry
    if problem.kind != "conv" or g.transposed:
        return f"it computes no {'transposed convolution' if g.transposed else problem.kind}"
    if problem.compute.str[1:] not in ("f4", "f8") or problem.dtype != problem.compute:
        return f"its transforms are float32 and float64, found {problem.dtype}"
    if len(g.axes) > 3:
        return "more than three spatial axes"
    if any(a.stride != 1 for a in g.axes):
        return f"it wants stride 1, found {tuple(a.stride for a in g.axes)}"
    if g.fill != 0 or any(a.mode != "fill" or a.upsample != 1 for a in g.axes):
        return "it pads with zeros only"
    lanes = _winograd.lanes(problem.types.kind)
    if g.channels < lanes or math.prod(g.filters) < lanes:
        return (f"it wants at least {lanes} channels and filters a group (one vector), found {g.channels} "
                f"and {math.prod(g.filters)}")  # fmt: skip
    if variants(problem) is None:
        return (f"it has transforms for kernels of 3 and 5 taps, found {tuple(a.kernel for a in g.axes)} "
                f"with accuracy={problem.accuracy!r}")  # fmt: skip
    return None


def variants(problem):
    """(m, r) of three axes, the cheapest allowed; None where there is none.

    (1, k) with k > 1 is an axis whose taps are summed directly: the first of three."""
    allowed = {"strict": (), "default": ("default",), "relaxed": ("default", "relaxed")}
    words = allowed[problem.accuracy]
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
    best = min(options, key=lambda o: _seconds(problem, o))
    return ((1, 1),) * (3 - len(axes)) + best


def _points(variant):
    m, r = variant
    return m + r - 1 if m > 1 else 1


def _seconds(problem, chosen):
    """Predicted time of one thread: products, transforms, and the weights read once per block."""
    g = problem.geometry
    key = problem.compute.str[1:]
    width = _costs.VECTOR_BYTES[cpu.isa] / 64
    channels, filters = g.channels, math.prod(g.filters)
    tiles = math.prod(-(-a.out // m) for a, (m, _) in zip(g.axes, chosen, strict=True))
    images = math.prod(g.batch) * math.prod(g.groups)
    points = math.prod(_points(v) for v in chosen)
    deep = math.prod(r for m, r in chosen if m == 1)
    products = points * deep * channels * filters * tiles
    moved = points * (deep * channels + filters) * tiles
    weights = points * deep * channels * filters
    blocks = -(-tiles // _costs.WINOGRAD_TILES)
    return (images * (products / (_costs.WINOGRAD_RATE[key] * width)
                      + moved / (_costs.WINOGRAD_MOVED[key] * width)
                      + blocks * weights * problem.compute.itemsize / _costs.WINOGRAD_WEIGHT_BYTES)
            + math.prod(g.groups) * weights / (_costs.WINOGRAD_PACKED[key] * width))  # fmt: skip


def cost(problem):
    """Seconds on one thread."""
    chosen = variants(problem)[-len(problem.geometry.axes) :]
    return _costs.DIRECT_CALL + _seconds(problem, chosen)


class WinogradPlan(Plan):
    """Jobs by operand strides; the transformed weights are the same for all of them."""

    backend = name

    def __init__(self, problem):
        super().__init__(problem)
        self._jobs = {}
        self._lock = threading.Lock()
        g = problem.geometry
        self._other = implicit.ImplicitPlan(replace(problem, geometry=replace(g, batch=(1,) * len(g.batch))))
        job = self._job(direct.c_steps(g.x_shape, problem.dtype), direct.c_steps(g.out_shape, problem.dtype))
        self.workspace_bytes = max(job.scratch_bytes, self._other.workspace_bytes)

    def __reduce__(self):
        return plan, (self.problem,)

    def _job(self, x_steps, out_steps):
        key = (x_steps, out_steps)
        found = self._jobs.get(key)
        if found is None:
            found = build_job(self.problem, x_steps, out_steps)
            with self._lock:
                if len(self._jobs) >= direct.MAX_JOBS:
                    self._jobs.pop(next(iter(self._jobs)))
                self._jobs[key] = found
        return found

    def _packed(self, job, weights):
        """(transformed weights, whether all are finite)"""
        found = weights.packed.get(name)
        if found is None:
            packed = np.empty(max(1, job.packed_numbers), self.problem.compute)
            found = weights.packed[name] = packed, job.pack(weights.w, packed)
        return found

    def warm(self, weights):
        g, dtype = self.problem.geometry, self.problem.dtype
        self._packed(self._job(direct.c_steps(g.x_shape, dtype), direct.c_steps(g.out_shape, dtype)), weights)

    def run(self, x, weights, out):
        dtype = self.problem.dtype
        if x.dtype != dtype or not (x.dtype.isnative and x.flags.aligned):
            x = x.astype(dtype)  # the same bits as if the caller had converted it
        if any(s % dtype.itemsize for s in x.strides):
            x = np.ascontiguousarray(x)
        job = self._job(x.strides, out.strides)
        packed, finite = self._packed(job, weights)
        bad = np.zeros(self.problem.geometry.batch, np.uint8)
        if finite:
            job.run(x, packed, weights.bias, out, bad)
        else:
            bad[...] = 1
        for at in np.argwhere(bad) if bad.any() else ():
            one = tuple(slice(i, i + 1) for i in at)
            self._other.run(x[one], weights, out[one])


def _even(n, most):
    """Bounds of the fewest equal parts of n that are no longer than most."""
    parts = max(1, -(-n // max(1, most)))
    return [n * i // parts for i in range(parts + 1)]


def _axis(axis, variant, most):
    """Tables of one axis (see ``_set_axis`` of the driver); most: tiles of a block along it."""
    m, r = variant
    deep = m == 1 and r > 1
    step = 1 if deep else axis.dilation
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
    low = np.clip(-(x_first // step), 0, points)
    high = np.clip(-((x_first - axis.size) // step), 0, points)
    return {"size": axis.size, "step": step, "outputs": axis.out, "x_first": x_first, "out_first": out_first,
            "low": np.minimum(low, high), "high": high, "count": np.asarray(counts, np.intp),
            "group": group}  # fmt: skip


def _tables(problem, chosen, tiles_wanted):
    """Tables of three axes, cut so that a block has about ``tiles_wanted`` tiles."""
    g = problem.geometry
    plain = replace(g.axes[0], size=1, kernel=1, out=1, dilation=1, before=0, after=0)
    axes = (plain,) * (3 - len(g.axes)) + g.axes
    tables, left = [], tiles_wanted
    for axis, variant in zip(axes[::-1], chosen[::-1], strict=True):
        deep = variant[0] == 1 and variant[1] > 1
        everything = _axis(axis, variant, _ENDLESS)
        tiles = len(everything["x_first"])
        if not tables and tiles <= left:  # the whole row, all its phases side by side
            everything["group"] = [0, tiles]
            tables.append(everything)
        else:
            tables.append(_axis(axis, variant, 1 if deep else left))
        left = max(1, left // tiles)
    return axes, tables[::-1]


def build_job(problem, x_steps, out_steps):
    """The Job for these strides; blocks shrink until they fit a workspace limit."""
    wanted, limit = _costs.WINOGRAD_TILES, problem.workspace_limit
    while True:
        job = _job_of(problem, x_steps, out_steps, wanted)
        if limit is None or job.scratch_bytes <= limit:
            return job
        if wanted == 1:
            raise BackendNotSupportedError(
                f"its smallest block needs {job.scratch_bytes} bytes of workspace a thread, "
                f"workspace_limit is {limit}"
            )
        wanted //= 2


def _job_of(problem, x_steps, out_steps, tiles_wanted):
    g = problem.geometry
    nb, ng, nf = len(g.batch), len(g.groups), len(g.filters)
    chosen = variants(problem)
    axes, tables = _tables(problem, chosen, tiles_wanted)
    missing = (0,) * (3 - len(g.axes))
    x_axes, out_axes = missing + x_steps[nb + ng + 1 :], missing + out_steps[nb + ng + nf :]
    for table, x_step, out_step in zip(tables, x_axes, out_axes, strict=True):
        table.update(x_bytes=x_step, out_bytes=out_step)
    deep = (chosen[0][1], axes[0].dilation) if chosen[0][0] == 1 else (1, 1)
    shapes = [(1, 1) if m == 1 else (m, r) for m, r in chosen]
    items = math.prod(g.batch) * math.prod(g.groups) * math.prod(len(t["group"]) - 1 for t in tables)
    return _winograd.Job(
        kind=problem.types.kind, out_type=problem.types.memory, activation=CODES.index(problem.activation),
        work=float(g.macs), points=[_points(v) for v in shapes], outs=[m for m, _ in shapes],
        taps=[r for _, r in shapes], matrices=[weights_matrix(m, r) for m, r in shapes], deep=deep, axes=tables,
        channels=g.channels, k_count=math.prod(g.filters), x_channel=x_steps[nb + ng],
        out_channel=out_steps[nb + ng + nf - 1], x_n=direct.offsets(g.batch, x_steps[:nb]),
        x_g=direct.offsets(g.groups, x_steps[nb : nb + ng]), out_n=direct.offsets(g.batch, out_steps[:nb]),
        out_g=direct.offsets(g.groups, out_steps[nb : nb + ng]),
        parts=-(-_costs.ITEMS_WANTED // max(1, items)) if items < 8 else 1,
    )  # fmt: skip


def plan(problem):
    """A WinogradPlan."""
    return WinogradPlan(problem)
