"""Which depthwise layers with channels last go by squares of taps: ``_square`` of ``backends/depthwise.py``.

    python asv_bench/tools/squares.py [--threads 1]

Times plans of both ways, taking turns, on operands that begin with a line of the cache and 16 bytes behind one, as NumPy's
large arrays do. Ratios above 1: squares are faster. Which of the two the rule takes is printed beside them.
"""

import argparse
from functools import partial

import numpy as np

import fastconv
from fastconv import _wisdom
from fastconv._bench_timing import race
from fastconv._core import arrays
from fastconv.backends import depthwise

LAYERS = [(3, 16, 56), (3, 96, 56), (3, 128, 56), (3, 256, 28), (3, 480, 14), (3, 512, 14), (3, 960, 7), (3, 1024, 7),
          (5, 96, 56), (5, 128, 56), (5, 240, 28), (5, 256, 28), (5, 480, 14), (5, 672, 14), (5, 1152, 7),
          (7, 96, 56), (7, 128, 56), (7, 144, 56), (7, 192, 28), (7, 384, 14), (7, 400, 14), (7, 768, 7)]  # fmt: skip


def placed(array, behind):
    """A copy that begins so many bytes behind a line of the cache."""
    first = behind // array.itemsize
    copy = arrays.aligned(array.size + first, array.dtype)[first:].reshape(array.shape)
    copy[...] = array
    return copy


def plans(w, x):
    """(by rows, by squares), and whether the rule takes the second."""
    rule, taken, made = depthwise._square, [], []
    try:
        for squares in (False, True):
            _wisdom.forget()  # and with it all plans
            depthwise._square = lambda axes, squares=squares: taken.append(rule(axes)) or squares
            made.append(fastconv.plan(w, input_shape=x.shape, groups=len(w), padding=w.shape[-1] // 2, layout="channels_last",
                                      backend="depthwise"))  # fmt: skip
            made[-1](x)  # its driver is decided now
    finally:
        depthwise._square = rule
    return made, taken[0]


def ratio(made, x, out):
    """The time by rows over that by squares."""
    by_rows, by_squares = (partial(plan, x, out=out) for plan in made)
    best = race({"rows": by_rows, "squares": by_squares}, rounds=15, seconds=0.3)
    return best["rows"] / best["squares"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    fastconv.set_num_threads(parser.parse_args().threads)
    rng = np.random.default_rng(0)
    print("taps channels size   at a line   16 bytes behind   taken")
    for taps, channels, size in LAYERS:
        x = rng.standard_normal((1, size, size, channels)).astype("f4")
        made, taken = plans(rng.standard_normal((channels, 1, taps, taps)).astype("f4"), x)
        found = [ratio(made, placed(x, behind), placed(x, behind)) for behind in (0, 16)]
        taken = "squares" if taken else "rows"
        print(
            f"{taps:4d} {channels:8d} {size:4d} {found[0]:11.2f} {found[1]:17.2f}   {taken}",
            flush=True,
        )


if __name__ == "__main__":
    main()
