"""Pooling: max_pool1d/2d/3d and avg_pool1d/2d/3d."""

import fastconv

from .common import array, compute

WINDOWS = {
    "3/2 64@112": (2, (1, 64, 112, 112), 3, {"stride": 2, "padding": 1}),
    "2/2 128@56": (2, (1, 128, 56, 56), 2, {}),
    "3/1 192@28": (2, (1, 192, 28, 28), 3, {"stride": 1, "padding": 1}),
    "1-D 4/4 64x16384": (1, (1, 64, 16384), 4, {}),
    "3-D 2/2 64 16@28": (3, (1, 64, 16, 28, 28), 2, {}),
}


class Pool:
    """Windows of ResNet, VGG, Inception, audio and video networks."""

    params = (tuple(WINDOWS), ("max_pool", "avg_pool"), ("float32", "int8"))
    param_names = ("window", "function", "dtype")

    def setup(self, window, function, dtype):
        rank, shape, size, keywords = WINDOWS[window]
        call, x = getattr(fastconv, f"{function}{rank}d"), array(shape, dtype)
        self.call = lambda out=None: call(x, size, out=out, **keywords)
        self.out = compute(self.call)

    def time_call(self, window, function, dtype):
        self.call(out=self.out)
