"""Constants of the cost model and of blocking, and where each comes from.

Times are seconds.  ``asv_bench/tools/fit_layers.py`` and ``fit_costs.py`` measure on this machine and print the
lines to put here; blocking sizes are explained where they stand.
"""

# --- blocking ---
# Share of a core's L2 cache that is for the strip, the rest for weights and results.
STRIP_SHARE = 0.55
# Weights are streamed past a strip, the next ones fetched meanwhile; fewer pixels than this wait for them. Then channels
# are gathered in blocks, and the samples of a block and the running sums of so many filters each take this share of the
# L2 cache. (40 to 96 are alike; 160 took up to 1.06 times as long.)
STRIP_PIXELS = 64
KEPT_FILTERS = 256
BLOCK_SHARE = 0.4
# Channels of a 1x1 layer from which planes are turned to runs of channels on the way into a strip: with fewer the lines
# that a tile of pixels meets stay in the L1 cache (chan_ukr on two AVX2 cores: 1.05 times with 64, 1.15 to 1.3 from 256).
TURNED_CHANNELS = 64
# Multiply-adds that one gathered sample should serve, and items of a call that come first.
GATHER_MACS = 512
ITEMS_LEAST = 4
# The running sums of a strip, for the channels of one tile: written and read once per block of taps.
SUMS_BYTES = 48 * 1024
# Gathering a sample costs about as much as 20-50 multiply-adds, a strip gathers (columns + taps) samples
# for columns * taps multiply-adds: from some 500 columns on it is under a tenth.
STRIP_MIN_COLUMNS = 512
# Strips that are wanted, of so many multiply-adds and pixels at least, and of so many outputs for every sample that is
# gathered for the next one too. (64 filters of 4 x 4, stride 4, on 3 planes of 224 x 224, two AVX2 cores: 1.3 times as
# fast; of 7 x 7, stride 4: 1.2.)
STRIPS_WANTED, STRIP_LEAST_MACS, STRIP_LEAST_PIXELS, STRIP_OVERLAP = 8, 2.5e5, 96, 8
# A strip of more work than this is cut further, so that threads share the work evenly and
# Ctrl-C is noticed soon.
STRIP_MAX_MACS = 64e6
# Strips up to which a call that holds no packed weights packs them again for each, in the cache.
PANEL_REPEATS = 2
# 1x1 layers on pixel lanes of so many channels read their samples where they lie: one running sum each. With so many
# filters strips are cut for the threads, but no smaller than so many tiles of so many columns; with more filters their
# blocks are shared out, as for gathered strips.
IN_PLACE_CHANNELS, IN_PLACE_FILTERS, IN_PLACE_TILES, TILE_COLUMNS = 256, 64, 6, 16
# Filters up to which they do so where planes do not begin with a line of the cache. (75 x 75, 48 to 128 filters: gathered
# 1.3 to 2 times as fast; 24 filters of 73 x 73 a tenth slower. Strips of a multiple of 16 columns, 256-64 of 56 x 56: 1.5.)
IN_PLACE_SPLIT = 32
# Channels that pixel lanes sum at a time in 1x1 layers of planes of so many bytes each and all together (half as many
# where those would share sets of the L1 cache, and only for so many filters: more are better gathered): 64 planes of 250 x
# 250, 1 to 32 filters, 1.3 to 3 times as fast as all at once, 64 of 112 x 112 1.5 times, of 56 x 56 slower (AVX2).
FAR_CHANNELS, FAR_PLANE, FAR_BYTES, FAR_CROWDED_FILTERS = 8, 48 << 10, 2 << 20, 8
# Columns that strips have at least, where phases of a transposed layer share them and they are cut for the threads.
SHARED_COLUMNS = 64
# Items per call that let up to 8 threads share the work to a few per cent.
ITEMS_WANTED = 16

