# cython: boundscheck=False, wraparound=False
"""What every call asks of its arrays before a kernel sees them, without NumPy's Python-level costs."""
import os

from cpython.pycapsule cimport PyCapsule_New
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.string cimport memcpy
cimport numpy as cnp
import numpy as np

from fastconv._core cimport kernels as k

cnp.import_array()

cdef extern from "numpy/arrayobject.h":
    bint PyArray_CheckExact(object) noexcept
    bint PyArray_ISCARRAY(cnp.ndarray) noexcept
    object PyArray_NewFromDescr(type, cnp.dtype, int, const cnp.npy_intp *, const cnp.npy_intp *, void *, int, void *)
    ctypedef struct PyDataMemAllocator:
        void *ctx
        void *(*malloc)(void *ctx, size_t size)
        void *(*calloc)(void *ctx, size_t nelem, size_t elsize)
        void *(*realloc)(void *ctx, void *ptr, size_t new_size)
        void (*free)(void *ctx, void *ptr, size_t size)
    ctypedef struct PyDataMem_Handler:
        char name[127]
        unsigned char version
        PyDataMemAllocator allocator
    object PyDataMem_SetHandler(object)


cdef enum:
    MOST = 32   # axes of an array that is made here; NumPy makes those of more


cdef bint same_type(cnp.ndarray array, dtype) except -1:
    return cnp.PyArray_DESCR(array) == <cnp.PyArray_Descr *>dtype or \
        cnp.PyArray_EquivTypes(<cnp.dtype>cnp.PyArray_DESCR(array), <cnp.dtype?>dtype)


cdef bint same_shape(cnp.ndarray array, tuple shape) except -1:
    cdef Py_ssize_t i
    if cnp.PyArray_NDIM(array) != PyTuple_GET_SIZE(shape):
        return False
    for i in range(PyTuple_GET_SIZE(shape)):
        if cnp.PyArray_DIM(array, i) != <Py_ssize_t>shape[i]:
            return False
    return True


def aligned(ptrdiff_t count, dtype):
    """An array of numbers that begins at a line of the cache: no vector of packed weights lies in two."""
    cdef cnp.dtype kind = dtype if isinstance(dtype, cnp.dtype) else np.dtype(dtype)
    cdef ptrdiff_t nbytes = count * kind.itemsize
    cdef cnp.ndarray room = np.empty(nbytes + 64, np.uint8)
    cdef ptrdiff_t start = -<ptrdiff_t>cnp.PyArray_DATA(room) & 63
    return room[start : start + nbytes].view(kind)


cdef int sizes_of(tuple shape, cnp.npy_intp *sizes) except -1:
    """The sizes of a shape as NumPy's C functions take them; their number, or MOST + 1 where there are more."""
    cdef Py_ssize_t i
    if PyTuple_GET_SIZE(shape) > MOST:
        return MOST + 1
    for i in range(PyTuple_GET_SIZE(shape)):
        sizes[i] = <Py_ssize_t>shape[i]
    return <int>PyTuple_GET_SIZE(shape)


def view(cnp.ndarray array not None, tuple shape not None):
    """array.reshape(shape)."""
    cdef cnp.npy_intp sizes[MOST]
    cdef int ndim, i
    cdef cnp.npy_intp count = 1
    if same_shape(array, shape):
        return array
    ndim = sizes_of(shape, sizes)
    if ndim > MOST or not cnp.PyArray_IS_C_CONTIGUOUS(array):
        return array.reshape(shape)
    for i in range(ndim):
        count *= sizes[i]
    if count != cnp.PyArray_SIZE(array):
        return array.reshape(shape)     # which says what is wrong
    dtype = <cnp.dtype>cnp.PyArray_DESCR(array)
    Py_INCREF(dtype)    # NewFromDescr takes a reference away
    seen = PyArray_NewFromDescr(cnp.ndarray, dtype, ndim, sizes, NULL, cnp.PyArray_DATA(array),
                                cnp.PyArray_FLAGS(array) & (cnp.NPY_ARRAY_WRITEABLE | cnp.NPY_ARRAY_ALIGNED), NULL)
    cnp.set_array_base(seen, array)
    return seen


