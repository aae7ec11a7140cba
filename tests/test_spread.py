"""Transposed layers whose windows do not overlap: a 1x1 convolution, whose results are woven into rows."""

import numpy as np
import pytest

import fastconv


def whole(rng, shape, dtype="f"):
    return rng.integers(-4, 5, shape).astype(dtype)  # sums are exact


def by_implicit(x, w, bias=None, out=None, **keywords):
    """The result for one and three threads, equal to the reference."""
    rank = x.ndim - 2
    layer = getattr(fastconv, f"conv_transpose{rank}d")
    wanted = layer(x, w, bias, backend="reference", **keywords)
    for threads in (1, 3):
        with fastconv.num_threads(threads):
            found = layer(x, w, bias, out=out, backend="implicit", **keywords)
        np.testing.assert_array_equal(found, wanted)
    plan = fastconv.plan_transpose(w, bias, input_shape=x.shape, backend="implicit", **keywords)
    np.testing.assert_array_equal(plan(x), wanted)
    return wanted


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize(("channels", "filters"), [(3, 5), (16, 8), (7, 33), (300, 40)])
@pytest.mark.parametrize("stride", [2, 3, 4])
@pytest.mark.parametrize("size", [(1,), (129,), (9, 11), (1, 40), (3, 4, 5)])
def test_every_rank_and_stride(size, stride, channels, filters, dtype):
    rng = np.random.default_rng(channels)
    taps = (stride,) * len(size)
    x, w = whole(rng, (2, channels, *size), dtype), whole(rng, (channels, filters, *taps), dtype)
    by_implicit(x, w, whole(rng, filters, dtype), stride=stride, activation="relu")
    by_implicit(x, w, stride=stride, flip=True)


@pytest.mark.parametrize(("stride", "taps"), [((2, 4), (2, 4)), ((1, 2), (1, 2)), ((3, 2), (3, 2)), ((2, 1), (2, 1)),
                                              ((2, 2), (2, 3)), ((2, 2), (2, 1))])
def test_mixed_axes_and_groups(stride, taps):
    rng = np.random.default_rng(1)
    x, w = whole(rng, (1, 12, 6, 7)), whole(rng, (12, 10, *taps))
    by_implicit(x, w, whole(rng, 30), stride=stride, groups=3)
    by_implicit(x, w, stride=stride, output_padding=(stride[0] - 1, 0), groups=3)
    by_implicit(x, w, stride=stride, padding=((0, 1), (0, 0)), groups=3)
    by_implicit(np.ascontiguousarray(np.moveaxis(x, 1, -1)), w, stride=stride, groups=3, layout="channels_last")


def test_results_in_any_memory():
    rng = np.random.default_rng(2)
    x, w, bias = whole(rng, (2, 6, 5, 8)), whole(rng, (6, 10, 2, 2)), whole(rng, 10)
    room = np.zeros((4, 20, 20, 32), "f")
    for out in (room[:2, :10, :10, :16], room[::2, ::2, ::2, ::2], room[1::-1, 9::-1, 9::-1, 15::-1],
                np.zeros((2, 10, 16, 10), "f").swapaxes(2, 3), np.zeros((2, 10, 10, 16), "d"),
                np.zeros((2, 10, 10, 16), ">f4")):  # fmt: skip
        by_implicit(x, w, bias, out, stride=2)
    for samples in (x[..., ::-1], x[:, ::-1], np.asfortranarray(x), x.astype(">f4")):
        by_implicit(samples, w[::-1], bias, stride=2)
    buffer = np.zeros(4000, "f")  # the result lies over the samples
    buffer[: x.size] = x.reshape(-1)
    wanted = fastconv.conv_transpose2d(x, w, bias, stride=2)
    over = buffer[: wanted.size].reshape(wanted.shape)
    fastconv.conv_transpose2d(buffer[: x.size].reshape(x.shape), w, bias, stride=2, out=over, backend="implicit")
    np.testing.assert_array_equal(over, wanted)


def test_halves_and_what_is_not_finite():
    rng = np.random.default_rng(3)
    x, w = whole(rng, (1, 8, 5, 6), "f2"), whole(rng, (8, 9, 2, 2), "f2")
    by_implicit(x, w, stride=2)
    x[0, 3, 2, 2] = np.nan
    w[5, 4, 0, 1] = np.inf
    found = fastconv.conv_transpose2d(x, w, stride=2, backend="implicit")
    np.testing.assert_array_equal(found, fastconv.conv_transpose2d(x, w, stride=2, backend="reference"))


def test_a_workspace_limit_is_kept():
    w = np.zeros((64, 32, 2, 2), "f")
    for limit in (20_000, 60_000, 1 << 20):
        try:
            plan = fastconv.plan_transpose(w, input_shape=(1, 64, 30, 30), stride=2, backend="implicit",
                                           workspace_limit=limit)  # fmt: skip
        except fastconv.BackendNotSupportedError:
            assert limit == 20_000
        else:
            assert plan.workspace_bytes <= limit
