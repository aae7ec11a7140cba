"""fastconv.signal against scipy.signal: modes, methods, axes, dtypes, layouts, states, errors."""

from functools import partial

import numpy as np
import pytest
import scipy.signal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peers import FLOATS, LAYOUTS, NUMBERS, array, laid_out, same, same_signatures

from fastconv import signal

drawn = partial(settings, derandomize=True, deadline=None, database=None,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])  # fmt: skip
SEEDS = st.integers(0, 2**32 - 1)
MODES = ("full", "same", "valid")
SHAPES = st.lists(st.integers(1, 8), min_size=1, max_size=3).map(tuple)


def both(name, *arguments, **keywords):
    same(getattr(signal, name), getattr(scipy.signal, name), *arguments, **keywords)


def tolerance(*dtypes):
    """SciPy transforms the float32 operand of a mixed pair in float32."""
    single = any(np.dtype(d).char in "efF" for d in dtypes)
    return 1e-5 if single else 1e-10


def test_signatures():
    same_signatures(signal, scipy.signal)


# -- convolutions ---------------------------------------------------------------------------------


@st.composite
def pairs(draw, dtypes=NUMBERS, shapes=SHAPES):
    """Two arrays of equal rank, any layouts."""
    shape = draw(shapes)
    other = tuple(draw(st.integers(1, 8)) for _ in shape)
    return [laid_out(array(draw(SEEDS), s, draw(st.sampled_from(dtypes))), draw(st.sampled_from(LAYOUTS)))
            for s in (shape, other)]  # fmt: skip


@drawn(max_examples=400)
@given(pairs(), st.sampled_from(("convolve", "correlate")), st.sampled_from(MODES),
       st.sampled_from(("auto", "direct", "fft")))  # fmt: skip
def test_convolve_and_correlate(operands, name, mode, method):
    a, v = operands
    narrow = np.result_type(a, v).kind in "iu"  # SciPy's FFT does not wrap
    both(name, a, v, mode, "direct" if narrow else method, rtol=tolerance(a.dtype, v.dtype))


@drawn(max_examples=300)
@given(pairs(), st.sampled_from(("fftconvolve", "oaconvolve")), st.sampled_from(MODES))
def test_fftconvolve(operands, name, mode):
    a, v = operands
    both(name, a, v, mode, rtol=tolerance(a.dtype, v.dtype))


@drawn(max_examples=200)
@given(st.data())
def test_fftconvolve_along_axes(data):
    draw = data.draw
    shape = draw(st.lists(st.integers(1, 8), min_size=2, max_size=3).map(tuple))
    axes = draw(st.sampled_from((0, -1, (0, 1), (-1, 0), [1])))
    listed = [axes] if isinstance(axes, int) else axes
    other = list(shape)
    for i in range(len(shape)):
        if i in [k % len(shape) for k in listed]:
            other[i] = draw(st.integers(1, 8))
        elif draw(st.booleans()):
            other[i] = 1
    a, v = array(draw(SEEDS), shape, "float64"), array(draw(SEEDS), tuple(other), "float64")
    if draw(st.booleans()):
        a, v = v, a
    both(draw(st.sampled_from(("fftconvolve", "oaconvolve"))), a, v, draw(st.sampled_from(MODES)), axes=axes)


@drawn(max_examples=300)
@given(pairs(shapes=st.tuples(st.integers(1, 8), st.integers(1, 8))), st.sampled_from(("convolve2d", "correlate2d")),
       st.sampled_from(MODES), st.sampled_from(("fill", "pad", "wrap", "circular", "symm", "symmetric")),
       st.sampled_from((0, 2, -1.0)))  # fmt: skip
