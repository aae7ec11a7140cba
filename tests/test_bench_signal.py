"""``bench signal``: its cases, its table, exit codes. No timings."""

import json
import subprocess
import sys

import numpy as np
import pytest

import fastconv
from fastconv import _bench, _bench_signal
from fastconv import _bench_signal_cases as cases
from fastconv.__main__ import main as command

QUICK = ["--rounds", "1", "--seconds", "0.01"]
SMALL = ["--match", "100 * 5 "]
CHEAP = ("16 * 3 float64", "1000 * 10 float32", "64x64 * 3x3 float64")


def run(capsys, *arguments, code=0):
    """(lines of the output, of the errors) of ``bench signal`` with these arguments."""
    assert _bench.main(["signal", *QUICK, *arguments]) == code
    captured = capsys.readouterr()
    return captured.out.splitlines(), captured.err.splitlines()


def case(name):
    (found,) = [c for c in cases.CASES if c.name == name]
    return found


def test_names_and_families():
    names = [c.name for c in cases.CASES]
    assert len(set(names)) == len(names)
    assert list(dict.fromkeys(c.family for c in cases.CASES)) == list(cases.FAMILIES)
    assert cases.select(["1d"], "INT64") == [case("100000 * 63 int64")]
    assert cases.select(["rows"], "2048") == []


@pytest.mark.parametrize("name", CHEAP)
def test_peers_compute_the_same(name):
    pytest.importorskip("cv2")
    call, peers = case(name).make()
    results = {n: f() for n, f in peers.items()}
    results["fastconv"] = call.find()(*call.arguments, **call.keywords)
    difference, wrong = _bench_signal.disagreement(results, 1e-5)
    assert not wrong and difference < 1e-5


@pytest.mark.parametrize("chosen", [c for c in cases.CASES if c.family in ("ndimage", "filter")],
                         ids=lambda c: c.name)  # fmt: skip
def test_opencv_computes_the_same(chosen):
    """Away from the borders, where it does not always do what SciPy does, and in the mean."""
    pytest.importorskip("cv2")
    _, peers = chosen.make()
    others = [f for name, f in peers.items() if name.startswith("cv2")]
    if others:
        ours, theirs = (f()[100:-100, 100:-100] for f in (peers["scipy"], others[0]))
        assert np.abs(ours - theirs).max() < 1e-3 * np.abs(ours).max()


def test_table(capsys, tmp_path):
    file = tmp_path / "numbers.json"
    lines, errors = run(capsys, "--match", "1000 * 10 ", "--threads", "1", "--json", str(file))
    assert errors == [] and lines[0].startswith(f"fastconv {fastconv.__version__}")
    assert f"SciPy {_bench_signal.scipy.__version__}" in lines[0] and lines[0].endswith("threads: 1")
    rule = next(i for i, line in enumerate(lines) if line.startswith("---"))
    assert lines[rule + 1] == "1d: one signal, one filter"
    assert [line.split("  ")[1] for line in lines[rule + 2 : rule + 4]] == [
        "1000 * 10 float64", "1000 * 10 float32"]  # fmt: skip
    assert lines[rule + 4].startswith("  geomean of 2 cases") and lines[rule + 5].startswith("  worst")
    widths = {len(line) for line in lines[rule + 2 : rule + 5]}
    assert len(widths) == 1, "the columns are not aligned"
    content = json.loads(file.read_text())
    assert content["options"] == {"threads": 1, "rounds": 1, "seconds": 0.01}
    first, second = content["cases"]
    assert first["backend"] in fastconv.backends() and first["difference"] < 1e-14
    assert set(first["seconds"]) == {"oaconvolve", "fftconvolve", "np.convolve", "fastconv"}
    ratios = [min(t for n, t in c["seconds"].items() if n != "fastconv") / c["seconds"]["fastconv"]
              for c in (first, second)]  # fmt: skip
    family = content["families"]["1d"]
    assert family["best"] == family["scipy"]  # there is no cv2 among them
    assert family["best"]["worst"] == pytest.approx(min(ratios))
    assert family["best"]["geomean"] == pytest.approx(np.sqrt(ratios[0] * ratios[1]))


