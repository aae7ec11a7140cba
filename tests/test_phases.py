"""Transposed layers whose phases share a gathered strip: strides, kernels, results that do and do not fit, layouts."""

import numpy as np
import pytest

import fastconv
from fastconv._plan import PLANS
from fastconv.backends import _blocking, _lowering


def whole(rng, shape, dtype):
    return rng.integers(-4, 5, shape).astype(dtype)  # sums are exact


def check(x, w, bias=None, **keywords):
    layer = getattr(fastconv, f"conv_transpose{x.ndim - 2}d")
    wanted = layer(x, w, bias, backend="reference", **keywords)
    last = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    gaps = np.full((*wanted.shape[:-1], 2 * wanted.shape[-1]), 7, wanted.dtype)[..., ::2]
    for threads in (1, 3):
        with fastconv.num_threads(threads):
            for backend in ("implicit", "direct") if x.dtype.kind in "fc" else ("direct",):
                for samples in (x, last, x[..., ::-1][..., ::-1]):
                    found = layer(samples, w, bias, backend=backend, **keywords)
                    np.testing.assert_array_equal(found, wanted)
                plan = fastconv.plan_transpose(w, bias, input_shape=x.shape, backend=backend, dtype=x.dtype, **keywords)
                np.testing.assert_array_equal(plan(x), wanted)
                np.testing.assert_array_equal(plan(x, out=gaps), wanted)
                assert (gaps.base[..., 1::2] == gaps.dtype.type(7)).all()


@pytest.fixture(params=[False, True], ids=["", "small_cache"])
def cache(request, monkeypatch):
    """Also an L2 cache that small problems overflow: several strips, of which the last is smaller."""
    if request.param:
        monkeypatch.setattr(_blocking, "L2_BYTES", 16 << 10)
    PLANS.clear()
    yield
    PLANS.clear()


@pytest.mark.parametrize("kernel,stride,padding,more", [
    (4, 2, 1, 0), (3, 2, 1, 1), (3, 2, 1, 0), (5, 2, 2, 1), (6, 3, 2, 1), (16, 8, 4, 0), (8, 4, 2, 0), (7, 5, 1, 0),
    (2, 3, 0, 0), (5, 5, 0, 0), (4, 2, 0, 0),
])  # fmt: skip
@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize("dtype", ["f", "d"])
def test_strides(cache, rank, kernel, stride, padding, more, dtype):
    rng = np.random.default_rng(kernel)
    x = whole(rng, (2, 9, *(13, 7)[-rank:]), dtype)
    w = whole(rng, (9, 21, *(kernel,) * rank), dtype)
    check(x, w, whole(rng, 21, dtype), stride=stride, padding=padding, output_padding=more)


@pytest.mark.parametrize("stride", [(2, 2, 2), (1, 2, 2), (2, 1, 2), (2, 2, 1), (1, 1, 2), (1, 3, 1)])
def test_volumes(cache, stride):
    rng = np.random.default_rng(3)
    x, w = whole(rng, (1, 5, 4, 5, 6), "f"), whole(rng, (5, 9, 4, 4, 4), "f")
    check(x, w, stride=stride, padding=1)


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("dilation", [(1, 1), (2, 1), (1, 2)])
def test_groups_and_dilation(cache, groups, dilation):
    rng = np.random.default_rng(groups)
    x, w = whole(rng, (3, 12, 6, 8), "f"), whole(rng, (12, 10, 4, 4), "f")
    check(x, w, whole(rng, 10 * groups, "f"), stride=2, padding=1, groups=groups, dilation=dilation)


@pytest.mark.parametrize("filters", [1, 2, 3])
def test_few_filters(cache, filters):
    """One alone runs down the rows of a phase, and shares nothing."""
    rng = np.random.default_rng(filters)
    x, w = whole(rng, (2, 7, 9, 12), "f"), whole(rng, (7, filters, 4, 4), "f")
    check(x, w, whole(rng, filters, "f"), stride=2, padding=1)


@pytest.mark.parametrize("dtype", ["e", "F", "i4", "b1"])
def test_other_types(dtype):
    rng = np.random.default_rng(1)
    check(whole(rng, (1, 6, 7, 8), dtype), whole(rng, (6, 17, 4, 4), dtype), stride=2, padding=1)


@pytest.mark.parametrize("backend", ["implicit", "direct"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_activations(activation, backend):
    rng = np.random.default_rng(2)
    x, w = rng.standard_normal((2, 6, 9, 9), "f"), rng.standard_normal((6, 19, 4, 4), "f")
    bias = rng.standard_normal(19, "f")
    keywords = {"stride": 2, "padding": 1, "activation": activation}
    wanted = fastconv.conv_transpose2d(x.astype("d"), w.astype("d"), bias.astype("d"), backend="reference", **keywords)
    found = fastconv.conv_transpose2d(x, w, bias, backend=backend, **keywords)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_weights_that_are_not_finite():
    rng = np.random.default_rng(4)
    x, w = whole(rng, (1, 4, 6, 6), "f"), whole(rng, (4, 16, 4, 4), "f")
    w[1, 3, 0, 2] = np.inf
    with np.errstate(invalid="ignore"):
        check(x, w, stride=2, padding=1)


def test_what_shares_a_strip():
    """Phases of rows and columns do where all have as many outputs; those of a third axis do not."""
    def siblings(w, **keywords):
        x = (1, w[0], *(8,) * (len(w) - 2))
        g = fastconv.explain(f"conv_transpose{len(w) - 2}d", x, w, **keywords).problem.geometry
        return _lowering.siblings(g)

    assert siblings((4, 8, 4, 4), stride=2, padding=1) == 4
    assert siblings((4, 8, 4), stride=2, padding=1) == 2
    assert siblings((4, 8, 4, 4, 4), stride=2, padding=1) == 4
    assert siblings((4, 8, 3, 3), stride=2, padding=1) == 1  # 15 outputs: one phase has fewer
    assert siblings((4, 8, 4, 4), stride=2, padding=1, dilation=(2, 1), output_padding=1) == 1
    assert siblings((4, 8, 2, 2), stride=4) == 1  # some phases have no tap
    assert siblings((4, 8, 4, 4), stride=(1, 2), padding=1) == 2
    assert siblings((4, 1, 4, 4), stride=2, padding=1) == 1
