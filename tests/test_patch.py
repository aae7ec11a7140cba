"""fastconv.patch: what is replaced, and that all of it comes back."""

import threading

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

import fastconv
from fastconv import ndimage, signal
from fastconv._dropin import numpy_style, originals

X = np.random.default_rng(0).standard_normal((9, 10))


@pytest.fixture(autouse=True)
def everything_comes_back():
    before = state()
    yield
    assert state() == before
    assert not any(originals.is_ours(f) for f in before.values())


def state():
    found = {("signal", n): getattr(scipy.signal, n) for n in signal.__all__}
    found |= {("ndimage", n): getattr(scipy.ndimage, n) for n in ndimage.__all__}
    return found | {("numpy", n): getattr(np, n) for n in ("convolve", "correlate")}


def test_context():
    wanted = scipy.ndimage.gaussian_filter(X, 1)
    with fastconv.patch() as p:
        assert p.active and "in force" in repr(p)
        assert scipy.signal.oaconvolve is signal.oaconvolve
        assert scipy.ndimage.gaussian_filter is ndimage.gaussian_filter
        assert np.convolve is originals.numpy_convolve
        np.testing.assert_allclose(scipy.ndimage.gaussian_filter(X, 1), wanted)
        # what is handed to SciPy does not come round again
        assert scipy.ndimage.gaussian_filter([[1, 2]], 0).tolist() == [[1, 2]]
        assert scipy.signal.convolve(np.array([1, 2], object), [1, 2]).tolist() == [1, 4, 4]
        assert len(p.names) == len(signal.__all__) + len(ndimage.__all__)
    assert not p.active and "undone" in repr(p)


def test_plain_call_and_switches():
    p = fastconv.patch(signal=False, ndimage=False, numpy=True)
    assert p.names == ("numpy.convolve", "numpy.correlate")
    assert np.convolve is numpy_style.convolve
    assert scipy.signal.convolve is not signal.convolve
    assert np.convolve([1, 2], np.array([3, 4], object)).tolist() == [3, 10, 8]
    p.undo()
    p.undo()
    with fastconv.patch(signal=False, ndimage=False) as nothing:
        assert nothing.names == ()


def test_exceptions_undo():
    with pytest.raises(ZeroDivisionError), fastconv.patch(numpy=True):
        raise ZeroDivisionError


def test_wrong_switches():
    for name in ("signal", "ndimage", "numpy"):
        with pytest.raises(TypeError, match=f"{name} must be True or False, found 1"):
            fastconv.patch(**{name: 1})


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.permutations(range(4)), st.lists(st.tuples(*[st.booleans()] * 3), min_size=4, max_size=4))
def test_any_order(order, switches):
    before = state()
    patches = [fastconv.patch(signal=s, ndimage=n, numpy=u) for s, n, u in switches]
    for i in order:
        patches[i].undo()
        for j, name in enumerate(("signal", "ndimage", "numpy")):
            held = any(p.active and switches[k][j] for k, p in enumerate(patches))
            assert originals.is_ours(state()[name, "convolve"]) == held
    assert state() == before


def test_what_others_put_there_stays():
    p = fastconv.patch()
    before, scipy.signal.upfirdn = scipy.signal.upfirdn, print
    p.undo()
    assert scipy.signal.upfirdn is print
    scipy.signal.upfirdn = originals.signal.upfirdn
    assert before is signal.upfirdn


def test_what_was_there_before_comes_back(monkeypatch):
    own = scipy.signal.convolve
    scipy.signal.convolve = len
    monkeypatch.delitem(vars(originals.signal), "convolve", raising=False)  # as if it had not been asked for yet
    try:
        with fastconv.patch():
            assert scipy.signal.convolve is signal.convolve
            assert originals.signal.convolve is own
        assert scipy.signal.convolve is len
    finally:
        scipy.signal.convolve = own


def test_threads():
    failures = []

    def work():
        try:
            for _ in range(20):
                with fastconv.patch():
                    scipy.ndimage.sobel(X)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures


# -- numpy ----------------------------------------------------------------------------------------


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.data())
def test_numpy_functions(data):
    draw = data.draw
    name = draw(st.sampled_from(("convolve", "correlate")))
    dtypes = st.sampled_from(("bool", "int8", "uint16", "int64", "float16", "float32", "float64", "complex64", "complex128"))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    a, v = (
        (rng.integers(0, 5, draw(st.integers(1, 12))) + (1j * rng.integers(0, 5) if d[0] == "c" else 0)).astype(d)
        for d in (draw(dtypes), draw(dtypes))
    )
    mode = draw(st.sampled_from(("full", "same", "valid", None)))
    modes = () if mode is None else (mode,)
    found, wanted = getattr(numpy_style, name)(a, v, *modes), getattr(np, name)(a, v, *modes)
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)


def test_numpy_errors():
    for function, original in ((numpy_style.convolve, np.convolve), (numpy_style.correlate, np.correlate)):
        for arguments in (([], [1]), ([1], []), ([[1]], [1]), ([1], [1], "unknown"), ([1], [1], 7)):
            with pytest.raises(Exception) as wanted:
                original(*arguments)
            with pytest.raises(wanted.type) as found:
                function(*arguments)
            assert str(found.value) == str(wanted.value)
    assert np.ma.isMaskedArray(np.ma.convolve(np.ma.array([1, 2], mask=[0, 1]), [1]))
    assert numpy_style.convolve(3, 4).tolist() == [12]
