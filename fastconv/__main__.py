"""``fastconv`` and ``python -m fastconv``: info, demo, bench."""

import sys
from pathlib import Path

# started among the sources themselves, ``signal`` would be fastconv's and not the standard library's
sys.path[:] = [p for p in sys.path if not (Path(p) / "signal" / "_convolutions.py").is_file()]

import argparse  # noqa: E402


def main(argv=None):
    """Run one command; the exit status."""
    parser = argparse.ArgumentParser(prog="fastconv", description="Convolution for NumPy arrays.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("info", help="show version, compiler, ISA, BLAS, threads")
    commands.add_parser("demo", help="a guided run on a photograph and a recording", add_help=False)
    commands.add_parser("bench", help="timings of this machine, beside others", add_help=False)
    arguments, rest = parser.parse_known_args(argv)
    if arguments.command == "demo":
        from fastconv import _demo

        return _demo.main(rest)
    if arguments.command == "bench":
        from fastconv import _bench

        return _bench.main(rest)
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    import fastconv

    fastconv.show_config()
    return 0


if __name__ == "__main__":
    sys.exit(main())
