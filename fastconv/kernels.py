"""The classical small kernels: smoothing, sharpening, edges, texture.

Each is an array to be given to `fastconv.convolve`, `fastconv.correlate` or their namesakes in
`fastconv.ndimage`.  Derivatives are meant for correlation: ``correlate(x, sobel())`` is positive where
x rises along the axis.

>>> from fastconv import kernels
>>> kernels.gaussian(1.0, radius=1).round(3)
array([[0.075, 0.124, 0.075],
       [0.124, 0.204, 0.124],
       [0.075, 0.124, 0.075]])
"""

import math
import numbers

import numpy as np

from ._dropin.arguments import integer

__all__ = [
    "box",
    "delta",
    "emboss",
    "gabor",
    "gaussian",
    "laplacian",
    "laplacian_of_gaussian",
    "prewitt",
    "scharr",
    "sharpen",
    "sobel",
]


# -- arguments ------------------------------------------------------------------------------------


def _rank(ndim, least=1):
    rank = integer(ndim)
    if rank is None:
        raise TypeError(f"ndim must be an integer, found {ndim!r}")
    if not least <= rank <= 32:
        raise ValueError(f"ndim must be from {least} to 32, found {rank}")
    return rank


def _axis(axis, rank):
    index = integer(axis)
    if index is None:
        raise TypeError(f"axis must be an integer, found {axis!r}")
    if not -rank <= index < rank:
        raise ValueError(f"axis={index} is out of range for {rank} axes")
    return index % rank


def _per_axis(value, rank, name):
    if isinstance(value, (tuple, list, np.ndarray)):
        values = tuple(value)
        if len(values) != rank:
            raise ValueError(f"{name} must be one number or {rank}, one for each axis, found "
                             f"{len(values)}: {value!r}")  # fmt: skip
        return values
    return (value,) * rank


def _sizes(size, rank):
    sizes = tuple(integer(s) for s in _per_axis(size, rank, "size"))
    if None in sizes:
        raise TypeError(f"size must be an integer or {rank} of them, found {size!r}")
    if min(sizes) < 1:
        raise ValueError(f"size must be at least 1 along every axis, found {size!r}")
    return sizes


def _positive(value, name):
    if not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, found {value!r}")
    if not 0 < value < math.inf:
        raise ValueError(f"{name} must be positive, found {value!r}")
    return float(value)


def _real(value, name):
    if not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, found {value!r}")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, found {value!r}")
    return float(value)


def _radii(radius, truncate, sigmas):
    if radius is None:
        reach = _positive(truncate, "truncate")
        return tuple(int(reach * s + 0.5) for s in sigmas)
    radii = tuple(integer(r) for r in _per_axis(radius, len(sigmas), "radius"))
    if None in radii:
        raise TypeError(f"radius must be an integer or {len(sigmas)} of them, found {radius!r}")
    if min(radii) < 0:
        raise ValueError(f"radius must not be negative, found {radius!r}")
    return radii


def _typed(kernel, dtype, name):
    """kernel in that dtype; fractions do not go into integers."""
    dtype = np.dtype(dtype)
    if dtype.kind not in "iufc":
        raise TypeError(f"dtype must be an integer, real or complex type, found {dtype}")
    if kernel.dtype.kind == "c" and dtype.kind != "c":
        raise TypeError(f"{name} is complex, which dtype {dtype} cannot hold")
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if (kernel != np.round(kernel)).any() or kernel.min() < limits.min or kernel.max() > limits.max:
            raise ValueError(f"{name} has values that dtype {dtype} cannot hold")
    return kernel.astype(dtype)


def _outer(vectors):
    kernel = np.ones(())
    for v in vectors:
        kernel = np.multiply.outer(kernel, v)
    return kernel


# -- smoothing and sharpening ---------------------------------------------------------------------


