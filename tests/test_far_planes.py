"""1x1 layers of large planes: pixel lanes sum a few channels at a time, where planes lie."""

import itertools

import numpy as np
import pytest
from test_page_edges import edges

import fastconv
from fastconv.backends import _in_place


def whole(rng, shape, dtype="f4"):
    return rng.integers(-4, 5, shape).astype(dtype)  # sums are exact


def together(x_shape, w_shape, **keywords):
    return _in_place.channels_together(fastconv.explain(fastconv.conv2d, x_shape, w_shape, **keywords).problem)


def test_which_layers_are_such():
    assert together((1, 64, 250, 250), (2, 64, 1, 1)) == 8
    assert together((1, 64, 256, 256), (2, 64, 1, 1)) == 4
    for x_shape, w_shape, keywords in (
        ((1, 64, 256, 256), (21, 64, 1, 1), {}),  # sets of the cache are shared, and filters come in several parts
        ((1, 64, 56, 56), (2, 64, 1, 1), {}), ((1, 8, 500, 500), (2, 8, 1, 1), {}), ((1, 300, 250, 250), (2, 300, 1, 1), {}),
        ((1, 64, 250, 250), (2, 64, 3, 3), {}), ((1, 64, 250, 250), (2, 64, 1, 1), {"stride": 2}),
        ((1, 64, 250, 250), (2, 64, 1, 1), {"padding": 1}),
    ):  # fmt: skip
        assert together(x_shape, w_shape, **keywords) == 0
    assert together((1, 250, 250, 64), (2, 64, 1, 1), layout="channels_last") == 0


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("filters", [1, 2, 3, 5, 8, 9, 21])
@pytest.mark.parametrize(("channels", "size"), [(41, (113, 115)), (43, (1, 13001)), (33, (128, 128))])
def test_values(channels, size, filters, dtype):
    rng = np.random.default_rng(filters)
    x, w = whole(rng, (2, channels, *size), dtype), whole(rng, (filters, channels, 1, 1), dtype)
    bias = whole(rng, filters, dtype)
    expected = fastconv.conv2d(x, w, bias, backend="reference")
    found = fastconv.conv2d(x, w, bias, backend="direct")
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(fastconv.conv2d(x, w, bias, backend="direct", activation="relu"), expected.clip(0))
    out = np.empty((2, *size, filters), dtype).transpose(0, 3, 1, 2)  # results that tiles cannot write
    np.testing.assert_array_equal(fastconv.conv2d(x, w, bias, backend="direct", out=out), expected)
    spread = np.zeros((2, channels, size[0], 2 * size[1]), dtype)[..., ::2]  # samples that are gathered
    spread[...] = x
    np.testing.assert_array_equal(fastconv.conv2d(spread, w, bias, backend="direct"), expected)


@pytest.mark.parametrize("filters", [2, 9])
@pytest.mark.parametrize(("channels", "size"), [(41, (113, 115)), (64, (250, 131)), (40, (128, 128))])
def test_bits_depend_on_nothing_but_the_layer(channels, size, filters):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((3, channels, *size), dtype=np.float32)
    w, bias = rng.standard_normal((filters, channels, 1, 1), dtype=np.float32), rng.standard_normal(filters, dtype=np.float32)
    expected = fastconv.conv2d(x, w, bias, backend="direct", activation="tanh")
    plan = fastconv.plan(w, bias, input_shape=x.shape, backend="direct", activation="tanh")
    out = np.empty((3, *size, filters), np.float32).transpose(0, 3, 1, 2)
    for threads, part in itertools.product((1, 3), (slice(None), slice(1, 2), slice(None, None, -2))):
        with fastconv.num_threads(threads):
            found = fastconv.conv2d(x[part], w, bias, backend="direct", activation="tanh")
            np.testing.assert_array_equal(found, expected[part])
            np.testing.assert_array_equal(plan(x), expected)
            np.testing.assert_array_equal(plan(x, out=out), expected)


@pytest.mark.parametrize("size", [(113, 115), (1, 13001), (13007, 1)])
@pytest.mark.parametrize("filters", [1, 3, 9])
def test_nothing_beside_is_touched(size, filters):
    rng = np.random.default_rng(2)
    data, w = whole(rng, (1, 41, *size)), whole(rng, (filters, 41, 1, 1))
    expected = fastconv.conv2d(data, w, backend="reference")
    for x, out in zip(edges(data.shape, "f4"), edges(expected.shape, "f4"), strict=True):
        x[...], out[...] = data, np.nan
        np.testing.assert_array_equal(fastconv.conv2d(x, w, out=out, backend="direct"), expected)


@pytest.mark.parametrize("backend", ["direct", "implicit", "indirect"])
@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "i4", "u1"])
def test_packed_planes_that_would_crowd(dtype, backend):
    """Planes of a strip of 4096 bytes, or half as many, lie a line of the cache further apart."""
    rng = np.random.default_rng(3)
    for x_shape, w_shape, keywords in (
        ((4, 20, 32, 32), (9, 20, 1, 1), {}), ((2, 17, 62, 62), (3, 17, 3, 3), {"padding": 1}),
        ((3, 18, 16, 64), (5, 18, 1, 1), {}), ((1, 19, 4, 30, 30), (3, 19, 3, 3, 3), {"padding": 1}),
        ((2, 20, 1024), (4, 20, 1), {}), ((2, 24, 32, 32), (4, 12, 1, 1), {"groups": 2}),
        ((2, 20, 16, 16), (20, 4, 3, 3), {"stride": 2, "padding": 1, "transposed": True}),
    ):  # fmt: skip
        x, w = whole(rng, x_shape, dtype), whole(rng, w_shape, dtype)
        function = fastconv.conv_transpose2d if keywords.pop("transposed", False) else fastconv.conv
        try:
            found = function(x, w, backend=backend, **keywords)
        except fastconv.BackendNotSupportedError:
            return
        np.testing.assert_array_equal(found, function(x, w, backend="reference", **keywords))
