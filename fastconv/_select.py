"""Which backend computes a problem: an ordered table of candidates, each with a cost and a reason.

Selection looks at the problem only: never at data, never at the number of threads.  Where a problem
was timed (backend="tune", see ``_tune``, ``_wisdom``), "auto" takes what was fastest then.
"""

import os
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from . import _wisdom
from ._plan import PLANS
from ._tune import TunePlan, promising
from .backends import BACKENDS, BackendNotSupportedError

AUTO, TUNE = "auto", "tune"


class Candidate(NamedTuple):
    """One backend's answer for one problem."""

    name: str
    ok: bool
    cost: float  # predicted seconds on one thread; infinite where it is not ok
    reason: str


def names():
    """Names of the backends of this build."""
    return tuple(b.name for b in BACKENDS)


def check_name(backend):
    """ValueError for a name that is no backend of this build."""
    if not isinstance(backend, str):
        raise TypeError(f"backend must be a string, found {type(backend).__name__}")
    if backend not in (AUTO, TUNE) and backend not in names():
        raise ValueError(f"backend={backend!r} is unknown: wanted 'auto', 'tune', "
                         + ", ".join(map(repr, names())))  # fmt: skip


def candidates(problem):
    """All backends for a problem: the possible ones first, cheapest first."""
    answers = []
    for b in BACKENDS:
        verdict = b.supports(problem)
        cost = b.cost(problem) if verdict.ok else float("inf")
        answers.append(Candidate(b.name, verdict.ok, cost, verdict.reason))
    return sorted(answers, key=lambda c: c.cost)


def verbose():
    """Whether choices are to be printed."""
    return os.environ.get("FASTCONV_VERBOSE", "0") not in ("", "0")


def choose(problem, backend):
    """The plan of the chosen backend ("auto": of the cheapest, "tune": of the fastest), from the cache."""
    plan = PLANS.get((problem, backend), lambda: _plan(problem, backend))
    observe(plan, backend)
    return plan


def observe(plan, backend):
    """Called with every choice, cached ones included: the point where ``explain`` gets its answer."""
    stop = _explaining.get()
    if stop is not None:
        raise stop(plan.problem, plan, backend)


# While a call is only explained, the first choice ends it with an exception of this class.
_explaining = ContextVar("fastconv_explaining", default=None)


@contextmanager
def explaining(exception):
    """Calls made inside raise ``exception(problem, plan, asked backend)`` instead of computing."""
    token = _explaining.set(exception)
    try:
        yield
    finally:
        _explaining.reset(token)


def _plan(problem, backend):
    if backend not in (AUTO, TUNE) and not verbose():  # the others need not be asked
        asked = next(b for b in BACKENDS if b.name == backend)
        if asked.supports(problem).ok:
            return asked.plan(problem)
    ranked = candidates(problem)
    by_name = {c.name: c for c in ranked}
    tune = False
    if backend in (AUTO, TUNE):
        winner = _wisdom.find(problem)
        chosen = by_name.get(winner.backend) if winner else None
        if chosen is not None and chosen.ok:
            why = "measured " + _listed(winner.seconds.items())
        else:
            # where nobody can, the reason of the last, which computes everything, says most
            chosen, tune = ranked[0 if ranked[0].ok else -1], backend == TUNE
            why = "to be timed: " if tune else "cheapest of "
            why += _listed((c.name, c.cost) for c in ranked if c.ok)
    else:
        chosen, why = by_name[backend], "asked for"
    if not chosen.ok:
        able = [c.name for c in ranked if c.ok]
        raise BackendNotSupportedError(
            f"backend={backend!r} cannot compute this: {chosen.reason}; "
            + ("able to: " + ", ".join(able) if able else "no backend can")
        )
    if verbose():
        g = problem.geometry
        print(f"fastconv: {problem.kind} {g.x_shape} * {g.w_shape} -> {g.out_shape} "
              f"{problem.dtype}: {chosen.name} ({why})", file=sys.stderr)  # fmt: skip
    if tune:
        return TunePlan(problem, promising(ranked))
    return next(b for b in BACKENDS if b.name == chosen.name).plan(problem)


def _listed(costs):
    return ", ".join(f"{name} {cost:.2e} s" for name, cost in costs)
