"""Numbers: exact integers, half precision, NaN and infinity, equal bits, rounding errors, old mistakes."""

import itertools
import math
import os
import subprocess
import sys
import textwrap
from functools import partial

import numpy as np
import pytest
from problems import INTS, SUMMING
from test_backends import BACKENDS, computes, whole

import fastconv
from fastconv import _reference as ref

assert_equal = np.testing.assert_array_equal
SUMMERS = [b for b in BACKENDS if b in SUMMING]


@pytest.fixture
def rng():
    return np.random.default_rng(30)


def numbers(rng, shape, dtype):
    dtype = np.dtype(dtype)
    if dtype.kind in "biu":
        return whole(rng, shape, dtype)
    y = rng.standard_normal(shape)
    return (y + 1j * rng.standard_normal(shape) if dtype.kind == "c" else y).astype(dtype)


def attempt(computed, backend, function, /, *operands, **keywords):
    """The result, or None where the backend does not compute that dtype."""
    try:
        return getattr(fastconv, function)(*operands, **keywords, backend=backend)
    except fastconv.BackendNotSupportedError:
        assert not computes(backend, np.dtype(computed))
        return None


# -- integers and bool ------------------------------------------------------------------------------------


def extremes(rng, shape, dtype):
    lo, hi = np.iinfo(dtype).min, np.iinfo(dtype).max
    values = np.array([lo, lo + 1, hi, hi - 1, hi // 2 + 1, hi // 3, 0, 1], dtype)
    return values[rng.integers(0, len(values), shape)]


def modulo(sums, dtype):
    """Python integers as the dtype keeps them."""
    bits = 8 * dtype.itemsize
    kept = np.vectorize(lambda n: int(n) % 2**bits, otypes=["u8"])(sums)
    return kept.astype(f"u{dtype.itemsize}").view(dtype)


@pytest.mark.parametrize("dtype", INTS, ids=str)
@pytest.mark.parametrize("backend", BACKENDS)
def test_integers_wrap_as_in_numpy(backend, dtype, rng):
    x, w = extremes(rng, (2, 3, 40), dtype), extremes(rng, (5, 3, 4), dtype)
    bias = extremes(rng, 5, dtype)
    exact = np.einsum("ncot,kct->nko", np.lib.stride_tricks.sliding_window_view(x, 4, axis=-1).astype(
        object), w.astype(object)) + bias.astype(object)[:, None]  # fmt: skip
    wanted = modulo(exact, dtype)
    for layout in ("channels_first", "channels_last"):
        y = np.moveaxis(x, 1, -1) if layout == "channels_last" else x
        found = attempt(dtype, backend, "conv1d", y, w, bias, layout=layout)
        if found is not None:
            assert found.dtype == dtype
            assert_equal(np.moveaxis(found, -1, 1) if layout == "channels_last" else found, wanted)
    found = attempt(dtype, backend, "conv1d", x, w, bias, activation="relu6")
    if found is not None:
        assert_equal(found, np.clip(wanted, 0, 6))  # of the wrapped sum


@pytest.mark.parametrize("dtype", INTS, ids=str)
@pytest.mark.parametrize("backend", BACKENDS)
def test_long_integer_convolutions_are_exact(backend, dtype, rng):
    a, v = extremes(rng, 1500, dtype), extremes(rng, 700, dtype)
    wanted = modulo(np.convolve(a.astype(object), v.astype(object)), dtype)
    for operands in ((a, v), (v, a)):
        found = attempt(dtype, backend, "convolve", *operands)
        if found is not None:
            assert_equal(found, wanted)
    a, v = extremes(rng, (9, 30), dtype), extremes(rng, (3, 4), dtype)
    windows = np.lib.stride_tricks.sliding_window_view(a, (3, 4)).astype(object)
    found = attempt(dtype, backend, "correlate", a, v, "valid")
    if found is not None:
        assert_equal(found, modulo(np.einsum("yxij,ij->yx", windows, v.astype(object)), dtype))


@pytest.mark.parametrize("dtype", INTS, ids=str)
@pytest.mark.parametrize("backend", BACKENDS)
def test_transposed_and_pooled_integers(backend, dtype, rng):
    x, w = extremes(rng, (2, 7), dtype), extremes(rng, (2, 3, 4), dtype)
    exact = np.zeros((3, 16), object)
    for c, k, i, t in np.ndindex(2, 3, 7, 4):
        exact[k, 2 * i + t] += int(x[c, i]) * int(w[c, k, t])
    found = attempt(dtype, backend, "conv_transpose1d", x, w, stride=2)
    if found is not None:
        assert_equal(found, modulo(exact, dtype))
    x = extremes(rng, (3, 60), dtype)
    found = attempt(dtype, backend, "max_pool1d", x, 3, stride=1, padding=1)
    if found is not None:
        low = np.full((3, 1), np.iinfo(dtype).min, dtype)
        parts = np.concatenate([low, x, low], axis=1)
        assert_equal(found, np.maximum(np.maximum(parts[:, :-2], parts[:, 1:-1]), parts[:, 2:]))


@pytest.mark.parametrize("backend", BACKENDS)
def test_bool_is_any_of_both(backend, rng):
    a, v = rng.random((5, 300)) < 0.1, rng.random((1, 40)) < 0.1
    found = attempt("?", backend, "convolve", a, v, axes=1)
    if found is not None:
        assert_equal(found, [np.convolve(r.astype(int), v[0].astype(int)) > 0 for r in a])
        assert found.dtype == bool


# -- half precision -----------------------------------------------------------------------------------------


def half(name):
    return np.dtype(name if name != "bfloat16" else pytest.importorskip("ml_dtypes").bfloat16)


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_halves_are_summed_in_float32(backend, name, rng):
    """4096 ones: a sum in half precision would stop at 2048 or 256."""
    dtype = half(name)
    one = partial(np.ones, dtype=dtype)
    calls = {
        "convolve": (one(5000), one(4096), "valid"), "correlate": (one((9, 600)), one((8, 512)), "valid"),
        "conv1d": (one((1, 4096, 3)), one((2, 4096, 1))), "pointwise_conv": (one((4096, 5)), one((3, 4096))),
        "conv2d": (one((1, 64, 9, 9)), one((33, 64, 8, 8))),
        "depthwise_conv2d": (one((1, 3, 64, 65)), one((3, 1, 64, 64))),
        "conv_transpose1d": (one((1, 4096, 3)), one((4096, 2, 1))),
        "separable_conv1d": (one((1, 8, 520)), one((8, 1, 512)), one((3, 8))),
    }  # fmt: skip
    for function, operands in calls.items():
        found = attempt(dtype, backend, function, *operands)
        if found is not None:
            assert found.dtype == dtype
            assert (found.astype("f4") == 4096).all(), function
    offset = np.zeros((1, 2 * 9, 6, 6), dtype)
    if backend in ("auto", "direct", "reference"):
        found = fastconv.deform_conv2d(one((1, 456, 8, 8)), offset, one((2, 456, 3, 3)), backend=backend)
        assert (found == dtype.type(4104)).all()
        y, _ = fastconv.causal_conv1d(one((1, 2, 4100)), one((2, 1, 4096)), backend=backend)
        assert (y[..., 4095:].astype("f4") == 4096).all()
        for n in (4096, 70_000):  # the sum is no float16, the mean is
            mean = fastconv.avg_pool1d(one((1, n)), n, backend=backend)
            assert (mean.astype("f4") == 1).all()


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_halves_are_rounded_once(backend, name, rng):
    dtype = half(name)
    x, w = (numbers(rng, s, "f4").astype(dtype) for s in ((2, 5, 30), (7, 5, 4)))
    bias = numbers(rng, 7, "f4").astype(dtype)
    found = attempt(dtype, backend, "conv1d", x, w, bias, padding=2, activation="silu")
    wide = attempt("f4", backend, "conv1d", *(a.astype("f4") for a in (x, w, bias)), padding=2,
                   activation="silu")  # fmt: skip
    if found is not None:
        assert_equal(found.astype("f4"), wide.astype(dtype).astype("f4"))


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_halves_overflow_to_infinity_silently(backend, name):
    dtype = half(name)
    most = np.full((1, 2, 9), 60000.0 if name == "float16" else 3e38).astype(dtype)
    two = partial(np.full, fill_value=2, dtype=dtype)
    for function, operands in {
        "conv1d": (most, two((3, 2, 2))), "convolve": (most[0, 0], two(2), "valid"),
        "conv_transpose1d": (most, two((2, 3, 1))), "depthwise_conv1d": (most, two((2, 1, 2))),
        "pointwise_conv": (most, two((3, 2))), "separable_conv1d": (most, two((2, 1, 2)), two((3, 2))),
    }.items():  # fmt: skip
        found = attempt(dtype, backend, function, *operands)
        assert found is None or np.isposinf(found.astype("f4")).all(), function
    if backend in ("auto", "direct", "reference"):
        y = fastconv.deform_conv1d(most, np.zeros((1, 2, 8), dtype), two((3, 2, 2)), backend=backend)
        assert np.isposinf(y.astype("f4")).all()
        y, _ = fastconv.causal_conv1d(most, two((2, 1, 1)), backend=backend)
        assert np.isposinf(y.astype("f4")).all()
        y = fastconv.avg_pool1d(most, 3, divisor_override=1, backend=backend)
        assert np.isposinf(y.astype("f4")).all()
    y = fastconv.convolve(most[0, 0, 0], two(()), dtype=dtype)
    assert np.isposinf(np.float32(y))


# -- NaN and infinity -----------------------------------------------------------------------------------------


def spoiled(a, at, value):
    a = a.copy()
    a[at] = value
    return a


def strays(found, covered):
    """Outputs that are not finite although no window covers the bad number, or the other way round."""
    return np.argwhere(np.isfinite(found) == covered).tolist()


BAD = (np.nan, np.inf, -np.inf)


@pytest.mark.parametrize("dtype", ["f4", "f8", "g", "F", "D", "G"])
@pytest.mark.parametrize("backend", SUMMERS)
def test_nonfinite_samples_and_taps_in_convolve(backend, dtype, rng):
    """Both orders of operands; every place of the shorter one, some of the longer one."""
    for (n, m), mode, value in itertools.product(
            ((40, 3), (3, 40), (25, 9), (5, 5), (1, 4)), ("full", "same", "valid"), BAD):  # fmt: skip
        a, v = numbers(rng, n, dtype), numbers(rng, m, dtype)
        for which, size in ((0, n), (1, m)):
            for at in sorted({0, 1, size // 2, size - 1} & set(range(size))):
                bad = [np.zeros(n, bool), np.zeros(m, bool)]
                bad[which][at] = True
                bad[1 - which][:] = True
                covered = np.convolve(*bad, "full")
                start = {"full": 0, "same": (m - 1) // 2, "valid": min(n, m) - 1}[mode]
                operands = [a, v]
                operands[which] = spoiled(operands[which], at, value)
                found = attempt(dtype, backend, "convolve", *operands, mode)
                if found is not None:
                    wrong = strays(found, covered[start : start + found.size])
                    assert not wrong, (n, m, mode, which, at, value, wrong[:5])


@pytest.mark.parametrize("dtype", ["f2", "f4", "D"])
@pytest.mark.parametrize("backend", SUMMERS)
def test_nonfinite_in_2d_signals(backend, dtype, rng):
    a, v = numbers(rng, (9, 40), dtype), numbers(rng, (3, 5), dtype)
    for first, second in ((a, v), (v, a)):
        for which, value in itertools.product((0, 1), (np.nan, np.inf)):
            operands = [first, second]
            at = tuple(int(rng.integers(n)) for n in operands[which].shape)
            bad = [np.ones(o.shape, bool) for o in operands]
            bad[which] = spoiled(np.zeros_like(bad[which]), at, True)
            operands[which] = spoiled(operands[which], at, value)
            covered = fastconv.convolve(*bad, backend="reference")
            found = attempt(dtype, backend, "convolve", *operands)
            assert found is None or not strays(found, covered), (at, which, value)


LAYERS = {  # keywords of layers with x (2, 4, 9, 11), w (6, 4 / groups, 3, 2)
    "plain": {},
    "padded": {"padding": 2},
    "strided": {"stride": (2, 3), "padding": ((1, 0), (0, 3))},
    "stride above kernel": {"stride": 5, "padding": 1},
    "dilated": {"dilation": (3, 4), "padding": "same"},
    "grouped": {"groups": 2, "padding": "full"},
    "cropped": {"padding": -1},
}


@pytest.mark.parametrize("layout", ["channels_first", "channels_last"])
@pytest.mark.parametrize("dtype", ["f4", "f8", "F", "g"])
@pytest.mark.parametrize("backend", SUMMERS)
def test_nonfinite_in_layers(backend, dtype, layout, rng):
    for (name, keywords), value in itertools.product(LAYERS.items(), BAD):
        shapes = ((2, 4, 9, 11), (6, 4 // keywords.get("groups", 1), 3, 2))
        for which in (0, 1):
            operands = [numbers(rng, s, dtype) for s in shapes]
            at = tuple(int(rng.integers(n)) for n in shapes[which])
            bad = [np.ones(s, bool) for s in shapes]
            bad[which] = spoiled(np.zeros(shapes[which], bool), at, True)
            operands[which] = spoiled(operands[which], at, value)
            covered = fastconv.conv2d(*bad, **keywords, backend="reference")
            if layout == "channels_last":
                operands[0] = np.moveaxis(operands[0], 1, -1)
            found = attempt(dtype, backend, "conv2d", *operands, layout=layout, **keywords)
            if found is not None:
                found = np.moveaxis(found, -1, 1) if layout == "channels_last" else found
                assert not strays(found, covered), (name, which, at, value)


@pytest.mark.parametrize("dtype", ["f4", "f8", "F", "g"])
@pytest.mark.parametrize("backend", SUMMERS)
def test_nonfinite_in_transposed_and_depthwise_layers(backend, dtype, rng):
    cases = [("conv_transpose2d", (2, 4, 5, 6), (4, 3, 3, 2), k) for k in (
        {}, {"stride": 2, "padding": 1}, {"stride": (3, 2), "output_padding": 1}, {"dilation": 2},
        {"stride": 4})]  # fmt: skip
    cases += [("depthwise_conv2d", (2, 3, 8, 20), (6, 1, 3, 2), k) for k in (
        {"padding": 2}, {"stride": 2}, {"dilation": 3, "padding": "same"})]  # fmt: skip
    cases += [("resize_conv2d", (1, 2, 5, 6), (3, 2, 3, 2), {"scale": (2, 3), "padding": 2})]
    for (name, *shapes, keywords), which, value in itertools.product(cases, (0, 1), BAD):
        operands = [numbers(rng, s, dtype) for s in shapes]
        at = tuple(int(rng.integers(n)) for n in shapes[which])
        bad = [np.ones(s, bool) for s in shapes]
        bad[which] = spoiled(np.zeros(shapes[which], bool), at, True)
        operands[which] = spoiled(operands[which], at, value)
        covered = getattr(fastconv, name)(*bad, **keywords, backend="reference")
        found = attempt(dtype, backend, name, *operands, **keywords)
        assert found is None or not strays(found, covered), (name, keywords, which, at, value)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "g", "F"])
@pytest.mark.parametrize("backend", ["auto", "direct", "reference"])
def test_nonfinite_in_deformable_layers(backend, dtype, rng):
    """With whole offsets, as in conv2d; a NaN offset spoils its own output alone."""
    x, w = numbers(rng, (1, 2, 7, 8), dtype), numbers(rng, (3, 2, 3, 2), dtype)
    offset = np.zeros((1, 12, 9, 9), np.dtype(dtype).type(0).real.dtype)
    run = partial(fastconv.deform_conv2d, padding=((2, 2), (1, 1)), backend=backend)
    for value, which in itertools.product(BAD, (0, 1)):
        operands, bad = [x, w], [np.ones(x.shape, bool), np.ones(w.shape, bool)]
        at = tuple(int(rng.integers(n)) for n in operands[which].shape)
        bad[which] = spoiled(np.zeros_like(bad[which]), at, True)
        operands[which] = spoiled(operands[which], at, value)
        covered = fastconv.conv2d(*bad, padding=((2, 2), (1, 1)), backend="reference")
        found = run(operands[0], offset, operands[1])
        if which == 0:
            assert not strays(found, covered), (at, value)
        else:  # samples outside are zeros that are read: only other filters are safe
            assert np.isfinite(np.delete(found, at[0], axis=1)).all()
            assert not np.isfinite(found[covered]).any()
    found = run(x, spoiled(offset, (0, 4, 5, 6), np.nan), w)
    covered = spoiled(np.zeros(found.shape, bool), (0, slice(None), 5, 6), True)
    assert not strays(found, covered)
    for value in (np.inf, -np.inf, 1e4, -1e4):  # far outside: nothing is read
        assert np.isfinite(run(x, spoiled(offset, (0, 4, 5, 6), value), w)).all()


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "g"])
@pytest.mark.parametrize("backend", ["auto", "direct", "reference"])
def test_nonfinite_in_pooling(backend, dtype, rng):
    x = numbers(rng, (2, 3, 9, 40), dtype)
    keywords = {"stride": (1, 2), "padding": 1, "backend": backend}
    clean = fastconv.max_pool2d(x, 3, **keywords)
    for value in BAD:
        at = (1, 2, int(rng.integers(9)), int(rng.integers(40)))
        bad = spoiled(np.zeros(x.shape, bool), at, True)
        covered = fastconv.max_pool2d(bad, 3, stride=(1, 2), padding=1)
        assert not strays(fastconv.avg_pool2d(spoiled(x, at, value), 3, **keywords), covered)
        found = fastconv.max_pool2d(spoiled(x, at, value), 3, **keywords)
        assert_equal(found[~covered], clean[~covered])
        if value == -np.inf:
            assert np.isfinite(found).all()
        else:
            assert_equal(found[covered], np.full(covered.sum(), value, dtype))
    every = np.full((1, 6), np.nan, dtype)
    assert np.isnan(fastconv.max_pool1d(every, 2, backend=backend)).all()
    assert_equal(fastconv.max_pool1d(-np.inf * np.ones((1, 4), dtype), 3, padding=1, backend=backend),
                 np.full((1, 2), -np.inf, dtype))  # fmt: skip


def test_avg_pool_keeps_the_parts_of_complex_numbers_apart():
    x = np.array([[1 + 1j, complex(np.inf, 2), complex(3, np.nan), 4]])
    y = fastconv.avg_pool1d(x, 2)
    assert_equal(y.real, [[np.inf, 3.5]])
    assert_equal(y.imag, [[1.5, np.nan]])


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize("backend", SUMMERS)
def test_nonfinite_samples_that_padding_repeats(backend, mode, rng):
    x, w = numbers(rng, (1, 1, 6), "f4"), numbers(rng, (2, 1, 3), "f4")
    for at in range(6):
        index = ref.resolve_index(np.arange(-7, 15), 6, mode)
        covered = np.convolve(index == at, np.ones(3), "valid") > 0
        found = fastconv.conv1d(spoiled(x, (0, 0, at), np.nan), w, padding=(( 7, 9),),
                                padding_mode=mode, backend=backend)  # fmt: skip
        assert not strays(found, np.broadcast_to(covered, found.shape)), at


# -- the same bits for every batch ---------------------------------------------------------------------------


def bits(y):
    """Something to compare: long doubles have bytes that mean nothing."""
    return y if y.dtype.char in "gG" else np.ascontiguousarray(y).view(np.uint8)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "g", "F", "D"])
@pytest.mark.parametrize("backend", BACKENDS[1:])
def test_layers_do_not_depend_on_the_batch(backend, dtype, rng):
    if computes(backend, np.dtype(dtype)) is False:
        return
    for name, x_shape, w_shape, keywords in (
        ("conv1d", (33, 3, 50), (5, 3, 7), {"padding": 3}), ("conv1d", (40, 1, 7), (1, 1, 3), {}),
        ("conv2d", (9, 4, 12, 17), (18, 4, 3, 3), {"padding": 1, "activation": None}),
        ("conv2d", (9, 70, 6, 5), (3, 70, 3, 3), {"stride": 2}), ("conv1d", (3, 2, 700), (1, 2, 600), {}),
        ("depthwise_conv2d", (9, 3, 12, 17), (6, 1, 5, 5), {"padding": 2}),
        ("conv_transpose2d", (9, 4, 5, 6), (4, 3, 3, 3), {"stride": 2}),
    ):  # fmt: skip
        x, w = numbers(rng, x_shape, dtype), numbers(rng, w_shape, dtype)
        run = partial(getattr(fastconv, name), backend=backend, **keywords)
        together = run(x, w)
        for part in (slice(0, 1), slice(4, 5), slice(1, 3), slice(None, None, -2)):
            assert_equal(bits(run(x[part], w)), bits(together[part]))
        assert_equal(bits(run(x[1], w)), bits(together[1]))
        last = run(np.moveaxis(x, 1, -1).copy(), w, layout="channels_last")
        assert_equal(bits(run(np.moveaxis(x[2], 0, -1).copy(), w, layout="channels_last")), bits(last[2]))


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "g", "F", "D"])
@pytest.mark.parametrize("backend", BACKENDS[1:])
def test_signals_do_not_depend_on_the_batch(backend, dtype, rng):
    """Batch axes before, behind and between the axes that are convolved."""
    if computes(backend, np.dtype(dtype)) is False:
        return
    for x_shape, v_shape, axes in (
        ((19, 200), (1, 9), 1), ((200, 19), (9, 1), 0), ((800, 9), (700, 1), 0), ((300, 7), (1, 3), 1),
        ((30, 20, 9), (3, 4, 1), (0, 1)), ((9, 30, 20), (1, 5, 3), (1, 2)), ((30, 9, 20), (3, 1, 4), (0, 2)),
        ((8, 40, 3), (1, 5, 1), 1),
    ):  # fmt: skip
        a, v = numbers(rng, x_shape, dtype), numbers(rng, v_shape, dtype)
        batch = v_shape.index(1)
        for mode in ("full", "same", "valid"):
            run = partial(fastconv.convolve, mode=mode, axes=axes, backend=backend)
            together = run(a, v)
            for part in (slice(0, 1), slice(4, 5), slice(1, 3), slice(None, None, -2)):
                index = (slice(None),) * batch + (part,)
                assert_equal(bits(run(a[index], v)), bits(together[index]))
                assert_equal(bits(run(a[index].copy(), v)), bits(together[index]))


