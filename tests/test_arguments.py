"""What every function takes: array-likes, memory of any kind, out, dtype, casting, padding, layouts."""

import array
import itertools
import math

import numpy as np
import pytest

import fastconv

pytestmark = pytest.mark.filterwarnings("error", "ignore:the matrix subclass")
assert_equal = np.testing.assert_array_equal


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def draw(rng, shape, dtype="float64"):
    """Small integers of any dtype: every sum is exact, so results are compared bit for bit."""
    dtype = np.dtype(dtype)
    low = 0 if dtype.kind in "bu" else -3
    values = rng.integers(low, 4, shape)
    if dtype.kind == "c":
        values = values + 1j * rng.integers(-3, 4, shape)
    return values.astype(dtype)


# name -> shapes of the operands, keywords; every operand is an array
CASES = {
    "convolve": ({"a": (9, 8), "v": (3, 2)}, {}),
    "correlate": ({"a": (9, 8), "v": (3, 2)}, {"mode": "same", "boundary": "symm"}),
    "conv1d": ({"x": (2, 4, 19), "w": (6, 2, 3), "bias": (6,)}, {"groups": 2, "padding": 1}),
    "conv2d": ({"x": (2, 3, 9, 10), "w": (5, 3, 3, 2), "bias": (5,)}, {"stride": (1, 2)}),
    "conv3d": ({"x": (2, 2, 5, 6, 7), "w": (3, 2, 2, 3, 2)}, {"dilation": (1, 2, 1)}),
    "depthwise_conv2d": ({"x": (2, 3, 7, 8), "w": (6, 1, 3, 3), "bias": (6,)}, {"padding": "same"}),
    "separable_conv1d": (
        {"x": (2, 3, 9), "w_depthwise": (6, 1, 3), "w_pointwise": (4, 6), "bias": (4,)}, {}),
    "pointwise_conv": ({"x": (2, 4, 7, 5), "w": (3, 4), "bias": (3,)}, {}),
    "conv_transpose2d": ({"x": (2, 4, 5, 6), "w": (4, 3, 3, 2), "bias": (3,)}, {"stride": 2}),
    "resize_conv2d": ({"x": (2, 2, 4, 5), "w": (3, 2, 3, 3)}, {"scale": 2, "padding": 1}),
    "deform_conv2d": (
        {"x": (2, 2, 6, 6), "offset": (2, 8, 5, 5), "w": (3, 2, 2, 2), "mask": (2, 4, 5, 5)}, {}),
    "max_pool2d": ({"x": (2, 3, 8, 9)}, {"kernel_size": 2}),
    "avg_pool2d": ({"x": (2, 3, 8, 9)}, {"kernel_size": 2}),
}  # fmt: skip
NAMES = tuple(CASES)


def operands_of(rng, name, dtype="float64"):
    return {n: draw(rng, s, dtype) for n, s in CASES[name][0].items()}


def call(name, operands, **changes):
    return getattr(fastconv, name)(**operands, **{**CASES[name][1], **changes})


# -- memory of every kind -------------------------------------------------------------------------


def strided(a):
    big = np.full([2 * n + 1 for n in a.shape], 77).astype(a.dtype)
    view = big[tuple(slice(1, None, 2) for _ in a.shape)]
    view[...] = a
    return view


def negative(a):
    return np.ascontiguousarray(a[(slice(None, None, -1),) * a.ndim])[
        (slice(None, None, -1),) * a.ndim
    ]


def misaligned(a):
    raw = np.zeros(a.nbytes + 1, np.uint8)
    view = raw[1:].view(a.dtype).reshape(a.shape)
    view[...] = a
    return view


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


KINDS = {
    "fortran": np.asfortranarray,
    "strided": strided,
    "negative": negative,
    "byte-swapped": lambda a: a.astype(a.dtype.newbyteorder()),
    "misaligned": misaligned,
    "read-only": read_only,
    "swapped, strided": lambda a: strided(a.astype(a.dtype.newbyteorder())),
    "nested lists": lambda a: a.tolist(),
    "tuples": lambda a: tuple(a.tolist()),
    "list of arrays": list,
}


