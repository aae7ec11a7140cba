# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Integers that are computed with in float64: how large they are, there and back.  Called by backends/_integers.py."""
from libc.math cimport fabs, sqrt
from libc.stdlib cimport free, malloc
cimport numpy as cnp

from fastconv._core cimport kernels as k
from fastconv._core.cpu cimport threads_for
from fastconv._core.job cimport Team

cnp.import_array()

cdef enum:
    MAX_AXES = 64
    RUN = 4096              # numbers of an item of work
    BLOCK = 256             # weights that are converted at a time
    F64 = 6                 # fc_kind
    WORK = 6                # multiply-adds that a number takes as long as

cdef enum What:
    STORE, LOAD, PEAK


cdef class Call:
    cdef What what
    cdef char *to
    cdef const char *from_
    cdef ptrdiff_t[MAX_AXES] size, to_step, from_step   # axes from the outermost; the last is cut in runs
    cdef int axes, type, shift, add
    cdef k.fc_pack_fn *load         # NULL: of integers of 8 bytes
    cdef unsigned long long *peaks  # of the items
    cdef ptrdiff_t runs

    cdef void _item(self, ptrdiff_t item) noexcept nogil:
        cdef ptrdiff_t first = item % self.runs * RUN, left = item // self.runs, at, count
        cdef int last = self.axes - 1, i
        cdef char *to = self.to + first * self.to_step[last]
        cdef const char *from_ = self.from_ + first * self.from_step[last]
        cdef k.fc_memory_type type = <k.fc_memory_type>self.type
        for i in range(last - 1, -1, -1):
            at, left = left % self.size[i], left // self.size[i]
            to += at * self.to_step[i]
            from_ += at * self.from_step[i]
        count = min(<ptrdiff_t>RUN, self.size[last] - first)
        if self.what == PEAK:
            self.peaks[item] = k.fc_peak(from_, self.from_step[last], type, count)
        elif self.what == LOAD:     # to numbers that are neighbours
            if self.load == NULL:
                k.fc_load_whole(<double *>to, from_, self.from_step[last], count)
            else:
                self.load(to, from_, self.from_step[last], count)
        else:
            k.fc_store_whole(to, self.to_step[last], type, from_, self.from_step[last], count, self.shift, self.add)

    cdef ptrdiff_t _cut(self, cnp.ndarray source, cnp.ndarray target, int memory_type) except -1:
        """How many items the work has. Axes are taken by the steps of the target, and neighbours that lie one after
        the other joined."""
        cdef int i, last = 0
        cdef ptrdiff_t items
        cdef cnp.npy_intp *shape = cnp.PyArray_DIMS(target)
        cdef cnp.npy_intp *to_steps = cnp.PyArray_STRIDES(target)
        cdef cnp.npy_intp *steps = cnp.PyArray_STRIDES(source)
        self.to, self.from_ = <char *>cnp.PyArray_DATA(target), <const char *>cnp.PyArray_DATA(source)
        self.type, self.size[0] = memory_type, 1
        self.to_step[0], self.from_step[0] = cnp.PyArray_ITEMSIZE(target), cnp.PyArray_ITEMSIZE(source)
        order = range(cnp.PyArray_NDIM(target))
        if not cnp.PyArray_IS_C_CONTIGUOUS(target):
            order = sorted(order, key=lambda i: -abs(target.strides[i]))
        for i in order:
            if shape[i] == 1:
                continue
            if self.size[last] > 1:
                if self.to_step[last] == to_steps[i] * shape[i] and self.from_step[last] == steps[i] * shape[i]:
                    self.size[last] *= shape[i]
                    self.to_step[last], self.from_step[last] = to_steps[i], steps[i]
                    continue
                last += 1
            self.size[last], self.to_step[last], self.from_step[last] = shape[i], to_steps[i], steps[i]
        self.axes = last + 1
        self.runs = items = (self.size[last] + RUN - 1) // RUN
        for i in range(last):
            items *= self.size[i]
        return items

    cdef int _run(self, ptrdiff_t items) except -1:
        cdef Team team = Team()
        cdef int threads = threads_for(<double>items * min(<ptrdiff_t>RUN, self.size[self.axes - 1]) * WORK)
        cdef void *job = <void *>self
        with nogil:
            team.run(<k.fc_task *>_items, job, NULL, items, max(<ptrdiff_t>1, items // (4 * threads)), threads)
        team.check()
        return 0


cdef void _items(Call call, void *_, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part."""
    while team.next(share):
        call._item(share.item)


def load(cnp.ndarray x not None, int memory_type, cnp.ndarray y not None):
    """y = x: integers below 2**51 (``fc_memory_type``, in this machine's byte order) into C-contiguous float64; y."""
    cdef Call call = Call()
    if cnp.PyArray_SIZE(x):
        call.what, call.load = LOAD, NULL
        if cnp.PyArray_ITEMSIZE(x) < 8:
            call.load = k.fc_pack_find(<k.fc_memory_type>memory_type, <k.fc_kind>F64)
        call._run(call._cut(x, y, memory_type))
    return y


def store(cnp.ndarray y not None, cnp.ndarray out not None, int memory_type, int shift=0, bint add=False):
    """out = nearest(y) * 2**shift modulo 2**n, or added to what is there.

    y is aligned float64 and nowhere near 2**51, out aligned integers (``fc_memory_type``) or bool of the same shape and
    of any steps; they may be the same memory.
    """
    cdef Call call = Call()
    if cnp.PyArray_SIZE(out):
        call.what, call.shift, call.add = STORE, shift, add
        call._run(call._cut(y, out, memory_type))


def peak(cnp.ndarray x not None, int memory_type):
    """The largest magnitude of aligned integers in this machine's byte order, 0 where there are none; of those of 8 bytes
    a number that is no smaller, and at most twice as large and 1."""
    cdef Call call = Call()
    cdef ptrdiff_t items, i
    cdef unsigned long long found = 0
    if not cnp.PyArray_SIZE(x):
        return 0
    call.what = PEAK
    items = call._cut(x, x, memory_type)
    call.peaks = <unsigned long long *>malloc(items * sizeof(unsigned long long))
    if call.peaks == NULL:
        raise MemoryError(f"cannot allocate {items * sizeof(unsigned long long)} bytes")
    try:
        call._run(items)
        for i in range(items):
            found = max(found, call.peaks[i])
    finally:
        free(call.peaks)
    return found


def norm(cnp.ndarray w not None, ptrdiff_t filters, int memory_type, bint squares):
    """The largest sum|w|, or root of sum w^2, of so many filters, which lie one after the other in contiguous w."""
    cdef double[BLOCK] part
    cdef double total, found = 0
    cdef ptrdiff_t taps = cnp.PyArray_SIZE(w) // max(filters, <ptrdiff_t>1), f, first, i, count
    cdef ptrdiff_t size = cnp.PyArray_ITEMSIZE(w)
    cdef const char *data = <const char *>cnp.PyArray_DATA(w)
    cdef k.fc_pack_fn *read = k.fc_pack_find(<k.fc_memory_type>memory_type, <k.fc_kind>F64)
    for f in range(filters):
        total, first = 0, 0
        while first < taps:
            count = min(<ptrdiff_t>BLOCK, taps - first)
            read(part, data + (f * taps + first) * size, size, count)
            for i in range(count):
                total += part[i] * part[i] if squares else fabs(part[i])
            first += count
        found = max(found, total)
    return sqrt(found) if squares else found
