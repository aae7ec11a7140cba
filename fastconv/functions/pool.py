"""Max and average pooling, 1-D to 3-D."""

import math
from typing import NamedTuple

import numpy as np

from .. import _args, _dtypes, _select
from .._core import arrays
from .._plan import CALLS
from .._problem import Axis, Geometry, Problem
from ._doc import by_rank


class _Call(NamedTuple):
    """Everything about a call but its arrays."""

    crop: tuple  # what negative padding leaves of x (N, C, *sizes)
    dtype: np.dtype
    batched: bool
    shape: tuple  # of the result, as the caller sees it
    plan: object  # of maxima, or of sums
    weights: object = None  # ones, ready for the plan of sums
    divisor: object = None
    everything: bool = False  # one window of all samples


def pool_axes(shape, kernel_size, stride, padding, dilation, ceil_mode):
    """(what negative padding leaves of x (N, C, *sizes), Axis objects of the window), checked as PyTorch does."""
    sizes = shape[2:]
    rank = len(sizes)
    crop = [slice(None)] * (2 + rank)
    ceil_mode = _args.flag(ceil_mode, "ceil_mode")
    kernel = _args.per_axis(kernel_size, rank, "kernel_size", 1)
    stride = kernel if stride is None else _args.per_axis(stride, rank, "stride", 1)
    dilation = _args.per_axis(dilation, rank, "dilation", 1)
    extents = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))
    pairs = _args.padding_pairs(padding, rank, extents, stride, sizes)
    axes = []
    for i in range(rank):
        before, after = pairs[i]
        if before < 0 or after < 0:  # a window that overhangs must not find the cropped samples
            low, high = max(0, -before), max(0, sizes[i] - max(0, -after))
            crop[2 + i] = slice(low, max(low, high))
        size = len(range(*crop[2 + i].indices(sizes[i])))
        before, after = max(0, before), max(0, after)
        if not isinstance(padding, str) and max(before, after) > extents[i] // 2:
            raise ValueError(f"padding must be at most half of the window ({extents[i]} samples along "
                             f"spatial axis {i}), found {pairs[i]}")  # fmt: skip
        span = size + before + after - extents[i]
        out = span // stride[i] + 1
        if ceil_mode:
            out = -(-span // stride[i]) + 1
            if (out - 1) * stride[i] >= size + before:
                out -= 1  # the last window would begin in the padding
        if out < 1:
            raise ValueError(f"kernel_size spans {extents[i]} samples along spatial axis {i}, larger "
                             f"than the padded input: {size} + {before} + {after}")  # fmt: skip
        axes.append(Axis(size, kernel[i], out, _args.taken(stride[i], kernel[i], out),
                         _args.taken(dilation[i], 1, kernel[i]), before, after))  # fmt: skip
    return tuple(crop), tuple(axes)


def _lowest(dtype):
    """What padding counts as in a maximum."""
    if dtype.kind == "b":
        return 0
    return int(np.iinfo(dtype).min) if dtype.kind in "iu" else -math.inf


def _canonical(x, rank, layout, batched):
    """x as (N, C, *sizes)."""
    if layout == "channels_last":
        x = np.moveaxis(x, -1, x.ndim - rank - 1)
    return x if batched else x[None]


def _known(consider, x, *keywords):
    """What consider decides for x and these keywords, from the cache where they can be looked up."""
    key = arrays.call_key((consider.__name__, *keywords), x, x, None)
    return CALLS.get(key, lambda: consider(x, *keywords))


def _checked(x, rank, kernel_size, stride, padding, dilation, ceil_mode, layout, dtype):
    """(crop, axes, batched, (N, C), shape of the result) of a call."""
    _args.choice(layout, _args.LAYOUTS, "layout")
    if x.ndim not in (rank + 1, rank + 2):
        raise ValueError(f"x must have {rank + 2} axes, or {rank + 1} without a batch axis, found "
                         f"shape {x.shape}")  # fmt: skip
    batched = x.ndim == rank + 2
    shape = _canonical(x, rank, layout, batched).shape
    crop, axes = pool_axes(shape, kernel_size, stride, padding, dilation, ceil_mode)
    outs = tuple(a.out for a in axes)
    result = (shape[0], *outs, shape[1]) if layout == "channels_last" else shape[:2] + outs
    result = result if batched else result[1:]
    _args.check_size(result, dtype)
    return crop, axes, batched, shape[:2], result


def _output(call, x, rank, layout, out, casting):
    """(array to return, its (N, C, *outs) view to write into)."""
    _args.check_out(out, call.shape, call.dtype, casting)
    fresh = out is None or _args.needs_temporary(out, call.dtype, (x,))
    result = arrays.new(call.shape, call.dtype) if fresh else out
    return result, _canonical(result, rank, layout, call.batched)


def _return(result, out):
    if out is None or result is out:
        return result
    np.copyto(out, result, casting="unsafe")
    return out


def _consider_max(x, rank, kernel_size, stride, padding, dilation, ceil_mode, layout, dtype, casting,
                  backend):  # fmt: skip
    wanted = _args.result_dtype(dtype, casting, x=x)
    if wanted.kind == "c":
        raise TypeError(f"max pooling is not defined for dtype {wanted}: complex numbers have no order")
    crop, axes, batched, lead, shape = _checked(x, rank, kernel_size, stride, padding, dilation, ceil_mode,
                                                layout, wanted)  # fmt: skip
    geometry = Geometry(lead, (), 1, (), axes, fill=_lowest(_dtypes.describe(wanted).compute))
    plan = _select.choose(Problem(geometry, wanted, kind="max_pool"), _args.check_backend(backend))
    return _Call(crop, wanted, batched, shape, plan)


def _max_pool(rank, x, kernel_size, stride, padding, dilation, ceil_mode, layout, out, dtype,
              casting, backend):  # fmt: skip
    x = _args.as_array(x, "x")
    call = _known(_consider_max, x, rank, kernel_size, stride, padding, dilation, ceil_mode, layout, dtype,
                  casting, backend)  # fmt: skip
    _select.observe(call.plan, backend)
    result, view = _output(call, x, rank, layout, out, casting)
    call.plan.run(_canonical(x, rank, layout, call.batched)[call.crop][:, :, None], None, view)
    return _return(result, out)


def _counts(axis, count_include_pad):
    """Samples that each window of an axis averages over; a window may overhang in ceil_mode."""
    at = np.arange(axis.out)[:, None] * axis.stride - axis.before
    at = at + np.arange(axis.kernel) * axis.dilation
    if count_include_pad:
        return (at < axis.size + axis.after).sum(axis=1)
    return ((at >= 0) & (at < axis.size)).sum(axis=1)


def _divisor(axes, count_include_pad, divisor_override):
    if divisor_override is not None:
        n = _args.integer(divisor_override, "divisor_override")
        if n == 0:
            raise ValueError("divisor_override must not be 0")
        return n
    include = _args.flag(count_include_pad, "count_include_pad")
    counts = [_counts(a, include) for a in axes]
    total = math.prod(c.reshape(-1, *(1,) * (len(axes) - 1 - i)) for i, c in enumerate(counts))
    # a window that covers no sample has sum 0: 0, not 0 / 0
    return np.maximum(total, 1)


def _consider_avg(x, rank, kernel_size, stride, padding, dilation, ceil_mode, count_include_pad,
                  divisor_override, layout, dtype, casting, backend):  # fmt: skip
    wanted = _args.result_dtype(dtype, casting, x=x)
    if wanted.kind in "biu" and dtype is None:
        wanted = np.dtype(np.float64)
    if wanted.kind in "biu":
        raise TypeError(f"dtype={wanted} cannot hold averages: wanted a floating or complex dtype")
    crop, axes, batched, lead, shape = _checked(x, rank, kernel_size, stride, padding, dilation, ceil_mode,
                                                layout, wanted)  # fmt: skip
    compute = _dtypes.describe(wanted).compute
    # real and imaginary parts apart: an infinite part must not make the other one NaN
    real = np.empty(0, compute).real.dtype
    geometry = Geometry(lead, (), 1, (), axes)
    plan = _select.choose(Problem(geometry, real), _args.check_backend(backend))
    divisor = _divisor(axes, count_include_pad, divisor_override)
    if isinstance(divisor, np.ndarray) and divisor.size and (divisor == divisor.flat[0]).all():
        divisor = float(divisor.flat[0])  # nearly always; a float of Python's takes the type of the sums
    everything = backend == _select.AUTO and _everything(geometry)
    return _Call(crop, wanted, batched, shape, plan, plan.prepare(np.ones(geometry.w_shape, real), None),
                 divisor, everything)  # fmt: skip


def _everything(geometry):
    """Whether there is one window, of all samples: global pooling."""
    return all(a.out == 1 and a.kernel == a.size and a.dilation == 1 and a.before == 0 for a in geometry.axes)


def _sums(call, x):
    """Window sums of x (N, C, *sizes), in the dtype that they are computed in."""
    geometry = call.plan.problem.geometry
    # NumPy sums pairwise where the samples of a plane are neighbours, and only there
    if call.everything and x.dtype.kind in "biuf" and x[:1, :1].flags.c_contiguous:
        with np.errstate(all="ignore"):
            total = np.add.reduce(x, axis=tuple(range(2, x.ndim)), dtype=call.plan.problem.dtype)
        return total.reshape(geometry.out_shape)
    sums = _args.allocate(geometry.out_shape, call.plan.problem.dtype)
    call.plan.run(x[:, :, None], call.weights, sums)
    return sums


def _avg_pool(rank, x, kernel_size, stride, padding, dilation, ceil_mode, count_include_pad,
              divisor_override, layout, out, dtype, casting, backend):  # fmt: skip
    x = _args.as_array(x, "x")
    call = _known(_consider_avg, x, rank, kernel_size, stride, padding, dilation, ceil_mode, count_include_pad,
                  divisor_override, layout, dtype, casting, backend)  # fmt: skip
    _select.observe(call.plan, backend)
    result, view = _output(call, x, rank, layout, out, casting)
    x = _canonical(x, rank, layout, call.batched)[call.crop]
    if call.dtype.kind == "c":
        if x.dtype.kind == "c":
            view.imag[...] = _sums(call, x.imag) / call.divisor
        else:
            view.imag[...] = 0
        view.real[...] = _sums(call, x.real) / call.divisor
    else:
        sums = _sums(call, x)
        np.divide(sums, call.divisor, out=sums)
        with np.errstate(over="ignore"):  # float16 overflows to infinity, as everywhere
            np.copyto(view, sums, casting="unsafe")
    return _return(result, out)


def _make_max_pool(rank):
    def max_pool(x, kernel_size, *, stride=None, padding=0, dilation=1, ceil_mode=False,
                 layout="channels_first", out=None, dtype=None, casting="same_kind",
                 backend="auto"):  # fmt: skip
        """Largest sample of each window.

        ``out[n, c, o] = max over t of x[n, c, o * stride - before + t * dilation]``; padding never wins,
        a NaN does. Along each axis the result has ``floor((size + before + after - (kernel_size - 1) *
        dilation - 1) / stride) + 1`` samples (``ceil`` with ``ceil_mode``, but no window begins in the padding).

        Parameters
        ----------
        x : array_like
            Samples, shape ``(N, C, {sizes})`` or ``(C, {sizes})``; channels last with ``layout``. Not complex.
        kernel_size : int or sequence of int
            Window size in samples.
        stride : int or sequence of int, optional
            Samples between windows, default ``kernel_size``.
        padding : int, sequence of int, sequence of (int, int), or str
            As in ``conv{rank}d``; numbers are at most half a window.
        dilation : int or sequence of int
            Samples between neighbouring taps of a window.
        ceil_mode : bool
            Whether a last window may reach beyond the end.
        layout : {'channels_first', 'channels_last'}
            Where x and the result have their channel axis.
        {common}

        Returns
        -------
        ndarray
            Shape ``(N, C, {outs})``, in the layout and dtype of x.

        {raises}

        Examples
        --------
        >>> import numpy as np, fastconv
        >>> fastconv.max_pool1d(np.array([[1, 5, 2, 4, 3]]), 2)
        array([[5, 4]])
        """
        return _max_pool(rank, x, kernel_size, stride, padding, dilation, ceil_mode, layout, out, dtype,
                         casting, backend)  # fmt: skip

    return max_pool


max_pool1d, max_pool2d, max_pool3d = by_rank("max_pool{}d", _make_max_pool)


def _make_avg_pool(rank):
    def avg_pool(x, kernel_size, *, stride=None, padding=0, dilation=1, ceil_mode=False,
                 count_include_pad=True, divisor_override=None, layout="channels_first", out=None,
                 dtype=None, casting="same_kind", backend="auto"):  # fmt: skip
        """Mean of the samples of each window.

        ``out[n, c, o] = sum over t of x[n, c, o * stride - before + t * dilation] / D`` with D the number of
        taps inside the padded input, or inside x itself where ``count_include_pad`` is false.

        Parameters
        ----------
        x : array_like
            Samples, shape ``(N, C, {sizes})`` or ``(C, {sizes})``; channels last with ``layout``.
        kernel_size, stride, padding, dilation, ceil_mode, layout
            As in ``max_pool{rank}d``.
        count_include_pad : bool
            Whether padding counts as zeros (default) or not at all.
        divisor_override : int, optional
            D, whatever the window covers.
        {common}

        Returns
        -------
        ndarray
            Shape ``(N, C, {outs})``, in the layout of x; integers and bool give float64.

        {raises}

        Examples
        --------
        >>> import numpy as np, fastconv
        >>> fastconv.avg_pool1d(np.array([[1.0, 5.0, 2.0, 4.0]]), 2)
        array([[3., 3.]])
        """
        return _avg_pool(rank, x, kernel_size, stride, padding, dilation, ceil_mode, count_include_pad,
                         divisor_override, layout, out, dtype, casting, backend)  # fmt: skip

    return avg_pool


avg_pool1d, avg_pool2d, avg_pool3d = by_rank("avg_pool{}d", _make_avg_pool)