@pytest.mark.parametrize("dtype", ["float32", "int16", "complex64"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_operands_in_memory_of_every_kind(rng, name, kind, dtype):
    if dtype == "complex64" and ("max_pool" in name or "deform" in name):
        pytest.skip("no complex numbers there")
    plain = operands_of(rng, name, dtype)
    wanted = call(name, plain)
    before = {n: a.copy() for n, a in plain.items()}
    for operand in plain:
        given = {**plain, operand: KINDS[kind](plain[operand])}
        result = call(name, given, dtype=wanted.dtype, casting="unsafe")
        assert_equal(result, wanted)
        assert result.dtype == wanted.dtype
        assert_equal(np.asarray(given[operand]), before[operand])
    everything = {n: KINDS[kind](a) for n, a in plain.items()}
    assert_equal(call(name, everything, dtype=wanted.dtype, casting="unsafe"), wanted)


@pytest.mark.parametrize("name", NAMES)
def test_memory_mapped_files_and_matrices(rng, name, tmp_path):
    plain = operands_of(rng, name)
    wanted = call(name, plain)
    mapped = {}
    for n, a in plain.items():
        np.save(tmp_path / f"{n}.npy", a)
        mapped[n] = np.load(tmp_path / f"{n}.npy", mmap_mode="r")
        assert type(mapped[n]) is np.memmap
    result = call(name, mapped)
    assert type(result) is np.ndarray
    assert_equal(result, wanted)
    out = np.memmap(tmp_path / "out", wanted.dtype, "w+", shape=wanted.shape)
    assert call(name, mapped, out=out) is out
    assert_equal(out, wanted)


def test_matrices_are_read_as_arrays(rng):
    a, v = draw(rng, (5, 6)), draw(rng, (3, 2))
    wanted = fastconv.convolve(a, v)
    result = fastconv.convolve(np.matrix(a), np.matrix(v))
    assert type(result) is np.ndarray
    assert_equal(result, wanted)
    out = np.asmatrix(np.zeros(wanted.shape))
    assert fastconv.convolve(a, v, out=out) is out
    assert_equal(np.asarray(out), wanted)
    x = draw(rng, (2, 9))
    wanted = fastconv.max_pool1d(x, 2)
    assert_equal(fastconv.max_pool1d(np.matrix(x), 2), wanted)
    out = np.asmatrix(np.zeros(wanted.shape))
    assert fastconv.max_pool1d(x, 2, out=out) is out
    assert_equal(np.asarray(out), wanted)


def test_array_likes():
    wanted = fastconv.convolve(np.array([1, 2, 3]), np.array([4, 5]))
    for a in ([1, 2, 3], (1, 2, 3), range(1, 4), array.array("q", [1, 2, 3]),
              memoryview(array.array("q", [1, 2, 3])), [np.int64(1), 2, np.array(3)]):  # fmt: skip
        result = fastconv.convolve(a, [4, 5])
        assert_equal(result, wanted)
        assert result.dtype == np.int64
    assert_equal(fastconv.convolve(memoryview(b"\1\2\3"), [1]), [1, 2, 3])
    for a, v in ((3, 4), (np.float32(3), 4.0), (np.array(3), np.array(4))):
        result = fastconv.convolve(a, v)
        assert (np.shape(result), result) == ((), 12)
        assert result.dtype == np.result_type(np.asarray(a), np.asarray(v))


def test_scalars_overflow_silently_like_arrays():
    assert fastconv.convolve(np.float64(1e300), np.float64(1e300)) == np.inf
    assert_equal(fastconv.convolve([1e300], [1e300]), [np.inf])
    assert fastconv.convolve(np.int8(100), np.int8(100)) == np.int8(16)


class Foreign:
    """Another library's array."""

    def __init__(self, values):
        self.values = np.asarray(values)

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("turned into a NumPy array")


class ForeignUfunc(Foreign):
    def __array_ufunc__(self, *args, **keywords):
        raise NotImplementedError


class ForeignFunction(Foreign):
    def __array_function__(self, *args, **keywords):
        raise NotImplementedError


class Opaque(Foreign):
    __array_ufunc__ = None


class Quantity(np.ndarray):
    __array_ufunc__ = ForeignUfunc.__array_ufunc__


class Subclass(np.ndarray):
    """Nothing of its own."""


@pytest.mark.parametrize("name", NAMES)
def test_arrays_of_other_libraries_are_refused(rng, name):
    plain = operands_of(rng, name)
    for operand, a in plain.items():
        others = [cls(a) for cls in (ForeignUfunc, ForeignFunction, Opaque)]
        for other in (*others, a.view(Quantity)):
            with pytest.raises(TypeError, match=rf"\b{operand}\b.*{type(other).__name__}"):
                call(name, {**plain, operand: other})
        for other in (np.ma.array(a), np.ma.array(a, mask=True)):
            with pytest.raises(TypeError, match=rf"\b{operand}\b.*masked"):
                call(name, {**plain, operand: other})
    result = call(name, {n: a.view(Subclass) for n, a in plain.items()})
    assert type(result) is np.ndarray


@pytest.mark.parametrize("name", NAMES)
def test_torch_tensors_are_read_without_a_copy(rng, name):
    torch = pytest.importorskip("torch")
    from fastconv._dispatch import as_array

    plain = operands_of(rng, name, "float32")
    wanted = call(name, plain)
    tensors = {n: torch.from_numpy(a.copy()) for n, a in plain.items()}
    for n, t in tensors.items():
        assert np.shares_memory(as_array(t, n), t.numpy())
    result = call(name, tensors)
    assert type(result) is np.ndarray
    assert_equal(result, wanted)
    first = next(iter(plain))
    turned = tensors[first].transpose(0, 1).contiguous().transpose(0, 1)
    assert_equal(call(name, {**tensors, first: turned}), wanted)
    with pytest.raises(TypeError, match=first):
        call(name, {**tensors, first: tensors[first].clone().requires_grad_()})


# -- out, dtype, casting --------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["plain", "fortran", "strided", "negative", "misaligned", "swapped",
                                  "float64", "complex"])  # fmt: skip
