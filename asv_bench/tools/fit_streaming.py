"""Measure the costs of StreamingConvolver's phases, print lines for ``fastconv/_costs.py``, and judge them.

usage: python asv_bench/tools/fit_streaming.py [--blocks 2048] [--runs 6] [--only-judge]

The costs are multiples of what one tap of the head takes for one vector; the cut of a kernel and the
spreading of the work follow from them. Then 144 000 taps are streamed in blocks of 64 by several cuts:
mean and worst time of a block, the least of identical runs for each block, so that what other programs do is
left out, and the first block, which finds cold caches.
"""

import argparse
import time

import numpy as np

import fastconv
from fastconv.backends import _partitions

TAPS, BLOCK = 144_000, 64
CUTS = ("auto", (64, 512, 4096), (64, 256, 1024, 4096, 16_384), (64, 256, 2048, 16_384),
        (128, 1024, 8192), (128, 512, 4096), (256, 2048), (512, 4096, 32_768), "uniform")  # fmt: skip


def start(taps, partition):
    """A convolver of random taps."""
    taps = np.random.default_rng(0).standard_normal(taps, np.float32)
    return fastconv.StreamingConvolver(taps, BLOCK, partition=partition)


def run(convolver, blocks):
    """Seconds of each block of one run; the same blocks each time."""
    signal = list(np.random.default_rng(1).standard_normal((blocks, BLOCK), np.float32))
    clock, process, out = time.perf_counter, convolver.process, np.empty(BLOCK, np.float32)
    seconds = []
    convolver.reset()
    for block in signal:
        begin = clock()
        process(block, out)
        seconds.append(clock() - begin)
    return np.array(seconds)


def least(convolvers, options):
    """The least seconds of each block but the first over identical runs, which take turns."""
    runs = [[run(c, options.blocks) for c in convolvers] for _ in range(options.runs)]
    return [np.min(found, axis=0)[1:] for found in zip(*runs, strict=True)]


def fit(options):
    """{name of a constant: value}."""
    lanes = _partitions.transform(False, _partitions.smallest(False), True).lanes
    vectors = BLOCK / lanes
    convolver = start(TAPS, (64, 256, 1024, 4096, 16_384))
    few, many, seconds = least([start(128, "direct"), start(1152, "direct"), convolver], options)
    tap = (np.median(many) - np.median(few)) / 1024 / vectors
    base = np.median(few) - 128 * vectors * tap
    ends, steps, last, product = [], [], [], []
    for level, (size, partitions) in enumerate(convolver.partitions):
        plan_radices, deepest = _partitions.radices(size // lanes)
        ways = [convolver._engine.phase_seconds(level, max(1, (1 << 18) // size)) for _ in range(5)]
        down, up = (np.min([way[i] for way in ways], axis=0) / tap for i in range(2))
        ends += [(down[0] + up[-1]) / 2 / lanes]
        steps += [t / r for t, r in zip(down[1:-1], plan_radices, strict=True)]
        steps += [t / r for t, r in zip(up[2:-1], plan_radices[::-1], strict=True)]
        last += [(down[-1] + up[1]) / 2 / deepest]
        product += [up[0] / partitions]
    found = {"STREAM_ENDS": np.mean(ends), "STREAM_PASS": np.mean(steps), "STREAM_LAST": np.mean(last),
             "STREAM_PRODUCT": product[-1]}  # fmt: skip
    rows = 128.0
    for size, partitions in convolver.partitions:
        passes = len(_partitions.radices(size // lanes)[0])
        rows += 2 * (found["STREAM_ENDS"] + found["STREAM_LAST"] + passes * found["STREAM_PASS"])
        rows += partitions * found["STREAM_PRODUCT"]
    rest = (np.mean(seconds) - base) / tap - rows * vectors
    found["STREAM_LEVEL"] = max(0.0, rest / len(convolver.partitions))
    print(f"# one tap of a vector: {1e9 * tap:.3f} ns; a call of nothing: {1e6 * base:.2f} us; products by "
          f"level {np.round(product, 1)}")  # fmt: skip
    return found


def judge(options):
    """A line for every cut."""
    convolvers = [start(TAPS, cut) for cut in CUTS]
    for cut, convolver, seconds in zip(CUTS, convolvers, least(convolvers, options), strict=True):
        us = 1e6 * seconds
        print(f"{cut!s:<32} mean {us.mean():6.2f} us  worst {us.max():6.2f}  99.9 % "
              f"{np.quantile(us, 0.999):6.2f}  {convolver.partitions}")  # fmt: skip


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, default=2048)
    parser.add_argument("--runs", type=int, default=6)
    parser.add_argument("--only-judge", action="store_true")
    options = parser.parse_args()
    if not options.only_judge:
        for name, value in fit(options).items():
            print(f"{name} = {float(f'{value:.2g}'):g}")
    judge(options)


if __name__ == "__main__":
    main()
