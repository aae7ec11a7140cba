"""Calling SciPy's function and ours with the same arguments, and comparing all that comes back."""

import inspect
import warnings

import numpy as np

FLOATS = ("float32", "float64", "complex64", "complex128")
INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
NUMBERS = ("bool", *INTEGERS, *FLOATS)


def array(seed, shape, dtype, top=10):
    """Random numbers of any dtype; integers below top."""
    rng, dtype = np.random.default_rng([seed, *shape]), np.dtype(dtype)
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.kind in "iu":
        return rng.integers(0, top, shape).astype(dtype)
    values = rng.standard_normal(shape)
    if dtype.kind == "c":
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(dtype)


def laid_out(x, layout):
    """x in another memory layout: C, F, strided, reversed, swapped bytes, read-only."""
    if layout == "F":
        return np.asfortranarray(x)
    if layout == "strided":
        wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
        wide[..., ::2] = x
        return wide[..., ::2]
    if layout == "reversed":
        return np.ascontiguousarray(x[..., ::-1])[..., ::-1]
    if layout == "swapped":
        return x.astype(x.dtype.newbyteorder())
    if layout == "read-only":
        x = x.copy()
        x.flags.writeable = False
    return x


LAYOUTS = ("C", "F", "strided", "reversed", "swapped", "read-only")


def outcome(function, arguments, keywords):
    """(result or exception, warnings as text)."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(*arguments, **keywords)
        except Exception as error:
            result = error
    return result, sorted({f"{w.category.__name__}: {w.message}" for w in caught})


def same(ours, theirs, *arguments, rtol=None, **keywords):
    """Assert that both give the same: values, dtypes, shapes, warnings, or error."""
    before = [a.copy() if isinstance(a, np.ndarray) else None for a in arguments]
    found, said = outcome(ours, arguments, keywords)
    for a, b in zip(arguments, before, strict=True):
        if b is not None:
            np.testing.assert_array_equal(a, b)
    wanted, should_say = outcome(theirs, arguments, keywords)
    assert said == should_say
    if isinstance(wanted, Exception) or isinstance(found, Exception):
        assert type(found) is type(wanted), (found, wanted)
        assert str(found) == str(wanted)
        return
    pairs = [(found, wanted)]
    if isinstance(wanted, tuple):
        assert len(found) == len(wanted)
        pairs = zip(found, wanted, strict=True)
    for f, w in pairs:
        close(f, w, rtol)


def close(found, wanted, rtol=None):
    """Assert equal type, dtype and shape, and values to rounding of the largest."""
    assert type(found) is type(wanted)
    found, wanted = np.asarray(found), np.asarray(wanted)
    assert found.dtype == wanted.dtype
    assert found.shape == wanted.shape
    if wanted.dtype.kind == "b":  # scipy.ndimage stores bytes that are neither 0 nor 1
        wanted = wanted.view(np.uint8) != 0
    if wanted.dtype.kind not in "fc":
        np.testing.assert_array_equal(found, wanted)
        return
    if rtol is None:
        rtol = 1e-5 if wanted.real.dtype.itemsize <= 4 else 1e-11
    finite = np.abs(wanted[np.isfinite(wanted)])
    size = finite.max() if finite.size else 0
    np.testing.assert_allclose(found, wanted, rtol=0, atol=rtol * max(size, 1e-2))


def same_signatures(ours, theirs):
    """Assert that every public function of ours has the signature of SciPy's namesake."""
    for name in ours.__all__:
        try:
            wanted = inspect.signature(getattr(theirs, name))
        except ValueError:  # compiled: none to be had
            continue
        assert inspect.signature(getattr(ours, name)) == wanted, name
