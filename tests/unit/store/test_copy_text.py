"""The text format of COPY."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from scrapy_snapshot_pipeline.records import Value
from scrapy_snapshot_pipeline.store.sql.copy_text import copy_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "\\N"),
        (True, "t"),
        (-7, "-7"),
        (0.1, "0.1"),
        (Decimal("1.50"), "1.50"),
        ("plain", "plain"),
        ("a\tb\nc\rd\\N", "a\\tb\\nc\\rd\\\\N"),
        ("\\.", "\\\\."),
        (b"\x00\xff", "\\\\x00ff"),
        (dt.date(2026, 1, 2), "2026-01-02"),
        (dt.time(3, 4, 5), "03:04:05"),
        (dt.datetime(2026, 1, 2, tzinfo=dt.timezone.utc), "2026-01-02T00:00:00+00:00"),
    ],
)
def test_each_value_has_one_escaped_form(value: Value, text: str) -> None:
    """No value can end its column, its row or the copy, or pass for NULL."""
    assert copy_text([(value,), ("next",)]) == f"{text}\tnext\n"


@pytest.mark.parametrize("other", [None, "plain", "a\tb", 5, b"x"])
def test_a_column_of_mixed_types_is_written_value_by_value(other: Value) -> None:
    """What else is in a column changes no value's text."""
    alone = copy_text([(other,)])
    assert copy_text([("a\nb", other)]) == f"a\\nb\n{alone}"
    assert copy_text([(other, other, Decimal("1.10"))]) == f"{alone}{alone}1.10\n"


def test_equal_decimals_keep_their_own_digits() -> None:
    """A repeated value may be written once, but 1.1 is not 1.10."""
    assert copy_text([(Decimal("1.1"), Decimal("1.10"))]) == "1.1\n1.10\n"


def test_equal_times_keep_their_own_zones() -> None:
    """They are one instant, but not one text for a column without a zone."""
    noon = dt.datetime(2026, 1, 2, 12, tzinfo=dt.timezone.utc)
    there = noon.astimezone(dt.timezone(dt.timedelta(hours=1)))
    assert copy_text([[noon, there]]) == "2026-01-02T12:00:00+00:00\n2026-01-02T13:00:00+01:00\n"
