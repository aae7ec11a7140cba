# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Deformable convolution: fractional samples become a panel of columns, the tap tiles multiply it.

One item of work is a block of output pixels of one image.  For every offset group and tap the corner
weights are found once; every channel of the group is then sampled into the panel [channel, tap][pixel],
in blocks of channels that stay in the L2 cache, and multiplied by all filters of its group.
"""
from libc.stdint cimport int32_t
from libc.string cimport memset
cimport numpy as cnp

from fastconv._core cimport kernels as k
from fastconv._core.cpu cimport threads_for
from fastconv._core.job cimport Block, Buffer, Team, Tiles, buffer_of, pixel_tiles

cnp.import_array()

cdef enum:
    PIXELS = 192            # outputs of a block: a multiple of every tile's width
    PANEL_BYTES = 1 << 18   # of sampled columns kept in cache at a time


ctypedef struct Steps:
    ptrdiff_t batch
    ptrdiff_t channel       # channels; components and taps of the offsets
    ptrdiff_t tap
    ptrdiff_t component
    ptrdiff_t space[3]


cdef struct Call:               # one run's operands
    const char *x
    const char *offset
    const char *mask
    const char *packed
    const char *bias
    char *out


cdef void _items(DeformJob self, const Call *call, Team team, k.fc_share *share) noexcept nogil:
    """A thread's part of a call."""
    cdef char *scratch = team.scratch(self.scratch_bytes)
    while team.next(share):
        self._item(share.item, scratch, call.x, call.offset, call.mask, call.packed, call.bias, call.out)


