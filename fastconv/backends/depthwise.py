"""backend="depthwise": one channel in, one or several out, at the speed of memory.

Channels first, planes are read where they lie by dense kernels of 3 x 3, 5 x 5 and 7 x 7 taps; others lay every
plane out once in the L1 cache, zeros around it, and row tiles run over it;
long rows that are filtered along themselves alone are read where they lie (``_core/fir.pyx``);
channels last, vectors hold channels and nothing is copied.  No GEMM can do this well: a depthwise layer
has no sum over channels to share what was loaded (Howard et al. 2017, arXiv:1704.04861).  Arrays whose
strides fit neither layout are computed by "direct".  See ``_core/depthwise.pyx`` and ``_core/planes.pyx``.
"""

import math

import numpy as np

from .. import _costs
from .._core import arrays, cpu, fir, turn
from .._core import depthwise as _depthwise
from .._core import planes as _planes
from .._problem import PAD_CODES
from . import _fir, _image, _turned, _work, direct, reference
from ._activations import CODES
from .base import BackendNotSupportedError, Jobs, Plan, Verdict, c_steps

name = "depthwise"
MOST_TAPS = 256  # as in _core/depthwise.pxd


def supports(problem):
    """Plain float32 and float64 layers with one channel a group and zeros around."""
    g = problem.geometry
    if problem.kind != "conv" or g.transposed:
        return Verdict(False, f"it computes no {'transposed convolution' if g.transposed else problem.kind}")
    if g.channels != 1:
        return Verdict(False, f"it wants one input channel a group, found {g.channels}")
    if problem.compute.str[1:] not in ("f4", "f8") or problem.dtype != problem.compute:
        return Verdict(False, f"its tiles are float32 and float64, found {problem.dtype}")
    if len(g.axes) > 3:
        return Verdict(False, "more than three spatial axes")
    if g.fill != 0 or any(a.mode != "fill" or a.upsample != 1 for a in g.axes):
        return Verdict(False, "it pads with zeros only")
    if math.prod(a.kernel for a in g.axes) > MOST_TAPS:
        return Verdict(False, f"more than {MOST_TAPS} taps")
    return direct.fits(DepthwisePlan, problem, "row tiles over planes, or channel vectors over rows")


def cost(problem):
    """Seconds on one thread."""
    seconds = _work.seconds(name, amounts(problem))
    if _fir.filtered_axis(problem) is not None or _image.fits(problem):
        seconds *= _costs.DEPTHWISE_ALONE  # ``direct`` has tiles for one filter over one channel
    return seconds


def amounts(problem):
    """Units of each kind of work (_work.py): products of whole vectors, every sample moved in and out."""
    g = problem.geometry
    macs = g.macs * min(_work.filled(g.axes[-1].out, _work.lanes(problem)) if g.axes else 1, 2)
    if math.prod(g.filters) > 1 and not _on_lines(g) and (len(g.axes) < 2 or any(a.stride > 1 for a in g.axes)):
        macs /= _costs.DEPTHWISE_APART  # no rows to share loads, and planes of results to fill
    elif any(a.dilation > 1 for a in g.axes):
        macs /= _costs.DEPTHWISE_DILATED
    dense, strided, rows = _work.gathered(problem)
    dense += _work.words(problem, rows * sum((a.kernel - 1) * a.dilation for a in g.axes[-1:]))  # zeros around
    stored, groups = _work.words(problem, math.prod(g.out_shape)), math.prod(g.groups)
    # results of a plane are far apart, and too few channels lie between them for vectors
    apart = problem.channels_last and groups < _work.lanes(problem) and groups * math.prod(g.filters) > 1
    return {"call": 1, "product": _work.products(problem, macs), "sample": dense, "strided": strided, "row": rows,
            "stored": 0 if apart else stored, "apart": stored if apart else 0,
            "stored_row": _work.stored_rows(problem)}  # fmt: skip


