"""The benchmark command: the table of layers, what it prints and writes, exit codes. No timings."""

import json
import math
import re
import subprocess
import sys

import numpy as np
import pytest

import fastconv
from fastconv import _bench, _bench_layers, _bench_peers, _bench_shapes, _bench_table, _bench_timing
from fastconv.__main__ import main as command

QUICK = ["--rounds", "1", "--seconds", "0.01"]
SMALL = ["--match", "3x3 960@7"]  # one depthwise layer


@pytest.fixture(autouse=True)
def small_copy(monkeypatch):
    """What is copied to measure the bandwidth need not be large here."""
    monkeypatch.setattr(_bench_timing, "COPY_BYTES", 1 << 18)


def run(capsys, *arguments, code=0):
    """(lines of the output, of the errors) of ``bench layers`` with these arguments."""
    assert _bench.main(["layers", *QUICK, *arguments]) == code
    captured = capsys.readouterr()
    return captured.out.splitlines(), captured.err.splitlines()


def rows_of(lines):
    """The lines of the table that are layers."""
    rule = next(i for i, line in enumerate(lines) if line.startswith("---"))
    return [x for x in lines[rule + 1 :] if re.match(r"  \S.*\b(fma|copy|WRONG)\b", x)]


# -- the layers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("network, gflop, convolutions", [
    ("AlexNet", 1.332, 5), ("VGG-16", 30.69, 13), ("ResNet-50", 8.174, 53), ("MobileNet-v1", 1.135, 27),
])  # fmt: skip
def test_whole_networks(network, gflop, convolutions):
    """The published work of a network is that of its layers, each as often as it occurs."""
    layers = [x for x in _bench_shapes.LAYERS if x.network == network]
    work = sum(x.count * fastconv.conv_cost(x.x, x.w, **x.keywords).flops for x in layers)
    assert work / 1e9 == pytest.approx(gflop, rel=1e-3)
    assert sum(x.count for x in layers) == convolutions
    assert network in _bench_shapes.WHOLE


@pytest.mark.parametrize("layer", _bench_shapes.LAYERS, ids=lambda x: x.title)
def test_layers_are_possible(layer):
    shape = fastconv.transpose_output_shape if layer.transposed else fastconv.output_shape
    assert min(shape(layer.x, layer.w, **layer.keywords)) > 0
    assert getattr(fastconv, layer.function)
    grouped = layer.keywords.get("groups", 1) > 1
    assert layer.family != "depthwise" or layer.w[1] == 1
    assert grouped == (layer.family in ("grouped", "depthwise")) or layer.family in ("first", "1d", "3d")


def test_every_layer_is_in_the_table_once():
    titles = [layer.title for layer in _bench_shapes.LAYERS]
    assert len(set(titles)) == len(titles) == len(_bench_shapes.ALL)
    assert {layer.family for layer in _bench_shapes.LAYERS} == set(_bench_shapes.FAMILIES)


def test_selection():
    assert len(_bench_shapes.select()) == len(_bench_shapes.LAYERS)
    assert {x.family for x in _bench_shapes.select(["1d", "image"])} == {"1d", "image"}
    found = _bench_shapes.select(match="resnet-50 3X3/2")
    assert [x.name for x in found] == ["3x3/2 128@56", "3x3/2 256@28", "3x3/2 512@14"]
    assert _bench_shapes.select(["1x1"], "AlexNet") == []


# -- timing ----------------------------------------------------------------------------------------


def test_race_takes_turns():
    calls = []
    functions = {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}
    best = _bench_timing.race(functions, 2, 1e-4)
    assert 0 < best["a"] < 1 and 0 < best["b"] < 1
    turns = [x for i, x in enumerate(calls) if i == 0 or calls[i - 1] != x]
    assert turns == ["a", "b", "a", "b", "a"]  # the first of each untimed; backwards the second time


