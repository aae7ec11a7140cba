"""Layer-style convolution: conv, depthwise, separable, pointwise, resize."""

import numpy as np

from .. import _args, _dtypes, _run
from ._doc import by_rank, fill


def _make_layer(rank):
    def layer(x, w, bias=None, *, stride=1, padding=0, dilation=1, groups=1, padding_mode="zeros",
              flip=False, layout="channels_first", activation=None, out=None, dtype=None,
              casting="same_kind", backend="auto", accuracy="default"):  # fmt: skip
        """Cross-correlate x with a bank of filters, as a layer of a neural network.

        ``out[n, k, o] = activation(bias[k] + sum over c, t of
        x[n, g * C/groups + c, o * stride - before + t * dilation] * w[k, c, t])`` with g the group of
        filter k. The filter is not flipped unless ``flip=True``. Along each axis the result has
        ``floor((size + before + after - (k - 1) * dilation - 1) / stride) + 1`` samples.

        Parameters
        ----------
        x : array_like
            Samples, shape ``(N, C, {sizes})``, or ``(C, {sizes})`` without a batch axis; with
            ``layout="channels_last"`` ``(N, {sizes}, C)`` or ``({sizes}, C)``.
        w : array_like
            Filters, shape ``(K, C/groups, {kernels})``.
        bias : array_like, optional
            One value per output channel, shape ``(K,)``.
        {conv}
        {common}
        {accuracy}

        Returns
        -------
        ndarray
            Shape ``(N, K, {outs})``, in the layout of x, unbatched where x is. Integers wrap modulo
            ``2**n``; float16 and bfloat16 are summed in float32 and rounded once.

        {raises}

        See Also
        --------
        plan : prepare the weights once and run many times.
        convolve : signal style, without channels.

        References
        ----------
        .. [1] V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning",
           2016, arXiv:1603.07285.

        Examples
        --------
        >>> import numpy as np, fastconv
        >>> x = np.arange(12.0).reshape(1, 2, 6)
        >>> w = np.ones((1, 2, 3))
        >>> fastconv.conv1d(x, w, stride=2)
        array([[[24., 36.]]])
        """
        keywords = (rank, stride, padding, dilation, groups, padding_mode, flip, layout, activation, 0, False,
                    1, dtype, casting, backend, None, accuracy)  # fmt: skip
        return _run.layer(keywords, x, w, bias, out)  # a Spec costs more than finding the call again

    return layer


conv1d, conv2d, conv3d = by_rank("conv{}d", _make_layer)


@fill()
def conv(x, w, bias=None, *, stride=1, padding=0, dilation=1, groups=1, padding_mode="zeros",
         flip=False, layout="channels_first", activation=None, out=None, dtype=None,
         casting="same_kind", backend="auto", accuracy="default"):  # fmt: skip
    """Cross-correlate x with a bank of filters of any rank, taken from w.

    ``conv1d``, ``conv2d`` or ``conv3d`` by the number of axes of w, which is the rank and two; ranks above
    3 are computed as well.

    Parameters
    ----------
    x : array_like
        Samples, shape ``(N, C, {sizes})``, or ``(C, {sizes})`` without a batch axis; channels last with
        ``layout``.
    w : array_like
        Filters, shape ``(K, C/groups, {kernels})``.
    bias : array_like, optional
        One value per output channel, shape ``(K,)``.
    {conv}
    {common}
    {accuracy}

    Returns
    -------
    ndarray
        Shape ``(N, K, {outs})``, in the layout of x, unbatched where x is.

    {raises}

    Examples
    --------
    >>> import numpy as np, fastconv
    >>> fastconv.conv(np.ones((1, 1, 2, 2, 2, 2)), np.ones((1, 1, 2, 2, 2, 2))).shape
    (1, 1, 1, 1, 1, 1)
    """
    w = _args.as_array(w, "w")
    if w.ndim < 3:
        raise ValueError(f"w must have at least 3 axes (filters, channels, kernel), found {w.ndim}")
    spec = _run.Spec(w.ndim - 2, stride, padding, dilation, groups, padding_mode, flip, layout,
                     activation, dtype=dtype, casting=casting, backend=backend, accuracy=accuracy)  # fmt: skip
    return _run.layer(spec, x, w, bias, out)