class DepthwisePlan(Plan):
    """Jobs by operand strides; weights packed per layout."""

    backend = name

    def __init__(self, problem):
        super().__init__(problem)
        self._jobs = Jobs()
        self._other = None
        job = self._usual_job()
        self.workspace_bytes = job.scratch_bytes if job else self._fallback().workspace_bytes
        if problem.workspace_limit is not None:
            if self.workspace_bytes > problem.workspace_limit:
                raise BackendNotSupportedError(
                    f"a plane needs {self.workspace_bytes} bytes of workspace a thread, "
                    f"workspace_limit is {problem.workspace_limit}"
                )
            self._fallback()  # refused now rather than when such strides come

    def __reduce__(self):
        return plan, (self.problem,)

    def _fallback(self):
        if self._other is None:
            self._other = direct.DirectPlan(self.problem)
        return self._other

    def _job(self, x_steps, out_steps):
        """The Job for these strides, None where neither layout fits them."""
        key = (x_steps, out_steps)
        try:
            return self._jobs[key]
        except KeyError:
            return self._jobs.keep(key, build_job(self.problem, x_steps, out_steps))

    def _packed(self, job, weights, back=0):
        """The weights as the job wants them; whether all are finite is noted on the way."""
        key = job.packing, back
        packed = weights.packed.get(key)
        if packed is None:
            packed = job.pack(weights.w, back) if job.packing == "vectors" else pack(self.problem, weights.w, job.packing)
            weights.finite = arrays.all_finite(self.problem.types.kind, weights.w)
            weights.packed[key] = packed
        return packed

    def _usual_job(self):
        x, out_steps = direct.usual_operands(self.problem)
        return self._job(x.strides, out_steps)

    def warm(self, weights):
        job = self._usual_job()
        if job is not None:
            self._packed(job, weights)

    def run(self, x, weights, out):
        if x.dtype != self.problem.dtype or not (x.dtype.isnative and x.flags.aligned):
            x = x.astype(self.problem.dtype)  # the same bits as if the caller had converted it
        job = self._job(x.strides, out.strides)
        if job is None:  # what would do for planes is worth turning them
            planar = self._job(c_steps(x.shape, x.dtype), out.strides)
            planes = None if planar is None else _turned.in_planes(self.problem, x)
            if planes is not None:
                job, x = planar, planes
        if job is None:
            self._fallback().run(x, weights, out)
            return
        packed = self._packed(job, weights, job.back(x) if job.packing == "vectors" else 0)
        if not weights.finite and self.problem.geometry.has_zeros:
            # a NaN or infinity in the weights times a padded zero must not make a NaN
            reference.ReferencePlan(self.problem).run(x, weights, out)
            return
        job.run(x, packed, weights.bias, out)


def pack(problem, w, packing):
    """Weights (canonical, contiguous) as the tiles read them: "rows" as they are, "columns" column by
    column of the last two axes, "channels" tap by tap, channels side by side."""
    if packing == "rows":
        return w
    if packing == "channels":
        g = problem.geometry
        planes = w.reshape(1, math.prod(g.groups), -1)
        _, groups, taps = planes.shape
        if w.flags.c_contiguous and turn.can(problem.types.kind, groups, taps):
            packed = arrays.new((1, taps, groups), w.dtype)
            turn.turn(problem.types.kind, packed, planes, True)
            return packed[0]
        return np.ascontiguousarray(planes[0].T)
    return np.ascontiguousarray(w.swapaxes(-1, -2))


def _axes(g, x_steps, out_steps):
    """(outputs, stride, samples, x step, out step, first tap, taps, dilation) of three axes."""
    nd = len(g.axes)
    spatial = [(1, 1, 1, 0, 0, 0, 1, 1)] * (3 - nd)
    for axis, x_step, out_step in zip(g.axes, x_steps[-nd:], out_steps[-nd:], strict=True):
        spatial.append((axis.out, axis.stride, axis.size, x_step, out_step, -axis.before, axis.kernel,
                        axis.dilation))  # fmt: skip
    return spatial


def build_job(problem, x_steps, out_steps):
    """Where columns of x are neighbours in memory a fir.Job for rows that are filtered alone, a TurnedJob for
    small planes, else a PlaceJob or a PlaneJob; a RowJob where channels are neighbours; else None: "direct" is
    to do it."""
    g, size = problem.geometry, problem.dtype.itemsize
    if any(s % size for s in (*x_steps, *out_steps)):
        return None
    nb, ng = len(g.batch), len(g.groups)
    axes = _axes(g, x_steps, out_steps)
    common = {"kind": problem.types.kind, "out_type": problem.types.memory,
              "activation": CODES.index(problem.activation), "work": _macs_worth(g), "axes": axes,
              "x_n": direct.offsets(g.batch, x_steps[:nb]),
              "out_n": direct.offsets(g.batch, out_steps[:nb])}  # fmt: skip
    x_g = direct.offsets(g.groups, x_steps[nb : nb + ng])
    out_g = direct.offsets(g.groups, out_steps[nb : nb + ng])
    out_f = direct.offsets(g.filters, out_steps[nb + ng : nb + ng + len(g.filters)])
    channels, filters = len(x_g), len(out_f)
    side_by_side = np.arange(channels * filters) * size
    lanes = _depthwise.lanes(problem.types.kind)
    if (channels >= lanes and np.array_equal(x_g, side_by_side[:channels])
            and np.array_equal(np.add.outer(out_g, out_f).reshape(-1), side_by_side)):  # fmt: skip
        if filters == 1 and _square(axes):
            return _depthwise.SquareJob(channels=channels, **common)
        return _depthwise.RowJob(channels=channels, filters=filters, **common)
    if axes[2][3] != size and axes[2][2] > 1:
        return None
    if _on_lines(g):
        return _line_job(problem, x_steps, out_steps, common)
    turned = _small_planes(g, axes, x_g, out_g, size, lanes)
    if turned is not None:
        return _depthwise.TurnedJob(channels=channels, **turned, **common)
    if axes[2][2] >= _costs.ROW_SAMPLES and any(a.stride > 1 or a.dilation > 1 for a in g.axes):
        return None  # rows that share nothing, and leave the L1 cache when they are laid out
    items = len(common["x_n"]) * channels
    place = _place(problem, axes, items, filters, lanes)
    if place is not None:
        return _planes.PlaceJob(x_g=x_g, out_g=out_g, out_f=out_f, **common, **place)
    cut = _plane_shape(problem, axes, items, lanes)
    if _laid_out(axes, cut) > _costs.PLANE_LAID_OUT * (math.prod(a[2] for a in axes) + math.prod(a[0] for a in axes)) + 2**16:
        return None  # samples far apart, and next to nothing between them
    return _planes.PlaneJob(x_g=x_g, out_g=out_g, out_f=out_f, **common, **cut)