def takes(out, tuple shape not None, dtype):
    """True for a writable array of exactly that shape and dtype; False: look closer."""
    if not isinstance(out, cnp.ndarray):
        return False
    return (same_type(out, dtype) and cnp.PyArray_ISWRITEABLE(out)
            and same_shape(out, shape))


def exactly(array, tuple shape not None, dtype):
    """True for an ndarray, no subclass, of exactly that shape and dtype; False: look closer."""
    return (type(array) is cnp.ndarray and same_type(array, dtype)
            and same_shape(array, shape))


def ready(cnp.ndarray array not None, dtype):
    """True for a C-contiguous, aligned array of that dtype; False: look closer."""
    return (same_type(array, dtype) and cnp.PyArray_ISALIGNED(array)
            and cnp.PyArray_IS_C_CONTIGUOUS(array))


def all_ready(tuple given not None, dtype):
    """``ready`` of several arrays; None is no array, anything else but an ndarray is not ready."""
    for array in given:
        if array is not None and not (PyArray_CheckExact(array) and ready(array, dtype)):
            return False
    return True


cdef bint extent(cnp.ndarray array, char **low, char **high) noexcept:
    """The memory that an array reaches over; False: none."""
    cdef Py_ssize_t i, reach
    low[0] = high[0] = <char *>cnp.PyArray_DATA(array)
    for i in range(cnp.PyArray_NDIM(array)):
        if cnp.PyArray_DIM(array, i) == 0:
            return False
        reach = (cnp.PyArray_DIM(array, i) - 1) * cnp.PyArray_STRIDE(array, i)
        if reach < 0:
            low[0] += reach
        else:
            high[0] += reach
    high[0] += cnp.PyArray_ITEMSIZE(array)
    return True


def overlaps(cnp.ndarray out not None, tuple operands not None):
    """True if the memory between out's first and last byte touches that of an operand (None: no operand)."""
    cdef char *low
    cdef char *high
    cdef char *from_
    cdef char *to
    if not extent(out, &low, &high):
        return False
    for operand in operands:
        if operand is not None and extent(operand, &from_, &to) and from_ < high and low < to:
            return True
    return False


def all_finite(int kind, cnp.ndarray array not None):
    """True if no number of a contiguous array is NaN or infinite; kind: fc_kind of its dtype."""
    cdef Py_ssize_t parts = 2 if cnp.PyArray_ISCOMPLEX(array) else 1
    return k.fc_all_finite(kind, cnp.PyArray_DATA(array), parts * cnp.PyArray_SIZE(array)) != 0


cdef bint fits(object out, int ndim, const cnp.npy_intp *shape, int typenum) noexcept:
    """True for a plain array that a result of that shape and type can be written to as it is computed."""
    cdef int i
    if not PyArray_CheckExact(out) or not PyArray_ISCARRAY(<cnp.ndarray>out) or \
            cnp.PyArray_NDIM(<cnp.ndarray>out) != ndim or cnp.PyArray_TYPE(<cnp.ndarray>out) != typenum:
        return False
    for i in range(ndim):
        if cnp.PyArray_DIM(<cnp.ndarray>out, i) != shape[i]:
            return False
    return True


# --- new arrays

cdef enum:
    LARGE = 64 * 1024       # bytes: the system's allocator keeps what is smaller

cdef PyDataMem_Handler _handler
memcpy(_handler.name, b"fastconv", 9)
_handler.version = 1
_handler.allocator.ctx = NULL
_handler.allocator.malloc = k.fc_keep_malloc
_handler.allocator.calloc = k.fc_keep_calloc
_handler.allocator.realloc = k.fc_keep_realloc
_handler.allocator.free = k.fc_keep_free
cdef object KEPT = PyCapsule_New(&_handler, "mem_handler", NULL)


