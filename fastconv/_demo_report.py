"""What the demo leaves behind: the table, one picture per case, the plot, the WAVs and the page.

``report.html`` carries its pictures inside, so that the one file can be sent to somebody.
"""

import base64
import html
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy
import scipy.io.wavfile
import scipy.signal

import fastconv

from ._demo_cases import in_colour

MOST_EMBEDDED = 8 << 20  # bytes of sound that the page may carry; longer ones are linked

HEADER = ("operation", "result", "backend", "fastconv", "SciPy", "ratio", "largest difference")


@dataclass(frozen=True)
class Subject:
    """What the demo ran on."""

    planes: np.ndarray  # (3, H, W) float32 in [0, 1]
    image_title: str
    recording: object  # _demo.Recording
    threads: int


# -- text ------------------------------------------------------------------------------------------


def printable(text):
    """`text` for a terminal of any encoding: file names may hold anything."""
    return text.encode("ascii", "backslashreplace").decode()


def introduction(subject):
    """Lines that say what the demo runs on."""
    height, width = subject.planes.shape[1:]
    info = fastconv.show_config(mode="dicts")
    versions = f"fastconv {info['fastconv']} ({info['isa']}), SciPy {scipy.__version__}"
    return [
        f"{versions}, threads: {subject.threads}",
        f"photograph: {printable(subject.image_title)}: {width} x {height} pixels",
        f"recording:  {printable(subject.recording.title)}: {extent(subject.recording)}",
        "",
    ]


def extent(recording):
    """Length and rate of a recording."""
    channels, frames = recording.samples.shape
    return f"{channels} x {frames} samples at {recording.rate:g} Hz"


def duration(seconds):
    """Milliseconds with three digits that matter."""
    ms = 1e3 * seconds
    return f"{ms:.{max(0, min(4, 2 - int(np.floor(np.log10(max(ms, 1e-4))))))}f} ms"


def cells(outcome):
    """One row of the table, as text."""
    result = outcome.result
    return (
        outcome.case.title,
        " x ".join(map(str, result.shape)),
        outcome.backend,
        duration(outcome.seconds),
        duration(outcome.scipy_seconds),
        f"{outcome.scipy_seconds / outcome.seconds:.1f}x",
        f"{outcome.difference:.1e}" + ("" if outcome.agrees else " TOO LARGE"),
    )


