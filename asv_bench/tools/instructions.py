"""Instructions per vector multiply-add of layers, as plans, counted by valgrind: the same on any machine, at any load.

usage: python asv_bench/tools/instructions.py [--match TEXT] [--backend NAME]... [--isa ISA]

A core dispatches so many instructions a cycle, and half of them or fewer while its other hyperthread is at work; a
loop of 1.7 instructions a multiply-add still reaches the FMA peak then, one of 2.3 does not. Ideal for a tile of 6
pixels by 2 vectors: 8 loads for 12 multiply-adds, 1.67. Winograd and FFT are counted by the multiply-adds of the
direct sum. One image; long layers are left out, as valgrind takes a hundred times as long.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys

import numpy as np

import fastconv
from fastconv import _bench_shapes

MOST = 6e9  # multiply-adds of a layer
LANES = {"baseline": 4, "avx2": 8}


def _layers(match):
    for layer in _bench_shapes.select(match=match):
        if _cost(layer).macs < MOST:
            yield layer


def _cost(layer):
    return fastconv.conv_cost((1, *layer.x[1:]), layer.w, transposed=layer.transposed, **layer.keywords)


def _calls(title, backend, calls):
    """What valgrind watches."""
    fastconv.set_num_threads(1)
    layer = next(n for n in _layers(title) if n.title == title)
    x, w = np.ones((1, *layer.x[1:]), np.float32), np.ones(layer.w, np.float32)
    make = fastconv.plan_transpose if layer.transposed else fastconv.plan
    plan = make(w, input_shape=x.shape, backend=backend, **layer.keywords)
    out = np.empty(plan.output_shape, np.float32)
    for _ in range(calls):
        plan(x, out=out)
    print(plan.backend)


def _count(layer, backend, isa):
    """(backend, instructions of a call), or None where the backend cannot."""
    counts = []
    for calls in (1, 3):
        command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable, __file__,
                   "--calls", layer.title, backend, str(calls)]  # fmt: skip
        environment = {**os.environ, "FASTCONV_ISA": isa, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        if done.returncode:
            return None
        counts.append(int(re.search(r"Collected : (\d+)", done.stderr)[1]))
    return done.stdout.strip(), (counts[1] - counts[0]) / 2


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--match", default="", help="layers whose names hold this")
    parser.add_argument("--backend", action="append", help="auto if none is given")
    parser.add_argument("--isa", default="avx2", choices=["baseline", "avx2"], help="valgrind knows no AVX-512")
    parser.add_argument("--calls", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.calls:
        title, backend, calls = options.calls
        _calls(title, backend, int(calls))
        return
    if not shutil.which("valgrind"):
        parser.error("valgrind is not installed")
    for layer in _layers(options.match):
        for backend in options.backend or ["auto"]:
            found = _count(layer, backend, options.isa)
            if found:
                name, instructions = found
                each = instructions / _cost(layer).macs * LANES[options.isa]
                print(f"{layer.title:44s} {name:10s} {each:6.2f}", flush=True)


if __name__ == "__main__":
    main()
