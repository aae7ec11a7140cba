"""The oracle against SciPy, PyTorch, and loops written out here, none of which share its code."""

import itertools
import math
from functools import partial

import numpy as np
import pytest
from scipy import ndimage, signal

from fastconv import _reference as ref

assert_equal = np.testing.assert_array_equal
assert_close = partial(np.testing.assert_allclose, rtol=1e-12, atol=1e-12)

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

FLOATS = ("float32", "float64", "longdouble")
COMPLEX = ("complex64", "complex128", "clongdouble")
INTS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
DTYPES = ("bool", *INTS, *FLOATS, *COMPLEX)
NUMPY_MODES = {"reflect": "reflect", "symm": "symmetric", "replicate": "edge", "circular": "wrap"}
NDIMAGE_MODES = {
    "fill": "constant",
    "reflect": "mirror",
    "symm": "reflect",
    "replicate": "nearest",
    "circular": "wrap",
}


@pytest.fixture
def rng():
    return np.random.default_rng(20240607)


def draw(rng, shape, dtype="float64"):
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return rng.random(shape) < 0.3
    if dtype.kind in "iu":
        return rng.integers(0, 256, (*shape, dtype.itemsize), np.uint8).view(dtype)[..., 0]
    values = rng.standard_normal(shape)
    if dtype.kind == "c":
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(dtype)


def conv(x, w, stride=1, dilation=1, padding=0, **more):
    """`ref.conv` with ints for tuples."""
    nd = x.ndim - 3
    return ref.conv(x, w, **geometry(nd, stride, dilation, padding), **more)


def geometry(nd, stride=1, dilation=1, padding=0):
    def spread(value):
        return (value,) * nd if np.isscalar(value) else tuple(value)

    padding = tuple((p, p) if np.isscalar(p) else p for p in spread(padding))
    return {"stride": spread(stride), "dilation": spread(dilation), "padding": padding}


def conv_loops(x, w, *, stride, dilation, padding):
    """One product at a time, in Python objects."""
    extents, kernel = x.shape[3:], w.shape[3:]
    counts = [
        max(0, math.floor((n + b + a - ((k - 1) * d + 1)) / s) + 1)
        for n, k, s, d, (b, a) in zip(extents, kernel, stride, dilation, padding, strict=True)
    ]
    out = np.zeros((*x.shape[:2], w.shape[1], *counts), object)
    for n, g, k, *o in np.ndindex(*out.shape):
        for c, *t in np.ndindex(*w.shape[2:]):
            at = [
                i * s + j * d - b
                for i, j, s, d, (b, _) in zip(o, t, stride, dilation, padding, strict=True)
            ]
            if all(0 <= i < e for i, e in zip(at, extents, strict=True)):
                out[(n, g, k, *o)] += x[(n, g, c, *at)] * w[(g, k, c, *t)]
    return out


# -- indices --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", NUMPY_MODES)
@pytest.mark.parametrize("n", [1, 2, 3, 7])
@pytest.mark.parametrize(("before", "after"), [(0, 0), (1, 2), (9, 23), (40, 5)])
def test_resolve_index_is_np_pad(mode, n, before, after):
    expected = np.pad(np.arange(n), (before, after), mode=NUMPY_MODES[mode])
    index = ref.resolve_index(np.arange(-before, n + after), n, mode)
    assert_equal(index, expected)


@pytest.mark.parametrize("mode", ["zeros", "fill"])
def test_resolve_index_outside(mode):
    index = ref.resolve_index(np.arange(-3, 5), 2, mode)
    assert_equal(index, [-1, -1, -1, 0, 1, -1, -1, -1])


@pytest.mark.parametrize("mode", ref.MODES)
def test_resolve_index_of_nothing(mode):
    assert_equal(ref.resolve_index(np.arange(-2, 2), 0, mode), [-1] * 4)


def test_unknown_mode():
    with pytest.raises(ValueError, match="mode must be one of"):
        ref.resolve_index([0], 1, "wrap")


