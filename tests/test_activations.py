"""Activation functions: their formulas, and how near to them results are."""

import math

import numpy as np
import pytest

import fastconv
from fastconv._reference import activate

ACTIVATIONS = {
    "relu": lambda y: max(y, 0.0),
    "relu6": lambda y: min(max(y, 0.0), 6.0),
    "leaky_relu": lambda y: y if y > 0 else 0.01 * y,
    "silu": lambda y: y / (1 + math.exp(-y)),
    "gelu": lambda y: y * 0.5 * math.erfc(-y / math.sqrt(2)),
    "sigmoid": lambda y: 1 / (1 + math.exp(-y)),
    "tanh": math.tanh,
}


# units in the last place of the result: of exponentials one or two, and of each operation after them a half
@pytest.mark.parametrize(("name", "units"), [("relu", 0), ("relu6", 0), ("leaky_relu", 2), ("silu", 5), ("gelu", 8),
                                             ("sigmoid", 4), ("tanh", 4)])  # fmt: skip
@pytest.mark.parametrize("layout", ["channels_first", "channels_last"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_activations_keep_the_last_places(name, units, layout, dtype):
    rng = np.random.default_rng(3)
    reach = 1.5 if name == "gelu" and dtype == "float64" else 80  # its tail magnifies the rounding of x / sqrt(2)
    x = np.concatenate([rng.standard_normal(3001) * 3, rng.uniform(-reach, reach, 3000), np.logspace(-20, 0, 501)])
    x = x[np.abs(x) <= reach].astype(dtype).reshape(1, 1, -1)
    wide = x.astype(np.longdouble)
    decayed = np.exp(-abs(wide))
    sigmoid = np.where(wide >= 0, 1, decayed) / (1 + decayed)
    if name == "gelu":
        wanted = np.array([ACTIVATIONS["gelu"](float(v)) for v in x.ravel()]).reshape(x.shape)
    else:
        wanted = {"relu": np.maximum(wide, 0), "relu6": np.clip(wide, 0, 6), "sigmoid": sigmoid, "silu": wide * sigmoid,
                  "leaky_relu": np.where(wide < 0, wide * np.longdouble("0.01"), wide), "tanh": np.tanh(wide)}[name]  # fmt: skip
    if layout == "channels_last":
        x, wanted = x.swapaxes(1, 2), wanted.swapaxes(1, 2)
    y = fastconv.conv1d(x, np.ones((1, 1, 1), dtype), activation=name, layout=layout)
    step = np.finfo(dtype).eps / 2 * np.abs(wanted) + np.finfo(dtype).tiny * np.finfo(dtype).eps * 4
    assert np.max(np.abs(y - wanted) / step) <= units
    ends = fastconv.conv1d(np.array([[[np.nan, np.inf, -np.inf]]], dtype), np.ones((1, 1, 1), dtype), activation=name)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(ends, activate(np.array([[[np.nan, np.inf, -np.inf]]], dtype), name))


@pytest.mark.parametrize(("dtype", "eps"), [("float64", 2e-15), ("float32", 1e-6), ("float16", 1e-3),
                                            ("longdouble", 2e-15)])  # fmt: skip
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_their_formulas(name, dtype, eps):
    x = np.concatenate([np.linspace(-9, 9, 181), [0.0, 20.0, -20.0, 60.0]]).astype(dtype)
    wanted = [ACTIVATIONS[name](float(v)) for v in x + x.dtype.type(0.25)]
    for backend in ("auto", "direct", "reference"):
        y = fastconv.conv1d(x[None, None], np.ones((1, 1, 1), dtype), np.array([0.25], dtype),
                            activation=name, backend=backend)  # fmt: skip
        np.testing.assert_allclose(y[0, 0].astype(float), wanted, rtol=eps * 4, atol=eps)
    integers = np.arange(-9, 10)[None, None]
    if name.startswith("relu"):
        y = fastconv.conv1d(integers, np.ones((1, 1, 1), int), activation=name)
        np.testing.assert_array_equal(y[0, 0], [ACTIVATIONS[name](v) for v in integers[0, 0]])
