"""Bad arguments: a ValueError or TypeError that names them, before anything is written.

``CASES`` holds one good call of every public function; each test spoils one argument of it.
"""

import inspect
from functools import lru_cache

import numpy as np
import pytest

import fastconv

pytestmark = pytest.mark.filterwarnings("error")

SENTINEL = 77
PER_RANK = {
    "conv": ({"x": (2, 4, 8, 8, 8), "w": (4, 2, 3, 3, 3), "bias": (4,)}, {"groups": 2}),
    "depthwise_conv": ({"x": (2, 2, 8, 8, 8), "w": (4, 1, 3, 3, 3), "bias": (4,)}, {}),
    "separable_conv": (
        {"x": (2, 2, 8, 8, 8), "w_depthwise": (4, 1, 3, 3, 3), "w_pointwise": (3, 4), "bias": (3,)},
        {},
    ),
    "conv_transpose": ({"x": (2, 4, 5, 5, 5), "w": (4, 3, 3, 3, 3), "bias": (6,)}, {"groups": 2}),
    "max_pool": ({"x": (2, 3, 8, 8, 8)}, {"kernel_size": 2}),
    "avg_pool": ({"x": (2, 3, 8, 8, 8)}, {"kernel_size": 2}),
}
CASES = {
    "convolve": ({"a": (7, 5), "v": (3, 2)}, {}),
    "correlate": ({"a": (7, 5), "v": (3, 2)}, {}),
    "conv": ({"x": (2, 4, 8, 8), "w": (4, 4, 3, 3), "bias": (4,)}, {}),
    "pointwise_conv": ({"x": (2, 4, 6), "w": (3, 2), "bias": (3,)}, {"groups": 1}),
    "resize_conv2d": ({"x": (2, 4, 5, 5), "w": (2, 4, 3, 3), "bias": (2,)}, {"scale": 2}),
    "causal_conv1d": ({"x": (2, 3, 6), "w": (3, 1, 3), "bias": (3,), "state": (2, 3, 2)}, {}),
    "plan": ({"w": (4, 2, 3), "bias": (4,)}, {"input_shape": (2, 4, 8), "groups": 2}),
    "plan_transpose": ({"w": (4, 2, 3), "bias": (2,)}, {"input_shape": (2, 4, 8)}),
    "plan_deform": ({"w": (4, 2, 3), "bias": (4,)}, {"input_shape": (2, 2, 8)}),
    "plan_convolve": ({"v": (3, 2)}, {"input_shape": (7, 5)}),
}
CASES["pointwise_conv"][0]["x"] = (2, 2, 6)
for _rank in (1, 2, 3):
    for _name, (_operands, _keywords) in PER_RANK.items():
        CASES[f"{_name}{_rank}d"] = (
            {n: (s[:2] + s[2 : 2 + _rank] if len(s) > 2 else s) for n, s in _operands.items()},
            _keywords,
        )
    _taps = 2**_rank
    CASES[f"deform_conv{_rank}d"] = (
        {"x": (2, 2) + (5,) * _rank, "offset": (2, _rank * _taps) + (4,) * _rank,
         "w": (3, 2) + (2,) * _rank, "bias": (3,), "mask": (2, _taps) + (4,) * _rank},
        {},
    )  # fmt: skip

OPTIONAL = {"bias", "mask", "state"}
PLANS = [name for name in CASES if name.startswith("plan")]
OPERANDS = [(name, operand) for name, (operands, _) in CASES.items() for operand in operands]
CONVOLUTIONS = ("convolve", "correlate")


@lru_cache
def parameters(name):
    return tuple(inspect.signature(getattr(fastconv, name)).parameters)


def having(*keywords):
    """(function, keyword) for every function that has one of the keywords."""
    return [(name, k) for name in CASES for k in keywords if k in parameters(name)]


def arrays(name, dtype=np.float32):
    return {n: np.ones(s, dtype) for n, s in CASES[name][0].items()}


def call(name, of=np.float32, **changes):
    """The good call of a function with some arguments changed; ``of``: dtype of the operands."""
    return getattr(fastconv, name)(**{**arrays(name, of), **CASES[name][1], **changes})


def first(result):
    """The array that out stands for: causal_conv1d returns its state too."""
    return result[0] if isinstance(result, tuple) else result


