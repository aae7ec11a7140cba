"""The demo end to end: files, table, exit codes, one-line errors for files of no use."""

import dataclasses
import re
import sys
import warnings

import numpy as np
import pytest
import scipy.io.wavfile

pytest.importorskip("skimage")
pytest.importorskip("pywt")
pytest.importorskip("matplotlib")
Image = pytest.importorskip("PIL.Image")

from fastconv import _demo, _demo_cases, _demo_report  # noqa: E402  after the skips

SIZES = {  # (width, height) of each picture of a 256 x 256 photograph
    "photograph": (256, 256),
    "gaussian_blur": (256, 256),
    "box_blur": (256, 256),
    "sharpen": (256, 256),
    "sobel_x": (256, 256),
    "sobel_y": (256, 256),
    "edges": (256, 256),
    "laplacian": (256, 256),
    "emboss": (256, 256),
    "conv2d_stride": (4 * 128, 2 * 128),
    "conv2d_dilated": (256, 256),
    "conv_transpose2d": (512, 512),
    "separable_conv2d": (256, 256),
    "max_pool2d": (64, 64),
    "lowpass": (1000, 700),
}


@pytest.fixture
def quickest(monkeypatch):
    """One timed round: what the demo measures is not tested here."""

    def times(functions, seconds):
        return [1e-3 * (i + 1) for i, _ in enumerate(functions)]

    monkeypatch.setattr(_demo, "best_times", times)


def open_png(path):
    with Image.open(path) as image:
        image.load()
        assert image.format == "PNG"
        return image.copy()


def save_photograph(path, size=(64, 48), mode="RGB"):
    rng = np.random.default_rng(5)
    pixels = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)
    return path


