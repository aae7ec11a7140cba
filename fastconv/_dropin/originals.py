"""SciPy's and NumPy's own functions, found late and never mistaken for ours.

``fastconv.patch`` and others put our functions under SciPy's public names; the fallback must then not
call itself.  So a function is taken from the module in which SciPy assembles its public names, where
that exists, and remembered.
"""

import importlib

import numpy as np


class Originals:
    """Attributes are the functions of a SciPy module; it is imported at the first one."""

    def __init__(self, module):
        self._module = module

    def __getattr__(self, name):
        function = self._find(name)
        setattr(self, name, function)
        return function

    def _find(self, name):
        for module in (f"{self._module}._support_alternative_backends", self._module):
            try:
                function = getattr(importlib.import_module(module), name)
            except (ImportError, AttributeError):
                continue
            while getattr(function, "__module__", "").startswith("fastconv"):
                function = getattr(function, "fastconv_replaces", None)  # set by patch
            if function is not None:
                return function
        raise AttributeError(f"{self._module} has no function {name} of its own")


signal = Originals("scipy.signal")
ndimage = Originals("scipy.ndimage")
numpy_convolve, numpy_correlate = np.convolve, np.correlate
