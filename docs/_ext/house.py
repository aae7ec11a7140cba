"""What the pages take from the code: the tables of backends, the news fragments, and a check.

Everything is written to ``reference/generated`` before the pages are read; the tables follow the
tuple of backends, so that a new one appears here without an edit, and has to have a page.
"""

from pathlib import Path

from sphinx.util import logging

logger = logging.getLogger(__name__)

KINDS = {
    "feature": "New",
    "performance": "Faster",
    "fix": "Corrected",
    "change": "Changed",
    "doc": "Documentation",
}


def table(rows, widths):
    """A list-table with one header row."""
    lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", ""]
    for row in rows:
        lines += [f"   {'*' if i == 0 else ' '} - {cell}" for i, cell in enumerate(row)]
    return lines


def backends_table(source):
    """One row per backend, in the order in which they are asked."""
    from fastconv.backends import BACKENDS

    rows = [("backend", "what it is")]
    for backend in BACKENDS:
        if not (source / "algorithms" / f"{backend.name}.rst").exists():
            logger.warning("backend %r has no page algorithms/%s.rst", backend.name, backend.name)
        first = backend.__doc__.strip().splitlines()[0].split(": ", 1)[-1]
        rows.append((f":doc:`{backend.name} </algorithms/{backend.name}>`", first))
    return table(rows, "15 85")


def problems():
    """(what it is called, Problem) for the table of what each backend computes."""
    import numpy as np

    from fastconv._problem import Axis, Geometry, Problem

    def make(dtype="float32", transposed=False, **keywords):
        axes = (Axis(8, 3, 17 if transposed else 6, 2 if transposed else 1),) * 2
        return Problem(Geometry((1,), (1,), 16, (16,), axes, transposed), np.dtype(dtype), **keywords)

    yield "convolution, float32 and float64", make()
    yield "transposed convolution", make(transposed=True)
    yield "deformable convolution", make(kind="deform", extra=(1, False))
    yield "max pooling", make(kind="max_pool")
    for dtype in ("float16", "complex64", "longdouble", "int32", "bool"):
        yield f"convolution, {dtype}", make(dtype)
    yield "a bounded workspace", make(workspace_limit=1 << 30)


def support_table(source):
    """Which backend answers yes to which kind of problem."""
    from fastconv.backends import BACKENDS

    rows = [("", *(b.name for b in BACKENDS))]
    for name, problem in problems():
        rows.append((name, *("yes" if b.supports(problem).ok else "" for b in BACKENDS)))
    return table(rows, " ".join(["40"] + ["15"] * len(BACKENDS)))


def news(source):
    """The fragments of ``changes`` under the headings of their kinds."""
    lines = []
    for kind, title in KINDS.items():
        texts = [p.read_text().strip() for p in sorted((source / "changes").glob(f"*.{kind}.rst"))]
        if texts:
            lines += [f"**{title}**", "", *"\n\n".join(texts).splitlines(), ""]
    known = {p for kind in KINDS for p in (source / "changes").glob(f"*.{kind}.rst")}
    for path in sorted((source / "changes").glob("*.*.rst")):
        if path not in known:
            logger.warning("%s: the kind of a news fragment is one of %s", path, ", ".join(KINDS))
    return lines or ["Nothing yet."]


FILES = {"backends.inc": backends_table, "support.inc": support_table, "news.inc": news}


def write(app):
    """Write the included files; left alone where nothing changed, so that builds stay incremental."""
    source = Path(app.srcdir)
    target = source / "reference" / "generated"
    target.mkdir(parents=True, exist_ok=True)
    for name, make in FILES.items():
        text = "\n".join(make(source)) + "\n"
        path = target / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def setup(app):
    """Sphinx calls this."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True}
