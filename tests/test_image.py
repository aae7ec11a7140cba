"""Single-channel images and volumes: the image driver against the reference, borders, layouts, factors."""

import itertools
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastconv
from fastconv._core import cpu
from fastconv.backends import _image

BOUNDARIES = ("fill", "wrap", "symm", "reflect", "nearest")
DTYPES = ("f4", "f8", "i2", "u2", "i4", "u4", "i8", "u8")


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def whole(rng, shape, dtype, low=-20, high=21):
    """Small whole numbers: every sum is exact, so results must be equal to the last bit."""
    return rng.integers(low, high, shape).astype(dtype)


def agree(x, w, mode, **keywords):
    found = fastconv.convolve(x, w, mode, backend="direct", **keywords)
    wanted = fastconv.convolve(x, w, mode, backend="reference", **keywords)
    np.testing.assert_array_equal(found, wanted)


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.lists(st.integers(1, 75), min_size=2, max_size=2),
    kernel=st.lists(st.integers(1, 19), min_size=2, max_size=2),
    dtype=st.sampled_from(DTYPES),
    mode=st.sampled_from(["full", "same", "valid"]),
    boundary=st.sampled_from(BOUNDARIES),
    product=st.booleans(),
)
def test_images(seed, shape, kernel, dtype, mode, boundary, product):
    rng = np.random.default_rng(seed)
    if mode == "valid":
        kernel = [min(n, m) for n, m in zip(shape, kernel, strict=True)]
    x = whole(rng, shape, dtype)
    w = whole(rng, kernel, dtype, -4, 5)
    if product:
        w = (w[:, :1] * w[:1]).astype(dtype)
    fill = int(rng.integers(0, 4)) if boundary == "fill" else 0
    agree(x, w, mode, boundary=boundary, fillvalue=fill)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("dtype", ["f4", "f8", "i8"])
def test_volumes(rng, boundary, dtype):
    x = whole(rng, (9, 21, 40), dtype)
    for kernel in ((3, 3, 3), (1, 5, 2), (4, 1, 3), (5, 4, 7)):
        agree(x, whole(rng, kernel, dtype, -3, 4), "same", boundary=boundary)
        column, row = whole(rng, kernel[:2], dtype, -3, 4), whole(rng, kernel[2:], dtype, -3, 4)
        agree(x, np.multiply.outer(column, row), "full", boundary=boundary)


@pytest.mark.parametrize("order", ["C", "F"])
def test_batches_and_memory_orders(rng, order):
    x = np.asarray(whole(rng, (3, 30, 50), "f4"), order=order)
    w = whole(rng, (1, 5, 4), "f4", -3, 4)
    agree(x, w, "same", axes=(1, 2))
    agree(x[:, ::-1], w, "same", axes=(1, 2))
    agree(x[:, :, ::2], w, "same", axes=(1, 2))
    agree(x.swapaxes(0, 2), w.swapaxes(0, 2), "full", axes=(0, 1))


def test_large_kernels_are_summed_in_blocks(rng):
    x = rng.standard_normal((80, 90)).astype("f4")
    for kernel in ((40, 35), (300, 2), (3, 300)):
        w = rng.standard_normal(kernel).astype("f4")
        found = fastconv.convolve(x, w, "full", backend="direct")
        wanted = fastconv.convolve(x.astype("f8"), w.astype("f8"), "full", backend="reference")
        bound = fastconv.convolve(abs(x), abs(w), "full", backend="reference")
        assert (abs(found - wanted) <= (256 + w.size / 256) * 2.0**-24 * bound).all()


