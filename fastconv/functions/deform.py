"""Deformable convolution, 1-D to 3-D, with (v2) and without (v1) a mask."""

from typing import NamedTuple

import numpy as np

from .. import _args, _run, _select
from .._plan import CALLS
from .._problem import Problem
from ._doc import by_rank


class DeformDecision(NamedTuple):
    """Everything about a deformable call but its arrays; x is always batched, channels first."""

    plan: object
    dtype: np.dtype
    out_shape: tuple  # channels first, batched
    offset_shape: tuple
    mask_shape: tuple | None

    def run(self, x, offset, mask, weights, out):
        """Compute into out: (N, K, *O), a view of any strides."""
        self.plan.run(x, offset, mask, weights, out.reshape(self.plan.problem.geometry.out_shape))


def decide(spec, x_shape, w_shape, bias_shape, offset_shape, mask_shape, offset_groups, dtypes):
    """Check shapes and dtypes of a batched channels-first call and plan it."""
    # the geometry is that of the plain convolution with the same keywords
    plain = spec._replace(layout="channels_first", backend="auto")
    geometry, _ = _run.geometry_of(plain, x_shape, w_shape)
    for name, operand in dtypes.items():
        if operand is not None and operand.dtype.kind == "b":
            raise TypeError(f"{name} must hold numbers, found dtype bool")
    wanted = _args.result_dtype(spec.dtype, spec.casting, **dtypes)
    if spec.dtype is None and wanted.kind in "iu":
        wanted = np.dtype(np.float64)  # interpolated integers are no integers
    if wanted.kind in "iub":
        raise TypeError(f"dtype={wanted} cannot hold interpolated samples: wanted a floating dtype")
    for name in ("offset", "mask"):
        if dtypes[name] is not None and dtypes[name].dtype.kind == "c":
            raise TypeError(f"{name} must be real, found dtype {dtypes[name].dtype}")
    rank, outs = spec.rank, tuple(a.out for a in geometry.axes)
    taps = int(np.prod(w_shape[2:]))
    channels = x_shape[1]
    filters = geometry.groups[0] * geometry.filters[0]
    if len(offset_shape) != rank + 2:
        raise ValueError(f"offset must have {rank + 2} axes, found shape {offset_shape}")
    if offset_groups is None:
        offset_groups, rest = divmod(offset_shape[1], rank * taps)
        if rest or not offset_groups:
            raise ValueError(f"offset has {offset_shape[1]} channels, wanted a multiple of {rank} * "
                             f"{taps}: {rank} components for each of the {taps} taps")  # fmt: skip
    offset_groups = _args.integer(offset_groups, "offset_groups", 1)
    if channels % offset_groups:
        raise ValueError(f"offset_groups={offset_groups} does not divide the {channels} channels of x")
    expected = (x_shape[0], offset_groups * rank * taps, *outs)
    if offset_shape != expected:
        raise ValueError(f"offset has shape {offset_shape}, wanted {expected}")
    expected_mask = (x_shape[0], offset_groups * taps, *outs)
    if mask_shape is not None and mask_shape != expected_mask:
        raise ValueError(f"mask has shape {mask_shape}, wanted {expected_mask}")
    if bias_shape is not None and bias_shape != (filters,):
        raise ValueError(f"bias has shape {bias_shape}, wanted ({filters},): one value per output "
                         "channel")  # fmt: skip
    _args.check_size((x_shape[0], filters, *outs), wanted)
    problem = Problem(geometry, wanted, _args.check_activation(spec.activation, wanted),
                      bias_shape is not None, spec.workspace_limit, "deform",
                      (offset_groups, mask_shape is not None))  # fmt: skip
    plan = _select.choose(problem, _args.check_backend(spec.backend))
    return DeformDecision(plan, wanted, (x_shape[0], filters, *outs), expected, mask_shape)


def batched(array, rank, channels_last):
    """(channels-first view with a batch axis, whether it had one)."""
    if channels_last and array.ndim > rank:
        array = np.moveaxis(array, -1, array.ndim - rank - 1)
    return (array, True) if array.ndim == rank + 2 else (array[None], False)


