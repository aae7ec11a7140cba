"""How the direct driver cuts a sub-problem into strips, and where every tap finds its samples.

A strip is a rectangle of outputs.  Its input is packed so that output ``j`` of an axis finds tap ``t``
at ``position[t] + j``: taps whose virtual positions agree modulo the stride share one segment of
neighbouring samples (the classic de-interleaving of a strided convolution); taps too far apart
(large dilation) get segments of their own, so that no unneeded row is read.
"""

import math
import os
from typing import NamedTuple

import numpy as np

from .. import _costs
from .._core.implicit import block_channels


class Layout(NamedTuple):
    """Packed samples of one axis for a strip of that many outputs."""

    segments: list  # (first virtual position, samples)
    positions: np.ndarray  # of each tap
    length: int
    gap: int = 1  # packed samples from one output to the next


def layout(deltas, stride, outputs):
    """Lay out the samples that ``outputs`` neighbouring outputs need at each tap; taps lie one step apart."""
    if len(deltas) == 0:
        return Layout([(0, outputs)], deltas, outputs)
    if stride == 1 and (len(deltas) == 1 or abs(int(deltas[1]) - int(deltas[0])) <= outputs):
        first, last = sorted((int(deltas[0]), int(deltas[-1])))  # the usual case: one segment
        return Layout([(first, last - first + outputs)], deltas - first, last - first + outputs)
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


def meets_all(axis, nbytes):
    """Whether the taps of a strided axis meet all samples, of so many bytes, or all lines of memory that they lie in."""
    taps = len(axis.taps)
    if axis.upsample > 1 or axis.stride == 1 or not taps:
        return False
    beside = taps == 1 or abs(int(axis.deltas[1]) - int(axis.deltas[0])) == 1
    return beside and (axis.stride <= taps or axis.stride * nbytes <= 64)


def whole(axis, outputs):
    """As layout, of all samples between the first and the last: outputs are a stride apart."""
    first, last = sorted((int(axis.deltas[0]), int(axis.deltas[-1])))
    length = last - first + (outputs - 1) * axis.stride + 1
    return Layout([(first, length)], axis.deltas - first, length, axis.stride)