def _square(axes):
    """Whether a SquareJob is to do it: it reads rows of samples half as often or less, which matters where little is done
    with a sample, or pixels push each other out of the first-level cache. asv_bench/tools/squares.py measures both ways."""
    depth, row, col = axes
    taps = col[6]
    if not (row[6] == taps in (3, 5, 7) and all(a[1] == a[7] == 1 for a in (row, col))):
        return False
    crowded = cpu.crowded(2 * taps * (6 + taps), col[3])
    if taps == 3:
        return col[0] > 7 or crowded or depth[6] > 1
    return depth[6] > 1 or (crowded and col[0] > 14)  # of narrow planes, most tiles are those at an edge


def _macs_worth(g):
    """Multiply-adds that the layer takes as long as: strided windows do little with what is laid out for them."""
    return float(max(g.macs, _costs.DEPTHWISE_SAMPLE * (math.prod(g.x_shape) + math.prod(g.out_shape))))


def _on_lines(g):
    """Whether rows are long and filtered along themselves alone, every sample under every tap."""
    *others, last = g.axes
    plain = all((a.kernel, a.stride, a.before, a.out) == (1, 1, 0, a.size) for a in others)
    return plain and last.stride == last.dilation == 1 and last.out >= _costs.LINE_OUTPUTS and last.size > 0


def _line_job(problem, x_steps, out_steps, common):
    """A fir.Job: a line for each row and filter, read in place."""
    g, size = problem.geometry, problem.dtype.itemsize
    nb, ng, nf = len(g.batch), len(g.groups), len(g.filters)
    *others, last = g.axes
    shape = (*g.batch, *g.groups, *g.filters, *(a.out for a in others))
    filters = np.arange(math.prod(g.groups) * math.prod(g.filters), dtype=np.intp)
    filters = filters.reshape((*g.groups, *g.filters, *(1,) * len(others)))
    limit = problem.workspace_limit
    return fir.Job(
        common["kind"], axis=(last.size, last.out, x_steps[-1], out_steps[-1], PAD_CODES[last.mode]),
        taps=last.kernel, first=-last.before, fill=bytes(size), zeros=False, size=size, columns=0,
        x_at=direct.offsets(shape, (*x_steps[: nb + ng], *(0,) * nf, *x_steps[nb + ng + 1 : -1])),
        out_at=direct.offsets(shape, out_steps[:-1]), budget=_costs.VOLUME_BYTES if limit is None else limit // 2,
        filter_at=np.ascontiguousarray(np.broadcast_to(filters, shape)).reshape(-1),
        out_type=common["out_type"], activation=common["activation"],
    )  # fmt: skip


