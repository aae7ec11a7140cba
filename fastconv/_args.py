"""The user's arguments into tuples of integers; nearly every error that a user sees is raised here.

Each message names the argument, what was found and what is wanted.  Nothing is computed or written.
"""

import operator
import os

import numpy as np

from . import _dtypes
from ._core import arrays
from ._dispatch import as_array as as_array
from ._problem import Axis
from ._select import check_name

PADDING_MODES = {"zeros": "fill", "reflect": "reflect", "replicate": "replicate",
                 "circular": "circular"}  # fmt: skip
PADDING_NAMES = ("valid", "same", "same_lower", "full", "causal")
LAYOUTS = ("channels_first", "channels_last")
ACCURACIES = ("default", "strict", "relaxed")
ACTIVATIONS = (None, "relu", "relu6", "leaky_relu", "silu", "gelu", "sigmoid", "tanh")
_LARGEST = np.iinfo(np.intp).max
_FARTHEST = 1 << 61  # positions outside of an array: an axis with so much on either side still fits a C integer


def integer(value, name, least=None):
    """An int, not less than ``least``."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, found {value!r}") from None
    if least is not None and number < least:
        raise ValueError(f"{name} must be at least {least}, found {number}")
    if abs(number) > _LARGEST:
        raise ValueError(f"{name}={number} is too large")
    return number


def per_axis(value, rank, name, least=None):
    """One int for every spatial axis, from an int or a sequence of them."""
    if isinstance(value, (str, bytes)):
        raise TypeError(f"{name} must be an integer or {rank} of them, found {value!r}")
    try:
        values = tuple(value)
    except TypeError:
        return (integer(value, name, least),) * rank
    if len(values) != rank:
        raise ValueError(f"{name} must be an integer or {rank} of them (one per spatial axis), "
                         f"found {len(values)}: {values!r}")  # fmt: skip
    return tuple(integer(v, name, least) for v in values)


def flag(value, name):
    """True or False; an array or a string here is a mistake."""
    if isinstance(value, (bool, np.bool_)) or (type(value) is int and value in (0, 1)):
        return bool(value)
    raise TypeError(f"{name} must be True or False, found {value!r}")


def limit(value, name="workspace_limit"):
    """A number of bytes, or None."""
    return None if value is None else integer(value, name, 0)


def choice(value, allowed, name):
    """One of the allowed values."""
    if not (value is None or isinstance(value, str)):
        raise TypeError(f"{name} must be a string, found {value!r}")
    if value not in allowed:
        raise ValueError(f"{name}={value!r} is unknown: wanted one of "
                         + ", ".join(map(repr, allowed)))  # fmt: skip
    return value


def padding_pairs(padding, rank, extents, strides, sizes, name="padding"):
    """(before, after) for every axis; extents are those of the dilated kernel."""
    if isinstance(padding, (bytes, bytearray)):
        raise TypeError(f"{name} must be an integer, a name, or one entry per axis, found {padding!r}")
    if isinstance(padding, str):
        choice(padding, PADDING_NAMES, name)
        return _named_padding(padding, rank, extents, strides, sizes)
    try:
        values = tuple(padding)
    except TypeError:
        n = integer(padding, name)
        return ((n, n),) * rank
    if len(values) != rank:
        raise ValueError(f"{name} must be an integer, a name, or one integer or (before, after) pair "
                         f"per spatial axis ({rank}), found {len(values)}: {padding!r}")  # fmt: skip
    pairs = []
    for v in values:
        try:
            pair = tuple(v)
        except TypeError:
            pair = (v, v)
        if len(pair) != 2:
            raise ValueError(f"{name} of an axis must be one integer or a pair, found {v!r}")
        pairs.append((integer(pair[0], name), integer(pair[1], name)))
    return tuple(pairs)


def _named_padding(padding, rank, extents, strides, sizes):
    if padding == "valid":
        return ((0, 0),) * rank
    if padding == "full":
        return tuple((e - 1, e - 1) for e in extents)
    if padding == "causal":
        if rank != 1:
            raise ValueError(f"padding='causal' needs one spatial axis, found {rank}")
        return ((extents[0] - 1, 0),)
    pairs = []
    for extent, stride, size in zip(extents, strides, sizes, strict=True):
        total = max(0, (-(-size // stride) - 1) * stride + extent - size)
        small, large = total // 2, total - total // 2
        pairs.append((small, large) if padding == "same" else (large, small))
    return tuple(pairs)


def near(before, after, i):
    """ValueError for padding beyond all memory."""
    if max(abs(before), abs(after)) > _FARTHEST:
        raise ValueError(f"padding must be at most 2**61 along spatial axis {i}, found {before} and {after}")


def taken(step, kernel, times):
    """A stride or dilation that is taken so many times; one that is never taken may be any, and is to make no large tables."""
    return step if times > 1 else min(step, kernel)


def conv_axes(sizes, kernels, stride, padding, dilation, mode, upsample=None):
    """Axis objects of an ordinary convolution, sizes checked."""
    rank = len(sizes)
    stride = per_axis(stride, rank, "stride", 1)
    dilation = per_axis(dilation, rank, "dilation", 1)
    upsample = upsample or (1,) * rank
    long = tuple(s * u for s, u in zip(sizes, upsample, strict=True))
    extents = tuple((k - 1) * d + 1 for k, d in zip(kernels, dilation, strict=True))
    pairs = padding_pairs(padding, rank, extents, stride, long)
    axes = []
    for i in range(rank):
        if kernels[i] < 1:
            raise ValueError(f"w must have at least one tap along spatial axis {i}, found "
                             f"{kernels[i]}")  # fmt: skip
        before, after = pairs[i]
        near(before, after, i)
        padded = long[i] + before + after
        if padded < extents[i]:
            raise ValueError(
                f"w spans {extents[i]} samples (kernel {kernels[i]}, dilation {dilation[i]}) along "
                f"spatial axis {i}, larger than the padded input: {long[i]} + {before} + {after} = "
                f"{padded}"
            )
        if long[i] == 0 and mode != "fill":
            raise ValueError(f"x has no samples along spatial axis {i} that padding_mode could repeat")
        out = (padded - extents[i]) // stride[i] + 1
        axes.append(Axis(sizes[i], kernels[i], integer(out, "output size"), taken(stride[i], kernels[i], out),
                         taken(dilation[i], 1, kernels[i]), before, after, mode, upsample[i]))  # fmt: skip
    return tuple(axes)


def transposed_axes(sizes, kernels, stride, padding, output_padding, dilation):
    """Axis objects of a transposed convolution: ``out = (size - 1) * stride - pad + extent + extra``."""
    rank = len(sizes)
    stride = per_axis(stride, rank, "stride", 1)
    dilation = per_axis(dilation, rank, "dilation", 1)
    extra = per_axis(output_padding, rank, "output_padding", 0)
    extents = tuple((k - 1) * d + 1 for k, d in zip(kernels, dilation, strict=True))
    same = None
    if isinstance(padding, str):
        same = choice(padding, ("valid", "same", "same_lower"), "padding")
    pairs = ((0, 0),) * rank if same else padding_pairs(padding, rank, extents, stride, sizes)
    axes = []
    for i in range(rank):
        if kernels[i] < 1:
            raise ValueError(f"w must have at least one tap along spatial axis {i}, found "
                             f"{kernels[i]}")  # fmt: skip
        if extra[i] >= max(stride[i], dilation[i]) and extra[i] > 0:
            raise ValueError(f"output_padding must be smaller than stride or dilation, found "
                             f"{extra[i]} with stride {stride[i]} and dilation {dilation[i]}")  # fmt: skip
        before, after = pairs[i]
        out = (sizes[i] - 1) * stride[i] - before - after + extents[i] + extra[i]
        if same in ("same", "same_lower"):
            total = max(0, extents[i] - stride[i])
            before = total // 2 if same == "same" else total - total // 2
            out = sizes[i] * stride[i]
        near(before, after, i)
        if out < 1 or sizes[i] < 1:
            raise ValueError(
                f"the result would have {out} samples along spatial axis {i}: x has {sizes[i]}, "
                f"stride {stride[i]}, padding {pairs[i]}, the kernel spans {extents[i]}"
            )
        axes.append(Axis(sizes[i], kernels[i], integer(out, "output size"), taken(stride[i], kernels[i], sizes[i]),
                         taken(dilation[i], 1, kernels[i]), before, after))  # fmt: skip
    return tuple(axes)


def result_dtype(dtype, casting, **operands):
    """dtype of computation and result; every operand must be castable to it."""
    choice(casting, ("no", "equiv", "safe", "same_kind", "unsafe"), "casting")
    given = {n: a.dtype for n, a in operands.items() if a is not None}
    if dtype is None:
        try:
            wanted = np.result_type(*given.values())
        except TypeError as error:
            raise TypeError(f"no common dtype for {given}: {error}") from None
    else:
        try:
            wanted = np.dtype(dtype)
        except TypeError:
            raise TypeError(f"dtype={dtype!r} is not a NumPy dtype") from None
    wanted = _dtypes.describe(wanted).dtype
    for name, found in given.items():
        if found != wanted and not _dtypes.can_cast(found, wanted, casting):
            raise TypeError(f"{name} has dtype {found}, which cannot be cast to {wanted} with "
                            f"casting={casting!r}")  # fmt: skip
    return wanted


def check_activation(activation, dtype):
    """The activation's name, if the dtype has it."""
    choice(activation, ACTIVATIONS, "activation")
    if activation is None:
        return None
    if dtype.kind in "bc":
        raise TypeError(f"activation={activation!r} is not defined for dtype {dtype}")
    if dtype.kind in "iu" and activation not in ("relu", "relu6"):
        raise TypeError(f"activation={activation!r} needs a floating dtype, found {dtype}; integers "
                        "have 'relu' and 'relu6'")  # fmt: skip
    return activation


