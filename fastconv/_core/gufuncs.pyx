"""The numpy.ufunc objects of ``fastconv.ufuncs``.

Each is a generalized ufunc whose loop hands the core dimensions, and one loop dimension, to the
functions that ``convolve`` and ``correlate`` end in, as arrays upon the memory that NumPy's
iterator points at; rows of the plain small case go straight to ``small_line.run``.

The loops are of NumPy's array-method kind, not of the older one: these are entered with the GIL
(the drivers below release it), may fail with an exception, and know which ufunc they serve.
"""
cimport numpy as cnp
from cpython.ref cimport PyObject, Py_INCREF
from libc.limits cimport LONG_MAX
from libc.string cimport memset
import numpy as np

from fastconv._core cimport small, small_line

cnp.import_array()
cnp.import_ufunc()

cdef extern from "numpy/ufuncobject.h":
    ctypedef struct Ufunc "PyUFuncObject":
        cnp.npy_uint32 *op_flags
        int (*process_core_dims_func)(Ufunc *, cnp.npy_intp *) except -1
        int ntypes
        const char *types
    enum:
        NPY_ITER_WRITEONLY, NPY_ITER_UPDATEIFCOPY, NPY_ITER_ALIGNED, NPY_ITER_ALLOCATE
        NPY_ITER_NO_BROADCAST, NPY_ITER_NO_SUBTYPE
        NPY_METH_REQUIRES_PYAPI, NPY_METH_strided_loop
    ctypedef struct DTypeMeta "PyArray_DTypeMeta":
        pass
    ctypedef struct Context "PyArrayMethod_Context":
        PyObject *caller
        PyObject **descriptors
    ctypedef struct Slot "PyType_Slot":
        int slot
        void *pfunc
    ctypedef int Flags "NPY_ARRAYMETHOD_FLAGS"
    ctypedef struct Spec "PyArrayMethod_Spec":
        const char *name
        int nin
        int nout
        cnp.NPY_CASTING casting
        Flags flags
        DTypeMeta **dtypes
        Slot *slots
    int PyUFunc_AddLoopFromSpec(object, Spec *) except -1
    int PyUFunc_AddPromoter(object, object, object) except -1
    DTypeMeta *PyArray_PromoteDTypeSequence(cnp.npy_intp, DTypeMeta **) except NULL
    object PyUFunc_FromFuncAndDataAndSignature(void *, void **, const char *, int, int, int, int,
                                               const char *, const char *, int, const char *)
    object PyArray_New(type, int, cnp.npy_intp *, int, cnp.npy_intp *, void *, int, int, object)

cdef extern from "<fenv.h>":
    ctypedef struct fexcept_t:
        pass
    int FE_ALL_EXCEPT
    int fegetexceptflag(fexcept_t *, int)
    int fesetexceptflag(const fexcept_t *, int)

cdef extern from "Python.h":
    object PyCapsule_New(void *, const char *, void *)

cdef enum:
    MAX_UFUNCS = 16
    SMALL_WORK = 1 << 18    # multiply-adds of a loop that are done before threads would have begun

# in the order in which NumPy lists its own
TYPES = b"?bBhHiIlLqQefdgFDG"


ctypedef struct Entry:
    Ufunc *ufunc
    PyObject *serve         # (a, v, out): computes into out
    PyObject *name
    int rank
    int mode                # 0 full, 1 same, 2 valid
    bint flip

cdef Entry entries[MAX_UFUNCS]
cdef int count = 0
cdef list kept = []         # what NumPy keeps pointers to lives as long as the module


cdef Entry *entry_of(const void *ufunc) except NULL:
    cdef int i
    for i in range(count):
        if entries[i].ufunc == ufunc:
            return &entries[i]
    raise SystemError("not a ufunc of fastconv")


# -- sizes of the result ------------------------------------------------------------------------


cdef cnp.npy_intp wanted(const Entry *e, cnp.npy_intp n, cnp.npy_intp k) noexcept:
    return n + k - 1 if e.mode == 0 else n if e.mode == 1 else max(n, k) - min(n, k) + 1


