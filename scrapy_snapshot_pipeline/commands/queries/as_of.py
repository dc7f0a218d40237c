"""`scrapy snapshots as-of`: what was stored at a time."""

from __future__ import annotations

import argparse

from scrapy_snapshot_pipeline.commands import time_arguments as moments
from scrapy_snapshot_pipeline.commands.output.output import Output, one_grid
from scrapy_snapshot_pipeline.commands.output.table_rows import state_rows
from scrapy_snapshot_pipeline.commands.queries.query_command import (
    QueryCommand,
    add_table_options,
    chosen_table,
    when,
    where,
)
from scrapy_snapshot_pipeline.history import SnapshotHistory, State


class AsOf(QueryCommand):
    """Shows the state of every entity at a time, or at the end of a run."""

    summary = "show the entities as they were at a time, or at the end of a run"
    example = "scrapy snapshots as-of last~1 --table competitor_odds_snapshot --limit 10"

    def own_options(self, parser: argparse.ArgumentParser) -> None:
        """See `QueryCommand`."""
        parser.add_argument("time", help=moments.HELP)
        add_table_options(parser)

    def ask(self, history: SnapshotHistory, options: argparse.Namespace) -> Output[State]:
        """See `QueryCommand`."""
        table = chosen_table(history, options)
        at = when(options.time, history, options)
        found = history.as_of(table.name, at, where=where(options))
        return Output(found, one_grid(state_rows), varying=table.untyped)
