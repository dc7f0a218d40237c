"""`scrapy snapshots changes`: the change feed."""

from __future__ import annotations

import argparse
from functools import partial

from scrapy_snapshot_pipeline.commands.output.output import Output, one_table
from scrapy_snapshot_pipeline.commands.output.table_rows import change_rows
from scrapy_snapshot_pipeline.commands.queries.query_command import (
    TableCommand,
    add_exit_code_option,
    key_filter,
    optional_time,
)
from scrapy_snapshot_pipeline.commands.time_arguments import TIME_HELP
from scrapy_snapshot_pipeline.history import Change, SnapshotHistory, TableInfo


class Changes(TableCommand):
    """Shows what changed, latest first."""

    summary = "show what changed since a time or a run, latest first"
    example = "scrapy snapshots changes --since last"

    def add_own_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--since", metavar="TIME", help=f"{TIME_HELP} (default: ever)")
        parser.add_argument("--until", metavar="TIME", help="the same (default: now)")
        parser.add_argument(
            "--kind",
            choices=["extended"],
            help="instead: what differed only in fields that were new to the class",
        )
        parser.add_argument("--oldest-first", action="store_true", help="in the order of a log")
        add_exit_code_option(parser)

    def query_table(
        self, history: SnapshotHistory, table: TableInfo, options: argparse.Namespace
    ) -> Output[Change]:
        results = history.changes(
            table.name,
            since=optional_time(options.since, history, options, table),
            until=optional_time(options.until, history, options, table),
            where=key_filter(options),
            newest_first=not options.oldest_first,
            extended=options.kind == "extended",
        )
        return Output(results, one_table(partial(change_rows, untracked=table.untracked)))
