"""Recursive and polyphase filters, and one filter along one axis in every memory order."""

import numpy as np
from scipy import signal

import fastconv
from fastconv._core import filters

from .common import array

SHAPES = {"1 x 1000000": (1, 1_000_000), "64 x 16384": (64, 16_384)}


class Recursive:
    """sosfilt and lfilter, along rows and along columns."""

    params = (tuple(SHAPES), (0, 1), ("f4", "f8"))
    param_names = ("shape", "axis", "dtype")

    def setup(self, shape, axis, dtype):
        x = array(SHAPES[shape], dtype)
        self.x = x if axis == 1 else x.T.copy()
        self.sos = signal.butter(8, 0.2, output="sos").astype(dtype)
        self.b, self.a = (c.astype(dtype) for c in signal.butter(4, 0.2))

    def time_sosfilt(self, shape, axis, dtype):
        filters.sosfilt(self.sos, self.x, axis=axis)

    def time_lfilter(self, shape, axis, dtype):
        filters.lfilter(self.b, self.a, self.x, axis=axis)


class Polyphase:
    """upfirdn by rates."""

    params = (((3, 2), (160, 147), (1, 8), (4, 1)), ("f4", "f8"))
    param_names = ("rates", "dtype")

    def setup(self, rates, dtype):
        self.x = array((1_000_000,), dtype)
        self.h = array((20 * max(rates) + 1,), dtype, 1)

    def time_upfirdn(self, rates, dtype):
        filters.upfirdn(self.h, self.x, *rates)


class Orders:
    """The same filter along a line, across rows, along short lines and along every second sample."""

    params = ("line", "rows", "short lines", "apart")
    param_names = ("order",)

    def setup(self, order):
        shape, self.axis = {"rows": ((2048, 512), 0), "short lines": ((65_536, 16), 1)}.get(order, ((1 << 20,), 0))
        self.x = array((1 << 21,), "f4")[::2] if order == "apart" else array(shape, "f4")
        self.v = array((9,), "f4", 1).reshape([-1 if i == self.axis else 1 for i in range(self.x.ndim)])
        self.out = np.empty_like(self.x)

    def time_convolve(self, order):
        fastconv.convolve(self.x, self.v, "same", axes=self.axis, backend="direct", out=self.out)
