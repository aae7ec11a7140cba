"""Shapes, costs and receptive fields against textbook numbers, counting loops and PyTorch."""

import inspect
import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import fastconv.functions.conv
import fastconv.functions.transpose
from fastconv import (
    _args,
    _run,
    conv_cost,
    functions,
    output_shape,
    receptive_field,
    transpose_output_shape,
)
from fastconv.geometry import ConvCost, ReceptiveField

# the first example pays for imports, and other tests may have the machine
unhurried = settings(deadline=None)
PADDINGS = st.one_of(st.integers(-3, 8), st.tuples(st.integers(-3, 8), st.integers(-3, 8)))


def span(kernel, dilation):
    """Samples from the first to the last tap, counted."""
    return len(range((kernel - 1) * dilation + 1))


def windows(size, kernel, stride, before, after, dilation):
    """First positions of the windows that fit into the padded axis, found one by one."""
    starts, position = [], -before
    while position + span(kernel, dilation) - 1 < size + after:
        starts.append(position)
        position += stride
    return starts


@pytest.mark.parametrize(
    ("input_shape", "weight_shape", "keywords", "wanted"),
    [
        ((1, 1, 5), (1, 1, 3), {}, (1, 1, 3)),
        ((1, 1, 4, 4), (1, 1, 3, 3), {}, (1, 1, 2, 2)),  # Dumoulin & Visin, figure 2.1
        ((1, 1, 5, 5), (1, 1, 4, 4), {"padding": 2}, (1, 1, 6, 6)),  # 2.2, arbitrary padding
        ((1, 1, 5, 5), (1, 1, 3, 3), {"padding": 1}, (1, 1, 5, 5)),  # 2.3, half padding
        ((1, 1, 5, 5), (1, 1, 3, 3), {"padding": "full"}, (1, 1, 7, 7)),  # 2.4, full padding
        ((1, 1, 5, 5), (1, 1, 3, 3), {"stride": 2}, (1, 1, 2, 2)),  # 2.5
        ((1, 1, 5, 5), (1, 1, 3, 3), {"stride": 2, "padding": 1}, (1, 1, 3, 3)),  # 2.6
        ((1, 1, 6, 6), (1, 1, 3, 3), {"stride": 2, "padding": 1}, (1, 1, 3, 3)),  # 2.7, floor
        ((1, 1, 7, 7), (1, 1, 3, 3), {"dilation": 2}, (1, 1, 3, 3)),  # 5.1
        ((8, 3, 227, 227), (96, 3, 11, 11), {"stride": 4}, (8, 96, 55, 55)),  # AlexNet conv1
        ((3, 224, 224), (64, 3, 3, 3), {"padding": 1}, (64, 224, 224)),  # VGG conv1_1
        ((1, 3, 224, 224), (64, 3, 7, 7), {"stride": 2, "padding": 3}, (1, 64, 112, 112)),
        ((2, 6, 10), (4, 3, 3), {"groups": 2}, (2, 4, 8)),
        ((2, 6, 10), (12, 1, 3), {"groups": 6, "padding": "causal"}, (2, 12, 10)),
        ((1, 1, 9, 10), (1, 1, 2, 3), {"stride": (2, 3), "padding": "same"}, (1, 1, 5, 4)),
        ((1, 1, 9, 10), (1, 1, 2, 3), {"stride": (2, 3), "padding": "same_lower"}, (1, 1, 5, 4)),
        ((1, 1, 9, 10), (1, 1, 2, 3), {"padding": ((1, 0), (0, 4))}, (1, 1, 9, 12)),
        ((1, 1, 9, 10), (1, 1, 2, 3), {"padding": (-1, 2)}, (1, 1, 6, 12)),
        ((1, 4, 5, 6, 7), (2, 4, 1, 2, 3), {"padding": "valid"}, (1, 2, 5, 5, 5)),
        ((2, 9, 8, 7, 6, 3), (5, 3, 2, 2, 2, 2), {"layout": "channels_last"}, (2, 8, 7, 6, 5, 5)),
        ((28, 28, 1), (8, 1, 5, 5), {"layout": "channels_last"}, (24, 24, 8)),
        ((0, 3, 8), (4, 3, 3), {}, (0, 4, 6)),
        ((1, 0, 8), (4, 0, 3), {}, (1, 4, 6)),
        ((1, 1, 0), (1, 1, 3), {"padding": 2}, (1, 1, 2)),
    ],
)
def test_output_shape_by_hand(input_shape, weight_shape, keywords, wanted):
    assert output_shape(input_shape, weight_shape, **keywords) == wanted


