"""Signal and image filtering: the table behind ``bench signal``.

A case is a call of fastconv and the calls of others that compute the same: NumPy's and SciPy's as a
user would write them (the first is what the result is compared with), and OpenCV's. Sizes run from 16
samples and 3 taps to impulse responses of seconds and photographs of 16 megapixels.
"""

import importlib
from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage, signal

FAMILIES = {
    "1d": "one signal, one filter",
    "2d": "one image, one kernel",
    "rows": "one filter along an axis of many signals",
    "ndimage": "scipy.ndimage's filters",
    "filter": "scipy.signal's filters",
}
# np.convolve is left out beyond: it would take seconds; scipy.signal.convolve2d likewise
MOST_NUMPY, MOST_CONVOLVE2D = 3e9, 3e8


class Missing(Exception):
    """What this installation lacks; a reason in one line."""


@dataclass(frozen=True)
class Call:
    """One call of fastconv; ``function`` is a path, ``fastconv.ndimage.sobel``."""

    function: str
    arguments: tuple
    keywords: dict = field(default_factory=dict)

    def find(self):
        """The function; Missing."""
        module, name = self.function.rsplit(".", 1)
        try:
            return getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError):
            raise Missing(f"{self.function} is not in this version") from None


@dataclass(frozen=True)
class Case:
    """A name, and what makes its Call, its peers by name, and how far results may differ."""

    family: str
    name: str
    make: object  # of no arguments; gives (Call, {peer: function of no arguments})
    tolerance: float | None = None  # of the largest result; None: by dtype


def array(shape, dtype, seed=0):
    """Random samples: normal, complex normal, or small integers."""
    rng, dtype = np.random.default_rng(seed), np.dtype(dtype)
    if dtype.kind in "iu":
        return rng.integers(0, 100, shape).astype(dtype)
    if dtype.kind == "c":
        return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(dtype)
    return rng.standard_normal(shape).astype(dtype)


def opencv():
    """The module; Missing."""
    try:
        import cv2
    except ImportError as error:
        raise Missing(f"OpenCV is not measured: {error}") from None
    return cv2


def with_opencv(peers, **functions):
    """The peers and those of OpenCV, which take its module, where it is installed."""
    try:
        cv2 = opencv()
    except Missing:
        return peers
    return peers | {f"cv2.{name}": (lambda f=f: f(cv2)) for name, f in functions.items()}


def filter1d(n, k, dtype):
    """Samples and taps."""

    def make():
        x, h = array(n, dtype), array(k, dtype, 1)
        peers = {"oaconvolve": lambda: signal.oaconvolve(x, h),
                 "fftconvolve": lambda: signal.fftconvolve(x, h)}  # fmt: skip
        if n * k < MOST_NUMPY:
            numpy = {"np.convolve": lambda: np.convolve(x, h)}
            peers = numpy | peers if x.dtype.kind == "i" else peers | numpy  # the exact one first
        return Call("fastconv.convolve", (x, h)), peers

    return Case("1d", f"{n} * {k} {dtype}", make)


def image(size, k, dtype):
    """A square image and kernel."""

    def make():
        x, h = array((size, size), dtype), array((k, k), dtype, 1)
        peers = {"fftconvolve": lambda: signal.fftconvolve(x, h, "same")}
        if (size * k) ** 2 < MOST_CONVOLVE2D:
            peers["convolve2d"] = lambda: signal.convolve2d(x, h, "same")
        if x.dtype.kind == "f":
            flipped = np.ascontiguousarray(h[::-1, ::-1])
            peers = with_opencv(peers, filter2D=lambda cv2: cv2.filter2D(
                x, -1, flipped, borderType=cv2.BORDER_CONSTANT))  # fmt: skip
        return Call("fastconv.convolve", (x, h, "same")), peers

    return Case("2d", f"{size}x{size} * {k}x{k} {dtype}", make)


def rows(shape, k, dtype, axis=-1):
    """One filter for all lines along an axis."""

    def make():
        x, h = array(shape, dtype), array(k, dtype, 1)
        taps = h.reshape([-1 if i == axis % len(shape) else 1 for i in range(len(shape))])
        peers = {
            "oaconvolve": lambda: signal.oaconvolve(x, taps, "same", axes=axis),
            "fftconvolve": lambda: signal.fftconvolve(x, taps, "same", axes=axis),
            "convolve1d": lambda: ndimage.convolve1d(x, h, axis=axis, mode="constant"),
        }
        return Call("fastconv.convolve", (x, taps, "same"), {"axes": axis}), peers

    where = "" if axis == -1 else f" axis {axis}"
    return Case("rows", f"{'x'.join(map(str, shape))} * {k}{where} {dtype}", make)