def _deform(spec, x, offset, w, bias, mask, offset_groups, out):
    x, offset, w = (_args.as_array(a, n) for a, n in ((x, "x"), (offset, "offset"), (w, "w")))
    bias = None if bias is None else _args.as_array(bias, "bias")
    mask = None if mask is None else _args.as_array(mask, "mask")
    _args.choice(spec.layout, _args.LAYOUTS, "layout")
    if x.ndim not in (spec.rank + 1, spec.rank + 2):
        raise ValueError(f"x must have {spec.rank + 2} axes, or {spec.rank + 1} without a batch axis, "
                         f"found shape {x.shape}")  # fmt: skip
    last = spec.layout == "channels_last"
    x4, has_batch = batched(x, spec.rank, last)
    # offset and mask are channels first in both layouts, as their channels are not samples
    offset4 = offset if has_batch else offset[None]
    mask4 = mask if mask is None or has_batch else mask[None]
    key = ("deform", spec, spec.types(), x4.shape, w.shape, bias is None or bias.shape, offset4.shape,
           None if mask is None else mask4.shape, offset_groups, type(offset_groups),
           *(None if a is None else a.dtype for a in (x, offset, w, bias, mask)))  # fmt: skip

    def make():
        dtypes = {"x": x, "offset": offset, "w": w, "bias": bias, "mask": mask}
        return decide(spec, x4.shape, w.shape, None if bias is None else bias.shape, offset4.shape,
                      None if mask is None else mask4.shape, offset_groups, dtypes)  # fmt: skip

    d = CALLS.get(key, make) if _run.hashable(key) else make()
    _select.observe(d.plan, spec.backend)
    weights = d.plan.prepare(w.reshape(d.plan.problem.geometry.w_shape), bias)
    return finish(d, x4, offset4, mask4, weights, out, (x, offset, w, bias, mask), has_batch, last,
                  spec.casting)  # fmt: skip


def finish(d, x, offset, mask, weights, out, operands, has_batch, last, casting):
    """Allocate or check out in the caller's layout, run, return it."""
    shape = d.out_shape if not last else (d.out_shape[0], *d.out_shape[2:], d.out_shape[1])
    shape = shape if has_batch else shape[1:]
    _args.check_out(out, shape, d.dtype, casting)
    result = out
    if out is None or _args.needs_temporary(out, d.dtype, operands):
        result = _args.allocate(shape, d.dtype)
    view, _ = batched(result, len(d.out_shape) - 2, last)
    d.run(x, offset, mask, weights, view)
    if out is not None and result is not out:
        np.copyto(out, result, casting="unsafe")
        return out
    return result


def _make_deform_conv(rank):
    def deform_conv(x, offset, w, bias=None, *, mask=None, stride=1, padding=0, dilation=1, groups=1,
                    offset_groups=None, layout="channels_first", activation=None, out=None,
                    dtype=None, casting="same_kind", backend="auto"):  # fmt: skip
        """Deformable convolution: every tap is shifted by an offset of its own at every output.

        ``out[n, k, o] = activation(bias[k] + sum over c, t of x[n, c, o * stride - before + t * dilation
        + offset[n, g, t, :, o]] * mask[n, g, t, o] * w[k, c, t])``, x interpolated linearly between samples,
        0 at positions one sample or more outside; g is the offset group of channel c. The filter is
        not flipped. Without a mask this is version 1, with one version 2.

        Parameters
        ----------
        x : array_like
            Samples, shape ``(N, C, {sizes})`` or ``(C, {sizes})``; channels last with ``layout``.
        offset : array_like
            Shifts in samples, shape ``(N, {rank} * offset_groups * taps, {outs})``: {rank} component(s) for
            each tap in the order of the axes, taps in C order; without the batch axis where x has none.
            Channels first in both layouts.
        w : array_like
            Filters, shape ``(K, C/groups, {kernels})``.
        bias : array_like, optional
            Shape ``(K,)``.
        mask : array_like, optional
            Factors, shape ``(N, offset_groups * taps, {outs})``.
        stride, padding, dilation, groups, layout, activation
            As in ``conv{rank}d``.
        offset_groups : int, optional
            Channels are split into that many groups with offsets of their own; inferred from offset.
        {common}

        Returns
        -------
        ndarray
            Shape ``(N, K, {outs})``, in the layout of x; integers give float64.

        {raises}

        Notes
        -----
        A neighbour of interpolation weight 0 is not read, so with integer offsets NaN and infinity
        reach the same outputs as in ``conv{rank}d``.

        References
        ----------
        .. [1] J. Dai et al., "Deformable convolutional networks", ICCV 2017, arXiv:1703.06211.
        .. [2] X. Zhu et al., "Deformable ConvNets v2", CVPR 2019, arXiv:1811.11168.

        Examples
        --------
        >>> import numpy as np, fastconv
        >>> x = np.array([[[0.0, 10.0, 20.0]]])
        >>> fastconv.deform_conv1d(x, np.full((1, 1, 3), 0.5), np.ones((1, 1, 1)))
        array([[[ 5., 15., 10.]]])
        """
        spec = _run.Spec(rank, stride, padding, dilation, groups, layout=layout, activation=activation,
                         dtype=dtype, casting=casting, backend=backend)  # fmt: skip
        return _deform(spec, x, offset, w, bias, mask, offset_groups, out)

    return deform_conv


deform_conv1d, deform_conv2d, deform_conv3d = by_rank("deform_conv{}d", _make_deform_conv)
