"""Values as text."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from scrapy_snapshot_pipeline.report.formatting import (
    key_text,
    number_text,
    percent_text,
    relative_text,
    time_text,
    value_text,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "\N{EN DASH}"),
        (Decimal("1.50"), "1.50"),
        (Decimal("1E+3"), "1000"),
        (True, "True"),
        ({"a": "\u00e9"}, '{"a": "\u00e9"}'),
        (b"\x00\xff", "2 bytes: 00ff"),
        ("\u202eabc", r"\u202eabc"),
    ],
)
def test_value_is_one_line(value: object, text: str) -> None:
    """Exact, and with nothing hidden in it."""
    assert value_text(value) == text


def test_long_value_is_cut() -> None:
    """A page of a thousand values can still be opened."""
    assert len(value_text("x" * 10_000)) < 300


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [("2", "3", "+50.0 %"), ("-2", "-3", "-50.0 %"), ("0", "3", ""), ("4", "4", "+0.0 %")],
)
def test_percent_is_of_the_old_value(old: str, new: str, text: str) -> None:
    """Up is plus, also below zero; from zero there is no percentage."""
    assert percent_text(Decimal(old), Decimal(new)) == text


def test_no_number_has_no_percent() -> None:
    """A text beside a number cannot be compared."""
    assert percent_text(None, Decimal(1)) == ""
    assert percent_text(Decimal(1), None) == ""
    assert relative_text(None) == ""


def test_very_long_number_is_rounded() -> None:
    """Otherwise it would push the others off the table."""
    assert number_text(Decimal(10) ** 40) == "1.00000e+40"


def test_time_is_in_utc() -> None:
    """Whatever zone it came with."""
    zone = dt.timezone(dt.timedelta(hours=2))
    assert time_text(dt.datetime(2026, 1, 1, 1, tzinfo=zone)) == "2025-12-31 23:00:00"


def test_keys_of_rows_follow_those_around_them() -> None:
    """Fields of one key are separated in another way."""
    assert key_text({"market": "1x2", "line": None}, {"name": "home"}) == "1x2, \N{EN DASH} / home"


def test_sign_is_shown_on_demand() -> None:
    """For a difference, up or down."""
    assert number_text(Decimal("1.50"), signed=True) == "+1.50"
    assert number_text(Decimal("-1E+2"), signed=True) == "-100"
