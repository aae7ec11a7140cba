"""Random problems: their numbers and memory, what must come out, and how far off it may be.

The oracle is ``fastconv._reference`` in a wider type: integers and bool must be equal, floats within
the bound that any order of summation keeps, ``(n + 2) u sum|x||w|`` for n products.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
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
INEXACT = (*HALVES, *(np.dtype(t) for t in "fdgFDG"))
DTYPES = (np.dtype(bool), *INTS, *INEXACT)
# unit roundoff, half of the smallest number, the largest one
ROUNDING = {"float16": (2.0**-11, 2.0**-25, 65504.0), "bfloat16": (2.0**-8, 2.0**-134, 3.38e38)}
WIDER = {"f": "d", "d": "g", "g": "g", "F": "D", "D": "G", "G": "G"}
# Backends for some layers only: they refuse most of what every other one must compute.
SPECIAL = ("depthwise", "indirect", "winograd", "oa", "fft")
GENERAL = ("auto", *(b for b in fastconv.backends() if b not in SPECIAL))
# Backends that sum the products themselves: the error bound of every output is its own, and a NaN
# stays within its windows.  Others are bounded by the largest bound of the result, transforms by ``norms``.
TRANSFORMS = ("fft", "oa", "winograd")
TILED = ("conv1d", "conv2d", "conv3d", "conv")  # functions that Winograd computes
SUMMING = ("auto", "direct", "im2col", "implicit", "indirect", "depthwise", "reference")


# -- expected results and their bounds ----------------------------------------------------------------


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

    @property
    def largest(self):
        return float(np.finfo(self.compute).max)

    def lift(self, a):
        """The operand as the library must read it, in the oracle's type."""
        return None if a is None else a.astype(self.compute).astype(self.wide)


class Expected(NamedTuple):
    """A result in the oracle's type and the largest error of each number (None: exact)."""

    y: np.ndarray
    tol: np.ndarray | None = None
    loudest: Callable = float  # the largest error of any number that ``norms`` bounds, computed when asked for

    def map(self, function):
        return self._replace(y=function(self.y), tol=None if self.tol is None else function(self.tol))


def linear(types, run, x, w, error=None):
    """``run(x, w)`` and its bound; x (N, G, C, *S), w (G, K, C, *kernel), error: of x."""
    if not types.unit:
        return Expected(run(x, w))
    groups, extra = w.shape[0], [] if error is None else [error.astype(x.dtype)]
    size = abs(w).astype(w.dtype)
    y = run(np.concatenate([x, abs(x).astype(x.dtype), *extra], axis=1),
            np.concatenate([w, size, *(size for _ in extra)], axis=0))  # fmt: skip
    terms = math.prod(w.shape[2:]) * (2 if types.dtype.kind == "c" else 1) + 2
    terms *= 1 if types.wide != types.compute else 2  # the oracle is then no better
    sums = y[:, groups : 2 * groups].real
    tol = np.where(sums > 0.9 * types.largest, np.inf, terms * types.unit * sums)  # may overflow
    return Expected(y[:, :groups], tol + 1.01 * y[:, 2 * groups :].real if extra else tol,
                    lambda: terms * types.unit * norms(run, x, w))  # fmt: skip


def norms(run, x, w):
    """The largest ``||x|| ||w||`` of any window and filter, which is never below its sum|x||w|: what the error
    of a transform is relative to (Higham, Accuracy and Stability, 2nd ed., section 24.1)."""
    energies = [abs(np.where(np.isfinite(a), a, 0)) ** 2 for a in (x, w)]
    windows = run(energies[0].astype(x.dtype), np.ones((len(w), 1, *w.shape[2:]), w.dtype)).real
    filters = energies[1].sum(axis=tuple(range(2, w.ndim)))
    with np.errstate(all="ignore"):
        return math.sqrt(max(0.0, float(np.nanmax(windows, initial=0)) * float(filters.max(initial=0))))


def finish(types, result, bias=None, activation=None):
    """Bias, activation (none is steeper than 1.2) and rounding of a result (N, K, *O)."""
    y, tol, loudest = result
    if bias is not None:
        bias = types.lift(bias).reshape(-1, *(1,) * (y.ndim - 2))
        y = y | bias if y.dtype == bool else y + bias
    before, y = y, ref.activate(y, activation)
    if tol is None:
        return Expected(y)
    tol = tol + 4 * types.unit * abs(before) + (0 if bias is None else types.unit * abs(bias))
    if activation is not None:
        unit = max(types.unit, 2.0**-53) if activation == "gelu" else types.unit  # SciPy's erfc
        tol = 1.2 * tol + 8 * unit * (abs(before) + abs(y))
    if types.dtype.name in ROUNDING:
        unit, tiny, most = ROUNDING[types.dtype.name]
        tol = tol + 1.01 * unit * abs(y) + tiny
        tol = np.where(abs(y) + tol > 0.99 * most, np.inf, tol)
    elif tol is not None:
        tol = np.where(abs(y) > 0.9 * types.largest, np.inf, tol)  # out= may be wider
    return Expected(y, tol, lambda: 1.2 * loudest())


