"""Constants of the cost model and of blocking, and where each comes from.

Times are seconds.  ``asv_bench/tools/fit_costs.py`` measures the rates on this machine and prints the
lines to put here; blocking sizes are explained where they stand.
"""

# --- blocking ---
# Half of the 1 MB L2 of current server cores is for the strip, the rest for weights and results.
STRIP_BYTES = 384 * 1024
# The running sums of a strip, for the channels of one tile: written and read once per block of taps.
SUMS_BYTES = 128 * 1024
# Gathering a sample costs about as much as 20-50 multiply-adds, a strip gathers (columns + taps) samples
# for columns * taps multiply-adds: from some 500 columns on it is under a tenth.
STRIP_MIN_COLUMNS = 512
# A strip of more work than this is cut further, so that threads share the work evenly and
# Ctrl-C is noticed soon.
STRIP_MAX_MACS = 16e6
# Strips up to which a call that holds no packed weights packs them again for each, in the cache.
PANEL_REPEATS = 2
# Items per call that let up to 8 threads share the work to a few per cent.
ITEMS_WANTED = 16

# A plane laid out for the depthwise tiles should stay in the L1 cache, the planes under a window of a
# volume in the L2 cache.
PLANE_BYTES = 32 * 1024
VOLUME_BYTES = 256 * 1024
STRIP_ROWS = 16
# Planes of at most this many samples are turned to channels last and back: where the stride is 1 (rows then
# make fair vectors from some 20 columns on), and where it is not.
TURNED_SAMPLES = 400
TURNED_STRIDED_SAMPLES = 1024

# Pixels of a strip of the indirect backend, and the largest table of pointers.
INDIRECT_STRIP = 196
TABLE_BYTES = 64 << 20

# Columns and products of one im2col block: they should stay in the L3 cache.
IM2COL_BLOCK_BYTES = 4 << 20

# --- backends: multiply-adds per second of one thread ---
DIRECT_RATE = {"f4": 50e9, "f8": 25e9, "c8": 12e9, "c16": 6e9, "i1": 20e9, "u1": 20e9, "b1": 40e9,
               "i2": 30e9, "u2": 30e9, "i4": 15e9, "u4": 15e9, "i8": 6e9, "u8": 6e9}  # fmt: skip
IMPLICIT_RATE = {"f4": 55e9, "f8": 27e9}
# indirect: the share of time that its second load a broadcast costs, seconds a pointer, and bytes a second of
# turning channels-first input
INDIRECT_EXTRA = 0.05
POINTER = 1e-9
TURN_BYTES = 2e9
# depthwise layers: multiply-adds a second, bytes a second in and out, seconds for a plane
DEPTHWISE_RATE = {"f4": 60e9, "f8": 30e9}
DEPTHWISE_BYTES = 30e9
DEPTHWISE_PLANE = 20e-9
DIRECT_SLOW_RATE = 0.5e9  # long double
GEMM_RATE = {"f4": 45e9, "f8": 22e9, "c8": 12e9, "c16": 6e9}
REFERENCE_RATE = 0.3e9
# --- bytes per second, and seconds a call ---
GATHER_BYTES = 8e9
# How much longer gathering and storing take where the channels of a sample are neighbours.
CHANNELS_APART = 12
IM2COL_BYTES = 4e9
STORE_BYTES = 8e9
DIRECT_CALL = 4e-6
GEMM_CALL = 8e-6
REFERENCE_CALL = 100e-6
# Overlap-save: seconds for a complex point of a block of 256, 512, ... points with vectors of 32 bytes, for a
# block, and for a call (asv_bench/tools/fit_overlap.py).
OVERLAP_POINT = {
    "f4": (1.7e-9, 1.65e-9, 1.7e-9, 1.75e-9, 2e-9, 2.75e-9, 2.9e-9, 3.2e-9, 3.3e-9, 3.4e-9, 3.8e-9, 4.5e-9, 6e-9),
    "f8": (2.7e-9, 2.9e-9, 3.1e-9, 3.7e-9, 4e-9, 4.5e-9, 5e-9, 5.2e-9, 5.6e-9, 6.3e-9, 8.4e-9, 9e-9, 10e-9),
}  # fmt: skip
OVERLAP_BLOCK = 0.1e-6
OVERLAP_CALL = 10e-6
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
