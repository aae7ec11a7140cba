"""backend="oa": overlap-save convolution by FFT, in blocks that stay in cache.

Decides what ``_core/overlap.pyx`` does: the size of the transform, and where every row begins.  Rows are all
axes but the convolved one; which of them is convolved, and how they lie in memory, does not matter.
"""

import math
import sys

import numpy as np

from .. import _costs, _dtypes
from .._core import cpu, fft
from .._core import overlap as _overlap
from .._problem import PAD_CODES
from . import _integers, _tiles, _turned, direct
from .base import Jobs, Plan, Verdict, without_idle

name = "oa"
MOST_POINTS = 1 << 22


def supports(problem):
    """Convolutions of single channels of stride 1; of integers through float64."""
    if _integers.fits(problem):
        return supports(_integers.wide(problem))
    g = problem.geometry
    if tiled(g):
        return _tiles.supports(problem)
    if problem.kind != "conv" or g.transposed:
        return Verdict(False, f"overlap-save does not compute {problem.kind} or transposed convolution")
    if problem.types.kind not in _dtypes.FLOATS:
        return Verdict(False, f"FFT blocks are float32, float64, complex64 or complex128, found {problem.dtype}")
    if g.channels != 1 or problem.has_bias or problem.activation:
        return Verdict(False, "one channel, without bias and activation, is wanted")
    if any((a.stride, a.dilation, a.upsample) != (1, 1, 1) for a in g.axes):
        return Verdict(False, "stride, dilation and upsampling must be 1")
    if not convolved(g):
        return Verdict(False, "the kernel has one tap")
    if not math.isfinite(best_size(problem)[2]):
        return Verdict(False, f"kernels of more than {2 * MOST_POINTS} taps need larger transforms")
    limit = problem.workspace_limit
    if limit is not None and OverlapPlan(problem).workspace_bytes > limit:
        return Verdict(False, f"a block needs {OverlapPlan(problem).workspace_bytes} bytes of "
                              f"workspace a thread, workspace_limit is {limit}")  # fmt: skip
    return Verdict(True, "overlap-save FFT in blocks that stay in cache")


def convolved(g):
    """Indices of the axes along which something happens."""
    return [i for i, a in enumerate(g.axes)
            if a.kernel > 1 or a.before or a.out != a.size]  # fmt: skip


def tiled(g):
    """Whether tiles of ``_tiles`` compute it rather than blocks along one axis."""
    return len(g.axes) > 1 and len(convolved(g)) != 1


def cost(problem):
    """Seconds on one thread: the points of all blocks at their size's rate, and of the kernels."""
    if _integers.fits(problem):
        return cost(_integers.wide(problem)) + _integers.moved(problem)
    if _turned.fits(problem):
        return cost(_turned.planar(problem)) + _turned.seconds(problem, _costs.TURNED_NUMBER)
    if tiled(problem.geometry):
        return _tiles.cost(problem)
    _, rows, filters = _sizes(problem)
    points, _, seconds = best_size(problem)
    kernels = 0 if problem.held else filters
    return _costs.OVERLAP_CALL + rows * seconds + kernels * points * _point(problem, points) / 2


def _sizes(problem):
    """(convolved axis, rows, filters)."""
    g = problem.geometry
    (i,) = convolved(g)
    filters = math.prod(g.groups) * math.prod(g.filters)
    others = math.prod(a.out for j, a in enumerate(g.axes) if j != i)
    return g.axes[i], math.prod(g.batch) * filters * others, filters


def _point(problem, points):
    """Seconds that one complex point of a block takes."""
    wide = problem.compute.str[1:] in ("f8", "c16")
    rates = _costs.OVERLAP_POINT["f8" if wide else "f4"]
    at = min(max(0, points.bit_length() - 9), len(rates) - 1)
    planes = _costs.OVERLAP_COMPLEX if problem.compute.kind == "c" else 1
    return rates[at] * planes * 32 / _costs.VECTOR_BYTES[cpu.isa]


