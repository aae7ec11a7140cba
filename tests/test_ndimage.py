"""fastconv.ndimage against scipy.ndimage: modes, origins, axes, dtypes, layouts, outputs, errors."""

import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peers import FLOATS, INTEGERS, LAYOUTS, NUMBERS, array, close, laid_out, same, same_signatures

from fastconv import ndimage

MODES = ("reflect", "constant", "nearest", "mirror", "wrap", "grid-mirror", "grid-constant", "grid-wrap")
drawn = partial(settings, derandomize=True, deadline=None, database=None,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])  # fmt: skip
SEEDS = st.integers(0, 2**32 - 1)
SHAPES = st.lists(st.integers(1, 8), min_size=1, max_size=3).map(tuple)
# several passes through uint64 go through float64 in SciPy, beyond 2**53 wrongly
SMALL = tuple(d for d in NUMBERS if d not in ("uint64", "int64"))


def both(name, *arguments, **keywords):
    same(getattr(ndimage, name), getattr(scipy.ndimage, name), *arguments, **keywords)


def test_signatures():
    same_signatures(ndimage, scipy.ndimage)


# -- windows --------------------------------------------------------------------------------------


@drawn(max_examples=300)
@given(st.data())
def test_windows(data):
    draw = data.draw
    shape = draw(SHAPES)
    x = laid_out(array(draw(SEEDS), shape, draw(st.sampled_from(NUMBERS))), draw(st.sampled_from(LAYOUTS)))
    axes = draw(st.none() | st.permutations(range(len(shape))).flatmap(
        lambda p: st.integers(1, len(p)).map(lambda n: tuple(p[:n]))))  # fmt: skip
    sizes = tuple(draw(st.integers(1, 5)) for _ in (range(len(shape)) if axes is None else axes))
    w = array(draw(SEEDS), sizes, draw(st.sampled_from(("float64", "float32", "int64", "complex128"))))
    origin = draw(st.sampled_from((0, -1)) | st.tuples(*(st.integers(-(m // 2), (m - 1) // 2) for m in sizes)))
    both(draw(st.sampled_from(("correlate", "convolve"))), x, w, mode=draw(st.sampled_from(MODES)),
         cval=draw(st.sampled_from((0, 2, 1.5))), origin=origin, axes=axes)  # fmt: skip


@drawn(max_examples=200)
@given(st.data())
def test_lines(data):
    draw = data.draw
    shape = draw(SHAPES)
    x = laid_out(array(draw(SEEDS), shape, draw(st.sampled_from(NUMBERS))), draw(st.sampled_from(LAYOUTS)))
    w = array(draw(SEEDS), (draw(st.integers(1, 12)),), draw(st.sampled_from(("float64", "int8", "complex64"))))
    both(draw(st.sampled_from(("correlate1d", "convolve1d"))), x, w, draw(st.integers(-len(shape), len(shape) - 1)),
         mode=draw(st.sampled_from(MODES)), cval=1.5, origin=draw(st.integers(-2, 2)))  # fmt: skip


@pytest.mark.parametrize("flip", ["correlate", "convolve"])
def test_zero_weights_meet_no_nan(flip):
    x = np.ones((6, 7))
    x[2, 3], x[5, 0] = np.nan, np.inf
    both(flip, x, np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 2.0], [0.0, 3.0, 0.0]]))


# -- smoothing ------------------------------------------------------------------------------------


@drawn(max_examples=200)
@given(st.data())
def test_gaussians(data):
    draw = data.draw
    shape = draw(SHAPES)
    x = laid_out(array(draw(SEEDS), shape, draw(st.sampled_from(FLOATS))), draw(st.sampled_from(LAYOUTS)))
    axes = draw(st.sampled_from((None, (0,), (-1,), tuple(range(len(shape)))[::-1])))
    count = len(shape) if axes is None else len(axes)
    sigma = draw(st.sampled_from((0, 0.4, 1, 2.5)) | st.lists(st.floats(0, 3), min_size=count, max_size=count))
    mode = draw(st.sampled_from(MODES) | st.lists(st.sampled_from(MODES), min_size=count, max_size=count))
    both("gaussian_filter", x, sigma, draw(st.integers(0, 3)), mode=mode, cval=0.5, axes=axes,
         truncate=draw(st.sampled_from((4.0, 2.0))), radius=draw(st.sampled_from((None, 3))))  # fmt: skip


@drawn(max_examples=60)
@given(SEEDS, SHAPES, st.sampled_from(INTEGERS), st.sampled_from((0.5, 1.0, 2.5)), st.sampled_from(MODES))
def test_gaussians_of_integers_are_cut_off_as_in_scipy(seed, shape, dtype, sigma, mode):
    x = array(seed, shape, dtype, top=100)
    both("gaussian_filter", x, sigma, mode=mode)
    both("gaussian_filter1d", np.full(shape, 77, dtype), sigma, mode=mode)


@drawn(max_examples=100)
@given(st.data())
def test_means(data):
    draw = data.draw
    shape = draw(SHAPES)
    x = laid_out(array(draw(SEEDS), shape, draw(st.sampled_from(NUMBERS)), 100), draw(st.sampled_from(LAYOUTS)))
    mode = draw(st.sampled_from(MODES))
    size = draw(st.integers(1, 9))
    origin = draw(st.integers(-(size // 2), (size - 1) // 2))
    both("uniform_filter1d", x, size, draw(st.integers(-len(shape), len(shape) - 1)), mode=mode, cval=2,
         origin=origin)  # fmt: skip
    both("uniform_filter", x, [draw(st.integers(1, 4)) for _ in shape], mode=[mode] * len(shape), cval=2)


@drawn(max_examples=150)
@given(SEEDS, SHAPES, st.sampled_from(SMALL), st.sampled_from(MODES), st.sampled_from(LAYOUTS))
def test_differences(seed, shape, dtype, mode, layout):
    x = laid_out(array(seed, shape, dtype), layout)
    for name in ("sobel", "prewitt"):
        both(name, x, seed % len(shape), mode=mode, cval=1)
    both("laplace", x, mode=[mode] * len(shape), cval=1)


@drawn(max_examples=60)
@given(SEEDS, SHAPES, st.sampled_from(FLOATS), st.sampled_from(MODES))
def test_gaussian_derivatives(seed, shape, dtype, mode):
    x = array(seed, shape, dtype)
    both("gaussian_laplace", x, 1.2, mode=mode, truncate=3.0)
    both("gaussian_laplace", x, 1.2, mode=mode, axes=(0,))
    both("gaussian_gradient_magnitude", x, 0.9, mode=mode, rtol=1e-4 if dtype in ("float32", "complex64") else 1e-9)


def test_generic():
    x = array(0, (6, 7), "float64")
    same(partial(ndimage.generic_laplace, derivative2=lambda *a: ndimage.correlate1d(a[0], [1, -2, 1], *a[1:])),
         partial(scipy.ndimage.generic_laplace,
                 derivative2=lambda *a: scipy.ndimage.correlate1d(a[0], [1, -2, 1], *a[1:])), x)  # fmt: skip
    same(partial(ndimage.generic_gradient_magnitude, derivative=ndimage.sobel),
         partial(scipy.ndimage.generic_gradient_magnitude, derivative=scipy.ndimage.sobel), x)  # fmt: skip


# -- outputs --------------------------------------------------------------------------------------

CALLS = {
    "correlate": (np.array([[1.0, 2.0], [0.5, -3.0]]),),
    "convolve1d": (np.array([1.0, 2.5, -1.0]),),
    "gaussian_filter": (1.0,),
    "uniform_filter": (3,),
    "sobel": (),
    "laplace": (),
    "gaussian_laplace": (1.0,),
    "gaussian_gradient_magnitude": (1.0,),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
def test_output_dtypes(name, dtype):
    x = array(1, (6, 7), dtype, 100)
    for output in (np.float64, "float32", np.dtype("int32"), float, np.complex64, ">f8", np.int64):
        both(name, x, *CALLS[name], output=output)
    for output in ("uint8", np.uint16):
        if dtype == "uint8" and "gaussian_" not in name:
            both(name, x, *CALLS[name], output=output)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("layout", ["C", "F", "strided", "reversed", "swapped"])
def test_output_arrays(name, layout):
    x = array(2, (6, 7), "float64")
    wanted = getattr(scipy.ndimage, name)(x, *CALLS[name])
    out = laid_out(np.zeros((6, 7)), layout)
    assert getattr(ndimage, name)(x, *CALLS[name], output=out) is out
    close(out.astype(float), wanted)


@pytest.mark.parametrize("name", CALLS)
def test_in_place(name):
    x = array(3, (6, 7), "float64")
    wanted = getattr(scipy.ndimage, name)(x, *CALLS[name])
    assert getattr(ndimage, name)(x, *CALLS[name], output=x) is x
    if name != "gaussian_gradient_magnitude" and "laplace" not in name:
        close(x, wanted)


def test_large_integers_are_exact():
    x = np.array([2**60 + 1, 2**60 + 3, 5], np.int64)
    assert ndimage.correlate1d(x, [0, 1, 0]).tolist() == x.tolist()
    assert ndimage.convolve(x, [1, 0, 0]).tolist() == [2**60 + 3, 5, 5]


def test_small_weights_count():
    assert ndimage.correlate(np.ones((3, 3)), np.full((3, 3), 1e-16)).max() == pytest.approx(9e-16)
    np.testing.assert_allclose(ndimage.correlate1d(np.arange(6) * 1e20, [-1e-20, 0, 1e-20]), [1, 2, 2, 2, 2, 1])


def test_nan_stays_in_its_window():
    x = np.ones(50)
    x[20] = np.nan
    assert np.isnan(ndimage.uniform_filter1d(x, 5)).nonzero()[0].tolist() == [18, 19, 20, 21, 22]
    assert np.isnan(ndimage.gaussian_filter(x, 1)).sum() == 9


# -- errors and what goes to SciPy ----------------------------------------------------------------


@pytest.mark.parametrize("arguments, keywords", [
    (("correlate", np.ones((3, 3)), np.ones(3)), {}),
    (("correlate", np.ones((3, 3)), np.ones((3, 3))), {"mode": "unknown"}),
    (("correlate", np.ones((3, 3)), np.ones((3, 3))), {"mode": ["reflect", "wrap"]}),
    (("correlate", np.ones((3, 3)), np.ones((3, 3))), {"origin": 2}),
    (("convolve", np.ones((3, 3)), np.ones((3, 3))), {"axes": (0, 0)}),
    (("convolve", np.ones((3, 3)), np.ones((3, 3))), {"axes": 5}),
    (("convolve", np.ones((3, 3)), np.ones((3, 3)) + 1j), {"cval": 1j}),
    (("convolve", np.ones((3, 3)), np.ones((3, 3))), {"output": np.zeros(4)}),
    (("convolve1d", np.ones(3), np.ones((3, 3))), {}),
    (("convolve1d", np.ones(3), []), {}),
    (("correlate1d", np.ones(3), [1.0]), {"axis": 1}),
    (("correlate1d", np.ones(3, np.float16), [1.0]), {}),
    (("correlate1d", np.ones(3, np.longdouble), [1.0]), {}),
    (("correlate1d", np.ones(3, object), [1.0]), {}),
    (("correlate1d", np.ones(3, complex), [1.0]), {"output": float}),
    (("correlate1d", np.ones(3, complex), [1.0]), {"output": "float64"}),
    (("uniform_filter1d", np.ones(3), 0), {}),
    (("uniform_filter1d", np.ones(3), 3), {"origin": 2}),
    (("uniform_filter", np.ones((3, 3)), (3, 3, 3)), {}),
    (("gaussian_filter1d", np.ones(3), 1.0), {"order": -1}),
    (("gaussian_filter1d", np.ones(3), 1.0), {"radius": -1}),
    (("gaussian_filter1d", np.ones(3), 1.0), {"radius": 1.5}),
    (("gaussian_filter", np.ones((3, 3)), (1.0, 2.0, 3.0)), {}),
    (("gaussian_filter", np.ones((3, 3)), 0.0), {}),
    (("gaussian_filter", np.ones((0, 3)), 1.0), {}),
    (("gaussian_laplace", np.ones((3, 3)), 1.0), {"nonsense": 1}),
    (("sobel", np.ones((3, 3)), 2), {}),
    (("sobel", 1.0), {}),
    (("laplace", "abc"), {}),
    (("laplace", [[1, 2], [3, 4]]), {}),
])  # fmt: skip
def test_errors_and_odd_arguments(arguments, keywords):
    both(*arguments, **keywords)


class Subclass(np.ndarray):
    """Anything that is not quite an array."""


def test_masked_arrays_and_subclasses_go_to_scipy():
    x = np.ma.masked_less(np.arange(9.0).reshape(3, 3), 2)
    both("correlate", x, np.ones((3, 3)))
    both("uniform_filter", np.arange(9.0).reshape(3, 3).view(Subclass), 2)


def test_scipy_is_imported_late():
    code = ("import sys, fastconv, numpy as np\n"
            "fastconv.ndimage.gaussian_filter(np.ones((9, 9)), 1); fastconv.ndimage.sobel(np.ones((9, 9)))\n"
            "fastconv.signal.oaconvolve(np.ones(99), np.ones(9)); fastconv.signal.lfilter([1.0], [1.0, 0.5], np.ones(9))\n"
            "print([m for m in ('scipy.signal', 'scipy.ndimage') if m in sys.modules])")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("dtype", ["i8", "u8"])
@pytest.mark.parametrize("bits", [20, 45, 50, 61])
def test_64_bit_integers_are_exact_whichever_way_they_go(dtype, bits):
    """Sums that float64 holds go through it; others, and those that wrap around, are added as integers."""
    rng = np.random.default_rng(bits)
    x = rng.integers(0, 2**bits, (30, 41), dtype=dtype)
    weights = np.array([1, 2, 5, 2, 1])
    padded = np.pad(x, ((0, 0), (2, 2)), "symmetric")
    with np.errstate(over="ignore"):
        wanted = sum(padded[:, t : t + 41] * np.array(w, dtype) for t, w in enumerate(weights))
    np.testing.assert_array_equal(ndimage.correlate1d(x, weights), wanted)
    if bits < 61:  # the sum of a box, cut off after each axis
        rows = sum(np.pad(x, ((1, 1), (0, 0)), "symmetric")[t : t + 30] for t in range(3)) // np.array(3, dtype)
        both = sum(np.pad(rows, ((0, 0), (1, 1)), "symmetric")[:, t : t + 41] for t in range(3)) // np.array(3, dtype)
        np.testing.assert_array_equal(ndimage.uniform_filter(x, 3), both)


@pytest.mark.parametrize("name", ["sobel", "prewitt"])
def test_negative_differences_of_unsigned_integers_of_64_bits(name):
    """They wrap between two passes, and exactly."""
    x = np.random.default_rng(4).integers(0, 200, (13, 14)).astype("u8")
    signed = getattr(ndimage, name)(x.astype("i8"), 0)
    np.testing.assert_array_equal(getattr(ndimage, name)(x, 0), signed.astype("u8"))
    smooth = {"sobel": [1, 2, 1], "prewitt": [1, 1, 1]}[name]
    one_by_one = ndimage.correlate1d(ndimage.correlate1d(x, [-1, 0, 1], 0), smooth, 1)
    np.testing.assert_array_equal(one_by_one, signed.astype("u8"))
