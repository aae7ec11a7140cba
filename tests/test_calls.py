"""Calls that were made before are found again by shapes, types, order and keywords, and by nothing less."""

import numpy as np
import pytest

import fastconv
from fastconv import _plan, _run
from fastconv._core import calls

X = np.arange(24, dtype="f4").reshape(1, 6, 2, 2) - 11
W = (np.arange(24, dtype="f4") % 5 - 2).reshape(4, 6, 1, 1)
KEYWORDS = (2, 1, 0, 1, 1, "zeros", False, "channels_first", None, 0, False, 1, None, "same_kind", "auto", None, "default")


@pytest.fixture
def age():
    """An age of its own: what other tests made is not found."""
    age = -1 - len(calls.__name__)
    calls.keep(age, KEYWORDS, X, W, None, "kept")
    return age


def test_what_is_kept_is_found(age):
    assert calls.find(age, tuple(list(KEYWORDS)), X.copy(), W.copy(), None) == "kept"
    assert calls.find(age, _run.Spec(*KEYWORDS), X, W, None) == "kept"


@pytest.mark.parametrize("at, value", [
    (1, True), (1, 1.0), (1, 2), (1, (1, 1)), (2, False), (2, 0.0), (2, "same"), (2, -1), (6, 0), (8, "relu"),
    (12, np.float32), (12, np.dtype("f4")), (13, "unsafe"), (14, "direct"), (10, True), (12, 1),
])  # fmt: skip
def test_other_keywords_are_other_calls(age, at, value):
    assert calls.find(age, (*KEYWORDS[:at], value, *KEYWORDS[at + 1:]), X, W, None) is None


@pytest.mark.parametrize("x, w, bias", [
    (X[0], W, None), (X[:, ::-1], W, None), (X.astype("f8"), W, None), (X.astype(">f4"), W, None),
    (X, W.astype("i4"), None), (X, W[::-1], None), (X, W[:3], None), (X, W, np.zeros(4, "f4")),
    (X.tolist(), W, None), (X.view(np.ma.MaskedArray), W, None), (X.transpose(0, 1, 3, 2), W, None),
])  # fmt: skip
def test_other_arrays_are_other_calls(age, x, w, bias):
    assert calls.find(age, KEYWORDS, x, w, bias) is None


def test_keywords_without_a_code_are_compared(age):
    """Types have none, so such calls meet in one slot."""
    kept = (*KEYWORDS[:12], np.float32, *KEYWORDS[13:])
    calls.keep(age, kept, X, W, None, "other")
    assert calls.find(age, kept, X, W, None) == "other"
    for value in (None, np.float64, np.dtype("f4"), np.dtype("f8")):
        assert calls.find(age, (*KEYWORDS[:12], value, *KEYWORDS[13:]), X, W, None) is None


def test_another_age_finds_nothing(age):
    assert calls.find(age + 1, KEYWORDS, X, W, None) is None


@pytest.mark.parametrize("at, value", [(1, [1, 1]), (1, np.int64(1)), (1, (1, 1.0)), (1, np.array([1, 1]))])
def test_keywords_that_are_not_plain_are_not_kept(at, value):
    keywords = (*KEYWORDS[:at], value, *KEYWORDS[at + 1:])
    calls.keep(-1, keywords, X, W, None, "kept")
    assert calls.find(-1, keywords, X, W, None) is None


