"""Mutants of some modules, by mutmut, and those that the unit tests of their package let live.

mutmut copies what it mutates, and works here on a copy of its own beside that: the project's folder
stays as it is.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "scrapy_snapshot_pipeline"
DEAD = ("killed", "timeout", "segfault")
"""What mutmut says of mutants that were noticed."""

_CONFIGURATION = """
[tool.mutmut]
source_paths = ["{package}"]
only_mutate = {files!r}
pytest_add_cli_args_test_selection = {tests!r}
pytest_add_cli_args = ["-o", "addopts=", "-p", "no:twisted", "-p", "no:cacheprovider"]
use_git_change_detection = false
process_isolation = "forkserver"
"""
_RESULT = re.compile(r"^ *(?P<name>\S+__mutmut_[0-9]+): (?P<status>.+)$", re.MULTILINE)
_CHANGED = re.compile(r"^(?P<sign>[-+])(?P<line>(?!--|\+\+).*)$", re.MULTILINE)


class Mutant(NamedTuple):
    """A changed function; what was changed names it, since numbers and lines move."""

    function: str
    """Such as `scd2.timeline.plan` or `scd2.timeline._Version.split`."""
    was: str
    """The lines that are gone, as one with single spaces."""
    becomes: str
    """The lines in their place; empty where there are none."""


class Mutants:
    """The mutants of `modules`, below PACKAGE, in a copy in `folder`."""

    def __init__(self, folder: Path, modules: Sequence[str], tests: Iterable[str]) -> None:
        self._folder = folder
        files = [file for module in modules for file in _files(module)]
        for name in (PACKAGE, "tests"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.pyc"))
        for file in files:
            copied = folder / file
            plain = without_properties(copied.read_text(encoding="utf-8"))
            copied.write_text(plain, encoding="utf-8")
        configuration = _CONFIGURATION.format(package=PACKAGE, files=files, tests=sorted(tests))
        project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        (folder / "pyproject.toml").write_text(project + configuration, encoding="utf-8")

    def try_all(self, processes: int) -> None:
        """Run the tests against each of them.  Raises CalledProcessError where they fail anyway."""
        self._mutmut("run", "--max-children", str(processes), shown=sys.stdout.isatty())

    def count(self) -> int:
        """How many there are."""
        return len(_RESULT.findall(self._mutmut("results", "--all", "true")))

    def living(self) -> Iterator[Mutant]:
        """Those that were not noticed, or were not tried."""
        for name, status in _RESULT.findall(self._mutmut("results")):
            if status not in DEAD:
                yield mutant(name, self._mutmut("show", name))

    def _mutmut(self, *arguments: str, shown: bool = False) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "mutmut", *arguments],
            check=True,
            cwd=self._folder,
            env={**os.environ, "HYPOTHESIS": "same", "PYTHONHASHSEED": "0", "PYTHONPATH": ""},
            stdin=subprocess.DEVNULL,
            stdout=None if shown else subprocess.PIPE,
            stderr=None if shown else subprocess.STDOUT,
            text=True,
        )
        return done.stdout or ""


def mutant(name: str, shown: str) -> Mutant:
    """The mutant of this name; `shown` is its difference."""
    module, _, mangled = name.rpartition("__mutmut_")[0].removeprefix(f"{PACKAGE}.").rpartition(".")
    function = mangled.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
    words: dict[str, list[str]] = {"-": [], "+": []}
    for sign, line in _CHANGED.findall(shown):
        words[sign] += line.split()
    return Mutant(f"{module}.{function}", " ".join(words["-"]), " ".join(words["+"]))


def without_properties(source: str) -> str:
    """The same module with `name = property(name)` below each function that was one.

    mutmut leaves out what has a decorator.
    """
    lines = source.splitlines(keepends=True)
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    for function in sorted(functions, key=lambda node: node.lineno, reverse=True):
        if [ast.unparse(decorator) for decorator in function.decorator_list] != ["property"]:
            continue
        made = f"{' ' * function.col_offset}{function.name} = property({function.name})\n"
        lines.insert(function.end_lineno or 0, made)
        del lines[function.decorator_list[0].lineno - 1]
    return "".join(lines)


def is_below(name: str, modules: Iterable[str]) -> bool:
    """Whether a dotted name is one of the modules, or of what they hold."""
    return any(f"{name}.".startswith(f"{module}.") for module in modules)


def _files(module: str) -> list[str]:
    path = ROOT / PACKAGE / module.replace(".", "/")
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    return [str(file.relative_to(ROOT)) for file in files]
