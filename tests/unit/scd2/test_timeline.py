"""The law case by case; a time is a second, a capital letter the entity's own value.

`test_timeline_laws` has what holds for every history.
"""

from __future__ import annotations

import itertools

import pytest

from scrapy_snapshot_pipeline.records import Outcome, seen_at
from scrapy_snapshot_pipeline.scd2.plan import Plan, Reading
from scrapy_snapshot_pipeline.scd2.timeline import plan
from tests.unit.scd2.entity import Seen, at, record, seen
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


# 1. In a version of equal content


def test_equal_content_confirms(memory: Memory) -> None:
    """Only the last confirmation moves, and it never goes back."""
    outcomes = sent(memory, seen(10, "A"), seen(14, "A"), seen(12, "A"))

    assert outcomes == [INSERTED, CONFIRMED, CONFIRMED]
    assert memory.line() == "A[10,-)"
    assert memory.confirmed() == {10: 14}
    assert memory.read[1:] == [Reading.NOTHING, Reading.NOTHING]
    assert memory.late == 0


def test_equal_content_in_the_past_confirms(memory: Memory) -> None:
    """Also where the version has ended."""
    sent(memory, seen(10, "A"), seen(20, "B"))

    assert memory.send(seen(15, "A")) == [CONFIRMED]
    assert memory.line() == "A[10,20) B[20,-)"
    assert memory.confirmed() == {10: 15, 20: 20}
    assert memory.late == 0


# 2. Before, behind and between


def test_later_change_is_current(memory: Memory) -> None:
    """The ordinary change."""
    assert sent(memory, seen(10, "A"), seen(11, "A"), seen(12, "B")) == [
        INSERTED,
        CONFIRMED,
        REVISED,
    ]
    assert memory.line() == "A[10,12) B[12,-)"
    assert memory.confirmed() == {10: 11, 12: 12}
    assert memory.late == 0


def test_late_equal_content_reaches_back(memory: Memory) -> None:
    """One version from 11, confirmed, not a second one beside it."""
    assert sent(memory, seen(12, "A"), seen(11, "A")) == [INSERTED, CONFIRMED]

    assert memory.line() == "A[11,-)"
    assert memory.confirmed() == {11: 12}
    assert memory.late == 0


def test_what_reaches_back_stays_the_same_row(memory: Memory) -> None:
    """Its id, its run and the values of its own observation."""
    memory.write([record(seen(12, "A"), run=7)])
    before = memory.snapshot()

    memory.write([record(seen(11, "A"), run=8)])

    [(snapshot_id, version)] = memory.versions.items()
    assert seen_at(snapshot_id) == at(12)
    assert memory.runs == {snapshot_id: 7}
    memory.versions[snapshot_id] = version._replace(valid_from=at(12))
    assert memory.snapshot() == before


def test_late_content_of_the_next_version_begins_it_earlier(memory: Memory) -> None:
    """A [10,11), B [11,-)."""
    sent(memory, seen(10, "A"), seen(12, "B"))

    assert memory.send(seen(11, "B")) == [CONFIRMED]
    assert memory.line() == "A[10,11) B[11,-)"
    assert memory.confirmed() == {10: 10, 11: 12}
    assert memory.late == 0


def test_late_content_joins_the_next_of_two_equal_ones(memory: Memory) -> None:
    """A [10,12), B [12,12:30), A [12:30,-)."""
    sent(memory, seen(100, "A"), seen(120, "B"), seen(140, "A"))

    assert memory.send(seen(125, "A")) == [CONFIRMED]
    assert memory.line() == "A[100,120) B[120,125) A[125,-)"
    assert memory.late == 0


def test_late_content_between_two_versions_is_one_of_its_own(memory: Memory) -> None:
    """It ends where the next begins."""
    sent(memory, seen(10, "A"), seen(20, "B"))

    assert memory.send(seen(15, "C")) == [REVISED]
    assert memory.line() == "A[10,15) C[15,20) B[20,-)"
    assert memory.late == 1


def test_late_content_before_all_versions_is_the_first(memory: Memory) -> None:
    """It is a revision all the same: the entity was known."""
    sent(memory, seen(20, "B"))

    assert memory.send(seen(10, "A")) == [REVISED]
    assert memory.line() == "A[10,20) B[20,-)"
    assert memory.late == 1


