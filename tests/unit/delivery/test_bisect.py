"""Splitting a batch, and distinguishing a broken table from bad records."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.delivery.bisect import (
    SAME_CAUSE_LIMIT,
    WINDOW,
    Bisection,
    CircuitBreaker,
    halves,
)
from scrapy_snapshot_pipeline.errors import BadDataError, Cause, TooSlowError
from scrapy_snapshot_pipeline.records import SnapshotRecord
from tests.unit.fakes import make_record

CAUSE = Cause("x", "22003", column="price")


@dataclass(frozen=True)
class Entry:
    """One of the entries to split."""

    record: SnapshotRecord


def entries(*entities: int) -> list[Entry]:
    """Make one entry of each entity named, in this order."""
    return [Entry(make_record(n, entity=entity)) for n, entity in enumerate(entities)]


@given(st.lists(st.integers(0, 5), min_size=2, max_size=30))
def test_halves_keep_entities_together_and_their_order(entities: list[int]) -> None:
    """Nothing is lost, both parts are smaller, and only a lone entity is ever divided."""
    whole = entries(*entities)
    left, right = halves(whole)
    assert left
    assert right
    assert sorted(one.record.snapshot_id for one in (*left, *right)) == list(range(len(whole)))
    for entity in set(entities):
        order = [
            one.record.snapshot_id
            for one in (*left, *right)
            if one.record.values[0] == f"match {entity}"
        ]
        assert order == sorted(order)
    if len(set(entities)) > 1:
        assert not {e.record.entity_id for e in left} & {e.record.entity_id for e in right}


def test_many_bad_records_are_tried_one_by_one() -> None:
    """Halving would cost more transactions than there are records."""
    search = Bisection(20)
    for _ in range(2):
        search.found_bad()
    assert len(search.split(entries(1, 2, 3, 4))) == 2
    search.found_bad()
    assert len(search.split(entries(1, 2, 3, 4))) == 4


def test_the_same_fault_many_times_in_a_row_trips() -> None:
    """The last of them, and none before."""
    breaker = CircuitBreaker()
    tripped = [breaker.rejected(BadDataError, CAUSE) for _ in range(SAME_CAUSE_LIMIT)]
    assert tripped == [False] * (SAME_CAUSE_LIMIT - 1) + [True]


def test_a_good_record_or_another_fault_starts_the_count_again() -> None:
    """A fault of another column is another fault."""
    breaker = CircuitBreaker()
    for number in range(WINDOW // 2):
        assert not breaker.rejected(BadDataError, Cause("x", "22003", column=str(number % 2)))
        breaker.stored(1)
        assert not breaker.rejected(TooSlowError, CAUSE)
        breaker.stored(2)


def test_the_count_begins_anew_after_a_good_record() -> None:
    """It takes as many of the same fault again."""
    breaker = CircuitBreaker()
    before = [breaker.rejected(BadDataError, CAUSE) for _ in range(SAME_CAUSE_LIMIT - 1)]
    breaker.stored(1)
    after = [breaker.rejected(BadDataError, CAUSE) for _ in range(SAME_CAUSE_LIMIT)]
    assert not any((*before, *after[:-1]))
    assert after[-1]


def test_faults_that_take_turns_are_none_in_a_row() -> None:
    """Not even with no good record in between."""
    breaker = CircuitBreaker()
    for _ in range(WINDOW // 2 - 1):
        assert not breaker.rejected(BadDataError, CAUSE)
        assert not breaker.rejected(TooSlowError, CAUSE)


def test_as_many_bad_as_good_records_do_not_trip() -> None:
    """One more does."""
    breaker = CircuitBreaker()
    breaker.stored(WINDOW // 2)
    for number in range(WINDOW // 2):
        assert not breaker.rejected(BadDataError, Cause("x", str(number)))
    assert breaker.rejected(BadDataError, CAUSE)


def test_more_bad_than_good_records_trip() -> None:
    """They may all have different faults, but there must be enough records to judge by."""
    breaker = CircuitBreaker()
    tripped = []
    for number in range(WINDOW):
        tripped.append(breaker.rejected(BadDataError, Cause("x", str(number))))
        if number % 3 == 0:
            breaker.stored(1)
    assert not any(tripped[:30])
    assert tripped[-1]
