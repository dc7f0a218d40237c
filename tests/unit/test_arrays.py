"""Rows as one array a column."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from scrapy_snapshot_pipeline.arrays import rows_of_arrays
from scrapy_snapshot_pipeline.records import Value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "NULL"),
        (True, "t"),
        (-7, "-7"),
        (0.1, "0.1"),
        (Decimal("1.50"), "1.50"),
        ("", '""'),
        ("NULL", '"NULL"'),
        ('a"},{\\', '"a\\"},{\\\\"'),
        (b"\x00\xff", '"\\\\x00ff"'),
        (dt.date(2026, 1, 2), "2026-01-02"),
        (dt.time(3, 4, 5), "03:04:05"),
        (dt.datetime(2026, 1, 2, tzinfo=dt.timezone.utc), "2026-01-02T00:00:00+00:00"),
    ],
)
def test_each_value_has_one_quoted_form(value: Value, text: str) -> None:
    """No value can end its element or the array, or pass for NULL, alone or in mixed company."""
    _, (alone, mixed) = rows_of_arrays(["x", "y"], [(value, value), (value, "z")])
    assert alone == f"{{{text},{text}}}"
    assert mixed == f'{{{text},"z"}}'


def test_the_query_has_a_column_a_type() -> None:
    """Each is cast to an array of its type."""
    source, _ = rows_of_arrays(["UUID", "NUMERIC(10, 3)"], [("a",), (Decimal(1),)])
    assert source == "SELECT * FROM unnest(%s::UUID[], %s::NUMERIC(10, 3)[])"