def packed_length(axis, outputs):
    """layout(...).length of a TapAxis, whose taps lie one step apart, without laying anything out."""
    taps = len(axis.taps)
    if taps < 2:
        return outputs
    step = abs(int(axis.deltas[1]) - int(axis.deltas[0]))
    common = math.gcd(step, axis.stride)
    phases = min(taps, axis.stride // common)
    return phases * outputs + (taps - phases) * min(step // common, outputs)


def _even(total, at_most):
    """The largest part of an even split of total into parts of at most that size."""
    parts = -(-total // max(1, min(at_most, total)))
    return -(-total // parts)


def l2_bytes():
    """Bytes of this machine's L2 cache of a core, 1 MB where the system does not tell."""
    try:
        return os.sysconf("SC_LEVEL2_CACHE_SIZE") or 1 << 20
    except (AttributeError, OSError, ValueError):
        return 1 << 20


L2_BYTES = max(l2_bytes(), 128 << 10)


class Cut(NamedTuple):
    """Outputs of a strip, channels that are gathered at a time, numbers from sample to sample where its
    channels stay neighbours (else 0), and into how many parts filters are cut at most."""

    rows: int
    cols: int
    block: int
    pitch: int
    parts: int


class Cuts(NamedTuple):
    """What decides how sub-problems are cut: see the arguments of _job_of in direct.py."""

    geometry: object
    itemsize: int
    filters: int
    lanes: str
    together: bool  # channels of a sample are neighbours
    single: bool  # there is one sub-problem
    budget: object  # bytes that a strip may take, None: as much as is good
    woven: int = 1  # running sums of a filter that are kept at a time
    shared: int = 0  # images times groups, where several phases share a strip and filters are too few to be cut; else 0
    pieces: int = 0  # images times groups, where strips may be small since nothing is gathered; else 0
    images: int = 1  # times groups

    def strip(self, row, col, planes, beside=1):
        """The Cut of one sub-problem; planes: of outer taps; beside: positions along outer axes.

        All channels at a time where that leaves strips of enough pixels for the weights that are streamed
        past them; else blocks of channels, and the running sums of all filters wait in the L2 cache."""
        channels = self.geometry.channels
        width = self.woven * min(self.filters, 32 if self.lanes == "channels" else 8)
        rows, cols = self._size(row, col, planes, channels, width, _costs.STRIP_SHARE)
        taps = planes * len(row.taps) * len(col.taps)
        step = block_channels(taps) if self.lanes == "channels" else 0
        parts = max(1, self.filters // 32)
        enough = min(row.outputs * col.outputs, _costs.STRIP_PIXELS)
        if 0 < step < channels and self.single and self.budget is None and rows * cols < enough:
            kept = min(self.filters, _costs.KEPT_FILTERS)
            more = self._size(row, col, planes, step, kept, _costs.BLOCK_SHARE)
            if math.prod(more) > rows * cols:
                rows, cols = more
                samples = packed_length(row, rows) * planes * packed_length(col, cols)
                size = samples * self.itemsize
                channels = min(channels, max(1, int(L2_BYTES * _costs.BLOCK_SHARE) // size // step) * step)
                # every part gathers all blocks again
                macs = rows * cols * taps * self.filters // samples
                strips = -(-row.outputs // rows) * -(-col.outputs // cols)
                parts = max(macs // _costs.GATHER_MACS, -(-_costs.ITEMS_LEAST // strips))
        if self.shared:
            rows, cols = self._shared(row.outputs, col.outputs, rows, cols)
        if self.pieces:
            wanted = -(-_costs.ITEMS_WANTED // (self.pieces * max(1, row.outputs)))
            tiles = -(-col.outputs // _costs.TILE_COLUMNS)
            cols = min(cols, -(-tiles // max(1, min(wanted, tiles // _costs.IN_PLACE_TILES))) * _costs.TILE_COLUMNS)
        if not (self.shared or self.pieces) and channels == self.geometry.channels:
            rows, cols = self._finer(row, col, rows, cols, taps * channels * self.filters, beside * self.images)
        if self.lanes == "pixels" and row.outputs == 1 and cols < col.outputs and self.budget is None:
            # strips begin with a line of the cache
            cols = -(-cols // _costs.TILE_COLUMNS) * _costs.TILE_COLUMNS
        return Cut(rows, cols, channels, self._pitch(channels), parts)

    def _finer(self, row, col, rows, cols, work, beside):
        """(rows, columns) of strips that are enough for a few threads where that gathers little twice; work:
        multiply-adds of an output. Threads that share a strip instead, each some filters, both gather it."""
        if work * self.itemsize > L2_BYTES // 2 or self.budget is not None:  # the weights of every strip come from afar
            return rows, cols
        wanted = min(_costs.STRIPS_WANTED, int(work * row.outputs * col.outputs * beside / _costs.STRIP_LEAST_MACS))
        wanted = max(1, -(-wanted // max(1, beside)))
        if row.outputs == 1:
            least = max(_costs.STRIP_LEAST_PIXELS, _again(col))
            finer = -(-col.outputs // max(1, min(wanted, col.outputs // least)))
            return rows, max(1, min(cols, finer))
        across = max(1, -(-col.outputs // cols))
        least = max(-(-_costs.STRIP_LEAST_PIXELS // cols), _again(row))
        strips = max(1, min(-(-wanted // across), row.outputs // least))
        return max(1, min(rows, -(-row.outputs // strips))), cols

    def _shared(self, height, width, rows, cols):
        """(rows, columns) of strips that several phases share: small enough for the threads, and two rows if that
        leaves half as many as are wanted, since rows beside a strip are gathered again."""
        wanted = -(-_costs.ITEMS_WANTED // self.shared)
        cols = min(cols, _even(width, max(_costs.SHARED_COLUMNS, -(-width * height // wanted))))
        across = -(-width // cols)
        least = 2 if height * across >= wanted else 1
        return min(rows, max(least, -(-height * across // wanted))), cols

    def _pitch(self, channels):
        if not self.together:
            return 0
        # 64 bytes keep rows of the strip out of one cache set
        return channels + (16 if channels * self.itemsize % 512 == 0 else 0)

    def _size(self, row, col, planes, channels, width, share):
        g, filters = self.geometry, self.filters
        parts = min(_costs.ITEMS_WANTED, filters // 32) if filters >= 64 else 1
        work = g.channels * planes * len(row.taps) * len(col.taps) * filters // parts
        sums = _costs.SUMS_BYTES if width <= 32 * self.woven else int(L2_BYTES * share)
        budget = int(L2_BYTES * share)
        if self.budget is not None:
            budget, sums = min(budget, self.budget), min(sums, self.budget)
        return strip_size(row, col, (self._pitch(channels) or channels) * self.itemsize, planes, work,
                          sums // (max(1, width) * self.itemsize), filters, budget,
                          limited=self.budget is not None)  # fmt: skip


def _again(axis):
    """Outputs of a strip along an axis from which few samples are gathered for the strip beside it too."""
    reach = abs(int(axis.deltas[-1]) - int(axis.deltas[0])) + 1 if len(axis.deltas) else 1
    return _costs.STRIP_OVERLAP * max(0, reach - axis.stride) // axis.stride


def strip_size(row, col, sample_bytes, planes, work, pixels, filters, budget, limited):
    """(rows, columns) of a strip: its packed input should stay in the L2 cache.

    ``sample_bytes``: bytes that one packed position costs (all channels of a group), ``planes``: how
    many planes of it there are, ``work``: multiply-adds that one output costs, ``pixels``: whose running sums
    there is room for, ``filters``: how many share what is gathered, ``budget``: bytes of packed input, which
    may not be exceeded if ``limited``.
    """

    def nbytes(rows, cols):
        return packed_length(row, rows) * planes * sample_bytes * packed_length(col, cols)

    pixels = max(1 if limited else 64, pixels)
    cols = max(1, min(col.outputs, pixels))
    floor = 1
    if not limited:  # narrower strips would gather more than they multiply, whatever the kernel's length
        reach = abs(int(col.deltas[-1]) - int(col.deltas[0])) if len(col.deltas) else 0
        floor = _costs.STRIP_MIN_COLUMNS // max(1, filters)
        floor = min(_costs.STRIP_MIN_COLUMNS, max(floor, 4 * reach, 32))
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
