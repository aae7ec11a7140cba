"""``fastconv.patch``: our functions under SciPy's and NumPy's names, for code that one can't edit."""

import importlib
import threading

from . import ndimage, signal
from ._dropin import numpy_style, originals

_LOCK = threading.RLock()
_LAYERS = []  # of every patch that is in force, oldest first: {(module, name): function before it}


def _targets(use_signal, use_ndimage, use_numpy):
    """(module name, function name, our function) of all that is to be replaced."""
    found = []
    if use_signal:
        found += [("scipy.signal", name, getattr(signal, name)) for name in signal.__all__]
    if use_ndimage:
        found += [("scipy.ndimage", name, getattr(ndimage, name)) for name in ndimage.__all__]
    if use_numpy:
        found += [("numpy", name, getattr(numpy_style, name)) for name in ("convolve", "correlate")]
    return found


class Patch:
    """What ``patch`` returns: in force at once, until ``undo()`` or the end of its ``with`` block.

    See Also
    --------
    patch : makes one.
    """

    def __init__(self, targets):
        self._layer = {}
        with _LOCK:
            for module, name, ours in targets:
                place = importlib.import_module(module)
                self._layer[module, name] = (getattr(place, name), ours)
            originals.remember(self._layer)
            for (module, name), (_, ours) in self._layer.items():
                setattr(importlib.import_module(module), name, ours)
            _LAYERS.append(self)

    @property
    def active(self):
        """True until the patch is undone."""
        return self in _LAYERS

    @property
    def names(self):
        """The names that are replaced, "scipy.signal.convolve" and so on."""
        return tuple(f"{module}.{name}" for module, name in self._layer)

    def undo(self):
        """Put back what was there before; a second call does nothing.

        Patches may be undone in any order: a name gets its former function back with the last patch that
        replaces it.  A name that someone else has replaced since is left alone.
        """
        with _LOCK:
            if self not in _LAYERS:
                return
            at = _LAYERS.index(self)
            for key, (before, ours) in self._layer.items():
                later = next((p for p in _LAYERS[at + 1 :] if key in p._layer), None)
                if later is not None:  # it holds the name; what it puts back is what we would have
                    later._layer[key] = (before, later._layer[key][1])
                    continue
                place = importlib.import_module(key[0])
                if getattr(place, key[1]) is ours:
                    setattr(place, key[1], before)
            _LAYERS.remove(self)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.undo()

    def __repr__(self):
        state = "in force" if self.active else "undone"
        return f"<fastconv.patch of {len(self._layer)} functions, {state}>"


def patch(*, signal=True, ndimage=True, numpy=False):
    """Put fastconv's functions into ``scipy.signal``, ``scipy.ndimage`` and, if asked for, ``numpy``.

    For programs and libraries that call SciPy by its module, ``scipy.signal.convolve(...)``, and can't be
    edited.  In force at once; ended by the ``with`` block or by ``undo()``.

    Parameters
    ----------
    signal : bool
        Replace the functions of `fastconv.signal` in ``scipy.signal``; default True.
    ndimage : bool
        Replace the functions of `fastconv.ndimage` in ``scipy.ndimage``; default True.
    numpy : bool
        Replace ``numpy.convolve`` and ``numpy.correlate``; default False.

    Returns
    -------
    Patch
        A context manager with ``undo()``, ``active`` and ``names``.

    Raises
    ------
    TypeError
        A switch that is not True or False.
    ImportError
        SciPy is not there.

    Notes
    -----
    Names that were imported before, ``from scipy.signal import convolve``, and calls inside of SciPy keep SciPy's
    functions.  Modules belong to the whole process: a patch is seen by all threads, at once, and by calls
    that are already running in them.  Making and undoing patches is safe in any thread and any order.  Other
    arrays, dtypes and arguments reach SciPy's own functions as before.

    Examples
    --------
    >>> import fastconv, numpy as np, scipy.ndimage
    >>> with fastconv.patch():
    ...     scipy.ndimage.uniform_filter(np.arange(5.0), 3)
    array([0.33333333, 1.        , 2.        , 3.        , 3.66666667])
    >>> scipy.ndimage.uniform_filter.__module__.startswith("scipy")
    True
    >>> p = fastconv.patch(signal=False, numpy=True)
    >>> p.undo()
    """
    for name, value in (("signal", signal), ("ndimage", ndimage), ("numpy", numpy)):
        if not isinstance(value, bool):
            raise TypeError(f"{name} must be True or False, found {value!r}")
    return Patch(_targets(signal, ndimage, numpy))
