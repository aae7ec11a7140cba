"""Build step: all modules' C sources from one run of Cython, which then reads NumPy's and our own
.pxd files once instead of once a module (a third of the time).

    run_cython.py OUTDIR CYTHON ARGUMENTS... -- SOURCES...

After a change only what it concerns is generated again: every module after a change of a .pxd
file, else the changed ones.  A C file whose text stays the same keeps its time, so that the compiler
does not run for it.  FASTCONV_CYTHON_CACHE names a folder where what was generated is kept for the
next build of the same text, wherever that is: continuous integration builds three times.
"""
import hashlib
import importlib.metadata
import os
import pathlib
import shutil
import subprocess
import sys


def main(outdir, *arguments):
    split = arguments.index("--")
    command, sources = arguments[:split], [pathlib.Path(s) for s in arguments[split + 1:]]
    outdir = pathlib.Path(outdir)
    fresh = outdir / "cython"
    fresh.mkdir(exist_ok=True)
    shared = max(p.stat().st_mtime for p in [*sources[0].parent.glob("*.pxd"), pathlib.Path(__file__)])
    stale = [s for s in sources if not newer(fresh / f"{s.stem}.c", max(shared, s.stat().st_mtime))]
    store = cached(command, sources)
    if stale and store and store.exists():
        shutil.copytree(store, fresh, dirs_exist_ok=True, copy_function=shutil.copyfile)
    elif stale:
        done = subprocess.run([*command, "-o", fresh, *stale])
        if done.returncode:
            for source in stale:    # Cython leaves a file there for a module that has an error
                (fresh / f"{source.stem}.c").unlink(missing_ok=True)
            return done.returncode
        if store:
            part = store.with_name(f"{store.name}.{os.getpid()}")
            shutil.copytree(fresh, part)
            try:
                part.rename(store)
            except OSError:     # another build was first
                shutil.rmtree(part)
    for source in sources:
        made, kept = fresh / f"{source.stem}.c", outdir / f"{source.stem}.c"
        text = made.read_bytes()
        if not kept.exists() or kept.read_bytes() != text:
            kept.write_bytes(text)
    return 0


def cached(command, sources):
    """Where what Cython makes of all ``sources`` is kept, or None where nothing is."""
    folder = os.environ.get("FASTCONV_CYTHON_CACHE")
    if not folder:
        return None
    key = hashlib.sha256()
    for part in (*map(importlib.metadata.version, ("cython", "numpy")), *command[1:], *map(str, sources)):
        key.update(part.encode() + b"\0")
    for path in [*sources, *sorted(sources[0].parent.glob("*.pxd")), pathlib.Path(__file__)]:
        key.update(path.read_bytes() + b"\0")
    return pathlib.Path(folder, key.hexdigest())


def newer(path, time):
    return path.exists() and path.stat().st_mtime > time


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
