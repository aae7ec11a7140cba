"""What ``bench layers`` prints and writes: the table, the means, the networks, the JSON document."""

import fastconv

from . import _bench_shapes
from ._bench_timing import geomean

OWN = ("call", "plan")
RATIOS = (("torch", "call"), ("torch", "plan"), ("ort", "plan"))
NOTE = (
    "GF/s: useful flops (of the direct sum) by time. %: of the limit that binds the plan, measured in "
    "the same rounds:",
    "fma, the flops of all multiply-adds that the cores can do; copy, the bytes per second of a large "
    "copy, for layers",
    "with few flops per byte. Ratios above 1: fastconv is faster. Best times of all rounds.",
)


# -- before ----------------------------------------------------------------------------------------


def listing(layers):
    """Lines for ``--list``."""
    lines, before = [], None
    for layer in layers:
        if layer.family != before:
            lines.append(f"{layer.family}: {_bench_shapes.FAMILIES[layer.family]}")
            before = layer.family
        words = "".join(f" {k}={v}" for k, v in layer.keywords.items())
        often = f"  (x{layer.count})" if layer.count > 1 else ""
        lines.append(f"  {layer.title:<36} {layer.x} * {layer.w}{words}{often}")
    return lines


def introduction(options, peers, machine):
    """Lines that say what runs where."""
    info = fastconv.show_config(mode="dicts")
    who = [f"fastconv {info['fastconv']} ({info['isa']}, {options.layout})"]
    who += [f"{peer.package} {peer.version} (channels_first)" for peer in peers]
    n = options.threads
    times = f" x {n} = {machine.flops / 1e9:.1f} GFLOP/s for {n} threads" if n > 1 else ""
    return [
        f"{', '.join(who)}; {options.dtype}, threads: {n}",
        f"limits: {machine.flops / n / 1e9:.1f} GFLOP/s on one thread{times} "
        f"({machine.peak.microkernel}), copy {machine.bytes / 1e9:.1f} GB/s",
    ]


# -- the table -------------------------------------------------------------------------------------


def number(value, digits=2):
    """Text of a number that may be missing."""
    return "-" if value is None else f"{value:.{digits}f}"


def significant(value):
    """Text of a positive number with three digits that matter, at most four decimals."""
    digits = next((d for d in range(3) if value >= 10 ** (2 - d)), 3 if value >= 0.1 else 4)
    return f"{value:.{digits}f}"


class Table:
    """Aligned lines, one at a time: widths are known before the first number is."""

    def __init__(self, peers, layers):
        self.peers = {peer.name: peer.title for peer in peers}
        self.ratios = [(peer, who) for peer, who in RATIOS if peer in self.peers]
        self.width = max(len(self.label(layer)) for layer in layers)
        self.width = max(self.width, len("geomean of 100 layers"))

    def label(self, layer):
        """The first column of a layer."""
        return layer.title + (f" x{layer.count}" if layer.count > 1 else "")

    def row(self, name, cells, ratios):
        """One line: the name to the left, all else to the right."""
        texts = [*(f"{t:>{n}}" for t, n in zip(cells, self.widths(), strict=True))]
        texts += [f"{t:>10}" for t in ratios]
        return f"  {name:<{self.width}} {' '.join(texts)}".rstrip()

    def widths(self):
        """Of the columns between the name and the ratios."""
        return (8, 9, 9, 5, 4, 17, *[9] * (2 + len(self.peers)))

    def header(self):
        """The titles of the columns, and a rule."""
        times = [f"{title} ms" for title in (*OWN, *self.peers.values())]
        titles = ["GFLOP", "call GF/s", "plan GF/s", "%", "of", "backend", *times]
        ratios = [f"{self.peers[peer]}/{who}" for peer, who in self.ratios]
        line = self.row("layer", titles, ratios)
        return ["", line, "-" * len(line)]

    def family(self, name):
        """The line above a family."""
        return [f"{name}: {_bench_shapes.FAMILIES[name]}"]

    def line(self, row):
        """One layer."""
        name, gflop = self.label(row.layer), f"{row.cost.flops / 1e9:.4f}"
        if row.wrong:
            return f"  {name:<{self.width}} {gflop:>8}  WRONG: {row.wrong}"
        cells = [gflop, *(f"{row.rate(who) / 1e9:.1f}" for who in OWN),
                 f"{100 * row.fraction('plan'):.0f}", row.limit, row.backend]  # fmt: skip
        for who in (*OWN, *self.peers):
            cells.append(significant(1e3 * row.seconds[who]) if who in row.seconds else "-")
        return self.row(name, cells, [number(row.ratio(*pair)) for pair in self.ratios])

    def means(self, rows):
        """The lines below a family: geometric means and the worst of the ratios."""
        timed = [row for row in rows if not row.wrong]
        if not self.ratios or not timed:
            return [""]
        blank = [""] * len(self.widths())
        mean, worst = ratio_summary(timed, self.ratios)
        return [
            self.row(f"geomean of {layers_text(len(timed))}", blank, map(number, mean)),
            self.row("worst", blank, map(number, worst)),
            "",
        ]


def layers_text(n):
    """A number of layers in words."""
    return f"{n} layer{'s' * (n != 1)}"


