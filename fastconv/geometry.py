"""Shape and cost algebra of convolution layers: what a layer gives and takes, without any data.

``output_shape`` and ``transpose_output_shape`` answer with the very code that checks ``conv2d`` and
``conv_transpose2d``; ``conv_cost`` counts a layer's work and bytes; ``receptive_field`` follows a
stack of layers back to the input.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from . import _args, _run
from .functions._doc import fill

_LAYER = {"kernel": None, "stride": 1, "padding": 0, "dilation": 1}


class ConvCost(NamedTuple):
    """Parameters, work and memory of one layer; see ``conv_cost``.

    Attributes
    ----------
    params : int
        Weights and, with a bias, one more number per output channel.
    macs : int
        Multiply-adds; those with padding count.
    flops : int
        ``2 * macs``; nothing for bias and activation.
    input_bytes, weight_bytes, output_bytes : int
        Bytes of x, of the weights with the bias (all of ``params``), and of the result.
    im2col_bytes : int
        Bytes of the explicit matrix of windows that im2col hands to a GEMM.
    arithmetic_intensity : float
        Flops per byte of input, weights and output, each moved once.
    """

    params: int
    macs: int
    flops: int
    input_bytes: int
    weight_bytes: int
    output_bytes: int
    im2col_bytes: int
    arithmetic_intensity: float


class ReceptiveField(NamedTuple):
    """What one output of a stack of layers sees; see ``receptive_field``. A tuple per axis each.

    Attributes
    ----------
    size : tuple of int
        Input samples that one output spans.
    jump : tuple of int
        Input samples between the fields of neighbouring outputs.
    start : tuple of float
        Centre of the first output's field; the centre of the first input sample is 0.5.
    """

    size: tuple
    jump: tuple
    start: tuple


def shape_tuple(value, name):
    """A sequence of sizes as a tuple of ints >= 0; the errors name the argument."""
    if isinstance(value, (str, bytes)):
        raise TypeError(f"{name} must be a sequence of integers, found {value!r}")
    try:
        values = tuple(value)
    except TypeError:
        raise TypeError(f"{name} must be a sequence of integers, found {value!r}") from None
    return tuple(_args.integer(n, f"{name}[{i}]", 0) for i, n in enumerate(values))


def _flag(value, name):
    """A bool; an array or a number here is a mistake."""
    # None is what the layer functions take for "no bias"
    if value is None or isinstance(value, (bool, np.bool_)):
        return bool(value)
    raise TypeError(f"{name} must be True or False, found {value!r}")


def _layer_dtype(dtype, casting, activation, backend, accuracy="default"):
    """The dtype; TypeError or ValueError for names that the layer itself would refuse."""
    wanted = _args.result_dtype("float32" if dtype is None else dtype, casting)
    _args.check_activation(activation, wanted)
    _args.check_backend(backend)
    _args.choice(accuracy, _args.ACCURACIES, "accuracy")
    return wanted


def _resolve(input_shape, weight_shape, **keywords):
    """(Geometry, shape of the result, the two shapes as tuples of ints)."""
    x_shape, w_shape = shape_tuple(input_shape, "input_shape"), shape_tuple(weight_shape, "weight_shape")
    if len(w_shape) < 3:
        raise ValueError("weight_shape must have at least 3 axes (filters, channels, kernel), "
                         f"found {w_shape}")  # fmt: skip
    spec = _run.Spec(len(w_shape) - 2, **keywords)
    geometry, batched = _run.geometry_of(spec, x_shape, w_shape)
    extra = _args.per_axis(spec.output_padding, spec.rank, "output_padding", 0)
    if any(extra) and not spec.transposed:
        raise ValueError(f"output_padding={spec.output_padding!r} needs transposed=True")
    return geometry, _run.out_shape(geometry, batched, spec.layout), x_shape, w_shape


@fill()
def output_shape(input_shape, weight_shape, *, stride=1, padding=0, dilation=1, groups=1,
                 padding_mode="zeros", flip=False, layout="channels_first", activation=None,
                 dtype=None, casting="same_kind", backend="auto", accuracy="default"):  # fmt: skip
    """Shape of the result of a convolution layer, from shapes alone.

    For W samples, K taps at dilation r, which span ``K_eff = K + (K - 1) * (r - 1)`` samples, P
    samples of padding in all and stride S, an axis has

    ``O = floor((W - K_eff + P) / S) + 1``

    outputs: the windows that fit. It is the shape that ``conv1d``, ``conv2d``, ``conv3d`` and
    ``conv`` return for the same keywords; nothing is allocated or computed.

    Parameters
    ----------
    input_shape : sequence of int
        Shape of x, ``(N, C, *sizes)``, or ``(C, *sizes)`` without a batch axis; with
        ``layout="channels_last"`` ``(N, *sizes, C)`` or ``(*sizes, C)``. In samples.
    weight_shape : sequence of int
        Shape of the filters, ``(K, C/groups, *kernel)`` in both layouts; its length less 2 is the
        number of spatial axes.
    {conv}
    dtype, casting, backend, accuracy
        As in ``conv2d``. Like padding_mode, flip and activation they are checked but do not change
        the shape; they are accepted so that a layer's keywords can be passed on whole.

    Returns
    -------
    tuple of int
        ``(N, K, *outs)`` in the layout of x, without N where x has no batch axis.

    Raises
    ------
    ValueError
        A negative size, shapes that do not fit each other or groups, a kernel without taps or wider
        than the padded input, an unknown name; the message names the argument.
    TypeError
        A shape that is not a sequence of integers, an argument of the wrong type.

    See Also
    --------
    transpose_output_shape : the same for transposed convolution.
    conv_cost : work and bytes of the layer.

    References
    ----------
    .. [1] V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning", 2016,
       arXiv:1603.07285.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.output_shape((1, 3, 224, 224), (64, 3, 7, 7), stride=2, padding=3)
    (1, 64, 112, 112)
    >>> fastconv.output_shape((100, 16), (8, 16, 5), padding="same", layout="channels_last")
    (100, 8)
    """
    _layer_dtype(dtype, casting, activation, backend, accuracy)
    return _resolve(input_shape, weight_shape, stride=stride, padding=padding, dilation=dilation,
                    groups=groups, padding_mode=padding_mode, flip=flip, layout=layout)[1]  # fmt: skip


def transpose_output_shape(input_shape, weight_shape, *, stride=1, padding=0, output_padding=0,
                           dilation=1, groups=1, flip=False, layout="channels_first",
                           activation=None, dtype=None, casting="same_kind", backend="auto"):  # fmt: skip
    """Shape of the result of a transposed convolution layer, from shapes alone.

    For H samples, K taps at dilation r, which span ``K_eff = K + (K - 1) * (r - 1)`` samples, P
    samples cropped in all and stride S, an axis has

    ``O = (H - 1) * S - P + K_eff + output_padding``

    outputs. A convolution with the same stride, padding and dilation maps O samples back to H; it
    does so for up to S lengths, among which ``output_padding`` chooses.

    Parameters
    ----------
    input_shape : sequence of int
        Shape of x, ``(N, C, *sizes)``, or ``(C, *sizes)`` without a batch axis; with
        ``layout="channels_last"`` ``(N, *sizes, C)`` or ``(*sizes, C)``. In samples.
    weight_shape : sequence of int
        Shape of the weights, ``(C, K/groups, *kernel)`` in both layouts; its length less 2 is the
        number of spatial axes.
    stride : int or sequence of int
        Output samples between the windows of neighbouring inputs, default 1.
    padding : int, sequence of int, sequence of (int, int), or str
        Samples cropped from the full result, default 0; negative numbers enlarge it. ``"valid"``:
        none; ``"same"`` and ``"same_lower"``: ``H * S`` samples remain.
    output_padding : int or sequence of int
        Further samples at the end of each axis, fewer than stride or dilation; default 0.
    dilation : int or sequence of int
        Output samples between neighbouring taps, 1 (default) for a dense kernel.
    groups : int
        Channels are split into that many groups, filtered apart; default 1.
    layout : {'channels_first', 'channels_last'}
        Where x and the result have their channel axis.
    flip, activation, dtype, casting, backend
        As in ``conv_transpose2d``; they are checked but do not change the shape.

    Returns
    -------
    tuple of int
        ``(N, K, *outs)`` in the layout of x, without N where x has no batch axis.

    Raises
    ------
    ValueError
        A negative size, shapes that do not fit each other or groups, an output_padding not below
        stride or dilation, a result without samples, an unknown name.
    TypeError
        A shape that is not a sequence of integers, an argument of the wrong type.

    See Also
    --------
    output_shape : the same for convolution.

    References
    ----------
    .. [1] V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning", 2016,
       arXiv:1603.07285, section 4.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.transpose_output_shape((1, 64, 14, 14), (64, 32, 4, 4), stride=2, padding=1)
    (1, 32, 28, 28)
    """
    _layer_dtype(dtype, casting, activation, backend)
    return _resolve(input_shape, weight_shape, stride=stride, padding=padding, dilation=dilation,
                    groups=groups, flip=flip, layout=layout, output_padding=output_padding,
                    transposed=True)[1]  # fmt: skip


@fill()
def conv_cost(input_shape, weight_shape, *, stride=1, padding=0, dilation=1, groups=1,
              padding_mode="zeros", flip=False, layout="channels_first", activation=None,
              bias=True, transposed=False, output_padding=0, dtype="float32",
              casting="same_kind", backend="auto", accuracy="default"):  # fmt: skip
    """Parameters, multiply-adds, flops, bytes and arithmetic intensity of a convolution layer.

    For K filters of R x S taps over C channels in groups, N images and OH x OW outputs:
    ``params = K * (C * R * S / groups + 1)`` (without the 1 if there is no bias) and
    ``macs = N * K * OH * OW * C * R * S / groups``.

    Parameters
    ----------
    input_shape : sequence of int
        Shape of x, as in ``output_shape``; without a batch axis ``N = 1``.
    weight_shape : sequence of int
        Shape of the filters, ``(K, C/groups, *kernel)``; ``(C, K/groups, *kernel)`` if transposed.
    {conv}
    bias : bool
        Whether the layer has one, default True; None means False.
    transposed : bool
        True: the layer is a transposed convolution, with the keywords of
        ``transpose_output_shape``. Default False.
    output_padding : int or sequence of int
        As in ``transpose_output_shape``; only for a transposed layer.
    dtype : dtype
        Of x, weights, bias and result, for the bytes; default (and for None) float32.
    casting, backend, accuracy
        As in ``conv2d``; checked, but they change no number.

    Returns
    -------
    ConvCost
        Named tuple ``(params, macs, flops, input_bytes, weight_bytes, output_bytes, im2col_bytes,
        arithmetic_intensity)``.

    Raises
    ------
    ValueError
        As in ``output_shape``, or ``transpose_output_shape`` if transposed; an output_padding for a
        layer that is not transposed.
    TypeError
        As there; a bias or transposed that is no bool.

    Notes
    -----
    * macs are those of the direct algorithm, padding counted as work; Winograd and FFT need fewer.
      A transposed layer has ``N * C * H * W * K * R * S / groups``.
    * ``flops = 2 * macs``, a multiplication and an addition each, whatever the dtype; nothing is
      added for bias and activation.
    * im2col_bytes: ``N * (C * R * S) * (OH * OW)`` numbers; the matrix before col2im of a
      transposed layer has ``N * (K * R * S) * (H * W)``.
    * ``arithmetic_intensity = flops / (input_bytes + weight_bytes + output_bytes)``: above the
      machine's ratio of flops to bytes per second the layer is bound by arithmetic, below it by
      memory [1]_. It is 0 where there are no bytes.
    * A separable layer, depthwise R x R and then pointwise, needs ``1/K + 1/R**2`` of the full
      layer's macs [2]_: the sum of two costs, as in the example, here with K = 64 and R = 3.

    References
    ----------
    .. [1] S. Williams, A. Waterman and D. Patterson, "Roofline: an insightful visual performance
       model for multicore architectures", 2009, doi:10.1145/1498765.1498785.
    .. [2] A. Howard et al., "MobileNets", 2017, arXiv:1704.04861.

    Examples
    --------
    >>> import fastconv
    >>> cost = fastconv.conv_cost((1, 32, 56, 56), (64, 32, 3, 3), padding=1)
    >>> cost.params, cost.macs, round(cost.arithmetic_intensity, 1)
    (18496, 57802752, 90.4)
    >>> depthwise = fastconv.conv_cost((1, 32, 56, 56), (32, 1, 3, 3), padding=1, groups=32)
    >>> pointwise = fastconv.conv_cost((1, 32, 56, 56), (64, 32, 1, 1))
    >>> (depthwise.macs + pointwise.macs) / cost.macs == 1 / 64 + 1 / 9
    True
    """
    bias, transposed = _flag(bias, "bias"), _flag(transposed, "transposed")
    wanted = _layer_dtype(dtype, casting, activation, backend, accuracy)
    resolved = _resolve(input_shape, weight_shape, stride=stride, padding=padding,
                        dilation=dilation, groups=groups, padding_mode=padding_mode, flip=flip,
                        layout=layout, output_padding=output_padding, transposed=transposed)  # fmt: skip
    return _cost(*resolved, bias, wanted.itemsize)


def _cost(geometry, out_shape, x_shape, w_shape, bias, itemsize):
    """The ConvCost of a resolved layer."""
    filters = geometry.groups[0] * geometry.filters[0]
    params = math.prod(w_shape) + bias * filters
    moved = [math.prod(x_shape) * itemsize, params * itemsize, math.prod(out_shape) * itemsize]
    columns = _columns(geometry, filters) * itemsize
    flops = 2 * geometry.macs
    intensity = flops / sum(moved) if sum(moved) else 0.0
    return ConvCost(params, geometry.macs, flops, *moved, columns, intensity)


def _columns(geometry, filters):
    """Numbers in the explicit matrix: one window of the wider array per sample of the other."""
    taps = math.prod(axis.kernel for axis in geometry.axes)
    if geometry.transposed:
        channels, windows = filters, math.prod(axis.size for axis in geometry.axes)
    else:
        channels = geometry.groups[0] * geometry.channels
        windows = math.prod(axis.out for axis in geometry.axes)
    return geometry.batch[0] * channels * taps * windows


def receptive_field(layers):
    """Size, jump and start of what one output of a stack of layers sees of the input.

    Along each axis, from ``size = jump = 1`` and ``start = 0.5`` for the input itself, a layer
    whose K taps at dilation r span ``K_eff = K + (K - 1) * (r - 1)`` samples takes

    * ``size = size + (K_eff - 1) * jump``,
    * ``start = start + ((K_eff - 1) / 2 - before) * jump``, with ``before`` the padding before,
    * ``jump = jump * stride``,

    in this order. Convolution, depthwise convolution and pooling are alike.

    Parameters
    ----------
    layers : sequence of dict or tuple
        Layers from the input on. A dict has the keys ``"kernel"`` and, where they are not the
        default, ``"stride"`` (1), ``"padding"`` (0) and ``"dilation"`` (1), each an int or one int
        per axis. A padding may also be one (before, after) pair per axis, or a name of ``conv2d``;
        ``"same"`` only at stride 1, since otherwise it depends on the input's size. A tuple is
        ``(kernel, stride, padding, dilation)``, shortened from the right. Sequences must agree on
        the number of axes, ints serve every axis; if there are only ints there is one axis.

    Returns
    -------
    ReceptiveField
        Named tuple ``(size, jump, start)``, a tuple per axis each, in input samples. ``start`` is
        the centre of the first output's field where the first input sample covers 0 to 1, centre
        0.5.
        Output i sees ``start + i * jump - size / 2`` to ``start + i * jump + size / 2``, padding
        included.

    Raises
    ------
    ValueError
        No layers, an unknown or missing key, a number of axes that differs, a kernel, stride or
        dilation below 1, an unknown padding, ``"same"`` with a stride; the message names the layer.
    TypeError
        A layer that is not a dict or tuple, a value that is not an integer.

    References
    ----------
    .. [1] A. Araujo, W. Norris and J. Sim, "Computing receptive fields of convolutional neural
       networks", Distill, 2019, doi:10.23915/distill.00021.
    .. [2] Dang Ha The Hien, "A guide to receptive field arithmetic for convolutional neural
       networks", 2017.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.receptive_field([(7, 2, 3), {"kernel": 3, "stride": 2, "padding": 1}])
    ReceptiveField(size=(11,), jump=(4,), start=(0.5,))
    >>> fastconv.receptive_field([{"kernel": (3, 1), "dilation": 2}, (3, 1, "same")]).size
    (7, 3)
    """
    layers = _layers(layers)
    rank = _layers_rank(layers)
    size, jump, start = [1] * rank, [1] * rank, [0.5] * rank
    for i, layer in enumerate(layers):
        for axis, (extent, stride, before) in enumerate(_windows(layer, rank, f"layers[{i}]: ")):
            size[axis] += (extent - 1) * jump[axis]
            start[axis] += ((extent - 1) / 2 - before) * jump[axis]
            jump[axis] *= stride
    return ReceptiveField(tuple(size), tuple(jump), tuple(start))


def _layers(layers):
    """The layers as dicts with all four keys, sequences as tuples."""
    # a dict or a string is iterable too, but it is one layer whose list was forgotten
    try:
        given = None if isinstance(layers, (Mapping, str, bytes)) else tuple(layers)
    except TypeError:
        given = None
    if given is None:
        raise TypeError(f"layers must be a sequence of dicts or tuples, found {layers!r}")
    if not given:
        raise ValueError("layers must have at least one layer, found none")
    return [_layer(layer, f"layers[{i}]") for i, layer in enumerate(given)]


def _layer(layer, name):
    """One layer as a dict with all four keys."""
    if isinstance(layer, Mapping):
        unknown = [key for key in layer if key not in _LAYER]
        if unknown:
            raise ValueError(f"{name} has the unknown key {unknown[0]!r}, wanted some of "
                             + ", ".join(map(repr, _LAYER)))  # fmt: skip
        if "kernel" not in layer:
            raise ValueError(f"{name} must have the key 'kernel', found {layer!r}")
        given = layer
    elif isinstance(layer, (tuple, list)):
        if not 1 <= len(layer) <= len(_LAYER):
            raise ValueError(f"{name} must be (kernel, stride, padding, dilation), shortened from "
                             f"the right, found {layer!r}")  # fmt: skip
        given = dict(zip(_LAYER, layer, strict=False))
    else:
        raise TypeError(f"{name} must be a dict or a tuple (kernel, stride, padding, dilation), "
                        f"found {layer!r}")  # fmt: skip
    return {key: _sequence(given.get(key, default)) for key, default in _LAYER.items()}


def _sequence(value):
    """A sequence as a tuple, anything else as it is."""
    if isinstance(value, (str, bytes)):
        return value
    try:
        return tuple(value)
    except TypeError:
        return value


def _layers_rank(layers):
    """The number of axes that all sequences agree on, 1 if there are none."""
    first = rank = None
    for i, layer in enumerate(layers):
        for key, value in layer.items():
            if not isinstance(value, tuple):
                continue
            name = f"layers[{i}]: {key}"
            if not value:
                raise ValueError(f"{name} must have at least one axis, found ()")
            if rank is None:
                first, rank = name, len(value)
            elif len(value) != rank:
                raise ValueError(f"{name}={value!r} has {len(value)} axes, but {first} has {rank}: "
                                 "all layers must agree")  # fmt: skip
    return rank or 1


def _windows(layer, rank, name):
    """(span of the dilated kernel, stride, padding before) of each axis."""
    kernels, strides, dilations = (_args.per_axis(layer[key], rank, name + key, 1)
                                   for key in ("kernel", "stride", "dilation"))  # fmt: skip
    extents = tuple((k - 1) * d + 1 for k, d in zip(kernels, dilations, strict=True))
    padding = layer["padding"]
    if isinstance(padding, str) and padding.startswith("same") and max(strides) > 1:
        raise ValueError(f"{name}padding={padding!r} with stride {strides} depends on the size of "
                         "the input: give numbers")  # fmt: skip
    # at stride 1 "same" pads by the extent alone, so any size will do
    pairs = _args.padding_pairs(padding, rank, extents, strides, (1,) * rank, name + "padding")
    return tuple((e, s, before) for e, s, (before, _) in zip(extents, strides, pairs, strict=True))


__all__ = ["ConvCost", "ReceptiveField", "conv_cost", "output_shape", "receptive_field",
           "transpose_output_shape"]  # fmt: skip
