"""How the direct driver cuts a sub-problem into strips, and where every tap finds its samples.

A strip is a rectangle of outputs.  Its input is packed so that output ``j`` of an axis finds tap ``t``
at ``position[t] + j``: taps whose virtual positions agree modulo the stride share one segment of
neighbouring samples (the classic de-interleaving of a strided convolution); taps too far apart
(large dilation) get segments of their own, so that no unneeded row is read.
"""

from typing import NamedTuple

import numpy as np

from .. import _costs


class Layout(NamedTuple):
    """Packed samples of one axis for a strip of that many outputs."""

    segments: list  # (first virtual position, samples)
    positions: np.ndarray  # of each tap
    length: int


def layout(deltas, stride, outputs):
    """Lay out the samples that ``outputs`` neighbouring outputs need at each tap."""
    if len(deltas) == 0:
        return Layout([(0, outputs)], deltas, outputs)
    phase, step = deltas % stride, deltas // stride
    order = np.lexsort((step, phase))
    phase, step = phase[order], step[order]
    fresh = np.ones(len(order), bool)  # taps that begin a segment
    fresh[1:] = (np.diff(phase) != 0) | (np.diff(step) > outputs)
    begin = np.flatnonzero(fresh)
    end = np.append(begin[1:], len(order)) - 1
    counts = step[end] - step[begin] + outputs
    bases = np.cumsum(counts) - counts
    which = np.cumsum(fresh) - 1
    positions = np.empty(len(order), np.intp)
    positions[order] = bases[which] + step - step[begin][which]
    firsts = step[begin] * stride + phase[begin]
    return Layout(list(zip(firsts.tolist(), counts.tolist(), strict=True)), positions,
                  int(counts.sum()))  # fmt: skip


def _even(total, at_most):
    """The largest part of an even split of total into parts of at most that size."""
    parts = -(-total // max(1, min(at_most, total)))
    return -(-total // parts)


def strip_size(row, col, sample_bytes, planes, work, output_bytes, limit=None):
    """(rows, columns) of a strip: its packed input should stay in the L2 cache.

    ``sample_bytes``: bytes that one packed position costs (all channels of a group), ``planes``: how
    many planes of it there are, ``work``: multiply-adds that one output costs, ``output_bytes``: bytes of
    one pixel's running sums, ``limit``: bytes that may not be exceeded (None: no limit).
    """
    budget = _costs.STRIP_BYTES if limit is None else min(_costs.STRIP_BYTES, limit)

    def nbytes(rows, cols):
        return (layout(row.deltas, row.stride, rows).length * planes * sample_bytes
                * layout(col.deltas, col.stride, cols).length)  # fmt: skip

    pixels = max(64 if limit is None else 1, min(budget, _costs.SUMS_BYTES) // output_bytes)
    cols = max(1, min(col.outputs, pixels))
    # narrower strips would gather more than they multiply, whatever the kernel's length
    floor = _costs.STRIP_MIN_COLUMNS if limit is None else 1
    while nbytes(1, cols) > budget and cols > floor:
        cols = max(floor, -(-cols // 2))
    cols = _even(max(1, col.outputs), cols)
    rows, high = 1, max(1, min(row.outputs, pixels // cols))
    while rows < high:  # the most rows that fit: nbytes grows with rows
        middle = (rows + high + 1) // 2
        if nbytes(middle, cols) <= budget:
            rows = middle
        else:
            high = middle - 1
    most = max(1, int(_costs.STRIP_MAX_MACS // max(1, work * cols)))
    rows = min(rows, max(most, len(row.taps)))
    return _even(max(1, row.outputs), rows), cols
