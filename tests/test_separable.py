"""One kernel per axis and running means, against scipy.ndimage."""

import numpy as np
import pytest
import scipy.ndimage as nd
from hypothesis import given, settings
from hypothesis import strategies as st

import fastconv
from fastconv._core import separable

MODES = ("reflect", "constant", "nearest", "mirror", "wrap")
VIEWS = (
    lambda a: a,
    np.asfortranarray,
    lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    lambda a: a[::-1].copy()[::-1],
)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def near(found, wanted):
    if found.dtype.kind in "biu":
        np.testing.assert_array_equal(found, wanted)
        return
    tolerance = 2e-5 if found.dtype.char in "fF" else 1e-12
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * 200)


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.lists(st.integers(1, 40), min_size=1, max_size=3),
    dtype=st.sampled_from(["f4", "f8", "u1", "i2", "i4", "u8", "c8", "c16"]),
    view=st.sampled_from(VIEWS),
    data=st.data(),
)
def test_separable(seed, shape, dtype, view, data):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape) * 50
    x = view(abs(x).astype(dtype) if dtype[0] == "u" else x.astype(dtype))
    kernels, modes, cvals, origins, y = [], [], [], [], x
    for axis in range(len(shape)):
        modes.append(data.draw(st.sampled_from(MODES)))
        cvals.append(float(data.draw(st.integers(0, 3))))
        taps = data.draw(st.integers(0, 12))
        kernels.append(rng.standard_normal(taps) if taps else None)
        if taps % 2 and data.draw(st.booleans()):
            kernels[axis] = kernels[axis] + kernels[axis][::-1]
        if taps and dtype[0] == "u":
            kernels[axis] = abs(kernels[axis]) / abs(kernels[axis]).sum()
        origins.append(data.draw(st.integers(-(taps // 2), (taps - 1) // 2)) if taps else 0)
        if taps:
            y = nd.correlate1d(y, kernels[axis], axis, mode=modes[axis], cval=cvals[axis], origin=origins[axis])
    before, out = x.copy(), np.empty_like(x)
    separable.separable(x, kernels, modes, cvals, origins, out)
    near(out, y)
    np.testing.assert_array_equal(x, before)


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.lists(st.integers(1, 90), min_size=1, max_size=2),
    dtype=st.sampled_from(["f4", "f8", "u1", "i4", "i8"]),
    view=st.sampled_from(VIEWS),
    data=st.data(),
)
def test_box(seed, shape, dtype, view, data):
    rng = np.random.default_rng(seed)
    x = view((rng.integers(0, 200, shape)).astype(dtype))
    sizes, modes, cvals, origins, y = [], [], [], [], x
    for axis in range(len(shape)):
        modes.append(data.draw(st.sampled_from(MODES)))
        cvals.append(float(data.draw(st.integers(0, 3))))
        sizes.append(data.draw(st.integers(1, 20)))
        origins.append(data.draw(st.integers(-(sizes[axis] // 2), (sizes[axis] - 1) // 2)))
        weights = np.ones(sizes[axis])
        wide = "i8" if x.dtype.kind in "iu" else "f8"
        total = nd.correlate1d(y.astype(wide), weights, axis, mode=modes[axis], cval=cvals[axis],
                               origin=origins[axis])  # fmt: skip
        y = total // sizes[axis] if wide == "i8" else total / sizes[axis]
        y = y.astype(dtype)
    out = np.empty_like(x)
    separable.box(x, sizes, modes, cvals, origins, out)
    near(out, y)


def test_out_may_be_the_input(rng):
    for dtype in ("f4", "u1"):
        x = (rng.random((40, 50, 30)) * 200).astype(dtype)
        for order in "CF":
            for used in ((0, 1, 2), (2,), (0,), (1, 2)):
                kernels = [np.array([0.25, 0.5, 0.25]) if i in used else None for i in range(3)]
                y = np.array(x, order=order)
                wanted = np.empty_like(y)
                keywords = (kernels, ["reflect"] * 3, [0] * 3, [0] * 3)
                separable.separable(y.copy(order="K"), *keywords, wanted)
                separable.separable(y, *keywords, y)
                np.testing.assert_array_equal(y, wanted)


def test_long_kernels_and_short_axes(rng):
    x = rng.standard_normal((3, 500)).astype("f4")
    w = rng.random(901) / 400
    for mode in MODES:
        out = np.empty_like(x)
        separable.separable(x, [w[:7], w], [mode] * 2, [1.0, 2.0], [0, 5], out)
        y = nd.correlate1d(x, w[:7], 0, mode=mode, cval=1.0)
        near(out, nd.correlate1d(y, w, 1, mode=mode, cval=2.0, origin=5))


def test_running_sums_do_not_drift(rng):
    x = (1e4 + rng.standard_normal((3000, 40))).astype("f4")
    out = np.empty_like(x)
    separable.box(x, [31, 15], ["reflect"] * 2, [0, 0], [0, 0], out)
    y = nd.uniform_filter(x.astype("f8"), [31, 15])
    assert (abs(out - y) / y).max() < 32 * 2.0**-24


def test_threads_do_not_change_a_bit(rng):
    x = rng.standard_normal((300, 40, 70)).astype("f4")
    for a in (x, (x * 20).astype("i2")):
        found = []
        for n in (1, 3):
            with fastconv.num_threads(n):
                out, mean = np.empty_like(a), np.empty_like(a)
                separable.separable(a, [np.arange(9.0)] * 3, ["mirror"] * 3, [0] * 3, [0] * 3, out)
                separable.box(a, [5, 6, 7], ["mirror"] * 3, [0] * 3, [0] * 3, mean)
            found.append((out, mean))
        np.testing.assert_array_equal(found[0], found[1])


@pytest.mark.parametrize("function", ["separable", "box"])
def test_nothing_to_do(function):
    x = np.arange(12.0).reshape(3, 4)
    out = np.empty_like(x)
    sizes = [None, None] if function == "separable" else [1, 1]
    getattr(separable, function)(x, sizes, ["reflect"] * 2, [0, 0], [0, 0], out)
    np.testing.assert_array_equal(out, x)
    empty = np.empty((0, 4))
    getattr(separable, function)(empty, sizes, ["reflect"] * 2, [0, 0], [0, 0], empty)
