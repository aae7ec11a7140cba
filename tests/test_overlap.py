"""backend="oa": values at every border, loud and not finite samples, bits, memory, choice."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastconv
from fastconv._core import fft

TYPES = ("f4", "f8", "F", "D")
UNIT = {"f": 2.0**-24, "d": 2.0**-53}


def numbers(rng, shape, dtype):
    x = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.standard_normal(shape)
    return x.astype(dtype)


def unit(dtype):
    return UNIT[np.empty(0, dtype).real.dtype.char]


def check(found, wanted, taps, samples, factor=4):
    """Within factor * u * log2(n) of the product of norms, as FFTs are; samples: those of one row."""
    scale = np.linalg.norm(taps) * np.sqrt((np.abs(samples) ** 2).max(initial=0) * taps.size)
    bound = factor * unit(found.dtype) * np.log2(4 * samples.size + 4) * scale
    assert np.abs(found - wanted).max(initial=0) <= bound


@settings(max_examples=120, deadline=None)
@given(st.integers(1, 3000), st.integers(2, 900), st.sampled_from(TYPES),
       st.sampled_from(["full", "same", "valid"]), st.sampled_from(["fill", "wrap", "symm", "reflect", "nearest"]),
       st.booleans(), st.integers(0, 2**31))  # fmt: skip
def test_values(n, m, dtype, mode, boundary, correlate, seed):
    rng = np.random.default_rng(seed)
    a, v = numbers(rng, n, dtype), numbers(rng, m, dtype)
    function = fastconv.correlate if correlate else fastconv.convolve
    wide = np.dtype("D") if a.dtype.kind == "c" else np.dtype("d")
    words = {"boundary": boundary, "fillvalue": 0.25 if seed % 3 == 0 else 0}
    if min(n, m) == 1:
        return
    wanted = function(a.astype(wide), v.astype(wide), mode, **words, backend="direct")
    found = function(a, v, mode, **words, backend="oa")
    assert found.dtype == a.dtype
    if boundary == "fill" and not words["fillvalue"] and n < m:
        a, v = v, a  # between zeros the shorter may be the filter
    check(found, wanted, v, np.append(a, words["fillvalue"]))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("m", [2, 16, 17, 18, 33, 255, 1000])
def test_ends_of_blocks(dtype, m):
    """Lengths about one and two blocks, so that the last is full, one sample long, or missing."""
    rng = np.random.default_rng(m)
    v = numbers(rng, m, dtype)
    size = max(256, fft.smallest(dtype in "f8D")) * (1 if np.dtype(dtype).kind == "c" else 2)
    valid = size - -(-(m - 1) // 16) * 16
    for n in {max(m, k * valid + d) for k in (1, 2, 3) for d in (-m, -1, 0, 1, m)}:
        a = numbers(rng, n, dtype)
        found = fastconv.convolve(a, v, backend="oa")
        check(found, np.convolve(a.astype("D"), v.astype("D")), v, a)


def test_memory_of_every_kind():
    rng = np.random.default_rng(1)
    for dtype in ("f2", "f4", "f8", "F", "D", "i2"):
        a = (10 * numbers(rng, (6, 700, 5), "f8" if dtype == "i2" else dtype)).astype(dtype)
        v = numbers(rng, (1, 40, 1), "f4" if dtype == "i2" else dtype)
        wanted = fastconv.convolve(a, v, "same", axes=1, backend="direct")
        views = [a, np.asfortranarray(a), a[::-1, ::-1, ::-1].copy()[::-1, ::-1, ::-1],
                 a.transpose(1, 2, 0).copy().transpose(2, 0, 1)]  # fmt: skip
        views.append(a.astype(a.dtype.newbyteorder()))
        odd = np.zeros(a.nbytes + 1, np.uint8)[1:].view(dtype).reshape(a.shape)
        odd[...] = a
        for x in (*views, odd):
            out = np.zeros((12, 5, 1400), wanted.dtype)
            view = out[::2, :, ::-2].transpose(0, 2, 1)
            before = x.tobytes()
            found = fastconv.convolve(x, v, "same", axes=1, backend="oa")
            assert fastconv.convolve(x, v, "same", axes=1, backend="oa", out=view) is view
            np.testing.assert_array_equal(view, found)
            assert x.tobytes() == before and not out[1::2].any()
            tolerance = 0.13 if dtype == "f2" else 2e-4 if found.dtype.char in "fF" else 1e-11
            np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance)


def test_rows_with_filters_of_their_own():
    rng = np.random.default_rng(2)
    a, v = numbers(rng, (3, 1, 900), "f8"), numbers(rng, (1, 4, 60), "f8")
    found = fastconv.convolve(a, v, axes=2, backend="oa")
    for i, j in np.ndindex(3, 4):
        np.testing.assert_allclose(found[i, j], np.convolve(a[i, 0], v[0, j]), atol=1e-12)
    a, v = numbers(rng, (3, 500), "F"), numbers(rng, (3, 90), "F")
    found = fastconv.convolve(a, v, axes=1, backend="oa")
    for i in range(3):
        np.testing.assert_allclose(found[i], np.convolve(a[i], v[i]), atol=1e-4)


# -- what an FFT must not do to its neighbours ---------------------------------------------------------


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_not_finite_samples_stay_in_their_windows(dtype, value):
    rng = np.random.default_rng(3)
    a, v = numbers(rng, 9000, dtype), numbers(rng, 100, dtype)
    clean = fastconv.convolve(a, v, backend="oa")
    at = [0, 1234, 1240, 8999]
    a[at] = value
    with np.errstate(all="ignore"):
        wanted = fastconv.convolve(a, v, backend="direct")
    found = fastconv.convolve(a, v, backend="oa")
    np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))
    np.testing.assert_array_equal(np.isinf(found), np.isinf(wanted))
    finite = np.isfinite(wanted)
    assert np.isfinite(found[finite]).all() and finite.sum() == 9099 - 100 - 106 - 100
    np.testing.assert_allclose(found[finite], clean[finite], atol=1e-4)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_not_finite_taps(value):
    a, v = np.arange(400.0), np.ones(70)
    v[3] = value
    with np.errstate(all="ignore"):
        wanted = fastconv.convolve(a, v, "same", backend="direct")
    np.testing.assert_array_equal(fastconv.convolve(a, v, "same", backend="oa"), wanted)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("m", [65, 255, 2000])
@pytest.mark.parametrize("loud", [[5000], [100, 101, 9000], "half", "many"])
def test_loud_samples_leave_quiet_windows_exact(dtype, m, loud):
    """The error of every result is small against what its window of samples brings with taps of mean size."""
    rng = np.random.default_rng(4)
    a, v = numbers(rng, 20000, dtype), numbers(rng, m, dtype)
    if loud == "half":
        a[10000:] *= 1e6
    elif loud == "many":
        a[rng.integers(0, 20000, 400)] *= 1e6
    else:
        a[loud] *= 1e6
    wide = "D" if np.dtype(dtype).kind == "c" else "d"
    wanted = fastconv.convolve(a.astype(wide), v.astype(wide), backend="direct")
    mean = np.full(m, np.abs(v).mean(), "d")
    local = fastconv.convolve(np.abs(a).astype("d"), mean, backend="direct")
    error = np.abs(fastconv.convolve(a, v, backend="oa") - wanted) / local
    inner = slice(m, -m)  # where windows are whole
    assert error[inner].max() <= (64 * unit(dtype) if dtype in "f4F" else 1e-9)


def test_extreme_range_in_float64_is_summed_directly():
    a, v = np.full(3000, 1e-3), np.ones(80)
    a[::7] = 1e12  # too many to be taken out
    a[1500:] = 1e-3
    wanted = fastconv.convolve(a, v, backend="direct")
    found = fastconv.convolve(a, v, backend="oa")
    np.testing.assert_allclose(found, wanted, rtol=1e-9)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("scale", [1e-38, 1e-30, 1e-20, 1e15, 1e25, 1e36])
def test_tiny_and_huge_numbers(dtype, scale):
    rng = np.random.default_rng(5)
    a, v = numbers(rng, 3000, "D"), numbers(rng, 70, dtype)
    a = ((a if np.dtype(dtype).kind == "c" else a.real) * scale).astype(dtype)
    wide = "D" if np.dtype(dtype).kind == "c" else "d"
    wanted = fastconv.convolve(a.astype(wide), v.astype(wide), backend="direct")
    with np.errstate(all="ignore"):
        found = fastconv.convolve(a, v, backend="oa")
        wanted = wanted.astype(dtype)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted[np.isfinite(wanted)]).max())


def test_silence_stays_silent():
    a = np.zeros(20000, "f4")
    a[7000:7100] = 1
    found = fastconv.convolve(a, np.hanning(200).astype("f4"), backend="oa")
    assert not found[:7000].any() and not found[7299:].any()
    assert found[7001:7298].all()


# -- bits ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", TYPES)
def test_bits_depend_on_neither_threads_nor_batch(dtype):
    rng = np.random.default_rng(6)
    a, v = numbers(rng, (5, 60000), dtype), numbers(rng, (1, 300), dtype)
    a[3, 500] = np.nan
    found = []
    for n in (1, 2, 5):
        with fastconv.num_threads(n):
            found.append(fastconv.convolve(a, v, axes=1, backend="oa"))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    for i in range(5):
        np.testing.assert_array_equal(fastconv.convolve(a[i], v[0], backend="oa"), found[0][i])


def test_plans_keep_spectra():
    rng = np.random.default_rng(7)
    v = numbers(rng, 500, "f4")
    p = fastconv.plan_convolve(v, input_shape=(4000,), backend="oa")
    a, out = numbers(rng, 4000, "f4"), np.empty(4499, "f4")
    assert p.backend == "oa" and p.workspace_bytes > 0
    assert p(a, out=out) is out
    np.testing.assert_array_equal(out, fastconv.convolve(a, v, backend="oa"))


def test_long_kernels():
    rng = np.random.default_rng(8)
    for n, m in ((100_000, 40_000), (40_000, 40_000)):
        a, v = numbers(rng, n, "f8"), numbers(rng, m, "f8")
        wanted = np.fft.irfft(np.fft.rfft(a, 2**18) * np.fft.rfft(v, 2**18))[: n + m - 1]
        found = fastconv.convolve(a, v, backend="oa")
        np.testing.assert_allclose(found, wanted, atol=1e-9)
        np.testing.assert_allclose(fastconv.convolve(a.astype("f4"), v.astype("f4"), backend="oa"),
                                   wanted, atol=2e-6 * np.sqrt(m) * 16)  # fmt: skip


# -- choice --------------------------------------------------------------------------------------------


def test_auto_takes_it_for_long_kernels_only():
    assert fastconv.explain("convolve", (100_000,), (1000,)).backend == "oa"
    assert fastconv.explain("convolve", (100_000,), (9,)).backend != "oa"
    assert fastconv.explain("convolve", (100_000,), (1000,), dtype="i4").backend == "oa"
    assert fastconv.explain("convolve", (100_000,), (1000,), dtype="g").backend != "oa"


@pytest.mark.parametrize(("call", "why"), [
    (lambda: fastconv.convolve(np.ones(9, "g"), np.ones(3, "g"), backend="oa"), "float32, float64"),
    (lambda: fastconv.plan_convolve(np.ones(3, int), input_shape=(9,), backend="oa", workspace_limit=1 << 20), "int64"),
    (lambda: fastconv.convolve(np.ones(9), np.ones(1), backend="oa"), "one tap"),
    (lambda: fastconv.conv1d(np.ones((1, 2, 9)), np.ones((1, 2, 3)), backend="oa"), "one channel"),
    (lambda: fastconv.conv1d(np.ones((1, 1, 9)), np.ones((1, 1, 3)), stride=2, backend="oa"), "stride"),
])  # fmt: skip
def test_refusals_say_why(call, why):
    with pytest.raises(fastconv.BackendNotSupportedError, match=why):
        call()


@pytest.mark.parametrize("isa", ["baseline", "avx2"])
def test_other_instruction_sets(isa):
    code = ("import numpy as np, fastconv as f; r = np.random.default_rng(0); a = r.standard_normal(5000);"
            "v = r.standard_normal(300);"
            "print(max(abs(f.convolve(a.astype(t), v.astype(t), backend='oa') - np.convolve(a, v)).max()"
            " for t in ('f4', 'F')), abs(f.convolve(a, v, backend='oa') - np.convolve(a, v)).max())")  # fmt: skip
    if isa not in fastconv._core.cpu.available_isas():
        pytest.skip(f"this machine has no {isa}")
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "FASTCONV_ISA": isa},
                          capture_output=True, text=True, check=True)  # fmt: skip
    single, double = map(float, done.stdout.split())
    assert single < 1e-4 and double < 1e-12


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("m", [60, 100, 149])
def test_one_block_with_care(dtype, m):
    """A row that fits one block, which gives up nothing; loud and not finite samples at its ends too."""
    rng = np.random.default_rng(m)
    a, v = numbers(rng, 150, dtype), numbers(rng, m, dtype)
    for at, value in ((0, np.nan), (149, np.inf), (70, 1e7)):
        x = a.copy()
        x[at] = value
        for mode in ("full", "same"):
            with np.errstate(all="ignore"):
                wanted = fastconv.convolve(x, v, mode, backend="direct")
            found = fastconv.convolve(x, v, mode, backend="oa")
            tolerance = (1e-4 if dtype in "f4F" else 1e-12) * (1 if value != 1e7 else 1e5)
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=tolerance)
