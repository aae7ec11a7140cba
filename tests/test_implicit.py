"""backend="implicit": blocks of channels, 1x1 layers read in place, tiles that run over the ends of rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastconv
from fastconv._plan import PLANS
from fastconv.backends import _blocking
from fastconv.backends._lowering import TapAxis


def whole(rng, shape, dtype="f"):
    return rng.integers(-4, 5, shape).astype(dtype)  # sums are exact


def check(x, w, **keywords):
    wanted = fastconv.conv(x, w, backend="reference", **keywords)
    last = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    for threads in (1, 3):
        with fastconv.num_threads(threads):
            for found in (
                fastconv.conv(x, w, backend="implicit", **keywords),
                fastconv.plan(w, input_shape=x.shape, backend="implicit", dtype=x.dtype, **keywords)(x),
                fastconv.conv(np.moveaxis(last, -1, 1), w, backend="implicit", **keywords),
            ):
                np.testing.assert_array_equal(found, wanted)


@pytest.fixture
def small_cache(monkeypatch):
    """An L2 cache that small problems overflow, and no jobs from before."""
    monkeypatch.setattr(_blocking, "L2_BYTES", 16 << 10)
    PLANS.clear()
    yield
    PLANS.clear()


@pytest.mark.parametrize("channels", [29, 57, 300])
@pytest.mark.parametrize("filters", [7, 40])
def test_blocks_of_channels(small_cache, channels, filters):
    rng = np.random.default_rng(channels)
    x = whole(rng, (2, channels, 11, 13))
    check(x, whole(rng, (filters, channels, 3, 3)), padding=1)
    check(x, whole(rng, (filters, channels, 2, 3)), dilation=3, padding=2)


@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("channels", [257, 260, 530])  # blocks of 256: the last may hold fewer than a vector
def test_pointwise_in_blocks(small_cache, channels, dtype):
    rng = np.random.default_rng(channels)
    x, w = whole(rng, (2, channels, 9, 7), dtype), whole(rng, (33, channels, 1, 1), dtype)
    check(x, w)
    check(x[:, :, ::-1, ::2], w)
    check(x, w, stride=2)


@pytest.mark.parametrize("channels", [64, 67, 90])
@pytest.mark.parametrize("dtype", ["f", "d", "e"])
def test_pointwise_planes_are_turned(channels, dtype):
    """Runs of neighbouring samples, every second or third of them, borders, samples apart, of other types and orders."""
    rng = np.random.default_rng(channels)
    w = whole(rng, (35, channels, 1, 1), dtype)
    for width in (1, 3, 7, 8, 15, 31, 33, 70):
        x = whole(rng, (1, channels, 3, width), dtype)
        for stride in (1, 2, 3, 5, 40):
            check(x, w, stride=(1, stride))
        check(x, w, padding=(0, 2), stride=2)
        check(x[..., ::-1], w)
        check(np.asfortranarray(x), w)
        check(x.astype(x.dtype.newbyteorder()), w.astype(x.dtype.newbyteorder()))
    check(whole(rng, (1, channels, 3, 2 * 33), dtype)[..., ::2], w)
    check(whole(rng, (2, channels, 9), dtype), w[..., 0], padding=3, padding_mode="reflect")
    check(whole(rng, (1, 2 * channels, 5, 6), dtype), whole(rng, (6, channels, 1, 1), dtype), groups=2)


@pytest.mark.parametrize("filters", [1, 5, 8, 16, 32])
@pytest.mark.parametrize("channels", [3, 31, 67])
def test_pointwise_of_few_filters(channels, filters):
    """One block of filters reads x where it lies, where that can be."""
    rng = np.random.default_rng(channels)
    w = whole(rng, (filters, channels, 1, 1))
    for shape in ((5, 7), (1, 1), (2, 33), (16, 16)):
        x = whole(rng, (2, channels, *shape))
        check(x, w)
        check(x[:, :, ::-1, ::-1], w)
        check(x, w, padding=1)
        check(x, w, stride=2)
    check(whole(rng, (1, 3 * channels, 5, 6)), np.concatenate([w] * 3), groups=3)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("groups", [1, 2])
def test_pointwise_of_narrow_images(width, groups):
    """Rows of a few samples in place: those of the next image do not follow where channels lie between."""
    rng = np.random.default_rng(width)
    check(whole(rng, (5, 2 * groups, width)), whole(rng, (3 * groups, 2, 1)), groups=groups)
    check(whole(rng, (2, groups, 3, width)), whole(rng, (groups, 1, 1, 1)), groups=groups)


def test_pointwise_after_enlarging():
    rng = np.random.default_rng(1)
    x, w = whole(rng, (1, 70, 5, 6)), whole(rng, (35, 70, 1, 1))
    wanted = fastconv.resize_conv2d(x, w, scale=3, backend="reference")
    np.testing.assert_array_equal(fastconv.resize_conv2d(x, w, scale=3, backend="implicit"), wanted)


@pytest.mark.parametrize("width", range(1, 15))
def test_ends_of_rows(width):
    rng = np.random.default_rng(width)
    check(whole(rng, (1, 5, 6, width)), whole(rng, (19, 5, 3, 3)), padding=1)


def test_bits_do_not_depend_on_how_channels_are_cut(monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1, 300, 9, 9)).astype("f")
    w = rng.standard_normal((16, 300, 3, 3)).astype("f")
    first = fastconv.plan(w, input_shape=x.shape, backend="implicit", padding=1)(x)
    monkeypatch.setattr(_blocking, "L2_BYTES", 16 << 10)
    PLANS.clear()
    again = fastconv.plan(w, input_shape=x.shape, backend="implicit", padding=1)(x)
    PLANS.clear()
    np.testing.assert_array_equal(first, again)


@given(st.integers(0, 9), st.integers(1, 9), st.booleans(), st.integers(1, 7), st.integers(1, 12), st.integers(-9, 9))
def test_lengths_of_strips(taps, step, falling, stride, outputs, first):
    deltas = first + np.arange(taps) * (-step if falling else step)
    axis = TapAxis(99, 1, 0, 0, 1, outputs, stride, np.arange(taps), deltas)
    found = _blocking.layout(deltas, stride, outputs)
    assert found.length == _blocking.packed_length(axis, outputs) == sum(n for _, n in found.segments)
    # every tap finds its samples, and each packed sample lies where its segment says
    virtual = np.concatenate([begin + stride * np.arange(n) for begin, n in found.segments])
    for place, delta in zip(found.positions, deltas, strict=True):
        at = np.arange(outputs)
        np.testing.assert_array_equal(virtual[place + at], at * stride + delta)


@given(st.integers(1, 9), st.booleans(), st.integers(2, 7), st.integers(1, 12), st.integers(-9, 9))
def test_whole_rows_of_strips(taps, falling, stride, outputs, first):
    deltas = first + np.arange(taps) * (-1 if falling else 1)
    axis = TapAxis(99, 1, 0, 0, 1, outputs, stride, np.arange(taps), deltas)
    assert _blocking.meets_all(axis, 64) == (stride <= taps)
    found = _blocking.whole(axis, outputs)
    ((begin, count),) = found.segments
    assert found.gap == stride and found.length == count
    assert (found.positions.min(), found.positions.max() + (outputs - 1) * stride) == (0, count - 1)
    np.testing.assert_array_equal(begin + found.positions, deltas)


@given(st.integers(1, 21), st.sampled_from([1, 5, 16, 40]), st.lists(st.integers(1, 6), min_size=2, max_size=2),
       st.lists(st.integers(1, 5), min_size=2, max_size=2), st.lists(st.integers(0, 40), min_size=2, max_size=2),
       st.integers(0, 3), st.integers(1, 2), st.sampled_from(["f", "d", "e", ">f4"]), st.sampled_from(["zeros", "reflect"]))  # fmt: skip
def test_strided_rows_of_channels(channels, filters, kernel, stride, more, pad, dilation, dtype, mode):
    """Channels last, strided: rows are copied whole or sorted by phase, whichever reads less."""
    rng = np.random.default_rng(channels)
    sizes = [(k - 1) * dilation + 1 + n for k, n in zip(kernel, more, strict=True)]
    pad = min(pad, *(n - 1 for n in sizes)) if mode == "reflect" else pad
    x = whole(rng, (2, *sizes, channels), dtype)
    w = whole(rng, (filters, channels, *kernel), dtype)
    keywords = {"stride": tuple(stride), "padding": pad, "dilation": dilation, "padding_mode": mode,
                "layout": "channels_last"}  # fmt: skip
    wanted = fastconv.conv2d(x, w, backend="reference", **keywords)
    for samples in (x, np.repeat(x, 2, 2)[:, :, ::2], np.repeat(x, 2, 3)[..., ::2]):
        np.testing.assert_array_equal(fastconv.conv2d(samples, w, backend="implicit", **keywords), wanted)


@st.composite
def patches(draw):
    """Windows side by side: (sizes of x, of w, keywords, order in memory)."""
    rank = draw(st.integers(1, 3))
    kernel = draw(st.lists(st.integers(1, 4), min_size=rank, max_size=rank))
    stride = tuple(k + draw(st.integers(0, 1)) for k in kernel)
    sizes = [k + draw(st.integers(0, 30 if rank < 3 else 9)) for k in kernel]
    crop = tuple(-draw(st.integers(0, 1)) if n > k + 2 else 0 for n, k in zip(sizes, kernel, strict=True))
    channels, groups, images = draw(st.integers(1, 5)), draw(st.integers(1, 2)), draw(st.integers(1, 3))
    filters = draw(st.sampled_from([1, 3, 8, 17, 40]))
    return ((images, channels * groups, *sizes), (filters * groups, channels, *kernel),
            {"stride": stride, "groups": groups, "padding": crop}, draw(st.sampled_from("CFS")))  # fmt: skip


@given(patches(), st.sampled_from("fd"), st.sampled_from(["channels_first", "channels_last"]))
def test_patches_are_read_where_they_lie(problem, dtype, layout):
    x_shape, w_shape, keywords, order = problem
    rng = np.random.default_rng(sum(x_shape))
    x, w = whole(rng, x_shape, dtype), whole(rng, w_shape, dtype)
    wanted = fastconv.conv(x, w, backend="reference", **keywords)
    if layout == "channels_last":
        x, wanted = np.moveaxis(x, 1, -1).copy(), np.moveaxis(wanted, 1, -1)
    x = np.repeat(x, 2, -1)[..., ::2] if order == "S" else np.array(x, order=order)
    found = fastconv.conv(x, w, backend="implicit", layout=layout, **keywords)
    np.testing.assert_array_equal(found, wanted)


def test_patches_of_other_numbers_and_at_the_edge():
    """A conversion, or a window that reaches beyond the image, is gathered as ever."""
    rng = np.random.default_rng(5)
    x, w = whole(rng, (2, 3, 10, 14)), whole(rng, (20, 3, 4, 4))
    check(x, w, stride=4, padding=1)
    check(x, w, stride=4, padding_mode="reflect", padding=2)
    check(x[:, :, :7], w, stride=4, padding=(0, 2))
    for other in (x.astype(">f4"), x.astype("e"), x.astype("i2")):
        np.testing.assert_array_equal(fastconv.conv(other, w, stride=4, backend="implicit", dtype="f4", casting="unsafe"),
                                      fastconv.conv(x, w, stride=4, backend="reference"))  # fmt: skip
