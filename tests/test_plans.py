"""Plans: the function bit for bit, fixed once made, shared, pickled."""

import copy
import math
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from plan_cases import CASES, LONGER, ONE_EACH, both, call, make, operands, random, whole

import fastconv

pytestmark = pytest.mark.filterwarnings("error")
assert_equal = np.testing.assert_array_equal


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def same_bits(a, b):
    """Equal byte for byte; by value for long doubles, six bytes of which mean nothing."""
    if a.dtype == np.longdouble:
        return np.array_equal(a, b, equal_nan=True) and np.array_equal(np.signbit(a), np.signbit(b))
    return a.tobytes() == b.tobytes()


# -- the same numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "float16", "longdouble", "int32",
                                   "uint8", "bool"])  # fmt: skip
@pytest.mark.parametrize("name", CASES)
def test_equal_to_the_function_bit_for_bit(rng, name, dtype):
    case = CASES[name]
    if np.dtype(dtype).kind in "biu":
        if case.maker == "plan_deform":
            pytest.skip("samples between integers are no integers")
        case = case._replace(keywords={**case.keywords, **({"fillvalue": 1} if "fill" in name else {})})
    prepared, given = operands(rng, case, dtype)
    p, wanted = make(case, prepared), call(case, prepared, given)
    for _ in range(2):
        y = p(**given)
        assert (y.dtype, y.shape) == (wanted.dtype, wanted.shape)
        assert same_bits(y, wanted)
    out = np.empty_like(wanted)
    assert p(*given.values(), out=out) is out
    assert same_bits(out, wanted)


@pytest.mark.parametrize("backend", fastconv.backends())
@pytest.mark.parametrize("name", CASES)
def test_equal_to_the_function_on_every_backend(rng, name, backend):
    case = CASES[name]
    prepared, given = operands(rng, case)
    try:
        wanted = call(case, prepared, given, backend=backend)
    except fastconv.BackendNotSupportedError:
        with pytest.raises(fastconv.BackendNotSupportedError, match=backend):
            make(case, prepared, backend=backend)
        return
    p = make(case, prepared, backend=backend)
    assert p.backend == backend
    assert p(**given).tobytes() == wanted.tobytes()


def test_bfloat16(rng):
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    for name in ONE_EACH:
        p, given, wanted = both(rng, name, bfloat16)
        assert p.dtype == wanted.dtype == bfloat16
        assert_equal(p(**given), wanted)


@pytest.mark.parametrize("dtype", ["float64", "complex128", "int64"])
@pytest.mark.parametrize("name", LONGER)
def test_a_longer_filter(rng, name, dtype):
    case = LONGER[name]
    prepared, given = operands(rng, case, dtype)
    wanted = call(case, prepared, given)
    p = make(case, prepared)
    assert p.output_shape == wanted.shape
    out = np.empty_like(wanted)
    assert p(given["a"], out=out) is out
    for y in (p(given["a"]), out):
        assert y.dtype == wanted.dtype
        np.testing.assert_allclose(y, wanted, rtol=1e-12, atol=1e-12)


def test_an_activation(rng):
    x, w, bias = (random(rng, s) for s in ((2, 3, 9, 9), (4, 3, 3, 3), (4,)))
    for name in ("relu", "relu6", "leaky_relu", "silu", "gelu", "sigmoid", "tanh"):
        p = fastconv.plan(w, bias, input_shape=x.shape, activation=name)
        assert_equal(p(x), fastconv.conv2d(x, w, bias, activation=name))
        p = fastconv.plan_transpose(w.swapaxes(0, 1), bias, input_shape=x.shape, activation=name)
        assert_equal(p(x), fastconv.conv_transpose2d(x, w.swapaxes(0, 1), bias, activation=name))


def test_not_finite(rng):
    for name in ONE_EACH[:2] + ONE_EACH[3:]:
        case = CASES[name]
        for bad in (np.nan, np.inf):
            prepared, given = operands(rng, case, "float64")
            for operand in (next(iter(prepared.values())), next(iter(given.values()))):
                keep, operand.flat[3] = operand.flat[3], bad
                wanted = call(case, prepared, given)
                assert not np.isfinite(wanted).all()
                assert_equal(make(case, prepared)(**given), wanted)
                operand.flat[3] = keep


