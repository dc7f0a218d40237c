"""Times, as people write them on a command line."""

from __future__ import annotations

import datetime as dt
import re
import sys
import uuid
from itertools import islice
from typing import TypeAlias

from scrapy.exceptions import UsageError

from scrapy_snapshot_pipeline.history import Run, SnapshotHistory
from scrapy_snapshot_pipeline.safe_text import counted, escaped

TimeOrRun: TypeAlias = "dt.datetime | uuid.UUID"

TIME_HELP = (
    "a time (2024-05-01, 2024-05-01T18:30, in your zone unless it states one), how long ago "
    "(90m, 36h, 7d, 2w), now, today, yesterday, or a run: its id or the first 8 digits of it, "
    "last, last~1 (the one before)"
)
_AGO = re.compile(r"(\d{1,6})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LAST = re.compile(r"last(?:~(\d{1,6}))?")
_RUN = re.compile(r"[0-9a-f]{8}[0-9a-f-]{0,28}")


def parse_time_or_run(
    text: str, history: SnapshotHistory, zone: dt.tzinfo | None, table: str | None = None
) -> TimeOrRun:
    """The time or the run that `text` means.  Raises UsageError.

    `zone` is that of times that state none; None is the system's zone.  The last run is the last
    crawl that wrote `table`; None: any.
    """
    now = dt.datetime.now(dt.timezone.utc).astimezone(zone)
    time = _named(text, now, zone) or _ago(text, now) or _stated(text, zone)
    return time or _run(text, history, table)


def _named(text: str, now: dt.datetime, zone: dt.tzinfo | None) -> dt.datetime | None:
    if text == "now":
        return now
    days = {"today": 0, "yesterday": 1}.get(text)
    if days is None:
        return None
    midnight = dt.datetime.combine(now.date() - dt.timedelta(days=days), dt.time())
    return _in_zone(midnight, zone)


def _ago(text: str, now: dt.datetime) -> dt.datetime | None:
    match = _AGO.fullmatch(text)
    if match is None:
        return None
    try:
        return now - dt.timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError:
        raise UsageError(
            f"{text} ago is before the first year of the calendar", print_help=False
        ) from None


def _stated(text: str, zone: dt.tzinfo | None) -> dt.datetime | None:
    if not re.match(r"\d{4}-\d\d-\d\d", text):
        return None
    try:
        time = dt.datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text))
    except ValueError:
        return None
    return time if time.tzinfo is not None else _in_zone(time, zone)


def _in_zone(time: dt.datetime, zone: dt.tzinfo | None) -> dt.datetime:
    if zone is not None:
        return time.replace(tzinfo=zone)
    try:
        return time.astimezone()
    except (OverflowError, ValueError):
        raise UsageError(
            f"{time} is at the end of the calendar; state its zone, as with Z", print_help=False
        ) from None


def _run(text: str, history: SnapshotHistory, table: str | None) -> uuid.UUID:
    match = _LAST.fullmatch(text)
    if match is not None:
        run = _last_run(int(match[1] or 0), history, table)
        started = run.started_at.strftime("%Y-%m-%d %H:%M:%S")
        sys.stderr.write(
            f"{text} is run {str(run.run_id)[:8]} of spider {escaped(run.spider)}, "
            f"which started at {started} UTC\n"
        )
        return run.run_id
    if _RUN.fullmatch(text.lower()):
        return _run_that_begins_with(text.lower(), history)
    raise UsageError(f"{text!a} is neither a time nor a run; give {TIME_HELP}", print_help=False)


def _last_run(back: int, history: SnapshotHistory, table: str | None) -> Run:
    runs = list(islice(history.runs(table=table), back + 1))
    if len(runs) <= back:
        problem = f"there are only {counted(len(runs), 'run')}" if runs else "there is no run yet"
        where = "" if table is None else f" of table {table}"
        raise UsageError(f"{problem}{where}; see scrapy snapshots runs", print_help=False)
    return runs[back]


def _run_that_begins_with(text: str, history: SnapshotHistory) -> uuid.UUID:
    digits = text.replace("-", "")
    matching = [run.run_id for run in history.runs() if run.run_id.hex.startswith(digits)]
    if len(matching) == 1:
        return matching[0]
    problem = "several runs begin" if matching else "no run begins"
    raise UsageError(f"{problem} with {text}; see scrapy snapshots runs", print_help=False)
