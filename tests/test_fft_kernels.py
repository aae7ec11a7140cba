"""The FFT microkernels: blocks of every size against sums in longer precision, bounds, partitions."""

import numpy as np
import pytest

from fastconv._core import arrays, fft

TYPES = ("f4", "f8")
SIZES = [2**i for i in range(4, 15)]
CASES = [(t, s, turned) for t in TYPES for s in SIZES for turned in (True, False)
         if s >= fft.smallest(t == "f8")]  # fmt: skip


def aligned(values, dtype):
    found = arrays.aligned(values.size, dtype)
    found[:] = values
    return found


def halves(block, size, turned, dtype):
    """(re, im) of a block as the kernels take it: real ones in two halves."""
    if turned:
        return aligned(block[:size], dtype), aligned(block[size:], dtype)
    return aligned(block.real, dtype), aligned(block.imag, dtype)


def numbers(rng, n, turned):
    x = rng.standard_normal(n)
    return x if turned else x + 1j * rng.standard_normal(n)


def wide(n, size, turned):
    length = 2 * size if turned else size
    return np.fft.fft(np.concatenate((n, np.zeros(3 * length - len(n)))))


@pytest.mark.parametrize(("dtype", "size", "turned"), CASES)
def test_blocks_are_convolved(dtype, size, turned):
    rng = np.random.default_rng(size)
    t = fft.Transform(dtype == "f8", size, turned)
    length = 2 * size if turned else size
    for taps in (1, 2, length // 3, length - 1, length):
        x, h = numbers(rng, length, turned), numbers(rng, taps, turned)
        padded = np.concatenate((h / size, np.zeros(length - taps)))
        spectrum = fft.spectrum_of(t, *halves(padded, size, turned, dtype))
        block = halves(x, size, turned, dtype)
        wanted = np.fft.ifft(wide(x, size, turned) * wide(h, size, turned))[:length]
        part = sorted(rng.integers(taps - 1, length + 1, 2).tolist())
        for a, b in ((taps - 1, length), part):
            out = np.full((2, size), 7, dtype)
            again = out.copy()
            fft.filtered(t, *block, spectrum, out, a, b)
            y = out.reshape(-1) if turned else out[0] + 1j * out[1]
            scale = np.linalg.norm(x) * np.linalg.norm(h)
            error = np.abs(y[a:b] - wanted[a:b]).max(initial=0)
            assert error <= np.finfo(dtype).eps * np.log2(length) * scale
            assert (np.delete(y, slice(a, b)) == (7 if turned else 7 + 7j)).all()
            product = arrays.aligned(2 * size, dtype)
            fft.sum_of_products(t, [fft.spectrum_of(t, *block)], [spectrum], [product], False)
            fft.inverse(t, product, again, a, b)
            z = again.reshape(-1) if turned else again[0] + 1j * again[1]
            np.testing.assert_allclose(z, y, atol=np.finfo(dtype).eps * np.log2(length) * scale)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("parts", [0, 1, 2, 3, 6, 7])
@pytest.mark.parametrize("accumulate", [False, True])
def test_sums_over_partitions(dtype, outputs, parts, accumulate):
    rng = np.random.default_rng(parts)
    t = fft.Transform(dtype == "f8", 256, True)
    def as_complex(s):
        pairs = s.reshape(-1, 2, t.lanes)
        return pairs[:, 0].astype("f8") + 1j * pairs[:, 1]

    def spectra(count):
        return [aligned(rng.standard_normal(512), dtype) for _ in range(count)]

    x, h, y = spectra(max(0, parts + outputs - 1)), spectra(parts), spectra(outputs)
    wanted = [as_complex(v) * accumulate for v in y]
    for i in range(outputs):
        for q in range(parts):
            wanted[i] = wanted[i] + as_complex(x[q + outputs - 1 - i]) * as_complex(h[q])
    fft.sum_of_products(t, x, h, y, accumulate)
    for v, w in zip(y, wanted, strict=True):
        np.testing.assert_allclose(as_complex(v), w, atol=1e-5 if dtype == "f4" else 1e-13)


def test_sizes_that_do_not_exist():
    for size in (0, 2, 300):
        with pytest.raises(ValueError, match="size must be a power of two"):
            fft.Transform(False, size, True)
