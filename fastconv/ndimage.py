"""scipy.ndimage's linear filters, many times faster: change the import, keep the code.

>>> from fastconv import ndimage
>>> ndimage.gaussian_filter([0.0, 0.0, 1.0, 0.0, 0.0], 1).round(3)
array([0.058, 0.242, 0.399, 0.242, 0.058])

Arrays of other libraries, dtypes that are no numbers and unusual arguments are handed to SciPy's own
function, which is imported then.
"""

import numpy as np

from ._core import small_window
from ._dropin import lines, smoothing, windows
from ._dropin.docs import same_as
from ._dropin.originals import ndimage as _scipy

__all__ = [
    "convolve",
    "convolve1d",
    "correlate",
    "correlate1d",
    "gaussian_filter",
    "gaussian_filter1d",
    "gaussian_gradient_magnitude",
    "gaussian_laplace",
    "generic_gradient_magnitude",
    "generic_laplace",
    "laplace",
    "prewitt",
    "sobel",
    "uniform_filter",
    "uniform_filter1d",
]


def _given(**keywords):
    """Keywords that were given: older SciPy versions do not know all of them."""
    return {name: value for name, value in keywords.items() if value is not None}


def _window(x, w, output, mode, cval, origin, axes, *, flip):
    """correlate or convolve, or None; of a signal the filter along its only axis, which costs less."""
    if type(x) is type(w) is np.ndarray and x.ndim == w.ndim == 1 and axes is None and type(origin) is int:
        return lines.correlate1d(x, w, 0, output, mode, cval, origin, flip=flip)
    if axes is None:
        found = small_window.window(x, w, output, mode, cval, origin, flip)
        if found is not None:
            return found
    return windows.correlate(x, w, output, mode, cval, origin, axes, flip=flip)


