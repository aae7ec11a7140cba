"""Time the convolution layers of published networks, beside PyTorch and ONNX Runtime.

Each layer is computed by a function call, by a plan that writes into ``out``, by PyTorch's
functional call and by a session of ONNX Runtime (where these are installed; both on channels-first
arrays), with the same number of threads. The results are compared, then all are timed in turns,
together with this machine's FMA peak and copy bandwidth.
"""

import contextlib
import json
from dataclasses import dataclass, field

import numpy as np

import fastconv

from . import _bench_peers, _bench_shapes, _bench_table
from ._bench_options import add_common, write
from ._bench_timing import BenchError, Machine, progress, race, reason

HELP = "layers of networks against PyTorch, ONNX Runtime and the machine's limits"

# largest difference of two results, of the largest result: Winograd and FFT round in other places
# than a direct sum, but a misplaced sample is far beyond
TOLERANCE = {"float32": 1e-4, "float64": 1e-11}


@dataclass
class Row:
    """What was measured of a layer: seconds by who computed it, or what went wrong."""

    layer: _bench_shapes.Layer
    cost: object  # fastconv.ConvCost
    backend: str = "-"
    seconds: dict = field(default_factory=dict)
    difference: float = 0.0
    wrong: str = ""
    limit: str = "fma"  # or "copy": what bounds the layer
    limit_rate: float = float("nan")  # flops, or bytes, per second, measured beside the layer

    def rate(self, who):
        """Useful flops per second."""
        return self.cost.flops / self.seconds[who]

    def fraction(self, who):
        """How much of the limit was reached."""
        done = self.cost.flops if self.limit == "fma" else self.bytes
        return done / self.seconds[who] / self.limit_rate

    @property
    def bytes(self):
        """Input, weights and result, each moved once."""
        return self.cost.input_bytes + self.cost.weight_bytes + self.cost.output_bytes

    def ratio(self, peer, who):
        """How often faster than a peer; None where the peer has no such layer."""
        return self.seconds[peer] / self.seconds[who] if peer in self.seconds else None


# -- one layer -------------------------------------------------------------------------------------


def arrays(layer, dtype):
    """(x, w, bias) of random numbers, x channels first."""
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape, dtype) for shape in (layer.x, layer.w, (layer.outputs,))]


def own_contestants(layer, options, x, w, bias):
    """(functions by the names of OWN, which give the result in the asked layout; backends taken)."""
    call = getattr(fastconv, layer.function)
    words = {"layout": options.layout, **layer.keywords}
    if options.layout == "channels_last":
        x = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    make = fastconv.plan_transpose if layer.transposed else fastconv.plan
    plan = make(w, bias, input_shape=x.shape, **words)
    out = np.empty(plan.output_shape, plan.dtype)
    taken = [fastconv.explain(call, x, w, bias, **words).backend, plan.backend]
    return {
        "call": lambda: call(x, w, bias, **words),
        "plan": lambda: plan(x, out=out),
    }, "/".join(dict.fromkeys(taken))


def disagreement(results, tolerance):
    """(largest relative difference to the first result, what is wrong or "")."""
    (first, wanted), *others = results.items()
    largest, wrong = 0.0, []
    scale = float(np.abs(wanted).max()) or 1.0
    for name, found in others:
        if found.shape != wanted.shape:
            wrong.append(f"{name} has shape {found.shape}, {first} {wanted.shape}")
            continue
        difference = float(np.abs(found - wanted).max()) / scale
        largest = max(largest, difference)
        if not difference <= tolerance:  # NaN is not
            wrong.append(f"{name} differs from {first} by {difference:.1e} of the largest result")
    return largest, "; ".join(wrong)


