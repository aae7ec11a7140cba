"""What the commands of ``bench`` share: their options, and the file that numbers are written to."""

import argparse
from pathlib import Path

from ._bench_timing import BenchError


def at_least_one(text):
    """An int from 1 to 4096."""
    number = int(text)
    if not 1 <= number <= 4096:
        raise argparse.ArgumentTypeError(f"1 to 4096 is wanted, found {number}")
    return number


def positive(text):
    """A finite float above 0."""
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"a positive number is wanted, found {number}")
    return number


def add_common(p, families, things):
    """The options that every command has; things: what it measures, ``layers``."""
    p.add_argument("--family", action="append", choices=families, metavar="NAME",
                   help=f"only this family, may be repeated: {', '.join(families)}")  # fmt: skip
    p.add_argument("--match", default="", metavar="TEXT",
                   help=f"only {things} with this in their name")  # fmt: skip
    p.add_argument("--threads", type=at_least_one, metavar="N",
                   help="threads of all contestants (default: as many as fastconv would use)")  # fmt: skip
    p.add_argument("--rounds", type=at_least_one, metavar="N", default=7,
                   help="turns that each contestant has (default: %(default)s)")  # fmt: skip
    p.add_argument("--seconds", type=positive, metavar="S", default=0.6,
                   help=f"time for each of the {things}, shared by all contestants "
                        "(default: %(default)s)")  # fmt: skip
    p.add_argument("--no-peers", action="store_true", help="fastconv alone")
    p.add_argument("--json", type=Path, metavar="FILE", help="also write all numbers to FILE")
    p.add_argument("--list", action="store_true", help=f"show the {things} and measure nothing")


def write(path, text, mode):
    """Write or append to a file; BenchError."""
    try:
        with path.open(mode, encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise BenchError(f"cannot write {path}: {error.strerror}") from None
