"""`scrapy snapshots changes`: the change feed."""

from __future__ import annotations

import argparse
from functools import partial

from scrapy_snapshot_pipeline.commands import time_arguments as moments
from scrapy_snapshot_pipeline.commands.output.output import Output, one_grid
from scrapy_snapshot_pipeline.commands.output.table_rows import change_rows
from scrapy_snapshot_pipeline.commands.queries.query_command import (
    QueryCommand,
    add_exit_code_option,
    add_table_options,
    chosen_table,
    maybe_when,
    where,
)
from scrapy_snapshot_pipeline.history import Change, SnapshotHistory


class Changes(QueryCommand):
    """Shows what changed, latest first."""

    summary = "show what changed since a time or a run, latest first"
    example = "scrapy snapshots changes --since last~1 --table competitor_odds_snapshot"

    def own_options(self, parser: argparse.ArgumentParser) -> None:
        """See `QueryCommand`."""
        parser.add_argument("--since", metavar="TIME", help=f"{moments.HELP} (default: ever)")
        parser.add_argument("--until", metavar="TIME", help="the same (default: now)")
        parser.add_argument("--oldest-first", action="store_true", help="as a log is read")
        add_table_options(parser)
        add_exit_code_option(parser)

    def ask(self, history: SnapshotHistory, options: argparse.Namespace) -> Output[Change]:
        """See `QueryCommand`."""
        table = chosen_table(history, options)
        found = history.changes(
            table.name,
            since=maybe_when(options.since, history, options),
            until=maybe_when(options.until, history, options),
            where=where(options),
            newest_first=not options.oldest_first,
        )
        return Output(found, one_grid(partial(change_rows, untracked=table.untracked)))
