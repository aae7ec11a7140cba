"""One kernel per axis and running means, against scipy.ndimage."""

import numpy as np
import pytest
import scipy.ndimage as nd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fastconv
from fastconv._core import narrow, separable

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


def extended(line, size, mode, value, origin=0):
    """The line with what lies beside it under windows of that size."""
    n, first = len(line), -(size // 2) - origin
    at = np.arange(first, first + n + size - 1)
    if mode == "constant":
        inside = (at >= 0) & (at < n)
        return np.where(inside, line[np.clip(at, 0, n - 1)], value)
    names = {"reflect": "symmetric", "mirror": "reflect", "nearest": "edge", "wrap": "wrap"}
    return np.pad(line, (-first, n + size - 1 + first - n), names[mode])


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
        taps = data.draw(st.integers(0, 12) | st.integers(0, 50))
        kernels.append(rng.standard_normal(taps) if taps else None)
        sign = data.draw(st.sampled_from((0, 1, -1)))
        if taps and sign:
            kernels[axis] = kernels[axis] + sign * kernels[axis][::-1]
        if taps and dtype[0] == "u":
            kernels[axis] = abs(kernels[axis]) + 1e-3
        if taps:  # of any length, numbers stay of one size, and so do rounding errors
            kernels[axis] /= max(abs(kernels[axis]).sum(), 1e-3)
        origins.append(data.draw(st.integers(-(taps // 2), (taps - 1) // 2)) if taps else 0)
        if taps:
            y = nd.correlate1d(y, kernels[axis], axis, mode=modes[axis], cval=cvals[axis], origin=origins[axis])
    before, out = x.copy(), np.empty_like(x)
    separable.separable(x, kernels, modes, cvals, origins, out)
    near(out, y)
    np.testing.assert_array_equal(x, before)


def in_scipys_order(x, w, axis, mode, cval, origin, out_type):
    """correlate1d with every operation and rounding where SciPy's C code has it, by NumPy, which fuses none."""
    x, taps = np.moveaxis(x, axis, -1).astype(float), len(w)
    half, n = taps // 2, x.shape[-1]
    lines = np.stack([extended(line, taps, mode, cval, origin) for line in x.reshape(-1, n)])
    under = [lines[:, t : t + n] for t in range(taps)]
    opposite = w[::-1]
    sign = 0 if taps % 2 == 0 else 1 if np.array_equal(w, opposite) else -1 if np.array_equal(w, -opposite) else 0
    first = half if sign else taps - 1
    y = under[first] * w[first]
    for t in range(first):
        y = y + (under[t] + sign * under[taps - 1 - t] if sign else under[t]) * w[t]
    return np.moveaxis(y.reshape(x.shape), -1, axis).astype(out_type)


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.lists(st.integers(1, 20) | st.integers(1, 70), min_size=1, max_size=3),
    dtypes=st.sampled_from((("f8", "f8"), ("f8", "f8"), ("f4", "f8"), ("i2", "f8"), ("u1", "i4"))),
    view=st.sampled_from(VIEWS),
    data=st.data(),
)
def test_the_order_of_sums_is_that_of_scipy(seed, shape, dtypes, view, data):
    rng = np.random.default_rng(seed)
    x, y = view((rng.standard_normal(shape) * 50).astype(dtypes[0])), None
    kernels, modes, cvals, origins = [], [], [], []
    for axis in range(len(shape)):
        taps = data.draw(st.integers(0, 12) | st.integers(0, 50))
        sign = data.draw(st.sampled_from((0, 1, -1)))
        if dtypes[1] == "f8" and taps:  # others may be tiles' work, fused and in another order
            taps, sign = taps | 1, sign or 1
        w = rng.standard_normal(taps)
        w = w + sign * w[::-1]
        kernels.append(w if taps else None)
        modes.append(data.draw(st.sampled_from(MODES)))
        cvals.append(float(data.draw(st.integers(0, 3))))
        origins.append(data.draw(st.integers(-(taps // 2), (taps - 1) // 2)) if taps else 0)
        if taps:
            y = in_scipys_order(x if y is None else y, w, axis, modes[axis], cvals[axis], origins[axis], dtypes[1])
    out = np.empty(shape, dtypes[1])
    separable.separable(x, kernels, modes, cvals, origins, out)
    np.testing.assert_array_equal(out, x.astype(dtypes[1]) if y is None else y)


@pytest.mark.parametrize("shape", ((40,), (5, 40), (40, 5), (3, 3), (70, 64), (200, 30), (9, 10, 11), (1000, 2)))
@pytest.mark.parametrize("dtype", ("f4", "f8", "c8"))
def test_derivatives_of_what_does_not_change_are_zero(shape, dtype):
    x = np.full(shape, 0.3).astype(dtype)
    for axis in range(len(shape)):
        for sigma in (0.5, 1, 4):
            assert not fastconv.ndimage.gaussian_filter1d(x, sigma, axis, order=1).any()
    assert not fastconv.ndimage.gaussian_gradient_magnitude(x.real, 2).any()


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


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("sign", [1, -1])
def test_pairs_of_every_length(dtype, sign, rng):
    """Taps that read the same from both ends, with either sign: every remainder of what registers hold."""
    for taps in (*range(1, 14), *range(24, 38), *range(96, 110), 300, 511, 512, 513):
        w = rng.standard_normal(taps)
        w = (w + sign * w[::-1]) / taps
        for shape in ((1, 40), (5, 19), (26, 16), (7, 300)):
            x = rng.standard_normal(shape).astype(dtype)
            for kernels in ([w, None], [None, w], [w, w]):
                y = x
                for axis in (0, 1):
                    if kernels[axis] is not None:
                        y = nd.correlate1d(y, w, axis, mode="reflect")
                out = np.empty_like(x)
                separable.separable(x, kernels, ["reflect"] * 2, [0] * 2, [0] * 2, out)
                near(out, y)


def one_kernel(x, w, axis):
    kernels = [w if i == axis else None for i in range(2)]
    out = np.empty_like(x)
    separable.separable(x, kernels, ["reflect"] * 2, [0] * 2, [0] * 2, out)
    return out


def one_window(x, w, axis):
    w = np.expand_dims(w.astype(x.dtype), 1 - axis)
    return fastconv.correlate(x, w, "same", boundary="symm", backend="direct")


# not separable in float64, which sums as SciPy does
@pytest.mark.parametrize(("dtype", "function"), [("f4", one_kernel), ("f4", one_window), ("f8", one_window)])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("axis", [0, 1])
def test_sums_of_pairs_do_not_overflow(dtype, function, sign, axis, rng):
    """Two large samples make an infinity that their products with small weights do not; NaN and infinity stay local."""
    largest = np.finfo(dtype).max
    w = np.resize([0.1, -0.02, 0.2, 0.0, 0.15, 0.05], 49) / 40
    w = np.concatenate((w, [0.25 if sign > 0 else 0.0], sign * w[::-1]))
    x = (rng.uniform(0.7, 1, (130, 140)) * 0.9 * largest).astype(dtype)  # enough taps for both axes
    if sign < 0:
        x[::3] *= -1
        x[:, ::5] *= -1
    reach = len(w) // 2
    for spot in (None, np.nan, np.inf):
        if spot is not None:
            x[11, 17] = spot
        wanted = nd.correlate1d(x.astype("f8") / largest, w, axis, mode="reflect")
        with np.errstate(all="ignore"):
            out = function(x, w, axis)
        at = np.abs(np.arange(x.shape[axis]) - (11, 17)[axis]) <= reach
        touched = np.zeros(x.shape, bool)
        if spot is not None:
            touched[(at, 17) if axis == 0 else (11, at)] = True
        assert np.isfinite(out[~touched]).all()
        np.testing.assert_allclose(out[~touched] / largest, wanted[~touched], rtol=1e-5, atol=1e-6)
        assert not np.isfinite(out[touched]).any()


def test_pairs_give_each_image_the_bits_it_has_alone(rng):
    w = rng.random(99)
    w += w[::-1]
    stack = rng.standard_normal((5, 70, 33)).astype("f4")
    stack[2, 30, 10] = np.nan
    stack[4, :, 7] = np.finfo("f4").max
    for kernels in ([None, w, w], [None, w, None], [None, None, w]):
        together, alone = np.empty_like(stack), np.empty_like(stack[0])
        separable.separable(stack, kernels, ["mirror"] * 3, [0] * 3, [0] * 3, together)
        for image, found in zip(stack, together, strict=True):
            separable.separable(image, kernels[1:], ["mirror"] * 2, [0] * 2, [0] * 2, alone)
            np.testing.assert_array_equal(found, alone)
    long = rng.standard_normal((11, 701)).astype("f4")
    together, alone = np.empty_like(long), np.empty_like(long[0])
    separable.separable(long, [None, w], ["wrap"] * 2, [0] * 2, [0] * 2, together)
    for row, found in zip(long, together, strict=True):
        separable.separable(row, [w], ["wrap"], [0], [0], alone)
        np.testing.assert_array_equal(found, alone)


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


@pytest.mark.parametrize("dtype", ["f4", "f8", "u1", "i4", "i8"])
@pytest.mark.parametrize("mode", MODES)
def test_long_lines_of_means(dtype, mode, rng):
    """Lines are computed in parts; boxes longer than a part, and than the line."""
    for n, size in ((20001, 5), (20001, 2100), (8192, 31), (9000, 9001), (100, 250)):
        x = (rng.random((3, n)) * 200).astype(dtype)
        for axis in (0, 1):
            a = x.T if axis == 0 else x
            out = np.empty_like(a)
            sizes = [1, 1]
            sizes[axis] = size
            separable.box(a, sizes, [mode] * 2, [3.0] * 2, [0, 0], out)
            wide = "i8" if x.dtype.kind in "iu" else "f8"
            sums = np.cumsum(np.apply_along_axis(extended, axis, a.astype(wide), size, mode, 3), axis)
            sums = np.concatenate((np.zeros_like(np.take(sums, [0], axis)), sums), axis)
            total = np.take(sums, np.arange(size, size + n), axis) - np.take(sums, np.arange(n), axis)
            near(out, (total // size if wide == "i8" else total / size).astype(dtype))


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


# -- rows of a few numbers ---------------------------------------------------------------------------------


@pytest.fixture
def always_narrow():
    before = narrow.most_widths([10**6] * 5)
    yield
    narrow.most_widths(before)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), outer=st.integers(1, 3), n=st.integers(1, 300), width=st.integers(2, 40), taps=st.integers(1, 60),
       dtype=st.sampled_from(["f4", "f8", "u1", "i2", "i4", "u4", "i8", "c8", "c16"]), mode=st.sampled_from(MODES),
       cval=st.sampled_from([0.0, 2.0]), means=st.booleans(), same=st.booleans(), data=st.data())  # fmt: skip
def test_narrow_rows(always_narrow, seed, outer, n, width, taps, dtype, mode, cval, means, same, data):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((outer, n, width)) * 50
    if dtype[0] == "c":
        x = x + 1j * rng.standard_normal(x.shape)
    x = abs(x).astype(dtype) if dtype[0] == "u" else x.astype(dtype)
    if data.draw(st.booleans()):
        x = x.reshape(outer, n, *((2, width // 2) if width % 2 == 0 else (width, 1)))
    output = x.dtype if same else np.dtype("c16" if dtype[0] == "c" else "f8")
    origin = data.draw(st.integers(-(taps // 2), (taps - 1) // 2))
    if means:
        call = ("uniform_filter1d", taps)
        origin = min(origin, (taps - 1) // 2)
    else:
        w = rng.standard_normal(taps)
        kind = data.draw(st.sampled_from(["any", "even", "odd"]))
        w = w / abs(w).sum() if kind == "any" else w + w[::-1] if kind == "even" else w - w[::-1]
        call = ("correlate1d", w)
    name, argument = call
    found = getattr(fastconv.ndimage, name)(x, argument, 1, output, mode, cval, origin)
    wanted = getattr(nd, name)(x, argument, 1, output, mode, cval, origin)
    assert found.dtype == wanted.dtype
    near(found, wanted)


@pytest.mark.parametrize("dtype", ["f4", "f8", "u1", "c8"])
def test_narrow_rows_give_the_same_as_all_other_ways(dtype, rng):
    x = (rng.standard_normal((3, 5000, 6)) * 50).astype(dtype) if dtype != "u1" else rng.integers(0, 255, (3, 5000, 6), "u1")
    for call in (lambda: fastconv.ndimage.gaussian_filter1d(x, 2, 1), lambda: fastconv.ndimage.gaussian_filter(x, (0, 9, 1)),
                 lambda: fastconv.ndimage.uniform_filter1d(x, 31, 1), lambda: fastconv.ndimage.sobel(x, 1)):  # fmt: skip
        found = []
        for width in (0, 10**6):
            before = narrow.most_widths([width] * 5)
            try:
                found.append(call())
            finally:
                narrow.most_widths(before)
        near(found[1], found[0])
    x = x.astype("f4") if dtype == "u1" else x
    x[1, 2500, 3] = np.nan
    found = fastconv.ndimage.gaussian_filter1d(x, 2, 1)
    reached = np.zeros(x.shape, bool)
    reached[1, 2492:2509, 3] = True
    np.testing.assert_array_equal(np.isnan(found), reached)


def test_narrow_rows_in_place_and_by_threads(rng):
    x = rng.standard_normal((200_000, 3)).astype("f4")
    wanted = fastconv.ndimage.gaussian_filter1d(x, 3, 0)
    for threads in (1, 2, 3):
        with fastconv.num_threads(threads):
            y = x.copy()
            fastconv.ndimage.gaussian_filter1d(y, 3, 0, output=y)
            np.testing.assert_array_equal(y, wanted)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), outer=st.integers(1, 400), n=st.integers(1, 20), taps=st.integers(1, 40),
       dtype=st.sampled_from(["f4", "f8", "u1", "i2", "i4", "i8", "c8"]), mode=st.sampled_from(MODES),
       means=st.booleans(), same=st.booleans())  # fmt: skip
def test_short_lines(always_narrow, seed, outer, n, taps, dtype, mode, means, same):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((outer, n)) * 50
    x = abs(x).astype(dtype) if dtype[0] == "u" else x.astype(dtype)
    output = x.dtype if same else np.dtype("c16" if dtype[0] == "c" else "f8")
    name, argument = ("uniform_filter1d", taps) if means else ("correlate1d", rng.standard_normal(taps) / taps)
    found = getattr(fastconv.ndimage, name)(x, argument, -1, output, mode, 1.0)
    wanted = getattr(nd, name)(x, argument, -1, output, mode, 1.0)
    near(found, wanted)


@pytest.mark.parametrize("dtype", ["f4", "f8", "u1", "i4"])
def test_colour_images(dtype, rng):
    x = rng.integers(0, 255, (40, 50, 3)).astype(dtype)
    for shape in ((40, 50, 3), (6, 40, 25), (2, 3, 50, 20), (5, 1, 600, 2)):
        y = x.reshape(shape)
        for call in (lambda m, y: m.gaussian_filter(y, 1.5), lambda m, y: m.gaussian_filter(y, (2, 1, 0, 1)[: y.ndim]),
                     lambda m, y: m.uniform_filter(y, 5, mode="wrap"), lambda m, y: m.sobel(y, 0), lambda m, y: m.prewitt(y),
                     lambda m, y: m.laplace(y), lambda m, y: m.laplace(y, mode="constant", cval=3.0)):  # fmt: skip
            near(call(fastconv.ndimage, y), call(nd, y))
    again = x.copy()
    fastconv.ndimage.laplace(again, output=again)
    near(again, nd.laplace(x))