# -- what a plan tells ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_attributes(rng, name):
    case = CASES[name]
    p, given, wanted = both(rng, name)
    assert p.backend in fastconv.backends()
    assert p.output_shape == wanted.shape
    assert p.input_shape == next(iter(case.given.values()))
    assert p.dtype == wanted.dtype
    assert isinstance(p.workspace_bytes, int)
    assert p.workspace_bytes >= 0
    assert isinstance(p.macs, int)
    if case.maker != "plan_convolve":
        w = case.prepared["w"]
        last = case.keywords.get("layout") == "channels_last"
        one_filter = given["x"].size if case.maker == "plan_transpose" else wanted.size
        filters = wanted.shape[-1] if last else wanted.shape[-len(w) + 1]
        channels = p.input_shape[-1] if last else p.input_shape[-len(w) + 1]
        many = filters if case.maker == "plan_transpose" else channels
        groups = case.keywords.get("groups", 1)
        assert p.macs == one_filter * many * math.prod(w[2:]) // groups
    elif case.keywords.get("mode") == "valid":
        assert p.macs == wanted.size * math.prod(case.prepared["v"])
    for word in (str(p.input_shape), str(p.output_shape), p.backend, "float32"):
        assert word in repr(p)


@pytest.mark.parametrize("name", CASES)
def test_explain(rng, name):
    p, _, _ = both(rng, name)
    e = p.explain()
    assert e.backend == p.backend
    assert e.workspace_bytes == p.workspace_bytes
    assert {c.name for c in e.candidates} == set(fastconv.backends())
    assert e.candidates[0].name == p.backend
    assert "lowest predicted cost" in e.reason
    prepared, _ = operands(rng, CASES[name])
    e = make(CASES[name], prepared, backend="reference").explain()
    assert e.backend == "reference"
    assert "asked for" in e.reason
    assert "reference" in str(e)


# -- arguments of a call --------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_wrong_shapes(rng, name):
    p, given, wanted = both(rng, name)
    for operand, array in given.items():
        longer = np.ones((*array.shape[:-1], array.shape[-1] + 1), np.float32)
        for bad in (longer, array[None], np.moveaxis(array, 0, -1)[..., None], array[..., :-1],
                    np.float32(1)):  # fmt: skip
            with pytest.raises(ValueError, match=rf"{operand} has shape") as info:
                p(**{**given, operand: bad})
            assert str(array.shape) in str(info.value)
            assert str(np.shape(bad)) in str(info.value)
    for bad in (np.empty((*wanted.shape, 1), np.float32), np.empty(wanted.shape[1:], np.float32)):
        with pytest.raises(ValueError, match="out has shape"):
            p(**given, out=bad)


@pytest.mark.parametrize("name", CASES)
def test_wrong_dtypes_and_objects(rng, name):
    p, given, wanted = both(rng, name)
    first = next(iter(given))
    for operand, array in given.items():
        with pytest.raises(TypeError, match=rf"{operand} has dtype complex64"):
            p(**{**given, operand: array.astype(np.complex64)})
        for bad in (None, "abc", object(), {1}, np.zeros(array.shape, object),
                    np.zeros(array.shape, "M8[s]"), np.ma.array(array)):  # fmt: skip
            if operand == "mask" and bad is None:
                continue
            with pytest.raises(TypeError, match=operand):
                p(**{**given, operand: bad})
    for bad in ([1.0], 3, wanted.astype(np.int32)):
        with pytest.raises(TypeError, match="out"):
            p(**given, out=bad)
    frozen = np.full(wanted.shape, 7, np.float32)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        p(**given, out=frozen)
    assert (frozen == 7).all()
    with pytest.raises(TypeError):
        p()
    with pytest.raises(TypeError):
        p(**given, backend="direct")
    wide = given[first].astype(np.float64)
    assert_equal(p(**{**given, first: wide}), wanted)  # same_kind


def test_mask_exactly_where_planned(rng):
    p, given, _ = both(rng, "deform2d")
    mask = given.pop("mask")
    with pytest.raises(TypeError, match="mask"):
        p(**given)
    case = CASES["deform2d"]
    prepared, _ = operands(rng, case)
    plain = make(case, prepared, masked=False)
    with pytest.raises(TypeError, match="mask"):
        plain(**given, mask=mask)


def test_dtype_and_casting(rng):
    x, w = random(rng, (2, 3, 9), "float64"), random(rng, (4, 3, 3))
    p = fastconv.plan(w, input_shape=x.shape, dtype="float64")
    assert p.dtype == np.float64
    assert_equal(p(x), fastconv.conv1d(x, w))
    assert_equal(p(x.astype(np.float32)), fastconv.conv1d(x.astype(np.float32), w, dtype="float64"))
    strict = fastconv.plan(w, input_shape=x.shape, casting="safe")
    with pytest.raises(TypeError, match="casting='safe'"):
        strict(x)
    with pytest.raises(TypeError, match="out"):
        strict(x.astype(np.float32), out=np.empty((2, 4, 7), np.float16))
    loose = fastconv.plan(w, input_shape=x.shape, casting="unsafe", dtype=np.int16)
    assert_equal(loose(x), fastconv.conv1d(x, w, dtype=np.int16, casting="unsafe"))
    for maker, operand in (("plan", "w"), ("plan_transpose", "w"), ("plan_convolve", "v")):
        filters = random(rng, (3, 3, 3))
        with pytest.raises(TypeError, match=rf"{operand} has dtype float32"):
            getattr(fastconv, maker)(filters, input_shape=(3, 3, 9), dtype=np.int16)


