"""backend="depthwise": its three drivers, where each begins and ends, and what it leaves to others."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastconv

LAYOUTS = ("channels_first", "channels_last")


def whole(rng, shape, dtype):
    return rng.integers(-4, 5, shape).astype(dtype)  # sums are exact


def last(x):
    return np.ascontiguousarray(np.moveaxis(x, 1, -1))


def check(x, w, bias, layout="channels_first", **keywords):
    """Equal to the reference, whatever the threads."""
    keywords["groups"] = x.shape[1]
    x = last(x) if layout == "channels_last" else x
    wanted = fastconv.conv(x, w, bias, backend="reference", layout=layout, **keywords)
    for threads in (1, 3):
        with fastconv.num_threads(threads):
            found = fastconv.conv(x, w, bias, backend="depthwise", layout=layout, **keywords)
        np.testing.assert_array_equal(found, wanted)


@st.composite
def layers(draw):
    """(shape of x, shape of w, keywords): every tail of a vector, every reach of a window."""
    rank = draw(st.integers(1, 3))
    size = st.integers(1, (90, 40, 11)[rank - 1])
    sizes = draw(st.tuples(*[size] * rank))
    channels = draw(st.sampled_from([1, 2, 5, 16, 17, 33, 40]))
    kernel = draw(st.tuples(*[st.integers(1, 7 if rank < 3 else 3)] * rank))
    keywords = {
        "stride": draw(st.tuples(*[st.integers(1, 4)] * rank)),
        "dilation": draw(st.tuples(*[st.sampled_from([1, 1, 2, 3])] * rank)),
        "activation": draw(st.sampled_from([None, "relu", "leaky_relu"])),
        "layout": draw(st.sampled_from(LAYOUTS)),
    }
    pads = []
    for n, k, d in zip(sizes, kernel, keywords["dilation"], strict=True):
        before, after = draw(st.integers(-1, 5)), draw(st.integers(-1, 5))
        lacking = (k - 1) * d + 1 - (n + before + after)
        pads.append((before, after + max(0, lacking)))
    keywords["padding"] = pads
    multiplier = draw(st.sampled_from([1, 1, 1, 2, 3]))
    batch = draw(st.integers(0, 2))
    return (batch, channels, *sizes), (channels * multiplier, 1, *kernel), keywords


@settings(max_examples=150, deadline=None)
@given(layers(), st.sampled_from("fd"), st.booleans())
def test_drawn_layers(layer, dtype, biased):
    x_shape, w_shape, keywords = layer
    if any(n + before + after < 1 for n, (before, after) in zip(x_shape[2:], keywords["padding"], strict=True)):
        return
    rng = np.random.default_rng(math.prod(w_shape))
    bias = whole(rng, w_shape[0], dtype) if biased else None
    check(whole(rng, x_shape, dtype), whole(rng, w_shape, dtype), bias, **keywords)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [3, 7, 14, 15, 20, 21, 28, 33, 56, 112, 131])
def test_planes_of_networks(size, layout):
    """Every driver: rows joined, planes turned, strips; strides that split rows of odd length."""
    rng = np.random.default_rng(size)
    for channels, kernel, stride in ((37, 3, 1), (35, 3, 2), (3, 5, 1), (18, 7, 1), (20, 2, 3)):
        check(whole(rng, (2, channels, size, size), "f"), whole(rng, (channels, 1, kernel, kernel), "f"),
              None, layout, stride=stride, padding=kernel // 2)  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [7, 12, 40])
def test_a_nan_stays_in_its_windows_and_its_channel(layout, size):
    rng = np.random.default_rng(1)
    x, w = whole(rng, (2, 40, size, size), "f"), whole(rng, (40, 1, 3, 3), "f") + 20
    clean = fastconv.conv2d(x, w, padding=1, groups=40, backend="depthwise")
    x[1, 17, 2, size - 1], x[0, 39, size - 1, 3] = np.nan, np.inf
    x = last(x) if layout == "channels_last" else x
    y = fastconv.conv2d(x, w, padding=1, groups=40, backend="depthwise", layout=layout)
    y = np.moveaxis(y, -1, 1) if layout == "channels_last" else y
    touched = np.zeros(y.shape, bool)
    touched[1, 17, 1:4, size - 2 :] = touched[0, 39, size - 2 :, 2:5] = True
    assert not np.isfinite(y[touched]).any()
    np.testing.assert_array_equal(y[~touched], clean[~touched])


def test_a_nan_weight_meets_no_padding():
    x, w = np.ones((1, 20, 8, 8), "f"), np.ones((20, 1, 3, 3), "f")
    w[4, 0, 0, 0] = np.nan
    y = fastconv.conv2d(x, w, padding=1, groups=20, backend="depthwise")
    assert np.isnan(y[0, 4, 1:, 1:]).all()
    assert np.isfinite(y[0, 4, 0]).all() and np.isfinite(y[0, 4, :, 0]).all()
    assert np.isfinite(np.delete(y, 4, 1)).all()


@pytest.mark.parametrize("size", [9, 30])
def test_views_are_computed_without_a_change_of_result(size):
    rng = np.random.default_rng(2)
    big, w = whole(rng, (2, 36, 2 * size, 2 * size), "f"), whole(rng, (18, 1, 3, 3), "f")
    for x in (big[:, ::2, :size, :size], big[:, :18, ::2, ::2], big[:, 17::-1, :size, size - 1 :: -1],
              big[:, :18, :size, :size].astype(">f4"), big[:, :18, :size, :size].astype("f2")):  # fmt: skip
        wanted = fastconv.conv2d(np.ascontiguousarray(x, "f"), w, groups=18, padding=1, backend="reference")
        p = fastconv.plan(w, groups=18, padding=1, input_shape=x.shape, backend="depthwise")
        np.testing.assert_array_equal(p(x), wanted)
        out = np.zeros((2, 18, size, 2 * size), "f")[..., ::2]
        assert p(x, out=out) is out
        np.testing.assert_array_equal(out, wanted)


@pytest.mark.parametrize("dtype", ["i4", "f2", "g", "F"])
def test_other_types_are_refused(dtype):
    x, w = np.ones((1, 4, 5, 5), dtype), np.ones((4, 1, 3, 3), dtype)
    with pytest.raises(fastconv.BackendNotSupportedError, match="float32 and float64"):
        fastconv.conv2d(x, w, groups=4, backend="depthwise")


def test_what_it_does_not_do_is_refused_with_the_reason():
    x, w = np.ones((1, 4, 40, 40), "f"), np.ones((4, 1, 3, 3), "f")

    def refused(match, *operands, call=fastconv.conv2d, **keywords):
        with pytest.raises(fastconv.BackendNotSupportedError, match=match):
            call(*operands, backend="depthwise", **keywords)

    refused("found 4", x, np.ones((4, 4, 3, 3), "f"))
    refused("zeros only", x, w, groups=4, padding=1, padding_mode="reflect")
    refused("256 taps", x, np.ones((4, 1, 17, 17), "f"), groups=4)
    refused("transposed", x, w, groups=4, call=fastconv.conv_transpose2d)


def test_auto_takes_it_for_the_layers_it_is_for():
    x, w = np.ones((1, 64, 28, 28), "f"), np.ones((64, 1, 3, 3), "f")
    assert fastconv.explain("conv2d", x, w, groups=64, padding=1).backend == "depthwise"
    assert fastconv.explain("conv2d", x, np.ones((64, 64, 3, 3), "f")).backend != "depthwise"


@pytest.mark.parametrize("multiplier", [1, 2])
@pytest.mark.parametrize("keywords", [{}, {"padding": (3, 3)}, {"padding": (9, 2), "dilation": 3},
                                      {"stride": 3, "padding": (2, 0)}, {"padding": (-2, 5)}])  # fmt: skip
@pytest.mark.parametrize("kernel", [1, 4, 7])
def test_long_rows_are_cut_for_the_threads(kernel, keywords, multiplier):
    rng = np.random.default_rng(kernel)
    given = {k: [v] for k, v in keywords.items()}
    x, w = whole(rng, (2, 75, 1103), "f"), whole(rng, (75 * multiplier, 1, kernel), "f")
    check(x, w, whole(rng, 75 * multiplier, "f"), "channels_last", activation="relu", **given)
    given = {k: [(0, 0) if k == "padding" else 1, v] for k, v in keywords.items()}
    x, w = whole(rng, (1, 700, 3, 101), "d"), whole(rng, (700 * multiplier, 1, 2, kernel), "d")
    check(x, w, None, "channels_last", **given)


@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("channels", [128, 256, 264, 320, 1024])
@pytest.mark.parametrize("keywords", [{"stride": 2}, {"stride": (1, 3)}, {"dilation": 2}])
def test_pixels_that_push_each_other_out_of_the_cache(keywords, channels, dtype):
    """Tiles of two vectors where 256 and more channels, a power of two, lie between pixels."""
    rng = np.random.default_rng(channels)
    for kernel, width in ((3, 20), (3, 9), (5, 24)):
        x, w = whole(rng, (1, channels, 7, width), dtype), whole(rng, (channels, 1, kernel, kernel), dtype)
        check(x, w, whole(rng, channels, dtype), "channels_last", padding=2, **keywords)


@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("channels", [16, 72, 200, 256])
@pytest.mark.parametrize("taps", [3, 5, 7])
def test_squares_of_pixels(taps, channels, dtype):
    """Blocks of every number of rows and columns, windows that begin and end anywhere, volumes; 256 channels are those
    whose pixels push each other out of the cache."""
    rng = np.random.default_rng(taps)
    w, bias = whole(rng, (channels, 1, taps, taps), dtype), whole(rng, channels, dtype)
    pads = (0, taps // 2, (taps - 1, 1), (-1, taps + 2), (taps + 5, 0))
    for rows, cols in itertools.product((1, 2, 3, 4, 5, 9), (8, 9, 13)):
        padding = [(p, p) if isinstance(p, int) else p for p in (pads[rows % 5], pads[cols % 5])]
        lacking = [max(0, taps - n - sum(p)) for n, p in zip((rows, cols), padding, strict=True)]
        padding = [(before, after + more) for (before, after), more in zip(padding, lacking, strict=True)]
        check(whole(rng, (2, channels, rows, cols), dtype), w, bias, "channels_last", padding=padding, activation="relu")
    w = whole(rng, (channels, 1, 2, taps, taps), dtype)
    for stride, dilation in ((1, 1), (2, 1), (1, 3)):
        check(whole(rng, (1, channels, 5, 6, 9), dtype), w, bias, "channels_last", activation="relu",
              stride=(stride, 1, 1), dilation=(dilation, 1, 1), padding=[(1, 2), (taps, 0), (2, 3)])  # fmt: skip


@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("channels", [64, 67, 72, 136, 192])
def test_squares_of_arrays_anywhere_in_memory(channels, dtype):
    """Vectors of channels are laid where whole ones of memory are: wherever those of the operand and of the result begin,
    the same bits, by a plan that has met others before."""
    rng = np.random.default_rng(channels)
    values, w = rng.standard_normal((3, 9, 10, channels)).astype(dtype), rng.standard_normal((channels, 1, 3, 3)).astype(dtype)
    keywords = {"groups": channels, "layout": "channels_last", "padding": 1, "activation": "silu", "backend": "depthwise"}
    plan = fastconv.plan(w, w[:, 0, 0, 0].copy(), input_shape=values.shape, **keywords)
    wanted, size = plan(values), values.itemsize
    room, to = np.empty(values.nbytes + 64, "u1"), np.empty(values.nbytes + 64, "u1")
    for first, at in itertools.product(range(0, 64, size), (0, size)):
        x, out = (a[i : i + values.nbytes].view(dtype).reshape(values.shape) for a, i in ((room, first), (to, at)))
        x[:] = values
        np.testing.assert_array_equal(plan(x, out=out), wanted)
    x = np.zeros((3, 9, 10, channels + 3), dtype)[..., 3:]  # pixels that begin anywhere
    x[:] = values
    np.testing.assert_array_equal(plan(x), wanted)


@pytest.mark.parametrize("taps", [3, 5, 7])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_square_kernels_on_planes_of_every_width(taps, dtype):
    """Read where they lie: rows of every tail, blocks of every number of rows, every padding."""
    rng = np.random.default_rng(taps)
    half = taps // 2
    for height, width in itertools.product((1, 4, 6, 21), (7, 8, 9, 16, 18, 23, 24, 37)):
        x, w = whole(rng, (1, 2, height, width), dtype), whole(rng, (4, 1, taps, taps), dtype)
        for left, right in ((half, half), (0, taps - 1), (taps - 1, 0), (half, 0), (half, half + 1)):
            if width + left + right >= taps:
                check(x, w, whole(rng, 4, dtype), padding=[(half, half), (left, right)], activation="relu")


def test_what_lies_beside_a_plane_is_not_met():
    rng = np.random.default_rng(5)
    around = np.full((2, 3, 24, 60), np.nan, np.float32)
    x = around[:, :, 3:-3, 10:-9]
    x[...] = whole(rng, x.shape, "f")
    w = whole(rng, (3, 1, 3, 3), "f")
    for view in (x, x[:, :, ::-1], x[::-1, ::-1], np.broadcast_to(x[:, :, :1], x.shape)):
        wanted = fastconv.conv2d(view.copy(), w, backend="reference", padding=1, groups=3)
        found = fastconv.conv2d(view, w, backend="depthwise", padding=1, groups=3)
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_small_planes_of_every_shape(dtype):
    """Turned to channels last, 3 x 3: blocks of every number of rows, windows that begin and end anywhere."""
    rng = np.random.default_rng(6)
    for height, width in itertools.product((2, 3, 4, 5, 7, 8), (3, 4, 7, 14)):
        x, w = whole(rng, (2, 35, height, width), dtype), whole(rng, (35, 1, 3, 3), dtype)
        for pads in ((1, 1), (0, 0), (0, 2), (4, 1), (-1, 3)):
            if width + sum(pads) >= 3:
                check(x, w, whole(rng, 35, dtype), padding=[(1, 1), pads], activation="relu")
                check(x, w, None, padding=[(2, 0), pads])


@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize(("shape", "kernel"), [((2, 40, 9, 11), (3, 3)), ((1, 96, 30, 33), (7, 7)), ((1, 16, 4, 8, 9), (3, 3, 3)),
                                               ((1, 3, 20, 20), (3, 3)), ((2, 33, 200), (5,))])  # fmt: skip
def test_views_of_pictures(shape, kernel, dtype):
    """Channels first by a transposition alone, as of (height, width, channels); the result is contiguous, or lies as x does."""
    rng = np.random.default_rng(0)
    x, w = np.moveaxis(last(whole(rng, shape, dtype)), -1, 1), whole(rng, (shape[1], 1, *kernel), dtype)
    keywords = {"padding": kernel[0] // 2, "groups": shape[1]}
    wanted = fastconv.conv(x, w, backend="reference", **keywords)
    found = fastconv.conv(x, w, backend="depthwise", **keywords)
    np.testing.assert_array_equal(found, wanted)
    assert found.flags.c_contiguous
    out = np.moveaxis(last(np.empty_like(wanted)), -1, 1)
    np.testing.assert_array_equal(fastconv.conv(x, w, backend="depthwise", out=out, **keywords), wanted)
    np.testing.assert_array_equal(fastconv.plan(w, input_shape=shape, backend="depthwise", **keywords)(x, out=out), wanted)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("dilation", [2, 3, 4, 5])
@pytest.mark.parametrize("taps", [5, 7])
def test_dilated_rows_are_taken_apart(taps, dilation, dtype, layout):
    """Every rest of columns and of padding; channels whose pixels do not crowd; several filters, volumes, small groups."""
    rng = np.random.default_rng(taps)
    for channels in (16, 21, 40):
        w, bias = whole(rng, (channels, 1, 3, taps), dtype), whole(rng, channels, dtype)
        for width in range(4 * dilation, 4 * dilation + 9):
            for pad in {0 if width > (taps - 1) * dilation else 20, 3, taps // 2 * dilation, taps * dilation}:
                if width + 2 * pad > (taps - 1) * dilation:
                    check(whole(rng, (1, channels, 4, width), dtype), w, bias, layout, padding=(dilation, pad), dilation=dilation)
    check(whole(rng, (2, 16, 300), dtype), whole(rng, (32, 1, taps), dtype), None, layout, padding=9, dilation=dilation)
    check(whole(rng, (1, 16, 3, 5, 30), dtype), whole(rng, (16, 1, 2, 1, taps), dtype), None, layout, padding=(2, 0, 15),
          dilation=dilation, activation="relu")  # fmt: skip
    x, w = whole(rng, (1, 30, 40, 32), dtype), whole(rng, (32, 4, taps, taps), dtype)
    keywords = {"groups": 8, "dilation": dilation, "padding": 15, "layout": "channels_last"}
    np.testing.assert_array_equal(fastconv.conv2d(x, w, **keywords), fastconv.conv2d(x, w, backend="reference", **keywords))
