"""Single-channel images and volumes: which Problems the image driver serves, and the plan that does.

Part of backend="direct".  Whether a filter is a product of a column and a row is seen when its weights are
prepared; then the two are applied one after the other, in the same strip.  See ``_core/image.pyx``.
"""

import math
from functools import lru_cache

import numpy as np

from .. import _costs
from .._core import arrays, cpu
from .._core import image as _image
from .._problem import PAD_CODES
from . import reference
from .base import Jobs, Plan, c_steps

MOST_AXES = 16
# A product of a column and a row stands for the filter where no tap is farther off than this many units in the
# last place: about what rounding a product to the type does, and within the bound of the sum itself.
FACTOR_ULPS = 2
REMEMBERED_BYTES = 16 * 1024  # of a matrix whose factors are kept
WHOLE = 2**16  # weights up to this many units are taken for whole numbers


def fits(problem):
    """Whether the problem is one filter over one channel, stride and dilation 1, in a type with tiles."""
    g = problem.geometry
    return (problem.kind == "conv" and not g.transposed and g.channels == 1
            and math.prod(g.groups) == 1 and math.prod(g.filters) == 1
            and len(g.axes) >= 2 and len(g.axes) + len(g.batch) <= MOST_AXES
            and problem.activation is None and not problem.has_bias
            and problem.dtype == problem.compute and problem.dtype.str[1:] in SERVED
            and all(a.stride == a.dilation == a.upsample == 1 and a.size > 0 for a in g.axes)
            and sum(a.kernel > 1 for a in g.axes) > 1)  # fmt: skip


SERVED = ("f4", "f8", "i2", "u2", "i4", "u4", "i8", "u8")


def cost(problem):
    """Seconds on one thread; of a filter that turns out to be a product it is an upper bound."""
    g, key = problem.geometry, problem.compute.str[1:]
    moved = (math.prod(g.x_shape) + math.prod(g.out_shape)) * problem.compute.itemsize
    rate = _costs.IMAGE_RATE[key] * _costs.VECTOR_BYTES[cpu.isa] / 64
    more = max(0, math.prod(g.batch) * math.prod(g.groups) - 1)
    return _costs.DIRECT_CALL + more * _costs.IMAGE_PLANE + g.macs / rate + moved / _costs.IMAGE_BYTES


def factor(matrix):
    """(column, row) whose product is the matrix, or None.

    Exactly for integers, and for floats that are whole multiples of a power of two, so that sums of small whole
    numbers stay exact; else within the rounding of the type. The answers for small matrices are remembered.
    """
    if not _may_be_product(matrix):
        return None
    if matrix.nbytes > REMEMBERED_BYTES:
        return _factor(matrix)
    return _remembered(matrix.tobytes(), matrix.shape, matrix.dtype)