def delta(size=3, ndim=2, *, dtype=np.float64):
    """One in the middle, zeros around it: filtering with it changes nothing.

    Parameters
    ----------
    size : int or sequence of int
        Samples along each axis. The one is at ``size // 2``, where ``ndimage`` has its origin.
    ndim : int
        Axes, default 2.
    dtype : dtype
        Default float64.

    Returns
    -------
    ndarray

    Raises
    ------
    TypeError, ValueError
        An argument that does not fit; the message names it.

    Examples
    --------
    >>> from fastconv import kernels
    >>> kernels.delta(3, 1, dtype=int)
    array([0, 1, 0])
    """
    sizes = _sizes(size, _rank(ndim))
    kernel = np.zeros(sizes)
    kernel[tuple(s // 2 for s in sizes)] = 1
    return _typed(kernel, dtype, "delta")


def box(size=3, ndim=2, *, normalize=True, dtype=np.float64):
    """The same weight everywhere: a running mean, or a running sum.

    Parameters
    ----------
    size : int or sequence of int
        Samples along each axis.
    ndim : int
        Axes, default 2.
    normalize : bool
        True (default): the sum is 1. False: every weight is 1.
    dtype : dtype
        Default float64.

    Returns
    -------
    ndarray

    Raises
    ------
    TypeError, ValueError
        An argument that does not fit; the message names it.

    Examples
    --------
    >>> from fastconv import kernels
    >>> kernels.box(2, 2)
    array([[0.25, 0.25],
           [0.25, 0.25]])
    """
    sizes = _sizes(size, _rank(ndim))
    return _typed(np.full(sizes, 1 / math.prod(sizes) if normalize else 1.0), dtype, "box")


def gaussian(sigma=1.0, ndim=2, *, radius=None, truncate=4.0, normalize=True, dtype=np.float64):
    """A Gaussian: ``exp(-sum over axes of t**2 / (2 sigma**2))``, divided by its sum.

    Parameters
    ----------
    sigma : float or sequence of float
        Standard deviation in samples, one or one for each axis.
    ndim : int
        Axes, default 2.
    radius : int or sequence of int, optional
        Samples to each side of the middle, default ``int(truncate * sigma + 0.5)``.
    truncate : float
        Default 4.
    normalize : bool
        True (default): the sum is 1. False: the middle is 1.
    dtype : dtype
        Default float64.

    Returns
    -------
    ndarray
        ``2 * radius + 1`` samples along each axis.

    Raises
    ------
    TypeError, ValueError
        An argument that does not fit; the message names it.

    Examples
    --------
    >>> from fastconv import kernels
    >>> kernels.gaussian(1.0, 1, radius=2).round(4)
    array([0.0545, 0.2442, 0.4026, 0.2442, 0.0545])
    """
    rank = _rank(ndim)
    sigmas = tuple(_positive(s, "sigma") for s in _per_axis(sigma, rank, "sigma"))
    lines = []
    for s, r in zip(sigmas, _radii(radius, truncate, sigmas), strict=True):
        line = np.exp(-0.5 * (np.arange(-r, r + 1) / s) ** 2)
        lines.append(line / line.sum() if normalize else line)
    return _typed(_outer(lines), dtype, "gaussian")


def sharpen(amount=1.0, ndim=2, *, dtype=np.float64):
    """Unsharp mask: the sample less ``amount`` times the Laplacian; the sum is 1.

    Parameters
    ----------
    amount : float
        Default 1.
    ndim : int
        Axes, default 2.
    dtype : dtype
        Default float64.

    Returns
    -------
    ndarray
        3 samples along each axis.

    Raises
    ------
    TypeError, ValueError
        An argument that does not fit; the message names it.

    Examples
    --------
    >>> from fastconv import kernels
    >>> kernels.sharpen(dtype=int)
    array([[ 0, -1,  0],
           [-1,  5, -1],
           [ 0, -1,  0]])
    """
    rank = _rank(ndim)
    kernel = delta(3, rank) - _real(amount, "amount") * laplacian(rank)
    return _typed(kernel, dtype, "sharpen")


# -- edges ----------------------------------------------------------------------------------------


def _derivative(name, smooth, axis, ndim, normalize, dtype):
    """``[-1, 0, 1]`` along axis, smooth along the others."""
    rank = _rank(ndim)
    axis = _axis(axis, rank)
    difference, smooth = np.array([-1.0, 0.0, 1.0]), np.asarray(smooth)
    if normalize:
        difference, smooth = difference / 2, smooth / smooth.sum()
    return _typed(_outer([difference if i == axis else smooth for i in range(rank)]), dtype, name)


def sobel(axis=-1, ndim=2, *, normalize=False, dtype=np.float64):
    """Sobel's derivative: ``[-1, 0, 1]`` along the axis, ``[1, 2, 1]`` along the others.

    Parameters
    ----------
    axis : int
        Axis to differentiate along, default the last.
    ndim : int
        Axes, default 2.
    normalize : bool
        True: a ramp of slope 1 gives 1. False (default): the classical integers.
    dtype : dtype
        Default float64.

    Returns
    -------
    ndarray
        3 samples along each axis.

    Raises
    ------
    TypeError, ValueError
        An argument that does not fit; the message names it.

    Examples
    --------
    >>> from fastconv import kernels
    >>> kernels.sobel(dtype=int)
    array([[-1,  0,  1],
           [-2,  0,  2],
           [-1,  0,  1]])
    """
    return _derivative("sobel", [1.0, 2.0, 1.0], axis, ndim, normalize, dtype)


def prewitt(axis=-1, ndim=2, *, normalize=False, dtype=np.float64):
    """Prewitt's derivative: ``[-1, 0, 1]`` along the axis, ``[1, 1, 1]`` along the others.

    Parameters
    ----------
    axis : int
        Axis to differentiate along, default the last.
    ndim : int
        Axes, default 2.
    normalize : bool
        True: a ramp of slope 1 gives 1. False (default): the classical integers.
    dtype : dtype
        Default float64.

    Returns
    -------
    ndarray
        3 samples along each axis.

    Raises
    ------
    TypeError, ValueError
        An argument that does not fit; the message names it.

    Examples
    --------
    >>> from fastconv import kernels
    >>> kernels.prewitt(axis=0, dtype=int)
    array([[-1, -1, -1],
           [ 0,  0,  0],
           [ 1,  1,  1]])
    """
    return _derivative("prewitt", [1.0, 1.0, 1.0], axis, ndim, normalize, dtype)


def scharr(axis=-1, ndim=2, *, normalize=False, dtype=np.float64):
    """Scharr's derivative: ``[-1, 0, 1]`` along the axis, ``[3, 10, 3]`` along the others.

    Turns with the image better than Sobel's.

    Parameters
    ----------
    axis : int
        Axis to differentiate along, default the last.
    ndim : int
        Axes, default 2.
    normalize : bool
        True: a ramp of slope 1 gives 1. False (default): the classical integers.
    dtype : dtype
        Default float64.

    Returns
    -------
    ndarray
        3 samples along each axis.

    Raises
    ------
    TypeError, ValueError
        An argument that does not fit; the message names it.

    Examples
    --------
    >>> from fastconv import kernels
    >>> kernels.scharr(dtype=int)
    array([[ -3,   0,   3],
           [-10,   0,  10],
           [ -3,   0,   3]])
    """
    return _derivative("scharr", [3.0, 10.0, 3.0], axis, ndim, normalize, dtype)


def laplacian(ndim=2, *, diagonals=False, dtype=np.float64):
    """The sum of the second differences ``[1, -2, 1]`` along all axes; the sum is 0.

    Parameters
    ----------
    ndim : int
        Axes, default 2.
    diagonals : bool
        True: ones all around, ``1 - 3**ndim`` in the middle.
    dtype : dtype
        Default float64.

    Returns
    -------
    ndarray
        3 samples along each axis.

    Raises
    ------
    TypeError, ValueError
        An argument that does not fit; the message names it.

    Examples
    --------
    >>> from fastconv import kernels
    >>> kernels.laplacian(dtype=int)
    array([[ 0,  1,  0],
           [ 1, -4,  1],
           [ 0,  1,  0]])
    """
    rank = _rank(ndim)
    middle = (1,) * rank
    if diagonals:
        kernel = np.ones((3,) * rank)
        kernel[middle] = 1 - 3.0**rank
    else:
        kernel = np.zeros((3,) * rank)
        for i in range(rank):
            kernel[tuple(slice(None) if j == i else 1 for j in range(rank))] += [1.0, -2.0, 1.0]
    return _typed(kernel, dtype, "laplacian")


def laplacian_of_gaussian(sigma=1.0, ndim=2, *, radius=None, truncate=4.0, dtype=np.float64):
    """The Laplacian of a Gaussian, the "Mexican hat" turned over; the sum is 0.

    ``(sum over axes of t**2 / sigma**4 - ndim / sigma**2) g(t)``, g being the Gaussian of sum 1; what
    cutting it off leaves of the sum is taken from all samples alike.

    Parameters
    ----------
    sigma : float
        Standard deviation in samples.
    ndim : int
        Axes, default 2.
    radius : int or sequence of int, optional
        Samples to each side of the middle, default ``int(truncate * sigma + 0.5)``.
    truncate : float
        Default 4.
    dtype : dtype
        Default float64.

    Returns
    -------
    ndarray
        ``2 * radius + 1`` samples along each axis.

    Raises
    ------
    TypeError, ValueError
        An argument that does not fit; the message names it.

    Examples
    --------
    >>> from fastconv import kernels
    >>> kernels.laplacian_of_gaussian(1.0, 1, radius=2).round(3)
    array([ 0.179,  0.015, -0.387,  0.015,  0.179])
    """
    rank, sigma = _rank(ndim), _positive(sigma, "sigma")
    radii = _radii(radius, truncate, (sigma,) * rank)
    kernel = gaussian(sigma, rank, radius=radii)
    grid = np.meshgrid(*(np.arange(-r, r + 1.0) for r in radii), indexing="ij", sparse=True)
    kernel = kernel * (sum(t * t for t in grid) / sigma**4 - rank / sigma**2)
    return _typed(kernel - kernel.mean(), dtype, "laplacian_of_gaussian")


# -- relief and texture ---------------------------------------------------------------------------


def emboss(angle=0.0, *, dtype=np.float64):
    """Relief lit from one side: a derivative along a direction, plus the image; the sum is 1.

    At (y, x) from the middle ``(x cos(angle) + y sin(angle)) / max(abs(cos(angle)), abs(sin(angle)))``, 1 in
    the middle: for multiples of 45 degrees the classical integers.

    Parameters
    ----------
    angle : float
        Direction of rising light in degrees: 0 along the rows, 90 down the columns.
    dtype : dtype
        Default float64.

    Returns
    -------
    ndarray, (3, 3)

    Raises
    ------
    TypeError, ValueError
        An argument that does not fit; the message names it.

    Examples
    --------
    >>> from fastconv import kernels
    >>> kernels.emboss(45, dtype=int)
    array([[-2, -1,  0],
           [-1,  1,  1],
           [ 0,  1,  2]])
    """
    angle = math.radians(_real(angle, "angle"))
    across, down = math.cos(angle), math.sin(angle)
    largest = max(abs(across), abs(down))
    across, down = (round(c / largest, 15) for c in (across, down))
    kernel = np.zeros((3, 3))
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            kernel[i + 1, j + 1] = down * i + across * j
    kernel[1, 1] = 1
    return _typed(kernel, dtype, "emboss")


def gabor(frequency=0.25, theta=0.0, *, sigma=None, gamma=1.0, phase=0.0, radius=None, truncate=3.0,
          dtype=np.complex128):  # fmt: skip
    """A plane wave under a Gaussian: answers to stripes of one width and direction.

    ``exp(-(u**2 + gamma**2 v**2) / (2 sigma**2)) exp(i (2 pi frequency u + phase)) / norm`` with
    ``u = x cos(theta) + y sin(theta)``, ``v = y cos(theta) - x sin(theta)``; the Gaussian has the sum 1 [1]_.

    Parameters
    ----------
    frequency : float
        Waves per sample.
    theta : float
        Direction of the wave in radians, 0 along the rows.
    sigma : float, optional
        Standard deviation along the wave, default ``0.56 / frequency`` (one octave).
    gamma : float
        Ratio of the standard deviations along and across the wave, default 1.
    phase : float
        Of the wave in the middle, in radians.
    radius : int or sequence of 2 int, optional
        Samples to each side, default ``int(truncate * sigma / min(1, gamma) + 0.5)``.
    truncate : float
        Default 3.
    dtype : dtype
        Default complex128; a real dtype gets the real part, the even filter for ``phase=0``.

    Returns
    -------
    ndarray, 2-D

    Raises
    ------
    TypeError, ValueError
        An argument that does not fit; the message names it.

    References
    ----------
    .. [1] J. G. Daugman, "Uncertainty relation for resolution in space, spatial frequency, and orientation
           optimized by two-dimensional visual cortical filters", J. Opt. Soc. Am. A 2, 1985,
           doi:10.1364/JOSAA.2.001160.

    Examples
    --------
    >>> from fastconv import kernels
    >>> kernels.gabor(0.25, radius=2, dtype=float)[2].round(3)
    array([-0.039,  0.   ,  0.058,  0.   , -0.039])
    """
    frequency, gamma = _positive(frequency, "frequency"), _positive(gamma, "gamma")
    sigma = 0.56 / frequency if sigma is None else _positive(sigma, "sigma")
    theta, phase = _real(theta, "theta"), _real(phase, "phase")
    reach = sigma / min(1.0, gamma)
    rows, columns = _radii(radius, truncate, (reach, reach))
    y, x = np.mgrid[-rows : rows + 1, -columns : columns + 1]
    u = x * math.cos(theta) + y * math.sin(theta)
    v = y * math.cos(theta) - x * math.sin(theta)
    bell = np.exp(-0.5 * (u * u + (gamma * v) ** 2) / sigma**2)
    kernel = bell / bell.sum() * np.exp(1j * (2 * math.pi * frequency * u + phase))
    return _typed(kernel if np.dtype(dtype).kind == "c" else kernel.real, dtype, "gabor")
