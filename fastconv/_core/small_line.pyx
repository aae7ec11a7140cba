# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""The plain small call for signals: convolve(a, v) of two contiguous arrays of one axis, at little cost.

Short signals (of long ones the ends) go through a zero-padded copy on the stack. Floats are summed by the FIR
microkernel, integers, bool and float16 by the tile for one filter: all with the same bits as backend "direct".
Operands of two types, and float16, are converted on the way into that copy.
"""
from libc.stdint cimport int32_t
from libc.string cimport memcpy, memset
cimport numpy as cnp

from fastconv._core cimport kernels as k
from fastconv._core.arrays cimport result_for
from fastconv._core.cpu cimport isa_index
from fastconv._core.filters cimport fc_fir_line, fc_fir_row, fc_fir_rows
from fastconv._core.job cimport Block, pixel_tiles

cnp.import_array()

cdef enum:
    BUFFER_BYTES = 8 * MAX_SAMPLES
    SLACK = 256             # a tile may read past the end, and be longer than a result
    MAX_WORK = 1000000      # multiply-adds: fewer than threads are worth
    MAX_WIDE_WORK = 150000  # of integers of 8 bytes, which no vector multiplies: then float64 is faster
    SURE_TAPS = 64          # up to which no transform is faster, whatever the signal
    SURE_WORK = 200000      # multiply-adds up to which none is with more
    ONE_SUM = 256           # taps that float16 adds up in one sum
    FREE_WORK = 200000      # from which on the interpreter is released
    WAYS = 10
    FIRST_TILE = 4          # bool, integers of 1, 2, 4 and 8 bytes, float16
    WIDE = 8                # the way of integers of 8 bytes
    HALF = 9
    TYPES = 24              # NumPy's numbers of types

# float32, float64, their complex types; bool, integers by size, float16
cdef int[WAYS] KIND = [5, 6, 8, 9, 0, 1, 2, 3, 4, 5]    # fc_kind
SIZE[:] = [4, 8, 8, 16, 1, 1, 2, 4, 8, 4]
cdef fc_fir_line *line[FIRST_TILE]
cdef Block[WAYS] tile
cdef int32_t[MAX_TAPS] taps_in_turn

# Of each type: how it is summed (-1: not here), and its fc_memory_type; and the type that two of them have in common.
cdef int[TYPES] ways
cdef int[TYPES] memory
cdef signed char[TYPES][TYPES] common


def set_types(table, pairs):
    """Tell of types, by NumPy's numbers: {type: (way, fc_memory_type)}, {(type, type): type of the result}."""
    cdef int i, j
    for i in range(TYPES):
        ways[i] = -1
        for j in range(TYPES):
            common[i][j] = -1
    for i, (way, memory_type) in table.items():
        ways[i], memory[i] = way, memory_type
    for (i, j), result in pairs.items():
        common[i][j] = result


cdef void find_kernels():
    cdef int count, i, way
    cdef const fc_fir_row *rows = fc_fir_rows(isa_index(), &count)
    for way in range(FIRST_TILE):
        for i in range(count):
            if rows[i].kind == KIND[way]:
                line[way] = rows[i].line
    for way in range(FIRST_TILE, WAYS):
        tile[way] = pixel_tiles(KIND[way], 1).blocks[0]
    for i in range(MAX_TAPS):
        taps_in_turn[i] = i


set_types({}, {})
find_kernels()


cdef int way_of(int typenum) noexcept:
    return ways[typenum] if 0 <= typenum < TYPES and ways[typenum] != HALF else -1


cdef inline int type_of(cnp.ndarray a) noexcept:
    cdef int t = cnp.PyArray_TYPE(a)
    return t if 0 <= t < TYPES and ways[t] >= 0 else -1