def test_output_shape_takes_any_sequence_of_integers():
    x, w = np.array([1, 2, 9]), [np.int32(4), np.uint8(2), 3]
    found = output_shape(x, w, stride=np.int64(2), padding=np.array([1]))
    assert found == (1, 4, 5)
    assert all(type(n) is int for n in found)


def test_keywords_that_change_no_shape():
    plain = output_shape((1, 2, 9), (4, 2, 3), padding=1)
    for mode in _args.PADDING_MODES:
        assert output_shape((1, 2, 9), (4, 2, 3), padding=1, padding_mode=mode) == plain
    for activation in _args.ACTIVATIONS:
        assert output_shape((1, 2, 9), (4, 2, 3), padding=1, activation=activation) == plain
    words = {"flip": True, "dtype": "float16", "casting": "unsafe", "backend": "direct"}
    assert output_shape((1, 2, 9), (4, 2, 3), padding=1, **words) == plain
    assert transpose_output_shape((1, 2, 9), (2, 4, 3), padding=1, **words) == (1, 4, 9)
    with pytest.raises(TypeError, match="scale"):
        output_shape((1, 2, 9), (4, 2, 3), scale=2)


def test_signatures_follow_the_layer_functions():
    """A dict of keywords for conv2d works here too, with the same defaults."""
    conv2d, transpose = functions.conv.conv2d, functions.transpose.conv_transpose2d
    for layer, other in ((conv2d, output_shape), (conv2d, conv_cost),
                         (transpose, transpose_output_shape), (transpose, conv_cost)):  # fmt: skip
        found = inspect.signature(other).parameters
        for name, wanted in inspect.signature(layer).parameters.items():
            if name not in ("x", "w", "bias", "out", "dtype"):
                assert found[name].default == wanted.default, (other, name)


def test_sizes_beyond_32_bits():
    assert output_shape((1, 1, 2**40), (1, 1, 3)) == (1, 1, 2**40 - 2)
    cost = conv_cost((2**20, 2**10, 2**40), (2**10, 2**10, 1), bias=False)
    assert cost.macs == 2**80
    assert cost.output_bytes == 2**72


@unhurried
@given(st.integers(0, 30), st.integers(1, 7), st.integers(1, 5), PADDINGS, st.integers(1, 4))
def test_output_shape_counts_windows(size, kernel, stride, padding, dilation):
    before, after = padding if isinstance(padding, tuple) else (padding, padding)
    given_padding = [padding] if isinstance(padding, tuple) else padding
    starts = windows(size, kernel, stride, before, after, dilation)
    keywords = {"stride": stride, "padding": given_padding, "dilation": dilation}
    if not starts:
        with pytest.raises(ValueError, match="larger than the padded input"):
            output_shape((1, 1, size), (1, 1, kernel), **keywords)
        return
    assert output_shape((1, 1, size), (1, 1, kernel), **keywords) == (1, 1, len(starts))
    textbook = (size - (kernel + (kernel - 1) * (dilation - 1)) + before + after) // stride + 1
    assert len(starts) == textbook


@unhurried
@given(
    st.integers(1, 30), st.integers(1, 7), st.integers(1, 5), st.integers(1, 4),
    st.sampled_from(["same", "same_lower", "full", "causal"]),
)  # fmt: skip
def test_named_padding_means_what_it_says(size, kernel, stride, dilation, padding):
    keywords = {"stride": stride, "dilation": dilation, "padding": padding}
    (found,) = output_shape((1, size), (1, 1, kernel), **keywords)[1:]
    if padding == "full":
        assert found == len(range(1 - span(kernel, dilation), size, stride))
    else:
        assert found == math.ceil(size / stride)


