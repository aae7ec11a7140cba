"""What layers are made of, for the cost models: amounts of a few kinds of work, in numbers.

The seconds of one unit of each kind stand in ``_costs.UNITS``; ``asv_bench/tools/fit_layers.py`` finds them from
measured layers.  A unit is one of float32; products of other dtypes, vectors of other widths, count as more.
"""

import math
from typing import NamedTuple

from .. import _costs
from .._core import cpu
from ._lowering import siblings


def seconds(backend, amounts):
    """The time of so many units of the kinds of work of a backend."""
    units = _costs.UNITS[backend]
    return sum(units[kind] * amount for kind, amount in amounts.items())


def lanes(problem):
    """Numbers in a vector."""
    return max(1, _costs.VECTOR_BYTES[cpu.isa] // problem.compute.itemsize)


def products(problem, count):
    """Multiply-adds of the problem's dtype as so many of float32 with AVX-512."""
    rates = _costs.DIRECT_RATE
    rate = rates.get(problem.compute.str[1:], _costs.DIRECT_SLOW_RATE)
    return count * rates["f4"] / rate / _costs.ISA_SPEED[cpu.isa]


def words(problem, numbers):
    """Numbers of the problem's dtype as so many of four bytes."""
    return numbers * problem.compute.itemsize / 4


def vectors(problem, numbers):
    """Numbers that are transformed in vectors, as so many of four bytes with AVX-512."""
    return words(problem, numbers) / _costs.ISA_SPEED[cpu.isa]


def filled(count, lanes):
    """How many lanes of whole vectors there are to a number: at least 1."""
    return -(-count // lanes) * lanes / max(1, count)


class Axis(NamedTuple):
    """An axis as the strips see it; of a transposed one, that of a single phase."""

    out: int
    size: int
    kernel: int
    stride: int
    reach: int  # packed samples beyond the outputs
    met: float  # share of the samples that a tap meets


def strip_axes(g):
    """(an Axis of each spatial axis, how many sub-problems there are, the share of them that has taps)."""
    axes, phases, share = [], 1, 1.0
    if not g.axes:
        axes.append(Axis(1, 1, 1, 1, 0, 1.0))
    for a in g.axes:
        if g.transposed:
            step = max(1, min(a.stride, a.out))
            kernel, out = -(-a.kernel // a.stride), -(-a.out // step)
            axes.append(Axis(out, a.size, kernel, 1, (kernel - 1) * a.dilation, 1.0))
            phases *= step
            share *= min(1, a.kernel / a.stride)
        else:
            met = min(1.0, a.kernel / a.stride)
            axis = Axis(a.out, a.size, a.kernel, a.stride, (a.kernel - 1) * a.dilation // a.stride, met)
            if axes and _plain(axes[-1]) and _plain(axis):  # one long axis, as strips have it
                axis = Axis(axes[-1].out * a.out, axes[-1].size * a.size, 1, 1, 0, 1.0)
                axes.pop()
            axes.append(axis)
    return axes, phases, share


def _plain(axis):
    return axis.kernel == axis.stride == 1 and axis.out == axis.size


def gathered(problem):
    """(samples of dense rows, samples of strided rows, rows) that strips gather: a sample once for each phase of
    a transposed layer, but for those that share a strip, and each plane of a volume's window."""
    g = problem.geometry
    axes, phases, share = strip_axes(g)
    again = phases * share / siblings(g)
    for a in axes[:-2]:
        again *= max(1.0, min(a.kernel, a.kernel * a.out / max(1, a.size)))
    rows = math.prod(g.x_shape) / max(1, axes[-1].size) * again * math.prod(a.met for a in axes[:-1])
    samples = words(problem, rows * axes[-1].size * axes[-1].met)
    if axes[-1].stride > 1:
        return 0, samples, rows
    return samples, 0, rows


def stored_rows(problem):
    """Rows of results, a phase of a transposed layer at a time."""
    axes, _, _ = strip_axes(problem.geometry)
    return math.prod(problem.geometry.out_shape) / max(1, axes[-1].out)


def pixels(problem):
    """How many lanes there are to an output: rows are joined, gaps between them included, or whole vectors each."""
    axes, _, _ = strip_axes(problem.geometry)
    wide = lanes(problem)
    cols, rows = axes[-1].out, axes[-2].out if len(axes) > 1 else 1
    joined = -(-((rows - 1) * (cols + axes[-1].reach) + cols) // wide) * wide
    apart = rows * -(-cols // wide) * wide
    return min(joined, apart) / max(1, rows * cols)