def table(outcomes):
    """Aligned lines: words to the left, numbers to the right."""
    rows = [HEADER, *map(cells, outcomes)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            text.ljust(n) if i < 3 else text.rjust(n)
            for i, (text, n) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    lines.insert(1, "  ".join("-" * n for n in widths))
    return [
        *lines,
        "",
        "ratio: SciPy's time by fastconv's; best of several runs, taken in turn",
        "",
    ]


# -- files -----------------------------------------------------------------------------------------


def write(subject, outcomes, directory):
    """Write everything into an existing directory; the path of the page."""
    directory = Path(directory)
    pictures = {"photograph": png(in_colour(subject.planes))}
    for outcome in outcomes:
        if outcome.case.picture is None:
            pictures[outcome.case.name] = plot(subject.recording, outcome.result)
        else:
            pictures[outcome.case.name] = png(outcome.case.picture(outcome.result))
    for name, data in pictures.items():
        (directory / f"{name}.png").write_bytes(data)
    sounds = {}
    if subject.recording.audio:
        filtered = next(o.result for o in outcomes if o.case.picture is None)
        for name, samples in (("recording", subject.recording.samples), ("lowpass", filtered)):
            sounds[name] = wav(samples, subject.recording.rate)
            (directory / f"{name}.wav").write_bytes(sounds[name])
    page = directory / "report.html"
    page.write_text(document(subject, outcomes, pictures, sounds), encoding="utf-8")
    return page


def png(pixels):
    """uint8 pixels (h, w) or (h, w, 3) as the bytes of a PNG."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", optimize=True)
    return file.getvalue()


def preview(planes):
    """The photograph as a JPEG small enough to stand beside every result of the page."""
    from PIL import Image

    file = io.BytesIO()
    image = Image.fromarray(in_colour(planes))
    image.thumbnail((512, 512))
    image.save(file, "JPEG", quality=88)
    return file.getvalue()


def wav(samples, rate):
    """(channels, frames) as the bytes of a 16-bit WAV file; beyond [-1, 1] it is clipped."""
    file = io.BytesIO()
    pcm = np.rint(np.clip(samples, -1, 1) * 32767).astype(np.int16)
    scipy.io.wavfile.write(file, rate, pcm.T)
    return file.getvalue()


def plot(recording, filtered):
    """The first channel before and after, in time and in frequency, as the bytes of a PNG."""
    # Figure without pyplot: no display is looked for, and the user's own figures stay untouched
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    before, after = recording.samples[0], filtered[0]
    shown = window(before, recording.rate) if recording.audio else slice(None)
    seconds = np.arange(len(before))[shown] / recording.rate
    figure = Figure(figsize=(10, 7), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    time, frequency = figure.subplots(2, 1)
    time.plot(seconds, before[shown], color="0.6", linewidth=1.2, label="recorded")
    time.plot(seconds, after[shown], color="tab:red", linewidth=1.5, label="filtered")
    time.set(xlabel="time (s)", ylabel="amplitude", xlim=(seconds[0], seconds[-1]))
    time.legend(loc="upper right")
    segment = min(1024, len(before))
    for samples, colour, width in ((before, "0.6", 1.2), (after, "tab:red", 1.5)):
        f, power = scipy.signal.welch(samples, recording.rate, nperseg=segment, detrend="constant")
        frequency.plot(f, decibels(power), color=colour, linewidth=width)
    top = frequency.get_ylim()[1]
    frequency.set_ylim(max(top - 130, frequency.get_ylim()[0]), top)  # below it is rounding only
    frequency.axvline(recording.cutoff, color="0.3", linestyle="--", linewidth=1)
    frequency.annotate(
        f" cut-off {recording.cutoff:g} Hz", (recording.cutoff, 0.95),
        xycoords=("data", "axes fraction"), va="top",
    )  # fmt: skip
    frequency.set(
        xlabel="frequency (Hz)", ylabel="power density (dB)", xlim=(0, recording.rate / 2)
    )
    for axes in (time, frequency):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    file = io.BytesIO()
    canvas.print_png(file)
    return file.getvalue()


def window(samples, rate):
    """60 ms around the loudest sample: more would be a solid band."""
    length = min(len(samples), max(2, int(0.06 * rate)))
    start = int(np.abs(samples).argmax()) - length // 2
    start = min(max(0, start), len(samples) - length)
    return slice(start, start + length)


def decibels(power):
    """Ten times the decimal logarithm, with a floor under silence."""
    return 10 * np.log10(np.maximum(power, 1e-20))


# -- page ------------------------------------------------------------------------------------------

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
.wide { overflow-x: auto; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #8884; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
tr.wrong { color: #d22; font-weight: bold; }
.cases { display: grid; gap: 2rem; }
@media (min-width: 60rem) { .cases { grid-template-columns: 1fr 1fr; } }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: .5rem; align-items: start; }
.pair img, .plot img { width: 100%; display: block; }
figure { margin: 0; }
figcaption { font-size: .8rem; opacity: .7; }
h3 { margin: 0 0 .3rem; }
.cases p { margin: .3rem 0; font-size: .9rem; }
code { font-size: .8rem; overflow-wrap: anywhere; }
audio { width: 100%; }
"""


def data_url(kind, data):
    """Bytes as an address that holds them."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def document(subject, outcomes, pictures, sounds):
    """The page as one string."""
    height, width = subject.planes.shape[1:]
    before = data_url("image/jpeg", preview(subject.planes))
    images = [o for o in outcomes if o.case.picture is not None]
    legend = (
        "Best of several runs, fastconv's and SciPy's taken in turn; threads that fastconv may "
        f"use: {subject.threads}. Ratio: SciPy's time by fastconv's. Difference: the largest "
        "between the two results."
    )
    recording = f"{html.escape(subject.recording.title)}: {extent(subject.recording)}"
    sections = [
        "<h1>fastconv demo</h1>",
        f"<p>Photograph: {html.escape(subject.image_title)}: {width} x {height} pixels.<br>",
        f"Recording: {recording}.</p>",
        "<h2>Times and differences</h2>",
        html_table(outcomes),
        f"<p>{legend}</p>",
        "<h2>Photograph</h2>",
        '<div class="cases">',
        *(card(o, before, pictures[o.case.name]) for o in images),
        "</div>",
        *(recording_section(o, pictures, sounds) for o in outcomes if o.case.picture is None),
        "<h2>Machine</h2>",
        machine(),
    ]
    body = "\n".join(sections)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>fastconv demo</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def html_table(outcomes):
    """The table of the terminal, as HTML."""

    def row(tag, texts, wrong=False):
        inner = "".join(
            f"<{tag}{' class=number' if i >= 3 else ''}>{html.escape(text)}</{tag}>"
            for i, text in enumerate(texts)
        )
        return f"<tr{' class=wrong' if wrong else ''}>{inner}</tr>"

    rows = [row("th", HEADER), *(row("td", cells(o), not o.agrees) for o in outcomes)]
    return '<div class="wide"><table>' + "\n".join(rows) + "</table></div>"


def card(outcome, before, picture):
    """Before and after of one case."""
    case = outcome.case
    title = html.escape(case.title)
    return (
        f"<section><h3>{title}</h3>"
        f'<div class="pair"><figure><img alt="before" src="{before}">'
        "<figcaption>before</figcaption></figure>"
        f'<figure><img alt="{title}" src="{data_url("image/png", picture)}">'
        f"<figcaption>after: {case.name}.png</figcaption></figure></div>"
        f"<p>{html.escape(case.about)}</p><code>{html.escape(case.code)}</code></section>"
    )


def recording_section(outcome, pictures, sounds):
    """The plot of the recording, and players where it can be heard."""
    case = outcome.case
    players = "".join(
        f'<p>{label}<br><audio controls src="{address(name, sounds[name])}"></audio></p>'
        for name, label in (("recording", "before"), ("lowpass", "after"))
        if name in sounds
    )
    return (
        f'<h2>Recording</h2><section class="plot"><h3>{html.escape(case.title)}</h3>'
        f"<p>{html.escape(case.about)}</p><code>{html.escape(case.code)}</code>"
        f'<img alt="{html.escape(case.title)}" src="{data_url("image/png", pictures[case.name])}">'
        f"{players}</section>"
    )


def address(name, sound):
    """Where the page finds a sound: inside, or in the file beside it."""
    return data_url("audio/wav", sound) if len(sound) <= MOST_EMBEDDED else f"{name}.wav"


def machine():
    """What `fastconv.show_config` knows, as a table."""
    rows = "\n".join(
        f"<tr><th>{html.escape(str(key))}</th><td>{html.escape(str(value))}</td></tr>"
        for key, value in fastconv.show_config(mode="dicts").items()
    )
    return f'<div class="wide"><table>{rows}</table></div>'
