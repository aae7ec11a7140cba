"""StreamingConvolver: equal to convolve however the signal is cut; swaps, fades, resets; errors."""

import threading
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastconv
from fastconv.backends import _partitions

DTYPES = ("f", "d", "F", "D")
LEAST = max(_partitions.smallest(False), _partitions.smallest(True))
LEVELS = ((), (LEAST,), (LEAST, 4 * LEAST), (LEAST, 2 * LEAST, 16 * LEAST))


def samples(rng, shape, dtype):
    a = rng.standard_normal(shape)
    return (a + 1j * rng.standard_normal(shape) if dtype in "FD" else a).astype(dtype)


def convolved(x, h):
    """The full convolution along the last axis in double precision."""
    x, h = np.asarray(x), np.asarray(h)
    wide = complex if "c" in (x.dtype.kind, h.dtype.kind) else float
    n = x.shape[-1] + h.shape[-1] - 1
    return np.fft.ifft(np.fft.fft(x, n) * np.fft.fft(h, n)).astype(wide) if wide is complex else np.fft.irfft(
        np.fft.rfft(x.astype(float), n) * np.fft.rfft(h.astype(float), n), n)  # fmt: skip


def pieces(x, cuts):
    """x cut after so many samples, again and again."""
    at, i = 0, 0
    while at < x.shape[-1]:
        n = cuts[i % len(cuts)]
        yield x[..., at : at + n]
        at, i = at + n, i + 1


def streamed(stream, x, cuts):
    return np.concatenate([stream.process(block) for block in pieces(x, cuts)], axis=-1)


def close(found, wanted, dtype, units=60):
    error = np.abs(found - wanted).max() / (np.sqrt(np.mean(np.abs(wanted) ** 2)) or 1)
    assert error < units * np.finfo(dtype).eps


@st.composite
def streams(draw):
    dtype = draw(st.sampled_from(DTYPES))
    channels = draw(st.integers(1, 3))
    levels = draw(st.sampled_from(LEVELS))
    taps = draw(st.integers(1, 40 * levels[-1] if levels else 700))
    cuts = draw(st.lists(st.integers(1, 700), min_size=1, max_size=6))
    shared = draw(st.booleans())
    real = draw(st.booleans())
    return dtype, channels, levels, taps, cuts, shared, real, draw(st.integers(0, 99))


@settings(deadline=None, max_examples=60)
@given(streams())
def test_equals_convolve(drawn):
    dtype, channels, levels, taps, cuts, shared, real, seed = drawn
    rng = np.random.default_rng(seed)
    h = samples(rng, taps if shared else (channels, taps), dtype.lower() if real else dtype)
    x = samples(rng, (channels, 3000) if channels > 1 else 3000, dtype)
    stream = fastconv.StreamingConvolver(h, cuts[0], channels=channels, dtype=dtype, partition=levels)
    found = np.concatenate([streamed(stream, x, cuts), stream.flush()], axis=-1)
    assert found.dtype == np.dtype(dtype)
    close(found, convolved(x, h if channels > 1 or shared else h[0]), dtype)
    # after flush it begins anew
    np.testing.assert_array_equal(streamed(stream, x, cuts[::-1]), found[..., :3000])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("taps, block", [(1, 1), (3, 64), (1000, 64), (5000, 100), (9000, 2048), (30_000, 32)])
def test_automatic_cuts(taps, block, dtype):
    rng = np.random.default_rng(1)
    h, x = samples(rng, taps, dtype), samples(rng, 4 * block + 5000, dtype)
    stream = fastconv.StreamingConvolver(h, block)
    assert stream.dtype == np.dtype(dtype) and stream.taps == taps and stream.latency == 0
    close(streamed(stream, x, (block,)), convolved(x, h)[: len(x)], dtype)
    uniform = fastconv.StreamingConvolver(h, block, partition="uniform")
    close(streamed(uniform, x, (block,)), convolved(x, h)[: len(x)], dtype, 100)


