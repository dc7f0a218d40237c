"""`scrapy snapshots as-of`: what was stored at a time."""

from __future__ import annotations

import argparse

from scrapy_snapshot_pipeline.commands.output.output import Output
from scrapy_snapshot_pipeline.commands.output.table_rows import state_table
from scrapy_snapshot_pipeline.commands.queries.query_command import (
    TableCommand,
    key_filter,
    time_argument,
)
from scrapy_snapshot_pipeline.commands.time_arguments import TIME_HELP
from scrapy_snapshot_pipeline.history import SnapshotHistory, State, TableInfo


class AsOf(TableCommand):
    """Shows the state of every entity at a time, or at the end of a run."""

    summary = "show the entities as they were at a time, or at the end of a run"
    example = "scrapy snapshots as-of last~1 --limit 10"

    def add_own_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("time", help=TIME_HELP)

    def query_table(
        self, history: SnapshotHistory, table: TableInfo, options: argparse.Namespace
    ) -> Output[State]:
        at = time_argument(options.time, history, options, table)
        results = history.as_of(table.name, at, where=key_filter(options))
        return Output(results, state_table, varying=table.untyped)
