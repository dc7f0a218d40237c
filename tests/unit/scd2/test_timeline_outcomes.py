"""What is reported of a record: in one batch, when it comes back, and after a lost answer."""

from __future__ import annotations

import pytest

from scrapy_snapshot_pipeline.records import Outcome
from scrapy_snapshot_pipeline.scd2.plan import Plan
from scrapy_snapshot_pipeline.scd2.timeline import plan
from tests.unit.scd2.entity import Seen, record, seen
from tests.unit.scd2.memory import Memory

INSERTED, REVISED = Outcome.INSERTED, Outcome.REVISED
CONFIRMED, COALESCED = Outcome.CONFIRMED, Outcome.COALESCED


@pytest.fixture
def memory() -> Memory:
    """Nothing is stored yet."""
    return Memory()


def sent(memory: Memory, *observations: Seen) -> list[Outcome]:
    """Send each in a batch of its own."""
    return [outcome for one in observations for outcome in memory.send(one)]


def test_equal_to_the_record_before_it_in_the_batch_is_coalesced(memory: Memory) -> None:
    """Whether the first of them was inserted, revised or confirmed."""
    batch = [seen(1, "A"), seen(2, "A"), seen(3, "B"), seen(4, "B"), seen(5, "A")]

    assert memory.send(*batch) == [INSERTED, COALESCED, REVISED, COALESCED, REVISED]
    assert memory.send(seen(6, "A"), seen(7, "A")) == [CONFIRMED, COALESCED]
    assert memory.line() == "A[1,3) B[3,5) A[5,-)"
    assert memory.confirmed() == {1: 2, 3: 4, 5: 7}


def test_equal_to_an_earlier_record_of_the_batch_is_confirmed(memory: Memory) -> None:
    """Coalesced is only what follows directly."""
    sent(memory, seen(10, "A"))

    assert memory.send(seen(14, "B"), seen(12, "A"), seen(15, "B")) == [
        REVISED,
        CONFIRMED,
        CONFIRMED,
    ]


def test_what_repeats_the_record_before_it_may_be_a_version_of_its_own(memory: Memory) -> None:
    """Where something else was seen in between."""
    sent(memory, seen(10, "A"), seen(14, "B"), seen(18, "A"))

    assert memory.send(seen(12, "C"), seen(16, "C")) == [REVISED, REVISED]
    assert memory.line() == "A[10,12) C[12,14) B[14,16) C[16,18) A[18,-)"


def test_a_late_repetition_that_reaches_back_is_coalesced(memory: Memory) -> None:
    """In one batch as it would be confirmed in two."""
    assert memory.send(seen(12, "A"), seen(11, "A")) == [INSERTED, COALESCED]
    assert memory.line() == "A[11,-)"


def test_a_replayed_record_is_confirmed(memory: Memory) -> None:
    """Whatever became of it the first time, it changes nothing."""
    batch = [seen(10, "A", a=1), seen(14, "B", a=2), seen(12, "C", a=3), seen(14, "A", a=1)]
    sent(memory, *batch, seen(10, "B", a=2))
    before = memory.snapshot()

    assert sent(memory, *batch, seen(10, "B", a=2)) == [CONFIRMED] * 5
    assert memory.snapshot() == before
    assert memory.moments() == [seen(10, "B", a=2), seen(14, "A", a=1)]


def test_a_replayed_moment_right_behind_itself_is_coalesced(memory: Memory) -> None:
    """As every record that is equal to the one just before it."""
    sent(memory, seen(10, "A"))

    assert memory.send(seen(10, "B"), seen(10, "B")) == [REVISED, COALESCED]
    assert memory.late == 1


def test_a_repeated_attempt_reports_what_the_first_one_did(memory: Memory) -> None:
    """After a commit without an answer nothing is written twice."""
    batch = [
        seen(10, "A"),
        seen(11, "A"),
        seen(12, "B"),
        seen(14, "A"),
        seen(13, "C"),
        seen(13, "C"),
        seen(12, "C"),
    ]
    first = memory.send(*batch)
    before = memory.snapshot()

    assert first == [INSERTED, COALESCED, REVISED, REVISED, REVISED, COALESCED, REVISED]
    assert memory.send(*batch, retried=True) == first
    assert memory.snapshot() == before


def test_a_repeated_attempt_at_a_batch_out_of_order(memory: Memory) -> None:
    """The first of the batch was INSERTED, though the second is older."""
    batch = [seen(12, "A"), seen(10, "B")]
    assert memory.send(*batch) == [INSERTED, REVISED]
    assert memory.send(*batch, retried=True) == [INSERTED, REVISED]


def test_a_repeated_attempt_at_a_moment(memory: Memory) -> None:
    """A moment was REVISED, also where no version is older."""
    sent(memory, seen(12, "A"))
    assert memory.send(seen(12, "B"), retried=False) == [REVISED]
    assert memory.send(seen(12, "B"), retried=True) == [REVISED]


def test_a_repeated_attempt_after_a_moment_of_another_writer(memory: Memory) -> None:
    """Both saw the entity first, at one instant, and ours was committed before."""
    sent(memory, seen(10, "A"), seen(10, "B"))

    assert memory.send(seen(10, "A"), retried=True) == [INSERTED]
    assert memory.send(seen(10, "B"), retried=True) == [REVISED]


def test_what_is_stored_is_confirmed_unless_a_batch_is_said_to_be_retried(memory: Memory) -> None:
    """A replay sends the same record, but nobody waits for the first answer."""
    sent(memory, seen(10, "A"))

    again = [record(seen(10, "A"))]
    assert plan(again, memory.versions.values(), (), Plan()) == [CONFIRMED]
    assert plan(again, memory.versions.values(), (), Plan(), retried=True) == [INSERTED]


def test_a_repeated_attempt_behind_other_writers(memory: Memory) -> None:
    """What another crawler stored before is not ours; what it stored after came later."""
    sent(memory, seen(10, "A"))
    memory.send(seen(12, "B"))
    sent(memory, seen(14, "C"))

    assert memory.send(seen(12, "B"), retried=True) == [REVISED]
    assert memory.send(seen(10, "A"), retried=True) == [INSERTED]


def test_a_repeated_attempt_that_confirmed(memory: Memory) -> None:
    """A stored version with another id is nobody's own."""
    sent(memory, seen(10, "A"), seen(12, "A"))

    assert memory.send(seen(12, "A"), retried=True) == [CONFIRMED]
    assert memory.send(seen(9, "A"), retried=True) == [CONFIRMED]
    assert memory.line() == "A[9,-)"


def test_a_repeated_attempt_that_splits_a_version(memory: Memory) -> None:
    """The piece that is split off has the id of a record that only reached back."""
    sent(memory, seen(14, "A"), seen(10, "A"))

    assert memory.send(seen(12, "B"), seen(10, "A"), retried=True) == [REVISED, CONFIRMED]


def test_a_repeated_attempt_stores_what_the_first_one_did_not(memory: Memory) -> None:
    """It had not committed after all."""
    sent(memory, seen(10, "A"))

    outcomes = memory.send(seen(12, "B"), seen(14, "B"), seen(16, "A"), retried=True)

    assert outcomes == [REVISED, COALESCED, REVISED]
    assert memory.line() == "A[10,12) B[12,16) A[16,-)"
