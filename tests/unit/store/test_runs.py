"""Whether a crawl counts as finished."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest

from scrapy_snapshot_pipeline.store.schema.runs import FINISHED, INCOMPLETE, RunEnd


def end(counters: dict[str, int], reason: str = "finished") -> RunEnd:
    """The end of a crawl."""
    moment = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
    return RunEnd(uuid.UUID(int=1), moment, reason, counters)


def test_a_crawl_that_stored_all_it_saw_is_finished() -> None:
    """Whatever it found, late, equal or uninteresting."""
    assert end({}).status == FINISHED
    counters = {"accepted": 5, "inserted": 2, "confirmed": 2, "late": 1, "ignored": 3, "failed": 0}
    assert end(counters).status == FINISHED


@pytest.mark.parametrize("counter", ["dead_lettered", "dropped", "failed", "rejected"])
def test_a_crawl_with_a_record_that_is_not_stored_is_incomplete(counter: str) -> None:
    """One is enough."""
    assert end({"accepted": 9, counter: 1}).status == INCOMPLETE


def test_a_crawl_that_was_ended_is_incomplete() -> None:
    """It may not have seen everything."""
    assert end({"accepted": 9, "inserted": 9}, "shutdown").status == INCOMPLETE
