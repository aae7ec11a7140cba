"""``python -m fastconv demo``: a guided run on a real photograph and a real recording.

Reads the data, runs every case of `_demo_cases` against SciPy (result and time), prints a table and
leaves pictures and a page through `_demo_report`. Exit codes: 0 all results agree, 1 some do not,
2 the demo could not run.
"""

import argparse
import contextlib
import importlib
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.io.wavfile
import scipy.signal

import fastconv

from . import _demo_cases, _demo_report

LONGEST_SIDE = {True: 256, False: 1024}  # pixels, by --quick: SciPy takes seconds beyond
LONGEST_RECORDING = {True: 2.0, False: 60.0}  # seconds, by --quick
SHORTEST_SIDE = 16
SHORTEST_RECORDING = 64  # samples
MOST_TAPS = 4095  # odd; more only where a file states an absurd rate
ECG_RATE = 360  # Hz: record 100 of the MIT-BIH Arrhythmia Database, as PyWavelets ships it


class DemoError(Exception):
    """The demo cannot run; the message is one line for the user."""


@dataclass(frozen=True)
class Recording:
    """A measured signal: samples (channels, frames) float64, and how to filter it."""

    samples: np.ndarray
    rate: float  # Hz
    title: str
    cutoff: float  # Hz
    audio: bool

    def taps(self):
        """The low-pass filter: long enough for a transition band of half the cut-off."""
        count = int(3.3 * self.rate / (self.cutoff / 2)) | 1  # 3.3 belongs to the Hamming window
        count = min(count, MOST_TAPS, (self.samples.shape[1] - 1) | 1)
        return scipy.signal.firwin(count, self.cutoff, fs=self.rate)

    def peak(self):
        """The largest sample, at least 1."""
        return max(1.0, float(np.abs(self.samples).max()))


@dataclass(frozen=True)
class Outcome:
    """One finished case."""

    case: _demo_cases.Case
    result: np.ndarray
    backend: str
    seconds: float
    scipy_seconds: float
    difference: float

    @property
    def agrees(self):
        """Whether the largest difference is within the tolerance; NaN is not."""
        return self.difference <= self.case.tolerance


# -- data ------------------------------------------------------------------------------------------


def need(*modules):
    """The optional modules, imported; DemoError where one is missing."""
    found, missing = [], []
    for module in modules:
        try:
            found.append(importlib.import_module(module))
        except ImportError:
            missing.append(module.partition(".")[0])
    if missing:
        raise DemoError(
            f"the demo needs {', '.join(missing)}, which cannot be imported: "
            'pip install "fastconv[demo]"'
        )
    return found


def reason(error):
    """The first line of an exception, or its kind if it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def load_photograph(path, quick):
    """((3, H, W) float32 in [0, 1], title) of the user's file, or of scikit-image's astronaut."""
    (images,) = need("PIL.Image")
    if path is None:
        (data,) = need("skimage.data")
        image = images.fromarray(data.astronaut())
        title = "Eileen Collins (NASA, public domain; shipped by scikit-image)"
    else:
        image, title = open_image(path), path.name
    full = image.size
    limit = LONGEST_SIDE[quick]
    if max(full) > limit:
        scale = limit / max(full)
        image = image.resize([max(1, round(n * scale)) for n in full], images.Resampling.LANCZOS)
        title += f", scaled down from {full[0]} x {full[1]}"
    if min(image.size) < SHORTEST_SIDE:
        raise DemoError(
            f"{path}: the picture must have at least {SHORTEST_SIDE} pixels on each side, "
            f"found {image.size[0]} x {image.size[1]}"
        )
    pixels = np.asarray(image, np.float32) / 255
    return np.ascontiguousarray(np.moveaxis(pixels, -1, 0)), title


def open_image(path):
    """An RGB Pillow image, upright."""
    images, operations = need("PIL.Image", "PIL.ImageOps")
    try:
        with warnings.catch_warnings():
            # a picture near Pillow's size limit is only warned about; it is scaled down right away
            warnings.simplefilter("ignore")
            with images.open(path) as file:
                image = operations.exif_transpose(file)
                if image.mode in ("F", "I") or image.mode.startswith("I;16"):
                    # convert() would clip these at 255; show them from black to white
                    values = np.asarray(image, np.float64)
                    low, high = float(values.min()), float(values.max())
                    image = images.fromarray(np.uint8((values - low) * (255 / ((high - low) or 1))))
                return image.convert("RGB")
    except Exception as error:
        raise DemoError(f"cannot read the image {path}: {reason(error)}") from None


def load_recording(path, quick):
    """The user's WAV file, or PyWavelets' electrocardiogram."""
    if path is None:
        (data,) = need("pywt.data")
        samples = np.asarray(data.ecg(), np.float64)[None]
        samples -= np.median(samples)  # the resting level, or both ends would be steps to zero
        # heart monitors, too, cut at 40 Hz: below the hum of the mains, above the sharp beats
        return Recording(samples, ECG_RATE, "Electrocardiogram (MIT-BIH, shipped by PyWavelets)",
                         cutoff=40.0, audio=False)  # fmt: skip
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of chunks with tags, which SciPy skips
            rate, samples = scipy.io.wavfile.read(path)
    except Exception as error:
        raise DemoError(f"cannot read the recording {path}: {reason(error)}") from None
    samples = np.atleast_2d(samples.T)
    title, frames = path.name, samples.shape[1]
    if rate <= 0 or frames < SHORTEST_RECORDING:
        raise DemoError(
            f"{path}: the recording must have at least {SHORTEST_RECORDING} samples at a positive "
            f"rate, found {frames} at {rate} Hz"
        )
    limit = max(SHORTEST_RECORDING, int(LONGEST_RECORDING[quick] * rate))
    if frames > limit:
        samples = samples[:, :limit]
        title += f", the first {limit / rate:g} of {frames / rate:.0f} seconds"
    samples = as_floats(samples)
    if not np.isfinite(samples).all():
        raise DemoError(f"{path}: the recording must be finite, found NaN or infinity")
    return Recording(samples, rate, title, cutoff=min(1000.0, rate / 8), audio=True)


def as_floats(samples):
    """Samples of a WAV file in [-1, 1], (channels, frames) float64, contiguous."""
    kind, bits = samples.dtype.kind, 8 * samples.dtype.itemsize
    scaled = np.array(samples, np.float64, order="C")
    if kind == "u":  # 8-bit files are unsigned
        scaled -= 2.0 ** (bits - 1)
    if kind in "ui":
        scaled /= 2.0 ** (bits - 1)
    return scaled


# -- running ---------------------------------------------------------------------------------------


def backend_of(function, *args, **keywords):
    """Which backend "auto" takes for a call."""
    return fastconv.explain(function, *args, **keywords).backend


def backends_of(case):
    """The backends of all calls of a case, each once; "-" where there is nothing to choose."""
    stages = case.calls if case.stages is None else case.stages
    names = [backend_of(stage.func, *stage.args, **stage.keywords) for stage in stages]
    return "+".join(dict.fromkeys(names)) or "-"


def best_times(functions, seconds):
    """Best wall time of each function, run in turn so that a busy moment hits them alike."""
    best = [float("inf")] * len(functions)
    start, rounds = time.perf_counter(), 0
    while rounds < 3 or (rounds < 50 and time.perf_counter() - start < seconds):
        for i, function in enumerate(functions):
            before = time.perf_counter()
            function()
            best[i] = min(best[i], time.perf_counter() - before)
        rounds += 1
    return best


def run_case(case, seconds):
    """The Outcome of a case; the first run of each side, which also plans, is not timed."""
    result, expected = case.compute(), case.rival()
    difference = float("inf")
    if result.shape == expected.shape:
        difference = float(np.abs(result.astype(np.float64) - expected).max())
    ours, theirs = best_times((case.compute, case.rival), seconds)
    return Outcome(case, result, backends_of(case), ours, theirs, difference)


def run_all(cases, quick):
    """The Outcome of each case, with a line of progress on a terminal."""
    outcomes = []
    for i, case in enumerate(cases):
        progress(f"[{i + 1:2}/{len(cases)}] {case.title}")
        outcomes.append(run_case(case, 0.05 if quick else 0.5))
    progress("")
    return outcomes


def progress(text):
    """Replace the line of progress; nothing unless stderr is a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{text:<60}" + ("" if text else "\r"))
        sys.stderr.flush()


