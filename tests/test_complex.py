"""Complex layers as real layers of their parts (backends/_complex.py)."""

import pickle

import numpy as np
import pytest

import fastconv


def numbers(rng, shape, dtype="F"):
    """Whole numbers: sums of products are exact."""
    return (rng.integers(-4, 5, shape) + 1j * rng.integers(-4, 5, shape)).astype(dtype)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.mark.parametrize("layout", ["channels_first", "channels_last"])
@pytest.mark.parametrize("dtype", ["F", "D"])
@pytest.mark.parametrize("keywords", [{}, {"stride": 2, "padding": 1}, {"groups": 3, "padding": (1, 0)},
                                      {"dilation": 2, "padding": 2, "padding_mode": "reflect"}, {"flip": True}])  # fmt: skip
def test_function_and_plan_give_the_exact_sums(rng, keywords, dtype, layout):
    groups = keywords.get("groups", 1)
    x, w, b = numbers(rng, (2, 6, 9, 8), dtype), numbers(rng, (9, 6 // groups, 3, 3), dtype), numbers(rng, 9, dtype)
    if layout == "channels_last":
        x = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    wanted = fastconv.conv2d(x, w, b, layout=layout, backend="reference", **keywords)
    found = fastconv.conv2d(x, w, b, layout=layout, backend="implicit", **keywords)
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)
    plan = fastconv.plan(w, b, input_shape=x.shape, dtype=dtype, layout=layout, backend="implicit", **keywords)
    again = pickle.loads(pickle.dumps(plan))
    assert plan.backend == again.backend == "implicit"
    out = np.empty(plan.output_shape, dtype)
    for one in (plan, again):
        assert one(x, out=out) is out
        np.testing.assert_array_equal(out, wanted)
    np.testing.assert_array_equal(plan(x[:, ::-1]), fastconv.conv2d(x[:, ::-1], w, b, layout=layout, backend="direct",
                                                                    **keywords))  # fmt: skip


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_transposed(rng, stride):
    x, w = numbers(rng, (1, 4, 5, 6)), numbers(rng, (4, 3, 2, 3))
    found, wanted = (fastconv.conv_transpose2d(x, w, stride=stride, backend=b) for b in ("implicit", "reference"))
    np.testing.assert_array_equal(found, wanted)


def test_winograd_is_near(rng):
    x = rng.standard_normal((1, 8, 20, 20)) + 1j * rng.standard_normal((1, 8, 20, 20))
    w = rng.standard_normal((8, 8, 3, 3)) + 1j * rng.standard_normal((8, 8, 3, 3))
    found, wanted = (fastconv.conv2d(x, w, padding=1, backend=b) for b in ("winograd", "reference"))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)


def test_a_nan_stays_where_its_window_is(rng):
    x, w = numbers(rng, (1, 2, 12, 12)), numbers(rng, (8, 2, 3, 3))
    x[0, 1, 5, 5] = complex(0, np.nan)
    for backend in ("implicit", "winograd"):
        y = fastconv.conv2d(x, w, backend=backend)
        seen = np.isnan(y).any(axis=(0, 1))
        assert seen[3:6, 3:6].all()
        assert seen.sum() == 9


def test_infinite_weights_of_padding_make_no_nan(rng):
    x, w = numbers(rng, (1, 1, 5, 5)), numbers(rng, (8, 1, 3, 3))
    w[0, 0, 0, 0] = np.inf
    found, wanted = (fastconv.conv2d(x, w, padding=1, backend=b) for b in ("implicit", "direct"))
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(wanted))


def test_what_cannot_be_taken_apart_is_refused(rng):
    x, w = numbers(rng, (1, 2, 6, 6)), numbers(rng, (4, 2, 3, 3))
    with pytest.raises(fastconv.BackendNotSupportedError, match="float32 and float64"):
        fastconv.plan(w, input_shape=x.shape, dtype="F", workspace_limit=1 << 20, backend="implicit")


@pytest.mark.parametrize("shape", [(0, 2, 3, 3), (0, 2, 4, 1)])
@pytest.mark.parametrize("backend", ["auto", "implicit", "direct"])
def test_no_filters(backend, shape):
    found = fastconv.conv2d(np.ones((1, 2, 10, 6), "D"), np.ones(shape, "D"), np.ones(0, "D"), backend=backend)
    assert found.shape == (1, 0, 11 - shape[2], 7 - shape[3]) and found.dtype == np.dtype("D")
