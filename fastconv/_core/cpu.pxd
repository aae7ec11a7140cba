# cython: language_level=3
"""Which ISA was chosen and how many threads a call may use; see cpu.pyx."""

cdef enum:
    BREAK_EVEN_MACS = 4000000

cdef int isa_index() noexcept
cdef int threads_for(double work) noexcept