def _small_planes(g, axes, x_g, out_g, size, lanes):
    """Keywords of a TurnedJob where planes are small and lie at equal steps, else None."""
    channels = len(x_g)
    samples = math.prod(a[2] for a in axes)
    sums = math.prod(a[0] for a in axes)
    if channels < lanes or math.prod(g.filters) != 1 or min(samples, sums) < lanes:
        return None
    chunk = 2 * lanes if channels >= 2 * lanes and lanes > 4 else lanes
    strided = any(a[1] > 1 for a in axes)
    most = (_costs.TURNED_STRIDED_SAMPLES if strided else _costs.TURNED_SAMPLES) * lanes // 16
    if samples > most or (samples + sums) * chunk * size > _costs.VOLUME_BYTES:
        return None
    x_plane, out_plane = (int(o[-1]) // max(1, channels - 1) for o in (x_g, out_g))
    together = [np.array_equal(o, np.arange(channels) * p) for o, p in ((x_g, x_plane), (out_g, out_plane))]
    x_shape, out_shape = [a[2] for a in axes], [a[0] for a in axes]
    together += [_dense(x_shape, [a[3] for a in axes], size), _dense(out_shape, [a[4] for a in axes], size)]
    return {"x_plane": x_plane, "out_plane": out_plane, "chunk": chunk} if all(together) else None


def _dense(shape, steps, size):
    """Whether the steps are those of a C-contiguous array (axes of one sample may have any)."""
    wanted = size
    for n, step in zip(reversed(shape), reversed(steps), strict=True):
        if n > 1 and step != wanted:
            return False
        wanted *= n
    return True


def _place(problem, axes, items, filters, lanes):
    """Keywords of a PlaceJob where the kernel is one of its own and planes can be read where they lie, else None."""
    size = problem.dtype.itemsize
    depth, row, col = axes
    outs, _, samples, x_step, out_step, first, taps, _ = col
    left, right = -first, outs + taps - 1 + first - samples
    if not (row[6] == taps and taps in (3, 5, 7) and all(a[1] == a[7] == 1 for a in (row, col))
            and depth[1] == depth[6] == 1 and depth[5] == 0 and depth[0] == depth[2]
            and x_step == out_step == size and abs(row[3]) >= (taps - 1) * size
            and outs >= lanes and 0 <= left < taps and 0 <= right < taps and left + right <= lanes):  # fmt: skip
        return None
    # the samples of a strip are met once by each filter: small strips of large planes where there are several
    most = row[0] if filters == 1 else max(4, _costs.PLANE_BYTES // (samples * size))
    if items * depth[0] * -(-row[0] // most) < _costs.ITEMS_WANTED:
        most = min(most, -(-row[0] * items * depth[0] // _costs.ITEMS_WANTED))
    sample = np.arange(taps)[:, None] + np.arange(lanes) - left
    masks = []
    for at in (sample, sample + outs - lanes):
        masks.append(arrays.aligned(at.size, f"i{size}"))
        masks[-1][:] = np.where((0 <= at) & (at < samples), -1, 0).reshape(-1)
    return {"strip": max(1, -(-most // 4) * 4), "masks": masks}


def _plane_shape(problem, axes, items, lanes):
    """How a PlaneJob cuts and lays out planes."""
    size = problem.dtype.itemsize
    depth, row, col = axes
    outs, stride, _, _, out_step, _, taps, dilation = col
    reach = (taps - 1) * dilation // stride
    straight = outs >= lanes and out_step == size
    vectors = -(-outs // lanes)
    pitch = (outs if straight else vectors * lanes) + reach
    pitch = -(-pitch // lanes) * lanes
    if pitch * stride * size % 4096 == 0:
        pitch += lanes  # else all rows would share one cache set
    flat_pitch = outs + reach
    rows = max(1, row[0])
    flat_vectors = -(-((rows - 1) * flat_pitch + outs) // lanes)
    # joined rows share no loads, so they must save a good part of the vectors
    flat = stride == 1 and flat_vectors * 1.2 <= rows * vectors
    if flat:
        pitch = flat_pitch
    span = (depth[6] - 1) * depth[7] + 1
    budget = _costs.PLANE_BYTES if depth[6] == 1 else _costs.VOLUME_BYTES
    if problem.workspace_limit is not None:
        budget = min(budget, problem.workspace_limit // 3)
    row_bytes = span * pitch * stride * size
    halo = (row[6] - 1) * row[7]  # packed rows beyond those of one output row
    most = max(1, (budget // row_bytes - halo) // row[1])
    if most < _costs.STRIP_ROWS and problem.workspace_limit is None:
        # wide planes: rather the L2 cache than many rows laid out twice
        most = max(most, min(_costs.STRIP_ROWS, (_costs.VOLUME_BYTES // row_bytes - halo) // row[1]))
    strips = -(-rows // min(most, rows))
    parts = max(1, depth[0]) if depth[6] == 1 else 1
    if depth[6] > 1 and items * strips < _costs.ITEMS_WANTED:
        parts = min(max(1, depth[0]), -(-_costs.ITEMS_WANTED // max(1, items * strips)))
    return {"strip": -(-rows // strips), "depth_parts": parts, "flat": flat, "phase_cols": pitch,
            "reuse": row[1] == row[7] == 1 and row[6] > 1 and not flat}  # fmt: skip


def _laid_out(axes, cut):
    """Numbers of the planes that a PlaneJob lays out."""
    depth, row, col = axes
    span = (depth[6] - 1) * depth[7] + 1
    return span * row[1] * (cut["strip"] + (row[6] - 1) * row[7] // row[1]) * cut["phase_cols"] * col[1]


def plan(problem):
    """A DepthwisePlan."""
    return DepthwisePlan(problem)
