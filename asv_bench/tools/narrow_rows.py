"""Up to which width of rows a filter down them goes over all as one line: ``widths`` of ``_core/narrow.pyx``.

    python asv_bench/tools/narrow_rows.py [--threads 1]

Times filters along the first axis of arrays of n x width numbers, both ways taking turns. Ratios above 1: the narrow way
is faster. The limits belong where a column falls below 1, for one thread and for two.
"""

import argparse
import time
from functools import partial

import numpy as np

import fastconv
from fastconv import ndimage
from fastconv._core import narrow

FILTERS = {
    "7 taps": partial(ndimage.gaussian_filter1d, sigma=0.75, axis=0),
    "17 taps": partial(ndimage.gaussian_filter1d, sigma=2, axis=0),
    "49 taps": partial(ndimage.gaussian_filter1d, sigma=6, axis=0),
    "mean of 5": partial(ndimage.uniform_filter1d, size=5, axis=0),
    "mean of 51": partial(ndimage.uniform_filter1d, size=51, axis=0),
}


def ratio(call, rounds=11):
    """The time of the other ways over that of the narrow one."""
    best = [np.inf, np.inf]
    for _ in range(rounds):
        for way, width in enumerate((0, 1 << 20)):
            narrow.most_widths([width] * 5)
            start = time.perf_counter()
            call()
            best[way] = min(best[way], time.perf_counter() - start)
    return best[0] / best[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    fastconv.set_num_threads(parser.parse_args().threads)
    rng = np.random.default_rng(0)
    print("width dtype   ", *(f"{name:>10s}" for name in FILTERS))
    for width in (2, 3, 4, 8, 12, 16, 24, 32, 48, 64, 128, 256, 512):
        for dtype in ("float32", "float64", "uint8"):
            x = (abs(rng.standard_normal((600_000 // width, width))) * 50).astype(dtype)
            print(f"{width:5d} {dtype:8s}", *(f"{ratio(partial(f, x)):10.2f}" for f in FILTERS.values()), flush=True)


if __name__ == "__main__":
    main()