def mismatch(found, expected, backend="direct"):
    """None, or where and how an array differs from what is expected."""
    y, tol, loudest = expected
    if found.shape != y.shape:
        return f"shape {found.shape}, wanted {y.shape}"
    if found.dtype.kind in "biu":
        bad = found != y.astype(found.dtype)
    else:
        r = found.astype("G" if found.dtype.kind == "c" else "g")
        y = y.astype("G" if y.dtype.kind == "c" else "g")
        half = ROUNDING.get(found.dtype.name)
        unit, tiny, most = half or (np.finfo(found.dtype).eps, 4 * np.finfo(found.dtype).tiny,
                                np.finfo(found.dtype).max)
        tol = (0 if tol is None else tol) + unit * abs(y) + tiny
        if backend not in SUMMING:
            tol = np.full_like(tol, np.nanmax(tol, initial=0))  # NaN where the result is
            if backend in TRANSFORMS:  # a few products may be fewer than the steps of a transform
                tol = np.maximum(8 * tol, 8 * loudest())
        finite = np.isfinite(y)
        with np.errstate(all="ignore"):
            # a finite result has no bound where an intermediate type overflowed: inf, or NaN by a weight of 0
            close = (abs(np.where(finite, r - y, 0)) <= tol) | ~np.isfinite(tol)
            close |= abs(y) + tol > 0.99 * most
        same = (np.isnan(y) & np.isnan(r)) | (y == r)
        if found.dtype.kind == "c" or backend in TRANSFORMS:  # whose zeros, times infinity, may be no zeros
            same = ~np.isfinite(r)
        bad = ~np.where(finite, close, same)
    if not bad.any():
        return None
    at = tuple(int(i) for i in np.argwhere(bad)[0])
    allowed = "" if tol is None else f", allowed error {float(tol[at]):.3g}"
    return f"{bad.sum()} of {bad.size} differ; at {at} {found[at]!r}, wanted {y[at]!r}{allowed}"


# -- drawing ------------------------------------------------------------------------------------------


class Draw:
    """The random choices of one case; ``dtype`` forces the first operand's type."""

    def __init__(self, seed, case, dtype=None):
        self.rng = np.random.default_rng([seed, case])
        self.dtype = dtype
        self.scale = int(np.searchsorted([0.9, 0.995], self.rng.random()))  # small, tiles, large

    def chance(self, p):
        return self.rng.random() < p

    def pick(self, options):
        return options[int(self.rng.integers(len(options)))]

    def ints(self, low, high, count):
        """So many ints from low to high, both included."""
        return tuple(self.rng.integers(low, high + 1, count).tolist())

    def dtypes(self, count, allowed=DTYPES):
        """Types of so many operands: mostly the same, else any that have a common one."""
        found = [self.dtype or (np.dtype("f4") if self.chance(0.15) else self.pick(allowed))]
        for _ in range(count - 1):
            other = self.pick(allowed) if self.chance(0.2) else found[0]
            found.append(other if all(_has_common(f, other) for f in found) else found[0])
        return found

    def types(self, keywords, dtypes, floating=False):
        """Types of the result, sometimes given by a dtype= keyword."""
        wanted = np.result_type(*dtypes)
        if floating and wanted.kind in "biu":
            wanted = np.dtype("f8")
        if self.chance(0.08):
            fits = [t for t in (INEXACT if floating else DTYPES)
                    if all(fits_in(d, t) for d in dtypes)]  # fmt: skip
            if fits:
                wanted = keywords["dtype"] = self.pick(fits)
        return Types.of(wanted)

    def numbers(self, shape, dtype):
        """Full range, small whole numbers, or numbers of very different sizes; rarely NaN, inf."""
        rng, style = self.rng, self.pick(range(4))
        if dtype.kind == "b":
            return rng.random(shape) < (0.1, 0.3, 0.3, 0.7)[style]
        if dtype.kind in "iu":
            if style == 0:
                return rng.integers(0 if dtype.kind == "u" else -4, 5, shape).astype(dtype)
            return rng.integers(0, 256, (*shape, dtype.itemsize), np.uint8).view(dtype)[..., 0]
        y = rng.standard_normal(shape)
        if dtype.kind == "c":
            y = y + 1j * rng.standard_normal(shape)
        if style == 0:
            y = np.round(y * 2)
        elif style == 1 and dtype not in HALVES:
            y = y * 10.0 ** rng.uniform(-4, 4, shape)
        y = y.astype(dtype)
        if y.size and self.chance(0.03):
            y.reshape(-1)[list(self.ints(0, y.size - 1, 2))] = self.pick([np.nan, np.inf, -np.inf])
        return y

    def array(self, shape, dtype):
        return self.view(self.numbers(tuple(shape), dtype))

    def view(self, a, writable=False):
        """The same numbers (but for a broadcast axis) lying in memory in some other way."""
        return a if self.chance(0.4) else self.pick(VIEWS[:5] if writable else VIEWS)(self, a)


@cache
def _has_common(a, b):
    """Whether two dtypes promote: bfloat16 does with few others."""
    try:
        np.result_type(a, b)
    except TypeError:
        return False
    return True


