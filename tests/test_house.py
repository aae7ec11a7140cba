"""The house rules that a machine can check: sizes, layers, imports, spills, compiled microkernels."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "fastconv"
SOURCES = sorted(
    p
    for folder in (PACKAGE, ROOT / "tests", ROOT / "asv_bench", ROOT / "docs")
    for p in folder.rglob("*")
    if p.suffix in {".py", ".pyx", ".pxd", ".c", ".h", ".inc", ".cu"} and "_build" not in p.parts
    and "env" not in p.parts
)  # fmt: skip
PYTHON = [p for p in SOURCES if p.suffix == ".py"]

# floors, highest first; a module imports from its own floor or below
FLOORS = (
    ("__main__", "_demo", "_bench"),
    ("__init__",),
    ("_patch",),
    ("plans", "config", "geometry", "wisdom", "signal", "ndimage", "kernels", "ufuncs"),
    ("_dropin",),
    ("functions", "_explain"),
    ("_run",),
    ("_args",),
    ("_dispatch",),
    ("_select", "_tune", "_wisdom"),
    ("backends",),
    ("_problem", "_plan", "_reference", "_costs", "_dtypes"),
    ("_core", "_built", "_version"),
)
COMMANDS = ("_demo", "_bench")  # and the modules behind them, _demo_report and the like


def floor_of(name):
    for level, names in enumerate(FLOORS):
        if name in names or any(name.startswith(f"{n}_") for n in names if n in COMMANDS):
            return level
    raise AssertionError(f"fastconv.{name} has no floor: add it to FLOORS")


def imported(path):
    """Top-level fastconv modules that a Python file imports when it is itself imported."""
    package = path.relative_to(PACKAGE).parent.parts
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.level:
            base = list(package[: len(package) - node.level + 1])
            base += node.module.split(".") if node.module else []
            yield from [base[0]] if base else [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fastconv."):
            yield node.module.split(".")[1]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_are_short(path):
    assert len(path.read_text().splitlines()) <= 600


@pytest.mark.parametrize("path", PYTHON, ids=lambda p: str(p.relative_to(ROOT)))
def test_functions_are_short(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body
            first = body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                body = body[1:]  # docstrings may be long
            length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert length <= 80, f"{node.name} has {length} lines"


@pytest.mark.parametrize(
    "path",
    [p for p in PYTHON if PACKAGE in p.parents],
    ids=lambda p: str(p.relative_to(PACKAGE)),
)
def test_imports_go_downwards(path):
    parts = path.relative_to(PACKAGE).parts
    mine = floor_of(parts[0].removesuffix(".py"))
    for name in imported(path):
        if (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").exists():
            assert floor_of(name) >= mine, f"{path.name} imports {name} from a floor above"


def test_core_imports_nothing_from_above():
    for path in (PACKAGE / "_core").glob("*.p[yx][xd]"):
        text = path.read_text()
        for module in re.findall(r"^\s*(?:from|c?import)\s+(fastconv[\w.]*)", text, re.M):
            assert module.startswith("fastconv._core"), f"{path.name} imports {module}"


def test_kernels_do_not_know_python():
    for path in (PACKAGE / "_core" / "kernels").iterdir():
        assert "Python.h" not in path.read_text() or path.suffix == ".md"


def test_no_fast_math_anywhere():
    """-ffast-math sets flush-to-zero for the whole process."""
    for path in (ROOT / "meson.build", PACKAGE / "_core" / "meson.build"):
        code = [line.split("#")[0] for line in path.read_text().splitlines()]
        assert not any("fast-math" in line or "-Ofast" in line for line in code)


def test_public_names_exist_and_are_documented():
    import fastconv

    for name in fastconv.__all__:
        thing = getattr(fastconv, name)
        if name != "__version__":
            assert thing.__doc__, name
    stub = (PACKAGE / "__init__.pyi").read_text()
    for name in fastconv.__all__:
        assert re.search(rf"\b{name}\b", stub), f"{name} is missing from __init__.pyi"