def test_each_late_version_counts(memory: Memory) -> None:
    """In one batch too; the one that is current does not."""
    sent(memory, seen(10, "A"), seen(20, "B"))

    assert memory.send(seen(15, "C"), seen(5, "C"), seen(30, "A")) == [REVISED, REVISED, REVISED]
    assert memory.line() == "C[5,10) A[10,15) C[15,20) B[20,30) A[30,-)"
    assert memory.late == 2


# 3. Where nobody looked


def test_other_content_where_nobody_looked_splits_the_version(memory: Memory) -> None:
    """That A was seen at 10 and at 14 does not say that it was there at 12."""
    sent(memory, seen(14, "A"), seen(16, "A"), seen(10, "A"))

    assert memory.send(seen(12, "B")) == [REVISED]
    assert memory.line() == "A[10,12) B[12,14) A[14,-)"
    assert memory.confirmed() == {10: 10, 12: 12, 14: 16}
    assert memory.late == 1


def test_the_row_that_was_split_keeps_the_time_of_its_observation(memory: Memory) -> None:
    """The piece before is a copy: the stored values and run, and an id of its own."""
    memory.write([record(seen(14, "A", a=1), run=7)])
    memory.write([record(seen(10, "A", a=1), run=8)])
    memory.write([record(seen(12, "B"), run=9)])

    by_begin = {v.valid_from: v.snapshot_id for v in memory.versions.values()}
    assert by_begin[at(14)] == record(seen(14, "A", a=1)).snapshot_id
    assert by_begin[at(10)] == record(seen(10, "A", a=1)).snapshot_id
    assert memory.runs == {by_begin[at(10)]: 7, by_begin[at(12)]: 9, by_begin[at(14)]: 7}


def test_a_version_of_the_same_batch_is_split(memory: Memory) -> None:
    """As if each had come in a batch of its own; the copy is made of the first record."""
    first = record(seen(14, "A"), run=7)
    batch = [first, record(seen(10, "A"), run=8), record(seen(12, "B"), run=9)]

    assert memory.write(batch) == [INSERTED, COALESCED, REVISED]
    assert memory.line() == "A[10,12) B[12,14) A[14,-)"
    assert set(memory.runs.values()) == {7, 9}
    assert memory.runs[batch[1].snapshot_id] == 7


def test_a_stored_version_is_split_twice_in_one_batch(memory: Memory) -> None:
    """The piece that was split off reaches back, and is split in its turn."""
    sent(memory, seen(20, "A"), seen(10, "A"))

    batch = [seen(15, "B"), seen(5, "A"), seen(7, "C")]
    assert memory.send(*batch) == [REVISED, CONFIRMED, REVISED]
    assert memory.line() == "A[5,7) C[7,10) A[10,15) B[15,20) A[20,-)"
    assert memory.late == 2


def test_an_archive_in_the_order_of_its_days(memory: Memory) -> None:
    """A seen on day 31, then A on 1, B on 11 to 20, A on 21 to 30."""
    memory.send(seen(31, "A"))
    archive = [
        seen(1, "A"),
        *(seen(day, "B") for day in range(11, 21)),
        *(seen(day, "A") for day in range(21, 31)),
    ]

    outcomes = sent(memory, *archive)

    assert memory.line() == "A[1,11) B[11,21) A[21,-)"
    assert outcomes == [CONFIRMED, REVISED, *[CONFIRMED] * 9, *[CONFIRMED] * 10]
    assert memory.confirmed() == {1: 1, 11: 20, 21: 31}
    assert not memory.moments()
    assert memory.late == 1


# 4. Moments


def test_other_content_at_a_confirmed_time_is_a_moment(memory: Memory) -> None:
    """From the version's own observation to its last confirmation."""
    sent(memory, seen(10, "A"), seen(14, "A"))

    outcomes = sent(memory, seen(10, "B"), seen(12, "B"), seen(14, "B"))

    assert outcomes == [REVISED, REVISED, REVISED]
    assert memory.line() == "A[10,-)"
    assert memory.moments() == [seen(10, "B"), seen(12, "B"), seen(14, "B")]
    assert memory.confirmed() == {10: 14}
    assert memory.late == 3


def test_each_moment_of_a_batch_counts_as_late(memory: Memory) -> None:
    """As it would in a batch of its own."""
    sent(memory, seen(10, "A"), seen(14, "A"))

    assert memory.send(seen(11, "B"), seen(12, "C")) == [REVISED, REVISED]
    assert memory.late == 2


