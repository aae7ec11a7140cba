# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""im2col blocks and the BLAS GEMM that multiplies them.

The columns are gathered in one parallel region; the GEMM is called outside of it, with the
interpreter released: BLAS has threads of its own.  Numbers are moved as raw bytes, so complex
ones stay interleaved as BLAS wants them.
"""
from libc.string cimport memcpy, memset
cimport numpy as cnp
from scipy.linalg.cython_blas cimport cgemm, dgemm, sgemm, zgemm

from fastconv._core cimport kernels as k
from fastconv._core.cpu cimport threads_for
from fastconv._core.job cimport Buffer, Team, buffer_of, fill_reader

cnp.import_array()


cdef void copy8(void *dst, const char *src, ptrdiff_t step, ptrdiff_t n) noexcept nogil:
    k.fc_copy_run(<char *>dst, src, step, n, 8)


cdef void copy16(void *dst, const char *src, ptrdiff_t step, ptrdiff_t n) noexcept nogil:
    k.fc_copy_run(<char *>dst, src, step, n, 16)


cdef struct Gather:
    int axes                # spatial axes
    ptrdiff_t channels
    ptrdiff_t channel_bytes
    ptrdiff_t taps          # of all axes together
    k.fc_axis axis[64]
    ptrdiff_t outputs[64]
    ptrdiff_t stride[64]
    ptrdiff_t tap_count[64]
    ptrdiff_t *deltas[64]
    const k.fc_reader *reader
    const char *x
    char *to
    ptrdiff_t row, rows, col, cols      # outputs of the block


cdef void some_columns(void *_, const Gather *g, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part of the columns."""
    while team.next(share):
        gather_column(g, share.item)


cdef void gather_column(const Gather *g, ptrdiff_t column) noexcept nogil:
    """The samples of one channel and tap for a block of output rows."""
    cdef ptrdiff_t delta[64]
    cdef ptrdiff_t t = column % g.taps, i, j, d, at, index
    cdef int last = g.axes - 1
    cdef const char *x = g.x + column // g.taps * g.channel_bytes
    cdef const char *start
    cdef char *dst = g.to + column * g.rows * g.cols * g.reader.number_bytes
    cdef bint outside
    for d in range(last, -1, -1):
        delta[d] = g.deltas[d][t % g.tap_count[d]]
        t //= g.tap_count[d]
    for j in range(g.rows):
        i = g.row + j
        start = x
        outside = False
        for d in range(last - 1, -1, -1):
            index = i % g.outputs[d]
            i //= g.outputs[d]
            at = k.fc_source_index(index * g.stride[d] + delta[d], g.axis[d].length,
                                   g.axis[d].mode)
            if at < 0:
                outside = True
            else:
                start += at // g.axis[d].upsample * g.axis[d].step_bytes
        if outside:
            k.fc_fill_run(g.reader, dst, dst, g.cols)
        else:
            k.fc_gather(g.reader, dst, dst, start, &g.axis[last], g.col * g.stride[last] + delta[last],
                        g.stride[last], g.cols)
        dst += g.cols * g.reader.number_bytes


