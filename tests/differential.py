"""Random problems against the oracle: ``python tests/differential.py --count 20000 --seed 0``.

Case k of a seed is always the same problem: operation, dtypes, views, keywords and backend are drawn
from ``default_rng([seed, k])``.  The oracle is ``fastconv._reference`` in a wider type: integers and bool
must be equal, floats within the bound that any order of summation keeps, ``(n + 2) u sum|x||w|`` for
n products.  A mismatch prints the command that repeats it and makes the exit status 1.
"""

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from operations import draw_case

import fastconv


def run_cases(seed, numbers, backend):
    """(refused, [(number, call, what is wrong)])."""
    refused, wrong = 0, []
    for k in numbers:
        case = draw_case(seed, k, backend=backend)
        answer = case.check()
        refused += answer == "refused"
        if answer not in (None, "refused"):
            wrong.append((k, str(case), answer))
            more = f" --backend {backend}" if backend else ""
            print(f"python tests/differential.py --seed {seed} --only {k}{more}\n  {case}\n  {answer}",
                  flush=True)  # fmt: skip
    return refused, wrong


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="run this case alone")
    parser.add_argument("--backend", choices=["auto", *fastconv.backends()])
    parser.add_argument("--jobs", type=int, default=1)
    args = parser.parse_args(argv)
    numbers = [args.only] if args.only is not None else range(args.count)
    started = time.perf_counter()
    if args.jobs == 1:
        results = [run_cases(args.seed, numbers, args.backend)]
    else:
        parts = [numbers[i :: 8 * args.jobs] for i in range(8 * args.jobs)]
        with ProcessPoolExecutor(args.jobs, get_context("spawn")) as pool_of:
            jobs = [pool_of.submit(run_cases, args.seed, p, args.backend) for p in parts]
            results = [j.result() for j in jobs]
    seconds = time.perf_counter() - started
    refused, wrong = sum(r for r, _ in results), [w for _, ws in results for w in ws]
    print(f"{len(numbers)} problems, {refused} refused, {len(wrong)} mismatches "
          f"({len(numbers) / seconds:.0f} a second)")  # fmt: skip
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
