"""What the commands that query the history have in common."""

from __future__ import annotations

import argparse
import io
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from scrapy.exceptions import UsageError
from scrapy.settings import BaseSettings

from scrapy_snapshot_pipeline.commands.output.output import (
    Output,
    add_output_options,
    show,
    zone_of,
)
from scrapy_snapshot_pipeline.commands.time_arguments import TimeOrRun, parse_time_or_run
from scrapy_snapshot_pipeline.crawl.project import project_settings
from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history import SnapshotHistory, TableInfo

SOMETHING_FOUND = 3
"""The exit code under `--exit-code`; 1 and 2 mean errors."""


class QueryCommand(ABC):
    """A command that queries the history and shows the results."""

    summary: str
    example: str

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        self.add_own_options(parser)
        add_output_options(parser)

    def add_own_options(self, parser: argparse.ArgumentParser) -> None:  # noqa: B027 - may be none
        """Add the options that only this command has."""

    @abstractmethod
    def query(self, history: SnapshotHistory, options: argparse.Namespace, /) -> Output[Any]:
        """The results, which are not read yet, and how they look in a table."""

    def run(self, settings: BaseSettings, options: argparse.Namespace) -> int:
        found = 0  # as where the reader of our output went away
        with open_history(settings) as history, tolerant_stdout():
            found = self._show(history, options)
        return SOMETHING_FOUND if found and getattr(options, "exit_code", False) else 0

    def _show(self, history: SnapshotHistory, options: argparse.Namespace) -> int:
        return show(self.query(history, options), options)


class TableCommand(QueryCommand):
    """A command whose results are those of one table, or of one table after the other."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        add_table_options(parser)

    @abstractmethod
    def query_table(
        self, history: SnapshotHistory, table: TableInfo, options: argparse.Namespace, /
    ) -> Output[Any]:
        """The results of a table, which are not read yet, and how they look."""

    def query(self, history: SnapshotHistory, options: argparse.Namespace) -> Output[Any]:
        return self.query_table(history, chosen_table(history, options), options)

    def _show(self, history: SnapshotHistory, options: argparse.Namespace) -> int:
        tables = chosen_tables(history, options)
        if len(tables) == 1 or options.csv:  # tables have no columns in common
            return super()._show(history, options)
        return self._show_each(history, tables, options)

    def _show_each(
        self, history: SnapshotHistory, tables: list[TableInfo], options: argparse.Namespace
    ) -> int:
        """Show all that can answer; raises HistoryError where none can."""
        found = 0
        errors: list[HistoryError] = []
        for table in tables:
            try:
                output = self.query_table(history, table, options)
            except HistoryError as error:
                errors.append(error)
                continue
            if not options.json:
                sys.stdout.write(f"== {table.name}\n")
                sys.stdout.flush()
            found += show(output, options)
        if len(errors) == len(tables):
            raise errors[0]
        return found


@contextmanager
def open_history(settings: BaseSettings) -> Iterator[SnapshotHistory]:
    """The history in the project's database.  Raises HistoryError."""
    with SnapshotHistory(project_settings(settings).database_url) as history:
        yield history


@contextmanager
def tolerant_stdout() -> Iterator[None]:
    """Standard output takes every character, and its reader may go away early, as `head` does."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter flushes once more when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def add_table_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose the table and the entities."""
    parser.add_argument(
        "--table", metavar="NAME", help="only this one; without it all that have such a key"
    )
    add_key_option(parser)


def add_key_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that `key_filter` and `entity_key` read."""
    parser.add_argument(
        "--key",
        type=_pair,
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="only entities with this in a key field (may be repeated)",
    )


def add_exit_code_option(parser: argparse.ArgumentParser) -> None:
    """Add the option for scripts that only ask whether there is anything."""
    parser.add_argument(
        "--exit-code",
        action="store_true",
        help=f"exit with {SOMETHING_FOUND} where something is found, with 0 where nothing is",
    )


def chosen_tables(history: SnapshotHistory, options: argparse.Namespace) -> list[TableInfo]:
    """The table that the options name, or all to which their key and field can belong.

    Raises HistoryError where there is none.
    """
    if options.table is not None:
        return [history.table(options.table)]
    tables = history.tables()
    if not tables:
        raise HistoryError("nothing is stored yet; run a crawl first")
    field = getattr(options, "field", None)
    fitting = [t for t in tables if _has_key(t, options) and (field is None or _has(t, field))]
    return fitting or _only(tables)


def chosen_table(history: SnapshotHistory, options: argparse.Namespace) -> TableInfo:
    """The same where the answer can only be of one table.  Raises HistoryError."""
    return _only(chosen_tables(history, options))[0]


def _only(tables: Sequence[TableInfo]) -> list[TableInfo]:
    if len(tables) > 1:
        names = ", ".join(table.name for table in tables)
        raise HistoryError(f"choose a table with --table: {names}")
    return list(tables)


def _has_key(table: TableInfo, options: argparse.Namespace) -> bool:
    return {name for name, _ in options.key} <= set(table.key)


def _has(table: TableInfo, path: str) -> bool:
    """Whether a number may be there; of a table without types nobody knows its fields."""
    known = {*table.numeric, *table.fields, *table.children}
    return table.untyped or path in known or path.partition(".")[0] in {*table.fields}


def key_filter(options: argparse.Namespace) -> dict[str, list[str]]:
    """The accepted values by key field; a field that was given twice may have either value."""
    accepted: dict[str, list[str]] = {}
    for name, value in options.key:
        accepted.setdefault(name, []).append(value)
    return accepted


def entity_key(options: argparse.Namespace) -> dict[str, str]:
    """The key of one entity.  Raises UsageError."""
    key = dict(options.key)
    if len(key) != len(options.key):
        raise UsageError("give each key field once", print_help=False)
    return key


def time_argument(
    text: str, history: SnapshotHistory, options: argparse.Namespace, table: TableInfo
) -> TimeOrRun:
    """The time or run that an argument means for a table.  Raises UsageError."""
    return parse_time_or_run(text, history, zone_of(options), table.name)


def optional_time(
    text: str | None, history: SnapshotHistory, options: argparse.Namespace, table: TableInfo
) -> TimeOrRun | None:
    """The same for an option that may be left out."""
    return None if text is None else time_argument(text, history, options, table)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!a} is not FIELD=VALUE")
    return name, value
