"""Channels last on drivers of planes: images or groups turned on the way in and back, in whatever layout they come."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastconv
from fastconv.backends import _turned, direct


def whole(rng, shape, dtype):
    return rng.integers(-4, 5, shape).astype(dtype)  # sums are exact


def last(x):
    return np.ascontiguousarray(np.moveaxis(x, 1, -1))


def check(x, w, bias=None, backend="direct", transposed=False, **keywords):
    """Equal to the reference, whatever the threads; x with channels first."""
    function = getattr(fastconv, f"conv_transpose{w.ndim - 2}d") if transposed else fastconv.conv
    wanted = last(function(x, w, bias, backend="reference", **keywords))
    for threads in (1, 3):
        with fastconv.num_threads(threads):
            found = function(last(x), w, bias, backend=backend, layout="channels_last", **keywords)
        np.testing.assert_array_equal(found, wanted)
    return wanted


@st.composite
def layers(draw):
    rank = draw(st.integers(1, 3))
    groups = draw(st.sampled_from([1, 2, 3, 6, 8, 32]))
    channels, filters = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    kernel = draw(st.tuples(*[st.integers(1, 4)] * rank))
    keywords = {
        "groups": groups,
        "stride": draw(st.tuples(*[st.integers(1, 3)] * rank)),
        "dilation": draw(st.tuples(*[st.sampled_from([1, 1, 2])] * rank)),
    }
    top = {1: 200, 2: 20, 3: 7}[rank]
    least = [(k - 1) * d + 1 for k, d in zip(kernel, keywords["dilation"], strict=True)]
    size = [draw(st.integers(n, max(n, top))) for n in least]
    transposed = draw(st.booleans())
    if not transposed:
        keywords["padding"] = [(draw(st.integers(0, 3)), draw(st.integers(0, 3))) for _ in range(rank)]
        keywords["activation"] = draw(st.sampled_from([None, "relu"]))
    w = (groups * channels, filters, *kernel) if transposed else (groups * filters, channels, *kernel)
    bias = groups * filters if draw(st.booleans()) else 0
    return (draw(st.integers(1, 5)), groups * channels, *size), w, bias, transposed, keywords


@settings(max_examples=150, deadline=None)
@given(layers(), st.sampled_from("fd"))
def test_drawn_layers(layer, dtype):
    x_shape, w_shape, bias, transposed, keywords = layer
    rng = np.random.default_rng(sum(x_shape))
    check(whole(rng, x_shape, dtype), whole(rng, w_shape, dtype), whole(rng, bias, dtype) if bias else None,
          transposed=transposed, **keywords)  # fmt: skip


@pytest.mark.parametrize("side", [2, 4])
@pytest.mark.parametrize("keywords", [{}, {"padding": (2, 3)}, {"stride": (2, 3), "padding": (1, 4)},
                                      {"dilation": (2, 3), "padding": (3, 1)}, {"padding": (-1, -2)}])  # fmt: skip
def test_groups_of_few_channels(side, keywords):
    """Every number of columns, of channels, and windows that reach over the edges."""
    rng = np.random.default_rng(side)
    for width, channels, kernel in ((10, 16, 3), (21, 20, 1), (13, 36, 2), (37, 64, 5), (30, 8, 4)):
        for dtype in "fd":
            x, w = whole(rng, (2, channels, 17, width), dtype), whole(rng, (channels, side, 3, kernel), dtype)
            bias = whole(rng, channels, dtype)
            check(x, w, bias, groups=channels // side, activation="relu", **keywords)
    given = {k: v[1] if k != "padding" else [(v[1], v[0])] for k, v in keywords.items()}
    check(whole(rng, (1, 40, 999), "f"), whole(rng, (40, side, 6), "f"), groups=40 // side, **given)
    x, w = whole(rng, (2, 24, 5, 6, 17), "f"), whole(rng, (24, side, 3, 2, 3), "f")
    check(x, w, groups=24 // side, padding=1, stride=(1, 2, 1))


@pytest.mark.parametrize("mode", ["reflect", "circular", "replicate"])
def test_borders(mode):
    rng = np.random.default_rng(1)
    check(whole(rng, (2, 64, 9, 11), "f"), whole(rng, (96, 2, 3, 3), "f"), groups=32, padding=2, padding_mode=mode)


@pytest.mark.parametrize("groups", [1, 32])
def test_many_images(groups):
    """A batch is cut into as many images as divide it, and as a cache holds."""
    rng = np.random.default_rng(2)
    for batch in (1, 7, 12, 31):
        check(whole(rng, (batch, 64, 30, 31), "f"), whole(rng, (64, 64 // groups, 3, 3), "f"), groups=groups)


@pytest.mark.parametrize("side", [2, 3])
def test_no_images(side):
    w = np.ones((96, side, 3, 3), "f")
    for backend in ("direct", "auto"):
        x = np.ones((0, 12, 13, 96), "f")
        y = fastconv.conv2d(x, w, groups=96 // side, layout="channels_last", backend=backend)
        assert y.shape == (0, 10, 11, 96) and y.dtype == np.float32


def problem_of(x, w, **keywords):
    plan = fastconv.plan(w, input_shape=x.shape, layout="channels_last", backend="direct", **keywords)
    return plan, plan._decision.plan


def test_which_way():
    x, w = np.ones((2, 12, 13, 96), "f"), np.ones((96, 3, 3, 3), "f")
    assert type(problem_of(x, w, groups=32)[1]) is _turned.GroupsPlan
    for side in (2, 4):
        assert type(problem_of(x, w[:, :1].repeat(side, 1), groups=96 // side)[1]) is _turned.RowsPlan
        other = problem_of(x, w[:, :1].repeat(side, 1), groups=96 // side, padding=1, padding_mode="reflect")
        assert type(other[1]) is _turned.GroupsPlan
    deep = fastconv.plan(w[:, :1], input_shape=x.shape, layout="channels_last", backend="oa", groups=96)
    assert type(deep._decision.plan) is _turned.TurnedPlan
    for other in (problem_of(x, np.ones((64, 96, 3, 3), "f")), problem_of(x, w, groups=32, workspace_limit=1 << 20),
                  problem_of(x[..., :2].copy(), np.ones((2, 2, 3, 3), "f"))):  # fmt: skip
        assert type(other[1]) is direct.DirectPlan


@pytest.mark.parametrize("groups", [1, 8, 32])
def test_memory_of_every_kind(groups):
    rng = np.random.default_rng(3)
    x, w = whole(rng, (3, 12, 13, 64), "f"), whole(rng, (64, 64 // groups, 3, 3), "f")
    bias = whole(rng, 64, "f")
    plan, _ = problem_of(x, w, groups=groups)
    wanted = plan(x)
    wide = np.zeros((3, 12, 26, 64), "f")
    wide[:, :, ::2] = x
    first = np.ascontiguousarray(np.moveaxis(x, -1, 1))
    raw = np.zeros(x.nbytes + 1, "u1")
    odd = raw[1:].view("f").reshape(x.shape)
    odd[...] = x
    for other in (wide[:, :, ::2], np.moveaxis(first, 1, -1), odd, x.astype(">f4"), x[:, ::-1][:, ::-1], np.asfortranarray(x)):
        np.testing.assert_array_equal(plan(other), wanted)
        found = fastconv.conv2d(other, w, bias, groups=groups, layout="channels_last", backend="direct")
        np.testing.assert_array_equal(found, wanted + bias)
    for out in (np.zeros((3, 10, 22, 64), "f")[:, :, ::2], np.moveaxis(np.zeros((3, 64, 10, 11), "f"), 1, -1),
                np.zeros((3, 10, 11, 64), "d"), np.zeros(wanted.shape, "f", "F")):  # fmt: skip
        plan(x, out=out)
        np.testing.assert_array_equal(out, wanted)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(plan))(x), wanted)


@pytest.mark.parametrize("groups", [1, 8, 32])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_not_finite(groups, bad):
    rng = np.random.default_rng(4)
    x, w = whole(rng, (1, 64, 9, 10), "f"), whole(rng, (64, 64 // groups, 3, 3), "f")
    w[5, 0, 0, 0] = bad
    with np.errstate(invalid="ignore"):
        wanted = check(x, w, groups=groups, padding=1)
    assert np.isfinite(wanted[..., 6:]).all() and not np.isfinite(wanted[..., 5]).all()


def test_an_item_has_the_same_bits_in_every_batch():
    rng = np.random.default_rng(5)
    x, w = rng.standard_normal((12, 20, 21, 64)).astype("f"), rng.standard_normal((64, 2, 3, 3)).astype("f")
    every = fastconv.conv2d(x, w, groups=32, layout="channels_last", backend="direct")
    one = fastconv.conv2d(x[3:4], w, groups=32, layout="channels_last", backend="direct")
    np.testing.assert_array_equal(every[3:4], one)


@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("shape", [(2, 21, 23, 40), (1, 200, 40), (3, 5, 9, 10, 16)])
def test_overlap_save(shape, dtype):
    rng = np.random.default_rng(6)
    nd = len(shape) - 2
    x, w = rng.standard_normal(shape).astype(dtype), rng.standard_normal((shape[-1], 1, *(5,) * nd)).astype(dtype)
    keywords = {"groups": shape[-1], "padding": 2, "layout": "channels_last"}
    found = fastconv.conv(x, w, backend="oa", **keywords)
    wanted = fastconv.conv(x.astype("d"), w.astype("d"), backend="reference", **keywords)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=(1e-5 if dtype == "f" else 1e-13) * abs(wanted).max())
    x[0, ..., 3].flat[7] = np.nan  # stays in its windows
    found = fastconv.conv(x, w, backend="oa", **keywords)
    wanted = fastconv.conv(x, w, backend="reference", **keywords)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))


def test_a_plan_of_whole_images_keeps_its_planes():
    x, w = np.ones((8, 30, 31, 40), "f"), np.ones((40, 1, 9, 9), "f")
    plan = fastconv.plan(w, input_shape=x.shape, layout="channels_last", backend="oa", groups=40)
    out = plan(x)
    held = plan._decision.plan._local.planes
    assert plan._decision.plan._images < 8 and plan.workspace_bytes >= sum(a.nbytes for a in held)
    plan(x, out=out)
    assert plan._decision.plan._local.planes is held