cdef int core_dims(Ufunc *ufunc, cnp.npy_intp *sizes) except -1:
    """Fill in the result's sizes, which come after those of a and of v, -1 where unknown."""
    cdef Entry *e = entry_of(ufunc)
    cdef cnp.npy_intp n, k, need
    cdef int i, longer = 0, shorter = 0
    for i in range(e.rank):
        n, k = sizes[i], sizes[e.rank + i]
        if n < 1 or k < 1:
            raise ValueError(f"{<object>e.name}: both operands must have at least one sample "
                             f"along each core axis, found {n} and {k}")
        if e.mode == 0 and n - 1 > LONG_MAX - k:
            raise ValueError(f"{<object>e.name}: the result of {n} samples and {k} taps is too "
                             "large")
        longer += n >= k
        shorter += n <= k
    if e.mode == 2 and longer < e.rank and shorter < e.rank:
        raise ValueError(f"{<object>e.name} needs one operand at least as large as the other "
                         f"along both core axes, found {sizes[0], sizes[1]} and "
                         f"{sizes[2], sizes[3]}")
    for i in range(e.rank):
        need = wanted(e, sizes[i], sizes[e.rank + i])
        if sizes[2 * e.rank + i] == -1:
            sizes[2 * e.rank + i] = need
        elif sizes[2 * e.rank + i] != need:
            raise ValueError(f"{<object>e.name}: out has {sizes[2 * e.rank + i]} samples along "
                             f"core axis {i}, wanted {need}: a has {sizes[i]}, v "
                             f"{sizes[e.rank + i]}")
    return 0


# -- the loop -----------------------------------------------------------------------------------


cdef object view(char *data, const cnp.npy_intp *dims, const cnp.npy_intp *steps, int rank,
                 cnp.npy_intp items, cnp.npy_intp step, int typenum, int flags):
    """An array (items, *dims) upon memory that is not its own."""
    cdef cnp.npy_intp shape[3]
    cdef cnp.npy_intp strides[3]
    cdef int i
    shape[0], strides[0] = items, step
    for i in range(rank):
        shape[1 + i], strides[1 + i] = dims[i], steps[i]
    return PyArray_New(cnp.ndarray, 1 + rank, shape, typenum, strides, data, 0, flags, None)


cdef bint small_rows(const Entry *e, char *const *data, const cnp.npy_intp *dims,
                     const cnp.npy_intp *steps, int typenum) noexcept:
    """Serve all items if they are of the plain small case; False where one is not."""
    cdef cnp.npy_intp items = dims[0], n = dims[1], k = dims[2], size, start, i
    cdef int way = small_line.way_of(typenum)
    if way < 0 or small.bypassed or e.rank != 1 or k > n or k > small_line.MAX_TAPS or \
            n + 2 * k > small_line.MAX_SAMPLES or items * n * k > SMALL_WORK:
        return False
    size = small_line.SIZE[way]
    if (n > 1 and steps[3] != size) or (k > 1 and steps[4] != size) or \
            (dims[3] > 1 and steps[5] != size):
        return False
    start = 0 if e.mode == 0 else (k - 1) // 2 if e.mode == 1 else k - 1
    for i in range(items):
        if not small_line.run(way, data[0] + i * steps[0], n, data[1] + i * steps[1], k,
                              data[2] + i * steps[2], dims[3], start, e.flip, not e.flip):
            return False
    return True


cdef int loop(Context *context, char *const *data, const cnp.npy_intp *dims,
              const cnp.npy_intp *steps, void *auxiliary) except -1:
    """One stretch of a loop dimension: dims and steps of the items, then of the cores."""
    cdef Entry *e = entry_of(context.caller)
    cdef int typenum = (<cnp.dtype><object>context.descriptors[0]).type_num
    cdef fexcept_t flags
    if dims[0] == 0:
        return 0
    # unused lanes of a vector may raise flags that would become warnings of NumPy's; those of the
    # casts before stay
    fegetexceptflag(&flags, FE_ALL_EXCEPT)
    if not small_rows(e, data, dims, steps, typenum):
        general(e, data, dims, steps, typenum)
    fesetexceptflag(&flags, FE_ALL_EXCEPT)
    return 0


