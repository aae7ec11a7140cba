"""Threads, backends, and what this build and machine are."""

import os
import platform
from contextlib import contextmanager

import numpy as np

from . import _args, _select
from ._core import cpu
from ._explain import explain
from ._version import __version__


def _count(n):
    n = _args.integer(n, "n", 1)
    if n > cpu.MAX_THREADS:
        raise ValueError(f"n must be at most {cpu.MAX_THREADS}, found {n}")
    return n


def set_num_threads(n):
    """Set how many threads a call may use, for the whole process.

    Parameters
    ----------
    n : int
        At least 1. Results do not depend on it, bit for bit.

    Raises
    ------
    ValueError, TypeError
        If n is not a positive integer.

    Examples
    --------
    >>> import fastconv
    >>> before = fastconv.get_num_threads()
    >>> fastconv.set_num_threads(1)
    >>> fastconv.get_num_threads()
    1
    >>> fastconv.set_num_threads(before)
    """
    cpu.set_threads(_count(n))


def get_num_threads():
    """How many threads a call may use here.

    Set by ``num_threads`` (in this context), else ``set_num_threads``, else ``FASTCONV_NUM_THREADS``, else
    ``OMP_NUM_THREADS``, else the CPUs that this process may use.

    Returns
    -------
    int

    Examples
    --------
    >>> import fastconv
    >>> fastconv.get_num_threads() >= 1
    True
    """
    return cpu.get_threads()


@contextmanager
def num_threads(n):
    """Context manager: at most n threads for calls made inside, in this thread or task only.

    Parameters
    ----------
    n : int
        At least 1.

    Examples
    --------
    >>> import fastconv
    >>> with fastconv.num_threads(1):
    ...     fastconv.get_num_threads()
    1
    """
    token = cpu.override.set(_count(n))
    try:
        yield
    finally:
        cpu.override.reset(token)


def backends():
    """Names of the backends of this build, in the order in which they are asked.

    Besides these, ``backend=`` takes ``"auto"`` and ``"tune"``.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> import fastconv
    >>> "direct" in fastconv.backends()
    True
    """
    return _select.names()


def _blas():
    from scipy.__config__ import CONFIG

    blas = CONFIG.get("Build Dependencies", {}).get("blas", {})
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip() + " (of SciPy)"


def show_config(mode="stdout"):
    """Show version, compiler, ISA, BLAS, OpenMP runtime and threads.

    Parameters
    ----------
    mode : {'stdout', 'dicts'}
        Print (default), or return a dict.

    Returns
    -------
    dict or None

    Raises
    ------
    ValueError
        For another mode.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.show_config(mode="dicts")["isa"] in ("baseline", "avx2", "avx512", "neon")
    True
    """
    _args.choice(mode, ("stdout", "dicts"), "mode")
    build = cpu.build_info()
    from importlib.metadata import version

    info = {
        "fastconv": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": version("scipy"),
        "compiler": build["compiler"],
        "isa": cpu.isa,
        "isas available": ", ".join(cpu.available_isas()),
        "openmp": str(build["openmp"]) if build["openmp"] else "none: built single-threaded",
        "threads": cpu.get_threads() if build["openmp"] else 1,
        "cpus usable": cpu.usable_cpus(),
        "blas": _blas(),
        "backends": ", ".join(_select.names()),
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs",
    }
    if mode == "dicts":
        return info
    width = max(map(len, info))
    for name, value in info.items():
        print(f"{name:<{width}}  {value}")
    return None


__all__ = ["backends", "explain", "get_num_threads", "num_threads", "set_num_threads", "show_config"]
