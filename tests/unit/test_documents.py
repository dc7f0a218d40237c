"""Every block of code in the documents is run by a test as printed, or has a reason why not."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^ *```\w*\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
DOCUMENTS = sorted(
    str(path.relative_to(ROOT)) for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))
)

TOUR = "tests/test_example_crawls.py::test_main_job_stores_the_known_numbers"
FIVE_MINUTES = "tests/crawl/test_readme.py::test_the_five_minutes_work_as_printed"
PYTHON = "tests/history/test_python_page.py::test_code_of_the_page_runs"
QUESTIONS = "tests/history/test_views.py::test_questions_of_the_page_are_answered_alike"
FRAMES = "tests/history/test_pandas.py::test_code_of_the_page_runs"
CLASS = "tests/crawl/test_how_to.py::test_an_item_class_is_changed"

RUN_BY: dict[str, list[str]] = {
    "README.md": [
        TOUR,
        "reason: it is what runs this test",
        "reason: the tour into PostgreSQL is run by `tox -e example`, with a server of its own",
        "reason: installing needs the network; tests/run.py installs the package in the same way",
        "reason: installing needs the network, and the package to be published",
        *[FIVE_MINUTES] * 7,
        "tests/unit/test_readme.py::test_the_declarations_in_settings_are_taken",
        "reason: a drawing; what it claims is in tests/unit/scd2/test_timeline.py",
    ],
    "docs/commands.md": [
        "tests/commands/test_normalize.py::test_the_commands_of_the_page_run_as_printed"
    ],
    "docs/how-to/change-an-item-class.md": [CLASS] * 8,
    "docs/python.md": [PYTHON] * 7,
    "docs/sql.md": [*[QUESTIONS] * 10, *[FRAMES] * 2],
}
"""By document, in the order of its blocks: the test, or the reason."""


@pytest.mark.parametrize("document", DOCUMENTS)
def test_each_block_is_accounted_for(document: str) -> None:
    """A new one needs a test, and one that is gone must leave the list."""
    blocks = BLOCK.findall((ROOT / document).read_text(encoding="utf-8"))
    assert len(RUN_BY.get(document, [])) == len(blocks)


@pytest.mark.parametrize("named", sorted({each for tests in RUN_BY.values() for each in tests}))
def test_each_test_is_there(named: str) -> None:
    """By its file and name."""
    if named.startswith("reason: "):
        return
    file, _, name = named.partition("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    functions = {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}
    assert name in functions