def _keep_bytes():
    """What FASTCONV_KEEP_MB allows: 256, but no more than a sixteenth of the machine's memory."""
    text = os.environ.get("FASTCONV_KEEP_MB", "").strip()
    if text:
        if not (text.isascii() and text.isdigit()):
            raise ValueError(f"FASTCONV_KEEP_MB={text!r}: a whole number of megabytes is wanted")
        return int(text[:9]) << 20
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        memory = 1 << 32
    return min(256 << 20, memory // 16)


def keep(ptrdiff_t nbytes):
    """Let so many bytes of freed results be kept for the next ones; the number before."""
    return k.fc_keep_most(nbytes)


def kept():
    """Bytes of freed results that are kept for the next ones."""
    return k.fc_keep_held()


keep(_keep_bytes())

cdef cnp.dtype FLOAT32 = cnp.PyArray_DescrFromType(cnp.NPY_FLOAT)
cdef cnp.dtype FLOAT64 = cnp.PyArray_DescrFromType(cnp.NPY_DOUBLE)


cdef bint is_kept(double nbytes) noexcept:
    """Whether memory of that size is kept for the next array."""
    return LARGE <= nbytes <= k.fc_keep_limit()


cdef object make(cnp.dtype dtype, int ndim, const cnp.npy_intp *sizes, bint fortran):
    """An array without values, whose memory is kept for the next such array when this one is gone."""
    cdef double nbytes = dtype.itemsize
    cdef int i
    for i in range(ndim):
        nbytes *= sizes[i]
    Py_INCREF(dtype)    # NewFromDescr takes a reference away
    if not is_kept(nbytes):
        return PyArray_NewFromDescr(cnp.ndarray, dtype, ndim, sizes, NULL, NULL, fortran, NULL)
    before = PyDataMem_SetHandler(KEPT)
    try:
        return PyArray_NewFromDescr(cnp.ndarray, dtype, ndim, sizes, NULL, NULL, fortran, NULL)
    finally:
        PyDataMem_SetHandler(before)


def new(shape, dtype, order="C"):
    """np.empty, from ``make``."""
    cdef cnp.npy_intp sizes[MOST]
    cdef int ndim = sizes_of(tuple(shape), sizes)
    if ndim > MOST:
        return np.empty(shape, dtype, order)
    return make(dtype if isinstance(dtype, cnp.dtype) else np.dtype(dtype), ndim, sizes, order == "F")


def like(cnp.ndarray array not None):
    """np.empty_like, from ``new`` where all is contiguous."""
    if not (cnp.PyArray_IS_C_CONTIGUOUS(array) or cnp.PyArray_IS_F_CONTIGUOUS(array)):
        return np.empty_like(array)
    return new((<object>array).shape, (<object>array).dtype, "C" if cnp.PyArray_IS_C_CONTIGUOUS(array) else "F")


cdef object empty(int ndim, cnp.npy_intp *shape, int typenum):
    """``make`` for small calls; with a dtype at hand NumPy has less to look up, a tenth of such a call."""
    if typenum != cnp.NPY_FLOAT and typenum != cnp.NPY_DOUBLE:
        return make(cnp.PyArray_DescrFromType(typenum), ndim, shape, False)
    return make(FLOAT32 if typenum == cnp.NPY_FLOAT else FLOAT64, ndim, shape, False)


cdef object result_for(object out, int ndim, cnp.npy_intp *shape, int typenum, cnp.ndarray x, cnp.ndarray w):
    """The array to write a result of that shape and type into: a new one if out is None, out if it fits and is
    apart from x and w, None where it is another case."""
    if out is None:
        return empty(ndim, shape, typenum)
    return out if fits(out, ndim, shape, typenum) and not overlaps(out, (x, w)) else None


cdef bint integers(tuple values) except -1:
    """True for plain ints, and tuples of them."""
    for value in values:
        if type(value) is not int and not (type(value) is tuple and integers(value)):
            return False
    return True


def call_key(keywords, x, w, bias):
    """A key for a call with these keywords (a tuple) and arrays of these shapes and dtypes; None where values
    of other types could be taken for each other or cannot be looked up (lists).

    True, 1 and 1.0 are equal: where the keywords hold bools and floats is part of the key."""
    cdef Py_ssize_t i
    cdef unsigned long long bools = 0, floats = 0
    for i in range(PyTuple_GET_SIZE(keywords)):
        value = <object>PyTuple_GET_ITEM(keywords, i)
        kind = type(value)
        if value is None or kind is int or kind is str:
            continue
        if kind is bool:
            bools |= 1ull << (i & 63)
        elif kind is float:
            floats |= 1ull << (i & 63)
        elif not (kind is tuple and integers(value) or isinstance(value, (type, cnp.dtype))):
            return None
    return (keywords, bools, floats, x.shape, x.dtype, w.shape, w.dtype,
            None if bias is None else (bias.shape, bias.dtype))
