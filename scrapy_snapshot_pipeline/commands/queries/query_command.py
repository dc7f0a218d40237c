"""What the commands that query the history have in common."""

from __future__ import annotations

import argparse
import io
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
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
from scrapy_snapshot_pipeline.errors import HistoryError, NoSuchEntityError, NoSuchFieldError
from scrapy_snapshot_pipeline.history import SnapshotHistory, TableInfo
from scrapy_snapshot_pipeline.safe_text import escaped

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
        """Show all that can answer, and say why others cannot; raises where none can."""
        found = 0
        errors: list[HistoryError | UsageError] = []
        for table in tables:
            try:
                output = self.query_table(history, table, options)
            except (HistoryError, UsageError) as error:
                errors.append(error)
                continue
            if not options.json:
                _head(table)
            try:
                found += show(output, options)
            except NoSuchFieldError as error:
                errors.append(error)
        if len(errors) == len(tables):
            raise errors[0]
        _complain(errors)
        return found


def _complain(errors: Iterable[HistoryError | UsageError]) -> None:
    for error in errors:
        if not isinstance(error, NoSuchEntityError):  # it is in another table
            sys.stderr.write(f"{escaped(str(error))}\n")


def _head(table: TableInfo) -> None:
    sys.stdout.write(f"\n== {table.name}\n")
    sys.stdout.flush()  # before what `show` may write to standard error


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


def add_as_option(parser: argparse.ArgumentParser) -> None:
    """Add the option of commands that read numbers."""
    parser.add_argument(
        "--as",
        dest="read_as",
        choices=("number",),
        help="read the number in a text, as 9.99 in £9.99",
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
    tables = list(history.tables())
    if not tables:
        raise HistoryError("nothing is stored yet; run a crawl first")
    if len(tables) == 1:
        return tables  # what does not fit has an error of its own
    return _with_field(_with_key(tables, options), getattr(options, "field", None))


def chosen_table(history: SnapshotHistory, options: argparse.Namespace) -> TableInfo:
    """The same where the answer can only be of one table.  Raises HistoryError."""
    tables = chosen_tables(history, options)
    if len(tables) > 1:
        names = ", ".join(table.name for table in tables)
        raise HistoryError(f"choose a table with --table: {names}")
    return tables[0]


def _with_key(tables: Sequence[TableInfo], options: argparse.Namespace) -> list[TableInfo]:
    wanted = {name for name, _ in options.key}
    fitting = [table for table in tables if wanted <= set(table.key)]
    if not fitting:
        known = "; ".join(f"{table.name} ({', '.join(table.key)})" for table in tables)
        raise HistoryError(f"no table has the key {', '.join(sorted(wanted))}; there are {known}")
    return fitting


def _with_field(tables: list[TableInfo], field: str | None) -> list[TableInfo]:
    if field is None:
        return tables
    fitting = [table for table in tables if _may_have(table, field)]
    if not fitting:
        names = ", ".join(table.name for table in tables)
        raise HistoryError(f"none of {names} has a field {field}; see scrapy snapshots tables")
    return fitting


def _may_have(table: TableInfo, path: str) -> bool:
    """Whether a number may be there; nobody knows the fields of a table without types."""
    return table.untyped or path.partition(".")[0] in {*table.fields, *table.children}


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