@unhurried
@given(st.data())
def test_every_axis_on_its_own(data):
    rank = data.draw(st.integers(1, 4))
    axis = st.tuples(st.integers(1, 12), st.integers(1, 4), st.integers(1, 3), st.integers(0, 3),
                     st.integers(0, 3), st.integers(1, 2))  # fmt: skip
    axes = data.draw(st.lists(axis, min_size=rank, max_size=rank))
    counts = tuple(len(windows(*a)) for a in axes)
    assume(all(counts))
    sizes, kernels, strides, befores, afters, dilations = zip(*axes, strict=True)
    n, per_group, filters, groups = data.draw(st.tuples(*[st.integers(1, 3)] * 4))
    w_shape = (filters * groups, per_group, *kernels)
    keywords = {"stride": strides, "padding": tuple(zip(befores, afters, strict=True)),
                "dilation": dilations, "groups": groups}  # fmt: skip
    channels, k = (per_group * groups,), (filters * groups,)
    last = {"layout": "channels_last"}
    assert output_shape(channels + sizes, w_shape, **keywords) == k + counts
    assert output_shape((n, *channels, *sizes), w_shape, **keywords) == (n, *k, *counts)
    assert output_shape(sizes + channels, w_shape, **keywords, **last) == counts + k
    assert output_shape((n, *sizes, *channels), w_shape, **keywords, **last) == (n, *counts, *k)
    macs = n * filters * groups * per_group * math.prod(counts) * math.prod(kernels)
    assert conv_cost((n, *channels, *sizes), w_shape, **keywords).macs == macs


@pytest.mark.parametrize(
    ("input_shape", "weight_shape", "keywords", "wanted"),
    [
        ((1, 1, 2, 2), (1, 1, 3, 3), {}, (1, 1, 4, 4)),  # Dumoulin & Visin, figure 4.1
        ((1, 1, 6, 6), (1, 1, 4, 4), {"padding": 2}, (1, 1, 5, 5)),  # 4.2
        ((1, 1, 7, 7), (1, 1, 3, 3), {"padding": 2}, (1, 1, 5, 5)),  # 4.4
        ((1, 1, 2, 2), (1, 1, 3, 3), {"stride": 2}, (1, 1, 5, 5)),  # 4.5
        ((1, 1, 3, 3), (1, 1, 3, 3), {"stride": 2, "padding": 1}, (1, 1, 5, 5)),  # 4.6
        ((1, 1, 3, 3), (1, 1, 3, 3), {"stride": 2, "padding": 1, "output_padding": 1},
         (1, 1, 6, 6)),  # 4.7
        ((1, 100, 1, 1), (100, 512, 4, 4), {}, (1, 512, 4, 4)),  # DCGAN's generator
        ((1, 21, 34, 34), (21, 21, 64, 64), {"stride": 32}, (1, 21, 1120, 1120)),  # FCN-32s
        ((6, 4), (6, 2, 3), {"groups": 3, "dilation": 2}, (6, 8)),
        ((4, 6), (6, 2, 3), {"stride": 3, "layout": "channels_last"}, (12, 2)),
        ((1, 1, 7), (1, 1, 5), {"stride": 3, "padding": "same"}, (1, 1, 21)),
        ((1, 1, 7), (1, 1, 2), {"stride": 3, "padding": "same_lower"}, (1, 1, 21)),
        ((1, 1, 3), (1, 1, 3), {"padding": [(0, 2)]}, (1, 1, 3)),
        ((1, 1, 3), (1, 1, 3), {"padding": -1}, (1, 1, 7)),
    ],
)  # fmt: skip
def test_transpose_output_shape_by_hand(input_shape, weight_shape, keywords, wanted):
    assert transpose_output_shape(input_shape, weight_shape, **keywords) == wanted


@unhurried
@given(
    st.integers(1, 15), st.integers(1, 6), st.integers(1, 5), PADDINGS, st.integers(1, 4),
    st.integers(0, 4),
)  # fmt: skip
def test_transpose_output_shape_counts_samples(size, kernel, stride, padding, dilation, extra):
    assume(extra < max(stride, dilation))
    before, after = padding if isinstance(padding, tuple) else (padding, padding)
    touched = {i * stride + t * dilation for i in range(size) for t in range(kernel)}
    result = range(before, max(touched) + 1 - after + extra)
    keywords = {"stride": stride, "dilation": dilation, "output_padding": extra,
                "padding": [(before, after)]}  # fmt: skip
    if not result:
        with pytest.raises(ValueError, match="the result would have"):
            transpose_output_shape((1, 1, size), (1, 1, kernel), **keywords)
        return
    found = transpose_output_shape((1, 1, size), (1, 1, kernel), **keywords)
    assert found == (1, 1, len(result))


@unhurried
@given(st.integers(1, 40), st.integers(1, 6), st.integers(1, 5), st.integers(0, 3),
       st.integers(1, 3))  # fmt: skip
