"""backend="oa" over two and three axes: tiles, borders, layouts, what transforms would spoil, the microkernels."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastconv
from fastconv._core import cpu
from fastconv._problem import Axis, Geometry, Problem
from fastconv.backends import _tiles

WIDE = {"f": "d", "d": "g", "F": "D", "D": "G"}
UNIT = {"f": 2.0**-24, "F": 2.0**-24, "d": 2.0**-53, "D": 2.0**-53}
BOUNDARIES = ("fill", "wrap", "symm", "reflect", "nearest")


def normal(rng, shape, dtype):
    y = rng.standard_normal(shape)
    return (y + 1j * rng.standard_normal(shape) if np.dtype(dtype).kind == "c" else y).astype(dtype)


def bounds(a, v, dtype, *arguments, **keywords):
    """(the result in a wider type, u sum|a||v| of every output)."""
    wide = WIDE[np.dtype(dtype).char]
    wanted = fastconv.convolve(a.astype(wide), v.astype(wide), *arguments, **keywords, backend="direct")
    sums = fastconv.convolve(abs(a).astype("d"), abs(v).astype("d"), *arguments, **keywords, backend="direct")
    return wanted, UNIT[np.dtype(dtype).char] * sums


def rms(numbers):
    return np.sqrt(np.mean(abs(numbers) ** 2))


def check(a, v, *arguments, limit=4e-7, **keywords):
    """Close to the exact result in the root mean square, whatever the threads; the same bits."""
    dtype = np.result_type(a, v)
    wanted, _ = bounds(a, v, dtype, *arguments, **keywords)
    # where all results cancel (one sample wrapped around, taps that add up to little) their size says nothing: what
    # such terms of random signs come to does, about that size elsewhere
    squares, _ = bounds(abs(a) ** 2, abs(v) ** 2, dtype, *arguments, **keywords)
    scale = max(rms(wanted), np.sqrt(np.mean(abs(squares)))) or 1
    found = []
    for threads in (1, 3):
        with fastconv.num_threads(threads):
            found.append(fastconv.convolve(a, v, *arguments, **keywords, backend="oa"))
    np.testing.assert_array_equal(*found)
    assert found[0].dtype == dtype
    error = rms(found[0] - wanted) / scale
    assert error < (limit if UNIT[dtype.char] > 1e-10 else limit * 2.0**-28), error
    return found[0]


@st.composite
def images(draw):
    """(shape of a, shape of v, keywords): tiles of every kind, and arrays smaller than one."""
    rank = draw(st.sampled_from([2, 2, 2, 3]))
    size = st.integers(1, (150, 30)[rank - 2])
    shape = draw(st.tuples(*[size] * rank))
    kernel = draw(st.tuples(*[st.integers(1, (40, 9)[rank - 2])] * rank))
    mode = draw(st.sampled_from(["full", "same", "valid"]))
    if mode == "valid":
        shape = tuple(n + m - 1 for n, m in zip(shape, kernel, strict=True))
    boundary = draw(st.sampled_from(BOUNDARIES)) if mode != "valid" else "fill"
    return shape, kernel, {"mode": mode, "boundary": boundary}


@settings(max_examples=60, deadline=None)
@given(images(), st.sampled_from("fdFD"))
def test_drawn_images(drawn, dtype):
    shape, kernel, keywords = drawn
    rng = np.random.default_rng(sum(shape))
    check(normal(rng, shape, dtype), normal(rng, kernel, dtype), limit=1e-6, **keywords)


@pytest.mark.parametrize("dtype", "fdFD")
@pytest.mark.parametrize("kernel", [(15, 15), (31, 9), (1, 70), (90, 2), (63, 33)])
def test_several_tiles(kernel, dtype):
    rng = np.random.default_rng(1)
    check(normal(rng, (310, 277), dtype), normal(rng, kernel, dtype), "same")


@pytest.mark.parametrize("dtype", "fD")
def test_volumes(dtype):
    rng = np.random.default_rng(2)
    for shape, kernel in (((30, 40, 60), (7, 7, 7)), ((70, 30, 33), (5, 11, 3)), ((3, 90, 80), (2, 24, 20))):
        for mode in ("full", "same", "valid"):
            check(normal(rng, shape, dtype), normal(rng, kernel, dtype), mode)
    check(normal(rng, (20, 30, 40), dtype), normal(rng, (5, 5, 5), dtype), "same", boundary="reflect")
    check(normal(rng, (5, 70, 80), dtype), normal(rng, (1, 9, 9), dtype), "same")


def every_tile(dtype, shape, kernel):
    axes = tuple(Axis(n, m, n, before=m // 2, after=m // 2) for n, m in zip(shape, kernel, strict=True))
    p = Problem(Geometry((), (), 1, (), axes), np.dtype(dtype))
    order = _tiles._order(p, (0, *np.empty(shape, dtype).strides))
    for down in (16, 32, 64, 128):
        for along in (16, 32, 64, 128, 256):
            tiling = _tiles.tiling_of(p, order, down, along)
            if tiling is not None:
                yield _tiles.TilesPlan(p, tiling)


@pytest.mark.parametrize("dtype", "fdFD")
def test_every_size_of_tile(dtype):
    rng = np.random.default_rng(3)
    x, w = normal(rng, (1, 140, 150), dtype), normal(rng, (1, 9, 14), dtype)
    out = np.empty((140, 150), dtype)
    plans = list(every_tile(dtype, (140, 150), (9, 14)))
    assert len(plans) >= 15
    for plan in plans:
        plan.run(x, plan.prepare(w, None), out)
        wanted = fastconv.correlate(np.pad(x[0], ((4, 4), (7, 6))), w[0].conj(), "valid", backend="direct")
        assert abs(out - wanted).max() < 200 * UNIT[dtype] * abs(wanted).max()


def test_batches_groups_banks_and_any_strides():
    rng = np.random.default_rng(4)
    big = normal(rng, (3, 200, 150, 2), "f")
    v = normal(rng, (13, 9), "f")
    for view in (big[0, :, :, 0], big[1, ::-1, ::2, 1], big[2, :, :, 1].T, np.asfortranarray(big[0, :, :, 1]),
                 big[0, :, :, 0].astype(">f4"), big[0, :, :, 0].astype("f2")):  # fmt: skip
        w = v.astype(np.float32)
        check(view.astype("f4") if view.dtype.char == "e" else view, w, "same")
        out = np.zeros((2 * view.shape[0], view.shape[1]), "f")[::2]
        assert fastconv.convolve(view, w, "same", out=out, backend="oa") is out
        wanted = fastconv.convolve(np.array(view, "f4"), w, "same", backend="direct")
        np.testing.assert_allclose(out, wanted, atol=1e-5 * abs(wanted).max())
    a = normal(rng, (3, 1, 90, 80), "f")
    bank = normal(rng, (1, 4, 11, 12), "f")
    got = fastconv.convolve(a, bank, "same", axes=(2, 3), backend="oa")
    for i in range(3):
        for j in range(4):
            one = fastconv.convolve(a[i, 0], bank[0, j], "same", backend="oa")
            np.testing.assert_array_equal(got[i, j], one)  # whatever the batch
    got = fastconv.convolve(a, normal(rng, (3, 1, 7, 7), "f"), "same", axes=(2, 3), backend="oa")
    assert got.shape == a.shape


def test_layers_with_bias_and_activation():
    rng = np.random.default_rng(5)
    x, w, bias = normal(rng, (2, 6, 70, 60), "f"), normal(rng, (12, 1, 9, 9), "f"), normal(rng, 12, "f")
    keywords = {"groups": 6, "padding": 3, "activation": "relu"}
    got = fastconv.conv2d(x, w, bias, backend="oa", **keywords)
    wanted = fastconv.conv2d(x, w, bias, backend="direct", **keywords)
    np.testing.assert_allclose(got, wanted, atol=1e-5 * abs(wanted).max())
    x[0, 0, 5, 5] = 1e7  # through float64, with the same bias
    got = fastconv.conv2d(x, w, bias, backend="oa", **keywords)
    wanted = fastconv.conv2d(x, w, bias, backend="direct", **keywords)
    np.testing.assert_allclose(got[1:], wanted[1:], atol=1e-5 * abs(wanted[1:]).max())
    np.testing.assert_allclose(got[0, :, 20:], wanted[0, :, 20:], atol=1e-5 * abs(wanted[1:]).max())


@pytest.mark.parametrize("dtype", "fdFD")
@pytest.mark.parametrize("what", ["spike", "tall spike", "loud half", "silent half", "bell", "offset", "tiny",
                                  "huge"])  # fmt: skip
def test_every_window_keeps_its_own_accuracy(what, dtype):
    """The error is some u log2(size) of the sum |a||v| of that window, however loud the neighbourhood."""
    rng = np.random.default_rng(6)
    a, v = normal(rng, (260, 210), dtype), normal(rng, (15, 15), dtype)
    if what == "spike":
        a[133, 122] = 1e6
    elif what == "tall spike":
        a[133, 122] = 1e14
    elif what == "loud half":
        a[:, 100:] *= 1e4
    elif what == "silent half":
        a[100:] = 0
    elif what == "bell":
        a *= np.exp(-np.hypot(*np.mgrid[-130:130, -105:105]) / 8).astype(a.real.dtype)
    elif what == "offset":
        a = (abs(a) + 100).astype(dtype)
    else:
        a *= a.real.dtype.type((1e-22 if what == "tiny" else 1e20) if UNIT[dtype] > 1e-10 else 1e-150)
    wanted, bound = bounds(a, v, dtype, "same")
    got = fastconv.convolve(a, v, "same", backend="oa")
    assert (abs(got - wanted) <= 64 * bound).all()
    assert (got[bound == 0] == 0).all()


@pytest.mark.parametrize("dtype", "fdFD")
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_reaches_its_windows_only(bad, dtype):
    rng = np.random.default_rng(7)
    a, v = normal(rng, (200, 190), dtype), normal(rng, (15, 11), dtype)
    clean = fastconv.convolve(a, v, "same", backend="oa")
    a[100, 120] = a[199, 0] = bad
    got = fastconv.convolve(a, v, "same", backend="oa")
    touched = np.zeros(a.shape, bool)
    touched[93:108, 115:126] = touched[192:, :6] = True
    assert not np.isfinite(got[touched]).any()
    np.testing.assert_allclose(got[~touched], clean[~touched], atol=1e-4)
    volume, cube = normal(rng, (30, 40, 50), dtype), normal(rng, (5, 5, 5), dtype)
    volume[10, 20, 25] = bad
    got = fastconv.convolve(volume, cube, "same", backend="oa")
    touched = np.zeros(volume.shape, bool)
    touched[8:13, 18:23, 23:28] = True
    assert not np.isfinite(got[touched]).any() and np.isfinite(got[~touched]).all()


def test_filters_that_cannot_be_transformed():
    rng = np.random.default_rng(8)
    a, v = normal(rng, (100, 90), "f"), normal(rng, (9, 9), "f")
    for worst in (np.nan, np.inf, 1e30):
        v[4, 4] = worst
        np.testing.assert_array_equal(fastconv.convolve(a, v, "same", backend="oa"),
                                      fastconv.convolve(a, v, "same", backend="direct"))  # fmt: skip
    np.testing.assert_array_equal(fastconv.convolve(a, 0 * a[:9, :9], "same", backend="oa"), 0 * a)


def test_what_it_does_not_do_is_refused_with_the_reason():
    a, v = np.ones((60, 60), "f"), np.ones((9, 9), "f")
    for match, call in (
        ("float32 and float64", lambda: fastconv.plan_convolve(v.astype(int), input_shape=a.shape, backend="oa",
                                                               workspace_limit=1 << 22)),
        ("float32 and float64", lambda: fastconv.convolve(a.astype("g"), v, backend="oa")),
        ("stride 1", lambda: fastconv.conv2d(a[None], v[None, None], stride=2, backend="oa")),
        ("channel", lambda: fastconv.conv2d(np.ones((2, 60, 60)), np.ones((1, 2, 9, 9)), backend="oa")),
        ("two or three", lambda: fastconv.convolve(np.ones((9,) * 4), np.ones((3,) * 4), backend="oa")),
    ):
        with pytest.raises(fastconv.BackendNotSupportedError, match=match):
            call()


def test_plans_hold_spectra_and_keep_their_limit():
    rng = np.random.default_rng(9)
    a, v = normal(rng, (300, 300), "f"), normal(rng, (31, 31), "f")
    free = fastconv.plan_convolve(v, "same", input_shape=a.shape, dtype="f4", backend="oa")
    np.testing.assert_array_equal(free(a), fastconv.convolve(a, v, "same", backend="oa"))
    bounded = fastconv.plan_convolve(v, "same", input_shape=a.shape, dtype="f4", backend="oa",
                                     workspace_limit=120_000)  # fmt: skip
    assert bounded.workspace_bytes <= 120_000 < free.workspace_bytes
    np.testing.assert_allclose(bounded(a), free(a), atol=1e-4)
    with pytest.raises(fastconv.BackendNotSupportedError, match=r"too large|workspace"):
        fastconv.plan_convolve(v, "same", input_shape=a.shape, dtype="f4", backend="oa", workspace_limit=5000)


PROBE = """
import sys
sys.path.insert(0, {here!r})
import numpy as np
import test_tiles
rng = np.random.default_rng(10)
for dtype in "fdFD":
    for shape, kernel in (((150, 140), (15, 9)), ((20, 40, 50), (5, 7, 7))):
        test_tiles.check(test_tiles.normal(rng, shape, dtype), test_tiles.normal(rng, kernel, dtype), "same")
    test_tiles.test_every_window_keeps_its_own_accuracy("spike", dtype)
    test_tiles.test_what_is_not_finite_reaches_its_windows_only(np.nan, dtype)
"""


@pytest.mark.parametrize("isa", [i for i in cpu.available_isas() if i != cpu.isa])
def test_other_instruction_sets(isa):
    here = os.path.dirname(__file__)
    subprocess.run([sys.executable, "-c", PROBE.format(here=here)], check=True, cwd=here,
                   env={**os.environ, "FASTCONV_ISA": isa})  # fmt: skip