@lru_cache
def result_shape(name):
    return first(call(name)).shape


def refuse(name, error, words, **changes):
    """The call raises that error with these words in it, and leaves out alone."""
    out = None
    if "out" in parameters(name) and "out" not in changes:
        changes["out"] = out = np.full(result_shape(name), SENTINEL, np.float32)
    with pytest.raises(error) as info:
        call(name, **changes)
    message = str(info.value)
    for word in words:
        assert str(word) in message, message
    if out is not None:
        assert (out == SENTINEL).all()
    return info.value


@pytest.mark.parametrize("name", CASES)
def test_good_calls_are_good(name):
    result = call(name)
    if "out" in parameters(name):
        out = np.full(result_shape(name), SENTINEL, np.float32)
        assert first(call(name, out=out)) is out
        np.testing.assert_array_equal(out, first(result))


# -- shapes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "operand"), OPERANDS)
@pytest.mark.parametrize("shape", [(), (1,) * 9], ids=["scalar", "nine axes"])
def test_wrong_number_of_axes(name, operand, shape):
    if name.startswith("plan_convolve") or (name == "conv" and operand == "w" and shape):
        pytest.skip("w tells the rank")
    refuse(name, ValueError, [operand], **{operand: np.ones(shape, np.float32)})


@pytest.mark.parametrize("operand", ["x", "w"])
@pytest.mark.parametrize("name", [n for n in CASES if "x" in CASES[n][0] and "pool" not in n])
def test_channels_that_do_not_fit(name, operand):
    operand = "w_depthwise" if operand == "w" and "separable" in name else operand
    shape = list(CASES[name][0][operand])
    shape[1] += 1
    words = [operand] if operand != "x" else ["channels"]
    if name == "causal_conv1d" and operand == "x":  # x is taken as right: w does not fit it
        words = ["w must have shape (4, 1, k)", "(3, 1, 3)"]
    error = refuse(name, ValueError, words, **{operand: np.ones(shape, np.float32)})
    assert "x" in str(error) or operand in str(error) or name == "causal_conv1d"


@pytest.mark.parametrize(("name", "_"), having("bias"))
def test_bias_of_another_length(name, _):
    filters = CASES[name][0]["bias"][0]
    refuse(name, ValueError, ["bias", f"({filters + 1},)", f"({filters},)"],
           bias=np.ones(filters + 1, np.float32))  # fmt: skip


@pytest.mark.parametrize(("name", "_"), having("groups"))
def test_groups_that_do_not_divide(name, _):
    refuse(name, ValueError, ["groups=3"], groups=3)


@pytest.mark.parametrize("name", [n for n in CASES if "deform_conv" in n])
def test_deform_shapes(name):
    shapes = CASES[name][0]
    for operand in ("offset", "mask"):
        n, channels, *outs = shapes[operand]
        for bad in ((n, channels + 1, *outs), (n, channels, *outs[:-1], outs[-1] + 1),
                    (n + 1, channels, *outs)):  # fmt: skip
            refuse(name, ValueError, [operand], **{operand: np.ones(bad, np.float32)})
    for groups, error in ((0, ValueError), (3, ValueError), (1.0, TypeError), ("1", TypeError)):
        refuse(name, error, ["offset_groups"], offset_groups=groups)


def test_causal_shapes():
    refuse("causal_conv1d", ValueError, ["state", "(2, 3, 3)", "(2, 3, 2)"],
           state=np.ones((2, 3, 3)))  # fmt: skip
    refuse("causal_conv1d", ValueError, ["w", "(3, 1, 0)"], w=np.ones((3, 1, 0)))
    refuse("causal_conv1d", ValueError, ["w", "(3, 2, 3)"], w=np.ones((3, 2, 3)))


@pytest.mark.parametrize("name", [n for n in CASES if n.startswith("conv")
                                  and n not in CONVOLUTIONS and "transpose" not in n]
                         + ["resize_conv2d"])  # fmt: skip
def test_kernel_larger_than_the_padded_input(name):
    refuse(name, ValueError, ["w", "larger than the padded input"], dilation=12)
    refuse(name, ValueError, ["w", "larger than the padded input"], padding=-4)
    w = arrays(name)["w"][..., :0]
    refuse(name, ValueError, ["w", "tap"], w=w)


