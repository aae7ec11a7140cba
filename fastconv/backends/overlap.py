"""backend="oa": overlap-save, tiles through small Fourier transforms that stay in the cache."""

from . import _tiles
from .base import Verdict

name = "oa"


def supports(problem):
    """Two or three convolved axes, stride 1, one channel."""
    if len(problem.geometry.axes) < 2:
        return Verdict(False, "it wants two or three convolved axes")
    return _tiles.supports(problem)


def cost(problem):
    """Seconds on one thread."""
    return _tiles.cost(problem)


def plan(problem):
    """A plan over tiles."""
    return _tiles.plan(problem)
