"""Which arguments the fast paths take: plain numbers in plain arrays, integers that are integers."""

import operator

import numpy as np

SEQUENCES = (list, tuple, int, float, complex, bool)
KINDS = "biufc"


def plain(obj):
    """obj as an ndarray of numbers, or None where SciPy is to be asked."""
    cls = type(obj)
    if cls is not np.ndarray:
        if cls is np.memmap:
            obj = obj.view(np.ndarray)
        elif cls in SEQUENCES or isinstance(obj, np.generic):
            try:
                obj = np.asarray(obj)
            except (ValueError, OverflowError):
                return None
        else:
            return None
    return obj if obj.dtype.kind in KINDS else None


def native(dtype):
    """The dtype in this machine's byte order."""
    return dtype if dtype.isnative else dtype.newbyteorder("=")


def integer(value):
    """value as an int, or None; True is no integer here."""
    if type(value) is int:
        return value
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def axis_of(axis, ndim):
    """axis as an index in [0, ndim), or None."""
    axis = integer(axis)
    return axis % ndim if axis is not None and -ndim <= axis < ndim else None


def axes_of(axes, ndim):
    """axes as different indices in the order given (None: all), or None."""
    if axes is None:
        return tuple(range(ndim))
    if not isinstance(axes, (tuple, list, range, np.ndarray)):
        axes = (axes,)
    if getattr(axes, "ndim", 1) != 1:
        return None
    found = tuple(axis_of(axis, ndim) for axis in axes)
    return None if None in found or len(set(found)) < len(found) else found


def number(value, dtype):
    """value as a Python number that an array of dtype holds without loss of range, or None.

    A real dtype takes no complex number, an integer dtype no fraction.
    """
    if type(value) in (int, float) and dtype.char in "fdFD" and -1e38 < value < 1e38:
        return float(value)  # nearly every call
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, np.generic):
        value = value.item()
    if not isinstance(value, (bool, int, float, complex)):
        return None
    if dtype.kind == "c":
        return value if abs(value) < 2**1023 or isinstance(value, (float, complex)) else None
    if isinstance(value, complex):
        return None
    if dtype.kind == "b":
        return int(value) if value in (0, 1) else None
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        whole = value == value and abs(value) < 2**65 and int(value) == value
        return int(value) if whole and limits.min <= value <= limits.max else None
    try:
        value = float(value)
    except OverflowError:
        return None
    with np.errstate(over="ignore"):
        held = dtype.type(value)
    return value if np.isfinite(held) or not np.isfinite(value) else None
