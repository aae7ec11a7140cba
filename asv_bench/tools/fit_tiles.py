"""Measure the constants of overlap-save in tiles and print lines for ``fastconv/_costs.py``.

usage: python asv_bench/tools/fit_tiles.py

Images and volumes are convolved with every tile that is a candidate for them, on one thread, through plans
with ``out=``, in turn; the terms of the model (``backends/_tiles.py``) are fitted by least squares of the
relative error, none below zero, and the error is printed for each. Run it on an idle machine.
"""

import math
import os
import time

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
from scipy.optimize import nnls

import fastconv
from fastconv import _costs
from fastconv._core import cpu
from fastconv._problem import Axis, Geometry, Problem
from fastconv.backends import _tiles

WIDTH = _costs.VECTOR_BYTES[cpu.isa] / 64
TILES = ((32, 64), (32, 128), (64, 64), (64, 128), (64, 256), (128, 128), (128, 256), (256, 256))
ROUNDS = 9
NAMES = ("POINT", "DOUBLING", "PRODUCT")


def problem(shape, kernel, key):
    """Mode "same" of an image or volume."""
    axes = tuple(Axis(n, m, n, before=m // 2, after=m // 2) for n, m in zip(shape, kernel, strict=True))
    return Problem(Geometry((), (), 1, (), axes), np.dtype(key))


def once(plan, *arrays):
    """Seconds of one call."""
    start = time.perf_counter()
    plan.run(*arrays)
    return time.perf_counter() - start


def prepared(shape, kernel, key, tiles):
    """(terms of the model, plan and its arrays, label) of each tile."""
    p = problem(shape, kernel, key)
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(s).astype(key)[None] for s in (shape, kernel))
    order, out = _tiles._order(p, x.strides), np.empty(shape, key)
    for down, along in tiles:
        tiling = _tiles.tiling_of(p, order, down, along)
        if tiling is not None:
            plan = _tiles.TilesPlan(p, tiling)
            weights = plan.prepare(w, None)
            plan.warm(weights)
            yield _tiles.amounts(p, order, tiling), (plan, x, weights, out), (shape, kernel, down, along)


def fit(key):
    """POINT, DOUBLING, PRODUCT and TILE of one number type."""
    rows = [
        row
        for shape, kernel, tiles in (((2048, 2048), (15, 15), TILES), ((2048, 2048), (31, 31), TILES),
                                     ((128, 128, 128), (9, 9, 9), TILES[:5]),
                                     ((128, 128, 128), (25, 9, 9), TILES[:5]))
        for row in prepared(shape, kernel, key, tiles)
    ]  # fmt: skip
    spent = np.full(len(rows), math.inf)
    for _ in range(ROUNDS):
        spent = np.minimum(spent, [once(*call) for _, call, _ in rows])
    terms = np.array([[a.points, a.doublings, a.products, a.tiles] for a, _, _ in rows])
    spent -= _costs.TILES_CALL
    found = nnls(terms / spent[:, None], np.ones(len(spent)))[0]
    for (_, _, label), s, model in zip(rows, spent, terms @ found, strict=True):
        print(f"# {key} {label}: {s * 1e3:.2f} ms, model {model / s:.2f}")
    return found


def call():
    """Seconds of a call with nearly nothing to do."""
    p = problem((16, 16), (2, 2), "f4")
    plan, x = _tiles.TilesPlan(p), np.ones((1, 16, 16), np.float32)
    weights = plan.prepare(np.ones((1, 2, 2), np.float32), None)
    out = np.empty((16, 16), np.float32)
    return min(once(plan, x, weights, out) for _ in range(1000))


def main():
    """Measure and print."""
    print(f"# {cpu.isa}, one thread, fastconv {fastconv.__version__}")
    with fastconv.num_threads(1):
        print(f"TILES_CALL = {call():.1e}")
        found = {key: fit(key) for key in ("f4", "f8")}
    print(f"TILES_TILE = {found['f4'][3]:.1e}")
    for i, name in enumerate(NAMES):
        parts = ", ".join(f'"{key}": {v[i] * WIDTH:.2g}' for key, v in found.items())
        print(f"TILES_{name} = {{{parts}}}")


if __name__ == "__main__":
    main()
