"""From a Geometry to tap sub-problems: one for a convolution, stride**rank for a transposed one.

Output ``o`` of a transposed axis only meets the taps with ``(o + before - t * dilation) % stride == 0``.
All outputs of one phase ``o % stride`` meet the same taps, at inputs ``j + delta[t]`` for the j-th of
them: an ordinary convolution of stride 1 on the original input.  No zero is ever inserted.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np

from .._problem import PAD_CODES


class TapAxis(NamedTuple):
    """One axis of a sub-problem: output j reads inputs ``j * stride + deltas[t]`` for each tap."""

    size: int  # virtual input samples (after upsampling)
    upsample: int
    mode: int  # fc_pad_mode
    out_first: int
    out_step: int
    outputs: int
    stride: int
    taps: np.ndarray  # indices into the kernel
    deltas: np.ndarray


def conv_axis(axis):
    """The single sub-problem of an ordinary axis."""
    taps = np.arange(axis.kernel, dtype=np.intp)
    return [
        TapAxis(axis.size * axis.upsample, axis.upsample, PAD_CODES[axis.mode], 0, 1, axis.out, axis.stride,
                taps, taps * axis.dilation - axis.before)
    ]  # fmt: skip


def transposed_axis(axis):
    """The sub-problems of a transposed axis, one per output phase."""
    phases = []
    all_taps = np.arange(axis.kernel, dtype=np.intp)
    for phase in range(min(axis.stride, axis.out)):
        reach = phase + axis.before - all_taps * axis.dilation
        taps = all_taps[reach % axis.stride == 0]
        outputs = -(-(axis.out - phase) // axis.stride)
        phases.append(
            TapAxis(axis.size, 1, PAD_CODES["fill"], phase, axis.stride, outputs, 1, taps,
                    reach[taps] // axis.stride)
        )  # fmt: skip
    return phases


def subproblems(geometry):
    """Tuples of TapAxis, one tuple per sub-problem; together they cover every output once."""
    lower = transposed_axis if geometry.transposed else conv_axis
    return list(itertools.product(*(lower(a) for a in geometry.axes)))


def siblings(g, order=None, column=None):
    """How many sub-problems in turn share what is gathered: the phases of rows and columns of a transposed layer, where
    all of them have as many outputs, and taps that meet neighbouring samples. One filter alone runs down the rows of a
    phase, which then must lie one behind the other."""
    count = 1
    if g.transposed and math.prod(g.filters) > 1 and column is None and order in (None, tuple(range(len(g.axes)))):
        for axis in g.axes[:-3:-1]:
            if axis.stride > axis.kernel or axis.dilation > 1 or axis.out % axis.stride:
                break
            count *= axis.stride
    return count


def tap_order(g, order):
    """Axes from the outermost taps of a sum to the innermost, ``order`` from the widest step to the narrowest: so too,
    but for a single filter the last two are swapped, rows inside columns, as the row tiles add them."""
    return (*order[:-2], *order[-2:][::-1]) if math.prod(g.filters) == 1 else order


def _plain(axis):
    return (axis.stride == 1 and axis.upsample == 1 and len(axis.taps) == 1
            and axis.deltas[0] == 0 and axis.outputs == axis.size
            and axis.out_step == 1)  # fmt: skip


def merge(axes):
    """Join neighbouring axes on which nothing happens: a 1x1 convolution has one long axis.

    Each item is (TapAxis, x step, out step)."""
    merged = []
    for item in axes:
        axis, x_step, out_step = item
        if merged and _plain(axis) and _plain(merged[-1][0]):
            last, last_x, last_out = merged[-1]
            if last_x == x_step * axis.size and last_out == out_step * axis.size:
                total = last.size * axis.size
                merged[-1] = (last._replace(size=total, outputs=total), x_step, out_step)
                continue
        merged.append(item)
    return merged
