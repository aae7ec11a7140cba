"""Draw time against kernel size for every backend, with the points where "auto" changes its mind.

usage: python asv_bench/tools/crossover.py [--out docs/algorithms/crossover.svg] [--quick]

Two panels, float32, mode "same", all threads: a signal of 100 000 samples, and an image of 512 x 512. All
backends of a size take turns; one that took ten times as long as what "auto" takes is not tried on
larger kernels. The figure in the documentation is this script's; run it again when a backend changes.
"""

import argparse
from pathlib import Path

import numpy as np

import fastconv
from fastconv._bench_timing import race

SAMPLES, SIDE, HOPELESS = 100_000, 512, 10
TAPS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536)
SIDES = (1, 2, 3, 5, 7, 9, 11, 15, 21, 31, 41, 63, 95, 127, 191, 255)
PEERS = {1: ("np.convolve", "oaconvolve"), 2: ("oaconvolve", "cv2.filter2D")}


def peer(name, a, v):
    """The call of somebody else, or None where it is not installed."""
    if name == "np.convolve":
        return lambda: np.convolve(a, v, "same")
    if name == "oaconvolve":
        from scipy.signal import oaconvolve

        return lambda: oaconvolve(a, v, "same")
    try:
        import cv2
    except ImportError:
        return None
    flipped = np.ascontiguousarray(v[::-1, ::-1])
    return lambda: cv2.filter2D(a, -1, flipped, borderType=cv2.BORDER_CONSTANT)


def contestants(explained, a, v, tired):
    """{name: function} of all who can compute this and were not hopeless before."""
    found = {}
    for c in explained.candidates:
        if c.ok and c.name != "reference":
            found[c.name] = lambda name=c.name: fastconv.convolve(a, v, "same", backend=name)
    for name in PEERS[a.ndim]:
        function = peer(name, a, v)
        if function:
            found[name] = function
    return {name: f for name, f in found.items() if name not in tired - {explained.backend}}


def measure(shape, sizes, options):
    """({name: [(size, seconds)]}, [what auto takes at each size])."""
    rng = np.random.default_rng(0)
    a = rng.standard_normal(shape, np.float32)
    curves, chosen, tired = {}, [], set()
    for size in sizes:
        v = rng.standard_normal((size,) * len(shape), np.float32)
        explained = fastconv.explain(fastconv.convolve, a, v, "same")
        chosen.append(explained.backend)
        times = race(contestants(explained, a, v, tired), options.rounds, options.seconds)
        for name, seconds in times.items():
            curves.setdefault(name, []).append((size, seconds))
            if name in fastconv.backends() and seconds > HOPELESS * times[chosen[-1]]:
                tired.add(name)
        print(size, chosen[-1], {n: f"{1e6 * t:.1f} us" for n, t in times.items()}, flush=True)
    return curves, chosen


def panel(axes, title, sizes, curves, chosen):
    """Time against size on logarithmic axes; dashed: the others."""
    peers = {name for names in PEERS.values() for name in names}
    for name, points in curves.items():
        style = {"ls": "--", "lw": 1, "alpha": 0.7} if name in peers else {"lw": 1.6}
        axes.loglog(*zip(*[(s, 1e3 * t) for s, t in points], strict=True), label=name, **style)
    taken = [(s, dict(curves[c]).get(s)) for s, c in zip(sizes, chosen, strict=True) if c in curves]
    axes.loglog(*zip(*[(s, 1e3 * t) for s, t in taken if t], strict=True), "k.", ms=5, label="auto")
    for i in range(1, len(sizes)):
        if chosen[i] != chosen[i - 1]:
            where = (sizes[i] * sizes[i - 1]) ** 0.5
            axes.axvline(where, color="0.6", lw=0.8, ls=":")
            axes.text(where, 0.99, f"{chosen[i - 1]} | {chosen[i]}", rotation=90, fontsize=7, ha="right",
                      va="top", transform=axes.get_xaxis_transform())  # fmt: skip
    axes.set(title=title, ylabel="ms")
    axes.grid(alpha=0.25, lw=0.5)
    axes.legend(fontsize=7, loc="lower right")


def main():
    """Measure and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs/algorithms/crossover.svg"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.3, help="for each size, shared by all")
    parser.add_argument("--quick", action="store_true", help="every fourth size: a rough look")
    options = parser.parse_args()
    import matplotlib

    matplotlib.use("svg")
    # the same file for the same numbers, with text as text
    matplotlib.rcParams.update({"svg.hashsalt": "fastconv", "svg.fonttype": "none"})
    import matplotlib.pyplot as plt

    step = 4 if options.quick else 1
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
    for axes, shape, sizes, title, label in (
        (left, (SAMPLES,), TAPS[::step], f"{SAMPLES} samples, float32", "taps"),
        (right, (SIDE, SIDE), SIDES[::step], f"{SIDE} x {SIDE} pixels, float32", "kernel side"),
    ):
        panel(axes, title, sizes, *measure(shape, sizes, options))
        axes.set_xlabel(label)
    figure.savefig(options.out, metadata={"Date": None})


if __name__ == "__main__":
    main()
