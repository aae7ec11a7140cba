"""Time signal and image filtering, beside NumPy, SciPy and OpenCV.

Each case is one call of fastconv and the calls of the others that compute the same, with the same
number of threads where they can use any. The results are compared with the first of the others, then
all are timed in turns.
"""

import contextlib
import json
from dataclasses import dataclass, field

import numpy as np
import scipy
import scipy.fft

import fastconv

from . import _bench_signal_cases as cases
from ._bench_layers import disagreement
from ._bench_options import add_common, write
from ._bench_table import number, ratio_summary, significant
from ._bench_timing import BenchError, progress, race, reason

HELP = "signals and images against NumPy, SciPy and OpenCV"
# largest difference, of the largest result: FFTs round in other places than sums
TOLERANCE = {"f4": 1e-4, "f8": 1e-10, "c8": 1e-4, "c16": 1e-10}
RATIOS = (("best", "fastconv"), ("scipy", "fastconv"))
NOTE = (
    "best peer: the fastest of the others, with OpenCV; x peer: how often faster than that; x SciPy: than "
    "the fastest",
    "call of NumPy and SciPy. Best times of all rounds. difference: to the first of the others, of the "
    "largest result.",
)


@dataclass
class Row:
    """What was measured of a case, why it was not, or what is wrong."""

    case: cases.Case
    backend: str = "-"
    seconds: dict = field(default_factory=dict)  # by name of peer, and "fastconv"
    difference: float = 0.0
    wrong: str = ""
    missing: str = ""

    @property
    def timed(self):
        return bool(self.seconds)

    def peers(self, scipy_only=False):
        """Seconds of the others, or of NumPy and SciPy."""
        return {name: t for name, t in self.seconds.items()
                if name != "fastconv" and not (scipy_only and name.startswith("cv2"))}  # fmt: skip

    def best(self, scipy_only=False):
        """(the fastest of the others, its seconds), or ("-", None)."""
        peers = self.peers(scipy_only)
        return min(peers.items(), key=lambda item: item[1]) if peers else ("-", None)

    def ratio(self, peer, who):
        """How often faster than ("best", of all the others) or ("scipy", of NumPy and SciPy)."""
        seconds = self.best(peer == "scipy")[1]
        return None if seconds is None else seconds / self.seconds[who]


def measure(case, options):
    """The Row of a case."""
    row = Row(case)
    try:
        call, peers = case.make()
        function = call.find()
        contestants = {} if options.no_peers else dict(peers)
        contestants["fastconv"] = lambda: function(*call.arguments, **call.keywords)
        if call.function == "fastconv.convolve":
            row.backend = fastconv.explain(function, *call.arguments, **call.keywords).backend
        row.difference, row.wrong = compare(case, contestants)
        if not row.wrong:
            row.seconds = race(contestants, options.rounds, options.seconds)
    except cases.Missing as why:
        row.missing = str(why)
    except Exception as error:  # a case that fails must not end the run
        row.wrong = reason(error)
    return row


def compare(case, contestants):
    """(difference to the first of the others, what is wrong or "")."""
    results = {name: np.asarray(contestants[name]()) for name in (next(iter(contestants)), "fastconv")}
    dtype = results["fastconv"].dtype
    tolerance = TOLERANCE.get(dtype.str[1:], 0) if case.tolerance is None else case.tolerance
    if dtype.kind in "iu":  # differences of unsigned integers would wrap
        results = {name: result.astype(float) for name, result in results.items()}
    return disagreement(results, tolerance)


# -- what is printed -------------------------------------------------------------------------------


class Table:
    """Aligned lines, one at a time."""

    def __init__(self, chosen):
        self.width = max(len("geomean of 99 cases"), *(len(case.name) for case in chosen))

    def row(self, name, *cells):
        widths = (10, 11, 13, 11, 9, 11, 11)
        texts = (f"{text:>{n}}" for text, n in zip(cells, widths, strict=True))
        return f"  {name:<{self.width}} {' '.join(texts)}".rstrip()

    def header(self):
        line = self.row("case", "backend", "fastconv ms", "best peer", "its ms", "x peer",
                        "x SciPy", "difference")  # fmt: skip
        return ["", line, "-" * len(line)]

    def line(self, row):
        name = row.case.name
        if row.wrong:
            return f"  {name:<{self.width}} WRONG: {row.wrong}"
        if row.missing:
            return f"  {name:<{self.width}} left out: {row.missing}"
        peer, seconds = row.best()
        return self.row(
            name, row.backend, significant(1e3 * row.seconds["fastconv"]), peer,
            "-" if seconds is None else significant(1e3 * seconds),
            *(number(row.ratio(*pair)) for pair in RATIOS), f"{row.difference:.1e}",
        )  # fmt: skip

    def means(self, rows, title="geomean"):
        """Geometric mean and smallest of the ratios, and the largest difference."""
        rows = [row for row in rows if row.timed and row.peers()]
        if not rows:
            return [""]
        mean, worst = ratio_summary(rows, RATIOS)
        largest = f"{max(row.difference for row in rows):.1e}"
        return [
            self.row(f"{title} of {cases_text(len(rows))}", "", "", "", "", *map(number, mean), largest),
            self.row("worst", "", "", "", "", *map(number, worst), ""), "",
        ]  # fmt: skip


