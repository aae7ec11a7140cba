"""backend="im2col": explicit im2col, block by block, and one BLAS GEMM per block.

For each image and group, ``columns[(c, t), p] = x[c, p * stride + delta[t]]`` for a block of output
pixels p, then ``out[k, p] = sum over (c, t) of w[k, (c, t)] * columns[(c, t), p]``.  The blocks bound
the workspace; the GEMM is SciPy's BLAS, called outside of any parallel region.
"""

import math
import threading

import numpy as np

from .. import _costs, _dtypes
from .._core import arrays, cpu
from . import _matrix, _work, reference
from ._activations import CODES
from ._lowering import subproblems
from .base import Plan, Verdict

name = "im2col"
_GEMM_TYPES = ("f4", "f8", "c8", "c16")


def supports(problem):
    """The four BLAS types, if one pixel's column fits the workspace limit."""
    if problem.kind != "conv":
        return Verdict(False, f"it computes no {problem.kind}")
    key = problem.compute.str[1:]
    if key not in _GEMM_TYPES:
        return Verdict(False, f"BLAS has no GEMM for {problem.compute}; it has float32, float64, "
                              "complex64 and complex128")  # fmt: skip
    if not problem.geometry.axes:
        return Verdict(False, "there is no spatial axis")
    limit = problem.workspace_limit
    if limit is not None and _column_bytes(problem) > limit:
        return Verdict(False, f"workspace_limit={limit} bytes: the column of one pixel needs "
                              f"{_column_bytes(problem)}")  # fmt: skip
    return Verdict(True, "explicit im2col and GEMM")


def _column_bytes(problem):
    g = problem.geometry
    taps = math.prod(a.kernel for a in g.axes)
    return (g.channels * taps + math.prod(g.filters)) * problem.compute.itemsize


def cost(problem):
    """Seconds: BLAS has the units of the best instruction set that there is."""
    return _work.seconds(name, amounts(problem)) + _matrix.more_cost(problem)


def amounts(problem):
    """Units of each kind of work (_work.py): the GEMM, and columns written and read once."""
    g = problem.geometry
    images = math.prod(g.batch) * math.prod(g.groups)
    pixels = images * math.prod(a.out for a in g.axes)
    speed = _costs.ISA_SPEED[cpu.available_isas()[-1]] / _costs.ISA_SPEED[cpu.isa]
    return {"call": 1, "image": images, "product": _work.products(problem, g.macs) / speed,
            "moved": pixels * _column_bytes(problem) / 4}  # fmt: skip


