"""scipy.signal's filters along one axis."""

from .._dropin import recursive, resampling
from .._dropin.docs import same_as
from .._dropin.originals import signal as _scipy


@same_as("scipy.signal")
def lfilter(b, a, x, axis=-1, zi=None):
    """Filter along one axis with a rational transfer function.

    ``a[0] y[n] = b[0] x[n] + ... + b[M] x[n - M] - a[1] y[n - 1] - ... - a[N] y[n - N]``

    Parameters
    ----------
    b, a : array_like, 1-D
        Coefficients of the numerator and the denominator.
    x : array_like
        Samples.
    {axis}
    zi : array_like, optional
        State of the delays at the beginning, of x's shape with ``max(len(a), len(b)) - 1`` along the axis.

    Returns
    -------
    y : ndarray
        The filtered samples.
    zf : ndarray
        The state at the end, if zi was given.

    {raises}

    Examples
    --------
    >>> from fastconv import signal
    >>> signal.lfilter([1.0], [1.0, -0.5], [1.0, 0.0, 0.0, 0.0])
    array([1.   , 0.5  , 0.25 , 0.125])
    """
    result = recursive.lfilter(b, a, x, axis, zi)
    if result is None:
        return _scipy.lfilter(b, a, x, axis, zi)
    return result[0] if zi is None else result


@same_as("scipy.signal")
def sosfilt(sos, x, axis=-1, zi=None):
    """Filter along one axis with second-order sections in a row.

    Parameters
    ----------
    sos : array_like, (sections, 6)
        ``b0 b1 b2 a0 a1 a2`` of each section, a0 being 1.
    x : array_like
        Samples.
    {axis}
    zi : array_like, optional
        State of the delays at the beginning, ``(sections, ..., 2, ...)``.

    Returns
    -------
    y : ndarray
        The filtered samples.
    zf : ndarray
        The state at the end, if zi was given.

    {raises}

    Examples
    --------
    >>> from fastconv import signal
    >>> signal.sosfilt([[1.0, 0.0, 0.0, 1.0, -0.5, 0.0]], [1.0, 0.0, 0.0, 0.0])
    array([1.   , 0.5  , 0.25 , 0.125])
    """
    result = recursive.sosfilt(sos, x, axis, zi)
    if result is None:
        return _scipy.sosfilt(sos, x, axis, zi)
    return result[0] if zi is None else result


@same_as("scipy.signal")
def filtfilt(b, a, x, axis=-1, padtype="odd", padlen=None, method="pad", irlen=None):
    """Filter forward and backward: no delay, the square of the magnitude.

    Parameters
    ----------
    b, a : array_like, 1-D
        Coefficients of the numerator and the denominator.
    x : array_like
        Samples.
    {axis}
    padtype : {'odd', 'even', 'constant', None}
        How x is continued at its ends before filtering.
    padlen : int, optional
        By how many samples, default ``3 * max(len(a), len(b))``.
    method : {'pad', 'gust'}
        ``"gust"``, Gustafsson's choice of states, is left to SciPy.
    irlen : int, optional
        For ``"gust"``.

    {out1}

    {raises}

    Examples
    --------
    >>> from fastconv import signal
    >>> signal.filtfilt([0.5, 0.5], [1.0], [0.0, 0.0, 4.0, 0.0, 0.0, 0.0, 0.0])
    array([0., 1., 2., 1., 0., 0., 0.])
    """
    result = recursive.filtfilt(b, a, x, axis, padtype, padlen, method)
    if result is None:
        return _scipy.filtfilt(b, a, x, axis, padtype, padlen, method, irlen)
    return result


@same_as("scipy.signal")
def sosfiltfilt(sos, x, axis=-1, padtype="odd", padlen=None):
    """Filter forward and backward with second-order sections.

    Parameters
    ----------
    sos : array_like, (sections, 6)
        ``b0 b1 b2 a0 a1 a2`` of each section, a0 being 1.
    x : array_like
        Samples.
    {axis}
    padtype : {'odd', 'even', 'constant', None}
        How x is continued at its ends before filtering.
    padlen : int, optional
        By how many samples.

    {out1}

    {raises}

    Examples
    --------
    >>> from fastconv import signal
    >>> sos = [[0.5, 0.5, 0.0, 1.0, 0.0, 0.0]]
    >>> signal.sosfiltfilt(sos, [0.0, 0.0, 4.0, 0.0, 0.0, 0.0, 0.0])
    array([0., 1., 2., 1., 0., 0., 0.])
    """
    result = recursive.sosfiltfilt(sos, x, axis, padtype, padlen)
    return _scipy.sosfiltfilt(sos, x, axis, padtype, padlen) if result is None else result


@same_as("scipy.signal")
def upfirdn(h, x, up=1, down=1, axis=-1, mode="constant", cval=0):
    """Insert zeros, filter, keep every ``down``-th sample: only what is kept is computed.

    Parameters
    ----------
    h : array_like, 1-D
        The filter.
    x : array_like
        Samples.
    up, down : int
        One sample of x becomes ``up``, of which every ``down``-th is kept.
    {axis}
    mode : str
        How x is continued: ``"constant"``, ``"wrap"``, ``"edge"``, ``"smooth"``, ``"symmetric"``,
        ``"reflect"``, ``"antisymmetric"``, ``"antireflect"`` or ``"line"``.
    cval : number
        For ``"constant"``, default 0.

    Returns
    -------
    ndarray
        ``((n - 1) * up + len(h) - 1) // down + 1`` samples along the axis.

    {raises}

    Examples
    --------
    >>> from fastconv import signal
    >>> signal.upfirdn([1.0, 1.0], [1.0, 2.0, 3.0], up=2)
    array([1., 1., 2., 2., 3., 3.])
    """
    result = resampling.upfirdn(h, x, up, down, axis, mode, cval)
    return _scipy.upfirdn(h, x, up, down, axis, mode, cval) if result is None else result


