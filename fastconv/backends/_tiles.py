"""Overlap-save over two and three axes: which tiles, and plans that run them.

A tile of ``rows x cols`` samples gives ``(rows - kh + 1) x (cols - kw + 1)`` results for one transform and
one back; a third axis is summed directly between spectra. What ``_core/tiles.pyx`` does is decided here:
which axis is which, how large tiles are, the roots of the transforms. backends/overlap.py hands problems over.
"""

import itertools
import math
import sys
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .. import _costs, _dtypes
from .._core import cpu
from .._core import tiles as _tiles
from .._problem import PAD_CODES
from . import direct
from ._activations import CODES
from .base import BackendNotSupportedError, Jobs, Plan, Verdict, without_idle

_REAL_KIND = {"f4": 5, "f8": 6, "c8": 5, "c16": 6}  # fc_kind of the parts
SIDES = tuple(2**i for i in range(4, 11))  # of a tile, in complex numbers
# A tile is transformed where its root mean square is at most this many times the quietest block's mean,
# times sum|w| / sqrt(sum w^2): the error of a transform is level, u log2(n) rms(x) sqrt(sum w^2), and no
# window then sees it as more than some u log2(n) of its own sum |x||w|.
RANGE = {"f4": 16, "f8": 16, "f8 of f4": 16 * 2.0**25}
# Sums of |x| over a tile, and of |w|, between which no product overflows or loses bits as a denormal number.
LIMITS = {"f4": (1e-10, 1e15), "f8": (1e-100, 1e100)}
SPECTRA_BYTES = 64 << 20  # of the filters that one pass takes
PLANES_BYTES = 4 << 20  # of the spectra of neighbouring planes


class Tiling(NamedTuple):
    """How outputs are cut: sides of a tile in complex numbers (rows of a real tile count two), and the
    outputs of an item, (planes, rows, columns)."""

    down: int
    along: int
    outs: tuple


def supports(problem):
    """One channel, stride 1, two or three convolved axes, numbers of 4 and 8 bytes."""
    g = problem.geometry
    if problem.kind != "conv" or g.transposed:
        return Verdict(False, f"it computes no {'transposed convolution' if g.transposed else problem.kind}")
    if g.channels != 1:
        return Verdict(False, f"it wants one input channel a group, found {g.channels}")
    if problem.compute.str[1:] not in _REAL_KIND:
        return Verdict(False, f"its transforms are float32 and float64, found {problem.compute}")
    if len(g.axes) not in (2, 3):
        return Verdict(False, f"it wants two or three convolved axes, found {len(g.axes)}")
    if any(a.stride != 1 or a.dilation != 1 or a.upsample != 1 for a in g.axes):
        return Verdict(False, "it wants stride 1, no dilation and no enlargement")
    if 0 in g.w_shape or 0 in g.x_shape:
        return Verdict(False, "there is nothing to transform")
    if not _ranked(problem, _order(problem, direct.usual_operands(problem)[0].strides)):
        limit = problem.workspace_limit
        return Verdict(False, "the kernel is too large for its tiles"
                              + ("" if limit is None else f" within workspace_limit={limit}"))  # fmt: skip
    return direct.fits(TilesPlan, problem, "overlap-save in tiles through transforms of powers of two")


def cost(problem):
    """Seconds on one thread, and what rounding costs where sums would be exact."""
    order = _order(problem, direct.usual_operands(problem)[0].strides)
    tiling = _ranked(problem, order)[0]
    return _costs.TILES_CALL + _costs.TILES_INEXACT + _seconds(problem, order, tiling)


def _complex(problem):
    return problem.compute.kind == "c"


def _order(problem, x_steps):
    """Spatial axes as (depth, rows, columns): columns lie closest together, the depth has the fewest taps of
    the others. None for a depth that is not there."""
    axes = problem.geometry.axes
    steps = x_steps[len(x_steps) - len(axes) :]
    width = [abs(s) if a.size > 1 else sys.maxsize for a, s in zip(axes, steps, strict=True)]
    col = min(reversed(range(len(axes))), key=lambda i: width[i])
    rest = sorted((i for i in range(len(axes)) if i != col), key=lambda i: axes[i].kernel)
    return (*rest, col) if len(rest) == 2 else (None, rest[0], col)


