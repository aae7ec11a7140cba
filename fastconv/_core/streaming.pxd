# cython: language_level=3
"""What a stream consists of; see streaming.pyx."""
cimport numpy as cnp

from fastconv._core.fft cimport fc_fft_plan, fc_fft_row
from fastconv._core.job cimport Tiles

cdef enum:
    MAX_LEVELS = 24
    MAX_PHASES = 16             # of one direction: passes, and the ends
    MAX_SEGMENT = 1024          # samples that are computed at once
    SLACK = 128                 # numbers that a tile may read and write past the end


ctypedef struct Level:          # partitions of one size
    const fc_fft_plan *plan
    const fc_fft_row *row
    ptrdiff_t size              # S: taps of a partition, samples of a period
    ptrdiff_t partitions
    ptrdiff_t slots             # spectra kept: one more, for the period before
    ptrdiff_t bytes             # of one spectrum
    int down                    # phases of the forward transform
    int up                      # and of products and the inverse one, for each voice
    ptrdiff_t pieces[2][MAX_PHASES]
    double cost[2][MAX_PHASES]  # of one piece
    double total[2]


ctypedef struct Task:           # the work of one period of a level, of one channel
    ptrdiff_t slot              # where this period's spectrum is
    ptrdiff_t window            # ring index at which the period began: the window ends there
    int step                    # phases that are done, of ``down + up`` for each voice
    ptrdiff_t piece
    double done
    int voices                  # that take part
    int voice[2]
    int playing                 # which of two results is being played; the other one is written
    char *data[2]
    const void **spectra[2]     # [2 * slots], newest last: spectra[slots - 1 - slot] is this period's
    char *result[2][2][2]       # [voice][plane][which]


ctypedef struct Voice:          # one kernel
    const char *head[3]         # reversed taps: real part, imaginary part, its negative
    const void **spectra[MAX_LEVELS][3]


ctypedef struct Channel:
    char *ring[2]
    char *sums                  # [voice][plane][MAX_SEGMENT + SLACK]
    ptrdiff_t at                # ring index of the next sample
    Task task[MAX_LEVELS]
    Voice voice[2]
    int newest                  # the voice that is heard, or faded to
    ptrdiff_t fade              # samples of the fade, 0: none
    ptrdiff_t faded


cdef class Engine:
    cdef Level level[MAX_LEVELS]
    cdef Channel *channel
    cdef readonly ptrdiff_t channels, head
    cdef readonly int levels
    cdef int planes, filter_planes, kind, typenum
    cdef ptrdiff_t number, ring, guard
    cdef double work_per_sample
    cdef Tiles tiles
    cdef void *lock
    cdef list transforms, kept, voices, arrays
    cdef void _allocate(self) except *
    cdef const void **_pointers(self, list keep, const char *data, ptrdiff_t count, ptrdiff_t step,
                                bint ring) except NULL
    cdef const char *_window(self, const char *ring, ptrdiff_t index) noexcept nogil
    cdef void _describe(self, Level *lv, costs) except *
    cdef void _start(self, Channel *c, Level *lv, Task *t) noexcept nogil
    cdef void _phase(self, const Channel *c, const Level *lv, Task *t, int level, int step,
                     ptrdiff_t first, ptrdiff_t end) noexcept nogil
    cdef void _products(self, const Channel *c, const Level *lv, Task *t, int level, int voice,
                        ptrdiff_t shift, ptrdiff_t first, ptrdiff_t end) noexcept nogil
    cdef void _inverse(self, const Level *lv, Task *t, int voice, int phase, int which,
                       ptrdiff_t first, ptrdiff_t end) noexcept nogil
    cdef void _work(self, const Channel *c, const Level *lv, Task *t, int level,
                    double share) noexcept nogil
    cdef void _sum(self, Channel *c, int voice, ptrdiff_t n) noexcept nogil
    cdef void _segment(self, Channel *c, const char *x, char *y, ptrdiff_t n) noexcept nogil
    cdef void _run_channel(self, Channel *c, const char *x, char *y, ptrdiff_t n) noexcept nogil
    cdef void _enter(self) noexcept
    cdef bint _takes(self, cnp.ndarray x, object out) noexcept
    cdef void _run(self, cnp.ndarray x, cnp.ndarray y) noexcept
    cdef void _recompute(self, Channel *c, int voice) noexcept nogil
