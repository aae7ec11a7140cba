"""Measure the constants of the cost model on this machine and print lines for ``fastconv/_costs.py``.

usage: python asv_bench/tools/fit_costs.py [--quick]

Everything runs on one thread, through plans with ``out=``.  The formulas of the backends are solved for
their constants: first the seconds of a call from a problem with nearly no work, then bytes per second from
problems with nearly no arithmetic, then multiply-adds per second from the 3x3 layer with 64 channels of
56 x 56 pixels.  Rates are divided by ISA_SPEED, as the model wants them.
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
    """DIRECT_CALL, GATHER_BYTES, DIRECT_RATE, DIRECT_SLOW_RATE."""
    call = clock.seconds("direct", TINY)
    copy = (1, 1, 512, 512), (1, 1, 1, 1)
    _, moved, _ = work(copy)
    gather = moved / max(1e-9, clock.seconds("direct", copy) - call)

    def rate(key):
        macs, moved, _ = work(LAYER, key, padding=1)
        rest = clock.seconds("direct", LAYER, key, padding=1) - call - moved / gather
        return macs / max(1e-9, rest) / SPEED

    return {"DIRECT_CALL": call, "GATHER_BYTES": gather,
            "DIRECT_RATE": {key: rate(key) for key in keys},
            "DIRECT_SLOW_RATE": rate("g")}  # fmt: skip


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


def implicit(clock, found):
    """IMPLICIT_RATE and STORE_BYTES, from a layer of much arithmetic and one of much output."""
    wide = (1, 4, 112, 112), (64, 4, 1, 1)
    rates, stores = {}, []
    for key in ("f4", "f8"):
        rows, seconds = [], []
        for shapes, keywords in ((LAYER, {"padding": 1}), (wide, {})):
            macs, moved, out = work(shapes, key, **keywords)
            rows.append((macs, out))
            spent = clock.seconds("implicit", shapes, key, **keywords) - found["DIRECT_CALL"]
            seconds.append(max(1e-9, spent - moved / found["GATHER_BYTES"]))
        rate, store = solve(rows, seconds)
        rates[key] = rate / SPEED
        stores.append(store)
    return {"IMPLICIT_RATE": rates, "STORE_BYTES": min(stores)}


def indirect(clock, found):
    """INDIRECT_RATE, from a layer whose input is turned; the constants of its table are taken as they are."""
    rates = {}
    for key in ("f4", "f8"):
        macs, moved, out = work(LAYER, key, padding=1)
        pointers = LAYER[0][2] * LAYER[0][3] * 9
        rest = clock.seconds("indirect", LAYER, key, padding=1) - found["DIRECT_CALL"]
        rest -= (moved - out) / _costs.TURN_BYTES + pointers * _costs.POINTER
        rest -= out / found["STORE_BYTES"] + out / found["GATHER_BYTES"]
        macs *= 1 + _costs.INDIRECT_RUN / LAYER[0][1]
        rates[key] = macs / max(1e-9, rest) / SPEED
    return {"INDIRECT_RATE": rates}


def im2col(clock, keys):
    """GEMM_CALL, GEMM_RATE, IM2COL_BYTES: many filters against one."""
    call = clock.seconds("im2col", TINY)
    rates, columns = {}, []
    for key in keys:
        rows, seconds = [], []
        for filters in (64, 4):
            shapes = LAYER[0], (filters, *LAYER[1][1:])
            macs, _, out = work(shapes, key, padding=1)
            taps = fastconv.conv_cost(*shapes, bias=False, dtype=key, padding=1).im2col_bytes
            rows.append((macs, 2 * (taps + out)))
            spent = clock.seconds("im2col", shapes, key, padding=1)
            seconds.append(max(1e-9, spent - call))
        rates[key], rate = solve(rows, seconds)
        columns.append(rate)
    return {"GEMM_CALL": call, "GEMM_RATE": rates, "IM2COL_BYTES": min(columns)}


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
        if "implicit" in fastconv.backends():
            found |= implicit(clock, found)
            found |= indirect(clock, found)
        found |= im2col(clock, floats)
        found |= reference(clock)
    print("\n".join(lines(found)))


if __name__ == "__main__":
    main()