def test_two_axes(operands, name, mode, boundary, fillvalue):
    a, v = operands
    swapped = mode == "valid" and any(n < m for n, m in zip(a.shape, v.shape, strict=True))
    if name == "correlate2d" and swapped and np.iscomplexobj(v) + np.iscomplexobj(a):
        return  # SciPy forgets to conjugate: see test_correlate2d_of_swapped_complex_operands
    if np.result_type(a, v).kind in "ub" and fillvalue < 0:
        fillvalue = 1
    both(name, a, v, mode, boundary, fillvalue, rtol=tolerance(a.dtype, v.dtype))


def test_correlate2d_of_swapped_complex_operands():
    a, v = array(1, (2, 3), "complex128"), array(2, (5, 4), "complex128")
    found = signal.correlate2d(a, v, "valid")
    np.testing.assert_allclose(found, scipy.signal.correlate(a, v, "valid", "direct"))
    np.testing.assert_allclose(found, scipy.signal.correlate2d(a, v, "valid").conj())


def test_small_and_odd_operands():
    for arguments in ((3, 4), (3.5, 2j), ([1, 2, 3], [0.5]), ([], [1]), ([], [1.0]), ([1.0], [[1.0]]), ([1, 2], 3),
                      (np.ones((2, 5)), np.ones((3, 2)), "valid"), ([1, 2], [1], "unknown"), ([1, 2], [1], 1),
                      (np.array([1, 2], object), [1, 2]), ("ab", "c"), ([2**63], [1]), ([2**62], [4])):  # fmt: skip
        both("convolve", *arguments)
        both("correlate", *arguments)
        if len(arguments) == 2 and np.asarray(arguments[0]).dtype.kind in "iufc":
            both("fftconvolve", *arguments)
            both("oaconvolve", *arguments)
    both("convolve", [1, 2], [1], method="unknown")
    both("fftconvolve", np.ones((2, 3)), np.ones((2, 3)), axes=())
    both("fftconvolve", np.ones((2, 3)), np.ones((2, 3)), axes=(0, 0))
    both("fftconvolve", np.ones((2, 3)), np.ones((3, 3)), axes=1)
    both("fftconvolve", np.ones((2, 3)), np.ones((2, 3)), "unknown")
    both("convolve2d", np.ones(3), np.ones(3))
    both("convolve2d", np.ones((3, 3)), np.ones((2, 2)), "unknown")
    both("convolve2d", np.ones((3, 3)), np.ones((2, 2)), boundary="unknown")
    both("convolve2d", np.ones((3, 3)), np.ones((2, 2)), fillvalue="a")
    both("convolve2d", np.ones((3, 3), np.float16), np.ones((2, 2), np.float16))
    both("correlate2d", np.ones((3, 1)), np.ones((2, 2)), "valid")


def test_nan_is_told_of_where_an_fft_was_asked_for():
    x = np.ones(300)
    x[100] = np.nan
    with pytest.warns(RuntimeWarning, match="Use of fft convolution on input with NAN"):
        y = signal.convolve(x, np.ones(7), "same", method="fft")
    assert np.isnan(y).sum() == 7
    assert np.isnan(signal.fftconvolve(x, np.ones(7), "same")).sum() == 7
    assert np.isnan(signal.convolve(x, np.ones(7), "same")).sum() == 7


def test_integers_are_exact_whatever_the_method():
    a, v = np.array([2**40, 1]), np.array([2**40, 3])
    assert signal.convolve(a, v, method="fft").tolist() == np.convolve(a, v).tolist()


@pytest.mark.parametrize("mode", [*MODES, "unknown"])
def test_lags(mode):
    for n in range(8):
        for m in range(8):
            both("correlation_lags", n, m, mode)


def test_choose_conv_method():
    both("choose_conv_method", np.ones(1000), np.ones(900))
    both("choose_conv_method", np.ones(10), np.ones(9, int))
    assert signal.choose_conv_method(np.ones(10), np.ones(9), measure=True)[0] in ("direct", "fft")


# -- filters with state ---------------------------------------------------------------------------


