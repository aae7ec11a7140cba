"""fastconv: every convolution for NumPy arrays, by every efficient algorithm.

Signal style (``convolve``, ``correlate``), layer style (``conv2d``, ``depthwise_conv2d``,
``conv_transpose2d``, ``deform_conv2d``, pooling, ...), plans that prepare once and run many times, the
shape and cost algebra of convolutions, and drop-in modules for ``scipy.signal`` and ``scipy.ndimage``.
"""

from . import _built
from ._version import __version__

_built.check(__path__)

from . import wisdom
from .backends.base import BackendNotSupportedError
from .config import (
    backends,
    explain,
    get_num_threads,
    num_threads,
    set_num_threads,
    show_config,
)
from .functions.conv import (
    causal_conv1d,
    conv,
    conv1d,
    conv2d,
    conv3d,
    depthwise_conv1d,
    depthwise_conv2d,
    depthwise_conv3d,
    pointwise_conv,
    resize_conv2d,
    separable_conv1d,
    separable_conv2d,
    separable_conv3d,
)
from .functions.deform import deform_conv1d, deform_conv2d, deform_conv3d
from .functions.pool import (
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    max_pool1d,
    max_pool2d,
    max_pool3d,
)
from .functions.signal_style import convolve, correlate
from .functions.streaming import StreamingConvolver
from .functions.transpose import conv_transpose1d, conv_transpose2d, conv_transpose3d
from .geometry import conv_cost, output_shape, receptive_field, transpose_output_shape
from .plans import plan, plan_convolve, plan_deform, plan_transpose

__all__ = [
    "BackendNotSupportedError",
    "StreamingConvolver",
    "__version__",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "backends",
    "causal_conv1d",
    "conv",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_cost",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "convolve",
    "correlate",
    "deform_conv1d",
    "deform_conv2d",
    "deform_conv3d",
    "depthwise_conv1d",
    "depthwise_conv2d",
    "depthwise_conv3d",
    "explain",
    "get_num_threads",
    "kernels",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "ndimage",
    "num_threads",
    "output_shape",
    "patch",
    "plan",
    "plan_convolve",
    "plan_deform",
    "plan_transpose",
    "pointwise_conv",
    "receptive_field",
    "resize_conv2d",
    "separable_conv1d",
    "separable_conv2d",
    "separable_conv3d",
    "set_num_threads",
    "show_config",
    "signal",
    "transpose_output_shape",
    "ufuncs",
    "wisdom",
]

# imported when first asked for: a program that only convolves does not wait for them
_LATER = ("kernels", "ndimage", "patch", "signal", "ufuncs")


def __getattr__(name):
    if name in _LATER:
        from importlib import import_module

        if name == "patch":
            return import_module("._patch", __name__).patch
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_LATER})
