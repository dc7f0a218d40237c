"""Times as people give them on a command line."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from itertools import islice
from typing import TypeAlias

from scrapy.exceptions import UsageError

from scrapy_snapshot_pipeline.history import SnapshotHistory
from scrapy_snapshot_pipeline.safe_text import counted

Moment: TypeAlias = "dt.datetime | uuid.UUID"

HELP = (
    "a time (2024-05-01, 2024-05-01T18:30, in your zone unless it states one), how long ago "
    "(90m, 36h, 7d, 2w), now, today, yesterday, or a run: its id or the first 8 digits of it, "
    "last, last~1 (the one before)"
)
_AGO = re.compile(r"(\d{1,6})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LAST = re.compile(r"last(?:~(\d{1,6}))?")
_RUN = re.compile(r"[0-9a-f]{8}[0-9a-f-]{0,28}")


def moment(text: str, history: SnapshotHistory, zone: dt.tzinfo | None) -> Moment:
    """Understand `text`; `zone` of times that state none, None: the system's.

    Raises UsageError.
    """
    now = dt.datetime.now(dt.timezone.utc).astimezone(zone)
    found = _named(text, now, zone) or _ago(text, now) or _stated(text, zone)
    return found or _run(text, history)


def _named(text: str, now: dt.datetime, zone: dt.tzinfo | None) -> dt.datetime | None:
    if text == "now":
        return now
    days = {"today": 0, "yesterday": 1}.get(text)
    if days is None:
        return None
    midnight = dt.datetime.combine(now.date() - dt.timedelta(days=days), dt.time())
    return _in_zone(midnight, zone)


def _ago(text: str, now: dt.datetime) -> dt.datetime | None:
    found = _AGO.fullmatch(text)
    if found is None:
        return None
    try:
        return now - dt.timedelta(**{_UNITS[found[2]]: int(found[1])})
    except OverflowError:
        raise UsageError(f"{text} ago is before all calendars", print_help=False) from None


def _stated(text: str, zone: dt.tzinfo | None) -> dt.datetime | None:
    if not re.match(r"\d{4}-\d\d-\d\d", text):
        return None
    try:
        time = dt.datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text))
    except ValueError:
        return None
    return time if time.tzinfo is not None else _in_zone(time, zone)


def _in_zone(time: dt.datetime, zone: dt.tzinfo | None) -> dt.datetime:
    return time.astimezone() if zone is None else time.replace(tzinfo=zone)


def _run(text: str, history: SnapshotHistory) -> uuid.UUID:
    found = _LAST.fullmatch(text)
    if found is not None:
        return _last(int(found[1] or 0), history)
    if _RUN.fullmatch(text.lower()):
        return _begun(text.lower(), history)
    raise UsageError(f"{text!a} is no time and no run; give {HELP}", print_help=False)


def _last(back: int, history: SnapshotHistory) -> uuid.UUID:
    runs = list(islice(history.runs(), back + 1))
    if len(runs) <= back:
        there = f"there are only {counted(len(runs), 'run')}" if runs else "there is no run yet"
        raise UsageError(f"{there}; see scrapy snapshots runs", print_help=False)
    return runs[back].run_id


def _begun(text: str, history: SnapshotHistory) -> uuid.UUID:
    wanted = text.replace("-", "")
    found = [run.run_id for run in history.runs() if run.run_id.hex.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    problem = "several runs begin" if found else "no run begins"
    raise UsageError(f"{problem} with {text}; see scrapy snapshots runs", print_help=False)