@drawn(max_examples=200)
@given(st.data())
def test_lfilter(data):
    draw = data.draw
    shape = draw(SHAPES)
    x = laid_out(array(draw(SEEDS), shape, draw(st.sampled_from(NUMBERS))), draw(st.sampled_from(LAYOUTS)))
    b = array(draw(SEEDS), (draw(st.integers(1, 5)),), draw(st.sampled_from((*FLOATS, "int64"))))
    a = array(draw(SEEDS), (draw(st.integers(1, 4)),), draw(st.sampled_from((*FLOATS, "int64"))))
    a = (a * 0.2 if a.dtype.kind in "fc" else a).astype(a.dtype)
    a[0] = 2
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    keywords = {}
    if draw(st.booleans()):
        states = [draw(st.sampled_from((1, n))) for n in shape]
        states[axis] = max(len(a), len(b)) - 1
        keywords["zi"] = array(draw(SEEDS), tuple(states), draw(st.sampled_from(FLOATS)))
    both("lfilter", b, a, x, axis, rtol=1e-4 if np.result_type(b, a, x).char in "fF" else 1e-10, **keywords)


@pytest.mark.parametrize("b, a, x, more", [
    ([], [1.0], [1.0], {}), ([1.0], [], [1.0], {}), ([[1.0]], [1.0], [1.0], {}), ([1.0], [0.0, 1.0], [1.0], {}),
    ([1, 2], [1], [1, 2], {}), ([1, 2], [1, 2], [1, 2], {}), ([1.0], [1.0, 2.0], 3.0, {}),
    ([1.0, 2.0], [1.0], [1.0], {"zi": [1.0, 2.0]}), ([1.0, 2.0], [1.0, 3.0], [1.0], {"zi": [1.0, 2.0]}),
    ([1.0, 2.0], [1.0, 3.0], [1.0], {"axis": 1}), ([1.0], [1.0, 0.5], np.ones(3, object), {}),
    ([1.0], [1.0, 0.5], np.ones(3, np.longdouble), {}), ([1.0, 2.0], [2.0], np.ones(3, np.longdouble), {}),
    ([1.0], [1.0, 0.5], [], {}), (2.0, 3.0, [1.0, 2.0], {}),
])  # fmt: skip
def test_lfilter_errors_and_odd_arguments(b, a, x, more):
    both("lfilter", b, a, x, **more)


SOS = scipy.signal.butter(5, 0.3, output="sos")


@drawn(max_examples=80)
@given(SEEDS, SHAPES, st.sampled_from(NUMBERS), st.sampled_from(LAYOUTS), st.booleans())
def test_sosfilt(seed, shape, dtype, layout, stateful):
    x = laid_out(array(seed, shape, dtype), layout)
    axis = seed % len(shape)
    zi = array(seed, (len(SOS), *shape[:axis], 2, *shape[axis + 1 :]), "float64") if stateful else None
    both("sosfilt", SOS, x, axis, zi)
    both("sosfilt", SOS.astype(np.float32), x.real.astype(np.float32), axis - len(shape), rtol=1e-4)


@pytest.mark.parametrize("sos, x, more", [
    (SOS[:, :5], [1.0], {}), (SOS * 2, [1.0], {}), (SOS, 1.0, {}), (SOS, [1.0], {"zi": [1.0]}),
    (SOS.astype(int) + [0, 0, 0, 1, 0, 0] * (SOS[:, 3:4] < 1), np.ones(4, int), {}), (SOS, np.ones(3, object), {}),
    (SOS, [], {}),
])  # fmt: skip
def test_sosfilt_errors(sos, x, more):
    both("sosfilt", sos, x, **more)


@drawn(max_examples=80)
@given(SEEDS, st.sampled_from((*FLOATS, "int16", "int64")), st.sampled_from(("odd", "even", "constant", None)),
       st.sampled_from((None, 0, 4)), st.sampled_from(LAYOUTS))  # fmt: skip
