"""backend="tune": what is timed, who computes, what explain and plans say.

No test looks at real times: ``Clock`` moves only when a backend runs, by the seconds it is told.
"""

import math
import pickle
import re

import numpy as np
import pytest
from plan_cases import CASES, LONGER, ONE_EACH, make, operands
from test_config import EXPLAINED, as_arrays, python
from tuning import Clock, W, X, able, nothing_remembered, problem  # noqa: F401

import fastconv
from fastconv import _tune, _wisdom, wisdom
from fastconv._core import cpu
from fastconv.backends import BACKENDS, Verdict, direct

pytestmark = pytest.mark.filterwarnings("error")


def assert_equal(found, wanted):
    """Equal, but for the rounding of a transform: which backend is fastest is not known beforehand."""
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)




# -- timing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXPLAINED)
def test_every_function(monkeypatch, name):
    arguments, keywords = EXPLAINED[name]
    function, (arrays, words) = getattr(fastconv, name), as_arrays(name)
    last = able(name, *arguments, **keywords)[-1]
    clock = Clock(monkeypatch, **{last: 0.001})
    wanted = function(*arrays, **words, backend="reference")
    for _ in range(2):
        results = function(*arrays, **words, backend="tune")
        for y, good in zip(results, wanted, strict=True):
            np.testing.assert_allclose(y, good, rtol=1e-5, atol=1e-5)  # transforms round
    timed = len(clock.ran)
    assert timed
    assert set(clock.ran) == set(able(name, *arguments, **keywords))
    assert "reference" not in clock.ran
    e = fastconv.explain(function, *arrays, **words, backend="tune")
    assert e.backend == last
    assert e.reason.startswith("measured")
    assert str(fastconv.explain(function, *arrays, **words)) == str(e)
    function(*arrays, **words)
    assert len(clock.ran) == timed  # neither explain nor a later call times


@pytest.mark.parametrize("winner", [b for b in fastconv.backends() if b != "reference"])
def test_the_winner_computes(monkeypatch, winner):
    rng = np.random.default_rng(5)
    x, w, bias = (rng.standard_normal(s).astype("f4") for s in ((2, 8, 20, 21), (12, 8, 3, 3), (12,)))
    if winner not in able("conv2d", x, w, bias=bias):
        pytest.skip(f"{winner} cannot compute this")
    clock = Clock(monkeypatch, **{winner: 0.01})
    words = {"padding": 1, "activation": "gelu"}
    wanted = fastconv.conv2d(x, w, bias, **words, backend=winner).tobytes()
    out = np.empty((2, 12, 20, 21), np.float32)
    assert fastconv.conv2d(x, w, bias, **words, backend="tune", out=out) is out
    assert out.tobytes() == wanted
    assert not any(np.may_share_memory(out, a) for a in clock.outs)
    assert fastconv.conv2d(x, w, bias, **words, backend="tune").tobytes() == wanted
    assert fastconv.conv2d(x, w, bias, **words).tobytes() == wanted
    p = fastconv.plan(w, bias, input_shape=x.shape, **words)
    assert p.backend == winner
    assert p(x).tobytes() == wanted
    (entry,) = wisdom.entries()
    assert entry.backend == winner
    assert entry.seconds[winner] == pytest.approx(0.01)
    assert entry.seconds.keys() == set(clock.ran)
    assert (entry.threads, entry.isa) == (fastconv.get_num_threads(), cpu.isa)


def test_out_may_overlap_an_input(monkeypatch):
    Clock(monkeypatch)
    for layout in ("channels_first", "channels_last"):
        wisdom.forget_wisdom()
        memory = np.zeros(900, np.float32)
        x = memory[20:720].reshape(1, 7, 10, 10)
        x[...] = np.arange(700).reshape(x.shape) % 5
        if layout == "channels_last":
            x = x.reshape(1, 10, 10, 7)
        w = np.ones((7, 7, 3, 3), np.float32)
        wanted = fastconv.conv2d(x.copy(), w, padding=1, layout=layout, backend="reference")
        before = x.copy()
        out = memory[:700].reshape(x.shape)
        again = fastconv.conv2d(x, w, padding=1, layout=layout, backend="tune", out=out)
        assert again is out
        assert_equal(out, wanted)
        a = before.ravel()[:50].copy()
        fastconv.convolve(a, np.ones(3, np.float32), "same", out=a, backend="tune")
        assert_equal(a, np.convolve(before.ravel()[:50], np.ones(3), "same"))
    a = np.arange(16.0).reshape(1, 1, 16)
    assert fastconv.max_pool1d(a, 3, stride=1, padding=1, out=a, backend="tune") is a
    assert_equal(a[0, 0], [*range(1, 16), 15])


