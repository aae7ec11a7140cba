"""Plans of deformable convolution: the compiled one (backend "direct") and the readable one."""

import threading

import numpy as np

from .. import _dtypes, _reference
from .._core import deform as _deform
from .._core.arrays import aligned
from ._activations import CODES
from .base import Jobs, Weights, contiguous


class DeformProblem:
    """What a deformable convolution needs beyond shapes: kept in ``Problem.extra``."""

    def __init__(self, problem):
        g = problem.geometry
        self.offset_groups, self.has_mask = problem.extra
        self.kernel = tuple(a.kernel for a in g.axes)
        self.taps = int(np.prod(self.kernel))
        self.outs = tuple(a.out for a in g.axes)

    def views(self, problem, offset, mask):
        """offset as (N, offset groups, taps, nd, *outs), mask as (N, offset groups, taps, *outs)."""
        n, nd = problem.geometry.batch[0], len(self.outs)
        offset = offset.reshape(n, self.offset_groups, self.taps, nd, *self.outs)
        if mask is not None:
            mask = mask.reshape(n, self.offset_groups, self.taps, *self.outs)
        return offset, mask


class _DeformPlan:
    def __init__(self, problem):
        self.problem = problem
        self.shapes = DeformProblem(problem)

    def prepare(self, w, bias):
        """Weights and bias in the compute type."""
        compute = self.problem.compute
        return Weights(contiguous(w, compute), None if bias is None else contiguous(bias, compute))


class ReferenceDeformPlan(_DeformPlan):
    """NumPy, tap by tap."""

    backend = "reference"
    workspace_bytes = 0

    def run(self, x, offset, mask, weights, out):
        """x (N, C, *S) and out (N, G, K, *O) views of any dtype and strides."""
        p = self.problem
        axes = p.geometry.axes
        real = np.empty(0, p.compute).real.dtype
        offset, mask = self.shapes.views(p, offset, mask)
        with np.errstate(all="ignore"):
            y = _reference.deform_conv(
                x.astype(p.compute), offset.astype(real), weights.w,
                None if mask is None else mask.astype(real),
                stride=tuple(a.stride for a in axes), dilation=tuple(a.dilation for a in axes),
                padding=tuple((a.before, a.after) for a in axes),
                offset_groups=self.shapes.offset_groups,
            )  # fmt: skip
            if weights.bias is not None:
                y = y + weights.bias.reshape(1, *y.shape[1:3], *(1,) * len(axes))
            np.copyto(out, _reference.activate(y, p.activation), casting="unsafe")


class CompiledDeformPlan(_DeformPlan):
    """Sampled panels and tap tiles; one job per combination of operand strides."""

    backend = "direct"

    def __init__(self, problem):
        super().__init__(problem)
        self._jobs = Jobs(8)
        self._local = threading.local()
        g, s = problem.geometry, self.shapes
        real = np.empty(0, problem.compute).real.dtype
        zero = np.zeros((), problem.compute)
        n, nd = g.batch[0], len(g.axes)
        x = np.broadcast_to(zero, (n, g.groups[0] * g.channels, *(a.size for a in g.axes)))
        offset = np.broadcast_to(zero.real.astype(real), (n, s.offset_groups, s.taps, nd, *s.outs))
        mask = offset[:, :, :, 0] if s.has_mask else None
        out = np.broadcast_to(zero, g.out_shape)
        self.workspace_bytes = self._build(x, offset, mask, out).scratch_bytes

    def _as(self, name, array, dtype):
        """The array, or its numbers as the compute type in a buffer that this thread keeps."""
        if array.dtype == dtype and array.dtype.isnative:
            return array
        held = getattr(self._local, name, None)
        if held is None or held.shape != array.shape:
            held = np.empty(array.shape, dtype)
            setattr(self._local, name, held)
        np.copyto(held, array, casting="unsafe")
        return held

    def _build(self, x, offset, mask, out):
        p, s = self.problem, self.shapes
        g = p.geometry
        taps = np.indices(s.kernel).reshape(len(g.axes), -1)
        base = [(t * a.dilation - a.before).tolist() for t, a in zip(taps, g.axes, strict=True)]
        return _deform.DeformJob(
            kind=p.types.kind, compute_memory=_dtypes.describe(offset.dtype).memory,
            out_type=p.types.memory, activation=CODES.index(p.activation), x=x, out=out,
            offset=offset, mask=mask, base=base, stride=[a.stride for a in g.axes],
            groups=g.groups[0], filters=g.filters[0], offset_groups=s.offset_groups,
        )  # fmt: skip

    def run(self, x, offset, mask, weights, out):
        """x (N, C, *S) and out (N, G, K, *O) views of any dtype and strides."""
        p = self.problem
        real = np.empty(0, p.compute).real.dtype
        x, offset = self._as("x", x, p.compute), self._as("offset", offset, real)
        mask = None if mask is None else self._as("mask", mask, real)
        offset, mask = self.shapes.views(p, offset, mask)
        key = (x.strides, offset.strides, None if mask is None else mask.strides, out.strides)
        job = self._jobs.get(key)
        if job is None:
            job = self._jobs.keep(key, self._build(x, offset, mask, out))
        if "deform" not in weights.packed:
            packed = aligned(max(1, job.packed_bytes), np.uint8)
            job.pack(weights.w, packed)
            weights.packed["deform"] = packed
        job.run(x, offset, mask, weights.packed["deform"], weights.bias, out)
