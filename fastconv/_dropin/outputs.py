"""The output argument of scipy.ndimage: None, a dtype in some form, or an array to write into."""

import numpy as np

from .._core import arrays
from .arguments import KINDS, native

REAL_TYPES = frozenset("?bBhHiIlLqQfd")  # what scipy.ndimage computes with
COMPLEX_TYPES = frozenset("FD")


def usable(x):
    """True for samples that scipy.ndimage filters at all."""
    return x.dtype.char in REAL_TYPES or x.dtype.char in COMPLEX_TYPES


def allocate(output, x, is_complex=False):
    """The array that the result goes to, or None where SciPy is to be asked."""
    if output is None:
        dtype = native(np.promote_types(x.dtype, np.complex64) if is_complex else x.dtype)
        return arrays.new(x.shape, dtype)
    if type(output) is np.ndarray or type(output) is np.memmap:
        dtype = output.dtype
        if output.shape != x.shape or not output.flags.writeable:
            return None
    elif isinstance(output, (type, np.dtype, str)):
        try:
            dtype = np.dtype(output)
        except TypeError:
            return None
        if isinstance(output, str) and not issubclass(dtype.type, np.number):
            return None
    else:
        return None
    fits = COMPLEX_TYPES if is_complex else REAL_TYPES
    if dtype.kind not in KINDS or dtype.char not in fits:
        return None
    return arrays.new(x.shape, dtype) if not isinstance(output, np.ndarray) else output


def like(output, x):
    """True for an array of x's shape and type apart from it, which a result can be written to as it is computed."""
    return (arrays.takes(output, x.shape, x.dtype) and type(output) is np.ndarray and output.flags.aligned
            and not arrays.overlaps(output, (x,)))  # fmt: skip


def dtype_of(output, x):
    """The dtype of the result, or None."""
    if output is None or isinstance(output, np.ndarray):
        return (x if output is None else output).dtype
    try:
        return np.dtype(output)
    except TypeError:
        return None


def numbers(out):
    """What to compute into for out: bytes in the place of bool, as SciPy has it between passes."""
    return arrays.new(out.shape, np.uint8) if out.dtype.kind == "b" else out


def finish(held, out):
    """out, once what was computed into numbers(out) is in it."""
    if held is not out:
        np.not_equal(held, 0, out)
    return out
