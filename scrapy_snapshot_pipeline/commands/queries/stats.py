"""`scrapy snapshots stats`: lowest, highest and mean of a number."""

from __future__ import annotations

import argparse
import math

from scrapy_snapshot_pipeline.commands import time_arguments as moments
from scrapy_snapshot_pipeline.commands.output.output import Output, one_grid
from scrapy_snapshot_pipeline.commands.output.table_rows import statistics_rows
from scrapy_snapshot_pipeline.commands.queries.query_command import (
    QueryCommand,
    add_table_options,
    chosen_table,
    maybe_when,
    where,
)
from scrapy_snapshot_pipeline.history import FieldStatistics, SnapshotHistory

_MOST_DAYS = 100_000


class Stats(QueryCommand):
    """Sums up a numeric field of each entity or row of a list."""

    summary = "show the lowest, highest and mean of a number over some days"
    example = "scrapy snapshots stats markets.price_home --days 30 --table competitor_odds_snapshot"

    def own_options(self, parser: argparse.ArgumentParser) -> None:
        """See `QueryCommand`."""
        parser.add_argument("field", help="price, markets.price (in a list), prices.home (in JSON)")
        parser.add_argument("--days", type=_days, default=30.0, help="default: 30")
        parser.add_argument(
            "--until", metavar="TIME", help=f"the end of the days; {moments.HELP} (default: now)"
        )
        add_table_options(parser)

    def ask(self, history: SnapshotHistory, options: argparse.Namespace) -> Output[FieldStatistics]:
        """See `QueryCommand`."""
        found = history.statistics(
            chosen_table(history, options).name,
            options.field,
            days=options.days,
            until=maybe_when(options.until, history, options),
            where=where(options),
        )
        return Output(found, one_grid(statistics_rows))


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = math.nan
    if not 0 < days <= _MOST_DAYS:
        raise argparse.ArgumentTypeError(f"must be a number of days, not {text!a}")
    return days
