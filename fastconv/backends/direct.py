"""backend="direct": compiled direct convolution, every rank, dtype, stride, dilation and padding.

Decides what ``_core/direct.pyx`` does: which axis is the row and which the column of a strip, how large
strips are, and the table of taps.  All of it depends on the operands' strides, so a plan keeps one
Job per combination of strides it has met.
"""

import math
import sys
from functools import cached_property, partial

import numpy as np

from .. import _costs, _dtypes
from .._core import direct as _direct
from .._core import implicit as _implicit
from .._core.arrays import aligned
from .._problem import PAD_CODES
from . import _fir, _image, _in_place, _integers, _matrix, _turned, _work, reference
from ._activations import CODES
from ._blocking import Cuts, layout, meets_all, whole
from ._deform import CompiledDeformPlan
from ._lowering import TapAxis, merge, siblings, subproblems, tap_order
from .base import BackendNotSupportedError, Jobs, Plan, Verdict, c_steps

name = "direct"
_MAX_AXES = 60  # outer axes that the driver's index has room for
_FLOATING_KINDS = (5, 6, 7, 8, 9, 10)  # fc_kind of float32 to clongdouble


def supports(problem):
    """Every convolution, unless not even one row fits the workspace limit."""
    if problem.kind == "deform":
        return _supports_deform(problem)
    if len(problem.geometry.axes) > _MAX_AXES:
        return Verdict(False, f"more than {_MAX_AXES} spatial axes")
    return fits(DirectPlan, problem, "direct convolution on register tiles")


def fits(plan_class, problem, reason):
    """The verdict that the reason gives, unless the smallest strip breaks the workspace limit."""
    if problem.workspace_limit is not None:
        try:
            plan_class(problem)
        except BackendNotSupportedError as error:
            return Verdict(False, str(error))
    return Verdict(True, reason)


def _supports_deform(problem):
    if problem.types.kind not in _FLOATING_KINDS:
        return Verdict(False, f"deformable sampling needs a floating dtype, found {problem.dtype}")
    if problem.workspace_limit is not None:
        need = CompiledDeformPlan(problem).workspace_bytes
        if need > problem.workspace_limit:
            return Verdict(False, f"workspace_limit={problem.workspace_limit} bytes: one block of "
                                  f"pixels needs {need}")  # fmt: skip
    return Verdict(True, "sampled panels on register tiles")


def cost(problem):
    """Seconds on one thread: multiply-adds at the measured rate, lanes lost to narrow rows, and
    the gathering of the input."""
    if _through_float64(problem):
        return cost(_integers.wide(problem)) + _integers.moved(problem)
    return cost_of_integers(problem)


def cost_of_integers(problem):
    """The same for numbers of every type in that type."""
    if _image.fits(problem):
        return _image.cost(problem)
    if _fir.filtered_axis(problem) is not None:
        return _fir.cost(problem)
    if _matrix.dots_fit(problem):
        return _matrix.dots_cost(problem)
    if _turned.rows_fit(problem):
        return _turned.rows_seconds(problem)
    if _turned.groups_fit(problem):
        return cost(_turned.planar(problem)) + _turned.seconds(problem, _costs.TURNED_GROUP)
    return _work.seconds(name, amounts(problem)) + _matrix.more_cost(problem)


def _through_float64(problem):
    """Whether sums of float64 stand for those of integers, which are as wide: where they are exact."""
    return problem.dtype.kind in "iu" and problem.dtype.itemsize == 8 and _integers.fits(problem)


def amounts(problem):
    """Units of each kind of work (_work.py) of a layer."""
    g = problem.geometry
    filters, numbers = math.prod(g.filters), math.prod(g.out_shape)
    dense, strided, rows = _work.gathered(problem)
    _, phases, _ = _work.strip_axes(g)
    # one load per multiply-add instead of one per several
    few = 1 if problem.compute.kind in "iu" else _costs.DIRECT_FEW.get(filters, 1)  # integers wait for the products
    macs = g.macs * _work.pixels(problem) * few
    macs *= _slower(problem)
    stored = _work.words(problem, numbers)
    apart = 0
    if _in_place.channels_together(problem) or (_in_place.one_sum(problem) and _in_place.reads_planes(problem)):
        dense, rows = dense * _costs.IN_PLACE_SAMPLE, 0
    if _meets_far(problem):
        dense += _costs.POINTWISE_DIRECT_SAMPLE * _work.words(problem, math.prod(g.x_shape))
    if problem.channels_last and g.channels * filters * math.prod(g.groups) > 1:  # a channel at a time
        apart, dense, strided, stored = stored + _work.words(problem, math.prod(g.x_shape)), 0, 0, 0
    return {"call": 1, "product": _work.products(problem, macs), "sample": dense, "strided": strided, "row": rows,
            "stored": 0 if phases > 1 else stored, "spread": stored if phases > 1 else 0,
            "stored_row": _work.stored_rows(problem), "apart": apart,
            "image": math.prod(g.batch) * math.prod(g.groups) * phases}  # fmt: skip


