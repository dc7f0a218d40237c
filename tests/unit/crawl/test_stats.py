"""What is counted into Scrapy's stats, and when."""

from __future__ import annotations

import logging

import pytest

from scrapy_snapshot_pipeline.crawl.stats import STATS, CrawlStats
from scrapy_snapshot_pipeline.errors import AmbiguousCommitError, ContentionError, OutageError
from scrapy_snapshot_pipeline.records import Batch, DeliveryReport, Outcome, WriteResult
from tests.unit.fakes import START, make_record


class FakeCollector:
    """Counts as Scrapy's stats collector does."""

    def __init__(self) -> None:
        self.values: dict[str, int] = {}

    def inc_value(self, key: str, count: int = 1, start: int = 0) -> None:
        """Add to a counter."""
        self.values[key] = self.values.get(key, start) + count

    def max_value(self, key: str, value: int) -> None:
        """Raise a maximum."""
        self.values[key] = max(self.values.get(key, value), value)

    def get_value(self, key: str, default: int = 0) -> int:
        """Read a counter."""
        return self.values.get(key, default)


@pytest.fixture
def collector() -> FakeCollector:
    """Make a collector with no stats yet."""
    return FakeCollector()


@pytest.fixture
def stats(collector: FakeCollector) -> CrawlStats:
    """Make the thing under test."""
    return CrawlStats(collector)


def report(*outcomes: Outcome) -> list[DeliveryReport]:
    """Make the reports of a batch with these outcomes."""
    return [DeliveryReport(make_record(n), each, 1) for n, each in enumerate(outcomes)]


def test_what_every_item_counts_is_handed_over_once_a_batch(
    stats: CrawlStats, collector: FakeCollector
) -> None:
    """A call of Scrapy's stats for each item would be slow."""
    for queued, waiting in ((1, 1), (2, 5), (1, 3)):
        stats.accepted(queued, waiting)
    assert collector.values == {}
    stats.reported(report(Outcome.INSERTED))
    assert collector.values == {
        "snapshots/accepted": 3,
        "snapshots/queue_records_max": 2,
        "snapshots/waiting_max": 5,
        "snapshots/inserted": 1,
    }


def test_each_outcome_has_its_counter(stats: CrawlStats, collector: FakeCollector) -> None:
    """Its name is the outcome's value."""
    stats.reported(report(*Outcome, Outcome.CONFIRMED))
    counted = {each: collector.values[f"snapshots/{each.value}"] for each in Outcome}
    assert counted == {**dict.fromkeys(Outcome, 1), Outcome.CONFIRMED: 2}


def test_a_committed_batch_is_counted_with_what_it_did(
    stats: CrawlStats, collector: FakeCollector
) -> None:
    """The counters add up; the size of the largest batch is a maximum."""
    outcomes = (Outcome.REVISED,) * 3
    result = WriteResult(
        outcomes,
        children_inserted=4,
        children_ended=2,
        late=1,
        extended=3,
        conflicts={"a": 1, "b": 2},
        ahead=(START, START),
    )
    for size in (3, 2):
        stats.committed(Batch(tuple(map(make_record, range(size)))), result)
    assert collector.values == {
        "snapshots/batches": 2,
        "snapshots/batch_records_max": 3,
        "snapshots/late": 2,
        "snapshots/extended": 6,
        "snapshots/conflicts": 6,
        "snapshots/ahead": 4,
        "snapshots/children_inserted": 8,
        "snapshots/children_ended": 4,
    }


def test_what_a_batch_did_is_passed_on(collector: FakeCollector) -> None:
    """To those who warn of it."""
    told: list[WriteResult] = []
    result = WriteResult((Outcome.INSERTED,))
    CrawlStats(collector, told.append).committed(Batch((make_record(),)), result)
    assert told == [result]


@pytest.mark.parametrize(
    ("error", "ambiguous"),
    [(OutageError("away"), 0), (ContentionError("locked"), 0), (AmbiguousCommitError("lost"), 1)],
    ids=lambda value: type(value).__name__,
)
def test_a_retry_is_counted_and_a_lost_answer_beside_it(
    stats: CrawlStats, collector: FakeCollector, error: Exception, ambiguous: int
) -> None:
    """Only a lost answer to COMMIT is ambiguous."""
    stats.retrying(1, error, 0.5)
    assert collector.get_value("snapshots/retries") == 1
    assert collector.get_value("snapshots/ambiguous_commits") == ambiguous


def test_the_runs_counters_are_complete(stats: CrawlStats) -> None:
    """What was not handed over yet is in them, and what never happened is 0."""
    stats.accepted(1, 1)
    stats.ignored()
    counted = {name: count for name, count in stats.counters().items() if count}
    assert counted == {"accepted": 1, "ignored": 1}


def test_every_stat_is_described(stats: CrawlStats, collector: FakeCollector) -> None:
    """`STATS` lists each of them, and no other."""
    stats.accepted(1, 1)
    stats.rejected()
    stats.ignored()
    stats.paused()
    stats.splitting()
    stats.frozen()
    stats.retrying(1, AmbiguousCommitError("lost"), 0.5)
    stats.committed(Batch((make_record(),)), WriteResult((Outcome.INSERTED,)))
    stats.reported(report(*Outcome))
    assert set(collector.values) == set(STATS)


@pytest.mark.parametrize(
    ("outcome", "level"),
    [
        (Outcome.CONFIRMED, logging.INFO),
        (Outcome.DEAD_LETTERED, logging.WARNING),
        (Outcome.DROPPED, logging.WARNING),
        (Outcome.FAILED, logging.WARNING),
    ],
    ids=lambda value: value.name if isinstance(value, Outcome) else "",
)
def test_the_closing_line_adds_up(
    stats: CrawlStats, caplog: pytest.LogCaptureFixture, outcome: Outcome, level: int
) -> None:
    """It is a warning where a record was not stored."""
    stats.accepted(1, 1)
    stats.accepted(2, 2)
    stats.reported(report(Outcome.INSERTED, outcome))
    with caplog.at_level(logging.INFO):
        stats.log_closing_line("odds", "sqlite:///x.db")
    [line] = caplog.records
    assert line.levelno == level
    assert line.getMessage().startswith("Snapshots: accepted 2 = inserted 1 + revised 0 + ")
    name = outcome.value.replace("_", "-")
    assert f"+ {name} 1" in line.getMessage()