def test_transposing_inverts(size, kernel, stride, padding, dilation):
    """Some output_padding below the stride leads back to where the convolution came from."""
    words = {"stride": stride, "padding": padding, "dilation": dilation}
    assume(size + 2 * padding >= span(kernel, dilation))
    (middle,) = output_shape((1, size), (1, 1, kernel), **words)[1:]
    extra = (size + 2 * padding - span(kernel, dilation)) % stride
    back = transpose_output_shape((1, middle), (1, 1, kernel), output_padding=extra, **words)
    assert back == (1, size)


@unhurried
@given(st.data())
def test_against_torch(data):
    torch = pytest.importorskip("torch")
    rank = data.draw(st.integers(1, 3))
    per_axis = [data.draw(st.tuples(*[bounds] * rank)) for bounds in (
        st.integers(1, 12), st.integers(1, 4), st.integers(1, 3), st.integers(0, 3),
        st.integers(1, 3), st.integers(0, 2))]  # fmt: skip
    sizes, kernels, stride, padding, dilation, extra = per_axis
    groups, c, k = data.draw(st.tuples(*[st.integers(1, 3)] * 3))
    words = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    x = torch.empty(2, c * groups, *sizes, device="meta")
    w = torch.empty(k * groups, c, *kernels, device="meta")
    try:
        wanted = getattr(torch, f"conv{rank}d")(x, w, **words).shape
    except RuntimeError:
        with pytest.raises(ValueError, match="larger than the padded input"):
            output_shape(x.shape, w.shape, **words)
    else:
        assert output_shape(x.shape, w.shape, **words) == tuple(wanted)

    assume(all(e < max(s, d) for e, s, d in zip(extra, stride, dilation, strict=True)))
    w = torch.empty(c * groups, k, *kernels, device="meta")
    words["output_padding"] = extra
    try:
        wanted = getattr(torch, f"conv_transpose{rank}d")(x, w, **words).shape
    except RuntimeError:
        wanted = (0,)
    if 0 in wanted:
        with pytest.raises(ValueError, match="the result would have"):
            transpose_output_shape(x.shape, w.shape, **words)
    else:
        assert transpose_output_shape(x.shape, w.shape, **words) == tuple(wanted)


@pytest.mark.parametrize("transposed", [False, True])
def test_params_are_those_of_torch_modules(transposed):
    torch = pytest.importorskip("torch")
    kind = torch.nn.ConvTranspose2d if transposed else torch.nn.Conv2d
    for bias, groups in itertools.product((False, True), (1, 2, 4)):
        module = kind(8, 12, (3, 5), groups=groups, bias=bias)
        cost = conv_cost((1, 8, 9, 9), module.weight.shape, groups=groups, bias=bias,
                         transposed=transposed)  # fmt: skip
        assert cost.params == sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize("transposed", [False, True])
def test_flops_are_those_of_torch(transposed):
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    x, w = torch.zeros(2, 8, 9, 10), torch.zeros(8, 8, 3, 3)
    call = torch.conv_transpose2d if transposed else torch.conv2d
    with FlopCounterMode(display=False) as counter:
        call(x, w, stride=2, padding=1)
    cost = conv_cost(x.shape, w.shape, stride=2, padding=1, transposed=transposed)
    assert cost.flops == counter.get_total_flops()


def test_resnet50_conv1():
    cost = conv_cost((1, 3, 224, 224), (64, 3, 7, 7), stride=2, padding=3, bias=False)
    x_bytes, w_bytes, out_bytes = 3 * 224 * 224 * 4, 9408 * 4, 64 * 112 * 112 * 4
    intensity = 236_027_904 / (x_bytes + w_bytes + out_bytes)
    assert cost == (9408, 118_013_952, 236_027_904, x_bytes, w_bytes, out_bytes,
                    147 * 12544 * 4, intensity)  # fmt: skip
    assert round(cost.flops / 1e9, 3) == 0.236
    assert ConvCost._fields == ("params", "macs", "flops", "input_bytes", "weight_bytes",
                                "output_bytes", "im2col_bytes", "arithmetic_intensity")  # fmt: skip
    assert [type(n) for n in cost] == [int] * 7 + [float]


def test_vgg16_totals():
    costs, channels = [], 3
    for block, (filters, layers) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))):
        for _ in range(layers):
            x_shape = (1, channels, 224 >> block, 224 >> block)
            costs.append(conv_cost(x_shape, (filters, channels, 3, 3), padding=1))
            channels = filters
    assert sum(c.params for c in costs) == 14_714_688
    assert sum(c.macs for c in costs) == 15_346_630_656


