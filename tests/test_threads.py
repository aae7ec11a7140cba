"""Threads: equal bits, callers side by side, fork, the interpreter left free, Ctrl-C, instruction sets."""

import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from problems import GENERAL
from test_backends import BACKENDS, computes
from test_numbers import bits, numbers

import fastconv
from fastconv._core import cpu

assert_equal = np.testing.assert_array_equal


@pytest.fixture
def rng():
    return np.random.default_rng(40)


@pytest.fixture(autouse=True)
def keep_threads():
    before = fastconv.get_num_threads()
    yield
    fastconv.set_num_threads(before)


# -- the same bits for every number of threads; threads begin at 1e6 multiply-adds ------------------------

LARGE = {  # function: shapes of the operands, keywords
    "conv1d": (((2, 24, 3000), (40, 24, 5)), {"padding": 2}),
    "conv2d": (((2, 32, 30, 33), (48, 32, 3, 3)), {"padding": 1, "activation": None}),
    "conv3d": (((1, 8, 9, 20, 21), (20, 8, 3, 3, 3)), {"padding": "same"}),
    "depthwise_conv2d": (((2, 50, 70, 71), (50, 1, 5, 5)), {"padding": 2}),
    "pointwise_conv": (((2, 64, 40, 41), (65, 64)), {}),
    "separable_conv2d": (((1, 40, 60, 61), (40, 1, 5, 5), (70, 40)), {"padding": 2}),
    "conv_transpose2d": (((2, 32, 20, 21), (32, 33, 3, 3)), {"stride": 2}),
    "resize_conv2d": (((1, 16, 30, 31), (17, 16, 3, 3)), {"scale": 2, "padding": 1}),
    "convolve": (((9000,), (900,)), {"mode": "same"}),
    "correlate": (((400, 401), (7, 9)), {"boundary": "symm"}),
}


def for_each_count(run):
    """The results with 1, 2, 3 and 8 threads."""
    results = []
    for n in (1, 2, 3, 8):
        with fastconv.num_threads(n):
            results.append(run())
    fastconv.set_num_threads(5)
    results.append(run())
    return results


def assert_same_bits(results):
    for y in results[1:]:
        assert_equal(bits(y), bits(results[0]))


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "f2", "F"])
@pytest.mark.parametrize("function", LARGE)
@pytest.mark.parametrize("backend", [b for b in BACKENDS if b != "reference"])
def test_bits_do_not_depend_on_threads(backend, function, dtype, rng):
    if computes(backend, np.dtype(dtype)) is False:
        return
    shapes, keywords = LARGE[function]
    operands = [numbers(rng, s, dtype) for s in shapes]
    call = getattr(fastconv, function)
    assert_same_bits(for_each_count(lambda: call(*operands, backend=backend, **keywords)))
    if "conv2d" in function and dtype in ("f4", "i4"):
        operands[0] = np.moveaxis(operands[0], 1, -1).copy()
        keywords = {**keywords, "layout": "channels_last", "activation": "relu"}
        assert_same_bits(for_each_count(lambda: call(*operands, backend=backend, **keywords)))


@pytest.mark.parametrize("dtype", ["g", "G", "D", "u1", "i8", "?"])
def test_bits_do_not_depend_on_threads_for_rarer_dtypes(dtype, rng):
    for function, shapes in {"conv2d": ((1, 24, 16, 17), (48, 24, 3, 3)), "convolve": ((9000,), (600,)),
                             "conv_transpose2d": ((1, 32, 9, 10), (32, 48, 3, 3))}.items():  # fmt: skip
        operands = [numbers(rng, s, dtype) for s in shapes]
        assert_same_bits(for_each_count(lambda f=function, o=operands: getattr(fastconv, f)(*o)))


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "F"])
def test_bits_of_deformable_and_pooled_do_not_depend_on_threads(dtype, rng):
    x, w = numbers(rng, (2, 16, 40, 41), dtype), numbers(rng, (24, 16, 3, 3), dtype)
    offset = rng.uniform(-3, 3, (2, 18, 38, 39)).astype(np.dtype(dtype).type(0).real.dtype)
    for backend in ("direct", "auto"):
        assert_same_bits(for_each_count(lambda b=backend: fastconv.deform_conv2d(x, offset, w, backend=b)))
    x = numbers(rng, (8, 9, 90, 95), dtype)
    functions = ["avg_pool2d"] if dtype == "F" else ["avg_pool2d", "max_pool2d"]
    for function in functions:
        call = getattr(fastconv, function)
        assert_same_bits(for_each_count(lambda c=call: c(x, 4, stride=1, padding=2)))
    x, w = numbers(rng, (2, 90, 4000), dtype), numbers(rng, (90, 1, 9), dtype)
    assert_same_bits(for_each_count(lambda: fastconv.causal_conv1d(x, w)[0]))