def test_a_very_long_kernel():
    rng = np.random.default_rng(2)
    h, x = samples(rng, 144_000, "f"), samples(rng, 200_000, "f")
    stream = fastconv.StreamingConvolver(h, 64)
    assert len(stream.partitions) > 1
    close(streamed(stream, x, (64,)), convolved(x, h)[:200_000], "f")


@pytest.mark.parametrize("levels", LEVELS)
def test_bits_do_not_depend_on_the_cuts(levels):
    rng = np.random.default_rng(3)
    h, x = samples(rng, 3000, "f"), samples(rng, 20_000, "f")
    results = []
    for cuts in ((64,), (1,), (20_000,), (777, 1, 64, 500)):
        stream = fastconv.StreamingConvolver(h, 64, partition=levels)
        results.append(streamed(stream, x[:3000] if cuts == (1,) else x, cuts)[:3000].tobytes())
    assert len(set(results)) == 1


def test_bits_do_not_depend_on_threads():
    rng = np.random.default_rng(4)
    h, x = samples(rng, (6, 2000), "d"), samples(rng, (6, 30_000), "d")
    results = []
    for n in (1, 2, 3):
        with fastconv.num_threads(n):
            stream = fastconv.StreamingConvolver(h, 5000, channels=6)
            results.append(streamed(stream, x, (5000,)).tobytes())
    assert results[0] == results[1] == results[2]


def test_the_best_cut():
    for taps in (10, 100, 1000, 20_000, 144_000, 1_000_000):
        for block in (1, 64, 4096):
            sizes = _partitions.best(taps, block, False)
            head, levels = _partitions.levels_of(taps, sizes, False)
            covered = head + sum(t.size * count for t, count in levels)
            assert taps <= covered and (head == taps or head == 2 * sizes[0])
            assert all(a < b for a, b in pairwise(sizes))
    assert _partitions.best(50, 64, False) == ()
    assert len(_partitions.best(144_000, 64, False)) >= 3
    assert _partitions.uniform(10_000, 100, False) == (max(128, _partitions.smallest(False)),)


# -- state -----------------------------------------------------------------------------------------


def test_reset_forgets():
    rng = np.random.default_rng(5)
    h, x = samples(rng, 4000, "d"), samples(rng, 9000, "d")
    stream = fastconv.StreamingConvolver(h, 64, partition=LEVELS[2])
    first = streamed(stream, x, (64,))
    for n in (0, 1, 64, 5003):
        stream.process(x[:n])
        stream.reset()
        np.testing.assert_array_equal(streamed(stream, x, (64,)), first)
        stream.reset()


def test_nan_is_over_after_a_while():
    rng = np.random.default_rng(6)
    h, x = samples(rng, 3000, "f"), samples(rng, 20_000, "f")
    clean = streamed(fastconv.StreamingConvolver(h, 64, partition=LEVELS[2]), x, (64,))
    x[1000] = np.nan
    found = streamed(fastconv.StreamingConvolver(h, 64, partition=LEVELS[2]), x, (64,))
    np.testing.assert_array_equal(found[:1000], clean[:1000])
    assert np.isnan(found[1000:4000]).all()
    end = 1000 + 3000 + 2 * LEVELS[2][-1]
    np.testing.assert_array_equal(found[end:], clean[end:])


@st.composite
def swaps(draw):
    """Kernels, the samples at which they come, and how long they fade in."""
    at = sorted(draw(st.lists(st.integers(0, 40), min_size=1, max_size=3, unique=True)))
    at = [a * draw(st.sampled_from([LEAST, 97])) for a in at]
    return at, draw(st.sampled_from(LEVELS)), draw(st.sampled_from(DTYPES)), draw(st.integers(0, 99))