def test_inputs_are_left_alone(monkeypatch):
    Clock(monkeypatch)
    x, w = X.copy(), W.copy()
    x.flags.writeable = w.flags.writeable = False
    assert_equal(fastconv.conv2d(x, w, backend="tune"), fastconv.conv2d(X, W))
    for swapped in (X[:, :, ::-1].astype(">f4"), np.asfortranarray(X), X.tolist()):
        wisdom.forget_wisdom()
        wanted = fastconv.conv2d(swapped, W, dtype="f4", casting="unsafe", backend="reference")
        y = fastconv.conv2d(swapped, W, dtype="f4", casting="unsafe", backend="tune")
        assert_equal(y, wanted)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float16", "longdouble", "complex64",
                                   "clongdouble"])  # fmt: skip
def test_dtypes(dtype):
    x, w = X.astype(dtype), W.astype(dtype)
    y = fastconv.conv2d(x, w, backend="tune")
    assert y.dtype == np.dtype(dtype)
    assert_equal(y, fastconv.conv2d(x, w, backend="reference"))
    assert_equal(fastconv.plan(w, input_shape=x.shape, backend="tune")(x), y)
    assert len(wisdom.entries()) == 1
    assert wisdom.import_wisdom(wisdom.export_wisdom()) == 1


def test_empty_arrays():
    for shape in ((0, 3, 10, 10), (2, 3, 10, 10)):
        w = W[: shape[0] * 2]
        assert fastconv.conv2d(np.ones(shape, "f4"), w, backend="tune").shape == (shape[0], len(w), 8, 8)
    assert fastconv.convolve(np.ones((0, 5)), np.ones((1, 3)), axes=1, backend="tune").shape == (0, 7)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_not_finite(monkeypatch, bad):
    clock = Clock(monkeypatch, implicit=0.001)
    x, w = X.copy(), W.copy()
    x[1, 2, 3, 3] = w[2, 1, 0, 0] = bad
    wanted = fastconv.conv2d(x, w, padding=1)
    finite = []
    prepare = _tune.TuneWeights.of
    monkeypatch.setattr(_tune.TuneWeights, "of",
                        lambda self, plan: finite.append(self.w) or prepare(self, plan))  # fmt: skip
    assert_equal(fastconv.conv2d(x, w, padding=1, backend="tune"), wanted)
    assert clock.ran
    assert len(wisdom.entries()) == 1
    p = fastconv.plan(w, input_shape=x.shape, backend="tune", stride=2)
    assert np.isfinite(finite[1]).all()  # timed with other numbers, computed with these
    assert_equal(p(x), fastconv.conv2d(x, w, stride=2))


def test_measure_takes_turns(monkeypatch):
    now, ran = [0.0], []
    monkeypatch.setattr(_tune, "clock", lambda: now[0])

    def backend(name, *seconds):
        def run():
            turn = ran.count(name)
            ran.append(name)
            now[0] += seconds[min(turn, len(seconds) - 1)]

        return run

    found = _tune.measure({"quick": backend("quick", 9, 1e-5, 1e-5, 5e-6, 1e-5),
                           "slow": backend("slow", 9, 0.02, 0.018, 0.02), "endless": backend("endless", 7)})  # fmt: skip
    assert found == pytest.approx({"quick": 5e-6, "slow": 0.018, "endless": 7})
    assert ran[:6] == ["quick", "slow", "endless"] * 2  # the first turn of each warms up
    assert [ran.count(name) for name in found] == [1 + _tune.ROUNDS, 1 + 3, 1 + 1]
    assert ran[6:11] == ["quick", "slow"] * 2 + ["quick"]