def check_out(out, shape, dtype, casting):
    """TypeError or ValueError unless out is a writable array of that shape that takes dtype."""
    if out is None or arrays.takes(out, shape, dtype):
        return
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a NumPy array, found {type(out).__name__}")
    if out.shape != tuple(shape):
        raise ValueError(f"out has shape {out.shape}, wanted {tuple(shape)}")
    if not _dtypes.can_cast(dtype, out.dtype, casting):
        raise TypeError(f"out has dtype {out.dtype}, to which {dtype} cannot be cast with "
                        f"casting={casting!r}")  # fmt: skip
    if not out.flags.writeable:
        raise ValueError("out is read-only")


def check_size(shape, dtype):
    """MemoryError if such an array cannot exist here."""
    nbytes = dtype.itemsize
    for n in shape:
        nbytes *= n
    if nbytes > (1 << 30) and nbytes > _physical_memory():
        raise MemoryError(f"the result of shape {tuple(shape)} and dtype {dtype} needs {nbytes} bytes, "
                          f"this machine has {_physical_memory()}")  # fmt: skip


def allocate(shape, dtype, order="C"):
    """A new array; errors as ``check_size``."""
    check_size(shape, dtype)
    return arrays.new(shape, dtype, order)


def _physical_memory():
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return _LARGEST


def needs_temporary(out, dtype, operands):
    """True if the compiled code must not write into out itself: other dtype, byte order, overlap."""
    if out.dtype != dtype or not out.dtype.isnative:
        return True
    return arrays.overlaps(out, operands)


def check_backend(backend):
    """The backend's name, if it exists."""
    check_name(backend)
    return backend
