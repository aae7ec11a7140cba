"""Random problems against the oracle: ``python tests/differential.py --count 20000 --seed 0``.

Case number k of a seed is always the same problem: operation, dtypes, layouts, views, keywords and
backend are drawn from ``default_rng([seed, k])``.  The oracle is ``fastconv._reference`` in a wider type;
integers and bool must be equal, floats within the bound that holds for any order of summation,
``|err| <= (n + 2) u sum|x||w|`` for n products.  A mismatch prints the command that repeats it, and the
exit status is 1; BackendNotSupportedError is counted as a refusal.
"""

import argparse
import contextlib
import sys
import time
import warnings
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

import fastconv
from fastconv import _reference as ref

try:
    from ml_dtypes import bfloat16
except ImportError:
    bfloat16 = None

INTS = tuple(np.dtype(t) for t in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"))
HALVES = (np.dtype("f2"), *([np.dtype(bfloat16)] if bfloat16 else []))
FLOATS = (*HALVES, np.dtype("f4"), np.dtype("f8"), np.dtype("g"))
COMPLEX = tuple(np.dtype(t) for t in ("F", "D", "G"))
DTYPES = (np.dtype(bool), *INTS, *FLOATS, *COMPLEX)
ROUNDING = {"float16": (2.0**-11, 2.0**-25, 65504.0), "bfloat16": (2.0**-8, 2.0**-134, 3.38e38)}
WIDER = {"f": "d", "d": "g", "g": "g", "F": "D", "D": "G", "G": "G"}
BOUNDARIES = {"fill": "fill", "wrap": "circular", "symm": "symm", "reflect": "reflect",
              "nearest": "replicate"}  # fmt: skip
# Backends that sum products as they are: errors bounded output by output, NaN stays in its windows.
SUMMING = ("auto", "direct", "im2col", "implicit", "indirect", "depthwise", "reference")
SLACK = {"winograd": 64.0}  # times the bound; the others of the rest are bounded by the largest output


# -- expected results -------------------------------------------------------------------------------


class Types(NamedTuple):
    """What a result type is computed in, and what the oracle computes it in."""

    dtype: np.dtype
    compute: np.dtype
    wide: np.dtype
    unit: float  # unit roundoff of the compute type, 0 for exact ones

    @classmethod
    def of(cls, dtype):
        dtype = np.dtype(dtype).newbyteorder("=")
        if dtype.name in ROUNDING:
            return cls(dtype, np.dtype("f4"), np.dtype("f8"), 2.0**-24)
        if dtype.kind in "biu":
            return cls(dtype, dtype, dtype, 0.0)
        return cls(dtype, dtype, np.dtype(WIDER[dtype.char]), float(np.finfo(dtype).eps) / 2)

    def lift(self, a):
        """The operand as the library must read it, in the oracle's type."""
        return None if a is None else np.asarray(a).astype(self.compute).astype(self.wide)


class Expected(NamedTuple):
    """A result in the oracle's type, and how far off each number may be (None: not at all)."""

    y: np.ndarray
    tol: np.ndarray | None


def linear(types, run, x, w, error=None):
    """``run(x, w)`` with its bound; x (N, G, C, *S), w (G, K, C, *kernel), error: that of x."""
    if not types.unit:
        return Expected(run(x, w), None)
    xs, ws = [x, abs(x).astype(x.dtype)], [w, abs(w).astype(w.dtype)]
    if error is not None:
        xs, ws = [*xs, error.astype(x.dtype)], [*ws, ws[1]]
    both = run(np.concatenate(xs, axis=1), np.concatenate(ws, axis=0))
    groups = w.shape[0]
    products = w[0, 0].size if w.size else 0
    terms = products * (2 if types.dtype.kind == "c" else 1) + 2
    terms *= 2 if types.wide == types.compute else 1  # the oracle is no better
    tol = terms * types.unit * both[:, groups : 2 * groups].real
    if error is not None:
        tol = tol + 1.01 * both[:, 2 * groups :].real
    return Expected(both[:, :groups], tol)


def finish(types, result, bias, activation):
    """Bias and activation (its slope is at most 1.2) of a result (N, K, *O)."""
    y, tol = result
    if bias is not None:
        bias = bias.reshape(-1, *(1,) * (y.ndim - 2))
        y = y | bias if y.dtype == bool else y + bias
    if tol is None:
        return Expected(ref.activate(y, activation), None)
    tol = tol + 4 * types.unit * abs(y)
    if bias is not None:
        tol = tol + 2 * types.unit * abs(bias)
    if activation is not None:
        before, y = y, ref.activate(y, activation)
        tol = 1.2 * tol + 8 * types.unit * (abs(before) + abs(y))
    return Expected(y, tol)


def rounded(expected, dtype):
    """The same with the rounding to the result's type, where that is not the compute type."""
    if expected.tol is None or dtype.name not in ROUNDING:
        return expected
    unit, tiny, _ = ROUNDING[dtype.name]
    return Expected(expected.y, expected.tol + unit * abs(expected.y) * 1.01 + tiny)


def mismatch(found, expected, backend="direct"):
    """None, or where and how an array differs from what is expected."""
    y, tol = expected
    if found.shape != y.shape:
        return f"shape {found.shape}, wanted {y.shape}"
    if tol is None and found.dtype.kind in "biu":
        bad = found != y.astype(found.dtype)
    else:
        wide = y if tol is not None else y.astype("g")
        r = found.astype(np.result_type(wide.dtype, "c8" if found.dtype.kind == "c" else "f4"))
        tol = np.zeros(y.shape) if tol is None else np.asarray(tol, "g").real
        limit = np.inf
        if found.dtype.name in ROUNDING:
            tol = rounded(Expected(wide, tol), found.dtype).tol
            limit = 0.99 * ROUNDING[found.dtype.name][2]
        elif found.dtype.kind in "fc":
            tol = tol + float(np.finfo(found.dtype).eps) * abs(wide)
            tol = tol + 4 * np.finfo(found.dtype).smallest_subnormal
        if backend not in SUMMING:
            tol = tol * SLACK[backend] if backend in SLACK else np.broadcast_to(
                tol.max(initial=0), tol.shape)  # fmt: skip
        finite = np.isfinite(wide)
        if found.dtype.kind == "c":
            same = ~np.isfinite(r)
        else:
            same = (np.isnan(wide) & np.isnan(r)) | (wide == r)
        close = abs(np.where(finite, r - wide, 0)) <= np.where(finite, tol, 0)
        bad = ~np.where(finite, close | (abs(wide) + tol > limit), same)
    if not bad.any():
        return None
    at = tuple(int(i) for i in np.argwhere(bad)[0])
    allowed = "" if tol is None else f", allowed error {float(tol[at]):.3g}"
    return f"{bad.sum()} of {bad.size} differ; at {at} {found[at]!r}, wanted {y[at]!r}{allowed}"


# -- arrays ---------------------------------------------------------------------------------------


def values(rng, shape, dtype, scale=1):
    """Random numbers of a type: full range, small whole ones, or of very different sizes."""
    kind, style = dtype.kind, rng.integers(4)
    if kind == "b":
        return rng.random(shape) < (0.1, 0.3, 0.3, 0.7)[style]
    if kind in "iu":
        if style == 0:
            return rng.integers(0 if kind == "u" else -4, 5, shape).astype(dtype)
        return rng.integers(0, 256, (*shape, dtype.itemsize), np.uint8).view(dtype)[..., 0]
    y = rng.standard_normal(shape) * scale
    if kind == "c":
        y = y + 1j * rng.standard_normal(shape) * scale
    if style == 0:
        y = np.round(y * 2)
    elif style == 1 and dtype not in HALVES:
        y = y * 10.0 ** rng.uniform(-4, 4, shape)
    return y.astype(dtype)


def spoil(rng, a):
    """The array with a few NaN and infinities."""
    flat = a.reshape(-1)
    for _ in range(rng.integers(1, 3) if flat.size else 0):
        flat[rng.integers(flat.size)] = rng.choice([np.nan, np.inf, -np.inf])
    return a


def _strided(rng, a):
    steps = rng.integers(1, 4, a.ndim)
    big = np.zeros([n * s + 1 for n, s in zip(a.shape, steps, strict=True)], a.dtype)
    part = big[tuple(slice(0, n * s, s) for n, s in zip(a.shape, steps, strict=True))]
    part[...] = a
    return part


def _backwards(rng, a):
    flips = tuple(slice(None, None, int(rng.choice([-1, 1]))) for _ in a.shape)
    return a[flips].copy()[flips]


def _permuted(rng, a):
    order = rng.permutation(a.ndim)
    return a.transpose(order).copy().transpose(np.argsort(order))


def _broadcast(rng, a):
    axes = [i for i, n in enumerate(a.shape) if n > 1]
    if not axes:
        return a
    at = axes[rng.integers(len(axes))]
    return np.broadcast_to(a[(slice(None),) * at + (slice(0, 1),)], a.shape)


def _swapped(rng, a):
    return a if a.dtype.kind == "V" else a.astype(a.dtype.newbyteorder())


def _misaligned(rng, a):
    raw = np.zeros(a.nbytes + 1, np.uint8)[1:]
    moved = raw.view(a.dtype) if a.size else np.zeros(0, a.dtype)
    moved = moved.reshape(a.shape)
    moved[...] = a
    return moved


def _read_only(rng, a):
    a.flags.writeable = False
    return a


VIEWS = (_strided, _backwards, _permuted, _permuted, _swapped, _misaligned, _read_only, _broadcast)


def view(rng, a, writable=False):
    """The same numbers (but for a broadcast axis) in memory of another order."""
    if rng.random() < 0.4:
        return a
    return VIEWS[rng.integers(5 if writable else len(VIEWS))](rng, a)


def operand(rng, shape, dtype, plain=False, **more):
    a = values(rng, tuple(shape), dtype, **more)
    return a if plain else view(rng, a)


# -- cases ----------------------------------------------------------------------------------------


@dataclass
class Case:
    """One call with what it must return."""

    function: str
    args: list
    types: Types
    expect: object  # () -> list of Expected, the arrays that the call returns
    keywords: dict = field(default_factory=dict)
    backend: str = "auto"
    overlapping: bool = False

    def describe(self):
        """The call in words."""
        words = [_word(a) for a in self.args]
        words += [f"{k}={_word(v)}" for k, v in self.keywords.items()]
        return f"{self.function}({', '.join(words)}, backend={self.backend!r})"


def _word(a):
    if not isinstance(a, np.ndarray):
        return repr(a)
    notes = "" if a.flags.writeable else " read-only"
    return f"<{a.dtype} {a.shape} steps {a.strides}{notes}>"


def check(case):
    """Run the case: None, "refused", or what is wrong."""
    expected = [rounded(e, case.types.dtype) for e in case.expect()]
    arrays = [a for a in (*case.args, *(v for k, v in case.keywords.items() if k != "out"))
              if isinstance(a, np.ndarray)]  # fmt: skip
    before = [a.copy() for a in arrays]
    keywords = dict(case.keywords)
    if case.backend != "auto":
        keywords["backend"] = case.backend
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = getattr(fastconv, case.function)(*case.args, **keywords)
    except fastconv.BackendNotSupportedError:
        return "refused"
    except Exception as error:  # any other is a finding
        return f"{type(error).__name__}: {error}"
    out = keywords.get("out")
    if out is not None and found is not out:
        return "out= was given and something else returned"
    found = list(found) if isinstance(found, tuple) else [found]
    if out is None and found[0].dtype != case.types.dtype:
        return f"dtype {found[0].dtype}, wanted {case.types.dtype}"
    wrong = [mismatch(np.asarray(f), e, case.backend)
             for f, e in zip(found, expected, strict=True)]  # fmt: skip
    wrong = next(filter(None, wrong), None)
    if wrong is None and not case.overlapping:
        for a, b in zip(arrays, before, strict=True):
            if a.tobytes() != b.tobytes():
                return f"an input was modified: {_word(a)}"
    return wrong


def add_out(rng, case, shape):
    """Sometimes give the case an out=, of another type or overlapping its first array."""
    draw, x = rng.random(), case.args[0]
    dtype = case.types.dtype
    if draw < 0.75:
        return case
    if draw < 0.92 or x.dtype != dtype or not x.size:
        if draw < 0.82:
            fitting = [d for d in DTYPES if np.can_cast(dtype, d, "same_kind")]
            dtype = fitting[rng.integers(len(fitting))]
        case.keywords["out"] = view(rng, np.zeros(shape, dtype), writable=True)
        return case
    size = int(np.prod(shape))
    at, out_at = (int(i) for i in rng.integers(0, 4, 2))
    buffer = np.zeros(max(at + x.size, out_at + size), dtype)
    moved = buffer[at : at + x.size].reshape(x.shape)
    moved[...] = x
    case.args[0] = moved
    case.keywords["out"] = buffer[out_at : out_at + size].reshape(shape)
    case.overlapping = True
    return case


def draw_dtypes(rng, count, allowed=DTYPES):
    """Types of so many operands: mostly the same, else any that have a common one."""
    first = allowed[rng.integers(len(allowed))]
    if rng.random() < 0.15:
        first = np.dtype("f4")
    found = [first]
    for _ in range(count - 1):
        other = allowed[rng.integers(len(allowed))] if rng.random() < 0.2 else first
        try:
            np.result_type(*found, other)
        except TypeError:
            other = first
        found.append(other)
    return found


def result_types(rng, keywords, *dtypes, floating=False):
    """Types of the result, sometimes with a dtype= keyword."""
    wanted = np.result_type(*(d for d in dtypes if d is not None))
    if floating and wanted.kind in "biu":
        wanted = np.dtype("f8")
    if rng.random() < 0.08:
        fitting = [d for d in DTYPES if all(np.can_cast(o, d, "same_kind") for o in dtypes if o)]
        if floating:
            fitting = [d for d in fitting if d.kind not in "biu"]
        if fitting:
            wanted = keywords["dtype"] = fitting[rng.integers(len(fitting))]
    return Types.of(wanted)


# -- geometry -------------------------------------------------------------------------------------


class Shape(NamedTuple):
    """Spatial part of a layer: tuples with one entry per axis."""

    sizes: tuple
    kernel: tuple
    stride: tuple
    dilation: tuple
    pads: tuple  # (before, after)
    upsample: tuple = ()

    def reference(self):
        return {"stride": self.stride, "dilation": self.dilation, "padding": self.pads}


def _spread(rng, numbers):
    """The numbers as a user may write them."""
    if len(set(numbers)) == 1 and rng.random() < 0.6:
        return numbers[0]
    return numbers if rng.random() < 0.7 else list(numbers)


def draw_axes(rng, rank, scale):
    """(sizes, kernel, stride, dilation) before padding is known."""
    many = {1: 7, 2: 4, 3: 3}.get(rank, 2)
    kernel = tuple(int(k) for k in rng.integers(1, many + 1, rank))
    stride = tuple(int(s) for s in rng.choice([1, 1, 1, 2, 3, 5], rank))
    dilation = tuple(int(d) for d in rng.choice([1, 1, 1, 2, 3], rank))
    sizes = [int(n) for n in rng.integers(1, {1: 24, 2: 9, 3: 6}.get(rank, 4), rank)]
    if scale:
        sizes[rng.integers(rank)] = int(rng.integers(1, 70 if scale == 1 else 900 // rank**2))
    return sizes, kernel, stride, dilation


def draw_padding(rng, sizes, kernel, stride, dilation):
    """(as the user writes it, (before, after) pairs)."""
    extents = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    style, rank = rng.integers(9), len(sizes)
    if style == 0:
        return None, ((0, 0),) * rank
    if style < 4:
        low = -1 if style == 1 else 0
        pads = [tuple(int(p) for p in rng.integers(low, e + 2, 2)) for e in extents]
        if style == 2:
            pads = [(b, b) for b, _ in pads]
            return _spread(rng, tuple(b for b, _ in pads)), tuple(pads)
        return (tuple(pads) if rng.random() < 0.5 else [list(p) for p in pads]), tuple(pads)
    if style == 4:
        n = int(rng.integers(0, 4))
        return n, ((n, n),) * rank
    if style == 5:
        return "valid", ((0, 0),) * rank
    if style == 6:
        if rank == 1 and rng.random() < 0.5:
            return "causal", ((extents[0] - 1, 0),)
        return "full", tuple((e - 1, e - 1) for e in extents)
    pads = []
    for n, e, s in zip(sizes, extents, stride, strict=True):
        total = max(0, (-(-n // s) - 1) * s + e - n)
        pads.append((total // 2, total - total // 2))
    if style == 7:
        return "same", tuple(pads)
    return "same_lower", tuple((a, b) for b, a in pads)


def draw_shape(rng, rank, keywords, scale, upsample=()):
    """A Shape whose result is not empty, and the keywords that say it."""
    sizes, kernel, stride, dilation = draw_axes(rng, rank, scale)
    times = upsample or (1,) * rank
    if rng.random() < 0.02 and not upsample:
        sizes[rng.integers(rank)] = 0
    while True:
        long = [n * u for n, u in zip(sizes, times, strict=True)]
        state = rng.bit_generator.state
        padding, pads = draw_padding(rng, long, kernel, stride, dilation)
        short = [i for i in range(rank)
                 if long[i] + sum(pads[i]) < (kernel[i] - 1) * dilation[i] + 1]  # fmt: skip
        if not short:
            break
        for i in short:
            sizes[i] += 1
        rng.bit_generator.state = state
    if padding is not None:
        keywords["padding"] = padding
    for name, numbers in (("stride", stride), ("dilation", dilation)):
        if set(numbers) != {1} or rng.random() < 0.2:
            keywords[name] = _spread(rng, numbers)
    return Shape(tuple(sizes), kernel, stride, dilation, pads, upsample)


def draw_channels(rng, scale, depthwise=False):
    """(groups, channels of a group, filters of a group)."""
    if depthwise:
        return int(rng.integers(1, 40 if scale else 6)), 1, int(rng.integers(1, 4))
    if scale:
        c, k = (int(n) for n in rng.integers(1, 41, 2))
        return (1, min(c, 20), k) if rng.random() < 0.8 else (c, 1, max(1, k // 8))
    if rng.random() < 0.01:
        return 1, *((0, 2) if rng.random() < 0.5 else (2, 0))
    return int(rng.choice([1, 1, 1, 2, 3])), int(rng.integers(1, 5)), int(rng.integers(1, 8))


def choose_layout(rng, keywords, x, batched, plain=False):
    """x (N, C, *S) as the user passes it: layout, no batch axis, a view; and the same for outputs."""
    last = rng.random() < 0.35
    if last:
        keywords["layout"] = "channels_last"

    def arrange(a):
        a = np.moveaxis(a, 1, -1) if last else a
        return a if batched else a[0]

    x = arrange(x)
    x = np.ascontiguousarray(x) if rng.random() < 0.7 else x
    return (x if plain else view(rng, x)), arrange


def restore(x, batched, last):
    """The array as given back to (N, C, *S)."""
    x = x if batched else x[None]
    return np.moveaxis(x, -1, 1) if last else x


def pick_activation(rng, keywords, dtype):
    if rng.random() < 0.3 and dtype.kind not in "bc":
        names = ["relu", "relu6"]
        if dtype.kind not in "iu":
            names += ["leaky_relu", "silu", "gelu", "sigmoid", "tanh"]
        keywords["activation"] = names[rng.integers(len(names))]
    return keywords.get("activation")


# -- operations -----------------------------------------------------------------------------------


def setup(rng, scale, dtypes, depthwise=False):
    """What all layers draw alike: (batch, batched, groups, channels, filters, bias, bias type)."""
    batch = int(rng.choice([0, 1, 1, 2, 3])) if rng.random() < 0.3 else 1
    batched = batch != 1 or rng.random() < 0.7
    groups, channels, filters = draw_channels(rng, scale, depthwise)
    bias = None
    if rng.random() < 0.4:
        bias = operand(rng, (groups * filters,), dtypes[2])
    return batch, batched, groups, channels, filters, bias


def layer_case(rng, name, rank, scale):
    """conv, depthwise_conv, pointwise_conv, resize_conv, conv_transpose of one rank."""
    keywords, dtypes = {}, draw_dtypes(rng, 3)
    n, batched, groups, c, k, bias = setup(rng, scale, dtypes, name == "depthwise_conv")
    upsample = tuple(int(u) for u in rng.integers(1, 4, rank)) if name == "resize_conv" else ()
    transposed, pointwise = name == "conv_transpose", name == "pointwise_conv"
    if pointwise:
        s = transposed_or_pointwise(rng, rank, keywords, scale, True)
    elif transposed:
        s = transposed_or_pointwise(rng, rank, keywords, scale, False)
    else:
        s = draw_shape(rng, rank, keywords, scale, upsample)
    mode = "zeros"
    if not (pointwise or transposed) and rng.random() < 0.4 and 0 not in s.sizes:
        mode = keywords["padding_mode"] = str(rng.choice(["reflect", "replicate", "circular"]))
    if upsample:
        keywords["scale"] = _spread(rng, upsample)
    if name != "depthwise_conv" and (groups > 1 or rng.random() < 0.1):
        keywords["groups"] = groups
    flip = not pointwise and rng.random() < 0.2
    if flip:
        keywords["flip"] = True
    x = values(rng, (n, groups * c, *s.sizes), dtypes[0])
    w = values(rng, (groups * c, k, *s.kernel) if transposed else (groups * k, c, *s.kernel),
               dtypes[1])  # fmt: skip
    if rng.random() < 0.06:
        for a in (x, w)[int(rng.integers(3)) % 2 :]:
            a = spoil(rng, a) if a.dtype.kind in "fcV" else a
    x, arrange = choose_layout(rng, keywords, x, batched)
    w = view(rng, w)
    types = result_types(rng, keywords, x.dtype, w.dtype, None if bias is None else bias.dtype)
    activation = pick_activation(rng, keywords, types.dtype)
    last = keywords.get("layout") == "channels_last"

    def run(xs, ws):
        if transposed:
            return ref.conv_transpose(xs, ws, **s.reference(), output_shape=outs)
        return ref.conv(xs, ws, **s.reference(), mode=mode, upsample=s.upsample or None)

    outs = keywords.pop("_outs", None)

    def expect():
        xs = types.lift(restore(case.args[0], batched, last)).reshape(n, groups, c, *s.sizes)
        ws = types.lift(w)
        ws = ws.reshape(groups, c, k, *s.kernel).swapaxes(1, 2) if transposed else \
            ws.reshape(groups, k, c, *s.kernel)  # fmt: skip
        if flip:
            ws = ws[(..., *(slice(None, None, -1),) * rank)]
        y, tol = linear(types, run, xs, ws)
        flat = (n, groups * k, *y.shape[3:])
        y = Expected(y.reshape(flat), None if tol is None else tol.reshape(flat))
        y, tol = finish(types, y, types.lift(bias), activation)
        return [Expected(arrange(y), None if tol is None else arrange(tol))]

    given = w
    if pointwise and (rank == 1 or batched) and rng.random() < 0.5:
        given = w.reshape(w.shape[:2])
        rank_told = max(1, x.ndim - 2)
        given = given if rank_told == rank else w
    function = name if pointwise else f"{name}{rank}d" if rank < 4 else "conv"
    if name == "conv" and rank < 4 and rng.random() < 0.1:
        function = "conv"
    case = Case(function, [x, given, *([] if bias is None else [bias])], types, expect, keywords)
    return add_out(rng, case, expect()[0].y.shape) if rng.random() < 0.4 else case


def transposed_or_pointwise(rng, rank, keywords, scale, pointwise):
    """Shape of a 1x1 convolution, or of a transposed one with its output sizes in "_outs"."""
    sizes, kernel, stride, dilation = draw_axes(rng, rank, scale)
    if set(stride) != {1}:
        keywords["stride"] = _spread(rng, stride)
    zero = ((0, 0),) * rank
    if pointwise:
        return Shape(tuple(sizes), (1,) * rank, stride, (1,) * rank, zero)
    if set(dilation) != {1}:
        keywords["dilation"] = _spread(rng, dilation)
    extra = [int(rng.integers(0, max(s, d))) for s, d in zip(stride, dilation, strict=True)]
    extents = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    style = rng.integers(5)
    if style == 4:
        name = keywords["padding"] = str(rng.choice(["same", "same_lower"]))
        totals = [max(0, e - s) for e, s in zip(extents, stride, strict=True)]
        pads = tuple((t // 2, t - t // 2) for t in totals)
        pads = pads if name == "same" else tuple(p[::-1] for p in pads)
        keywords["_outs"] = tuple(n * s for n, s in zip(sizes, stride, strict=True))
        return Shape(tuple(sizes), kernel, stride, dilation, pads)
    if rng.random() < 0.4:
        keywords["output_padding"] = _spread(rng, tuple(extra))
    else:
        extra = [0] * rank
    pads = zero
    if style:
        pads = tuple(tuple(int(p) for p in rng.integers(-2, 3, 2)) for _ in range(rank))
        keywords["padding"] = pads
    outs = None
    while outs is None or min(outs) < 1:
        if outs is not None:
            sizes = [n + 1 for n in sizes]
        outs = tuple((n - 1) * s - sum(p) + e + o for n, s, p, e, o
                     in zip(sizes, stride, pads, extents, extra, strict=True))  # fmt: skip
    keywords["_outs"] = outs
    return Shape(tuple(sizes), kernel, stride, dilation, pads)
