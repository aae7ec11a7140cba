"""The drop-in modules: image filters, filters along one axis, and what the wrapper itself costs."""

import numpy as np

from fastconv import ndimage, signal

from .common import array

IMAGE, VOLUME = (1024, 1024), (96, 96, 96)
IMAGE_CALLS = {
    "correlate 3x3": ("correlate", np.arange(9.0).reshape(3, 3)),
    "correlate 9x9": ("correlate", np.arange(81.0).reshape(9, 9)),
    "correlate1d 7": ("correlate1d", np.arange(7.0)),
    "gaussian_filter 2": ("gaussian_filter", 2.0),
    "gaussian_filter 8": ("gaussian_filter", 8.0),
    "uniform_filter 15": ("uniform_filter", 15),
    "sobel": ("sobel",),
    "laplace": ("laplace",),
}
SOS = np.array([[0.2, 0.4, 0.2, 1.0, -0.4, 0.2]] * 4)
LINE_CALLS = {
    "lfilter 129 taps": lambda x: signal.lfilter(np.ones(129), [1.0], x),
    "lfilter order 4": lambda x: signal.lfilter(np.ones(5), [1.0, 0.1, 0.2, 0.1, 0.1], x),
    "sosfilt 4 sections": lambda x: signal.sosfilt(SOS, x),
    "upfirdn 3/2": lambda x: signal.upfirdn(np.ones(129), x, 3, 2),
    "resample_poly 160/147": lambda x: signal.resample_poly(x, 160, 147, axis=-1),
    "decimate fir 8": lambda x: signal.decimate(x, 8, ftype="fir"),
    "savgol_filter 21, 3": lambda x: signal.savgol_filter(x, 21, 3),
    "oaconvolve 512": lambda x: signal.oaconvolve(x, np.ones((1,) * (x.ndim - 1) + (512,)), axes=-1),
}


class Images:
    """ndimage on an image and a volume."""

    params = (tuple(IMAGE_CALLS), ("image", "volume"), ("float32", "float64", "uint8"))
    param_names = ("call", "samples", "dtype")

    def setup(self, call, samples, dtype):
        if samples == "volume" and "correlate " in call:
            raise NotImplementedError  # the windows have two axes
        self.x = array(IMAGE if samples == "image" else VOLUME, dtype)
        self.out = np.empty_like(self.x)
        name, *arguments = IMAGE_CALLS[call]
        self.call = lambda: getattr(ndimage, name)(self.x, *arguments, output=self.out)
        self.call()

    def time_filter(self, call, samples, dtype):
        self.call()


class Lines:
    """signal along one axis."""

    params = (tuple(LINE_CALLS), ("1000000", "64x16384"), ("float32", "float64"))
    param_names = ("call", "samples", "dtype")

    def setup(self, call, samples, dtype):
        self.x = array(tuple(map(int, samples.split("x"))), dtype)
        self.call = LINE_CALLS[call]
        self.call(self.x)

    def time_filter(self, call, samples, dtype):
        self.call(self.x)


class Overhead:
    """Calls with next to nothing to compute."""

    params = ("signal.convolve", "ndimage.correlate1d", "ndimage.gaussian_filter", "signal.lfilter")
    param_names = ("function",)

    def setup(self, function):
        x, w = array((30,), "float64"), array((3,), "float64", 1)
        self.call = {
            "signal.convolve": lambda: signal.convolve(x, w),
            "ndimage.correlate1d": lambda: ndimage.correlate1d(x, w),
            "ndimage.gaussian_filter": lambda: ndimage.gaussian_filter(x, 1.0),
            "signal.lfilter": lambda: signal.lfilter([1.0], [1.0, 0.5], x),
        }[function]
        self.call()

    def time_call(self, function):
        self.call()
