"""Against others: SciPy always; PyTorch and the ONNX reference evaluator where they are installed.

Samples are small whole numbers wherever the other side can be exact too, and then every bit is compared.
Hypothesis draws the problems, the same ones each time.
"""

import itertools
import math
import warnings
from functools import partial

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

import fastconv

pytestmark = pytest.mark.filterwarnings("error")
assert_equal = np.testing.assert_array_equal
COMMON = settings(derandomize=True, deadline=None, database=None,
                  suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much,
                                         HealthCheck.function_scoped_fixture])  # fmt: skip
drawn = partial(settings, COMMON)
SEEDS = st.integers(0, 2**32 - 1)
BOUNDARIES = {"fill": "constant", "wrap": "wrap", "symm": "reflect", "reflect": "mirror",
              "nearest": "nearest"}  # fmt: skip
INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
DTYPES = (*INTEGERS, "float32", "float64", "complex64", "complex128")


def samples(seed, shape, dtype="float64"):
    """Small whole numbers: sums of their products are exact in every dtype but the narrow integers."""
    rng, dtype = np.random.default_rng([seed, *shape]), np.dtype(dtype)
    values = rng.integers(0 if dtype.kind in "bu" else -4, 5, shape)
    if dtype.kind == "c":
        values = values + 1j * rng.integers(-4, 5, shape)
    return values.astype(dtype)


def equal(found, wanted):
    assert found.shape == wanted.shape
    assert_equal(found, wanted)


def shapes(least=1, most=9, ranks=(1, 3)):
    return st.lists(st.integers(least, most), min_size=ranks[0], max_size=ranks[1])


# -- SciPy ----------------------------------------------------------------------------------------


@st.composite
def two_shapes(draw, ranks=(1, 3), inside=False):
    """(shape of a, shape of v); ``inside``: v fits into a along every axis."""
    a = draw(shapes(ranks=ranks))
    return a, [draw(st.integers(1, n if inside else 9)) for n in a]


def fits(mode, a, v):
    return mode != "valid" or all(map(int.__ge__, a, v)) or all(map(int.__le__, a, v))


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("name", ["convolve", "correlate"])
@drawn(max_examples=80)
@given(two_shapes(), st.sampled_from(DTYPES), st.sampled_from(DTYPES), SEEDS)
def test_scipy_signal(name, mode, both, one, other, seed):
    assume(fits(mode, *both))
    wanted = np.result_type(one, other)
    a, v = samples(seed, both[0], one), samples(seed + 1, both[1], other)
    theirs = getattr(scipy.signal, name)(a.astype(wanted), v.astype(wanted), mode, method="direct")
    y = getattr(fastconv, name)(a, v, mode)
    assert y.dtype == wanted
    equal(y, theirs.astype(wanted))
    out = np.empty(theirs.shape, wanted)
    equal(getattr(fastconv, name)(a, v, mode, out=out, backend="direct"), y)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@drawn(max_examples=40)
@given(two_shapes((2, 3)), st.data(), SEEDS)
def test_scipy_fftconvolve_axes(mode, both, data, seed):
    a, v = both
    axes = data.draw(st.lists(st.integers(0, len(a) - 1), min_size=1, unique=True))
    for i in set(range(len(a))) - set(axes):
        v[i] = data.draw(st.sampled_from([a[i], 1]))
    assume(fits(mode, [a[i] for i in axes], [v[i] for i in axes]))
    a, v = samples(seed, a), samples(seed + 1, v)
    theirs = scipy.signal.fftconvolve(a, v, mode, axes=axes)
    equal(fastconv.convolve(a, v, mode, axes=axes), np.rint(theirs))
    equal(fastconv.convolve(a, v, mode, axes=[i - a.ndim for i in axes]), np.rint(theirs))


