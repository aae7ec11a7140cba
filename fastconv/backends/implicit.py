"""backend="implicit": implicit GEMM, vectors of output channels over the strips of "direct".

The im2col matrix exists only as a table of offsets into the packed strip (cuDNN's "implicit precomputed
GEMM", Chetlur et al. 2014, arXiv:1410.0759).  Needs enough filters to fill vectors, and float32 or
float64; see ``_core/implicit.pyx``.
"""

import math

from .. import _costs
from .._core import cpu
from .._core.implicit import block_channels
from . import _spread, direct
from .base import Verdict

name = "implicit"
_TYPES = ("f4", "f8")
_STRIP_ROWS = 8


def supports(problem):
    """float32 and float64 (float16 and bfloat16 are summed in float32)."""
    if problem.kind != "conv":
        return Verdict(False, f"it computes no {problem.kind}")
    if problem.compute.str[1:] not in _TYPES:
        return Verdict(False, f"its tiles are float32 and float64, found {problem.compute}")
    return direct.fits(plan, problem, "implicit GEMM on channel lanes")


def cost(problem):
    """Seconds on one thread: multiply-adds of whole vectors of channels, gathering, transposed stores."""
    g = problem.geometry
    key = problem.compute.str[1:]
    width = _costs.VECTOR_BYTES[cpu.isa]
    lanes = max(1, width // problem.compute.itemsize)
    filters = max(1, math.prod(g.filters))
    waste = -(-filters // lanes) * lanes / filters
    rate = _costs.IMPLICIT_RATE[key] * _costs.ISA_SPEED[cpu.isa]
    if math.prod(a.kernel for a in g.axes) == 1 and g.channels > block_channels(1) // 2 and not problem.channels_last:
        rate /= _costs.IMPLICIT_POINTWISE
    if any(a.kernel > 1 and (a.stride > 1 or a.dilation > 1) for a in g.axes):
        rate /= _costs.IMPLICIT_SPREAD
    moved = (math.prod(g.x_shape) * again(g) + math.prod(g.out_shape)) * problem.compute.itemsize
    stored = math.prod(g.out_shape) * waste * problem.compute.itemsize / _costs.STORE_BYTES
    if problem.channels_last or _spread.fits(problem):  # nothing is turned, or whole rows are, in the cache
        stored = 0
    return (_costs.DIRECT_CALL + g.macs * waste / rate
            + moved / _costs.GATHER_BYTES + stored)  # fmt: skip


def again(g):
    """How often a sample is gathered: strips of some rows overlap by the reach of the window."""
    times = 1
    for i, a in enumerate(g.axes):
        outs = min(a.out, _STRIP_ROWS) if i + 1 < len(g.axes) else a.out
        times *= min(a.kernel, 1 + (a.kernel - 1) * a.dilation / max(1, outs))
    return times


class ImplicitPlan(direct.DirectPlan):
    """As DirectPlan, with jobs on channel lanes."""

    backend = name
    lanes = "channels"

    def __reduce__(self):
        return plan, (self.problem,)


def plan(problem):
    """An ImplicitPlan, or one through that of a 1x1 convolution."""
    if _spread.fits(problem):
        return _spread.SpreadPlan(problem, ImplicitPlan)
    return ImplicitPlan(problem)
