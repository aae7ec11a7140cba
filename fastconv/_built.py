"""Finding the compiled modules when Python stands in the source tree.

There ``import fastconv`` meets the sources, which hold no compiled modules.  If fastconv is also
installed, its installed modules are used; if not, the message says what to do.
"""

import glob
import importlib.util
import os
import sys


def check(path):
    """Point the package's ``__path__`` at compiled modules, or raise ImportError."""
    if importlib.util.find_spec("fastconv._core.cpu") is not None:
        return
    here = os.path.abspath(next(iter(path)))
    for entry in sys.path:
        installed = os.path.abspath(os.path.join(entry or os.curdir, "fastconv"))
        if installed != here and glob.glob(os.path.join(installed, "_core", "cpu.*")):
            path[:] = [installed]
            sys.modules.pop("fastconv._core", None)
            return
    raise ImportError(
        f"fastconv is imported from its source tree ({here}), which has no compiled modules. "
        "Install it first, for example with: python -m pip install ."
    )