# -- rounding errors --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [64, 512])
@pytest.mark.parametrize("layout", ["channels_first", "channels_last"])
@pytest.mark.parametrize("backend", ["direct", "implicit"])
def test_float32_layers_are_accurate(backend, layout, channels, rng):
    x, w = numbers(rng, (1, channels, 14, 14), "f4"), numbers(rng, (33, channels, 3, 3), "f4")
    windows = np.lib.stride_tricks.sliding_window_view(x[0].astype("f8"), (3, 3), axis=(1, 2))
    windows = windows.transpose(1, 2, 0, 3, 4).reshape(144, -1)
    flat = w.reshape(33, -1).astype("f8")
    exact, size = ((f(windows) @ f(flat).T).T.reshape(33, 12, 12) for f in (np.asarray, np.abs))
    if layout == "channels_last":
        found = fastconv.conv2d(np.ascontiguousarray(np.moveaxis(x, 1, -1)), w, layout=layout,
                                backend=backend)[0].transpose(2, 0, 1)  # fmt: skip
    else:
        found = fastconv.conv2d(x, w, backend=backend)[0]
    u = 2.0**-24
    assert (abs(found - exact) <= 4 * u * size + 2 * u * abs(exact)).all()


# -- mistakes that were made --------------------------------------------------------------------------------------


