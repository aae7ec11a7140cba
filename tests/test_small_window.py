"""Small images by ndimage's correlate, convolve and laplace: SciPy's bits, and who else is asked."""

import re

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st

from fastconv import ndimage
from fastconv._core import small_window
from fastconv._dropin import smoothing, windows

MODES = ["reflect", "mirror", "nearest", "wrap", "constant", "grid-mirror", "grid-wrap", "grid-constant"]
TYPES = ["f4", "f8", "u1", "i1", "u2", "i2", "u4", "i4"]


def samples(rng, shape, dtype):
    if dtype[0] == "f":
        return (rng.standard_normal(shape) * 100).astype(dtype)
    # products with weights of the tests stay below 2**31, from where on SciPy's are not defined
    return rng.integers(0, 2**22 if dtype[1] == "4" else 2**16, shape, dtype="u8").astype(dtype)


@st.composite
def images(draw):
    """(image, seed): of any axes and order in memory."""
    rank = draw(st.integers(2, 4))
    shape = draw(st.lists(st.integers(1, (40, 12, 6)[rank - 2]), min_size=rank, max_size=rank))
    seed = draw(st.integers(0, 2**32))
    a = samples(np.random.default_rng(seed), shape, draw(st.sampled_from(TYPES)))
    a = a.transpose(draw(st.permutations(range(rank))))
    return (a[::-1] if draw(st.booleans()) else a), seed


@given(images(), st.data())
def test_scipys_bits(image, data):
    a, seed = image
    rng = np.random.default_rng(seed)
    counts = data.draw(st.lists(st.integers(1, 5), min_size=a.ndim, max_size=a.ndim))
    w = rng.standard_normal(counts) * 3 * (rng.random(counts) > 0.3)
    w = w.astype(data.draw(st.sampled_from(["f8", "f4", "i8", "i4"])))
    w = np.asfortranarray(w) if data.draw(st.booleans()) else w
    mode, cval = data.draw(st.sampled_from(MODES)), data.draw(st.sampled_from([0.0, 1.5, -3, 2]))
    name, origin = data.draw(st.sampled_from(["correlate", "convolve"])), data.draw(st.integers(-1, 1))
    try:
        wanted = getattr(scipy.ndimage, name)(a, w, mode=mode, cval=cval, origin=origin)
    except ValueError as error:
        with pytest.raises(ValueError, match=re.escape(str(error))):
            getattr(ndimage, name)(a, w, mode=mode, cval=cval, origin=origin)
        return
    found = small_window.window(a, w, None, mode, cval, origin, name == "convolve")
    assert found is not None or a.size * w.size > 4000 or w.size > 100
    for y in (found, small_window.window(a, w, np.empty_like(a), mode, cval, origin, name == "convolve")):
        assert y is None or (np.array_equal(y, wanted) and y.dtype == wanted.dtype)


@given(images(), st.sampled_from(MODES), st.sampled_from([0.0, -3]))
def test_scipys_bits_of_second_differences(image, mode, cval):
    a, _ = image
    wanted = scipy.ndimage.laplace(a, mode=mode, cval=cval)
    found = small_window.laplace(a, None, mode, cval)
    assert (found is None) == (mode.endswith("constant") and cval != 0) or a.size * 3**a.ndim > 4000
    if found is not None and a.dtype == np.float32:  # SciPy rounds axis by axis
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=2e-4)
    elif found is not None:
        np.testing.assert_array_equal(found, wanted, strict=True)


def test_the_short_way_is_taken(monkeypatch):
    monkeypatch.setattr(windows, "correlate", lambda *_, **k: pytest.fail("the general path"))
    monkeypatch.setattr(smoothing, "passes", lambda *_: pytest.fail("the general path"))
    monkeypatch.setattr(windows, "run", lambda *_, **k: pytest.fail("the general path"))
    rng = np.random.default_rng(0)
    for dtype in TYPES:
        a, out = samples(rng, (30, 20), dtype), np.empty((30, 20), dtype)
        ndimage.correlate(a, np.ones((3, 3)))
        ndimage.convolve(a, np.ones((4, 3), int), mode="wrap")
        ndimage.laplace(a)
        assert ndimage.correlate(a, np.ones((3, 3)), out) is out
        assert ndimage.laplace(a, out) is out


@pytest.mark.parametrize("change", [
    {"a": np.ones((9, 9), np.int64)}, {"a": np.ones((9, 9), bool)}, {"a": np.ones((9, 9), complex)}, {"a": np.ones(9)},
    {"a": np.ones((9, 9), ">f8")}, {"a": [[1.0, 2.0]]}, {"a": np.ones((0, 3))}, {"a": np.ones((300, 300))},
    {"a": np.ones((2, 5000))}, {"a": np.ones((2,) * 5)}, {"w": np.ones(3)}, {"w": np.ones((0, 3))}, {"w": np.ones((3, 3), "f2")},
    {"w": np.full((3, 3), 1e-17)}, {"w": np.full((3, 3), np.nan)}, {"w": np.ones((12, 12))}, {"w": np.ones((3, 3), complex)},
    {"out": np.empty((9, 9), "f4")}, {"out": "f4"}, {"mode": "other"}, {"mode": ["wrap", "wrap"]}, {"cval": 1j},
    {"cval": np.float64(1)}, {"cval": 1e300}, {"origin": 2}, {"origin": (0, 0)}, {"origin": True},
])  # fmt: skip
def test_what_is_left_to_others(change):
    given_ = {"a": np.ones((9, 9)), "w": np.ones((3, 3)), "out": None, "mode": "reflect", "cval": 0.0, "origin": 0} | change
    assert small_window.window(*given_.values(), False) is None


def test_a_result_that_lies_in_the_image():
    a = np.arange(36.0).reshape(6, 6)
    wanted = scipy.ndimage.correlate(a.copy(), np.ones((3, 3)))
    assert small_window.window(a, np.ones((3, 3)), a, "reflect", 0.0, 0, False) is None
    np.testing.assert_array_equal(ndimage.correlate(a, np.ones((3, 3)), a), wanted)


def test_weights_of_zero_are_left_out():
    a = np.ones((5, 5))
    a[2, 2] = np.nan
    w = np.array([[0.0, 1, 0], [1, 0, 1], [0, 1, 0]])
    for mode in MODES:
        np.testing.assert_array_equal(ndimage.correlate(a, w, mode=mode), scipy.ndimage.correlate(a, w, mode=mode))


def test_integers_wrap():
    """Whole weights modulo 2**n, others as a cast cuts them."""
    a = np.full((4, 4), 200, np.uint8)
    np.testing.assert_array_equal(ndimage.correlate(a, np.ones((3, 3))), np.full((4, 4), 1800 % 256, np.uint8))
    np.testing.assert_array_equal(ndimage.correlate(a, np.full((1, 1), -1.5)), np.full((4, 4), -300 % 256, np.uint8))
    huge = np.full((3, 3), 2**31 - 1, np.int32)
    np.testing.assert_array_equal(ndimage.correlate(huge, np.full((1, 1), 2)), np.full((3, 3), -2, np.int32))
