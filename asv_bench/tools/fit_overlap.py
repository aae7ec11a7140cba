"""Measure the overlap-save constants of the cost model and print lines for ``fastconv/_costs.py``.

usage: python asv_bench/tools/fit_overlap.py [--quick]

On one thread, through plans with ``out=``: OVERLAP_POINT from rows of many blocks of each size (the size is
forced), scaled to vectors of 32 bytes as the model wants them; OVERLAP_CALL from a call with nearly no work.  At the end it
prints where "oa" overtakes "direct", measured and as the model has it.
"""

import argparse
import os
import time
from unittest import mock

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

import fastconv
from fastconv import _costs
from fastconv._core import cpu, fft
from fastconv._plan import PLANS
from fastconv.backends import overlap

WIDTH = _costs.VECTOR_BYTES[cpu.isa] / 32


def seconds(run, budget):
    """The shortest of the calls that fit into a budget."""
    run()
    best, end = float("inf"), time.perf_counter() + budget
    while time.perf_counter() < end:
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best


def filtering(n, taps, dtype, backend):
    """A call of a plan, ready to be timed."""
    rng = np.random.default_rng(0)
    a, v = rng.standard_normal(n).astype(dtype), rng.standard_normal(taps).astype(dtype)
    plan = fastconv.plan_convolve(v, input_shape=a.shape, backend=backend)
    out = np.empty(plan.output_shape, dtype)
    return lambda: plan(a, out=out)


def points(dtype, budget):
    """Seconds a complex point, for blocks of 256, 512, ... points."""
    rates, size = [], 256
    while size <= 1 << 20:
        PLANS.clear()
        if size < fft.smallest(dtype == "f8"):
            rates.append(float("nan"))
        else:
            taps, blocks = size // 4, max(2, (1 << 21) // size)
            skip = -(-(taps - 1) // 16) * 16
            n = blocks * (2 * size - skip) - taps + 1
            with mock.patch.object(overlap, "best_size", lambda p, s=size, k=skip: (s, k, 0.0)):
                run = filtering(n, taps, dtype, "oa")
            rates.append(seconds(run, budget) / blocks / size * WIDTH)
        size *= 2
    return rates


def crossover(dtype, budget):
    """Taps from which oa is faster on 100000 samples: measured, and by the model."""
    found = []
    for times in (lambda t, b: seconds(filtering(100_000, t, dtype, b), budget),
                  lambda t, b: next(c.cost for c in fastconv.explain(
                      "convolve", (100_000,), (t,), dtype=dtype).candidates if c.name == b)):  # fmt: skip
        taps = 8
        while taps < 2000 and times(taps, "oa") > times(taps, "direct"):
            taps += max(1, taps // 8)
        found.append(taps)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a rough figure in seconds")
    budget = 0.02 if parser.parse_args().quick else 0.3
    for dtype in ("f4", "f8"):
        listed = ", ".join(f"{rate:.2g}" for rate in points(dtype, budget))
        print(f'OVERLAP_POINT["{dtype}"] = ({listed})')
    PLANS.clear()
    print(f"OVERLAP_CALL = {seconds(filtering(200, 5, 'f4', 'oa'), budget):.2g}")
    for dtype in ("f4", "f8"):
        measured, modelled = crossover(dtype, budget)
        print(f"# {dtype}: oa from {measured} taps, by the model from {modelled}")


if __name__ == "__main__":
    main()
