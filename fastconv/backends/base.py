"""What a backend is: a name, a verdict, a cost, and plans.

A backend is a module-level object with four members.  ``supports`` says whether it can compute a
problem, with a reason a user can read; ``cost`` predicts seconds on one thread; ``plan`` returns an
object that computes it.  Adding one is one file and one line in ``backends/__init__.py``.
"""

import threading
from typing import NamedTuple, Protocol

import numpy as np

from .._core import arrays


class Verdict(NamedTuple):
    """Whether a backend computes a problem, and why (not)."""

    ok: bool
    reason: str


class BackendNotSupportedError(ValueError):
    """The chosen backend cannot compute this problem; the message says why and which can."""


class Weights:
    """A filter bank and bias ready for one plan; ``packed`` is the backend's own form of it."""

    __slots__ = ("bias", "finite", "held", "packed", "w")

    def __init__(self, w, bias):
        self.w = w  # compute dtype, canonical shape, C-contiguous (transposed: channels outermost)
        self.bias = bias  # compute dtype, (groups * filters,), or None
        self.packed = {}
        self.finite = True
        self.held = False  # by a plan, for many calls


class Jobs(dict):
    """What a plan built for the strides it met, the oldest first out; reading takes no lock."""

    def __init__(self, most=16):
        self._most = most
        self._lock = threading.Lock()

    def keep(self, key, job):
        """Remember a job; the job."""
        with self._lock:
            if len(self) >= self._most:
                self.pop(next(iter(self)))
            self[key] = job
        return job


def contiguous(array, dtype):
    """The array itself if it is aligned, C-contiguous and of that dtype, else such a copy."""
    return array if arrays.ready(array, dtype) else array.astype(dtype, "C")


def without_idle(geometry, w):
    """Weights with zeros for the taps that meet padding alone: in a transform the rounding errors of large
    ones would reach every result.  The weights themselves where there are none, as nearly always."""
    axes = geometry.axes
    if geometry.fill != 0 or not any(a.idle for a in axes):
        return w
    w = w.copy()
    for i, a in enumerate(axes, w.ndim - len(axes)):
        at = (slice(None),) * i + (list(a.idle),)
        w[at] = np.where(np.isfinite(w[at]), 0, w[at])  # NaN times the padding's zeros is seen to elsewhere
    return w


def c_steps(shape, dtype):
    """Steps in bytes of a C-ordered array."""
    steps, step = [], dtype.itemsize
    for n in reversed(shape):
        steps.append(step)
        step *= max(1, n)
    return tuple(reversed(steps))


class Plan:
    """Everything decided for one problem; immutable, shared by threads.

    ``run(x, weights, out)`` takes canonical arrays (see ``Geometry``) of any strides; x of any
    dtype that was validated against the problem, out of exactly ``problem.dtype``.
    """

    backend = ""
    workspace_bytes = 0
    straight = None  # computes from and into C-ordered arrays of the caller's shapes: straight(x, w, bias, out)

    def __init__(self, problem):
        self.problem = problem

    def prepare(self, w, bias):
        """Convert (and pack) weights and bias; nothing is kept of the caller's arrays."""
        compute, g = self.problem.compute, self.problem.geometry
        if g.channels_outermost:  # as they came, channels outermost: no copy where none is needed
            at = len(g.groups)
            w = contiguous(np.moveaxis(w, -1 - len(g.axes), at), compute)
            w = np.moveaxis(w, at, -1 - len(g.axes))
        else:
            w = contiguous(w, compute)
        return Weights(w, None if bias is None else contiguous(bias, compute))

    def warm(self, weights):
        """Pack the weights now rather than in the first call, where that can be."""

    def run(self, x, weights, out):
        """Compute into out."""
        raise NotImplementedError


class Backend(Protocol):
    """The four members of a backend."""

    name: str

    def supports(self, problem) -> Verdict: ...

    def cost(self, problem) -> float: ...

    def plan(self, problem) -> Plan: ...
