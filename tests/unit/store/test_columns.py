"""Converting a column: as few calls as possible, and each value with its own text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from scrapy_snapshot_pipeline.store.sql.columns import convert_column, types_in

NOON = dt.datetime(2026, 1, 2, 12, tzinfo=dt.timezone.utc)
NOON_ELSEWHERE = NOON.astimezone(dt.timezone(dt.timedelta(hours=1)))


def converted(column: Sequence[Any]) -> tuple[list[str], int]:
    """The texts, and how many calls they took."""
    calls = []

    def convert(value: Any) -> str:
        calls.append(value)
        return str(value)

    return list(convert_column(convert, column)), len(calls)


@pytest.mark.parametrize(
    ("column", "calls"),
    [
        ([b"x", b"y", b"x", None, None], 3),
        ([NOON, None, NOON], 2),
        ([1, 1, 1], 3),
        ([Decimal("1.1"), Decimal("1.10")], 2),
        ([NOON, NOON_ELSEWHERE], 2),
        ([NOON, "12:00", NOON], 3),
        ([], 0),
    ],
)
def test_each_value_gets_its_own_text(column: Sequence[Any], calls: int) -> None:
    """Only ids and times of one zone are converted once for all their rows."""
    assert converted(column) == ([str(value) for value in column], calls)


def test_types_are_those_of_the_values() -> None:
    """Not the classes that they are derived from."""
    assert types_in([True, 1, None]) == {bool, int, type(None)}