def gather_columns(cnp.ndarray block not None, cnp.ndarray x not None, sub, fill, int kind, source,
                   ptrdiff_t row, ptrdiff_t rows, ptrdiff_t col, ptrdiff_t cols):
    """block[(c, t), p] = x[c, position of output p at tap t] for a block of output rows.

    ``x`` is (channels, *sizes): of any real dtype where the block is real (``source``: its memory type,
    whether it is complex, whether its bytes are swapped), else of the block's own; ``sub`` is the tuple of
    TapAxis; the rows are counted over all axes but the last.
    """
    cdef Gather g
    cdef k.fc_reader r
    cdef Team team = Team()
    cdef list keep = []
    cdef Buffer b
    cdef ptrdiff_t i, d, columns, pixels = rows * cols
    cdef bytes value = fill.tobytes()
    cdef const char *data = <const char *>cnp.PyArray_DATA(x)
    cdef char *dst = <char *>cnp.PyArray_DATA(block)
    cdef int threads
    g.axes = len(sub)
    g.channels, g.channel_bytes, g.taps = x.shape[0], x.strides[0], 1
    for d in range(g.axes):
        axis = sub[d]
        g.axis[d].length, g.axis[d].upsample = axis.size, axis.upsample
        g.axis[d].step_bytes, g.axis[d].mode = x.strides[d + 1], axis.mode
        g.outputs[d], g.stride[d] = axis.outputs, axis.stride
        g.tap_count[d] = len(axis.taps)
        g.taps *= g.tap_count[d]
        b = buffer_of(g.tap_count[d] * sizeof(ptrdiff_t))
        keep.append(b)
        g.deltas[d] = <ptrdiff_t *>b.data
        for i in range(g.tap_count[d]):
            g.deltas[d][i] = axis.deltas[i]
    memset(&r, 0, sizeof(r))
    if k.fc_kind_planes(kind) == 1:
        memory_type, is_complex, swapped = source
        fill_reader(&r, kind, memory_type, is_complex, swapped, (value, b""))
    else:
        r.planes, r.number_bytes = 1, x.itemsize
        r.pack = copy8 if x.itemsize == 8 else copy16
        memcpy(&r.fill[0][0], <const char *>value, len(value))
        r.fill_is_zero = not any(value)
    g.reader, g.x, g.to = &r, data, dst
    g.row, g.rows, g.col, g.cols = row, rows, col, cols
    columns = g.channels * g.taps
    threads = threads_for(<double>columns * pixels * 4)
    with nogil:
        team.run(<k.fc_task *>some_columns, NULL, &g, columns, max(1, columns // (threads * 8)), threads)
    team.check()


def multiply(cnp.ndarray w not None, cnp.ndarray columns not None, cnp.ndarray out not None):
    """out = w @ columns for C-contiguous float32, float64, complex64 or complex128 matrices."""
    cdef int m = columns.shape[1], n = w.shape[0], depth = w.shape[1]
    cdef char no = b"n"
    cdef void *a = cnp.PyArray_DATA(columns)
    cdef void *b = cnp.PyArray_DATA(w)
    cdef void *c = cnp.PyArray_DATA(out)
    cdef int lda = max(1, m), ldb = max(1, depth)
    cdef float s1 = 1, s0 = 0
    cdef double d1 = 1, d0 = 0
    cdef float complex c1 = 1, c0 = 0
    cdef double complex z1 = 1, z0 = 0
    cdef int kind = cnp.PyArray_TYPE(out)
    if m == 0 or n == 0:
        return
    if depth == 0:
        out.fill(0)
        return
    # BLAS is column-major: the transposed product, in the same memory
    with nogil:
        if kind == cnp.NPY_FLOAT:
            sgemm(&no, &no, &m, &n, &depth, &s1, <float *>a, &lda, <float *>b, &ldb, &s0,
                  <float *>c, &lda)
        elif kind == cnp.NPY_DOUBLE:
            dgemm(&no, &no, &m, &n, &depth, &d1, <double *>a, &lda, <double *>b, &ldb, &d0,
                  <double *>c, &lda)
        elif kind == cnp.NPY_CFLOAT:
            cgemm(&no, &no, &m, &n, &depth, &c1, <float complex *>a, &lda, <float complex *>b,
                  &ldb, &c0, <float complex *>c, &lda)
        else:
            zgemm(&no, &no, &m, &n, &depth, &z1, <double complex *>a, &lda,
                  <double complex *>b, &ldb, &z0, <double complex *>c, &lda)


def store(cnp.ndarray y not None, cnp.ndarray bias, int activation, int kind, int out_type,
          cnp.ndarray out not None):
    """out[f, i] = activation(y[f, i] + bias[f]) for real y with neighbouring columns."""
    cdef k.fc_finish_fn *finish = k.fc_finish_find(kind, out_type)
    cdef const char *row = <const char *>cnp.PyArray_DATA(y)
    cdef const char *add = NULL
    cdef char *to = <char *>cnp.PyArray_DATA(out)
    cdef ptrdiff_t f, filters = y.shape[0], cols = y.shape[1], size = y.itemsize
    cdef ptrdiff_t row_step = y.strides[0], to_step = out.strides[0], to_col = out.strides[1]
    if bias is not None:
        add = <const char *>cnp.PyArray_DATA(bias)
    with nogil:
        for f in range(filters):
            finish(to, to_col, row, NULL, cols, add, activation)
            row += row_step
            to += to_step
            if add != NULL:
                add += size
