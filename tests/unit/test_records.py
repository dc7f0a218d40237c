"""The values that cross every border, and the one list of counters."""

from __future__ import annotations

import logging

import pytest

from scrapy_snapshot_pipeline.crawl.stats import OUTCOME_STATS, STATS, CrawlStats
from scrapy_snapshot_pipeline.records import (
    COUNTERS,
    NOT_STORED,
    OUTCOME_COUNTERS,
    ChildRecord,
    Outcome,
)
from scrapy_snapshot_pipeline.store.schema.tables import RUNS


class MemoryStats:
    """Stats as Scrapy's collector holds them."""

    def __init__(self) -> None:
        self.values: dict[str, int] = {}

    def inc_value(self, key: str, count: int = 1, start: int = 0) -> None:
        """Add to a counter."""
        self.values[key] = self.values.get(key, start) + count

    def max_value(self, key: str, value: int) -> None:
        """Raise a maximum."""
        self.values[key] = max(value, self.values.get(key, value))

    def get_value(self, key: str, default: int = 0) -> int:
        """Read one."""
        return self.values.get(key, default)


def test_a_child_record_splits_its_id_and_its_hash() -> None:
    """16 bytes each."""
    child = ChildRecord(b"i" * 16 + b"h" * 16, None, ())
    assert (child.child_id, child.content_hash) == (b"i" * 16, b"h" * 16)


def test_what_is_not_stored_is_an_outcome_of_its_own() -> None:
    """The database knows of all others."""
    stored = [outcome for outcome in Outcome if outcome not in NOT_STORED]
    assert stored == [Outcome.INSERTED, Outcome.REVISED, Outcome.CONFIRMED, Outcome.COALESCED]


def test_the_counters_are_pinned() -> None:
    """They are columns in databases that exist, so a name or a place in the order must not move."""
    assert COUNTERS == (
        "accepted", "inserted", "revised", "confirmed", "coalesced", "dead_lettered", "dropped",
        "failed", "rejected", "ignored", "late", "children_inserted", "children_ended",
    )  # fmt: skip
    assert COUNTERS[1:8] == OUTCOME_COUNTERS


def test_the_counters_are_columns_of_a_run() -> None:
    """In their own order, one after the other."""
    names = tuple(RUNS.columns.keys())
    first = names.index(COUNTERS[0])
    assert names[first : first + len(COUNTERS)] == COUNTERS


def test_each_counter_is_a_stat_that_is_described() -> None:
    """And each outcome has its own."""
    assert list(STATS)[: len(COUNTERS)] == [f"snapshots/{name}" for name in COUNTERS]
    assert list(OUTCOME_STATS.values()) == [f"snapshots/{name}" for name in OUTCOME_COUNTERS]


def test_the_closing_line_names_each_outcome(caplog: pytest.LogCaptureFixture) -> None:
    """So that a user can add it up."""
    stats = MemoryStats()
    stats.values = {f"snapshots/{name}": number for number, name in enumerate(COUNTERS)}
    with caplog.at_level(logging.INFO):
        CrawlStats(stats).log_closing_line("odds", "sqlite:///x.db")
    [line] = caplog.messages
    assert line == (
        "Snapshots: accepted 0 = inserted 1 + revised 2 + confirmed 3 + coalesced 4 "
        "+ dead-lettered 5 + dropped 6 + failed 7; rejected 8, ignored 9; "
        "spider odds, sqlite:///x.db; rejected items went to no feed and no later pipeline, "
        'unless SNAPSHOT_REJECTED_ITEMS is set to "pass"'
    )
