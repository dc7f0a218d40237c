"""The house: how many rooms it has, and how large they and what is in them may grow."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "scrapy_snapshot_pipeline"
MODULES = sorted(PACKAGE.rglob("*.py"))

ROOT_FILES = {
    "__init__.py",
    "addon.py",
    "errors.py",
    "pipeline.py",
    "py.typed",
    "records.py",
    "safe_text.py",
    "setting_types.py",
    "settings.py",
}
MAX_PACKAGES = 16
MAX_MODULES = 16
"""In one directory."""
MAX_MODULE_LINES = 350
MAX_FUNCTION_LINES = 40
MAX_MEDIAN_FUNCTION_LINES = 6


def functions(module: Path) -> Iterator[tuple[str, int]]:
    """Name and lines of each function, from `def` to its end, without decorators."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            yield f"{module.relative_to(PACKAGE)}:{node.lineno} {node.name}", lines


def packages(folder: Path) -> list[Path]:
    """The packages directly in a folder."""
    return sorted(path.parent for path in folder.glob("*/__init__.py"))


def test_the_root_has_its_packages_and_its_files() -> None:
    """What everyone imports; all else is in a package."""
    assert len(packages(PACKAGE)) <= MAX_PACKAGES
    assert {path.name for path in PACKAGE.iterdir() if path.is_file()} == ROOT_FILES


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_is_read_in_one_sitting(module: Path) -> None:
    """One that grows beyond it has become two."""
    assert len(module.read_text(encoding="utf-8").splitlines()) <= MAX_MODULE_LINES


def test_no_function_is_long() -> None:
    """Neither the longest, nor the one in the middle."""
    found = dict(entry for module in MODULES for entry in functions(module))
    assert {name: lines for name, lines in found.items() if lines > MAX_FUNCTION_LINES} == {}
    assert median(found.values()) <= MAX_MEDIAN_FUNCTION_LINES


def test_no_directory_is_crowded() -> None:
    """A reader sees at one look what is in it."""
    counts = {
        str(folder.relative_to(PACKAGE)): len(list(folder.glob("*.py")))
        for folder in {module.parent for module in MODULES}
    }
    assert {folder: count for folder, count in counts.items() if count > MAX_MODULES} == {}
