"""Measure what docs/algorithms/winograd.rst shows: the table of errors, or with --plot the speed as a picture.

usage: python asv_bench/tools/winograd_page.py [--plot]

Errors: the largest |error| / (u S) of many outputs, S the largest sum |x||w| of a window that shares a sample
with the output's tile, against sums in long double; prints the table. Speed: plans of winograd against implicit on one thread, 3x3
layers of as many filters as channels; writes docs/algorithms/winograd_speed.svg (needs matplotlib).
"""

import argparse
import os
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import fastconv
from fastconv import _plan
from fastconv.backends import winograd

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "algorithms" / "winograd_speed.svg"
VARIANTS = (None, (2, 3), (4, 3), (6, 3), (2, 5), (4, 5))  # None: direct
CHANNELS, SIZES = (16, 32, 64, 128, 256, 512), (7, 14, 28, 56, 112)


def only(variant):
    """Leave one variant to the backend."""
    winograd.VARIANTS = {variant: "default", (1, 1): "default"}
    _plan.PLANS.clear()
    _plan.CALLS.clear()


def samples(rng, kind, shape):
    """Numbers that are normal, uniform (0 to 1) or spikes: one in nine is a million times as large."""
    if kind == "uniform":
        return rng.random(shape)
    x = rng.standard_normal(shape)
    return x * np.where(rng.random(shape) < 1 / 9, 1e6, 1) if kind == "spikes" else x


def errors(variant, kind, channels, dtype):
    """(Largest error in u S, rms error over rms of the result in u)"""
    rng = np.random.default_rng(3)
    m, r = variant or (4, 3)
    x = samples(rng, kind, (channels, 6 * m + r - 1, 5 * m + r - 1)).astype(dtype)
    w = (rng.standard_normal((32, channels, r, r)) / channels).astype(dtype)
    u = np.finfo(dtype).eps / 2

    def exact(a, b):
        windows = sliding_window_view(a, (r, r), axis=(1, 2)).astype("g")
        return np.einsum("chvij,kcij->khv", windows, b.astype("g"), optimize=True)

    edge = (0, 0), (r - 1, r - 1), (r - 1, r - 1)
    y, s = exact(x, w), exact(abs(np.pad(x, edge)), abs(w))
    near = sliding_window_view(s, (m + 2 * (r - 1),) * 2, axis=(1, 2))[:, ::m, ::m]
    s = near.max(axis=(3, 4)).repeat(m, axis=1).repeat(m, axis=2)
    if variant:
        only(variant)
    e = fastconv.conv2d(x, w, backend="winograd" if variant else "implicit") - y
    return float((abs(e) / s).max() / u), float(np.sqrt((e**2).mean() / (y**2).mean()) / u)


def table():
    """Print docs/algorithms/winograd_errors.inc."""
    heads = ("variant", "dtype", "normal", "uniform", "spikes", "rms: 64, 256 channels")
    print(".. list-table::\n   :header-rows: 1\n\n   * - " + "\n     - ".join(heads))
    for variant in VARIANTS:
        name = f"F({variant[0]},{variant[1]})" if variant else "direct"
        for dtype in ("f4", "f8"):
            cells = []
            for kind in ("normal", "uniform", "spikes"):
                found = [errors(variant, kind, c, dtype) for c in (64, 256)]
                cells += [f"{max(e for e, _ in found):.1f}"]
                if kind == "normal":
                    rms = f"{found[0][1]:.1f}, {found[1][1]:.1f}"
            print(f"   * - {name}\n     - {np.dtype(dtype)}")
            print("\n".join(f"     - {c}" for c in (*cells, rms)))


def seconds(backend, channels, size):
    """The best of some calls of a plan."""
    x, w = np.ones((1, channels, size, size), "f"), np.ones((channels, channels, 3, 3), "f")
    p = fastconv.plan(w, input_shape=x.shape, padding=1, backend=backend)
    out, spent = np.empty(p.output_shape, "f"), []
    p(x, out=out)
    while len(spent) < 3 or sum(spent) < 0.1:
        start = time.perf_counter()
        p(x, out=out)
        spent.append(time.perf_counter() - start)
    return min(spent)


def plot():
    """Write the picture of the speed."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "fastconv", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 3.4))
    for size in SIZES:
        gains = [seconds("implicit", c, size) / seconds("winograd", c, size) for c in CHANNELS]
        print(size, [round(g, 2) for g in gains])
        axes.plot(range(len(CHANNELS)), gains, marker="o", markersize=3, label=f"{size} x {size}")
    axes.axhline(1, color="black", linewidth=0.6)
    axes.set_xticks(range(len(CHANNELS)), CHANNELS)
    axes.set_xlabel("channels and filters")
    axes.set_ylabel("speed over implicit")
    axes.set_ylim(bottom=0)
    axes.legend(title="image", fontsize=8)
    figure.tight_layout()
    figure.savefig(PICTURE, metadata={"Date": None})


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plot", action="store_true", help="the picture instead of the table")
    with fastconv.num_threads(1):
        (plot if parser.parse_args().plot else table)()


if __name__ == "__main__":
    main()