@pytest.mark.parametrize("boundary", ["fill", "wrap", "symm"])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("name", ["convolve", "correlate"])
@drawn(max_examples=40)
@given(two_shapes((2, 2)), st.integers(-3, 3), st.sampled_from(DTYPES), SEEDS)
def test_scipy_signal_2d(name, mode, boundary, both, fillvalue, dtype, seed):
    assume(fits(mode, *both))
    if name == "correlate":  # correlate2d differs from SciPy's own correlate in two cases
        assume(mode != "same" or all(n % 2 for n in both[1]))
        assume(np.dtype(dtype).kind != "c" or all(map(int.__ge__, *both)))
    if boundary != "fill":
        fillvalue = 0
    elif np.dtype(dtype).kind == "u":
        fillvalue = abs(fillvalue)
    a, v = samples(seed, both[0], dtype), samples(seed + 1, both[1], dtype)
    theirs = getattr(scipy.signal, f"{name}2d")(a, v, mode, boundary, fillvalue)
    y = getattr(fastconv, name)(a, v, mode, boundary=boundary, fillvalue=fillvalue)
    assert y.dtype == theirs.dtype == np.dtype(dtype)
    equal(y, theirs)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@drawn(max_examples=50)
@given(two_shapes(), st.sampled_from(["float64", "float32", "complex128", "int16", "int64"]), SEEDS)
@example(([5], [9]), "float64", 0)
@example(([1, 4], [4, 6]), "float64", 1)
def test_scipy_ndimage(boundary, both, dtype, seed):
    a, v = samples(seed, both[0], dtype), samples(seed + 1, both[1], dtype)
    fillvalue = seed % 5 if boundary == "fill" else 0
    theirs = scipy.ndimage.correlate(a.astype("D"), v.astype("D"), mode=BOUNDARIES[boundary],
                                     cval=fillvalue)  # fmt: skip
    y = fastconv.correlate(a, v, "same", boundary=boundary, fillvalue=fillvalue)
    assert y.dtype == a.dtype
    equal(y, theirs)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@drawn(max_examples=40)
@given(shapes(ranks=(1, 3)), st.integers(1, 9), st.data(), SEEDS)
def test_scipy_ndimage_one_axis(boundary, shape, taps, data, seed):
    axis = data.draw(st.integers(0, len(shape) - 1))
    a, v = samples(seed, shape), samples(seed + 1, (taps,))
    theirs = scipy.ndimage.correlate1d(a, v, axis, mode=BOUNDARIES[boundary])
    v = v.reshape([-1 if i == axis else 1 for i in range(a.ndim)])
    equal(fastconv.correlate(a, v, "same", axes=axis, boundary=boundary), theirs)


