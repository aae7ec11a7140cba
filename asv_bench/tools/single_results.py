"""Layers of one result an image, timed with every backend that has a way of its own for them: which "auto" takes.

usage: python asv_bench/tools/single_results.py [threads]

Prints the microseconds of plans and of function calls, minima over interleaved rounds.  DOTS_* and MATRIX_* of
``fastconv/_costs.py`` are set so that the choice is near the best for both.
"""

import sys
import time

import numpy as np

import fastconv

ROUNDS, SLICE = 9, 0.01
SIZES = ((96, 24), (512, 16), (1280, 320), (2048, 1000), (4096, 256))
IMAGES = (1, 2, 4, 8, 32)
BACKENDS = ("direct", "implicit", "indirect")


def race(functions):
    """Seconds of each, the least of rounds in turn."""
    best = dict.fromkeys(functions, float("inf"))
    for _ in range(ROUNDS):
        for name, function in functions.items():
            start, calls = time.perf_counter(), 0
            while time.perf_counter() - start < SLICE:
                function()
                calls += 1
            best[name] = min(best[name], (time.perf_counter() - start) / calls)
    return best


def main():
    fastconv.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    draw = np.random.default_rng(0)
    for channels, filters in SIZES:
        w = draw.standard_normal((filters, channels, 1, 1), dtype=np.float32)
        for images in IMAGES:
            x = draw.standard_normal((images, channels, 1, 1), dtype=np.float32)
            out = np.empty((images, filters, 1, 1), np.float32)
            functions = {}
            for backend in BACKENDS:
                plan = fastconv.plan(w, input_shape=x.shape, backend=backend)
                functions[backend] = lambda plan=plan, x=x, out=out: plan(x, out=out)
                functions[backend + " call"] = lambda x=x, w=w, b=backend: fastconv.conv2d(x, w, backend=b)
            chosen = fastconv.plan(w, input_shape=x.shape).backend
            times = "  ".join(f"{name} {seconds * 1e6:.1f}" for name, seconds in race(functions).items())
            print(f"{images} x {channels} -> {filters}: {chosen}; {times}", flush=True)


if __name__ == "__main__":
    main()
