# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Implicit GEMM on channel lanes: the strips of the direct driver, other register tiles.

out[o, k] = sum over c, t of x[c, o * stride + delta[t]] * w[(c, t), k]: a vector holds output channels
and samples are broadcast from the packed strip, so no lane is lost at any image width.  Where the
channels of x are neighbours in memory (channels last), the strip keeps them so and nothing is
transposed on the way in; where those of the result are, nothing on the way out.
Called by backends/implicit.py; real floats only.
"""
from libc.stdint cimport int32_t
from libc.string cimport memcpy

from fastconv._core cimport kernels as k
from fastconv._core.cpu cimport isa_index
from fastconv._core.direct cimport Call, Job, Phase, Segment
from fastconv._core.job cimport TAP_BLOCK, Block, Tiles

cdef enum:
    MAX_PIXELS = 14


cdef class ChannelJob(Job):
    """A Job whose blocks are vectors of output channels."""
    cdef const k.fc_chan_row *tile[3][MAX_PIXELS + 1]   # [vectors][pixels]
    cdef int most[3]
    cdef int lanes
    cdef readonly ptrdiff_t channel_pitch   # numbers from sample to sample, 0: planes apart
    cdef bint plain_rows, plain_channels
    cdef bint points        # the tiles take pixels from anywhere, so they run over the ends of rows
    cdef ptrdiff_t slots_bytes, sums_bytes      # of the table of pixels, and of the running sums behind it

    def __init__(self, *args, ptrdiff_t channel_pitch, ptrdiff_t k_step, ptrdiff_t col_step,
                 **keywords):
        """k_step, col_step: bytes in the result (k_step 0 where channels have no common step)."""
        super().__init__(*args, **keywords)
        cdef ptrdiff_t number = self.tiles.number_bytes
        self.channel_pitch = channel_pitch
        self.plain_channels = self.plain_type and k_step == number
        self.plain_rows = self.plain_type and self.activation == 0 and col_step == number and \
            k_step != 0 and k_step % number == 0

    cdef Tiles _tiles(self, int kind, ptrdiff_t channels):
        cdef Tiles tiles = Tiles(kind, channels)
        cdef int count, i, nv
        cdef const k.fc_chan_row *rows = k.fc_chan_rows(isa_index(), &count)
        cdef ptrdiff_t done = 0
        cdef Block *b
        for i in range(count):
            if rows[i].kind == kind:
                self.tile[rows[i].nv][rows[i].pixels] = &rows[i]
                self.most[rows[i].nv] = max(self.most[rows[i].nv], rows[i].pixels)
                self.lanes = rows[i].lanes
                self.points = rows[i].points != NULL
        while done < channels:
            b = &tiles.blocks[tiles.count]
            nv = 2 if channels - done > self.lanes else 1
            b.k0, b.at, b.width = done, tiles.total_width, nv * self.lanes
            b.mr = <int>min(<ptrdiff_t>b.width, channels - done)
            done += b.mr
            tiles.count += 1
            tiles.total_width += b.width
            tiles.max_width = max(tiles.max_width, b.width)
        return tiles

    cdef void _size(self, Phase *f) except *:
        cdef ptrdiff_t number = self.tiles.number_bytes, slots, samples
        # joined rows fill tiles that rows of a few pixels cannot
        f.flat = not self.points and f.strip_cols < 4 and f.strip_rows > 1
        slots = (f.strip_rows - 1) * f.pitch + f.strip_cols if f.flat else \
            f.strip_rows * f.strip_cols
        samples = f.planes * f.plane_size * (self.channel_pitch or self.channels)
        self.x_plane_bytes = max(self.x_plane_bytes, (samples * number + 63) // 64 * 64)
        f.ldc = slots
        if self.points:
            self.slots_bytes = max(self.slots_bytes, (slots * <ptrdiff_t>sizeof(int32_t) + 63) // 64 * 64)
        self.sums_bytes = max(self.sums_bytes, (slots + f.strip_cols) * self.tiles.max_width * number)
        self.c_bytes = self.slots_bytes + self.sums_bytes

    cdef void _gather(self, Phase *f, const char *x, const ptrdiff_t *index, ptrdiff_t strip,
                      ptrdiff_t cols_at, ptrdiff_t rows, ptrdiff_t cols, char *buf) noexcept nogil:
        cdef ptrdiff_t t, d, at, q, j, sample = self.channel_pitch * self.tiles.number_bytes
        cdef const char *plane
        cdef char *to
        cdef Segment *rs
        cdef Segment *cs
        if self.points:
            self._place(f, <int32_t *>(buf + self.x_bytes), rows, cols)
        if sample == 0:
            Job._gather(self, f, x, index, strip, cols_at, rows, cols, buf)
            return
        for t in range(f.planes):
            plane = self._plane(f, x, index, t)
            for q in range(f.row_segments):
                rs = &f.row_segment[q]
                for j in range(rs.count - (f.strip_rows - rows)):
                    to = buf + (t * f.plane_size + (rs.base + j) * f.pitch) * sample
                    at = -1 if plane == NULL else k.fc_source_index(
                        (strip + j) * f.row_stride + rs.first, f.row.length, f.row.mode)
                    if at < 0:
                        k.fc_fill_run(&self.reader, to, to, f.pitch * self.channel_pitch)
                        continue
                    for d in range(f.col_segments):
                        cs = &f.col_segment[d]
                        k.fc_gather_channels(
                            &self.reader, to + cs.base * sample, self.channel_pitch,
                            plane + at // f.row.upsample * f.row.step_bytes, &f.col,
                            cols_at * f.col_stride + cs.first, f.col_stride,
                            cs.count - (f.strip_cols - cols), self.channels)

    cdef bint _pack(self, const Phase *f, const Block *b, const char *raw, ptrdiff_t first,
                    ptrdiff_t count, char *to) noexcept nogil:
        return self.tile[1][1].pack(to, raw, self.w_k + b.k0, f.weight_bytes + first, count, b.mr,
                                    b.width)

    cdef ptrdiff_t _panel_bytes(self, const Phase *f) noexcept nogil:
        # one block of taps is multiplied by the whole strip before the next is packed
        return min(f.taps, <ptrdiff_t>TAP_BLOCK) * self.tiles.max_width * self.tiles.number_bytes

    cdef void _place(self, const Phase *f, int32_t *at, ptrdiff_t rows, ptrdiff_t cols) noexcept nogil:
        """Where each pixel of a strip begins in it."""
        cdef ptrdiff_t i, j, step = self.channel_pitch or 1
        for j in range(rows):
            for i in range(cols):
                at[j * cols + i] = <int32_t>((j * f.pitch + i) * step)

    cdef void _block(self, const Call *call, Phase *f, const Block *b, ptrdiff_t g, const char *buf,
                     char *out, ptrdiff_t rows, ptrdiff_t cols) noexcept nogil:
        cdef ptrdiff_t number = self.tiles.number_bytes, first = 0, count, j
        cdef ptrdiff_t c_pitch = (f.pitch if f.flat else cols) * b.width * number
        cdef char *slots = <char *>buf + self.x_bytes
        cdef char *c = slots + self.slots_bytes
        cdef const char *w
        cdef const char *bias = NULL
        while True:
            count = min(f.taps - first, <ptrdiff_t>TAP_BLOCK)
            if call.packed != NULL:
                w = call.packed + f.packed_bytes + g * f.group_bytes + \
                    (b.at * f.taps + first * b.width) * number
            else:
                w = slots + self.c_bytes
                self._panel(call, f, b, g, first, count, <char *>w)
            if self.points:
                self._pixels(f, b, rows * cols, first, count, buf, <const int32_t *>slots, w, c,
                             call.packed != NULL)
            elif f.flat:
                self._row(f, b, (rows - 1) * f.pitch + cols, first, count, buf, w, c)
            else:
                for j in range(rows):
                    self._row(f, b, cols, first, count,
                              buf + j * f.pitch * (self.channel_pitch or 1) * number, w, c + j * c_pitch)
            first += count
            if first >= f.taps:
                break
        if call.bias != NULL:
            bias = call.bias + (g * self.k_count + b.k0) * number
        if not f.flat and (self.plain_rows or self.plain_channels) and \
                f.out_row_bytes == cols * f.out_col_bytes:     # one long row
            cols, rows = cols * rows, 1
        for j in range(rows):
            self._store(f, b, c + j * c_pitch, cols, bias, out + j * f.out_row_bytes,
                        c + f.ldc * b.width * number)

    cdef void _pixels(self, Phase *f, const Block *b, ptrdiff_t pixels, ptrdiff_t first,
                      ptrdiff_t count, const char *x, const int32_t *at, const char *w, char *c,
                      bint more) noexcept nogil:
        """All pixels of a strip in tiles of even width; more: the weights of the next taps, or of the next
        block, follow, and are fetched on the way."""
        cdef ptrdiff_t number = self.tiles.number_bytes
        cdef int nv = b.width // self.lanes
        cdef ptrdiff_t tiles = (pixels + self.most[nv] - 1) // self.most[nv]
        cdef ptrdiff_t px, i, panel = count * b.width * number
        for i in range(tiles):
            if more:
                k.fc_prefetch(w + panel + i * panel // tiles, panel // tiles)
            px = pixels // tiles + (1 if i < pixels % tiles else 0)
            self.tile[nv][px].points(count, f.off + first, x, at, w, c, first > 0)
            at += px
            c += px * b.width * number

    cdef void _row(self, Phase *f, const Block *b, ptrdiff_t pixels, ptrdiff_t first,
                   ptrdiff_t count, const char *x, const char *w, char *c) noexcept nogil:
        """A row of pixels in tiles of even width."""
        cdef ptrdiff_t number = self.tiles.number_bytes, step = self.channel_pitch or 1
        cdef int nv = b.width // self.lanes
        cdef ptrdiff_t tiles = (pixels + self.most[nv] - 1) // self.most[nv]
        cdef ptrdiff_t px, i
        cdef const k.fc_chan_row *tile
        for i in range(tiles):
            px = pixels // tiles + (1 if i < pixels % tiles else 0)
            tile = self.tile[nv][px]
            if step == 1:
                tile.unit(count, f.off + first, x, 1, w, c, first > 0)
            else:
                tile.steps(count, f.off + first, x, step, w, c, first > 0)
            x += px * step * number
            c += px * b.width * number

    cdef void _store(self, Phase *f, const Block *b, char *c, ptrdiff_t cols, const char *bias,
                     char *out, char *spare) noexcept nogil:
        """One row of finished sums, pixels by lanes, into the result."""
        cdef ptrdiff_t number = self.tiles.number_bytes, i
        cdef const k.fc_chan_row *tile = self.tile[1][1]
        cdef char *to = out + self.out_k[b.k0]
        if self.plain_rows:
            tile.store(to, (self.out_k[b.k0 + 1] - self.out_k[b.k0]) // number if b.mr > 1 else 0,
                       c, b.width, cols, b.mr, bias)
        elif self.plain_channels:
            if bias != NULL:
                tile.bias(c, b.width, cols, b.mr, bias)
            for i in range(cols):
                if self.activation == 0:
                    memcpy(to + i * f.out_col_bytes, c + i * b.width * number, b.mr * number)
                else:
                    self.finish(to + i * f.out_col_bytes, number, c + i * b.width * number, NULL,
                                b.mr, NULL, self.activation)
        else:
            tile.store(spare, cols, c, b.width, cols, b.mr, NULL)
            for i in range(b.mr):
                self.finish(out + self.out_k[b.k0 + i], f.out_col_bytes, spare + i * cols * number,
                            NULL, cols, NULL if bias == NULL else bias + i * number,
                            self.activation)