@drawn(max_examples=40)
@given(shapes(ranks=(1, 3)), st.integers(1, 5), st.sampled_from(["float64", "float32", "int32"]), SEEDS)
def test_scipy_maximum_filter(shape, window, dtype, seed):
    a = samples(seed, shape, dtype)
    theirs = scipy.ndimage.maximum_filter(a, window, mode="constant", cval=-100)
    pool = getattr(fastconv, f"max_pool{a.ndim}d")
    y = pool(a[None], window, stride=1, padding=((window // 2, (window - 1) // 2),) * a.ndim)
    equal(y[0], theirs)


# -- layers, drawn for PyTorch and ONNX -----------------------------------------------------------


@st.composite
def layers(draw, ranks=(1, 3), most=8, padding=3):
    """Shapes and keywords of a convolution or pooling layer, one value per axis."""
    rank = draw(st.integers(*ranks))
    each = lambda low, high: tuple(draw(st.integers(low, high)) for _ in range(rank))  # noqa: E731
    return {
        "rank": rank, "n": draw(st.integers(1, 2)), "groups": draw(st.integers(1, 3)),
        "c": draw(st.integers(1, 3)), "k": draw(st.integers(1, 3)), "sizes": each(1, most),
        "kernel": each(1, 4), "stride": each(1, 3), "padding": each(0, padding),
        "dilation": each(1, 3), "bias": draw(st.booleans()), "seed": draw(SEEDS),
    }  # fmt: skip


def extents(layer):
    return [(k - 1) * d + 1 for k, d in zip(layer["kernel"], layer["dilation"], strict=True)]


def operands(layer, transposed=False, dtype="float64"):
    """(x, w, bias or None)."""
    groups, c, k, seed = (layer[n] for n in ("groups", "c", "k", "seed"))
    w = (groups * c, k) if transposed else (groups * k, c)
    x = samples(seed, (layer["n"], groups * c, *layer["sizes"]), dtype)
    bias = samples(seed + 2, (groups * k,), dtype) if layer["bias"] else None
    return x, samples(seed + 1, (*w, *layer["kernel"]), dtype), bias


def some(layer, *names):
    return {n: layer[n] for n in names}


def agree(mine, theirs, refusals):
    """Equal results; or the other side refuses (one of these errors) and so does this one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # theirs
            wanted = theirs()
    except refusals:
        with pytest.raises(ValueError):
            mine()
        return
    wanted = np.asarray(wanted)
    if 0 in wanted.shape[2:]:
        return  # some of their checks let results without samples through
    equal(mine(), wanted)


# -- PyTorch --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


def tensors(torch, *arrays):
    return [None if a is None else torch.from_numpy(a) for a in arrays]


@drawn(max_examples=120)
@given(layers())
def test_torch_conv(torch, layer):
    x, w, bias = operands(layer)
    words = some(layer, "stride", "padding", "dilation", "groups")
    functional = getattr(torch.nn.functional, f"conv{layer['rank']}d")
    agree(lambda: getattr(fastconv, f"conv{layer['rank']}d")(x, w, bias, **words),
          lambda: functional(*tensors(torch, x, w, bias), **words), RuntimeError)  # fmt: skip
    last = np.moveaxis(x, 1, -1)
    agree(lambda: np.moveaxis(fastconv.conv(last, w, bias, **words, layout="channels_last"), -1, 1),
          lambda: functional(*tensors(torch, x, w, bias), **words), RuntimeError)  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "complex64", "float16", "int32"])
@drawn(max_examples=30)
@given(layers())
def test_torch_conv_dtypes(torch, dtype, layer):
    assume(all(map(int.__ge__, map(sum, zip(layer["sizes"], layer["padding"], strict=True)),
                   extents(layer))))  # fmt: skip
    x, w, bias = operands(layer, dtype=dtype)
    words = some(layer, "stride", "padding", "dilation", "groups")
    y = fastconv.conv(x, w, bias, **words)
    assert y.dtype == np.dtype(dtype)
    wide = [None if a is None else a.astype("D" if dtype == "complex64" else "d") for a in (x, w, bias)]
    functional = getattr(torch.nn.functional, f"conv{layer['rank']}d")
    equal(y, functional(*tensors(torch, *wide), **words).numpy().astype(dtype))


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@drawn(max_examples=40)
@given(layers())
def test_torch_padding_modes(torch, mode, layer):
    if mode == "circular":  # PyTorch wraps around once at most
        assume(all(map(int.__le__, layer["padding"], layer["sizes"])))
    if mode == "reflect":
        assume(all(map(int.__lt__, layer["padding"], layer["sizes"])))
    x, w, bias = operands(layer)
    words = some(layer, "stride", "padding", "dilation", "groups")
    groups, channels = layer["groups"], layer["groups"] * layer["c"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = getattr(torch.nn, f"Conv{layer['rank']}d")(
            channels, groups * layer["k"], layer["kernel"], bias=bias is not None, padding_mode=mode,
            dtype=torch.float64, **words)  # fmt: skip
    module.weight.data = torch.from_numpy(w)
    if bias is not None:
        module.bias.data = torch.from_numpy(bias)
    agree(lambda: fastconv.conv(x, w, bias, **words, padding_mode=mode),
          lambda: module(torch.from_numpy(x)).detach().numpy(), RuntimeError)  # fmt: skip


@drawn(max_examples=40)
@given(layers())
def test_torch_named_padding(torch, layer):
    x, w, bias = operands(layer)
    words = some(layer, "dilation", "groups")
    functional = getattr(torch.nn.functional, f"conv{layer['rank']}d")
    for padding in ("same", "valid"):  # "same" only with stride 1 there
        agree(lambda p=padding: fastconv.conv(x, w, bias, **words, padding=p),
              lambda p=padding: functional(*tensors(torch, x, w, bias), **words, padding=p),
              RuntimeError)  # fmt: skip


@drawn(max_examples=120)
@given(layers(), st.data())
def test_torch_conv_transpose(torch, layer, data):
    x, w, bias = operands(layer, transposed=True)
    extra = tuple(data.draw(st.integers(0, max(s, d) - 1))
                  for s, d in zip(layer["stride"], layer["dilation"], strict=True))  # fmt: skip
    words = {**some(layer, "stride", "padding", "dilation", "groups"), "output_padding": extra}
    functional = getattr(torch.nn.functional, f"conv_transpose{layer['rank']}d")
    mine = getattr(fastconv, f"conv_transpose{layer['rank']}d")
    agree(lambda: mine(x, w, bias, **words),
          lambda: functional(*tensors(torch, x, w, bias), **words), RuntimeError)  # fmt: skip


@drawn(max_examples=200)
@given(layers(padding=4), st.booleans(), st.sampled_from(["float64", "float32"]))
def test_torch_max_pool(torch, layer, ceil_mode, dtype):
    # of a dilated window PyTorch counts the taps, ONNX and fastconv the samples that it spans
    assume(all(p <= k // 2 or p > e // 2 for p, k, e in
               zip(layer["padding"], layer["kernel"], extents(layer), strict=True)))  # fmt: skip
    x, _, _ = operands(layer, dtype=dtype)
    words = {**some(layer, "stride", "padding", "dilation"), "ceil_mode": ceil_mode}
    functional = getattr(torch.nn.functional, f"max_pool{layer['rank']}d")
    mine = getattr(fastconv, f"max_pool{layer['rank']}d")
    agree(lambda: mine(x, layer["kernel"], **words),
          lambda: functional(torch.from_numpy(x), layer["kernel"], **words), RuntimeError)  # fmt: skip
    if layer["seed"] % 3 == 0:
        x.flat[x.size // 2] = np.nan
        x.flat[0] = -np.inf
        agree(lambda: mine(x, layer["kernel"], **words),
              lambda: functional(torch.from_numpy(x), layer["kernel"], **words), RuntimeError)  # fmt: skip


@drawn(max_examples=200)
@given(layers(padding=4), st.booleans(), st.booleans(), st.sampled_from([None, 1, 3, -2]))
def test_torch_avg_pool(torch, layer, ceil_mode, count_include_pad, divisor):
    if layer["rank"] == 3:  # its 3-D check forgets the padding
        assume(all(map(int.__ge__, layer["sizes"], layer["kernel"])))
    x, _, _ = operands(layer)
    words = {**some(layer, "stride", "padding"), "ceil_mode": ceil_mode,
             "count_include_pad": count_include_pad}  # fmt: skip
    if layer["rank"] > 1:
        words["divisor_override"] = divisor
    functional = getattr(torch.nn.functional, f"avg_pool{layer['rank']}d")
    mine = getattr(fastconv, f"avg_pool{layer['rank']}d")
    agree(lambda: mine(x, layer["kernel"], **words),
          lambda: functional(torch.from_numpy(x), layer["kernel"], **words), RuntimeError)  # fmt: skip


def test_torch_pool_defaults_and_windows_larger_than_the_input(torch):
    for size, kernel, stride, padding in itertools.product(range(1, 6), range(1, 7), (None, 2, 3),
                                                           range(3)):  # fmt: skip
        x = samples(size, (1, 2, size))
        for name, ceil_mode in itertools.product(("max_pool1d", "avg_pool1d"), (False, True)):
            words = {"stride": stride, "padding": padding, "ceil_mode": ceil_mode}
            mine, theirs = getattr(fastconv, name), getattr(torch.nn.functional, name)
            agree(partial(mine, x, kernel, **words), partial(theirs, torch.from_numpy(x), kernel, **words),
                  RuntimeError)  # fmt: skip


@pytest.mark.parametrize("name", ["relu", "relu6", "leaky_relu", "silu", "gelu", "sigmoid", "tanh"])
@pytest.mark.parametrize(("dtype", "eps"), [("float32", 1e-6), ("float64", 1e-14)])
def test_torch_activations(torch, name, dtype, eps):
    x = np.linspace(-20, 20, 4001).astype(dtype)[None, None]
    functional = getattr(torch.nn.functional, name, None) or getattr(torch, name)
    y = fastconv.conv1d(x, np.ones((1, 1, 1), dtype), activation=name)
    wanted = functional(torch.from_numpy(x.astype("d"))).numpy()
    np.testing.assert_allclose(y, wanted, rtol=4 * eps, atol=eps)


# -- ONNX -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def onnx():
    """Runs one operator of the ONNX reference: ``onnx(name, inputs, outputs=1, **attributes)``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        helper = pytest.importorskip("onnx").helper
        evaluator = pytest.importorskip("onnx.reference").ReferenceEvaluator

    def run(operator, inputs, outputs=1, **attributes):
        names = [f"i{i}" if a is not None else "" for i, a in enumerate(inputs)]
        node = helper.make_node(operator, names, [f"o{i}" for i in range(outputs)], **attributes)
        feeds = {n: a for n, a in zip(names, inputs, strict=True) if n}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = evaluator(node).run(None, feeds)
        return found[0] if outputs == 1 else found

    return run


def pads(pairs):
    """ONNX order: all befores, then all afters."""
    return [b for b, _ in pairs] + [a for _, a in pairs]


@st.composite
def padded(draw, ranks=(1, 3), most=7, padding=2):
    """A layer with a (before, after) pair per axis that its kernel fits into."""
    layer = draw(layers(ranks, most))
    layer["pairs"] = tuple((draw(st.integers(0, padding)), draw(st.integers(0, padding)))
                           for _ in layer["sizes"])  # fmt: skip
    whole = [n + sum(p) for n, p in zip(layer["sizes"], layer["pairs"], strict=True)]
    assume(all(map(int.__ge__, whole, extents(layer))))
    return layer


def windows(layer):
    return {"kernel_shape": layer["kernel"], "strides": layer["stride"], "dilations": layer["dilation"]}


@drawn(max_examples=50)
@given(padded())
def test_onnx_conv(onnx, layer):
    x, w, bias = operands(layer)
    wanted = onnx("Conv", (x, w, bias), group=layer["groups"], pads=pads(layer["pairs"]), **windows(layer))
    words = some(layer, "stride", "dilation", "groups")
    equal(fastconv.conv(x, w, bias, padding=layer["pairs"], **words), wanted)
    for theirs, mine in (("SAME_UPPER", "same"), ("SAME_LOWER", "same_lower"), ("VALID", "valid")):
        if mine == "valid" and any(map(int.__lt__, layer["sizes"], extents(layer))):
            continue
        wanted = onnx("Conv", (x, w, bias), group=layer["groups"], auto_pad=theirs, **windows(layer))
        equal(fastconv.conv(x, w, bias, padding=mine, **words), wanted)


@drawn(max_examples=50)
@given(padded(most=5), st.data())
def test_onnx_conv_transpose(onnx, layer, data):
    """The reference's groups are wrong where a group has not one filter: one group."""
    layer["groups"] = 1
    x, w, bias = operands(layer, transposed=True)
    extra = [data.draw(st.integers(0, s - 1)) for s in layer["stride"]]  # its col2im allows no more
    words = some(layer, "stride", "dilation")
    mine = getattr(fastconv, f"conv_transpose{layer['rank']}d")
    outs = [(n - 1) * s - sum(p) + e + more for n, s, p, e, more in
            zip(layer["sizes"], layer["stride"], layer["pairs"], extents(layer), extra, strict=True)]  # fmt: skip
    if min(outs) > 0:
        wanted = onnx("ConvTranspose", (x, w, bias), group=1, pads=pads(layer["pairs"]),
                      output_padding=extra, **windows(layer))  # fmt: skip
        equal(mine(x, w, bias, padding=layer["pairs"], output_padding=tuple(extra), **words), wanted)
    if all(map(int.__ge__, extents(layer), layer["stride"])):
        for theirs, name in (("SAME_UPPER", "same"), ("SAME_LOWER", "same_lower")):
            wanted = onnx("ConvTranspose", (x, w, bias), group=1, auto_pad=theirs, **windows(layer))
            equal(mine(x, w, bias, padding=name, **words), wanted)


@drawn(max_examples=50)
@given(padded(padding=1), st.booleans())
def test_onnx_max_pool(onnx, layer, ceil_mode):
    # the reference has two implementations; that for strides and dilations of 1 only knows two axes
    assume({*layer["stride"], *layer["dilation"]} != {1})
    pairs = layer["pairs"]
    whole = [n + sum(p) for n, p in zip(layer["sizes"], pairs, strict=True)]
    assume(all(map(int.__ge__, whole, extents(layer))))
    assume(all(max(p) <= e // 2 for p, e in zip(pairs, extents(layer), strict=True)))
    x, _, _ = operands(layer)
    mine = getattr(fastconv, f"max_pool{layer['rank']}d")
    words = some(layer, "stride", "dilation")
    wanted = onnx("MaxPool", (x,), pads=pads(pairs), ceil_mode=int(ceil_mode), **windows(layer))
    results = [(mine(x, layer["kernel"], padding=pairs, ceil_mode=ceil_mode, **words), wanted)]
    if all(map(int.__ge__, extents(layer), layer["stride"])):
        wanted = onnx("MaxPool", (x,), auto_pad="SAME_UPPER", **windows(layer))
        results.append((mine(x, layer["kernel"], padding="same", **words), wanted))
    for y, theirs in results:
        empty = np.isneginf(y)  # a window of padding only is 0 or NaN there
        assert not np.nan_to_num(theirs[empty]).any()
        equal(np.where(empty, 0, y), np.where(empty, 0, theirs))


@drawn(max_examples=50)
@given(padded(padding=1), st.booleans())
def test_onnx_average_pool(onnx, layer, count_include_pad):
    assume(all(max(p) <= e // 2 for p, e in zip(layer["pairs"], extents(layer), strict=True)))
    x, _, _ = operands(layer)
    mine = getattr(fastconv, f"avg_pool{layer['rank']}d")
    words = some(layer, "stride", "dilation")
    wanted = onnx("AveragePool", (x,), pads=pads(layer["pairs"]), count_include_pad=int(count_include_pad),
                  **windows(layer))  # fmt: skip
    y = mine(x, layer["kernel"], padding=layer["pairs"], count_include_pad=count_include_pad, **words)
    assert y.shape == wanted.shape
    # a window that holds padding only is 0 / 0 there and 0 here, as in PyTorch
    np.testing.assert_allclose(y, np.where(np.isnan(wanted), 0, wanted), rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@drawn(max_examples=25)
@given(padded((2, 2), most=5), st.booleans(), st.data())
def test_onnx_deform_conv(onnx, dtype, layer, masked, data):
    sizes = layer["sizes"] = tuple(max(2, n) for n in layer["sizes"])  # the reference divides by n - 1
    layer["kernel"] = tuple(min(k, 3) for k in layer["kernel"])
    outs = [(n + sum(p) - e) // s + 1 for n, p, e, s in
            zip(sizes, layer["pairs"], extents(layer), layer["stride"], strict=True)]  # fmt: skip
    channels, taps = layer["groups"] * layer["c"], math.prod(layer["kernel"])
    groups = data.draw(st.sampled_from([g for g in range(1, channels + 1) if channels % g == 0]))
    x, w, bias = operands(layer, dtype=dtype)
    rng = np.random.default_rng(layer["seed"])
    quarters = rng.integers(-12, 13, (layer["n"], groups * taps * 2, *outs)) / 4
    offset = quarters.astype(dtype)
    mask = rng.integers(0, 5, (layer["n"], groups * taps, *outs)).astype(dtype) if masked else None
    wanted = onnx("DeformConv", (x, w, offset, bias, mask), group=layer["groups"], offset_group=groups,
                  pads=pads(layer["pairs"]), **windows(layer))  # fmt: skip
    y = fastconv.deform_conv2d(x, offset, w, bias, mask=mask, padding=layer["pairs"], offset_groups=groups,
                               **some(layer, "stride", "dilation", "groups"))  # fmt: skip
    assert y.dtype == np.dtype(dtype)
    scale = 64 * taps * layer["c"]  # its coordinates are normalised and rounded to float32
    np.testing.assert_allclose(y, wanted, rtol=1e-6, atol=1e-6 * scale)


@drawn(max_examples=40)
@given(layers((1, 1)), st.booleans(), st.sampled_from([None, "silu"]))
def test_onnx_causal_conv_with_state(onnx, layer, stateful, activation):
    defs = pytest.importorskip("onnx.defs")
    if not defs.has("CausalConvWithState"):
        pytest.skip("this onnx has no CausalConvWithState")
    (taps,), channels = layer["kernel"], layer["groups"] * layer["c"]
    x = samples(layer["seed"], (layer["n"], channels, *layer["sizes"]), "float32")
    w = samples(layer["seed"] + 1, (channels, 1, taps), "float32")
    bias = samples(layer["seed"] + 2, (channels,), "float32") if layer["bias"] else None
    state = samples(layer["seed"] + 3, (layer["n"], channels, taps - 1), "float32") if stateful else None
    wanted, last = onnx("CausalConvWithState", (x, w, bias, state), 2, activation=activation or "none")
    y, new_state = fastconv.causal_conv1d(x, w, bias, state=state, activation=activation)
    assert y.shape == wanted.shape
    np.testing.assert_allclose(y, wanted, rtol=1e-6, atol=0 if activation is None else 1e-6)
    equal(new_state, last)
