"""Small calls, where arguments cost more than arithmetic; NumPy's own calls are the yardstick."""

import time

import numpy as np

import fastconv

from .common import array


class SmallSignal:
    """100 samples, 5 taps, float64."""

    def setup(self):
        self.a, self.v = array((100,), "float64"), array((5,), "float64", 1)
        self.image, self.kernel = array((16, 16), "float64"), array((3, 3), "float64", 1)
        self.integers = np.arange(100)
        self.out = np.empty(104)

    def time_convolve(self):
        fastconv.convolve(self.a, self.v)

    def time_convolve_same(self):
        fastconv.convolve(self.a, self.v, mode="same")

    def time_correlate(self):
        fastconv.correlate(self.a, self.v)

    def time_convolve_out(self):
        fastconv.convolve(self.a, self.v, out=self.out)

    def time_convolve_integers(self):
        fastconv.convolve(self.integers, self.integers[:5])

    def time_convolve_ufunc(self):
        fastconv.ufuncs.convolve_full(self.a, self.v)

    def time_convolve_lists(self):
        fastconv.convolve([1.0, 2.0, 3.0], [0.0, 1.0])

    def time_convolve_image(self):
        fastconv.convolve(self.image, self.kernel, "same")

    def time_convolve_boundary(self):
        fastconv.convolve(self.a, self.v, "same", boundary="wrap")

    def time_numpy_convolve(self):
        np.convolve(self.a, self.v)

    def time_numpy_correlate(self):
        np.correlate(self.a, self.v, "full")


class SmallLayer:
    """A layer of 8 channels on 8 x 8 pixels."""

    def setup(self):
        self.x, self.w = array((1, 8, 8, 8)), array((8, 8, 3, 3), seed=1)
        self.depthwise = array((8, 1, 3, 3), seed=2)
        self.offset = np.zeros((1, 18, 8, 8), np.float32)
        self.plan = fastconv.plan(self.w, input_shape=self.x.shape, padding=1)
        self.out = self.plan(self.x)

    def time_conv2d(self):
        fastconv.conv2d(self.x, self.w, padding=1)

    def time_conv2d_lists(self):
        fastconv.conv2d(self.x, self.w, stride=[1, 1], padding=[1, 1])

    def time_conv2d_out(self):
        fastconv.conv2d(self.x, self.w, padding=1, out=self.out)

    def time_depthwise_conv2d(self):
        fastconv.depthwise_conv2d(self.x, self.depthwise, padding=1)

    def time_conv_transpose2d(self):
        fastconv.conv_transpose2d(self.x, self.w, stride=2)

    def time_deform_conv2d(self):
        fastconv.deform_conv2d(self.x, self.offset, self.w, padding=1)

    def time_max_pool2d(self):
        fastconv.max_pool2d(self.x, 2)

    def time_avg_pool2d(self):
        fastconv.avg_pool2d(self.x, 2)

    def time_plan_call(self):
        self.plan(self.x, out=self.out)


class Algebra:
    """Questions that compute nothing."""

    shapes = (1, 64, 56, 56), (64, 64, 3, 3)

    def time_output_shape(self):
        fastconv.output_shape(*self.shapes, padding=1)

    def time_transpose_output_shape(self):
        fastconv.transpose_output_shape(*self.shapes, padding=1)

    def time_conv_cost(self):
        fastconv.conv_cost(*self.shapes, padding=1)

    def time_receptive_field(self):
        fastconv.receptive_field([(7, 2, 3), (3, 2, 1), (3, 1, 1)])

    def time_explain(self):
        fastconv.explain(fastconv.conv2d, *self.shapes, padding=1)

    def time_num_threads(self):
        with fastconv.num_threads(1):
            pass

    def time_get_num_threads(self):
        fastconv.get_num_threads()


class Rested:
    """A layer of 0.1 ms after some rest, when threads sleep and caches hold other things."""

    params = ((0.001, 0.01, 0.1), (1, 2))
    param_names = ("rest, s", "threads")
    number, repeat, warmup_time = 1, (20, 60, 3.0), 0

    def setup(self, rest, threads):
        fastconv.set_num_threads(threads)
        x, w = array((1, 240, 28, 28), "float32"), array((60, 80, 1, 1), "float32", 1)
        plan = fastconv.plan(w, input_shape=x.shape, groups=3)
        out = np.empty(plan.output_shape, np.float32)
        self.call = lambda: plan(x, out=out)
        self.call()
        time.sleep(rest)

    def time_call(self, rest, threads):
        self.call()


class LargeResults:
    """Small kernels over large images, into new results: their memory is most of the work."""

    params = (1024, 3000, 4096)
    param_names = ("side",)

    def setup(self, side):
        self.x, self.w = array((side, side), "float32"), array((3, 3), "float32", 1)

    def time_correlate(self, side):
        fastconv.correlate(self.x, self.w, "same")


class FirstCall:
    """Import, and the first call of a process."""

    def timeraw_import(self):
        return "import fastconv"

    def timeraw_import_numpy(self):
        return "import numpy"

    def timeraw_first_call(self):
        return """
        import numpy as np, fastconv
        fastconv.conv2d(np.ones((1, 3, 32, 32)), np.ones((8, 3, 3, 3)))
        """