def test_other_content_at_the_begin_of_a_version_that_reaches_back_is_a_moment(
    memory: Memory,
) -> None:
    """There somebody looked; a second later it would split the version."""
    sent(memory, seen(14, "A"), seen(10, "A"))

    assert memory.send(seen(10, "B")) == [REVISED]
    assert memory.line() == "A[10,-)"
    assert memory.moments() == [seen(10, "B")]
    assert memory.late == 1


def test_of_two_observations_of_one_instant_the_first_stays(memory: Memory) -> None:
    """The second is a moment, in the same batch as well."""
    assert memory.send(seen(10, "A"), seen(10, "B")) == [INSERTED, REVISED]
    assert memory.line() == "A[10,-)"
    assert memory.moments() == [seen(10, "B")]


def test_children_of_a_moment_are_rows_of_no_length(memory: Memory) -> None:
    """All of its own, equal ones included; those that are valid stay as they are."""
    sent(memory, seen(10, "A", a=1, b=1), seen(14, "A", a=1, b=1))

    memory.send(seen(12, "B", a=1, n=2))

    assert memory.moment_rows() == {("a", 1, 12), ("n", 2, 12)}
    assert memory.child_line("a") == "1[10,-)"
    assert memory.child_line("b") == "1[10,-)"
    assert memory.child_line("n") == ""
    memory.check()


def test_the_next_version_after_a_moment(memory: Memory) -> None:
    """A moment is nobody's neighbour: it ends no version and no row, and joins none."""
    sent(memory, seen(10, "A", a=1), seen(20, "A", a=1), seen(15, "B", a=2), seen(30, "C", a=3))

    assert memory.send(seen(25, "B", a=2)) == [REVISED]
    assert memory.line() == "A[10,25) B[25,30) C[30,-)"
    assert memory.child_line("a") == "1[10,25) 2[25,30) 3[30,-)"
    assert memory.moments() == [seen(15, "B", a=2)]
    memory.check()


def test_a_version_before_all_ends_at_the_first_that_lasts(memory: Memory) -> None:
    """Not at the moment at the same time."""
    sent(memory, seen(10, "A", a=1), seen(10, "B", a=2))

    assert memory.send(seen(5, "B", a=2)) == [REVISED]
    assert memory.line() == "B[5,10) A[10,-)"
    assert memory.child_line("a") == "2[5,10) 1[10,-)"
    assert memory.moment_rows() == {("a", 2, 10)}
    memory.check()


def test_content_that_ends_where_another_begins_is_confirmed(memory: Memory) -> None:
    """Nothing is written: the version before says that it was seen up to there."""
    sent(memory, seen(10, "A"), seen(12, "B"))
    before = memory.snapshot()

    assert memory.send(seen(12, "A")) == [CONFIRMED]
    assert memory.snapshot() == before
    assert memory.late == 0


def test_content_of_another_time_at_the_begin_of_a_version_is_a_moment(memory: Memory) -> None:
    """Only what ends there counts: not what ended earlier, and not what is a moment itself."""
    sent(memory, seen(8, "A"), seen(10, "B"), seen(12, "C"), seen(14, "C"), seen(13, "A"))

    assert sent(memory, seen(12, "A")) == [REVISED]
    assert memory.moments() == [seen(12, "A"), seen(13, "A")]


def test_another_content_with_the_same_id_is_taken_for_the_first(memory: Memory) -> None:
    """One in 4,096 pairs of contents has it, if both are seen in one microsecond."""
    numbers = itertools.count()
    first_id = record(seen(10, "A")).snapshot_id
    twin = next(
        one for n in numbers if record(one := seen(10, f"twin {n}")).snapshot_id == first_id
    )
    sent(memory, seen(14, "A"), seen(10, "A"))

    assert memory.send(twin) == [CONFIRMED]
    assert memory.send(twin, retried=True) == [CONFIRMED]
    assert not memory.moments()
    assert memory.send(seen(12, "B")) == [REVISED]
    assert memory.send(twin) == [CONFIRMED]
    assert memory.line() == "A[10,12) B[12,14) A[14,-)"


def test_a_plan_adds_to_what_is_planned_for_other_entities() -> None:
    """One plan holds the changes of all entities of a table."""
    into = Plan()
    for _ in range(2):
        plan([record(seen(10, "A", a=1)), record(seen(9, "B", a=2))], (), (), into)
    assert len(into.new_versions) == 4
    assert len(into.new_children[0]) == 4
    assert into.late == 2