# A plane laid out for the depthwise tiles should stay in the L1 cache, the planes under a window of a
# volume in the L2 cache.
PLANE_BYTES = 32 * 1024
VOLUME_BYTES = 256 * 1024
STRIP_ROWS = 16
# Results of a row from which depthwise layers of one axis are filtered line by line.
LINE_OUTPUTS = 128
# Samples of a row from which strided and dilated depthwise layers are better computed by "direct" (two AVX2 cores:
# 1.2 to 3.7 times from 500 on).
ROW_SAMPLES = 400
# Planes of at most this many samples are turned to channels last and back: where the stride is 1 (rows then
# make fair vectors from some 20 columns on), and where it is not. In vectors of 16; shorter ones fit rows better.
TURNED_SAMPLES = 580
TURNED_STRIDED_SAMPLES = 1024

# Pixels of a strip of the indirect backend, and the largest table of pointers. Fewer filters than these are not shared out
# among threads, but strips are, of at least so many tiles (672-56 of 14 x 14, two threads: 190 to 115 us).
INDIRECT_STRIP = 196
INDIRECT_SHARED, INDIRECT_TILES = 64, 6
TABLE_BYTES = 64 << 20

# Tiles of a Winograd block: of one thread, and of one that threads share, where U has more bytes than these and
# is to be read seldom: whole rows of the usual images. Running sums: with the samples of a point they fit the L2 cache.
WINOGRAD_TILES = 56
WINOGRAD_SHARED_TILES = 64
WINOGRAD_WEIGHTS_MOST = 4 << 20
WINOGRAD_SUMS_BYTES = 256 * 1024

# Columns and products of one im2col block: they should stay in the L3 cache.
IM2COL_BLOCK_BYTES = 4 << 20

# Images with channels last that drivers of planes compute: bytes turned at a time, which stay in the L2 and L3 caches, and
# the seconds that a number of four bytes takes there and back.
TURNED_BYTES = 1 << 20
TURNED_NUMBER, TURNED_GROUP = 3e-10, 2e-10  # whole images, and groups in the cache of a thread
GROUP_ROWS = 1.5  # products of groups in vectors of channels, each as so many: channels are spread over lanes first

# --- layers: seconds of a unit of each kind of work that ``amounts()`` of a backend counts, one thread ---
# asv_bench/tools/fit_layers.py fits them to layers that asv_bench/tools/layer_regret.py timed. Products are of float32
# with vectors of 64 bytes (ISA_SPEED), numbers have four bytes. "made", weights transformed by calls that hold none, is
# what such calls took longer than plans; "apart" is that of single numbers from another line of memory each. "spread"
# of implicit is half of what they fit: that is for strides above the kernel, rare, whose idle results cost most.
# "product" of im2col is a quarter more: 1x1 layers beside "implicit" took 1.3 to 2.2 times what they fit.
UNITS = {
    "direct": {"call": 4.3e-6, "product": 2e-11, "sample": 1e-10, "strided": 4.2e-10, "row": 1.5e-8,
               "stored": 6.1e-11, "spread": 1.3e-9, "stored_row": 7.1e-9, "apart": 1.5e-9, "image": 5.6e-8},
    "implicit": {"call": 4.3e-6, "product": 1.9e-11, "sample": 3.6e-10, "strided": 4.8e-10, "row": 1.4e-8,
                 "stored": 2.7e-10, "spread": 7e-10, "stored_last": 3.7e-10, "image": 1.2e-7},
    "indirect": {"call": 5.5e-6, "product": 2e-11, "turned": 2.9e-10, "stored": 5.6e-10, "pointer": 2.1e-9,
                 "stored_last": 4.1e-10, "image": 7.9e-8},
    "winograd": {"call": 1.5e-5, "product": 1.6e-11, "moved1": 7.3e-10, "moved_dilated": 1.5e-9, "moved2": 4.2e-10,
                 "moved3": 7.6e-10, "weight": 5e-11, "far_weight": 1.7e-10, "number": 9.4e-14, "row": 9.5e-10,
                 "made": 3.3e-10},
    "depthwise": {"call": 4.1e-6, "product": 1.6e-11, "sample": 3.3e-12, "strided": 1.9e-10, "row": 4.7e-9,
                  "stored": 3.3e-10, "stored_row": 1.9e-9,
                  "apart": 3.5e-9},
    "im2col": {"call": 3.3e-5, "image": 8.2e-5, "product": 2e-11, "moved": 1.9e-9},
}
# Products with few filters, each as so many: there is one load per multiply-add instead of one per several.
DIRECT_FEW = {1: 3.0, 2: 2.1, 3: 1.75}
# 1x1 layers of so many channels and stride 1, channels first. "direct": each product as so many where one running sum
# takes all channels, and where several do; and what a sample costs more, every one being in another line of memory.
# "indirect": each turned sample as so many. Few filters, and batches, which come from farther away, showed it
# (asv_bench/tools/network_layers.py --backends direct implicit indirect: 158 layers of one image, one thread, and 133
# with --images 8, two threads; two AVX2 cores).
POINTWISE = 64
POINTWISE_DIRECT, POINTWISE_DIRECT_SUMS, POINTWISE_DIRECT_SAMPLE = 0.94, 1.1, 3.4
POINTWISE_INDIRECT_TURNED = 1.5
# Strided layers of so many channels or taps of a window, each product as so many: 1.1 to 1.5 times what they are
# predicted to take without (16 to 512 channels, 3 to 8 taps; 3 channels of 11 x 11), "implicit" and "indirect" 0.95 to 1.3.
DIRECT_STRIDED, DIRECT_STRIDED_CHANNELS, DIRECT_STRIDED_TAPS = 1.3, 16, 256
# Layers of one result an image: inner products with weights as they lie (a call, bytes of weights a second, vectors of
# products a second), or what matrix products with packed ones take beside their products. asv_bench/tools/single_results.py
# measures both; calls, which pack, lose more than plans, so that inner products are given the benefit of the doubt.
DOTS_CALL, DOTS_BYTES, DOTS_RATE = 4e-6, 25e9, 3e9
MATRIX_CALL, MATRIX_BYTES = 4e-6, 16e9
# --- backends: multiply-adds per second of one thread ---
DIRECT_RATE = {"f4": 40e9, "f8": 20e9, "c8": 12e9, "c16": 6e9, "i1": 25e9, "u1": 25e9, "b1": 40e9,
               "i2": 30e9, "u2": 30e9, "i4": 15e9, "u4": 15e9, "i8": 6e9, "u8": 6e9}  # fmt: skip