@pytest.mark.parametrize(
    ("weight_shape", "groups", "params"),
    [
        ((96, 3, 11, 11), 1, 34_944),  # AlexNet conv1: 96 (3 * 121 + 1)
        ((256, 48, 5, 5), 2, 307_456),  # AlexNet conv2, two groups
        ((512, 512, 3, 3), 1, 2_359_808),  # VGG conv5_3
        ((32, 1, 3, 3), 32, 320),  # depthwise
    ],
)
def test_params(weight_shape, groups, params):
    x_shape = (1, weight_shape[1] * groups, 32, 32)
    for bias, wanted in ((True, params), (False, params - weight_shape[0])):
        assert conv_cost(x_shape, weight_shape, groups=groups, bias=bias).params == wanted


@pytest.mark.parametrize(("filters", "taps"), [(64, 3), (128, 5), (10, 7)])
def test_separable_ratio(filters, taps):
    shape, pad = (2, 16, 20, 20), taps // 2
    full = conv_cost(shape, (filters, 16, taps, taps), padding=pad).macs
    depthwise = conv_cost(shape, (16, 1, taps, taps), padding=pad, groups=16).macs
    pointwise = conv_cost(shape, (filters, 16, 1, 1)).macs
    assert (depthwise + pointwise) / full == pytest.approx(1 / filters + 1 / taps**2)


def test_cost_of_a_batch_and_of_one_image():
    keywords = {"padding": 1, "stride": 2, "dilation": 2, "layout": "channels_last"}
    one = conv_cost((9, 11, 4), (6, 4, 3, 3), **keywords)
    three = conv_cost((3, 9, 11, 4), (6, 4, 3, 3), **keywords)
    assert one == conv_cost((1, 9, 11, 4), (6, 4, 3, 3), **keywords)
    for name in ("macs", "flops", "input_bytes", "output_bytes", "im2col_bytes"):
        assert getattr(three, name) == 3 * getattr(one, name)
    assert (three.params, three.weight_bytes) == (one.params, one.weight_bytes)
    assert one.macs == 6 * 4 * 9 * 4 * 5  # 9 + 2 - 5 and 11 + 2 - 5, halved and floored, plus 1


def test_cost_of_a_transposed_layer():
    cost = conv_cost((2, 6, 5), (6, 4, 3), stride=2, groups=3, output_padding=1, transposed=True)
    assert cost.params == 6 * 4 * 3 + 12
    assert cost.macs == 2 * 5 * 6 * 4 * 3
    assert cost.output_bytes == 2 * 12 * (4 * 2 + 3 + 1) * 4
    assert cost.im2col_bytes == 2 * (12 * 3) * 5 * 4
    # the input gradient of a convolution costs what the convolution costs
    forward = conv_cost((2, 12, 12), (6, 4, 3), stride=2, groups=3)
    assert cost.macs == forward.macs
    assert cost.input_bytes == forward.output_bytes
    assert cost.im2col_bytes == forward.im2col_bytes


@pytest.mark.parametrize(
    ("dtype", "itemsize"),
    [("float16", 2), ("float64", 8), (np.int8, 1), (np.dtype(">f4"), 4), (complex, 16), (None, 4)],
)
def test_bytes_follow_the_dtype(dtype, itemsize):
    cost = conv_cost((1, 2, 9), (4, 2, 3), dtype=dtype)
    assert cost.input_bytes == 18 * itemsize
    assert cost.weight_bytes == cost.params * itemsize == 28 * itemsize
    assert cost.output_bytes == 28 * itemsize
    assert cost.im2col_bytes == 2 * 3 * 7 * itemsize
    assert cost.arithmetic_intensity == cost.flops / ((18 + 28 + 28) * itemsize)


def test_bfloat16_has_two_bytes():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    assert conv_cost((1, 2, 9), (4, 2, 3), dtype=ml_dtypes.bfloat16).input_bytes == 36


def test_cost_of_nothing():
    assert conv_cost((0, 2, 9), (4, 2, 3)).arithmetic_intensity == 0
    assert conv_cost((0, 2, 9), (0, 2, 3)) == ConvCost(0, 0, 0, 0, 0, 0, 0, 0.0)


# -- receptive_field ---------------------------------------------------------------------------

VGG16 = [layer for n in (2, 2, 3, 3, 3) for layer in [(3, 1, 1)] * n + [(2, 2)]]
ALEXNET = [(11, 4), (3, 2), (5, 1, 2), (3, 2), *[(3, 1, 1)] * 3, (3, 2)]