cdef class DeformJob:
    """One deformable convolution for one set of operand strides (all of the compute type)."""
    cdef int nd, corners
    cdef ptrdiff_t n, groups, channels, filters, offset_groups, taps, pixels, blocks
    cdef ptrdiff_t panel_channels
    cdef k.fc_volume volume
    cdef ptrdiff_t outs[3]
    cdef Steps x, offset, mask, out
    cdef bint has_mask, wide_position
    cdef Tiles tiles
    cdef Buffer off_buffer, base_buffer
    cdef int32_t *off
    cdef double *base       # [nd][taps] first position of a tap, then stride per axis
    cdef double stride[3]
    cdef k.fc_corners_fn *corners_of
    cdef k.fc_sample_fn *sample
    cdef k.fc_finish_fn *finish
    cdef k.fc_pack_fn *read_offset
    cdef int activation
    cdef ptrdiff_t position_bytes, weights_at, offsets_at, positions_at, mask_at, panel_at, c_at
    cdef readonly ptrdiff_t scratch_bytes, packed_bytes

    def __init__(self, *, int kind, int compute_memory, int out_type, int activation, x, out,
                 offset, mask, base, stride, ptrdiff_t groups, ptrdiff_t filters,
                 ptrdiff_t offset_groups):
        """x (N, C, *S), out (N, G, K, *O), offset (N, groups, T, nd, *O), mask (N, groups, T, *O)."""
        cdef ptrdiff_t d, t, number, real
        cdef Buffer b
        self.nd = x.ndim - 2
        self.corners = 1 << self.nd
        self.n, self.groups, self.channels = x.shape[0], groups, x.shape[1] // groups
        self.filters, self.offset_groups, self.taps = filters, offset_groups, len(base[0])
        self.volume.nd = self.nd
        self.pixels = 1
        for d in range(self.nd):
            self.volume.size[d] = x.shape[2 + d]
            self.volume.step_bytes[d] = x.strides[2 + d]
            self.outs[d] = out.shape[3 + d]
            self.pixels *= self.outs[d]
            self.out.space[d] = out.strides[3 + d]
            self.offset.space[d] = offset.strides[4 + d]
            self.stride[d] = stride[d]
            if mask is not None:
                self.mask.space[d] = mask.strides[3 + d]
        self.x.batch, self.x.channel = x.strides[0], x.strides[1]
        self.out.batch, self.out.channel, self.out.tap = out.strides[:3]
        self.offset.batch, self.offset.channel, self.offset.tap, self.offset.component = \
            offset.strides[:4]
        self.has_mask = mask is not None
        if self.has_mask:
            self.mask.batch, self.mask.channel, self.mask.tap = mask.strides[:3]
        self.blocks = (self.pixels + PIXELS - 1) // PIXELS
        self.tiles = pixel_tiles(kind, filters)
        self.corners_of, self.sample = k.fc_corners_find(kind), k.fc_sample_find(kind)
        self.finish = k.fc_finish_find(kind, out_type)
        self.activation = activation
        # positions are worked out in double (long double for long double)
        self.wide_position = compute_memory == 13
        self.position_bytes = 16 if self.wide_position else 8
        self.read_offset = k.fc_pack_find(compute_memory, 7 if self.wide_position else 6)
        self.base_buffer = b = buffer_of(self.nd * self.taps * sizeof(double))
        self.base = <double *>b.data
        for d in range(self.nd):
            for t in range(self.taps):
                self.base[d * self.taps + t] = base[d][t]
        self._layout()

    cdef void _layout(self) except *:
        cdef ptrdiff_t number = self.tiles.number_bytes, planes = self.tiles.planes, t
        cdef ptrdiff_t depth
        self.panel_channels = max(1, PANEL_BYTES // (self.taps * PIXELS * number * planes))
        self.panel_channels = min(self.panel_channels, max(1, self.channels))
        depth = self.panel_channels * self.taps
        self.off_buffer = buffer_of(max(1, depth) * sizeof(int32_t))
        self.off = <int32_t *>self.off_buffer.data
        for t in range(depth):
            self.off[t] = <int32_t>(t * PIXELS)
        cdef ptrdiff_t per_tap = self.corners * PIXELS
        self.weights_at = 64
        self.offsets_at = self.weights_at + self.taps * per_tap * 16
        self.positions_at = self.offsets_at + self.taps * per_tap * sizeof(ptrdiff_t)
        self.mask_at = self.positions_at + self.nd * PIXELS * 16
        self.panel_at = self.mask_at + self.taps * PIXELS * 16
        self.c_at = self.panel_at + (depth + 1) * PIXELS * number * planes
        self.scratch_bytes = self.c_at + (self.filters + 8) * planes * \
            (PIXELS + self.tiles.max_pixels) * number
        self.packed_bytes = self.groups * self.filters * self.channels * self.taps * \
            number * planes

    def pack(self, cnp.ndarray w not None, cnp.ndarray packed not None):
        """Weights (G, K, C, T), C-contiguous in the compute type, as channel panels of tiles."""
        cdef char *dst = <char *>cnp.PyArray_DATA(packed)
        cdef const char *src = <const char *>cnp.PyArray_DATA(w)
        cdef ptrdiff_t size = self.tiles.number_bytes * self.tiles.planes
        cdef ptrdiff_t g, c, t, b, count, row = self.channels * self.taps * size
        cdef Buffer steps = buffer_of(8 * sizeof(ptrdiff_t) + self.panel_channels * self.taps
                                      * sizeof(ptrdiff_t))
        cdef ptrdiff_t *rows = <ptrdiff_t *>steps.data
        cdef ptrdiff_t *taps = rows + 8
        cdef Block *block
        for t in range(8):
            rows[t] = t * row
        for t in range(self.panel_channels * self.taps):
            taps[t] = t * size
        for g in range(self.groups):
            for c in range(0, self.channels, self.panel_channels):
                count = min(self.panel_channels, self.channels - c) * self.taps
                for b in range(self.tiles.count):
                    block = &self.tiles.blocks[b]
                    k.fc_pack_weights(dst, src + (g * self.filters + block.k0) * row
                                      + c * self.taps * size, rows, taps, count, block.mr,
                                      block.mr, size)
                    dst += count * block.mr * size

    def run(self, cnp.ndarray x not None, cnp.ndarray offset not None, cnp.ndarray mask,
            cnp.ndarray packed not None, cnp.ndarray bias, cnp.ndarray out not None):
        """Compute everything; the interpreter is released."""
        cdef ptrdiff_t items = self.n * self.blocks
        cdef double work = <double>items * PIXELS * self.groups * self.filters * \
            self.channels * self.taps
        cdef int threads = threads_for(work + <double>items * PIXELS * self.taps * 64)
        cdef Call call
        cdef Team team = Team()
        cdef void *job = <void *>self
        call.x, call.offset = <const char *>cnp.PyArray_DATA(x), <const char *>cnp.PyArray_DATA(offset)
        call.packed, call.out = <const char *>cnp.PyArray_DATA(packed), <char *>cnp.PyArray_DATA(out)
        call.mask = NULL if mask is None else <const char *>cnp.PyArray_DATA(mask)
        call.bias = NULL if bias is None else <const char *>cnp.PyArray_DATA(bias)
        with nogil:
            team.run(<k.fc_task *>_items, job, &call, items, 1, threads)
        team.check()

    cdef void _item(self, ptrdiff_t item, char *scratch, const char *x, const char *offset,
                    const char *mask, const char *packed, const char *bias,
                    char *out) noexcept nogil:
        """One block of pixels: corners, then per group panels of channels times all filters."""
        cdef ptrdiff_t n = item // self.blocks, first = item % self.blocks * PIXELS
        cdef ptrdiff_t count = min(<ptrdiff_t>PIXELS, self.pixels - first)
        cdef ptrdiff_t number = self.tiles.number_bytes, planes = self.tiles.planes
        cdef ptrdiff_t per_group = self.groups * self.channels // self.offset_groups
        cdef ptrdiff_t g, c, j, t, b, channels, held = -1, taps, at, ldc
        cdef char *panel = scratch + self.panel_at
        cdef ptrdiff_t im = (self.panel_channels * self.taps) * PIXELS
        cdef Block *block
        cdef const char *row
        cdef const void *factor
        x += n * self.x.batch
        ldc = PIXELS + self.tiles.max_pixels
        for g in range(self.groups):
            c = 0
            while c == 0 or c < self.channels:
                channels = min(self.panel_channels, self.channels - c)
                for j in range(channels):
                    at = g * self.channels + c + j
                    if at // per_group != held:
                        held = at // per_group
                        self._corners(scratch, offset + n * self.offset.batch
                                      + held * self.offset.channel,
                                      NULL if mask == NULL else mask + n * self.mask.batch
                                      + held * self.mask.channel, first, count)
                    row = x + at * self.x.channel
                    for t in range(self.taps):
                        factor = NULL if mask == NULL else \
                            scratch + self.mask_at + t * PIXELS * number
                        self._sample(panel + (j * self.taps + t) * PIXELS * number, row, scratch,
                                     t, factor, count)
                        if planes == 2:
                            self._sample(panel + (im + (j * self.taps + t) * PIXELS) * number,
                                         row + number, scratch, t, factor, count)
                taps = channels * self.taps
                for b in range(self.tiles.count):
                    block = &self.tiles.blocks[b]
                    self.tiles.multiply(block, count, taps, self.off, panel, im, packed,
                                        scratch + self.c_at + block.k0 * planes * ldc * number,
                                        ldc, c > 0)
                    packed += taps * block.mr * planes * number
                c += self.panel_channels
            self._finish(scratch + self.c_at, ldc, bias, out + n * self.out.batch
                         + g * self.out.channel, g, first, count)

    cdef void _sample(self, char *dst, const char *x, char *scratch, ptrdiff_t tap,
                      const void *factor, ptrdiff_t count) noexcept nogil:
        cdef ptrdiff_t at = tap * self.corners * count
        self.sample(dst, x, scratch + self.weights_at + at * self.tiles.number_bytes,
                    <ptrdiff_t *>(scratch + self.offsets_at) + at, factor, self.corners, count)

    cdef void _corners(self, char *scratch, const char *offset, const char *mask,
                       ptrdiff_t first, ptrdiff_t count) noexcept nogil:
        """Corner weights and offsets of all taps of an offset group for a block of pixels."""
        cdef ptrdiff_t t, d, p, e, rest, number = self.tiles.number_bytes
        cdef ptrdiff_t index[3]
        cdef ptrdiff_t at
        cdef const char *from_offset
        cdef const char *from_mask
        cdef char *position = scratch + self.positions_at
        cdef double start
        for t in range(self.taps):
            for p in range(count):
                rest = first + p
                for d in range(self.nd - 1, -1, -1):
                    index[d] = rest % self.outs[d]
                    rest //= self.outs[d]
                from_offset = offset + t * self.offset.tap
                for d in range(self.nd):
                    from_offset += index[d] * self.offset.space[d]
                for d in range(self.nd):
                    at = d * count + p
                    start = index[d] * self.stride[d] + self.base[d * self.taps + t]
                    self.read_offset(position + at * self.position_bytes,
                                     from_offset + d * self.offset.component, 0, 1)
                    if self.wide_position:
                        (<long double *>position)[at] += start
                    else:
                        (<double *>position)[at] += start
                if mask != NULL:
                    from_mask = mask + t * self.mask.tap
                    for d in range(self.nd):
                        from_mask += index[d] * self.mask.space[d]
                    k.fc_copy_run(scratch + self.mask_at + (t * PIXELS + p) * number, from_mask,
                                  number, 1, number)
            e = t * self.corners * count
            self.corners_of(scratch + self.weights_at + e * number,
                            <ptrdiff_t *>(scratch + self.offsets_at) + e, &self.volume, position,
                            count)

    cdef void _finish(self, char *c, ptrdiff_t ldc, const char *bias, char *out, ptrdiff_t g,
                      ptrdiff_t first, ptrdiff_t count) noexcept nogil:
        """Write the block row by row of the last axis."""
        cdef ptrdiff_t number = self.tiles.number_bytes, planes = self.tiles.planes
        cdef ptrdiff_t f, p, run, rest, d, width = self.outs[self.nd - 1]
        cdef ptrdiff_t index
        cdef char *to
        cdef const char *add = NULL
        cdef char *row
        for f in range(self.filters):
            if bias != NULL:
                add = bias + (g * self.filters + f) * planes * number
            row = c + f * planes * ldc * number
            p = 0
            while p < count:
                rest = first + p
                run = min(count - p, width - rest % width)
                to = out + f * self.out.tap
                for d in range(self.nd - 1, -1, -1):
                    index = rest % self.outs[d]
                    rest //= self.outs[d]
                    to += index * self.out.space[d]
                self.finish(to, self.out.space[self.nd - 1], row + p * number,
                            row + ((planes - 1) * ldc + p) * number, run, add, self.activation)
                p += run