# -- conv -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("extents", "kernel", "stride", "dilation", "padding"),
    [
        ((7,), (3,), (2,), (2,), ((3, 1),)),
        ((5, 4), (3, 2), (2, 1), (1, 2), ((0, 3), (2, 1))),
        ((6, 5), (2, 3), (1, 2), (2, 1), ((-1, 2), (1, -2))),
        ((3, 2, 3), (2, 1, 3), (1, 2, 1), (1, 3, 1), ((1, 0), (2, 2), (0, 4))),
        ((), (), (), (), ()),
    ],
)
def test_conv_is_its_formula(rng, dtype, extents, kernel, stride, dilation, padding):
    x = draw(rng, (2, 2, 3, *extents), dtype)
    w = draw(rng, (2, 2, 3, *kernel), dtype)
    where = {"stride": stride, "dilation": dilation, "padding": padding}
    out = ref.conv(x, w, **where)
    assert out.dtype == x.dtype
    if x.dtype.kind in "iub":
        exact = conv_loops(x.astype(object), w.astype(object), **where)
        if x.dtype.kind == "b":
            expected = exact > 0
        else:
            bits = 8 * x.dtype.itemsize
            expected = (exact % 2**bits).astype(f"uint{bits}").view(x.dtype)
        assert_equal(out, expected)
    else:
        expected = conv_loops(x, w, **where).astype(dtype)
        np.testing.assert_allclose(out, expected, rtol=0, atol=100 * np.finfo(dtype).eps)


@pytest.mark.parametrize(
    ("shape", "kernel"), [((20,), (5,)), ((9, 8), (3, 4)), ((5, 6, 4), (2, 3, 2))]
)
@pytest.mark.parametrize("dtype", ["float64", "complex128", "longdouble"])
def test_scipy_signal(rng, shape, kernel, dtype):
    x, w = draw(rng, shape, dtype), draw(rng, kernel, dtype)
    full = tuple(k - 1 for k in kernel)
    x1, w1 = x[None, None, None], w[None, None, None]
    for mode, padding in (("valid", 0), ("full", full)):
        expected = signal.correlate(x, w.conj(), mode, method="direct")
        assert_close(conv(x1, w1, padding=padding)[0, 0, 0], expected)
        expected = signal.convolve(x, np.flip(w), mode, method="direct")
        assert_close(conv(x1, w1, padding=padding)[0, 0, 0], expected)


@pytest.mark.parametrize("mode", NDIMAGE_MODES)
@pytest.mark.parametrize(
    ("shape", "kernel"), [((6,), (5,)), ((3, 4), (5, 3)), ((2, 3, 1), (3, 3, 1))]
)
def test_scipy_ndimage(rng, mode, shape, kernel):
    x, w = draw(rng, shape), draw(rng, kernel)
    fill = 1.5 if mode == "fill" else 0
    half = tuple(k // 2 for k in kernel)
    out = conv(x[None, None, None], w[None, None, None], padding=half, mode=mode, fill=fill)
    expected = ndimage.correlate(x, w, mode=NDIMAGE_MODES[mode], cval=fill)
    assert_close(out[0, 0, 0], expected)


@pytest.mark.parametrize(
    ("mode", "boundary"), [("fill", "fill"), ("circular", "wrap"), ("symm",) * 2]
)
def test_scipy_convolve2d(rng, mode, boundary):
    x, w = draw(rng, (5, 7)), draw(rng, (4, 3))
    expected = signal.convolve2d(x, np.flip(w), "full", boundary, 0.75)
    out = conv(x[None, None, None], w[None, None, None], padding=(3, 2), mode=mode, fill=0.75)
    assert_close(out[0, 0, 0], expected)


@pytest.mark.parametrize("mode", ["zeros", "fill", *NUMPY_MODES])
@pytest.mark.parametrize("extents", [(4, 5), (1, 3), (2, 1)])
@pytest.mark.parametrize("padding", [((2, 1), (0, 3)), ((9, 4), (3, 13))])
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 2), (3, 2)])
def test_modes_are_np_pad(rng, mode, extents, padding, stride, dilation):
    x, w = draw(rng, (2, 2, 3, *extents)), draw(rng, (2, 2, 3, 2, 2))
    fill = -2.5 if mode == "fill" else 0
    more = {"constant_values": fill} if mode in ("zeros", "fill") else {}
    padded = np.pad(x, ((0, 0),) * 3 + padding, NUMPY_MODES.get(mode, "constant"), **more)
    out = conv(x, w, stride, dilation, padding, mode=mode, fill=fill)
    assert_close(out, conv(padded, w, stride, dilation))


