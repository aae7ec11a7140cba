"""backend="fft": whole transforms by pocketfft (scipy.fft): any size, rank and floating type.

x[*] w = irfft(rfft(x) * conj(rfft(w))), one item of the batch at a time: its channels are transformed once and
serve every filter, the spectra of the weights are kept with them.  Strides take a part of the dense
result, dilation spreads the taps, padding of every mode is laid out before.
"""

import functools
import math
import platform
import sys
from dataclasses import replace

import numpy as np

from .. import _costs, _reference
from .._core import arrays, cpu
from . import _integers, direct
from .base import Plan, Verdict, without_idle

name = "fft"
# Loudest root mean square allowed over the quietest level beside it (see overlap.pyx): in float32 before
# float64 is taken instead, and in float64 before the products are summed directly.
UNEVEN = {"f": 64, "F": 64, "d": 1e6, "D": 1e6}
FEW_CHANNELS = 8  # up to which products are added channel by channel, beyond it as matrices


def supports(problem):
    """Convolutions of any numbers."""
    if _integers.fits(problem):
        return supports(_integers.wide(problem))
    if problem.kind != "conv" or problem.geometry.transposed:
        return Verdict(False, f"no FFT of {problem.kind} or transposed convolution")
    if problem.compute.kind not in "fc":
        return Verdict(False, f"temporaries of {problem.dtype} are not bounded by workspace_limit")
    if any(a.upsample != 1 for a in problem.geometry.axes):
        return Verdict(False, "no upsampling")
    if not all(map(_reads_all, problem.geometry.axes)) or not problem.geometry.channels:
        return Verdict(False, "the windows skip samples, which would be transformed all the same")
    if math.prod(problem.geometry.out_shape) and FftPlan.points(problem) > _costs.FFT_MOST_POINTS:
        return Verdict(False, f"its transforms would have more than {_costs.FFT_MOST_POINTS} points")
    if problem.workspace_limit is not None:
        return Verdict(False, "its temporaries are not bounded by workspace_limit")
    return Verdict(True, "whole transforms by scipy.fft")


def _reads_all(axis):
    """Whether every sample between the first and the last window's end is in some window."""
    s, d = axis.stride, axis.dilation
    return axis.out >= d and math.gcd(s, d) == 1 and axis.kernel >= s and axis.size > 0


def cost(problem):
    """Seconds on one thread: transforms of all channels, filters and results, and the products."""
    if _integers.fits(problem):
        return cost(_integers.wide(problem)) + _integers.moved(problem)
    g = problem.geometry
    points = FftPlan.points(problem)
    n, groups, filters = (math.prod(s) for s in (g.batch, g.groups, g.filters))
    complex_numbers = 2 if problem.compute.kind == "c" else 1
    wide = problem.compute.itemsize // complex_numbers / 4
    transforms = groups * (n * g.channels + n * filters + (0 if problem.held else filters * g.channels))
    flops = transforms * 2.5 * points * math.log2(max(2, points)) + n * groups * filters * g.channels * 4 * points
    rate = _costs.FFT_RATE if wide <= 2 else _costs.FFT_SLOW_RATE
    return _costs.FFT_CALL + n * _costs.FFT_ITEM + complex_numbers * flops * wide / rate


@functools.cache
def _pocketfft():
    """scipy.fft, imported when this backend first runs."""
    import scipy.fft

    return scipy.fft


