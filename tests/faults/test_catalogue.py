"""The catalogue of faults is complete."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.faults.catalogue import ELSEWHERE, FAULTS, NOT_HERE

ROOT = Path(__file__).parents[2]


def marked() -> set[int]:
    """The numbers in the `fault` marks of this folder."""
    numbers: set[int] = set()
    for file in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.fault":
                numbers.update(ast.literal_eval(argument) for argument in node.args)
    return numbers


def test_every_fault_has_a_test_or_a_reason() -> None:
    """Each fault is produced here, is tested elsewhere, or cannot be produced."""
    assert marked() | set(ELSEWHERE) | set(NOT_HERE) == set(FAULTS)
    assert not marked() & set(NOT_HERE)


def test_the_other_tests_are_there() -> None:
    """No file that the catalogue names has been moved."""
    assert all((ROOT / file).is_file() for file in ELSEWHERE.values())
