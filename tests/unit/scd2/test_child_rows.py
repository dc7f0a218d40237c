"""Child rows as they follow their versions; a number is the content of the child."""

from __future__ import annotations

import pytest

from scrapy_snapshot_pipeline.records import Outcome, seen_at
from scrapy_snapshot_pipeline.scd2.plan import Plan
from scrapy_snapshot_pipeline.scd2.timeline import plan
from tests.unit.scd2.entity import Seen, at, record, second, seen
from tests.unit.scd2.memory import Memory


@pytest.fixture
def memory() -> Memory:
    """Nothing is stored yet."""
    return Memory()


def send(memory: Memory, *observations: Seen) -> None:
    """Send each in a batch of its own."""
    for one in observations:
        memory.send(one)
        memory.check()


def seen_of(memory: Memory, child: str) -> list[int | None]:
    """When the versions were seen whose ids the rows of a child carry, by the rows' times."""
    return [second(seen_at(row.snapshot_id)) for row in memory.rows(child)]


def test_rows_begin_and_end_with_the_versions(memory: Memory) -> None:
    """One that changes ends and another begins; one that is gone ends."""
    send(
        memory,
        seen(10, "A", a=1, b=1, n=1),
        seen(12, "A", a=2, b=1),
        seen(14, "A", b=1),
        seen(16, "A", a=2, b=1, n=1),
    )
    assert memory.child_line("a") == "1[10,12) 2[12,14) 2[16,-)"
    assert memory.child_line("b") == "1[10,-)"
    assert memory.child_line("n") == "1[10,12) 1[16,-)"


def test_rows_that_stay_are_not_written_again(memory: Memory) -> None:
    """A change among several records writes what changed, and nothing else."""
    send(memory, seen(10, "A", a=1, b=1, n=1))
    changes = Plan()
    batch = [record(seen(12, "A", a=1, b=2, n=1)), record(seen(13, "B", a=1, b=2, n=1))]

    plan(batch, memory.versions.values(), memory.children.values(), changes)

    assert [child.values for child in changes.new_children[0]] == [("b", 2)]
    assert [ended.child_id.strip() for ended in changes.ended_children[0]] == [b"b"]
    assert set(changes.new_children) == set(changes.ended_children) == {0}
    assert not changes.moved_children
    assert not changes.copied_children


def test_a_late_change_that_is_one_child_begins_it_earlier(memory: Memory) -> None:
    """One row from 11, not two of equal content that touch."""
    send(memory, seen(10, "A", a=1), seen(12, "A", a=2))

    assert memory.send(seen(11, "A", a=2)) == [Outcome.CONFIRMED]
    assert memory.line() == "A[10,11) A[11,-)"
    assert memory.child_line("a") == "1[10,11) 2[11,-)"


def test_rows_reach_back_with_their_version(memory: Memory) -> None:
    """Each row of it that begins with it; one that was there before stays as it is."""
    send(memory, seen(10, "A", b=1), seen(14, "B", a=1, b=1, n=1))

    memory.send(seen(12, "B", a=1, b=1, n=1))

    assert memory.line() == "A[10,12) B[12,-)"
    assert memory.child_line("a") == "1[12,-)"
    assert memory.child_line("b") == "1[10,-)"
    assert memory.child_line("n") == "1[12,-)"
    assert seen_of(memory, "a") == [14]
    memory.check()


def test_rows_of_a_late_version_end_with_it(memory: Memory) -> None:
    """Those that the next version lacks, or has with another content."""
    send(memory, seen(10, "A"), seen(14, "B", a=2, b=1))

    memory.send(seen(12, "C", a=1, b=1, n=1))

    assert memory.child_line("a") == "1[12,14) 2[14,-)"
    assert memory.child_line("b") == "1[12,-)"
    assert memory.child_line("n") == "1[12,14)"
    memory.check()


def test_a_row_that_goes_on_behind_a_late_version_is_cut_in_two(memory: Memory) -> None:
    """The second piece belongs to the version that it begins with."""
    send(memory, seen(10, "A", a=1), seen(14, "B", a=1))

    memory.send(seen(12, "C"))

    assert memory.child_line("a") == "1[10,12) 1[14,-)"
    assert seen_of(memory, "a") == [10, 14]
    memory.check()


def test_a_row_is_cut_by_a_late_version_with_another_content_of_it(memory: Memory) -> None:
    """Three rows of one child, of which the first and the last are equal."""
    send(memory, seen(10, "A", a=1), seen(14, "B", a=1))

    memory.send(seen(12, "C", a=2))

    assert memory.child_line("a") == "1[10,12) 2[12,14) 1[14,-)"
    assert seen_of(memory, "a") == [10, 12, 14]
    memory.check()