def test_a_candidate_without_memory_is_left_out(monkeypatch):
    def fail(*_):
        raise MemoryError("too large")

    _tune.measure({"a": lambda: None})
    assert _tune.measure({"a": fail, "b": lambda: None}).keys() == {"b"}
    trial = _tune._trial
    monkeypatch.setattr(_tune, "_trial",
                        lambda plan, *rest: fail if plan.backend == "direct" else trial(plan, *rest))  # fmt: skip
    monkeypatch.setattr(_tune, "HOPELESS", math.inf)
    assert_equal(fastconv.conv2d(X, W, backend="tune"), fastconv.conv2d(X, W, backend="direct"))
    assert "direct" not in wisdom.entries()[0].seconds
    monkeypatch.setattr(_tune, "_trial", lambda *_: fail)
    with pytest.raises(MemoryError, match="direct"):
        fastconv.conv2d(X, W, stride=2, backend="tune")
    assert len(wisdom.entries()) == 1


def test_hopeless_candidates_are_not_timed(monkeypatch):
    found = fastconv.explain("conv2d", X, W).candidates
    names = [c.name for c in found if c.ok and c.name != "reference"]
    assert _tune.promising([c._replace(cost=1.0) for c in found]) == tuple(names)
    costs = dict(zip(names, (1.0, *(8.5,) * len(names)), strict=False))
    graded = [c._replace(cost=costs.get(c.name, 1e-3)) for c in found]
    assert _tune.promising(graded) == (names[0],)
    assert _tune.promising([c for c in found if c.name == "reference"]) == ("reference",)


def test_the_reference_is_timed_where_it_is_alone(monkeypatch):
    x, offset, w = np.ones((1, 2, 6)), np.zeros((1, 3, 4)), np.ones((2, 2, 3))
    clock = Clock(monkeypatch)
    for backend in BACKENDS:
        if backend.name != "reference":
            monkeypatch.setattr(backend, "supports", lambda _: Verdict(False, "not today"))
    assert_equal(fastconv.deform_conv1d(x, offset, w, backend="tune"), np.full((1, 2, 4), 6.0))
    assert set(clock.ran) == {"reference"}
    assert wisdom.entries()[0].backend == "reference"


def test_what_nobody_computes_is_refused():
    for name in ONE_EACH:
        prepared, _ = operands(np.random.default_rng(1), CASES[name])
        with pytest.raises(fastconv.BackendNotSupportedError, match=r"'tune'.*workspace_limit"):
            make(CASES[name], prepared, backend="tune", workspace_limit=3)
    with pytest.raises(ValueError, match="'tune'"):
        fastconv.conv2d(X, W, backend="tuned")
    with pytest.raises(ValueError, match="padding"):
        fastconv.conv2d(X, W, backend="tune", padding="sideways")
    assert wisdom.entries() == ()
    assert "tune" not in fastconv.backends()


def test_explain_times_nothing(monkeypatch):
    clock = Clock(monkeypatch)
    e = fastconv.explain("conv2d", X, W, backend="tune")
    plain = fastconv.explain("conv2d", X, W)
    assert (e.backend, e.workspace_bytes, e.candidates) == (
        plain.backend, plain.workspace_bytes, plain.candidates)  # fmt: skip
    assert e.measured == plain.measured == {}
    assert "not measured yet" in e.reason
    assert "us measured" not in str(e)
    assert (clock.ran, wisdom.entries()) == ([], ())
    assert fastconv.explain("conv2d", (1, 2, 10**6, 10**6), (2, 2, 3, 3), stride=1000, backend="tune").backend


def test_explain_shows_both_times(monkeypatch):
    Clock(monkeypatch, im2col=0.002, direct=0.003, implicit=0.005)
    with fastconv.num_threads(3):
        fastconv.conv2d(X, W, backend="tune")
    e = fastconv.explain("conv2d", X, W)
    assert e.measured["im2col"] == pytest.approx(0.002)
    assert e.reason == "measured, 3 threads: explicit im2col and GEMM"
    (line,) = re.findall(r"^ +direct .*$", str(e), re.M)
    assert re.search(r"us predicted +3,000\.0 us measured  direct conv", line)
    (line,) = re.findall(r"^ +reference .*$", str(e), re.M)
    assert "us measured" not in line
    lines = str(e).splitlines()[2:]
    assert len({line.index(c.reason) for c, line in zip(e.candidates, lines, strict=True)}) == 1
    forced = fastconv.explain("conv2d", X, W, backend="direct")
    assert "asked for" in forced.reason
    assert forced.measured == e.measured
    e.measured.clear()
    assert fastconv.explain("conv2d", X, W).measured == forced.measured


