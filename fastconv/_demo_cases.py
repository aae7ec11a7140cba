"""What the demo computes: small kernels, and one `Case` per operation with SciPy's way to the same.

Arrays are planes, (3, H, W) float32 in [0, 1], and (channels, samples) float64 for the recording.
Every SciPy twin is written from the definition of the operation, so that it can also serve as the
check.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import scipy.ndimage
import scipy.signal

import fastconv

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601: how bright R, G and B look
SEPIA = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]], np.float32)

# Single precision on pixels in [0, 1] with filters whose taps sum to a few units: two orders of the
# sum differ by some 1e-7 a unit. The recording is filtered in double precision.
PIXEL_TOLERANCE = 2e-5
SAMPLE_TOLERANCE = 1e-11


@dataclass(frozen=True)
class Case:
    """One operation of the demo."""

    name: str  # file stem of its picture
    title: str
    about: str  # one sentence for the page
    code: str  # the call, as a user would type it
    calls: tuple[partial, ...]  # what fastconv is asked, in order
    rival: Callable  # SciPy's way to the same result
    picture: Callable | None  # result -> uint8 image
    tolerance: float = PIXEL_TOLERANCE
    finish: Callable = lambda result: result  # joins the results of several calls
    stages: tuple[partial, ...] | None = None  # the calls that choose a backend, if not `calls`

    def compute(self):
        """The result by fastconv."""
        return self.finish(*[call() for call in self.calls])


# -- kernels, for convolution, which flips them: +x is to the right and +y down --------------------


def gaussian(sigma):
    """A Gaussian of sum 1, cut at three standard deviations."""
    radius = max(1, round(3 * sigma))
    g = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    return (np.outer(g, g) / g.sum() ** 2).astype(np.float32)


def _kernel(*rows):
    return np.array(rows, np.float32)


SHARPEN = _kernel([0, -1, 0], [-1, 5, -1], [0, -1, 0])
SOBEL_X = _kernel([1, 0, -1], [2, 0, -2], [1, 0, -1])
SOBEL_Y = SOBEL_X.T.copy()
LAPLACIAN = _kernel([0, 1, 0], [1, -4, 1], [0, 1, 0])
EMBOSS = _kernel([2, 1, 0], [1, 1, -1], [0, -1, -2])
BINOMIAL = _kernel([1, 2, 1], [2, 4, 2], [1, 2, 1]) / 16
DELTA = _kernel([0, 0, 0], [0, 1, 0], [0, 0, 0])


def oriented_bank():
    """(8, 3, 7, 7): six Gabor filters on the brightness and two colour-opponent blobs.

    What the first layer of an image classifier learns; here it is written down.
    """
    y, x = np.mgrid[-3:4, -3:4]
    envelope = np.exp(-(x**2 + y**2) / (2 * 1.7**2))
    bank = np.empty((8, 3, 7, 7), np.float32)
    for k in range(6):
        angle = np.pi * k / 6
        wave = envelope * np.sin(2 * np.pi / 5 * (x * np.cos(angle) + y * np.sin(angle)))
        bank[k] = LUMA[:, None, None] * (wave / np.abs(wave).sum())
    blob = envelope / envelope.sum()
    bank[6] = np.multiply.outer([0.5, -0.5, 0], blob)
    bank[7] = np.multiply.outer([0.25, 0.25, -0.5], blob)
    return bank


def clarity_weights():
    """(3, 3, 3, 3): each channel passes, plus the brightness minus its blurred self."""
    detail = np.multiply.outer(LUMA, DELTA - BINOMIAL)
    through = np.multiply.outer(np.eye(3, dtype=np.float32), DELTA)
    return (through + 1.5 * detail).astype(np.float32)


def bilinear_weights():
    """(3, 1, 4, 4): linear interpolation as a transposed convolution of stride 2."""
    tent = np.array([0.25, 0.75, 0.75, 0.25], np.float32)
    return np.tile(np.outer(tent, tent), (3, 1, 1, 1))


# -- SciPy's way -----------------------------------------------------------------------------------


def scipy_planes(planes, kernel):
    """convolve2d on each plane; SciPy has no batch axis."""
    return np.stack(
        [scipy.signal.convolve2d(p, kernel, mode="same", boundary="symm") for p in planes]
    )


def scipy_magnitude(plane):
    """Length of the gradient by two convolve2d."""
    return np.hypot(*(scipy_planes(plane[None], k)[0] for k in (SOBEL_X, SOBEL_Y)))


def scipy_layer(x, w, *, padding, stride=1, dilation=1):
    """A layer with replicated edges out of correlate2d, which knows neither channels nor steps.

    A stride s or a dilation d is taken apart into s * s or d * d dense correlations of every s-th
    or d-th pixel, so that SciPy, too, does no work for nothing.
    """
    x = np.pad(x[0], ((0, 0), (padding, padding), (padding, padding)), mode="edge")
    size = [
        (n - dilation * (k - 1) - 1) // stride + 1
        for n, k in zip(x.shape[1:], w.shape[2:], strict=True)
    ]
    out = np.zeros((len(w), *size), x.dtype)
    for k, c, i, j in np.ndindex(*w.shape[:2], stride, stride):
        taps = w[k, c, i::stride, j::stride]
        for p, q in np.ndindex(dilation, dilation):
            dense = x[c, i + p :: stride * dilation, j + q :: stride * dilation]
            part = out[k, p::dilation, q::dilation]
            part += scipy.signal.correlate2d(dense, taps, "valid")[: part.shape[0], : part.shape[1]]
    return out[None]


def scipy_upscale(x, w):
    """The four phases of a transposed convolution of stride 2, one convolve2d each."""
    enlarged = np.empty((len(w), *(2 * n + 2 for n in x.shape[2:])), x.dtype)
    for c, i, j in np.ndindex(len(w), 2, 2):
        enlarged[c, i::2, j::2] = scipy.signal.convolve2d(x[0, c], w[c, 0, i::2, j::2])
    return enlarged[None, :, 3:-3, 3:-3]


def scipy_separable(x, depthwise, pointwise):
    """correlate2d on each channel, then a matrix product over the channels."""
    radius = depthwise.shape[-1] // 2
    padded = np.pad(x[0], ((0, 0), (radius, radius), (radius, radius)), mode="edge")
    filtered = np.stack(
        [
            scipy.signal.correlate2d(plane, taps, mode="valid")
            for plane, taps in zip(padded, depthwise[:, 0], strict=True)
        ]
    )
    return np.tensordot(pointwise, filtered, axes=1)[None]


def scipy_max_pool(x, size):
    """The moving maximum everywhere, then one sample of each window."""
    # origin moves the window so that it begins at its sample, as a pooling window does
    moving = scipy.ndimage.maximum_filter(
        x, (1, 1, size, size), origin=(0, 0, -(size // 2), -(size // 2))
    )
    h, w = (n // size * size for n in x.shape[2:])
    return moving[:, :, :h:size, :w:size]


# -- pictures: what a result must undergo to look right --------------------------------------------


def _bytes(values):
    return (np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)


def in_colour(result):
    """(..., 3, h, w) in [0, 1] as it is; what a filter overshoots is clipped."""
    return _bytes(np.moveaxis(result.reshape(result.shape[-3:]), 0, -1))


def _scale(values):
    """The size that nearly every value stays below: one bright spot must not dim the picture.

    At least one step of an 8-bit photograph: on a flat one, rounding errors must not show.
    """
    return max(float(np.percentile(np.abs(values), 99)), 1 / 255)


def signed(plane):
    """Zero is mid grey, negative darker, positive lighter."""
    return _bytes(0.5 + 0.5 * plane / _scale(plane))


def magnitude(plane):
    """Zero is black."""
    return _bytes(plane / _scale(plane))


def mosaic(result):
    """(1, 8, h, w) as two rows of four maps, each on its own scale."""
    maps = [signed(plane) for plane in result[0]]
    return np.vstack([np.hstack(maps[:4]), np.hstack(maps[4:])])


# -- the cases -------------------------------------------------------------------------------------


def _filter_case(name, title, about, planes, kernel, picture):
    """One classical kernel on all planes: convolve over the last two axes."""
    code = 'fastconv.convolve(planes, kernel, "same", axes=(1, 2), boundary="symm")'
    return Case(
        name, title, about, code,
        (partial(fastconv.convolve, planes, kernel[None], mode="same", axes=(1, 2),
                 boundary="symm"),),
        partial(scipy_planes, planes, kernel),
        picture,
    )  # fmt: skip


def classical_cases(planes):
    """Filters of every image editor, through `fastconv.convolve`."""
    grey = np.tensordot(LUMA, planes, axes=1)[None]
    box = np.full((9, 9), 1 / 81, np.float32)

    def plane(draw):
        return lambda result: draw(result[0])

    def slope(kernel):
        return partial(fastconv.convolve, grey[0], kernel, mode="same", boundary="symm")

    return [
        _filter_case("gaussian_blur", "Gaussian blur", "Standard deviation 2 pixels, 13 x 13 taps.",
                     planes, gaussian(2.0), in_colour),
        _filter_case("box_blur", "Box blur", "The mean of 9 x 9 pixels.",
                     planes, box, in_colour),
        _filter_case("sharpen", "Sharpen", "The photograph minus its Laplacian, 3 x 3 taps.",
                     planes, SHARPEN, in_colour),
        _filter_case("sobel_x", "Sobel x",
                     "Brightness growing to the right is light, falling is dark.",
                     grey, SOBEL_X, plane(signed)),
        _filter_case("sobel_y", "Sobel y",
                     "Brightness growing downwards is light, falling is dark.",
                     grey, SOBEL_Y, plane(signed)),
        Case("edges", "Edge magnitude", "Length of the gradient, from both Sobel filters.",
             "numpy.hypot(fastconv.convolve(grey, sobel_x, ...), "
             "fastconv.convolve(grey, sobel_y, ...))",
             (slope(SOBEL_X), slope(SOBEL_Y)), partial(scipy_magnitude, grey[0]), magnitude,
             finish=np.hypot),
        _filter_case("laplacian", "Laplacian",
                     "Sum of the second derivatives; flat areas are mid grey.",
                     grey, LAPLACIAN, plane(signed)),
        _filter_case("emboss", "Emboss", "As a relief of its brightness, lit from the upper left.",
                     planes, EMBOSS, in_colour),
    ]  # fmt: skip


def layer_cases(planes):
    """Layers of a neural network on the photograph as (1, 3, H, W)."""
    x = planes[None]
    bank, clarity, tent = oriented_bank(), clarity_weights(), bilinear_weights()
    soft = np.tile(gaussian(1.0)[None, None], (3, 1, 1, 1))
    # one replicated pixel around, cropped again by padding=3: or the rim would fade to black
    rim = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    return [
        Case("conv2d_stride", "conv2d, stride 2",
             "8 filters of 7 x 7 x 3, as a classifier's first layer: six edge directions and two "
             "colour contrasts.",
             'fastconv.conv2d(x, w, stride=2, padding=3, padding_mode="replicate")',
             (partial(fastconv.conv2d, x, bank, stride=2, padding=3, padding_mode="replicate"),),
             partial(scipy_layer, x, bank, padding=3, stride=2), mosaic),
        Case("conv2d_dilated", "conv2d, dilation 4",
             "3 x 3 x 3 filters spread over 9 x 9 pixels raise the local contrast.",
             'fastconv.conv2d(x, w, dilation=4, padding=4, padding_mode="replicate")',
             (partial(fastconv.conv2d, x, clarity, dilation=4, padding=4,
                      padding_mode="replicate"),),
             partial(scipy_layer, x, clarity, padding=4, dilation=4), in_colour),
        Case("conv_transpose2d", "conv_transpose2d, stride 2",
             "Twice as large by linear interpolation.",
             "fastconv.conv_transpose2d(x, w, stride=2, padding=3, groups=3)",
             (partial(fastconv.conv_transpose2d, rim, tent, stride=2, padding=3, groups=3),),
             partial(scipy_upscale, rim, tent), in_colour),
        Case("separable_conv2d", "separable_conv2d",
             "Depthwise: a 7 x 7 Gaussian on each channel; pointwise: their mixture to sepia.",
             'fastconv.separable_conv2d(x, w_depthwise, w_pointwise, padding=3, '
             'padding_mode="replicate")',
             (partial(fastconv.separable_conv2d, x, soft, SEPIA, padding=3,
                      padding_mode="replicate"),),
             partial(scipy_separable, x, soft, SEPIA), in_colour,
             stages=(partial(fastconv.depthwise_conv2d, x, soft, padding=3,
                             padding_mode="replicate"),
                     partial(fastconv.pointwise_conv, x, SEPIA))),
        Case("max_pool2d", "max_pool2d, 4 x 4",
             "The brightest of each 4 x 4 pixels, channel by channel.",
             "fastconv.max_pool2d(x, 4)",
             (partial(fastconv.max_pool2d, x, 4),), partial(scipy_max_pool, x, 4), in_colour,
             tolerance=0.0),  # a maximum is a maximum
    ]  # fmt: skip


def recording_case(recording):
    """The low-pass filter on the recording; its picture is a plot, drawn by the report."""
    taps = recording.taps()
    return Case(
        "lowpass", f"FIR low-pass, {len(taps)} taps",
        f"{recording.title}, filtered below {recording.cutoff:g} Hz without delay.",
        'fastconv.convolve(samples, taps, "same", axes=1)',
        (partial(fastconv.convolve, recording.samples, taps[None], mode="same", axes=1),),
        partial(scipy.signal.convolve, recording.samples, taps[None], mode="same"),
        None,
        tolerance=SAMPLE_TOLERANCE * recording.peak(),
    )  # fmt: skip


def all_cases(planes, recording):
    """Everything, in the order of the page."""
    return [*classical_cases(planes), *layer_cases(planes), recording_case(recording)]
