# cython: boundscheck=False, wraparound=False
"""What was decided for layer-style calls, found again without making and hashing a key.

A layer of a network is called again and again with arrays of the same shapes and types, and with keywords that are
literals.  ``find`` compares these facts with those of the one earlier call that has its slot; ``keep`` fills the slot.
Only calls of plain arrays and of plain keywords are remembered; all others are decided as ever.
"""
from cpython.long cimport PyLong_AsLongAndOverflow
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.string cimport memcmp
cimport numpy as cnp

cnp.import_array()

cdef extern from "numpy/arrayobject.h":
    bint PyArray_CheckExact(object) noexcept
    bint PyArray_ISCARRAY_RO(cnp.ndarray) noexcept

ctypedef long long Facts

cdef enum:
    SLOTS = 512
    AXES = 8                    # that a remembered array may have
    FACTS = 3 * (AXES + 2)      # number of axes, type and order, sizes of x, w and bias

cdef unsigned long long FACTOR = 0x100000001b3ull   # of the FNV hash

cdef list _slots = [None] * SLOTS


cdef class _Call:
    """An earlier call; immutable."""
    cdef tuple keywords
    cdef object decided
    cdef ptrdiff_t age
    cdef int count
    cdef Facts facts[FACTS]


cdef int _describe(object array, Facts *to) noexcept:
    """Writes down what matters of an array; how many facts, or -1 if it is not plain."""
    cdef int i, ndim, kind
    if array is None:
        to[0] = -1
        return 1
    if not PyArray_CheckExact(array):
        return -1
    ndim, kind = cnp.PyArray_NDIM(<cnp.ndarray>array), cnp.PyArray_TYPE(<cnp.ndarray>array)
    if ndim > AXES or not (kind <= cnp.NPY_CLONGDOUBLE or kind == cnp.NPY_FLOAT16) or \
            not cnp.PyArray_ISNOTSWAPPED(<cnp.ndarray>array):
        return -1
    # in order, as most are: what is kept may rest on it
    to[0], to[1] = ndim, kind | <int>PyArray_ISCARRAY_RO(<cnp.ndarray>array) << 8
    for i in range(ndim):
        to[2 + i] = cnp.PyArray_DIM(<cnp.ndarray>array, i)
    return 2 + ndim


cdef int _describe_all(object x, object w, object bias, Facts *facts) noexcept:
    cdef int at = 0, more
    for array in (x, w, bias):
        more = _describe(array, facts + at)
        if more < 0:
            return -1
        at += more
    return at


cdef bint _mix(object values, unsigned long long *code) except -1:
    """Mix keywords (a tuple) into the code of the call; False if values like these are not remembered."""
    cdef Py_ssize_t i
    cdef int overflow
    for i in range(PyTuple_GET_SIZE(values)):
        value = <object>PyTuple_GET_ITEM(values, i)
        kind = type(value)
        if kind is int:
            code[0] = (code[0] ^ <unsigned long long>PyLong_AsLongAndOverflow(value, &overflow)) * FACTOR
        elif kind is str:
            code[0] = (code[0] ^ <unsigned long long>hash(value)) * FACTOR
        elif kind is tuple:
            if not _mix(value, code):
                return False
        elif kind is bool:
            code[0] = (code[0] ^ <unsigned long long>(value is True)) * FACTOR
        elif value is not None and not isinstance(value, (type, cnp.dtype)):
            return False
    return True


cdef bint _same(object a, object b) except -1:
    """Whether keywords (tuples) mean the same: 1, 1.0 and True do not."""
    cdef Py_ssize_t i
    if PyTuple_GET_SIZE(a) != PyTuple_GET_SIZE(b):
        return False
    for i in range(PyTuple_GET_SIZE(a)):
        one, other = <object>PyTuple_GET_ITEM(a, i), <object>PyTuple_GET_ITEM(b, i)
        if one is other:
            continue
        kind = type(one)
        if kind is not type(other):
            return False
        if kind is tuple:
            if not _same(one, other):
                return False
        elif kind is int or kind is str:
            if one != other:
                return False
        else:
            return False
    return True


cdef Py_ssize_t _slot(object keywords, const Facts *facts, int count) except -2:
    """The slot of a call; -1 if it is not remembered."""
    cdef unsigned long long code = 0xcbf29ce484222325ull
    cdef int i
    for i in range(count):
        code = (code ^ <unsigned long long>facts[i]) * FACTOR
    return <Py_ssize_t>((code ^ (code >> 29)) % SLOTS) if _mix(keywords, &code) else -1


def find(ptrdiff_t age, keywords, x, w, bias):
    """What was kept for such a call since the decisions of that age began, or None; keywords: a tuple."""
    cdef Facts facts[FACTS]
    cdef int count = _describe_all(x, w, bias, facts)
    cdef Py_ssize_t slot
    cdef _Call call
    if count < 0 or not isinstance(keywords, tuple):
        return None
    slot = _slot(keywords, facts, count)
    if slot < 0:
        return None
    call = _slots[slot]
    if call is None or call.age != age or call.count != count or memcmp(call.facts, facts, count * sizeof(Facts)) or \
            not _same(call.keywords, keywords):
        return None
    return call.decided


def keep(ptrdiff_t age, keywords, x, w, bias, decided):
    """Remember what was decided for a call, if ``find`` can find it."""
    cdef _Call call = _Call()
    cdef Py_ssize_t slot
    call.count = _describe_all(x, w, bias, call.facts)
    if call.count < 0 or not isinstance(keywords, tuple):
        return
    slot = _slot(keywords, call.facts, call.count)
    if slot >= 0:
        call.age, call.keywords, call.decided = age, tuple(keywords), decided
        _slots[slot] = call


def forget():
    """Keep nothing of what was decided."""
    cdef Py_ssize_t slot
    for slot in range(SLOTS):
        _slots[slot] = None
