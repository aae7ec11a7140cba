"""backend="fft": layers and signals of every rank and type against direct sums, bad numbers, imports."""

import subprocess
import sys

import numpy as np
import pytest

import fastconv
from fastconv.backends import fft as backend


def numbers(rng, shape, dtype):
    x = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.standard_normal(shape)
    return x.astype(dtype)


TOLERANCE = {"e": 2e-2, "f": 2e-5, "F": 2e-5, "d": 1e-13, "D": 1e-13, "g": 1e-16, "G": 1e-16}


def same(found, wanted):
    assert found.dtype == wanted.dtype and found.shape == wanted.shape
    scale = np.abs(wanted).max(initial=0)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE[found.dtype.char] * float(scale))


@pytest.mark.parametrize("dtype", ["e", "f", "d", "g", "F", "D", "G"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_layers(dtype, rank):
    rng = np.random.default_rng(rank)
    x = numbers(rng, (2, 6, *(23, 14, 9)[:rank]), dtype)
    w = numbers(rng, (4, 3, *(5, 4, 3)[:rank]), dtype)
    bias = numbers(rng, (4,), dtype)
    for words in ({}, {"padding": 3}, {"stride": 2, "padding": 1}, {"dilation": 2},
                  {"padding": 2, "padding_mode": "reflect"}, {"padding": -1},
                  {"padding": "same", "padding_mode": "circular"},
                  {"padding": 4, "padding_mode": "replicate", "flip": True}):  # fmt: skip
        call = dict(words, bias=bias, groups=2)
        found = fastconv.conv(x, w, **call, backend="fft")
        same(found, fastconv.conv(x, w, **call, backend="direct"))
    if dtype in "fd":
        last = np.moveaxis(x, 1, -1)
        call = {"groups": 2, "layout": "channels_last", "activation": "relu"}
        same(fastconv.conv(last, w, **call, backend="fft"),
             fastconv.conv(last, w, **call, backend="direct"))  # fmt: skip


def test_many_channels():
    rng = np.random.default_rng(4)
    x, w = numbers(rng, (2, 24, 20, 21), "f"), numbers(rng, (10, 24, 7, 6), "f")
    same(fastconv.conv2d(x, w, padding=3, backend="fft"), fastconv.conv2d(x, w, padding=3, backend="direct"))


@pytest.mark.parametrize("boundary", ["fill", "wrap", "symm", "reflect", "nearest"])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("dtype", ["f", "D", "g"])
def test_signals(boundary, mode, dtype):
    rng = np.random.default_rng(5)
    for shape, kernel in (((40, 31), (7, 12)), ((9, 8, 7), (3, 8, 5)), ((200,), (77,)), ((5, 6), (5, 6))):
        a, v = numbers(rng, shape, dtype), numbers(rng, kernel, dtype)
        words = {"boundary": boundary, "fillvalue": 0.5 if boundary == "fill" else 0}
        for f in (fastconv.convolve, fastconv.correlate):
            same(f(a, v, mode, **words, backend="fft"), f(a, v, mode, **words, backend="direct"))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_not_finite_numbers_stay_in_their_windows(value):
    rng = np.random.default_rng(6)
    x, w = numbers(rng, (3, 2, 30, 30), "f"), numbers(rng, (2, 2, 5, 5), "f")
    clean = fastconv.conv2d(x, w, backend="fft")
    x[1, 0, 10, 10] = value
    found = fastconv.conv2d(x, w, backend="fft")
    with np.errstate(all="ignore"):
        wanted = fastconv.conv2d(x, w, backend="direct")
    np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    np.testing.assert_array_equal(found[[0, 2]], clean[[0, 2]])
    w[0, 0, 0, 0] = value
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(fastconv.conv2d(x, w, padding=2, backend="fft"),
                                      fastconv.conv2d(x, w, padding=2, backend="direct"))  # fmt: skip


@pytest.mark.parametrize("dtype", ["f", "d", "F"])
def test_loud_samples_leave_quiet_windows_exact(dtype):
    rng = np.random.default_rng(7)
    a, v = numbers(rng, (80, 90), dtype), numbers(rng, (9, 9), dtype)
    a[40, 40] *= 1e6 if dtype != "d" else 1e12
    wide = "D" if dtype == "F" else "g"
    wanted = fastconv.convolve(a.astype(wide), v.astype(wide), "valid", backend="direct")
    local = fastconv.convolve(np.abs(a).astype("d"), np.abs(v).astype("d"), "valid", backend="direct")
    error = np.abs(fastconv.convolve(a, v, "valid", backend="fft") - wanted) / local
    assert error.max() < (4e-6 if dtype != "d" else 1e-10)


def test_bits_depend_on_neither_threads_nor_batch():
    rng = np.random.default_rng(8)
    x, w = numbers(rng, (3, 3, 50, 40), "f"), numbers(rng, (4, 3, 9, 9), "f")
    found = []
    for n in (1, 2, 3):
        with fastconv.num_threads(n):
            found.append(fastconv.conv2d(x, w, backend="fft"))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    np.testing.assert_array_equal(fastconv.conv2d(x[1:2], w, backend="fft")[0], found[0][1])
    p = fastconv.plan(w, input_shape=x.shape, backend="fft")
    np.testing.assert_array_equal(p(x), found[0])


def test_fast_lengths():
    for n in (1, 2, 7, 17, 97, 1000, 12_345, 10**6 + 3):
        for real in (False, True):
            m = backend.fast_length(n, real)
            assert n <= m <= 1 << (n - 1).bit_length()
            for p in (2, 3, 5) if real else (2, 3, 5, 7, 11):
                while m % p == 0:
                    m //= p
            assert m == 1


@pytest.mark.parametrize(("x", "w", "words", "why"), [
    (np.ones((1, 1, 9)), np.ones((1, 1, 3)), {"stride": 4}, "skip samples"),
    (np.ones((1, 1, 9)), np.ones((1, 1, 3)), {"dilation": 4}, "skip samples"),
])  # fmt: skip
def test_refusals_say_why(x, w, words, why):
    with pytest.raises(fastconv.BackendNotSupportedError, match=why):
        fastconv.conv1d(x, w, **words, backend="fft")


def test_import_stays_light():
    code = "import sys, fastconv; assert not {'scipy.fft', 'scipy.signal'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