def drop_in(family, name, text, *arguments, opencv=None, tolerance=None, **keywords):
    """The same call of SciPy's function and of ours; arrays are given as (shape, dtype)."""
    theirs = ndimage if family == "ndimage" else signal

    def make():
        operands = [array(*a, seed=i) if isinstance(a, Of) else a for i, a in enumerate(arguments)]
        function = getattr(theirs, name)
        peers = {"scipy": lambda: function(*operands, **keywords)}
        if opencv:
            peers = with_opencv(peers, **{opencv[0]: lambda cv2: opencv[1](cv2, *operands)})
        module = theirs.__name__.removeprefix("scipy.")
        return Call(f"fastconv.{module}.{name}", tuple(operands), keywords), peers

    return Case(family, f"{name} {text}", make, tolerance)


class Of(tuple):
    """(shape, dtype) of an array to be made."""


def blur(cv2, x, sigma):
    size = 2 * int(4 * sigma + 0.5) + 1  # SciPy cuts at four sigma
    return cv2.GaussianBlur(x, (size, size), sigma, borderType=cv2.BORDER_REFLECT)


def filter2d(cv2, x, h):
    return cv2.filter2D(x, -1, h, borderType=cv2.BORDER_REFLECT)


def _filters():
    """The cases of the families ndimage and filter."""
    f4, f8 = "float32", "float64"
    photo, volume = Of(((2048, 2048), f4)), Of(((128, 128, 128), f4))
    levels = Of(((2048, 2048), "uint8"))
    signal1, channels = Of((1_000_000, f8)), Of(((64, 16384), f8))
    one = ("ndimage", "gaussian_filter")
    return [
        drop_in(*one, "2048 sigma 2", photo, 2, opencv=("GaussianBlur", blur)),
        drop_in(*one, "2048 sigma 8", photo, 8, opencv=("GaussianBlur", blur)),
        drop_in(*one, "2048 sigma 2 uint8", levels, 2, tolerance=0.02),  # one level
        drop_in(*one, "128^3 sigma 2", volume, 2),
        drop_in("ndimage", "uniform_filter", "2048 15", photo, 15, opencv=("blur", lambda cv2, x, n:
                cv2.blur(x, (n, n), borderType=cv2.BORDER_REFLECT))),
        drop_in("ndimage", "sobel", "2048", photo, 0, opencv=("Sobel", lambda cv2, x, axis:
                cv2.Sobel(x, -1, 0, 1, borderType=cv2.BORDER_REFLECT))),
        drop_in("ndimage", "correlate", "2048 3x3", photo, Of(((3, 3), f4)), opencv=("filter2D", filter2d)),
        drop_in("ndimage", "correlate", "2048 9x9", photo, Of(((9, 9), f4)), opencv=("filter2D", filter2d)),
        drop_in("ndimage", "convolve", "128^3 3x3x3", volume, Of(((3, 3, 3), f4))),
        drop_in("ndimage", "laplace", "2048", photo),
        drop_in("filter", "lfilter", "FIR 129, 1e6", Of((129, f8)), [1.0], signal1),
        drop_in("filter", "upfirdn", "3/2 129, 1e6", Of((129, f8)), signal1, 3, 2),
        drop_in("filter", "resample_poly", "160/147 1e6 float32", Of((1_000_000, f4)), 160, 147),
        drop_in("filter", "decimate", "FIR 8, 64x16384", channels, 8, ftype="fir"),
        drop_in("filter", "savgol_filter", "21, 3, 64x16384", channels, 21, 3),
        drop_in("filter", "sosfilt", "4 sections, 64x16384", signal.butter(8, 0.2, output="sos"), channels),
        drop_in("filter", "convolve2d", "wrap 512 15x15", Of(((512, 512), f8)), Of(((15, 15), f8)), "same", "wrap"),
    ]  # fmt: skip


# fmt: off
CASES = (
    *(filter1d(*case) for case in (
        (16, 3, "float64"), (100, 5, "float64"), (1000, 10, "float64"), (1000, 10, "float32"),
        (10_000, 31, "float64"), (100_000, 64, "float32"), (1_000_000, 64, "float64"),
        (1_000_000, 255, "float32"), (1_000_000, 1024, "float64"), (2_880_000, 96_000, "float32"),
        (2_880_000, 96_000, "float64"), (500_000, 500_000, "float64"), (100_000, 129, "complex128"),
        (100_000, 63, "int64"))),
    *(image(*case) for case in (
        (64, 3, "float64"), (512, 3, "float32"), (512, 5, "float64"), (1024, 7, "float32"),
        (2048, 15, "float32"), (2048, 15, "float64"), (2048, 31, "float32"), (4096, 3, "float32"),
        (4096, 63, "float32"), (384, 25, "complex128"))),
    *(rows(*case) for case in (
        ((64, 48_000), 512, "float32"), ((1024, 4096), 17, "float32"), ((4096, 1024), 33, "float64", 0),
        ((256, 16_384), 4096, "float64"), ((32, 32, 4096), 65, "float32"))),
    *_filters(),
)
# fmt: on


def select(families=(), match=""):
    """The cases of these families (default all) with that text in their name."""
    return [case for case in CASES if (not families or case.family in families)
            and match.lower() in case.name.lower()]  # fmt: skip
