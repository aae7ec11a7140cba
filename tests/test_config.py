"""Asking and telling: explain, backends, show_config, threads, the environment, imports, the command line."""

import asyncio
import contextvars
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import scipy
from problems import GENERAL

import fastconv
from fastconv._core import cpu

pytestmark = pytest.mark.filterwarnings("error")
assert_equal = np.testing.assert_array_equal
SOURCES = Path(fastconv.__file__).resolve().parent
OPTIONAL = ("scipy.signal", "scipy.ndimage", "scipy.linalg", "torch", "cupy", "dask", "skimage",
            "matplotlib", "ml_dtypes", "pywt", "PIL", "onnx")  # fmt: skip
VARIABLES = ("FASTCONV_NUM_THREADS", "OMP_NUM_THREADS", "FASTCONV_VERBOSE", "FASTCONV_ISA")


def python(code, *options, cwd=None, path=None, **variables):
    """Run code in a fresh Python; its CompletedProcess. ``path``: PYTHONPATH."""
    env = {n: v for n, v in os.environ.items() if n not in VARIABLES}
    env.update({"PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8"} | variables)
    if path is not None:
        env["PYTHONPATH"] = os.pathsep.join(map(str, path))
    return subprocess.run([sys.executable, *options, "-c", code], cwd=cwd, env=env, text=True,
                          encoding="utf-8", capture_output=True, timeout=120, check=False)  # fmt: skip


def said(code, *options, **keywords):
    """What a fresh Python prints, nothing having gone wrong."""
    run = python(code, *options, **keywords)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    return run.stdout.strip()


# -- explain --------------------------------------------------------------------------------------

# call -> (arguments as shapes or values, keywords); every function that chooses a backend
EXPLAINED = {
    "convolve": (((5,), (3,)), {}),
    "correlate": (((300, 4), (3, 2)), {"mode": "same"}),
    "conv": (((1, 4, 9), (2, 4, 3)), {}),
    "conv1d": (((1, 4, 9), (2, 4, 3), (2,)), {"stride": 2}),
    "conv2d": (((1, 64, 56, 56), (64, 64, 3, 3)), {"padding": 1, "bias": (64,)}),
    "conv3d": (((2, 5, 6, 7), (3, 2, 2, 2, 2)), {}),
    "depthwise_conv1d": (((1, 4, 9), (8, 1, 3)), {}),
    "depthwise_conv2d": (((1, 4, 9, 9), (8, 1, 3, 3)), {}),
    "depthwise_conv3d": (((1, 4, 9, 9, 9), (8, 1, 3, 3, 3)), {}),
    "separable_conv1d": (((1, 4, 9), (8, 1, 3), (5, 8)), {}),
    "separable_conv2d": (((1, 4, 9, 9), (8, 1, 3, 3), (5, 8)), {}),
    "separable_conv3d": (((1, 4, 9, 9, 9), (8, 1, 3, 3, 3), (5, 8)), {}),
    "pointwise_conv": (((1, 4, 9), (2, 4)), {}),
    "resize_conv2d": (((1, 4, 9, 9), (2, 4, 3, 3)), {"scale": (2, 3)}),
    "causal_conv1d": (((1, 4, 9), (4, 1, 3)), {"state": (1, 4, 2)}),
    "conv_transpose1d": (((1, 4, 9), (4, 2, 3)), {}),
    "conv_transpose2d": (((1, 4, 9, 9), (4, 2, 3, 3)), {"stride": (2, 2)}),
    "conv_transpose3d": (((1, 4, 5, 5, 5), (4, 2, 3, 3, 3)), {}),
    "deform_conv1d": (((1, 4, 9), (1, 3, 7), (2, 4, 3)), {}),
    "deform_conv2d": (((1, 4, 9, 9), (1, 18, 7, 7), (2, 4, 3, 3)), {"mask": (1, 9, 7, 7)}),
    "deform_conv3d": (((1, 2, 4, 4, 4), (1, 24, 3, 3, 3), (2, 2, 2, 2, 2)), {}),
    "max_pool1d": (((1, 3, 8), 2), {"padding": (1,)}),
    "max_pool2d": (((1, 3, 8, 8), (2, 2)), {"stride": (2, 1)}),
    "max_pool3d": (((1, 3, 8, 8, 8), (2, 3, 2)), {}),
    "avg_pool1d": (((1, 3, 8), 2), {}),
    "avg_pool2d": (((1, 3, 8, 8), (2, 3)), {"padding": ((1, 0), (0, 1))}),
    "avg_pool3d": (((1, 3, 8, 8, 8), (2, 2, 2)), {}),
}