# -- many callers ----------------------------------------------------------------------------------------


def plans(rng):
    """Plans of every kind, each with the shapes of its inputs."""
    def conv(backend, **more):
        return fastconv.plan(numbers(rng, (17, 5, 3, 3), "f4"), numbers(rng, 17, "f4"),
                             input_shape=(2, 5, 14, 15), backend=backend, **more)  # fmt: skip

    w = numbers(rng, (5, 4, 3, 3), "f4")
    found = [(conv(b, padding=1), [(2, 5, 14, 15)]) for b in GENERAL[1:]]
    found += [(fastconv.plan(numbers(rng, (64, 32, 3, 3), "f4"), input_shape=(1, 32, 30, 30), backend=b),
               [(1, 32, 30, 30)]) for b in ("direct", "implicit", "im2col")]  # fmt: skip
    found.append((fastconv.plan_transpose(w, input_shape=(2, 5, 7, 8), stride=2), [(2, 5, 7, 8)]))
    found.append((fastconv.plan_deform(w.swapaxes(0, 1), input_shape=(1, 5, 8, 9)),
                  [(1, 5, 8, 9), (1, 18, 6, 7)]))  # fmt: skip
    found.append((fastconv.plan_convolve(numbers(rng, 50, "f4"), "same", input_shape=(700,)), [(700,)]))
    return found


def test_plans_are_shared_by_threads(rng):
    for plan, shapes in plans(rng):
        inputs = [[numbers(rng, s, "f4") for s in shapes] for _ in range(12)]
        wanted = [plan(*operands) for operands in inputs]
        other = pickle.loads(pickle.dumps(plan))  # nothing of it is warm yet

        def work(i, p=plan, q=other, inputs=inputs, wanted=wanted):
            operands, right = inputs[i % 12], wanted[i % 12]
            out = np.full(right.shape, np.nan, "f4")
            assert (q if i % 2 else p)(*operands, out=out) is out
            assert_equal(out, right)
            # operands of other strides: plans keep a bounded number of those
            part = np.zeros((*operands[0].shape, 1 + i % 23), "f4")
            part[..., 0] = operands[0]
            assert_equal(q(part[..., 0], *operands[1:]), right)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(96)))


def test_functions_are_called_by_threads(rng):
    """More shapes than the caches keep, threads of their own in some calls."""
    cases = []
    for i in range(40):
        x, w = numbers(rng, (1, 1 + i % 5, 9, 10 + i), "f4"), numbers(rng, (1 + i % 7, 1 + i % 5, 3, 2), "f4")
        cases.append((fastconv.conv2d, (x, w)))
        cases.append((fastconv.convolve, (x[0, 0], w[0, 0])))
        cases.append((fastconv.conv_transpose2d, (x, w.swapaxes(0, 1))))
    big = numbers(rng, (1, 32, 40, 40), "f4"), numbers(rng, (32, 32, 3, 3), "f4")
    cases += [(fastconv.conv2d, big)] * 3
    wanted = [f(*a) for f, a in cases]

    def work(i):
        with fastconv.num_threads(1 + i % 3):
            f, a = cases[i * 7 % len(cases)]
            assert_equal(f(*a), wanted[i * 7 % len(cases)])
            assert fastconv.get_num_threads() == 1 + i % 3

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(6 * len(cases))))


def test_num_threads_is_of_one_thread_alone():
    ready, seen = threading.Barrier(2), []

    def other():
        with fastconv.num_threads(7):
            ready.wait(30)
            seen.append(fastconv.get_num_threads())
            ready.wait(30)

    fastconv.set_num_threads(3)
    thread = threading.Thread(target=other)
    thread.start()
    ready.wait(30)
    assert fastconv.get_num_threads() == 3
    ready.wait(30)
    thread.join(30)
    assert seen == [7]


LONG = {
    "direct": lambda: fastconv.convolve(np.ones(40_000, "g"), np.ones(8_000, "g"), backend="direct"),
    "implicit": lambda: fastconv.conv2d(np.ones((1, 256, 130, 130)), np.ones((256, 256, 3, 3)),
                                        backend="implicit"),
    "deform": lambda: fastconv.deform_conv2d(np.ones((1, 128, 60, 60)), np.full((1, 98, 54, 54), 0.5),
                                             np.ones((256, 128, 7, 7))),
    "max_pool": lambda: fastconv.max_pool2d(np.ones((40, 900, 900)), (15, 15), stride=1),
}  # fmt: skip


