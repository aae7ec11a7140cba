"""Every backend against the reference: drawn problems of every kind, then the edges of tiles and strips."""

import itertools
from functools import cache

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from operations import OPERATIONS, draw_case
from problems import DTYPES, GENERAL, SUMMING

import fastconv

BACKENDS = GENERAL
EVERY = ("auto", *fastconv.backends())
TYPES = {"implicit": "fdFD", "im2col": "fdFD"}  # compute types; others take every type
ROUNDED = ("float16", "bfloat16")
LAYOUTS = ("channels_first", "channels_last")
DRAWN = 12  # problems of every pair


def computes(backend, dtype):
    """True, False, or None where only the backend knows."""
    if backend in ("auto", "direct", "reference"):
        return True
    if backend not in TYPES:
        return None
    return dtype.name in ROUNDED or dtype.char in TYPES[backend]


def run_drawn(backend, cases):
    """How many of the cases the backend computed, all of them as they should be."""
    done = 0
    for case in cases:
        answer = case.check()
        assert answer in (None, "refused"), f"{case}: {answer}"
        if answer is None:
            done += 1
        else:
            assert backend not in ("auto", "direct", "reference"), f"{case} was refused"
    return done


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("backend", EVERY)
def test_drawn_dtypes(backend, dtype):
    names = [n for n in OPERATIONS if not (dtype.kind == "b" and n == "deform")]
    cases = (draw_case(101, k, names[k % len(names)], dtype, backend) for k in range(DRAWN))
    run_drawn(backend, cases)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("backend", EVERY)
def test_drawn_operations(backend, operation):
    run_drawn(backend, (draw_case(102, k, operation, None, backend) for k in range(DRAWN)))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [d for d in DTYPES if d.kind in "fcV"], ids=str)
@pytest.mark.parametrize("backend", EVERY)
def test_drawn_layouts(backend, dtype, layout):
    """Layers that every backend with these numbers computes."""
    cases = (draw_case(103, k, "conv", dtype, backend) for k in itertools.count())
    wanted = (c for c in cases if c.keywords.get("layout", "channels_first") == layout
              and c.types.dtype == dtype)  # fmt: skip
    done = run_drawn(backend, itertools.islice(wanted, 8))
    if computes(backend, dtype) is not None:
        assert done == (8 if computes(backend, dtype) else 0)


# -- directed problems, in whole numbers: every sum is exact ------------------------------------------


def whole(rng, shape, dtype="f4"):
    dtype = np.dtype(dtype)
    low, high = (0, 2) if dtype.kind == "b" else (0, 4) if dtype.kind == "u" else (-3, 4)
    y = rng.integers(low, high, shape)
    return (y + 1j * rng.integers(-3, 4, shape) if dtype.kind == "c" else y).astype(dtype)


def same(found, wanted, backend="direct"):
    """Whole numbers are exact where products are summed; "auto" may take a transform of floats, which rounds."""
    assert found.dtype == wanted.dtype
    if backend == "auto" and found.dtype.kind not in "biu":
        bound = 1e-3 if found.dtype.itemsize == 2 else 1e-5
        np.testing.assert_allclose(found, wanted, rtol=0, atol=bound * abs(wanted).max(initial=1))
    elif backend in SUMMING:
        np.testing.assert_array_equal(found, wanted)
    else:
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-3 * abs(wanted).max(initial=1))


def compare(name, *operands, backend, **keywords):
    """The backend's result, after comparing it with the reference's; None where it is refused."""
    function = getattr(fastconv, name)
    wanted = function(*operands, **keywords, backend="reference")
    try:
        found = function(*operands, **keywords, backend=backend)
    except fastconv.BackendNotSupportedError:
        assert not computes(backend, wanted.dtype)
        return None
    same(found, wanted, backend)
    return found


@pytest.fixture
def rng():
    return np.random.default_rng(20)


def windows(x, kernel):
    """(*outs, *kernel) windows over the last axes of x, in the reading order of a cross-correlation."""
    return sliding_window_view(x, kernel, axis=tuple(range(-len(kernel), 0)))


