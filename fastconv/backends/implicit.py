"""backend="implicit": implicit GEMM, vectors of output channels over the strips of "direct".

The im2col matrix exists only as a table of offsets into the packed strip (cuDNN's "implicit precomputed
GEMM", Chetlur et al. 2014, arXiv:1410.0759).  Needs enough filters to fill vectors, and float32 or
float64; see ``_core/implicit.pyx``.
"""

import math
import sys

from .. import _costs
from . import _complex, _in_place, _matrix, _spread, _work, direct
from ._lowering import siblings
from .base import Verdict

name = "implicit"
_TYPES = ("f4", "f8")


def supports(problem):
    """float32 and float64 (float16 and bfloat16 are summed in float32), complex numbers by their parts."""
    if _complex.fits(problem):
        return supports(_complex.real(problem))
    if problem.kind != "conv":
        return Verdict(False, f"it computes no {problem.kind}")
    if problem.compute.str[1:] not in _TYPES:
        return Verdict(False, f"its tiles are float32 and float64, found {problem.compute}")
    return direct.fits(plan, problem, "implicit GEMM on channel lanes")


def cost(problem):
    """Seconds on one thread."""
    if _complex.fits(problem):
        return cost(_complex.real(problem)) + _complex.cost(problem)
    as_product = _matrix.product(problem) if _matrix.fits(problem) else problem
    return _work.seconds(name, amounts(as_product)) + _matrix.more_cost(problem)


def amounts(problem):
    """Units of each kind of work (_work.py): products of whole vectors of channels, samples gathered, results
    turned and stored."""
    g = problem.geometry
    macs = g.macs * _work.filled(math.prod(g.filters), _work.lanes(problem))
    if any(a.kernel > 1 and (a.stride > 1 or a.dilation > 1) for a in g.axes) and not g.transposed:
        macs *= _costs.IMPLICIT_SPREAD
    if math.prod(g.filters) <= _work.lanes(problem):
        macs *= _costs.IMPLICIT_NARROW
    if problem.channels_last and math.prod(g.groups) > 1:
        macs *= _costs.IMPLICIT_LAST_GROUPS
    dense, strided, rows = _work.gathered(problem)
    if _in_place.reads_planes(problem) and math.prod(g.filters) <= 2 * _work.lanes(problem):
        dense, rows = dense * _costs.IN_PLACE_SAMPLE, 0
    if _in_place.meets_once(problem):
        strided = rows = 0
    _, phases, _ = _work.strip_axes(g)
    stored, last = _work.words(problem, math.prod(g.out_shape)), 0
    if problem.channels_last:  # rows of channels as they are, nothing is turned
        rows /= max(1, g.channels)
        if g.axes and g.axes[-1].dilation == 1 and g.axes[-1].kernel >= g.axes[-1].stride:
            dense, strided = dense + strided, 0
        stored, last = 0, stored
        if math.prod(g.groups) > 1:  # runs of a group's channels are moved vector by vector
            dense *= _work.filled(g.channels, _work.lanes(problem))
            last *= _work.filled(math.prod(g.filters), _work.lanes(problem))
    elif _spread.fits(problem) or siblings(g) > 1:  # whole rows are turned, in the cache
        phases = 1
    else:
        stored *= _work.filled(math.prod(g.filters), _work.lanes(problem))
    return {"call": 1, "product": _work.products(problem, macs), "sample": dense, "strided": strided, "row": rows,
            "stored": 0 if phases > 1 else stored, "spread": stored if phases > 1 else 0, "stored_last": last,
            "image": math.prod(g.batch) * math.prod(g.groups) * phases}  # fmt: skip


class ImplicitPlan(direct.DirectPlan):
    """As DirectPlan, with jobs on channel lanes."""

    backend = name
    lanes = "channels"

    def __reduce__(self):
        return plan, (self.problem,)


def plan(problem):
    """An ImplicitPlan, or one through that of a 1x1 convolution, of a matrix product, or of real numbers."""
    if _complex.fits(problem):
        return _complex.ComplexPlan(problem, sys.modules[__name__])
    if _matrix.fits(problem):
        return _matrix.MatrixPlan(problem, ImplicitPlan, name)
    if _spread.fits(problem):
        return _spread.SpreadPlan(problem, ImplicitPlan)
    return ImplicitPlan(problem)