def ratio_summary(rows, ratios):
    """(geometric mean of each ratio, the smallest of each); None where no row has it."""
    mean, worst = [], []
    for pair in ratios:
        found = [row.ratio(*pair) for row in rows if row.ratio(*pair) is not None]
        mean.append(geomean(found) if found else None)
        worst.append(min(found, default=None))
    return mean, worst


# -- after -----------------------------------------------------------------------------------------


def by_family(rows):
    """{family: its rows that were timed}, in order; "all" of them if there is more than one family."""
    groups = {}
    for row in rows:
        if not row.wrong:
            groups.setdefault(row.layer.family, []).append(row)
    if len(groups) > 1:
        groups["all"] = [row for group in groups.values() for row in group]
    return groups


def whole_networks(rows):
    """{network: its rows} of the networks whose layers all were timed."""
    timed = [row for row in rows if not row.wrong]
    groups = {}
    for network in _bench_shapes.WHOLE:
        wanted = [layer for layer in _bench_shapes.LAYERS if layer.network == network]
        found = [row for row in timed if row.layer.network == network]
        if len(found) == len(wanted):
            groups[network] = found
    return groups


def total(rows, who):
    """Seconds of all layers, each as often as it occurs; None where one is missing."""
    if any(who not in row.seconds for row in rows):
        return None
    return sum(row.layer.count * row.seconds[who] for row in rows)


def conclusion(rows, peers, cannot):
    """The lines after the table."""
    titles = {peer.name: peer.title for peer in peers}
    ratios = [(peer, who) for peer, who in RATIOS if peer in titles]
    lines = []
    for title, reasons in cannot.items():
        lines.append(f"{title} cannot compute {layers_text(len(reasons))}: {reasons[0]}")
    if lines:
        lines.append("")
    if ratios and by_family(rows):
        lines += family_lines(by_family(rows), ratios, titles)
    if whole_networks(rows):
        lines += network_lines(whole_networks(rows), titles)
    lines += NOTE
    wrong = [row.layer.title for row in rows if row.wrong]
    if wrong:
        lines.append(f"WRONG: {len(wrong)} of {layers_text(len(rows))}: {'; '.join(wrong)}")
    return lines


def family_lines(groups, ratios, titles):
    """The geometric means of all families."""
    heads = "".join(f"{f'{titles[peer]}/{who}':>18}" for peer, who in ratios)
    lines = [f"{'geomean (worst)':<18}{'layers':>6}{heads}"]
    for name, rows in groups.items():
        pairs = zip(*ratio_summary(rows, ratios), strict=True)
        cells = "".join(f"{f'{number(m)} ({number(w)})':>18}" for m, w in pairs)
        lines.append(f"{name:<18}{len(rows):>6}{cells}")
    return [*lines, ""]


def network_lines(groups, titles):
    """The convolutions of whole networks, added up."""
    who = (*OWN, *titles)
    heads = "".join(f"{titles.get(w, w) + ' ms':>12}" for w in who)
    lines = [f"{'whole network':<18}{'convs':>6}{heads}"]
    for network, rows in groups.items():
        totals = [total(rows, w) for w in who]
        cells = "".join(f"{number(None if t is None else 1e3 * t):>12}" for t in totals)
        lines.append(f"{network:<18}{sum(r.layer.count for r in rows):>6}{cells}")
    return [*lines, ""]


# -- JSON ------------------------------------------------------------------------------------------


def document(options, peers, machine, rows):
    """Everything measured, as what JSON can hold; rates are per second, times in seconds."""
    ratios = [(peer, who) for peer, who in RATIOS if any(p.name == peer for p in peers)]
    families = {}
    for name, group in by_family(rows).items():
        mean, worst = ratio_summary(group, ratios)
        families[name] = {
            f"{peer}/{who}": {"geomean": m, "worst": w}
            for (peer, who), m, w in zip(ratios, mean, worst, strict=True)
        }
    everyone = (*OWN, *(peer.name for peer in peers))
    return {
        "config": fastconv.show_config(mode="dicts"),
        "peers": {peer.name: peer.version for peer in peers},
        "options": {
            name: getattr(options, name)
            for name in ("threads", "rounds", "seconds", "layout", "dtype")
        },
        "machine": {
            "peak_flops": machine.flops,
            "peak_microkernel": machine.peak.microkernel,
            "peak_measured_on": "one thread, times threads",
            "copy_bytes": machine.bytes,
        },
        "layers": [layer_record(row, ratios) for row in rows],
        "families": families,
        "networks": {
            network: {who: total(group, who) for who in everyone}
            for network, group in whole_networks(rows).items()
        },
    }


def layer_record(row, ratios):
    """One layer for `document`."""
    layer = row.layer
    record = {
        "family": layer.family, "network": layer.network, "name": layer.name,
        "function": layer.function, "x": layer.x, "w": layer.w, "keywords": layer.keywords,
        "count": layer.count, "flops": row.cost.flops, "bytes": row.bytes,
        "backend": row.backend, "wrong": row.wrong,
    }  # fmt: skip
    if not row.wrong:
        record |= {
            "difference": row.difference, "seconds": row.seconds, "limit": row.limit,
            "limit_rate": row.limit_rate, "fraction": row.fraction("plan"),
            "ratios": {f"{peer}/{who}": row.ratio(peer, who) for peer, who in ratios},
        }  # fmt: skip
    return record
