"""backend="indirect": tables of every border, strides of every sign, blocks of taps and of channels."""

import numpy as np
import pytest

import fastconv

LAYOUTS = ("channels_first", "channels_last")


def whole(rng, shape, dtype="f"):
    return rng.integers(-4, 5, shape).astype(dtype)  # sums are exact


def check(x, w, bias=None, layout="channels_first", **keywords):
    x = np.ascontiguousarray(np.moveaxis(x, 1, -1)) if layout == "channels_last" else x
    wanted = fastconv.conv(x, w, bias, backend="reference", layout=layout, **keywords)
    for threads in (1, 3):
        with fastconv.num_threads(threads):
            found = fastconv.conv(x, w, bias, backend="indirect", layout=layout, **keywords)
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_borders(mode, layout):
    rng = np.random.default_rng(0)
    x, w = whole(rng, (2, 6, 7, 9)), whole(rng, (4, 3, 3, 2))
    for padding in (1, ((4, 0), (0, 6)), ((-1, 2), (3, -2))):
        check(x, w, whole(rng, 4), layout, groups=2, padding=padding, padding_mode=mode)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("channels", [1, 3, 200, 256, 300, 520])
def test_blocks_of_taps_and_channels(channels, layout):
    rng = np.random.default_rng(channels)
    for filters in (1, 16, 17, 33):
        check(whole(rng, (1, channels, 5, 6)), whole(rng, (filters, channels, 2, 3)), layout=layout, dilation=2)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("channels", [1, 100, 300])
@pytest.mark.parametrize(("dilation", "padding"), [(9, 9), ((4, 30), (4, 30)), (1, (20, 1)), ((2, 3), ((25, 0), (0, 30)))])
def test_tiles_that_taps_miss(dilation, padding, channels, layout):
    """Wide padding and dilation: taps meet zeros in whole tiles, the first taps, the last ones, all of them."""
    rng = np.random.default_rng(channels)
    x, w = whole(rng, (2, channels, 14, 23)), whole(rng, (17, channels, 3, 3))
    check(x, w, whole(rng, 17), layout, dilation=dilation, padding=padding)


@pytest.mark.parametrize("pixels", [1, 13, 14, 15, 195, 196, 197, 400])
def test_strips(pixels):
    rng = np.random.default_rng(pixels)
    check(whole(rng, (2, 4, pixels + 2)), whole(rng, (70, 4, 3)), whole(rng, 70))


def test_views_are_read_where_they_lie():
    rng = np.random.default_rng(1)
    big, w = whole(rng, (2, 12, 14, 8)), whole(rng, (6, 4, 3, 3))
    for x in (big[..., :4], big[:, ::-1, ::2, 4:], big[..., ::2], big[..., 7:3:-1], big.astype(">f4")[..., :4]):
        wanted = fastconv.conv2d(x.astype("f"), w, layout="channels_last", padding=1, backend="reference")
        found = fastconv.conv2d(x, w, layout="channels_last", padding=1, backend="indirect")
        np.testing.assert_array_equal(found, wanted)
        out = np.zeros((*wanted.shape[:-1], 12), "f")[..., ::2]
        fastconv.conv2d(x, w, layout="channels_last", padding=1, backend="indirect", out=out)
        np.testing.assert_array_equal(out, wanted)


def test_what_it_does_not_do_is_refused_with_the_reason():
    x, w = np.ones((1, 4, 9, 9), "f"), np.ones((4, 4, 3, 3), "f")
    with pytest.raises(fastconv.BackendNotSupportedError, match="transposed"):
        fastconv.conv_transpose2d(x, w, backend="indirect")
    with pytest.raises(fastconv.BackendNotSupportedError, match="float32 and float64"):
        fastconv.conv2d(x.astype("i4"), w.astype("i4"), backend="indirect")
    with pytest.raises(fastconv.BackendNotSupportedError, match="table of pointers"):
        fastconv.conv2d(np.ones((1, 1, 2000, 2000), "f"), np.ones((1, 1, 3, 3), "f"), backend="indirect")


@pytest.mark.parametrize("channels", [8, 13, 40])
@pytest.mark.parametrize("size", [(3, 3), (9, 8), (13, 11)])
def test_turning(channels, size):
    """Pieces of samples, the last over its neighbour, and planes and channels smaller than a vector."""
    rng = np.random.default_rng(channels)
    x, w = whole(rng, (2, channels, *size)), whole(rng, (5, channels, 2, 2))
    check(x, w)
    check(x[:, :, :, ::2], w[..., :1])
