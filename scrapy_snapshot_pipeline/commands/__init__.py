"""`scrapy snapshots`: the history outside of a crawl.

Scrapy imports this module on every `scrapy` call, so it imports nothing heavy: each subcommand is
named by its path, and loaded only when `scrapy snapshots` itself is called.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any, ClassVar, Protocol

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError
from scrapy.settings import BaseSettings
from scrapy.utils.misc import load_object

from scrapy_snapshot_pipeline.errors import SnapshotError
from scrapy_snapshot_pipeline.safe_text import escaped

SUBCOMMANDS = {
    "init": "scrapy_snapshot_pipeline.commands.maintenance.init.Init",
    "schema": "scrapy_snapshot_pipeline.commands.maintenance.schema.Schema",
    "tables": "scrapy_snapshot_pipeline.commands.queries.tables.Tables",
    "runs": "scrapy_snapshot_pipeline.commands.queries.runs.Runs",
    "show": "scrapy_snapshot_pipeline.commands.queries.show.Show",
    "history": "scrapy_snapshot_pipeline.commands.queries.history.History",
    "as-of": "scrapy_snapshot_pipeline.commands.queries.as_of.AsOf",
    "diff": "scrapy_snapshot_pipeline.commands.queries.diff.Diff",
    "changes": "scrapy_snapshot_pipeline.commands.queries.changes.Changes",
    "movers": "scrapy_snapshot_pipeline.commands.queries.movers.Movers",
    "stats": "scrapy_snapshot_pipeline.commands.queries.stats.Stats",
    "export": "scrapy_snapshot_pipeline.commands.queries.export.Export",
    "report": "scrapy_snapshot_pipeline.commands.queries.report.Report",
    "dead-letters": "scrapy_snapshot_pipeline.commands.maintenance.dead_letters.DeadLetters",
    "replay": "scrapy_snapshot_pipeline.commands.maintenance.replay.ReplayCommand",
    "normalize": "scrapy_snapshot_pipeline.commands.maintenance.normalize.Normalize",
}
"""The class of each subcommand, by its path."""


class Subcommand(Protocol):
    """One thing that `scrapy snapshots` can do."""

    summary: str
    """One line for the list of subcommands."""
    example: str
    """A command line; what is in capitals stands for what the user has."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add the subcommand's own options."""

    def run(self, settings: BaseSettings, options: argparse.Namespace) -> int:
        """Do it and give the exit code; a SnapshotError is shown without its traceback."""


class SnapshotsCommand(ScrapyCommand):
    """The command that Scrapy knows; it hands over to the subcommands."""

    requires_crawler_process = False
    default_settings: ClassVar[dict[str, Any]] = {"LOG_ENABLED": False}

    def syntax(self) -> str:
        return "<subcommand> [options]"

    def short_desc(self) -> str:
        return "Prepare and query the snapshot database"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        group = parser.add_subparsers(
            prog="scrapy snapshots", dest="subcommand", metavar="<subcommand>"
        )
        for name, path in SUBCOMMANDS.items():
            self._add_subcommand(group, name, load_object(path)())

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        # Settings may stand behind the subcommand too.
        opts.set = [*opts.set, *getattr(opts, "set_behind", [])]
        super().process_options(args, opts)

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if opts.subcommand is None:
            raise UsageError
        if args:
            raise UsageError(f"unknown arguments: {' '.join(args)}")
        if self.settings is None:
            raise UsageError("Scrapy gave no settings")
        try:
            self.exitcode = opts.run_subcommand(self.settings, opts)
        except SnapshotError as error:
            sys.stderr.write(f"scrapy snapshots {opts.subcommand}: {escaped(str(error))}\n")
            self.exitcode = 1

    def _add_subcommand(self, group: Any, name: str, subcommand: Subcommand) -> None:
        parser: argparse.ArgumentParser = group.add_parser(
            name,
            help=subcommand.summary,
            description=subcommand.summary,
            epilog=f"example: {subcommand.example}",
        )
        parser.add_argument(
            "-s",
            dest="set_behind",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="set or override a setting (may be repeated)",
        )
        subcommand.add_options(parser)
        parser.set_defaults(run_subcommand=subcommand.run)
