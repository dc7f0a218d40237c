"""`scrapy snapshots export`: the history as a file."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from scrapy.exceptions import UsageError
from scrapy.settings import BaseSettings

from scrapy_snapshot_pipeline.commands import time_arguments as moments
from scrapy_snapshot_pipeline.commands.output.export_formats import (
    Parquet,
    Rows,
    write_csv,
    write_jsonl,
)
from scrapy_snapshot_pipeline.commands.queries.query_command import (
    add_table_options,
    chosen_table,
    open_history,
    speaking,
    when,
    where,
)
from scrapy_snapshot_pipeline.commands.queries.rows_to_export import (
    is_exported,
    results_of,
    rows_of,
)
from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history import Answer, SnapshotHistory
from scrapy_snapshot_pipeline.history.lazy_result import HasRows

_FORMATS = ("csv", "jsonl", "parquet")
_STDOUT = "-"
_EVERY = 100
"""Results from one move of the progress bar to the next."""


@dataclass(frozen=True, slots=True)
class _Watched:
    """What is exported of an answer, each iteration counted on the progress bar."""

    answer: Answer[HasRows]
    progress: Progress

    def __iter__(self) -> Iterator[HasRows]:
        # Nobody looks at a bar that is not shown, and counting takes a moment.
        total = None if self.progress.disable else self.answer.count()
        task = self.progress.add_task("reading", total=total)
        for count, result in enumerate(self.answer):
            if count % _EVERY == 0:
                self.progress.update(task, completed=count)
            if is_exported(result):
                yield result


class Export:
    """Writes current rows, all versions, or the state at a time."""

    summary = "write current rows, all versions or a past state as CSV, JSON lines or Parquet"
    example = "scrapy snapshots export -o odds.csv --table competitor_odds_snapshot"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """See `Subcommand`."""
        parser.add_argument("-o", "--output", required=True, metavar="FILE", help="- is stdout")
        parser.add_argument("--format", choices=_FORMATS, help="default: by the file's suffix")
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--versions", action="store_true", help="every version, oldest first")
        which.add_argument("--as-of", metavar="TIME", help=moments.HELP)
        parser.add_argument(
            "--list",
            metavar="FIELD",
            help="the rows of this list instead, also of one in another: a.b (CSV, Parquet)",
        )
        parser.add_argument("--raw", action="store_true", help="leave formulas in CSV as they are")
        parser.add_argument("--utc", action="store_true", help="TIME is in UTC")
        parser.add_argument("--force", action="store_true", help="replace the file")
        add_table_options(parser)

    def run(self, settings: BaseSettings, options: argparse.Namespace) -> int:
        """See `Subcommand`."""
        chosen = _chosen_format(options)
        with open_history(settings) as history, _progress(options) as progress:
            results = _Watched(_asked(history, options), progress)
            rows = Rows(lambda: rows_of(results, options.list))
            with speaking(), _output(options) as file:
                _write(chosen, results, rows, file, options)
        return 0


def _asked(history: SnapshotHistory, options: argparse.Namespace) -> Answer[HasRows]:
    table = chosen_table(history, options)
    if options.list is not None and options.list not in table.children:
        known = ", ".join(table.children) or "none"
        raise HistoryError(f"{table.name} has these lists: {known}")
    at = None if options.as_of is None else when(options.as_of, history, options)
    return results_of(history, table.name, where(options), at, versions=options.versions)


def _chosen_format(options: argparse.Namespace) -> str:
    """Raises UsageError."""
    chosen: str = options.format or Path(options.output).suffix.removeprefix(".")
    if chosen not in _FORMATS:
        raise UsageError("give --format csv, jsonl or parquet", print_help=False)
    if chosen == "parquet" and options.output == _STDOUT:
        raise UsageError("Parquet needs a file; give -o FILE", print_help=False)
    if options.list is not None and (options.versions or chosen == "jsonl"):
        raise UsageError("--list goes with CSV or Parquet, without --versions", print_help=False)
    return chosen


def _write(
    chosen: str,
    results: Iterable[HasRows],
    rows: Rows,
    file: Path | None,
    options: argparse.Namespace,
) -> None:
    if chosen == "parquet" and file is not None:
        Parquet().write(rows, file)
        return
    if file is None:
        _write_text(chosen, results, rows, sys.stdout.fileno(), options)
    else:
        _write_text(chosen, results, rows, file, options)


def _write_text(
    chosen: str,
    results: Iterable[HasRows],
    rows: Rows,
    target: Path | int,
    options: argparse.Namespace,
) -> None:
    with open(target, "w", encoding="utf-8", newline="", closefd=isinstance(target, Path)) as out:
        if chosen == "jsonl":
            write_jsonl(results, out)
        else:
            write_csv(rows, out, raw=options.raw)


@contextmanager
def _output(options: argparse.Namespace) -> Iterator[Path | None]:
    """A file that takes its name only when it is whole; None: standard output."""
    if options.output == _STDOUT:
        yield None
        return
    final = Path(options.output)
    if final.exists() and not options.force:
        raise HistoryError(f"{final} is there already; give --force to replace it")
    part = final.with_name(f".{final.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(final)
    except OSError as error:
        raise HistoryError(f"{final} could not be written: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)


def _progress(options: argparse.Namespace) -> Progress:
    screen = Console(stderr=True)
    # The rows themselves would run through the bar.
    in_the_way = options.output == _STDOUT and sys.stdout.isatty()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,} of {task.total:,}"),
        TimeRemainingColumn(),
        TimeElapsedColumn(),
    )
    return Progress(
        *columns, console=screen, transient=True, disable=in_the_way or not screen.is_terminal
    )
