"""fastconv.signal and fastconv.ndimage: the cases of ``python -m fastconv bench signal``, images and volumes of
several dtypes, and what the wrapper itself costs."""

import numpy as np

from fastconv import _bench_signal_cases as cases
from fastconv import ndimage, signal

from .common import array

DROP_IN = {case.name: case for case in cases.CASES if case.family in ("ndimage", "filter")}
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


class DropIn:
    """One call; a function that this version lacks is not applicable."""

    params = (tuple(DROP_IN),)
    param_names = ("case",)

    def setup(self, case):
        call, _ = DROP_IN[case].make()
        try:
            function = call.find()
        except cases.Missing as why:
            raise NotImplementedError(str(why)) from None
        self.call = lambda: function(*call.arguments, **call.keywords)
        self.call()

    def time_call(self, case):
        self.call()


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