def _blocks(outs, pixels):
    """(outer row index range, column range) blocks of at most that many pixels each."""
    rows, cols = math.prod(outs[:-1]), outs[-1]
    if not rows or not cols:
        return
    if cols > pixels:
        for row in range(rows):
            for at in range(0, cols, pixels):
                yield row, 1, at, min(pixels, cols - at)
    else:
        step = max(1, pixels // cols)
        for row in range(0, rows, step):
            yield row, min(step, rows - row), 0, cols


class Im2colPlan(Plan):
    """Blocks of pixels, a column buffer, one GEMM each."""

    backend = name

    def __init__(self, problem):
        super().__init__(problem)
        limit = _costs.IM2COL_BLOCK_BYTES
        if problem.workspace_limit is not None:
            limit = min(limit, problem.workspace_limit)
        most = max([1, *(math.prod(a.outputs for a in sub) for sub in subproblems(problem.geometry))])
        self.pixels = max(1, min(most, limit // max(1, _column_bytes(problem))))
        self.workspace_bytes = self.pixels * _column_bytes(problem)
        self._local = threading.local()

    def __reduce__(self):
        return plan, (self.problem,)

    def prepare(self, w, bias):
        weights = super().prepare(w, bias)
        weights.finite = arrays.all_finite(self.problem.types.kind, weights.w)
        return weights

    def _filters(self, weights):
        """Per sub-problem, the (groups, filters, channels * taps) matrix of its taps."""
        if "im2col" not in weights.packed:
            g = self.problem.geometry
            w = weights.w.reshape(math.prod(g.groups), math.prod(g.filters), *weights.w.shape[
                len(g.groups) + len(g.filters):])  # fmt: skip
            weights.packed["im2col"] = [
                np.ascontiguousarray(w[(..., *np.ix_(*(a.taps for a in sub)))]).reshape(
                    *w.shape[:2], g.channels * math.prod(len(a.taps) for a in sub))
                for sub in subproblems(g)
            ]  # fmt: skip
        return weights.packed["im2col"]

    def run(self, x, weights, out):
        from .._core import gemm  # imports scipy.linalg: only when this backend is used

        g = self.problem.geometry
        if not weights.finite and g.has_zeros:
            reference.ReferencePlan(self.problem).run(x, weights, out)
            return
        if self.problem.compute.kind == "c":  # real numbers are converted as they are gathered
            x = np.asarray(x, dtype=self.problem.compute)
        source = _dtypes.describe(x.dtype)
        source = (source.memory, source.is_complex, not x.dtype.isnative)
        fill = np.asarray(g.fill).astype(self.problem.compute)
        for sub, w in zip(subproblems(g), self._filters(weights), strict=True):
            at = tuple(slice(a.out_first, None, a.out_step) for a in sub)
            for n in np.ndindex(*g.batch):
                for i, group in enumerate(np.ndindex(*g.groups)):
                    bias = None
                    if weights.bias is not None:
                        bias = weights.bias.reshape(len(w), -1)[i]
                    self._image(gemm, x[n + group], source, sub, w[i], bias, fill,
                                out[n + group][(..., *at)])  # fmt: skip

    def _image(self, gemm, x, source, sub, w, bias, fill, out):
        """One image and group: x (channels, *sizes), w (filters, columns), out (*filters, *outs)."""
        outs = [a.outputs for a in sub]
        filters = w.shape[0]
        spatial = len(outs)
        row_shape = tuple(outs[:-1])
        columns, product = self._scratch(w.shape[1], filters)
        for row, rows, col, cols in _blocks(outs, self.pixels):
            pixels = rows * cols
            block = columns[: pixels * w.shape[1]].reshape(w.shape[1], pixels)
            gemm.gather_columns(block, x, sub, fill, self.problem.types.kind, source, row, rows,
                                col, cols)  # fmt: skip
            y = product[: pixels * filters].reshape(filters, pixels)
            gemm.multiply(w, block, y)
            if bias is not None and self.problem.compute.kind == "c":
                y += bias[:, None]
            y = y.reshape(*out.shape[: out.ndim - spatial], rows, cols)
            for r in range(rows):
                index = np.unravel_index(row + r, row_shape) if row_shape else ()
                self._store(gemm, y[..., r, :], bias, out[(..., *index, slice(col, col + cols))])

    def _store(self, gemm, y, bias, out):
        """A row of finished sums of all filters, y and out (*filters, cols), into the result."""
        if self.problem.compute.kind == "c":
            out[...] = y
            return
        if out.ndim == 1:
            y, out = y[None], out[None]
        for i, f in enumerate(np.ndindex(*out.shape[:-2])):
            part = None if bias is None else bias[i * out.shape[-2] : (i + 1) * out.shape[-2]]
            gemm.store(y[f], part, CODES.index(self.problem.activation), self.problem.types.kind,
                       self.problem.types.memory, out[f])  # fmt: skip

    def _scratch(self, taps, filters):
        """This thread's buffers for the columns and the products of one block."""
        if not hasattr(self._local, "columns"):
            self._local.columns = np.empty(0, self.problem.compute)
            self._local.product = np.empty(0, self.problem.compute)
        if self._local.columns.size < self.pixels * taps:
            self._local.columns = np.empty(self.pixels * taps, self.problem.compute)
        if self._local.product.size < self.pixels * filters:
            self._local.product = np.empty(self.pixels * filters, self.problem.compute)
        return self._local.columns, self._local.product


def plan(problem):
    """An Im2colPlan."""
    return Im2colPlan(problem)