@pytest.mark.parametrize("name", [n for n in CASES if "pool" in n])
def test_pool_windows(name):
    refuse(name, ValueError, ["kernel_size", "larger than the padded input"], kernel_size=9)
    refuse(name, ValueError, ["padding", "half"], padding=2)
    for bad, error in ((0, ValueError), (-1, ValueError), (2.0, TypeError), ("2", TypeError),
                       (None, TypeError), ((2,) * 7, ValueError)):  # fmt: skip
        refuse(name, error, ["kernel_size"], kernel_size=bad)
    if "avg" in name:
        refuse(name, ValueError, ["divisor_override"], divisor_override=0)
        refuse(name, TypeError, ["divisor_override"], divisor_override=1.5)


@pytest.mark.parametrize("name", [n for n in CASES if "transpose" in n])
def test_transposed_sizes(name):
    refuse(name, ValueError, ["output_padding", "2"], output_padding=2, stride=2)
    refuse(name, ValueError, ["output_padding", "-1"], output_padding=-1)
    refuse(name, ValueError, ["result"], padding=100)


# -- integers -------------------------------------------------------------------------------------

COUNTS = ("stride", "dilation", "groups", "scale")
INTEGERS = (*COUNTS, "padding", "output_padding", "offset_groups")


@pytest.mark.parametrize(("name", "keyword"), having(*COUNTS))
@pytest.mark.parametrize("value", [0, -1, -(2**70), 2**70])
def test_numbers_out_of_range(name, keyword, value):
    refuse(name, ValueError, [keyword, value], **{keyword: value})


@pytest.mark.parametrize(("name", "keyword"), having(*INTEGERS))
@pytest.mark.parametrize("value", [1.5, 1.0, "2", b"2", 1j, object(), np.float64(1), np.ones(())])
def test_numbers_that_are_no_integers(name, keyword, value):
    error = refuse(name, (TypeError, ValueError), [keyword], **{keyword: value})
    assert isinstance(error, TypeError) or isinstance(value, str)


@pytest.mark.parametrize(("name", "keyword"), having(*INTEGERS))
def test_a_float_is_refused_after_the_equal_integer_was_accepted(name, keyword):
    value = {"padding": 0, "output_padding": 0}.get(keyword, CASES[name][1].get(keyword, 1))
    call(name, **{keyword: value})
    refuse(name, TypeError, [keyword], **{keyword: float(value)})


@pytest.mark.parametrize(("name", "keyword"), having(*INTEGERS))
@pytest.mark.parametrize("value", [(), (1,) * 7, (None,), ((1, 2, 3),)], ids=repr)
def test_sequences_that_do_not_fit_the_axes(name, keyword, value):
    if keyword == "padding" and name.endswith("1d") and value == ((1, 2, 3),):
        refuse(name, ValueError, ["padding", (1, 2, 3)], padding=value)
        return
    refuse(name, (TypeError, ValueError), [keyword], **{keyword: value})


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("shape", [7, "228", (2.0, 2, 8), (2, -2, 8), None, (), (8,) * 9], ids=repr)
def test_input_shape(name, shape):
    refuse(name, (TypeError, ValueError), [], input_shape=shape)
    if not isinstance(shape, tuple) or 2.0 in shape or -2 in shape:
        refuse(name, (TypeError, ValueError), ["input_shape"], input_shape=shape)


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("limit", [-1, "1", 1.5, 2**70], ids=repr)
def test_workspace_limit_is_an_integer(name, limit):
    error = refuse(name, (TypeError, ValueError), ["workspace_limit"], workspace_limit=limit)
    assert not isinstance(error, fastconv.BackendNotSupportedError)


# -- names ----------------------------------------------------------------------------------------

NAMES = ("mode", "boundary", "padding", "padding_mode", "layout", "activation", "casting", "backend")


@pytest.mark.parametrize(("name", "keyword"), having(*NAMES))
@pytest.mark.parametrize("value", ["sideways", "", "FULL ", "ZEROS"])
def test_unknown_names(name, keyword, value):
    error = refuse(name, ValueError, [keyword, repr(value), "wanted"], **{keyword: value})
    assert "'" in str(error).split("wanted")[1]  # the good ones are listed


