"""One filter along one axis: backend "direct" against float64 sums, in every memory order, to the same bits."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy import ndimage

import fastconv
from fastconv._core import cpu
from fastconv._problem import Axis, Geometry, Problem
from fastconv.backends import _fir

DTYPES = ("f4", "f8", "c8", "c16")
BOUNDARIES = {"fill": "constant", "wrap": "wrap", "symm": "symmetric", "reflect": "reflect", "nearest": "edge"}


@pytest.fixture
def rng():
    return np.random.default_rng(21)


def numbers(rng, shape, dtype):
    x = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.standard_normal(shape)
    return x.astype(dtype)


def wide(x):
    return x.astype(np.result_type(x, "f8"))


def exact(x, h, mode, boundary="fill"):
    """convolve along the last axis, summed in double precision."""
    k = h.shape[-1]
    before, after = {"full": (k - 1, k - 1), "same": (k // 2, (k - 1) // 2), "valid": (0, 0)}[mode]
    padded = np.pad(wide(x), [(0, 0)] * (x.ndim - 1) + [(before, after)], mode=BOUNDARIES[boundary])
    windows = np.lib.stride_tricks.sliding_window_view(padded, k, axis=-1)
    return windows @ wide(h)[::-1]


def close(found, wanted, k, h):
    eps = np.finfo(found.dtype).eps
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max(initial=0) <= 8 * eps * (k**0.5 + 4) * max(1, np.abs(h).sum() / k**0.5)


def arranged(x, axis, how):
    """x, whose last axis is the filtered one, with that axis at ``axis`` and memory laid out as ``how``."""
    x = np.moveaxis(x, -1, axis)
    if how == "C":
        return np.ascontiguousarray(x)
    if how == "F":
        return np.asfortranarray(x)
    if how == "reversed":
        return np.ascontiguousarray(x[..., ::-1])[..., ::-1]
    apart = np.zeros([2 * n for n in x.shape], x.dtype)[tuple(slice(1, None, 2) for _ in x.shape)]
    apart[...] = x
    return apart


@settings(deadline=None, max_examples=250)
@given(
    dtype=st.sampled_from(DTYPES), k=st.integers(1, 70), n=st.integers(1, 300),
    rows=st.lists(st.integers(1, 20), max_size=2), axis=st.integers(0, 2),
    how=st.sampled_from(["C", "F", "reversed", "apart"]), mode=st.sampled_from(["full", "same", "valid"]),
    boundary=st.sampled_from(sorted(BOUNDARIES)), seed=st.integers(0, 99),
)  # fmt: skip
def test_any_axis_and_memory_order(dtype, k, n, rows, axis, how, mode, boundary, seed):
    rng = np.random.default_rng(seed)
    axis = axis % (len(rows) + 1)
    k = min(k, n)
    x, h = numbers(rng, (*rows, n), dtype), numbers(rng, k, dtype)
    wanted = exact(x, h, mode, boundary)
    a = arranged(x, axis, how)
    kept = a.copy()
    v = h.reshape([-1 if i == axis else 1 for i in range(a.ndim)])
    found = fastconv.convolve(a, v, mode, axes=axis, boundary=boundary, backend="direct")
    assert_array_equal(a, kept)
    close(np.moveaxis(found, axis, -1), wanted, k, h)
    # a line alone has the same bits
    line = fastconv.convolve(x[(0,) * len(rows)], h, mode, boundary=boundary, backend="direct")
    assert_array_equal(np.moveaxis(found, axis, -1)[(0,) * len(rows)], line)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 24, 31, 32, 33, 64, 100, 255, 256, 257, 513, 700])
def test_taps(k, dtype, rng):
    """Every remainder of taps over the tile's, blocks of taps, and lines of every length about a tile."""
    h = numbers(rng, k, dtype)
    for n in (k, k + 1, k + 7, k + 40, k + 79, k + 80, k + 160, 3000):
        x = numbers(rng, n, dtype)
        for mode in ("full", "valid"):
            close(fastconv.convolve(x, h, mode, backend="direct"), exact(x, h, mode), k, h)
    x = numbers(rng, (n // 4 + k, 37), dtype)
    found = fastconv.convolve(x, h[:, None], "same", axes=0, backend="direct")
    close(found.T, exact(x.T, h, "same"), k, h)


@pytest.mark.parametrize("dtype", DTYPES)
def test_cuts_do_not_change_bits(dtype, rng):
    """Long lines are cut in pieces, short ones joined, columns taken in strips: none of it is seen."""
    h = numbers(rng, 33, dtype)
    x = numbers(rng, 70_000, dtype)
    whole = fastconv.convolve(x, h, "valid", backend="direct")
    for first, n in ((0, 33), (1, 100), (16_380, 400), (5, 20_000), (69_000, 1000)):
        part = fastconv.convolve(x[first : first + n], h, "valid", backend="direct")
        assert_array_equal(part, whole[first : first + len(part)])
    for shape in ((700, 100), (350, 200), (7, 10_000), (100, 700)):
        rows = x.reshape(shape)
        found = fastconv.convolve(rows, h[None], "same", axes=1, backend="direct")
        assert_array_equal(fastconv.convolve(rows.T.copy(), h[:, None], "same", axes=0, backend="direct").T, found)
        assert_array_equal(fastconv.convolve(rows.T, h[:, None], "same", axes=0, backend="direct").T, found)


@pytest.mark.parametrize("dtype", DTYPES)
def test_threads_do_not_change_bits(dtype, rng):
    h = numbers(rng, 65, dtype)
    for shape, axis in (((200_000,), 0), ((40, 5000), 1), ((5000, 40), 0), ((20_000, 9), 1)):
        x, v = numbers(rng, shape, dtype), h[:9] if shape[-1] == 9 else h
        v = v.reshape([-1 if i == axis else 1 for i in range(x.ndim)])
        results = []
        for n in (1, 2, 3):
            with fastconv.num_threads(n):
                results.append(fastconv.convolve(x, v, "same", axes=axis, backend="direct"))
        assert_array_equal(results[0], results[1])
        assert_array_equal(results[0], results[2])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("how", ["line", "columns"])
def test_what_is_not_finite_stays_local(how, bad, rng):
    h = numbers(rng, 9, "f4")
    for at in (0, 5, 500, 999):
        x = numbers(rng, (1000, 24), "f4")
        x[at, 3] = bad
        clean = np.isfinite(x)
        if how == "line":
            found = fastconv.convolve(x.T.copy(), h[None], "same", axes=1, backend="direct").T
        else:
            found = fastconv.convolve(x, h[:, None], "same", axes=0, backend="direct")
        hit = ndimage.minimum_filter1d(clean.astype(int), 9, axis=0, mode="constant", cval=1) == 0
        assert_array_equal(~np.isfinite(found), hit)
    h[4] = bad      # times a padded zero it must not make a NaN
    x = np.ones(2000, "f4")
    found = fastconv.convolve(x, h, "full", backend="direct")
    assert np.isfinite(found[:4]).all()
    assert np.isfinite(found[-4:]).all()
    assert not np.isfinite(found[4:-4]).any()


def test_float32_errors_are_small(rng):
    """4e-7 of the rms, for any length of the filter."""
    for k in (16, 64, 255, 1024, 4096):
        x, h = numbers(rng, 3 * k + 500, "f4"), numbers(rng, k, "f4")
        wanted = exact(x, h, "valid")
        error = fastconv.convolve(x, h, "valid", backend="direct") - wanted
        assert np.sqrt((error**2).mean() / (wanted**2).mean()) < 4e-7


def test_samples_of_another_dtype(rng):
    """... are converted, byte order and all."""
    h = numbers(rng, 5, "f8")
    for x in (np.arange(900, dtype="i2"), np.arange(900.0).astype(">f8"), np.arange(900, dtype="f4")):
        close(fastconv.convolve(x, h, "same", backend="direct"), exact(x.astype("f8"), h, "same"), 5, 900 * h)
    z = numbers(rng, 900, "f8")
    close(fastconv.convolve(z, h + 1j, backend="direct"), exact(z + 0j, h + 1j, "full"), 5, h)


def test_out_and_overlap(rng):
    x, h = numbers(rng, (30, 1000), "f8"), numbers(rng, (1, 9), "f8")
    wanted = fastconv.convolve(x, h, "same", axes=1, backend="direct")
    out = np.zeros((1000, 60)).T[::2]
    assert fastconv.convolve(x, h, "same", axes=1, backend="direct", out=out) is out
    assert_array_equal(out, wanted)
    assert_array_equal(fastconv.convolve(x, h, "same", axes=1, backend="direct", out=x), wanted)


def test_layers_of_one_channel(rng):
    x, w = numbers(rng, (3, 1, 500), "f4"), numbers(rng, (1, 1, 7), "f4")
    found = fastconv.conv1d(x, w, padding=3, backend="direct")
    close(found[:, 0], exact(x[:, 0], w[0, 0, ::-1], "same"), 7, w)
    found = fastconv.conv_transpose1d(x, w, backend="direct")
    close(found[:, 0], exact(x[:, 0], w[0, 0], "full"), 7, w)
    x, w = numbers(rng, (2, 1, 40, 50), "f8"), numbers(rng, (1, 1, 1, 5), "f8")
    close(fastconv.conv2d(x, w, backend="direct")[:, 0], exact(x[:, 0], w[0, 0, 0, ::-1], "valid"), 5, w)


def test_which_problems_these_are():
    def found(**changes):
        axis = Axis(100, 5, 96)
        fields = {"batch": (3,), "groups": (1,), "channels": 1, "filters": (1,), "axes": (axis,), **changes}
        dtype = np.dtype(fields.pop("dtype", "f4"))
        rest = {k: fields.pop(k) for k in ("activation", "has_bias") if k in fields}
        return _fir.filtered_axis(Problem(Geometry(**fields), dtype, **rest))

    plain = Axis(7, 1, 7)
    assert found() == 0
    assert found(axes=(plain, Axis(100, 5, 96), plain)) == 1
    assert found(axes=(plain, plain)) is None
    assert found(axes=(Axis(100, 5, 96), Axis(100, 5, 96))) is None
    assert found(axes=(Axis(100, 5, 48, stride=2),)) is None
    assert found(axes=(Axis(100, 5, 92, dilation=2),)) is None
    assert found(channels=2) is None
    assert found(filters=(2,)) is None
    assert found(dtype="i4") is None
    assert found(dtype="f2") is None
    assert found(activation="relu") is None
    assert found(has_bias=True) is None


@pytest.mark.parametrize("isa", cpu.available_isas())
def test_every_isa(isa):
    code = """
        import numpy as np, fastconv
        rng = np.random.default_rng(0)
        for dtype, tol in (("f4", 1e-4), ("f8", 1e-12), ("c8", 2e-4), ("c16", 1e-12)):
            for k in (1, 3, 8, 17, 64, 300):
                x, h = rng.standard_normal((40, 1500)), rng.standard_normal(k)
                if dtype[0] == "c":
                    x, h = x + 1j * x[::-1], h * (1 - 2j)
                wanted = np.array([np.convolve(line, h, "same") for line in x])
                x, h = x.astype(dtype), h.astype(dtype)
                rows = fastconv.convolve(x, h[None], "same", axes=1, backend="direct")
                assert abs(rows - wanted).max() < tol * k
                cols = fastconv.convolve(x.T.copy(), h[:, None], "same", axes=0, backend="direct")
                assert (cols.T == rows).all()
                alone = fastconv.convolve(x[3], h, "same", backend="direct")
                assert (alone == rows[3]).all()
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], timeout=120, text=True,
                          env={**os.environ, "FASTCONV_ISA": isa}, capture_output=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
