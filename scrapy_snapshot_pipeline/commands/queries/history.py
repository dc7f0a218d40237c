"""`scrapy snapshots history`: every version of one entity."""

from __future__ import annotations

import argparse
from functools import partial

from scrapy_snapshot_pipeline.commands.output.output import Output, one_table
from scrapy_snapshot_pipeline.commands.output.table_rows import version_rows
from scrapy_snapshot_pipeline.commands.queries.query_command import (
    QueryCommand,
    add_table_options,
    chosen_table,
    entity_key,
)
from scrapy_snapshot_pipeline.history import Change, SnapshotHistory


class History(QueryCommand):
    """Shows what changed in each version of one entity, oldest first."""

    summary = "show every version of one entity, and what changed in it"
    example = (
        "scrapy snapshots history "
        "--table competitor_odds_snapshot --key match=arsenal-chelsea --key bookmaker=bwin"
    )

    def add_own_options(self, parser: argparse.ArgumentParser) -> None:
        add_table_options(parser)

    def query(self, history: SnapshotHistory, options: argparse.Namespace) -> Output[Change]:
        table = chosen_table(history, options)
        results = history.versions(table.name, entity_key(options))
        return Output(results, one_table(partial(version_rows, untracked=table.untracked)))