@pytest.mark.parametrize("mode", ref.MODES)
def test_negative_padding_crops(rng, mode):
    x, w = draw(rng, (1, 1, 2, 8, 7)), draw(rng, (1, 3, 2, 2, 3))
    out = conv(x, w, padding=((-2, -1), (-1, 0)), mode=mode, fill=3.0)
    assert_equal(out, conv(x[..., 2:-1, 1:], w))


@pytest.mark.parametrize("mode", ref.MODES)
@pytest.mark.parametrize("upsample", [(1, 1), (2, 3)])
def test_upsample_comes_before_padding(rng, mode, upsample):
    x, w = draw(rng, (2, 1, 2, 3, 4)), draw(rng, (1, 2, 2, 3, 2))
    bigger = x.repeat(upsample[0], 3).repeat(upsample[1], 4)
    where = {"stride": (2, 1), "dilation": (1, 2), "padding": ((1, 2), (3, 0))}
    out = ref.conv(x, w, **where, mode=mode, fill=1, upsample=upsample)
    assert_equal(out, ref.conv(bigger, w, **where, mode=mode, fill=1))


@pytest.mark.parametrize(
    ("x_shape", "w_shape", "expected"),
    [
        ((0, 1, 2, 5), (1, 3, 2, 2), (0, 1, 3, 4)),
        ((2, 1, 0, 5), (1, 3, 0, 2), (2, 1, 3, 4)),
        ((2, 1, 2, 5), (1, 0, 2, 2), (2, 1, 0, 4)),
        ((2, 1, 2, 3), (1, 3, 2, 4), (2, 1, 3, 0)),
        ((2, 1, 2, 1), (1, 3, 2, 9), (2, 1, 3, 0)),
        ((2, 0, 2, 5), (0, 3, 2, 2), (2, 0, 3, 4)),
    ],
)
def test_empty(x_shape, w_shape, expected):
    assert_equal(conv(np.ones(x_shape), np.ones(w_shape)), np.zeros(expected), strict=True)


@pytest.mark.parametrize("mode", ["zeros", "fill"])
def test_padding_of_an_empty_axis(mode):
    out = conv(np.ones((1, 1, 1, 0)), np.ones((1, 1, 1, 2)), padding=2, mode=mode, fill=3)
    assert_equal(out[0, 0, 0], [0 if mode == "zeros" else 6] * 3)


@pytest.mark.parametrize("dtype", INTS)
def test_integers_wrap(dtype):
    top = np.iinfo(dtype).max
    out = conv(np.full((1, 1, 1, 3), top, dtype), np.full((1, 1, 1, 2), top, dtype))
    exact = 2 * top * top % 2 ** (8 * out.dtype.itemsize)
    assert out.dtype == dtype
    assert_equal(out.ravel(), [exact] * 2)


@pytest.mark.parametrize("dtype", FLOATS + COMPLEX)
@pytest.mark.parametrize(("mode", "fill"), [("zeros", 5), ("fill", 0), ("fill", 0.0)])
@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_padding_meets_no_weight(dtype, mode, fill, bad):
    x = np.ones((1, 1, 1, 3, 3), dtype)
    w = np.zeros((1, 1, 1, 3, 3), dtype)
    w[..., 0, 0] = bad
    out = conv(x, w, padding=1, mode=mode, fill=fill)[0, 0, 0]
    touched = np.zeros((3, 3), bool)
    touched[1:, 1:] = True
    assert_equal(np.isfinite(out), ~touched)
    assert not out[~touched].any()


@pytest.mark.parametrize("mode", ["reflect", "symm", "replicate", "circular"])
def test_other_modes_are_real_samples(mode):
    x = np.zeros((1, 1, 1, 4))
    w = np.array([[[[np.inf, 1.0]]]])
    assert np.isnan(conv(x, w, padding=((1, 0),), mode=mode)).all()


def test_a_fill_is_a_real_sample():
    x, w = np.ones((1, 1, 1, 2)), np.array([np.inf, 1.0]).reshape(1, 1, 1, 2)
    out = conv(x, w, padding=((2, 0),), mode="fill", fill=-1.0)
    assert_equal(out.ravel(), [-np.inf, -np.inf, np.inf])
    out = conv(x, np.ones_like(w), padding=((2, 0),), mode="fill", fill=np.nan)
    assert_equal(out.ravel(), [np.nan, np.nan, 2])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("dtype", FLOATS + COMPLEX)