def resnet50(last_unit_strides):
    """The 3x3 path of ResNet-50: strides in the last unit (TF-slim) or the first (torchvision)."""
    layers = [(7, 2, 3), (3, 2, 0 if last_unit_strides else 1)]
    for block, units in enumerate((3, 4, 6, 3)):
        strides = [1] * units
        if last_unit_strides and block < 3:
            strides[-1] = 2
        elif not last_unit_strides and block > 0:
            strides[0] = 2
        layers += [layer for s in strides for layer in ((1,), (3, s, 1), (1,))]
    return layers


@pytest.mark.parametrize(
    ("layers", "size", "jump", "start"),
    [
        ([(3, 1)], 3, 1, 1.5),
        ([(3, 1, 1)], 3, 1, 0.5),
        ([(1,)], 1, 1, 0.5),
        ([(3, 2, 1)] * 2, 7, 4, 0.5),  # Dang Ha The Hien's figure
        ([(11, 4)], 11, 4, 5.5),
        (ALEXNET, 195, 32, 33.5),  # Araujo et al.: 195, stride 32, padding 64: 97.5 - 64
        (VGG16[:-1], 196, 16, 8.0),  # conv5_3
        (VGG16, 212, 32, 16.0),  # pool5; padding 90: 106 - 90
        (resnet50(True), 483, 32, 2.5),  # padding 239: 241.5 - 239
        (resnet50(False), 427, 32, 0.5),
        ([(3, 1, "same", 2**i) for i in range(10)], 2047, 1, 0.5),
        ([(2, 1, "causal", 2**i) for i in range(10)], 1024, 1, -511.0),  # WaveNet's block
        ([(2, 1, "full")], 2, 1, 0.0),
        ([(4, 1, "same")], 4, 1, 1.0),
        ([(4, 1, "same_lower")], 4, 1, 0.0),
        ([(3, 1, "valid"), (3, 1, -1)], 5, 1, 3.5),
    ],
)
def test_receptive_field_by_hand(layers, size, jump, start):
    assert receptive_field(layers) == ReceptiveField((size,), (jump,), (start,))


@unhurried
@given(st.lists(
    st.tuples(st.integers(1, 4), st.integers(1, 3), PADDINGS, st.integers(1, 3)),
    min_size=1, max_size=4,
))  # fmt: skip
def test_receptive_field_by_tracing(layers):
    """Follow outputs 0 and 1 back to the input samples (and padding) that they see."""
    seen = [{0}, {1}]
    for kernel, stride, padding, dilation in reversed(layers):
        before = padding[0] if isinstance(padding, tuple) else padding
        seen = [{o * stride - before + t * dilation for o in outputs for t in range(kernel)}
                for outputs in seen]  # fmt: skip
    first, second = seen
    stack = [(k, s, [p] if isinstance(p, tuple) else p, d) for k, s, p, d in layers]
    found = receptive_field(stack)
    assert found.size == (max(first) - min(first) + 1,)
    assert found.jump == (min(second) - min(first),)
    assert found.start == ((max(first) + min(first) + 1) / 2,)


def test_receptive_field_forms_agree():
    wanted = receptive_field([(3, 2, 1, 2), (5, 1, 0, 1)])
    words = {"kernel": 3, "stride": 2, "padding": 1, "dilation": 2}
    assert wanted == receptive_field([words, {"kernel": 5}])
    assert wanted == receptive_field(iter([[3, 2, 1, 2], [np.int64(5)]]))
    two = receptive_field([{"kernel": 3, "stride": 2, "padding": 1, "dilation": (2, 2)}, (5,)])
    assert two == ReceptiveField(*(field * 2 for field in wanted))
    pairs = receptive_field([(3, 2, [(1, 9)], np.array([2])), (range(5, 6),)])
    assert pairs == wanted


def test_receptive_field_axes_are_independent():
    found = receptive_field([{"kernel": (3, 5, 1), "stride": (1, 2, 1),
                              "padding": ((1, 0), (0, 2), (0, 0)), "dilation": (2, 1, 7)},
                             {"kernel": 3, "padding": 1}])  # fmt: skip
    assert found == ReceptiveField((7, 9, 3), (1, 2, 1), (1.5, 2.5, 0.5))
    assert all(type(n) is int for n in found.size + found.jump)
    assert all(type(n) is float for n in found.start)


