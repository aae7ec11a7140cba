"""What the pages take from the code: the table of backends, the news fragments, and a check.

Everything is written to ``reference/generated`` before the pages are read; the table follows the
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


def backends_table(source):
    """One row per backend, in the order in which they are asked."""
    from fastconv.backends import BACKENDS

    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 15 85", ""]
    lines += ["   * - backend", "     - what it is"]
    for backend in BACKENDS:
        if not (source / "algorithms" / f"{backend.name}.rst").exists():
            logger.warning("backend %r has no page algorithms/%s.rst", backend.name, backend.name)
        first = backend.__doc__.strip().splitlines()[0]
        text = first.split(": ", 1)[-1]
        lines += [f"   * - :doc:`{backend.name} </algorithms/{backend.name}>`", f"     - {text}"]
    return lines


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


def write(app):
    """Write the included files; left alone where nothing changed, so that builds stay incremental."""
    source = Path(app.srcdir)
    target = source / "reference" / "generated"
    target.mkdir(parents=True, exist_ok=True)
    for name, lines in (("backends.inc", backends_table(source)), ("news.inc", news(source))):
        text = "\n".join(lines) + "\n"
        path = target / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def setup(app):
    """Sphinx calls this."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True}
