"""Timing in turns, and what this machine can do: its FMA peak and its copy bandwidth.

Whatever is compared is timed in one run, round by round, so that a busy moment hits all alike; what
counts is each side's best time. The peak and the bandwidth are measured in the same rounds.
"""

import math
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ._core import cpu, ukr

SHORTEST = 20e-6  # seconds: shorter calls are timed several at once
PEAK_TAPS = 16384  # a tile's call of 0.1 ms; its weights lie in L2 and are read in order
COPY_BYTES = 64 << 20  # beyond the last cache of most machines


class BenchError(Exception):
    """The benchmark cannot run; the message is one line for the user."""


def reason(error):
    """The kind of an exception and the first line of what it says."""
    text = (str(error).strip() or "-").splitlines()[0]
    return f"{type(error).__name__}: {text}"


def progress(text):
    """Replace the line of progress; nothing unless stderr is a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{text:<70.70}" + ("" if text else "\r"))
        sys.stderr.flush()


def seconds_of(function, times=1):
    """Wall time of one of so many calls in a row."""
    start = time.perf_counter()
    for _ in range(times):
        function()
    return (time.perf_counter() - start) / times


def race(functions, rounds, seconds):
    """The best seconds per call of each of a dict's functions, which are called in turn.

    A turn lasts its share of ``seconds``, at least one call. Its first calls, which find the caches
    and the cores with the one before, are timed too: only the best of all counts. Every other round
    runs backwards, so that nobody always follows the same one.
    """
    share = seconds / (rounds * len(functions))
    together = {}
    for name, function in functions.items():
        function()  # the first of all may select, plan and pack
        together[name] = max(1, int(SHORTEST / seconds_of(function)))
    best = dict.fromkeys(functions, math.inf)
    for i in range(rounds):
        for name in list(functions)[:: -1 if i % 2 else 1]:
            end = time.perf_counter() + share
            while True:
                best[name] = min(best[name], seconds_of(functions[name], together[name]))
                if time.perf_counter() >= end:
                    break
    return best


def geomean(values):
    """The geometric mean of positive numbers; NaN of none."""
    values = list(values)
    return math.exp(math.fsum(map(math.log, values)) / len(values)) if values else math.nan


class Peak:
    """Multiply-adds on data in L1 by the microkernel with most accumulators, on one thread.

    The microkernel is called with the GIL held, so that threads cannot run it side by side: the
    peak of n threads is taken to be n times that of one. It is of the machine's best ISA, whichever
    fastconv was told to use.
    """

    def __init__(self, dtype):
        isa, kind = cpu.available_isas()[-1], {"float32": "F32", "float64": "F64"}[dtype]
        rows = [r for r in cpu.microkernels(isa) if r[0].startswith(f"fc_{kind}_tap_ukr_")]
        name, _, mr, nv, lanes = max(rows, key=lambda row: (row[2] * row[3], row[2]))
        pixels = nv * lanes
        numbers = [np.ones(n, dtype) for n in (pixels, PEAK_TAPS * mr, mr * pixels)]
        self.microkernel, self.flops = name, 2 * PEAK_TAPS * mr * pixels
        off = np.zeros(PEAK_TAPS, np.int32)
        self._arguments = (isa, name, off, numbers[0], 0, *numbers[1:], pixels, False)

    def __call__(self):
        ukr.run(*self._arguments)


class Copy:
    """``numpy.copyto`` of one large array, cut among the threads; read and written bytes count."""

    def __init__(self, threads):
        source, target = (np.ones(COPY_BYTES // 8) for _ in range(2))
        self.bytes = 2 * source.nbytes
        self._pairs = list(zip(*(np.array_split(a, threads) for a in (target, source)), strict=True))
        self._pool = ThreadPoolExecutor(threads - 1) if threads > 1 else None

    def __call__(self):
        others = [self._pool.submit(np.copyto, *pair) for pair in self._pairs[1:]]
        np.copyto(*self._pairs[0])
        for other in others:
            other.result()

    def close(self):
        """End the threads."""
        if self._pool:
            self._pool.shutdown()


class Machine:
    """The two limits of this machine, as functions for a race and as numbers made of its results."""

    def __init__(self, dtype, threads):
        self.threads = threads
        self.peak, self.copy = Peak(dtype), Copy(threads)
        best = race({"peak": self.peak, "copy": self.copy}, 3, 0.05)
        self.flops = self.flops_per_second(best["peak"])
        self.bytes = self.bytes_per_second(best["copy"])

    def flops_per_second(self, seconds):
        """The peak of all threads, of the seconds that one call of ``peak`` took."""
        return self.threads * self.peak.flops / seconds

    def bytes_per_second(self, seconds):
        """The bandwidth, of the seconds that one call of ``copy`` took."""
        return self.copy.bytes / seconds

    @property
    def ridge(self):
        """Flops per byte below which moving the data takes longer than computing."""
        return self.flops / self.bytes

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.copy.close()
