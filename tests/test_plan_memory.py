"""Memory of plans: workspace limits, calls that allocate nothing, the bounded caches."""

import gc
import pickle
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from plan_cases import (
    CASES,
    ONE_EACH,
    call,
    conv,
    deform,
    make,
    operands,
    random,
    signal,
    transpose,
    whole,
)

import fastconv
from fastconv import _plan

pytestmark = pytest.mark.filterwarnings("error")
assert_equal = np.testing.assert_array_equal
assert_allclose = np.testing.assert_allclose


@pytest.fixture
def rng():
    return np.random.default_rng(11)


# -- workspace ------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["auto", *fastconv.backends()])
@pytest.mark.parametrize("name", ["conv1d", "conv2d large", "conv2d last", "transpose2d", "depthwise",
                                  "deform2d", "convolve 2-D", "correlate"])  # fmt: skip
def test_workspace_limit_is_kept_or_refused(rng, name, backend):
    case = CASES[name]
    prepared, given = whole(*operands(rng, case))
    wanted, kept = call(case, prepared, given), 0
    for power in range(1, 31):
        try:
            p = make(case, prepared, backend=backend, workspace_limit=2**power)
        except fastconv.BackendNotSupportedError as error:
            if "workspace_limit" not in str(error):  # not for such problems, whatever the limit
                with pytest.raises(fastconv.BackendNotSupportedError):
                    make(case, prepared, backend=backend)
                return
            assert not kept, "a smaller limit was enough"
            continue
        kept += 1
        assert p.workspace_bytes <= 2**power
        # "auto" may take shorter filters under one limit and not under another
        assert_allclose(p(**given), wanted, rtol=0, atol=1e-5 * float(abs(wanted).max(initial=0)))
        assert pickle.loads(pickle.dumps(p)).workspace_bytes == p.workspace_bytes
    # "reference" and the transforms of SciPy make NumPy temporaries
    assert kept or backend in ("reference", "fft") or "deform" in name


@pytest.mark.parametrize("name", ONE_EACH)
def test_workspace_limit_is_validated(rng, name):
    case = CASES[name]
    prepared, given = operands(rng, case)
    for bad, error in ((-1, ValueError), (1.5, TypeError), ("1", TypeError), (2**70, ValueError)):
        with pytest.raises(error, match="workspace_limit") as info:
            make(case, prepared, workspace_limit=bad)
        assert not isinstance(info.value, fastconv.BackendNotSupportedError)
    assert_equal(make(case, prepared, workspace_limit=np.int64(10**9))(**given),
                 call(case, prepared, given))  # fmt: skip


def peak_growth(function):
    """Bytes that Python and NumPy allocate at most while a warm function runs."""
    function()
    gc.disable()  # what it frees is not the function's doing
    tracemalloc.start()
    try:
        function()
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        function()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
        gc.enable()


ONE_MEGABYTE = {
    "conv2d": conv((4, 16, 64, 64), (8, 16, 3, 3), True, padding=1, activation="relu"),
    "conv2d strided": conv((4, 16, 64, 64), (8, 16, 3, 3), stride=2, dilation=2, flip=True),
    "conv2d last": conv((4, 64, 64, 16), (8, 16, 3, 3), layout="channels_last"),
    "reflect": conv((4, 16, 64, 64), (8, 16, 3, 3), padding=1, padding_mode="reflect"),
    "conv1d": conv((2, 4, 32768), (4, 4, 9)),
    "depthwise": conv((4, 16, 64, 64), (16, 1, 3, 3), groups=16),
    "pointwise": conv((4, 16, 64, 64), (16, 16, 1, 1), True),
    "transpose": transpose((4, 16, 64, 64), (16, 8, 3, 3), True, stride=2),
    "deform": deform((1, 16, 128, 128), (8, 16, 2, 2), (127, 127), 1, True),
    "convolve": signal((512, 512), (5, 5)),
    "correlate": signal((262144,), (31,), True, mode="same", boundary="symm"),
    "many axes": signal((16, 128, 128), (1, 5, 1), axes=1),
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int16"])
@pytest.mark.parametrize("backend", [b for b in fastconv.backends() if b not in ("reference", "fft")])
@pytest.mark.parametrize("name", ONE_MEGABYTE)
def test_a_call_with_out_allocates_no_array(rng, name, backend, dtype):
    """The oracle, "reference", is NumPy, "fft" is SciPy's: they are let off."""
    case = ONE_MEGABYTE[name]
    if dtype == "int16" and case.maker == "plan_deform":
        pytest.skip("samples between integers are no integers")
    prepared, given = operands(rng, case, dtype)
    try:
        p = make(case, prepared, backend=backend)
    except fastconv.BackendNotSupportedError:
        pytest.skip(f"{backend} cannot")
    out = np.empty(p.output_shape, p.dtype)
    assert peak_growth(lambda: p(**given, out=out)) < 8192


# -- the cache ------------------------------------------------------------------------------------


def test_the_caches_are_bounded(rng):
    x, w = random(rng, (1, 1, 700)), random(rng, (1, 1, 3))
    held = fastconv.plan(w, input_shape=x.shape)
    wanted = held(x)
    for n in range(3, 650):
        assert_equal(fastconv.conv1d(x[..., :n], w), wanted[..., : n - 2])
        assert len(_plan.PLANS) <= _plan.PLANS._size
        assert len(_plan.CALLS) <= _plan.CALLS._size
    assert (_plan.PLANS._size, _plan.CALLS._size) == (256, 512)
    _plan.PLANS.clear()
    _plan.CALLS.clear()
    assert len(_plan.PLANS) == len(_plan.CALLS) == 0
    assert_equal(held(x), wanted)
    assert_equal(fastconv.conv1d(x, w), wanted)
    assert len(_plan.PLANS) == len(_plan.CALLS) == 1


def test_the_least_recently_used_goes_first():
    cache, made = _plan.Cache(3), []

    def get(key):
        return cache.get(key, lambda: made.append(key) or f"value {key}")

    for key in "abcadbab":
        assert get(key) == f"value {key}"
    assert made == ["a", "b", "c", "d", "b"]
    with pytest.raises(ZeroDivisionError):
        cache.get("x", lambda: 1 / 0)
    assert cache.get("x", lambda: cache.get("y", lambda: 5)) == 5  # made outside the lock
    assert len(cache) == 3


def test_threads_meet_in_the_cache():
    cache, start = _plan.Cache(4), threading.Barrier(8)

    def work(seed):
        start.wait()
        for key in np.random.default_rng(seed).integers(0, 9, 2000).tolist():
            assert cache.get(key, lambda key=key: [key]) == [key]
            assert len(cache) <= 5

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert len(cache) == 4