def test_non_finite_samples_stay_in_their_windows(rng, bad, dtype):
    x, w = draw(rng, (2, 2, 2, 9, 8), dtype), draw(rng, (2, 3, 2, 3, 2), dtype)
    x[1, 0, 1, 4, 5] = bad
    where = {"stride": (2, 1), "dilation": (1, 3), "padding": ((1, 2), (0, 3))}
    out = ref.conv(x, w, **where)
    expected = np.zeros(out.shape, bool)
    for oh, ow, kh, kw in np.ndindex(*out.shape[3:], 3, 2):
        if oh * 2 + kh - 1 == 4 and ow + kw * 3 == 5:
            expected[1, 0, :, oh, ow] = True
    assert expected.any()
    assert_equal(~np.isfinite(out), expected)


@pytest.mark.parametrize("dtype", ["float32", "complex64", "float64", "complex128"])
def test_same_bits_for_any_batch_and_layout(rng, dtype):
    for _ in range(20):
        batch, groups, channels, filters = rng.integers(1, 5, 4)
        x = draw(rng, (batch, groups, 5 * channels, 6, 3), dtype)
        w = draw(rng, (groups, filters, 5 * channels, 3, 2), dtype)
        out = conv(x, w, 1, 1, 1)
        for n in range(batch):
            assert_equal(conv(x[n : n + 1], w, 1, 1, 1), out[n : n + 1])
        order = (4, 3, 1, 2, 0)
        turned = np.ascontiguousarray(x.transpose(order)).transpose(np.argsort(order))
        assert_equal(conv(turned, np.asfortranarray(w), 1, 1, 1), out)


def test_inputs_are_left_alone(rng):
    x, w = draw(rng, (2, 1, 2, 5)), draw(rng, (1, 2, 2, 3))
    for a in (x, w):
        a.setflags(write=False)
    for mode in ref.MODES:
        conv(x, w, 1, 1, 2, mode=mode, fill=1.0, upsample=(2,))
    pool = {"kernel": (2,), "stride": (1,), "padding": ((1, 0),), "output_shape": (5,)}
    ref.conv_transpose(x, w, **geometry(1), output_shape=(7,))
    ref.max_pool(x[0, 0], **pool, dilation=(1,))
    ref.avg_pool(x[0, 0], **pool, count_include_pad=True, divisor_override=None)
    ref.deform_conv(x[:, 0], np.zeros((2, 1, 3, 1, 3)), w, None, **geometry(1), offset_groups=1)
    for name in ACTIVATIONS:
        ref.activate(x, name)


