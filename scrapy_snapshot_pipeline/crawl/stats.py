"""What is counted, and where a user sees it: Scrapy's stats, the closing line, the run's row."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from scrapy_snapshot_pipeline.errors import AmbiguousCommitError
from scrapy_snapshot_pipeline.records import (
    COUNTERS,
    NOT_STORED,
    OUTCOME_COUNTERS,
    Batch,
    DeliveryReport,
    Outcome,
    WriteResult,
)

logger = logging.getLogger(__name__)

OUTCOME_STATS = {outcome: f"snapshots/{outcome.value}" for outcome in Outcome}

STATS: Mapping[str, str] = {
    "snapshots/accepted": "records that the queue was given",
    "snapshots/inserted": "records that became the first version of their entity",
    "snapshots/revised": "records that became a new version of a known entity",
    "snapshots/confirmed": "records that found their entity unchanged",
    "snapshots/coalesced": "records equal to the one of the same entity before it in its batch",
    "snapshots/dead_lettered": "records that were not stored and are in the dead letters",
    "snapshots/dropped": "records that the database refused, dropped by SNAPSHOT_ON_REJECT",
    "snapshots/failed": "records that are neither stored nor in the dead letters",
    "snapshots/rejected": "items that could not become a record",
    "snapshots/ignored": "items of classes without a declaration, passed through",
    "snapshots/late": "records that became a version of the past, not the current one",
    "snapshots/children_inserted": "child rows written",
    "snapshots/children_ended": "stored child rows that got an end",
    "snapshots/extended": "of the revised ones, those with nothing but values of new fields",
    "snapshots/conflicts": "records that differ from an earlier one of their entity in this crawl",
    "snapshots/ahead": "entities stored at a time more than a minute ahead of the clock here",
    "snapshots/batches": "transactions that committed",
    "snapshots/batch_records_max": "records in the largest batch",
    "snapshots/retries": "attempts after a failed one",
    "snapshots/ambiguous_commits": "commits whose answer was lost; sent again with the same ids",
    "snapshots/splits": "times a batch was split to find its bad records",
    "snapshots/frozen": "times the database was cut loose after SNAPSHOT_WRITE_TIMEOUT",
    "snapshots/queue_records_max": "most records in the queue, of SNAPSHOT_QUEUE_SIZE",
    "snapshots/waiting_max": "most items in process_item at once",
    "snapshots/pauses": "times the crawl was paused to wait for the database",
}
"""Every stat, and what it counts."""

_NOT_STORED = tuple(outcome.value for outcome in NOT_STORED)

_CLOSING_LINE = "Snapshots: accepted %(accepted)d = " + " + ".join(
    f"{name.replace('_', '-')} %({name})d" for name in OUTCOME_COUNTERS
)
_CLOSING_LINE += "; rejected %(rejected)d, ignored %(ignored)d; spider %(spider)s, %(database)s"
_GONE_FROM_FEEDS = (
    "; rejected items went to no feed and no later pipeline, "
    'unless SNAPSHOT_REJECTED_ITEMS is set to "pass"'
)


class Stats(Protocol):
    """The part of Scrapy's stats collector that is used; reactor thread only."""

    def inc_value(self, key: str, count: int = 1, start: int = 0) -> None:
        """Add to a counter."""

    def max_value(self, key: str, value: int) -> None:
        """Raise a maximum."""

    def get_value(self, key: str, default: int = 0) -> int:
        """Read one."""


class CrawlStats:
    """Counts into Scrapy's stats.  Reactor thread only.

    Calls of Scrapy's stats are slow for what they do, so what happens for every item is counted
    here first and handed over once a batch.
    """

    def __init__(
        self, stats: Stats, committed: Callable[[WriteResult], object] = lambda _: None
    ) -> None:
        """`committed` is told what each batch did, once that is counted."""
        self._stats = stats
        self._committed = committed
        self._accepted = 0
        self._queue_records_max = 0
        self._waiting_max = 0
        self.seen: Counter[str] = Counter()
        """Records that were stored or confirmed, by table."""

    def accepted(self, queued: int, waiting: int) -> None:
        """Count a submitted record; `queued` records and `waiting` items were there just after."""
        self._accepted += 1
        self._queue_records_max = max(self._queue_records_max, queued)
        self._waiting_max = max(self._waiting_max, waiting)

    def rejected(self) -> None:
        """Count an item that could not become a record."""
        self._stats.inc_value("snapshots/rejected")

    def ignored(self) -> None:
        """Count an item without a declaration."""
        self._stats.inc_value("snapshots/ignored")

    def paused(self) -> None:
        """Count a pause of the crawl."""
        self._stats.inc_value("snapshots/pauses")

    def reported(self, reports: Sequence[DeliveryReport]) -> None:
        """Count what became of the records of a batch."""
        outcomes = [report.outcome for report in reports]
        for outcome, key in OUTCOME_STATS.items():
            if count := outcomes.count(outcome):
                self._stats.inc_value(key, count)
        self.seen.update(r.record.table for r in reports if r.outcome not in NOT_STORED)
        self._flush()

    def _flush(self) -> None:
        accepted, self._accepted = self._accepted, 0
        self._stats.inc_value("snapshots/accepted", accepted)
        self._stats.max_value("snapshots/queue_records_max", self._queue_records_max)
        self._stats.max_value("snapshots/waiting_max", self._waiting_max)

    def committed(self, batch: Batch, result: WriteResult) -> None:
        """Count a batch that is in the database."""
        self._stats.inc_value("snapshots/batches")
        self._stats.max_value("snapshots/batch_records_max", len(batch.records))
        self._stats.inc_value("snapshots/late", result.late)
        self._stats.inc_value("snapshots/extended", result.extended)
        self._stats.inc_value("snapshots/conflicts", sum(result.conflicts.values()))
        self._stats.inc_value("snapshots/ahead", len(result.ahead))
        self._stats.inc_value("snapshots/children_inserted", result.children_inserted)
        self._stats.inc_value("snapshots/children_ended", result.children_ended)
        self._committed(result)

    def retrying(self, attempt: int, error: BaseException, delay: float) -> None:  # noqa: ARG002
        """Count an attempt that failed and will be repeated."""
        self._stats.inc_value("snapshots/retries")
        if isinstance(error, AmbiguousCommitError):
            self._stats.inc_value("snapshots/ambiguous_commits")

    def splitting(self) -> None:
        """Count a batch that is split to find its bad records."""
        self._stats.inc_value("snapshots/splits")

    def frozen(self) -> None:
        """Count a connection that had to be cut because the database did not answer."""
        self._stats.inc_value("snapshots/frozen")

    def counters(self) -> dict[str, int]:
        """The run's counters by the names of their columns in `snapshot_runs`."""
        self._flush()
        return {name: self._stats.get_value(f"snapshots/{name}", 0) for name in COUNTERS}

    def log_closing_line(self, spider: str, database: str) -> None:
        """Log the closing line: what was accepted equals the sum of all outcomes.

        `database` must show no secret.
        """
        counts = self.counters()
        unstored = any(counts[name] for name in (*_NOT_STORED, "rejected"))
        line = _CLOSING_LINE + (_GONE_FROM_FEEDS if counts["rejected"] else "")
        values = {**counts, "spider": spider, "database": database}
        logger.log(logging.WARNING if unstored else logging.INFO, line, values)
