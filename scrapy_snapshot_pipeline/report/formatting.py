"""Stored values as text for people.  Pure."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

from scrapy_snapshot_pipeline.history.results import Fields, FieldValue
from scrapy_snapshot_pipeline.safe_text import printable, where_different

NOTHING = "\N{EN DASH}"


def value_text(value: FieldValue) -> str:
    """A value in one line, cut if it is long; invisible characters are escaped."""
    if value is None:
        return NOTHING
    return printable(_plain(value))


def told_apart(old: FieldValue, new: FieldValue) -> tuple[str, str]:
    """Two values that differ, in one line each, cut to where they do if they are long.

    Texts are in quotes where both would read alike: the text "10" and the number 10.
    """
    if old is None or new is None:
        return value_text(old), value_text(new)
    before, after = map(printable, where_different(_plain(old), _plain(new)))
    if before != after:
        return before, after
    return _quoted(old, before), _quoted(new, after)


def time_text(moment: dt.datetime | None) -> str:
    """In UTC, to the second."""
    if moment is None:
        return NOTHING
    return f"{moment.astimezone(dt.timezone.utc):%Y-%m-%d %H:%M:%S}"


def key_text(*keys: Fields) -> str:
    """The keys that lead to a row, outermost first."""
    return " / ".join(", ".join(value_text(value) for value in key.values()) for key in keys)


def percent_text(old: Decimal | None, new: Decimal | None) -> str:
    """The change with its sign, as `+4.2 %`; empty if there is no number to compare with."""
    if not old or new is None:
        return ""
    return relative_text(float((new - old) / abs(old)))


def relative_text(relative: float | None) -> str:
    """0.05 as `+5.0 %`."""
    return "" if relative is None else f"{100 * relative:+,.1f} %"


def number_text(number: Decimal, *, signed: bool = False) -> str:
    """The number without an exponent, unless it is very long."""
    text = f"{number:+f}" if signed else f"{number:f}"
    return text if len(text) <= 24 else f"{number:.6g}"  # noqa: PLR2004 - a column's width


def _quoted(value: FieldValue, text: str) -> str:
    return f'"{text}"' if isinstance(value, str) else text


def _plain(value: FieldValue) -> str:
    if isinstance(value, dt.datetime):
        return time_text(value) + " UTC"
    if isinstance(value, Decimal):
        return number_text(value)
    if isinstance(value, bytes):
        return f"{len(value):,} bytes: {value[:16].hex()}"
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