@settings(deadline=None, max_examples=60)
@given(swaps(), st.lists(st.integers(1, 900), min_size=1, max_size=5), st.sampled_from([0, 1, 50, 2000]))
def test_swaps_and_fades(drawn, cuts, fade):
    """From a swap on the output is that of the new kernel with the whole past."""
    at, levels, dtype, seed = drawn
    rng = np.random.default_rng(seed)
    taps = 10 * levels[-1] if levels else 300
    kernels = [samples(rng, taps - 13 * i, dtype) for i in range(len(at) + 1)]
    n = 6000
    x = samples(rng, n, dtype)
    stream = fastconv.StreamingConvolver(kernels[0], 64, partition=levels)
    full = [convolved(x, h)[:n] for h in kernels]
    wanted, found, done = full[0].copy(), [], 0
    for i, when in enumerate(min(a, n) for a in sorted(at)):
        found.append(streamed(stream, x[done:when], cuts) if when > done else x[:0])
        stream.set_kernel(kernels[i + 1], fade=fade)
        # a fade that is in progress is cut short: only the kernel faded to is heard
        ramp = np.minimum((np.arange(n - when) + 1) / (fade + 1), 1)
        wanted[when:] = full[i][when:] + ramp * (full[i + 1][when:] - full[i][when:])
        done = when
    if done < n:
        found.append(streamed(stream, x[done:], cuts))
    close(np.concatenate(found), wanted, dtype, 60)


def test_swap_with_channels_and_before_the_first_sample():
    rng = np.random.default_rng(7)
    h, x = samples(rng, (2, 3, 2000), "d"), samples(rng, (3, 5000), "d")
    stream = fastconv.StreamingConvolver(h[0], 64, channels=3)
    stream.set_kernel(h[1])
    close(streamed(stream, x, (64,)), convolved(x, h[1])[:, :5000], "d")
    stream.set_kernel(h[0, 0], fade=10_000)  # one for all, and reset ends the fade
    stream.reset()
    close(streamed(stream, x, (64,)), convolved(x, h[0, :1])[:, :5000], "d")


def test_two_threads_take_turns():
    stream = fastconv.StreamingConvolver(np.ones(500, "f"), 64, partition=(LEAST,))

    def work():
        for _ in range(200):
            stream.process(np.ones(64, "f"))
            stream.set_kernel(np.ones(500, "f"), fade=7)

    callers = [threading.Thread(target=work) for _ in range(3)]
    for t in callers:
        t.start()
    for t in callers:
        t.join()
    np.testing.assert_allclose(stream.process(np.ones(64, "f")), 500, rtol=1e-5)


# -- arguments -------------------------------------------------------------------------------------


def test_blocks_of_any_kind():
    rng = np.random.default_rng(8)
    h = samples(rng, 50, "f")
    x = rng.integers(-9, 9, 400).astype("f")
    right = fastconv.StreamingConvolver(h, 64).process(x)

    def found(block, out=None):
        return fastconv.StreamingConvolver(h, 64).process(block, out)

    for block in (x.tolist(), x.astype(np.int16), x.astype(">f4"), np.repeat(x, 2)[::2], x.astype("d")):
        np.testing.assert_array_equal(found(block), right)
    np.testing.assert_array_equal(found(x[None]), right[None])
    out = np.empty(400, "f")
    assert found(x, out) is out and (out == right).all()
    strided, wide = np.empty(800, "f")[::2], np.empty(400, "d")
    np.testing.assert_array_equal(found(x, strided), right)
    np.testing.assert_array_equal(found(x, wide), right)
    same = x.copy()
    assert found(same, same) is same and (same == right).all()
    overlapping = np.zeros(401, "f")
    overlapping[1:] = x
    np.testing.assert_array_equal(found(overlapping[1:], overlapping[:-1]), right)
    frozen = x.copy()
    frozen.flags.writeable = False
    np.testing.assert_array_equal(found(frozen), right)
    assert found(x[:0]).shape == (0,)