def cases_text(n):
    """A number of cases in words."""
    return f"{n} case{'s' * (n != 1)}"


def listing(chosen):
    """Lines for ``--list``."""
    lines, before = [], None
    for case in chosen:
        if case.family != before:
            lines.append(f"{case.family}: {cases.FAMILIES[case.family]}")
            before = case.family
        lines.append(f"  {case.name}")
    return lines


def versions():
    """{package: version} of the others."""
    found = {"NumPy": np.__version__, "SciPy": scipy.__version__}
    with contextlib.suppress(cases.Missing):
        found["OpenCV"] = cases.opencv().__version__
    return found


def introduction(options):
    """The line that says what runs where, and what is missing."""
    isa = fastconv.show_config(mode="dicts")["isa"]
    others = {} if options.no_peers else versions()
    who = [f"fastconv {fastconv.__version__} ({isa})", *(f"{k} {v}" for k, v in others.items())]
    lines = [f"{', '.join(who)}; threads: {options.threads}"]
    if others and "OpenCV" not in others:
        lines.append("OpenCV is not measured: it is not installed")
    return lines


def conclusion(table, rows):
    """The lines after the table: the means of all families together, and what is wrong."""
    groups = by_family(rows)
    lines = []
    if len(groups) > 1:
        lines += table.means(rows, "all: geomean")
    lines += NOTE
    missing = [row.case.name for row in rows if row.missing]
    if missing:
        lines.append(f"left out: {cases_text(len(missing))}")
    wrong = [row.case.name for row in rows if row.wrong]
    if wrong:
        lines.append(f"WRONG: {len(wrong)} of {cases_text(len(rows))}: {'; '.join(wrong)}")
    return lines


def by_family(rows):
    """{family: its rows that were timed beside others}."""
    groups = {}
    for row in rows:
        if row.timed and row.peers():
            groups.setdefault(row.case.family, []).append(row)
    return groups


def summary(rows):
    """{"best": {"geomean": ..., "worst": ...}, "scipy": ...}."""
    mean, worst = ratio_summary(rows, RATIOS)
    return {peer: {"geomean": m, "worst": w}
            for (peer, _), m, w in zip(RATIOS, mean, worst, strict=True)}  # fmt: skip


def document(options, rows):
    """Everything measured, as what JSON can hold; times in seconds."""
    groups = by_family(rows)
    if len(groups) > 1:
        groups["all"] = [row for group in groups.values() for row in group]
    return {
        "config": fastconv.show_config(mode="dicts"),
        "peers": {} if options.no_peers else versions(),
        "options": {name: getattr(options, name) for name in ("threads", "rounds", "seconds")},
        "cases": [
            {"family": row.case.family, "name": row.case.name, "backend": row.backend,
             "seconds": row.seconds, "difference": row.difference if row.timed else None,
             "wrong": row.wrong, "missing": row.missing}
            for row in rows
        ],
        "families": {name: summary(group) for name, group in groups.items()},
    }  # fmt: skip


# -- the command -----------------------------------------------------------------------------------


def add_options(p):
    """The options of this benchmark."""
    add_common(p, tuple(cases.FAMILIES), "cases")


@contextlib.contextmanager
def all_with(threads):
    """Inside: so many threads for everybody."""
    with contextlib.ExitStack() as inside:
        inside.enter_context(fastconv.num_threads(threads))
        inside.enter_context(scipy.fft.set_workers(threads))
        with contextlib.suppress(cases.Missing):
            cv2 = cases.opencv()
            inside.callback(cv2.setNumThreads, cv2.getNumThreads())
            cv2.setNumThreads(threads)
        yield


def run(options):
    """Measure and print: 0, or 1 where results differ; BenchError."""
    chosen = cases.select(options.family or (), options.match)
    if not chosen:
        where = f" of {', '.join(options.family)}" if options.family else ""
        raise BenchError(f"no case{where} has {options.match!r} in its name; --list shows all")
    if options.list:
        print("\n".join(listing(chosen)))
        return 0
    if options.json:
        write(options.json, "", "a")  # before the work, so that a bad name is told at once
    options.threads = options.threads or fastconv.get_num_threads()
    print("\n".join(introduction(options)))
    table = Table(chosen)
    with all_with(options.threads):
        rows = measure_all(table, chosen, options)
    print("\n".join(conclusion(table, rows)))
    if options.json:
        text = json.dumps(document(options, rows), indent=1, allow_nan=False)
        write(options.json, text + "\n", "w")
    return int(any(row.wrong for row in rows))


def measure_all(table, chosen, options):
    """The Row of each case, printed as soon as it is there, a family's means after its last."""
    rows = []
    print("\n".join(table.header()))
    for i, case in enumerate(chosen):
        first = i == 0 or chosen[i - 1].family != case.family
        last = i + 1 == len(chosen) or chosen[i + 1].family != case.family
        progress(f"[{i + 1:3}/{len(chosen)}] {case.name}")
        rows.append(measure(case, options))
        progress("")
        lines = [f"{case.family}: {cases.FAMILIES[case.family]}"] if first else []
        lines.append(table.line(rows[-1]))
        if last:
            lines += table.means([row for row in rows if row.case.family == case.family])
        print("\n".join(lines), flush=True)
    return rows