def memory_kinds(a):
    """The same samples in memory of other kinds."""
    big = np.full([2 * n + 1 for n in a.shape], 77, a.dtype)
    strided = big[tuple(slice(1, None, 2) for _ in a.shape)]
    strided[...] = a
    raw = np.zeros(a.nbytes + 1, np.uint8)
    misaligned = raw[1:].view(a.dtype).reshape(a.shape)
    misaligned[...] = a
    turned = (slice(None, None, -1),) * a.ndim
    frozen = a.copy()
    frozen.flags.writeable = False
    return {"fortran": np.asfortranarray(a), "strided": strided, "misaligned": misaligned,
            "negative": np.ascontiguousarray(a[turned])[turned], "read-only": frozen,
            "swapped": a.astype(a.dtype.newbyteorder()), "list": a.tolist()}  # fmt: skip


@pytest.mark.parametrize("name", [n for n in CASES if n != "no batch at all"])
def test_memory_of_every_kind(rng, name):
    case = CASES[name]
    prepared, given = whole(*operands(rng, case))
    p, wanted = make(case, prepared), call(case, prepared, given)
    before = {n: a.copy() for n, a in given.items()}
    kinds = {n: memory_kinds(a) for n, a in given.items()}
    for kind in next(iter(kinds.values())):
        assert_equal(p(**{n: kinds[n][kind] for n in given}), wanted, err_msg=kind)
    for kind, out in memory_kinds(np.zeros_like(wanted)).items():
        if kind not in ("read-only", "list"):
            assert p(**given, out=out) is out
            assert_equal(out, wanted, err_msg=kind)
    for n, a in given.items():
        assert_equal(a, before[n])


def test_many_kinds_of_strides_in_one_plan(rng):
    """A plan keeps what it worked out for some combinations of strides, and forgets the rest."""
    w, x = (np.rint(random(rng, s)) for s in ((4, 3, 3, 3), (2, 3, 9, 9)))
    p = fastconv.plan(w, input_shape=x.shape)
    wanted = fastconv.conv2d(x, w)
    for _ in range(2):
        for extra in range(50):
            wide = np.zeros((2, 3, 9, 9 + extra), np.float32)
            wide[..., :9] = x
            assert_equal(p(wide[..., :9]), wanted)


@pytest.mark.parametrize("name", ["conv2d large", "convolve same", "transpose1d"])
def test_out_may_overlap_x(rng, name):
    case = CASES[name]
    prepared, given = whole(*operands(rng, case))
    p, wanted = make(case, prepared), call(case, prepared, given)
    operand, x = next(iter(given.items()))
    memory = np.zeros(max(x.size, wanted.size) + 5, np.float32)
    for at in (0, 1, 5):
        inside, out = memory[: x.size].reshape(x.shape), memory[at : at + wanted.size]
        inside[...] = x
        if out.size == wanted.size:
            assert p(**{operand: inside}, out=out.reshape(wanted.shape)).base is not None
            assert_equal(out.reshape(wanted.shape), wanted)


# -- fixed once made ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ONE_EACH)
def test_immutable(rng, name):
    p, given, wanted = both(rng, name)
    attributes = ["backend", "input_shape", "output_shape", "dtype", "workspace_bytes", "macs"]
    for attribute in attributes:
        before = getattr(p, attribute)
        with pytest.raises(AttributeError):
            setattr(p, attribute, None)
        with pytest.raises(AttributeError):
            delattr(p, attribute)
        assert getattr(p, attribute) == before
    for attribute in ("something_new", "_plan", "_weights", "__dict__", "__class__"):
        with pytest.raises((AttributeError, TypeError)):
            setattr(p, attribute, None)
    with pytest.raises(AttributeError):
        del p._weights
    assert_equal(p(**given), wanted)


