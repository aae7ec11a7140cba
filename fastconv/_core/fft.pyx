"""Tables of the FFT microkernels: twiddles of one size, worked out in double precision.

Angles are reduced to a fraction of a turn in whole numbers first, so that the twiddles of the
longest transform are as exact as those of the shortest.
"""
import threading

cimport numpy as cnp
import numpy as np

from fastconv._core.cpu cimport isa_index

from fastconv._core.arrays import aligned

cnp.import_array()

KEPT_SIZE = 1 << 16     # tables of larger transforms live no longer than the plans that use them
_kept = {}
_lock = threading.Lock()


cdef const fc_fft_row *fft_row(bint double_precision) except NULL:
    """The microkernels of this machine's ISA for float32 or float64."""
    cdef int count, i
    cdef const fc_fft_row *rows = fc_fft_rows(isa_index(), &count)
    for i in range(count):
        if rows[i].kind == (6 if double_precision else 5):      # FC_KIND_F64, FC_KIND_F32
            return &rows[i]
    raise ValueError("no FFT microkernels for this instruction set")


def smallest(bint double_precision):
    """The fewest complex points of a transform: the first pass takes vectors of vectors."""
    cdef int lanes = fft_row(double_precision).lanes
    return max(4 * lanes, lanes * lanes)


def radices(rows):
    """(radix of each pass, of the last): eights, and fours for what remains of a power of two."""
    bits = rows.bit_length() - 1
    fours = {0: 0, 1: 2, 2: 1}[bits % 3]
    eights = (bits - 2 * fours) // 3
    if eights:
        return [8] * (eights - 1) + [4] * fours, 8
    return [4] * (fours - 1), 4


cdef void *data_of(array) noexcept:
    return cnp.PyArray_DATA(<cnp.ndarray>array)


cdef const void *_keep(list tables, table) except? NULL:
    held = aligned(table.size, table.dtype)
    held[:] = table.reshape(-1)
    tables.append(held)
    return data_of(held)


def _twiddles(numerator, denominator, dtype):
    """[..., re, im] of exp(2 pi i numerator / denominator), numerators whole numbers."""
    angle = (numerator % denominator) * (2 * np.pi / denominator)
    return np.stack((np.cos(angle), np.sin(angle)), -1).astype(dtype)


cdef class Transform:
    def __init__(self, bint double_precision, ptrdiff_t size, bint turned):
        """size: complex points, a power of two; turned: of one real block of 2 * size samples."""
        cdef fc_fft_plan *p = &self.plan
        cdef ptrdiff_t length, lanes
        self.row = fft_row(double_precision)
        lanes = self.row.lanes
        if size < smallest(double_precision) or size & (size - 1):
            raise ValueError(f"size must be a power of two of at least "
                             f"{smallest(double_precision)}, found {size}")
        self.lanes = lanes
        self.size, self.turned, self.number = size, turned, 8 if double_precision else 4
        self.tables = []
        dtype = np.dtype("f8" if double_precision else "f4")
        p.size, p.rows, p.turned = size, size // lanes, turned
        steps, p.last = radices(p.rows)
        p.passes = len(steps)
        length = p.rows
        for i, radix in enumerate(steps):
            p.radix[i], p.length[i] = radix, length
            n, j = np.ogrid[: length // radix, 1:radix]
            p.twiddle[i] = _keep(self.tables, _twiddles(-n * j, length, dtype))
            length //= radix
        n, j = np.ogrid[: p.rows, :lanes]
        first = _twiddles(n - 4 * n * j if turned else -4 * n * j, 4 * size, dtype)
        first = first.reshape(p.rows // lanes, lanes, lanes, 2).transpose(0, 2, 3, 1)
        p.first = _keep(self.tables, np.ascontiguousarray(first))
        p.turn = _keep(self.tables, _twiddles(np.arange(lanes), 4 * lanes, dtype))


def transform(double_precision, size, turned):
    """A Transform, from the cache where it is small."""
    key = (bool(double_precision), size, bool(turned))
    with _lock:
        found = _kept.get(key)
    if found is None:
        found = Transform(*key)
        if size <= KEPT_SIZE:
            with _lock:
                found = _kept.setdefault(key, found)
    return found


# --- for tests: what a driver does with one block ---

def spectrum_of(Transform t not None, re, im):
    """Spectrum of a block: 2 * size numbers."""
    found = aligned(2 * t.size, re.dtype)
    scratch = aligned(2 * t.size, re.dtype)
    fc_fft_forward(t.row, &t.plan, data_of(re), data_of(im), data_of(scratch), data_of(found))
    return found


def filtered(Transform t not None, re, im, spectrum, out, ptrdiff_t low, ptrdiff_t high):
    """Samples [low, high) of a block convolved with the taps of a spectrum, into out (2, size)."""
    scratch = aligned(2 * t.size, re.dtype)
    cdef char *to = <char *>data_of(out)
    cdef fc_fft_soon soon
    soon.read, soon.write, soon.bytes, soon.done = NULL, to, 64, 0
    fc_fft_filter(t.row, &t.plan, data_of(re), data_of(im), data_of(spectrum), data_of(scratch), to,
                  to + t.size * t.number, low, high, &soon)


def inverse(Transform t not None, spectrum, out, ptrdiff_t low, ptrdiff_t high):
    """Samples [low, high) of a spectrum's block, into out (2, size)."""
    scratch = aligned(2 * t.size, out.dtype)
    cdef char *to = <char *>data_of(out)
    fc_fft_inverse(t.row, &t.plan, data_of(spectrum), data_of(scratch), to, to + t.size * t.number,
                   low, high)


def sum_of_products(Transform t not None, x, h, y, bint accumulate):
    """y[i] (+)= sum of x[q + len(y) - 1 - i] * h[q], lists of spectra."""
    cdef const void *xs[64]
    cdef const void *hs[64]
    cdef void *ys[2]
    cdef ptrdiff_t i
    for i in range(len(x)):
        xs[i] = data_of(x[i])
    for i in range(len(h)):
        hs[i] = data_of(h[i])
    for i in range(len(y)):
        ys[i] = data_of(y[i])
    t.row.mac(&t.plan, len(h), xs, hs, ys, <int>len(y), accumulate, 0, t.plan.rows)
