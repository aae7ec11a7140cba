"""Readable NumPy version of every operation: the oracle of all backends, and the last resort.

Nothing here is fast and nothing is validated: the arguments arrive normalised.  Arrays are
canonical, x: ``(N, G, C, *S)``, w: ``(G, K, C, *kernel)``, result: ``(N, G, K, *O)``, with any
number of spatial axes; pooling sees x: ``(M, *S)``.  Everything is computed in the dtype of the
arrays.

Three rules hold throughout:

* a position outside the array contributes nothing; it is not multiplied by a zero, so that an
  infinite weight over the padding makes no NaN;
* each element of a result is summed one product at a time, window positions ("taps") in C order
  and channels ascending within a tap, so its bits depend neither on N nor on memory layout;
* NaN and inf travel as IEEE 754 says, and no warning is raised on the way.

Throughout, ``i`` is an input index, ``o`` an output index and ``t`` the index of a tap.
"""

import itertools
import math

import numpy as np

MODES = ("zeros", "fill", "reflect", "symm", "replicate", "circular")


# -- indices --------------------------------------------------------------------------------------


def resolve_index(i, n, mode):
    """Index of the sample that an array of length `n`, extended by `mode`, has at position `i`.

    Parameters
    ----------
    i : int or array of int
        Positions, of any value; 0 is the first sample.
    n : int
        Length of the axis.  For 0 every position is outside, whatever the mode.
    mode : {"zeros", "fill", "reflect", "symm", "replicate", "circular"}
        ``abcd`` is extended to ``..cb|abcd|cb..`` by reflect, ``..ba|abcd|dc..`` by symm,
        ``..aa|abcd|dd..`` by replicate, ``..cd|abcd|ab..`` by circular, repeated without end.
        Reflect of a single sample repeats it.

    Returns
    -------
    ndarray of intp
        Indices in [0, n), or -1 where the position is outside (zeros and fill only, or n = 0).
    """
    i = np.asarray(i, dtype=np.intp)
    if mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}, not {mode!r}")
    if n == 0 or mode in ("zeros", "fill"):
        return np.where((i >= 0) & (i < n), i, -1)
    if mode == "replicate":
        return np.clip(i, 0, n - 1)
    if mode == "circular":
        return i % n
    if mode == "symm":
        j = i % (2 * n)
        return np.where(j < n, j, 2 * n - 1 - j)
    period = max(2 * (n - 1), 1)
    j = i % period
    return np.where(j < n, j, period - j)


def _extend(x, first_axis, padding, mode, fill):
    """Copy of `x` with its axes from `first_axis` on padded, or cropped where negative."""
    for axis, (before, after) in enumerate(padding, start=first_axis):
        n = x.shape[axis]
        index = resolve_index(np.arange(-before, max(n + after, -before)), n, mode)
        inside = index >= 0
        extended = np.full((*x.shape[:axis], len(index), *x.shape[axis + 1 :]), fill, x.dtype)
        here = (slice(None),) * axis + (inside,)
        extended[here] = np.take(x, index[inside], axis=axis)
        x = extended
    return x