@pytest.mark.parametrize(("name", "keyword"), having(*NAMES))
@pytest.mark.parametrize("value", [5, b"zeros", b"s", ("same",), object()], ids=["5", "zeros", "s", "same", "object"])
def test_names_of_the_wrong_type(name, keyword, value):
    if keyword == "padding" and value == 5:
        value = 5.5
    refuse(name, (TypeError, ValueError), [keyword], **{keyword: value})


@pytest.mark.parametrize(("name", "keyword"), having("flip", "ceil_mode", "count_include_pad"))
def test_flags_that_are_neither_true_nor_false(name, keyword):
    refuse(name, (TypeError, ValueError), [keyword], **{keyword: np.array([True, False])})


@pytest.mark.parametrize("name", [n for n in CASES if "2d" in n or "3d" in n])
def test_causal_padding_needs_one_axis(name):
    if "padding" in parameters(name):
        refuse(name, ValueError, ["padding", "causal"], padding="causal")


@pytest.mark.parametrize(("name", "_"), having("activation"))
def test_activations_without_meaning_for_the_dtype(name, _):
    for dtype in (np.complex64, bool):
        if dtype is bool and "deform" in name:
            continue
        with pytest.raises(TypeError, match="activation='relu'"):
            call(name, of=dtype, activation="relu", **_plan_dtype(name, dtype))
    if "deform" not in name:
        with pytest.raises(TypeError, match="activation='silu'"):
            call(name, of=np.int32, activation="silu")


def _plan_dtype(name, dtype):
    real = "offset" in CASES[name][0] and dtype is np.complex64
    return {n: np.ones(CASES[name][0][n], np.float32) for n in ("offset", "mask")} if real else {}


# -- dtypes and objects ---------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "operand"), OPERANDS)
def test_dtypes_without_arithmetic(name, operand):
    shape = CASES[name][0][operand]
    for dtype in (object, "U3", "S3", "M8[s]", "m8[s]", "V4", [("re", "f4"), ("im", "f4")]):
        array = np.zeros(shape, dtype)
        refuse(name, TypeError, [operand, array.dtype], **{operand: array})


@pytest.mark.parametrize(("name", "operand"), OPERANDS)
def test_objects_that_are_no_arrays(name, operand):
    refuse(name, ValueError, [operand], **{operand: [[1.0, 2.0], [3.0]]})
    refuse(name, TypeError, [operand], **{operand: "abc"})
    refuse(name, TypeError, [operand], **{operand: {1, 2}})
    refuse(name, TypeError, [operand], **{operand: object()})
    if operand not in OPTIONAL:
        refuse(name, TypeError, [operand, "None"], **{operand: None})


@pytest.mark.parametrize(("name", "_"), having("dtype"))
def test_dtype_argument(name, _):
    for bad in ("nonsense", object, "U3", "M8[s]", 3.5):
        refuse(name, TypeError, ["dtype"], dtype=bad)


@pytest.mark.parametrize("name", [n for n in CASES if n not in PLANS])
def test_casting_that_is_forbidden(name):
    operand = next(iter(CASES[name][0]))
    refuse(name, TypeError, [operand, "float32", "float16", "casting='safe'"],
           dtype=np.float16, casting="safe")  # fmt: skip
    if "avg_pool" not in name and "deform" not in name:
        refuse(name, TypeError, [operand, "float32", "int32", "casting='same_kind'"],
               dtype=np.int32)  # fmt: skip


def test_dtypes_that_an_operation_lacks():
    for rank in (1, 2, 3):
        with pytest.raises(TypeError, match="complex"):
            call(f"max_pool{rank}d", of=np.complex64)
        refuse(f"avg_pool{rank}d", TypeError, ["dtype", "int32"], casting="unsafe", dtype=np.int32)
        refuse(f"deform_conv{rank}d", TypeError, ["dtype", "int32"], casting="unsafe",
               dtype=np.int32)  # fmt: skip
        for operand in ("offset", "mask"):
            shape = CASES[f"deform_conv{rank}d"][0][operand]
            refuse(f"deform_conv{rank}d", TypeError, [operand, "complex64"],
                   **{operand: np.ones(shape, np.complex64)})  # fmt: skip


