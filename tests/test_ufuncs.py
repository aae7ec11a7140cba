"""fastconv.ufuncs: what NumPy's machinery adds, and that the numbers are those of convolve."""

import pickle
import threading
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastconv
from fastconv import ufuncs

NAMES = tuple(ufuncs.__all__)
ONE = tuple(n for n in NAMES if "2d" not in n)
MODES = ("full", "same", "valid")
DTYPES = "?bBhHiIlLqQefdgFDG"


def parts(name):
    """(the function, its mode, the number of core axes) behind a ufunc."""
    function, mode = name.replace("2d", "").split("_")
    return getattr(fastconv, function), mode, 1 + ("2d" in name)


def wanted(name, a, v):
    """What the function gives over the last axes."""
    function, mode, rank = parts(name)
    ndim = max(a.ndim, v.ndim)
    return function(a, v, mode, axes=tuple(range(ndim - rank, ndim)))


def samples(rng, shape, dtype="d"):
    dtype = np.dtype(dtype)
    if dtype.kind == "c":
        return (rng.integers(-9, 9, shape) + 1j * rng.integers(-9, 9, shape)).astype(dtype)
    if dtype.kind in "biu":
        return rng.integers(0, 2 if dtype.kind == "b" else 100, shape).astype(dtype)
    return rng.integers(-9, 9, shape).astype(dtype)  # sums are exact in any order


def same(found, wanted):
    """Equal up to the rounding of transforms, which long filters are computed by; integers exactly."""
    assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
    units = 0 if found.dtype.kind in "biu" else 100 * np.finfo(found.dtype).eps
    np.testing.assert_allclose(found, wanted, rtol=0, atol=units * np.abs(wanted).max())


# -- what they are ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_they_are_ufuncs(name):
    ufunc = getattr(ufuncs, name)
    rank = parts(name)[2]
    assert isinstance(ufunc, np.ufunc) and ufunc.__name__ == name
    assert (ufunc.nin, ufunc.nout, ufunc.identity) == (2, 1, None)
    assert ufunc.signature == ("(n),(k)->(m)", "(m,n),(k,l)->(p,q)")[rank - 1]
    assert ufunc.types == [f"{t}{t}->{t}" for t in DTYPES] and ufunc.ntypes == len(DTYPES)
    assert pickle.loads(pickle.dumps(ufunc)) is ufunc
    assert "Parameters\n" in ufunc.__doc__ and f"fu.{name}(" in ufunc.__doc__


def test_all_are_there():
    assert sorted(NAMES) == sorted(
        f"{f}{d}_{m}" for f in ("convolve", "correlate") for d in ("", "2d") for m in MODES
    )


# -- numbers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["d", "f", "l", "D"])
def test_equals_numpy(mode, dtype):
    """``same`` is centred with respect to a, as NumPy's where a is the longer."""
    rng = np.random.default_rng(1)
    for n, k in ((1, 1), (7, 3), (8, 4), (3, 3), (300, 31), (5000, 200)):
        a, v = samples(rng, n, dtype), samples(rng, k, dtype)
        found = getattr(ufuncs, f"convolve_{mode}")(a, v)
        same(found, np.convolve(a, v, mode))
        # NumPy begins correlate's "same" with an even v one sample later than convolve's
        if mode != "same" or k % 2:
            found = getattr(ufuncs, f"correlate_{mode}")(a, v)
            same(found, np.correlate(a, v, mode))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_every_dtype(name, dtype):
    rng = np.random.default_rng(2)
    rank = parts(name)[2]
    a, v = samples(rng, (3, 9, 11)[-1 - rank :], dtype), samples(rng, (2, 4)[-rank:], dtype)
    found = getattr(ufuncs, name)(a, v)
    np.testing.assert_array_equal(found, wanted(name, a, v[None]))
    assert found.dtype == np.dtype(dtype)


