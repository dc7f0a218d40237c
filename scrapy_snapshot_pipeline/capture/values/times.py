"""Turns scraped times into datetime, date, time or timedelta, by the same rules everywhere.

* A time is kept to the microsecond; what is finer is cut.
* A time without a zone is one of the zone that the user states.  One that came twice there, when
  the clocks were set back, is the first of the two, or the second where its `fold` is 1.  One that
  was left out, when they were set forward, is taken as if they had not been.

Each of these is worth a `Notice`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import TypeVar

from scrapy_snapshot_pipeline.capture.iso_times import (
    parse_date,
    parse_datetime,
    parse_duration,
    parse_time,
)
from scrapy_snapshot_pipeline.capture.values.coerce_error import expected, or_unfit, unfit
from scrapy_snapshot_pipeline.capture.values.notices import Notice, Notices, silent

_FINE = re.compile(r"[.,][0-9]{6}[0-9]*[1-9]")
_MICROSECONDS = 6

T = TypeVar("T")


def to_utc(
    value: object, naive_timezone: dt.tzinfo | None, notify: Notices = silent
) -> dt.datetime:
    """Accepts datetime or its ISO 8601 text, and converts it to UTC.

    One that states no zone is read in `naive_timezone`; None refuses it.
    """
    if type(value) is dt.datetime and value.tzinfo is dt.timezone.utc:
        return value
    moment = _iso_datetime(value) if isinstance(value, str) else value
    if not isinstance(moment, dt.datetime):
        raise expected("datetime", value)
    _note_fineness(value, notify)
    if moment.utcoffset() is None:
        if naive_timezone is None:
            cure = "attach its time zone, or set SNAPSHOT_NAIVE_TIMEZONE"
            raise unfit("a datetime with a time zone", cure)
        moment = _in_zone(moment, naive_timezone, notify)
    return or_unfit("a datetime from year 1 to 9999 in UTC", lambda: _utc(moment))


def to_date(value: object) -> dt.date:
    """Accepts date or its ISO 8601 text, but no datetime: its date depends on the zone."""
    if isinstance(value, dt.datetime):
        raise expected("date", value, "take its date() in the spider, in the zone that you mean")
    if isinstance(value, dt.date):
        return dt.date(value.year, value.month, value.day)
    if not isinstance(value, str):
        raise expected("date", value)
    existing = "a date that exists in the calendar"
    return _from_iso(value, parse_date, "a date as YYYY-MM-DD", existing)


def to_time(value: object, notify: Notices = silent) -> dt.time:
    """Accepts time without a zone, or its ISO 8601 text."""
    moment = _iso_time(value) if isinstance(value, str) else value
    if not isinstance(moment, dt.time):
        raise expected("time", value)
    if moment.tzinfo is not None:
        raise unfit("a time without a time zone", "use a datetime, or drop the zone")
    _note_fineness(value, notify)
    return dt.time(moment.hour, moment.minute, moment.second, moment.microsecond)


def time_of(digits: int | None, notify: Notices = silent) -> Callable[[object], dt.time]:
    """Accepts what `to_time` does, and cuts it to so many digits of a second; None: six."""
    if digits is None or digits >= _MICROSECONDS:
        return lambda value: to_time(value, notify)
    step: int = 10 ** (_MICROSECONDS - digits)

    def to_cut(value: object) -> dt.time:
        time = to_time(value, notify)
        return time.replace(microsecond=time.microsecond - time.microsecond % step)

    return to_cut


def to_duration(value: object, notify: Notices = silent) -> dt.timedelta:
    """Accepts timedelta, or its ISO 8601 text in weeks, days, hours, minutes and seconds."""
    if isinstance(value, dt.timedelta):
        if getattr(value, "nanoseconds", 0):
            notify(Notice.TOO_FINE)
        return dt.timedelta(value.days, value.seconds, value.microseconds)
    if not isinstance(value, str):
        raise expected("timedelta", value)
    form = "a duration in ISO 8601 without years and months, such as P1DT2H30M"
    length = _from_iso(value, parse_duration, form, "a duration of at most 999999999 days")
    _note_fineness(value, notify)
    return length


def _note_fineness(value: object, notify: Notices) -> None:
    if not isinstance(value, str):
        fine: object = getattr(value, "nanosecond", 0)
    else:
        # Most texts have no fraction, which is quicker to see than a fine one is to find.
        fine = ("." in value or "," in value) and _FINE.search(value)
    if fine:
        notify(Notice.TOO_FINE)


def _in_zone(moment: dt.datetime, zone: dt.tzinfo, notify: Notices) -> dt.datetime:
    if isinstance(zone, dt.timezone):  # whose offset is always the same
        return moment.replace(tzinfo=zone)
    first, second = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    before, after = first.utcoffset(), second.utcoffset()
    if before is not None and after is not None and before < after:
        notify(Notice.MISSING)
    elif before != after and not moment.fold:
        notify(Notice.AMBIGUOUS)
    return second if moment.fold else first


def _utc(moment: dt.datetime) -> dt.datetime:
    shifted = moment.astimezone(dt.timezone.utc)
    return dt.datetime.combine(shifted.date(), shifted.time(), dt.timezone.utc)


def _iso_datetime(text: str) -> dt.datetime:
    form = "a datetime in ISO 8601, such as 2024-05-01T12:00:00Z"
    return _from_iso(text, parse_datetime, form, "a datetime that exists in the calendar")


def _iso_time(text: str) -> dt.time:
    return _from_iso(text, parse_time, "a time as HH:MM:SS", "a time of day")


def _from_iso(text: str, parse: Callable[[str], T | None], form: str, existing: str) -> T:
    parsed = or_unfit(existing, lambda: parse(text))
    if parsed is None:
        raise unfit(form)
    return parsed
