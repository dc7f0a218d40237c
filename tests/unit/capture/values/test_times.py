"""Times by a rule of their own, each with a word."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.capture.coerce import coercer
from scrapy_snapshot_pipeline.capture.iso_times import parse_duration
from scrapy_snapshot_pipeline.capture.values.coerce_error import CoerceError
from scrapy_snapshot_pipeline.capture.values.notices import Notice
from scrapy_snapshot_pipeline.capture.values.times import time_of, to_duration, to_utc
from scrapy_snapshot_pipeline.declaration.tables import Column, Kind, Role
from scrapy_snapshot_pipeline.records import seconds_text

PARIS = ZoneInfo("Europe/Paris")
TWICE = dt.datetime(2024, 10, 27, 2, 30)  # noqa: DTZ001 - naive is the point
LEFT_OUT = dt.datetime(2024, 3, 31, 2, 30)  # noqa: DTZ001
UTC = dt.timezone.utc


def read(kind: Kind, value: Any, zone: dt.tzinfo | None = PARIS) -> tuple[Any, list[Notice]]:
    """What a column takes for a value, and what is said of it."""
    said: list[Notice] = []
    return coercer(Column("x", kind, Role.TRACKED), zone, said.append)(value), said


@pytest.mark.parametrize(
    ("value", "hour", "said"),
    [
        (TWICE, 0, [Notice.AMBIGUOUS]),
        (TWICE.replace(fold=1), 1, []),
        ("2024-10-27T02:30", 0, [Notice.AMBIGUOUS]),
        ("2024-10-27T02:30+01:00", 1, []),
        (LEFT_OUT, 1, [Notice.MISSING]),
        (LEFT_OUT.replace(hour=3), 1, []),
        (LEFT_OUT.replace(hour=1), 0, []),
    ],
)
def test_a_local_time_that_is_not_one_time(value: Any, hour: int, said: list[Notice]) -> None:
    """Is the first of two, or the time as if the clocks had not been set forward."""
    moment, notices = read(Kind.DATETIME, value)
    assert (moment.hour, moment.minute, moment.tzinfo) == (hour, 30, UTC)
    assert notices == said


def test_a_zone_with_one_offset_has_no_such_times() -> None:
    """UTC least of all."""
    assert (
        read(Kind.DATETIME, TWICE, UTC)[1] == read(Kind.DATETIME, TWICE, ZoneInfo("UTC"))[1] == []
    )


class Fine(dt.datetime):
    """As pandas has it."""

    nanosecond = 5


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (Kind.DATETIME, "2024-05-01T12:00:00.1234567Z", True),
        (Kind.DATETIME, "2024-05-01T12:00:00.1234560Z", False),
        (Kind.DATETIME, "2024-05-01T12:00:00.123456Z", False),
        (Kind.DATETIME, Fine(2024, 5, 1, tzinfo=UTC), True),
        (Kind.TIME, "12:00:00,1234567", True),
        (Kind.TIME, "12:00:00", False),
        (Kind.DURATION, "PT0.1234567S", True),
        (Kind.DURATION, "PT0.5S", False),
    ],
)
def test_what_is_finer_than_a_microsecond_is_cut_with_a_word(
    kind: Kind, value: Any, said: bool
) -> None:
    """Of a text and of an object."""
    assert (read(kind, value)[1] == [Notice.TOO_FINE]) is said


def test_a_time_is_cut_to_the_digits_of_its_column() -> None:
    """And never rounded up to another day."""
    latest = dt.time(23, 59, 59, 999_999)
    assert [time_of(digits)(latest).microsecond for digits in (None, 6, 3, 1, 0)] == [
        999_999,
        999_999,
        999_000,
        900_000,
        0,
    ]


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("P1DT2H30M", dt.timedelta(1, 9000)),
        ("P2W", dt.timedelta(14)),
        ("-PT0.5S", dt.timedelta(microseconds=-500_000)),
        (" PT90M ", dt.timedelta(minutes=90)),
        ("P1Y", None),
        ("P1M", None),
        ("P", None),
        ("PT", None),
        ("P1DT", None),
        ("90", None),
    ],
)
def test_a_duration_in_iso_8601(text: str, length: dt.timedelta | None) -> None:
    """Of units that are always equally long."""
    assert parse_duration(text) == length


def test_a_duration_is_a_timedelta_or_its_text() -> None:
    """A number could be of any unit."""
    assert to_duration(dt.timedelta(1, 2, 3)) == dt.timedelta(1, 2, 3)
    form = "expected a duration in ISO 8601 without years and months, such as P1DT2H30M"
    for wrong, problem in (
        (90, "expected timedelta, got int"),
        (1.5, "expected timedelta, got float"),
        ("an hour", form),
        ("P9999999999D", "expected a duration of at most 999999999 days"),
    ):
        with pytest.raises(CoerceError) as caught:
            to_duration(wrong)
        assert caught.value.problem == problem


@given(st.timedeltas())
def test_the_seconds_of_a_duration_are_exact(length: dt.timedelta) -> None:
    """To the microsecond."""
    text = seconds_text(length)
    assert Decimal(text).scaleb(6) == length // dt.timedelta(microseconds=1)
    assert not text.endswith((".", ".0"))


def test_a_time_in_utc_is_the_same_object() -> None:
    """Which is what nearly all are."""
    noon = dt.datetime(2024, 5, 1, 12, tzinfo=UTC)
    assert to_utc(noon, None) is noon


class FineTime(dt.time):
    """One of a library whose times have nanoseconds."""

    nanosecond = 5


class FineLength(dt.timedelta):
    """The same of lengths, as pandas has it."""

    nanoseconds = 5


def test_a_time_that_is_cut_to_its_column_has_its_word_too() -> None:
    """As one that is cut to microseconds only."""
    said: list[Notice] = []
    assert time_of(3, said.append)(FineTime(1, 2, 3, 4567)) == dt.time(1, 2, 3, 4000)
    assert said == [Notice.TOO_FINE]


def test_a_length_with_nanoseconds_is_cut_with_a_word() -> None:
    """One without has none."""
    said: list[Notice] = []
    assert to_duration(dt.timedelta(seconds=5), said.append) == dt.timedelta(seconds=5)
    assert said == []
    assert to_duration(FineLength(seconds=5), said.append) == dt.timedelta(seconds=5)
    assert said == [Notice.TOO_FINE]
