# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Depthwise layers, channels first: planes as they lie in memory, or laid out.

Dense square kernels read planes where they lie; for others, item by item, a plane (of a 3-D volume: the planes that a window
covers) is laid out with zeros around it and the row tiles run over it.  backends/depthwise.py builds the jobs.
"""
from libc.stdint cimport int32_t
from libc.string cimport memset
cimport numpy as cnp

from fastconv._core cimport kernels as k
from fastconv._core.cpu cimport isa_index
from fastconv._core.depthwise cimport MOST_TAPS, Job
from fastconv._core.job cimport Buffer, Team, buffer_of, table

cnp.import_array()


cdef class StripJob(Job):
    """Channels first: an item is a strip of output rows of one channel."""
    cdef ptrdiff_t *x_g
    cdef ptrdiff_t *out_g
    cdef ptrdiff_t *out_f
    cdef ptrdiff_t groups, filters, strip, strips

    def __init__(self, *, x_g, out_g, out_f, ptrdiff_t strip, **keywords):
        super().__init__(**keywords)
        self.x_g, self.out_g = table(self.keep, x_g), table(self.keep, out_g)
        self.out_f = table(self.keep, out_f)
        self.groups, self.filters, self.strip = len(x_g), len(out_f), strip
        self.strips = (self.outs[1] + strip - 1) // strip


cdef class PlaceJob(StripJob):
    """3 x 3, 5 x 5 or 7 x 7 at stride 1: of one output plane, read where its rows lie. Rows beyond the plane are one of
    zeros; its first and last are copied between zeros, as what lies beside them may not be touched."""
    cdef k.fc_place place
    cdef ptrdiff_t row_bytes

    def __init__(self, *, masks, **keywords):
        """masks: of the first and the last vector of a row, for each column of taps."""
        super().__init__(**keywords)
        self.keep += masks
        self.place.taps = <int>self.taps[2]
        self.place.cols, self.place.out_row = self.outs[2], self.out_step[1] // self.number
        self.place.left = -self.first[2]
        self.place.right = self.outs[2] + self.taps[2] - 1 - self.place.left - self.size[2]
        self.place.mask[0] = cnp.PyArray_DATA(masks[0])
        self.place.mask[1] = cnp.PyArray_DATA(masks[1])
        self.row_bytes = ((self.outs[2] + self.taps[2] + self.ukr.lanes) * self.number + 63) // 64 * 64
        self.scratch_bytes = 3 * self.row_bytes + (self.strip + self.taps[1]) * <ptrdiff_t>sizeof(void *)
        self.items = len(keywords["x_n"]) * self.groups * self.outs[0] * self.strips
        self.packing = "columns"

    cdef char *_scratch(self, Team team) noexcept nogil:
        cdef char *scratch = team.scratch(self.scratch_bytes)
        if scratch != NULL:
            memset(scratch, 0, 3 * self.row_bytes)      # a row of zeros, and what lies around the copies
        return scratch

    cdef void _item(self, ptrdiff_t item, char *scratch, const char *x, const char *w,
                    const char *bias, char *out) noexcept nogil:
        cdef ptrdiff_t strip = item % self.strips * self.strip, rest = item // self.strips
        cdef ptrdiff_t z = rest % self.outs[0], g = rest // self.outs[0] % self.groups
        cdef ptrdiff_t n = rest // self.outs[0] // self.groups, f, i, y, t
        cdef ptrdiff_t count = min(self.strip, self.outs[1] - strip)
        cdef ptrdiff_t window = self.taps[1] * self.taps[2] * self.number
        cdef const void **rows = <const void **>(scratch + 3 * self.row_bytes)
        cdef char *copy
        x += self.x_n[n] + self.x_g[g] + z * self.x_step[0]
        out += self.out_n[n] + self.out_g[g] + z * self.out_step[0] + strip * self.out_step[1]
        for i in range(count + self.taps[1] - 1):
            y = strip + i + self.first[1]
            if y < 0 or y >= self.size[1]:
                rows[i] = scratch
            elif y == 0 or y == self.size[1] - 1:
                copy = scratch + (1 if y == 0 else 2) * self.row_bytes
                self.ukr.copy(copy + self.place.left * self.number, 0, x + y * self.x_step[1], 0, 1, self.size[2])
                rows[i] = copy
            else:
                rows[i] = x + y * self.x_step[1] - self.place.left * self.number
        for f in range(self.filters):
            t = g * self.filters + f
            self.ukr.place(&self.place, count, rows, w + t * window, NULL if bias == NULL else bias + t * self.number,
                           out + self.out_f[f])
            self._activate(out + self.out_f[f], count, self.out_step[1], self.outs[2])


cdef class PlaneJob(StripJob):
    """Any window: of all output planes, or of some, from planes laid out between zeros."""
    cdef k.fc_plane_layout plane
    cdef const k.fc_row_row *tile[5][5]         # [rows][vectors]
    cdef int most_rows, most_vectors
    cdef ptrdiff_t depth_parts, span, plane_size, sums_bytes
    cdef int32_t *off
    cdef int32_t *row_off       # of each kernel row in a packed plane, where rows are not reused
    cdef bint reuse, flat, straight

    def __init__(self, *, int kind, ptrdiff_t strip, ptrdiff_t depth_parts, bint reuse, bint flat,
                 ptrdiff_t phase_cols, **keywords):
        """strip: output rows of one strip, depth_parts: into how many items the output planes are cut,
        reuse: rows of the window are neighbours, flat: rows are joined, phase_cols: lanes of a packed
        row of one phase."""
        super().__init__(kind=kind, strip=strip, **keywords)
        cdef k.fc_plane_layout *d = &self.plane
        cdef ptrdiff_t i
        self.depth_parts, self.reuse, self.flat = depth_parts, reuse, flat
        d.h, d.w, d.x_row = self.size[1], self.size[2], self.x_step[1] // self.number
        d.top, d.left, d.stride_h, d.stride_w = -self.first[1], -self.first[2], self.stride[1], self.stride[2]
        d.phase_rows = strip + (self.taps[1] - 1) * self.dilation[1] // d.stride_h
        d.phase_cols, d.pitch = phase_cols, phase_cols * d.stride_w
        d.row_met, d.col_met = self._met(1), self._met(2)
        d.zeros = self.strips > 1
        self.span = (self.taps[0] - 1) * self.dilation[0] + 1
        self.plane_size = d.stride_h * d.phase_rows * d.pitch
        self.straight = not flat and self.out_step[2] == self.number and \
            self.outs[2] >= self.ukr.lanes and self.out_step[1] % self.number == 0
        self.packing = "columns" if reuse else "rows"
        self._set_tables()
        self._set_tiles(kind)
        i = strip * d.pitch + 4 * self.ukr.lanes if flat else \
            strip * (self.outs[2] + self.ukr.lanes)
        self.sums_bytes = 0 if self.straight else i * self.number
        self.scratch_bytes = self._samples_at() + self.sums_bytes + \
            (self.span * self.plane_size + 5 * self.ukr.lanes) * self.number
        self.items = len(keywords["x_n"]) * self.groups * self.strips * depth_parts

    cdef char *_scratch(self, Team team) noexcept nogil:
        cdef char *scratch = team.scratch(self.scratch_bytes)
        if scratch != NULL:
            memset(scratch, 0, self.scratch_bytes)      # what lies around the planes
        return scratch

    cdef ptrdiff_t _samples_at(self) noexcept nogil:
        # first in the workspace: which input plane each slot holds
        return (self.span * <ptrdiff_t>sizeof(ptrdiff_t) + 63) // 64 * 64

    cdef const char *_met(self, int axis) except NULL:
        """Of every phase of an axis's stride: whether a tap meets it."""
        cdef Buffer b = buffer_of(self.stride[axis])
        cdef ptrdiff_t t
        self.keep.append(b)
        for t in range(self.taps[axis]):
            (<char *>b.data)[t * self.dilation[axis] % self.stride[axis]] = 1
        return <const char *>b.data

    cdef void _set_tables(self) except *:
        cdef ptrdiff_t s, v
        cdef k.fc_plane_layout *d = &self.plane
        cdef Buffer b = buffer_of(self.taps[2] * sizeof(int32_t))
        self.keep.append(b)
        self.off = <int32_t *>b.data
        for s in range(self.taps[2]):
            v = s * self.dilation[2]
            self.off[s] = <int32_t>(v % d.stride_w * d.phase_cols + v // d.stride_w)
        b = buffer_of(self.taps[1] * sizeof(int32_t))
        self.keep.append(b)
        self.row_off = <int32_t *>b.data
        for s in range(self.taps[1]):
            v = s * self.dilation[1]
            self.row_off[s] = <int32_t>((v % d.stride_h * d.phase_rows + v // d.stride_h) * d.pitch)

    cdef void _set_tiles(self, int kind) except *:
        """Tiles for this many kernel rows, or for any number where there are none."""
        cdef int count, i, kh = <int>self.taps[1] if self.reuse else 1, best = 0
        cdef const k.fc_row_row *rows = k.fc_row_rows(isa_index(), &count)
        for i in range(count):
            if rows[i].kind == kind and rows[i].kh == kh:
                best = kh
        for i in range(count):
            if rows[i].kind == kind and rows[i].kh == best and (best or rows[i].rows <= kh):
                self.tile[rows[i].rows][rows[i].nv] = &rows[i]
                self.most_rows = max(self.most_rows, rows[i].rows)
        if self.flat:
            self.most_rows = 1
        for i in range(1, 5):
            if self.tile[self.most_rows][i] != NULL:
                self.most_vectors = i

    cdef void _item(self, ptrdiff_t item, char *scratch, const char *x, const char *w,
                    const char *bias, char *out) noexcept nogil:
        cdef ptrdiff_t part = item % self.depth_parts, rest = item // self.depth_parts
        cdef ptrdiff_t strip = rest % self.strips * self.strip, oz, f, t
        cdef ptrdiff_t g = rest // self.strips % self.groups, n = rest // self.strips // self.groups
        cdef ptrdiff_t rows = min(self.strip, self.outs[1] - strip)
        cdef ptrdiff_t window = self.taps[0] * self.taps[1] * self.taps[2] * self.number
        cdef ptrdiff_t *slot_z = <ptrdiff_t *>scratch
        cdef char *samples = scratch + self._samples_at()
        cdef char *sums = samples + (self.span * self.plane_size + 5 * self.ukr.lanes) * self.number
        cdef int32_t[MOST_TAPS] plane_x
        cdef int32_t[MOST_TAPS] plane_w
        cdef k.fc_row_taps taps
        taps.plane_x, taps.plane_w, taps.off = plane_x, plane_w, self.off
        taps.kh, taps.kw, taps.pitch = self.taps[1] if self.reuse else 1, self.taps[2], self.plane.pitch
        x += self.x_n[n] + self.x_g[g]
        out += self.out_n[n] + self.out_g[g] + strip * self.out_step[1]
        for t in range(self.span):
            slot_z[t] = -1
        for oz in range(part * self.outs[0] // self.depth_parts,
                        (part + 1) * self.outs[0] // self.depth_parts):
            taps.planes = self._pack(oz, strip, slot_z, samples, x, plane_x, plane_w)
            for f in range(self.filters):
                t = g * self.filters + f
                self._rows(&taps, samples, w + t * window, NULL if bias == NULL else bias + t * self.number,
                           out + self.out_f[f] + oz * self.out_step[0], rows, sums)

    cdef ptrdiff_t _pack(self, ptrdiff_t oz, ptrdiff_t strip, ptrdiff_t *slot_z, char *samples,
                         const char *x, int32_t *plane_x, int32_t *plane_w) noexcept nogil:
        """Lay out the input planes under output plane oz, where they are not yet; list them."""
        cdef ptrdiff_t t, i, z, slot, count = 0
        for t in range(self.taps[0]):
            z = oz * self.stride[0] + self.first[0] + t * self.dilation[0]
            if z < 0 or z >= self.size[0]:
                continue
            slot = z % self.span
            if slot_z[slot] != z:
                self.ukr.pack(&self.plane, x + z * self.x_step[0],
                              samples + slot * self.plane_size * self.number,
                              strip * self.plane.stride_h)
                slot_z[slot] = z
            if self.reuse:
                plane_x[count] = <int32_t>(slot * self.plane_size)
                plane_w[count] = <int32_t>(t * self.taps[1] * self.taps[2])
                count += 1
                continue
            for i in range(self.taps[1]):
                plane_x[count] = <int32_t>(slot * self.plane_size + self.row_off[i])
                plane_w[count] = <int32_t>((t * self.taps[1] + i) * self.taps[2])
                count += 1
        return count

    cdef void _rows(self, const k.fc_row_taps *taps, const char *x, const char *w, const char *bias,
                    char *out, ptrdiff_t rows, char *sums) noexcept nogil:
        """One filter over the strip: tiles straight into the result, or into sums and from there."""
        cdef ptrdiff_t lanes = self.ukr.lanes, number = self.number, cols = self.outs[2], ldc, r
        cdef ptrdiff_t out_row = self.out_step[1]
        if self.straight:
            self._tiles(taps, x, w, bias, out, out_row // number, rows, cols, True)
            self._activate(out, rows, out_row, cols)
            return
        if self.flat:
            ldc = self.plane.pitch
            self._tiles(taps, x, w, bias, sums, 0, 1, (rows - 1) * ldc + cols, False)
        else:
            ldc = (cols + lanes - 1) // lanes * lanes
            self._tiles(taps, x, w, bias, sums, ldc, rows, cols, False)
        if self.activation == 0 and self.out_step[2] == number and out_row % number == 0:
            self.ukr.copy(out, out_row // number, sums, ldc, rows, cols)
            return
        for r in range(rows):
            self.finish(out + r * out_row, self.out_step[2], sums + r * ldc * number, NULL, cols,
                        NULL, self.activation)

    cdef void _tiles(self, const k.fc_row_taps *taps, const char *x, const char *w,
                     const char *bias, char *c, ptrdiff_t ldc, ptrdiff_t rows, ptrdiff_t cols,
                     bint exact) noexcept nogil:
        """rows x cols outputs by tiles; exact: nothing is written beyond the last column."""
        cdef ptrdiff_t lanes = self.ukr.lanes, number = self.number, v = 0, p, last, groups
        cdef ptrdiff_t vectors = (cols + lanes - 1) // lanes, done
        cdef int width, r = <int>min(<ptrdiff_t>self.most_rows, rows), left
        while self.tile[r][1] == NULL:
            r -= 1
        while v < vectors:
            width = <int>min(vectors - v, <ptrdiff_t>self.most_vectors)
            while self.tile[r][width] == NULL:
                width -= 1
            p = v * lanes
            last = (width - 1) * lanes
            if exact:
                last = min(last, cols - lanes - p)
            groups = rows // r
            self.tile[r][width].run(taps, groups, x + p * number, w, bias, c + p * number, ldc,
                                    last, 0)
            done = groups * r
            while done < rows:
                left = <int>(rows - done)
                while self.tile[left][width] == NULL:
                    left -= 1
                self.tile[left][width].run(taps, 1, x + (done * taps.pitch + p) * number, w, bias,
                                           c + (done * ldc + p) * number, ldc, last, 0)
                done += left
            v += width
