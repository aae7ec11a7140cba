"""Signals and images: convolve and correlate."""

import numpy as np

import fastconv

from .common import COMPILED, FLOATS, array, compute

FILTERS = {  # samples, taps
    "1000 x 10": (1_000, 10),
    "10000 x 31": (10_000, 31),
    "100000 x 64": (100_000, 64),
    "1000000 x 255": (1_000_000, 255),
    "1000000 x 4096": (1_000_000, 4096),
    "2880000 x 96000": (2_880_000, 96_000),
    "500000 x 500000": (500_000, 500_000),
}
IMAGES = {"512 x 3": (512, 3), "1024 x 7": (1024, 7), "512 x 31": (512, 31), "2048 x 3": (2048, 3)}
ROWS = {  # shape, taps, axis
    "64x48000 x 129 rows": ((64, 48_000), 129, 1),
    "1024x4096 x 17 rows": ((1024, 4096), 17, 1),
    "4096x1024 x 17 columns": ((4096, 1024), 17, 0),
    "32x32x4096 x 33 rows": ((32, 32, 4096), 33, 2),
}


class Case:
    """One call of ``function`` with two arrays; subclasses say which."""

    function = "convolve"

    def prepare(self, a, v, *arguments, **keywords):
        call = getattr(fastconv, self.function)
        self.call = lambda out=None: call(a, v, *arguments, out=out, **keywords)
        self.out = compute(self.call)


class Filter1D(Case):
    """FIR filters: samples x taps."""

    params = (tuple(FILTERS), FLOATS)
    param_names = ("case", "dtype")

    def setup(self, case, dtype):
        n, m = FILTERS[case]
        self.prepare(array((n,), dtype), array((m,), dtype, 1))

    def time_convolve(self, case, dtype):
        self.call(out=self.out)


class Backends(Case):
    """FIR filters by each backend: is "auto" the fastest?"""

    params = (("10000 x 31", "100000 x 64"), COMPILED)
    param_names = ("case", "backend")

    def setup(self, case, backend):
        n, m = FILTERS[case]
        self.prepare(array((n,)), array((m,), seed=1), backend=backend)

    def time_convolve(self, case, backend):
        self.call(out=self.out)


class Image(Case):
    """Images: size x kernel, mode "same"."""

    params = (tuple(IMAGES), FLOATS)
    param_names = ("case", "dtype")

    def setup(self, case, dtype):
        n, k = IMAGES[case]
        self.prepare(array((n, n), dtype), array((k, k), dtype, 1), "same")

    def time_convolve(self, case, dtype):
        self.call(out=self.out)


class Rows(Case):
    """One filter for every row, or every column, of a matrix."""

    params = (tuple(ROWS),)
    param_names = ("case",)

    def setup(self, case):
        shape, m, axis = ROWS[case]
        taps = array((m,), seed=1).reshape([-1 if i == axis else 1 for i in range(len(shape))])
        self.prepare(array(shape), taps, "same", axes=axis)

    def time_convolve(self, case):
        self.call(out=self.out)


class Bank(Case):
    """64 filters for one signal."""

    params = ((16, 128),)
    param_names = ("taps",)

    def setup(self, taps):
        self.prepare(array((1, 48_000)), array((64, taps), seed=1), "valid", axes=-1)

    def time_convolve(self, taps):
        self.call(out=self.out)


class Boundary(Case):
    """What lies beyond the edges should cost nothing."""

    params = (("fill", "wrap", "symm", "reflect", "nearest"),)
    param_names = ("boundary",)

    def setup(self, boundary):
        self.prepare(array((1024, 1024)), array((5, 5), seed=1), "same", boundary=boundary)

    def time_convolve(self, boundary):
        self.call(out=self.out)


class MatchedFilter(Case):
    """Complex radar pulses: correlate."""

    function = "correlate"
    params = (("complex64", "complex128"), ("full", "valid"))
    param_names = ("dtype", "mode")

    def setup(self, dtype, mode):
        self.prepare(array((16_384,), dtype), array((512,), dtype, 1), mode)

    def time_correlate(self, dtype, mode):
        self.call(out=self.out)


class Integers(Case):
    """Exact integer filters."""

    params = (("uint8", "int16", "int32", "int64"),)
    param_names = ("dtype",)

    def setup(self, dtype):
        self.prepare(array((100_000,), dtype), array((63,), dtype, 1), "same")

    def time_convolve(self, dtype):
        self.call(out=self.out)


class Strides(Case):
    """Every other sample, backwards: no copy is made first."""

    params = (("contiguous", "every other", "backwards", "fortran"),)
    param_names = ("memory",)

    def setup(self, memory):
        big = array((1024, 2048))
        a = {"contiguous": np.ascontiguousarray(big[:, ::2]), "every other": big[:, ::2],
             "backwards": big[::-1, :1024], "fortran": np.asfortranarray(big[:, ::2])}[memory]  # fmt: skip
        self.prepare(a, array((5, 5), seed=1), "same")

    def time_convolve(self, memory):
        self.call(out=self.out)