@pytest.mark.parametrize("function", [output_shape, transpose_output_shape, conv_cost])
@pytest.mark.parametrize(
    ("input_shape", "weight_shape", "error", "message"),
    [
        (5, (1, 1, 3), TypeError, "input_shape must be a sequence of integers, found 5"),
        ("abc", (1, 1, 3), TypeError, "input_shape must be a sequence"),
        ((1, 1, 2.5), (1, 1, 3), TypeError, r"input_shape\[2\] must be an integer, found 2.5"),
        ((1, 1, -4), (1, 1, 3), ValueError, r"input_shape\[2\] must be at least 0, found -4"),
        ((1, 1, 4), None, TypeError, "weight_shape must be a sequence of integers, found None"),
        ((1, 1, 4), (1, 1, "3"), TypeError, r"weight_shape\[2\] must be an integer"),
        ((1, 1, 4), (1, -1, 3), ValueError, r"weight_shape\[1\] must be at least 0"),
        ((1, 4), (1, 3), ValueError, r"weight_shape must have at least 3 axes.*\(1, 3\)"),
        ((1, 1, 2**70), (1, 1, 3), ValueError, r"input_shape\[2\]=\d+ is too large"),
        ((4,), (1, 1, 3), ValueError, r"x must have 3 axes, or 2 .*\(4,\)"),
        ((1, 1, 4), (1, 1, 0), ValueError, "at least one tap along spatial axis 0"),
    ],
)
def test_errors_of_shapes(function, input_shape, weight_shape, error, message):
    with pytest.raises(error, match=message):
        function(input_shape, weight_shape)


@pytest.mark.parametrize("function", [output_shape, transpose_output_shape, conv_cost])
@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"stride": 0}, ValueError, "stride must be at least 1, found 0"),
        ({"stride": (1, 1)}, ValueError, "stride must be an integer or 1 of them"),
        ({"dilation": 0}, ValueError, "dilation must be at least 1"),
        ({"padding": 0.5}, TypeError, "padding must be an integer"),
        ({"padding": "most"}, ValueError, "padding='most' is unknown"),
        ({"groups": 2}, ValueError, "groups=2 does not divide the 1 channels"),
        ({"groups": 0}, ValueError, "groups must be at least 1"),
        ({"layout": "NCHW"}, ValueError, "layout='NCHW' is unknown"),
        ({"activation": "tan"}, ValueError, "activation='tan' is unknown"),
        ({"backend": "gpu"}, ValueError, "backend='gpu' is unknown"),
        ({"dtype": "f3"}, TypeError, "dtype='f3' is not a NumPy dtype"),
        ({"casting": "any"}, ValueError, "casting='any' is unknown"),
    ],
)
def test_errors_of_keywords(function, keywords, error, message):
    with pytest.raises(error, match=message):
        function((1, 1, 4), (1, 1, 3), **keywords)


@pytest.mark.parametrize("function", [output_shape, conv_cost])
def test_errors_of_convolution(function):
    with pytest.raises(ValueError, match=r"w has 2 channels a group.*wanted 4"):
        function((1, 4, 9), (1, 2, 3))
    with pytest.raises(ValueError, match="groups=2 does not divide the 3 filters"):
        function((1, 4, 9), (3, 2, 3), groups=2)
    with pytest.raises(ValueError, match=r"w spans 9 samples \(kernel 5, dilation 2\)"):
        function((1, 1, 8), (1, 1, 5), dilation=2)
    with pytest.raises(ValueError, match="padding_mode='mirror' is unknown"):
        function((1, 1, 9), (1, 1, 3), padding_mode="mirror")
    with pytest.raises(ValueError, match="causal"):
        function((1, 1, 9, 9), (1, 1, 3, 3), padding="causal")


def test_errors_of_transposed_convolution():
    with pytest.raises(ValueError, match="w has 3 input channels"):
        transpose_output_shape((1, 4, 9), (3, 4, 3))
    with pytest.raises(ValueError, match="output_padding must be smaller than stride or dilation"):
        transpose_output_shape((1, 4, 9), (4, 4, 3), stride=2, output_padding=2)
    with pytest.raises(ValueError, match="the result would have 0 samples"):
        transpose_output_shape((1, 4, 2), (4, 4, 2), padding=[(1, 2)])
    with pytest.raises(ValueError, match="padding='full' is unknown"):
        transpose_output_shape((1, 4, 9), (4, 4, 3), padding="full")
    with pytest.raises(TypeError, match="padding_mode"):
        transpose_output_shape((1, 4, 9), (4, 4, 3), padding_mode="zeros")
    with pytest.raises(ValueError, match="padding_mode='reflect' is unknown"):
        conv_cost((1, 4, 9), (4, 4, 3), padding_mode="reflect", transposed=True)


