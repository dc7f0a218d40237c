"""`scrapy snapshots report`: the history as one page to look at."""

from __future__ import annotations

import argparse
import datetime as dt
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from scrapy.settings import BaseSettings

from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history import SnapshotHistory
from scrapy_snapshot_pipeline.report import Choice, gather, render
from scrapy_snapshot_pipeline.report.choice import TOP
from scrapy_snapshot_pipeline.settings import SnapshotSettings

_AGO = re.compile(r"(\d{1,5})([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


class Report:
    """Writes the page."""

    summary = "write a report as one HTML page that opens without network"
    example = "scrapy snapshots report -o report.html"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """See `Subcommand`."""
        parser.add_argument(
            "-o",
            dest="report_file",
            type=Path,
            default=Path("report.html"),
            metavar="FILE",
            help="where to (default: report.html)",
        )
        parser.add_argument(
            "--table", action="append", default=[], help="only this table (may be repeated)"
        )
        parser.add_argument(
            "--key",
            action="append",
            default=[],
            metavar="FIELD=VALUE",
            help="only entities with this value in this key field (may be repeated)",
        )
        parser.add_argument(
            "--since",
            metavar="TIME",
            help="changes since then: 2026-05-01, 2026-05-01T12:00+02:00, 12h, 7d, 2w "
            "(default: 7 days before the latest crawl)",
        )
        parser.add_argument(
            "--top",
            type=int,
            default=TOP,
            metavar="N",
            help=f"most rows of a list and entities of a table (default: {TOP})",
        )

    def run(self, settings: BaseSettings, options: argparse.Namespace) -> int:
        """See `Subcommand`."""
        now = dt.datetime.now(dt.timezone.utc)
        choice = _choice(options, now)
        ours = SnapshotSettings.from_settings(settings)
        with SnapshotHistory(ours.database_url) as history:
            html = render(gather(history, choice, now))
        _write(options.report_file, html)
        size = len(html.encode()) // 1000
        sys.stdout.write(f"{options.report_file.resolve()} ({size:,} kB)\n")
        return 0


def _choice(options: argparse.Namespace, now: dt.datetime) -> Choice:
    if options.top < 1:
        raise HistoryError(f"--top {options.top}: it must be 1 or more")
    since = None if options.since is None else _moment(options.since, now)
    return Choice(since, options.top, tuple(options.table), _where(options.key))


def _where(texts: Iterable[str]) -> dict[str, list[str]]:
    where: dict[str, list[str]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise HistoryError("--key: write FIELD=VALUE, for example --key match=arsenal-chelsea")
        where.setdefault(name, []).append(value)
    return where


def _moment(text: str, now: dt.datetime) -> dt.datetime:
    """A time without a zone is in that of this machine."""
    ago = _AGO.fullmatch(text)
    if ago:
        return now - dt.timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        return dt.datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise HistoryError(
            "--since: write a time as 2026-05-01 or 2026-05-01T12:00+02:00, or 12h, 7d, 2w ago"
        ) from None


def _write(path: Path, html: str) -> None:
    try:
        path.write_text(html, encoding="utf-8")
    except OSError as error:
        raise HistoryError(f"the report cannot be written to {path}: {error.strerror}") from None