@same_as("scipy.ndimage")
def correlate(input, weights, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
    """Correlate an array with a window of weights.

    ``out[i] = sum over t of input[i + t - size // 2 - origin] * weights[t]``: the weights are not
    flipped; complex weights are conjugated.

    Parameters
    ----------
    {input}
    weights : array_like
        One axis for each axis that is filtered.
    {output}
    {mode}
    {cval}
    {origin}
    {axes}

    {out1}

    {raises}

    See Also
    --------
    convolve : the same with the weights flipped.

    Notes
    -----
    A product of a zero weight with a NaN or infinity is left out, as in SciPy.

    Examples
    --------
    >>> from fastconv import ndimage
    >>> ndimage.correlate([1.0, 2.0, 4.0, 8.0], [-1.0, 0.0, 1.0])
    array([1., 3., 6., 4.])
    """
    result = _window(input, weights, output, mode, cval, origin, axes, flip=False)
    if result is None:
        return _scipy.correlate(input, weights, output, mode, cval, origin, **_given(axes=axes))
    return result


@same_as("scipy.ndimage")
def convolve(input, weights, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
    """Convolve an array with a window of weights.

    ``out[i] = sum over t of input[i + size // 2 + origin - t] * weights[t]``: the weights are flipped.

    Parameters
    ----------
    {input}
    weights : array_like
        One axis for each axis that is filtered.
    {output}
    {mode}
    {cval}
    {origin}
    {axes}

    {out1}

    {raises}

    See Also
    --------
    correlate : the same without flipping the weights.

    Notes
    -----
    A product of a zero weight with a NaN or infinity is left out, as in SciPy.

    Examples
    --------
    >>> from fastconv import ndimage
    >>> ndimage.convolve([1.0, 2.0, 4.0, 8.0], [-1.0, 0.0, 1.0])
    array([-1., -3., -6., -4.])
    """
    result = _window(input, weights, output, mode, cval, origin, axes, flip=True)
    if result is None:
        return _scipy.convolve(input, weights, output, mode, cval, origin, **_given(axes=axes))
    return result


@same_as("scipy.ndimage")
def correlate1d(input, weights, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
    """Correlate along one axis.

    ``out[i] = sum over t of input[i + t - size // 2 - origin] * weights[t]``: the weights are not
    flipped; complex weights are conjugated.

    Parameters
    ----------
    {input}
    weights : array_like, 1-D
        The filter.
    {axis}
    {output}
    {mode}
    {cval}
    {origin}

    {out1}

    {raises}

    Examples
    --------
    >>> from fastconv import ndimage
    >>> ndimage.correlate1d([2, 8, 0, 4, 1, 9, 9, 0], [1, 3])
    array([ 8, 26,  8, 12,  7, 28, 36,  9])
    """
    result = lines.correlate1d(input, weights, axis, output, mode, cval, origin, flip=False)
    if result is None:
        return _scipy.correlate1d(input, weights, axis, output, mode, cval, origin)
    return result


@same_as("scipy.ndimage")
def convolve1d(input, weights, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
    """Convolve along one axis.

    ``out[i] = sum over t of input[i + size // 2 + origin - t] * weights[t]``: the weights are flipped.

    Parameters
    ----------
    {input}
    weights : array_like, 1-D
        The filter.
    {axis}
    {output}
    {mode}
    {cval}
    {origin}

    {out1}

    {raises}

    Examples
    --------
    >>> from fastconv import ndimage
    >>> ndimage.convolve1d([2, 8, 0, 4, 1, 9, 9, 0], [1, 3])
    array([14, 24,  4, 13, 12, 36, 27,  0])
    """
    result = lines.correlate1d(input, weights, axis, output, mode, cval, origin, flip=True)
    if result is None:
        return _scipy.convolve1d(input, weights, axis, output, mode, cval, origin)
    return result


@same_as("scipy.ndimage")
def gaussian_filter1d(input, sigma, axis=-1, order=0, output=None, mode="reflect", cval=0.0,
                      truncate=4.0, *, radius=None):  # fmt: skip
    """Smooth along one axis with a Gaussian, or differentiate with its derivatives.

    The taps are ``exp(-t**2 / (2 sigma**2))`` for ``abs(t) <= radius``, divided by their sum, or the
    ``order``-th derivative of that.

    Parameters
    ----------
    {input}
    sigma : float
        Standard deviation in samples.
    {axis}
    order : int
        0 (default) smooths; n differentiates n times.
    {output}
    {mode}
    {cval}
    truncate : float
        The taps reach ``int(truncate * sigma + 0.5)`` samples to each side, default 4.
    radius : int, optional
        How far they reach, instead of ``truncate``.

    {out1}

    {raises}

    Examples
    --------
    >>> from fastconv import ndimage
    >>> ndimage.gaussian_filter1d([1.0, 2.0, 3.0, 4.0, 5.0], 1).round(3)
    array([1.427, 2.068, 3.   , 3.932, 4.573])
    """
    result = smoothing.gaussian_filter1d(input, sigma, axis, order, output, mode, cval, truncate, radius)
    if result is None:
        return _scipy.gaussian_filter1d(input, sigma, axis, order, output, mode, cval, truncate,
                                        **_given(radius=radius))  # fmt: skip
    return result


@same_as("scipy.ndimage")
def gaussian_filter(input, sigma, order=0, output=None, mode="reflect", cval=0.0, truncate=4.0, *,
                    radius=None, axes=None):  # fmt: skip
    """Smooth with a Gaussian, or differentiate with its derivatives.

    One pass of ``gaussian_filter1d`` along each axis.

    Parameters
    ----------
    {input}
    sigma : float or sequence of float
        Standard deviation in samples, one or one for each axis; axes with 0 are left alone.
    order : int or sequence of int
        0 (default) smooths; n differentiates n times.
    {output}
    {modes}
    {cval}
    truncate : float
        The taps reach ``int(truncate * sigma + 0.5)`` samples to each side, default 4.
    radius : int or sequence of int, optional
        How far they reach, instead of ``truncate``.
    {axes}

    {out1}

    {raises}

    Notes
    -----
    Between the passes values are kept in the dtype of the result, as in SciPy: integers are cut off
    after every pass. float32 is filtered in float32.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import ndimage
    >>> ndimage.gaussian_filter(np.arange(12.0).reshape(3, 4), 1).round(2)
    array([[2.12, 2.75, 3.63, 4.26],
           [4.43, 5.06, 5.94, 6.57],
           [6.74, 7.37, 8.25, 8.88]])
    """
    result = smoothing.gaussian_filter(input, sigma, order, output, mode, cval, truncate, radius, axes)
    if result is None:
        return _scipy.gaussian_filter(input, sigma, order, output, mode, cval, truncate,
                                      **_given(radius=radius, axes=axes))  # fmt: skip
    return result


@same_as("scipy.ndimage")
def uniform_filter1d(input, size, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
    """Running mean along one axis.

    ``out[i]`` is the mean of ``input[i - size // 2 - origin]`` and the ``size - 1`` samples after it.

    Parameters
    ----------
    {input}
    size : int
        Samples in the window.
    {axis}
    {output}
    {mode}
    {cval}
    {origin}

    {out1}

    {raises}

    Examples
    --------
    >>> from fastconv import ndimage
    >>> ndimage.uniform_filter1d([2, 8, 0, 4, 1, 9, 9, 0], size=3)
    array([4, 3, 4, 1, 4, 6, 6, 3])
    """
    result = smoothing.uniform_filter1d(input, size, axis, output, mode, cval, origin)
    if result is None:
        return _scipy.uniform_filter1d(input, size, axis, output, mode, cval, origin)
    return result


@same_as("scipy.ndimage")
def uniform_filter(input, size=3, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
    """Running mean over a box, one pass of ``uniform_filter1d`` along each axis.

    Parameters
    ----------
    {input}
    size : int or sequence of int
        Samples of the box along each axis, default 3.
    {output}
    {modes}
    {cval}
    {origin}
    {axes}

    {out1}

    {raises}

    Notes
    -----
    A NaN reaches the means whose window covers it, no others.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import ndimage
    >>> ndimage.uniform_filter(np.arange(9.0).reshape(3, 3))
    array([[1.33333333, 2.        , 2.66666667],
           [3.33333333, 4.        , 4.66666667],
           [5.33333333, 6.        , 6.66666667]])
    """
    result = smoothing.uniform_filter(input, size, output, mode, cval, origin, axes)
    if result is None:
        return _scipy.uniform_filter(input, size, output, mode, cval, origin, **_given(axes=axes))
    return result


@same_as("scipy.ndimage")
def prewitt(input, axis=-1, output=None, mode="reflect", cval=0.0):
    """Prewitt's edge filter: ``[-1, 0, 1]`` along the axis, ``[1, 1, 1]`` along all others.

    Parameters
    ----------
    {input}
    {axis}
    {output}
    {modes}
    {cval}

    {out1}

    {raises}

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import ndimage
    >>> ndimage.prewitt(np.arange(9).reshape(3, 3))
    array([[3, 6, 3],
           [3, 6, 3],
           [3, 6, 3]])
    """
    result = smoothing.edges("prewitt", input, axis, output, mode, cval)
    return _scipy.prewitt(input, axis, output, mode, cval) if result is None else result


@same_as("scipy.ndimage")
def sobel(input, axis=-1, output=None, mode="reflect", cval=0.0):
    """Sobel's edge filter: ``[-1, 0, 1]`` along the axis, ``[1, 2, 1]`` along all others.

    Parameters
    ----------
    {input}
    {axis}
    {output}
    {modes}
    {cval}

    {out1}

    {raises}

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import ndimage
    >>> ndimage.sobel(np.arange(9).reshape(3, 3))
    array([[4, 8, 4],
           [4, 8, 4],
           [4, 8, 4]])
    """
    result = smoothing.edges("sobel", input, axis, output, mode, cval)
    return _scipy.sobel(input, axis, output, mode, cval) if result is None else result


@same_as("scipy.ndimage")
def laplace(input, output=None, mode="reflect", cval=0.0, *, axes=None):
    """Laplace filter: the sum of the second differences ``[1, -2, 1]`` along the axes.

    Parameters
    ----------
    {input}
    {output}
    {modes}
    {cval}
    {axes}

    {out1}

    {raises}

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import ndimage
    >>> ndimage.laplace(np.eye(3))
    array([[-2.,  2.,  0.],
           [ 2., -4.,  2.],
           [ 0.,  2., -2.]])
    """
    result = smoothing.laplace(input, output, mode, cval, axes)
    return _scipy.laplace(input, output, mode, cval, **_given(axes=axes)) if result is None else result


@same_as("scipy.ndimage")
def gaussian_laplace(input, sigma, output=None, mode="reflect", cval=0.0, *, axes=None, **kwargs):
    """Laplace filter of Gaussian second derivatives, summed over the axes.

    Parameters
    ----------
    {input}
    sigma : float or sequence of float
        Standard deviation in samples, one or one for each axis.
    {output}
    {modes}
    {cval}
    {axes}
    **kwargs
        ``truncate`` and ``radius``, see ``gaussian_filter``.

    {out1}

    {raises}

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import ndimage
    >>> ndimage.gaussian_laplace(np.eye(3), 1).round(2)
    array([[-0.38,  0.04,  0.35],
           [ 0.04, -0.07,  0.04],
           [ 0.35,  0.04, -0.38]])
    """
    result = smoothing.gaussian_laplace(input, sigma, output, mode, cval, axes, kwargs)
    if result is None:
        return _scipy.gaussian_laplace(input, sigma, output, mode, cval, **_given(axes=axes), **kwargs)
    return result


@same_as("scipy.ndimage")
def gaussian_gradient_magnitude(input, sigma, output=None, mode="reflect", cval=0.0, *, axes=None,
                                **kwargs):  # fmt: skip
    """Length of the gradient, taken with Gaussian first derivatives.

    Parameters
    ----------
    {input}
    sigma : float or sequence of float
        Standard deviation in samples, one or one for each axis.
    {output}
    {modes}
    {cval}
    {axes}
    **kwargs
        ``truncate`` and ``radius``, see ``gaussian_filter``.

    {out1}

    {raises}

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import ndimage
    >>> ndimage.gaussian_gradient_magnitude(np.arange(9.0).reshape(3, 3), 1).round(2)
    array([[1.1 , 1.26, 1.1 ],
           [2.13, 2.21, 2.13],
           [1.1 , 1.26, 1.1 ]])
    """
    result = smoothing.gaussian_gradient_magnitude(input, sigma, output, mode, cval, axes, kwargs)
    if result is None:
        return _scipy.gaussian_gradient_magnitude(input, sigma, output, mode, cval, **_given(axes=axes),
                                                  **kwargs)  # fmt: skip
    return result


@same_as("scipy.ndimage")
def generic_laplace(input, derivative2, output=None, mode="reflect", cval=0.0, extra_arguments=(),
                    extra_keywords=None, *, axes=None):  # fmt: skip
    """Laplace filter of any second derivative, summed over the axes.

    Parameters
    ----------
    {input}
    derivative2 : callable
        ``derivative2(input, axis, output, mode, cval, *extra_arguments, **extra_keywords)``.
    {output}
    {modes}
    {cval}
    extra_arguments : sequence
        Passed on to ``derivative2``.
    extra_keywords : dict, optional
        Passed on to ``derivative2``.
    {axes}

    {out1}

    {raises}

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import ndimage
    >>> def second(input, axis, output, mode, cval):
    ...     return ndimage.correlate1d(input, [1, -2, 1], axis, output, mode, cval)
    >>> ndimage.generic_laplace(np.eye(3), second)
    array([[-2.,  2.,  0.],
           [ 2., -4.,  2.],
           [ 0.,  2., -2.]])
    """
    return _scipy.generic_laplace(input, derivative2, output, mode, cval, extra_arguments,
                                  extra_keywords, **_given(axes=axes))  # fmt: skip


@same_as("scipy.ndimage")
def generic_gradient_magnitude(input, derivative, output=None, mode="reflect", cval=0.0,
                               extra_arguments=(), extra_keywords=None, *, axes=None):  # fmt: skip
    """Length of the gradient, taken with any first derivative.

    Parameters
    ----------
    {input}
    derivative : callable
        ``derivative(input, axis, output, mode, cval, *extra_arguments, **extra_keywords)``.
    {output}
    {modes}
    {cval}
    extra_arguments : sequence
        Passed on to ``derivative``.
    extra_keywords : dict, optional
        Passed on to ``derivative``.
    {axes}

    {out1}

    {raises}

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import ndimage
    >>> ndimage.generic_gradient_magnitude(np.arange(9.0).reshape(3, 3), ndimage.sobel).round(1)
    array([[12.6, 14.4, 12.6],
           [24.3, 25.3, 24.3],
           [12.6, 14.4, 12.6]])
    """
    return _scipy.generic_gradient_magnitude(input, derivative, output, mode, cval, extra_arguments,
                                             extra_keywords, **_given(axes=axes))  # fmt: skip
