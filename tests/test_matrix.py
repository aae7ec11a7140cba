"""Layers of one result an image: matrix products, or inner products with weights as they lie."""

import pickle

import numpy as np
import pytest

import fastconv
from fastconv.backends import _matrix

BACKENDS = ("direct", "implicit", "indirect", "auto")
KERNELS = {1: (1,), 2: (2, 3), 3: (1, 2, 2)}


def whole(rng, shape, dtype="f4"):
    return rng.integers(-4, 5, shape).astype(dtype)  # sums are exact


def layer(rank, transposed=False):
    return getattr(fastconv, f"{'conv_transpose' if transposed else 'conv'}{rank}d")


def operands(rng, images, channels, filters, kernel, groups, transposed, dtype="f4"):
    """(x, w, bias), channels and filters of a group each."""
    size = (1,) * len(kernel) if transposed else kernel
    w_shape = (groups * channels, filters) if transposed else (groups * filters, channels)
    return (whole(rng, (images, groups * channels, *size), dtype), whole(rng, (*w_shape, *kernel), dtype),
            whole(rng, groups * filters, dtype))  # fmt: skip


def last(x):
    return np.ascontiguousarray(np.moveaxis(x, 1, -1))


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("images", [0, 1, 7, 33])
@pytest.mark.parametrize("backend", BACKENDS)
def test_values(backend, images, groups, rank, transposed):
    if backend == "indirect" and transposed:
        return
    rng = np.random.default_rng(rank)
    for channels, filters, dtype in ((1, 1, "f4"), (6, 5, "f4"), (40, 33, "f8"), (9, 17, "f2"), (3, 4, "F"), (5, 6, "i4")):
        x, w, bias = operands(rng, images, channels, filters, KERNELS[rank], groups, transposed, dtype)
        run, keywords = layer(rank, transposed), {"groups": groups}
        try:
            found = run(x, w, bias, backend=backend, **keywords)
        except fastconv.BackendNotSupportedError:
            assert dtype in ("f2", "F", "i4")
            continue
        wanted = run(x, w, bias, backend="reference", **keywords)
        np.testing.assert_array_equal(found, wanted)
        keywords["layout"] = "channels_last"
        np.testing.assert_array_equal(run(last(x), w, bias, backend=backend, **keywords), last(wanted))
        if dtype != "F":
            keywords = {"groups": groups, "flip": True, "activation": None if dtype == "i4" else "relu"}
            np.testing.assert_array_equal(run(x, w, backend=backend, **keywords),
                                          run(x, w, backend="reference", **keywords))  # fmt: skip


@pytest.mark.parametrize("length", [1, 7, 8, 9, 255, 2048, 2049, 5000])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_long_sums_in_any_number_of_threads(length, dtype):
    """Blocks of taps are added up apart, which keeps rounding errors low: of 5000 products as of 50."""
    rng = np.random.default_rng(length)
    x, w = rng.random((3, length, 1)).astype(dtype), rng.random((100, length, 1)).astype(dtype)
    exact = x[:, :, 0].astype("g") @ w[:, :, 0].astype("g").T
    for backend in BACKENDS:
        found = fastconv.conv1d(x, w, backend=backend)
        # lanes of inner products end after at most 256 terms, the running sums of tiles after 256 in a row
        most = 3 if backend == "direct" else 8
        assert (abs(found[:, :, 0] - exact) <= most * np.finfo(dtype).eps * exact).all()
        with fastconv.num_threads(3):
            np.testing.assert_array_equal(fastconv.conv1d(x, w, backend=backend), found)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("backend", BACKENDS[:3])
def test_any_memory(backend, transposed):
    if backend == "indirect" and transposed:
        return
    rng = np.random.default_rng(3)
    x, w, bias = operands(rng, 5, 6, 7, (2, 3), 2, transposed)
    run = layer(2, transposed)
    wanted = run(x, w, bias, groups=2, backend="reference")
    spread = np.zeros((10, *x.shape[1:3], 2 * x.shape[3]), "f4")[::-2, :, :, ::2]
    spread[...] = x
    out = np.empty(wanted.shape[::-1], "f4").T
    assert run(spread, w[::-1][::-1], bias, groups=2, backend=backend, out=out) is out
    np.testing.assert_array_equal(out, wanted)
    np.testing.assert_array_equal(run(x.astype(">f4"), np.asfortranarray(w), bias, groups=2, backend=backend), wanted)
    np.testing.assert_array_equal(run(x[0], w, bias, groups=2, backend=backend), wanted[0])
    make = fastconv.plan_transpose if transposed else fastconv.plan
    plan = pickle.loads(pickle.dumps(make(w, bias, input_shape=x.shape, groups=2, backend=backend)))
    np.testing.assert_array_equal(plan(x), wanted)


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_not_finite_stays_in_its_row(backend):
    rng = np.random.default_rng(4)
    x, w = whole(rng, (3, 11, 1, 1)), whole(rng, (9, 11, 1, 1))
    wanted = fastconv.conv2d(x, w, backend="reference")
    x[1, 10], w[8, 10] = np.nan, np.inf
    found = fastconv.conv2d(x, w, backend=backend)
    assert np.isnan(found[1]).all()
    np.testing.assert_array_equal(found[::2, :8], wanted[::2, :8])
    assert not np.isfinite(found[:, 8]).any()


def test_which_layers_are_such():
    def fits(x_shape, w_shape, **keywords):
        return _matrix.fits(fastconv.explain(fastconv.conv2d, x_shape, w_shape, **keywords).problem)

    assert fits((4, 8, 1, 1), (5, 8, 1, 1)) and fits((4, 8, 3, 3), (5, 8, 3, 3), stride=2)
    assert fits((4, 8, 1, 3), (5, 8, 1, 3)) and fits((4, 8, 1, 1), (8, 1, 1, 1), groups=8)
    assert not fits((4, 8, 3, 3), (5, 8, 3, 3), padding=1)
    assert not fits((4, 8, 4, 3), (5, 8, 3, 3)) and not fits((4, 8, 3, 5), (5, 8, 3, 3), dilation=(1, 2))
