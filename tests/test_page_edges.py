"""Arrays that begin or end at a page that may not be touched: no backend reads or writes beside its operands."""

import ctypes
import itertools
import mmap
import sys

import numpy as np
import pytest

import fastconv

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs mprotect")
PAGE = mmap.PAGESIZE
LAYERS = {  # channels, filters, kernel, groups
    "1x1": (5, 7, (1, 1), 1),
    "1x1, many channels": (70, 33, (1, 1), 1),
    "1x1, grouped": (12, 12, (1, 1), 3),
    "3x3": (6, 20, (3, 3), 1),
    "3x3, depthwise": (9, 9, (3, 3), 9),
    "1x5": (1, 1, (1, 5), 1),
}
SIZES = ((1, 1), (1, 7), (1, 8), (1, 9), (3, 5), (4, 4), (5, 7), (12, 13), (28, 28))


def edges(shape, dtype):
    """An array that begins with a page and one that ends with one, in the same memory; before and behind lies nothing."""
    n = int(np.prod(shape)) * np.dtype(dtype).itemsize
    pages = -(-n // PAGE)
    memory = mmap.mmap(-1, (pages + 2) * PAGE)
    base = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    for at in (0, (pages + 1) * PAGE):
        assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(base + at), PAGE, 0) == 0
    first, last = (
        np.frombuffer(memory, np.uint8, count=n, offset=at).view(dtype).reshape(shape)
        for at in (PAGE, (pages + 1) * PAGE - n)
    )
    return first, last


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("backend", [b for b in fastconv.backends() if b != "reference"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_backend_touches_what_lies_beside(backend, layer, dtype):
    rng = np.random.default_rng(8)
    c, k, kernel, groups = LAYERS[layer]
    keywords = {"padding": tuple(n // 2 for n in kernel), "groups": groups}
    w = rng.standard_normal((k, c // groups, *kernel)).astype(dtype)
    ws = edges(w.shape, dtype)
    for size, n in itertools.product(SIZES, (1, 2)):
        xs = edges((n, c, *size), dtype)
        outs = edges((n, k, *size), dtype)
        data = rng.standard_normal(xs[0].shape).astype(dtype)
        want = fastconv.conv2d(data, w, backend="reference", **keywords)
        for x, weights, out in zip(xs, ws, outs, strict=True):
            x[...], weights[...], out[...] = data, w, np.nan
            try:
                fastconv.conv2d(x, weights, out=out, backend=backend, **keywords)
            except fastconv.BackendNotSupportedError:
                pytest.skip(f"{backend} cannot")
            np.testing.assert_allclose(out, want, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("kernel", "stride"), [((2, 2), 2), ((3, 3), 2), ((4, 4), 2), ((1, 16), (1, 8)), ((4, 4), 1)])
@pytest.mark.parametrize(("channels", "filters"), [(1, 1), (5, 7), (9, 16), (24, 33)])
@pytest.mark.parametrize("backend", ["direct", "implicit"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_transposed_layers_touch_nothing_beside(backend, channels, filters, kernel, stride, dtype):
    rng = np.random.default_rng(9)
    w = rng.standard_normal((channels, filters, *kernel)).astype(dtype)
    ws = edges(w.shape, dtype)
    for size in ((1, 1), (3, 5), (8, 16)):
        xs = edges((2, channels, *size), dtype)
        data = rng.standard_normal(xs[0].shape).astype(dtype)
        want = fastconv.conv_transpose2d(data, w, stride=stride, backend="reference")
        outs = edges(want.shape, dtype)
        for x, weights, out in zip(xs, ws, outs, strict=True):
            x[...], weights[...], out[...] = data, w, np.nan
            fastconv.conv_transpose2d(x, weights, out=out, stride=stride, backend=backend)
            np.testing.assert_allclose(out, want, rtol=1e-3, atol=1e-4)