def _depthwise(rank, x, w, bias, layout, out, name="w", **keywords):
    """conv with as many groups as x has channels; name: what the caller calls w."""
    x, w = _args.as_array(x, "x"), _args.as_array(w, name)
    if w.ndim != rank + 2 or w.shape[1] != 1:
        raise ValueError(f"{name} must have shape (channels * multiplier, 1, *kernel) with {rank} kernel "
                         f"axes, found {w.shape}")  # fmt: skip
    _args.choice(layout, _args.LAYOUTS, "layout")
    if x.ndim not in (rank + 1, rank + 2):
        raise ValueError(f"x must have {rank + 2} axes, or {rank + 1} without a batch axis, found "
                         f"shape {x.shape}")  # fmt: skip
    channels = x.shape[-1 if layout == "channels_last" else x.ndim - rank - 1]
    if channels == 0 or w.shape[0] % channels:
        raise ValueError(f"{name} has {w.shape[0]} filters, wanted a multiple of the {channels} channels "
                         "of x")  # fmt: skip
    spec = _run.Spec(rank, groups=channels, layout=layout, **keywords)
    return _run.layer(spec, x, w, bias, out)


def _make_depthwise_conv(rank):
    def depthwise_conv(x, w, bias=None, *, stride=1, padding=0, dilation=1, padding_mode="zeros",
                       flip=False, layout="channels_first", activation=None, out=None, dtype=None,
                       casting="same_kind", backend="auto"):  # fmt: skip
        """Filter every channel with its own filters: a convolution with ``groups = C``.

        ``out[n, c * M + m, o] = sum over t of x[n, c, o * stride - before + t * dilation] *
        w[c * M + m, 0, t]`` for M filters a channel. The filter is not flipped unless ``flip=True``.

        Parameters
        ----------
        x : array_like
            Samples, shape ``(N, C, {sizes})`` or ``(C, {sizes})``; channels last with ``layout``.
        w : array_like
            Filters, shape ``(C * M, 1, {kernels})``.
        bias : array_like, optional
            One value per output channel, shape ``(C * M,)``.
        stride, padding, dilation, padding_mode, flip, layout, activation
            As in ``conv{rank}d``.
        {common}

        Returns
        -------
        ndarray
            Shape ``(N, C * M, {outs})``, in the layout of x.

        {raises}

        References
        ----------
        .. [1] F. Chollet, "Xception: Deep learning with depthwise separable convolutions", CVPR 2017,
           arXiv:1610.02357.

        Examples
        --------
        >>> import numpy as np, fastconv
        >>> x = np.arange(8.0).reshape(1, 2, 4)
        >>> fastconv.depthwise_conv1d(x, np.array([[[1.0, 1.0]], [[1.0, -1.0]]]))
        array([[[ 1.,  3.,  5.],
                [-1., -1., -1.]]])
        """
        return _depthwise(rank, x, w, bias, layout, out, stride=stride, padding=padding,
                          dilation=dilation, padding_mode=padding_mode, flip=flip,
                          activation=activation, dtype=dtype, casting=casting, backend=backend)  # fmt: skip

    return depthwise_conv


depthwise_conv1d, depthwise_conv2d, depthwise_conv3d = by_rank("depthwise_conv{}d", _make_depthwise_conv)


