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

from scrapy_snapshot_pipeline.commands.output.export_formats import (
    Parquet,
    Rows,
    write_csv,
    write_jsonl,
)
from scrapy_snapshot_pipeline.commands.queries.query_command import (
    add_table_options,
    chosen_table,
    key_filter,
    open_history,
    time_argument,
    tolerant_stdout,
)
from scrapy_snapshot_pipeline.commands.time_arguments import TIME_HELP
from scrapy_snapshot_pipeline.declaration.our_names import OurNames
from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history import Answer, Change, ChangeKind, SnapshotHistory, State
from scrapy_snapshot_pipeline.history.flat.rows import HasRows, met_fields
from scrapy_snapshot_pipeline.history.results import FlatRow, times_of

_FORMATS = ("csv", "jsonl", "parquet")
_STDOUT = "-"
_STEP = 100
"""Results between two moves of the progress bar."""


class Export:
    """Writes the current rows, all versions, or the rows at a time."""

    summary = "write current rows, all versions or a past state as CSV, JSON lines or Parquet"
    example = "scrapy snapshots export -o FILE.csv --table TABLE"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "-o", "--output", required=True, metavar="FILE", help="- is standard output"
        )
        parser.add_argument("--format", choices=_FORMATS, help="default: by the file's suffix")
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--versions", action="store_true", help="every version, oldest first")
        which.add_argument("--as-of", metavar="TIME", help=TIME_HELP)
        parser.add_argument(
            "--list",
            metavar="FIELD",
            help="the rows of this list instead; a.b is a list in a list (CSV, Parquet)",
        )
        parser.add_argument("--raw", action="store_true", help="leave formulas in CSV as they are")
        parser.add_argument("--utc", action="store_true", help="TIME is in UTC")
        parser.add_argument("--force", action="store_true", help="replace the file")
        add_table_options(parser)

    def run(self, settings: BaseSettings, options: argparse.Namespace) -> int:
        chosen = _chosen_format(options)
        with open_history(settings) as history, _progress(options) as progress:
            results = _ExportedResults(_query(history, options), progress)
            rows = Rows(lambda: _rows(results, options.list, met_fields(results.answer)))
            with tolerant_stdout(), _output(options) as file:
                if chosen == "parquet" and file is not None:
                    table = chosen_table(history, options)
                    Parquet().write(rows, file, history.columns(table.name, options.list))
                else:
                    _write_text(chosen, results, rows, file, options)
        return 0


def _chosen_format(options: argparse.Namespace) -> str:
    """The format.  Raises UsageError where the options do not go together."""
    chosen: str = options.format or Path(options.output).suffix.removeprefix(".")
    if chosen not in _FORMATS:
        raise UsageError("give --format csv, jsonl or parquet", print_help=False)
    if chosen == "parquet" and options.output == _STDOUT:
        raise UsageError("Parquet needs a file; give -o FILE", print_help=False)
    if options.list is not None and (options.versions or chosen == "jsonl"):
        raise UsageError("--list goes with CSV or Parquet, without --versions", print_help=False)
    return chosen


# What is exported


def _query(history: SnapshotHistory, options: argparse.Namespace) -> Answer[HasRows]:
    """All changes with `--versions`, else the state at `--as-of`, which defaults to now."""
    table = chosen_table(history, options)
    if options.list is not None and options.list not in table.children:
        known = ", ".join(table.children) or "none"
        raise HistoryError(f"{table.name} has these lists: {known}")
    key = key_filter(options)
    if options.versions:
        return history.changes(table.name, where=key, newest_first=False)
    if options.as_of is not None:
        at = time_argument(options.as_of, history, options, table)
        return history.as_of(table.name, at, where=key)
    return history.current(table.name, where=key)


@dataclass(frozen=True, slots=True)
class _ExportedResults:
    """The results that are exported; each iteration over them moves the progress bar."""

    answer: Answer[HasRows]
    progress: Progress

    def __iter__(self) -> Iterator[HasRows]:
        # Counting takes a moment, which a bar that is not shown is not worth.
        total = None if self.progress.disable else self.answer.count()
        task = self.progress.add_task("reading", total=total)
        for count, result in enumerate(self.answer):
            if count % _STEP == 0:
                self.progress.update(task, completed=count)
            if not _is_retirement(result):
                yield result


def _is_retirement(result: HasRows) -> bool:
    """A retirement says nothing that its version does not say."""
    return isinstance(result, Change) and result.kind is ChangeKind.RETIRED


def _rows(
    results: Iterable[HasRows], list_name: str | None, met: frozenset[str]
) -> Iterator[FlatRow]:
    """Rows with a column for every field; of the list instead, if one is named.

    `met` are the fields that a column of ours has the name of.
    """
    for result in results:
        if isinstance(result, State) and list_name is not None:
            yield from result.child_rows(list_name)
        elif isinstance(result, Change):
            yield _version_row(result, met)
        elif isinstance(result, State):
            yield from result.rows(met)
        else:
            yield from result.rows()


def _version_row(change: Change, met: frozenset[str]) -> FlatRow:
    ours = {**times_of(change), "valid_to": change.valid_to, "run_id": change.run_id}
    return {**change.values, **OurNames([*change.values, *met]).row(ours)}


# How it is written


def _write_text(
    chosen: str,
    results: Iterable[HasRows],
    rows: Rows,
    file: Path | None,
    options: argparse.Namespace,
) -> None:
    target = sys.stdout.fileno() if file is None else file
    with open(target, "w", encoding="utf-8", newline="", closefd=isinstance(target, Path)) as out:
        if chosen == "jsonl":
            write_jsonl(results, out)
        else:
            write_csv(rows, out, raw=options.raw)


@contextmanager
def _output(options: argparse.Namespace) -> Iterator[Path | None]:
    """The file to write, which gets its final name when it is whole; None: standard output."""
    if options.output == _STDOUT:
        yield None
        return
    final = Path(options.output)
    if final.exists() and not options.force:
        raise HistoryError(f"{final} already exists; give --force to replace it")
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
    # On the same terminal the rows would break the bar.
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