def test_forgetting(monkeypatch):
    plain = str(fastconv.explain("conv2d", X, W))
    other = able("conv2d", X, W)[-1]
    clock = Clock(monkeypatch, **{other: 0.001})
    fastconv.conv2d(X, W, backend="tune")
    assert fastconv.explain("conv2d", X, W).backend == other
    assert wisdom.forget_wisdom() is None
    assert str(fastconv.explain("conv2d", X, W)) == plain
    timed = len(clock.ran)
    fastconv.conv2d(X, W, backend="tune")
    assert len(clock.ran) == 2 * timed


def test_a_choice_that_cannot_be_any_more_is_timed_again(monkeypatch):
    Clock(monkeypatch)
    x, w = X.astype(np.int32), W.astype(np.int32)
    fastconv.conv2d(x, w, backend="tune")
    ((key, winner),) = _wisdom._table.items()
    for gone in ("im2col", "no_such_backend"):
        _wisdom._store({key: winner._replace(backend=gone)})
        assert fastconv.explain("conv2d", x, w).backend == "direct"
        assert_equal(fastconv.conv2d(x, w, backend="tune"), fastconv.conv2d(x, w))
        assert wisdom.entries()[0].backend == "direct"


# -- plans ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*CASES, *LONGER])
def test_plans(monkeypatch, name):
    case = CASES.get(name) or LONGER[name]
    prepared, given = operands(np.random.default_rng(3), case)
    last = [c.name for c in make(case, prepared).explain().candidates if c.ok and c.name != "reference"][-1]
    clock = Clock(monkeypatch, **{last: 0.001})
    p = make(case, prepared, backend="tune")
    timed = len(clock.ran)
    assert timed
    assert p.backend == last
    assert p.explain().reason.startswith("measured")
    wanted = make(case, prepared, backend=last)
    assert p.workspace_bytes == wanted.workspace_bytes
    y = p(**given).tobytes()
    assert y == wanted(**given).tobytes()
    assert repr(make(case, prepared)) == repr(p)
    wisdom.forget_wisdom()
    q = pickle.loads(pickle.dumps(p))
    assert (q.backend, q(**given).tobytes()) == (last, y)
    assert len(clock.ran) == timed


def test_a_plan_is_timed_without_its_preparation(monkeypatch):
    clock = Clock(monkeypatch, direct=0.001)
    prepared = []
    plan = type(direct.plan(problem()))
    prepare = plan.prepare
    monkeypatch.setattr(plan, "prepare", lambda self, w, bias: prepared.append(1) or prepare(self, w, bias))
    fastconv.plan(W, input_shape=X.shape, backend="tune")
    assert clock.ran.count("direct") > 20
    assert len(prepared) < 10
    del prepared[:], clock.ran[:]
    fastconv.conv2d(X, W, stride=2, backend="tune")
    assert len(prepared) >= clock.ran.count("direct")


def test_a_tune_plan_by_itself():
    """As two threads see it: made before, run after another has found the winner; and pickled."""
    plan = _tune.TunePlan(problem(), ("direct", "im2col"))
    plan = pickle.loads(pickle.dumps(plan))
    assert plan.backend == "direct"
    _wisdom.keep(plan.problem, _wisdom.Winner("im2col", {"direct": 2.0, "im2col": 1.0}, 1))
    g = plan.problem.geometry
    out = np.empty(g.out_shape, np.float32)
    weights = plan.prepare(np.ones(g.w_shape, np.float32), None)
    plan.run(np.ones(g.x_shape, np.float32), weights, out)
    assert plan.backend == "im2col"
    assert weights.prepared.keys() == {"im2col"}
    assert_equal(out, np.full(g.out_shape, 18))


def test_verbose(tmp_path):
    code = """if True:
        import numpy as np, fastconv
        x, w = np.ones((2, 3, 10, 10), np.float32), np.ones((4, 3, 3, 3), np.float32)
        for backend in ("tune", "tune", "auto"):
            fastconv.conv2d(x, w, backend=backend)
    """
    first, *rest = python(code, FASTCONV_VERBOSE="1").stderr.splitlines()
    assert "to be timed: " in first
    assert len(rest) == 2
    assert all("(measured " in line for line in rest)