def test_out_of_every_kind(rng, name, kind):
    plain = operands_of(rng, name, "float32")
    wanted, whole = call(name, plain), None
    empty = np.zeros(wanted.shape, wanted.dtype)
    if kind == "strided":
        out = strided(empty)
        whole = out.base
    elif kind == "swapped":
        out = empty.astype(empty.dtype.newbyteorder())
    elif kind in ("float64", "complex"):
        out = empty.astype(kind)
    else:
        out = {"plain": np.array, **KINDS}[kind](empty)
    assert call(name, plain, out=out) is out
    assert_equal(out, wanted)
    if whole is not None:
        around = np.ones(whole.shape, bool)
        around[tuple(slice(1, None, 2) for _ in whole.shape)] = False
        assert (whole[around] == 77).all()


@pytest.mark.parametrize("name", NAMES)
def test_out_may_be_another_dtype_if_casting_allows(rng, name):
    plain = operands_of(rng, name, "float32")
    wanted = call(name, plain)
    half = np.zeros(wanted.shape, np.float16)
    assert call(name, plain, out=half) is half
    assert_equal(half, wanted.astype(np.float16))
    integers = np.zeros(wanted.shape, np.int32)
    with pytest.raises(TypeError, match="out"):
        call(name, plain, out=integers)
    assert not integers.any()
    call(name, plain, out=integers, casting="unsafe")
    assert_equal(integers, wanted.astype(np.int32))


@pytest.mark.parametrize("shift", [0, 1, 3])
@pytest.mark.parametrize("layout", ["channels_first", "channels_last"])
@pytest.mark.parametrize("name", ["conv2d", "depthwise_conv2d", "conv_transpose2d", "pointwise_conv",
                                  "max_pool2d", "avg_pool2d", "separable_conv2d", "deform_conv2d",
                                  "resize_conv2d"])  # fmt: skip
