"""fastconv.kernels: values against SciPy's filters of a single sample, sums, types, errors."""

import itertools

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal

from fastconv import kernels

CALLS = {
    "box": (3,),
    "delta": (3,),
    "emboss": (45.0,),
    "gabor": (0.25,),
    "gaussian": (1.5,),
    "laplacian": (),
    "laplacian_of_gaussian": (1.5,),
    "prewitt": (),
    "scharr": (),
    "sharpen": (),
    "sobel": (),
}


def impulse(*shape):
    x = np.zeros(shape)
    x[tuple(n // 2 for n in shape)] = 1
    return x


def turned(x):
    return x[(slice(None, None, -1),) * x.ndim]


def test_all_are_listed():
    assert sorted(CALLS) == kernels.__all__


@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize("name", ["sobel", "prewitt"])
def test_derivatives_are_scipys(name, ndim):
    for axis in range(-ndim, ndim):
        x = impulse(*[3] * ndim)
        wanted = turned(getattr(scipy.ndimage, name)(x, axis, mode="constant"))
        np.testing.assert_array_equal(getattr(kernels, name)(axis, ndim), wanted)


@pytest.mark.parametrize("name", ["sobel", "prewitt", "scharr"])
@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_derivatives_of_a_ramp(name, ndim):
    for axis in range(ndim):
        x = np.moveaxis(np.broadcast_to(np.arange(5.0), (5,) * ndim), -1, axis)
        y = scipy.ndimage.correlate(x, getattr(kernels, name)(axis, ndim, normalize=True))
        assert y[(2,) * ndim] == pytest.approx(1)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_gaussian_is_scipys(ndim):
    sigmas = (1.0, 0.7, 1.6)[:ndim]
    kernel = kernels.gaussian(sigmas, ndim, radius=(3, 2, 4)[:ndim])
    assert kernel.shape == (7, 5, 9)[:ndim]
    assert kernel.sum() == pytest.approx(1)
    wanted = scipy.ndimage.gaussian_filter(impulse(*kernel.shape), sigmas, radius=(3, 2, 4)[:ndim], mode="constant")
    np.testing.assert_allclose(kernel, wanted, atol=1e-16)
    assert kernels.gaussian(sigmas, ndim, normalize=False).max() == 1
    assert kernels.gaussian(2.0, 1, truncate=3.0).shape == (13,)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_laplacians(ndim):
    x = impulse(*[3] * ndim)
    np.testing.assert_array_equal(kernels.laplacian(ndim), scipy.ndimage.laplace(x, mode="constant"))
    assert kernels.laplacian(ndim, diagonals=True).sum() == 0
    assert kernels.laplacian(ndim, diagonals=True).min() == 1 - 3**ndim
    kernel = kernels.laplacian_of_gaussian(1.5, ndim)
    assert abs(kernel.sum()) < 1e-14
    wanted = scipy.ndimage.gaussian_laplace(impulse(*kernel.shape), 1.5, mode="constant")
    np.testing.assert_allclose(kernel, wanted, atol=3e-4)


def test_sharpen():
    x = np.full((5, 6), 3.0)
    np.testing.assert_allclose(scipy.ndimage.correlate(x, kernels.sharpen(0.7)), x)
    assert kernels.sharpen(2.0, 1).tolist() == [-2, 5, -2]


def test_emboss():
    assert kernels.emboss(0, dtype=int).tolist() == [[-1, 0, 1], [-1, 1, 1], [-1, 0, 1]]
    assert kernels.emboss(45, dtype=int).tolist() == [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]
    assert kernels.emboss(90, dtype=int).tolist() == [[-1, -1, -1], [0, 1, 0], [1, 1, 1]]
    for angle in range(0, 360, 15):
        assert kernels.emboss(angle).sum() == pytest.approx(1)


@pytest.mark.parametrize("theta", [0.0, 0.6, np.pi / 2, 2.5])
def test_gabor(theta):
    kernel = kernels.gabor(0.2, theta)
    assert kernel.dtype == np.complex128
    np.testing.assert_allclose(kernel, turned(kernel).conj(), atol=1e-15)
    assert np.abs(kernel).sum() == pytest.approx(1)
    # answers most to its own wave
    y, x = np.mgrid[-20:21, -20:21]
    strength = {}
    for f, t in itertools.product((0.1, 0.2, 0.3), (theta, theta + 0.8)):
        wave = np.cos(2 * np.pi * f * (x * np.cos(t) + y * np.sin(t)))
        strength[f, t] = abs(scipy.signal.correlate(wave, kernel, "valid")).max()
    assert max(strength, key=strength.get) == (0.2, theta)
    np.testing.assert_array_equal(kernels.gabor(0.2, theta, dtype=np.float32), kernel.real.astype(np.float32))
    assert kernels.gabor(0.2, radius=(2, 5)).shape == (5, 11)


def test_box_and_delta():
    assert kernels.box((2, 3), 2).sum() == pytest.approx(1)
    assert kernels.box(3, 1, normalize=False, dtype=np.uint8).tolist() == [1, 1, 1]
    x = np.arange(12.0).reshape(3, 4)
    for size in (1, 2, 3, (3, 2)):
        np.testing.assert_array_equal(scipy.ndimage.correlate(x, kernels.delta(size)), x)


@pytest.mark.parametrize("name", CALLS)
def test_dtypes(name):
    make = getattr(kernels, name)
    default = np.complex128 if name == "gabor" else np.float64
    assert make(*CALLS[name]).dtype == default
    for dtype in (np.float32, np.longdouble, np.complex64):
        kernel = make(*CALLS[name], dtype=dtype)
        assert kernel.dtype == dtype
        assert kernel.flags.writeable and kernel.flags.c_contiguous
    if name in ("delta", "emboss", "laplacian", "prewitt", "scharr", "sharpen", "sobel"):
        assert make(*CALLS[name], dtype=np.int16).dtype == np.int16
        if make(*CALLS[name]).min() < 0:
            with pytest.raises(ValueError, match=f"{name} has values that dtype uint8 cannot hold"):
                make(*CALLS[name], dtype=np.uint8)
    else:
        with pytest.raises(ValueError, match=f"{name} has values that dtype int64 cannot hold"):
            make(*CALLS[name], dtype=int)
    with pytest.raises(TypeError, match="dtype must be an integer, real or complex type, found object"):
        make(*CALLS[name], dtype=object)


@pytest.mark.parametrize("call, error, message", [
    (lambda: kernels.box(0), ValueError, "size must be at least 1 along every axis, found 0"),
    (lambda: kernels.box(2.5), TypeError, "size must be an integer or 2 of them, found 2.5"),
    (lambda: kernels.box((1, 2, 3)), ValueError, "size must be one number or 2, one for each axis, found 3"),
    (lambda: kernels.delta(3, 0), ValueError, "ndim must be from 1 to 32, found 0"),
    (lambda: kernels.delta(3, "2"), TypeError, "ndim must be an integer, found '2'"),
    (lambda: kernels.gaussian(0.0), ValueError, "sigma must be positive, found 0.0"),
    (lambda: kernels.gaussian("a"), TypeError, "sigma must be a number, found 'a'"),
    (lambda: kernels.gaussian(1.0, radius=-1), ValueError, "radius must not be negative, found -1"),
    (lambda: kernels.gaussian(1.0, radius=1.5), TypeError, "radius must be an integer or 2 of them, found 1.5"),
    (lambda: kernels.gaussian(1.0, truncate=np.inf), ValueError, "truncate must be positive, found inf"),
    (lambda: kernels.sobel(2), ValueError, "axis=2 is out of range for 2 axes"),
    (lambda: kernels.sobel(None), TypeError, "axis must be an integer, found None"),
    (lambda: kernels.sharpen(np.nan), ValueError, "amount must be finite, found nan"),
    (lambda: kernels.emboss("up"), TypeError, "angle must be a number, found 'up'"),
    (lambda: kernels.gabor(-0.1), ValueError, "frequency must be positive, found -0.1"),
])  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert message in str(caught.value)