@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "u2", "i4", "u4", "i8", "u8"])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_plain_small_call_is_the_general_one(rng, dtype, mode):
    """The short cut of plain images and the way of all other calls give the same bits."""
    for shape, kernel in itertools.product(((64, 64), (5, 9), (130, 33)), ((3, 3), (2, 5), (5, 5))):
        x, w = rng.standard_normal(shape), rng.standard_normal(kernel)
        if dtype[0] != "f":
            x, w = (rng.integers(0, 2**64, a.shape, "u8") for a in (x, w))
        x, w = x.astype(dtype), w.astype(dtype)
        for function in (fastconv.convolve, fastconv.correlate):
            direct = function(x, w, mode, boundary="fill", dtype=dtype, backend="direct")
            np.testing.assert_array_equal(function(x, w, mode), direct)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("product", [False, True])
def test_what_is_not_finite_stays_in_its_windows(rng, value, product):
    x = rng.standard_normal((40, 50)).astype("f4")
    x[17, 23] = value
    w = rng.random((5, 6)).astype("f4") + 0.5
    if product:
        w = w[:, :1] * w[:1]
    y = fastconv.convolve(x, w, "valid", backend="direct")
    reached = np.zeros(y.shape, bool)
    reached[17 - 4 : 18, 23 - 5 : 24] = True
    np.testing.assert_array_equal(~np.isfinite(y), reached)


def test_a_weight_that_is_not_finite_meets_no_padding(rng):
    x = rng.standard_normal((20, 20))
    w = rng.standard_normal((3, 3))
    w[0, 0] = np.inf
    y = fastconv.convolve(x, w, "same", backend="direct")
    np.testing.assert_array_equal(y, fastconv.convolve(x, w, "same", backend="reference"))


def test_threads_do_not_change_a_bit(rng):
    x = rng.standard_normal((700, 650)).astype("f4")
    for w in (rng.standard_normal((7, 7)), np.outer(rng.random(7), rng.random(9))):
        w = w.astype("f4")
        with fastconv.num_threads(1):
            one = fastconv.convolve(x, w, "same", boundary="symm", backend="direct")
        with fastconv.num_threads(3):
            np.testing.assert_array_equal(
                fastconv.convolve(x, w, "same", boundary="symm", backend="direct"), one)  # fmt: skip


# -- products of a column and a row ---------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_factor_finds_products(rng, dtype):
    column, row = rng.standard_normal(9), rng.standard_normal(7)
    matrix = np.outer(column, row).astype(dtype)
    parts = _image.factor(matrix)
    eps = np.finfo(dtype).eps
    assert (abs(np.outer(*parts).astype("f8") - matrix) <= 3 * eps * abs(matrix)).all()
    assert 1 <= abs(parts[1]).max() < 2
    matrix[2, 3] *= 1 + 16 * eps
    assert _image.factor(matrix) is None


@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "i8", "u4"])
def test_factor_of_whole_numbers_is_exact(dtype):
    matrix = np.outer([6, 0, 4], [1, 3, 2]).astype(dtype)
    column, row = _image.factor(matrix)
    np.testing.assert_array_equal(np.outer(column, row), matrix)
    matrix[0, 0] += 1
    assert _image.factor(matrix) is None
    assert _image.factor(np.zeros((3, 3), dtype)) is None


def test_factor_refuses_what_is_not_finite():
    matrix = np.outer(np.arange(1, 5.0), np.arange(1, 6.0))
    matrix[1, 1] = np.inf
    assert _image.factor(matrix) is None


@pytest.mark.parametrize("isa", cpu.available_isas())
def test_every_instruction_set(isa):
    """A few images in a process of that instruction set."""
    code = """
import numpy as np, fastconv
rng = np.random.default_rng(0)
for dtype in ("f4", "f8", "u2", "i4", "i8"):
    for shape, kernel in (((40, 70), (3, 3)), ((33, 90), (7, 5)), ((6, 20, 35), (3, 3, 3)), ((20, 5), (9, 2))):
        x = rng.integers(-20, 20, shape).astype(dtype)
        for w in (rng.integers(-4, 4, kernel), np.ones(kernel)):
            w = w.astype(dtype)
            for boundary in ("fill", "symm"):
                y = fastconv.convolve(x, w, "same", boundary=boundary, backend="direct")
                z = fastconv.convolve(x, w, "same", boundary=boundary, backend="reference")
                assert np.array_equal(y, z), (dtype, shape, kernel)
"""
    subprocess.run([sys.executable, "-c", code], check=True, env={"FASTCONV_ISA": isa})