def test_clongdouble_taps_that_meet_no_sample():
    """Corrupted the heap: in a process of its own."""
    code = """
        import numpy as np, fastconv
        w = np.ones((6, 1, 2, 1, 1), "G")
        w[0] = np.nan
        for backend in ("auto", *fastconv.backends()):
            for _ in range(20):
                try:
                    y = fastconv.conv3d(np.ones((1, 2, 1, 5, 1), "G"), w, groups=2, backend=backend,
                                        padding=((1, 0), (0, 0), (0, 0)))
                except fastconv.BackendNotSupportedError:
                    continue
                assert y.shape == (1, 6, 1, 5, 1)
                assert np.isnan(y[:, 0]).all() and (y[:, 1:] == 1).all()
    """
    env = {**os.environ, "MALLOC_PERTURB_": "165"}
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], env=env, timeout=120,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("backend", ["auto", "direct", "reference"])
def test_pooling_in_ceil_mode(backend):
    x = np.arange(1.0, 8)[None]
    run = partial(fastconv.avg_pool1d, ceil_mode=True, backend=backend)
    assert_equal(run(x, 3), [[2, 5, 7]])
    assert_equal(run(x, 2), [[1.5, 3.5, 5.5, 7]])
    assert_equal(run(x, 2, padding=1), [[0.5, 2.5, 4.5, 6.5]])
    assert_equal(run(x[:, :6], 2, padding=1), [[0.5, 2.5, 4.5, 3]])
    assert_equal(run(x[:, :6], 2, padding=1, count_include_pad=False), [[1, 2.5, 4.5, 6]])
    assert_equal(run(x, 3, divisor_override=2), [[3, 7.5, 3.5]])
    assert_equal(fastconv.max_pool1d(x, 3, ceil_mode=True, backend=backend), [[3, 6, 7]])
    y = run(np.ones((1, 7, 7), "F"), 3)[..., :0]
    assert y.dtype == np.complex64
    assert_equal(fastconv.avg_pool2d(np.ones((1, 7, 8), "f2"), 3, ceil_mode=True, backend=backend),
                 np.ones((1, 3, 3)))  # fmt: skip