# -- out ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "_"), having("out"))
def test_out_that_does_not_fit(name, _):
    shape = result_shape(name)
    larger = np.full((*shape[:-1], shape[-1] + 1), SENTINEL, np.float32)
    refuse(name, ValueError, ["out", larger.shape, shape], out=larger)
    more_axes = np.full((1, *shape), SENTINEL, np.float32)
    refuse(name, ValueError, ["out", more_axes.shape, shape], out=more_axes)
    integers = np.full(shape, SENTINEL, np.int32)
    refuse(name, TypeError, ["out", "int32", "float32", "same_kind"], out=integers)
    half = np.full(shape, SENTINEL, np.float16)
    refuse(name, TypeError, ["out", "float16", "float32"], out=half, casting="safe")
    frozen = np.full(shape, SENTINEL, np.float32)
    frozen.flags.writeable = False
    refuse(name, ValueError, ["out", "read-only"], out=frozen)
    for array in (larger, more_axes, integers, half, frozen):
        assert (array == SENTINEL).all()
    for bad in ([0.0], 3, "out", (np.zeros(shape, np.float32),)):
        refuse(name, TypeError, ["out"], out=bad)


# -- sizes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "_"), having("padding"))
def test_results_beyond_memory(name, _):
    changes = {"padding": 10**12}
    if "transpose" in name:
        changes = {"stride": 10**12}
    if "pool" in name:
        x = np.broadcast_to(np.float32(1), (*CASES[name][0]["x"][:-1], 10**13))
        changes = {"x": x, "out": None}
    if name.startswith(("plan", "deform")):
        return  # a plan allocates nothing, and an offset of that size cannot be given
    changes["out"] = None
    # along several axes the number of bytes itself overflows
    words = [] if name.endswith(("1d", "pool2d", "pool3d")) else ["result", "bytes"]
    refuse(name, MemoryError, words, **changes)


@pytest.mark.parametrize("name", CONVOLUTIONS)
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_signals_beyond_memory(name, mode):
    a = np.broadcast_to(np.float32(1), (10**13,))
    refuse(name, MemoryError, ["result", "bytes"], a=a, v=np.ones(3), mode=mode, out=None)


@pytest.mark.parametrize(("name", "_"), having("padding"))
@pytest.mark.parametrize("power", [50, 60, 61, 62, 63])
def test_sizes_that_overflow(name, _, power):
    keyword = "stride" if "transpose" in name else "padding"
    error = (ValueError, MemoryError)  # never OverflowError, never a crash
    if name.startswith("plan") and power < 62:
        return  # nothing is allocated before the first call
    words = ["padding"] if "pool" in name else []
    refuse(name, error, words, **{keyword: 2**power}, **({} if "out" not in parameters(name)
                                                         else {"out": None}))  # fmt: skip


def test_huge_dilation_with_huge_padding_reads_nothing_outside():
    x, w = np.arange(5.0)[None, None], np.array([[[1.0, 2.0, 4.0]]])
    for power in (20, 31, 32, 40, 61):
        y = fastconv.conv1d(x, w, dilation=2**power, padding=2**power)
        np.testing.assert_array_equal(y, 2 * x)


# -- signal style ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*CONVOLUTIONS, "plan_convolve"])
@pytest.mark.parametrize(
    ("axes", "error", "word"),
    [((), ValueError, "axes"), ((0, 0), ValueError, "axes"), ((0, -2), ValueError, "axes"),
     (2, ValueError, "2"), (-3, ValueError, "-3"), ((0, 5), ValueError, "5"),
     (0.0, TypeError, "0.0"), (("0",), TypeError, "'0'"), ("0", TypeError, "axes"),
     (1.5, TypeError, "1.5"), ((None,), TypeError, "None")],
)  # fmt: skip
def test_axes(name, axes, error, word):
    refuse(name, error, ["axes", word], axes=axes)


