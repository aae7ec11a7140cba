"""Plans and the functions that they stand for: the problems that the tests of plans share."""

import math
from typing import NamedTuple

import numpy as np

import fastconv


class Case(NamedTuple):
    """A plan and the function that it stands for."""

    maker: str
    function: str
    prepared: dict  # operand -> shape, given to the maker
    given: dict  # operand -> shape, given to the plan
    keywords: dict  # of both
    plan_only: dict  # of the maker


def conv(x, w, bias=False, maker="plan", function="conv", **keywords):
    filters = w[1] * keywords.get("groups", 1) if maker == "plan_transpose" else w[0]
    prepared = {"w": w, **({"bias": (filters,)} if bias else {})}
    function = function if maker == "plan" else f"conv_transpose{len(w) - 2}d"
    return Case(maker, function, prepared, {"x": x}, keywords, {})


def transpose(x, w, bias=False, **keywords):
    return conv(x, w, bias, "plan_transpose", **keywords)


def deform(x, w, outs, offset_groups=1, masked=False, batch=True, **keywords):
    taps, n = math.prod(w[2:]), x[:1] if batch else ()
    given = {"x": x, "offset": (*n, offset_groups * taps * len(outs), *outs)}
    if masked:
        given["mask"] = (*n, offset_groups * taps, *outs)
    return Case("plan_deform", f"deform_conv{len(outs)}d", {"w": w, "bias": (w[0],)}, given, keywords,
                {"offset_groups": offset_groups, "masked": masked})  # fmt: skip


def signal(a, v, correlate=False, **keywords):
    return Case("plan_convolve", "correlate" if correlate else "convolve", {"v": v}, {"a": a},
                keywords, {"correlate": correlate})  # fmt: skip


CASES = {
    "conv1d": conv((2, 4, 19), (6, 2, 3), True, groups=2, padding=1, stride=2),
    "conv2d": conv((2, 3, 9, 10), (5, 3, 3, 2), True, stride=(1, 2), dilation=(2, 1), padding="same"),
    "conv2d large": conv((1, 16, 30, 31), (16, 16, 3, 3), True, padding=1),
    "conv2d last": conv((2, 9, 10, 3), (5, 3, 3, 2), True, layout="channels_last", padding=((1, 0), (2, 1))),
    "conv3d": conv((2, 2, 5, 6, 7), (3, 2, 2, 3, 2), flip=True, padding="full"),
    "conv4d": conv((2, 2, 4, 3, 4, 4), (3, 2, 2, 2, 3, 2)),
    "unbatched": conv((3, 12), (4, 3, 3), True, padding=3, padding_mode="reflect"),
    "unbatched last": conv((9, 8, 3), (4, 3, 3, 3), layout="channels_last", padding_mode="circular", padding=1),
    "depthwise": conv((2, 6, 9, 9), (12, 1, 3, 3), True, groups=6, padding=1),
    "pointwise": conv((2, 8, 7, 5), (6, 8, 1, 1), True, stride=2),
    "no batch at all": conv((0, 3, 9), (4, 3, 3)),
    "causal": conv((2, 3, 9), (4, 3, 3), padding="causal", dilation=2),
    "transpose1d": transpose((2, 4, 9), (4, 3, 4), True, stride=3, output_padding=1, padding=1),
    "transpose2d": transpose((2, 4, 5, 6), (4, 3, 3, 2), True, stride=(2, 1), dilation=(1, 2), groups=2),
    "transpose3d": transpose((1, 2, 3, 4, 3), (2, 3, 2, 2, 3), stride=2, flip=True),
    "transpose last": transpose((5, 6, 4), (4, 3, 3, 2), stride=2, layout="channels_last", padding="same"),
    "deform1d": deform((2, 3, 9), (4, 3, 3), (7,)),
    "deform2d": deform((2, 4, 6, 7), (6, 2, 2, 3), (5, 5), 2, True, groups=2),
    "deform2d last": deform((2, 6, 7, 4), (3, 4, 3, 3), (3, 4), 1, True, layout="channels_last", stride=2, padding=1),
    "deform3d": deform((1, 2, 4, 4, 4), (2, 2, 2, 2, 2), (3, 3, 3)),
    "deform unbatched": deform((3, 6, 6), (2, 3, 2, 2), (5, 5), 3, True, batch=False),
    "convolve": signal((19,), (4,)),
    "convolve same": signal((19,), (19,), mode="same"),
    "convolve 2-D": signal((9, 8), (3, 2), mode="valid"),
    "convolve wrap": signal((9, 8), (3, 4), boundary="wrap", mode="same"),
    "convolve fill": signal((9, 8), (3, 4), fillvalue=2.5),
    "convolve axes": signal((3, 9, 4), (3, 3, 1), axes=1, boundary="nearest"),
    "convolve bank": signal((2, 1, 9), (1, 5, 3), axes=(-1,), mode="same", boundary="reflect"),
    "correlate": signal((300,), (25,), True, mode="same"),
    "correlate symm": signal((8, 9), (3, 3), True, mode="same", boundary="symm"),
    "correlate 3-D": signal((5, 6, 7), (2, 3, 2), True),
}  # fmt: skip
LONGER = {  # v is the longer one: a plan has it ready, the function swaps the roles
    "full": signal((4,), (19,)),
    "same": signal((4,), (19,), mode="same"),
    "valid": signal((4,), (19,), mode="valid"),
    "correlate": signal((3, 4), (9, 8), True, mode="same"),
    "correlate valid": signal((3, 4), (9, 8), True, mode="valid"),
    "correlate full": signal((4,), (7,), True),
    "wrap": signal((4,), (9,), boundary="wrap"),
    "axes": signal((3, 4), (1, 9), axes=1),
    "crossed": signal((3, 9), (7, 2), mode="same"),
}
ONE_EACH = ("conv2d", "transpose2d", "deform2d", "convolve 2-D")


def random(rng, shape, dtype="float32"):
    dtype = np.dtype(dtype)
    if dtype.kind in "biu":
        return rng.integers(0 if dtype.kind in "bu" else -50, 60, shape).astype(dtype)
    values = rng.standard_normal(shape)
    if dtype.kind == "c":
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(dtype)


def operands(rng, case, dtype="float32"):
    """(what the maker takes, what the plan takes); offset and mask are real."""
    real = np.empty(0, dtype).real.dtype
    prepared = {n: random(rng, s, dtype) for n, s in case.prepared.items()}
    given = {n: random(rng, s, dtype if n in "xa" else real) for n, s in case.given.items()}
    return prepared, given


def whole(prepared, given):
    """The operands rounded to whole numbers, which every order of summation adds up to the same."""
    return tuple({n: np.rint(a) for n, a in some.items()} for some in (prepared, given))


def make(case, prepared, **changes):
    shape = next(iter(case.given.values()))
    words = {**case.keywords, **case.plan_only, "input_shape": shape, **changes}
    return getattr(fastconv, case.maker)(**prepared, **words)


def call(case, prepared, given, **changes):
    return getattr(fastconv, case.function)(**given, **prepared, **{**case.keywords, **changes})


def both(rng, name, dtype="float32"):
    """(plan, what it is called with, the function's result)."""
    case = CASES[name]
    prepared, given = operands(rng, case, dtype)
    return make(case, prepared), given, call(case, prepared, given)
