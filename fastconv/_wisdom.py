"""What tuning found: the fastest backend of each problem on this machine, and its form on disk.

One bounded table for the process, problem -> Winner, read without a lock and written under one.  A
change of it empties the caches of plans, which were made with what was known before.  The public face
is ``wisdom.py``; ``FASTCONV_WISDOM`` names a file that is read when the table is first asked.
"""

import dataclasses
import math
import os
import platform
import threading
import warnings
from collections import Counter
from functools import cache
from typing import NamedTuple

import numpy as np

from ._core import cpu
from ._plan import CALLS, PLANS
from ._problem import Problem
from ._version import __version__
from .backends import BACKENDS

FORMAT = "fastconv wisdom"
VERSION = 1
SIZE = 4096  # problems that are remembered; beyond that the oldest is forgotten
VARIABLE = "FASTCONV_WISDOM"
_FIELDS = {"problem": dict, "backend": str, "seconds": dict, "threads": int}


class Winner(NamedTuple):
    """The fastest backend of a problem, and what each one took."""

    backend: str
    seconds: dict  # name of a backend -> seconds; never changed
    threads: int  # that could be used while it was measured


class Entry(NamedTuple):
    """What is remembered of one problem.

    Attributes
    ----------
    problem : dict
        Shapes, dtype and keywords, in plain numbers and strings.
    backend : str
        The fastest one.
    seconds : dict
        Seconds of one call for every backend that was timed.
    threads : int
        Threads that a call could use while it was timed.
    isa : str
        Instruction set that was in use.
    """

    problem: dict
    backend: str
    seconds: dict
    threads: int
    isa: str


_table = {}
_lock = threading.Lock()
_asked = False  # whether the file of the environment has been read


def _json():
    import json  # few need it, and it takes a tenth of the time to import fastconv

    return json


def key_of(problem):
    """The problem and the ISA as text: the same in every process."""
    return cpu.isa + " " + _json().dumps(_plain(problem), sort_keys=True)


def _plain(value):
    """A problem, or a part of it, in what JSON has; equal problems give equal text."""
    if dataclasses.is_dataclass(value):
        return {name: _plain(getattr(value, name)) for name in _names(value)}
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.dtype):
        return value.name
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return _number(value) if isinstance(value, (float, complex, np.number)) else str(value)


def _names(value):
    """Fields of a Geometry, an Axis, or a Problem: what was timed speaks for calls and for plans, which hold weights."""
    return [f.name for f in dataclasses.fields(value) if f.name != "held"]


def _number(value):
    """A whole number as an int, any other as text: 0, 0.0 and 0j are one number."""
    if value.imag:
        return f"{float(value.real)!r} {float(value.imag)!r}"
    value = value.real
    if math.isfinite(value) and value == int(value):
        return int(value)
    return repr(float(value))


def find(problem):
    """The Winner of a problem, or None."""
    _read_environment()
    return _table.get(key_of(problem)) if _table else None


def keep(problem, winner):
    """Remember a Winner, unless another thread was faster; what is remembered now."""
    key = key_of(problem)
    with _lock:
        known = _table.get(key)
        if known is not None and known.backend in winner.seconds:
            return known
    _store({key: winner})
    return winner


def _store(found):
    with _lock:
        for key, winner in found.items():
            _table.pop(key, None)
            _table[key] = winner
        while len(_table) > SIZE:
            del _table[next(iter(_table))]
    _forget_plans()


def _forget_plans():
    # in this order: a call that is being decided may hold a plan from before, and is not kept
    PLANS.clear()
    CALLS.clear()


def forget():
    """Empty the table; the file of the environment is not read again."""
    global _asked
    with _lock:
        _asked = True
        _table.clear()
    _forget_plans()


def entries():
    """All that is remembered, oldest first, as copies."""
    _read_environment()
    with _lock:
        found = list(_table.items())
    return tuple(Entry(_json().loads(key.split(" ", 1)[1]), w.backend, dict(w.seconds), w.threads, cpu.isa)
                 for key, w in found)  # fmt: skip


# -- on disk --------------------------------------------------------------------------------------


