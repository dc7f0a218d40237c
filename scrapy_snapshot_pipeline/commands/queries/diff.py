"""`scrapy snapshots diff`: what differs between two times or runs."""

from __future__ import annotations

import argparse
from functools import partial

from scrapy_snapshot_pipeline.commands.output.output import Output, one_table
from scrapy_snapshot_pipeline.commands.output.table_rows import difference_rows
from scrapy_snapshot_pipeline.commands.queries.query_command import (
    TableCommand,
    add_exit_code_option,
    key_filter,
    time_argument,
)
from scrapy_snapshot_pipeline.commands.time_arguments import TIME_HELP
from scrapy_snapshot_pipeline.history import Difference, SnapshotHistory, TableInfo


class Diff(TableCommand):
    """Compares two states of all entities, whatever happened in between."""

    summary = "show what is different between two times, or between the ends of two runs"
    example = "scrapy snapshots diff last~1 last"

    def add_own_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("before", help=TIME_HELP)
        parser.add_argument("after", nargs="?", default="now", help="the same (default: now)")
        add_exit_code_option(parser)

    def query_table(
        self, history: SnapshotHistory, table: TableInfo, options: argparse.Namespace
    ) -> Output[Difference]:
        before = time_argument(options.before, history, options, table)
        after = time_argument(options.after, history, options, table)
        results = history.diff(table.name, before, after, where=key_filter(options))
        return Output(results, one_table(partial(difference_rows, untracked=table.untracked)))