# complex layers by their parts: seconds to take apart or put together a number of four bytes (1 x 64 x 56 x 56)
COMPLEX_PART = 1.5e-9
# implicit: how many more products windows seem to have whose taps or neighbours lie apart (3x3 layers of stride or
# dilation 2 and 4 beside "indirect": 1.08 to 1.1)
IMPLICIT_SPREAD = 1.08
# and where tiles are one vector wide: a load for every product (64 channels to 3 and 8 filters, 3x3 and transposed 4x4:
# 1.15 to 1.45 times what is predicted without)
IMPLICIT_NARROW = 1.2
# and in groups with channels last (3x3 layers of 8 to 32 channels a group: 0.95 to 1.5 times what is predicted without,
# "direct" and "indirect" 0.8 to 1); and all of a Winograd layer whose groups make no more than four vectors each (0.9 to 2.2)
IMPLICIT_LAST_GROUPS, WINOGRAD_LAST_GROUPS = 1.3, 1.4
# likewise of "indirect", whose groups each meet parts of the same lines of memory: those of more than two vectors (1.1 to 1.4),
# of at most two (1.1 to 1.8), and these strided (3.9 to 4.2)
INDIRECT_LAST_GROUPS, INDIRECT_LAST_NARROW, INDIRECT_LAST_STRIDED = 1.2, 1.7, 4.0
# and what a sample costs that is read where it lies, of what gathering costs (1x1 layers; of direct too)
IN_PLACE_SAMPLE = 1 / 6
# the share of the rate of depthwise layers that is left with several filters a channel and no rows that share what
# is loaded
DEPTHWISE_APART = 0.15
# how many times the samples and results of a plane what is laid out for it may be, before another backend is to do it
PLANE_LAID_OUT = 16
# and that which is left of it where the rows of dilated windows share none
DEPTHWISE_DILATED = 0.4
# multiply-adds that laying out a sample takes as long as (3x3 layers of stride 2: 0.4 ns beside 0.08 a product)
DEPTHWISE_SAMPLE = 2.5
# how much slower its tiles are than those that "direct" has for one filter (asv suite signal.Backends: 1.6 to 1.75)
DEPTHWISE_ALONE = 1.7
# tiles of overlap-save: seconds of a call and of a tile; and, for vectors of 64 bytes, of a complex point for
# moving it, for each doubling of the tile, and for a product with the spectrum of a plane.
# asv_bench/tools/fit_tiles.py fits them.
TILES_CALL = 23e-6
TILES_TILE = 0.5e-6
# what a call must save before "auto" gives up sums that are exact for whole numbers
TILES_INEXACT = 200e-6
TILES_POINT = {"f4": 1.1e-9, "f8": 0.7e-9}
TILES_DOUBLING = {"f4": 0.085e-9, "f8": 0.28e-9}
TILES_PRODUCT = {"f4": 0.1e-9, "f8": 0.2e-9}
# Transformed weights of no more bytes are read from a cache.
WINOGRAD_NEAR = 16 << 20
# one filter over single-channel images: multiply-adds a second, bytes a second in and out
IMAGE_RATE = {"f4": 60e9, "f8": 35e9, "i2": 75e9, "u2": 75e9, "i4": 36e9, "u4": 36e9, "i8": 8e9,
              "u8": 8e9}  # fmt: skip