def _may_be_product(matrix):
    """False where a minor says that it is none, as one of nearly every other matrix does."""
    rows, columns = matrix.shape
    for (a, b), (c, d) in (((0, 0), (-1, -1)), ((0, 0), (rows // 2, columns // 2)),
                           ((rows // 2, columns // 2), (-1, -1))):  # fmt: skip
        main, other = float(matrix[a, b]) * float(matrix[c, d]), float(matrix[a, d]) * float(matrix[c, b])
        if abs(main - other) > 1e-3 * (abs(main) + abs(other)):
            return False
    return True


@lru_cache(maxsize=64)
def _remembered(numbers, shape, dtype):
    return _factor(np.frombuffer(numbers, dtype).reshape(shape))


def _factor(matrix):
    if matrix.dtype.kind in "iu":
        return _factor_integers(matrix.astype(object), matrix.dtype)
    if not np.isfinite(matrix).all() or not matrix.any():
        return None
    unit = _unit(matrix)
    if abs(matrix).max() < WHOLE * unit:
        parts = _factor_integers(np.vectorize(int, otypes=[object])(matrix / unit), matrix.dtype)
        return parts and (parts[0] * matrix.dtype.type(unit), parts[1])
    wide = matrix.astype(np.longdouble if matrix.dtype == np.float64 else np.float64)
    i, j = np.unravel_index(np.argmax(abs(wide)), wide.shape)
    # the row keeps a largest tap in [1, 2): what comes of the column is no larger than the results
    scale = 2.0 ** float(np.floor(np.log2(abs(wide[i, j]))))
    column = (wide[:, j] / (wide[i, j] / scale)).astype(matrix.dtype)
    row = (wide[i] / scale).astype(matrix.dtype)
    product = np.multiply.outer(column.astype(wide.dtype), row.astype(wide.dtype))
    close = abs(product - wide) <= FACTOR_ULPS * np.finfo(matrix.dtype).eps * abs(wide)
    return (column, row) if close.all() else None


def _unit(matrix):
    """The largest power of two that all numbers are multiples of."""
    used = matrix[matrix != 0]
    mantissa, exponent = np.frexp(used)
    digits = np.finfo(matrix.dtype).nmant + 1
    whole = np.ldexp(mantissa, digits).astype(np.int64)
    lowest = (np.frexp((whole & -whole).astype(np.float64))[1] - 1 - digits + exponent).min()
    return np.ldexp(np.float64(1), lowest)


def _factor_integers(exact, dtype):
    used = np.flatnonzero(exact.any(axis=1))
    if not len(used):
        return None
    line = exact[used[0]]
    row = line // math.gcd(*line)
    j = int(np.flatnonzero(line)[0])
    column = exact[:, j] // row[j]
    if not (np.multiply.outer(column, row) == exact).all():
        return None
    if dtype.kind == "f":
        return column.astype(dtype), row.astype(dtype)
    # modulo 2**n, as their product is: -2**31 over a row of -1 is beyond int32
    unsigned = np.dtype(f"u{dtype.itemsize}")
    return tuple((part % 2 ** (8 * dtype.itemsize)).astype(unsigned).view(dtype) for part in (column, row))


def gains(shape):
    """Whether two passes are faster than one over windows of (planes * rows, columns)."""
    return shape[0] * shape[1] >= 2 * (shape[0] + shape[1])


class ImagePlan(Plan):
    """Jobs by operand strides; what does not fit goes to the plan of strips."""

    backend = "direct"

    def __init__(self, problem, strips):
        super().__init__(problem)
        self._strips = strips
        self._other = None
        self._jobs = Jobs()
        x_steps, out_steps = _usual_steps(problem)
        jobs = [self._job(x_steps, out_steps, lined)[0] for lined in (False, True)]
        plans = [self._fallback().workspace_bytes] if jobs[0] is None else [j.scratch_bytes for j in jobs]
        self.workspace_bytes = max(plans)

    def __reduce__(self):
        return ImagePlan, (self.problem, self._strips)

    def _fallback(self):
        if self._other is None:
            self._other = self._strips(self.problem)
        return self._other

    def _job(self, x_steps, out_steps, lined):
        """(Job, order of the spatial axes), or (None, None) where columns are not neighbours in memory."""
        key = (x_steps, out_steps, lined)
        found = self._jobs.get(key)
        if found is None:
            found = self._jobs.keep(key, build_job(self.problem, x_steps, out_steps, lined))
        return found

    def _packed(self, order, weights):
        """(taps as the driver reads them, whether they are a column and a row)."""
        key = "rows", order  # the plan of strips packs the same weights its own way
        packed = weights.packed.get(key)
        if packed is None:
            packed = pack(self.problem.geometry, weights.w, order)
            weights.finite = arrays.all_finite(self.problem.types.kind, weights.w)
            weights.packed[key] = packed
        return packed

    def warm(self, weights):
        order = self._job(*_usual_steps(self.problem), False)[1]
        if order is not None:
            self._packed(order, weights)

    def run(self, x, weights, out):
        if out.size == 0:
            return
        if not out.flags.aligned:
            self._fallback().run(x, weights, out)
            return
        if x.dtype != self.problem.dtype or not x.dtype.isnative or not x.flags.aligned:
            x = np.require(x, self.problem.dtype, ["C", "A"])  # the bits of what it converts to
        order = self._job(x.strides, out.strides, False)[1]
        if order is not None:
            self._rows(x, weights, out, order)
        elif interleaved(x, self.problem.geometry) or interleaved(out, self.problem.geometry):
            # images that lie sample by sample beside each other are laid out one by one, so that the bits
            # of each are those that it has alone
            alone, result = arrays.new(x.shape, x.dtype), arrays.new(out.shape, out.dtype)
            alone[...] = x  # a copy made so has plain steps even along axes of one sample
            self.run(alone, weights, result)
            out[...] = result
        else:
            self._fallback().run(x, weights, out)

    def _rows(self, x, weights, out, order):
        packed, lined = self._packed(order, weights)
        if not weights.finite and self.problem.geometry.has_zeros:
            # a NaN or infinity in the weights times a padded zero must not make a NaN
            reference.ReferencePlan(self.problem).run(x, weights, out)
        else:
            self._job(x.strides, out.strides, lined)[0].run(x, packed, out)


def interleaved(array, g):
    """Whether no convolved axis has neighbouring samples."""
    return all(abs(step) != array.itemsize for step in array.strides[array.ndim - len(g.axes) :])


def pack(g, w, order):
    """(taps column by column of each plane, False), or (those of a column and of a row, True)."""
    taps = w.reshape([a.kernel for a in g.axes]).transpose(order)
    matrix = taps.reshape(-1, taps.shape[-1])
    if gains(matrix.shape):
        parts = factor(matrix)
        if parts is not None:
            return np.concatenate(parts), True
    return np.ascontiguousarray(taps.swapaxes(-1, -2)), False


def _usual_steps(problem):
    g, dtype = problem.geometry, problem.dtype
    return c_steps(g.x_shape, dtype), c_steps(g.out_shape, dtype)


def build_job(problem, x_steps, out_steps, lined):
    """(Job, order of the spatial axes, outermost first) for these steps, or (None, None)."""
    g, size = problem.geometry, problem.dtype.itemsize
    nb, nd = len(g.batch), len(g.axes)
    x_axes, out_axes = x_steps[len(x_steps) - nd :], out_steps[len(out_steps) - nd :]
    width = [abs(s) if a.size > 1 else np.inf for a, s in zip(g.axes, x_axes, strict=True)]
    order = tuple(sorted(range(nd), key=lambda i: -width[i]))
    if x_axes[order[-1]] != size or out_axes[order[-1]] != size or any(s % size for s in out_steps):
        return None, None
    axes = [(n, n, 1, 0, x, out, PAD_CODES["fill"])
            for n, x, out in zip(g.batch, x_steps, out_steps[:nb], strict=False)]  # fmt: skip
    for i in order:
        a = g.axes[i]
        axes.append((a.size, a.out, a.kernel, a.before, x_axes[i], out_axes[i], PAD_CODES[a.mode]))
    fill = np.asarray(g.fill).astype(problem.compute).tobytes()
    return _image.Job(problem.types.kind, axes, fill, lined), order