def test_a_row_that_reached_back_is_cut_before_its_own_observation(memory: Memory) -> None:
    """The stored row keeps the later piece, and the ids do not collide."""
    send(memory, seen(100, "Z"), seen(140, "A", a=1), seen(125, "C", a=1))
    assert memory.child_line("a") == "1[125,-)"

    memory.send(seen(135, "D"))

    assert memory.line() == "Z[100,125) C[125,135) D[135,140) A[140,-)"
    assert memory.child_line("a") == "1[125,135) 1[140,-)"
    assert seen_of(memory, "a") == [125, 140]
    memory.check()


def test_a_row_is_cut_twice(memory: Memory) -> None:
    """On both sides of the observation that brought it."""
    send(memory, seen(10, "A", a=1), seen(20, "B", a=1), seen(30, "C", a=1), seen(40, "D", a=1))

    send(memory, seen(25, "X"), seen(15, "Y"), seen(35, "Z", a=2))

    assert memory.child_line("a") == "1[10,15) 1[20,25) 1[30,35) 2[35,40) 1[40,-)"
    assert seen_of(memory, "a") == [10, 20, 30, 35, 40]


def test_a_row_is_cut_twice_in_one_batch(memory: Memory) -> None:
    """A piece of a stored row is cut like the row itself."""
    send(memory, seen(10, "A", a=1), seen(20, "B", a=1), seen(30, "C", a=1), seen(40, "D", a=1))

    memory.send(seen(25, "X"), seen(35, "Z", a=2), seen(15, "Y"))

    assert memory.child_line("a") == "1[10,15) 1[20,25) 1[30,35) 2[35,40) 1[40,-)"
    memory.check()


def test_a_row_of_the_same_batch_is_cut(memory: Memory) -> None:
    """Its pieces are made of the record."""
    memory.send(seen(10, "A", a=1), seen(20, "B", a=1), seen(15, "C"), seen(17, "C", a=1))

    assert memory.child_line("a") == "1[10,15) 1[17,-)"
    memory.check()


def test_rows_of_a_version_that_is_split(memory: Memory) -> None:
    """The piece before is a row of its own, of the version that was split off."""
    send(memory, seen(14, "A", a=1, b=1), seen(10, "A", a=1, b=1))

    memory.send(seen(12, "B", b=1, n=1))

    assert memory.child_line("a") == "1[10,12) 1[14,-)"
    assert memory.child_line("b") == "1[10,-)"
    assert memory.child_line("n") == "1[12,14)"
    assert seen_of(memory, "a") == [10, 14]
    memory.check()


def test_a_row_from_before_a_split_keeps_its_begin(memory: Memory) -> None:
    """Its own observation is in the earlier piece; the later one is the new row."""
    send(memory, seen(5, "Z", a=1), seen(14, "A", a=1), seen(10, "A", a=1))

    memory.send(seen(12, "B"))

    assert memory.line() == "Z[5,10) A[10,12) B[12,14) A[14,-)"
    assert memory.child_line("a") == "1[5,12) 1[14,-)"
    assert seen_of(memory, "a") == [5, 14]
    memory.check()


def test_a_row_that_is_moved_and_ended_in_one_batch(memory: Memory) -> None:
    """It reaches back and ends, each by a statement of its own."""
    send(memory, seen(10, "A"), seen(20, "B", a=1))
    changes = Plan()
    batch = [record(seen(15, "B", a=1)), record(seen(30, "A"))]

    plan(batch, memory.versions.values(), memory.children.values(), changes)

    [moved], [ended] = changes.moved_children[0], changes.ended_children[0]
    assert moved.valid_from == at(15)
    assert ended.valid_to == at(30)
    assert not changes.new_children
    assert not changes.copied_children


def test_rows_of_a_moment_are_none_of_a_later_change(memory: Memory) -> None:
    """Also where its time was confirmed once, and belongs to another version now."""
    send(memory, seen(14, "A"), seen(10, "A"), seen(10, "X", a=1), seen(4, "A"), seen(6, "B"))
    assert memory.line() == "A[4,6) B[6,14) A[14,-)"

    assert memory.send(seen(10, "C", a=1)) == [Outcome.REVISED]
    assert memory.line() == "A[4,6) B[6,10) C[10,14) A[14,-)"
    assert memory.child_line("a") == "1[10,14)"
    assert memory.moment_rows() == {("a", 1, 10)}
    memory.check()


def test_rows_of_an_earlier_release_that_touch_and_are_equal(memory: Memory) -> None:
    """They stay two, and go on to meet where a version begins."""
    send(memory, seen(10, "A", a=1), seen(14, "B", a=1))
    [(key, row)] = memory.children.items()
    second_key = (*key[:2], record(seen(14, "B", a=1)).snapshot_id)
    memory.children[key] = row._replace(valid_to=at(14))
    memory.children[second_key] = row._replace(snapshot_id=second_key[2], valid_from=at(14))
    memory.values[second_key] = memory.values[key]

    memory.send(seen(12, "B", a=1))
    assert memory.child_line("a") == "1[10,12) 1[12,-)"
    memory.send(seen(11, "C"))
    assert memory.child_line("a") == "1[10,11) 1[12,-)"
    memory.check()