IMAGE_BYTES = 32e9
# seconds for a plane after the first (batches of 28 x 28)
IMAGE_PLANE = 1.5e-6
DIRECT_SLOW_RATE = 0.5e9  # long double
# integers through float64: seconds a call (10e-6 of a plan), and for a number that is read or stored as an integer
WHOLE_CALL, WHOLE_NUMBER = 25e-6, 1e-9
# one filter along one axis (direct): multiply-adds a second, bytes a second in and out
FIR_RATE = {"f4": 74e9, "f8": 37e9, "c8": 18e9, "c16": 9e9}
FIR_BYTES = 30e9
REFERENCE_RATE = 0.3e9
# --- seconds a call ---
DIRECT_CALL = 4e-6
REFERENCE_CALL = 100e-6
# How fast the rates above are with another instruction set. AVX2 is not half of AVX-512: where both were
# measured a core multiplied 256 bits at its full rate, and only narrower tiles and more loads are lost.
ISA_SPEED = {"baseline": 0.25, "neon": 0.25, "avx2": 0.8, "avx512": 1}
# Overlap-save: seconds for a complex point of a block of 256, 512, ... points with vectors of 32 bytes, looking at
# the samples and moving them in and out of the L3 cache included; for a block; and for a call
# (asv_bench/tools/fit_overlap.py; half as much again for results on fresh pages). Complex samples are sorted into planes and back.
OVERLAP_POINT = {
    "f4": (3.9e-9, 3.6e-9, 3.6e-9, 3.8e-9, 4.2e-9, 5.6e-9, 5.8e-9, 6.4e-9, 6.8e-9, 7.1e-9, 7.9e-9, 9.8e-9, 13e-9),
    "f8": (6.3e-9, 6.4e-9, 6.8e-9, 7.5e-9, 8.1e-9, 9e-9, 9.9e-9, 10e-9, 11e-9, 13e-9, 16e-9, 19e-9, 21e-9),
}  # fmt: skip
OVERLAP_COMPLEX = 1.6
OVERLAP_BLOCK = 0.1e-6
OVERLAP_CALL = 15e-6
# Whole transforms by pocketfft: flops a second (2.5 n log2 n a real transform, in float32; long double), and
# seconds for a call and for an item of the batch. Larger transforms would fill memory.
FFT_RATE = 4e9
FFT_SLOW_RATE = 1e9
FFT_CALL = 60e-6
FFT_ITEM = 60e-6
FFT_MOST_POINTS = 1 << 30
# Narrow rows leave lanes of a vector unused.
VECTOR_BYTES = {"baseline": 16, "neon": 16, "avx2": 32, "avx512": 64}

# --- streaming: times of a row of vectors, as multiples of that of one tap of the head for one vector ---
# The first and last pass of a transform, a pass between, the deepest one, and the product of one partition;
# and what a level costs a call whatever it brings (asv_bench/tools/fit_streaming.py).
STREAM_ENDS, STREAM_PASS, STREAM_LAST, STREAM_PRODUCT = 20, 6, 6, 12
STREAM_LEVEL = 200
