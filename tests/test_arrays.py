"""What a call asks of its arrays: the compiled answers against NumPy's own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastconv import _dtypes, _run
from fastconv._core import arrays

_STEPS = st.sampled_from([-3, -2, -1, 1, 2, 3])


@st.composite
def views(draw):
    """A view of a part of one buffer, perhaps empty."""
    buffer = np.frombuffer(draw(st.shared(st.just(bytearray(4096)), key="buffer")), np.uint8)
    dtype = draw(st.sampled_from(["u1", "f4", "c16"]))
    first = draw(st.integers(0, 200))
    base = buffer[first : first + 1024].view(dtype)[: draw(st.integers(0, 64))]
    array = base[:: draw(_STEPS)]
    if draw(st.booleans()) and array.size % 2 == 0:
        array = array.reshape(2, -1)[:: draw(_STEPS)].T
    return array


@given(views(), views(), st.one_of(st.none(), views()))
def test_overlap_of_bounds(out, x, bias):
    wanted = any(a is not None and np.may_share_memory(out, a) for a in (x, bias))
    assert arrays.overlaps(out, (x, bias)) == wanted


def test_overlap_wants_arrays():
    with pytest.raises(TypeError):
        arrays.overlaps(np.zeros(3), ([1, 2],))


@given(views(), st.sampled_from([(0,), (2, 3), (6,), (1, 6), (3, 2, 1)]))
def test_takes_exactly_ready(array, shape):
    array = np.resize(array, shape) if array.size else np.zeros(shape, array.dtype)
    assert arrays.takes(array, shape, array.dtype) and arrays.exactly(array, shape, array.dtype)
    assert not arrays.takes(array, (*shape, 1), array.dtype) and not arrays.exactly(array, (7,), array.dtype)
    other = np.dtype("i8")
    assert not arrays.takes(array, shape, other) and not arrays.ready(array, other)
    assert arrays.ready(array, array.dtype) == array.flags.c_contiguous
    assert np.array_equal(arrays.view(array, (1, *shape)), array[None])
    assert arrays.view(array, shape) is array
    array.flags.writeable = False
    assert not arrays.takes(array, shape, array.dtype) and arrays.exactly(array, shape, array.dtype)


def test_kinds_of_arrays():
    swapped = np.zeros(3, ">f4")
    assert not arrays.ready(swapped, np.dtype("f4")) and not arrays.exactly(swapped, (3,), np.dtype("f4"))
    misaligned = np.frombuffer(bytes(13), np.uint8)[1:].view("f4")
    assert not arrays.ready(misaligned, np.dtype("f4"))
    assert not arrays.exactly(np.zeros(3).view(np.recarray), (3,), np.dtype("f8"))
    assert not arrays.takes([1.0], (1,), np.dtype("f8")) and not arrays.exactly([1.0], (1,), np.dtype("f8"))


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "c16", "i4"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_all_finite(dtype, bad):
    array = np.zeros(37, dtype)
    kind = _dtypes.describe(array.dtype).kind
    assert arrays.all_finite(kind, array)
    if array.dtype.kind in "fc":
        array[-1] = complex(0, bad) if array.dtype.kind == "c" else bad
        assert not arrays.all_finite(kind, array)


def test_call_keys_tell_types_apart():
    x, w = np.zeros((1, 1, 8), "f4"), np.zeros((1, 1, 3), "f4")

    def key(**keywords):
        return arrays.call_key(_run.Spec(1, **keywords), x, w, None)

    assert key(stride=1) == key() and hash(key(stride=1)) == hash(key())
    assert key(stride=1) != key(stride=True) and key(flip=True) != key(flip=1) and key(stride=1.0) != key(stride=1)
    assert key(stride=(1,)) != key(stride=1) and key(padding=((1, 2),)) == key(padding=((1, 2),))
    for value in ([1], (1.0,), (True,), np.int64(1), ((1, 1.0),), 1j):
        assert key(stride=value) is None
    assert arrays.call_key(_run.Spec(1), x, w.astype("f8"), None) != key()
    assert arrays.call_key(_run.Spec(1), x, w, np.zeros(1, "f4")) != key()
