"""numpy.convolve and numpy.correlate: one axis, the longer operand leads."""

import numpy as np

from ..functions.signal_style import convolve as _convolve
from ..functions.signal_style import correlate as _correlate
from .arguments import plain
from .originals import numpy_convolve, numpy_correlate

MODES = ("full", "same", "valid")


def _vectors(a, v, mode):
    """Both as vectors, or None."""
    a, v = plain(a), plain(v)
    if a is None or v is None or not isinstance(mode, str) or mode not in MODES:
        return None
    return (a, v) if a.ndim == v.ndim == 1 and a.size and v.size else None


def convolve(a, v, mode="full"):
    """``numpy.convolve``, computed by fastconv: "same" has the length of the longer operand.

    Parameters
    ----------
    a, v : array_like, 1-D
        Operands.
    mode : {'full', 'same', 'valid'}
        As in NumPy.

    Returns
    -------
    ndarray
        The convolution.
    """
    found = _vectors(a, v, mode)
    if found is None:
        return numpy_convolve(a, v, mode)
    a, v = found
    return _convolve(a, v, mode) if a.size >= v.size else _convolve(v, a, mode)


def correlate(a, v, mode="valid"):
    """``numpy.correlate``, computed by fastconv: "same" has the length of the longer operand.

    Parameters
    ----------
    a, v : array_like, 1-D
        Operands; v is conjugated.
    mode : {'valid', 'same', 'full'}
        As in NumPy.

    Returns
    -------
    ndarray
        The correlation.
    """
    found = _vectors(a, v, mode)
    if found is None:
        return numpy_correlate(a, v, mode)
    a, v = found
    if mode != "same" or a.size >= v.size:
        return _correlate(a, v, mode)
    # NumPy swaps, correlates, and turns the result round
    return np.conj(_correlate(v, a, mode)[::-1])