@st.composite
def operands(draw, rank):
    """Two arrays whose loop axes broadcast, of any memory order and with any steps."""
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    loops = draw(st.lists(st.integers(1, 3), max_size=3))
    long = draw(st.tuples(*[st.integers(1, 40)] * rank))
    found = []
    for sizes in (long, draw(st.tuples(*[st.integers(1, 9)] * rank))):
        own = [n if draw(st.booleans()) else 1 for n in loops][draw(st.integers(0, len(loops))) :]
        dtype = draw(st.sampled_from("fdD"))
        a = samples(rng, (*own, *(n * 2 for n in sizes)), dtype)
        steps = [slice(None)] * len(own)
        for n in sizes:
            first, step = draw(st.sampled_from([(0, 1), (0, 2), (2 * n - 1, -2)]))
            last = None if step < 0 else first + n * step
            steps.append(slice(first, last, step))
        a = a[tuple(steps)]
        found.append(np.asfortranarray(a) if draw(st.booleans()) else a)
    return found


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_equals_the_function(name, data):
    rank = parts(name)[2]
    a, v = data.draw(operands(rank))
    if name.endswith("valid"):
        sizes = list(zip(a.shape[-rank:], v.shape[-rank:], strict=True))
        if any(n > k for n, k in sizes) and any(n < k for n, k in sizes):
            with pytest.raises(ValueError, match="at least as large as the other"):
                getattr(ufuncs, name)(a, v)
            return
    before = a.copy(), v.copy()
    found = getattr(ufuncs, name)(a, v)
    ndim = max(a.ndim, v.ndim)
    x, w = (b.reshape((1,) * (ndim - b.ndim) + b.shape) for b in (a, v))
    same(found, wanted(name, x, w))
    np.testing.assert_array_equal(a, before[0])
    np.testing.assert_array_equal(v, before[1])


def test_small_and_large_loops_agree():
    """Rows of the plain small case have a path of their own, up to some amount of work."""
    rng = np.random.default_rng(3)
    for dtype in "fd":
        a, v = rng.standard_normal((2000, 100)).astype(dtype), rng.standard_normal(5).astype(dtype)
        for name in ONE:
            ufunc = getattr(ufuncs, name)
            few, many = ufunc(a[:20], v), ufunc(a, v)
            np.testing.assert_allclose(many[:20], few, rtol=0, atol=2e-6 if dtype == "f" else 1e-14)
            np.testing.assert_array_equal(few[7], ufunc(a[7], v))


def test_float16_is_summed_in_float32():
    ones = np.ones(4000, np.float16)
    assert ufuncs.convolve_valid(ones, ones)[0] == 4000  # in float16 it would stop at 2048
    assert ufuncs.convolve2d_valid(ones[None], ones[None])[0, 0] == 4000


def test_integers_wrap():
    a = np.full(9, 100, np.uint8)
    assert (ufuncs.convolve_valid(a, a) == np.uint8(9 * 100 * 100 % 256)).all()


def test_bool_is_logical():
    assert ufuncs.convolve_full([True, True], [True, True]).tolist() == [True, True, True]


@pytest.mark.parametrize("dtype", ["f", "d", "D"])
@pytest.mark.parametrize("n", [20, 20_000])
def test_nan_stays_local_and_nobody_warns(n, dtype):
    a, v = np.zeros(n, dtype), np.array([0, 1, 2], dtype)
    a[9], a[15] = np.nan, np.inf
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with np.errstate(all="raise"):
            found = ufuncs.convolve_full(a, v)
    touched = np.flatnonzero(~np.isfinite(found))
    assert touched.tolist() == [9, 10, 11, 15, 16, 17]


# -- what a ufunc brings ---------------------------------------------------------------------------


