"""`scrapy snapshots tables`: what is stored, and under which key."""

from __future__ import annotations

import argparse

from scrapy_snapshot_pipeline.commands.output.output import Output, one_table
from scrapy_snapshot_pipeline.commands.queries.query_command import QueryCommand
from scrapy_snapshot_pipeline.history import SnapshotHistory, TableInfo


class Tables(QueryCommand):
    """Lists the tables of entities."""

    summary = "list the tables of entities, their keys and fields"
    example = "scrapy snapshots tables"

    def query(self, history: SnapshotHistory, _: argparse.Namespace) -> Output[TableInfo]:
        return Output(history.tables(), one_table(TableInfo.rows))
