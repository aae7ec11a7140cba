# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Means over boxes of float32 and float64: running sums down the columns, sums of a few neighbours along rows."""
from libc.string cimport memcpy, memset

from fastconv._core cimport image_cut
from fastconv._core cimport kernels as k
from fastconv._core.cpu cimport threads_for
from fastconv._core.image cimport put
from fastconv._core.job cimport Team

cdef enum:
    RESTART = 64            # rows after which running sums begin anew: rounding errors stay small
    LINE_COLUMNS = 8192     # results of a line that are computed together


cdef void one_box(const image_cut.Image *d, ptrdiff_t item, const char *x, char *out,
                  char *scratch) noexcept nogil:
    """RESTART rows of means at one position of the outer axes."""
    cdef const image_cut.Axis *row = &d.axis[d.axes - 2]
    cdef const image_cut.Axis *col = &d.axis[d.axes - 1]
    cdef ptrdiff_t number = d.tools.number, blocks = (row.out + RESTART - 1) // RESTART
    cdef ptrdiff_t first = item % blocks * RESTART, rest = item // blocks, i, r, index
    cdef ptrdiff_t n = col.size
    cdef ptrdiff_t room = box_room(col, n) * number
    # running sums of all columns, and what stands beside them
    cdef char *sums = scratch + (max(col.before, <ptrdiff_t>0) + LINE - 1) // LINE * LINE * number
    cdef char *line = sums - col.before * number
    cdef char *outside = scratch + room
    cdef image_cut.fc_box box
    cdef char outside_sums[16]
    cdef const char *added
    cdef const char *dropped
    for i in range(d.axes - 3, -1, -1):
        index = rest % d.axis[i].out
        rest //= d.axis[i].out
        x += index * d.axis[i].x_step
        out += index * d.axis[i].out_step
    for i in range(n):
        put(outside + i * number, d.fill, number)
    box.taps, box.step, box.x, box.divisor = col.taps, 1, line, <double>row.taps * col.taps
    image_cut.fc_box_widths(&box)
    box.nears = scratch + 2 * room if box.near > 1 else line
    box.fars = scratch + 3 * room if box.far > 1 else box.nears
    memset(sums, 0, n * number)
    for i in range(row.taps - 1):
        d.tools.box_add(sums, row_of(row, x, first + i - row.before, outside), NULL, n)
    for r in range(first, min(first + RESTART, row.out)):
        added = row_of(row, x, r + row.taps - 1 - row.before, outside)
        dropped = NULL if r == first else row_of(row, x, r - 1 - row.before, outside)
        d.tools.box_add(sums, added, dropped, n)
        if number == 4:     # rows of that value, summed
            (<float *>outside_sums)[0] = (<const float *>d.edge)[0] * row.taps
        else:
            (<double *>outside_sums)[0] = (<const double *>d.edge)[0] * row.taps
        beside(line, -col.before, col.before, col, sums, outside_sums, number)
        beside(sums + n * number, n, col.taps - 1 - col.before, col, sums, outside_sums, number)
        d.tools.box_line(&box, out + r * row.out_step, n)


cdef void beside(char *to, ptrdiff_t first, ptrdiff_t count, const image_cut.Axis *col, const char *line,
                 const char *outside, ptrdiff_t number) noexcept nogil:
    """Numbers at virtual columns first, first + 1, ... of a line, or what lies outside."""
    cdef ptrdiff_t i, index
    for i in range(count):
        index = k.fc_source_index(first + i, col.size, col.mode)
        put(to + i * number, outside if index < 0 else line + index * number, number)


cdef ptrdiff_t box_room(const image_cut.Axis *col, ptrdiff_t n) noexcept nogil:
    """Numbers under n means of a row, and what vectors reach over its end."""
    return (n + col.taps + 3 * LINE) // LINE * LINE


cdef void line_of_boxes(const image_cut.Image *d, ptrdiff_t item, const char *x, char *out,
                        char *scratch) noexcept nogil:
    """Some columns of a row of means along it."""
    cdef const image_cut.Axis *col = &d.axis[d.axes - 1]
    cdef ptrdiff_t number = d.tools.number, most = most_columns(col.out, col.taps), rest, i, index
    cdef ptrdiff_t chunks = (col.out + most - 1) // most, first = item % chunks * most
    cdef ptrdiff_t n = min(most, col.out - first), room = box_room(col, most) * number
    cdef ptrdiff_t at = first - col.before, end = at + n + col.taps - 1
    cdef ptrdiff_t left = min(max(at, <ptrdiff_t>0), end), right = max(min(end, col.size), left)
    cdef image_cut.fc_box box
    rest = item // chunks
    for i in range(d.axes - 2, -1, -1):
        index = rest % d.axis[i].out
        rest //= d.axis[i].out
        x += index * d.axis[i].x_step
        out += index * d.axis[i].out_step
    memcpy(scratch + (left - at) * number, x + left * number, (right - left) * number)
    beside(scratch, at, left - at, col, x, d.edge, number)
    beside(scratch + (right - at) * number, right, end - right, col, x, d.edge, number)
    box.taps, box.step, box.x, box.divisor = col.taps, 1, scratch, col.taps
    image_cut.fc_box_widths(&box)
    box.nears = scratch + room if box.near > 1 else scratch
    box.fars = scratch + 2 * room if box.far > 1 else box.nears
    d.tools.box_line(&box, out + first * number, n)


cdef ptrdiff_t most_columns(ptrdiff_t n, ptrdiff_t taps) noexcept nogil:
    """Results of a line that are computed together: few enough for the cache and for several threads, many to a tap."""
    return min(n, max(<ptrdiff_t>LINE_COLUMNS, 4 * taps))


cdef const char *row_of(const image_cut.Axis *row, const char *x, ptrdiff_t i,
                        const char *outside) noexcept nogil:
    cdef ptrdiff_t at = k.fc_source_index(i, row.size, row.mode)
    return outside if at < 0 else x + at * row.x_step


cdef int run_box(const image_cut.Image *d, const char *x, char *out) except -1:
    cdef const image_cut.Axis *row = &d.axis[d.axes - 2]
    cdef const image_cut.Axis *col = &d.axis[d.axes - 1]
    cdef ptrdiff_t items, together = 1, i, most = most_columns(col.out, col.taps)
    cdef double numbers = <double>row.out * col.out
    cdef Box call
    cdef Team team = Team()
    if row.taps == 1:
        items, together = row.out * ((col.out + most - 1) // most), max(1, LINE_COLUMNS // most)
        call.nbytes = 3 * box_room(col, most) * d.tools.number
    else:
        items, call.nbytes = (row.out + RESTART - 1) // RESTART, 4 * box_room(col, col.size) * d.tools.number
    for i in range(d.axes - 2):
        items *= d.axis[i].out
        numbers *= d.axis[i].out
    call.d, call.x, call.out = d, x, out
    cdef int threads = threads_for(8 * numbers)
    with nogil:
        team.run(<k.fc_task *>some_boxes, NULL, &call, items, together, threads)
    team.check()
    return 0


cdef struct Box:
    const image_cut.Image *d
    const char *x
    char *out
    ptrdiff_t nbytes


cdef void some_boxes(void *_, const Box *call, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part of a call."""
    cdef char *scratch = team.scratch(call.nbytes)
    while team.next(share):
        if call.d.axis[call.d.axes - 2].taps == 1:
            line_of_boxes(call.d, share.item, call.x, call.out, scratch)
        else:
            one_box(call.d, share.item, call.x, call.out, scratch)