def _sides(problem, order):
    """(axis of the depth or None, axis of the rows, axis of the columns)."""
    axes = problem.geometry.axes
    return tuple(None if i is None else axes[i] for i in order)


def _twice(problem):
    """Samples in a row of complex numbers: a real tile keeps the lower half of its rows as imaginary parts."""
    return 1 if _complex(problem) else 2


def tiling_of(problem, order, down, along):
    """The Tiling with such a tile, None where it does not hold the kernel."""
    depth, rows, cols = _sides(problem, order)
    keep = down * _twice(problem) - rows.kernel + 1, along - cols.kernel + 1
    if keep[0] < 1 or keep[1] < 1:
        return None
    planes = 1  # a single plane goes through its spectrum alone
    if depth is not None and depth.kernel > 1:
        room = PLANES_BYTES // _spectrum_bytes(problem, down, along) - depth.kernel + 1
        planes = _even(depth.out, max(1, room, depth.kernel // 2))
    return Tiling(down, along, (planes, _even(rows.out, keep[0]), _even(cols.out, keep[1])))


def _spectrum_bytes(problem, down, along):
    return down * (along + 1) * problem.compute.itemsize * _twice(problem)


@lru_cache(maxsize=256)
def _ranked(problem, order):
    """Tilings that hold the kernel, the cheapest first, but those that clearly exceed the workspace limit."""
    _, rows, cols = _sides(problem, order)
    downs = _up_to(-(-(rows.out + rows.kernel - 1) // _twice(problem)))
    alongs = _up_to(cols.out + cols.kernel - 1)
    found = (tiling_of(problem, order, down, along) for down, along in itertools.product(downs, alongs))
    able = [t for t in found if t is not None and not _exceeds(problem, t, order)]
    return sorted(able, key=lambda t: _seconds(problem, order, t))


def _up_to(samples):
    """The sides of tiles up to the first that holds so many: a longer one transforms more for nothing."""
    return SIDES[: 1 + sum(side < samples for side in SIDES)]


def _exceeds(problem, tiling, order):
    """Whether the planes under an item and a tile alone are more than the workspace limit, if any."""
    limit = problem.workspace_limit
    taps = 1 if order[0] is None else problem.geometry.axes[order[0]].kernel
    spectrum = _spectrum_bytes(problem, tiling.down, tiling.along)
    return limit is not None and (tiling.outs[0] + taps + 1) * spectrum > limit


def transforms(problem):
    """(samples of the largest tile that any order of axes may take, planes that are added to one result)."""
    axes = problem.geometry.axes
    downs, alongs = (_up_to(max(a.out + a.kernel for a in axes) // n) for n in (_twice(problem), 1))
    return downs[-1] * _twice(problem) * alongs[-1], 1 if len(axes) == 2 else max(a.kernel for a in axes)


def _even(total, most):
    """The largest part of an even split of total into parts of at most that many."""
    parts = -(-max(1, total) // most)
    return -(-max(1, total) // parts)


class Amounts(NamedTuple):
    """What a call consists of: complex points transformed, those times the doublings of a tile, products with
    spectra, tiles."""

    points: float
    doublings: float
    products: float
    tiles: float


def amounts(problem, order, tiling):
    """The Amounts of a call, spectra of the filters included."""
    g = problem.geometry
    depth, rows, cols = _sides(problem, order)
    points = tiling.down * tiling.along
    taps, planes = (1, 1) if depth is None else (depth.kernel, tiling.outs[0])
    items = math.prod(-(-a.out // n) for a, n in zip((depth, rows, cols), tiling.outs, strict=True)
                      if a is not None)  # fmt: skip
    filters = math.prod(g.groups) * math.prod(g.filters)
    items *= filters * math.prod(g.batch)
    ways = items * (planes + taps - 1 + planes) + filters * taps
    return Amounts(points * ways / 2, points * ways / 2 * math.log2(points), items * planes * taps * points,
                   items * planes)  # fmt: skip


def _seconds(problem, order, tiling):
    """Predicted seconds of a tiling on one thread."""
    key = f"f{problem.compute.itemsize // (2 if _complex(problem) else 1)}"
    a = amounts(problem, order, tiling)
    wide = (a.points * _costs.TILES_POINT[key] + a.doublings * _costs.TILES_DOUBLING[key]
            + a.products * _costs.TILES_PRODUCT[key])  # fmt: skip
    return wide * 64 / _costs.VECTOR_BYTES[cpu.isa] + a.tiles * _costs.TILES_TILE


@lru_cache(maxsize=64)
def roots(n, turns, dtype):
    """What the passes of a transform of n points modulo t^n - exp(2 pi i turns) multiply by (fc_fft2.h)."""
    parts, angle, left = [], np.array([turns]), n
    radix = 2 if n.bit_length() % 2 == 0 else 4
    while left > 1:
        root = angle / radix
        parts.append((root[:, None] * np.arange(1, radix)).reshape(-1))
        angle = (root[:, None] + np.arange(radix) / radix).reshape(-1)
        left, radix = left // radix, 4
    values = np.exp(2j * np.pi * np.concatenate(parts))
    return np.ascontiguousarray(values).view(np.float64).astype(dtype)


class TilesPlan(Plan):
    """Jobs by operand strides; spectra of the filters by order of axes."""

    backend = "oa"

    def __init__(self, problem, tiling=None):
        super().__init__(problem)
        self._tiling = tiling  # of every job; None: chosen by cost
        self._jobs = Jobs()
        self.workspace_bytes = self._job(*direct.usual_operands(problem), False)[0].scratch_bytes
        self._direct = direct.DirectPlan(problem)

    def __reduce__(self):
        return plan, (self.problem,)

    def _job(self, x, out_steps, wide):
        """(Job, order of axes, its compute dtype) for these strides; wide: float64 for float32."""
        key = (x.strides, _dtypes.tag(x.dtype), out_steps, wide)
        found = self._jobs.get(key)
        if found is None:
            order = _order(self.problem, x.strides)
            tiling = self._tiling or self._cheapest(order, x, out_steps)
            found = self._jobs.keep(key, build_job(self.problem, order, tiling, x, out_steps, wide))
        return found

    def _cheapest(self, order, x, out_steps):
        """The cheapest tiling that keeps the workspace limit, also where loud tiles are left to float64; the
        same for all strides with this order of axes."""
        limit, least = self.problem.workspace_limit, math.inf
        for tiling in _ranked(self.problem, order):
            if limit is None:
                return tiling
            need = max(build_job(self.problem, order, tiling, x, out_steps, wide)[0].scratch_bytes
                       for wide in (False, True))  # fmt: skip
            if need <= limit:
                return tiling
            least = min(least, need)
        raise BackendNotSupportedError(f"a tile needs {least} bytes of workspace a thread, workspace_limit is {limit}")

    def _prepared(self, weights, order, dtype):
        """(weights in the job's order, spread of each filter), or None where they cannot be transformed."""
        key = ("tiles", order, dtype)
        found = weights.packed.get(key)
        if found is None:
            found = weights.packed[key] = _prepare(self.problem, without_idle(self.problem.geometry, weights.w), order, dtype)
        return found

    def _spectra(self, job, order, dtype, weights, first, count):
        """Transforms of some filters; kept where these are all of them."""
        key = ("spectra", order, dtype)
        found = weights.packed.get(key)
        if found is None:
            found = np.empty(count * job.filter_bytes + 64, np.uint8)
            job.transform(self._prepared(weights, order, dtype).w, first, count, found)
            if count == len(self._prepared(weights, order, dtype).spread):
                weights.packed[key] = found
        return found

    def warm(self, weights):
        weights.held = True
        job, order, dtype = self._job(*direct.usual_operands(self.problem), False)
        prepared = self._prepared(weights, order, dtype)
        if not prepared.usable:
            self._direct.warm(weights)
        elif len(prepared.spread) * job.filter_bytes <= SPECTRA_BYTES:
            self._spectra(job, order, dtype, weights, 0, len(prepared.spread))

    def run(self, x, weights, out):
        job, order, dtype = self._job(x, out.strides, False)
        prepared = self._prepared(weights, order, dtype)
        if not prepared.usable:
            self._direct.run(x, weights, out)
            return
        filters = len(prepared.spread)
        most = max(1, SPECTRA_BYTES // job.filter_bytes)
        for first in range(0, filters, most):
            count = min(most, filters - first)
            status = np.zeros(count * job.items_per_filter, np.uint8)
            if self._pass(x, weights, out, first, count, status, False):
                self._pass(x, weights, out, first, count, status, True)

    def _pass(self, x, weights, out, first, count, status, wide):
        """Some filters; True where items are left to the wider type."""
        job, order, dtype = self._job(x, out.strides, wide)
        prepared = self._prepared(weights, order, dtype)
        spectra = self._spectra(job, order, dtype, weights, first, count)
        return job.run(x, prepared.w, spectra, prepared.spread, weights.bias, out, first, count, status, wide)


class _Prepared(NamedTuple):
    w: np.ndarray  # (filters, depth, rows, columns), contiguous
    spread: np.ndarray  # of each filter: sum|w| / sqrt(sum w^2)
    usable: bool


def _prepare(problem, w, order, dtype):
    g = problem.geometry
    lead = len(g.groups) + len(g.filters)
    w = w.reshape(*w.shape[:lead], *w.shape[lead + 1 :])  # the one channel
    w = w.transpose(*range(lead), *(lead + i for i in order if i is not None))
    depth = 1 if order[0] is None else g.axes[order[0]].kernel
    w = np.ascontiguousarray(w, dtype).reshape(-1, depth, *(g.axes[i].kernel for i in order[1:]))
    least, most = LIMITS[f"f{w.real.dtype.itemsize}"]
    with np.errstate(all="ignore"):
        flat = np.abs(w.reshape(len(w), -1)).astype(np.float64)
        sums, norms = flat.sum(axis=1), np.sqrt((flat**2).sum(axis=1))
        spread = np.where(sums > 0, sums / norms, math.inf)
        usable = bool(np.all((sums == 0) | ((sums >= least) & (sums <= most))))
    return _Prepared(w, spread, usable)


def build_job(problem, order, tiling, x, out_steps, wide):
    """(Job, order of axes, compute dtype) for one combination of strides."""
    g = problem.geometry
    nb, ng, nf = len(g.batch), len(g.groups), len(g.filters)
    compute = np.dtype("c16" if _complex(problem) else "f8") if wide else problem.compute
    part = f"f{compute.itemsize // (2 if _complex(problem) else 1)}"
    types = _dtypes.describe(compute)
    reader = _dtypes.reader(x.dtype, g.fill, compute)
    axes = []
    for i, n in zip(order, tiling.outs, strict=True):
        if i is None:
            axes.append((1, 0, 0, 0, 1, 0, 1, 1))
            continue
        a = g.axes[i]
        axes.append((a.used, x.strides[nb + ng + 1 + i], PAD_CODES[a.mode], out_steps[nb + ng + nf + i], a.out,
                     a.before, a.kernel, n))  # fmt: skip
    turns = 0.0 if _complex(problem) else 0.25
    job = _tiles.Job(
        kind=types.kind, real_kind=_REAL_KIND[part], out_kind=problem.types.kind, reader=reader, out_type=problem.types.memory,
        activation=CODES.index(problem.activation),
        x_n=direct.offsets(g.batch, x.strides[:nb]), out_n=direct.offsets(g.batch, out_steps[:nb]),
        x_g=direct.offsets(g.groups, x.strides[nb : nb + ng]),
        out_g=direct.offsets(g.groups, out_steps[nb : nb + ng]),
        out_f=direct.offsets(g.filters, out_steps[nb + ng : nb + ng + nf]),
        axes=axes, tile=(tiling.down, tiling.along),
        roots=(roots(tiling.down, turns, part), roots(tiling.along, 0.0, part)),
        leaves=part == "f4", limits=(*LIMITS[part], RANGE["f8 of f4" if wide else part]),
    )  # fmt: skip
    return job, order, compute


def plan(problem):
    """A TilesPlan."""
    return TilesPlan(problem)
