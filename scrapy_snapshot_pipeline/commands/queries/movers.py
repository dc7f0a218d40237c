"""`scrapy snapshots movers`: where a number came furthest."""

from __future__ import annotations

import argparse

from scrapy_snapshot_pipeline.commands import time_arguments as moments
from scrapy_snapshot_pipeline.commands.output.output import Output, natural_number, one_grid
from scrapy_snapshot_pipeline.commands.output.table_rows import mover_line
from scrapy_snapshot_pipeline.commands.queries.query_command import (
    QueryCommand,
    add_table_options,
    chosen_table,
    maybe_when,
    when,
    where,
)
from scrapy_snapshot_pipeline.history import Mover, SnapshotHistory


class Movers(QueryCommand):
    """Ranks entities, or rows of a list, by the change of a numeric field."""

    summary = "show where a number moved furthest, up or down"
    example = (
        "scrapy snapshots movers markets.price_home --since last~1 --table competitor_odds_snapshot"
    )

    def own_options(self, parser: argparse.ArgumentParser) -> None:
        """See `QueryCommand`."""
        parser.add_argument("field", help="price, markets.price (in a list), prices.home (in JSON)")
        parser.add_argument(
            "--since", default="1d", metavar="TIME", help=f"{moments.HELP} (default: 1d)"
        )
        parser.add_argument("--until", metavar="TIME", help="the same (default: now)")
        parser.add_argument("--by", choices=("relative", "absolute"), default="relative")
        parser.add_argument(
            "--top", type=natural_number, default=20, metavar="N", help="0 is all (default: 20)"
        )
        add_table_options(parser)

    def ask(self, history: SnapshotHistory, options: argparse.Namespace) -> Output[Mover]:
        """See `QueryCommand`."""
        found = history.movers(
            chosen_table(history, options).name,
            options.field,
            since=when(options.since, history, options),
            until=maybe_when(options.until, history, options),
            by=options.by,
            top=options.top or None,
            where=where(options),
        )
        return Output(found, one_grid(mover_line))
