"""Measure the Winograd constants of the cost model on this machine and print lines for ``fastconv/_costs.py``.

usage: python asv_bench/tools/fit_winograd.py [--quick]

One thread, after fit_costs.py. Every plan of a 3x3 layer gives one equation, products / RATE + numbers transformed
/ MOVED + bytes of U read / WEIGHT_BYTES (FAR_BYTES where U is large) = seconds, less those of samples and results
on their way; they are solved for positive rates by least squares of relative errors. What a function call takes
longer than the plan is U being made. The rates are scaled as the model wants them.
``FASTCONV_ISA=`` measures another instruction set.
"""

import argparse

from fit_costs import Clock, array, lines  # first: it sets threads before NumPy looks  # isort: skip

import numpy as np
from scipy.optimize import nnls

import fastconv
from fastconv import _costs
from fastconv._core import cpu
from fastconv.backends import winograd

# (batch, channels, pixels a side)
LAYERS = ((1, 64, 56), (1, 128, 28), (1, 256, 14), (1, 512, 14), (1, 512, 7), (1, 256, 56), (1, 512, 28), (1, 16, 56),
          (8, 32, 28), (1, 64, 112), (8, 64, 14))  # fmt: skip


class Calls(Clock):
    """Times function calls as well."""

    def call(self, x, w):
        """Seconds of a call, the best of some rounds."""
        out = np.empty((x.shape[0], w.shape[0], *x.shape[2:]), x.dtype)

        def plan(x, out):
            fastconv.conv2d(x, w, padding=1, backend="winograd", out=out)

        return min(self._round(plan, x, out, 3) / 3 for _ in range(self.rounds))


def fit(clock, key):
    """Rates of one dtype: products, numbers moved, bytes read from near and from far, numbers made."""
    rows, made = [], []
    for batch, channels, size in LAYERS:
        shapes = (batch, channels, size, size), (channels, channels, 3, 3)
        x, w = (array(shape, key) for shape in shapes)
        held = clock.seconds("winograd", shapes, key, padding=1)
        problem = fastconv.explain("conv2d", x, w, padding=1, backend="winograd").problem
        *row, numbers = winograd.amounts(problem, winograd.variants(problem)[1:], batch)
        rows.append(np.array(row, float) / max(1e-9, held - winograd.outside(problem)))
        made.append(numbers / max(1e-9, clock.call(x, w) - held))
        print(f"# {key} {shapes[0]}: {held * 1e3:.3f} ms", flush=True)
    rows = np.array(rows)
    scale = rows.max(axis=0)
    inverse = nnls(rows / scale, np.ones(len(rows)))[0] / scale
    print("# predicted over measured:", np.round(rows @ inverse, 2))
    return [1 / max(i, 1e-13) for i in inverse], float(np.median(made))


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="short slices: a rough look, not to be pasted")
    clock = Calls(parser.parse_args().quick)
    speed = _costs.ISA_SPEED[cpu.isa]
    found = {"WINOGRAD_RATE": {}, "WINOGRAD_MOVED": {}, "WINOGRAD_PACKED": {}}
    reads = []
    print(f"# {cpu.isa}, one thread, fastconv {fastconv.__version__}")
    with fastconv.num_threads(1):
        for key in ("f4", "f8"):
            (rate, moved, *read), made = fit(clock, key)
            found["WINOGRAD_RATE"][key] = rate / speed
            found["WINOGRAD_MOVED"][key] = moved / speed
            found["WINOGRAD_PACKED"][key] = made / speed
            reads.append(read)
    near, far = np.min(reads, axis=0)
    print("\n".join(lines({**found, "WINOGRAD_WEIGHT_BYTES": near, "WINOGRAD_FAR_BYTES": far})))


if __name__ == "__main__":
    main()
