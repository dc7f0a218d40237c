"""`scrapy snapshots tables`: what is stored, and by which key."""

from __future__ import annotations

import argparse

from scrapy_snapshot_pipeline.commands.output.output import Reply, one_grid
from scrapy_snapshot_pipeline.commands.queries.query_command import Question
from scrapy_snapshot_pipeline.history import SnapshotHistory, TableInfo


class Tables(Question):
    """Lists the tables of entities."""

    summary = "list the tables of entities, their keys and fields"
    example = "scrapy snapshots tables"

    def ask(self, history: SnapshotHistory, _: argparse.Namespace) -> Reply[TableInfo]:
        """See `Question`."""
        return Reply(history.tables(), one_grid(TableInfo.rows))
