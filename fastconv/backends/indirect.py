"""backend="indirect": indirect convolution, a table of pointers instead of an im2col matrix.

Every output pixel has a pointer to the channels under each tap of its window; windows over the edge point
to a row of zeros (Dukhan 2019, arXiv:1907.02129).  Made for channels-last arrays, which are read where
they lie; the table is part of the plan.  See ``_core/indirect.pyx``.
"""

import math

import numpy as np

from .. import _costs, _dtypes
from .._core import indirect as _indirect
from .._core.arrays import aligned
from . import _in_place, _matrix, _work, direct, reference
from ._activations import CODES
from .base import BackendNotSupportedError, Jobs, Plan, Verdict, c_steps

name = "indirect"


def supports(problem):
    """float32 and float64 results of layers whose table of pointers is not larger than their data."""
    g = problem.geometry
    if problem.kind != "conv" or g.transposed:
        return Verdict(False, f"it computes no {'transposed convolution' if g.transposed else problem.kind}")
    if problem.compute.str[1:] not in ("f4", "f8") or problem.dtype != problem.compute:
        return Verdict(False, f"its tiles are float32 and float64, found {problem.dtype}")
    if len(g.filters) > 1:
        return Verdict(False, "several axes of filters")
    need = 8 * math.prod(a.out * a.kernel for a in g.axes)
    if need > _costs.TABLE_BYTES:
        return Verdict(False, f"its table of pointers would take {need} bytes, more than {_costs.TABLE_BYTES}")
    return direct.fits(IndirectPlan, problem, "a table of pointers into channels-last samples")


def cost(problem):
    """Seconds on one thread."""
    as_product = _matrix.product(problem) if _matrix.fits(problem) else problem
    return _work.seconds(name, amounts(as_product)) * _groups_last(problem) + _matrix.more_cost(problem)


def _groups_last(problem):
    """How many times as long windows of groups with channels last take, whose samples share lines of memory."""
    g = problem.geometry
    if not problem.channels_last or math.prod(g.groups) == 1 or all(a.kernel == 1 for a in g.axes):
        return 1
    if math.prod(g.filters) > 2 * _work.lanes(problem):
        return _costs.INDIRECT_LAST_GROUPS
    strided = any(a.stride > 1 for a in g.axes)
    return _costs.INDIRECT_LAST_STRIDED if strided else _costs.INDIRECT_LAST_NARROW


def amounts(problem):
    """Units of each kind of work (_work.py): products of whole vectors, but those with padding, the pointers, and
    turning what is not channels last."""
    g = problem.geometry
    waste = _work.filled(math.prod(g.filters), _work.lanes(problem))
    images = math.prod(g.batch) * math.prod(g.groups)
    turned, stored = math.prod(g.x_shape), math.prod(g.out_shape)
    found = {"call": 1, "product": _work.products(problem, g.macs * _met(problem) * waste),
             "pointer": images * math.prod(a.out * a.kernel for a in g.axes), "image": images}  # fmt: skip
    if problem.channels_last:
        return found | {"stored_last": _work.words(problem, stored)}
    if _in_place.many_channels(problem):
        turned *= _costs.POINTWISE_INDIRECT_TURNED
    return found | {"turned": _work.words(problem, turned), "stored": _work.words(problem, stored * waste)}


def _met(problem):
    """The share of the products that is left where tiles leave out taps that meet padding alone."""
    g, run, share = problem.geometry, 1, 1.0
    if g.fill != 0:
        return share
    pixels = _indirect.tile_pixels(problem.types.kind)
    for a in reversed(g.axes):  # run: neighbouring pixels that share an output of this axis
        flat = a.out * run
        left = [flat - max(0, (a.out - windows) * run - pixels + 1) if windows else 0 for windows in a.meets]
        share *= sum(left) / max(1, flat * a.kernel)
        run = flat
    return share


def sources(axis):
    """Sample (or -1: outside) that every output of an axis meets at every tap, [out][tap]."""
    at = (np.arange(axis.out, dtype=np.intp)[:, None] * axis.stride - axis.before
          + np.arange(axis.kernel, dtype=np.intp) * axis.dilation)  # fmt: skip
    n = axis.size * axis.upsample
    inside = (at >= 0) & (at < n)
    if axis.mode == "replicate":
        at = at.clip(0, n - 1)
    elif axis.mode == "circular":
        at = at % n
    elif axis.mode == "symm":
        at = at % (2 * n)
        at = np.where(at < n, at, 2 * n - 1 - at)
    elif axis.mode == "reflect":
        period = max(1, 2 * (n - 1))
        at = at % period
        at = np.where(at < n, at, period - at)
    else:
        at = np.where(inside, at, -axis.upsample)
    return at // axis.upsample


