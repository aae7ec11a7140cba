"""The compiled filters (fastconv._core.filters) against scipy.signal's."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import signal

import fastconv
from fastconv._core import cpu, filters

DTYPES = ("f4", "f8", "c8", "c16")


@pytest.fixture
def rng():
    return np.random.default_rng(20)


def numbers(rng, shape, dtype):
    x = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.standard_normal(shape)
    return x.astype(dtype)


def close(found, wanted, dtype, scale=1):
    eps = np.finfo(dtype).eps
    size = max(1, np.abs(wanted).max()) if np.size(wanted) else 1
    assert found.dtype == wanted.dtype
    assert found.shape == wanted.shape
    assert_allclose(found, wanted, rtol=0, atol=scale * 200 * eps * size)


def stable(rng, order, dtype, complex_taps=False):
    """Coefficients with poles well inside the unit circle."""
    poles = rng.uniform(0.1, 0.8, order) * np.exp(1j * rng.uniform(0, 6.28, order))
    if not complex_taps:
        poles = np.concatenate([poles[: order // 2], poles[: order // 2].conj(),
                                poles[: order % 2].real])  # fmt: skip
    a = np.poly(poles) if order else np.ones(1)
    b = numbers(rng, order + 1, "c16" if complex_taps else "f8")
    if not complex_taps:
        a, dtype = a.real, np.zeros(1, dtype).real.dtype
    return b.astype(dtype), (2 * a).astype(dtype)


def sections(rng, count, dtype):
    sos = np.zeros((count, 6))
    sos[:, :3] = rng.uniform(-1, 1, (count, 3))
    r, w = rng.uniform(0.1, 0.8, count), rng.uniform(0, 3.14, count)
    sos[:, 3], sos[:, 4], sos[:, 5] = 1, -2 * r * np.cos(w), r * r
    return sos.astype(np.zeros(1, dtype).real.dtype)


def strided(rng, shape, dtype, how):
    """An array of that shape: C, Fortran order, reversed, or every other element."""
    if how == "F":
        return np.asfortranarray(numbers(rng, shape, dtype))
    if how == "reversed":
        return numbers(rng, shape, dtype)[..., ::-1]
    if how == "apart":
        return numbers(rng, [2 * n for n in shape], dtype)[tuple(slice(None, None, 2) for _ in shape)]
    return numbers(rng, shape, dtype)


CALLS = {
    "dtype": st.sampled_from(DTYPES), "how": st.sampled_from(["C", "F", "reversed", "apart"]),
    "shape": st.lists(st.integers(1, 40), min_size=1, max_size=3), "axis": st.integers(-3, 2),
    "seed": st.integers(0, 99), "start": st.booleans(),
}  # fmt: skip


@settings(deadline=None, max_examples=120)
@given(order=st.integers(1, 11), complex_taps=st.booleans(), **CALLS)
def test_lfilter(order, complex_taps, dtype, how, shape, axis, seed, start):
    rng = np.random.default_rng(seed)
    axis = axis % len(shape)
    x = strided(rng, shape, dtype, how)
    complex_taps = complex_taps and dtype[0] == "c"
    b, a = stable(rng, order, dtype, complex_taps)
    b = b[: 1 + seed % (order + 1)]
    zi = numbers(rng, (*shape[:axis], order, *shape[axis + 1 :]), dtype) if start else None
    kept = x.copy()
    y, zf = filters.lfilter(b, a, x, zi, axis)
    assert_array_equal(x, kept)
    wide = "f8" if dtype[0] == "f" else "c16"
    wanted = signal.lfilter(b.astype(wide), a.astype(wide), x.astype(wide), axis,
                            None if zi is None else zi.astype(wide))  # fmt: skip
    assert y.flags.c_contiguous
    if start:
        close(zf, wanted[1].astype(dtype), dtype, 10)
        wanted = wanted[0]
    else:
        assert zf is None
    close(y, wanted.astype(dtype), dtype, 10)


@settings(deadline=None, max_examples=80)
@given(count=st.integers(1, 9), **CALLS)
def test_sosfilt(count, dtype, how, shape, axis, seed, start):
    rng = np.random.default_rng(seed)
    axis = axis % len(shape)
    x, sos = strided(rng, shape, dtype, how), sections(rng, count, dtype)
    zi = None
    if start:
        zi = numbers(rng, (count, *shape[:axis], 2, *shape[axis + 1 :]), dtype)
    y, zf = filters.sosfilt(sos, x, zi, axis)
    wide = "f8" if dtype[0] == "f" else "c16"
    wanted = signal.sosfilt(sos.astype("f8"), x.astype(wide), axis, None if zi is None else zi.astype(wide))
    if start:
        close(zf, wanted[1].astype(dtype), dtype, 20)
        wanted = wanted[0]
    close(y, wanted.astype(dtype), dtype, 20)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 33, 70])
def test_a_channel_does_not_depend_on_the_others(channels, dtype, rng):
    """... nor on memory order: the same bits alone, among others, along either axis."""
    x = numbers(rng, (channels, 300), dtype)
    for count in (1, 2, 3, 4, 5, 8):
        sos = sections(rng, count, dtype)
        together, _ = filters.sosfilt(sos, x)
        for c in {0, channels // 2, channels - 1}:
            assert_array_equal(filters.sosfilt(sos, x[c])[0], together[c])
        assert_array_equal(filters.sosfilt(sos, x.T.copy(), axis=0)[0].T, together)
    for order in (1, 2, 3, 4, 5, 8, 9, 12):
        b, a = stable(rng, order, dtype)
        together, _ = filters.lfilter(b, a, x)
        assert_array_equal(filters.lfilter(b, a, x[-1])[0], together[-1])
        assert_array_equal(filters.lfilter(b, a, x.T.copy(), axis=0)[0].T, together)


@pytest.mark.parametrize("dtype", DTYPES)
def test_threads_do_not_change_bits(dtype, rng):
    x, sos = numbers(rng, (37, 20000), dtype), sections(rng, 5, dtype)
    h = numbers(rng, 300, dtype)
    with fastconv.num_threads(1):
        wanted = filters.sosfilt(sos, x)[0], filters.upfirdn(h, x, 3, 2), filters.upfirdn(h, x, 3, 2, 0)
    for n in (2, 3):
        with fastconv.num_threads(n):
            found = filters.sosfilt(sos, x)[0], filters.upfirdn(h, x, 3, 2), filters.upfirdn(h, x, 3, 2, 0)
        for a, b in zip(found, wanted, strict=True):
            assert_array_equal(a, b)


def test_filters_in_pieces_are_one_filter(rng):
    """The state after some samples starts the rest: to the same bits."""
    x = numbers(rng, (6, 1000), "f8")
    sos, (b, a) = sections(rng, 3, "f8"), stable(rng, 4, "f8")
    for run, z in ((lambda part, z: filters.sosfilt(sos, part, z), np.zeros((3, 6, 2))),
                   (lambda part, z: filters.lfilter(b, a, part, z), np.zeros((6, 4)))):  # fmt: skip
        whole, end = run(x, z)
        parts = []
        for part in np.split(x, [1, 2, 100, 357], axis=1):
            y, z = run(part, z)
            parts.append(y)
        assert_array_equal(np.concatenate(parts, axis=1), whole)
        assert_array_equal(z, end)


def test_no_samples_and_no_poles(rng):
    z = numbers(rng, (3, 2), "f8")
    y, zf = filters.lfilter(np.ones(3), np.ones(2), np.zeros((3, 0)), z)
    assert y.shape == (3, 0)
    assert_array_equal(zf, z)
    y, zf = filters.lfilter(np.ones(1) * 3, np.ones(1) * 2, np.arange(4.0))
    assert_array_equal(y, 1.5 * np.arange(4))
    assert filters.sosfilt(sections(rng, 2, "f8"), np.zeros((0, 5)))[0].shape == (0, 5)


@settings(deadline=None, max_examples=200)
@given(taps=st.integers(1, 60), up=st.integers(1, 9), down=st.integers(1, 9),
       mode=st.sampled_from(filters.UPFIRDN_MODES), complex_taps=st.booleans(), **CALLS)  # fmt: skip
def test_upfirdn(taps, up, down, mode, complex_taps, dtype, how, shape, axis, seed, start):
    rng = np.random.default_rng(seed)
    axis = axis % len(shape)
    shape[axis] += 1  # SciPy divides by n - 1 in some modes
    x = strided(rng, shape, dtype, how)
    h = numbers(rng, taps, dtype if complex_taps else np.zeros(1, dtype).real.dtype)
    y = filters.upfirdn(h, x, up, down, axis, mode, 1.5 if start else 0)
    assert y.flags.c_contiguous
    close(y, signal.upfirdn(h, x, up, down, axis, mode, 1.5 if start else 0), dtype, 10)


@pytest.mark.parametrize("up", [1, 3, 160])
@pytest.mark.parametrize("down", [1, 2, 147])
@pytest.mark.parametrize("dtype", DTYPES)
def test_upfirdn_long(up, down, dtype, rng):
    x, h = numbers(rng, (2, 30011), dtype), numbers(rng, 211, dtype)
    close(filters.upfirdn(h, x, up, down), signal.upfirdn(h, x, up, down), dtype, 10)
    x = numbers(rng, (3001, 19), dtype)
    close(filters.upfirdn(h, x, up, down, 0), signal.upfirdn(h, x, up, down, 0), dtype, 10)


def test_upfirdn_keeps_a_nan_local(rng):
    h = numbers(rng, 13, "f8")
    for up, down in ((1, 1), (3, 2), (2, 5), (5, 1)):
        for at in (0, 17, 39):
            x = numbers(rng, 40, "f8")
            clean = filters.upfirdn(h, x, up, down)
            x[at] = np.nan
            hit = signal.upfirdn(np.ones(13), np.isnan(x) * 1.0, up, down) > 0
            found = filters.upfirdn(h, x, up, down)
            assert_array_equal(np.isnan(found), hit)
            assert_array_equal(found[~hit], clean[~hit])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: filters.lfilter(np.ones(2), np.ones(2), np.ones(4, int)), TypeError, "x must be float32"),
        (lambda: filters.lfilter(np.ones(2, "f4"), np.ones(2), np.ones(4)), TypeError, "b must have"),
        (lambda: filters.lfilter(np.ones(2), np.zeros(2), np.ones(4)), ValueError, r"a\[0\]"),
        (lambda: filters.lfilter(np.ones(2), np.ones(2), np.ones(4), np.ones(3)), ValueError, "zi must"),
        (lambda: filters.lfilter(np.ones(2), np.ones(2), np.ones(4), axis=1), ValueError, "axis 1"),
        (lambda: filters.sosfilt(np.ones((2, 5)), np.ones(4)), ValueError, "sections, 6"),
        (lambda: filters.sosfilt(np.full((2, 6), 2.0), np.ones(4)), ValueError, "must be 1"),
        (lambda: filters.upfirdn(np.ones(2), np.ones(4), 0), ValueError, "at least 1"),
        (lambda: filters.upfirdn(np.ones(2), np.ones(4), mode="edges"), ValueError, "mode must"),
        (lambda: filters.upfirdn(np.ones(0), np.ones(4)), ValueError, "no coefficients"),
        (lambda: filters.upfirdn(np.ones(2), np.ones((4, 0))), ValueError, "no samples"),
    ],
)
def test_mistakes(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize("isa", cpu.available_isas())
def test_every_isa(isa):
    code = """
        import numpy as np
        from scipy import signal
        from fastconv._core import filters
        rng = np.random.default_rng(0)
        sos = signal.butter(9, 0.3, output="sos")
        b, a = signal.butter(3, 0.3)
        for channels in (1, 3, 6, 21, 64):
            x = rng.standard_normal((channels, 500))
            for dtype, tol in (("f4", 1e-4), ("f8", 1e-12)):
                v = x.astype(dtype)
                for axis in (0, 1):
                    y, _ = filters.sosfilt(sos.astype(dtype), v, axis=axis)
                    np.testing.assert_allclose(y, signal.sosfilt(sos, x, axis), atol=tol, rtol=0)
                    y, _ = filters.lfilter(b.astype(dtype), a.astype(dtype), v, axis=axis)
                    np.testing.assert_allclose(y, signal.lfilter(b, a, x, axis), atol=tol, rtol=0)
                    y = filters.upfirdn(x[0, :77].astype(dtype), v, 3, 2, axis)
                    np.testing.assert_allclose(y, signal.upfirdn(x[0, :77], x, 3, 2, axis), atol=tol, rtol=0)
    """
    run_with_isa(isa, code)


def run_with_isa(isa, code):
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], timeout=120, text=True,
                          env={**os.environ, "FASTCONV_ISA": isa}, capture_output=True)  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("order", range(1, 11))
def test_a_short_channel_alone_has_the_bits_it_has_among_others(order, dtype):
    rng = np.random.default_rng(order)
    b, a = (rng.uniform(-0.3, 0.3, order + 1).astype(dtype) for _ in range(2))
    a[0] = 1.7
    x = rng.standard_normal((70, 333)).astype(dtype)
    for coefficients in ((b, a), (b[:2], a), (b, a[:2])):
        together = filters.lfilter(*coefficients, x)[0]
        for i in (0, 17, 69):
            np.testing.assert_array_equal(filters.lfilter(*coefficients, x[i])[0], together[i])