def test_plans_hold_what_they_found(rng):
    w = np.outer(rng.random(7), rng.random(7)).astype("f4")
    x = rng.standard_normal((50, 60)).astype("f4")
    p = fastconv.plan_convolve(w, "same", input_shape=x.shape, dtype="f4", backend="direct")
    np.testing.assert_array_equal(p(x), fastconv.convolve(x, w, "same", backend="direct"))


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("boundary", ["fill", "wrap", "symm", "reflect", "nearest"])
@pytest.mark.parametrize("function", [fastconv.convolve, fastconv.correlate])
def test_short_cut_equals_the_general_path(function, boundary, mode):
    """Named axes take the general path; out may be any array that fits, over an input too."""
    rng = np.random.default_rng(3)
    for dtype, shape, kernel in itertools.product("fd", [(9, 12), (30, 31), (8, 3)], [(3, 3), (2, 3), (8, 2)]):
        if mode == "valid" and kernel[0] > shape[0]:
            continue
        x, w = rng.standard_normal(shape).astype(dtype), rng.standard_normal(kernel).astype(dtype)
        wanted = function(x, w, mode, boundary=boundary, axes=(0, 1))
        assert np.array_equal(function(x, w, mode, boundary=boundary), wanted)
        for out in (np.empty_like(wanted), np.empty((*wanted.shape[:-1], 2 * wanted.shape[-1]), dtype)[:, ::2]):
            assert function(x, w, mode, boundary=boundary, out=out) is out and np.array_equal(out, wanted)
        if wanted.shape == x.shape:
            assert function(x, w, mode, boundary=boundary, out=x) is x and np.array_equal(x, wanted)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("shape", [(16, 16), (9, 70), (64, 64), (130, 140), (200, 90)])
def test_short_cut_of_larger_kernels(rng, shape, dtype):
    """Up to 256 taps, where no transform would be taken; the same bits as through the general path."""
    for kernel in ((9, 8), (9, 9), (2, 64), (11, 13), (16, 16), (16, 17)):
        a, w = rng.standard_normal(shape).astype(dtype), rng.standard_normal(kernel).astype(dtype)
        for v in (w, np.outer(w[:, 0], w[0]), np.where(np.arange(w.size).reshape(kernel) == 5, np.nan, w)):
            found = fastconv.convolve(a, v, "same")
            padded = np.pad(a, 1)[1:-1, 1:-1]  # not contiguous: the general path
            backend = fastconv.explain(fastconv.convolve, padded, v, "same").backend
            if backend == "direct":
                np.testing.assert_array_equal(found, fastconv.convolve(padded, v, "same", backend="direct"))
            wanted = fastconv.convolve(a.astype("d"), v.astype("d"), "same", backend="reference")
            np.testing.assert_allclose(found, wanted, rtol=0, atol=3e-4 if dtype == "f4" else 1e-12)


@pytest.mark.parametrize("columns", [2560, 2816, 4096, 4112])
def test_large_images_in_rows_of_any_pitch(rng, columns):
    """Results beyond the caches are streamed unless the rows of a tile fall into one set of the cache."""
    a, w = whole(rng, (2100, columns), "f4"), whole(rng, (3, 3), "f4")
    found = fastconv.convolve(a, w, "same")
    np.testing.assert_array_equal(found[:40, -50:], fastconv.convolve(a[:41, -51:], w, "same")[:40, 1:])
    np.testing.assert_array_equal(found, fastconv.convolve(a, w, "same", out=np.empty_like(a)))
    np.testing.assert_array_equal(found[900:], fastconv.convolve(a[899:], w, "same", backend="im2col")[1:])