cdef int general(const Entry *e, char *const *data, const cnp.npy_intp *dims,
                 const cnp.npy_intp *steps, int typenum) except -1:
    """Serve all items in one call of the function behind this ufunc."""
    cdef int r = e.rank
    cdef cnp.npy_intp items = dims[0], a_items, v_items
    # an operand that stands still is one item: one filter for all rows, or one row for all filters
    v_items = 1 if steps[1] == 0 else items
    a_items = 1 if steps[0] == 0 and v_items > 1 else items
    a = view(data[0], dims + 1, steps + 3, r, a_items, steps[0], typenum, 0)
    v = view(data[1], dims + 1 + r, steps + 3 + r, r, v_items, steps[1], typenum, 0)
    out = view(data[2], dims + 1 + 2 * r, steps + 3 + 2 * r, r, items, steps[2], typenum,
               cnp.NPY_ARRAY_WRITEABLE)
    (<object>e.serve)(a, v, out)
    return 0


cdef int promote(PyObject *ufunc, DTypeMeta **given, DTypeMeta **signature,
                 DTypeMeta **chosen) except -1:
    """The type of the computation: that of ``dtype=``, else the inputs' common one."""
    cdef DTypeMeta *common = signature[2]
    cdef int i
    if common == NULL or signature[0] != NULL or signature[1] != NULL:
        common = PyArray_PromoteDTypeSequence(2, given)
    else:
        Py_INCREF(<object>common)
    for i in range(3):
        chosen[i] = common if signature[i] == NULL else signature[i]
        Py_INCREF(<object>chosen[i])
    return 0


# -- making them --------------------------------------------------------------------------------


cdef bytes triples():
    """The type numbers of all loops as ``ufunc.types`` reads them."""
    return bytes(np.dtype(chr(t)).num for t in TYPES for _ in range(3))


cdef int add_loops(object ufunc) except -1:
    cdef DTypeMeta *dtypes[3]
    cdef Slot slots[2]
    cdef Spec spec
    memset(&slots[1], 0, sizeof(Slot))
    slots[0].slot, slots[0].pfunc = NPY_METH_strided_loop, <void *>loop
    spec.name, spec.nin, spec.nout, spec.casting = b"fastconv", 2, 1, cnp.NPY_NO_CASTING
    spec.flags = <Flags>NPY_METH_REQUIRES_PYAPI
    spec.dtypes, spec.slots = dtypes, slots
    for t in TYPES:
        cls = type(np.dtype(chr(t)))
        dtypes[0] = dtypes[1] = dtypes[2] = <DTypeMeta *><PyObject *>cls
        PyUFunc_AddLoopFromSpec(ufunc, &spec)
    PyUFunc_AddPromoter(ufunc, (None, None, None),
                        PyCapsule_New(<void *>promote, b"numpy._ufunc_promoter", NULL))
    return 0


def make(str name, int rank, str mode, bint flip, str doc, serve):
    """A new ufunc; ``serve(a, v, out)`` computes what the small path does not."""
    global count
    cdef Entry *e
    if count == MAX_UFUNCS:
        raise SystemError("too many ufuncs")
    texts = name.encode(), doc.encode(), triples()
    kept.append((name, serve, texts))
    signature = b"(n),(k)->(m)" if rank == 1 else b"(m,n),(k,l)->(p,q)"
    ufunc = PyUFunc_FromFuncAndDataAndSignature(NULL, NULL, NULL, 0, 2, 1, -1, texts[0], texts[1],
                                                0, signature)
    add_loops(ufunc)
    kept.append(ufunc)
    e = &entries[count]
    e.ufunc = <Ufunc *><PyObject *>ufunc
    e.serve, e.name = <PyObject *>serve, <PyObject *>name
    e.rank, e.mode, e.flip = rank, ("full", "same", "valid").index(mode), flip
    count += 1
    e.ufunc.process_core_dims_func = core_dims
    # without NPY_ITER_OVERLAP_ASSUME_ELEMENTWISE, which NumPy would set: out may be an input
    e.ufunc.op_flags[2] = NPY_ITER_WRITEONLY | NPY_ITER_UPDATEIFCOPY | NPY_ITER_ALIGNED | \
        NPY_ITER_ALLOCATE | NPY_ITER_NO_BROADCAST | NPY_ITER_NO_SUBTYPE
    # for the attributes of these names only: array-method loops are not listed there
    e.ufunc.types, e.ufunc.ntypes = texts[2], len(TYPES)
    return ufunc
