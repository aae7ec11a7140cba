# cython: language_level=3
"""The direct driver's description of one sub-problem; see direct.pyx."""
from libc.stdint cimport int32_t
from fastconv._core cimport kernels as k


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
    ptrdiff_t plane_size        # numbers of one channel's packed plane
    ptrdiff_t taps
    int32_t *off
    ptrdiff_t *weight_bytes     # of each tap, in the caller's weights
    ptrdiff_t packed_bytes      # where this phase's weights begin in the packed ones
    ptrdiff_t group_bytes       # packed weights of one group
    bint flat                   # rows of a strip are multiplied as one long row
    ptrdiff_t ldc
    ptrdiff_t out_bytes
    ptrdiff_t out_row_bytes
    ptrdiff_t out_col_bytes
    ptrdiff_t items
