"""backend="winograd": identities in rationals, rounding errors, tiles of every raggedness, locality of NaN."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import fastconv
from fastconv import _costs, _plan
from fastconv._core import cpu
from fastconv.backends import _winograd_points as points
from fastconv.backends import winograd

LAYOUTS = ("channels_first", "channels_last")
MODES = ("zeros", "reflect", "replicate", "circular")
UNIT = {"f": 2.0**-24, "d": 2.0**-53}
# bounds of the error in units of u S, for two axes
BOUND = {(2, 3): 4, (4, 3): 16, (6, 3): 100, (2, 5): 16, (4, 5): 100}


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture
def only(monkeypatch):
    """Leaves one variant F(m, r), and the axis on which nothing is filtered."""

    def leave(m, r):
        monkeypatch.setattr(winograd, "VARIANTS", {(m, r): "default", (1, 1): "default"})
        forget()

    yield leave
    forget()


def forget():
    for cache in (_plan.PLANS, _plan.CALLS):
        cache.clear()


def last(x, layout):
    return np.ascontiguousarray(np.moveaxis(x, 1, -1)) if layout == "channels_last" else x


# -- the algebra ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", winograd.VARIANTS)
def test_identity_in_rationals(variant):
    """A^T ((G g) * (B^T d)) is the filter: its trilinear form has a 1 where sample = output + tap."""
    m, r = variant
    a, g, b = points.matrices(m, r)
    for out, tap, sample in itertools.product(range(m), range(r), range(m + r - 1)):
        total = sum(a[out][p] * g[p][tap] * b[p][sample] for p in range(m + r - 1))
        assert total == (sample == out + tap)


@pytest.mark.parametrize("variant", [v for v in winograd.VARIANTS if v[0] > 1])
def test_matrices_are_exact_where_floats_are_added(variant):
    """Numbers of A and B are dyadic, so float32 holds them; rows of +-p differ in signs only."""
    a, g, b = points.matrices(*variant)
    for row in (*a, *b):
        assert all(float(np.float32(float(v))) == v for v in row)
    for p in range(1, len(g) - 2, 2):
        assert all(x == y * (-1) ** s for s, (x, y) in enumerate(zip(g[p], g[p + 1], strict=True)))
    assert points.weights_matrix(*variant).dtype == np.float64
    assert all(Fraction(float(v)).limit_denominator(10**6) == w
               for row, exact in zip(points.weights_matrix(*variant), g, strict=True)
               for v, w in zip(row, exact, strict=True))  # fmt: skip


# -- rounding errors --------------------------------------------------------------------------------------


def tile_sums(x, w, m):
    """S of every output: the largest sum |x| |w| of a window that shares a sample with its tile."""
    r = w.shape[-1]
    edge = (0, 0), (r - 1, r - 1), (r - 1, r - 1)
    near = sliding_window_view(direct(abs(np.pad(x, edge)), abs(w)), (m + 2 * (r - 1),) * 2, axis=(1, 2))
    return near[:, ::m, ::m].max(axis=(3, 4)).repeat(m, axis=1).repeat(m, axis=2)


def direct(x, w):
    """The sums in long double; x (C, H, W), w (K, C, r, r)."""
    r = w.shape[-1]
    return np.einsum("chvij,kcij->khv", sliding_window_view(x, (r, r), axis=(1, 2)).astype("g"), w.astype("g"))


def samples(rng, kind, shape):
    if kind == "normal":
        return rng.standard_normal(shape)
    if kind == "uniform":
        return rng.random(shape)
    if kind == "spikes":  # one sample in nine is a million times as large
        return rng.standard_normal(shape) * np.where(rng.random(shape) < 1 / 9, 1e6, 1)
    signs = np.indices(shape).sum(0) % 2 * 2.0 - 1  # sums that cancel
    return signs * (1 + 1e-3 * rng.random(shape))


@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("kind", ["normal", "uniform", "spikes", "alternating"])
@pytest.mark.parametrize("variant", BOUND, ids=str)
def test_error_bound(variant, kind, dtype, only, rng):
    m, r = variant
    only(m, r)
    for c, k in ((8, 40), (80, 16)):
        x = samples(rng, kind, (c, 4 * m + r - 1, 3 * m + r - 1)).astype(dtype)
        w = rng.standard_normal((k, c, r, r)).astype(dtype)
        found = fastconv.conv2d(x, w, backend="winograd")
        error = abs(found - direct(x, w)) / (UNIT[dtype] * tile_sums(x, w, m))
        assert error.max() <= BOUND[variant] * (2 if kind == "spikes" else 1)


def test_how_far_errors_may_go(rng):
    """"strict" leaves it out, "default" stops at F(4,3), "relaxed" may take F(6,3)."""
    shapes = (1, 64, 60, 60), (64, 64, 3, 3)
    answers = {a: fastconv.explain("conv2d", *shapes, padding=1, accuracy=a).candidates
               for a in ("strict", "default", "relaxed")}  # fmt: skip
    reasons = {a: next(c for c in found if c.name == "winograd") for a, found in answers.items()}
    assert not reasons["strict"].ok and "accuracy='strict'" in reasons["strict"].reason
    assert "F(4,3) x F(4,3)" in reasons["default"].reason
    assert "F(6,3)" not in reasons["default"].reason and reasons["relaxed"].ok
    x, w = rng.standard_normal((1, 16, 13, 13)).astype("f"), rng.standard_normal((16, 16, 3, 3)).astype("f")
    with pytest.raises(fastconv.BackendNotSupportedError, match="strict"):
        fastconv.conv2d(x, w, backend="winograd", accuracy="strict")
    strict = fastconv.conv2d(x, w, accuracy="strict")
    assert (abs(strict[0] - direct(x[0], w)) <= 4 * 2.0**-24 * direct(abs(x[0]), abs(w))).all()
    with pytest.raises(ValueError, match="accuracy"):
        fastconv.conv2d(x, w, accuracy="high")
    with pytest.raises(ValueError, match="accuracy"):
        fastconv.plan(w, input_shape=x.shape, accuracy="high")


def test_three_axes_of_six_points_are_no_default():
    shapes = (1, 32, 12, 12, 12), (32, 32, 3, 3, 3)
    found = {c.name: c for c in fastconv.explain("conv3d", *shapes).candidates}["winograd"]
    assert found.ok and found.reason.count("F(4,3)") <= 2


# -- tiles ------------------------------------------------------------------------------------------------


def compare(x, w, bias=None, **keywords):
    """Against the sums in double; threads do not change a bit."""
    wide = [None if a is None else a.astype("d") for a in (x, w, bias)]
    wanted = fastconv.conv(*wide, backend="direct", **keywords)
    words = {k: v for k, v in keywords.items() if k != "activation"}
    sums = fastconv.conv(abs(wide[0]), abs(wide[1]), backend="direct", **words)
    found = fastconv.conv(x, w, bias, backend="winograd", **keywords)
    tolerance = 120 * UNIT[x.dtype.char] * (sums.max(initial=0) + 1)
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=tolerance)
    for threads in (1, 3):
        with fastconv.num_threads(threads):
            again = fastconv.conv(x, w, bias, backend="winograd", **keywords)
        np.testing.assert_array_equal(again, found)
    return found


def draw(seed):
    """A problem: shapes and keywords of every kind that the backend takes."""
    rng = np.random.default_rng([7, seed])
    rank, dtype = int(rng.integers(1, 4)), "fd"[seed % 2]
    groups, c, k = rng.choice([1, 1, 2, 3]), rng.choice([1, 3, 8, 9, 16, 23, 40]), rng.choice([1, 5, 8, 11, 16, 33, 50])
    top = {1: 70, 2: 26, 3: 10}[rank]
    kernel = [int(n) for n in rng.choice([3, 3, 5, 1], rank)]
    if set(kernel) == {1} or np.prod([n + 3 for n in kernel if n > 1]) > 256:
        kernel = [3] * rank
    dilation = [int(d) for d in rng.choice([1, 1, 1, 2, 3], rank)]
    padding = [tuple(int(p) for p in rng.integers(-1, 5, 2)) for _ in range(rank)]
    short = [max(1, (r - 1) * d + 1 - a - b) for r, d, (a, b) in zip(kernel, dilation, padding, strict=True)]
    size = [int(rng.integers(s, max(s, top) + 1)) for s in short]
    layout = LAYOUTS[seed // 2 % 2]
    x = rng.standard_normal((int(rng.integers(1, 4)), groups * c, *size)).astype(dtype)
    w = rng.standard_normal((groups * k, c, *kernel)).astype(dtype)
    bias = rng.standard_normal(groups * k).astype(dtype) if rng.random() < 0.5 else None
    keywords = {"padding": padding, "dilation": dilation, "groups": int(groups), "flip": bool(rng.random() < 0.3),
                "padding_mode": MODES[int(rng.integers(4))], "layout": layout,
                "activation": (None, None, "relu", "silu")[int(rng.integers(4))],
                "accuracy": ("default", "relaxed")[int(rng.random() < 0.3)]}  # fmt: skip
    return last(x, layout), w, bias, keywords


@pytest.mark.parametrize("seed", range(80))
def test_drawn_problems(seed):
    x, w, bias, keywords = draw(seed)
    if keywords["padding_mode"] != "zeros" and 0 in x.shape:
        return
    try:
        compare(x, w, bias, **keywords)
    except fastconv.BackendNotSupportedError as error:
        assert "transforms for kernels" in str(error)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("c, k", [(8, 16), (9, 17), (31, 47), (64, 33), (300, 24), (520, 40), (24, 200)])
def test_tails_of_channels_and_filters(c, k, layout, rng):
    for height, width in ((4, 4), (5, 7), (13, 3)):
        x = last(rng.standard_normal((2, c, height, width)).astype("f"), layout)
        compare(x, rng.standard_normal((k, c, 3, 3)).astype("f"), padding=1, layout=layout)


@pytest.mark.parametrize("width", [4, 5, 7, 9, 13, 14, 15])
@pytest.mark.parametrize("padding", [0, 1, (3, 2)])
def test_rows_shorter_than_a_vector(width, padding, rng):
    """Several rows are turned at once, in pieces that end anywhere in a row; blocks of tiles begin at any row."""
    for dtype, c, height in (("f", 16, 14), ("f", 40, 31), ("d", 16, 6)):
        x = rng.standard_normal((2, c, height, width)).astype(dtype)
        compare(x, rng.standard_normal((20, c, 3, 3)).astype(dtype), padding=padding)
        compare(x[:, :, ::2, :], rng.standard_normal((20, c, 1, 3)).astype(dtype))
    x = rng.standard_normal((1, 16, 5, 6, width)).astype("f")
    compare(x, rng.standard_normal((20, 16, 3, 3, 3)).astype("f"), padding=1)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("keywords", [{}, {"dilation": 2}, {"padding_mode": "reflect"}])
def test_blocks_do_not_change_a_bit(keywords, layout, monkeypatch, rng):
    """Blocks of one thread or of all, of few tiles or of many, filters in gangs or one by one."""
    x, w = rng.standard_normal((2, 40, 33, 30)).astype("f"), rng.standard_normal((72, 40, 3, 3)).astype("f")
    x, bias, found = last(x, layout), rng.standard_normal(72).astype("f"), []
    for way in ((False, 1), (False, 50), (True, 9), (True, 300)):
        for sums in (0, 1 << 20):
            monkeypatch.setattr(winograd, "_way", lambda *_, way=way: way)
            monkeypatch.setattr(_costs, "WINOGRAD_SUMS_BYTES", sums)
            forget()
            found.append(compare(x, w, bias, padding=2, layout=layout, **keywords))
            p = fastconv.plan(w, bias, input_shape=x.shape, padding=2, layout=layout, backend="winograd", **keywords)
            found.append(p(x))
    forget()
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dilation", [2, 3, 5, (1, 4), 12])
def test_phases(dilation, layout, rng):
    x = last(rng.standard_normal((2, 16, 21, 30)).astype("f"), layout)
    compare(x, rng.standard_normal((16, 16, 3, 3)).astype("f"), padding=5, dilation=dilation, layout=layout)


def test_an_item_has_the_same_bits_in_every_batch(rng):
    x, w = rng.standard_normal((20, 16, 15, 14)).astype("f"), rng.standard_normal((32, 16, 3, 3)).astype("f")
    whole = fastconv.conv2d(x, w, padding=1, backend="winograd")
    for first, end in ((0, 1), (3, 5), (7, 20)):
        part = fastconv.conv2d(x[first:end], w, padding=1, backend="winograd")
        np.testing.assert_array_equal(part, whole[first:end])


def test_plan_and_call_agree_in_every_bit(rng):
    for c, size in ((64, 56), (32, 9)):
        x, w = rng.standard_normal((1, c, size, size)).astype("f"), rng.standard_normal((40, c, 3, 3)).astype("f")
        p = fastconv.plan(w, input_shape=x.shape, padding=1, backend="winograd")
        np.testing.assert_array_equal(p(x), fastconv.conv2d(x, w, padding=1, backend="winograd"))


def test_memory_of_every_kind(rng):
    big, w = rng.standard_normal((2, 36, 30, 44)).astype("f"), rng.standard_normal((16, 18, 3, 3)).astype("f")
    odd = np.zeros(big[:, ::2].size * 4 + 1, np.uint8)[1:].view("f").reshape(2, 18, 30, 44)
    odd[...] = big[:, ::2]
    for layout in LAYOUTS:
        views = [big[:, ::2], big[:, 17::-1], big[:, :18, ::-2, 1::3], big[:, ::2].astype(">f4"), odd,
                 np.asfortranarray(big[:, ::2])]  # fmt: skip
        for x in views:
            x = np.moveaxis(x, 1, -1) if layout == "channels_last" else x
            wanted = fastconv.conv2d(x.astype("d"), w.astype("d"), layout=layout, padding=1)
            found = fastconv.conv2d(x, w, layout=layout, padding=1, backend="winograd")
            np.testing.assert_allclose(found, wanted, atol=1e-3)
            buffer = np.zeros((*wanted.shape[:-1], 2 * wanted.shape[-1]), "f")
            out = buffer[..., ::-2]
            assert fastconv.conv2d(x, w, layout=layout, padding=1, backend="winograd", out=out) is out
            np.testing.assert_array_equal(out, found)
            assert (buffer[..., ::2] == 0).all()


def test_smaller_workspaces(rng):
    x, w = rng.standard_normal((1, 32, 40, 40)).astype("f"), rng.standard_normal((32, 32, 3, 3)).astype("f")
    free = fastconv.plan(w, input_shape=x.shape, padding=1, backend="winograd")
    small = fastconv.plan(w, input_shape=x.shape, padding=1, backend="winograd",
                          workspace_limit=free.workspace_bytes // 4)  # fmt: skip
    assert small.workspace_bytes <= free.workspace_bytes // 4
    np.testing.assert_array_equal(small(x), free(x))
    with pytest.raises(fastconv.BackendNotSupportedError, match="workspace_limit"):
        fastconv.plan(w, input_shape=x.shape, padding=1, backend="winograd", workspace_limit=1000)


# -- numbers that are not finite --------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("backend", ["auto", "winograd"])
@pytest.mark.parametrize("keywords", [{"padding": 1}, {"padding": 2, "dilation": 2}, {"padding": 1, "padding_mode": "circular"},
                                      {"padding": 1, "groups": 2}, {"padding": (-1, 2)}])  # fmt: skip
def test_what_is_not_finite_stays_in_its_windows(keywords, backend, bad, rng):
    x = rng.standard_normal((2, 32, 34, 30)).astype("f")
    w = abs(rng.standard_normal((32, 32 // keywords.get("groups", 1), 3, 3))).astype("f")
    clean = fastconv.conv2d(x, w, backend=backend, **keywords)
    marks = np.zeros_like(x)
    for at in ((0, 3, 0, 0), (0, 20, 17, 29), (1, 9, 33, 12)):
        x[at], marks[at] = bad, 1
    found = fastconv.conv2d(x, w, backend=backend, **keywords)
    touched = fastconv.conv2d(marks, w, backend="direct", **keywords) > 0
    assert touched.any() and not touched.all()
    np.testing.assert_array_equal(np.isfinite(found), ~touched)
    if not np.isnan(bad):
        assert (found[touched] == bad).all()
    np.testing.assert_allclose(found[~touched], clean[~touched], atol=1e-3)
    for threads in (1, 3):
        with fastconv.num_threads(threads):
            np.testing.assert_array_equal(fastconv.conv2d(x, w, backend=backend, **keywords), found)


@pytest.mark.parametrize("held", [False, True])
def test_weights_that_are_not_finite(held, rng):
    x, w = rng.standard_normal((1, 24, 20, 20)).astype("f"), rng.standard_normal((32, 24, 3, 3)).astype("f")
    w[5, 3, 0, 2] = np.inf
    wanted = fastconv.conv2d(x, w, padding=1, backend="implicit")
    if held:
        found = fastconv.plan(w, input_shape=x.shape, padding=1, backend="winograd")(x)
    else:
        found = fastconv.conv2d(x, w, padding=1, backend="winograd")
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(wanted))
    np.testing.assert_allclose(found, wanted, atol=1e-3)


def test_intermediate_overflow_is_none_of_the_result(rng):
    """Transforms of numbers near the largest overflow; the sums do not."""
    x, w = np.full((1, 8, 12, 12), 2e38, "f"), np.zeros((8, 8, 3, 3), "f")
    w[:, 0, 1, 1] = 0.5
    found = fastconv.conv2d(x, w, padding=1, backend="winograd")
    np.testing.assert_allclose(found, 1e38, rtol=1e-6)


# -- selection --------------------------------------------------------------------------------------------


def test_refusals_say_why():
    x, w = (1, 32, 20, 20), (32, 32, 3, 3)

    def reason(x, w, function="conv2d", **keywords):
        found = fastconv.explain(function, x, w, **keywords).candidates
        answer = next(c for c in found if c.name == "winograd")
        assert not answer.ok
        return answer.reason

    assert "stride 1, found (2, 2)" in reason(x, w, stride=2)
    assert "kernels of 3 and 5" in reason(x, (32, 32, 7, 7))
    assert "float32 and float64" in reason(x, w, dtype="f2")
    assert "transposed" in reason(x, w, "conv_transpose2d")
    assert "three spatial axes" in reason((1, 8, 6, 6, 6, 6), (8, 8, 3, 3, 3, 3), "conv")


@pytest.mark.skipif(cpu.isa == "baseline", reason="costs are those of wide vectors")
def test_auto_takes_it_where_it_wins():
    for channels, size in ((64, 56), (128, 28), (256, 14)):
        found = fastconv.explain("conv2d", (1, channels, size, size), (channels, channels, 3, 3), padding=1)
        assert found.backend == "winograd" and "F(4,3)" in found.reason
    for x, w in (((1, 512, 7, 7), (512, 512, 3, 3)), ((1, 3, 224, 224), (64, 3, 3, 3)), ((1, 4, 8, 8), (4, 4, 3, 3))):
        assert fastconv.explain("conv2d", x, w, padding=1).backend != "winograd"


def test_auto_knows_that_a_plan_transforms_its_weights_once(rng):
    """What a call transforms anew is a large part of small images of many channels."""
    w = rng.standard_normal((256, 256, 3, 3)).astype("f")
    held = fastconv.plan(w, input_shape=(1, 256, 7, 7), padding=1).explain()
    called = fastconv.explain("conv2d", (1, 256, 7, 7), w.shape, padding=1)
    assert called.backend != "winograd" == held.backend
    times = [next(c.cost for c in found.candidates if c.name == "winograd") for found in (held, called)]
    assert times[0] < 0.7 * times[1]
