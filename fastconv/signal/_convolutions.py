"""scipy.signal's convolutions and correlations."""

import warnings

import numpy as np

from .._dropin import convolution
from .._dropin.arguments import integer
from .._dropin.docs import same_as
from .._dropin.originals import signal as _scipy


def _spoiled(result, in1, in2):
    """The warning that SciPy gives where an FFT spreads a NaN; here it stays where it belongs."""
    if convolution.spoiled(result, in1, in2):
        warnings.warn(convolution.FFT_WARNING, RuntimeWarning, stacklevel=3)


@same_as("scipy.signal")
def convolve(in1, in2, mode="full", method="auto"):
    """Convolve two arrays of any rank.

    ``out[i] = sum over j of in1[j] * in2[i - j + s]``, with ``s`` 0 for mode "full", ``(len(in2) - 1) // 2``
    for "same" and ``len(in2) - 1`` for "valid", along every axis.

    Parameters
    ----------
    in1, in2 : array_like
        Operands of the same number of axes.
    {mode2}
    method : {'auto', 'direct', 'fft'}
        For SciPy's sake; fastconv chooses by itself in all three.

    {out2}

    {raises}

    See Also
    --------
    fastconv.convolve : with axes, borders, out and dtype.

    Notes
    -----
    Integers are exact modulo ``2**n``, whatever the method. A NaN or infinity reaches the outputs whose
    window covers it, no others; with ``method="fft"`` SciPy's RuntimeWarning is given all the same.

    Examples
    --------
    >>> from fastconv import signal
    >>> signal.convolve([1, 2, 3], [0, 1, 5], mode="same")
    array([ 1,  7, 13])
    """
    result = convolution.convolve(in1, in2, mode, method, flip=True)
    if result is None:
        return _scipy.convolve(in1, in2, mode, method)
    if method == "fft":
        _spoiled(result, in1, in2)
    return result


@same_as("scipy.signal")
def correlate(in1, in2, mode="full", method="auto"):
    """Cross-correlate two arrays of any rank.

    Equal to ``convolve`` with in2 conjugated and reversed along all axes.

    Parameters
    ----------
    in1, in2 : array_like
        Operands of the same number of axes.
    {mode2}
    method : {'auto', 'direct', 'fft'}
        For SciPy's sake; fastconv chooses by itself in all three.

    {out2}

    {raises}

    See Also
    --------
    correlation_lags : the lags that belong to the result.

    Examples
    --------
    >>> from fastconv import signal
    >>> signal.correlate([1, 2, 3], [0, 1, 5])
    array([ 5, 11, 17,  3,  0])
    """
    result = convolution.convolve(in1, in2, mode, method, flip=False)
    if result is None:
        return _scipy.correlate(in1, in2, mode, method)
    if method == "fft":
        _spoiled(result, in1, in2)
    return result


@same_as("scipy.signal")
def fftconvolve(in1, in2, mode="full", axes=None):
    """Convolve along some axes, the others broadcasting; the result is floating.

    Parameters
    ----------
    in1, in2 : array_like
        Operands of the same number of axes.
    {mode2}
    axes : int or sequence of int, optional
        Axes to convolve along, default all.

    {out2}

    {raises}

    Notes
    -----
    float16 and float32 give float32, integers float64. No FFT is used where another way is faster.

    Examples
    --------
    >>> from fastconv import signal
    >>> signal.fftconvolve([1, 2, 3], [0, 1, 5])
    array([ 0.,  1.,  7., 13., 15.])
    """
    result = convolution.fftconvolve(in1, in2, mode, axes)
    return _scipy.fftconvolve(in1, in2, mode, axes) if result is None else result


@same_as("scipy.signal")
def oaconvolve(in1, in2, mode="full", axes=None):
    """Convolve along some axes, the others broadcasting; the result is floating.

    Parameters
    ----------
    in1, in2 : array_like
        Operands of the same number of axes.
    {mode2}
    axes : int or sequence of int, optional
        Axes to convolve along, default all.

    {out2}

    {raises}

    Notes
    -----
    Here the same as ``fftconvolve``: blocks are used where they are faster.

    Examples
    --------
    >>> from fastconv import signal
    >>> signal.oaconvolve([1, 2, 3], [0, 1, 5])
    array([ 0.,  1.,  7., 13., 15.])
    """
    result = convolution.fftconvolve(in1, in2, mode, axes)
    return _scipy.oaconvolve(in1, in2, mode, axes) if result is None else result