@fill()
def pointwise_conv(x, w, bias=None, *, stride=1, groups=1, layout="channels_first",
                   activation=None, out=None, dtype=None, casting="same_kind", backend="auto"):  # fmt: skip
    """Mix the channels of every sample: a 1x1 convolution of any rank.

    ``out[n, k, o] = activation(bias[k] + sum over c of x[n, c, o * stride] * w[k, c])``.

    Parameters
    ----------
    x : array_like
        Samples, shape ``(N, C, *sizes)`` with at least one size, or ``(C, *sizes)`` where w says so
        by its number of axes; channels last with ``layout``. For a two-axis w, x is batched unless it
        has two axes.
    w : array_like
        Filters, shape ``(K, C/groups)`` or ``(K, C/groups, 1, ...)``.
    bias : array_like, optional
        Shape ``(K,)``.
    stride, groups, layout, activation
        As in ``conv2d``.
    {common}

    Returns
    -------
    ndarray
        Shape ``(N, K, *ceil(sizes / stride))``, in the layout of x.

    {raises}

    Examples
    --------
    >>> import numpy as np, fastconv
    >>> fastconv.pointwise_conv(np.arange(6.0).reshape(1, 2, 3), np.ones((1, 2)))
    array([[[3., 5., 7.]]])
    """
    x, w = _args.as_array(x, "x"), _args.as_array(w, "w")
    if w.ndim < 2 or any(n != 1 for n in w.shape[2:]):
        raise ValueError(f"w must have shape (K, C/groups) or (K, C/groups, 1, ...), found {w.shape}")
    rank = w.ndim - 2 if w.ndim > 2 else max(1, x.ndim - 2)
    spec = _run.Spec(rank, stride=stride, groups=groups, layout=layout, activation=activation,
                     dtype=dtype, casting=casting, backend=backend)  # fmt: skip
    return _run.layer(spec, x, w.reshape(*w.shape[:2], *(1,) * rank), bias, out)


def _separable(rank, x, w_depthwise, w_pointwise, bias, layout, activation, out, dtype, casting,
               backend, **keywords):  # fmt: skip
    """A depthwise and a pointwise layer; in between, numbers have the compute dtype."""
    x, bias = _args.as_array(x, "x"), None if bias is None else _args.as_array(bias, "bias")
    first, second = _args.as_array(w_depthwise, "w_depthwise"), _args.as_array(w_pointwise, "w_pointwise")
    operands = {"x": x, "w_depthwise": first, "w_pointwise": second, "bias": bias}
    wanted = _args.result_dtype(dtype, casting, **operands)
    if second.ndim < 2 or any(n != 1 for n in second.shape[2:]):
        raise ValueError(f"w_pointwise must have shape (K, C * multiplier) or (K, C * multiplier, 1, "
                         f"...), found {second.shape}")  # fmt: skip
    if first.ndim and second.shape[1] != first.shape[0]:
        raise ValueError(f"w_pointwise mixes {second.shape[1]} channels, w_depthwise gives "
                         f"{first.shape[0]}")  # fmt: skip
    between = _dtypes.describe(wanted).compute  # float16 is not rounded in between
    middle = _depthwise(rank, x, first, None, layout, None, dtype=between, casting=casting,
                        backend=backend, name="w_depthwise", **keywords)  # fmt: skip
    casting = "unsafe" if between != wanted else casting  # the operands were checked above
    spec = _run.Spec(rank, layout=layout, activation=activation, dtype=wanted, casting=casting,
                     backend=backend)  # fmt: skip
    return _run.layer(spec, middle, second.reshape(*second.shape[:2], *(1,) * rank), bias, out)


