"""Equal windows give equal bits, wherever they lie in an array."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastconv
from fastconv import ndimage

drawn = partial(settings, derandomize=True, deadline=None, database=None)
PLACED = ("direct", "implicit", "indirect", "depthwise")  # transforms and Winograd's tiles do know their place


def periodic(rng, shape, periods, dtype):
    """A cell of random numbers again and again along every axis."""
    cell = rng.standard_normal(periods)
    if np.dtype(dtype).kind == "c":
        cell = cell + 1j * rng.standard_normal(periods)
    counts = [-(-n // p) for n, p in zip(shape, periods, strict=True)]
    return np.tile(cell, counts)[tuple(map(slice, shape))].astype(dtype)


def assert_periodic(y, periods, axes):
    for axis, period in zip(axes, periods, strict=True):
        if y.shape[axis] > period:
            ends = [np.take(y, range(first, y.shape[axis] - period + first), axis) for first in (0, period)]
            np.testing.assert_array_equal(*ends)


@drawn(max_examples=150)
@given(st.data())
def test_signals(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    rank = data.draw(st.integers(1, 3))
    longest, most_taps = ((3000, 40), (120, 12), (30, 5))[rank - 1]
    shape = [data.draw(st.integers(1, longest)) for _ in range(rank)]
    kernel = [min(n, data.draw(st.integers(1, most_taps))) for n in shape]
    periods = [data.draw(st.integers(1, 4)) for _ in range(rank)]
    dtype = data.draw(st.sampled_from("fdFDe"))
    w = rng.standard_normal(kernel)
    if data.draw(st.booleans()):
        w = w + np.flip(w)
    x = periodic(rng, shape, periods, dtype)
    assert_periodic(fastconv.correlate(x, w.astype(dtype), "valid", backend="direct"), periods, range(rank))


@drawn(max_examples=150)
@given(st.data())
def test_lines(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    rank, order = data.draw(st.integers(1, 3)), data.draw(st.integers(0, 2))
    sigma = data.draw(st.sampled_from((0.5, 0.7, 1.0, 2.0, 4.0)))
    radius = int(4 * sigma + 0.5)
    longest = (3000, 120, 40)[rank - 1]
    shape = [data.draw(st.integers(1, longest)) for _ in range(rank)]
    axis = data.draw(st.integers(0, rank - 1))
    shape[axis] += 2 * radius
    periods = [data.draw(st.integers(1, 4)) for _ in range(rank)]
    x = periodic(rng, shape, periods, data.draw(st.sampled_from("fdhF")))
    y = ndimage.gaussian_filter1d(x * 50 if x.dtype.kind == "i" else x, sigma, axis, order)
    inside = np.take(y, range(radius, shape[axis] - radius), axis)
    assert_periodic(inside, periods, range(rank))


@pytest.mark.parametrize("mode", ("reflect", "nearest", "mirror", "wrap"))
@pytest.mark.parametrize("shape", ((50,), (3, 3), (20, 33), (300, 301), (12, 13, 14), (100, 3)))
@pytest.mark.parametrize("dtype", ("f4", "f8", "u1"))
def test_constants_stay_constant(shape, mode, dtype):
    x = np.full(shape, 23.7).astype(dtype)
    for sigma in (0.7, 1, 2, 5):
        assert np.ptp(ndimage.gaussian_filter(x, sigma, mode=mode)) == 0
    assert np.ptp(ndimage.uniform_filter(x, 5, mode=mode)) == 0


@drawn(max_examples=200)
@given(st.data())
def test_layers(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    rank, depthwise = data.draw(st.integers(1, 3)), data.draw(st.booleans())
    channels, filters = (data.draw(st.sampled_from((1, 2, 3, 4, 8, 17, 33))) for _ in range(2))
    stride, dilation = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 2))
    most_taps, most = ((12, 300), (6, 60), (4, 12))[rank - 1]
    kernel = [data.draw(st.integers(1, most_taps)) for _ in range(rank)]
    shape = [k * dilation + data.draw(st.integers(1, most)) for k in kernel]
    periods = [data.draw(st.integers(1, 4)) for _ in range(rank)]
    dtype, batch = data.draw(st.sampled_from("fd")), data.draw(st.integers(1, 2))
    x = periodic(rng, (batch, channels, *shape), (batch, channels, *periods), dtype)
    groups = channels if depthwise else 1
    w = rng.standard_normal((channels if depthwise else filters, channels // groups, *kernel)).astype(dtype)
    layout = data.draw(st.sampled_from(("channels_first", "channels_last")))
    if layout == "channels_last":
        x = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    first = 1 if layout == "channels_last" else 2
    for backend in PLACED:
        try:
            y = fastconv.conv(x, w, stride=stride, dilation=dilation, groups=groups, layout=layout, backend=backend)
        except fastconv.BackendNotSupportedError:
            continue
        assert_periodic(y, [p // np.gcd(p, stride) for p in periods], range(first, first + rank))
