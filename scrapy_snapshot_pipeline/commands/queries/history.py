"""`scrapy snapshots history`: every version of one entity."""

from __future__ import annotations

import argparse
from functools import partial

from scrapy_snapshot_pipeline.commands.output.output import Output, one_table
from scrapy_snapshot_pipeline.commands.output.table_rows import version_rows
from scrapy_snapshot_pipeline.commands.queries.query_command import (
    TableCommand,
    entity_key,
)
from scrapy_snapshot_pipeline.history import Change, SnapshotHistory, TableInfo


class History(TableCommand):
    """Shows what changed in each version of one entity, oldest first."""

    summary = "show every version of one entity, and what changed in it"
    example = "scrapy snapshots history --table TABLE --key FIELD=VALUE"

    def query_table(
        self, history: SnapshotHistory, table: TableInfo, options: argparse.Namespace
    ) -> Output[Change]:
        results = history.versions(table.name, entity_key(options))
        return Output(results, one_table(partial(version_rows, untracked=table.untracked)))
