"""The plain small call for signals: the same bits as every other call, for all types it takes and leaves."""

import itertools

import numpy as np
import pytest

import fastconv
from fastconv import _select

TYPES = ("?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8", "c16", "g", "G")
SIZES = ((1, 1), (5, 2), (40, 1), (100, 5), (64, 64), (300, 299), (900, 500), (512, 390), (960, 30), (1100, 5), (3000, 64), (31, 3), (7, 7))


def numbers(rng, n, dtype):
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return rng.random(n) < 0.5
    if dtype.kind in "iu":
        return rng.integers(0, 2**64, n, dtype="u8").astype(dtype)
    x = rng.standard_normal(n)
    return (x + 1j * rng.standard_normal(n)).astype(dtype) if dtype.kind == "c" else x.astype(dtype)


def same_bits(function, a, v, mode, dtype):
    """Direct sums, as backend "direct" gives them: the short way knows no other. What is too long for it may be
    computed by transforms, as the choice says."""
    found = function(a, v, mode)
    # a keyword that says what is so anyhow leads past the short way
    wanted = function(a, v, mode, dtype=dtype, backend="direct")
    if not np.array_equal(found, wanted):
        chosen = fastconv.explain(function, a, v, mode).backend
        assert chosen != "direct" and len(a) * len(v) > 1000
        wanted = function(a, v, mode, backend=chosen)
    np.testing.assert_array_equal(found, wanted, strict=True)


@pytest.mark.parametrize(("first", "second"), [*itertools.combinations_with_replacement(TYPES, 2)])
def test_bits_of_all_other_calls(first, second):
    rng = np.random.default_rng(1)
    dtype = np.result_type(np.dtype(first), np.dtype(second))
    for n, m in SIZES if dtype.char not in "gG" else SIZES[:3]:
        a, v = numbers(rng, n, first), numbers(rng, m, second)
        for mode, function in itertools.product(("full", "same", "valid"), (fastconv.convolve, fastconv.correlate)):
            same_bits(function, a, v, mode, dtype)
            same_bits(function, v, a, mode, dtype)


@pytest.mark.parametrize("dtype", TYPES[:-2])
def test_the_short_way_is_taken(monkeypatch, dtype):
    """No other function is called for these."""
    monkeypatch.setattr(_select, "observe", lambda *_: pytest.fail("the general path"))
    rng = np.random.default_rng(3)
    for n, m in ((100, 5), (5, 100), (64, 64), (300, 200)):
        fastconv.convolve(numbers(rng, n, dtype), numbers(rng, m, dtype))
    if np.dtype(dtype).kind != "c":
        fastconv.convolve(numbers(rng, 100, dtype), numbers(rng, 7, "f8"))


@pytest.mark.parametrize("dtype", TYPES)
def test_out_and_operands_as_they_come(dtype):
    rng = np.random.default_rng(2)
    a, v = numbers(rng, 300, dtype), numbers(rng, 9, dtype)
    wanted = fastconv.convolve(a, v, "same", dtype=np.dtype(dtype), backend="direct")
    out = np.empty(300, dtype)
    assert fastconv.convolve(a, v, "same", out=out) is out
    np.testing.assert_array_equal(out, wanted)
    a_again = a.copy()
    fastconv.convolve(a_again, v, "same", out=a_again)
    np.testing.assert_array_equal(a_again, wanted)
    twice = np.repeat(a, 2)
    np.testing.assert_array_equal(fastconv.convolve(twice[::2], v, "same"), wanted)
    moved = np.zeros(a.nbytes + 1, np.uint8)[1:].view(dtype)
    moved[...] = a
    np.testing.assert_array_equal(fastconv.convolve(moved, v, "same"), wanted)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "c8", "c16"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_filters_that_are_not_finite(dtype, value):
    a, v = np.arange(1, 60).astype(dtype), np.ones(5, dtype)
    for at in (0, 2, 4):
        w = v.copy()
        w[at] = value
        if np.dtype(dtype).kind == "c":
            w[at] = complex(1, value)
        found = fastconv.convolve(a, w)
        wanted = fastconv.convolve(a, w, backend="reference")
        np.testing.assert_array_equal(np.isfinite(found), np.isfinite(wanted))
        np.testing.assert_array_equal(found[np.isfinite(wanted)], wanted[np.isfinite(wanted)])