def _slower(problem):
    """How many more products there seem to be where samples that are met one after the other lie far apart."""
    g = problem.geometry
    if any(a.stride > 1 for a in g.axes) and not g.transposed:
        taps = g.channels * math.prod(a.kernel for a in g.axes)
        many = g.channels >= _costs.DIRECT_STRIDED_CHANNELS or taps >= _costs.DIRECT_STRIDED_TAPS
        return _costs.DIRECT_STRIDED if many else 1
    if not _meets_far(problem):
        return 1
    return _costs.POINTWISE_DIRECT if _in_place.one_sum(problem) else _costs.POINTWISE_DIRECT_SUMS


def _meets_far(problem):
    """Whether it is a 1x1 layer whose samples of a pixel are met one after the other, each in another line of memory."""
    return _in_place.many_channels(problem) and not _in_place.channels_together(problem)


class _Operands:
    """One operand's steps in bytes, axis by axis, as the Job wants them."""

    def __init__(self, array, g):
        nb, ng = len(g.batch), len(g.groups)
        self.batch = array.strides[:nb]
        self.groups = array.strides[nb : nb + ng]
        self.rest = array.strides[nb + ng :]


def offsets(shape, steps):
    """Byte offset of every index of a shape, in C order."""
    at = None
    for n, step in zip(shape, steps, strict=True):
        along = np.arange(n, dtype=np.intp) * step
        at = along if at is None else np.add.outer(at, along).reshape(-1)
    return np.zeros(1, np.intp) if at is None else at


def axis_order(g, steps):
    """Spatial axes from the widest to the narrowest step, so that columns lie close together."""
    width = [abs(s) if a.size > 1 else sys.maxsize for a, s in zip(g.axes, steps, strict=True)]
    return tuple(sorted(range(len(width)), key=lambda i: -width[i]))


def _plain_axis(n):
    zero = np.zeros(1, np.intp)
    return TapAxis(n, 1, PAD_CODES["fill"], 0, 1, n, 1, zero, zero)


def _promoted(g, x_ops, out_ops, order):
    """Batch axes to treat as spatial ones: (axis for columns or None, axis for rows or None).

    Filtering along a slow axis of a C-ordered array then runs along its fast one, and many short
    rows are one strip.  Neither changes the sum of any output."""
    sizes = g.batch
    spatial = [abs(x_ops.rest[1 + i]) for i in order if g.axes[i].size > 1]
    column = None
    best = min(spatial, default=sys.maxsize)
    for i, n in enumerate(sizes):
        if n >= 8 and 0 < abs(x_ops.batch[i]) < best and out_ops.batch[i]:
            column, best = i, abs(x_ops.batch[i])
    row = None
    if len(order) + (column is not None) < 2:
        free = [i for i, n in enumerate(sizes) if n > 1 and i != column]
        row = max(free, key=lambda i: sizes[i], default=None)
    return column, row


