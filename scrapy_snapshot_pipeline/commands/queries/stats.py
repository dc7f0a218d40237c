"""`scrapy snapshots stats`: the lowest, highest and mean value of a number."""

from __future__ import annotations

import argparse
import math

from scrapy_snapshot_pipeline.commands.output.output import Output, one_table
from scrapy_snapshot_pipeline.commands.output.table_rows import statistics_row
from scrapy_snapshot_pipeline.commands.queries.query_command import (
    TableCommand,
    add_as_option,
    key_filter,
    optional_time,
)
from scrapy_snapshot_pipeline.commands.time_arguments import TIME_HELP
from scrapy_snapshot_pipeline.history import FieldStatistics, SnapshotHistory, TableInfo

_MAX_DAYS = 100_000


class Stats(TableCommand):
    """Summarises a numeric field of each entity, or of each row of a list."""

    summary = "show the lowest, highest and mean of a number over some days"
    example = "scrapy snapshots stats FIELD --days 30 --table TABLE"

    def add_own_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("field", help="price, markets.price (in a list), prices.home (in JSON)")
        add_as_option(parser)
        parser.add_argument("--days", type=_days, default=30.0, help="default: 30")
        parser.add_argument(
            "--until", metavar="TIME", help=f"the end of the days; {TIME_HELP} (default: now)"
        )

    def query_table(
        self, history: SnapshotHistory, table: TableInfo, options: argparse.Namespace
    ) -> Output[FieldStatistics]:
        results = history.statistics(
            table.name,
            options.field,
            days=options.days,
            until=optional_time(options.until, history, options, table),
            where=key_filter(options),
            as_number=options.read_as is not None,
        )
        return Output(results, one_table(statistics_row))


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = math.nan
    if not 0 < days <= _MAX_DAYS:
        raise argparse.ArgumentTypeError(f"must be a number of days, not {text!a}")
    return days
