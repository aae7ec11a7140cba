"""How much time "auto" loses on layers by choosing wrongly, over random layers of the sizes that networks have.

usage: python asv_bench/tools/layer_regret.py [--count N] [--seed S] [--threads T] [--file TIMES.json] [--list]

Times every candidate backend's plan and function call of each layer, interleaved, minima over rounds, and
prints the choice of the cost model over the best: geometric mean, share within 15 %, the worst.  With --file the
times are kept there, or read from there where it exists: constants of ``fastconv/_costs.py`` can then be changed
and judged again in seconds, without timing.  Backends predicted ten times slower than the best are left out.
"""

import argparse
import json
import math
import os
import random
import statistics
import time

options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
options.add_argument("--count", type=int, default=120)
options.add_argument("--seed", type=int, default=1)
options.add_argument("--threads", type=int, default=1)
options.add_argument("--file", default="")
options.add_argument("--list", action="store_true", help="predicted and measured times of every layer")
options.add_argument("--call", action="store_true", help="judge function calls, not plans")
OPTIONS = options.parse_args()
os.environ["OMP_NUM_THREADS"] = str(OPTIONS.threads)

import numpy as np  # noqa: E402

import fastconv  # noqa: E402
from fastconv import _select  # noqa: E402

ROUNDS, SLICE = 5, 0.015
# no layer of more multiply-adds, nor of more numbers in or out
MOST_MACS, MOST_NUMBERS = 3e9, 2e7


def layer(draw):
    """(function, x shape, w shape, keywords) of a random layer."""
    rank = draw.choices((1, 2, 3), (2, 6, 2))[0]
    transposed = draw.random() < 0.15
    channels, filters = (draw.choice((1, 3, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512)) for _ in "cf")
    side = draw.choice({1: (64, 256, 1024, 4096, 16000), 2: (7, 14, 17, 28, 35, 56, 112, 224), 3: (7, 14, 28, 56)}[rank])
    kernel = draw.choices((1, 2, 3, 4, 5, 7, 9), (4, 1, 8, 1, 2, 2, 1))[0]
    batch = draw.choice((1, 1, 1, 2, 8))
    groups = draw.choice((1, 1, 1, 1, 2, 4, 32))
    if groups > 1 and (channels % groups or filters % groups):
        groups = 1
    stride = draw.choices((1, 2, 4), (6, 3, 1))[0]
    dilation = 1 if transposed else draw.choices((1, 2, 4), (8, 1, 1))[0]
    if draw.random() < 0.15 and not transposed:
        groups = channels = filters
    dims = (side,) * rank if rank < 3 else (draw.choice((4, 8, 16)), side, side)
    reach = (kernel - 1) * dilation
    if any(n + 2 * (reach // 2) < reach + 1 for n in dims):
        return None
    keywords = {"padding": reach // 2, "stride": stride, "groups": groups}
    if not transposed:
        keywords["dilation"] = dilation
    w = (channels, filters // groups) if transposed else (filters, channels // groups)
    macs = batch * channels * filters // groups * math.prod(dims) * kernel**rank / (1 if transposed else stride**rank)
    out = batch * filters * math.prod(dims) * (stride**rank if transposed else stride**-rank)
    if macs > MOST_MACS or max(out, batch * channels * math.prod(dims)) > MOST_NUMBERS:
        return None
    x = (batch, channels, *dims)
    if draw.random() < 0.2:
        keywords["layout"] = "channels_last"
        x = (batch, *dims, channels)
    return f"conv{'_transpose' if transposed else ''}{rank}d", x, (*w, *(kernel,) * rank), keywords


def timed(calls):
    """Seconds of every call: minima over rounds of as many in a row as fill a slice."""
    loops, best = {}, dict.fromkeys(calls, float("inf"))
    for name, call in calls.items():
        call()
        start = time.perf_counter()
        call()
        loops[name] = max(1, int(SLICE / (time.perf_counter() - start)))
    for _ in range(ROUNDS):
        for name, call in calls.items():
            start = time.perf_counter()
            for _ in range(loops[name]):
                call()
            best[name] = min(best[name], (time.perf_counter() - start) / loops[name])
    return best


def predicted(function, x, w, keywords):
    """Predicted seconds by backend, of those that can compute it."""
    problem = fastconv.explain(function, x, w, **keywords).problem
    return {c.name: c.cost for c in _select.candidates(problem) if c.ok}


def measured(function, x, w, keywords, names):
    """[seconds of a plan, of a function call] by backend."""
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(shape, np.float32) for shape in (x, w))
    calls = {}
    for name in names:
        plan = (fastconv.plan_transpose if "transpose" in function else fastconv.plan)(
            w, input_shape=x.shape, backend=name, **keywords
        )
        out = np.empty(plan.output_shape, np.float32)
        calls[name, 0] = lambda plan=plan, out=out: plan(x, out=out)
        calls[name, 1] = lambda name=name: getattr(fastconv, function)(x, w, backend=name, **keywords)
    best = timed(calls)
    return {name: [best[name, 0], best[name, 1]] for name in names}


def times():
    """Layers and their times, from the file or measured."""
    if OPTIONS.file and os.path.exists(OPTIONS.file):
        with open(OPTIONS.file) as stream:
            return json.load(stream)
    draw, found = random.Random(OPTIONS.seed), []
    while len(found) < OPTIONS.count:
        one = layer(draw)
        if one is None:
            continue
        costs = predicted(*one)
        names = [n for n, cost in costs.items() if cost < 10 * min(costs.values())]
        found.append([*one, measured(*one, names)])
    if OPTIONS.file:
        with open(OPTIONS.file, "w") as stream:
            json.dump(found, stream)
    return found


def main():
    """Print the losses."""
    fastconv.set_num_threads(OPTIONS.threads)
    rows, losses = [], []
    for function, x, w, keywords, seconds in times():
        costs = predicted(function, tuple(x), tuple(w), keywords)
        seconds = {name: both[OPTIONS.call] for name, both in seconds.items()}
        chosen, best = min(costs, key=costs.get), min(seconds, key=seconds.get)
        loss = seconds.get(chosen, float("nan")) / seconds[best]
        losses.append(loss)
        told = ", ".join(f"{n} {seconds[n] * 1e3:.3f} ({costs[n] / seconds[n]:.2f})" for n in sorted(seconds, key=seconds.get))
        extra = " ".join(f"{k}={v}" for k, v in keywords.items() if v != {"padding": 0}.get(k, 1))
        rows.append((loss, f"{loss:5.2f} {function} {tuple(x)} {tuple(w)} {extra}: {chosen}; {told}"))
    for loss, row in sorted(rows, reverse=True):
        if OPTIONS.list or loss > 1.15:
            print(row)
    print(f"{len(losses)} layers: geometric mean {statistics.geometric_mean(losses):.3f}, within 15 % "
          f"{sum(loss <= 1.15 for loss in losses) / len(losses):.1%}, worst {max(losses):.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