cdef object serve(cnp.ndarray x, cnp.ndarray w, int mode, bint flip, object out):
    """convolve (flip) or correlate, or None where this is not the plain small case."""
    cdef int t, t_w, t_out, way
    cdef cnp.npy_intp n = cnp.PyArray_DIM(x, 0), m = cnp.PyArray_DIM(w, 0), count, start
    cdef bint plain, done
    count = n + m - 1 if mode == 0 else n if mode == 1 else max(n, m) - min(n, m) + 1
    start = 0 if mode == 0 else (m - 1) // 2 if mode == 1 else min(n, m) - 1
    if m > n:
        if not flip:
            return None
        x, w, n, m = w, x, m, n     # convolution commutes
    if m > MAX_TAPS or n > (MAX_WORK if m <= SURE_TAPS else SURE_WORK) // m:
        return None
    t_out = t = cnp.PyArray_TYPE(x)
    t_w = cnp.PyArray_TYPE(w)
    plain, way = True, t - cnp.NPY_FLOAT
    if t != t_w or not 0 <= way <= 1:       # not both float32, or float64: nearly every call
        t, t_w = type_of(x), type_of(w)
        t_out = common[t][t_w] if t >= 0 and t_w >= 0 else -1
        if t_out < 0:
            return None
        way = ways[t_out]
        plain = t == t_w and way != HALF
        if not (plain or n + 2 * m <= MAX_SAMPLES) or (way == WIDE and n * m > MAX_WIDE_WORK) or \
                (m == 1 and KIND[way] > 6) or (m > ONE_SUM and way == HALF):   # complex products, which no filter makes
            return None
    out = result_for(out, 1, &count, t_out, x, w)
    if out is None:
        return None
    cdef const char *from_ = <const char *>cnp.PyArray_DATA(x)
    cdef const char *taps = <const char *>cnp.PyArray_DATA(w)
    cdef char *to = <char *>cnp.PyArray_DATA(<cnp.ndarray>out)
    if not plain:
        done = converted(way, x, w, t_out, to, count, start, flip)
    elif n < FREE_WORK // m:    # releasing the interpreter would cost as much as the sums
        done = run(way, from_, n, taps, m, to, count, start, flip, not flip)
    else:
        with nogil:
            done = run(way, from_, n, taps, m, to, count, start, flip, not flip)
    return out if done else None


cdef bint converted(int way, cnp.ndarray x, cnp.ndarray w, int t_out, char *y, cnp.npy_intp out, cnp.npy_intp start,
                    bint flip) noexcept:
    """As ``run``, of real operands of other types than the sums."""
    cdef double[MAX_SAMPLES] samples
    cdef double[MAX_SAMPLES + SLACK] sums
    cdef double[MAX_TAPS] taps
    cdef k.fc_kind kind = <k.fc_kind>KIND[way]
    cdef cnp.npy_intp n = cnp.PyArray_SIZE(x), m = cnp.PyArray_SIZE(w)
    cdef bint half = way == HALF
    read(samples, x, kind)
    read(taps, w, kind)
    if not run(way, <const char *>samples, n, <const char *>taps, m, <char *>sums if half else y, out, start, flip,
               False):
        return False
    if half:
        k.fc_finish_find(kind, <k.fc_memory_type>memory[t_out])(y, 2, sums, NULL, out, NULL, 0)
    return True


cdef void read(void *to, cnp.ndarray a, k.fc_kind kind) noexcept:
    """Real numbers in the type of the sums."""
    k.fc_pack_find(<k.fc_memory_type>memory[cnp.PyArray_TYPE(a)], kind)(
        to, <const char *>cnp.PyArray_DATA(a), cnp.PyArray_ITEMSIZE(a), cnp.PyArray_SIZE(a))


