"""What the commands that ask the history have in common."""

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

from scrapy_snapshot_pipeline.commands import time_arguments as moments
from scrapy_snapshot_pipeline.commands.output.output import (
    Output,
    add_output_options,
    show,
    zone_of,
)
from scrapy_snapshot_pipeline.commands.time_arguments import Moment
from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history import SnapshotHistory, TableInfo
from scrapy_snapshot_pipeline.settings import SnapshotSettings

SOMETHING_FOUND = 3
"""The exit code of `--exit-code`; 1 and 2 are errors."""


class QueryCommand(ABC):
    """A command that asks the history and shows the answer."""

    summary: str
    example: str

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """See `Subcommand`."""
        self.own_options(parser)
        add_output_options(parser)

    def own_options(self, parser: argparse.ArgumentParser) -> None:  # noqa: B027 - may be none
        """Add what only this command has."""

    @abstractmethod
    def ask(self, history: SnapshotHistory, options: argparse.Namespace, /) -> Output[Any]:
        """Put the question; nothing is read yet."""

    def run(self, settings: BaseSettings, options: argparse.Namespace) -> int:
        """See `Subcommand`."""
        found = 0  # where the reader went before the end
        with open_history(settings) as history, speaking():
            found = show(self.ask(history, options), options)
        return SOMETHING_FOUND if found and getattr(options, "exit_code", False) else 0


@contextmanager
def open_history(settings: BaseSettings) -> Iterator[SnapshotHistory]:
    """The history that the settings name.  Raises HistoryError."""
    with SnapshotHistory(SnapshotSettings.from_settings(settings).database_url) as history:
        yield history


@contextmanager
def speaking() -> Iterator[None]:
    """Standard output that takes every character, and a reader that may go, as `head` does."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter flushes once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def add_table_options(parser: argparse.ArgumentParser) -> None:
    """Which entities."""
    parser.add_argument("--table", metavar="NAME", help="needed where there are several")
    add_key_option(parser)


def add_key_option(parser: argparse.ArgumentParser) -> None:
    """What `where` reads."""
    parser.add_argument(
        "--key",
        type=_pair,
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="only entities with this in a key field (may be repeated)",
    )


def add_exit_code_option(parser: argparse.ArgumentParser) -> None:
    """For scripts."""
    parser.add_argument(
        "--exit-code",
        action="store_true",
        help=f"exit with {SOMETHING_FOUND} where something is found, with 0 where nothing is",
    )


def chosen_table(history: SnapshotHistory, options: argparse.Namespace) -> TableInfo:
    """The table that was named, or the only one.  Raises HistoryError."""
    if options.table is not None:
        return history.table(options.table)
    tables = history.tables()
    if len(tables) == 1:
        return tables[0]
    names = ", ".join(table.name for table in tables)
    if not names:
        raise HistoryError("nothing is stored yet; run a crawl first")
    raise HistoryError(f"choose a table with --table: {names}")


def where(options: argparse.Namespace) -> dict[str, list[str]]:
    """The filter; a field that was given twice may have either value."""
    wanted: dict[str, list[str]] = {}
    for name, value in options.key:
        wanted.setdefault(name, []).append(value)
    return wanted


def whole_key(options: argparse.Namespace) -> dict[str, str]:
    """The key of one entity.  Raises UsageError."""
    key = dict(options.key)
    if len(key) != len(options.key):
        raise UsageError("give each key field once", print_help=False)
    return key


def when(text: str, history: SnapshotHistory, options: argparse.Namespace) -> Moment:
    """A time or run from the command line.  Raises UsageError."""
    return moments.moment(text, history, zone_of(options))


def maybe_when(
    text: str | None, history: SnapshotHistory, options: argparse.Namespace
) -> Moment | None:
    """The same of an option that may be left out."""
    return None if text is None else when(text, history, options)


def _pair(text: str) -> tuple[str, str]:
    """A FIELD=VALUE of the command line."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!a} is not FIELD=VALUE")
    return name, value
