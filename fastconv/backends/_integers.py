"""Integers through float64, exact to the last bit: sums that it holds, and transforms whose error stays below 1/4.

A plan of float64 computes whole numbers; what it returns is within 1/4 of them, so that rounding gives the sums
themselves, and those modulo ``2**n`` the result.  Whether it is, is asked before anything is written, of the largest
sample and of the weights, by bounds that hold for all numbers:

* sums: ``max|x| sum|w|`` is below ``SUMS``; their rounding errors, if any, are below ``4 u`` times as much;
* transforms of N points: a number that comes out of one is a sum over all that went in, each with a relative error of
  ``LEVEL u`` for each of log2(N) levels, here those of two transforms, a product and a transform back (Higham, Accuracy
  and Stability of Numerical Algorithms, 2nd ed., section 24.1), so that the error is at most
  ``3 LEVEL u (log2(N) + MORE) ||x|| ||w||``.

Transforms of larger numbers are taken of their digits: ``x = x0 + 2**b x1 + ...``, and their results added with
shifts, which modulo ``2**n`` need not all be made. Where summing the integers directly is faster, that is done.
"""

import itertools
import math
import threading
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from .. import _costs, _dtypes, _reference
from .._core import arrays, whole
from .base import Plan

SUMS = 2.0**48
UNIT = 2.0**-53
LEVEL, MORE = 8, 4  # operations of a level, and levels that twists and products count as
MOST_DIGITS = 8
FLOAT64 = np.dtype(np.float64)


def wide(problem):
    """The problem in float64, without what comes after the sums: bias and activation are the integers' own."""
    g = problem.geometry
    return replace(problem, dtype=FLOAT64, activation=None, has_bias=False, geometry=replace(g, fill=float(g.fill)))


def fits(problem):
    """Whether there is a way through float64: there is none with bounds for temporaries."""
    return problem.kind == "conv" and problem.dtype.kind in "biu" and problem.workspace_limit is None


def moved(problem):
    """Seconds for reading and storing as integers."""
    g = problem.geometry
    return _costs.WHOLE_CALL + _costs.WHOLE_NUMBER * (math.prod(g.x_shape) + math.prod(g.out_shape))


class Digits(NamedTuple):
    """How many digits of how many bits the samples and the weights are taken apart into."""

    x: int
    w: int
    x_bits: int
    w_bits: int

    def pairs(self, bits):
        """(digit of x, digit of w, shift) of the products that matter modulo 2**bits."""
        every = ((i, j, i * self.x_bits + j * self.w_bits) for i in range(self.x) for j in range(self.w))
        return [pair for pair in every if pair[2] < bits]


ONE = Digits(1, 1, 0, 0)


