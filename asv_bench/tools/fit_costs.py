"""Measure the constants of the cost model on this machine and print lines for ``fastconv/_costs.py``.

usage: python asv_bench/tools/fit_costs.py [--quick]

Everything runs on one thread, through plans with ``out=``: first the seconds of a call from a problem with
nearly no work, then multiply-adds per second of every dtype from the 3x3 layer with 64 channels of 56 x 56 pixels,
divided by ISA_SPEED, then signals.  The kinds of work of layers are fitted by ``fit_layers.py``.
Run it on an idle machine; ``FASTCONV_ISA=`` measures another instruction set.
"""

import argparse
import os
import time

# before NumPy and SciPy are imported: their BLAS reads it once
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

import fastconv
from fastconv import _costs
from fastconv._core import cpu

SPEED = _costs.ISA_SPEED[cpu.isa]
LAYER = (1, 64, 56, 56), (64, 64, 3, 3)
TINY = (1, 1, 4), (1, 1, 1)
DIRECT = ("f4", "f8", "c8", "c16", "i1", "u1", "b1", "i2", "u2", "i4", "u4", "i8", "u8")


def array(shape, key):
    """Small numbers of the dtype: no denormals, no overflow."""
    return np.random.default_rng(0).integers(0, 2, shape).astype(np.dtype(key))


class Clock:
    """The best of some rounds of one plan's calls."""

    def __init__(self, quick):
        self.rounds, self.slice = (2, 0.005) if quick else (9, 0.1)

    def seconds(self, backend, shapes, key="f4", **keywords):
        """Seconds of a call on x and w of these shapes."""
        x, w = (array(shape, key) for shape in shapes)
        plan = fastconv.plan(w, input_shape=x.shape, backend=backend, **keywords)
        out = np.empty(plan.output_shape, plan.dtype)
        plan(x, out=out)
        best, loops, spent = float("inf"), 1, 0.0
        while spent < self.slice / 4:  # how many calls fill a slice
            loops *= 2
            spent = self._round(plan, x, out, loops)
            if spent > 4 * self.slice:
                break
        loops = max(1, int(loops * self.slice / spent))
        for _ in range(self.rounds):
            best = min(best, self._round(plan, x, out, loops) / loops)
        return best

    @staticmethod
    def _round(plan, x, out, loops):
        start = time.perf_counter()
        for _ in range(loops):
            plan(x, out=out)
        return time.perf_counter() - start


def work(shapes, key="f4", **keywords):
    """(multiply-adds, bytes of x and of the result, bytes of the result)."""
    cost = fastconv.conv_cost(*shapes, bias=False, dtype=key, **keywords)
    return cost.macs, cost.input_bytes + cost.output_bytes, cost.output_bytes


def solve(rows, seconds):
    """Rates from two problems: seconds = sum of amounts / rates; a rate that noise makes negative is
    replaced by that of its own problem."""
    rows = np.array(rows, float)
    inverse = np.linalg.solve(rows, seconds)
    if (inverse <= 0).any():
        inverse = np.asarray(seconds) / np.diag(rows)
    return 1 / inverse


def direct(clock, keys):
    """DIRECT_CALL, DIRECT_RATE, DIRECT_SLOW_RATE; of the rates only their ratios count (backends/_work.py)."""
    call = clock.seconds("direct", TINY)

    def rate(key):
        macs, _, _ = work(LAYER, key, padding=1)
        # with a limit integers of 8 bytes are summed as they are, not in float64
        limit = {"workspace_limit": 1 << 30} if key[0] in "iu" else {}
        return macs / max(1e-9, clock.seconds("direct", LAYER, key, padding=1, **limit) - call) / SPEED

    return {"DIRECT_CALL": call, "DIRECT_RATE": {key: rate(key) for key in keys}, "DIRECT_SLOW_RATE": rate("g")}


def fir(clock, found):
    """FIR_RATE and FIR_BYTES: a signal that the caches hold, by 64 taps and by 3."""
    rates, moved_rates = {}, []
    for key in DIRECT[:4]:
        rows, seconds = [], []
        for taps in (64, 3):
            shapes = (1, 1, 50_000), (1, 1, taps)
            macs, moved, _ = work(shapes, key)
            rows.append((macs, moved))
            seconds.append(max(1e-9, clock.seconds("direct", shapes, key) - found["DIRECT_CALL"]))
        rate, moved_rate = solve(rows, seconds)
        rates[key] = rate * 64 / _costs.VECTOR_BYTES[cpu.isa]
        moved_rates.append(moved_rate)
    return {"FIR_RATE": rates, "FIR_BYTES": min(moved_rates)}


def whole(clock):
    """WHOLE_CALL and WHOLE_NUMBER: what a signal of integers takes longer than one of float64, by 300 taps."""
    rows, seconds = [], []
    for n in (2000, 200_000):
        shapes = (1, 1, n), (1, 1, 300)
        rows.append((1, 2 * n))
        seconds.append(max(1e-9, clock.seconds("oa", shapes, "i4") - clock.seconds("oa", shapes, "f8")))
    per_call, per_number = solve(rows, seconds)
    return {"WHOLE_CALL": 1 / per_call, "WHOLE_NUMBER": 1 / per_number}


def reference(clock):
    """REFERENCE_CALL and REFERENCE_RATE."""
    call = clock.seconds("reference", TINY)
    shapes = (1, 16, 28, 28), (16, 16, 3, 3)
    macs, _, _ = work(shapes)
    return {"REFERENCE_CALL": call,
            "REFERENCE_RATE": macs / max(1e-9, clock.seconds("reference", shapes) - call)}  # fmt: skip


def number(value):
    """Two digits, as _costs.py writes them: 50e9, 4e-6."""
    exponent = 9 if value >= 1e8 else 6 if value >= 1e5 else -6
    return f"{float(f'{value / 10.0**exponent:.2g}'):g}e{exponent}"


def lines(found):
    """Assignments, broken like those of _costs.py."""
    for name, value in found.items():
        if not isinstance(value, dict):
            yield f"{name} = {number(value)}"
            continue
        line = f"{name} = {{"
        indent = " " * len(line)
        for key, rate in value.items():
            item = f'"{key}": {number(rate)}, '
            if len(line) + len(item) > 98:
                yield line.rstrip()
                line = indent
            line += item
        yield line.removesuffix(", ") + "}"


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true",
                        help="two dtypes and short slices: a rough look, not to be pasted")  # fmt: skip
    quick = parser.parse_args().quick
    clock = Clock(quick)
    floats = DIRECT[:2] if quick else DIRECT[:4]
    print(f"# {cpu.isa}, one thread, fastconv {fastconv.__version__}")
    with fastconv.num_threads(1):
        found = direct(clock, floats if quick else DIRECT)
        found |= fir(clock, found)
        found |= whole(clock)
        found |= reference(clock)
    print("\n".join(lines(found)))


if __name__ == "__main__":
    main()
