# cython: language_level=3
"""Which ISA was chosen and how many threads a call may use; see cpu.pyx."""

from fastconv._core cimport kernels as k

cdef enum:
    BREAK_EVEN_MACS = 1000000
    EARLY = 2               # dense layers and images: threads share half the usual work

cdef int isa_index() noexcept
cdef int threads_for(double work) noexcept
cpdef bint crowded(ptrdiff_t lines, ptrdiff_t step)
cdef void run_region(k.fc_task *task, void *job, void *call, void *team, ptrdiff_t items, ptrdiff_t chunk,
                     int threads) noexcept nogil