def test_every_function_with_a_backend_is_here():
    import inspect

    def chooses(name):
        thing = getattr(fastconv, name)
        if not callable(thing) or isinstance(thing, type) or name.startswith("plan"):
            return False
        parameters = inspect.signature(thing).parameters
        return "backend" in parameters and "input_shape" not in parameters

    assert set(EXPLAINED) == {n for n in fastconv.__all__ if chooses(n)}


def as_arrays(name):
    """The arguments of EXPLAINED with arrays in the place of shapes."""
    arguments, keywords = EXPLAINED[name]
    count = {"pool": 1, "separable": 3, "deform": 3}
    arrays = next((n for word, n in count.items() if word in name), 2)
    make = [np.ones(a, np.float32) if i < arrays else a for i, a in enumerate(arguments)]
    if name == "conv1d":
        make[2] = np.ones(2, np.float32)
    words = {n: np.ones(v, np.float32) if n in ("bias", "mask", "state") else v
             for n, v in keywords.items()}  # fmt: skip
    return make, words


def check(e, dtype="float32"):
    assert e.backend in fastconv.backends()
    assert isinstance(e.workspace_bytes, int)
    assert "lowest predicted cost" in e.reason
    assert sorted(c.name for c in e.candidates) == sorted(fastconv.backends())
    assert [c.cost for c in e.candidates] == sorted(c.cost for c in e.candidates)
    assert e.candidates[0].name == e.backend
    text = str(e)
    for c in e.candidates:
        assert c.reason
        assert (0 < c.cost < np.inf) if c.ok else c.cost == np.inf
        (line,) = re.findall(rf"^ +{c.name} .*$", text, re.M)
        assert c.reason in line
        assert ("predicted" in line) == c.ok
    for word in (e.backend, dtype, "multiply-adds", "workspace"):
        assert word in text
    assert text in repr(e)


@pytest.mark.parametrize("name", EXPLAINED)
def test_explain_by_callable_name_shapes_and_arrays(name):
    arguments, keywords = EXPLAINED[name]
    function = getattr(fastconv, name)
    e = fastconv.explain(function, *arguments, **keywords)
    check(e)
    wanted = str(e)
    assert str(fastconv.explain(name, *arguments, **keywords)) == wanted
    arrays, words = as_arrays(name)
    assert str(fastconv.explain(function, *arrays, **words)) == wanted
    check(fastconv.explain(name, *arguments, **keywords, dtype=np.float64), "float64")
    function(*arrays, **words)  # and computes again afterwards


@pytest.mark.parametrize("name", EXPLAINED)
def test_explain_a_backend_that_was_asked_for(name):
    arguments, keywords = EXPLAINED[name]
    e = fastconv.explain(name, *arguments, **keywords, backend="reference")
    assert e.backend == "reference"
    assert "asked for" in e.reason
    with pytest.raises(ValueError, match="'fastest'"):
        fastconv.explain(name, *arguments, **keywords, backend="fastest")


def test_explain_without_a_function_means_conv():
    wanted = str(fastconv.explain("conv2d", (1, 4, 9, 9), (2, 4, 3, 3), stride=2))
    x, w = np.ones((1, 4, 9, 9), np.float32), np.ones((2, 4, 3, 3), np.float32)
    assert str(fastconv.explain((1, 4, 9, 9), (2, 4, 3, 3), stride=2)) == wanted
    assert str(fastconv.explain(x, w, stride=2)) == wanted
    assert str(fastconv.explain(x, w.shape, stride=2)) == wanted


