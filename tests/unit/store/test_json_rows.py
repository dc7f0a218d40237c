"""The JSON text of rows."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest

from scrapy_snapshot_pipeline.records import Value
from scrapy_snapshot_pipeline.store.sql.json_rows import json_rows_text

MOMENT = dt.datetime(2026, 1, 2, tzinfo=dt.timezone.utc)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        (True, "t"),
        (-(2**63), "-9223372036854775808"),
        (float("inf"), "inf"),
        (Decimal("1.50"), "1.50"),
        ('say "x"\t\\N\u20ac', 'say "x"\t\\N\u20ac'),
        (b"\x00\xff", "\\x00ff"),
        (MOMENT, "2026-01-02T00:00:00+00:00"),
        (MOMENT.date(), "2026-01-02"),
        (MOMENT.time(), "00:00:00"),
    ],
)
def test_each_value_is_a_string_for_its_columns_input(value: Value, text: str | None) -> None:
    """The same text that COPY brings, alone in its column or among others."""
    assert json.loads(json_rows_text(["a"], [(value,)], ())) == [{"a": text}]
    mixed = json_rows_text(["a"], [(value, None, "x", 5)], ())
    assert [row["a"] for row in json.loads(mixed)] == [text, None, "x", "5"]


def test_what_is_json_already_stays_what_it_is() -> None:
    """A JSON column gets the value, not a string that holds its text."""
    text = json_rows_text(["a", "b"], [('{"x": 1.10}', None), ("{}", "[]")], {0})
    assert text == '[{"a": {"x": 1.10}, "b": "{}"},{"a": null, "b": "[]"}]'


def test_names_are_names_whatever_they_hold() -> None:
    """Neither a quote nor a percent sign in a name means anything."""
    names = ['say "x"', "50%", "%s"]
    assert json.loads(json_rows_text(names, [("1",), ("2",), ("3",)], ())) == [
        {'say "x"': "1", "50%": "2", "%s": "3"}
    ]