@pytest.mark.parametrize("nd", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize(
    ("stride", "dilation", "padding"), [(1, 1, 0), (2, 1, 2), (1, 2, 3), (3, 2, 1)]
)
def test_torch_conv(rng, nd, groups, stride, dilation, padding):
    torch = pytest.importorskip("torch")
    x, w = draw(rng, (2, 4, 9, 8, 7)[: nd + 2]), draw(rng, (8, 4 // groups, 3, 2, 3)[: nd + 2])
    function = getattr(torch, f"conv{nd}d")
    expected = function(*map(torch.tensor, (x, w)), None, stride, padding, dilation, groups).numpy()
    x, w = x.reshape(2, groups, -1, *x.shape[2:]), w.reshape(groups, -1, *w.shape[1:])
    out = conv(x, w, stride, dilation, padding)
    assert_close(out.reshape(expected.shape), expected)


# -- conv_transpose -------------------------------------------------------------------------------


@pytest.mark.parametrize("nd", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(
    ("stride", "dilation", "padding", "output_padding"),
    [(1, 1, 0, 0), (2, 1, 1, 1), (3, 2, 2, 1), (2, 3, 4, 2), (1, 2, 1, 1)],
)
def test_torch_conv_transpose(rng, nd, groups, stride, dilation, padding, output_padding):
    torch = pytest.importorskip("torch")
    x, w = draw(rng, (2, 4, 5, 4, 3)[: nd + 2]), draw(rng, (4, 3, 3, 2, 3)[: nd + 2])
    function = getattr(torch.nn.functional, f"conv_transpose{nd}d")
    rest = (None, stride, padding, output_padding, groups, dilation)
    expected = function(torch.tensor(x), torch.tensor(w), *rest).numpy()
    x, w = x.reshape(2, groups, -1, *x.shape[2:]), w.reshape(groups, -1, *w.shape[1:])
    where = geometry(nd, stride, dilation, padding)
    out = ref.conv_transpose(x, w.swapaxes(1, 2), **where, output_shape=expected.shape[2:])
    assert_close(out.reshape(expected.shape), expected)


@pytest.mark.parametrize("padding", [((0, 0), (0, 0)), ((3, 1), (0, 2)), ((-1, 2), (1, -1))])
def test_conv_transpose_is_the_adjoint(rng, padding):
    x = draw(rng, (2, 2, 3, 8, 7), "int32")
    w = draw(rng, (2, 4, 3, 3, 2), "int32")
    where = {"stride": (2, 3), "dilation": (1, 2), "padding": padding}
    forward = ref.conv(x, w, **where)
    y = draw(rng, forward.shape, "int32")
    back = ref.conv_transpose(y, w.swapaxes(1, 2), **where, output_shape=x.shape[3:])
    assert back.dtype == x.dtype
    assert (forward * y).sum(dtype="int32") == (back * x).sum(dtype="int32")


def test_conv_transpose_without_axes(rng):
    x, w = draw(rng, (2, 3, 4)), draw(rng, (3, 5, 4))
    out = ref.conv_transpose(x, w, **geometry(0), output_shape=())
    np.testing.assert_allclose(out, np.einsum("ngc,gkc->ngk", x, w), rtol=1e-12)


def test_conv_transpose_makes_real_products_only():
    x, w = np.ones((1, 1, 1, 3)), np.array([1.0, np.inf, 2.0]).reshape(1, 1, 1, 3)
    out = ref.conv_transpose(x, w, **geometry(1, 3), output_shape=(11,))
    assert_equal(out.ravel(), [1, np.inf, 2] * 3 + [0, 0])


# -- deform_conv ----------------------------------------------------------------------------------


def sample_by_hand(x, position):
    """Interpolate one channel at one position."""
    if any(p <= -1 or p >= n for p, n in zip(position, x.shape, strict=True)):
        return 0.0
    if any(math.isnan(p) for p in position):
        return math.nan
    total = 0.0
    for at in itertools.product(*((math.floor(p), math.floor(p) + 1) for p in position)):
        weight = math.prod(1 - abs(p - i) for p, i in zip(position, at, strict=True))
        if weight != 0 and all(0 <= i < n for i, n in zip(at, x.shape, strict=True)):
            total += weight * float(x[at])
    return total


def deform_loops(x, offset, w, mask, *, stride, dilation, padding, offset_groups):
    groups, filters, channels, *kernel = w.shape
    counts = offset.shape[4:]
    out = np.zeros((len(x), groups, filters, *counts))
    for n, g, k, *o in np.ndindex(*out.shape):
        for c in range(channels):
            channel = g * channels + c
            og = channel // (x.shape[1] // offset_groups)
            for t, tap in enumerate(np.ndindex(*kernel)):
                position = [
                    o[a] * stride[a] - padding[a][0] + tap[a] * dilation[a]
                    + offset[(n, og, t, a, *o)]
                    for a in range(len(kernel))
                ]  # fmt: skip
                value = sample_by_hand(x[n, channel], position)
                if mask is not None:
                    value *= mask[(n, og, t, *o)]
                out[(n, g, k, *o)] += value * w[(g, k, c, *tap)]
    return out


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("offset_groups", [1, 2, 4])
@pytest.mark.parametrize(
    ("extents", "kernel", "counts"),
    [((7,), (3,), (5,)), ((5, 4), (2, 3), (3, 2)), ((3, 4, 3), (2, 1, 2), (2, 2, 1))],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_deform_by_hand(rng, masked, offset_groups, extents, kernel, counts, dtype):
    nd, taps = len(kernel), math.prod(kernel)
    x, w = draw(rng, (2, 4, *extents), dtype), draw(rng, (2, 2, 2, *kernel), dtype)
    offset = 2 * draw(rng, (2, offset_groups, taps, nd, *counts), dtype)
    offset.flat[::5] = np.round(offset.flat[::5])
    offset.flat[::31] = np.inf
    mask = draw(rng, (2, offset_groups, taps, *counts), dtype) if masked else None
    where = {
        "stride": (2, 1, 1)[:nd],
        "dilation": (1, 2, 1)[:nd],
        "padding": ((1, 1), (2, 0), (0, 0))[:nd],
        "offset_groups": offset_groups,
    }
    out = ref.deform_conv(x, offset, w, mask, **where)
    assert out.dtype == dtype
    expected = deform_loops(x, offset, w, mask, **where)
    np.testing.assert_allclose(out, expected, rtol=0, atol=200 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("nd", [1, 2, 3])
def test_deform_without_offsets_is_conv(rng, dtype, nd):
    x = draw(rng, (2, 2, 3, 6, 5, 4)[: nd + 3], dtype)
    w = draw(rng, (2, 2, 3, 3, 2, 2)[: nd + 3], dtype)
    where = geometry(nd, 2, 1, 1)
    expected = ref.conv(x, w, **where)
    taps = math.prod(w.shape[3:])
    offset = np.zeros((2, 1, taps, nd, *expected.shape[3:]), dtype)
    flat = x.reshape(2, -1, *x.shape[3:])
    for mask in (None, np.ones((2, 1, taps, *expected.shape[3:]), dtype)):
        out = ref.deform_conv(flat, offset, w, mask, **where, offset_groups=1)
        assert out.dtype == dtype
        assert_equal(out, expected)


def test_deform_edges():
    x = np.array([1.0, np.inf, 4.0]).reshape(1, 1, 3)
    one = np.ones((1, 1, 1, 1))
    offset = np.array([-1.0, -0.5, 0.0, 1.0, 2.0, 2.5, 3.0, np.nan, np.inf, -np.inf, 1e300])
    offset = (offset - np.arange(11)).reshape(1, 1, 1, 1, 11)
    out = ref.deform_conv(x, offset, one, None, **geometry(1), offset_groups=1)
    assert_equal(out.ravel(), [0, 0.5, 1, np.inf, 4, 2, 0, np.nan, 0, 0, 0])


def test_deform_outside_on_one_axis_beats_nan_on_another():
    offset = np.array([np.nan, 5.0]).reshape(1, 1, 1, 2, 1, 1)
    x, w = np.ones((1, 1, 2, 2)), np.ones((1, 1, 1, 1, 1))
    assert ref.deform_conv(x, offset, w, None, **geometry(2), offset_groups=1) == 0


def test_deform_of_nothing():
    offset = np.array([-0.5, 0.0, np.nan]).reshape(1, 1, 1, 1, 3)
    x, w = np.ones((1, 1, 0)), np.ones((1, 1, 1, 1))
    out = ref.deform_conv(x, offset, w, None, **geometry(1), offset_groups=1)
    assert_equal(out.ravel(), [0, 0, np.nan])


# -- pooling --------------------------------------------------------------------------------------

POOLS = [
    # extents, kernel, stride, padding
    ((9,), (3,), (2,), (1,)),
    ((8,), (3,), (3,), (1,)),
    ((7, 10), (3, 2), (2, 3), (1, 1)),
    ((6, 5), (4, 5), (3, 4), (2, 2)),
    ((5, 6, 7), (2, 3, 4), (2, 2, 3), (1, 0, 2)),
]


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
def test_torch_max_pool(rng, pool, ceil_mode, dilation, dtype):
    torch = pytest.importorskip("torch")
    extents, kernel, stride, padding = pool
    x = draw(rng, (3, *extents), dtype)
    if dtype != "int32":
        x.flat[::17] = np.nan
        x.flat[5::23] = -np.inf
    function = getattr(torch.nn.functional, f"max_pool{len(extents)}d")
    exact = torch.tensor(x.astype("float64"))  # PyTorch pools no integers in 1-D
    expected = function(exact, kernel, stride, padding, dilation, ceil_mode=ceil_mode).numpy()
    where = geometry(len(extents), stride, dilation, padding)
    out = ref.max_pool(x, kernel=kernel, output_shape=expected.shape[1:], **where)
    assert out.dtype == dtype
    assert_equal(out, expected)


@pytest.mark.parametrize("dtype", ["bool", *INTS, *FLOATS])
def test_max_pool_padding_never_wins(dtype):
    lowest = {"b": False, "f": -np.inf}.get(np.dtype(dtype).kind)
    lowest = np.iinfo(dtype).min if lowest is None else lowest
    x = np.full((2, 3), lowest, dtype)
    out = ref.max_pool(x, kernel=(3,), output_shape=(4,), **geometry(1, 1, 1, 1))
    assert out.dtype == dtype
    assert_equal(out, np.full((2, 4), lowest, dtype))


@pytest.mark.parametrize("divisor_override", [None, 3])
@pytest.mark.parametrize("count_include_pad", [False, True])
@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_torch_avg_pool(rng, pool, ceil_mode, count_include_pad, divisor_override, dtype):
    torch = pytest.importorskip("torch")
    extents, kernel, stride, padding = pool
    x = draw(rng, (3, *extents), dtype)
    counting = {"count_include_pad": count_include_pad, "divisor_override": divisor_override}
    where = {"kernel": kernel, "stride": stride, "padding": tuple((p, p) for p in padding)}
    if len(extents) == 1:  # PyTorch's avg_pool1d has no divisor_override
        extents, kernel, stride, padding = (1, *extents), (1, *kernel), (1, *stride), (0, *padding)
    function = getattr(torch.nn.functional, f"avg_pool{len(extents)}d")

    def by_torch(a):
        a = torch.tensor(a.reshape(3, *extents))
        return function(a, kernel, stride, padding, ceil_mode, **counting).numpy()

    expected = by_torch(x.real) + (1j * by_torch(x.imag) if dtype == "complex128" else 0)
    if x.ndim == 2:
        expected = expected[:, 0]
    out = ref.avg_pool(x, **where, output_shape=expected.shape[1:], **counting)
    assert out.dtype == dtype
    assert_close(out, expected)


@pytest.mark.parametrize("dtype", FLOATS + COMPLEX)
def test_avg_pool_asymmetric_overhang(dtype):
    x = np.array([[1, 2, np.inf]], dtype)
    where = {"kernel": (3,), "stride": (2,), "padding": ((0, 1),), "output_shape": (3,)}
    out = ref.avg_pool(x[:, :2], **where, count_include_pad=True, divisor_override=None)
    inside = ref.avg_pool(x, **where, count_include_pad=False, divisor_override=None)
    assert out.dtype == dtype
    assert_equal(out, [[1, 0, 0]])  # [1 2 pad] / 3, then windows of no sample
    assert_equal(inside, [[np.inf, np.inf, 0]])


# -- activations ----------------------------------------------------------------------------------

ACTIVATIONS = (None, "relu", "relu6", "leaky_relu", "silu", "gelu", "sigmoid", "tanh")


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_torch_activations(name, dtype):
    torch = pytest.importorskip("torch")
    y = np.concatenate([np.linspace(-9, 9, 401), [-1e4, 1e4, -0.0, np.nan, np.inf, -np.inf]])
    y = y.astype(dtype)
    with np.errstate(all="raise"):
        out = ref.activate(y, name)
    function = getattr(torch.nn.functional, name) if name else lambda a: a
    expected = function(torch.tensor(y)).numpy()
    assert out.dtype == dtype
    expected[-2] = function(torch.tensor(y[-2:-1]))[0]  # its vector loop has gelu(inf) = NaN
    eps = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(out, expected, rtol=eps, atol=eps)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_keep_longdouble(name):
    y = np.linspace(-30, 30, 61, dtype="longdouble")
    out = ref.activate(y, name)
    assert out.dtype == y.dtype
    np.testing.assert_allclose(out, ref.activate(y.astype("float64"), name), rtol=1e-13)


@pytest.mark.parametrize("dtype", ["bool", *INTS])
def test_integer_activations(dtype):
    y = np.array([0, 1, 5, 6, 7, 100]).astype(dtype)
    for name, top in ((None, 100), ("relu", 100), ("relu6", 6)):
        out = ref.activate(y, name)
        assert out.dtype == dtype
        assert_equal(out, np.minimum(y.astype(int), top).astype(dtype))
    if np.dtype(dtype).kind == "i":
        assert not ref.activate(-y, "relu").any()


def test_unknown_activation():
    with pytest.raises(ValueError, match="'swish'"):
        ref.activate(np.ones(1), "swish")