@pytest.mark.parametrize("layout", ["plain", "fortran", "view"])
@pytest.mark.parametrize("name", [*CASES, *LONGER])
def test_the_caller_may_change_the_weights(rng, name, layout):
    case = CASES.get(name) or LONGER[name]
    prepared, given = operands(rng, case)
    if layout == "fortran":
        prepared = {n: np.asfortranarray(a) for n, a in prepared.items()}
    elif layout == "view":
        prepared = {n: np.repeat(a, 2, -1)[..., ::2] for n, a in prepared.items()}
    p = make(case, prepared)
    wanted = p(**given)
    for a in prepared.values():
        a[...] = np.nan
    assert_equal(p(**given), wanted)
    assert_equal(pickle.loads(pickle.dumps(p))(**given), wanted)
    first, second = p(**given), p(**given)
    assert not np.shares_memory(first, second)
    first[...] = 0
    assert_equal(second, wanted)
    assert_equal(p(**given), wanted)


def test_the_caller_may_change_keywords(rng):
    """Lists and arrays among the keywords are read when the plan is made, not when it is copied."""
    x, w = random(rng, (2, 3, 9, 9)), random(rng, (4, 3, 3, 3))
    stride, padding, shape = [1, 2], np.array([1, 2]), [2, 3, 9, 9]
    p = fastconv.plan(w, input_shape=shape, stride=stride, padding=padding)
    t = fastconv.plan_transpose(w.swapaxes(0, 1), input_shape=shape, stride=stride)
    fill, axes = np.array(2.0), [0, 1]
    c = fastconv.plan_convolve(w[0, 0], input_shape=(9, 9), fillvalue=fill, axes=axes)
    wanted = p(x), t(x), c(x[0, 0])
    stride[:], padding[...], shape[:], fill[...], axes[:] = [3, 3], 0, [9], 5.0, [0, 0]
    for again in (lambda q: q, lambda q: pickle.loads(pickle.dumps(q)), copy.deepcopy):
        for q, data, y in zip((p, t, c), (x, x, x[0, 0]), wanted, strict=True):
            assert_equal(again(q)(data), y)


@pytest.mark.parametrize("name", [*CASES, *LONGER])
def test_pickle_and_copy(rng, name):
    case = CASES.get(name) or LONGER[name]
    prepared, given = operands(rng, case)
    p = make(case, prepared)
    wanted = p(**given)
    copies = [pickle.loads(pickle.dumps(p, n)) for n in range(pickle.HIGHEST_PROTOCOL + 1)]
    for q in (*copies, copy.deepcopy(p), copy.copy(p)):
        assert type(q) is type(p)
        for attribute in ("backend", "input_shape", "output_shape", "dtype", "workspace_bytes", "macs"):
            assert getattr(q, attribute) == getattr(p, attribute)
        assert repr(q) == repr(p)
        assert str(q.explain()) == str(p.explain())
        assert q(**given).tobytes() == wanted.tobytes()


def test_pickles_keep_every_keyword(rng):
    w, x = random(rng, (4, 3, 3), "float64"), random(rng, (2, 3, 9), "float64")
    p = fastconv.plan(w, input_shape=x.shape, backend="direct", activation="relu", casting="unsafe",
                      dtype="float32", workspace_limit=10**6, padding_mode="replicate", padding=2,
                      flip=True)  # fmt: skip
    q = pickle.loads(pickle.dumps(p))
    assert q.backend == "direct"
    assert "asked for" in q.explain().reason
    assert q(x.astype(complex).real).tobytes() == p(x).tobytes()


def test_a_pickle_travels_to_another_process(rng, tmp_path):
    p, given, wanted = both(rng, "conv2d")
    (tmp_path / "plan").write_bytes(pickle.dumps((p, given)))
    code = ("import pickle, sys; p, given = pickle.load(open(sys.argv[1], 'rb'));"
            "open(sys.argv[2], 'wb').write(p(**given).tobytes())")  # fmt: skip
    subprocess.run([sys.executable, "-c", code, tmp_path / "plan", tmp_path / "y"], check=True)
    assert (tmp_path / "y").read_bytes() == wanted.tobytes()


@pytest.mark.parametrize("name", ["conv2d large", "transpose2d", "deform2d", "correlate", "conv2d last"])
@pytest.mark.parametrize("backend", fastconv.backends())
def test_shared_by_threads(rng, name, backend):
    case = CASES[name]
    prepared, _ = operands(rng, case)
    try:
        p = make(case, prepared, backend=backend)
    except fastconv.BackendNotSupportedError:
        pytest.skip(f"{backend} has no {case.maker}")
    calls = [operands(rng, case)[1] for _ in range(8)]
    wanted = [call(case, prepared, given, backend=backend) for given in calls]
    start = threading.Barrier(len(calls))

    def work(i):
        out = np.empty_like(wanted[i])
        start.wait()
        for _ in range(5):
            assert_equal(p(**calls[i]), wanted[i])
            out[...] = 0
            assert_equal(p(**calls[i], out=out), wanted[i])

    with ThreadPoolExecutor(len(calls)) as pool:
        list(pool.map(work, range(len(calls))))
