"""Which backend computes a problem: an ordered table of candidates, each with a cost and a reason.

Selection looks at the problem only: never at data, never at the number of threads.
"""

import os
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from ._plan import PLANS
from .backends import BACKENDS, BackendNotSupportedError

AUTO = "auto"


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
    if backend != AUTO and backend not in names():
        raise ValueError(f"backend={backend!r} is unknown: wanted 'auto', "
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
    """The plan of the chosen backend ("auto": of the cheapest), from the cache."""
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
    ranked = candidates(problem)
    if backend == AUTO:
        chosen = ranked[0]
        why = "cheapest of " + ", ".join(f"{c.name} {c.cost:.2e} s" for c in ranked if c.ok)
    else:
        chosen = next(c for c in ranked if c.name == backend)
        why = "asked for"
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
    by_name = {b.name: b for b in BACKENDS}
    return by_name[chosen.name].plan(problem)
