"""Number types: what lies in memory, what is computed in, and which kernels that is.

The result type of a call is ``np.result_type`` of its operands; this module says in which type it is
computed (float16 and bfloat16 in float32, everything else in itself) and gives the codes that the
compiled drivers know types by (``fc_memory_type`` and ``fc_kind`` of ``_core/kernels/fc_kernels.h``).
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

# fc_memory_type, by kind and size of the real part
_MEMORY = {
    "b1": 0, "i1": 1, "u1": 2, "i2": 3, "u2": 4, "i4": 5, "u4": 6, "i8": 7, "u8": 8,
    "f2": 9, "bfloat16": 10, "f4": 11, "f8": 12, "longdouble": 13,
}  # fmt: skip
# fc_kind, by memory code of the compute type
_KIND = {0: 0, 1: 1, 2: 1, 3: 2, 4: 2, 5: 3, 6: 3, 7: 4, 8: 4, 11: 5, 12: 6, 13: 7}
_COMPLEX_KIND = {11: 8, 12: 9, 13: 10}
_MAXIMUM_KIND = {0: 12, 1: 11, 2: 12, 3: 13, 4: 14, 5: 15, 6: 16, 7: 17, 8: 18,
                 11: 19, 12: 20, 13: 21}  # fmt: skip

# fc_kind of float32, float64 and their complex types
FLOATS = (5, 6, 8, 9)


class DType(NamedTuple):
    """A NumPy dtype as the compiled code sees it."""

    dtype: np.dtype  # in this machine's byte order
    memory: int  # fc_memory_type of the real part
    is_complex: bool
    compute: np.dtype  # what sums are kept in
    kind: int  # fc_kind of the compute type
    maximum_kind: int  # fc_kind for max pooling, -1 for complex


def is_bfloat16(dtype):
    """True for ml_dtypes' bfloat16, without importing ml_dtypes."""
    return dtype.kind == "V" and dtype.name == "bfloat16"


def _memory_name(dtype):
    if is_bfloat16(dtype):
        return "bfloat16"
    if dtype.kind not in "biufc":
        return ""
    real = np.empty(0, dtype).real.dtype if dtype.kind == "c" else dtype
    if real.char == "g" and real.itemsize != 8:
        return "longdouble"
    return f"{real.kind}{real.itemsize}"


@lru_cache(maxsize=256)
def describe(dtype):
    """The DType of a NumPy dtype; TypeError for one that has no arithmetic here."""
    native = np.dtype(dtype.type)  # NumPy's own object for it, which compares fastest
    memory = _MEMORY.get(_memory_name(native))
    if memory is None:
        raise TypeError(
            f"dtype {dtype} is not supported: wanted bool, an integer, float16, bfloat16, "
            "float32, float64, longdouble or a complex type"
        )
    is_complex = native.kind == "c"
    compute = np.dtype(np.float32) if memory in (9, 10) else native
    code = 11 if memory in (9, 10) else memory
    kind = _COMPLEX_KIND[code] if is_complex else _KIND[code]
    return DType(native, memory, is_complex, compute, kind, -1 if is_complex else _MAXIMUM_KIND[code])


def can_cast(source, to, casting):
    """np.can_cast, but a complex number is no bfloat16 (ml_dtypes lets its imaginary part go)."""
    if source.kind == "c" and is_bfloat16(to) and casting != "unsafe":
        return False
    return np.can_cast(source, to, casting)


def tag(dtype):
    """A dtype as part of a key; bfloat16 has no ``str`` of its own."""
    return dtype.str if dtype.kind != "V" else "bf16"


def reader(dtype, fill, *compute):
    """What a driver must know to gather samples of a dtype: (fc_memory_type, whether they are complex, whether
    their bytes are swapped, and the parts of the fill value in each compute dtype)."""
    source = describe(dtype)
    values = [np.asarray(fill).astype(t) for t in compute]
    return (source.memory, source.is_complex, not dtype.isnative,
            *((v.real.tobytes(), v.imag.tobytes()) for v in values))  # fmt: skip