def test_a_number_is_not_another_type_of_itself_in_a_later_call():
    """1 and 1.0 are equal, and only one of them is a stride."""
    for _ in range(2):
        fastconv.conv2d(X, W, stride=1)
        with pytest.raises(TypeError, match="stride"):
            fastconv.conv2d(X, W, stride=1.0)


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("layout", ["channels_first", "channels_last"])
@pytest.mark.parametrize("biased", [False, True])
def test_every_order_after_every_other(size, layout, biased):
    """Arrays of the same shapes in several orders in memory, in turns, give what the reference gives."""
    rng = np.random.default_rng(size)
    shape = (3, 8, size, size) if layout == "channels_first" else (3, size, size, 8)
    x, w = rng.standard_normal(shape), rng.standard_normal((5, 8, size, size))
    bias = rng.standard_normal(5) if biased else None
    wanted = fastconv.conv2d(x, w, bias, layout=layout, backend="reference")
    orders = [lambda a: a, np.asfortranarray, lambda a: np.repeat(a, 2, 0)[::2], lambda a: a[::-1].copy()[::-1]]
    for _ in range(2):
        for first in orders:
            for second in orders:
                got = fastconv.conv2d(first(x), second(w), None if bias is None else second(bias), layout=layout)
                np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-12)
                out = np.full_like(np.repeat(wanted, 2, 1), np.nan)[:, ::2]
                assert fastconv.conv2d(first(x), second(w), bias, layout=layout, out=out) is out
                np.testing.assert_allclose(out, wanted, rtol=1e-12, atol=1e-12)


def test_plan_of_inner_products_takes_any_order():
    rng = np.random.default_rng(3)
    x, w = rng.standard_normal((4, 6, 2, 2)), rng.standard_normal((5, 6, 2, 2))
    plan = fastconv.plan(w, input_shape=x.shape)
    wanted = fastconv.conv2d(x, w, backend="reference")
    out = np.empty_like(wanted)
    for given in (x, np.asfortranarray(x), x.astype("f4").astype("f8"), x[::-1].copy()[::-1]):
        np.testing.assert_allclose(plan(given), plan(given, out=out), rtol=0)
    np.testing.assert_allclose(plan(x), wanted, rtol=1e-12)
    memory = np.concatenate([x.ravel(), np.zeros(20)])
    over = memory[:20].reshape(4, 5, 1, 1)  # the result lies over the samples
    np.testing.assert_allclose(plan(memory[:96].reshape(x.shape), out=over), wanted, rtol=1e-12)


def test_results_over_operands():
    """Of single pixels, computed straight from the arrays: not where the result lies over what it is computed from."""
    rng = np.random.default_rng(4)
    x, w = rng.standard_normal((2, 6, 1, 1)), rng.standard_normal((6, 6, 1, 1))
    wanted = fastconv.conv2d(x, w, backend="reference")
    for _ in range(2):
        out = np.empty_like(wanted)
        assert fastconv.conv2d(x, w, out=out) is out
        np.testing.assert_allclose(out, wanted, rtol=1e-12)
        over_x, over_w = x.copy(), w.copy()
        np.testing.assert_allclose(fastconv.conv2d(over_x, w, out=over_x), wanted, rtol=1e-12)
        np.testing.assert_allclose(fastconv.conv2d(x, over_w, out=over_w.reshape(-1)[:12].reshape(2, 6, 1, 1)), wanted,
                                   rtol=1e-12)  # fmt: skip
        small = np.empty(wanted.shape, "f4")
        np.testing.assert_allclose(fastconv.conv2d(x, w, out=small, casting="same_kind"), wanted, rtol=1e-5)


def test_explanations_and_emptied_caches_reach_remembered_calls():
    x, w = np.ones((1, 64, 1, 1), "f4"), np.ones((8, 64, 1, 1), "f4")
    fastconv.conv2d(x, w)
    assert fastconv.explain(fastconv.conv2d, x, w).backend
    before = _plan.CALLS.emptied
    _plan.CALLS.clear()
    assert _plan.CALLS.emptied == before + 1
    calls.keep(before, KEYWORDS, X, W, None, "kept")
    assert calls.find(before, KEYWORDS, X, W, None) == "kept"
    _plan.CALLS.clear()
    assert calls.find(before, KEYWORDS, X, W, None) is None
    np.testing.assert_array_equal(fastconv.conv2d(x, w), np.full((1, 8, 1, 1), 64, "f4"))