def test_explain_tells_what_runs():
    x, w = np.ones((1, 16, 20, 20), np.float32), np.ones((16, 16, 3, 3), np.float32)
    p = fastconv.plan(w, input_shape=x.shape)
    e = fastconv.explain(fastconv.conv2d, x, w)
    mine = p.explain()
    assert (mine.backend, mine.reason) == (e.backend, e.reason) == (p.backend, e.reason)
    # the plan's weights are transformed already, which no other difference stands beside
    differ = {a.name for a, b in zip(sorted(mine.candidates), sorted(e.candidates), strict=True) if a != b}
    assert differ <= {"winograd", "fft", "oa"}
    assert e.workspace_bytes == p.workspace_bytes
    y = fastconv.conv2d(x, w, backend=e.backend)
    assert fastconv.conv2d(x, w).tobytes() == y.tobytes()


def test_explain_small_signals():
    for a, v in ((np.ones(5), np.ones(3)), (np.ones(9, "f4"), np.ones(9, "f4")), ([1.0, 2.0], [1.0])):
        for mode in ("full", "same", "valid"):
            e = fastconv.explain(fastconv.convolve, a, v, mode)
            assert e.backend == fastconv.explain("correlate", a, v, mode=mode).backend
            assert (e.candidates[0].ok, e.candidates[0].name) == (True, e.backend)
    with pytest.raises(ValueError, match="mode"):
        fastconv.explain("convolve", (5,), (3,), "sideways")


def test_explain_computes_and_allocates_nothing():
    huge, many = (1, 2, 10**6, 10**6), 10**6
    tracemalloc.start()
    try:
        for name, *arguments in (("conv2d", huge, (2, 2, 3, 3)), ("max_pool2d", huge, (3, 3)),
                                 ("avg_pool2d", huge, 3), ("depthwise_conv2d", huge, (2, 1, 3, 3))):  # fmt: skip
            fastconv.explain(name, *arguments, stride=1000)
        fastconv.explain("convolve", (many * 100,), (1000,))
        fastconv.explain("causal_conv1d", (1, 2, many), (2, 1, 4))
        assert tracemalloc.get_traced_memory()[1] < 10**6
    finally:
        tracemalloc.stop()
    x = np.ones((1, 1, 9), np.float32)
    out = np.full((1, 1, 7), 5, np.float32)
    fastconv.explain("conv1d", x, np.ones((1, 1, 3), np.float32), out=out)
    assert (out == 5).all()


def test_explain_raises_what_the_call_raises():
    for error, arguments, keywords in (
        (ValueError, ("conv2d", (1, 4, 9, 9), (2, 3, 3, 3)), {}),
        (ValueError, ("conv2d", (1, 4, 9, 9), (2, 4, 3, 3)), {"padding": "sideways"}),
        (ValueError, ("conv2d", (1, -4, 9, 9), (2, 4, 3, 3)), {}),
        (ValueError, ("no_such_function", (3,), (2,)), {}),
        (ValueError, ("convolve2d_full", (3,), (2,)), {}),
        (TypeError, ("conv2d", (1, 4, 9, 9)), {}),
        (TypeError, ("conv2d", (1, 4, 9, 9), (2, 4, 3, 3)), {"strides": 2}),
        (TypeError, ("conv2d", "abc", (2, 4, 3, 3)), {}),
        (TypeError, ("output_shape", (1, 4, 9, 9), (2, 4, 3, 3)), {}),
        (TypeError, (len, (3, 3)), {}),
        (fastconv.BackendNotSupportedError, ("conv1d", (1, 1, 9), (1, 1, 3)),
         {"backend": "im2col", "dtype": np.int32}),
    ):  # fmt: skip
        with pytest.raises(error):
            fastconv.explain(*arguments, **keywords)
    assert_equal(fastconv.conv1d(np.ones((1, 1, 3)), np.ones((1, 1, 3))), [[[3.0]]])


