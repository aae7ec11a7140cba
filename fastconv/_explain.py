"""Which backend "auto" takes, why, what each would cost and what it took when it was timed: the
printable answer."""

import inspect

import numpy as np

from . import _select, _wisdom
from ._core import small

_ARRAYS = {"a", "v", "x", "w", "w_depthwise", "w_pointwise", "offset", "bias", "mask", "state"}


class Explanation:
    """Answer of ``explain``: ``backend``, ``reason``, ``candidates``, ``measured``; printing it shows
    a table."""

    def __init__(self, problem, plan, asked="auto"):
        self.backend = plan.backend
        self.problem = problem
        self.workspace_bytes = plan.workspace_bytes
        self.candidates = tuple(_select.candidates(problem))
        winner = _wisdom.find(problem)
        self.measured = dict(winner.seconds) if winner else {}
        mine = next(c for c in self.candidates if c.name == plan.backend)
        if asked not in (_select.AUTO, _select.TUNE):
            why = "asked for"
        elif winner and winner.backend == plan.backend:
            why = f"measured, {winner.threads} thread{'s'[: winner.threads > 1]}"
        else:
            why = "lowest predicted cost"
            if asked == _select.TUNE:
                why += ", not measured yet"
        self.reason = f"{why}: {mine.reason}"

    def __str__(self):
        g = self.problem.geometry
        lines = [
            f"{self.problem.kind} {g.x_shape} * {g.w_shape} -> {g.out_shape}, {self.problem.dtype}, "
            f"{g.macs:,} multiply-adds",
            f"backend: {self.backend} ({self.reason}); workspace {self.workspace_bytes:,} bytes a thread",
        ]
        for c in self.candidates:
            cost = f"{c.cost * 1e6:12,.1f} us predicted" if c.ok else f"{'-':^25}"
            if c.name in self.measured:
                cost += f" {self.measured[c.name] * 1e6:12,.1f} us measured"
            elif self.measured:
                cost += " " * 25
            lines.append(f"  {c.name:<10} {cost}  {c.reason}")
        return "\n".join(lines)

    def __repr__(self):
        return f"<Explanation backend={self.backend!r}>\n{self}"


def _stand_in(value, dtype):
    """An array for a shape: one number, repeated; nothing is allocated."""
    if isinstance(value, tuple) and all(isinstance(n, (int, np.integer)) for n in value):
        if any(n < 0 for n in value):
            raise ValueError(f"shapes must not be negative, found {value}")
        return np.broadcast_to(np.zeros((), dtype), value)
    return value


class _Found(Exception):
    """Carries the plan out of a call that is only to be explained."""

    def __init__(self, problem, plan, asked):
        self.found = problem, plan, asked


def explain(function, *operands, dtype=None, **keywords):
    """Tell which backend a call would take, why, and the predicted cost of each.

    Parameters
    ----------
    function : callable or str, or array_like or tuple
        A function of this package that has a ``backend`` keyword, or its name. Where it is left out, ``conv``
        is meant: ``explain(x, w, stride=2)``.
    *operands : array_like or tuple of int
        The arguments of the call; a tuple of integers stands for an array of that shape.
    dtype : dtype, optional
        As in the call; also the dtype of operands given as shapes (default float32).
    **keywords
        The keywords of the call.

    Returns
    -------
    Explanation
        With attributes ``backend``, ``reason``, ``candidates`` (name, ok, predicted seconds on one thread,
        reason), ``measured`` (seconds by name of backend; empty unless ``backend="tune"`` timed this problem
        or wisdom was imported) and ``workspace_bytes``; printing it shows a table.

    Raises
    ------
    TypeError, ValueError
        Whatever the call itself would raise.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.explain(fastconv.conv2d, (1, 64, 56, 56), (64, 64, 3, 3), padding=1).backend
    'winograd'
    """
    import fastconv

    if not callable(function) and not isinstance(function, str):
        function, operands = fastconv.conv, (function, *operands)
    if isinstance(function, str):
        if function not in fastconv.__all__:
            raise ValueError(f"function={function!r} is not a function of fastconv")
        function = getattr(fastconv, function)
    if dtype is not None:
        keywords["dtype"] = dtype
    shapes = np.dtype(np.float32 if dtype is None else dtype)
    call = inspect.signature(function).bind(*operands, **keywords)
    for name in _ARRAYS & call.arguments.keys():
        call.arguments[name] = _stand_in(call.arguments[name], shapes)
    small.set_bypass(True)
    try:
        with _select.explaining(_Found):
            function(*call.args, **call.kwargs)
    except _Found as answer:
        return Explanation(*answer.found)
    finally:
        small.set_bypass(False)
    raise TypeError(f"{getattr(function, '__name__', function)} chooses no backend for this call")
