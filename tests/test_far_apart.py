"""Strides, dilations and padding beyond all memory: tables stay as small as what is computed, and nothing overflows."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastconv

FAR = [1, 2, 3, 7, 60, 1000, 2**15, 2**29, 2**31, 2**33, 2**40, 2**47, 2**59]
STEPS = st.one_of(st.just(1), st.sampled_from(FAR))


def by_hand(x, w, groups, stride, pads, dilation):
    """The sums with Python's integers for places."""
    k, c = w.shape[0] // groups, w.shape[1]
    spans = [(n - 1) * d + 1 for n, d in zip(w.shape[2:], dilation, strict=True)]
    out = [(n + sum(p) - e) // s + 1 for n, p, e, s in zip(x.shape[2:], pads, spans, stride, strict=True)]
    y = np.zeros((x.shape[0], w.shape[0], *out))
    for o, t in itertools.product(itertools.product(*map(range, out)), itertools.product(*map(range, w.shape[2:]))):
        at = [i * s + j * d - p[0] for i, s, j, d, p in zip(o, stride, t, dilation, pads, strict=True)]
        if all(0 <= a < n for a, n in zip(at, x.shape[2:], strict=True)):
            for g in range(groups):
                part = x[(slice(None), slice(g * c, g * c + c), *at)] @ w[(slice(g * k, g * k + k), slice(None), *t)].T
                y[(slice(None), slice(g * k, g * k + k), *o)] += part
    return y


@st.composite
def layers(draw):
    rank = draw(st.integers(1, 3))
    axes = [[draw(st.integers(1, 6)), draw(st.integers(1, 3)), draw(STEPS), draw(STEPS)] for _ in range(rank)]
    pads = []
    for axis in axes:
        reach = (axis[1] - 1) * axis[3]
        pads.append(draw(st.sampled_from([(reach, 0), (reach // 2, reach - reach // 2), (0, reach), (0, 0), (2, 1)])))
        if axis[0] + sum(pads[-1]) <= reach:
            axis[3] = 1
        results = (axis[0] + sum(pads[-1]) - (axis[1] - 1) * axis[3] - 1) // axis[2] + 1
        if not 0 < results < 20:  # few results
            pads[-1], axis[3] = (axis[1] - 1, 0), 1
    groups, channels, filters = draw(st.sampled_from([(1, 1, 1), (1, 2, 3), (2, 2, 1), (4, 1, 2), (8, 1, 1), (16, 1, 1)]))
    return (groups * channels, groups * filters, groups, *(tuple(axis[i] for axis in axes) for i in range(4)), tuple(pads))


@pytest.mark.parametrize("backend", ["auto", *fastconv.backends()])
@settings(deadline=None)
@given(layers(), st.sampled_from(["channels_first", "channels_last"]), st.sampled_from(["f4", "f8", "i4"]))
def test_sums(backend, layer, layout, dtype):
    channels, filters, groups, sizes, kernel, stride, dilation, pads = layer
    rng = np.random.default_rng(sum(sizes))
    x = rng.integers(-4, 5, (2, channels, *sizes)).astype(dtype)
    w = rng.integers(-4, 5, (filters, channels // groups, *kernel)).astype(dtype)
    wanted = by_hand(x.astype(float), w.astype(float), groups, stride, pads, dilation)
    if layout == "channels_last":
        x, wanted = np.moveaxis(x, 1, -1).copy(), np.moveaxis(wanted, 1, -1)
    try:
        found = fastconv.conv(x, w, stride=stride, padding=pads, dilation=dilation, groups=groups, layout=layout,
                              backend=backend)  # fmt: skip
    except fastconv.BackendNotSupportedError:
        return
    np.testing.assert_allclose(found, wanted, atol=1e-3)


@pytest.mark.parametrize("stride", [2**15, 2**29, 2**31, 2**40, 2**62, 2**63 - 1])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_one_window(stride, rank):
    """A stride that is never taken."""
    x = np.ones((1, 4, *(5,) * rank))
    w = np.ones((4, 1, *(3,) * rank))
    one = (1, 4, *(1,) * rank)
    layer = getattr(fastconv, f"depthwise_conv{rank}d")
    for found in (layer(x, w, stride=stride), fastconv.conv(x, w, stride=stride, groups=4, backend="direct")):
        np.testing.assert_array_equal(found, np.full(one, 3.0**rank))
    pools = getattr(fastconv, f"avg_pool{rank}d"), getattr(fastconv, f"max_pool{rank}d")
    for pool in pools:
        np.testing.assert_array_equal(pool(x, 3, stride=stride), np.ones(one))
    point = np.ones((1, 4, *(1,) * rank))
    transposed = getattr(fastconv, f"conv_transpose{rank}d")(point, w, stride=stride, groups=4)
    np.testing.assert_array_equal(transposed, np.ones((1, 4, *(3,) * rank)))
    assert fastconv.plan(w, input_shape=x.shape, stride=stride, groups=4).workspace_bytes < 1 << 16


def test_padding_beyond_all_memory():
    x, w = np.ones((1, 1, 5)), np.ones((1, 1, 3))
    for padding in (2**61 + 1, (-(2**62),), ((2**62, 0),)):
        with pytest.raises(ValueError, match=r"padding must be at most 2\*\*61 along spatial axis 0"):
            fastconv.conv1d(x, w, stride=2**62, padding=padding)
    with pytest.raises(ValueError, match="padding"):
        fastconv.conv1d(x, w, dilation=2**62 - 1, stride=2**62, padding="full")