class DirectPlan(Plan):
    """Jobs by operand strides; the packed weights depend on the order of axes only."""

    backend = name
    lanes = "pixels"

    def __init__(self, problem):
        super().__init__(problem)
        self._jobs = Jobs()
        if problem.workspace_limit is not None:
            self._default_job()  # refuses here what does not fit

    @cached_property
    def workspace_bytes(self):
        return self._default_job()[0].scratch_bytes

    def __reduce__(self):
        return plan, (self.problem,)

    def _default_job(self):
        return self._job(*usual_operands(self.problem))

    def _job(self, x, out_steps):
        key = (x.strides, _dtypes.tag(x.dtype), out_steps)
        found = self._jobs.get(key)
        if found is None:
            found = self._jobs.keep(key, build_job(self.problem, x, out_steps, self.lanes))
        return found

    def _packed(self, job, order, weights):
        packed = weights.packed.get(order)
        if packed is None:
            packed = aligned(max(1, job.packed_bytes), np.uint8)
            weights.finite = job.pack(weights.w, packed)
            weights.packed[order] = packed
        return packed

    def warm(self, weights):
        weights.held = True
        self._packed(*self._default_job(), weights)

    def run(self, x, weights, out):
        if self.problem.compute.kind == "b" and x.dtype.kind != "b":
            x = x.astype(bool)  # by "unsafe" casting: true is what is not 0, not an odd last byte
        job, order = self._job(x, out.strides)
        if self.problem.kind == "max_pool":
            job.run(x, None, None, out)
            return
        if weights.held or (job.repeats > _costs.PANEL_REPEATS and not job.unpacked):
            packed = self._packed(job, order, weights)
            if weights.finite or not self.problem.geometry.has_zeros:
                job.run(x, packed, weights.bias, out)
                return
        # weights that serve one or two strips are packed panel by panel, and stay in the cache
        elif job.run(x, None, weights.bias, out, weights.w) or not self.problem.geometry.has_zeros:
            return
        # a NaN or infinity in the weights times a padded zero must not make a NaN
        reference.ReferencePlan(self.problem).run(x, weights, out)


def usual_operands(problem):
    """(an x without samples, steps of the result): contiguous ones of the problem's layout."""
    g, found = problem.geometry, []
    inner = len(g.batch) + len(g.groups)
    for shape, channels in ((g.x_shape, 1), (g.out_shape, len(g.filters))):
        steps = c_steps(shape, problem.dtype)
        if problem.channels_last:
            first, last = len(g.batch), inner + channels  # axes that come after the spatial ones
            order = (*range(first), *range(last, len(shape)), *range(first, last))
            in_memory = c_steps([shape[i] for i in order], problem.dtype)
            steps = tuple(in_memory[order.index(i)] for i in range(len(shape)))
        found.append(steps)
    x = np.lib.stride_tricks.as_strided(np.empty(0, problem.dtype), g.x_shape, found[0])
    return x, found[1]


def weight_steps(g, dtype):
    """Steps of prepared weights (base.Plan.prepare): those of a transposed convolution have their channels
    outermost, as the caller's have."""
    if not g.channels_outermost:
        return c_steps(g.w_shape, dtype)
    ng, nf = len(g.groups), len(g.filters)
    shape = g.w_shape
    steps = c_steps((*shape[:ng], shape[ng + nf], *shape[ng : ng + nf], *shape[ng + nf + 1 :]), dtype)
    return (*steps[:ng], *steps[ng + 1 : ng + nf + 1], steps[ng], *steps[ng + nf + 1 :])


def build_job(problem, x, out_steps, lanes="pixels"):
    """(Job, order of axes) for one combination of strides; lanes: "pixels" or "channels".

    Under a workspace limit strips shrink until they fit; the smallest that do not are refused."""
    limit = problem.workspace_limit
    budget = None if limit is None else limit // 3
    while True:
        job, order = _job_of(problem, x, out_steps, lanes, budget)
        if limit is None or job.scratch_bytes <= limit:
            return job, order
        if budget == 0:
            raise BackendNotSupportedError(
                f"its smallest strip needs {job.scratch_bytes} bytes of workspace a thread, "
                f"workspace_limit is {limit}"
            )
        budget //= 2