@cache
def cpu_name():
    """The CPU's model name as the system gives it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as f:
            for line in f:
                name, _, value = line.partition(":")
                if name.strip() == "model name" and value.strip():
                    return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine() or "unknown"


def dumps():
    """The table as JSON text, an entry a line."""
    head = {"format": FORMAT, "version": VERSION, "fastconv": __version__, "cpu": cpu_name(),
            "isa": cpu.isa}  # fmt: skip
    lines = []
    for entry in entries():
        fields = entry._asdict()
        del fields["isa"]
        lines.append(_json().dumps(fields, sort_keys=True, allow_nan=False))
    body = ",\n".join(lines)
    return _json().dumps(head)[:-1] + ', "entries": [' + (f"\n{body}\n" if body else "") + "]}\n"


def _refuse_constant(name):
    raise ValueError(f"{name} is no number of wisdom")


def parse(text, source):
    """(found by key, why entries were left out: a Counter); ValueError for text that is no wisdom."""
    try:
        document = _json().loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{source} is not fastconv wisdom: {error}") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f"{source} is not fastconv wisdom: wanted a JSON object with "
                         f"\"format\": \"{FORMAT}\"")  # fmt: skip
    if document.get("version") != VERSION:
        raise ValueError(f"{source} is wisdom of format version {document.get('version')!r}, this is "
                         f"fastconv {__version__}, which reads version {VERSION}")  # fmt: skip
    given = document.get("entries")
    if not isinstance(given, list):
        raise ValueError(f"{source}: \"entries\" must be a list, found {type(given).__name__}")
    found, left = {}, Counter()
    for i, entry in enumerate(given):
        key, winner = _checked(entry, f"{source}: entry {i}")
        reason = _foreign(document, entry)
        if reason:
            left[reason] += 1
        else:
            found[key] = winner
    return found, left


def _checked(entry, where):
    """(key, Winner) of one entry of a file, its fields checked."""
    if not isinstance(entry, dict):
        raise ValueError(f"{where} must be an object, found {type(entry).__name__}")
    for name, wanted in _FIELDS.items():
        value = entry.get(name)
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise ValueError(f"{where}: {name!r} must be of type {wanted.__name__}, found "
                             f"{value!r:.60}")  # fmt: skip
    if entry["threads"] < 1:
        raise ValueError(f"{where}: 'threads' must be at least 1, found {entry['threads']}")
    seconds = entry["seconds"]
    for name, value in seconds.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e9:
            raise ValueError(f"{where}: 'seconds' of {name!r:.60} must be a number that is not "
                             f"negative, found {value!r:.60}")  # fmt: skip
    if entry["backend"] not in seconds:
        raise ValueError(f"{where}: 'seconds' lacks the backend {entry['backend']!r:.60}")
    key = cpu.isa + " " + _json().dumps(entry["problem"], sort_keys=True)
    seconds = {name: float(value) for name, value in seconds.items()}
    return key, Winner(entry["backend"], seconds, entry["threads"])


def _foreign(document, entry):
    """Why an entry of this file says nothing about this machine and build, or None."""
    for name, here in (("cpu", cpu_name()), ("isa", cpu.isa), ("fastconv", __version__)):
        if document.get(name) != here:
            return f"of {name} {document.get(name)!r:.80}, this is {here!r}"
    if entry["problem"].keys() != set(_names(Problem)):
        return "of problems that this build cannot have"
    if entry["backend"] not in {b.name for b in BACKENDS}:
        return f"of backend {entry['backend']!r:.60}, which this build does not have"
    return None


def loads(text, source, stacklevel):
    """Take the entries of a text into the table; how many there were for this machine."""
    found, left = parse(text, source)
    if found:
        _store(found)
    if left:
        why = "; ".join(f"{count} {reason}" for reason, count in left.items())
        warnings.warn(f"{source}: {len(found)} entries taken, {left.total()} left out ({why})",
                      UserWarning, stacklevel + 1)  # fmt: skip
    return len(found)


def decode(data, source):
    """Bytes as text; ValueError where they are none."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{source} is not fastconv wisdom: {error}") from None


def read(path):
    """The text of a file; ValueError where it is none."""
    with open(path, "rb") as f:
        return decode(f.read(), repr(os.fspath(path)))


def write(path, text):
    """A file that is there whole or not at all: written beside its place, then moved there."""
    path = os.path.realpath(os.fsdecode(path))
    folder, name = os.path.split(path)
    beside = os.path.join(folder, f".{name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        with open(beside, "x", encoding="utf-8") as f:
            f.write(text)
            f.flush()
            os.fsync(f.fileno())
        os.replace(beside, path)
    except BaseException:
        if os.path.exists(beside):
            os.unlink(beside)
        raise


def _read_environment():
    """Take in the file of FASTCONV_WISDOM, once; a bad one is warned of."""
    global _asked
    if _asked:
        return
    with _lock:
        if _asked:
            return
        _asked = True
    path = os.path.expanduser(os.environ.get(VARIABLE, ""))
    if not path or not os.path.exists(path):
        return
    source = f"{VARIABLE}={path!r}"
    try:
        loads(read(path), source, 2)
    except (OSError, ValueError) as error:
        warnings.warn(f"{source} is ignored: {error}", RuntimeWarning, stacklevel=2)


__all__ = ["Entry", "Winner", "entries", "find", "forget", "keep"]
