"""A command's answer, shown as a table, as JSON lines or as CSV."""

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
from scrapy_snapshot_pipeline.commands.output.terminal_table import Grid, Screen
from scrapy_snapshot_pipeline.history.lazy_result import HasRows
from scrapy_snapshot_pipeline.history.results import FlatRow

ResultT = TypeVar("ResultT", bound=HasRows)

_ON_SCREEN = 50


@dataclass(frozen=True, slots=True)
class Output(Generic[ResultT]):
    """What was found, and how it looks in a table."""

    results: Iterable[ResultT]
    """May be iterated over again."""
    grids: Callable[[Iterable[ResultT]], Iterator[Grid]]
    varying: bool = False
    """Whether the rows of one result may have other columns than those of another."""


def one_grid(
    told: Callable[[ResultT], Iterator[FlatRow]], title: str = ""
) -> Callable[[Iterable[ResultT]], Iterator[Grid]]:
    """All results in one table."""

    def grids(results: Iterable[ResultT]) -> Iterator[Grid]:
        rows = [row for result in results for row in told(result)]
        if rows:
            yield Grid(title, rows)

    return grids


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """How the answer is shown."""
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
        help=f"show at most N; 0 is all (default: {_ON_SCREEN} in a table, else all)",
    )


def natural_number(text: str) -> int:
    """For argparse: 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be 0 or more, not {text!a}")
    return int(text)


def zone_of(options: argparse.Namespace) -> dt.tzinfo | None:
    """None: the system's."""
    return dt.timezone.utc if options.utc else None


def show(reply: Output[ResultT], options: argparse.Namespace) -> int:
    """Write the answer to standard output; gives the number of results."""
    if options.json:
        return _show_json(reply, options.limit or None)
    if options.csv:
        return _show_csv(reply, options.limit or None, raw=options.raw)
    limit = _ON_SCREEN if options.limit is None else options.limit
    return _show_table(reply, limit, zone_of(options))


def _show_json(reply: Output[ResultT], limit: int | None) -> int:
    count = 0
    for count, result in enumerate(islice(reply.results, limit), 1):  # noqa: B007 - the answer
        sys.stdout.write(f"{json_line(result)}\n")
    return count


def _show_csv(reply: Output[ResultT], limit: int | None, *, raw: bool) -> int:
    first = limit if reply.varying else 1
    names = column_names(_rows(reply, first))
    if not names:
        return 0
    return CsvWriter(sys.stdout, raw=raw).write(names, _rows(reply, limit))


def _rows(reply: Output[ResultT], limit: int | None) -> Iterator[FlatRow]:
    for result in islice(reply.results, limit):
        yield from result.rows()


def _show_table(reply: Output[ResultT], limit: int, zone: dt.tzinfo | None) -> int:
    found = list(islice(reply.results, limit + 1 if limit else None))
    shown = found[:limit] if limit else found
    screen = Screen(zone)
    for grid in reply.grids(shown):
        screen.draw(grid)
    screen.end()
    if not found:
        sys.stderr.write("nothing found\n")
    if len(found) > len(shown):
        sys.stderr.write(f"the first {limit} are shown; --limit 0 shows all\n")
    return len(shown)
