"""backend="tune": time the candidates on the arrays of a call, remember the fastest.

``_select.choose`` returns a TunePlan for a problem of which nothing is remembered.  Its first run
times, keeps the winner (``_wisdom``), and computes with it; keeping empties the caches of plans, so
that the next call finds the winner's own plan and costs what "auto" costs.
"""

import time

import numpy as np

from . import _wisdom
from ._core import cpu
from .backends import BACKENDS, BackendNotSupportedError, reference
from .backends.base import Plan

clock = time.perf_counter
HOPELESS = 8  # times the best predicted cost: such a candidate is not timed
BUDGET = 0.05  # seconds of repetitions for each candidate
ROUNDS = 25  # repetitions at most: more do not lower the minimum of a short call


def promising(ranked):
    """Names of the candidates worth timing, best predicted first."""
    able = [c for c in ranked if c.ok and c.name != reference.name]
    if not able:
        return tuple(c.name for c in ranked if c.ok)
    return tuple(c.name for c in able if c.cost <= HOPELESS * able[0].cost)


def measure(trials):
    """Seconds of each of {name: function}: the least of repetitions that take turns, after one
    that warms up.  A function that has no memory to run is left out."""
    trials, seconds, spent = dict(trials), {}, {}
    for name, run in list(trials.items()):
        try:
            run()
        except MemoryError:
            del trials[name]
        spent[name] = 0.0
    for _ in range(ROUNDS):
        waiting = [name for name in trials if spent[name] < BUDGET]
        for name in waiting:
            start = clock()
            trials[name]()
            took = clock() - start
            spent[name] += took
            seconds[name] = min(took, seconds.get(name, took))
        if not waiting:
            break
    return seconds


class TuneWeights:
    """Weights as they came, and as each candidate has prepared them."""

    __slots__ = ("bias", "held", "prepared", "w")

    def __init__(self, w, bias):
        self.w, self.bias = w, bias
        self.prepared = {}
        self.held = False  # prepared once by the caller, so that a call's time excludes it

    def of(self, plan):
        """The weights as one candidate wants them."""
        if plan.backend not in self.prepared:
            self.prepared[plan.backend] = plan.prepare(self.w, self.bias)
        return self.prepared[plan.backend]

    def finite(self):
        """The same; but 1 where w is not finite, which would be computed in another, slower way."""
        known = np.isfinite(self.w)
        if known.all():
            return self
        sane = TuneWeights(np.where(known, self.w, self.w.dtype.type(1)), self.bias)
        sane.held = self.held
        return sane


class TunePlan(Plan):
    """The plan of a problem whose fastest backend is still to be found."""

    def __init__(self, problem, names):
        super().__init__(problem)
        self.names = names
        self._plans = {}
        self._winner = None

    def __reduce__(self):
        return TunePlan, (self.problem, self.names)

    @property
    def backend(self):
        """The winner once it is known, until then the one predicted to win."""
        return self._winner or self.names[0]

    @property
    def workspace_bytes(self):
        """Of that backend."""
        return self._plan(self.backend).workspace_bytes

    def _plan(self, name):
        if name not in self._plans:
            self._plans[name] = next(b for b in BACKENDS if b.name == name).plan(self.problem)
        return self._plans[name]

    def prepare(self, w, bias):
        """Each candidate prepares when it runs."""
        return TuneWeights(w, bias)

    def warm(self, weights):
        """The weights are held by a plan, whose calls do not prepare them."""
        weights.held = True

    def run(self, *arguments):
        """As the run of the candidates; ``out`` is written once, by the winner."""
        *operands, weights, out = arguments
        if self._winner is None:
            self._winner = self._find(operands, weights, out)
        plan = self._plan(self._winner)
        plan.run(*operands, weights and weights.of(plan), out)

    def _find(self, operands, weights, out):
        known = _wisdom.find(self.problem)
        if known is None or known.backend not in self.names:
            seconds = self._time(operands, weights and weights.finite(), np.empty_like(out))
            fastest = min(seconds, key=seconds.get)
            known = _wisdom.keep(self.problem, _wisdom.Winner(fastest, seconds, cpu.get_threads()))
        return known.backend

    def _time(self, operands, weights, out):
        trials = {}
        for name in self.names:
            try:
                plan = self._plan(name)
            except (BackendNotSupportedError, MemoryError):
                continue
            trials[name] = _trial(plan, operands, weights, out)
        seconds = measure(trials)
        if not seconds:
            raise MemoryError(f"none of {', '.join(self.names)} has the memory for this problem")
        return seconds


def _trial(plan, operands, weights, out):
    """What a call does after its decision: prepare the weights unless they are held, run."""
    if weights is None:
        return lambda: plan.run(*operands, None, out)
    if weights.held:
        return lambda: plan.run(*operands, weights.of(plan), out)
    return lambda: plan.run(*operands, plan.prepare(weights.w, weights.bias), out)


__all__ = ["TunePlan", "measure", "promising"]
