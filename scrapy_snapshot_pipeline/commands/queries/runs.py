"""`scrapy snapshots runs`: the crawls, and what each did."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence

from scrapy_snapshot_pipeline.commands.output.output import Output
from scrapy_snapshot_pipeline.commands.output.terminal_table import TerminalTable
from scrapy_snapshot_pipeline.commands.queries.query_command import QueryCommand
from scrapy_snapshot_pipeline.history import Run, SnapshotHistory
from scrapy_snapshot_pipeline.history.results import FlatRow
from scrapy_snapshot_pipeline.records import NOT_STORED

_ID_DIGITS = 8
_STORED = {
    "new": ("inserted",),
    "changed": ("revised",),
    "confirmed": ("confirmed",),
    "accepted": ("accepted",),
}
"""Names of columns, and the counters of which each is the sum."""
_LACKING = {
    "rejected": ("rejected",),
    "unstored": tuple(outcome.value for outcome in NOT_STORED),
    "ignored": ("ignored",),
}
"""The same, of what was yielded and is not in the history."""


class Runs(QueryCommand):
    """Lists the crawls, latest first."""

    summary = "list the crawls, latest first, and what each stored"
    example = "scrapy snapshots runs --spider NAME"

    def add_own_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--spider", metavar="NAME", help="only the crawls of this spider")

    def query(self, history: SnapshotHistory, options: argparse.Namespace) -> Output[Run]:
        return Output(history.runs(spider=options.spider), _tables)


def _tables(runs: Iterable[Run]) -> Iterator[TerminalTable]:
    """A narrow terminal has room for the first columns, so what is lacking in a run comes first."""
    listed = list(runs)
    lacking = {
        name: counters
        for name, counters in _LACKING.items()
        if any(_count(run, counters) for run in listed)
    }
    counts = {**lacking, **_STORED, **_LACKING}
    if listed:
        yield TerminalTable("", [_row(run, counts) for run in listed])


def _row(run: Run, counts: Mapping[str, Sequence[str]]) -> FlatRow:
    return {
        "started_at": run.started_at,
        "run": str(run.run_id)[:_ID_DIGITS],
        "spider": run.spider,
        "status": run.status,
        **{name: _count(run, counters) for name, counters in counts.items()},
        "finish_reason": run.finish_reason,
        "finished_at": run.finished_at,
    }


def _count(run: Run, counters: Iterable[str]) -> int:
    return sum(run.counters.get(counter, 0) for counter in counters)