@same_as("scipy.signal")
def resample_poly(x, up, down, axis=0, window=("kaiser", 5.0), padtype="constant", cval=None):
    """Resample by a rational factor with a low-pass filter in its middle position.

    Parameters
    ----------
    x : array_like
        Samples.
    up, down : int
        The rate becomes ``up / down`` of what it was.
    axis : int
        Axis to resample along, default the first.
    window : str, tuple or array_like
        Window to design the filter with, or the filter itself.
    padtype : str
        How x is continued: a mode of ``upfirdn``, or ``"mean"``, ``"median"``, ``"minimum"``,
        ``"maximum"`` of x.
    cval : number, optional
        For ``"constant"``.

    Returns
    -------
    ndarray
        ``ceil(n * up / down)`` samples along the axis.

    {raises}

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import signal
    >>> signal.resample_poly(np.ones(100), 3, 2).shape
    (150,)
    """
    result = resampling.resample_poly(x, up, down, axis, window, padtype, cval)
    if result is None:
        return _scipy.resample_poly(x, up, down, axis, window, padtype, cval)
    return result


@same_as("scipy.signal")
def decimate(x, q, n=None, ftype="iir", axis=-1, zero_phase=True):
    """Keep every q-th sample after a low-pass filter.

    Parameters
    ----------
    x : array_like
        Samples.
    q : int
        Factor.
    n : int, optional
        Order of the filter, default 8 (``"iir"``) or ``20 * q`` (``"fir"``).
    ftype : {'iir', 'fir'} or dlti
        Chebyshev filter of type I, or windowed sinc.
    {axis}
    zero_phase : bool
        Without delay (default).

    Returns
    -------
    ndarray
        ``ceil(len / q)`` samples along the axis.

    {raises}

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import signal
    >>> signal.decimate(np.ones(100), 4, ftype="fir").shape
    (25,)
    """
    result = resampling.decimate(x, q, n, ftype, axis, zero_phase)
    return _scipy.decimate(x, q, n, ftype, axis, zero_phase) if result is None else result


@same_as("scipy.signal")
def savgol_filter(x, window_length, polyorder, deriv=0, delta=1.0, axis=-1, mode="interp", cval=0.0):
    """Savitzky-Golay filter: the value of a polynomial fitted to the samples of a window.

    Parameters
    ----------
    x : array_like
        Samples.
    window_length : int
        Samples in the window.
    polyorder : int
        Order of the polynomial, less than ``window_length``.
    deriv : int
        Which derivative, default 0.
    delta : float
        Distance of the samples, for derivatives.
    {axis}
    mode : {'interp', 'mirror', 'constant', 'nearest', 'wrap'}
        ``"interp"``: the ends are those of the last full windows' polynomials. Else as in ``ndimage``.
    cval : number
        For ``"constant"``.

    {out1}

    {raises}

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import signal
    >>> signal.savgol_filter(np.arange(6.0) ** 2 + 1, 5, 2).round(12)
    array([ 1.,  2.,  5., 10., 17., 26.])
    """
    result = resampling.savgol_filter(x, window_length, polyorder, deriv, delta, axis, mode, cval)
    if result is None:
        return _scipy.savgol_filter(x, window_length, polyorder, deriv, delta, axis, mode, cval)
    return result


@same_as("scipy.signal")
def sepfir2d(input, hrow, hcol):
    """Convolve the rows of an image with one filter and its columns with another.

    Parameters
    ----------
    {input}
    hrow, hcol : array_like, 1-D
        Filters of odd length.

    {out1}

    {raises}

    Notes
    -----
    Beyond the edges the image is mirrored, the edge sample repeated.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import signal
    >>> signal.sepfir2d(np.eye(3), [1.0, 2.0, 1.0], [1.0])
    array([[3., 1., 0.],
           [1., 2., 1.],
           [0., 1., 3.]])
    """
    result = resampling.sepfir2d(input, hrow, hcol)
    return _scipy.sepfir2d(input, hrow, hcol) if result is None else result


@same_as("scipy.signal")
def deconvolve(signal, divisor):
    """Divide polynomials: the quotient and the remainder of two sequences.

    ``signal = convolve(divisor, quotient) + remainder``

    Parameters
    ----------
    signal : array_like, 1-D
        The dividend.
    divisor : array_like, 1-D
        The divisor; its first element must not be zero.

    Returns
    -------
    quotient, remainder : ndarray

    {raises}

    Examples
    --------
    >>> from fastconv import signal
    >>> signal.deconvolve([0.0, 1.0, 2.0, 1.0], [1.0, 1.0])
    (array([0., 1., 1.]), array([0., 0., 0., 0.]))
    """
    result = recursive.deconvolve(signal, divisor)
    return _scipy.deconvolve(signal, divisor) if result is None else result
