"""`scrapy snapshots movers`: where a number moved furthest."""

from __future__ import annotations

import argparse

from scrapy_snapshot_pipeline.commands.output.output import Output, natural_number, one_table
from scrapy_snapshot_pipeline.commands.output.table_rows import mover_row
from scrapy_snapshot_pipeline.commands.queries.query_command import (
    TableCommand,
    add_as_option,
    key_filter,
    optional_time,
    time_argument,
)
from scrapy_snapshot_pipeline.commands.time_arguments import TIME_HELP
from scrapy_snapshot_pipeline.history import Mover, SnapshotHistory, TableInfo


class Movers(TableCommand):
    """Ranks entities, or rows of a list, by the change of a numeric field."""

    summary = "show where a number moved furthest, up or down"
    example = "scrapy snapshots movers FIELD --since last~1"

    def add_own_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("field", help="price, markets.price (in a list), prices.home (in JSON)")
        add_as_option(parser)
        parser.add_argument(
            "--since", default="1d", metavar="TIME", help=f"{TIME_HELP} (default: 1d)"
        )
        parser.add_argument("--until", metavar="TIME", help="the same (default: now)")
        parser.add_argument("--by", choices=("relative", "absolute"), default="relative")
        parser.add_argument(
            "--top", type=natural_number, default=20, metavar="N", help="0 is all (default: 20)"
        )

    def query_table(
        self, history: SnapshotHistory, table: TableInfo, options: argparse.Namespace
    ) -> Output[Mover]:
        results = history.movers(
            table.name,
            options.field,
            since=time_argument(options.since, history, options, table),
            until=optional_time(options.until, history, options, table),
            by=options.by,
            top=options.top or None,
            where=key_filter(options),
            as_number=options.read_as is not None,
        )
        return Output(results, one_table(mover_row))
