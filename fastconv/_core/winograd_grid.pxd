# cython: language_level=3
"""What the Winograd driver knows of its tiles; see winograd_grid.pyx."""
from fastconv._core cimport kernels as k


ctypedef struct Axis:
    ptrdiff_t size              # samples of x
    ptrdiff_t x_bytes           # from sample to sample, from output to output
    ptrdiff_t out_bytes
    ptrdiff_t step              # dilation: samples between the points of a tile, and between its outputs
    ptrdiff_t outputs
    int mode                    # fc_pad_mode: what stands outside
    bint whole                  # one block holds the axis, and its strips all samples as they lie
    ptrdiff_t groups            # blocks along the axis
    ptrdiff_t *group            # first tile of each, and the end
    ptrdiff_t *x_first          # per tile: its first sample, its first output,
    ptrdiff_t *out_first
    ptrdiff_t *low              # its points that are not zeros outside x, its outputs
    ptrdiff_t *high
    ptrdiff_t *count


ctypedef struct Block:          # of tiles: of image n and group g the index-th; per axis:
    ptrdiff_t n
    ptrdiff_t g
    ptrdiff_t index
    ptrdiff_t count
    ptrdiff_t[3] first
    ptrdiff_t[3] tiles
    ptrdiff_t[3] base           # sample of slot 0 of the strip, samples between slots, numbers between them
    ptrdiff_t[3] step
    ptrdiff_t[3] stride
    ptrdiff_t[3] slots
    ptrdiff_t[3] low            # slots inside x
    ptrdiff_t[3] high
    ptrdiff_t[3] out_base
    ptrdiff_t[3] out_slots
    ptrdiff_t[3] out_stride


cdef class Grid:
    """Tiles of all axes, and the way of samples and results between memory and transforms."""
    cdef list keep
    cdef const k.fc_winograd_row *ukr
    cdef k.fc_finish_fn *finish
    cdef int kind, activation
    cdef int[3] points, outs, taps
    cdef Axis[3] axis
    cdef ptrdiff_t number, lanes, all_points, out_points, tiles_most
    cdef ptrdiff_t channels, k_count, x_real, out_real, x_channel, out_channel
    cdef ptrdiff_t deep, deep_step, wide
    cdef ptrdiff_t pitch, v_point, v_plane, m_point, strip_numbers, out_numbers
    cdef bint x_direct, out_direct, x_last, padded
    cdef ptrdiff_t off_4k(self, ptrdiff_t n) noexcept
    cdef void look(self, Block *b) noexcept nogil
    cdef void transform(self, const Block *b, ptrdiff_t z, ptrdiff_t first, ptrdiff_t end, const char *x,
                        char *v, char *strip, char *spare) noexcept nogil
    cdef bint results(self, const Block *b, const char *m, ptrdiff_t first, const char *bias, char *out,
                      char *strip, char *spare) noexcept nogil
    cdef void _set_axis(self, Axis *a, dict spec) except *
    cdef void _set_steps(self) except *
    cdef void _blank(self, const Block *b, char *strip) noexcept nogil
    cdef void _tiles_inside(self, const Block *b, const char *strip, char *v) noexcept nogil
    cdef ptrdiff_t _source(self, const Axis *a, ptrdiff_t i) noexcept nogil
    cdef void _tiles_of(self, const Block *b, ptrdiff_t shift, const char *x, ptrdiff_t channels, char *v,
                        char *spare) noexcept nogil
    cdef void _turn(self, const Block *b, ptrdiff_t shift, const char *x, char *to) noexcept nogil
    cdef void _turn_row(self, const Block *b, const char *x, char *to) noexcept nogil
    cdef void _fetch(self, const char *x, const ptrdiff_t *step, ptrdiff_t channels) noexcept nogil
    cdef bint _turns(self, ptrdiff_t step) noexcept nogil
    cdef void _turn_short(self, char *to, ptrdiff_t to_row, const char *x, ptrdiff_t width,
                          ptrdiff_t rows) noexcept nogil
    cdef void _turn_run(self, char *to, const char *x, ptrdiff_t step, ptrdiff_t n) noexcept nogil
    cdef void _tiles_to(self, const Block *b, const char *m, const char *bias, char *y, char *spare,
                        char *check, ptrdiff_t vectors) noexcept nogil
    cdef void _activate(self, char *y, const ptrdiff_t *count, const ptrdiff_t *step) noexcept nogil
    cdef void _turn_back(self, const Block *b, const char *y, char *out) noexcept nogil
    cdef void _back_run(self, char *out, ptrdiff_t step, const char *y, ptrdiff_t n) noexcept nogil


cdef const k.fc_winograd_row *transforms(int kind) except NULL
