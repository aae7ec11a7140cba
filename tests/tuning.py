"""What the tests of tuning and of wisdom share: a clock that backends move, an empty table, a problem."""

import math

import numpy as np
import pytest

import fastconv
from fastconv import _tune, _wisdom, wisdom
from fastconv._problem import Axis, Geometry, Problem

X, W = np.arange(600.0, dtype="f4").reshape(2, 3, 10, 10) % 7, np.ones((4, 3, 3, 3), np.float32)


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch):
    monkeypatch.delenv(_wisdom.VARIABLE, raising=False)
    wisdom.forget_wisdom()
    yield
    wisdom.forget_wisdom()


class Clock:
    """Time as ``seconds`` tells it for each backend; ``ran`` is what ran while it was looked at."""

    def __init__(self, monkeypatch, **seconds):
        self.now, self.ran, self.outs = 0.0, [], []
        trial = _tune._trial

        def timed(plan, values, weights, out):
            run = trial(plan, values, weights, out)

            def turn():
                run()
                self.ran.append(plan.backend)
                self.outs.append(out)
                self.now += seconds.get(plan.backend, 0.04)

            return turn

        monkeypatch.setattr(_tune, "_trial", timed)
        monkeypatch.setattr(_tune, "clock", lambda: self.now)
        monkeypatch.setattr(_tune, "HOPELESS", math.inf)


def able(*arguments, **keywords):
    """Backends that can compute a call, the reference left out."""
    found = fastconv.explain(*arguments, **keywords).candidates
    return [c.name for c in found if c.ok and c.name != "reference"]


def problem(**changes):
    geometry = {"batch": (2,), "groups": (1,), "channels": 3, "filters": (4,),
                "axes": (Axis(9, 3, 7), Axis(8, 2, 7))}  # fmt: skip
    mine = {n: changes.pop(n) for n in list(changes) if n not in Problem.__dataclass_fields__}
    words = {"geometry": Geometry(**{**geometry, **mine}), "dtype": np.dtype("f4"), **changes}
    return Problem(**words)


def tuned(monkeypatch, winner="im2col"):
    """The text of two entries that the forced winner leads."""
    with monkeypatch.context() as m:
        Clock(m, **{winner: 0.001})
        fastconv.conv2d(X, W, backend="tune")
        fastconv.convolve(np.ones(30), np.ones(4), fillvalue=0.5, backend="tune")
    return wisdom.export_wisdom()