def _job_of(problem, x, out_steps, lanes, budget):
    """build_job with strips of at most ``budget`` bytes (None: no limit)."""
    g = problem.geometry
    kind = problem.types.maximum_kind if problem.kind == "max_pool" else None
    nb, ng, nf = len(g.batch), len(g.groups), len(g.filters)
    x_ops = _Operands(x, g)
    out_batch, out_groups = out_steps[:nb], out_steps[nb : nb + ng]
    out_filters, out_spatial = out_steps[nb + ng : nb + ng + nf], out_steps[nb + ng + nf :]
    order = axis_order(g, x_ops.rest[1:])
    out_ops = type("Steps", (), {"batch": out_batch})
    column, row = _promoted(g, x_ops, out_ops, order)
    kept = [i for i in range(nb) if i not in (column, row)]
    subs = subproblems(g)
    types = problem.types
    filters = math.prod(g.filters)
    reader = _dtypes.reader(x.dtype, g.fill, problem.compute)
    x_n = offsets([g.batch[i] for i in kept], [x_ops.batch[i] for i in kept])
    x_g = offsets(g.groups, x_ops.groups)
    w_steps = weight_steps(g, problem.compute)
    # channels that are neighbours in x stay so in the strip
    together = lanes == "channels" and x_ops.rest[0] == x.itemsize and g.channels > 1
    axes_of = [_all_axes(sub, order, row, column, x_ops, out_spatial, out_batch, g) for sub in subs]
    few = _in_place.channels_together(problem) if lanes == "pixels" else 0
    in_place, apart = None, lanes == "channels" and not together
    if apart and len(subs) == 1 and filters <= 2 * _work.lanes(problem):
        in_place = _in_place.pointwise(problem, x, axes_of[0], x_ops.rest[0])  # one block of filters meets a sample once
    if lanes == "channels" and in_place is None and _in_place.meets_once(problem):
        in_place = _in_place.windows(problem, x, subs[0], order, axes_of[0], x_ops.rest)
    elif lanes == "pixels" and len(subs) == 1 and kind is None:
        in_place = _in_place.pointwise(problem, x, axes_of[0], x_ops.rest[0], few)
        in_place = _in_place.along_rows(in_place, problem)
    turned = apart and in_place is None and _turns(problem)
    small = in_place and lanes == "pixels" and filters <= _costs.IN_PLACE_FILTERS
    group = siblings(g, order, column)
    woven = g.axes[-1].stride if group > 1 and lanes == "channels" else 1
    if problem.dtype != problem.compute or out_spatial[-1:] != (problem.compute.itemsize,):
        woven = 1
    images = math.prod(g.batch) * math.prod(g.groups)
    cuts = Cuts(g, problem.compute.itemsize, filters, lanes, together or turned, len(subs) == 1, budget, woven,
                images if group > 1 and filters < 64 else 0, images if small else 0, len(x_n) * len(x_g))  # fmt: skip
    phases, strips = [], 0
    for i, (sub, axes) in enumerate(zip(subs, axes_of, strict=True)):
        first = i // group * group
        phase, count, cut = _phase(problem, sub, order, axes, cuts, _unions(subs[first : first + group]))
        phases.append(phase)
        strips += 0 if i > first else count
    strips *= len(x_n) * len(x_g)
    parts = -(-_costs.ITEMS_WANTED // max(1, strips)) if filters >= 64 else 1
    make = partial(_direct.Job, sum_block=few) if few else _direct.Job
    if lanes == "channels":
        if cut.block < g.channels:
            parts = max(min(parts, cut.parts), -(-filters // _costs.KEPT_FILTERS))
            if not (turned or in_place):
                in_place = _in_place.pointwise(problem, x, axes, x_ops.rest[0])
        if in_place:
            phases[0]["off"] = in_place.off  # of every strip
        make = partial(_implicit.ChannelJob, channel_pitch=cut.pitch, channel_block=cut.block, turned=turned,
                       k_step=out_filters[0] if nf == 1 else 0, col_step=phases[0]["col"][-1],
                       weave=_woven(g, out_filters, phases[0]["col"][-1], x.itemsize),
                       woven=woven)  # fmt: skip
    job = make(
        len(phases), kind=types.kind if kind is None else kind, reader=reader,
        out_type=types.memory, activation=CODES.index(problem.activation), k_count=filters,
        channels=g.channels, x_channel_bytes=x_ops.rest[0], x_n=x_n, x_g=x_g,
        out_n=offsets([g.batch[i] for i in kept], [out_batch[i] for i in kept]),
        out_g=offsets(g.groups, out_groups), out_k=offsets(g.filters, out_filters),
        w_g=offsets(g.groups, w_steps[:ng]), w_k=offsets(g.filters, w_steps[ng : ng + nf]),
        parts=min(parts, max(1, filters // 32)), weightless=kind is not None,
        plain_type=problem.dtype == problem.compute, checked=g.has_zeros, group=group,
        in_place=in_place and (*in_place.steps, in_place.off),
    )  # fmt: skip
    for phase in phases:
        job.add_phase(**phase)
    return job, order


def _unions(subs):
    """Of the taps of sub-problems that share a strip, what they meet along each axis; one alone meets its own."""
    if len(subs) == 1:
        return {}
    return {i: np.unique(np.concatenate([sub[i].deltas for sub in subs])) for i in range(len(subs[0]))}


def _all_axes(sub, order, row, column, x_ops, out_spatial, out_batch, g):
    """Axes of a sub-problem from the outermost to columns, each with its steps in x and in the result."""
    axes = [(sub[i], x_ops.rest[1 + i], out_spatial[i]) for i in order]
    if row is not None:
        axes.insert(0, (_plain_axis(g.batch[row]), x_ops.batch[row], out_batch[row]))
    if column is not None:
        axes.append((_plain_axis(g.batch[column]), x_ops.batch[column], out_batch[column]))
    return axes


def _turns(problem):
    """Whether channels that lie apart become runs in the strip: where every tap would meet another line of memory."""
    g = problem.geometry
    return (g.channels >= _costs.TURNED_CHANNELS and not g.transposed and all(a.kernel == 1 for a in g.axes)
            and _implicit.can_turn(problem.types.kind, g.channels))  # fmt: skip


def _woven(g, out_filters, col_step, size):
    """How many filters alternate along a row of the result (see _spread.py), 0 where other results lie between."""
    alternate = g.filters and out_filters[-1] == size and g.filters[-1] * size == col_step
    return g.filters[-1] if alternate and g.filters[-1] in (2, 4) else 0


def _c_axis(axis, step):
    return (axis.size, axis.upsample, step, axis.mode)


def _tap_tables(g, sub, order, merged, row_layout, col_layout, planes, plane_size, pitch, w_steps):
    """(offset into the strip, byte offset into the weights) of every tap.

    The order of taps, and so of every sum, is that of the spatial axes (tap_order). It does not depend
    on batch axes that were made spatial, so an item's bits do not depend on its batch.
    """
    by_axis, step = {}, planes * plane_size
    for axis, _, _ in merged[:-2]:
        step //= max(1, len(axis.taps))
        by_axis[id(axis.taps)] = np.arange(len(axis.taps), dtype=np.int64) * step
    by_axis[id(merged[-2][0].taps)] = row_layout.positions * col_layout.length
    by_axis[id(merged[-1][0].taps)] = col_layout.positions
    inner = pitch or 1
    off = np.arange(g.channels, dtype=np.int64) * (1 if pitch else planes * plane_size)
    w_off = np.arange(g.channels, dtype=np.intp) * w_steps[0]
    for i in tap_order(g, order):
        place = by_axis.get(id(sub[i].taps), np.zeros(len(sub[i].taps), np.int64))
        off = np.add.outer(off, place * inner).reshape(-1)
        w_off = np.add.outer(w_off, sub[i].taps * w_steps[1 + i]).reshape(-1)
    return off, np.ascontiguousarray(w_off, np.intp)


def _row_taps(g, sub, order, merged, row_layout):
    """Kernel rows that the row tiles can run down, 0 where they cannot: the strip's rows must be the
    last axis but one (no batch axis in its place), and its taps neighbouring rows."""
    row = merged[-2][0]
    if math.prod(g.filters) > 1 or not g.channels or len(order) < 2:
        return 0
    if row.taps is not sub[order[-2]].taps or row.stride != 1 or len(row.taps) < 2:
        return 0
    taps = np.arange(len(row.taps))
    return len(taps) if np.array_equal(row_layout.positions, taps) else 0


def _meeting(axis, deltas):
    """The axis as if its outputs met all these samples."""
    return axis if deltas is None else axis._replace(taps=np.arange(len(deltas)), deltas=deltas)


def _laid_out(axis, met, outputs):
    """Layout of all samples that are met, with the positions of the axis' own taps."""
    found = layout(met.deltas, met.stride, outputs)
    return found if met is axis else found._replace(positions=found.positions[np.searchsorted(met.deltas, axis.deltas)])


def _plane_size(row_layout, col_layout, count, size):
    """Numbers from one packed plane to the next; count: planes whose samples a tile meets one after the other."""
    numbers = row_layout.length * col_layout.length
    return numbers + (64 // size if _in_place.crowded(count, numbers * size) else 0)


def _phase(problem, sub, order, axes, cuts, unions):
    """Keyword arguments of Job.add_phase, how many strips there are, and their Cut; unions: of _unions."""
    g = problem.geometry
    w_steps = weight_steps(g, problem.compute)
    channel_step, w_steps = w_steps[-1 - len(g.axes)], w_steps[len(w_steps) - len(g.axes) :]
    out_bytes = sum(a.out_first * step for a, _, step in axes)
    merged = merge(axes)
    while len(merged) < 2:
        merged.insert(0, (_plain_axis(1), 0, 0))
    outer, (row, col) = merged[:-2], merged[-2:]
    planes = math.prod(len(a.taps) for a, _, _ in outer)
    met = {id(sub[i].taps): deltas for i, deltas in unions.items()}
    row_met, col_met = (_meeting(a, met.get(id(a.taps))) for a in (row[0], col[0]))
    beside = math.prod(a.outputs for a, _, _ in outer)
    cut = cuts.strip(row_met, col_met, max(1, planes), beside)
    rows, cols, pitch = cut.rows, cut.cols, cut.pitch
    row_layout, col_layout = _laid_out(row[0], row_met, rows), _laid_out(col[0], col_met, cols)
    if pitch and meets_all(col[0], problem.dtype.itemsize * g.channels):
        col_layout = whole(col[0], cols)  # runs of channels need no order by phase: rows are copied as they are
    sizes = (pitch or g.channels, max(1, planes), row_layout.length, col_layout.length)
    if math.prod(sizes) >= 2**31:
        raise MemoryError(f"a strip of {sizes} samples is too large for the direct backend")
    plane_size = _plane_size(row_layout, col_layout, 0 if pitch else g.channels * planes, problem.compute.itemsize)
    off, w_off = _tap_tables(g, sub, order, merged, row_layout, col_layout, planes, plane_size, pitch,
                             (channel_step, *w_steps))  # fmt: skip
    deltas = np.zeros((1, 0), np.intp)
    for axis, _, _ in outer:
        new = np.empty((len(deltas), len(axis.taps), deltas.shape[1] + 1), np.intp)
        new[..., :-1] = deltas[:, None]
        new[..., -1] = axis.deltas
        deltas = new.reshape(-1, new.shape[2])
    phase = {
        "outer": ([a.outputs for a, _, _ in outer], [a.stride for a, _, _ in outer],
                  [a.out_step * step for a, _, step in outer],
                  [_c_axis(a, step) for a, step, _ in outer], deltas),
        "row": (_c_axis(*row[:2]), row[0].stride, row_layout.segments, row[0].outputs, rows,
                row[0].out_step * row[2]),
        "col": (_c_axis(*col[:2]), col[0].stride, col_layout.segments, col[0].outputs, cols,
                col[0].out_step * col[2]),
        "off": np.ascontiguousarray(off, np.int32), "weight_offsets": w_off, "out_bytes": out_bytes,
        "row_taps": _row_taps(g, sub, order, merged, row_layout), "col_taps": len(col[0].taps),
        "col_gap": col_layout.gap, "plane_size": plane_size,
    }  # fmt: skip
    return phase, beside * -(-row[0].outputs // rows) * -(-col[0].outputs // cols), cut


def plan(problem):
    """The plan of a problem; of integers of 8 bytes one that goes through float64."""
    if _through_float64(problem):
        return _integers.IntegerPlan(problem, sys.modules[__name__], sys.modules[__name__])
    return plan_of_integers(problem)


def plan_of_integers(problem):
    """The same without: a DirectPlan, or that of an image, of one filter along one axis, of inner products, or of a deformable
    convolution."""
    if problem.kind == "deform":
        return CompiledDeformPlan(problem)
    if _image.fits(problem):
        found = _image.ImagePlan(problem, DirectPlan)
        if problem.workspace_limit is None or found.workspace_bytes <= problem.workspace_limit:
            return found
    x, out_steps = usual_operands(problem)
    found = _fir.plan_or_none(problem, x.strides, out_steps)
    if found is None and _matrix.dots_fit(problem):
        return _matrix.DotsPlan(problem)
    if found is None and _turned.rows_fit(problem):
        return _turned.RowsPlan(problem, sys.modules[__name__])
    if found is None and _turned.groups_fit(problem):
        return _turned.GroupsPlan(problem, sys.modules[__name__])
    return found or DirectPlan(problem)
