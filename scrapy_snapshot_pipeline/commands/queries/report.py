"""`scrapy snapshots report`: the history as one HTML page."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from pathlib import Path

from scrapy.settings import BaseSettings

from scrapy_snapshot_pipeline.commands.queries.query_command import (
    add_key_option,
    key_filter,
    open_history,
)
from scrapy_snapshot_pipeline.commands.time_arguments import TIME_HELP, parse_time_or_run
from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history import SnapshotHistory
from scrapy_snapshot_pipeline.report import ReportOptions, build_page, render
from scrapy_snapshot_pipeline.report.options import TOP
from scrapy_snapshot_pipeline.safe_text import escaped


class Report:
    """Writes the page."""

    summary = "write a report: one HTML page that opens without network"
    example = "scrapy snapshots report -o report.html"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "-o",
            dest="report_file",
            type=Path,
            default=Path("report.html"),
            metavar="FILE",
            help="where to (default: report.html)",
        )
        parser.add_argument(
            "--table",
            action="append",
            default=[],
            metavar="NAME",
            help="only this table (may be repeated; default: all)",
        )
        add_key_option(parser)
        parser.add_argument(
            "--field",
            action="append",
            default=[],
            metavar="NAME",
            help="show only this number in movers and charts (may be repeated)",
        )
        parser.add_argument(
            "--since",
            metavar="TIME",
            help=f"{TIME_HELP} (default: 7d before the latest run)",
        )
        parser.add_argument(
            "--top",
            type=_positive,
            default=TOP,
            metavar="N",
            help=f"show at most N rows of a list, and N entities of a table (default: {TOP})",
        )

    def run(self, settings: BaseSettings, options: argparse.Namespace) -> int:
        now = dt.datetime.now(dt.timezone.utc)
        with open_history(settings) as history:
            report_options = ReportOptions(
                since=_since(options.since, history),
                top=options.top,
                tables=tuple(options.table),
                where=key_filter(options),
                fields=tuple(dict.fromkeys(options.field)),
            )
            page = build_page(history, report_options, now)
        _write(options.report_file, render(page))
        sys.stdout.write(f"{options.report_file.resolve()}\n")
        return 0


def _since(text: str | None, history: SnapshotHistory) -> dt.datetime | None:
    return None if text is None else history.start_of(parse_time_or_run(text, history, None))


def _positive(text: str) -> int:
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!a} is not a number of 1 or more")


def _write(path: Path, html: str) -> None:
    try:
        path.write_text(html, encoding="utf-8")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise HistoryError(
            f"the report cannot be written to {escaped(str(path))}: {reason}"
        ) from None
