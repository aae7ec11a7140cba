# cython: language_level=3
"""Types shared by the drivers that end in the tap microkernel (direct, deform)."""
from libc.stdint cimport int32_t
from fastconv._core cimport kernels as k

# A tap block bounds the length of one running sum: sums of blocks are added up apart, which keeps
# the rounding error of long kernels low; and the weights of a block stay in cache.
cdef enum:
    TAP_BLOCK = 256


ctypedef struct Block:          # consecutive output channels that one tile computes
    ptrdiff_t k0
    ptrdiff_t at                # lanes of packed weights before it
    int mr                      # channels
    int width                   # lanes that they take: mr, or more with zero weights
    int wide_pixels
    int narrow_pixels
    k.fc_tap_ukr *wide
    k.fc_tap_ukr *narrow
    k.fc_tap_store *wide_store
    k.fc_tap_store *narrow_store


cdef enum:
    ROW_TILE = 4                # rows, and vectors, of the largest row tile


cdef class Tiles:
    """The blocks that cover K output channels, for one number kind and ISA."""
    cdef Block *blocks
    cdef readonly ptrdiff_t count
    cdef readonly ptrdiff_t total_width
    cdef readonly int max_width
    cdef readonly int max_pixels
    cdef readonly int kind
    cdef readonly int planes
    cdef readonly ptrdiff_t number_bytes
    cdef ptrdiff_t sum_block    # taps of one running sum
    cdef void multiply(self, const Block *b, ptrdiff_t pixels, ptrdiff_t taps,
                       const int32_t *off, const char *x, ptrdiff_t im, const char *w, char *c,
                       ptrdiff_t ldc, int accumulate) noexcept nogil
    cdef void store(self, const Block *b, ptrdiff_t pixels, ptrdiff_t taps, const int32_t *off,
                    const char *x, const char *w, ptrdiff_t ldw, const char *bias, char *c,
                    ptrdiff_t ldc) noexcept nogil
    cdef void store_blocks(self, const Block *b, ptrdiff_t pixels, ptrdiff_t taps, const int32_t *off,
                           const char *x, const char *w, char *c, ptrdiff_t ldc) noexcept nogil


cdef Tiles pixel_tiles(int kind, ptrdiff_t channels)


cdef class Buffer:
    """A block of C memory that lives as long as the object that holds it."""
    cdef void *data


cdef Buffer buffer_of(size_t nbytes)
cdef const k.fc_depthwise_row *depthwise_row(int kind) noexcept
cdef ptrdiff_t *table(list keep, numbers) except NULL
cdef void fill_reader(k.fc_reader *r, int kind, int memory_type, bint is_complex, bint swapped,
                      fill) except *
cdef class Team:
    """The threads of a call: they take its items, and end early for Ctrl-C or where one has no memory."""
    cdef bint stop              # none may begin another item
    cdef double last
    cdef object error
    cdef size_t missing         # bytes that a thread did not get
    cdef void run(self, k.fc_task *task, void *job, void *call, ptrdiff_t items, ptrdiff_t chunk,
                  int threads) noexcept nogil
    cdef char *scratch(self, size_t nbytes) noexcept nogil
    cdef void fail(self, size_t nbytes) noexcept nogil
    cdef bint next(self, k.fc_share *share) noexcept nogil
    cdef bint over(self, bint caller) noexcept nogil
    cdef void _signals(self) noexcept with gil
    cdef int check(self) except -1