class IntegerPlan(Plan):
    """A plan of float64 for integers, and a direct one for where it would not be exact.

    ``terms``: transforms of ``points`` that are added to one result, 0 where there are none and products are summed."""

    def __init__(self, problem, module, direct, points=0, terms=0):
        super().__init__(problem)
        self.backend, self._module = module.name, module
        self._wide, self._direct = module.plan(wide(problem)), direct.plan_of_integers(problem)
        self.workspace_bytes = self._wide.workspace_bytes
        if problem.dtype.itemsize < 8:  # others are summed where the result will stand
            self.workspace_bytes += FLOAT64.itemsize * math.prod(problem.geometry.out_shape)
        self._terms = terms
        self._bits = 1 if problem.dtype.kind == "b" else 8 * problem.dtype.itemsize
        self._filters = math.prod(problem.geometry.groups) * math.prod(problem.geometry.filters)
        if terms:
            error = 3 * LEVEL * UNIT * (math.log2(points) + MORE + terms)
            self._room = 0.25 / error / math.sqrt(points * terms)
            self._most = direct.cost_of_integers(problem) / module.cost(wide(problem))
        else:
            self._room, self._most = SUMS, 1

    def __reduce__(self):
        return self._module.plan, (self.problem,)

    def prepare(self, w, bias):
        weights = super().prepare(w, bias)
        norm = whole.norm(weights.w, self._filters, self.problem.types.memory, self._terms > 0)
        weights.packed["norm"] = norm * (1 + 1e-6)  # of its own rounding errors
        return weights

    def warm(self, weights):
        weights.held = True
        self._wide.warm(self._digit(weights, ONE, 0))

    def run(self, x, weights, out):
        if not out.size:
            return
        if not (x.dtype.isnative and x.flags.aligned and np.can_cast(x.dtype, self.problem.dtype)):
            with np.errstate(invalid="ignore"):
                x = x.astype(self.problem.dtype)
        fill = abs(self.problem.geometry.fill)
        digits = self._digits(max(whole.peak(x, _dtypes.describe(x.dtype).memory), fill), weights)
        if digits is None:
            self._direct.run(x, weights, out)
            return
        to = out if out.flags.aligned else np.empty(out.shape, out.dtype)
        if digits is ONE:
            y = to.view(FLOAT64) if to.itemsize == 8 else self._room_for(weights, "y", out.shape)
            self._wide.run(self._samples(x, weights), self._digit(weights, ONE, 0), y)
            whole.store(y, to, self.problem.types.memory)
        else:
            self._by_digits(x, weights, to, digits)
        self._finish(weights, to)
        if to is not out:
            out[...] = to

    def _digits(self, peak, weights):
        """The Digits that need the fewest products, None where direct sums take less."""
        norm, room, g = weights.packed["norm"], self._room, self.problem.geometry
        if peak * norm <= room:
            return ONE
        if not self._terms or g.fill or self._bits == 1:
            return None
        taps = math.sqrt(g.channels * math.prod(a.kernel for a in g.axes))
        x_long, w_long = (n.bit_length() + 1 for n in (peak, whole.peak(weights.w, self.problem.types.memory)))
        found, least = None, self._most + 1
        for x, w in itertools.product(range(1, MOST_DIGITS + 1), repeat=2):
            digits = Digits(x, w, -(-x_long // x), -(-w_long // w))
            count = len(digits.pairs(self._bits))
            sizes = peak if x == 1 else 2.0 ** (digits.x_bits - 1), norm if w == 1 else 2.0 ** (digits.w_bits - 1) * taps
            if count < least and math.prod(sizes) <= room:
                found, least = digits, count
        return found

    def _samples(self, x, weights):
        """Transforms read integers themselves, many direct sums would first make a copy."""
        if self._terms:
            return x
        return whole.load(x, _dtypes.describe(x.dtype).memory, self._room_for(weights, "x", x.shape))

    @staticmethod
    def _room_for(weights, name, shape):
        """Memory for float64: of calls, or a plan's own, one for each thread."""
        if not weights.held:
            return arrays.new(shape, FLOAT64)
        local = weights.packed.setdefault("local", threading.local())
        found = getattr(local, name, None)
        if found is None:
            found = arrays.new(shape, FLOAT64)
            setattr(local, name, found)
        return found

    def _by_digits(self, x, weights, out, digits):
        y = self._room_for(weights, "y", out.shape)
        for i, j, shift in digits.pairs(self._bits):
            self._wide.run(_digit(x, i, digits.x, digits.x_bits), self._digit(weights, digits, j), y)
            whole.store(y, out, self.problem.types.memory, shift, shift > 0)

    def _digit(self, weights, digits, j):
        """The plan's weights of a digit, kept with the integers."""
        key = "digit", digits.w, digits.w_bits, j
        found = weights.packed.get(key)
        if found is None:
            found = self._wide.prepare(_digit(weights.w, j, digits.w, digits.w_bits), None)
            found.held = weights.held
            weights.packed[key] = found
        return found

    def _finish(self, weights, out):
        """Bias and activation, of sums modulo 2**n."""
        p = self.problem
        if weights.bias is not None:
            out += weights.bias.reshape(*p.geometry.groups, *p.geometry.filters, *(1,) * len(p.geometry.axes))
        if p.activation is not None:
            out[...] = _reference.activate(out, p.activation)


def _digit(x, i, count, bits):
    """Digit i of so many, all but the last between -2**(bits - 1) and 2**(bits - 1) - 1."""
    if count == 1:
        return x
    half = 1 << (bits - 1)
    halves = np.int64(sum(half << (bits * k) for k in range(count - 1)))
    raised = (x.astype(np.int64) + halves) >> np.int64(bits * i)
    if i < count - 1:
        raised = (raised & np.int64(2 * half - 1)) - np.int64(half)
    return raised.astype(FLOAT64)
