# cython: language_level=3
"""What the image driver is told and what it decides before it runs."""
from fastconv._core cimport kernels as k

cdef extern from "kernels/fc_image.h" nogil:
    ctypedef struct fc_image_taps:
        ptrdiff_t planes
        ptrdiff_t plane_rows
        ptrdiff_t kh
        ptrdiff_t kw
    int FC_IMAGE_STORE, FC_IMAGE_ADD, FC_IMAGE_STREAM
    ctypedef void fc_image_ukr(const fc_image_taps *taps, const void *const *rows, ptrdiff_t at,
                               const void *w, void *c, ptrdiff_t ldc, ptrdiff_t count,
                              int write) noexcept
    ctypedef struct fc_image_row:
        const char *name
        k.fc_kind kind
        int kh
        int kw
        int rows
        int nv
        int lanes
        fc_image_ukr *run
    const fc_image_row *fc_image_rows(k.fc_isa isa, int *count) noexcept
    ctypedef void fc_line_ukr(ptrdiff_t taps, const void *x, const void *w, void *y, ptrdiff_t n,
                              int write) noexcept
    ctypedef struct fc_ordered:
        ptrdiff_t taps
        int symmetry
        const void *w
        const void *const *rows
        ptrdiff_t at
        const void *x
        ptrdiff_t step
        void *y
    ctypedef void fc_ordered_ukr(const fc_ordered *what, ptrdiff_t n, int write) noexcept
    ctypedef void fc_box_add(void *sums, const void *add, const void *sub, ptrdiff_t n) noexcept
    ctypedef void fc_cast(void *to, ptrdiff_t step, k.fc_memory_type type, const double *values,
                          ptrdiff_t n) noexcept
    ctypedef void fc_pair_columns(ptrdiff_t taps, int sign, int again, const void *const *rows, ptrdiff_t at,
                                  const void *w, void *y, ptrdiff_t y_step, ptrdiff_t count, ptrdiff_t n,
                                  void *scratch) noexcept
    ctypedef void fc_pair_lines(ptrdiff_t taps, int sign, int again, const void *x, ptrdiff_t x_step, const void *w,
                                void *y, ptrdiff_t y_step, ptrdiff_t count, ptrdiff_t n,
                                void *scratch) noexcept
    int FC_PAIR_COLUMNS
    ptrdiff_t FC_PAIR_SCRATCH(ptrdiff_t count, ptrdiff_t taps) noexcept
    ctypedef struct fc_box:
        ptrdiff_t taps
        ptrdiff_t near
        ptrdiff_t far
        ptrdiff_t step
        const void *x
        void *nears
        void *fars
        double divisor
    ctypedef void fc_box_line(const fc_box *box, void *y, ptrdiff_t n) noexcept
    void fc_box_widths(fc_box *box) noexcept
    ctypedef struct fc_line_row:
        const char *name
        k.fc_kind kind
        int lanes
        fc_line_ukr *run
        fc_box_add *box_add
        fc_box_line *box_line
        fc_ordered_ukr *ordered
        fc_cast *cast
        fc_pair_columns *pair_columns
        fc_pair_lines *pair_lines
    const fc_line_row *fc_line_rows(k.fc_isa isa, int *count) noexcept
    void fc_fence() noexcept
    int fc_resident(const void *at, size_t n) noexcept


cdef enum:
    TAP_BLOCK = 256         # of one running sum, as in job.pxd
    LINE = 64               # bytes
    MOST_AXES = 16
    MOST_ROWS = 6           # of a tile
    MOST_VECTORS = 4


ctypedef struct Axis:
    ptrdiff_t size          # samples
    ptrdiff_t out           # outputs
    ptrdiff_t taps
    ptrdiff_t before        # the window of output 0 begins at sample -before
    ptrdiff_t x_step        # bytes
    ptrdiff_t out_step
    int mode                # fc_pad_mode


ctypedef struct Tools:      # the microkernels of one number type
    int kind
    ptrdiff_t number        # bytes
    ptrdiff_t lanes
    int most_rows, column_rows
    fc_image_ukr *tile[2][7][5]     # [kw == 1][rows][vectors]
    fc_image_ukr *three             # 3 x 3 kernels
    int three_rows
    fc_line_ukr *line
    fc_ordered_ukr *ordered
    fc_cast *cast
    fc_box_add *box_add
    fc_box_line *box_line
    fc_pair_columns *pair_columns
    fc_pair_lines *pair_lines


cdef enum Order:            # of the sums along one axis
    BY_TILES, IN_PAIRS, IN_ORDER    # tap by tap; samples under taps that are alike together; as fc_ordered says


ctypedef struct Way:
    Order order
    bint exact              # in every bit as SciPy
    int symmetry            # 1: taps read the same from both ends, -1: with another sign, 0: neither, or not asked


ctypedef struct Image:      # one filter over one array: everything that is decided before it runs
    const Tools *tools
    int axes                # the last two are the row and the column axis
    Axis axis[16]
    ptrdiff_t planes        # taps of the other axes
    char fill[16]
    bint lined              # columns apart: w holds planes * rows taps, then those of a row
    bint edge_given         # then beside the rows between the two passes lies `edge`
    char edge[16]
    bint exact              # float64 with SciPy's bits; edge_given
    bint gather             # rows are copied together before they are filtered
    bint stream
    fc_image_ukr *special
    int rows                # of a tile
    ptrdiff_t block, blocks         # rows of an item of work
    ptrdiff_t chunk, chunks         # its columns
    ptrdiff_t pitch                 # numbers in a gathered row
    ptrdiff_t panel                 # columns that a first pass goes down together
    ptrdiff_t tap_columns           # columns of taps in one running sum
    ptrdiff_t table_bytes, patch_bytes, buffer_bytes, fill_bytes, pair_bytes, edge_bytes, scratch_bytes
    ptrdiff_t items
    double work


cdef inline double number_of(int kind, const char *w, ptrdiff_t i) noexcept nogil:
    """A number of an array of float32 (kind 5) or float64."""
    return (<const float *>w)[i] if kind == 5 else (<const double *>w)[i]


cdef const Tools *tools_of(int kind) noexcept nogil
cdef void prepare(Image *d, const Tools *tools) noexcept nogil
cdef ptrdiff_t up(ptrdiff_t n, ptrdiff_t step) noexcept nogil
cdef ptrdiff_t before_image(const Axis *col) noexcept nogil
cdef ptrdiff_t beyond_image(const Axis *col) noexcept nogil
cdef ptrdiff_t buffer_pitch(const Image *d) noexcept nogil
cdef int mirrored(int kind, const char *w, ptrdiff_t taps) noexcept nogil
cdef Way way_down(const Image *d, const char *w) noexcept nogil
cdef Way way_along(const Image *d, const char *w) noexcept nogil