cdef bint run(int way, const char *x, cnp.npy_intp n, const char *w, cnp.npy_intp m, char *y,
              cnp.npy_intp out, cnp.npy_intp start, bint flip, bint conj) noexcept nogil:
    """y[i] = full[i + start]; False where the filter is not finite (its padding would matter)."""
    cdef double[2 * MAX_TAPS + MAX_SAMPLES + SLACK] samples     # of the ends of a longer signal 2 m - 2, of 16 bytes
    cdef double[2 * MAX_TAPS] taps
    cdef char *buf = <char *>samples
    cdef cnp.npy_intp size = SIZE[way], first = start - (m - 1), low, high
    if not filter_of(way, w, m, <char *>taps, flip, conj):
        return False
    if (n + 2 * m) * size <= BUFFER_BYTES and n + 2 * m <= MAX_SAMPLES:
        part(way, x, n, first, <char *>taps, m, y, out, buf)
        return True
    # outputs low .. high - 1 see no border
    low = max(-first, <cnp.npy_intp>0)
    high = min(n - m + 1 - first, out)
    part(way, x, n, first, <char *>taps, m, y, low, buf)
    sum_line(way, m, <char *>taps, x + (first + low) * size, y + low * size, high - low)
    part(way, x, n, first + high, <char *>taps, m, y + high * size, out - high, buf)
    return True


cdef bint filter_of(int way, const char *w, cnp.npy_intp m, char *taps, bint flip, bint conj) noexcept nogil:
    """The taps in the order in which samples meet them; False where they are not finite."""
    cdef cnp.npy_intp size = SIZE[way], last = m - 1 if flip else 0, step = -1 if flip else 1, i
    cdef double seen = 0        # zeros, or no number where taps are not finite
    if way == 0 or way == HALF:
        for i in range(m):
            (<float *>taps)[i] = (<const float *>w)[last + i * step]
            seen += (<float *>taps)[i] * 0.0
    elif way == 1:
        for i in range(m):
            (<double *>taps)[i] = (<const double *>w)[last + i * step]
            seen += (<double *>taps)[i] * 0.0
    else:
        for i in range(m):
            memcpy(taps + i * size, w + (last + i * step) * size, size)
        if way < FIRST_TILE:
            if not k.fc_all_finite(<k.fc_kind>KIND[way], taps, 2 * m):
                return False
            for i in range(1, 2 * m if conj else 0, 2):
                if way == 2:
                    (<float *>taps)[i] = -(<float *>taps)[i]
                else:
                    (<double *>taps)[i] = -(<double *>taps)[i]
    return seen == 0


cdef void part(int way, const char *x, cnp.npy_intp n, cnp.npy_intp first, const char *taps, cnp.npy_intp m,
               char *y, cnp.npy_intp count, char *buf) noexcept nogil:
    """count outputs, of windows that begin at sample first, from a copy with zeros beyond the ends."""
    cdef cnp.npy_intp size = SIZE[way], before = 0, end = first + count + m - 1, inside
    if count <= 0:
        return
    if first < 0:
        before = -first
        first = 0
    inside = (n if end > n else end) - first
    memset(buf, 0, before * size)
    memcpy(buf + before * size, x + first * size, inside * size)
    memset(buf + (before + inside) * size, 0, (end - first - inside) * size)
    sum_line(way, m, taps, buf, y, count)


cdef void sum_line(int way, cnp.npy_intp m, const char *taps, const char *x, char *y, cnp.npy_intp count) noexcept nogil:
    """y[i] = sum over t of x[i + t] * taps[t]."""
    cdef char[512] rest         # integers: a vector, of which some are wanted
    cdef const Block *b = &tile[way]
    cdef cnp.npy_intp size = SIZE[way], i = 0
    if way < FIRST_TILE:
        line[way](m, taps, x, y, count)
        return
    while i + b.wide_pixels <= count:
        b.wide(m, taps_in_turn, x + i * size, 0, taps, y + i * size, 0, 0)
        i += b.wide_pixels
    while i + b.narrow_pixels <= count:
        b.narrow(m, taps_in_turn, x + i * size, 0, taps, y + i * size, 0, 0)
        i += b.narrow_pixels
    if i < count and count >= b.narrow_pixels:      # over its neighbour: nothing is added up in y
        i = count - b.narrow_pixels
        b.narrow(m, taps_in_turn, x + i * size, 0, taps, y + i * size, 0, 0)
    elif i < count:             # only a copy on the stack is that short, which has room to be read beyond
        b.narrow(m, taps_in_turn, x, 0, taps, rest, 0, 0)
        memcpy(y, rest, count * size)