def fits_in(a, b):
    """casting="same_kind"; NumPy believes that of complex to bfloat16 too."""
    return np.can_cast(a, b, "same_kind") and not (a.kind == "c" and b.kind == "V")


def _strided(d, a):
    steps = d.ints(1, 3, a.ndim)
    big = np.zeros([n * s + 1 for n, s in zip(a.shape, steps, strict=True)], a.dtype)
    part = big[tuple(slice(0, n * s, s) for n, s in zip(a.shape, steps, strict=True))]
    part[...] = a
    return part


def _backwards(d, a):
    flips = tuple(slice(None, None, d.pick([-1, 1])) for _ in a.shape)
    return a[flips].copy()[flips]


def _permuted(d, a):
    order = d.rng.permutation(a.ndim)
    return a.transpose(order).copy().transpose(np.argsort(order))


def _swapped(d, a):
    return a if a.dtype.kind == "V" else a.astype(a.dtype.newbyteorder())


def _misaligned(d, a):
    moved = np.zeros(a.nbytes + 1, np.uint8)[1:].view(a.dtype).reshape(a.shape)
    moved[...] = a
    return moved


def _read_only(d, a):
    a.flags.writeable = False
    return a


def _broadcast(d, a):
    at = d.pick([i for i, n in enumerate(a.shape) if n > 1] or [None])
    return a if at is None else np.broadcast_to(a.take([0], axis=at), a.shape)


VIEWS = (_strided, _backwards, _permuted, _swapped, _misaligned, _permuted, _read_only, _broadcast)


def spread(d, numbers):
    """One number per axis as a user may write them."""
    if len(set(numbers)) == 1 and d.chance(0.6):
        return numbers[0]
    return tuple(numbers) if d.chance(0.7) else list(numbers)


# -- cases --------------------------------------------------------------------------------------------


@dataclass
class Case:
    """One call with what it must return."""

    function: str
    args: list
    types: Types
    expected: list
    keywords: dict = field(default_factory=dict)
    backend: str = "auto"
    overlapping: bool = False

    def __str__(self):
        words = [word(a) for a in self.args] + [f"{k}={word(v)}" for k, v in self.keywords.items()]
        return f"{self.function}({', '.join(words)}, backend={self.backend!r})"

    def run(self):
        """What the library returns, as a list."""
        more = {} if self.backend == "auto" else {"backend": self.backend}
        found = getattr(fastconv, self.function)(*self.args, **self.keywords, **more)
        return list(found) if isinstance(found, tuple) else [found]

    def ran_by(self):
        """The backend whose bounds hold: "auto" takes Winograd layers at their own accuracy."""
        if self.backend != "auto" or self.function not in TILED:
            return self.backend
        taken = fastconv.explain(self.function, *self.args, **self.keywords).backend
        return "winograd" if taken == "winograd" else "auto"

    def check(self):
        """None, "refused", or what is wrong."""
        inputs = [a for k, a in [*enumerate(self.args), *self.keywords.items()]
                  if isinstance(a, np.ndarray) and k != "out"]  # fmt: skip
        before = [a.tobytes() for a in inputs]
        out = self.keywords.get("out")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                if out is not None:  # into a narrower type, as from NumPy's own functions
                    warnings.filterwarnings("ignore", "overflow encountered in cast")
                found = self.run()
        except fastconv.BackendNotSupportedError:
            return "refused"
        except Exception as error:  # every other one is a finding
            return f"{type(error).__name__}: {error}"
        if out is not None and found[0] is not out:
            return "out= was given and something else returned"
        if out is None and found[0].dtype != self.types.dtype:
            return f"dtype {found[0].dtype}, wanted {self.types.dtype}"
        backend = self.ran_by()
        for array, expected in zip(found, self.expected, strict=True):
            if wrong := mismatch(np.asarray(array), expected, backend):
                return wrong
        if not self.overlapping and before != [a.tobytes() for a in inputs]:
            return "an input was modified"
        return None

    def with_out(self, d):
        """Sometimes with out=: of the result's type, of another, or overlapping the first array."""
        x, shape, dtype = self.args[0], self.expected[0].y.shape, self.types.dtype
        style = d.rng.random()
        if style > 0.92 and x.dtype == dtype and x.size and math.prod(shape):
            at, out_at = d.ints(0, 3, 2)
            size = math.prod(shape)
            buffer = np.zeros(max(at + x.size, out_at + size), dtype)
            self.args[0] = buffer[at : at + x.size].reshape(x.shape)
            self.args[0][...] = x
            self.keywords["out"] = buffer[out_at : out_at + size].reshape(shape)
            self.overlapping = True
        elif style > 0.75:
            if style > 0.85:
                dtype = d.pick([t for t in DTYPES if fits_in(dtype, t)])
            self.keywords["out"] = d.view(np.zeros(shape, dtype), writable=True)
        return self


def word(a):
    if not isinstance(a, np.ndarray):
        return repr(a)
    return f"<{a.dtype.str if a.dtype.kind != 'V' else a.dtype} {a.shape} steps {a.strides}>"
