"""What counts as an array: NumPy arrays and array-likes are read, other array libraries refused.

An object that carries its own ``__array_ufunc__`` or ``__array_function__`` (units, Dask, CuPy, pandas) knows
more than its numbers; turning it into a plain array would lose that silently, so it is a TypeError
unless a path of its own exists.
"""

import numpy as np

from . import _dtypes


def _is_foreign(cls):
    """True for classes that override NumPy's functions with their own meaning."""
    if issubclass(cls, np.ndarray):
        return (cls.__array_ufunc__ is not np.ndarray.__array_ufunc__
                or cls.__array_function__ is not np.ndarray.__array_function__)  # fmt: skip
    return hasattr(cls, "__array_ufunc__") or hasattr(cls, "__array_function__")


def _is_masked(cls):
    return any(c.__name__ == "MaskedArray" for c in cls.__mro__)


def as_array(obj, name):
    """A plain ndarray of a supported dtype, without a copy where obj is array memory already."""
    cls = type(obj)
    if cls is not np.ndarray:
        obj = _convert(obj, cls, name)
    try:
        _dtypes.describe(obj.dtype)
    except TypeError as error:
        raise TypeError(f"{name}: {error}") from None
    return obj


def _convert(obj, cls, name):
    if obj is None:
        raise TypeError(f"{name} must be an array, found None")
    if _is_masked(cls):
        raise TypeError(f"{name} is a masked array, whose mask would be ignored; pass "
                        f"{name}.filled(value)")  # fmt: skip
    if _is_foreign(cls):
        raise TypeError(f"{name} is a {cls.__module__}.{cls.__qualname__}, which has array functions "
                        "of its own; convert it to a NumPy array first")  # fmt: skip
    if issubclass(cls, np.ndarray):
        return np.asarray(obj)
    if hasattr(cls, "__dlpack__"):
        try:
            return np.from_dlpack(obj)
        except (BufferError, RuntimeError, TypeError, ValueError) as error:
            raise TypeError(f"{name}: this {cls.__module__}.{cls.__qualname__} cannot be read through "
                            f"DLPack: {error}") from None  # fmt: skip
    try:
        return np.asarray(obj)
    except ValueError as error:
        raise ValueError(f"{name} is not a regular array: {error}") from None