def test_explaining_in_one_thread_leaves_others_alone():
    def compute(seed):
        for n in range(seed, seed + 150):
            a = np.ones(n % 50 + 3)
            assert (fastconv.conv1d(a[None], np.ones((1, 1, 3))) == 3).all()
            assert (fastconv.convolve(a, np.ones(3), "valid") == 3).all()

    def explain(seed):
        for n in range(seed, seed + 150):
            assert fastconv.explain("conv1d", (1, n % 50 + 3), (1, 1, 3)).candidates
            assert fastconv.explain("convolve", (n % 50 + 3,), (3,), "valid").candidates

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            work = [pool.submit(f, seed) for seed in (0, 20) for f in (compute, explain)]
        for one in work:
            one.result()
    finally:
        sys.setswitchinterval(before)


# -- backends, show_config ------------------------------------------------------------------------


def test_backends():
    names = fastconv.backends()
    assert isinstance(names, tuple)
    assert len(set(names)) == len(names)
    assert {"direct", "im2col", "reference"} <= set(names)
    x, w = np.ones((1, 2, 5, 5), np.float32), np.ones((3, 2, 3, 3), np.float32)
    for name in GENERAL:
        assert_equal(fastconv.conv2d(x, w, backend=name), np.full((1, 3, 3, 3), 18))


def test_show_config(capsys):
    info = fastconv.show_config(mode="dicts")
    assert capsys.readouterr() == ("", "")
    assert info["fastconv"] == fastconv.__version__
    assert info["numpy"] == np.__version__
    assert info["isa"] == cpu.isa
    assert info["threads"] == fastconv.get_num_threads()
    assert info["backends"] == ", ".join(fastconv.backends())
    for name in ("scipy", "python", "compiler", "openmp", "blas", "machine", "isas available"):
        assert info[name]
        assert isinstance(info[name], str)
    assert fastconv.show_config() is None
    out, err = capsys.readouterr()
    assert err == ""
    lines = dict(re.split("  +", line, maxsplit=1) for line in out.splitlines())
    assert lines == {name: str(value) for name, value in info.items()}
    for bad, error in (("xml", ValueError), (5, TypeError), (None, ValueError)):
        with pytest.raises(error, match="mode"):
            fastconv.show_config(mode=bad)


# -- threads --------------------------------------------------------------------------------------


@pytest.fixture
def threads():
    """Puts the number of threads back."""
    before = fastconv.get_num_threads()
    yield before
    fastconv.set_num_threads(before)


def test_set_and_get(threads):
    for n in (1, 3, np.int64(2), 4096):
        fastconv.set_num_threads(n)
        assert fastconv.get_num_threads() == n
        assert type(fastconv.get_num_threads()) is int
    for bad, error in ((0, ValueError), (-1, ValueError), (4097, ValueError), (2**31, ValueError),
                       (2**70, ValueError), (1.0, TypeError), ("2", TypeError), (None, TypeError)):  # fmt: skip
        with pytest.raises(error, match=r"n must be|n="):
            fastconv.set_num_threads(bad)
        with pytest.raises(error, match=r"n must be|n="), fastconv.num_threads(bad):
            raise AssertionError("entered")
        assert fastconv.get_num_threads() == 4096


def test_the_context_manager(threads):
    fastconv.set_num_threads(5)
    with fastconv.num_threads(2):
        assert fastconv.get_num_threads() == 2
        with fastconv.num_threads(7):
            assert fastconv.get_num_threads() == 7
            fastconv.set_num_threads(6)
            assert fastconv.get_num_threads() == 7
        assert fastconv.get_num_threads() == 2
        with pytest.raises(ZeroDivisionError), fastconv.num_threads(3):
            raise ZeroDivisionError
        assert fastconv.get_num_threads() == 2
    assert fastconv.get_num_threads() == 6

    @fastconv.num_threads(4)
    def inside():
        return fastconv.get_num_threads()

    assert (inside(), inside(), fastconv.get_num_threads()) == (4, 4, 6)


