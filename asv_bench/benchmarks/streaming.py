"""StreamingConvolver: one block of a stream, as in an audio callback."""

import numpy as np

import fastconv

from .common import array

KERNELS = {"64": 64, "2048": 2048, "144000": 144_000}


class Block:
    """Blocks of 64 and 1024 samples, one channel."""

    params = (tuple(KERNELS), (64, 1024), ("float32", "float64", "complex64"))
    param_names = ("taps", "block", "dtype")

    def setup(self, taps, block, dtype):
        self.stream = fastconv.StreamingConvolver(array((KERNELS[taps],), dtype), block)
        self.x, self.out = array((block,), dtype, 1), np.empty(block, dtype)
        for _ in range(100):  # into the middle of things
            self.stream.process(self.x, self.out)

    def time_process(self, taps, block, dtype):
        self.stream.process(self.x, self.out)


class Cuts:
    """One second of 48 kHz in blocks of 64 by different cuts of 144 000 taps."""

    params = (("auto", "uniform"),)
    param_names = ("partition",)

    def setup(self, partition):
        self.stream = fastconv.StreamingConvolver(array((144_000,)), 64, partition=partition)
        self.blocks = list(array((750, 64), seed=1))

    def time_second(self, partition):
        for block in self.blocks:
            self.stream.process(block, block)


class Channels:
    """32 channels with a filter each, and taking other filters."""

    def setup(self):
        self.h = array((32, 24_000))
        self.stream = fastconv.StreamingConvolver(self.h, 256, channels=32)
        self.x, self.out = array((32, 256), seed=1), np.empty((32, 256), np.float32)

    def time_process(self):
        self.stream.process(self.x, self.out)

    def time_set_kernel(self):
        self.stream.set_kernel(self.h, fade=1024)
