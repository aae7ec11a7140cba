"""One filter along one axis of an array: the part of backend "direct" that ``_core/fir.pyx`` computes.

Which problems these are, and how the axes of an array become lines, or strips of neighbouring lines.
"""

import math

import numpy as np

from .. import _costs, _dtypes
from .._core import cpu, fir
from . import reference
from ._lowering import subproblems
from .base import Jobs, Plan

_BUDGET = 1 << 20  # bytes of workspace that are more than enough
_ACROSS = 32  # bytes of neighbouring samples from which lines are filtered across


def _is_plain(axis):
    """True for an axis on which nothing happens."""
    return axis.kernel == axis.stride == axis.upsample == 1 and axis.out == axis.size and axis.before == 0


def filtered_axis(problem):
    """The index of the only axis along which something happens, or None where this is no such problem."""
    g = problem.geometry
    if (problem.kind != "conv" or problem.types.kind not in _dtypes.FLOATS or problem.compute != problem.dtype
            or problem.activation is not None or problem.has_bias
            or math.prod(g.w_shape) != math.prod(a.kernel for a in g.axes)):  # fmt: skip
        return None
    busy = [i for i, a in enumerate(g.axes) if not _is_plain(a)]
    if len(busy) != 1:
        return None
    axis = g.axes[busy[0]]
    dense = axis.stride == axis.upsample == 1 and (axis.dilation == 1 or axis.kernel == 1)
    return busy[0] if dense and axis.kernel and axis.size else None


def cost(problem):
    """Seconds on one thread, as `direct.cost`: multiply-adds at the rate of the tap-strided tiles, and what
    is read and written."""
    g, key = problem.geometry, problem.compute.str[1:]
    rate = _costs.FIR_RATE[key] * _costs.VECTOR_BYTES[cpu.isa] / 64
    moved = (math.prod(g.x_shape) + math.prod(g.out_shape)) * problem.compute.itemsize
    return _costs.DIRECT_CALL + g.macs / rate + moved / _costs.FIR_BYTES


class FirPlan(Plan):
    """Jobs by operand strides."""

    backend = "direct"

    def __init__(self, problem, x_steps, out_steps):
        """The steps are those of usual operands: they tell the workspace."""
        super().__init__(problem)
        g = problem.geometry
        self._at = filtered_axis(problem)
        (sub,) = subproblems(g)
        self._axis = sub[self._at]
        # a transposed axis meets its taps from the last to the first
        self._backwards = self._axis.deltas[0] > self._axis.deltas[-1]
        self._jobs = Jobs()
        self._fill = np.asarray(g.fill).astype(problem.compute).tobytes()
        self._usual = x_steps, out_steps
        self.workspace_bytes = self._job(*self._usual).scratch_bytes

    def __reduce__(self):
        return FirPlan, (self.problem, *self._usual)

    def run(self, x, weights, out):
        dtype = self.problem.compute
        if x.dtype != dtype or not x.flags.aligned:
            x = x.astype(dtype)
        w = weights.packed.get("fir")
        if w is None:
            w = weights.w.reshape(-1)
            w = weights.packed["fir"] = np.ascontiguousarray(w[::-1] if self._backwards else w)
        if not self._job(x.strides, out.strides).run(x, w, None, out):
            # a NaN or infinity in the weights times a padded zero must not make a NaN
            reference.ReferencePlan(self.problem).run(x, weights, out)

    def _job(self, x_steps, out_steps):
        found = self._jobs.get((x_steps, out_steps))
        if found is None:
            found = self._jobs.keep((x_steps, out_steps), self._make(x_steps, out_steps))
        return found

    def _make(self, x_steps, out_steps):
        g, axis, size = self.problem.geometry, self._axis, self.problem.dtype.itemsize
        x_steps = (*x_steps[: len(g.batch)], *x_steps[len(x_steps) - len(g.axes) :])
        out_steps = (*out_steps[: len(g.batch)], *out_steps[len(out_steps) - len(g.axes) :])
        shape, mine = (*g.batch, *(a.size for a in g.axes)), len(g.batch) + self._at
        others = [(n, x_steps[i], out_steps[i]) for i, n in enumerate(shape) if i != mine and n != 1]
        # an axis whose samples are neighbours is filtered across, unless the filtered axis is such a one
        columns = 0
        if abs(x_steps[mine]) != size:
            for other in others:
                if other[1] == other[2] == size and other[0] * size >= _ACROSS:
                    columns = other[0]
                    others.remove(other)
                    break
        limit = self.problem.workspace_limit
        return fir.Job(
            self.problem.types.kind, axis=(axis.size, axis.outputs, x_steps[mine], out_steps[mine], axis.mode),
            taps=len(axis.deltas), first=int(axis.deltas.min()), fill=self._fill, zeros=g.has_zeros,
            size=size, x_at=_offsets(others, 1), out_at=_offsets(others, 2), columns=columns,
            budget=_BUDGET if limit is None else limit // 2,
        )  # fmt: skip


def _offsets(axes, which):
    at = np.zeros(1, np.intp)
    for axis in axes:
        at = np.add.outer(at, np.arange(axis[0], dtype=np.intp) * axis[which]).reshape(-1)
    return at


def plan_or_none(problem, x_steps, out_steps):
    """A FirPlan where the problem is one filter along one axis and the workspace suffices, else None."""
    if filtered_axis(problem) is None:
        return None
    found = FirPlan(problem, x_steps, out_steps)
    limit = problem.workspace_limit
    return found if limit is None or found.workspace_bytes <= limit else None
