"""The results of a command, shown as a table, as JSON lines or as CSV."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from scrapy_snapshot_pipeline.commands.output.csv_output import CsvWriter, column_names
from scrapy_snapshot_pipeline.commands.output.json_output import json_line
from scrapy_snapshot_pipeline.commands.output.terminal_table import Terminal, TerminalTable
from scrapy_snapshot_pipeline.history.flat.rows import HasRows, flat_rows
from scrapy_snapshot_pipeline.history.lazy_result import Answer
from scrapy_snapshot_pipeline.history.results import FlatRow
from scrapy_snapshot_pipeline.safe_text import escaped

ResultT = TypeVar("ResultT", bound=HasRows)

_DEFAULT_LIMIT = 50


@dataclass(frozen=True, slots=True)
class Output(Generic[ResultT]):
    """The results of a command, and how they look in tables."""

    results: Iterable[ResultT]
    """They are iterated over more than once."""
    tables: Callable[[Iterable[ResultT]], Iterator[TerminalTable]]
    varying: bool = False
    """Whether the rows of two results may have different columns."""


def one_table(
    rows_of: Callable[[ResultT], Iterator[FlatRow]],
) -> Callable[[Iterable[ResultT]], Iterator[TerminalTable]]:
    """For `Output.tables`: the rows of all results in one table, or no table without rows."""

    def tables(results: Iterable[ResultT]) -> Iterator[TerminalTable]:
        rows = [row for result in results for row in rows_of(result)]
        if rows:
            yield TerminalTable("", rows)

    return tables


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how the results are shown."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="JSON lines, times in UTC")
    form.add_argument("--csv", action="store_true", help="CSV, times in UTC")
    parser.add_argument(
        "--raw", action="store_true", help="no apostrophe before what looks like a formula in CSV"
    )
    parser.add_argument("--utc", action="store_true", help="times of tables and arguments in UTC")
    parser.add_argument(
        "--limit",
        type=natural_number,
        metavar="N",
        help=f"show at most N; 0 is all (default: {_DEFAULT_LIMIT} in a table, else all)",
    )


def natural_number(text: str) -> int:
    """A type for argparse: 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be 0 or more, not {text!a}")
    return int(text)


def zone_of(options: argparse.Namespace) -> dt.tzinfo | None:
    """The zone of the times that are shown and read; None is the system's."""
    return dt.timezone.utc if options.utc else None


def show(output: Output[ResultT], options: argparse.Namespace) -> int:
    """Write the results to standard output and give their number; remarks go to standard error."""
    count = _show(output, options)
    if isinstance(output.results, Answer):
        sys.stderr.writelines(f"{escaped(text)}\n" for text in output.results.remarks())
    return count


def _show(output: Output[ResultT], options: argparse.Namespace) -> int:
    if options.json:
        return _show_json(output, options.limit or None)
    if options.csv:
        return _show_csv(output, options.limit or None, raw=options.raw)
    limit = _DEFAULT_LIMIT if options.limit is None else options.limit
    return _show_table(output, limit, zone_of(options))


def _show_json(output: Output[ResultT], limit: int | None) -> int:
    count = 0
    for count, result in enumerate(islice(output.results, limit), 1):  # noqa: B007 - it is returned
        sys.stdout.write(f"{json_line(result)}\n")
    return count


def _show_csv(output: Output[ResultT], limit: int | None, *, raw: bool) -> int:
    first = limit if output.varying else 1
    names = column_names(_rows(output, first))
    if not names:
        return 0
    return CsvWriter(sys.stdout, raw=raw).write(names, _rows(output, limit))


def _rows(output: Output[ResultT], limit: int | None) -> Iterator[FlatRow]:
    return flat_rows(_First(output.results, limit))


@dataclass(frozen=True, slots=True)
class _First(Generic[ResultT]):
    """The first results, which may be iterated over more than once."""

    results: Iterable[ResultT]
    limit: int | None

    def __iter__(self) -> Iterator[ResultT]:
        return islice(self.results, self.limit)


def _show_table(output: Output[ResultT], limit: int, zone: dt.tzinfo | None) -> int:
    found = list(islice(output.results, limit + 1 if limit else None))
    shown = found[:limit] if limit else found
    terminal = Terminal(zone)
    for table in output.tables(shown):
        terminal.write(table)
    terminal.write_zone()
    if not found:
        sys.stderr.write("nothing found\n")
    if len(found) > len(shown):
        sys.stderr.write(f"the first {limit} are shown; --limit 0 shows all\n")
    return len(shown)
