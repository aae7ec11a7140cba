"""Fit the seconds of the kinds of work that layers consist of (UNITS of ``fastconv/_costs.py``).

usage: python asv_bench/tools/layer_regret.py --count 200 --seed 1 --file TIMES.json
       python asv_bench/tools/fit_layers.py TIMES.json [MORE.json ...]

For every backend the measured times of plans are explained by the amounts that its ``amounts()`` counts, with
positive units, by robust least squares of the logarithms of predicted over measured; a kind of work that the
layers do not tell apart keeps the unit it has.  What function calls take longer than plans is not fitted.
"""

import json
import sys

import numpy as np
from scipy.optimize import least_squares

import fastconv
from fastconv import _costs
from fastconv.backends import BACKENDS, _fir, _image

# not in the time of plans, or of few layers
KEPT = ("made", "far_weight")
# no product is faster than the FMA peak of the machine that the units are from
FASTEST = 1.6e-11


def observations(backend, layers):
    """(amounts, seconds) of the layers that were timed with the backend."""
    found = []
    for function, x, w, keywords, seconds in layers:
        if backend.name not in seconds:
            continue
        problem = fastconv.explain(function, tuple(x), tuple(w), **keywords).problem
        alone = backend.name in ("direct", "depthwise")  # one filter over one channel: other tiles, another model
        if alone and (_image.fits(problem) or _fir.filtered_axis(problem) is not None):
            continue
        found.append((backend.amounts(problem), seconds[backend.name][0]))
    return found


def fit(backend, layers):
    """(units by kind, spread of the logarithms before and after)"""
    units = _costs.UNITS[backend.name]
    rows, seconds = zip(*observations(backend, layers), strict=True)
    seconds = np.array(seconds)
    free = [k for k in units if k not in KEPT and sum(row.get(k, 0) * units[k] > 0.05 * s
                                                      for row, s in zip(rows, seconds, strict=True)) >= 5]  # fmt: skip
    matrix = np.array([[row.get(k, 0) for k in free] for row in rows], float)
    # units that are kept are part of the prediction; what only calls do is not in the time of a plan
    fixed = np.array([sum(units[k] * n for k, n in row.items() if k not in free and k != "made") for row in rows])

    def errors(logs):
        return np.log((matrix @ np.exp(logs) + fixed) / seconds)

    start = np.log([units[k] for k in free])
    low = np.array([np.log(FASTEST) if k == "product" else -30 for k in free])
    best = least_squares(errors, np.maximum(start, low + 1e-3), loss="soft_l1", f_scale=0.2, bounds=(low, 0)).x
    return dict(units) | dict(zip(free, np.exp(best), strict=True)), np.std(errors(start)), np.std(errors(best))


def main():
    """Print the lines."""
    layers = []
    for path in sys.argv[1:]:
        with open(path) as stream:
            layers += json.load(stream)
    print("UNITS = {")
    for backend in BACKENDS:
        if backend.name in _costs.UNITS:
            units, before, after = fit(backend, layers)
            print(f"    # spread of predicted over measured {np.exp(before):.2f}, now {np.exp(after):.2f}")
            told = ", ".join(f'"{kind}": {seconds:.2g}' for kind, seconds in units.items())
            print(f'    "{backend.name}": {{{told}}},')
    print("}")


if __name__ == "__main__":
    main()