@cache
def channel_sums(dtype):
    """x (9, 3, 72), w (40, 9, 2, 3), and the results (C, K, 2, 70) with the first 1, 2, ... channels."""
    rng = np.random.default_rng(21)
    x, w = whole(rng, (9, 3, 72), dtype), whole(rng, (40, 9, 2, 3), dtype)
    parts = np.einsum("cyxij,kcij->ckyx", windows(x, (2, 3)), w)
    return x, w, np.cumsum(parts, axis=0, dtype=dtype)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("backend", ["direct", "implicit"])
def test_channel_and_width_tails(backend, dtype, layout):
    """Filters 1..40, each with every third of the widths 1..70, channels 1..9 in turn."""
    x, w, sums = channel_sums(dtype)
    xl = np.ascontiguousarray(np.moveaxis(x, 0, -1))
    for k, ow in itertools.product(range(1, 41), range(1, 71)):
        if (k + ow) % 3:
            continue
        c = 1 + (k + ow // 3) % 9
        wanted = sums[c - 1, :k, :, :ow]
        if layout == "channels_first":
            found = fastconv.conv2d(x[:c, :, : ow + 2], w[:k, :c], backend=backend)
        else:
            part = np.ascontiguousarray(xl[:, : ow + 2, :c]) if ow % 2 else xl[:, : ow + 2, :c]
            found = fastconv.conv2d(part, w[:k, :c], backend=backend, layout=layout)
            found = np.moveaxis(found, -1, 0)
        assert np.array_equal(found, wanted), (k, c, ow)


@pytest.mark.parametrize("dtype", ["?", "u1", "i2", "u4", "i8", "f2", "g", "F", "D", "G"])
def test_channel_and_width_tails_of_other_dtypes(dtype):
    dtype = np.dtype(dtype)
    wide = np.dtype("f4") if dtype == np.dtype("f2") else dtype
    x, w, sums = channel_sums("i8" if dtype.kind == "b" else wide.str)
    for k, ow in itertools.product((1, 2, 3, 4, 5, 7, 8, 9, 15, 17), range(1, 71, 3)):
        c = 1 + (k + ow) % 9
        if dtype.kind == "b":
            a, b = x[:c, :, : ow + 2] > 1, w[:k, :c] > 1
            wanted = np.einsum("cyxij,kcij->kyx", windows(a, (2, 3)).astype(int), b) > 0
        else:
            a, b = x[:c, :, : ow + 2].astype(dtype), w[:k, :c].astype(dtype)
            wanted = sums[c - 1, :k, :, :ow].astype(dtype)
        found = fastconv.conv2d(a, b, backend="direct")
        assert np.array_equal(found, wanted), (k, c, ow)


@pytest.mark.parametrize("k", [1, 15, 16, 17, 31, 32, 33, 47, 64, 65])
@pytest.mark.parametrize("backend", ["direct", "implicit"])
def test_bias_activation_and_odd_memory_at_the_tails(backend, k, rng):
    for ow, layout in itertools.product((1, 15, 16, 17, 64, 65), LAYOUTS):
        x, w = whole(rng, (2, 5, 3, ow), "f4"), whole(rng, (k, 5, 3, 1), "f4")
        bias, out = whole(rng, (k,), "f4"), np.full((2, 2 * k, 1, 2 * ow), 7, "f4")
        view = out[:, ::-2, :, 1::2]
        y = np.einsum("nchw,kch->nkw", x, w[..., 0]) + bias[:, None]
        if layout == "channels_last":
            x, view = np.moveaxis(x, 1, -1), np.moveaxis(view, 1, -1)
        words = {"layout": layout, "backend": backend, "activation": "relu6"}
        assert fastconv.conv2d(x, w, bias, out=view, **words) is view
        assert np.array_equal(out[:, ::-2, 0, 1::2], np.clip(y, 0, 6)), (ow, layout)
        assert (out[:, ::-2, :, ::2] == 7).all() and (out[:, -2::-2] == 7).all()


# -- single channels: row tiles ------------------------------------------------------------------------

ROW_TYPES = ("f4", "f8", "i2", "i4", "f4", "u1", "F")


@cache
def row_operands(kh, kw, dtype):
    """x (3, 18, 74), w (3, 1, kh, kw) and the depthwise result, whose corners are all smaller ones."""
    rng = np.random.default_rng(22)
    x, w = whole(rng, (3, 18, 74), dtype), whole(rng, (3, 1, kh, kw), dtype)
    return x, w, np.einsum("cyxij,cij->cyx", windows(x, (kh, kw)), w[:, 0]).astype(dtype)


def row_cases(kh):
    for i, (oh, ow) in enumerate(itertools.product(range(1, 11), range(1, 71))):
        kw = (3, 1, 5)[i // 7 % 3]
        x, w, y = row_operands(kh, kw, ROW_TYPES[i % 7])
        yield x[:, : oh + kh - 1, : ow + kw - 1], w, y[:, :oh, :ow]


@pytest.mark.parametrize("kh", range(1, 10))
def test_depthwise_heights_and_widths(kh):
    for x, w, wanted in row_cases(kh):
        found = fastconv.depthwise_conv2d(x, w, backend="direct")
        assert np.array_equal(found, wanted), (x.dtype, w.shape, wanted.shape)


@pytest.mark.parametrize("kh", range(1, 10))
def test_single_channel_heights_and_widths(kh):
    for x, w, wanted in row_cases(kh):
        found = fastconv.correlate(x[0], np.conj(w[0, 0]), "valid")
        assert np.array_equal(found, wanted[0]), (x.dtype, w.shape, wanted.shape)


@pytest.mark.parametrize("kh", range(1, 10))
def test_depthwise_bias_activation_and_out_of_other_strides(kh):
    bias = np.array([-2, 0, 3])
    for i, (x, w, y) in enumerate(row_cases(kh)):
        plain = x.dtype.kind == "c" or i % 3 == 0
        b, n = bias.astype(x.dtype), i % 5
        y = y + b[:, None, None]
        wanted = y if plain else np.maximum(y, 0)
        shapes = (y.shape[::-1], (y.shape[1], y.shape[2], 3), (3, y.shape[1] + 1, y.shape[2] + 2),
                  (3, 2 * y.shape[1], y.shape[2]), (3, y.shape[1], 3 * y.shape[2]))  # fmt: skip
        out = np.full(shapes[n], 9, x.dtype)
        view = (out.T, out.transpose(2, 0, 1), out[:, 1:, 1:-1], out[:, ::-2], out[..., ::3])[n]
        before = (out == 9).sum()
        fastconv.depthwise_conv2d(x, w, b, out=view, activation=None if plain else "relu",
                                  backend="direct")  # fmt: skip
        assert np.array_equal(view, wanted), (x.dtype, w.shape, y.shape, n)
        assert (out == 9).sum() == before - view.size + (wanted == 9).sum()


@pytest.mark.parametrize("boundary", ["fill", "wrap", "symm", "reflect", "nearest"])
@pytest.mark.parametrize("kh", [2, 3, 5, 8])
def test_row_tiles_at_borders(boundary, kh, rng):
    for h, width in itertools.product((1, 2, 5, 8), (1, 3, 16, 33, 66)):
        a, v = whole(rng, (h, width), "f4"), whole(rng, (kh, 3), "f4")
        compare("convolve", a, v, "same", boundary=boundary, backend="direct")


# -- extents out of the ordinary ------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["i2", "f4", "f8", "D"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_long_kernels(backend, dtype, rng):
    a, v = whole(rng, 3500, dtype), whole(rng, 3000, dtype)
    modes = ("same",) if backend == "im2col" else ("full", "same", "valid")
    for mode, operands in itertools.product(modes, ((a, v), (v, a))):
        try:
            found = fastconv.convolve(*operands, mode, backend=backend)
        except fastconv.BackendNotSupportedError:
            assert not computes(backend, a.dtype)
            continue
        wanted = np.convolve(*operands, "full")
        how = "fft" if backend == "auto" and np.dtype(dtype).kind in "fc" else backend
        first = {"full": 0, "same": (len(operands[1]) - 1) // 2, "valid": 2999}[mode]
        same(found, wanted[first : first + found.size], how)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_long_layers(backend, layout, rng):
    x, w = whole(rng, (2, 3, 3100)), whole(rng, (5, 3, 3000))
    wanted = np.einsum("ncot,kct->nko", sliding_window_view(x, 3000, axis=-1), w)
    if layout == "channels_last":
        x, wanted = x.transpose(0, 2, 1), wanted.transpose(0, 2, 1)
    found = fastconv.conv1d(x, w, layout=layout, backend=backend)
    same(found, np.ascontiguousarray(wanted), backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_huge_dilation(backend, rng):
    far = 400_000
    x, w = whole(rng, (1, 2, 2 * far + 5)), whole(rng, (3, 2, 3))
    wanted = sum(np.einsum("ci,kc->ki", x[0, :, t * far : t * far + 5], w[..., t]) for t in range(3))
    same(fastconv.conv1d(x, w, dilation=far, backend=backend), wanted[None], backend)
    for mode in ("zeros", "reflect", "replicate", "circular"):
        compare("conv2d", whole(rng, (1, 2, 6, 7)), whole(rng, (3, 2, 3, 2)), dilation=(1000, 1),
                padding=((1003, 1001), (0, 2)), padding_mode=mode, backend=backend)  # fmt: skip
    compare("conv2d", whole(rng, (1, 1, 5, 300)), whole(rng, (1, 1, 2, 4)), dilation=(1, 71),
            padding=((0, 0), (100, 90)), backend=backend)  # fmt: skip
    compare("conv_transpose1d", whole(rng, (1, 2, 5)), whole(rng, (2, 3, 3)), dilation=999, stride=7,
            backend=backend)  # fmt: skip


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "F"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_stride_larger_than_the_kernel(backend, dtype, rng):
    x, w = whole(rng, (2, 3, 23, 70), dtype), whole(rng, (4, 3, 2, 3), dtype)
    for stride in ((7, 1), (1, 9), (5, 4), (30, 100), (10**12, 2)):
        compare("conv2d", x, w, stride=stride, padding=(3, 5), backend=backend)
    for stride in ((7, 1), (1, 9), (5, 4)):
        compare("conv_transpose2d", x[:, :2, :4, :9], w[:2], stride=stride, backend=backend)


@pytest.mark.parametrize("dtype", ["u1", "i8", "f2", "f4", "g", "D"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_kernel_larger_than_the_input(backend, dtype, rng):
    for n, m in ((1, 40), (3, 17), (5, 33), (40, 41)):
        a, v = whole(rng, n, dtype), whole(rng, m, dtype)
        for boundary in ("fill", "wrap", "symm", "reflect", "nearest"):
            for mode in ("full", "same"):
                compare("convolve", a, v, mode, boundary=boundary, backend=backend)
    a, v = whole(rng, (2, 3), dtype), whole(rng, (9, 11), dtype)
    compare("convolve", a, v, backend=backend)
    compare("convolve", a, v[:, :2], backend=backend)
    compare("conv2d", a[None, None], v[None, None], padding="full", backend=backend)
    compare("conv2d", a[None, None], v[None, None], padding=(10, 14), backend=backend)


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_padding_longer_than_the_input(backend, mode, rng):
    for dtype, layout in itertools.product(("f4", "i2", "D"), LAYOUTS):
        x, w = whole(rng, (2, 2, 4, 5), dtype), whole(rng, (3, 2, 2, 3), dtype)
        x = np.ascontiguousarray(np.moveaxis(x, 1, -1)) if layout == "channels_last" else x
        for pads in (((17, 0), (0, 37)), ((0, 23), (41, 3)), (6, 60), ((-1, 9), (11, -2))):
            compare("conv2d", x, w, padding=pads, padding_mode=mode, layout=layout, stride=(1, 2),
                    backend=backend)  # fmt: skip
    compare("conv1d", whole(rng, (1, 1, 1)), whole(rng, (1, 1, 3)), padding=40, padding_mode=mode,
            backend=backend)  # fmt: skip


@pytest.mark.parametrize("rank", [4, 5])
@pytest.mark.parametrize("backend", BACKENDS)
def test_many_axes(backend, rank, rng):
    for dtype, mode in itertools.product(("f4", "i4", "D"), ("full", "same", "valid")):
        a = whole(rng, (3, 4, 3, 4, 5)[:rank], dtype)
        v = whole(rng, (2, 2, 1, 3, 2)[:rank], dtype)
        compare("convolve", a, v, mode, backend=backend)
        compare("correlate", a, v[:1], mode, backend=backend, axes=tuple(range(1, rank)))
        compare("convolve", a, v, mode, backend=backend, boundary="wrap")
    x, w = whole(rng, (2, 2, *(3, 4, 3, 4, 3)[:rank])), whole(rng, (3, 2, *(2, 1, 2, 2, 2)[:rank]))
    for layout in LAYOUTS:
        y = np.moveaxis(x, 1, -1) if layout == "channels_last" else x
        compare("conv", y, w, padding=1, stride=2, layout=layout, backend=backend)


# -- where the long axis lies ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "?", "F", "g"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_many_tiny_rows(backend, dtype, rng):
    a, v = whole(rng, (2000, 7), dtype), whole(rng, (1, 3), dtype)
    for mode in ("full", "same", "valid"):
        compare("convolve", a, v, mode, axes=1, backend=backend)
        compare("convolve", a.T.copy(), v.T, mode, axes=0, backend=backend)
    compare("conv1d", a[:, None], v[None], padding=1, backend=backend)
    compare("conv1d", a.reshape(1000, 2, 7), whole(rng, (3, 2, 3), dtype), backend=backend)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["f4", "f8", "u1", "D"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_filtering_along_axis_0(backend, dtype, order, rng):
    for shape in ((300, 40), (33, 7), (9, 300), (50, 1), (40, 6, 9)):
        a = np.asarray(whole(rng, shape, dtype), order=order)
        v = whole(rng, 5, dtype).reshape(5, *(1,) * (a.ndim - 1))
        for mode, boundary in (("full", "fill"), ("same", "reflect"), ("valid", "fill")):
            compare("convolve", a, v, mode, axes=0, boundary=boundary, backend=backend)
    x = np.asarray(whole(rng, (2, 3, 70, 9), dtype), order=order)
    compare("conv2d", x, whole(rng, (4, 3, 5, 1), dtype), padding=(2, 0), backend=backend)


@pytest.mark.parametrize("dtype", ["f4", "f8", "u1", "D"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_filtering_with_a_fast_batch_axis(backend, dtype, rng):
    """Batch axes behind the axes that are convolved: from 8 on they are the columns of a strip."""
    for n in (1, 2, 7, 8, 9, 40):
        for kernel in ((3, 1), (1, 3), (2, 2), (3, 4), (5, 3)):
            a, v = whole(rng, (9, 12, n), dtype), whole(rng, kernel, dtype)
            for mode in ("full", "valid"):
                compare("convolve", a, v[..., None], mode, axes=(0, 1), backend=backend)
        a, v = whole(rng, (5, 6, 7, n), dtype), whole(rng, (3, 2, 4, 1), dtype)
        compare("correlate", a, v, "same", axes=(0, 1, 2), boundary="symm", backend=backend)
        x, w = whole(rng, (2, 3, 9, 8, n), dtype), whole(rng, (4, 3, 3, 2), dtype)
        x = x.transpose(4, 1, 2, 3, 0)[..., 0]  # batch innermost
        compare("conv2d", x, w, padding=1, backend=backend)
        compare("conv_transpose2d", x, w[:3], stride=2, backend=backend)
        compare("depthwise_conv2d", x, w[:3, :1], backend=backend)
        compare("conv2d", x[:, :1], w[:1, :1], backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_empty_batches_and_channels(backend, rng):
    for n, c, k in ((0, 2, 3), (2, 0, 3), (2, 2, 0)):
        compare("conv2d", whole(rng, (n, c, 4, 5)), whole(rng, (k, c, 3, 3)), backend=backend)
        compare("conv2d", whole(rng, (n, c, 4, 5)), whole(rng, (k, c, 3, 3)), whole(rng, k), padding=1,
                backend=backend)  # fmt: skip
