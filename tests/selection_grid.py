"""How close "auto" is to the fastest backend: ``python tests/selection_grid.py``.

On a grid of sizes, signals of 10 to 10**7 samples with 1 to 10**6 taps and images of 16 to 4096 pixels with
kernels of 1 to 127, every backend that can compute a case is timed in turns with "auto"; a backend whose
predicted cost is ``--hopeless`` times that of the cheapest is not. A case is won if "auto" takes at most
15 % longer than the fastest; the exit status is 1 unless that are 95 % of all. ``--part 2/8`` runs every eighth
case, so that a machine need not stand still for minutes.
"""

import argparse
import sys

import numpy as np

import fastconv
from fastconv._bench_timing import geomean, race

CLOSE, SHARE = 1.15, 0.95
SIGNALS = tuple(10**i for i in range(1, 8))
TAPS = (1, 3, 10, 31, 100, 316, 1000, 3162, 10_000, 31_623, 100_000, 316_228, 1_000_000)
IMAGES = (16, 64, 256, 1024, 4096)
KERNELS = (1, 3, 5, 7, 11, 15, 31, 63, 127)


def grid(dtypes):
    """(shape of a, shape of v, dtype) of every case; the filter is the smaller one."""
    for dtype in dtypes:
        for n in SIGNALS:
            yield from (((n,), (k,), dtype) for k in TAPS if k <= n)
        for n in IMAGES:
            yield from (((n, n), (k, k), dtype) for k in KERNELS if k <= n)


class Case:
    """Two arrays, and the backends worth timing on them."""

    def __init__(self, a_shape, v_shape, dtype, hopeless):
        rng = np.random.default_rng(0)
        self.a = rng.standard_normal(a_shape, np.float32).astype(dtype)
        self.v = rng.standard_normal(v_shape, np.float32).astype(dtype)
        found = fastconv.explain(fastconv.convolve, self.a, self.v, "same")
        able = [c for c in found.candidates if c.ok and c.name != "reference"]
        self.auto = found.backend
        self.predicted = {c.name: c.cost for c in able if c.cost <= hopeless * able[0].cost}
        self.name = f"{'x'.join(map(str, a_shape))} * {'x'.join(map(str, v_shape))} {dtype}"

    def run(self, backend):
        """A function that computes the case; it writes into one array, as the others do."""
        out = np.empty(self.a.shape, self.a.dtype)
        return lambda: fastconv.convolve(self.a, self.v, "same", out=out, backend=backend)

    def seconds(self, rounds, seconds):
        """{backend: best seconds}; "auto" is timed as if it were one more."""
        return race({name: self.run(name) for name in ("auto", *self.predicted)}, rounds, seconds)


def measure(options):
    """[(name, what auto took, what was fastest, how much longer auto took)], printed on the way."""
    first, step = (int(x) for x in options.part.split("/"))
    rows = []
    for a_shape, v_shape, dtype in list(grid(options.dtype))[first - 1 :: step]:
        case = Case(a_shape, v_shape, dtype, options.hopeless)
        if case.predicted[case.auto] > options.longest:
            continue
        times = case.seconds(options.rounds, options.seconds)
        auto = times.pop("auto")
        best = min(times, key=times.get)
        # "auto" is one of them: where it took the fastest the rest is the noise of the clock
        lost = 1.0 if best == case.auto else max(1.0, auto / times[best])
        rows.append((case.name, case.auto, best, lost))
        mark = "" if lost <= CLOSE else "  <--"
        detail = " ".join(f"{name} {1e6 * t:.1f}" for name, t in times.items())
        print(f"{case.name:<32} {case.auto:<10} best {best:<10} {lost:5.2f}  us: {detail}{mark}", flush=True)
    return rows


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", default="1/1", help="which cases: 2/8 is the 2nd, the 10th, ...")
    parser.add_argument("--dtype", nargs="+", default=["float32", "float64"])
    parser.add_argument("--threads", type=int, default=fastconv.get_num_threads())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.1, help="for each case, shared by all")
    parser.add_argument("--hopeless", type=float, default=16, help="predicted costs that are not tried")
    parser.add_argument("--longest", type=float, default=2, help="seconds of predicted cost of a case")
    options = parser.parse_args(argv)
    with fastconv.num_threads(options.threads):
        rows = measure(options)
    close = sum(lost <= CLOSE for *_, lost in rows) / len(rows)
    print(f"{len(rows)} cases: auto within 15 % of the fastest in {close:.1%}, exactly it in "
          f"{sum(a == b for _, a, b, _ in rows) / len(rows):.1%}; it takes "
          f"{geomean(lost for *_, lost in rows):.3f} times as long in the mean, "
          f"{max(lost for *_, lost in rows):.2f} at worst")  # fmt: skip
    return 0 if close >= SHARE else 1


if __name__ == "__main__":
    sys.exit(main())