def test_axes_may_be_any_integer():
    a, v = np.arange(12.0).reshape(3, 4), np.ones((1, 2))
    wanted = fastconv.convolve(a, v, axes=1)
    for axes in (np.int64(1), [1], (np.int8(-1),), range(1, 2)):
        np.testing.assert_array_equal(fastconv.convolve(a, v, axes=axes), wanted)
        p = fastconv.plan_convolve(v, input_shape=a.shape, axes=axes)
        np.testing.assert_array_equal(p(a), wanted)


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_signal_shapes(name):
    error = refuse(name, ValueError, ["a", "v", "axis 0"], a=np.ones((3, 5)), v=np.ones((2, 2)),
                   axes=1)  # fmt: skip
    assert "3" in str(error)
    assert "2" in str(error)
    refuse(name, ValueError, ["a", "v", "axes"], a=np.ones(5))
    for operand in ("a", "v"):
        refuse(name, ValueError, [operand, "(0, 2)"], **{operand: np.ones((0, 2))})
    refuse(name, ValueError, ["mode='valid'", "(7, 2)", "(3, 5)"], a=np.ones((7, 2)),
           v=np.ones((3, 5)), mode="valid")  # fmt: skip


@pytest.mark.parametrize("name", [*CONVOLUTIONS, "plan_convolve"])
@pytest.mark.parametrize(
    ("dtype", "value"),
    [("uint8", 300), ("uint8", -1), ("int8", 128), ("int64", 2**63), ("uint64", -1), ("bool", 2),
     ("int32", 0.5), ("int32", np.nan), ("int32", np.inf), ("int32", 1j), ("float32", 1j),
     ("float32", 1e300), ("float16", 1e6), ("complex64", 1e300), ("float32", 10**40)],
    ids=str,
)  # fmt: skip
def test_fill_values_that_the_result_cannot_hold(name, dtype, value):
    operands = {n: np.ones(3, dtype) for n in CASES[name][0]}
    shape = {"input_shape": (3,)} if name == "plan_convolve" else {"out": np.full(5, 1, dtype)}
    refuse(name, ValueError, ["fillvalue", value, dtype], **operands, **shape, fillvalue=value)
    if "out" in shape:
        assert (shape["out"] == 1).all()


@pytest.mark.parametrize("name", [*CONVOLUTIONS, "plan_convolve"])
@pytest.mark.parametrize("value", [None, "0", [1, 2], [[1], [1, 2]], object(), np.datetime64(1, "s")],
                         ids=["None", "0", "pair", "ragged", "object", "date"])  # fmt: skip
def test_fill_values_that_are_no_numbers(name, value):
    refuse(name, (TypeError, ValueError), ["fillvalue"], fillvalue=value)


def test_fill_values_at_the_edges_are_held():
    for dtype in ("int8", "uint8", "int64", "uint64"):
        info = np.iinfo(dtype)
        for value in (info.min, info.max, float(info.min), np.int16(1)):
            y = fastconv.convolve(np.zeros(1, dtype), np.ones(2, dtype), fillvalue=value)
            np.testing.assert_array_equal(y, np.array([int(value)] * 2, dtype))
    for value in (np.inf, -np.inf, np.nan, 3.0e38):
        y = fastconv.convolve(np.zeros(1, "f4"), np.ones(2, "f4"), fillvalue=value)
        np.testing.assert_array_equal(y, np.array([value] * 2, "f4"))


# -- backends -------------------------------------------------------------------------------------

LOWERED = [n for n in CASES if "avg_pool" not in n and "deform" not in n and "max_pool" not in n]


@pytest.mark.parametrize("name", LOWERED)
def test_a_backend_that_cannot_says_why_and_who_can(name):
    with pytest.raises(fastconv.BackendNotSupportedError) as info:
        call(name, of=np.int32, backend="im2col")
    assert isinstance(info.value, ValueError)
    for word in ("im2col", "int32", "direct"):
        assert word in str(info.value)


@pytest.mark.parametrize("name", [n for n in CASES if "deform" in n or "max_pool" in n])
def test_a_backend_without_the_operation(name):
    error = refuse(name, fastconv.BackendNotSupportedError, ["im2col", "direct"], backend="im2col")
    assert isinstance(error, ValueError)


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("backend", ["auto", "direct", "im2col", "reference"])
def test_a_workspace_limit_too_small(name, backend):
    refuse(name, fastconv.BackendNotSupportedError, [repr(backend)], workspace_limit=3,
           backend=backend)  # fmt: skip


def test_unknown_backend_lists_the_known_ones():
    error = refuse("conv2d", ValueError, ["'auto'"], backend="fastest")
    assert not isinstance(error, fastconv.BackendNotSupportedError)
    for known in fastconv.backends():
        assert repr(known) in str(error)