def test_out_may_overlap_x(rng, name, layout, shift):
    shape = (2, 9, 9, 4) if layout == "channels_last" else (2, 4, 9, 9)
    memory = np.zeros(2 * 4 * 81 + 8)
    x = memory[: math.prod(shape)].reshape(shape)
    x[...] = draw(rng, shape)
    out = memory[shift : shift + x.size].reshape(shape)
    w = draw(rng, (4, 4, 3, 3))
    arguments = {
        "conv2d": ((w,), {"padding": 1}),
        "depthwise_conv2d": ((w[:, :1],), {"padding": 1}),
        "conv_transpose2d": ((w,), {"padding": 1}),
        "pointwise_conv": ((w[..., 0, 0],), {}),
        "max_pool2d": ((3,), {"padding": 1, "stride": 1}),
        "avg_pool2d": ((3,), {"padding": 1, "stride": 1}),
        "separable_conv2d": ((w[:, :1], w[..., 0, 0]), {"padding": 1}),
        "deform_conv2d": ((draw(rng, (2, 18, 9, 9)), w), {"padding": 1}),
        "resize_conv2d": ((w,), {"padding": 1, "scale": 1}),
    }[name]
    function = getattr(fastconv, name)
    wanted = function(x.copy(), *arguments[0], **arguments[1], layout=layout)
    assert function(x, *arguments[0], **arguments[1], layout=layout, out=out) is out
    assert_equal(out, wanted)


def test_out_may_overlap_weights_and_bias(rng):
    x, w, bias = draw(rng, (1, 3, 8)), draw(rng, (3, 3, 8)), draw(rng, (8,))
    wanted = fastconv.conv1d(x, w, padding="same")
    out = w[:1]
    assert fastconv.conv1d(x, w, padding="same", out=out) is out
    assert_equal(out, wanted)
    w = draw(rng, (8, 3, 8))
    wanted = fastconv.conv1d(x, w, bias)
    assert fastconv.conv1d(x, w, bias, out=bias.reshape(1, 8, 1)).shape == (1, 8, 1)
    assert_equal(bias.reshape(1, 8, 1), wanted)


@pytest.mark.parametrize("name", ["convolve", "correlate"])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("shift", [0, 1, 5])
def test_signal_out_may_overlap(rng, name, mode, shift):
    function = getattr(fastconv, name)
    for n, m in ((20, 3), (3, 20), (400, 90)):
        memory = draw(rng, 2 * (n + m) + 10)
        a, v = memory[:n], memory[n : n + m]
        wanted = function(a.copy(), v.copy(), mode)
        out = memory[shift : shift + len(wanted)]
        assert function(a, v, mode, out=out) is out
        assert_equal(out, wanted)


DTYPES = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16",
          "float32", "float64", "longdouble", "complex64", "complex128", "clongdouble")  # fmt: skip


@pytest.mark.parametrize("one", DTYPES)
def test_result_dtype_is_that_of_numpy(rng, one):
    for other in DTYPES:
        wanted = np.result_type(one, other)
        a, v = draw(rng, 9, one), draw(rng, 3, other)
        y = fastconv.convolve(a, v)
        assert y.dtype == wanted
        exact = np.convolve(a.astype(wanted), v.astype(wanted))
        assert_equal(y, exact)
        y = fastconv.conv1d(a[None, None], v[None, None], flip=True)
        assert y.dtype == wanted
        assert_equal(y[0, 0], exact[2:-2])


def test_bfloat16(rng):
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    for name in NAMES:
        operands = operands_of(rng, name, "float32")
        narrow = {n: a.astype(bfloat16) for n, a in operands.items()}
        y = call(name, narrow)
        assert y.dtype == bfloat16
        assert_equal(y, call(name, operands).astype(bfloat16))


CASTINGS = ("no", "equiv", "safe", "same_kind", "unsafe")