# -- the command -----------------------------------------------------------------------------------


def parser():
    """The command line."""
    p = argparse.ArgumentParser(
        prog="fastconv demo",
        description="Filter a real photograph and a real recording, check every result against "
        "SciPy, compare the times, and leave pictures and a page.",
    )
    p.add_argument("--image", type=Path, metavar="FILE", help="a photograph of your own")
    p.add_argument("--audio", type=Path, metavar="FILE", help="a recording of your own (WAV)")
    p.add_argument("--out", type=Path, metavar="DIR", default=Path("fastconv_demo"),
                   help="where the pictures and report.html go (default: %(default)s)")  # fmt: skip
    p.add_argument("--quick", action="store_true", help="smaller sizes, shorter timing")
    p.add_argument("--threads", type=threads, metavar="N", help="threads that fastconv may use")
    return p


def threads(text):
    """A number of threads as `fastconv.num_threads` takes it."""
    number = int(text)
    if not 1 <= number <= 4096:
        raise argparse.ArgumentTypeError(f"1 to 4096 is wanted, found {number}")
    return number


def main(argv=None):
    """Run the demo with command line arguments; returns the exit code."""
    options = parser().parse_args(argv)
    try:
        return run(options)
    except DemoError as error:
        progress("")
        print(f"fastconv demo: {error}", file=sys.stderr)
        return 2


def run(options):
    """Everything after the command line: 0 or 1, or DemoError."""
    need("PIL.Image", "matplotlib", *([] if options.image else ["skimage.data"]),
         *([] if options.audio else ["pywt.data"]))  # fmt: skip
    planes, image_title = load_photograph(options.image, options.quick)
    recording = load_recording(options.audio, options.quick)
    try:  # before the work, so that a bad directory is told at once
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DemoError(f"cannot make the directory {options.out}: {reason(error)}") from None
    limit = fastconv.num_threads(options.threads) if options.threads else contextlib.nullcontext()
    with limit:
        subject = _demo_report.Subject(planes, image_title, recording, fastconv.get_num_threads())
        print("\n".join(_demo_report.introduction(subject)))
        outcomes = run_all(_demo_cases.all_cases(planes, recording), options.quick)
    print("\n".join(_demo_report.table(outcomes)))
    try:
        page = _demo_report.write(subject, outcomes, options.out)
    except OSError as error:
        raise DemoError(f"cannot write to {options.out}: {reason(error)}") from None
    print(f"pictures and page: {_demo_report.printable(str(page))}")
    return verdict(outcomes)


def verdict(outcomes):
    """The exit code, and on stderr what differs."""
    wrong = [o.case.title for o in outcomes if not o.agrees]
    if wrong:
        print(
            f"fastconv demo: {len(wrong)} of {len(outcomes)} results differ from SciPy's by more "
            f"than the tolerance: {'; '.join(wrong)}",
            file=sys.stderr,
        )
    return 1 if wrong else 0