def test_dtypes():
    def dtype(h, **keywords):
        return fastconv.StreamingConvolver(np.ones(3, h), 8, **keywords).dtype

    assert [dtype(t) for t in "fdFDeil"] == [np.dtype(t) for t in "fdFDfdd"]
    assert dtype("d", dtype="f") == np.float32 and dtype("f", dtype="D") == np.complex128
    stream = fastconv.StreamingConvolver([1.0, 2], 4, dtype=complex)
    assert stream.process([1j, 0, 0]).tolist() == [1j, 2j, 0]
    assert repr(stream) == "<StreamingConvolver taps=2 block_size=4 channels=1 dtype=complex128>"


@pytest.mark.parametrize("arguments, keywords, error, text", [
    (([], 4), {}, ValueError, r"at least one tap, found shape \(0,\)"),
    ((np.ones((2, 3)), 4), {}, ValueError, r"with 1 channels .* found shape \(2, 3\)"),
    ((np.ones((2, 3)), 4), {"channels": 3}, ValueError, "with 3 channels"),
    ((1.0, 4), {}, ValueError, r"found shape \(\)"),
    (([1.0], 0), {}, ValueError, "block_size must be at least 1, found 0"),
    (([1.0], 2.5), {}, TypeError, "block_size must be an integer"),
    (([1.0], 4), {"channels": 0}, ValueError, "channels must be at least 1"),
    (([1.0], 4), {"dtype": int}, TypeError, "cannot be cast"),
    (([1], 4), {"dtype": int}, TypeError, "dtype must be float32"),
    (([1.0], 4), {"dtype": "g"}, TypeError, "dtype must be float32"),
    (([1j], 4), {"dtype": float}, TypeError, "cannot be cast"),
    (([1.0], 4), {"partition": "some"}, ValueError, "partition='some' is unknown"),
    (([1.0], 4), {"partition": (100,)}, ValueError, "powers of two"),
    (([1.0], 4), {"partition": (1024, 512)}, ValueError, "ascending"),
    ((["a"], 4), {}, TypeError, "h"),
])  # fmt: skip
def test_bad_filters(arguments, keywords, error, text):
    with pytest.raises(error, match=text):
        fastconv.StreamingConvolver(*arguments, **keywords)


@pytest.mark.parametrize("channels, block, out, error, text", [
    (1, np.ones((2, 4)), None, ValueError, r"block must be \(n,\) or \(1, n\), found shape \(2, 4\)"),
    (3, np.ones(4), None, ValueError, r"block must be \(3, n\), found shape \(4,\)"),
    (1, 1.0, None, ValueError, r"found shape \(\)"),
    (1, np.ones(4) * 1j, None, TypeError, "block has dtype complex128"),
    (1, np.ones(4), np.ones(5), ValueError, r"out has shape \(5,\)"),
    (1, np.ones(4), np.ones(4, int), TypeError, "out has dtype int64"),
    (1, np.ones(4), [0.0] * 4, TypeError, "out must be a NumPy array"),
])  # fmt: skip
def test_bad_blocks(channels, block, out, error, text):
    stream = fastconv.StreamingConvolver([1.0, 2, 3], 4, channels=channels)
    with pytest.raises(error, match=text):
        stream.process(block, out)
    assert (stream.process(np.zeros((channels, 4))) == 0).all()  # nothing was taken in


def test_bad_swaps():
    stream = fastconv.StreamingConvolver([1.0, 2, 3], 4)
    with pytest.raises(ValueError, match="h has 4 taps, wanted at most 3"):
        stream.set_kernel(np.ones(4))
    with pytest.raises(TypeError, match="complex"):
        stream.set_kernel([1j])
    with pytest.raises(ValueError, match="fade must be at least 0"):
        stream.set_kernel([1.0], fade=-1)
    assert stream.process([1.0, 0, 0, 0]).tolist() == [1, 2, 3, 0]