@functools.lru_cache(4096)
def fast_length(n, real):
    """A length of at least n with small factors only: 2, 3 and 5, for complex ones 7 and 11 too."""
    best, bases = 1 << max(0, n - 1).bit_length(), (5, 3) if real else (11, 7, 5, 3)

    def shorter(product, at):
        nonlocal best
        if at == len(bases):
            best = min(best, product << max(0, -(-n // product) - 1).bit_length())
            return
        while product < best:
            shorter(product, at + 1)
            product *= bases[at]

    shorter(1, 0)
    return best


def _workers():
    # where a CPU has fused multiply-adds in its baseline, lanes and remainders may round differently, and
    # how rows are dealt out to threads decides which is which
    return cpu.get_threads() if platform.machine() in ("x86_64", "AMD64") else 1


class FftPlan(Plan):
    """Lengths of the transforms; the spectra of the weights are the packed weights."""

    backend = name

    def __init__(self, problem):
        super().__init__(problem)
        self._lengths = self.lengths(problem)
        self._axes = tuple(range(-len(self._lengths), 0))

    def __reduce__(self):
        return plan, (self.problem,)

    @staticmethod
    def lengths(problem):
        """Of every axis: what the windows span, and no less, made a length with small factors."""
        real = problem.compute.kind == "f"
        return tuple(fast_length(max(1, (a.out - 1) * a.stride + a.extent), real and i == 0)
                     for i, a in enumerate(reversed(problem.geometry.axes)))[::-1]  # fmt: skip

    @staticmethod
    def points(problem):
        """Points of one transform."""
        return math.prod(FftPlan.lengths(problem))

    def _forward(self, x):
        fft = _pocketfft()
        run = fft.rfftn if x.dtype.kind == "f" else fft.fftn
        return run(x, self._lengths, axes=self._axes, workers=_workers())

    def _inverse(self, y, real):
        fft = _pocketfft()
        run = fft.irfftn if real else fft.ifftn
        return run(y, self._lengths, axes=self._axes, workers=_workers(), overwrite_x=True)

    def _spectra(self, weights, dtype):
        """(groups, filters, channels, *frequencies), conjugated for correlation."""
        key = name, dtype.char
        found = weights.packed.get(key)
        if found is None:
            g = self.problem.geometry
            w = without_idle(g, weights.w).reshape(math.prod(g.groups), math.prod(g.filters), g.channels,
                                                   *(a.kernel for a in g.axes)).astype(dtype)  # fmt: skip
            spread = np.zeros((*w.shape[:3], *(a.extent for a in g.axes)), dtype)
            spread[(..., *(slice(None, None, a.dilation) for a in g.axes))] = np.conj(w)
            found = weights.packed[key] = np.conj(self._forward(spread))
        return found

    def prepare(self, w, bias):
        weights = super().prepare(w, bias)
        weights.finite = arrays.all_finite(self.problem.types.kind, weights.w)
        return weights

    def warm(self, weights):
        weights.held = True
        if weights.finite and weights.w.size:
            self._spectra(weights, self.problem.compute)

    def run(self, x, weights, out):
        if not out.size:
            return
        if not weights.finite:  # their products with padded zeros would matter
            direct.plan(self.problem).run(x, weights, out)
            return
        with np.errstate(all="ignore"):
            for n in np.ndindex(*self.problem.geometry.batch):
                if not self._item(x[n], weights, out[n]):
                    self._alone(x[n], weights, out[n])

    def _item(self, x, weights, out):
        """One item of the batch; False where an FFT is not exact enough, overflows, or
        would spread a NaN."""
        g, compute = self.problem.geometry, self.problem.compute
        x = self._padded(x.reshape(math.prod(g.groups), g.channels, *(a.size for a in g.axes)))
        ratio = self._unevenness(x)
        if not math.isfinite(ratio):
            return False
        if compute.char in "fF" and ratio > UNEVEN[compute.char]:
            compute = np.dtype("d" if compute.char == "f" else "D")
        if compute.char in UNEVEN and ratio > UNEVEN[compute.char]:
            return False
        y = self._inverse(self._products(self._forward(x.astype(compute, copy=False)),
                                         self._spectra(weights, compute)), compute.kind == "f")  # fmt: skip
        y = y[(..., *(slice(0, (a.out - 1) * a.stride + 1, a.stride) for a in g.axes))]
        if not np.isfinite(y).all():  # an overflow on the way need not be one of the sums
            return False
        if weights.bias is not None:
            y += weights.bias.reshape(*y.shape[:2], *(1,) * len(g.axes))
        np.copyto(out, _reference.activate(y, self.problem.activation).reshape(out.shape),
                  casting="unsafe")  # fmt: skip
        return True

    def _alone(self, x, weights, out):
        """One item by direct sums."""
        g = self.problem.geometry
        one = replace(self.problem, geometry=replace(g, batch=(1,) * len(g.batch)))
        lead = (None,) * len(g.batch)
        direct.plan(one).run(x[lead], weights, out[lead])

    def _padded(self, x):
        """The samples that the windows span, in the compute dtype."""
        g = self.problem.geometry
        x = x.astype(self.problem.compute, copy=False)
        for i, a in enumerate(g.axes, 2):
            span = (a.out - 1) * a.stride + a.extent
            if a.mode == "fill":
                low, high = max(0, -a.before), min(a.size, span - a.before)
                at = a.before + low
                inner = x[(slice(None),) * i + (slice(low, max(low, high)),)]
                if (at, inner.shape[i]) == (0, span) or (g.fill == 0 and at == 0):
                    x = inner  # the transform itself pads with zeros at the end
                    continue
                shape = (*x.shape[:i], span, *x.shape[i + 1 :])
                x = np.full(shape, g.fill, x.dtype) if g.fill else np.zeros(shape, x.dtype)
                x[(slice(None),) * i + (slice(at, at + inner.shape[i]),)] = inner
            else:
                x = x.take(_reference.resolve_index(np.arange(span) - a.before, a.size, a.mode), axis=i)
        return x

    def _unevenness(self, x):
        """Root mean square over the transform's points, by the quietest tile that is not silent; NaN or
        infinite where x has such numbers."""
        size = np.abs(x)
        energy = float((size.astype("d") ** 2).sum()) / max(1, x.shape[0] * x.shape[1])
        if not energy:
            return 0.0 if np.isfinite(energy) else math.nan
        for i, a in enumerate(self.problem.geometry.axes, 2):
            tile = max(1, min(size.shape[i], max(a.extent // 2, 4)))
            whole = size.shape[i] // tile * tile
            size = size[(slice(None),) * i + (slice(0, whole),)]
            size = size.reshape(*size.shape[:i], whole // tile, tile, *size.shape[i + 1 :]).mean(i + 1)
        quiet = size[size > 0].min(initial=math.inf)
        return math.sqrt(energy / math.prod(self._lengths)) / float(quiet)

    def _products(self, x, w):
        """Sums over channels: x (groups, channels, *f), w (groups, filters, channels, *f)."""
        channels = x.shape[1]
        if channels <= FEW_CHANNELS:
            y = x[:, None, 0] * w[:, :, 0]
            for c in range(1, channels):
                y += x[:, None, c] * w[:, :, c]
            return y
        flat = math.prod(x.shape[2:])
        a = np.ascontiguousarray(x.reshape(*x.shape[:2], flat).transpose(0, 2, 1))
        b = w.reshape(*w.shape[:3], flat).transpose(0, 3, 1, 2)
        y = np.matmul(b, a[..., None])[..., 0]
        return np.ascontiguousarray(y.transpose(0, 2, 1)).reshape(*w.shape[:2], *x.shape[2:])


def plan(problem):
    """The plan for a problem that ``supports`` accepted."""
    if _integers.fits(problem):
        points = FftPlan.points(_integers.wide(problem))
        return _integers.IntegerPlan(problem, sys.modules[__name__], direct, points, problem.geometry.channels)
    return FftPlan(problem)