def _overlap(count, step, shift, extent):
    """Pair up ``a`` in [0, count) with ``b = a * step + shift`` in [0, extent), as two slices."""
    first = max(0, -(shift // step))  # the least a with b >= 0: ceil(-shift / step)
    stop = min(count, (extent - 1 - shift) // step + 1)
    if stop <= first:
        return slice(0, 0), slice(0, 0)
    start = first * step + shift
    return slice(first, stop), slice(start, start + (stop - first - 1) * step + 1, step)


def _overlaps(counts, tap, *, stride, dilation, padding, extents):
    """`_overlap` on each axis for one tap: the slices of the strided side, and of the other."""
    both = [
        _overlap(n, s, t * d - before, extent)
        for n, t, s, d, (before, _), extent in zip(
            counts, tap, stride, dilation, padding, extents, strict=True
        )
    ]
    return tuple(a for a, _ in both), tuple(b for _, b in both)


def _accumulate(out, samples, weights):
    """Add ``sum_c samples[n, g, c, ...] * weights[g, k, c]`` to ``out[n, g, k, ...]`` in place.

    The channels are a loop because a contraction inside einsum may be reordered to suit the strides
    of its operands; a product of two numbers and a sum of two numbers may not.
    """
    if out.size == 0:
        return  # einsum of empty clongdouble operands writes out of bounds (NumPy 2.4)
    for c in range(samples.shape[2]):
        out += np.einsum("ng...,gk->ngk...", samples[:, :, c], weights[:, :, c])


# -- convolutions ---------------------------------------------------------------------------------


@np.errstate(all="ignore")
def conv(x, w, *, stride, dilation, padding, mode="zeros", fill=0, upsample=None,
         output_shape=None):  # fmt: skip
    """Cross-correlation; the filter is not flipped.

    ``out[n, g, k, o] = sum over c, t of xp[n, g, c, o * stride + t * dilation] * w[g, k, c, t]``
    where ``xp`` is ``x`` upsampled and then padded.

    Parameters
    ----------
    x : ndarray, (N, G, C, *S)
    w : ndarray, (G, K, C, *kernel)
        Of the dtype of `x`: bool, any integer, or real or complex from single to long double.
    stride, dilation : tuple of int, one per spatial axis
    padding : tuple of (before, after), one per spatial axis, in samples
        A negative pad crops.
    mode : {"zeros", "fill", "reflect", "symm", "replicate", "circular"}
        What lies beyond the edges, see `resolve_index`.
    fill : scalar
        The value of every sample outside, for mode "fill".  A fill of 0 is mode "zeros", which
        has no samples outside; any other value is a real sample and meets the weights.
    upsample : tuple of int, optional
        Each sample of `x` is first repeated so many times along each spatial axis.
    output_shape : tuple of int, optional
        ``*O`` where it is not the one below: windows of a pooling may reach beyond the end.

    Returns
    -------
    ndarray, (N, G, K, *O)
        Of the dtype of `x`; integers wrap modulo 2**bits, bool is "any of ``x & w``".
        ``O = floor((S * upsample + before + after - ((kernel - 1) * dilation + 1)) / stride) + 1``,
        and 0 where that is negative.
    """
    for axis, times in enumerate(upsample or (), start=3):
        x = np.repeat(x, times, axis=axis)
    if mode != "zeros" and not (mode == "fill" and fill == 0):
        x = _extend(x, 3, padding, mode, fill)
        padding = ((0, 0),) * len(padding)
    extents, kernel = x.shape[3:], w.shape[3:]
    counts = output_shape or tuple(
        max(0, (n + before + after - (k - 1) * d - 1) // s + 1)
        for n, k, s, d, (before, after) in zip(
            extents, kernel, stride, dilation, padding, strict=True
        )
    )
    out = np.zeros((x.shape[0], *w.shape[:2], *counts), x.dtype)
    for tap in np.ndindex(kernel):
        outputs, inputs = _overlaps(
            counts, tap, stride=stride, dilation=dilation, padding=padding, extents=extents
        )
        _accumulate(out[(..., *outputs)], x[(..., *inputs)], w[(..., *tap)])
    return out


@np.errstate(all="ignore")
def conv_transpose(x, w, *, stride, dilation, padding, output_shape):
    """Transposed convolution: scatter each sample, times the filter, into the result.

    ``out[n, g, k, o] = sum over c, i, t of x[n, g, c, i] * w[g, k, c, t]``
    over all ``i * stride + t * dilation - before = o``.  The filter is not flipped.

    Parameters
    ----------
    x : ndarray, (N, G, C, *S)
    w : ndarray, (G, K, C, *kernel)
        K is the output channel.  Of the dtype of `x`, see `conv`.
    stride, dilation : tuple of int, one per spatial axis
    padding : tuple of (before, after), one per spatial axis
        What the forward convolution pads.  Only ``before`` matters beside `output_shape`.
    output_shape : tuple of int
        ``*O``, output padding included; what falls outside is dropped.

    Returns
    -------
    ndarray, (N, G, K, *O), of the dtype of `x`
    """
    extents, kernel = x.shape[3:], w.shape[3:]
    out = np.zeros((x.shape[0], *w.shape[:2], *output_shape), x.dtype)
    for tap in np.ndindex(kernel):
        inputs, outputs = _overlaps(
            extents, tap, stride=stride, dilation=dilation, padding=padding, extents=output_shape
        )
        _accumulate(out[(..., *outputs)], x[(..., *inputs)], w[(..., *tap)])
    return out


# -- deformable convolution -----------------------------------------------------------------------


@np.errstate(all="ignore")
def deform_conv(x, offset, w, mask, *, stride, dilation, padding, offset_groups):
    """Deformable convolution (v2 with a mask): each tap of each output reads its own position.

    ``out[n, g, k, o] = sum over c, t of sample(n, g, c, t, o) * mask * w[g, k, c, t]``, where
    ``sample`` interpolates ``x`` at ``p = o * stride - before + t * dilation + offset``.

    Parameters
    ----------
    x : ndarray, (N, G * C, *S)
        Real or complex floats.
    offset : ndarray of float, (N, offset_groups, T, nd, *O)
        T taps in C order; the nd components are in the order of the spatial axes.
    w : ndarray, (G, K, C, *kernel)
    mask : ndarray or None, (N, offset_groups, T, *O)
        Factor of each sample; None for ones.
    stride, dilation : tuple of int, one per spatial axis
    padding : tuple of (before, after), one per spatial axis
        Only ``before`` matters: `offset` brings the output shape.
    offset_groups : int
        The channels of `x` are split evenly, in order, over so many sets of offsets.

    Returns
    -------
    ndarray, (N, G, K, *O), of the dtype of `x`

    See Also
    --------
    _interpolate : the rule at the edges.
    """
    batch, channels, *extents = x.shape
    groups, filters, per_group, *kernel = w.shape
    counts = offset.shape[4:]
    x = x.reshape(batch, offset_groups, channels // offset_groups, *extents)
    out = np.zeros((batch, groups, filters, *counts), x.dtype)
    for t, tap in enumerate(np.ndindex(*kernel)):
        regular = np.meshgrid(
            *(
                np.arange(n) * s - before + k * d
                for n, k, s, d, (before, _) in zip(
                    counts, tap, stride, dilation, padding, strict=True
                )
            ),
            indexing="ij",
        )
        position = [
            at.astype(offset.dtype) + offset[:, :, t, axis] for axis, at in enumerate(regular)
        ]
        samples = _interpolate(x, position)
        if mask is not None:
            samples = samples * mask[:, :, None, t]
        samples = samples.astype(x.dtype, copy=False)
        samples = samples.reshape(batch, groups, per_group, *counts)
        _accumulate(out, samples, w[(..., *tap)])
    return out


def _interpolate(x, position):
    """Linear interpolation of `x` (N, D, C, *S) at `position`, nd arrays (N, D, *O): (N, D, C, *O).

    torchvision's rule: 0 where the position is <= -1 or >= S on any axis; elsewhere NaN where a
    coordinate is NaN, and else the weighted sum of the 2**nd samples around it, those outside `x`
    being absent.  A sample of weight exactly 0 is left out, so that 0 * inf makes no NaN.
    """
    extents = x.shape[3:]
    pairs = list(zip(position, extents, strict=True))
    outside = np.any([(p <= -1) | (p >= n) for p, n in pairs], axis=0)
    undefined = ~outside & np.any([np.isnan(p) for p in position], axis=0)
    readable = ~outside & ~undefined
    position = [np.where(readable, p, -1) for p in position]
    low = [np.floor(p) for p in position]

    # With a border of zeros one sample wide, every corner of a position in [-1, S) can be read.
    x = _extend(x, 3, ((1, 1),) * len(extents), "zeros", 0)
    flat = x.reshape(*x.shape[:3], math.prod(x.shape[3:]))
    total = np.zeros((*x.shape[:3], *outside.shape[2:]), x.dtype)
    for corner in itertools.product((0, 1), repeat=len(extents)):
        weight = np.ones_like(position[0])
        for p, base, up in zip(position, low, corner, strict=True):
            weight = weight * (p - base if up else 1 - (p - base))
        index = np.ravel_multi_index(
            [base.astype(np.intp) + 1 + up for base, up in zip(low, corner, strict=True)],
            x.shape[3:],
        )
        index = index.reshape(*index.shape[:2], 1, math.prod(index.shape[2:]))
        values = np.take_along_axis(flat, index, axis=3).reshape(total.shape)
        used = (readable & (weight != 0))[:, :, None]
        total += np.where(used, values * weight[:, :, None], 0).astype(x.dtype, copy=False)
    return np.where(undefined[:, :, None], x.dtype.type(np.nan), total)


# -- pooling --------------------------------------------------------------------------------------


@np.errstate(all="ignore")
def max_pool(x, *, kernel, stride, padding, dilation, output_shape):
    """Maximum of the samples in each window; NaN wins over everything.

    Parameters
    ----------
    x : ndarray, (M, *S)
        bool, integers or real floats.
    kernel, stride, dilation : tuple of int, one per spatial axis
    padding : tuple of (before, after), one per spatial axis
        Padding never wins.  Only ``before`` matters beside `output_shape`.
    output_shape : tuple of int
        ``*O``.  Windows may reach beyond the end (``ceil_mode``).

    Returns
    -------
    ndarray, (M, *O), of the dtype of `x`
        A window without any sample gives the lowest value: -inf, the least integer, or False.
    """
    if x.dtype.kind == "f":
        lowest = -np.inf
    else:
        lowest = False if x.dtype.kind == "b" else np.iinfo(x.dtype).min
    out = np.full((x.shape[0], *output_shape), lowest, x.dtype)
    for tap in np.ndindex(*kernel):
        outputs, inputs = _overlaps(
            output_shape,
            tap,
            stride=stride,
            dilation=dilation,
            padding=padding,
            extents=x.shape[1:],
        )
        view = out[(..., *outputs)]
        np.maximum(view, x[(..., *inputs)], out=view)
    return out


@np.errstate(all="ignore")
def avg_pool(x, *, kernel, stride, padding, output_shape, count_include_pad, divisor_override):
    """Sum of the samples in each window over a count, with PyTorch's meaning of the count.

    Parameters
    ----------
    x : ndarray, (M, *S)
        Real or complex floats.
    kernel, stride : tuple of int, one per spatial axis
    padding : tuple of (before, after), one per spatial axis
    output_shape : tuple of int
        ``*O``.  Windows may reach beyond the end (``ceil_mode``).
    count_include_pad : bool
        Count the positions from ``-before`` to ``S + after``, else those in [0, S) alone.
        Positions beyond ``S + after`` are never counted.
    divisor_override : int or None
        Divide by this instead, wherever the window lies.

    Returns
    -------
    ndarray, (M, *O), of the dtype of `x`
        A window without any sample gives 0.
    """
    extents = x.shape[1:]
    out = np.zeros((x.shape[0], *output_shape), x.dtype)
    for tap in np.ndindex(*kernel):
        outputs, inputs = _overlaps(
            output_shape,
            tap,
            stride=stride,
            dilation=(1,) * len(extents),
            padding=padding,
            extents=extents,
        )
        out[(..., *outputs)] += x[(..., *inputs)]

    divisor, samples = np.ones((), np.intp), np.ones((), np.intp)
    for n, k, s, (before, after), count in zip(
        extents, kernel, stride, padding, output_shape, strict=True
    ):
        start = np.arange(count) * s - before
        stop = np.minimum(start + k, n + after)
        inside = np.maximum(np.minimum(stop, n) - np.maximum(start, 0), 0)
        samples = samples[..., None] * inside
        divisor = divisor[..., None] * (stop - start if count_include_pad else inside)
    if divisor_override is not None:
        divisor = np.full(output_shape, divisor_override)
    divisor = np.where(samples > 0, divisor, 1).astype(out.real.dtype)
    if x.dtype.kind == "c":
        # Part by part: the complex division makes NaN of inf + 0j.
        out.real /= divisor
        out.imag /= divisor
        return out
    return out / divisor


# -- activations ----------------------------------------------------------------------------------


def _sigmoid(y):
    decayed = np.exp(-np.abs(y))  # never above 1, so that no sign of y overflows
    return np.where(y >= 0, 1, decayed) / (1 + decayed)


def _gelu(y):
    from scipy.special import erfc

    # y / 2 * (1 + erf(y / sqrt 2)) without its cancellation for negative y.  In double, because
    # erfc magnifies the rounding of its argument, and SciPy has no long double erfc.
    tail = erfc(y.astype(np.float64) * -math.sqrt(0.5))
    return (0.5 * y * tail).astype(y.dtype, copy=False)


@np.errstate(all="ignore")
def activate(y, name):
    """Activation function, elementwise; NaN stays NaN.

    Parameters
    ----------
    y : ndarray
        Real floats; integers too for None, "relu" and "relu6".
    name : None or str
        None (`y` itself), "relu", "relu6" (clipped to [0, 6]), "leaky_relu" (slope 0.01), "silu"
        (``y * sigmoid(y)``), "gelu" (``y * (1 + erf(y / sqrt 2)) / 2``), "sigmoid" or "tanh".
        As in PyTorch, silu and gelu of -inf are ``-inf * 0``, NaN.

    Returns
    -------
    ndarray, of the shape and dtype of `y`

    Raises
    ------
    ValueError
        If `name` is none of these.
    """
    if name is None:
        return y
    zero = y.dtype.type(0)
    if name == "relu":
        return np.maximum(y, zero)
    if name == "relu6":
        return np.minimum(np.maximum(y, zero), y.dtype.type(6))
    if name == "leaky_relu":
        return np.where(y > 0, y, 0.01 * y)
    if name == "sigmoid":
        return _sigmoid(y)
    if name == "silu":
        return y * _sigmoid(y)
    if name == "gelu":
        return _gelu(y)
    if name == "tanh":
        return np.tanh(y)
    raise ValueError(f"unknown activation {name!r}")