class IndirectPlan(Plan):
    """Jobs by operand strides, each with its table."""

    backend = name

    def __init__(self, problem):
        super().__init__(problem)
        self._jobs = Jobs()
        g = problem.geometry
        self.workspace_bytes = self._job(*direct.usual_operands(problem)).workspace_bytes
        limit = problem.workspace_limit
        if limit is not None:  # x of other steps may have to be turned
            need = self.workspace_bytes + math.prod(g.x_shape) * problem.compute.itemsize
            if need > limit:
                raise BackendNotSupportedError(
                    f"it may turn the whole input to channels last: {need} bytes of workspace, "
                    f"workspace_limit is {limit}"
                )

    def __reduce__(self):
        return plan, (self.problem,)

    def _job(self, x, out_steps):
        key = (x.strides, _dtypes.tag(x.dtype), out_steps)
        found = self._jobs.get(key)
        if found is None:
            found = self._jobs.keep(key, build_job(self.problem, x, out_steps))
        return found

    def _packed(self, job, weights):
        packed = weights.packed.get(name)
        if packed is None:
            packed = aligned(max(1, job.packed_bytes), np.uint8)
            weights.finite = job.pack(weights.w, packed)
            weights.packed[name] = packed
        return packed

    def warm(self, weights):
        weights.held = True
        self._packed(next(iter(self._jobs.values())), weights)

    def run(self, x, weights, out):
        job = self._job(x, out.strides)
        padded = self.problem.geometry.has_zeros
        if weights.held or job.repeats > _costs.PANEL_REPEATS:
            packed = self._packed(job, weights)
            finite = weights.finite
            if finite or not padded:
                job.run(x, packed, None, weights.bias, out)
        else:
            finite = job.run(x, None, weights.w, weights.bias, out)
        if padded and not finite:
            # a NaN or infinity in the weights times a padded zero must not make a NaN
            reference.ReferencePlan(self.problem).run(x, weights, out)


def _spatial(g, steps):
    return steps[-len(g.axes) :] if g.axes else ()


def build_job(problem, x, out_steps):
    """The Job for these strides; its table points into x, or, where channels lie apart, into a turned copy."""
    g, size = problem.geometry, problem.compute.itemsize
    nb, ng = len(g.batch), len(g.groups)
    in_place = (x.dtype == problem.compute and x.dtype.isnative and (x.strides[nb + ng] == size or g.channels == 1)
                and not any(s % size for s in x.strides))  # fmt: skip
    sizes = [a.size for a in g.axes]
    steps = _spatial(g, x.strides)
    if in_place:
        steps = [s // size for s in steps]
    else:
        steps = [s // size * g.channels for s in c_steps(sizes, problem.compute)]
    meets, outside = np.zeros((1, 1), np.intp), np.zeros((1, 1), bool)
    for axis, step in zip(g.axes, steps, strict=True):
        at = sources(axis)
        meets = (meets[:, None, :, None] + (at * step)[None, :, None, :]).reshape(
            len(meets) * axis.out, meets.shape[1] * axis.kernel)  # fmt: skip
        outside = (outside[:, None, :, None] | (at < 0)[None, :, None, :]).reshape(meets.shape)
    # samples may lie before the first one of an array with negative steps
    low = int(meets[~outside].min(initial=0))
    meets = np.where(outside, -1, meets - low)
    pixels, taps = meets.shape
    w_steps = direct.weight_steps(g, problem.compute)
    w_spatial = direct.offsets([a.kernel for a in g.axes], _spatial(g, w_steps))
    w_at = np.add.outer(np.arange(g.channels, dtype=np.intp) * w_steps[ng + len(g.filters)], w_spatial)
    w_place = np.arange(w_at.size, dtype=np.intp).reshape(taps, g.channels).T
    x_at = np.add.outer(direct.offsets(g.batch, x.strides[:nb]), direct.offsets(g.groups, x.strides[nb : nb + ng]))
    out_from = np.add.outer(direct.offsets(g.batch, out_steps[:nb]),
                            direct.offsets(g.groups, out_steps[nb : nb + ng]))  # fmt: skip
    filters = math.prod(g.filters)
    strip = _strip(pixels, filters, x_at.size, _indirect.tile_pixels(problem.types.kind))
    strips = max(1, -(-pixels // strip)) * x_at.size
    return _indirect.Job(
        kind=problem.types.kind, activation=CODES.index(problem.activation), out_type=problem.types.memory,
        reader=_dtypes.reader(x.dtype, g.fill, problem.compute),
        channels=g.channels, taps=taps, meets=meets.reshape(-1), groups=math.prod(g.groups),
        x_at=(x_at + low * size if in_place else x_at).reshape(-1), out_from=out_from.reshape(-1),
        out_at=direct.offsets([a.out for a in g.axes], _spatial(g, out_steps)),
        k_step=out_steps[nb + ng] if g.filters else size,
        w_g=direct.offsets(g.groups, w_steps[:ng]),
        w_k=direct.offsets(g.filters, w_steps[ng : ng + len(g.filters)]), w_at=w_at.reshape(-1),
        w_place=np.ascontiguousarray(w_place).reshape(-1),
        strip=strip, parts=-(-_costs.ITEMS_WANTED // strips) if filters >= _costs.INDIRECT_SHARED else 1,
        source_at=None if in_place else direct.offsets(sizes, _spatial(g, x.strides)),
        source_step=x.strides[nb + ng],
    )  # fmt: skip


def _strip(pixels, filters, images, tile):
    """Pixels of a strip; strips are cut for the threads where filters are too few to be shared out."""
    cuts = max(1, -(-pixels // _costs.INDIRECT_STRIP))
    if filters >= _costs.INDIRECT_SHARED:
        return max(1, -(-pixels // cuts))
    cuts = max(cuts, min(-(-_costs.STRIPS_WANTED // max(1, images)), pixels // (_costs.INDIRECT_TILES * tile)))
    return max(tile, -(-pixels // cuts // tile) * tile)


def plan(problem):
    """An IndirectPlan, or one through that of a matrix product."""
    if _matrix.fits(problem):
        return _matrix.MatrixPlan(problem, IndirectPlan, name)
    return IndirectPlan(problem)
