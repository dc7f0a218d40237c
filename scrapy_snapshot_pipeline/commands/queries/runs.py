"""`scrapy snapshots runs`: the crawls, and what each did."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from scrapy_snapshot_pipeline.commands.output.output import Output, one_table
from scrapy_snapshot_pipeline.commands.queries.query_command import QueryCommand
from scrapy_snapshot_pipeline.history import Run, SnapshotHistory
from scrapy_snapshot_pipeline.history.results import FlatRow

_ID_DIGITS = 8
_SHOWN = {"new": "inserted", "changed": "revised", "failed": "failed", "confirmed": "confirmed"}
"""Names of columns and their counters; a narrow terminal has room for the first ones."""


class Runs(QueryCommand):
    """Lists the crawls, latest first."""

    summary = "list the crawls, latest first, and what each stored"
    example = "scrapy snapshots runs --spider competitor_odds"

    def add_own_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--spider", metavar="NAME", help="only the crawls of this spider")

    def query(self, history: SnapshotHistory, options: argparse.Namespace) -> Output[Run]:
        return Output(history.runs(spider=options.spider), one_table(_rows))


def _rows(run: Run) -> Iterator[FlatRow]:
    yield {
        "started_at": run.started_at,
        "run": str(run.run_id)[:_ID_DIGITS],
        "spider": run.spider,
        "status": run.status,
        **{name: run.counters.get(counter) for name, counter in _SHOWN.items()},
        "accepted": run.counters.get("accepted"),
        "finish_reason": run.finish_reason,
        "finished_at": run.finished_at,
    }
