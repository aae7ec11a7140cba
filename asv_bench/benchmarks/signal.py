"""Signals and images: convolve and correlate."""

import numpy as np

import fastconv

from .common import COMPILED, FLOATS, array, compute

FILTERS = {  # samples, taps
    "16 x 3": (16, 3),
    "1000 x 10": (1_000, 10),
    "10000 x 31": (10_000, 31),
    "100000 x 64": (100_000, 64),
    "1000000 x 64": (1_000_000, 64),
    "1000000 x 255": (1_000_000, 255),
    "1000000 x 1024": (1_000_000, 1024),
    "1000000 x 4096": (1_000_000, 4096),
}
# by themselves: without an FFT they take minutes
LONG = {"2880000 x 96000": (2_880_000, 96_000), "500000 x 500000": (500_000, 500_000)}
IMAGES = {
    "64 x 3": (64, 3), "512 x 3": (512, 3), "512 x 5": (512, 5), "1024 x 7": (1024, 7),
    "512 x 31": (512, 31), "2048 x 3": (2048, 3), "2048 x 15": (2048, 15), "2048 x 31": (2048, 31),
    "4096 x 3": (4096, 3), "4096 x 63": (4096, 63),
}  # fmt: skip
ROWS = {  # shape, taps, axis
    "64x48000 x 129 rows": ((64, 48_000), 129, 1),
    "1024x4096 x 17 rows": ((1024, 4096), 17, 1),
    "4096x1024 x 17 columns": ((4096, 1024), 17, 0),
    "4096x1024 x 33 columns": ((4096, 1024), 33, 0),
    "64x48000 x 512 rows": ((64, 48_000), 512, 1),
    "256x16384 x 4096 rows": ((256, 16_384), 4096, 1),
    "32x32x4096 x 33 rows": ((32, 32, 4096), 33, 2),
    "32x32x4096 x 65 rows": ((32, 32, 4096), 65, 2),
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


class Long(Case):
    """Impulse responses of seconds, and two signals of equal length."""

    params = (tuple(LONG), FLOATS)
    param_names = ("case", "dtype")
    timeout = 600

    def setup(self, case, dtype):
        n, m = LONG[case]
        self.prepare(array((n,), dtype), array((m,), dtype, 1))

    def time_convolve(self, case, dtype):
        self.call(out=self.out)


class Complex(Case):
    """Complex samples and filters, one axis and two."""

    params = (((100_000,), (384, 384)),)
    param_names = ("shape",)

    def setup(self, shape):
        taps = (129,) if len(shape) == 1 else (25, 25)
        self.prepare(array(shape, "complex128"), array(taps, "complex128", 1), "same")

    def time_convolve(self, shape):
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


class Tiles(Case):
    """Images and volumes by overlap-save: shape, kernel."""

    params = (("2048 x 15", "2048 x 31", "128^3 x 9"), FLOATS)
    param_names = ("case", "dtype")

    def setup(self, case, dtype):
        n, k, rank = {"2048 x 15": (2048, 15, 2), "2048 x 31": (2048, 31, 2), "128^3 x 9": (128, 9, 3)}[case]
        self.prepare(array((n,) * rank, dtype), array((k,) * rank, dtype, 1), "same", backend="oa")

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


class Ufunc:
    """The same, and short rows, by a ufunc."""

    params = (("1024x4096 x 17", "10000x32 x 5", "32x100x64 x 32x1x5"),)
    param_names = ("case",)

    def setup(self, case):
        shapes = [tuple(map(int, part.split("x"))) for part in case.split(" x ")]
        self.a, self.v = array(shapes[0]), array(shapes[1], seed=1)

    def time_convolve(self, case):
        fastconv.ufuncs.convolve_same(self.a, self.v)


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
