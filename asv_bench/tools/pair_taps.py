"""From how many taps on it pays to add samples in pairs: DOWN_PAIRS and LINE_PAIRS of ``_core/image_cut.pyx``.

    python asv_bench/tools/pair_taps.py [--threads 1] [--dtype float32]

Times filters of one image whose taps read the same from both ends against the same taps with one changed by a unit in
the last place, which are multiplied one by one. Ratios below 1 at the short end: raise the constant. To see shorter
filters, lower both and build again. float64 has no tiles for such taps: there a build whose DOWN_ORDERED and LINE_ORDERED
are out of reach stands beside one in which they are 3, and the times of the first columns count, in microseconds.
"""

import argparse
import time
from functools import partial

import numpy as np

import fastconv
from fastconv import ndimage


def seconds(calls, rounds=15):
    """The least time of each call, calls taking turns."""
    best = [np.inf] * len(calls)
    for call in calls:
        call()
    for _ in range(rounds):
        for i, call in enumerate(calls):
            start = time.perf_counter()
            call()
            best[i] = min(best[i], time.perf_counter() - start)
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dtype", default="float32", choices=("float32", "float64"))
    options = parser.parse_args()
    fastconv.set_num_threads(options.threads)
    rng = np.random.default_rng(0)
    print(f"{'image':>12s} taps  pairs (us): down  along  time of tap by tap over that of pairs: down  along")
    for shape in ((256, 256), (512, 512), (1000, 1000), (1024, 1024), (2048, 2048)):
        x = rng.standard_normal(shape).astype(options.dtype)
        out = np.empty_like(x)
        for taps in (3, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193):
            same = np.hanning(taps + 2)[1:-1].astype(np.float32).astype(np.float64)
            other = same.copy()
            other[0] = np.nextafter(np.float32(other[0]), np.float32(2))
            ratios, times = [], []
            for axis in (0, 1):
                pairs, one_by_one = seconds(
                    [partial(ndimage.correlate1d, x, w, axis, output=out) for w in (same, other)]
                )
                ratios.append(one_by_one / pairs)
                times.append(pairs * 1e6)
            print(f"{shape[0]:6d} x {shape[1]:<4d} {taps:4d}  {times[0]:8.1f} {times[1]:8.1f}  {ratios[0]:.2f}  {ratios[1]:.2f}", flush=True)


if __name__ == "__main__":
    main()