def test_opencv_counts_as_a_peer_but_not_as_scipy():
    row = _bench_signal.Row(case(CHEAP[0]), seconds={"cv2.x": 1.0, "scipy": 3.0, "fastconv": 2.0})
    assert (row.ratio("best", "fastconv"), row.ratio("scipy", "fastconv")) == (0.5, 1.5)
    assert row.best() == ("cv2.x", 1.0) and row.best(scipy_only=True) == ("scipy", 3.0)


def test_without_peers(capsys, tmp_path):
    file = tmp_path / "numbers.json"
    lines, _ = run(capsys, *SMALL, "--no-peers", "--json", str(file))
    assert "SciPy" not in lines[0] and not any("geomean" in line for line in lines)
    content = json.loads(file.read_text())
    assert set(content["cases"][0]["seconds"]) == {"fastconv"} and content["families"] == {}


def test_without_opencv(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    lines, _ = run(capsys, "--match", "64x64 * 3x3")
    assert lines[1] == "OpenCV is not measured: it is not installed"
    assert "cv2" not in case("64x64 * 3x3 float64").make()[1]


def test_what_this_version_lacks_is_left_out(capsys, monkeypatch):
    lacking = cases.Case("1d", "a case", lambda: (cases.Call("fastconv.nothing.at_all", ()), {}))
    monkeypatch.setattr(cases, "CASES", (lacking, case(CHEAP[0])))
    lines, _ = run(capsys)
    assert any("a case " in x and "left out: fastconv.nothing.at_all is not in this version" in x
               for x in lines)  # fmt: skip
    assert lines[-1] == "left out: 1 case" and any("geomean of 1 case " in x for x in lines)


@pytest.mark.parametrize("damage, word", [
    (lambda y: y + 1, "fastconv differs from oaconvolve by"),
    (lambda y: y * np.nan, "fastconv differs from oaconvolve by nan"),
    (lambda y: y[1:], "fastconv has shape"),
])  # fmt: skip
def test_wrong_result_is_code_1(capsys, monkeypatch, damage, word):
    real = fastconv.convolve
    monkeypatch.setattr(_bench_signal.fastconv, "explain", lambda *_, **__: pytest)
    monkeypatch.setattr(pytest, "backend", "some", raising=False)
    monkeypatch.setattr(fastconv, "convolve", lambda *a, **k: damage(real(*a, **k)))
    lines, _ = run(capsys, *SMALL, code=1)
    assert any(f"WRONG: {word}" in line for line in lines)
    assert lines[-1] == "WRONG: 1 of 1 case: 100 * 5 float64"


def test_integers_are_exact(monkeypatch):
    chosen = case("100000 * 63 int64")
    _, peers = chosen.make()
    right = peers["np.convolve"]()
    assert next(iter(peers)) == "np.convolve"
    off = {"np.convolve": lambda: right, "fastconv": lambda: right + (np.arange(len(right)) == 7)}
    assert _bench_signal.compare(chosen, off)[1]


def test_list(capsys):
    assert command(["bench", "signal", "--list", "--family", "1d", "--family", "rows"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "1d: one signal, one filter" and "  100 * 5 float64" in lines
    assert len(lines) == 2 + len(cases.select(["1d", "rows"]))


def test_nothing_to_measure(capsys, tmp_path):
    lines, errors = run(capsys, "--match", "no such", "--family", "1d", code=2)
    assert lines == [] and errors == ["fastconv bench: no case of 1d has 'no such' in its name; "
                                      "--list shows all"]  # fmt: skip
    _, errors = run(capsys, *SMALL, "--json", str(tmp_path), code=2)
    assert errors[0].startswith(f"fastconv bench: cannot write {tmp_path}: ")


def test_threads_are_put_back():
    cv2 = pytest.importorskip("cv2")
    before = cv2.getNumThreads(), fastconv.get_num_threads()
    with _bench_signal.all_with(3):
        assert (cv2.getNumThreads(), fastconv.get_num_threads()) == (3, 3)
    assert (cv2.getNumThreads(), fastconv.get_num_threads()) == before


def test_opencv_is_imported_by_the_command_only():
    code = "import sys, fastconv.__main__, fastconv._bench; print('cv2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