def test_types_are_those_of_numpy():
    def result(a, v, **kw):
        return ufuncs.convolve_full(np.ones(3, a), np.ones(2, v), **kw).dtype

    for a in DTYPES:
        for v in DTYPES:
            assert result(a, v) == np.result_type(a, v)
    assert result("d", "d", dtype="f") == np.float32
    assert result("f", "f", signature="dd->d") == np.float64
    assert result("d", "d", signature="ff->f", casting="same_kind") == np.float32
    assert result("f", "d", dtype=int, casting="unsafe") == np.int64
    assert result(">f4", ">f4") == np.dtype("f")


def test_out_of_another_type():
    a, v = np.arange(5.0), np.ones(2)
    out = np.empty(6, np.float32)
    assert ufuncs.convolve_full(a, v, out=out) is out
    np.testing.assert_array_equal(out, np.convolve(a, v))
    with pytest.raises(TypeError, match="same_kind"):
        ufuncs.convolve_full(a, v, out=np.empty(6, int))
    swapped = np.empty(6, ">f8")
    ufuncs.convolve_full(a, v, swapped)
    np.testing.assert_array_equal(swapped, np.convolve(a, v))


@pytest.mark.parametrize("n", [12, 5000])
@pytest.mark.parametrize("mode", MODES)
def test_out_may_be_an_input(mode, n):
    """NumPy takes element-wise loops for granted unless told otherwise."""
    a, v = np.arange(n, dtype=float), np.array([1.0] if mode != "same" else [1.0, 2, 3])
    right = np.convolve(a, v, mode)
    out = a.copy()
    getattr(ufuncs, f"convolve_{mode}")(out, v, out=out)
    np.testing.assert_array_equal(out, right)
    both = a.copy()
    ufuncs.convolve_same(both, both, out=both)
    same(both, np.convolve(a, a)[(n - 1) // 2 :][:n])
    shifted = np.arange(n + 1, dtype=float)
    right = np.convolve(shifted[:-1], [1.0, 2, 3], "same")
    ufuncs.convolve_same(shifted[:-1], [1.0, 2, 3], out=shifted[1:])
    np.testing.assert_array_equal(shifted[1:], right)
    matrix = np.arange(float(n * 4)).reshape(n, 4)
    right = np.array([np.convolve(row, [1.0, 2, 3], "same") for row in matrix])
    ufuncs.convolve_same(matrix[::-1], [1.0, 2, 3], out=matrix)
    np.testing.assert_array_equal(matrix, right[::-1])


def test_axes():
    rng = np.random.default_rng(4)
    a, v = samples(rng, (6, 3, 5)), samples(rng, (3, 5))
    found = ufuncs.convolve_full(a, v, axes=[0, 0, 1])
    for i, j in np.ndindex(3, 5):
        np.testing.assert_array_equal(found[i, :, j], np.convolve(a[:, i, j], v[:, j]))
    found = ufuncs.convolve2d_same(a, v, axes=[(0, 2), (0, 1), (0, 2)])
    for i in range(3):
        np.testing.assert_array_equal(found[:, i], fastconv.convolve(a[:, i], v, "same"))


def test_out_is_broadcast_into():
    a, v, out = np.arange(4.0), np.array([1.0, 2]), np.zeros((3, 2, 5))
    ufuncs.convolve_full(a, v, out=out)
    assert (out == np.convolve(a, v)).all()


def test_loops_without_items():
    assert ufuncs.convolve_full(np.ones((0, 4)), np.ones(3)).shape == (0, 6)
    assert ufuncs.convolve2d_same(np.ones((2, 0, 4, 4)), np.ones((3, 3))).shape == (2, 0, 4, 4)


def test_odd_memory():
    rng = np.random.default_rng(5)
    a, v = samples(rng, (3, 50)), samples(rng, 7)
    right = ufuncs.convolve_same(a, v)
    buffer = np.zeros(a.nbytes + 1, np.uint8)[1:]
    unaligned = buffer.view(float).reshape(a.shape)
    unaligned[...] = a
    frozen = a.copy()
    frozen.flags.writeable = False
    for x in (unaligned, frozen, a.astype(">f8"), np.asfortranarray(a), a.tolist()):
        np.testing.assert_array_equal(ufuncs.convolve_same(x, v), right)
    repeated = np.broadcast_to(np.float64(2), (3, 50))
    np.testing.assert_array_equal(ufuncs.convolve_same(repeated, v), ufuncs.convolve_same(repeated.copy(), v))


def test_order_and_subclasses():
    class Mine(np.ndarray):
        pass

    a = np.ones((4, 5)).view(Mine)
    assert type(ufuncs.convolve_full(a, [1, 2])) is Mine
    assert ufuncs.convolve_full(np.ones((4, 5)), [1, 2], order="F").flags.f_contiguous


def test_array_ufunc():
    class Units:
        def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
            return ufunc, method, len(inputs), kwargs

    assert ufuncs.convolve_full(Units(), [1], dtype=float) == (
        ufuncs.convolve_full, "__call__", 2, {"dtype": float})  # fmt: skip


def test_same_bits_for_any_number_of_threads():
    rng = np.random.default_rng(6)
    a, v = rng.standard_normal((40, 3000)), rng.standard_normal(60)
    results = []
    for n in (1, 2, 3):
        with fastconv.num_threads(n):
            results.append(ufuncs.convolve_full(a, v))
    assert results[0].tobytes() == results[1].tobytes() == results[2].tobytes()


def test_many_callers_at_once():
    rng = np.random.default_rng(7)
    a, v = rng.standard_normal((20, 500)), rng.standard_normal((20, 30))
    right, wrong = ufuncs.correlate_full(a, v), []

    def work():
        for _ in range(20):
            if ufuncs.correlate_full(a, v).tobytes() != right.tobytes():
                wrong.append(1)

    callers = [threading.Thread(target=work) for _ in range(4)]
    for t in callers:
        t.start()
    for t in callers:
        t.join()
    assert not wrong


# -- errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments, keywords, error, text", [
    (([], [1.0]), {}, ValueError, "convolve_full: .* at least one sample .* found 0 and 1"),
    (([1.0], []), {}, ValueError, "found 1 and 0"),
    (([1.0, 2], [1.0]), {"out": np.zeros(3)}, ValueError, "out has 3 samples .* wanted 2"),
    (([1.0, 2], [[1.0], [2]]), {"out": np.zeros(2)}, ValueError, "output operand"),
    ((2.0, [1.0]), {}, ValueError, "enough dimensions"),
    (([1, 2], ["a"]), {}, TypeError, "not supported for the input types"),
    (([object()], [1]), {}, TypeError, "not supported for the input types"),
    (([1.5], [1.0]), {"dtype": int}, TypeError, "same_kind"),
    (([1.0], [1.0]), {"dtype": "O"}, TypeError, "convolve_full"),
    (([1.0], [1.0]), {"where": [True]}, TypeError, "where"),
    (([1.0], [1.0]), {"axis": 0}, TypeError, "axis"),
    (([1.0], [1.0]), {"keepdims": True}, TypeError, "keepdims"),
    (([1.0], [1.0]), {"mode": "full"}, TypeError, "mode"),
])  # fmt: skip
def test_errors(arguments, keywords, error, text):
    with pytest.raises(error, match=text):
        ufuncs.convolve_full(*arguments, **keywords)


def test_sizes_beyond_memory():
    def ones(n):
        return np.broadcast_to(np.int8(1), (n,))

    with pytest.raises(MemoryError):
        ufuncs.convolve_full(ones(2**62), ones(2**62))
    with pytest.raises(ValueError, match="too large"):
        ufuncs.convolve_full(ones(2**63 - 1), ones(2))


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_what_happens_inside_arrives(monkeypatch, error):
    def fails(*_, **__):
        raise error("inside")

    monkeypatch.setattr(ufuncs, "general", fails)
    with pytest.raises(error, match="inside"):
        ufuncs.convolve_full(np.arange(3.0).astype("g"), np.arange(2))