def test_both_ways(seed, dtype, padtype, padlen, layout):
    x = laid_out(array(seed, (3, 40, 2), dtype), layout)
    b, a = scipy.signal.butter(3, 0.3)
    rtol = 1e-4 if dtype in ("float32", "complex64") else 1e-9
    both("filtfilt", b, a, x, 1, padtype, padlen, rtol=rtol)
    both("filtfilt", [0.5, 0.25, 1.0], 2.0, x, -2, padtype, padlen, rtol=rtol)
    both("sosfiltfilt", SOS, x, 1, padtype, padlen, rtol=rtol)


def test_both_ways_errors_and_gust():
    b, a = scipy.signal.butter(3, 0.3)
    x = array(0, (50,), "float64")
    both("filtfilt", b, a, x, method="gust", irlen=20)
    both("filtfilt", b, a, x, method="unknown")
    both("filtfilt", b, a, x, padtype="unknown")
    both("filtfilt", b, a, x[:5])
    both("filtfilt", b, a, 1.0)
    both("sosfiltfilt", SOS, x[:5])
    both("sosfiltfilt", SOS[:, 1:], x)


@drawn(max_examples=60)
@given(SEEDS, st.integers(1, 30), st.integers(1, 6), st.sampled_from((*FLOATS, "int64")))
def test_deconvolve(seed, n, m, dtype):
    divisor = array(seed, (m,), dtype)
    divisor[0] = 7
    both("deconvolve", array(seed, (n,), dtype), divisor, rtol=1e-8)


# -- rates and polynomials ------------------------------------------------------------------------


@drawn(max_examples=150)
@given(st.data())
def test_upfirdn(data):
    draw = data.draw
    shape = draw(SHAPES)
    x = laid_out(array(draw(SEEDS), shape, draw(st.sampled_from(NUMBERS))), draw(st.sampled_from(LAYOUTS)))
    h = array(draw(SEEDS), (draw(st.integers(1, 12)),), draw(st.sampled_from((*FLOATS, "int64"))))
    mode = draw(st.sampled_from(("constant", "wrap", "edge", "smooth", "symmetric", "reflect", "antisymmetric",
                                 "antireflect", "line", "Symmetric")))  # fmt: skip
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    if shape[axis] < 2:
        mode = "constant"
    both("upfirdn", h, x, draw(st.integers(1, 5)), draw(st.integers(1, 5)), axis, mode, draw(st.sampled_from((0, 2))))


@pytest.mark.parametrize("arguments", [
    ([], [1.0]), ([[1.0]], [1.0]), ([1.0], [1.0], 0), ([1.0], [1.0], 1, 0), ([1.0], [1.0], 2.0),
    ([1.0], [1.0], 1, 1, 3), ([1.0], [1.0], 1, 1, -1, "unknown"), ([1.0], np.ones(3, np.longdouble)),
    ([1.0], [], 2),
])  # fmt: skip
def test_upfirdn_errors(arguments):
    both("upfirdn", *arguments)


@drawn(max_examples=80)
@given(SEEDS, st.integers(1, 12), st.integers(1, 12), st.sampled_from((*FLOATS, "int16", "uint64")),
       st.sampled_from(("constant", "line", "mean", "median", "maximum", "minimum", "symmetric")),
       st.sampled_from((("kaiser", 5.0), "hamming", [0.2, 0.5, 1.0, 0.5])))  # fmt: skip
def test_resample_poly(seed, up, down, dtype, padtype, window):
    x = array(seed, (30, 3), dtype)
    if padtype == "median" and x.dtype.kind == "c":
        padtype = "mean"
    rtol = 1e-5 if dtype in ("float32", "complex64") else 1e-10
    both("resample_poly", x, up, down, window=window, padtype=padtype, rtol=rtol)
    both("resample_poly", x, up, down, 0, cval=1.5, rtol=rtol)