@pytest.mark.parametrize("name", LONG)
def test_the_interpreter_is_free_during_a_call(name):
    """Turns that this thread gets while another computes for about a second: none, were it not."""
    state = {"turns": 0, "done": False, "started": threading.Event()}

    def work():
        with fastconv.num_threads(1):
            state["started"].set()
            LONG[name]()
        state["done"] = True

    thread = threading.Thread(target=work)
    thread.start()
    state["started"].wait(30)
    while not state["done"]:
        time.sleep(0.005)
        state["turns"] += 1
    thread.join()
    assert state["turns"] >= 20


# -- processes -------------------------------------------------------------------------------------------


def python(code, timeout=120, **env):
    """Run code in a fresh interpreter: (stdout, stderr, status)."""
    start = "import os, signal, sys\nimport numpy as np\n"
    done = subprocess.run([sys.executable, "-c", start + textwrap.dedent(code)], timeout=timeout,
                          capture_output=True, text=True, env={**os.environ, **env})  # fmt: skip
    return done.stdout, done.stderr, done.returncode


REST = """
    import time
    import fastconv
    fastconv.set_num_threads(3)
    x, w = np.ones((4, 32, 60, 60), "f4"), np.ones((48, 32, 3, 3), "f4")
    usable = os.sched_getaffinity(0)
    for rest in (0, 0, 0.001, 0.05, 0.05, 0.2):
        time.sleep(rest)
        assert (fastconv.conv2d(x, w, backend="direct") == 288).all()
        threads = os.listdir("/proc/self/task")
        assert len(threads) >= 3
        time.sleep(0.01)    # those that have just moved
        assert all(os.sched_getaffinity(int(t)) == usable for t in threads)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="needs Linux")
def test_threads_that_wake_after_a_rest_may_still_run_everywhere():
    out, err, status = python(REST)
    assert status == 0, out + err


FORK = """
    import fastconv
    x, w = np.ones((2, 32, 40, 40), "f4"), np.ones((48, 32, 3, 3), "f4")
    offset = np.zeros((2, 18, 38, 38), "f4")
    def compute():
        for n in (2, 4):
            with fastconv.num_threads(n):
                for backend in ("direct", "implicit", "im2col"):
                    assert (fastconv.conv2d(x, w, backend=backend) == 288).all()
                assert (fastconv.conv_transpose2d(x, w.swapaxes(0, 1))[..., 5:-5, 5:-5] == 288).all()
                assert (fastconv.deform_conv2d(x, offset, w) == 288).all()
                for backend in ("direct", "oa", "fft"):
                    sums = fastconv.convolve(np.ones(99000), np.ones(900), "valid", backend=backend)
                    assert np.allclose(sums, 900)
                assert np.allclose(fastconv.conv2d(x, w, backend="winograd"), 288)
                assert (fastconv.max_pool2d(np.ones((9, 9, 200, 200), "f4"), 5, stride=1) == 1).all()
    PARENT
    for generation in range(2):     # a child, and a child of the child
        child = os.fork()
        if child:
            break
        signal.alarm(60)
        compute()
    else:
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        os._exit(1)
    compute()
    os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("parent", ["compute()", "fastconv.convolve(np.ones(9), np.ones(3))"])
def test_a_child_after_fork_computes(parent):
    out, err, status = python(FORK.replace("PARENT", parent), FASTCONV_NUM_THREADS="4")
    assert status == 0, out + err


INTERRUPT = """
    import fastconv
    signal.signal(signal.SIGINT, signal.default_int_handler)
    fastconv.set_num_threads(THREADS)
    a = np.ones((1, 8, 64, 64), "f4")
    small = lambda: fastconv.conv2d(a, np.ones((99, 8, 5, 5), "f4"))
    assert (small() == 200).all()
    print("ready", flush=True)
    try:
        CALL
    except KeyboardInterrupt:
        assert (small() == 200).all()
        print("interrupted", flush=True)
"""
IMAGES = 'np.broadcast_to(np.ones((1, 512, 200, 200), "f4"), (16, 512, 200, 200))'
ENDLESS = {
    "float64": 'fastconv.convolve(np.ones(6_000_000), np.ones(3_000_000), backend="direct")',
    "longdouble": 'fastconv.convolve(np.ones(300_000, "g"), np.ones(100_000, "g"), backend="direct")',
    "2-D": 'fastconv.convolve(np.ones((4000, 4000), "f4"), 1 + np.eye(900, dtype="f4"), backend="direct")',
    "layer": f'fastconv.conv2d({IMAGES}, np.ones((512, 512, 7, 7), "f4"), backend="direct")',
    "implicit": f'fastconv.conv2d({IMAGES}, np.ones((512, 512, 7, 7), "f4"), backend="implicit")',
    "deform": 'fastconv.deform_conv2d(np.ones((2, 256, 160, 160), "f4"), '
              'np.zeros((2, 450, 146, 146), "f4"), np.ones((4000, 256, 15, 15), "f4"))',
    "max_pool": 'fastconv.max_pool2d(np.broadcast_to(np.ones(1), (9, 3000, 3000)), 150, stride=1)',
}  # fmt: skip