def _make_separable_conv(rank):
    def separable_conv(x, w_depthwise, w_pointwise, bias=None, *, stride=1, padding=0, dilation=1,
                       padding_mode="zeros", flip=False, layout="channels_first", activation=None,
                       out=None, dtype=None, casting="same_kind", backend="auto"):  # fmt: skip
        """Depthwise separable convolution: every channel filtered apart, then the channels mixed.

        ``pointwise_conv(depthwise_conv{rank}d(x, w_depthwise), w_pointwise, bias)``. For R taps an axis
        it costs ``1/K + 1/R**{rank}`` of the full convolution.

        Parameters
        ----------
        x : array_like
            Samples, shape ``(N, C, {sizes})`` or ``(C, {sizes})``; channels last with ``layout``.
        w_depthwise : array_like
            Shape ``(C * M, 1, {kernels})``.
        w_pointwise : array_like
            Shape ``(K, C * M)`` or ``(K, C * M, 1, ...)``.
        bias : array_like, optional
            Shape ``(K,)``, added by the pointwise step.
        stride, padding, dilation, padding_mode, flip
            Of the depthwise step, as in ``conv{rank}d``.
        layout, activation
            As in ``conv{rank}d``; the activation follows the pointwise step.
        {common}

        Returns
        -------
        ndarray
            Shape ``(N, K, {outs})``, in the layout of x.

        {raises}

        References
        ----------
        .. [1] A. Howard et al., "MobileNets", 2017, arXiv:1704.04861.

        Examples
        --------
        >>> import numpy as np, fastconv
        >>> x = np.ones((1, 2, 4))
        >>> fastconv.separable_conv1d(x, np.ones((2, 1, 3)), np.array([[1.0, 2.0]]))
        array([[[9., 9.]]])
        """
        return _separable(rank, x, w_depthwise, w_pointwise, bias, layout, activation, out, dtype, casting,
                          backend, stride=stride, padding=padding, dilation=dilation,
                          padding_mode=padding_mode, flip=flip)  # fmt: skip

    return separable_conv


separable_conv1d, separable_conv2d, separable_conv3d = by_rank("separable_conv{}d", _make_separable_conv)


@fill(2)
def resize_conv2d(x, w, bias=None, *, scale, stride=1, padding=0, dilation=1, groups=1,
                  padding_mode="zeros", flip=False, layout="channels_first", activation=None,
                  out=None, dtype=None, casting="same_kind", backend="auto"):  # fmt: skip
    """Enlarge x by nearest-neighbour upsampling, then convolve, without storing the enlarged x.

    ``conv2d(x[..., i // scale, j // scale], w, ...)``: the checkerboard-free way to enlarge.

    Parameters
    ----------
    x : array_like
        Samples, shape ``(N, C, H, W)`` or ``(C, H, W)``; channels last with ``layout``.
    w : array_like
        Filters, shape ``(K, C/groups, kh, kw)``.
    bias : array_like, optional
        Shape ``(K,)``.
    scale : int or (int, int)
        How often each row and column is repeated before the convolution.
    stride, padding, dilation, groups, padding_mode, flip, layout, activation
        As in ``conv2d``, all counted in enlarged samples.
    {common}

    Returns
    -------
    ndarray
        The result of ``conv2d`` on the enlarged x.

    {raises}

    References
    ----------
    .. [1] A. Odena, V. Dumoulin and C. Olah, "Deconvolution and checkerboard artifacts", Distill,
       2016, doi:10.23915/distill.00003.

    Examples
    --------
    >>> import numpy as np, fastconv
    >>> fastconv.resize_conv2d(np.array([[[1.0, 2.0]]]), np.ones((1, 1, 1, 1)), scale=2)
    array([[[1., 1., 2., 2.],
            [1., 1., 2., 2.]]])
    """
    spec = _run.Spec(2, stride, padding, dilation, groups, padding_mode, flip, layout, activation,
                     upsample=scale, dtype=dtype, casting=casting, backend=backend)  # fmt: skip
    return _run.layer(spec, x, w, bias, out)