def test_errors_of_conv_cost():
    with pytest.raises(ValueError, match="output_padding=1 needs transposed=True"):
        conv_cost((1, 4, 9), (4, 4, 3), output_padding=1)
    with pytest.raises(TypeError, match="bias must be True or False"):
        conv_cost((1, 4, 9), (4, 4, 3), bias=np.zeros(4))
    with pytest.raises(TypeError, match="dtype object is not supported"):
        conv_cost((1, 4, 9), (4, 4, 3), dtype=object)
    assert conv_cost((1, 4, 9), (4, 4, 3), output_padding=(0,)).macs == 4 * 4 * 3 * 7


@pytest.mark.parametrize(
    ("layers", "error", "message"),
    [
        ([], ValueError, "layers must have at least one layer"),
        (3, TypeError, "layers must be a sequence of dicts or tuples, found 3"),
        ({"kernel": 3}, TypeError, "layers must be a sequence of dicts or tuples"),
        ((3, 1, 1), TypeError, r"layers\[0\] must be a dict or a tuple .* found 3"),
        ([(3,), None], TypeError, r"layers\[1\] must be a dict or a tuple"),
        ([{"kernel": 3, "size": 3}], ValueError, r"layers\[0\] has the unknown key 'size'"),
        ([{"stride": 2}], ValueError, r"layers\[0\] must have the key 'kernel'"),
        ([(3,), ()], ValueError, r"layers\[1\] must be \(kernel, stride, padding, dilation\)"),
        ([(0,)], ValueError, r"layers\[0\]: kernel must be at least 1, found 0"),
        ([(3, 1, 0, 0)], ValueError, r"layers\[0\]: dilation must be at least 1"),
        ([(3.0,)], TypeError, r"layers\[0\]: kernel must be an integer, found 3.0"),
        ([("3",)], TypeError, r"layers\[0\]: kernel must be an integer or 1 of them"),
        ([(3, 1, 0.5)], TypeError, r"layers\[0\]: padding must be an integer"),
        ([(3, 1, "most")], ValueError, r"layers\[0\]: padding='most' is unknown"),
        ([(3, 1, [(1, 2, 3)])], ValueError, r"layers\[0\]: padding of an axis must be one"),
        ([(3, 2, "same")], ValueError, r"layers\[0\]: padding='same' .* depends on the size"),
        ([((3, 3), 1, "causal")], ValueError, "causal"),
        ([((),)], ValueError, r"layers\[0\]: kernel must have at least one axis"),
        ([(3,), ((3, 3),), (3, (1, 1, 1))], ValueError,
         r"layers\[2\]: stride=\(1, 1, 1\) has 3 axes, but layers\[1\]: kernel has 2"),
    ],
)  # fmt: skip
def test_errors_of_receptive_field(layers, error, message):
    with pytest.raises(error, match=message):
        receptive_field(layers)


@pytest.mark.parametrize("layout", _args.LAYOUTS)
@pytest.mark.parametrize("batched", [False, True])
def test_shape_is_that_of_the_result(layout, batched):
    last = layout == "channels_last"
    shape = (*(2,) * batched, *((9, 8, 4) if last else (4, 9, 8)))
    words = {"stride": (2, 1), "padding": ((1, 0), (2, 1)), "groups": 2, "layout": layout}
    x, w = np.ones(shape, "f4"), np.ones((6, 2, 3, 2), "f4")
    result = fastconv.conv2d(x, w, **words)
    assert output_shape(x.shape, w.shape, **words) == result.shape
    cost = conv_cost(x.shape, w.shape, **words)
    assert (cost.input_bytes, cost.output_bytes) == (x.nbytes, result.nbytes)
    w = np.ones((4, 3, 3, 2), "f4")
    words["output_padding"] = (1, 0)
    result = fastconv.conv_transpose2d(x, w, **words)
    assert transpose_output_shape(x.shape, w.shape, **words) == result.shape


def test_nothing_is_planned(monkeypatch):
    monkeypatch.delattr(_run._select, "choose")
    assert output_shape((1, 1, 9), (1, 1, 3)) == (1, 1, 7)
    assert conv_cost((1, 1, 9), (1, 1, 3), bias=None).params == 3