@same_as("scipy.signal")
def convolve2d(in1, in2, mode="full", boundary="fill", fillvalue=0):
    """Convolve two arrays of two axes, with a rule for what lies outside.

    Parameters
    ----------
    in1, in2 : array_like, 2-D
        Operands.
    {mode2}
    boundary : {'fill', 'wrap', 'symm'}
        What lies outside of in1: ``fillvalue``, in1 again, in1 mirrored with the edge repeated.
    fillvalue : number
        Default 0.

    {out2}

    {raises}

    Examples
    --------
    >>> from fastconv import signal
    >>> signal.convolve2d([[1, 2], [3, 4]], [[1, 1]], boundary="wrap")
    array([[3, 3, 3],
           [7, 7, 7]])
    """
    result = convolution.convolve2d(in1, in2, mode, boundary, fillvalue, flip=True)
    return _scipy.convolve2d(in1, in2, mode, boundary, fillvalue) if result is None else result


@same_as("scipy.signal")
def correlate2d(in1, in2, mode="full", boundary="fill", fillvalue=0):
    """Cross-correlate two arrays of two axes, with a rule for what lies outside.

    Parameters
    ----------
    in1, in2 : array_like, 2-D
        Operands; in2 is conjugated.
    {mode2}
    boundary : {'fill', 'wrap', 'symm'}
        What lies outside of in1: ``fillvalue``, in1 again, in1 mirrored with the edge repeated.
    fillvalue : number
        Default 0.

    {out2}

    {raises}

    Notes
    -----
    In mode "same" filters of even size are centred one sample later than in ``correlate``, as in SciPy.

    Examples
    --------
    >>> from fastconv import signal
    >>> signal.correlate2d([[1, 2], [3, 4]], [[1, 0]], boundary="symm")
    array([[1, 1, 2],
           [3, 3, 4]])
    """
    result = convolution.convolve2d(in1, in2, mode, boundary, fillvalue, flip=False)
    return _scipy.correlate2d(in1, in2, mode, boundary, fillvalue) if result is None else result


@same_as("scipy.signal")
def choose_conv_method(in1, in2, mode="full", measure=False):
    """Which of its two methods SciPy's ``convolve`` would take; fastconv does not need to be told.

    Parameters
    ----------
    in1, in2 : array_like
        Operands.
    {mode2}
    measure : bool
        Time both instead of predicting.

    Returns
    -------
    method : {'direct', 'fft'}
    times : dict
        Seconds of each, with ``measure=True`` only.

    {raises}

    See Also
    --------
    fastconv.explain : which backend fastconv takes, and why.

    Examples
    --------
    >>> from fastconv import signal
    >>> signal.choose_conv_method([1.0, 2.0, 3.0], [0.0, 1.0])
    'direct'
    """
    return _scipy.choose_conv_method(in1, in2, mode, measure)


@same_as("scipy.signal")
def correlation_lags(in1_len, in2_len, mode="full"):
    """The lags that belong to the samples of a 1-D cross-correlation.

    Parameters
    ----------
    in1_len, in2_len : int
        Lengths of the operands.
    {mode2}

    Returns
    -------
    ndarray of int
        Lag k means that in2 is moved by k samples to the right.

    {raises}

    Examples
    --------
    >>> from fastconv import signal
    >>> signal.correlation_lags(3, 3)
    array([-2, -1,  0,  1,  2])
    """
    n, m = integer(in1_len), integer(in2_len)
    if n is None or m is None or n < 1 or m < 1 or mode not in convolution.MODES:
        return _scipy.correlation_lags(in1_len, in2_len, mode)
    if mode == "full":
        return np.arange(1 - m, n)
    if mode == "valid":
        return np.arange(min(0, n - m), max(0, n - m) + 1)
    return _scipy.correlation_lags(in1_len, in2_len, mode)