@pytest.mark.parametrize("casting", CASTINGS)
@pytest.mark.parametrize("name", NAMES)
def test_casting_is_that_of_numpy(rng, name, casting):
    plain = operands_of(rng, name, "float32")
    for dtype in ("float16", "float32", ">f4", "float64", "complex64", "int32"):
        if dtype == "int32" and name in ("deform_conv2d", "avg_pool2d"):
            continue
        if dtype == "complex64" and name == "max_pool2d":
            continue
        native = np.dtype(dtype).newbyteorder("=")
        if np.can_cast(np.float32, native, casting):
            y = call(name, plain, dtype=dtype, casting=casting)
            assert y.dtype == native
            converted = {n: a.astype(native) if n not in ("offset", "mask") else a
                         for n, a in plain.items()}  # fmt: skip
            assert_equal(y, call(name, converted))
        else:
            with pytest.raises(TypeError, match=f"casting='{casting}'"):
                call(name, plain, dtype=dtype, casting=casting)


# -- padding --------------------------------------------------------------------------------------


def same_by_formula(size, kernel, stride, dilation, lower):
    """(before, after) for ceil(size / stride) outputs."""
    outputs = math.ceil(size / stride)
    total = max(0, (outputs - 1) * stride + (kernel - 1) * dilation + 1 - size)
    pair = (total // 2, total - total // 2)
    return pair[::-1] if lower else pair


@pytest.mark.parametrize(("size", "kernel", "stride", "dilation"),
                         [*itertools.product((7, 8, 9), (1, 2, 3, 4, 5), (1, 2, 3, 4), (1, 2))])  # fmt: skip
def test_same_padding_by_the_formula(rng, size, kernel, stride, dilation):
    x, w = draw(rng, (1, 2, size)), draw(rng, (3, 2, kernel))
    for name in ("same", "same_lower"):
        y = fastconv.conv1d(x, w, padding=name, stride=stride, dilation=dilation)
        pair = same_by_formula(size, kernel, stride, dilation, name == "same_lower")
        assert y.shape[-1] == math.ceil(size / stride)
        padded = np.pad(x, ((0, 0), (0, 0), pair))
        assert_equal(y, fastconv.conv1d(padded, w, stride=stride, dilation=dilation)[..., : y.shape[-1]])


@pytest.mark.parametrize("padding", [0, 1, 3, (1, 2), ((0, 1), (2, 0)), ((3, 3), (4, 1)), [2, [0, 1]],
                                     np.array([1, 2]), np.int8(2), "valid", "full", "same"], ids=repr)  # fmt: skip
@pytest.mark.parametrize("stride", [1, 2])
def test_every_padding_form_is_np_pad(rng, padding, stride):
    x, w = draw(rng, (2, 2, 6, 7)), draw(rng, (3, 2, 3, 2))
    if isinstance(padding, str):
        sizes, kernels = x.shape[2:], w.shape[2:]
        pairs = {"valid": [(0, 0)] * 2, "full": [(k - 1, k - 1) for k in kernels],
                 "same": [same_by_formula(n, k, stride, 1, False)
                          for n, k in zip(sizes, kernels, strict=True)]}[padding]  # fmt: skip
    else:
        each = list(padding) if hasattr(padding, "__len__") else [padding] * 2
        pairs = [tuple(p) if hasattr(p, "__len__") else (p, p) for p in each]
    wanted = fastconv.conv2d(np.pad(x, [(0, 0), (0, 0), *pairs]), w, stride=stride)
    assert_equal(fastconv.conv2d(x, w, padding=padding, stride=stride), wanted)


@pytest.mark.parametrize("pairs", [((-1, -1), (-2, 0)), ((2, -1), (-3, 4)), ((-2, 3), (0, -1))])
@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_negative_padding_crops(rng, pairs, mode):
    x, w = draw(rng, (1, 2, 8, 9)), draw(rng, (3, 2, 2, 3))
    grown = np.pad(x, [(0, 0), (0, 0), *((max(0, b), max(0, a)) for b, a in pairs)],
                   {"zeros": "constant", "circular": "wrap", "replicate": "edge"}.get(mode, mode))  # fmt: skip
    cut = [slice(max(0, -b), min(a, 0) or None) for b, a in pairs]
    wanted = fastconv.conv2d(grown[(..., *cut)], w)
    assert_equal(fastconv.conv2d(x, w, padding=pairs, padding_mode=mode), wanted)


def test_causal_padding(rng):
    x, w = draw(rng, (2, 3, 11)), draw(rng, (4, 3, 3))
    wanted = fastconv.conv1d(np.pad(x, ((0, 0), (0, 0), (4, 0))), w, dilation=2)
    assert_equal(fastconv.conv1d(x, w, dilation=2, padding="causal"), wanted)


@pytest.mark.parametrize("backend", ["auto", "direct", "im2col", "reference"])
@pytest.mark.parametrize(("mode", "numpy_mode"), [("reflect", "reflect"), ("replicate", "edge"),
                                                  ("circular", "wrap"), ("zeros", "constant")])  # fmt: skip
@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_padding_modes_are_those_of_np_pad(rng, backend, mode, numpy_mode, size):
    x, w = draw(rng, (2, 2, size, 5)), draw(rng, (3, 2, 3, 2))
    for pairs in (((1, 1), (0, 2)), ((3, 0), (7, 1)), ((9, 11), (12, 4))):
        padded = np.pad(x, ((0, 0), (0, 0), *pairs), numpy_mode)
        for keywords in ({}, {"stride": 2}, {"flip": True}):
            wanted = fastconv.conv2d(padded, w, backend="reference", **keywords)
            y = fastconv.conv2d(x, w, padding=pairs, padding_mode=mode, backend=backend, **keywords)
            assert_equal(y, wanted)


def test_transposed_named_padding(rng):
    for size, kernel, stride in itertools.product((4, 5), (1, 2, 3, 4), (1, 2, 3)):
        x, w = draw(rng, (1, 2, size)), draw(rng, (2, 3, kernel))
        whole = fastconv.conv_transpose1d(x, w, stride=stride, padding="valid")
        assert_equal(whole, fastconv.conv_transpose1d(x, w, stride=stride))
        total = max(0, kernel - stride)
        for name, before in (("same", total // 2), ("same_lower", total - total // 2)):
            y = fastconv.conv_transpose1d(x, w, stride=stride, padding=name)
            grown = np.pad(whole, ((0, 0), (0, 0), (0, stride)))
            assert_equal(y, grown[..., before : before + size * stride])


# -- layouts, batches -----------------------------------------------------------------------------

LAYERS = NAMES[2:]
WITH_CAUSAL = (*LAYERS, "causal_conv1d")
CASES["causal_conv1d"] = ({"x": (2, 3, 9), "w": (3, 1, 4), "state": (2, 3, 3), "bias": (3,)}, {})
BATCHED = ("x", "offset", "mask", "state")


@pytest.mark.parametrize("name", LAYERS)
def test_layouts_agree(rng, name):
    plain = operands_of(rng, name)
    wanted = call(name, plain)
    last = {**plain, "x": np.moveaxis(plain["x"], 1, -1)}
    for given in (last, {**last, "x": last["x"].copy()}):
        y = call(name, given, layout="channels_last")
        assert_equal(np.moveaxis(y, -1, 1), wanted)
        one = {n: a[0] if n in BATCHED else a for n, a in given.items()}
        if name != "pointwise_conv":
            assert_equal(call(name, one, layout="channels_last"), y[0])
    out = np.zeros_like(y)
    assert call(name, last, layout="channels_last", out=out) is out
    assert_equal(out, y)


@pytest.mark.parametrize("name", WITH_CAUSAL)
def test_batches_one_by_one_and_empty(rng, name):
    plain = operands_of(rng, name)
    if name == "pointwise_conv":
        plain["w"] = plain["w"][..., None, None]
    wanted = call(name, plain)
    for i in range(2):
        y = call(name, {n: a[i] if n in BATCHED else a for n, a in plain.items()})
        for a, b in zip(y, wanted, strict=True) if name == "causal_conv1d" else [(y, wanted)]:
            assert_equal(a, b[i])
    y = call(name, {n: a[:0] if n in BATCHED else a for n, a in plain.items()})
    if name == "causal_conv1d":
        assert (y[0].shape, y[1].shape) == ((0, 3, 9), (0, 3, 3))
    else:
        assert y.shape == (0, *wanted.shape[1:])
        assert y.dtype == wanted.dtype


def test_no_filters_and_no_channels(rng):
    x = draw(rng, (2, 3, 9))
    assert fastconv.conv1d(x, np.ones((0, 3, 2))).shape == (2, 0, 8)
    y = fastconv.conv1d(x[:, :0], np.ones((4, 0, 2)), [1.0, 2.0, 3.0, 4.0])
    assert_equal(y, np.broadcast_to(np.arange(1.0, 5)[:, None], (2, 4, 8)))


def test_flip_is_convolution(rng):
    for rank in (1, 2, 3):
        x, w = draw(rng, (2, 3, *(6, 5, 7)[:rank])), draw(rng, (4, 3, *(3, 2, 3)[:rank]))
        turned = np.flip(w, tuple(range(2, rank + 2)))
        conv = getattr(fastconv, f"conv{rank}d")
        assert_equal(conv(x, w, flip=True), conv(x, turned))
        assert_equal(fastconv.conv(x, w, flip=True), conv(x, turned))
        transpose = getattr(fastconv, f"conv_transpose{rank}d")
        v, back = w.swapaxes(0, 1), turned.swapaxes(0, 1)
        assert_equal(transpose(x, v, stride=2, flip=True), transpose(x, back, stride=2))


def test_conv_takes_the_rank_from_w(rng):
    x, w = draw(rng, (2, 2, 4, 3, 5, 4)), draw(rng, (3, 2, 2, 3, 2, 2))
    y = fastconv.conv(x, w, padding=(0, 1, 0, 0), stride=(1, 1, 2, 1))
    padded = np.pad(x, [(0, 0)] * 3 + [(1, 1)] + [(0, 0)] * 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, w.shape[2:], (2, 3, 4, 5))
    windows = windows[:, :, :, :, ::2]
    assert_equal(y, np.einsum("ncpqrsabde,kcabde->nkpqrs", windows, w))


def test_composites_equal_their_parts(rng):
    x, first, second, bias = (draw(rng, s) for s in ((2, 3, 8, 9), (6, 1, 3, 2), (4, 6), (4,)))
    keywords = {"stride": (1, 2), "padding": ((1, 0), (2, 2)), "dilation": 2}
    y = fastconv.separable_conv2d(x, first, second, bias, **keywords, activation="relu")
    middle = fastconv.depthwise_conv2d(x, first, **keywords)
    assert_equal(y, fastconv.pointwise_conv(middle, second, bias, activation="relu"))
    w = draw(rng, (4, 3, 3, 3))
    for scale in (1, 2, (2, 3)):
        rows, cols = scale if isinstance(scale, tuple) else (scale, scale)
        large = np.repeat(np.repeat(x, rows, 2), cols, 3)
        for more in ({}, {"padding": "same"}, {"padding": 2, "padding_mode": "reflect", "stride": 2}):
            y = fastconv.resize_conv2d(x, w, bias, scale=scale, **more)
            assert_equal(y, fastconv.conv2d(large, w, bias, **more))


@pytest.mark.parametrize("blocks", [(9,), (1,) * 9, (4, 5), (2, 0, 3, 4), (0, 9), (3, 3, 3)])
@pytest.mark.parametrize("k", [1, 2, 4, 12])
def test_causal_block_by_block(rng, blocks, k):
    x, w, bias = draw(rng, (2, 3, 9)), draw(rng, (3, 1, k)), draw(rng, 3)
    wanted = fastconv.depthwise_conv1d(x, w, bias, padding="causal")
    whole, last = fastconv.causal_conv1d(x, w[:, 0], bias)
    assert_equal(whole, wanted)
    parts, state = [], None
    for block in np.split(x, np.cumsum(blocks)[:-1], axis=-1):
        y, state = fastconv.causal_conv1d(block, w, bias, state=state)
        parts.append(y)
    assert_equal(np.concatenate(parts, -1), wanted)
    assert_equal(state, last)
    assert_equal(state, np.concatenate([np.zeros((2, 3, k)), x], -1)[..., 9 + 1 :])
