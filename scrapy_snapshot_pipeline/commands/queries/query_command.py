"""What the commands that query the history have in common."""

from __future__ import annotations

import argparse
import io
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
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
            found = show(self.query(history, options), options)
        return SOMETHING_FOUND if found and getattr(options, "exit_code", False) else 0


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
    parser.add_argument("--table", metavar="NAME", help="needed if there are several tables")
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


def chosen_table(history: SnapshotHistory, options: argparse.Namespace) -> TableInfo:
    """The table that the options name, or the only one.  Raises HistoryError."""
    if options.table is not None:
        return history.table(options.table)
    tables = history.tables()
    if len(tables) == 1:
        return tables[0]
    names = ", ".join(table.name for table in tables)
    if not names:
        raise HistoryError("nothing is stored yet; run a crawl first")
    raise HistoryError(f"choose a table with --table: {names}")


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


def time_argument(text: str, history: SnapshotHistory, options: argparse.Namespace) -> TimeOrRun:
    """The time or run that an argument means.  Raises UsageError."""
    table = chosen_table(history, options).name if hasattr(options, "table") else None
    return parse_time_or_run(text, history, zone_of(options), table)


def optional_time(
    text: str | None, history: SnapshotHistory, options: argparse.Namespace
) -> TimeOrRun | None:
    """The same for an option that may be left out."""
    return None if text is None else time_argument(text, history, options)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!a} is not FIELD=VALUE")
    return name, value
