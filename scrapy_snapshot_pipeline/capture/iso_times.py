"""Parses dates, times and durations in ISO 8601, by the same rules on every Python.

What `fromisoformat` accepts differs between versions.  Each function returns None for text of
another form, and raises ValueError for a date or time that does not exist.  Fractions of a second
are cut to microseconds.
"""

from __future__ import annotations

import datetime as dt
import re

_ISO_TIME = r"([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:[.,]([0-9]+))?"
_TIME = re.compile(_ISO_TIME)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME = re.compile(rf"({_DATE.pattern})[Tt ]{_ISO_TIME} ?([Zz]|[+-][0-9]{{2}}:?[0-9]{{2}})?")

_UNITS = ("weeks", "days", "hours", "minutes", "seconds")
_DURATION = re.compile(
    r"(?P<sign>[+-]?)P(?:(?P<weeks>[0-9]{1,10})W)?(?:(?P<days>[0-9]{1,10})D)?"
    r"(?:T(?:(?P<hours>[0-9]{1,12})H)?(?:(?P<minutes>[0-9]{1,14})M)?"
    r"(?:(?P<seconds>[0-9]{1,15})(?:[.,](?P<fraction>[0-9]+))?S)?)?"
)


def parse_date(text: str) -> dt.date | None:
    """`2024-05-01`."""
    return dt.date.fromisoformat(text) if _DATE.fullmatch(text) else None


def parse_time(text: str) -> dt.time | None:
    """`12:00`, `12:00:00` or `12:00:00.5`, without a zone."""
    match = _TIME.fullmatch(text)
    return None if match is None else dt.time.fromisoformat(_clock(*match.groups()))


def parse_datetime(text: str) -> dt.datetime | None:
    """`2024-05-01T12:00Z`, in any of the forms of both parts; naive if it states no zone."""
    match = _DATETIME.fullmatch(text.strip())
    if match is None:
        return None
    date, clock, fraction, zone = match.groups()
    return dt.datetime.fromisoformat(f"{date}T{_clock(clock, fraction)}{_offset(zone)}")


def parse_duration(text: str) -> dt.timedelta | None:
    """`P1DT2H30M`, `P2W`, `-PT0.5S`; not of months and years, whose length differs."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or text.rstrip().endswith(("P", "T")):
        return None
    sign, fraction = match["sign"], (match["fraction"] or "")[:6]
    length = dt.timedelta(
        microseconds=int(f"{fraction:0<6}"),
        **{unit: int(match[unit] or 0) for unit in _UNITS},
    )
    return -length if sign == "-" else length


def _clock(clock: str, fraction: str | None) -> str:
    if clock.startswith("24"):  # which Python 3.14 takes for midnight
        raise ValueError("there is no hour 24")
    seconds = clock if len(clock) == len("HH:MM:SS") else f"{clock}:00"
    return f"{seconds}.{(fraction or '')[:6]:0<6}"


def _offset(zone: str | None) -> str:
    if zone is None:
        return ""
    return "+00:00" if zone in "Zz" else f"{zone[:3]}:{zone[-2:]}"
