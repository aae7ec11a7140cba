"""Peak memory of a process: the operands alone, and what a call adds to them."""

import fastconv

from .common import COMPILED, array, compute


class LargeLayer:
    """VGG 3x3 64@224: x and the result have 12.8 MB each; its whole im2col matrix would have 116 MB."""

    params = (("operands", *COMPILED),)
    param_names = ("backend",)

    def setup(self, backend):
        self.x, self.w = array((1, 64, 224, 224)), array((64, 64, 3, 3), seed=1)
        if backend != "operands":  # a benchmark that is not applicable must say so here, not when it runs
            compute(lambda: fastconv.explain(fastconv.conv2d, self.x, self.w, padding=1, backend=backend))

    def peakmem_conv2d(self, backend):
        if backend == "operands":
            return self.x.copy()  # in the place of the result
        return fastconv.conv2d(self.x, self.w, padding=1, backend=backend)


class LongSignal:
    """10 million float16 samples: they are converted strip by strip, never as a whole."""

    params = (("operands", "auto"),)
    param_names = ("backend",)

    def setup(self, backend):
        self.a, self.v = array((10_000_000,), "float16"), array((31,), "float16", 1)

    def peakmem_convolve(self, backend):
        if backend == "operands":
            return self.a.copy()
        return fastconv.convolve(self.a, self.v, "same")


class Reversed:
    """A view with negative steps and a border: neither copied nor padded."""

    params = (("operands", "auto"),)
    param_names = ("backend",)

    def setup(self, backend):
        self.a, self.v = array((3000, 3000))[::-1, ::-1], array((5, 5), seed=1)

    def peakmem_convolve(self, backend):
        if backend == "operands":
            return self.a.copy()
        return fastconv.convolve(self.a, self.v, "same", boundary="reflect")
