"""``python -m fastconv bench``: how fast fastconv is on this machine, beside others.

Each subcommand is a module with ``HELP``, ``add_options(parser)`` and ``run(options)``, which gives
the exit code: 0 done, 1 a result is wrong; BenchError becomes one line and exit code 2.
"""

import argparse
import os
import sys

from . import _bench_layers, _bench_signal
from ._bench_timing import BenchError, progress

COMMANDS = {"layers": _bench_layers, "signal": _bench_signal}


def parser():
    """The command line."""
    p = argparse.ArgumentParser(
        prog="fastconv bench", description="How fast fastconv is on this machine, beside others."
    )
    commands = p.add_subparsers(dest="command", required=True)
    for name, module in COMMANDS.items():
        command = commands.add_parser(name, help=module.HELP, description=module.__doc__,
                                      formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
        module.add_options(command)
        command.set_defaults(run=module.run)
    return p


def main(argv=None):
    """Run one benchmark with command line arguments; returns the exit code."""
    options = parser().parse_args(argv)
    try:
        code = options.run(options)
        sys.stdout.flush()
        return code
    except BenchError as error:
        progress("")
        print(f"fastconv bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nfastconv bench: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read the table has gone; nothing may be flushed at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