def test_the_context_manager_is_of_one_thread_and_task(threads):
    fastconv.set_num_threads(5)
    seen = []
    with fastconv.num_threads(2):
        thread = threading.Thread(target=lambda: seen.append(fastconv.get_num_threads()),
                                  **({"context": contextvars.Context()} if sys.version_info >= (3, 14)
                                     else {}))  # fmt: skip
        thread.start()
        thread.join()
    assert seen == [5]

    async def task(n):
        with fastconv.num_threads(n):
            await asyncio.sleep(0)
            found = fastconv.get_num_threads()
            await asyncio.sleep(0)
            return found, fastconv.get_num_threads()

    async def main():
        return await asyncio.gather(*map(task, (1, 2, 3)))

    assert asyncio.run(main()) == [(1, 1), (2, 2), (3, 3)]
    assert fastconv.get_num_threads() == 5


@pytest.mark.parametrize("backend", GENERAL)
def test_results_do_not_depend_on_threads(threads, backend):
    rng = np.random.default_rng(3)
    x, w = (rng.standard_normal(s).astype(np.float32) for s in ((2, 16, 40, 41), (16, 16, 3, 3)))
    wanted = None
    for n in (1, 2, 3, 8, 65):
        with fastconv.num_threads(n):
            y = (fastconv.conv2d(x, w, padding=1, backend=backend).tobytes(),
                 fastconv.conv_transpose2d(x, w, stride=2, backend=backend).tobytes())  # fmt: skip
        assert y == (wanted or y)
        wanted = y


COUNT = """if True:
    import numpy as np, fastconv
    print(fastconv.get_num_threads())
    x, w = np.ones((1, 16, 80, 80), np.float32), np.ones((16, 16, 3, 3), np.float32)
    assert np.allclose(fastconv.conv2d(x, w), 144)
"""


@pytest.mark.parametrize(
    ("mine", "omp", "wanted"),
    [("3", None, 3), (" 3 ", None, 3), (None, "2", 2), (None, "2,4", 2), ("3", "2", 3), ("", "2", 2),
     ("1", None, 1), ("007", None, 7)],
)  # fmt: skip
def test_thread_count_of_the_environment(mine, omp, wanted):
    given = {"FASTCONV_NUM_THREADS": mine, "OMP_NUM_THREADS": omp}
    assert said(COUNT, **{n: v for n, v in given.items() if v is not None}) == str(wanted)


NO_COUNTS = ["0", "-1", "abc", "4097", "2147483648", "²", ",", "2.5", "1e3", "100000", "9" * 19, "9" * 30, "9" * 5000,
             "\N{FULLWIDTH DIGIT TWO}", "\N{ARABIC-INDIC DIGIT THREE}", "１２", "0x4", "2 3", "1_000",
             "\N{VULGAR FRACTION ONE HALF}"]  # fmt: skip


# both are read by one function: each way to be wrong once is enough for the second
@pytest.mark.parametrize(
    ("name", "value"),
    [("FASTCONV_NUM_THREADS", v) for v in NO_COUNTS] + [("OMP_NUM_THREADS", v) for v in NO_COUNTS[:7]],
    ids=lambda v: ascii(v[:20]),
)
def test_thread_counts_that_cannot_be(name, value):
    """A clear error, or a count that works; never a crash."""
    run = python(COUNT, **{name: value})
    if run.returncode:
        last = run.stderr.strip().splitlines()[-1]
        assert run.returncode == 1, run.stderr
        assert last.startswith("ValueError")
        assert name in last
    else:
        assert 1 <= int(run.stdout) <= 4096


# -- other variables ------------------------------------------------------------------------------

NOISY = """if True:
    import numpy as np, fastconv
    {}
    print("done")
"""


