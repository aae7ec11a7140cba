"""SciPy's and NumPy's own functions, found late and never mistaken for ours.

``fastconv.patch`` and others put our functions under SciPy's public names; the fallback must then not
call itself.  So a function is taken from the module in which SciPy assembles its public names, where
that exists, and remembered; ``patch`` tells what it replaces.
"""

import importlib

import numpy as np


def is_ours(function):
    """True for one of fastconv's functions, wrapped ones included."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return (getattr(function, "__module__", None) or "").startswith("fastconv")


class Originals:
    """Attributes are the functions of a SciPy module; it is imported at the first one."""

    def __init__(self, module):
        self._module = module

    def __getattr__(self, name):
        for module in (f"{self._module}._support_alternative_backends", self._module):
            try:
                found = getattr(importlib.import_module(module), name)
            except (ImportError, AttributeError):
                continue
            if not is_ours(found):
                setattr(self, name, found)
                return found
        raise AttributeError(f"{self._module} has no function {name} of its own")


def remember(names):
    """Find the functions of these (module, name), which are about to be replaced, while they can be found."""
    for module, name in names:
        place = {"scipy.signal": signal, "scipy.ndimage": ndimage}.get(module)
        if place is not None:
            getattr(place, name, None)


signal = Originals("scipy.signal")
ndimage = Originals("scipy.ndimage")
numpy_convolve, numpy_correlate = np.convolve, np.correlate