def test_full_run(tmp_path, capsys):
    out = tmp_path / "made" / "here"
    assert _demo.main(["--quick", "--out", str(out)]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert {p.name for p in out.iterdir()} == {f"{n}.png" for n in SIZES} | {"report.html"}
    for name, size in SIZES.items():
        image = open_png(out / f"{name}.png")
        assert image.size == size, name
        assert np.ptp(np.asarray(image.convert("L"))) > 100, f"{name} has no contrast"

    lines = captured.out.splitlines()
    header = next(i for i, line in enumerate(lines) if line.startswith("operation"))
    rows = lines[header + 2 : header + 2 + len(SIZES) - 1]
    number = r"[\d.]+ ms +[\d.]+ ms +[\d.]+x +\d\.\de[+-]\d\d"
    for row in rows:
        assert re.search(rf" ([a-z0-9+]+|-) +{number}$", row), row
    assert len({len(row) for row in rows}) == 1, "the columns are not aligned"
    assert str(out / "report.html") in captured.out


def test_page_is_self_contained(tmp_path, quickest):
    _demo.main(["--quick", "--out", str(tmp_path)])
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == len(SIZES) - 1
    assert page.count("data:image/jpeg;base64,") == len(SIZES) - 2  # beside each, not the plot
    assert not re.search(r"(src|href)=.?(?!data:)\w+[./:]", page)
    for text in ("Gaussian blur", "max_pool2d", "FIR low-pass", "compiler", "Electrocardiogram"):
        assert text in page


def test_results_are_what_they_say():
    rng = np.random.default_rng(3)
    planes = rng.random((3, 37, 50), np.float32)  # odd and even: no case may count on either
    for case in _demo_cases.classical_cases(planes) + _demo_cases.layer_cases(planes):
        result, expected = case.compute(), case.rival()
        assert result.shape == expected.shape, case.name
        np.testing.assert_allclose(result, expected, rtol=0, atol=case.tolerance)
        assert case.picture(result).dtype == np.uint8


def test_filters_point_the_right_way():
    """Brightness growing to the right is positive, growing downwards too; flat areas stay."""
    ramp = np.tile(np.linspace(0, 1, 24, dtype=np.float32), (3, 20, 1))
    cases = {c.name: c for c in _demo_cases.classical_cases(ramp)}
    assert cases["sobel_x"].compute()[0, 5:-5, 5:-5].min() > 0
    assert abs(cases["sobel_y"].compute()[0, 5:-5, 5:-5]).max() < 1e-6
    turned = np.ascontiguousarray(ramp.swapaxes(1, 2))
    cases = {c.name: c for c in _demo_cases.classical_cases(turned)}
    assert cases["sobel_y"].compute()[0, 5:-5, 5:-5].min() > 0
    for name in ("gaussian_blur", "box_blur", "sharpen"):
        inside = cases[name].compute()[:, 6:-6]
        np.testing.assert_allclose(inside, turned[:, 6:-6], atol=1e-5)


def test_flat_photograph_and_silence(tmp_path, quickest):
    """Nothing to scale by must not become a division by zero."""
    Image.new("RGB", (40, 30), (128, 128, 128)).save(tmp_path / "flat.png")
    scipy.io.wavfile.write(tmp_path / "silence.wav", 8000, np.zeros(500, np.int16))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        code = _demo.main(
            ["--image", str(tmp_path / "flat.png"), "--audio", str(tmp_path / "silence.wav"),
             "--out", str(tmp_path / "o")]
        )  # fmt: skip
    assert code == 0
    assert set(np.asarray(open_png(tmp_path / "o" / "edges.png")).ravel()) == {0}
    assert set(np.asarray(open_png(tmp_path / "o" / "laplacian.png")).ravel()) <= {127, 128}


@pytest.mark.parametrize("mode, suffix", [("RGB", "jpg"), ("L", "png"), ("RGBA", "png"),
                                          ("P", "gif"), ("CMYK", "jpg"), ("1", "png")])  # fmt: skip
def test_kinds_of_images(tmp_path, mode, suffix):
    path = save_photograph(tmp_path / f"image.{suffix}", mode=mode)
    planes, title = _demo.load_photograph(path, quick=True)
    assert planes.shape == (3, 48, 64) and planes.dtype == np.float32
    assert planes.min() >= 0 and planes.max() <= 1 and planes.flags.c_contiguous
    assert title == path.name


def test_image_of_16_bits_is_not_clipped(tmp_path):
    ramp = np.linspace(1000, 60000, 32 * 32).reshape(32, 32).astype(np.uint16)
    Image.fromarray(ramp).save(tmp_path / "deep.png")
    planes, _ = _demo.load_photograph(tmp_path / "deep.png", quick=True)
    assert planes.min() == 0 and planes.max() == 1
    assert len(np.unique(planes)) > 200


def test_large_image_is_scaled_down(tmp_path):
    path = save_photograph(tmp_path / "large.png", size=(600, 300))
    planes, title = _demo.load_photograph(path, quick=True)
    assert planes.shape == (3, 128, 256)
    assert "600 x 300" in title


@pytest.mark.parametrize("dtype, scale, offset", [(np.int16, 2**15, 0), (np.int32, 2**31, 0),
                                                  (np.uint8, 2**7, 2**7), (np.float32, 1, 0),
                                                  (np.float64, 1, 0)])  # fmt: skip
@pytest.mark.parametrize("channels", [1, 2])
def test_kinds_of_recordings(tmp_path, dtype, scale, offset, channels):
    wave = 0.5 * np.sin(np.arange(3000) / 7)[:, None] * np.ones(channels)
    stored = (wave * scale + offset).astype(dtype)
    scipy.io.wavfile.write(tmp_path / "a.wav", 8000, stored[:, 0] if channels == 1 else stored)
    recording = _demo.load_recording(tmp_path / "a.wav", quick=True)
    assert recording.samples.shape == (channels, 3000)
    np.testing.assert_allclose(recording.samples, wave.T, atol=2 / scale if scale > 1 else 1e-7)
    case = _demo_cases.recording_case(recording)
    np.testing.assert_allclose(case.compute(), case.rival(), rtol=0, atol=case.tolerance)


def test_recording_is_filtered_and_written(tmp_path, capsys, quickest):
    """A low and a high tone go in, the low one comes out, in both channels."""
    t = np.arange(8000) / 8000
    low, high = np.sin(2 * np.pi * 200 * t), np.sin(2 * np.pi * 3000 * t)
    stereo = np.stack([0.4 * low + 0.4 * high, 0.2 * low + 0.4 * high], axis=1)
    scipy.io.wavfile.write(tmp_path / "tones.wav", 8000, (stereo * 32767).astype(np.int16))
    picture = save_photograph(tmp_path / "p.png")
    out = tmp_path / "out"
    code = _demo.main(["--quick", "--image", str(picture), "--audio", str(tmp_path / "tones.wav"),
                       "--out", str(out), "--threads", "1"])  # fmt: skip
    assert code == 0
    assert "threads: 1" in capsys.readouterr().out
    rate, filtered = scipy.io.wavfile.read(out / "lowpass.wav")
    assert rate == 8000 and filtered.shape == stereo.shape and filtered.dtype == np.int16
    inside = slice(200, -200)
    expected = np.stack([0.4 * low, 0.2 * low], axis=1)[inside]
    np.testing.assert_allclose(filtered[inside] / 32767, expected, atol=5e-3)
    assert (out / "recording.wav").exists()
    assert (out / "report.html").read_text(encoding="utf-8").count("data:audio/wav") == 2


def test_wrong_result_is_code_1(tmp_path, capsys, monkeypatch, quickest):
    real = _demo_cases.all_cases

    def one_wrong(planes, recording):
        first, *rest = real(planes, recording)
        return [dataclasses.replace(first, finish=lambda r: r + np.float32(1e-3)), *rest]

    monkeypatch.setattr(_demo_cases, "all_cases", one_wrong)
    assert _demo.main(["--quick", "--out", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert "TOO LARGE" in captured.out
    assert "1 of 14" in captured.err and "Gaussian blur" in captured.err
    assert "class=wrong" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_is_a_difference(bad):
    case = _demo_cases.classical_cases(np.ones((3, 20, 20), np.float32))[0]
    case = dataclasses.replace(case, finish=lambda r: r * np.float32(bad))
    assert not _demo.run_case(case, 0).agrees


def fails(arguments, capsys):
    """Runs the demo, expecting code 2 and one line, which is returned."""
    try:
        code = _demo.main(arguments)
    except SystemExit as stop:  # argparse
        code = stop.code
    captured = capsys.readouterr()
    assert code == 2
    assert captured.out == ""
    assert "Traceback" not in captured.err
    return captured.err.strip().splitlines()[-1]


def test_bad_images(tmp_path, capsys):
    whole = save_photograph(tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.png").write_text("no picture\n")
    save_photograph(tmp_path / "tiny.png", size=(8, 40))
    save_photograph(tmp_path / "narrow.png", size=(3000, 20))
    (tmp_path / "folder.png").mkdir()
    names = ["cut.jpg", "empty.png", "text.png", "tiny.png", "narrow.png", "folder.png", "none.png"]
    for name in names:
        message = fails(["--image", str(tmp_path / name), "--out", str(tmp_path / "o")], capsys)
        assert message.startswith("fastconv demo: ") and name in message
    assert not (tmp_path / "o").exists()


def test_bad_recordings(tmp_path, capsys):
    sound = np.sin(np.arange(1000)).astype(np.float32)
    scipy.io.wavfile.write(tmp_path / "whole.wav", 8000, sound)
    whole = (tmp_path / "whole.wav").read_bytes()
    for n in (0, 3, 11, 20, 40):
        (tmp_path / f"cut{n}.wav").write_bytes(whole[:n])
    (tmp_path / "text.wav").write_text("no sound\n" * 20)
    scipy.io.wavfile.write(tmp_path / "short.wav", 8000, sound[:10])
    scipy.io.wavfile.write(tmp_path / "rate.wav", 0, sound)
    sound[3] = np.nan
    scipy.io.wavfile.write(tmp_path / "nan.wav", 8000, sound)
    names = [*(f"cut{n}" for n in (0, 3, 11, 20, 40)), "text", "short", "rate", "nan", "none"]
    for name in names:
        path = str(tmp_path / f"{name}.wav")
        message = fails(["--audio", path, "--out", str(tmp_path / "o")], capsys)
        assert message.startswith("fastconv demo: ") and name in message


def test_bad_directories(tmp_path, capsys, quickest):
    (tmp_path / "file").write_text("")
    assert "file" in fails(["--quick", "--out", str(tmp_path / "file")], capsys)
    assert "file" in fails(["--quick", "--out", str(tmp_path / "file" / "below")], capsys)
    blocked = tmp_path / "blocked"
    (blocked / "report.html").mkdir(parents=True)
    assert _demo.main(["--quick", "--out", str(blocked)]) == 2
    assert "cannot write" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--threads", "0"], ["--threads", "x"], ["--nonsense"]])
def test_bad_options(arguments, capsys):
    assert "fastconv demo: error:" in fails(arguments, capsys)


def test_missing_package(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "pywt.data", None)
    message = fails(["--quick", "--out", str(tmp_path / "o")], capsys)
    assert "matplotlib, pywt" in message and 'pip install "fastconv[demo]"' in message


def test_own_files_need_no_data_packages(tmp_path, monkeypatch, quickest):
    monkeypatch.setitem(sys.modules, "skimage.data", None)
    monkeypatch.setitem(sys.modules, "pywt.data", None)
    scipy.io.wavfile.write(tmp_path / "a.wav", 8000, np.ones(1000, np.float32))
    image = save_photograph(tmp_path / "a.png")
    assert _demo.main(["--quick", "--image", str(image), "--audio", str(tmp_path / "a.wav"),
                       "--out", str(tmp_path / "o")]) == 0  # fmt: skip


def test_progress_on_a_terminal_only(capsys, monkeypatch):
    _demo.progress("[ 1/14] Gaussian blur")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    _demo.progress("[ 1/14] Gaussian blur")
    shown = capsys.readouterr().err
    assert shown.startswith("\r[ 1/14] Gaussian blur") and "\n" not in shown


def test_durations():
    texts = [_demo_report.duration(s) for s in (1.234, 0.0123, 0.00123, 1.23e-5, 0.0)]
    assert texts == ["1234 ms", "12.3 ms", "1.23 ms", "0.0123 ms", "0.0000 ms"]


def test_file_names_of_any_alphabet(tmp_path, capsys, quickest):
    """A title is ASCII on the terminal and escaped on the page."""
    image = save_photograph(tmp_path / "<b>фото&.png")
    assert _demo.main(["--quick", "--image", str(image), "--out", str(tmp_path / "o")]) == 0
    assert capsys.readouterr().out.isascii()
    page = (tmp_path / "o" / "report.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;фото&amp;.png" in page