@pytest.mark.parametrize("backend", ["auto", "direct", "reference"])
def test_cropped_samples_are_not_pooled(backend):
    x = np.arange(6.0)[None]
    for pads, average, largest in (
        ((0, -1), [[0.5, 2.5, 4]], [[1, 3, 4]]), ((-1, 0), [[1.5, 3.5, 5]], [[2, 4, 5]]),
        ((-1, -2), [[1.5, 3]], [[2, 3]]), ((-2, -1), [[2.5, 4]], [[3, 4]]),
    ):  # fmt: skip
        words = {"padding": (pads,), "ceil_mode": True, "backend": backend}
        assert_equal(fastconv.avg_pool1d(x, 2, **words), average)
        assert_equal(fastconv.max_pool1d(x, 2, **words), largest)
        assert_equal(fastconv.avg_pool1d(x, 2, count_include_pad=False, **words), average)
    bad = spoiled(x, (0, 5), np.nan)
    for function in (fastconv.avg_pool1d, fastconv.max_pool1d):
        y = function(bad, 2, padding=((0, -1),), ceil_mode=True, backend=backend)
        assert np.isfinite(y).all()


def test_complex_numbers_do_not_become_bfloat16():
    dtype = half("bfloat16")
    a, out = np.ones(4, "F"), np.zeros(5, dtype)
    for call in (
        lambda: fastconv.convolve(a, a[:2], dtype=dtype), lambda: fastconv.convolve(a, a[:2], out=out),
        lambda: fastconv.conv1d(a[None, None], np.ones((1, 1, 2), "F"), dtype=dtype),
        lambda: fastconv.avg_pool1d(a[None], 2, dtype=dtype),
        lambda: fastconv.plan(np.ones((1, 1, 2), "F"), input_shape=(1, 1, 4), dtype=dtype)(a[None, None]),
    ):  # fmt: skip
        with pytest.raises(TypeError, match="bfloat16"):
            call()
    assert not out.any()