def test_resample_poly_errors():
    x = np.ones(9)
    for arguments, keywords in (((x, 1.5, 1), {}), ((x, 0, 1), {}), ((x, 2.0, 1), {}), ((x, 2, 3), {"window": np.ones((2, 2))}),
                                ((x, 2, 3), {"padtype": "unknown"}), ((x, 2, 3), {"padtype": "line", "cval": 1.0}),
                                ((x, 2, 3), {"window": "unknown"}), ((x, 2, 3), {"axis": 4})):  # fmt: skip
        both("resample_poly", *arguments, **keywords)


@drawn(max_examples=60)
@given(SEEDS, st.integers(1, 7), st.sampled_from((*FLOATS, "int16")), st.sampled_from(("fir", "iir")), st.booleans(),
       st.sampled_from((None, 3)))  # fmt: skip
def test_decimate(seed, q, dtype, ftype, zero_phase, n):
    x = array(seed, (3, 120), dtype)
    if q == 1 and ftype == "iir":
        q = 2
    both("decimate", x, q, n, ftype, zero_phase=zero_phase, rtol=1e-3 if dtype in ("float32", "complex64") else 1e-8)
    both("decimate", x, 3, ftype=scipy.signal.dlti([1.0, 0.5], [1.0, 0.2]), zero_phase=zero_phase,
         rtol=1e-3 if dtype in ("float32", "complex64") else 1e-8)  # fmt: skip


def test_decimate_errors():
    both("decimate", np.ones(50), 2, ftype="unknown")
    both("decimate", np.ones(50), 2.5)
    both("decimate", np.ones(50), 2, n=2.5)
    both("decimate", np.ones(5), 2)


@drawn(max_examples=150)
@given(st.data())
def test_savgol_filter(data):
    draw = data.draw
    x = laid_out(array(draw(SEEDS), (3, 20), draw(st.sampled_from(("float64", "int16", "bool")))),
                 draw(st.sampled_from(LAYOUTS)))  # fmt: skip
    window = draw(st.integers(1, 20))
    order = draw(st.integers(0, min(4, window - 1)))
    both("savgol_filter", x, window, order, draw(st.integers(0, 3)), draw(st.sampled_from((1.0, 0.25))), 1,
         draw(st.sampled_from(("interp", "mirror", "nearest", "constant", "wrap"))), 2.0, rtol=1e-8)  # fmt: skip


def test_savgol_filter_errors_and_types():
    x = array(5, (30,), "float32")
    both("savgol_filter", x, 7, 2, rtol=1e-5)
    for arguments in ((x, 31, 2), (x, 5, 5), (x, 5, -1), (x, 0, 0), (x, 5.5, 2), (x, 5, 2, -1), (x, 5, 2, 0, 1.0, 3),
                      (x, 5, 2, 0, 1.0, -1, "unknown"), (1.0, 3, 1)):  # fmt: skip
        both("savgol_filter", *arguments)


@drawn(max_examples=60)
@given(SEEDS, st.sampled_from((*FLOATS, "uint8", "int64")), st.sampled_from(("float32", "float64", "complex64")),
       st.integers(0, 3), st.integers(0, 3))  # fmt: skip
def test_sepfir2d(seed, dtype, taps, rows, columns):
    both("sepfir2d", array(seed, (8, 9), dtype), array(seed, (2 * rows + 1,), taps), array(seed, (2 * columns + 1,), taps),
         rtol=1e-5 if dtype in ("float32", "complex64", "uint8") else None)  # fmt: skip


def test_sepfir2d_of_filters_longer_than_the_image():
    x = array(0, (3, 4), "float64")
    y = signal.sepfir2d(x, np.ones(11), np.ones(1))
    padded = np.pad(x, ((0, 0), (5, 5)), mode="symmetric")
    np.testing.assert_allclose(y, np.stack([np.convolve(row, np.ones(11), "valid") for row in padded]))


def test_sepfir2d_errors():
    x = np.ones((6, 6))
    for arguments in ((x, np.ones(2), np.ones(3)), (x, np.ones(3), np.ones(4)), (x[0], np.ones(3), np.ones(3))):
        both("sepfir2d", *arguments)
