"""Dates and times from text, the same on every Python."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.capture.iso_times import (
    _clock,
    parse_date,
    parse_datetime,
    parse_duration,
    parse_time,
)

UTC = dt.timezone.utc
EAST = dt.timezone(dt.timedelta(hours=5, minutes=30))


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("12:30", dt.time(12, 30)),
        ("12:30:15", dt.time(12, 30, 15)),
        ("12:30:15.5", dt.time(12, 30, 15, 500_000)),
        ("12:30:15,123456789", dt.time(12, 30, 15, 123_456)),
        ("12:30Z", None),
        ("1230", None),
        ("9:30", None),
    ],
)
def test_a_time_has_hours_and_minutes_and_perhaps_more(text: str, clock: dt.time | None) -> None:
    """Never a zone."""
    assert parse_time(text) == clock


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-05-01T12:00:00Z", dt.datetime(2024, 5, 1, 12, tzinfo=UTC)),
        ("2024-05-01 12:00z", dt.datetime(2024, 5, 1, 12, tzinfo=UTC)),
        (" 2024-05-01t12:00:00.25 +0530 ", dt.datetime(2024, 5, 1, 12, 0, 0, 250_000, EAST)),
        ("2024-05-01T12:00:00+05:30", dt.datetime(2024, 5, 1, 12, tzinfo=EAST)),
        ("2024-05-01T12:00", dt.datetime(2024, 5, 1, 12)),  # noqa: DTZ001 - it states none
        ("2024-05-01", None),
        ("20240501T120000Z", None),
        ("2024-05-01T12:00:00+05", None),
        ("٢٠٢٤-05-01T12:00:00Z", None),
    ],
)
def test_a_datetime_has_a_date_a_time_and_perhaps_a_zone(
    text: str, moment: dt.datetime | None
) -> None:
    """Naive without it."""
    parsed = parse_datetime(text)
    assert parsed == moment
    assert moment is None or parsed is None or parsed.utcoffset() == moment.utcoffset()


def test_a_date_has_only_one_form() -> None:
    """Newer Pythons would take others."""
    assert parse_date("2024-05-01") == dt.date(2024, 5, 1)
    assert parse_date("20240501") is parse_date("2024-W18-3") is None


@pytest.mark.parametrize(
    "text", ["2024-02-30T12:00:00Z", "2024-05-01T25:00:00Z", "2024-05-01T24:00:00Z"]
)
def test_a_datetime_that_does_not_exist_is_an_error(text: str) -> None:
    """And not another form."""
    with pytest.raises(ValueError, match=r".+"):
        parse_datetime(text)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        (" P1DT2H ", dt.timedelta(days=1, hours=2)),
        ("-PT0.1234567S", dt.timedelta(microseconds=-123_456)),
        (" P ", None),
        (" P1DT ", None),
    ],
)
def test_a_duration_is_cut_to_microseconds_and_has_a_length(
    text: str, length: dt.timedelta | None
) -> None:
    """Space around it is none of it."""
    assert parse_duration(text) == length


def test_the_hour_24_does_not_exist() -> None:
    """Python 3.14 would take it for midnight."""
    with pytest.raises(ValueError, match=r"^there is no hour 24$"):
        parse_time("24:00")


@pytest.mark.parametrize(
    ("clock", "fraction", "text"),
    [
        ("12:30", None, "12:30:00.000000"),
        ("12:30:15", "5", "12:30:15.500000"),
        ("12:30:15", "123456789", "12:30:15.123456"),
    ],
)
def test_python_is_given_one_form(clock: str, fraction: str | None, text: str) -> None:
    """The only one that Python 3.10 takes."""
    assert _clock(clock, fraction) == text


@given(st.datetimes(timezones=st.sampled_from([UTC, EAST])))
def test_what_python_writes_is_read_back(moment: dt.datetime) -> None:
    """To the microsecond."""
    assert parse_datetime(moment.isoformat()) == moment
    assert parse_date(moment.date().isoformat()) == moment.date()
    assert parse_time(moment.time().isoformat()) == moment.time()