@pytest.mark.parametrize("dtype", ["u1", "i2", "i8", "f2", "f4", "f8", "g", "F"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_unsafe_bool_means_not_zero(backend, dtype):
    values = [0, 2, 0, 128] if dtype == "u1" else [0, 2, 0, 256] if dtype[0] in "iu" else [0, 0.5, 0, np.nan]
    a = np.array(values, dtype)
    words = {"dtype": bool, "casting": "unsafe"}
    wanted = np.array([False, True, False, True])
    found = attempt("?", backend, "convolve", a, np.array([4], dtype), **words)
    assert found is None or (found.dtype == bool and (found == wanted).all())
    found = attempt("?", backend, "convolve", np.ones(1, bool), a, **words)
    assert found is None or (found == wanted).all()
    found = attempt("?", backend, "conv1d", a[None, None], np.array([[[4]]], dtype), **words)
    assert found is None or (found == wanted).all()
    if dtype != "F":
        found = attempt("?", backend, "max_pool1d", a[None], 1, **words)
        assert found is None or (found == wanted).all()


@pytest.mark.parametrize("dtype", [*INTS, *map(np.dtype, ("?", "f2", "f4", "f8", "F"))], ids=str)
def test_fill_values_that_the_dtype_cannot_hold(dtype):
    a, v = np.ones(3, dtype), np.ones(2, dtype)
    run = partial(fastconv.convolve, a, v, "full")
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        bad, good = [info.min - 1, info.max + 1, 0.5, math.nan, math.inf, 1j], [info.min, info.max, 1.0]
    elif dtype.kind == "b":
        bad, good = [2, -1, 0.5, math.nan], [True, 1, 0, 1.0]
    else:
        bad = {"float16": [1e5, -70000], "float32": [1e39], "float64": [10**400], "complex64": [1e39j]}
        bad = bad[dtype.name] + ([] if dtype.kind == "c" else [1j, 1 + 1j])
        good = [0.5, np.finfo(dtype).max / 4]
        good += [1 + 2j] if dtype.kind == "c" else [math.nan, math.inf, -math.inf]
    for value in [*bad, "1", None, [1, 2]]:
        with pytest.raises((ValueError, TypeError), match="fillvalue"):
            run(fillvalue=value)
    for value in good:
        for backend in ("auto", "direct", "reference"):
            y = run(fillvalue=value, backend=backend)
            assert y.dtype == dtype
            held = np.asarray(value).astype(dtype)
            edges = np.asarray(1).astype(dtype) + held if dtype.kind != "b" else np.asarray(True)
            assert_equal(y, np.array([edges, y[1], y[2], edges]))


@pytest.mark.parametrize("k", [1, 2, 3, 17])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "F", "g"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_no_channels_give_the_bias(backend, dtype, k):
    """Sums of nothing were whatever the workspace held."""
    x, w, bias = np.empty((2, 0, 4, 5), dtype), np.empty((k, 0, 3, 3), dtype), np.arange(k).astype(dtype)
    for layout in ("channels_first", "channels_last"):
        attempt(dtype, backend, "conv2d", np.ones((1, 3, 20, 50), dtype), np.ones((8, 3, 3, 3), dtype))
        y = np.moveaxis(x, 1, -1) if layout == "channels_last" else x
        found = attempt(dtype, backend, "conv2d", y, w, bias, padding=1, layout=layout)
        if found is not None:
            found = np.moveaxis(found, -1, 1) if layout == "channels_last" else found
            assert_equal(found, np.broadcast_to(bias[:, None, None], (2, k, 4, 5)))