CALLS = ["fastconv.conv2d(np.ones((1, 2, 9, 9)), np.ones((3, 2, 3, 3)))",
         "fastconv.convolve(np.ones(9), np.ones(3))", "fastconv.correlate(np.ones(9, 'f4'), np.ones(3, 'f4'))",
         "fastconv.convolve(np.ones((9, 9)), np.ones((3, 3)), 'same')",
         "fastconv.max_pool2d(np.ones((1, 2, 9, 9)), (2, 2))", "fastconv.avg_pool1d(np.ones((2, 9)), 2)",
         "fastconv.causal_conv1d(np.ones((2, 9)), np.ones((2, 3)))",
         "fastconv.plan(np.ones((1, 1, 3)), input_shape=(1, 1, 9))",
         "fastconv.deform_conv1d(np.ones((1, 1, 3)), np.ones((1, 1, 3)), np.ones((1, 1, 1)))"]  # fmt: skip


@pytest.mark.parametrize("call", CALLS, ids=lambda c: c.split("(")[0].split(".")[1])
def test_verbose(call):
    run = python(NOISY.format(call), FASTCONV_VERBOSE="1")
    assert (run.returncode, run.stdout.strip()) == (0, "done"), run.stderr
    lines = run.stderr.splitlines()
    assert lines
    assert all(line.startswith("fastconv: ") for line in lines), run.stderr
    assert any(name in lines[0] for name in fastconv.backends())


@pytest.mark.parametrize("words", [{}, {"FASTCONV_VERBOSE": ""}, {"FASTCONV_VERBOSE": "0"}], ids=repr)
def test_quiet(words):
    assert said(NOISY.format("\n    ".join(CALLS)), **words) == "done"


def test_isa_of_the_environment():
    code = ("import numpy as np, fastconv; print(fastconv.show_config('dicts')['isa']);"
            "assert (fastconv.convolve(np.ones(99), np.ones(9), 'valid') == 9).all()")  # fmt: skip
    for isa in cpu.available_isas():
        assert said(code, FASTCONV_ISA=isa) == isa
        assert said(code, FASTCONV_ISA=f" {isa.upper()} ") == isa
    run = python(code, FASTCONV_ISA="mmx")
    last = run.stderr.strip().splitlines()[-1]
    assert last.startswith("ValueError: FASTCONV_ISA='mmx'")
    assert "baseline" in last


# -- imports --------------------------------------------------------------------------------------


def test_import_brings_no_optional_library():
    code = f"""if True:
        import sys
        before = set(sys.modules)
        import fastconv
        names = {OPTIONAL!r}
        print([n for n in names if n in sys.modules and n not in before])
        import numpy as np
        fastconv.conv2d(np.ones((1, 1, 5, 5)), np.ones((1, 1, 3, 3)), backend="direct")
        fastconv.convolve(np.ones(5), np.ones(3))
        fastconv.max_pool2d(np.ones((1, 1, 5, 5)), 2)
        print([n for n in names if n in sys.modules and n not in before and n != "scipy.linalg"])
    """
    assert said(code) == "[]\n[]"


@pytest.mark.parametrize("options", [("-OO",), ("-O",), ("-W", "error", "-bb"), ("-X", "dev"), ("-I",)])
def test_import_under_options(options):
    code = ("import fastconv; from fastconv import *; import fastconv.geometry;"
            "print(fastconv.convolve([1, 2], [3, 4]).tolist(), bool(fastconv.conv2d.__doc__))")  # fmt: skip
    assert said(code, *options) == f"[3, 10, 8] {'-OO' not in options}"


def copy_sources(folder, compiled=False):
    """fastconv/*.py below folder, with the compiled modules where asked."""
    ignore = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd", "*.c", "*.h", "*.inc")
    shutil.copytree(SOURCES, folder / "fastconv", ignore=ignore)
    if compiled:
        built = Path(cpu.__file__).parent
        for library in [p for p in built.iterdir() if p.suffix in (".so", ".pyd")]:
            shutil.copy(library, folder / "fastconv" / "_core")
    return folder