@fill()
def causal_conv1d(x, w, bias=None, *, state=None, activation=None, out=None, dtype=None,
                  casting="same_kind", backend="auto"):  # fmt: skip
    """Filter each channel causally and carry the last samples over to the next call.

    ``y[n, c, i] = activation(bias[c] + sum over t of z[n, c, i + t] * w[c, 0, t])`` where z is the
    state followed by x: a depthwise convolution whose output i sees no sample after i. Calling
    it block by block with the returned state equals one call with all samples (ONNX
    CausalConvWithState).

    Parameters
    ----------
    x : array_like
        Samples, shape ``(N, C, L)`` or ``(C, L)``; L may be 0.
    w : array_like
        Filters, shape ``(C, 1, k)`` or ``(C, k)``; not flipped, ``w[..., -1]`` meets the newest sample.
    bias : array_like, optional
        Shape ``(C,)``.
    state : array_like, optional
        The ``k - 1`` samples before x, shape ``(N, C, k - 1)`` or ``(C, k - 1)``; default zeros.
    activation : str, optional
        As in ``conv1d``; ``"silu"`` is usual.
    out : ndarray, optional
        Array that y is written to and that is returned as y; may overlap an input.
    dtype, casting, backend
        As in ``conv1d``.

    Returns
    -------
    y : ndarray
        Shape of x.
    new_state : ndarray
        The last ``k - 1`` samples of state and x, for the next call.

    {raises}

    Examples
    --------
    >>> import numpy as np, fastconv
    >>> y, state = fastconv.causal_conv1d(np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, 1.0]]))
    >>> y, state
    (array([[1., 3., 5.]]), array([[3.]]))
    """
    x, w = _args.as_array(x, "x"), _args.as_array(w, "w")
    if w.ndim == 2:
        w = w[:, None, :]
    if x.ndim not in (2, 3):
        raise ValueError(f"x must have shape (N, C, L) or (C, L), found {x.shape}")
    if w.ndim != 3 or w.shape[:2] != (x.shape[-2], 1) or w.shape[2] < 1:
        raise ValueError(f"w must have shape ({x.shape[-2]}, 1, k) or ({x.shape[-2]}, k), found {w.shape}")
    keep = w.shape[2] - 1
    wanted_shape = (*x.shape[:-1], keep)
    state = np.zeros(wanted_shape, x.dtype) if state is None else _args.as_array(state, "state")
    if state.shape != wanted_shape:
        raise ValueError(f"state has shape {state.shape}, wanted {wanted_shape}: the k - 1 samples "
                         "before x")  # fmt: skip
    return _causal(x, w, bias, state, keep, activation, out, dtype, casting, backend)


def _causal(x, w, bias, state, keep, activation, out, dtype, casting, backend):
    """The first outputs see the state and are computed from a short copy; the rest reads x itself."""
    bias = None if bias is None else _args.as_array(bias, "bias")
    wanted = _args.result_dtype(dtype, casting, x=x, w=w, bias=bias, state=state)
    _args.check_out(out, x.shape, wanted, casting)
    words = {"activation": activation, "dtype": wanted, "casting": casting, "backend": backend}
    if x.shape[-1] > keep:  # chosen, or refused, before anything is allocated
        _run.consult(_run.Spec(1, groups=x.shape[-2], **words), x, w, bias)
    y = out
    if out is None or _args.needs_temporary(out, wanted, (x, w, bias, state)):
        y = _args.allocate(x.shape, wanted)
    length = x.shape[-1]
    # in the type of the sums: the common type of int64 and float32 would be narrower than longdouble
    head = np.concatenate([state, x[..., :keep]], axis=-1, dtype=_dtypes.describe(wanted).compute,
                          casting="unsafe")  # fmt: skip
    tail = x[..., max(0, length - keep) :] if keep else x[..., :0]
    new_state = np.concatenate([state[..., tail.shape[-1] :], tail], axis=-1)
    if length > keep:
        depthwise_conv1d(x, w, bias, out=y[..., keep:], **words)
    if keep and length:
        depthwise_conv1d(head, w, bias, out=y[..., :keep], **words)
    if out is not None and y is not out:
        np.copyto(out, y, casting="unsafe")
        y = out
    return y, new_state
