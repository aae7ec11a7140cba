# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Implicit GEMM on channel lanes: the strips of the direct driver, other register tiles.

out[o, k] = sum over c, t of x[c, o * stride + delta[t]] * w[(c, t), k]: a vector holds output channels
and samples are broadcast from the packed strip, so no lane is lost at any image width.  Where the
channels of x are neighbours in memory (channels last), the strip keeps them so and nothing is
transposed on the way in; where those of the result are, nothing on the way out.  A 1x1 layer would meet another
line of memory at every tap, so planes are turned to runs of channels while its strip is gathered.  Many channels
are gathered a block at a time, the running sums of all filters kept meanwhile: strips of enough pixels for the
weights that pass by then fit the cache.
Called by backends/implicit.py; real floats only.
"""
from libc.stdint cimport int32_t
from libc.string cimport memcpy

from fastconv._core cimport kernels as k
from fastconv._core.cpu cimport isa_index
from fastconv._core.direct cimport Call, Job, Phase, Segment
from fastconv._core.job cimport TAP_BLOCK, Block, Team, Tiles, depthwise_row

cdef enum:
    MAX_PIXELS = 14
    TOGETHER = 64           # taps that are turned at a time,
    MOST_UNITED = 256       # and taps of a window whose phases are packed together


cdef ptrdiff_t tap_block(ptrdiff_t taps) noexcept nogil:
    """Taps of one running sum, whole channels of that many where they fit: however channels are cut into
    blocks of block_channels, sums are cut at the same places."""
    return TAP_BLOCK if taps > TAP_BLOCK or taps < 1 else TAP_BLOCK // taps * taps


def block_channels(ptrdiff_t taps):
    """Channels of which a block of channels is to be a multiple, 0: they must not be cut."""
    return 0 if taps > TAP_BLOCK or taps < 1 else TAP_BLOCK // taps


def can_turn(int kind, ptrdiff_t channels):
    """Whether so many channels that lie apart can be turned to runs."""
    cdef const k.fc_depthwise_row *row = depthwise_row(kind)
    return row != NULL and row.lanes <= channels


cdef class ChannelJob(Job):
    """A Job whose blocks are vectors of output channels."""
    cdef const k.fc_chan_row *tile[3][MAX_PIXELS + 1]   # [vectors][pixels]
    cdef int most[3]
    cdef int lanes
    cdef readonly ptrdiff_t channel_pitch   # numbers from sample to sample, 0: planes apart
    cdef bint plain_rows, plain_channels
    cdef ptrdiff_t weave            # filters whose results alternate along a row of the result, 0: none do
    cdef ptrdiff_t woven            # phases of an item that alternate along a row
    cdef bint points        # the tiles take pixels from anywhere, so they run over the ends of rows
    cdef ptrdiff_t slots_bytes, sums_bytes      # of the table of pixels, and of the running sums behind it
    cdef ptrdiff_t channel_block    # channels that are gathered at a time
    cdef const k.fc_depthwise_row *turn     # turns channels that lie apart; NULL: they need no turning

    def __init__(self, *args, ptrdiff_t channel_pitch, ptrdiff_t channel_block, bint turned,
                 ptrdiff_t k_step, ptrdiff_t col_step, ptrdiff_t weave, ptrdiff_t woven, **keywords):
        """k_step, col_step: bytes in the result (k_step 0 where channels have no common step); weave: so many
        filters alternate along a row of it, 0 where that is not so; turned: channels lie apart in x, but not in the
        strip; woven: so many phases in turn are neighbours in a row."""
        self.channel_block, self.woven = channel_block, woven
        super().__init__(*args, **keywords)
        cdef ptrdiff_t number = self.tiles.number_bytes
        self.channel_pitch = channel_pitch
        self.turn = depthwise_row(self.tiles.kind) if turned else NULL
        self.weave = weave if self.plain_type and weave and self.lanes % weave == 0 else 0
        self.plain_channels = self.plain_type and k_step == number and col_step % number == 0
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
        # joined rows fill tiles that rows of a few pixels cannot; those of a strip are pitch apart
        f.flat = not (self.points or self.in_place) and f.strip_cols < 4 and f.strip_rows > 1 and f.col_gap == 1
        slots = (f.strip_rows - 1) * f.pitch + f.strip_cols if f.flat else \
            f.strip_rows * f.strip_cols
        samples = f.planes * f.plane_size * (self.channel_pitch or self.channel_block)
        if self.in_place:
            samples = 0
        self.x_plane_bytes = max(self.x_plane_bytes, (samples * number + 63) // 64 * 64)
        f.ldc = slots
        if self.points:
            self.slots_bytes = max(self.slots_bytes, (slots * <ptrdiff_t>sizeof(int32_t) + 63) // 64 * 64)
        self.sums_bytes = max(self.sums_bytes, number * self.woven * (
            slots * self._most_lanes() + f.strip_cols * self.tiles.max_width))
        self.c_bytes = self.slots_bytes + self.sums_bytes

    cdef ptrdiff_t _most_lanes(self) noexcept nogil:
        """Lanes of the running sums that are kept at a time."""
        cdef ptrdiff_t part, first, last, most = self.tiles.max_width
        if self.channel_block == self.channels:
            return most
        for part in range(self.parts):
            first = part * self.tiles.count // self.parts
            last = (part + 1) * self.tiles.count // self.parts
            if last > first:
                most = max(most, self.tiles.blocks[last - 1].at + self.tiles.blocks[last - 1].width
                           - self.tiles.blocks[first].at)
        return most

    cdef void _strip(self, const Call *call, Phase *f, ptrdiff_t part, ptrdiff_t g, const char *x,
                     const ptrdiff_t *index, ptrdiff_t strip, ptrdiff_t cols_at, ptrdiff_t rows,
                     ptrdiff_t cols, char *buf, char *out, bint fresh, Team team,
                     bint caller) noexcept nogil:
        cdef ptrdiff_t number = self.tiles.number_bytes, taps = f.taps // max(self.channels, 1)
        cdef ptrdiff_t sample = self.channel_pitch or 1, row_step = f.pitch * sample, step = f.col_gap * sample
        cdef ptrdiff_t c0 = 0, channels, b, first = part * self.tiles.count // self.parts
        cdef ptrdiff_t last = (part + 1) * self.tiles.count // self.parts
        cdef const char *samples = buf
        cdef char *sums = buf + self.x_bytes + self.slots_bytes
        cdef char *c
        cdef Block *block
        cdef bint whole = self.channel_block == self.channels, straight
        if self.in_place:
            samples = self._plane(f, x, index, 0) + strip * f.row_stride * f.row.step_bytes + \
                cols_at * f.col_stride * f.col.step_bytes
            step, row_step = self.in_place_col, self.in_place_row
        if self.points:
            self._place(<int32_t *>(buf + self.x_bytes), rows, cols, row_step, step)
        while True:
            channels = min(self.channel_block, self.channels - c0)
            if not self.in_place:
                if fresh or not whole:
                    self._gather(f, x, index, strip, cols_at, rows, cols, buf, c0, channels)
                if c0:      # the table of taps counts from the first channel
                    samples = buf - (f.off[c0 * taps] - f.off[0]) * number
            for b in range(first, last):
                block = &self.tiles.blocks[b]
                if self.group > 1:
                    self._phases(call, f, block, g, samples, buf, sums, out, rows, cols, row_step, step)
                else:
                    c = sums if whole else sums + (block.at - self.tiles.blocks[first].at) * f.ldc * number
                    straight = whole and self._straight(f, block, rows, cols)
                    if straight:
                        c = out + self.out_k[block.k0]
                    self._multiply(call, f, block, g, samples, buf, c, c0 * taps, (c0 + channels) * taps, rows,
                                   cols, row_step, step, straight)
                    if not straight and c0 + channels >= self.channels:
                        self._finish(call, f, block, g, c, out, rows, cols, self._spare(f, sums))
                if team.over(caller):
                    return
            c0 += channels
            if c0 >= self.channels:
                return

    cdef char *_spare(self, const Phase *f, char *sums) noexcept nogil:
        """Room for one row of finished results."""
        return sums + self.sums_bytes - f.strip_cols * self.tiles.max_width * self.woven * self.tiles.number_bytes

    cdef void _phases(self, const Call *call, Phase *f, const Block *b, ptrdiff_t g, const char *x, char *buf,
                      char *sums, char *out, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t row_step,
                      ptrdiff_t step) noexcept nogil:
        """A block of filters of the phases from f on that share the strip's samples."""
        cdef ptrdiff_t q, room = f.ldc * b.width * self.tiles.number_bytes
        cdef Phase *e
        cdef char *to
        for q in range(self.group):
            e = f + q
            self._multiply(call, e, b, g, x, buf, sums + q % self.woven * room, 0, e.taps, rows, cols, row_step,
                           step, False)
            if (q + 1) % self.woven == 0:
                to = out + (f + q + 1 - self.woven).out_bytes - f.out_bytes
                self._finish(call, e, b, g, sums, to, rows, cols, self._spare(f, sums))

    cdef void _gather(self, Phase *f, const char *x, const ptrdiff_t *index, ptrdiff_t strip,
                      ptrdiff_t cols_at, ptrdiff_t rows, ptrdiff_t cols, char *buf,
                      ptrdiff_t first_channel, ptrdiff_t channels) noexcept nogil:
        cdef ptrdiff_t t, at, q, j, sample = self.channel_pitch * self.tiles.number_bytes
        cdef const char *plane
        cdef char *to
        cdef Segment *rs
        if sample == 0:
            Job._gather(self, f, x, index, strip, cols_at, rows, cols, buf, first_channel, channels)
            return
        x += first_channel * self.x_channel_bytes
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
                    self._gather_row(f, plane + at // f.row.upsample * f.row.step_bytes, cols_at, cols, to, channels)

    cdef void _gather_row(self, Phase *f, const char *row, ptrdiff_t cols_at, ptrdiff_t cols, char *to,
                          ptrdiff_t channels) noexcept nogil:
        """The samples of one row, runs of channels."""
        cdef ptrdiff_t d, count, first, number = self.tiles.number_bytes, stride = f.col_stride // f.col_gap
        cdef Segment *s
        for d in range(f.col_segments):
            s = &f.col_segment[d]
            count, first = s.count - (f.strip_cols - cols) * f.col_gap, cols_at * f.col_stride + s.first
            if self.turn != NULL:
                k.fc_gather_turned(&self.reader, self.turn.to_last, self.turn.lanes,
                                   to + s.base * self.channel_pitch * number, self.channel_pitch, row,
                                   self.x_channel_bytes, &f.col, first, stride, count, channels)
            else:
                k.fc_gather_channels(&self.reader, to + s.base * self.channel_pitch * number, self.channel_pitch,
                                     row, &f.col, first, stride, count, channels)

    cdef bint _pack(self, const Phase *f, const Block *b, const char *raw, ptrdiff_t first,
                    ptrdiff_t count, char *to) noexcept nogil:
        return self.tile[1][1].pack(to, raw, self.w_k + b.k0, f.weight_bytes + first, NULL, count, b.mr,
                                    b.width)

    cdef bint _pack_phases(self, const Phase *f, const Block *b, ptrdiff_t g, const char *w, char *to) noexcept nogil:
        """As Job's. Where the taps of the phases are all of a window's, neighbours in memory, they are turned
        together and then dealt out: one by one, each would meet other lines of memory."""
        cdef char[TOGETHER * 2 * 64] turned
        cdef char *target[MOST_UNITED]
        cdef ptrdiff_t[MOST_UNITED] advance, run
        cdef ptrdiff_t number = self.tiles.number_bytes, row = b.width * number, c, t, at, count, step = 0
        cdef ptrdiff_t united = self._unite(f, b, g, to, target, advance)
        cdef const ptrdiff_t *row_bytes = self.w_k + b.k0
        cdef bint finite = True
        if united < self.lanes or self.channels == 0:
            return Job._pack_phases(self, f, b, g, w, to)
        if self.channels > 1:
            step = f.weight_bytes[f.taps // self.channels] - f.weight_bytes[0]
        w += self.w_g[g] + self._first_tap(f)
        for t in range(united):
            run[t] = t * number
        for c in range(self.channels):
            if c + 1 < self.channels:
                for t in range(b.mr):
                    k.fc_prefetch(w + step + row_bytes[t], united * number, False)
            at = 0
            while at < united:
                count = united - at if united - at <= TOGETHER else min(<ptrdiff_t>TOGETHER, (united - at) // 2)
                finite &= self.tile[1][1].pack(turned, w, row_bytes, run + at, NULL, count, b.mr, b.width)
                for t in range(count):
                    memcpy(target[at + t], turned + t * row, row)
                    target[at + t] += advance[at + t]
                at += count
            w += step
        return finite

    cdef ptrdiff_t _first_tap(self, const Phase *f) noexcept nogil:
        """Where the first tap of a window lies, of a filter's first channel."""
        cdef ptrdiff_t q, i, low = f.weight_bytes[0] if f.taps else 0
        for q in range(self.group):
            for i in range(f[q].taps // self.channels):
                low = min(low, f[q].weight_bytes[i])
        return low

    cdef ptrdiff_t _unite(self, const Phase *f, const Block *b, ptrdiff_t g, char *to, char **target,
                          ptrdiff_t *advance) noexcept nogil:
        """How many taps the phases of an item have together, 0: they are not one run in memory. target, advance: of
        each in that run, where those of the first channel go, and how much further those of the next."""
        cdef ptrdiff_t number = self.tiles.number_bytes, q, i, t, taps, total = 0, low
        if self.group == 1 or self.channels == 0:
            return 0
        for q in range(self.group):
            total += f[q].taps // self.channels
        if total > MOST_UNITED:
            return 0
        for t in range(total):
            target[t] = NULL
        low = self._first_tap(f)
        for q in range(self.group):
            taps = f[q].taps // self.channels
            for i in range(taps):
                t = (f[q].weight_bytes[i] - low) // number
                if t >= total or target[t] != NULL:
                    return 0
                target[t] = to + f[q].packed_bytes + g * f[q].group_bytes + (b.at * f[q].taps + i * b.width) * number
                advance[t] = taps * b.width * number
        return total

    cdef ptrdiff_t _panel_bytes(self, const Phase *f) noexcept nogil:
        # one block of taps is multiplied by the whole strip before the next is packed
        return min(f.taps, <ptrdiff_t>TAP_BLOCK) * self.tiles.max_width * self.tiles.number_bytes

    cdef void _place(self, int32_t *at, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t row_step,
                     ptrdiff_t step) noexcept nogil:
        """Where each pixel of a strip begins."""
        cdef ptrdiff_t i, j
        for j in range(rows):
            for i in range(cols):
                at[j * cols + i] = <int32_t>(j * row_step + i * step)

    cdef bint _straight(self, const Phase *f, const Block *b, ptrdiff_t rows, ptrdiff_t cols) noexcept nogil:
        """Whether tiles may write a block of filters where it belongs: whole vectors of neighbours, in one go."""
        return self.plain_channels and self.activation == 0 and b.mr == b.width and not f.flat and \
            f.taps <= tap_block(f.taps // max(self.channels, <ptrdiff_t>1)) and \
            (not self.points or rows == 1 or f.out_row_bytes == cols * f.out_col_bytes)

    cdef void _multiply(self, const Call *call, Phase *f, const Block *b, ptrdiff_t g, const char *x,
                        char *buf, char *c, ptrdiff_t first, ptrdiff_t end, ptrdiff_t rows,
                        ptrdiff_t cols, ptrdiff_t row_step, ptrdiff_t step, bint straight) noexcept nogil:
        """Add taps first to end of a block of filters to its running sums, in blocks of whole channels; straight: c
        is the result, and the bias is added as well."""
        cdef ptrdiff_t number = self.tiles.number_bytes, count, j, start = first
        cdef ptrdiff_t some = tap_block(f.taps // max(self.channels, <ptrdiff_t>1))
        cdef ptrdiff_t ldc = f.out_col_bytes // number if straight else b.width
        cdef ptrdiff_t c_pitch = f.out_row_bytes if straight else (f.pitch if f.flat else cols) * b.width * number
        cdef const int32_t *at = <const int32_t *>(buf + self.x_bytes)
        cdef const char *w
        cdef const char *bias = NULL
        if straight and call.bias != NULL:
            bias = call.bias + (g * self.k_count + b.k0) * number
        while True:
            count = min(end - first, some)
            if call.packed != NULL:
                w = call.packed + f.packed_bytes + g * f.group_bytes + \
                    (b.at * f.taps + first * b.width) * number
            else:
                w = buf + self.x_bytes + self.c_bytes
                self._panel(call, f, b, g, first, count, <char *>w)
            if self.points:
                self._pixels(call, f, b, g, rows * cols, first, count, x, at, w, c, ldc, bias, start, end)
            elif f.flat:
                self._row(f, b, (rows - 1) * f.pitch + cols, first, count, x, step, w, c, ldc, bias)
            else:
                for j in range(rows):
                    self._row(f, b, cols, first, count, x + j * row_step * number, step, w,
                              c + j * c_pitch, ldc, bias)
            first += count
            if first >= end:
                return

    cdef void _finish(self, const Call *call, Phase *f, const Block *b, ptrdiff_t g, char *c, char *out,
                      ptrdiff_t rows, ptrdiff_t cols, char *spare) noexcept nogil:
        """The running sums of a block into the result; spare: room for one row of them."""
        cdef ptrdiff_t number = self.tiles.number_bytes, j
        cdef ptrdiff_t c_pitch = (f.pitch if f.flat else cols) * b.width * number
        cdef const char *bias = NULL
        if call.bias != NULL:
            bias = call.bias + (g * self.k_count + b.k0) * number
        if not f.flat and (self.plain_rows or self.plain_channels) and \
                f.out_row_bytes == cols * f.out_col_bytes:     # one long row
            cols, rows = cols * rows, 1
        for j in range(rows):
            if self.woven > 1:
                self._weave(f, b, c + j * c_pitch, cols, bias, out + j * f.out_row_bytes, spare)
            else:
                self._store(f, b, c + j * c_pitch, cols, bias, out + j * f.out_row_bytes, spare)

    cdef void _weave(self, Phase *f, const Block *b, const char *c, ptrdiff_t cols, const char *bias, char *out,
                     char *spare) noexcept nogil:
        """One row of finished sums of phases that alternate along it."""
        cdef ptrdiff_t number = self.tiles.number_bytes, i, run = self.woven * cols
        cdef const k.fc_chan_row *tile = self.tile[1][1]
        for i in range(self.woven):
            tile.store(spare + i * cols * number, run, c + i * f.ldc * b.width * number, b.width, cols, b.mr, bias)
        if self.activation:
            self.finish(spare, number, spare, NULL, b.mr * run, NULL, self.activation)
        for i in range(b.mr):
            tile.weave(out + self.out_k[b.k0 + i], spare + i * run * number, cols, self.woven, cols)

    cdef void _pixels(self, const Call *call, const Phase *f, const Block *b, ptrdiff_t g,
                      ptrdiff_t pixels, ptrdiff_t first, ptrdiff_t count, const char *x,
                      const int32_t *at, const char *w, char *c, ptrdiff_t ldc, const char *bias,
                      ptrdiff_t start, ptrdiff_t end) noexcept nogil:
        """All pixels of a strip in tiles of even width. On the way the weights of the next taps, or those
        of the next block from tap start on, are fetched."""
        cdef ptrdiff_t number = self.tiles.number_bytes
        cdef int nv = b.width // self.lanes
        cdef ptrdiff_t tiles = (pixels + self.most[nv] - 1) // self.most[nv]
        cdef ptrdiff_t even = pixels // tiles, longer = pixels % tiles
        cdef ptrdiff_t px, i, row, panel = count * b.width * number, later = first + count
        cdef ptrdiff_t k0 = b.k0, lane = b.at, rows = b.mr
        cdef ptrdiff_t share = (panel + tiles - 1) // tiles
        cdef const char *ahead = NULL
        if later >= end:
            later, k0, lane = start, k0 + b.mr, lane + b.width
            rows = min(rows, self.k_count - k0)
        if call.packed != NULL:
            ahead = call.packed + f.packed_bytes + g * f.group_bytes + (lane * f.taps + later * b.width) * number
        elif rows > 0:
            ahead = call.raw + self.w_g[g] + f.weight_bytes[later]
        for i in range(tiles):
            if call.packed != NULL:
                k.fc_prefetch(ahead + i * share, share, False)
            else:
                for row in range(i * rows // tiles, (i + 1) * rows // tiles):
                    k.fc_prefetch(ahead + self.w_k[k0 + row], count * number, False)
            px = even + (1 if i < longer else 0)
            if b.at == 0 and ldc > b.width and i + 1 < tiles:   # all filters of the next pixels
                k.fc_prefetch(c + px * ldc * number, px * ldc * number, True)
            self.tile[nv][px].points(count, f.off + first, x, at, w, c, ldc, bias, first > 0)
            at += px
            c += px * ldc * number

    cdef void _row(self, Phase *f, const Block *b, ptrdiff_t pixels, ptrdiff_t first,
                   ptrdiff_t count, const char *x, ptrdiff_t step, const char *w,
                   char *c, ptrdiff_t ldc, const char *bias) noexcept nogil:
        """A row of pixels in tiles of even width."""
        cdef ptrdiff_t number = self.tiles.number_bytes
        cdef int nv = b.width // self.lanes
        cdef ptrdiff_t tiles = (pixels + self.most[nv] - 1) // self.most[nv]
        cdef ptrdiff_t even = pixels // tiles, longer = pixels % tiles, px, i
        cdef const k.fc_chan_row *tile
        for i in range(tiles):
            px = even + (1 if i < longer else 0)
            tile = self.tile[nv][px]
            if step == 1:
                tile.unit(count, f.off + first, x, 1, w, c, ldc, bias, first > 0)
            else:
                tile.steps(count, f.off + first, x, step, w, c, ldc, bias, first > 0)
            x += px * step * number
            c += px * ldc * number

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
            if self.activation:
                if bias != NULL:
                    tile.rows(c, b.width, c, b.width, cols, b.mr, bias)
                    bias = NULL
                self.finish(c, number, c, NULL, cols * b.width, NULL, self.activation)
            tile.rows(to, f.out_col_bytes // number, c, b.width, cols, b.mr, bias)
        elif self.weave:
            tile.store(spare, cols, c, b.width, cols, b.mr, bias)
            if self.activation:
                self.finish(spare, number, spare, NULL, b.mr * cols, NULL, self.activation)
            for i in range(b.mr // self.weave):
                tile.weave(out + self.out_k[b.k0 + i * self.weave], spare + i * self.weave * cols * number, cols,
                           self.weave, cols)
        else:
            tile.store(spare, cols, c, b.width, cols, b.mr, NULL)
            for i in range(b.mr):
                self.finish(out + self.out_k[b.k0 + i], f.out_col_bytes, spare + i * cols * number,
                            NULL, cols, NULL if bias == NULL else bias + i * number,
                            self.activation)
