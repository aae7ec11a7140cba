"""Integers through float64 (oa, fft, direct): equal to the reference in every bit, whatever their size, type and memory."""

import math
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastconv
from fastconv._core import whole
from fastconv._problem import Axis, Geometry, Problem
from fastconv.backends import _integers, direct, fft, overlap

TYPES = ("?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8")
BACKENDS = ("oa", "fft", "direct")


def integers(rng, shape, dtype, bits=None):
    """Numbers of so many bits, of both signs where the type has them."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    bits = 8 * dtype.itemsize if bits is None else bits
    raw = rng.integers(0, 2**64, shape, dtype="u8") >> np.uint64(64 - bits)
    if dtype.kind == "i" and bits < 8 * dtype.itemsize:
        return raw.astype(dtype) - dtype.type(2 ** (bits - 1))
    return raw.astype(dtype)


def agree(a, v, *arguments, **keywords):
    """Whether all backends give what the reference gives; those that ran."""
    wanted = fastconv.convolve(a, v, *arguments, **keywords, backend="reference")
    ran = []
    for backend in (*BACKENDS, "auto"):
        try:
            found = fastconv.convolve(a, v, *arguments, **keywords, backend=backend)
        except fastconv.BackendNotSupportedError:
            continue
        np.testing.assert_array_equal(found, wanted, strict=True, err_msg=backend)
        ran.append(backend)
    return ran


@pytest.fixture
def taken(monkeypatch):
    """The digits of every call: of any number, as if direct sums took forever."""
    seen, original = [], _integers.IntegerPlan._digits

    def digits(plan, *arguments):
        plan._most = math.inf
        seen.append(original(plan, *arguments))
        return seen[-1]

    monkeypatch.setattr(_integers.IntegerPlan, "_digits", digits)
    return seen


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_every_type(taken, dtype, mode):
    rng = np.random.default_rng(len(taken))
    for bits in {1, 7, 4 * np.dtype(dtype).itemsize, 8 * np.dtype(dtype).itemsize}:
        for shape, kernel in (((900,), (70,)), ((33, 40), (9, 8)), ((7, 9, 11), (3, 2, 4))):
            ran = agree(integers(rng, shape, dtype, bits), integers(rng, kernel, dtype, bits), mode)
            assert {"oa", "fft", "direct"} <= set(ran)
    if dtype in ("i8", "u8"):
        assert {(d.x, d.w) for d in taken if d} > {(1, 1)} and None in taken  # digits, and direct sums


@settings(max_examples=60, deadline=None)
@given(dtype=st.sampled_from(TYPES), n=st.integers(1, 800), m=st.integers(1, 800), bits=st.tuples(*[st.floats(0, 1)] * 2),
       mode=st.sampled_from(["full", "same"]), seed=st.integers(0, 99))  # fmt: skip
def test_drawn_signals(dtype, n, m, bits, mode, seed):
    rng = np.random.default_rng(seed)
    widths = [1 + int(b * (8 * np.dtype(dtype).itemsize - 1)) for b in bits]
    agree(integers(rng, n, dtype, widths[0]), integers(rng, m, dtype, widths[1]), mode)


@pytest.mark.parametrize("boundary", ["wrap", "symm", "reflect", "nearest", "fill"])
@pytest.mark.parametrize("dtype", ["u1", "i4", "i8"])
def test_borders(taken, boundary, dtype):
    rng = np.random.default_rng(3)
    keywords = {"boundary": boundary, "fillvalue": 100 if boundary == "fill" else 0}
    for shape, kernel in (((500,), (70,)), ((30, 41), (8, 9))):
        for bits in (6, None):
            agree(integers(rng, shape, dtype, bits), integers(rng, kernel, dtype, bits), "same", **keywords)
    huge = np.iinfo(dtype).max
    agree(np.zeros(300, dtype), np.full(80, huge, dtype), boundary=boundary, mode="same",
          fillvalue=huge if boundary == "fill" else 0)  # fmt: skip


@pytest.mark.parametrize("dtype", ["i8", "u8", "i4", "i1"])
def test_extremes(taken, dtype):
    """The numbers with the most bits, in the least favourable arrangement: all of them alike."""
    limits = np.iinfo(dtype)
    for a in (limits.min, limits.max):
        for v in (limits.min, limits.max, 1):
            agree(np.full(700, a, dtype), np.full(300, v, dtype))
            agree(np.full((20, 21), a, dtype), np.full((12, 9), v, dtype))


def test_at_the_edge_of_what_is_exact():
    """The largest numbers of which one product is taken: what float64 computes is a quarter off at most."""
    rng = np.random.default_rng(8)
    for shape, kernel in (((20_000,), (3000,)), ((120, 130), (40, 50))):
        axes = tuple(Axis(n, m, n - m + 1) for n, m in zip(shape, kernel, strict=True))
        problem = Problem(Geometry((), (), 1, (), axes), np.dtype("i8"))
        for module in (overlap, fft):
            plan = module.plan(problem)
            w = rng.integers(-(2**20), 2**20, kernel)
            weights = plan.prepare(w[None], None)
            most = int(plan._room / weights.packed["norm"])
            x = rng.choice([-most, most], shape).astype("i8")
            assert plan._digits(most, weights) is _integers.ONE
            assert plan._digits(most + 1 + most // 10**5, weights) is not _integers.ONE
            y, out = np.empty([a.out for a in axes]), np.empty([a.out for a in axes], "i8")
            plan._wide.run(x[None], plan._wide.prepare(w[None], None), y)
            direct.plan_of_integers(problem).run(x[None], weights, out)
            # the bound holds for all numbers; those drawn stay far below it
            assert np.abs(y - np.rint(y)).max() < 0.05
            np.testing.assert_array_equal(np.rint(y).astype("i8"), out)


def test_large_results_that_float64_does_not_hold():
    a, v = np.arange(2**40, 2**40 + 3000), np.arange(2**21, 2**21 + 1000)
    assert fastconv.explain("convolve", a, v).backend in ("oa", "fft")
    wanted = [sum(int(x) * int(y) for x, y in zip(a[i : i + 1000], v[::-1], strict=True)) for i in (0, 999, 2000)]
    found = fastconv.convolve(a, v, "valid")
    assert [int(found[i]) for i in (0, 999, 2000)] == [(w + 2**63) % 2**64 - 2**63 for w in wanted]


def test_memory_of_every_kind():
    rng = np.random.default_rng(5)
    a, v = integers(rng, (6, 400, 3), "i8", 20), integers(rng, (1, 90, 1), "i8", 20)
    wanted = fastconv.convolve(a, v, "same", axes=1, backend="reference")
    moved = np.zeros(a.nbytes + 1, np.uint8)[1:].view("i8").reshape(a.shape)
    for backend in BACKENDS:
        moved[...] = a
        for x in (a, np.asfortranarray(a), a[::-1].copy()[::-1], a.astype(">i8"), moved):
            found = fastconv.convolve(x, v, "same", axes=1, backend=backend)
            np.testing.assert_array_equal(found, wanted)
        out = np.zeros((6, 800, 6), "i8")[:, ::2, ::2]
        assert fastconv.convolve(a, v, "same", axes=1, out=out, backend=backend) is out
        np.testing.assert_array_equal(out, wanted)
        moved[...] = 0
        fastconv.convolve(a, v, "same", axes=1, out=moved, backend=backend)
        np.testing.assert_array_equal(moved, wanted)
        inside = a.copy()
        fastconv.convolve(inside, v, "same", axes=1, out=inside, backend=backend)
        np.testing.assert_array_equal(inside, wanted)


def test_operands_of_other_types():
    rng = np.random.default_rng(6)
    a, v = integers(rng, 500, "i2"), integers(rng, 80, "u1")
    for dtype in ("i2", "u2", "i8"):
        agree(a, v, dtype=dtype, casting="unsafe")
    agree(integers(rng, 500, "i8"), v, dtype="i2")  # modulo 2**16 before and after
    agree(rng.standard_normal(500) * 1000, v, dtype="i4", casting="unsafe")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fastconv.convolve(np.full(500, np.nan), v, dtype="i4", casting="unsafe", backend="oa")  # as any cast: no matter what
    agree(integers(rng, 500, "?"), v)


@pytest.mark.parametrize("backend", ["fft", "direct"])
def test_layers_with_bias_and_activation(backend):
    rng = np.random.default_rng(7)
    for dtype, bits in (("i4", None), ("i8", 12), ("i8", None), ("i2", None), ("u8", 30)):
        x, w = integers(rng, (2, 6, 13, 14), dtype, bits), integers(rng, (4, 3, 3, 5), dtype, bits)
        b = integers(rng, 4, dtype, bits)
        for words in ({"padding": 2}, {"stride": 2, "activation": "relu"}, {"activation": "relu6", "padding": 1}):
            wanted = fastconv.conv2d(x, w, b, groups=2, **words, backend="reference")
            np.testing.assert_array_equal(fastconv.conv2d(x, w, b, groups=2, **words, backend=backend), wanted)
            plan = fastconv.plan(w, b, input_shape=x.shape, dtype=dtype, groups=2, **words, backend=backend)
            np.testing.assert_array_equal(pickle.loads(pickle.dumps(plan))(x), wanted)
            last = fastconv.conv2d(np.moveaxis(x, 1, -1), w, b, groups=2, layout="channels_last", **words, backend=backend)
            np.testing.assert_array_equal(np.moveaxis(last, -1, 1), wanted)
    x, w = integers(rng, (2, 6, 9), "i8", 20), integers(rng, (6, 3, 4), "i8", 20)
    np.testing.assert_array_equal(fastconv.conv_transpose1d(x, w, stride=2, backend="direct"),
                                  fastconv.conv_transpose1d(x, w, stride=2, backend="reference"))  # fmt: skip


def test_batches_groups_and_banks():
    rng = np.random.default_rng(9)
    a = integers(rng, (3, 4, 300), "i8", 25)
    agree(a, integers(rng, (1, 4, 70), "i8", 25), axes=2)
    agree(a[:, :1], integers(rng, (1, 5, 70), "i8", 25), axes=2)
    agree(integers(rng, (3, 40, 50), "u1"), integers(rng, (1, 9, 9), "u1"), axes=(1, 2))


def test_direct_sums_where_they_take_less(monkeypatch):
    rng = np.random.default_rng(10)
    a, v = integers(rng, 3000, "i8"), integers(rng, 100, "i8")
    wanted = fastconv.convolve(a, v, backend="reference")
    runs = []
    original = direct.DirectPlan.run
    monkeypatch.setattr(direct.DirectPlan, "run", lambda *arguments: runs.append(1) or original(*arguments))
    np.testing.assert_array_equal(fastconv.convolve(a, v, backend="oa"), wanted)
    assert runs  # many products of digits, few taps
    np.testing.assert_array_equal(fastconv.convolve(a >> 50, v >> 50, backend="oa"),
                                  fastconv.convolve(a >> 50, v >> 50, backend="reference"))  # fmt: skip
    assert len(runs) == 1


def test_choice():
    for dtype in ("u1", "i2", "i4", "i8"):
        for n, m, chosen in (((100_000,), (2000,), {"oa", "fft"}), ((100_000,), (5,), {"direct"}),
                             ((500, 500), (60, 60), {"oa", "fft"}), ((500, 500), (3, 3), {"direct"})):  # fmt: skip
            assert fastconv.explain("convolve", n, m, dtype=dtype).backend in chosen


def test_with_a_limit_integers_are_summed_as_they_are():
    rng = np.random.default_rng(11)
    a, v = integers(rng, 3000, "i8", 20), integers(rng, 300, "i8", 20)
    plan = fastconv.plan_convolve(v, input_shape=a.shape, dtype="i8", workspace_limit=1 << 18)
    assert plan.backend == "direct" and plan.workspace_bytes <= 1 << 18
    np.testing.assert_array_equal(plan(a), fastconv.convolve(a, v, backend="reference"))
    with pytest.raises(fastconv.BackendNotSupportedError, match="workspace_limit"):
        fastconv.plan_convolve(v, input_shape=a.shape, dtype="i8", backend="fft", workspace_limit=1 << 18)


def test_empty_batches():
    for backend in BACKENDS:
        found = fastconv.convolve(np.zeros((0, 50), "i8"), np.ones((1, 20), "i8"), axes=1, backend=backend)
        assert found.shape == (0, 69) and found.dtype == "i8"


# -- the compiled parts -----------------------------------------------------------------------------------

MEMORY = {t: i for i, t in enumerate(TYPES)}


@pytest.mark.parametrize("dtype", TYPES[1:])
def test_store_and_load(dtype):
    rng = np.random.default_rng(12)
    wholes = rng.integers(-(2**47), 2**47, (3, 5000, 2))
    y = (wholes + rng.uniform(-0.24, 0.24, wholes.shape)).transpose(2, 0, 1)
    wanted = wholes.transpose(2, 0, 1).astype(dtype)
    for out in (np.empty(wanted.shape, dtype), np.empty((2, 3, 10_000), dtype)[:, ::-1, ::-2],
                np.empty((5000, 2, 3), dtype).transpose(1, 2, 0)):  # fmt: skip
        whole.store(y, out, MEMORY[dtype])
        np.testing.assert_array_equal(out, wanted)
        whole.store(y, out, MEMORY[dtype], 5, True)
        np.testing.assert_array_equal(out, (33 * wholes.transpose(2, 0, 1)).astype(dtype))
        held = out >> 13 if out.itemsize == 8 else out
        np.testing.assert_array_equal(whole.load(held, MEMORY[dtype], np.empty(held.shape)), held.astype("f8"), strict=True)
    if np.dtype(dtype).itemsize == 8:
        y = np.ascontiguousarray(y)
        whole.store(y, y.view(dtype), MEMORY[dtype])  # where they stand
        np.testing.assert_array_equal(y.view(dtype), wanted)


@pytest.mark.parametrize("dtype", TYPES)
def test_peak_and_norm(dtype):
    rng = np.random.default_rng(13)
    for shape in ((1,), (9999,), (3, 700, 5)):
        x = integers(rng, shape, dtype)
        for view in (x, x[::-1], x[..., ::3], x.T):
            most = max(1 if dtype == "?" else 0, *(abs(int(i)) for i in view.flat))
            assert most <= whole.peak(view, MEMORY[dtype]) <= (2 * most + 1 if x.itemsize == 8 else most)
    w = integers(rng, (3, 700), dtype)
    big = abs(w.astype("g"))
    assert math.isclose(whole.norm(w, 3, MEMORY[dtype], False), float(big.sum(1).max()), rel_tol=1e-9)
    assert math.isclose(whole.norm(w, 3, MEMORY[dtype], True), float(np.sqrt((big**2).sum(1).max())), rel_tol=1e-9)
    assert whole.peak(np.zeros((0, 3), dtype), MEMORY[dtype]) == 0
    if dtype[0] == "i":
        low = np.iinfo(dtype).min
        assert whole.peak(np.array([low, 3], dtype), MEMORY[dtype]) == -int(low)
