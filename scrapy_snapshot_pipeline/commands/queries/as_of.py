"""`scrapy snapshots as-of`: what was stored at a time."""

from __future__ import annotations

import argparse

from scrapy_snapshot_pipeline.commands import time_arguments as moments
from scrapy_snapshot_pipeline.commands.output.output import Reply, one_grid
from scrapy_snapshot_pipeline.commands.output.table_rows import told_state
from scrapy_snapshot_pipeline.commands.queries.query_command import (
    Question,
    add_table_options,
    chosen_table,
    when,
    where,
)
from scrapy_snapshot_pipeline.history import SnapshotHistory, State


class AsOf(Question):
    """Shows the state of every entity at a time, or at the end of a run."""

    summary = "show the entities as they were at a time, or at the end of a run"
    example = "scrapy snapshots as-of last~1 --table competitor_odds_snapshot --limit 10"

    def own_options(self, parser: argparse.ArgumentParser) -> None:
        """See `Question`."""
        parser.add_argument("time", help=moments.HELP)
        add_table_options(parser)

    def ask(self, history: SnapshotHistory, options: argparse.Namespace) -> Reply[State]:
        """See `Question`."""
        table = chosen_table(history, options)
        at = when(options.time, history, options)
        found = history.as_of(table.name, at, where=where(options))
        return Reply(found, one_grid(told_state), varying=table.untyped)