def test_geometric_mean():
    assert _bench_timing.geomean([1, 8, 27]) == pytest.approx(6)
    assert math.isnan(_bench_timing.geomean([]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("threads", [1, 3])
def test_limits_of_the_machine(dtype, threads):
    with _bench_timing.Machine(dtype, threads) as machine:
        assert f"F{8 * np.dtype(dtype).itemsize}_tap" in machine.peak.microkernel
        assert machine.flops > 0 and machine.bytes > 0 and machine.ridge > 0
        assert machine.flops_per_second(1) == threads * machine.peak.flops
        source = machine.copy._pairs[-1][1]
        source[:] = 7
        machine.copy()
        assert (machine.copy._pairs[-1][0] == 7).all()


# -- the command -----------------------------------------------------------------------------------


def test_without_peers(capsys, tmp_path):
    file = tmp_path / "numbers.json"
    lines, errors = run(capsys, "--match", "AlexNet", "--no-peers", "--threads", "1",
                        "--json", str(file))  # fmt: skip
    assert errors == []
    assert lines[0].startswith(f"fastconv {fastconv.__version__}") and lines[0].endswith("threads: 1")
    assert "GFLOP/s on one thread (fc_F32_tap_ukr_" in lines[1] and "GB/s" in lines[1]
    rows = rows_of(lines)
    assert [row.split("  ")[1].strip() for row in rows] == [
        x.title for x in _bench_shapes.select(match="AlexNet")
    ]
    assert len({len(row) for row in rows}) == 1, "the columns are not aligned"
    titles = next(line for line in lines if line.lstrip().startswith("layer"))
    assert titles.split()[-4:] == ["call", "ms", "plan", "ms"] and "/call" not in titles
    assert any(re.match(r"AlexNet +5 +[\d.]+ +[\d.]+$", line) for line in lines)
    assert not any("geomean" in line for line in lines)

    content = json.loads(file.read_text())
    assert content["options"] == {"threads": 1, "rounds": 1, "seconds": 0.01,
                                  "layout": "channels_first", "dtype": "float32"}  # fmt: skip
    assert content["peers"] == {} and content["config"]["fastconv"] == fastconv.__version__
    assert content["machine"]["peak_flops"] > 0 and content["machine"]["copy_bytes"] > 0
    first = content["layers"][0]
    assert (first["x"], first["w"]) == ([1, 256, 13, 13], [384, 256, 3, 3])
    assert first["flops"] == 2 * 384 * 256 * 9 * 169 and first["backend"] in fastconv.backends()
    assert set(first["seconds"]) == {"call", "plan"} and first["difference"] < 1e-5
    assert first["fraction"] == pytest.approx(first["flops"] / first["seconds"]["plan"] / first["limit_rate"])
    plans = sum(x["count"] * x["seconds"]["plan"] for x in content["layers"])
    assert content["networks"]["AlexNet"]["plan"] == pytest.approx(plans)
    assert set(content["families"]) == {"3x3", "first", "grouped", "all"}


def test_with_peers(capsys, tmp_path):
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    before, file = torch.get_num_threads(), tmp_path / "numbers.json"
    lines, _ = run(capsys, "--match", "21@9x11", "--threads", "1", "--json", str(file))
    assert torch.get_num_threads() == before
    assert f"PyTorch {torch.__version__}" in lines[0] and "ONNX Runtime (ORT)" in lines[0]
    titles = next(line for line in lines if line.lstrip().startswith("layer"))
    assert titles.split()[-3:] == ["torch/call", "torch/plan", "ORT/plan"]
    rows = rows_of(lines)
    assert len(rows) == 2 and all(re.search(r"( +[\d.]+){7}$", row) for row in rows)
    for start in ("  geomean of 2 layers", "  worst"):
        line = next(x for x in lines if x.startswith(start))
        assert re.search(r"( +[\d.]+){3}$", line) and len(line) == len(rows[0])
    content = json.loads(file.read_text())
    assert set(content["peers"]) == {"torch", "ort"}
    for layer in content["layers"]:
        assert set(layer["seconds"]) == {"torch", "ort", "call", "plan"}
        wanted = layer["seconds"]["ort"] / layer["seconds"]["plan"]
        assert layer["ratios"]["ort/plan"] == pytest.approx(wanted)
    ratios = [layer["ratios"]["torch/plan"] for layer in content["layers"]]
    mean = content["families"]["transposed"]["torch/plan"]
    assert mean["geomean"] == pytest.approx(math.sqrt(ratios[0] * ratios[1]))
    assert mean["worst"] == min(ratios)


ONE_OF_EACH = ["GoogLeNet 3x3 192-384@7", "MobileNet-v1 1x1 1024@7", "Inception-v3 1x7 192@17",
               "ResNeXt-50 3x3 1024@7 g32", "MobileNet-v2 3x3/2 576@14", "3x3 r2 512@28",
               "WaveNet k2 r512", "C3D 3x3x3 512 2@7", "DCGAN 5x5/2"]  # fmt: skip


@pytest.mark.parametrize("match", ONE_OF_EACH)
@pytest.mark.parametrize("more", [[], ["--layout", "channels_last"], ["--dtype", "float64"]],
                         ids=["plain", "channels_last", "float64"])  # fmt: skip
def test_kinds_of_layers_agree_with_peers(capsys, more, match):
    pytest.importorskip("torch")
    lines, _ = run(capsys, "--match", match, "--threads", "1", *more)
    assert len(rows_of(lines)) == 1 and not any("WRONG" in line for line in lines)


def test_peer_without_such_a_layer(capsys):
    """ONNX Runtime computes no convolution in float64 on a CPU: a dash, and a line that says so."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    lines, _ = run(capsys, *SMALL, "--dtype", "float64")
    (row,) = rows_of(lines)
    assert row.split()[-1] == "-"
    assert any(line.startswith("ORT cannot compute 1 layer: ") for line in lines)


def test_missing_peers(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "onnx", None)
    lines, _ = run(capsys, *SMALL)
    assert any(line.startswith("PyTorch is not measured: ") for line in lines)
    assert any(line.startswith("ONNX Runtime (ORT) is not measured: ") for line in lines)
    assert len(rows_of(lines)) == 1


def test_peers_are_imported_by_the_command_only():
    code = "import sys, fastconv.__main__, fastconv._bench; print({'torch', 'onnx', 'onnxruntime'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("damage, word", [
    (lambda y: y + np.float32(1), "plan differs from call by"),
    (lambda y: y * np.float32(np.nan), "plan differs from call by nan"),
    (lambda y: y[..., 1:], "plan has shape"),
])  # fmt: skip
def test_wrong_result_is_code_1(capsys, monkeypatch, tmp_path, damage, word):
    real, file = _bench_layers.own_contestants, tmp_path / "numbers.json"

    def damaged(*arguments):
        functions, backend = real(*arguments)
        plan = functions["plan"]
        return {**functions, "plan": lambda: damage(plan())}, backend

    monkeypatch.setattr(_bench_layers, "own_contestants", damaged)
    lines, _ = run(capsys, *SMALL, "--no-peers", "--json", str(file), code=1)
    (row,) = rows_of(lines)
    assert f"WRONG: {word}" in row
    assert lines[-1] == "WRONG: 1 of 1 layer: MobileNet-v2 3x3 960@7"
    (layer,) = json.loads(file.read_text())["layers"]
    assert word in layer["wrong"] and "seconds" not in layer


def test_failing_layer_does_not_end_the_run(capsys, monkeypatch):
    real = _bench_layers.own_contestants

    def fails(layer, *arguments):
        if layer.count > 1:
            raise MemoryError("no room")
        return real(layer, *arguments)

    monkeypatch.setattr(_bench_layers, "own_contestants", fails)
    lines, _ = run(capsys, "--family", "grouped", "--match", "@7", "--no-peers", code=1)
    assert [("WRONG: MemoryError: no room" in row) for row in rows_of(lines)] == [True, False, False]


def test_nan_on_both_sides_is_no_agreement():
    both = {"a": np.full(3, np.nan), "b": np.full(3, np.nan)}
    assert _bench_layers.disagreement(both, 1e-4)[1]
    assert _bench_layers.disagreement({"a": np.zeros(3), "b": np.zeros(3)}, 1e-4) == (0.0, "")


def test_attributes_of_the_node():
    (layer,) = _bench_shapes.select(match="1x7 192@17")
    assert _bench_peers.attributes(layer)["pads"] == [0, 3, 0, 3]
    (layer,) = _bench_shapes.select(match="ENet 3x3/2")
    assert _bench_peers.attributes(layer) == {
        "strides": [2, 2], "pads": [1, 1, 1, 1], "dilations": [1, 1], "group": 1,
        "output_padding": [1, 1],
    }  # fmt: skip


def test_list(capsys):
    assert command(["bench", "layers", "--list", "--family", "image", "--family", "1d"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "1d: one axis" and "image: one channel in, one out" in lines
    assert len(lines) == 2 + len(_bench_shapes.select(["1d", "image"]))
    assert any("k2 r64 64-128x16000" in x and "dilation=64" in x for x in lines)


@pytest.mark.parametrize("arguments", [["bench", "--help"], ["bench", "layers", "--help"]])
def test_help(capsys, arguments):
    with pytest.raises(SystemExit) as stop:
        command(arguments)
    assert stop.value.code == 0
    assert "usage: fastconv bench" in capsys.readouterr().out


@pytest.mark.parametrize("arguments, word", [
    (["layers", "--family", "none"], "invalid choice"),
    (["layers", "--threads", "0"], "1 to 4096 is wanted, found 0"),
    (["layers", "--rounds", "x"], "invalid"),
    (["layers", "--seconds", "-1"], "a positive number is wanted, found -1.0"),
    (["layers", "--seconds", "nan"], "a positive number is wanted"),
    (["layers", "--dtype", "int8"], "invalid choice"),
    (["layers", "--layout", "last"], "invalid choice"),
    (["layers", "--nonsense"], "unrecognized"),
    (["none"], "invalid choice"),
    ([], "required"),
])  # fmt: skip
def test_bad_options(capsys, arguments, word):
    with pytest.raises(SystemExit) as stop:
        _bench.main(arguments)
    captured = capsys.readouterr()
    assert stop.value.code == 2 and captured.out == ""
    assert word in captured.err.splitlines()[-1]


def test_nothing_to_measure(capsys, tmp_path):
    lines, errors = run(capsys, "--match", "no such", "--family", "1d", code=2)
    assert lines == [] and errors == ["fastconv bench: no layer of 1d has 'no such' in its name; "
                                      "--list shows all"]  # fmt: skip
    lines, errors = run(capsys, *SMALL, "--json", str(tmp_path), code=2)
    assert lines == [] and errors[0].startswith(f"fastconv bench: cannot write {tmp_path}: ")


def test_interrupted(capsys, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(_bench_layers, "race", interrupt)
    _, errors = run(capsys, *SMALL, "--no-peers", code=130)
    assert errors[-1] == "fastconv bench: interrupted"


def test_reader_may_leave():
    """``fastconv bench layers --list | head -1`` leaves no traceback."""
    code = "import sys, fastconv._bench as b; sys.exit(b.main(['layers', '--list']))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as process:  # fmt: skip
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


def test_progress_on_a_terminal_only(capsys, monkeypatch):
    _bench_timing.progress("[  1/151] a layer")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    _bench_timing.progress("[  1/151] a layer")
    shown = capsys.readouterr().err
    assert shown.startswith("\r[  1/151] a layer") and "\n" not in shown


def test_numbers_as_text():
    texts = [_bench_table.significant(v) for v in (1234, 99.94, 9.994, 0.9994, 0.0994)]
    assert texts == ["1234", "99.9", "9.99", "0.999", "0.0994"]
    assert _bench_table.number(None) == "-"
