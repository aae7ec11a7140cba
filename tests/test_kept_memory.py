"""The memory of large results is kept for the next ones, and nobody can tell but by the clock."""

import gc
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import fastconv
from fastconv import ndimage
from fastconv._core import arrays

MEGABYTE = 1 << 20


@pytest.fixture(autouse=True)
def room():
    """64 MB, nothing kept before."""
    before = arrays.keep(0)
    arrays.keep(64 * MEGABYTE)
    yield
    arrays.keep(0)
    arrays.keep(before)


def place(a):
    return a.__array_interface__["data"][0]


def test_the_next_result_of_that_size_has_its_memory():
    x = np.ones((600, 600), np.float32)
    first = ndimage.correlate(x, np.ones((3, 3), np.float32))
    at, expected = place(first), first.copy()
    del first
    assert arrays.kept() >= x.nbytes
    second = ndimage.correlate(x, np.ones((3, 3), np.float32))
    assert place(second) == at and arrays.kept() == 0
    np.testing.assert_array_equal(second, expected)


def test_results_that_live_are_apart():
    x = np.random.default_rng(0).standard_normal((8, 8, 64, 64)).astype(np.float32)
    w = np.ones((8, 8, 3, 3), np.float32)
    results = [fastconv.conv2d(x * i, w) for i in range(5)]
    for i, y in enumerate(results):
        np.testing.assert_allclose(y, results[1] * i, rtol=1e-5, atol=1e-4)
    assert len({place(y) for y in results}) == 5


def test_arrays_are_as_others():
    y = arrays.new((400, 300), np.float64, "F")
    assert y.flags.owndata and y.flags.f_contiguous and y.flags.writeable and y.base is None
    assert y.flags.aligned and place(y) % 64 == 0
    y[...] = np.arange(300)
    z = y.copy("K")
    y.resize((800, 300), refcheck=False)  # in Fortran's order, numbers stay where they are in memory
    np.testing.assert_array_equal(y.ravel("K")[: z.size], z.ravel("K"))
    assert not y.ravel("K")[z.size :].any()
    y.resize((10, 3), refcheck=False)
    np.testing.assert_array_equal(y.ravel("K"), z.ravel("K")[:30])
    y.resize((700, 500), refcheck=False)
    del y
    gc.collect()
    assert 0 < arrays.kept() <= 64 * MEGABYTE


def test_one_of_another_size_has_its_own():
    y = arrays.new((MEGABYTE,), np.uint8)
    at = place(y)
    del y
    assert place(arrays.new((2 * MEGABYTE,), np.uint8)) != at
    assert place(arrays.new((MEGABYTE - 1000,), np.uint8)) == at  # nearly the same


def test_small_ones_are_left_to_numpy():
    y = arrays.new((1000,), np.float32)
    del y
    assert arrays.kept() == 0


@pytest.mark.parametrize("count", [3, 40])
def test_no_more_is_kept_than_allowed(count):
    size = 64 * MEGABYTE // count + 5000
    alive = [arrays.new((size,), np.uint8) for _ in range(count)]
    del alive
    assert 0 < arrays.kept() <= 64 * MEGABYTE
    del_me = arrays.new((65 * MEGABYTE,), np.uint8)
    before = arrays.kept()
    del del_me
    assert arrays.kept() == before  # more than may be kept
    arrays.keep(MEGABYTE)
    assert arrays.kept() <= MEGABYTE


def test_what_nobody_takes_is_given_back():
    y = arrays.new((3 * MEGABYTE,), np.uint8)
    del y
    assert arrays.kept() == 3 * MEGABYTE
    for _ in range(100):
        arrays.new((100_000,), np.uint8)
    assert arrays.kept() < MEGABYTE


def test_nothing_is_kept_where_nothing_may_be():
    arrays.keep(0)
    y = arrays.new((MEGABYTE,), np.uint8)
    del y
    assert arrays.kept() == 0


def test_too_much_is_a_memory_error():
    y = arrays.new((MEGABYTE,), np.uint8)
    del y
    arrays.keep(1 << 62)
    with pytest.raises(MemoryError):
        arrays.new((1 << 60,), np.uint8)
    assert arrays.kept() == 0  # it was asked for before giving up


def test_arrays_made_like_another():
    for a in (np.zeros((300, 200)), np.zeros((300, 200), order="F"), np.zeros((600, 200))[::2]):
        b = arrays.like(a)
        assert b.shape == a.shape and b.dtype == a.dtype
        assert b.flags.f_contiguous == a.flags.f_contiguous


def test_threads():
    """Arrays of several threads, some freed by others, hold what was written to them."""
    failed, shelf = [], []

    def work(seed):
        rng = np.random.default_rng(seed)
        for _ in range(150):
            y = arrays.new((int(rng.integers(20_000, 60_000)),), np.float64)
            value = float(rng.integers(1000))
            y.fill(value)
            shelf.append((y, value))
            try:
                z, expected = shelf.pop(0)
            except IndexError:
                continue
            if not (z == expected).all():
                failed.append(expected)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failed and arrays.kept() <= 64 * MEGABYTE


def run(code, **env):
    return subprocess.run([sys.executable, "-c", code], env={**os.environ, **env}, capture_output=True, text=True)


@pytest.mark.parametrize(("value", "kept"), [("0", "0"), ("1", "0"), ("3", "2097152"), ("", "2097152")])
def test_the_setting(value, kept):
    code = "from fastconv._core import arrays; a = arrays.new((1 << 21,), 'u1'); del a; print(arrays.kept())"
    assert run(code, FASTCONV_KEEP_MB=value).stdout.strip() == kept


def test_a_setting_that_is_no_number():
    result = run("import fastconv", FASTCONV_KEEP_MB="lots")
    assert result.returncode and "FASTCONV_KEEP_MB='lots'" in result.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_after_fork():
    code = """if True:
        import os
        import numpy as np
        from fastconv._core import arrays
        a, b = arrays.new((1 << 21,), "u1"), arrays.new((1 << 21,), "u1")
        b.fill(7)
        del a
        child = os.fork()
        if not child:
            c = arrays.new((1 << 21,), "u1")
            c.fill(1)
            os._exit(0 if (b == 7).all() and (c == 1).all() else 1)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), (b == 7).all())
    """
    assert run(code).stdout.split() == ["0", "True"]
