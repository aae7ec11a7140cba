"""One microkernel at a time, for tests and benchmarks: run a row of the table on given buffers."""
from libc.stdint cimport int32_t
cimport numpy as cnp

from fastconv._core cimport kernels as k
from fastconv._core import cpu

cnp.import_array()


def run(isa, name, cnp.ndarray off not None, cnp.ndarray x not None, ptrdiff_t im,
        cnp.ndarray w not None, cnp.ndarray c not None, ptrdiff_t ldc, bint accumulate):
    """Call the microkernel of that ISA and name; buffers as in ``fc_tap_ukr`` (off is int32)."""
    cdef int count, i
    cdef const k.fc_tap_row *rows = k.fc_tap_rows(cpu.ISAS.index(isa), &count)
    if cnp.PyArray_TYPE(off) != cnp.NPY_INT32:
        raise TypeError("off must be int32")
    for i in range(count):
        if rows[i].name.decode() == name and rows[i].nv:
            rows[i].run(cnp.PyArray_SIZE(off), <const int32_t *>cnp.PyArray_DATA(off),
                        cnp.PyArray_DATA(x), im, cnp.PyArray_DATA(w), cnp.PyArray_DATA(c), ldc,
                        accumulate)
            return
    raise ValueError(f"no microkernel {name!r} for {isa}")


def store(isa, name, cnp.ndarray off not None, cnp.ndarray x not None, cnp.ndarray w not None, ptrdiff_t ldw,
          cnp.ndarray bias, cnp.ndarray c not None, ptrdiff_t ldc):
    """The same straight into the result, see ``fc_tap_store``; False where the row has no such function."""
    cdef int count, i
    cdef const k.fc_tap_row *rows = k.fc_tap_rows(cpu.ISAS.index(isa), &count)
    if cnp.PyArray_TYPE(off) != cnp.NPY_INT32:
        raise TypeError("off must be int32")
    for i in range(count):
        if rows[i].name.decode() == name and rows[i].nv and rows[i].store != NULL:
            rows[i].store(cnp.PyArray_SIZE(off), <const int32_t *>cnp.PyArray_DATA(off), cnp.PyArray_DATA(x),
                          cnp.PyArray_DATA(w), ldw, NULL if bias is None else cnp.PyArray_DATA(bias),
                          cnp.PyArray_DATA(c), ldc)
            return True
    return False
