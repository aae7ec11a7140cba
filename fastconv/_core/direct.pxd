# cython: language_level=3
"""The direct driver's description of one sub-problem; see direct.pyx."""
from libc.stdint cimport int32_t
from fastconv._core cimport kernels as k
from fastconv._core.job cimport Block, Team, Tiles


ctypedef struct Segment:        # a run of neighbouring samples in the packed strip
    ptrdiff_t first             # virtual position of its first sample for output 0
    ptrdiff_t count             # samples for a full strip
    ptrdiff_t base              # where it lies in the strip


ctypedef struct Phase:
    int outer                   # spatial axes besides rows and columns
    ptrdiff_t outer_positions
    ptrdiff_t *outer_n
    ptrdiff_t *outer_stride
    ptrdiff_t *outer_out_bytes
    k.fc_axis *outer_axis
    ptrdiff_t planes            # combinations of taps of the outer axes
    ptrdiff_t *plane_delta      # [planes][outer]
    k.fc_axis row
    k.fc_axis col
    ptrdiff_t row_stride
    ptrdiff_t col_stride
    ptrdiff_t col_gap           # packed samples from one output to the next: col_stride where none are left out
    int row_segments
    int col_segments
    Segment *row_segment
    Segment *col_segment
    ptrdiff_t oh
    ptrdiff_t ow
    ptrdiff_t strip_rows
    ptrdiff_t strip_cols
    ptrdiff_t row_strips
    ptrdiff_t col_strips
    ptrdiff_t pitch             # numbers from one packed row to the next
    ptrdiff_t plane_size        # numbers from one packed plane to the next
    ptrdiff_t taps
    int32_t *off
    ptrdiff_t *weight_bytes     # of each tap, in the caller's weights
    bint in_order               # the weights of a filter lie tap by tap
    ptrdiff_t packed_bytes      # where this phase's weights begin in the packed ones
    ptrdiff_t group_bytes       # packed weights of one group
    bint flat                   # rows of a strip are multiplied as one long row
    ptrdiff_t row_taps          # rows of the kernel, where the row tiles can serve; else 0
    ptrdiff_t col_taps
    int32_t *col_off            # of the column taps in row 0, relative to the first
    ptrdiff_t ldc
    ptrdiff_t out_bytes
    ptrdiff_t out_row_bytes
    ptrdiff_t out_col_bytes


ctypedef struct Call:           # the operands of one run
    const char *x
    const char *packed          # all weights, tile by tile; NULL: each panel is packed when it is needed
    const char *raw             # the weights as they came
    const char *bias
    char *out
    int *bad                    # set where a panel is not finite
    size_t nbytes               # scratch of a thread


cdef class Job:
    """One convolution for one set of operand strides.  Immutable once built."""
    cdef Phase *phase
    cdef ptrdiff_t *first_item
    cdef int phases, ready
    cdef ptrdiff_t group        # phases of an item: they share what is gathered
    cdef list keep
    cdef Tiles tiles
    cdef k.fc_reader reader
    cdef k.fc_finish_fn *finish
    cdef ptrdiff_t n_count, g_count, k_count, channels, x_channel_bytes, parts, items
    cdef ptrdiff_t *x_n
    cdef ptrdiff_t *x_g
    cdef ptrdiff_t *out_n
    cdef ptrdiff_t *out_g
    cdef ptrdiff_t *out_k
    cdef ptrdiff_t *w_g
    cdef ptrdiff_t *w_k
    cdef int activation
    cdef ptrdiff_t filter_step  # numbers from filter to filter in the caller's weights, 0: they have no common step
    cdef bint weightless
    cdef bint checked           # NaN among the weights matter
    cdef bint plain_type        # results are stored as they are summed
    cdef bint in_place          # a 1x1 layer's samples are read where they lie, where tiles end with a row
    cdef ptrdiff_t in_place_row, in_place_col   # numbers from pixel to pixel then
    cdef int32_t *in_place_off  # and to each channel
    cdef const k.fc_row_row *row_tile[5][5]     # [rows][vectors]; those for any kh
    cdef int row_lanes
    cdef double work
    cdef ptrdiff_t x_plane_bytes, x_bytes, c_bytes
    cdef readonly ptrdiff_t packed_bytes
    cdef ptrdiff_t panel_bytes
    cdef readonly ptrdiff_t repeats     # strips that every packed weight serves
    cdef readonly bint unpacked # weights that are not packed are read as they came
    cdef void _find_row_tiles(self) except *
    cdef void _rows(self, Phase *f, const char *buf, const char *w, const char *bias, char *out,
                    ptrdiff_t rows, ptrdiff_t cols) noexcept nogil
    cdef void _row_group(self, Phase *f, const char *x, const char *w, char *c, ptrdiff_t ldc,
                         int rows, int vectors, ptrdiff_t last,
                         ptrdiff_t groups) noexcept nogil
    cdef Tiles _tiles(self, int kind, ptrdiff_t channels)
    cdef ptrdiff_t _narrow(self) noexcept nogil
    cdef void _size(self, Phase *f) except *
    cdef void _set_segments(self, Segment *s, segments) except *
    cdef void _set_taps(self, Phase *f, off, weight_offsets) except *
    cdef void _set_items(self, Phase *f) except *
    cdef bint _exact(self, const Phase *f, const Block *b, ptrdiff_t cols) noexcept nogil
    cdef bint _as_they_came(self, const Phase *f, const Block *b, ptrdiff_t cols) noexcept nogil
    cdef ptrdiff_t _panel_bytes(self, const Phase *f) noexcept nogil
    cdef bint _pack_phases(self, const Phase *f, const Block *b, ptrdiff_t g, const char *w, char *to) noexcept nogil
    cdef bint _pack(self, const Phase *f, const Block *b, const char *raw, ptrdiff_t first,
                    ptrdiff_t count, char *to) noexcept nogil
    cdef void _panel(self, const Call *call, Phase *f, const Block *b, ptrdiff_t g, ptrdiff_t first,
                     ptrdiff_t count, char *to) noexcept nogil
    cdef void _item(self, ptrdiff_t item, char *scratch, const Call *call, Team team,
                    bint caller) noexcept nogil
    cdef void _gather(self, Phase *f, const char *x, const ptrdiff_t *index, ptrdiff_t strip,
                      ptrdiff_t cols_at, ptrdiff_t rows, ptrdiff_t cols, char *buf,
                      ptrdiff_t first_channel, ptrdiff_t channels) noexcept nogil
    cdef void _strip(self, const Call *call, Phase *f, ptrdiff_t part, ptrdiff_t g, const char *x,
                     const ptrdiff_t *index, ptrdiff_t strip, ptrdiff_t cols_at, ptrdiff_t rows,
                     ptrdiff_t cols, char *buf, char *out, bint fresh, Team team,
                     bint caller) noexcept nogil
    cdef const char *_plane(self, const Phase *f, const char *x, const ptrdiff_t *index,
                            ptrdiff_t t) noexcept nogil
    cdef void _block(self, const Call *call, Phase *f, const Block *b, ptrdiff_t g, const char *x,
                     const int32_t *off, ptrdiff_t pitch, char *buf, char *out, ptrdiff_t rows,
                     ptrdiff_t cols) noexcept nogil
