"""Samples that no window covers and taps that meet padding alone: no result may feel how large they are."""

import numpy as np
import pytest

import fastconv
from fastconv._problem import Axis

TRANSFORMS = ("fft", "oa", "winograd")
LOUD = {"f4": 1e12, "f8": 1e140, "c8": 1e12, "c16": 1e140}


@pytest.fixture
def rng():
    return np.random.default_rng(31)


def with_loud(array, parts, value):
    """The array with that value in all but some parts, and with zeros there."""
    loud, silent = np.full_like(array, value), np.zeros_like(array)
    loud[parts], silent[parts] = array[parts], array[parts]
    return loud, silent


def same_or_refused(function, backend, first, second, **keywords):
    """Whether the backend computes this; then the same bits for both pairs of operands."""
    try:
        found = getattr(fastconv, function)(*first, backend=backend, **keywords)
    except fastconv.BackendNotSupportedError:
        return False
    np.testing.assert_array_equal(found, getattr(fastconv, function)(*second, backend=backend, **keywords))
    assert np.isfinite(found).all() and found.any()
    return True


@pytest.mark.parametrize("dtype", LOUD)
@pytest.mark.parametrize("backend", TRANSFORMS[:2])
def test_signals_longer_than_the_results_need(backend, dtype, rng):
    """mode="same" keeps the middle: of 3 results the kernel of 2 taps reads 4 of 41 samples."""
    a, v = rng.standard_normal(3).astype(dtype), rng.standard_normal(41).astype(dtype)
    full = np.zeros(43)
    full[20:23] = 1  # what "same" keeps
    used = np.flatnonzero([any(full[i + j] for j in range(3)) for i in range(41)])
    loud, silent = with_loud(v, used, LOUD[dtype])
    assert same_or_refused("convolve", backend, (a, loud), (a, silent), mode="same")
    assert same_or_refused("convolve", backend, (a[:1], loud[9:32]), (a[:1], silent[9:32]), mode="same")


@pytest.mark.parametrize("dtype", LOUD)
@pytest.mark.parametrize("backend", TRANSFORMS[:2])
def test_images_longer_than_the_results_need(backend, dtype, rng):
    a, v = rng.standard_normal((3, 2)).astype(dtype), rng.standard_normal((40, 25)).astype(dtype)
    loud, silent = with_loud(v, np.s_[17:22, 11:14], LOUD[dtype])
    assert same_or_refused("convolve", backend, (a, loud), (a, silent), mode="same")


@pytest.mark.parametrize("backend", TRANSFORMS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_taps_that_meet_padding_alone(backend, dtype, rng):
    """A single row of pixels under a 3x3 kernel with one row of padding: two rows of taps are idle."""
    x, w = rng.standard_normal((2, 8, 1, 30)).astype(dtype), rng.standard_normal((9, 8, 3, 3)).astype(dtype)
    loud, silent = with_loud(w, np.s_[:, :, 1], LOUD[dtype])
    done = same_or_refused("conv2d", backend, (x, loud), (x, silent), padding=1)
    x, w = x[:1, :1, 0], w[:1, :1, 0]
    loud, silent = with_loud(np.tile(w, 9), np.s_[..., 9:18], LOUD[dtype])
    assert same_or_refused("conv1d", backend, (x[..., :5], loud), (x[..., :5], silent), padding=13) or done


@pytest.mark.parametrize("backend", ["winograd"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_cropped_layers(backend, dtype, rng):
    """Negative padding takes away more than a tile of samples at both ends."""
    x, w = rng.standard_normal((1, 8, 20, 23)).astype(dtype), rng.standard_normal((8, 8, 3, 3)).astype(dtype)
    loud, silent = with_loud(x, np.s_[..., 5:14, 3:18], LOUD[dtype])
    assert same_or_refused("conv2d", backend, (loud, w), (silent, w), padding=((-5, -6), (-3, -5)))


def test_overflow_on_the_way_is_not_one_of_the_sums():
    x = np.full((1, 1, 32), 3e37, np.float32)
    x[..., ::2] *= -1
    found = fastconv.conv1d(x, np.ones((1, 1, 16), np.float32) * np.float32(0.5), backend="fft")
    np.testing.assert_allclose(found, 0, atol=1e32)


@pytest.mark.parametrize(("size", "kernel", "out", "stride", "dilation", "before"),
                         [(1, 3, 1, 1, 1, 1), (2, 5, 9, 1, 1, 6), (3, 4, 2, 5, 1, 3), (4, 3, 4, 1, 3, 3),
                          (5, 3, 2, 1, 1, -2), (1, 7, 2, 4, 2, 6), (3, 2, 1, 1, 1, 5)])  # fmt: skip
def test_uses_of_an_axis_by_their_definitions(size, kernel, out, stride, dilation, before):
    axis = Axis(size, kernel, out, stride, dilation, before)
    pairs = [(o * stride + k * dilation - before, k) for o in range(out) for k in range(kernel)]
    assert axis.used == max(1, *(min(size, at + 1) for at, _ in pairs))
    met = [k for at, k in pairs if 0 <= at < size]
    assert axis.meets == tuple(met.count(k) for k in range(kernel))
    assert axis.idle == tuple(k for k in range(kernel) if k not in met)
