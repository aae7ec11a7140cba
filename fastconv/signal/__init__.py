"""scipy.signal's convolutions and filters, many times faster: change the import, keep the code.

>>> from fastconv import signal
>>> signal.oaconvolve([1.0, 2.0, 3.0], [0.0, 1.0, 0.5])
array([0. , 1. , 2.5, 4. , 1.5])

Arrays of other libraries, dtypes that are no numbers and unusual arguments are handed to SciPy's own
function, which is imported then.
"""

from ._convolutions import (
    choose_conv_method,
    convolve,
    convolve2d,
    correlate,
    correlate2d,
    correlation_lags,
    fftconvolve,
    oaconvolve,
)
from ._filters import (
    decimate,
    deconvolve,
    filtfilt,
    lfilter,
    resample_poly,
    savgol_filter,
    sepfir2d,
    sosfilt,
    sosfiltfilt,
    upfirdn,
)

__all__ = [
    "choose_conv_method",
    "convolve",
    "convolve2d",
    "correlate",
    "correlate2d",
    "correlation_lags",
    "decimate",
    "deconvolve",
    "fftconvolve",
    "filtfilt",
    "lfilter",
    "oaconvolve",
    "resample_poly",
    "savgol_filter",
    "sepfir2d",
    "sosfilt",
    "sosfiltfilt",
    "upfirdn",
]
