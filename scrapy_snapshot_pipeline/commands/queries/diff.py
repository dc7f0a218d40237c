"""`scrapy snapshots diff`: what is different between two times or runs."""

from __future__ import annotations

import argparse
from functools import partial

from scrapy_snapshot_pipeline.commands import time_arguments as moments
from scrapy_snapshot_pipeline.commands.output.output import Output, one_grid
from scrapy_snapshot_pipeline.commands.output.table_rows import difference_rows
from scrapy_snapshot_pipeline.commands.queries.query_command import (
    QueryCommand,
    add_exit_code_option,
    add_table_options,
    chosen_table,
    when,
    where,
)
from scrapy_snapshot_pipeline.history import Difference, SnapshotHistory


class Diff(QueryCommand):
    """Compares two states of all entities, whatever happened in between."""

    summary = "show what is different between two times, or between the ends of two runs"
    example = "scrapy snapshots diff last~1 last --table competitor_odds_snapshot"

    def own_options(self, parser: argparse.ArgumentParser) -> None:
        """See `QueryCommand`."""
        parser.add_argument("before", help=moments.HELP)
        parser.add_argument("after", nargs="?", default="now", help="the same (default: now)")
        add_table_options(parser)
        add_exit_code_option(parser)

    def ask(self, history: SnapshotHistory, options: argparse.Namespace) -> Output[Difference]:
        """See `QueryCommand`."""
        before = when(options.before, history, options)
        after = when(options.after, history, options)
        table = chosen_table(history, options)
        found = history.diff(table.name, before, after, where=where(options))
        return Output(found, one_grid(partial(difference_rows, untracked=table.untracked)))