def _skipped(problem, axis, length):
    """Results that a block of that length gives up, None where it is too short.

    The first taps - 1 are mixed up with the block's end, unless that holds as many zeros: then one block
    is the whole row.  Else whole vectors are skipped, so that all blocks lie alike in memory."""
    last = axis.kernel - 1
    if axis.mode == "fill" and problem.geometry.fill == 0:
        lead = max(0, last - axis.before)
        start = last - axis.before - lead  # sample at the block's first place
        if axis.size - start <= length - (last - lead) and lead + axis.out <= length:
            return lead
    skip = -(-last // 16) * 16
    return skip if skip < length else None


def best_size(problem):
    """(complex points of a block, results it gives up, seconds a row)."""
    axis, _, _ = _sizes(problem)
    real = problem.compute.kind == "f"
    points, found = max(256, fft.smallest(problem.compute.str[1:] in ("f8", "c16"))), []
    while points <= MOST_POINTS:
        length = 2 * points if real else points
        skip = _skipped(problem, axis, length)
        if skip is not None:
            blocks = -(-axis.out // (length - skip))
            seconds = blocks * (points * _point(problem, points) + _costs.OVERLAP_BLOCK)
            found.append((seconds, points, skip))
            if blocks <= 1:
                break
        points *= 2
    if not found:
        return MOST_POINTS, 0, math.inf
    seconds, points, skip = min(found)
    return points, skip, seconds


def _transforms(problem):
    """(numbers of a block or tile, how many of them are added to one result)."""
    if tiled(problem.geometry):
        return _tiles.transforms(problem)
    return 2 * best_size(problem)[0], 1


class OverlapPlan(Plan):
    """Jobs by operand strides, as those of ``direct``; kernel spectra are the packed weights."""

    backend = name

    def __init__(self, problem):
        super().__init__(problem)
        compute = problem.compute
        wide = compute.str[1:] in ("f8", "c16")
        points, self._skip, _ = best_size(problem)
        turned = compute.kind == "f"
        self._transform = fft.transform(wide, points, turned)
        self._wide = self._transform if wide else fft.transform(True, points, turned)
        self._jobs = Jobs()
        self._usual = self._job(*direct.usual_operands(problem))
        self.workspace_bytes = self._usual.scratch_bytes

    def __reduce__(self):
        return plan, (self.problem,)

    def _job(self, x, out_steps, aligned=True):
        key = (x.strides, _dtypes.tag(x.dtype), out_steps, aligned)
        found = self._jobs.get(key)
        if found is None:
            found = self._jobs.keep(key, self._build(x, out_steps, aligned))
        return found

    def _build(self, x, out_steps, aligned):
        problem, g = self.problem, self.problem.geometry
        nb, ng, nf = len(g.batch), len(g.groups), len(g.filters)
        (i,) = convolved(g)
        axis, others = g.axes[i], [j for j in range(len(g.axes)) if j != i]
        shape = (*g.batch, *g.groups, *g.filters, *(g.axes[j].out for j in others))
        x_steps = (*x.strides[: nb + ng], *(0,) * nf, *(x.strides[nb + ng + 1 + j] for j in others))
        at = nb + ng + nf
        steps = (*out_steps[:at], *(out_steps[at + j] for j in others))
        filters = math.prod(g.groups) * math.prod(g.filters)
        which = np.arange(filters, dtype=np.intp).reshape((*g.groups, *g.filters, *(1,) * len(others)))
        wide = "c16" if problem.compute.kind == "c" else "f8"
        reader = _dtypes.reader(x.dtype, g.fill, problem.compute, wide)
        return _overlap.Job(
            self._transform, self._wide, kind=problem.types.kind, reader=reader,
            out_type=problem.types.memory, plain=aligned,
            axis=(axis.used, x.strides[nb + ng + 1 + i], PAD_CODES[axis.mode]), taps=axis.kernel,
            before=axis.before, outs=axis.out, skip=self._skip, x_row=direct.offsets(shape, x_steps),
            out_row=direct.offsets(shape, steps), out_step=out_steps[at + i],
            filter_row=np.ascontiguousarray(np.broadcast_to(which, shape)).reshape(-1),
        )  # fmt: skip

    def _filters(self, weights):
        found = weights.packed.get(name)
        if found is None:
            w, (i,) = without_idle(self.problem.geometry, weights.w), convolved(self.problem.geometry)
            taps = w.reshape(-1, w.shape[i - len(self.problem.geometry.axes)])
            if taps.dtype.kind == "c":
                taps = np.stack((taps.real, taps.imag), 1)
            taps = np.ascontiguousarray(taps)  # an axis of length 1 may have any step
            found = weights.packed[name] = self._usual.filters(taps)
        return found

    def warm(self, weights):
        weights.held = True
        self._filters(weights)

    def run(self, x, weights, out):
        filters = self._filters(weights)
        if not filters.finite:  # their products with padded zeros would matter
            direct.plan(self.problem).run(x, weights, out)
            return
        self._job(x, out.strides, x.flags.aligned and out.flags.aligned).run(x, filters, out)


def plan(problem):
    """The plan for a problem that ``supports`` accepted."""
    if _integers.fits(problem):
        return _integers.IntegerPlan(problem, sys.modules[__name__], direct, *_transforms(_integers.wide(problem)))
    if _turned.fits(problem):
        return _turned.TurnedPlan(problem, sys.modules[__name__])
    if tiled(problem.geometry):
        return _tiles.plan(problem)
    return OverlapPlan(problem)
