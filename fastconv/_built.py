"""Finding the compiled modules when Python stands in the source tree.

There ``import fastconv`` meets the sources, which hold no compiled modules.  If fastconv is also
installed, its installed modules are used; if not, the message says what to do.
"""

import importlib.util
import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES


def _is_compiled(package):
    return any(os.path.exists(os.path.join(package, "_core", "cpu" + suffix))
               for suffix in EXTENSION_SUFFIXES)  # fmt: skip


def check(path):
    """Point the package's ``__path__`` at compiled modules, or raise ImportError."""
    if importlib.util.find_spec("fastconv._core.cpu") is not None:
        return
    here = os.path.abspath(next(iter(path)))
    for entry in sys.path:
        installed = os.path.abspath(os.path.join(entry or os.curdir, "fastconv"))
        if installed != here and _is_compiled(installed):
            path[:] = [installed]
            sys.modules.pop("fastconv._core", None)
            return
    raise ImportError(
        f"fastconv is imported from its source tree ({here}), which has no compiled modules. "
        "Install it first, for example with: python -m pip install ."
    )