@pytest.mark.skipif(os.name != "posix", reason="needs SIGINT")
@pytest.mark.parametrize(("name", "threads"), [*((n, 2) for n in ENDLESS), ("longdouble", 1), ("layer", 1)])
def test_ctrl_c_ends_a_long_call(name, threads):
    code = INTERRUPT.replace("THREADS", str(threads)).replace("CALL", ENDLESS[name])
    code = "import signal\nimport numpy as np\n" + textwrap.dedent(code)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as child:  # fmt: skip
        try:
            assert child.stdout.readline() == "ready\n", child.stderr.read()
            time.sleep(1)
            assert child.poll() is None, "the call was over too soon"
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=15)  # a call would run for minutes
        finally:
            child.kill()
    assert out == "interrupted\n", err
    assert child.returncode == 0


# -- instruction sets -------------------------------------------------------------------------------------

CHECK = """
    import fastconv
    from fastconv._core import cpu
    assert cpu.isa == fastconv.show_config(mode="dicts")["isa"] == "WANTED"
    rng = np.random.default_rng(0)
    def whole(shape, dtype):
        return rng.integers(0 if dtype in "?Bu2" else -3, 2 if dtype == "?" else 4, shape).astype(dtype)
    for dtype in "?bBhHiIlLefdgFDG":
        for c, k, size in ((1, 1, 67), (3, 7, 33), (5, 40, 18)):
            x, w = whole((2, c, 9, size), dtype), whole((k, c, 3, 2), dtype)
            wanted = fastconv.conv2d(x, w, padding=1, backend="reference")
            for backend in ("auto", "direct", "implicit", "im2col"):
                try:
                    y = fastconv.conv2d(x, w, padding=1, backend=backend)
                except fastconv.BackendNotSupportedError:
                    assert backend in ("implicit", "im2col")
                    continue
                assert (y == wanted).all(), (dtype, backend, c, k)
            last = fastconv.conv2d(x.transpose(0, 2, 3, 1).copy(), w, padding=1, layout="channels_last")
            assert (last.transpose(0, 3, 1, 2) == wanted).all(), (dtype, c, k)
        x, w = whole((3, 20, 70), dtype), whole((3, 1, 3, 5), dtype)
        assert (fastconv.depthwise_conv2d(x, w) == fastconv.depthwise_conv2d(x, w, backend="reference")).all()
        if dtype not in "FDG":
            y = fastconv.max_pool2d(x, 3, stride=1)
            assert (y == fastconv.max_pool2d(x, 3, stride=1, backend="reference")).all()
    print("right")
"""


@pytest.mark.parametrize("isa", cpu.available_isas())
def test_every_instruction_set_computes(isa):
    out, err, status = python(CHECK.replace("WANTED", isa), FASTCONV_ISA=f" {isa.upper()} ")
    assert (out, status) == ("right\n", 0), err


@pytest.mark.parametrize("isa", ["sse9", "avx1024", "avx2,avx512", "0"])
def test_an_unknown_instruction_set_is_an_error(isa):
    _, err, status = python("import fastconv", FASTCONV_ISA=isa)
    assert status != 0
    last = err.strip().splitlines()[-1]
    assert "FASTCONV_ISA" in last and isa in last
    assert all(name in last for name in cpu.available_isas())


@pytest.mark.parametrize(("fastconv_threads", "omp_threads", "wanted"),
                         [("3", "5", "3"), ("", "5,2", "5"), ("x", "6", "6"), ("0", "4", "4")])  # fmt: skip
def test_threads_from_the_environment(fastconv_threads, omp_threads, wanted):
    out, err, status = python("import fastconv; print(fastconv.get_num_threads())",
                              FASTCONV_NUM_THREADS=fastconv_threads, OMP_NUM_THREADS=omp_threads)  # fmt: skip
    assert (out.strip(), status) == (wanted, 0), err
