"""Sphinx configuration: numpydoc on autodoc, the theme that comes with Sphinx, nothing from the net."""

import runpy
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "_ext"))

project = "fastconv"
author = "the fastconv developers"
copyright = author
release = runpy.run_path(str(HERE.parent / "fastconv" / "_version.py"))["__version__"]
version = ".".join(release.split(".")[:2])

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "sphinx.ext.viewcode",
    "numpydoc",
    "house",
]
root_doc = "index"
exclude_patterns = ["_build", "changes/*.*.rst"]  # news fragments are collected, not pages
default_role = "py:obj"
nitpicky = False

autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
numpydoc_class_members_toctree = False

# pages and docstrings alike: examples are run by ``-b doctest``
doctest_global_setup = "import numpy as np\nimport fastconv\n"
doctest_test_doctest_blocks = "default"

html_theme = "alabaster"
html_title = f"fastconv {release}"
html_theme_options = {
    "description": "Convolution for NumPy arrays",
    "fixed_sidebar": True,
    "page_width": "1100px",
    "sidebar_width": "240px",
    "show_relbars": True,
}
html_sidebars = {"**": ["about.html", "navigation.html", "searchfield.html"]}
html_copy_source = False
html_show_sphinx = False
