"""Layers whose samples are read where they lie in the caller's array instead of being gathered into strips."""

import math
from typing import NamedTuple

import numpy as np

from .. import _costs
from .._core import cpu
from ._lowering import merge, tap_order


class InPlace(NamedTuple):
    """How x is read without being gathered: numbers from row to row and column to column, and to each
    channel."""

    steps: tuple
    off: np.ndarray


def pointwise(problem, x, axes, channel_step, together=0):
    """An InPlace for pointwise layers of plain numbers, None for others. For one block of filters nothing is worth
    gathering, and where filters come in several parts each would gather again; else a gathered strip is easier on
    the caches. together: so many channels are met at a time, 0: all."""
    size = problem.compute.itemsize
    if not _as_computed(problem, x):
        return None
    if any(len(a.taps) != 1 or a.deltas[0] != 0 or a.stride != 1 or a.upsample != 1 or a.outputs > a.size
           for a, _, _ in axes):  # fmt: skip
        return None
    merged = merge(axes)
    steps = [step for _, step, _ in merged]
    if len(merged) > 2 or any(s % size for s in (*steps, channel_step)):
        return None
    reach = sum(abs(s) * a.size for a, s, _ in merged)
    channels = problem.geometry.channels
    if (reach + channels * abs(channel_step)) // size >= 2**31:
        return None
    if crowded(min(channels, together or channels), channel_step):
        return None
    row, col = ([0] * 2 + [s // size for s in steps])[-2:]
    return InPlace((row, col), np.arange(channels, dtype=np.int32) * (channel_step // size))


def _as_computed(problem, x):
    """Whether samples are of the type, and in the form, that they are computed in."""
    return x.dtype == problem.compute and x.dtype.isnative and x.flags.aligned


def meets_once(problem):
    """Whether windows lie side by side inside the image (patches), so that no sample is met twice: gathering them
    would take as long as some filters."""
    g = problem.geometry
    return (problem.kind == "conv" and problem.dtype == problem.compute and bool(g.axes) and not g.transposed
            and g.axes[-1].kernel > 1 and all(a.upsample == a.dilation == 1 and a.before == 0 and a.kernel <= a.stride
                    and (a.out - 1) * a.stride + a.kernel <= a.size for a in g.axes))  # fmt: skip


def windows(problem, x, sub, order, axes, x_steps):
    """The InPlace of a layer that ``meets_once``, None where its samples do not lie as they should."""
    size = problem.compute.itemsize
    merged = merge(axes)
    if not _as_computed(problem, x) or any(s % size for s in (*x_steps, *(step for _, step, _ in merged))) or \
            sum(abs(s) * n for s, n in zip(x_steps, x.shape[-len(x_steps):], strict=True)) // size >= 2**31:
        return None
    off = np.arange(problem.geometry.channels, dtype=np.int64) * (x_steps[0] // size)
    for i in tap_order(problem.geometry, order):
        off = np.add.outer(off, sub[i].deltas * (x_steps[1 + i] // size)).reshape(-1)
    row, col = ([0] * 2 + [a.stride * step // size for a, step, _ in merged])[-2:]
    return InPlace((row, col), off.astype(np.int32))


def reads_planes(problem):
    """Whether ``pointwise`` finds samples of the usual order, channels first, to be read where they lie."""
    g = problem.geometry
    plane = math.prod(a.size for a in g.axes) * problem.compute.itemsize
    return _on_planes(problem) and not crowded(g.channels, plane) and not _splits(problem, plane)


def _splits(problem, plane):
    """Whether vectors of pixels would lie in two lines of the cache, each time another way, for so many filters that
    gathering takes less."""
    return plane % 64 != 0 and math.prod(problem.geometry.filters) > _costs.IN_PLACE_SPLIT


def _on_planes(problem):
    """Whether it is a 1x1 layer of planes that need no conversion."""
    g = problem.geometry
    return (not problem.channels_last and problem.dtype == problem.compute and not g.transposed
            and all(a.kernel == a.stride == a.upsample == 1 and a.out == a.size for a in g.axes))  # fmt: skip


def channels_together(problem):
    """Channels that a tile sums at a time where planes are large: more streams than the processor follows, and more pages
    than it remembers, would be read at once. 0 for other layers."""
    g = problem.geometry
    plane = math.prod(a.size for a in g.axes) * problem.compute.itemsize
    if (problem.kind != "conv" or not _on_planes(problem) or not one_sum(problem) or g.channels <= _costs.FAR_CHANNELS
            or plane < _costs.FAR_PLANE or plane * g.channels < _costs.FAR_BYTES):  # fmt: skip
        return 0
    if not crowded(_costs.FAR_CHANNELS, plane):
        return _costs.FAR_CHANNELS
    return _costs.FAR_CHANNELS // 2 if math.prod(g.filters) <= _costs.FAR_CROWDED_FILTERS else 0


def one_sum(problem):
    """Whether a tile sums all channels of a 1x1 layer at once."""
    return problem.compute.kind == "f" and problem.geometry.channels <= _costs.IN_PLACE_CHANNELS


def many_channels(problem):
    """Whether it is a 1x1 layer of stride 1, of planes, whose channels outweigh all else."""
    g = problem.geometry
    return (g.channels >= _costs.POINTWISE and not problem.channels_last and not g.transposed
            and all(a.kernel == a.stride == 1 for a in g.axes))  # fmt: skip


def along_rows(in_place, problem):
    """The InPlace if vectors of pixels can well be loaded from it, for all channels in one running sum."""
    if not in_place or in_place.steps[1] != 1 or not one_sum(problem):
        return None
    step = int(in_place.off[-1] - in_place.off[-2]) * problem.compute.itemsize if len(in_place.off) > 1 else 0
    return in_place if channels_together(problem) or not _splits(problem, step) else None


def crowded(channels, channel_step):
    """Whether planes so many bytes apart fall into few sets of the L1 cache: they would push each other out."""
    return cpu.crowded(min(channels, 256) * 3 // 2, channel_step)