class Bench:
    """The peers and the machine that all layers of a run are measured with."""

    def __init__(self, options, peers, machine):
        self.options, self.peers, self.machine = options, peers, machine
        self.cannot = {}  # title of a peer: reasons why it left layers out

    def measure(self, layer):
        """The Row of a layer."""
        cost = fastconv.conv_cost(layer.x, layer.w, transposed=layer.transposed,
                                  dtype=self.options.dtype, **layer.keywords)  # fmt: skip
        row = Row(layer, cost)
        try:
            contestants = self.contestants(row)
            results = self.results(contestants)
        except Exception as error:  # a layer that fails must not end the run
            row.wrong = reason(error)
            return row
        row.difference, row.wrong = disagreement(results, TOLERANCE[self.options.dtype])
        if not row.wrong:
            self.time(row, contestants)
        return row

    def contestants(self, row):
        """All functions that compute the layer, by name; the peers first, which the rest must equal."""
        layer, found = row.layer, {}
        operands = arrays(layer, self.options.dtype)
        for peer in self.peers:
            try:
                found[peer.name] = peer.prepare(layer, *operands)
            except _bench_peers.PeerCannot as why:
                self.cannot.setdefault(peer.title, []).append(str(why))
        own, row.backend = own_contestants(layer, self.options, *operands)
        return {**found, **own}

    def results(self, contestants):
        """What each computes, as arrays with channels first."""
        results = {name: np.asarray(function()) for name, function in contestants.items()}
        if self.options.layout == "channels_last":
            for name in _bench_table.OWN:
                results[name] = np.moveaxis(results[name], -1, 1)
        return results

    def time(self, row, contestants):
        """Fill in the times, and the limit measured in the same rounds."""
        machine, options = self.machine, self.options
        row.limit = "copy" if row.cost.arithmetic_intensity < machine.ridge else "fma"
        limit = machine.copy if row.limit == "copy" else machine.peak
        times = race({**contestants, "limit": limit}, options.rounds, options.seconds)
        took = times.pop("limit")
        per_second = machine.bytes_per_second if row.limit == "copy" else machine.flops_per_second
        row.seconds, row.limit_rate = times, per_second(took)


# -- the command -----------------------------------------------------------------------------------


def add_options(p):
    """The options of this benchmark."""
    add_common(p, tuple(_bench_shapes.FAMILIES), "layers")
    p.add_argument("--layout", choices=("channels_first", "channels_last"), default="channels_first",
                   help="of fastconv's arrays (default: %(default)s)")  # fmt: skip
    p.add_argument("--dtype", choices=tuple(TOLERANCE), default="float32",
                   help="default: %(default)s")  # fmt: skip


def run(options):
    """Measure and print: 0, or 1 where results differ; BenchError."""
    layers = _bench_shapes.select(options.family or (), options.match)
    if not layers:
        where = f" of {', '.join(options.family)}" if options.family else ""
        raise BenchError(f"no layer{where} has {options.match!r} in its name; --list shows all")
    if options.list:
        print("\n".join(_bench_table.listing(layers)))
        return 0
    if options.json:
        write(options.json, "", "a")  # before the work, so that a bad name is told at once
    options.threads = options.threads or fastconv.get_num_threads()
    peers, missing = ([], []) if options.no_peers else _bench_peers.installed(options.threads)
    with contextlib.ExitStack() as inside:
        inside.enter_context(fastconv.num_threads(options.threads))
        for peer in peers:
            inside.enter_context(peer.running())
        machine = inside.enter_context(Machine(options.dtype, options.threads))
        bench = Bench(options, peers, machine)
        for line in (*_bench_table.introduction(options, peers, machine), *missing):
            print(line)
        rows = measure_all(bench, layers)
    print("\n".join(_bench_table.conclusion(rows, peers, bench.cannot)))
    if options.json:
        content = _bench_table.document(options, peers, machine, rows)
        write(options.json, json.dumps(content, indent=1, allow_nan=False) + "\n", "w")
    return int(any(row.wrong for row in rows))


def measure_all(bench, layers):
    """The Row of each layer, printed as soon as it is there, a family's means after its last."""
    table = _bench_table.Table(bench.peers, layers)
    rows = []
    print("\n".join(table.header()))
    for i, layer in enumerate(layers):
        first = i == 0 or layers[i - 1].family != layer.family
        last = i + 1 == len(layers) or layers[i + 1].family != layer.family
        progress(f"[{i + 1:3}/{len(layers)}] {layer.title}")
        rows.append(bench.measure(layer))
        progress("")
        lines = [*(table.family(layer.family) if first else ()), table.line(rows[-1])]
        if last:
            lines += table.means([row for row in rows if row.layer.family == layer.family])
        print("\n".join(lines), flush=True)
    return rows