def linked_libraries(folder):
    """A folder with NumPy and SciPy alone: where they are installed, fastconv may be installed too."""
    folder.mkdir()
    for library in (np, scipy):
        place = Path(library.__file__).parent
        for path in place.parent.glob(f"{place.name}*"):
            (folder / path.name).symlink_to(path)
    return folder


def test_an_unbuilt_source_tree_says_so(tmp_path):
    run = python("import fastconv", "-S", cwd=copy_sources(tmp_path), path=[])
    assert run.returncode == 1
    last = run.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: fastconv is imported from its source tree")
    assert str(tmp_path) in last
    assert "pip install" in last


def test_an_unbuilt_source_tree_makes_way_for_an_installed_copy(tmp_path):
    here, there = copy_sources(tmp_path / "here"), copy_sources(tmp_path / "there", compiled=True)
    libraries = [linked_libraries(tmp_path / "libraries")]
    code = """if True:
        import fastconv, numpy, sys
        import fastconv._core.cpu, fastconv._core.direct, fastconv.geometry, fastconv.plans
        print(fastconv.conv1d(numpy.ones((1, 1, 4)), numpy.ones((1, 1, 3))).tolist())
        for name, module in sys.modules.items():
            if name.startswith("fastconv._core"):
                print(module.__file__)
    """
    for path in ([here, there, *libraries], ["", there, *libraries]):
        first, *files = said(code, "-S", cwd=here, path=path).splitlines()
        assert first == "[[[3.0, 3.0]]]"
        assert files
        assert all(Path(f).is_relative_to(there) for f in files), files
    unbuilt = copy_sources(tmp_path / "unbuilt")
    for path in ([*libraries, tmp_path], [unbuilt, *libraries]):
        run = python(code, "-S", cwd=here, path=path)
        last = run.stderr.strip().splitlines()[-1]
        assert last.startswith("ImportError: fastconv is imported from its source tree")
    assert said(code, "-S", cwd=here, path=[unbuilt, there, *libraries]).startswith("[[[3.0, 3.0]]]")


# -- command line ---------------------------------------------------------------------------------


def commands():
    """How the command line is entered: the module, and the script where it is installed."""
    script = Path(sysconfig.get_path("scripts")) / "fastconv"
    return [[sys.executable, "-m", "fastconv"], *([[str(script)]] if script.exists() else [])]


def enter(command, *arguments, cwd=None):
    return subprocess.run([*command, *arguments], cwd=cwd, text=True, capture_output=True, timeout=120,
                          check=False)  # fmt: skip


@pytest.mark.parametrize("command", commands(), ids=lambda c: Path(c[0]).name)
def test_command_line(command, tmp_path):
    for cwd in (tmp_path, SOURCES.parent, SOURCES.parent / "tests", SOURCES):
        run = enter(command, "info", cwd=cwd)
        assert (run.returncode, run.stderr) == (0, "")
        for word in (fastconv.__version__, np.__version__, "compiler", "isa", *fastconv.backends()):
            assert word in run.stdout
    for arguments in (["--help"], ["info", "--help"], ["demo", "--help"]):
        run = enter(command, *arguments, cwd=tmp_path)
        assert (run.returncode, run.stderr) == (0, "")
        assert "usage: " in run.stdout
    for arguments in ([], ["nonsense"], ["info", "--extra"]):
        run = enter(command, *arguments, cwd=tmp_path)
        assert (run.returncode, run.stdout) == (2, "")
        assert "usage: " in run.stderr
        assert "Traceback" not in run.stderr
    assert not list(tmp_path.iterdir())


def test_main_returns_its_status(capsys):
    from fastconv.__main__ import main

    assert main(["info"]) == 0
    assert fastconv.__version__ in capsys.readouterr().out
    with pytest.raises(SystemExit) as info:
        main(["nonsense"])
    assert info.value.code == 2
