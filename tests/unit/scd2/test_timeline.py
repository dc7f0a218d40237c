"""The law of `scd2`, on a history that is kept in memory by nothing but its plans."""

from __future__ import annotations

import datetime as dt
import itertools
import random
import uuid
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.records import ChildRecord, Outcome, SnapshotRecord
from scrapy_snapshot_pipeline.scd2.timeline import (
    Plan,
    Reading,
    StoredChild,
    StoredVersion,
    plan,
    reading,
)

ENTITY = b"e" * 16
START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)


def at(second: int) -> dt.datetime:
    """Give the time of a second."""
    return START + dt.timedelta(seconds=second)


def observed(second: int, **children: int) -> SnapshotRecord:
    """Make the record of an entity whose content is its children."""
    rows = tuple(
        ChildRecord(name.encode().ljust(16) + bytes([content]) * 16, None, (name, content))
        for name, content in sorted(children.items())
    )
    content_hash = repr(sorted(children.items())).encode()
    return SnapshotRecord(
        table="t",
        entity_id=ENTITY,
        snapshot_id=second * 1000 + sum(content_hash) % 1000,
        content_hash=content_hash,
        observed_at=at(second),
        run_id=uuid.UUID(int=1),
        values=(),
        children=(rows,),
        size=1,
    )


class Memory:
    """Stored rows, changed by plans as the database would be, with its constraints."""

    def __init__(self) -> None:
        self.versions: dict[int, StoredVersion] = {}
        self.children: dict[tuple[bytes, int], StoredChild] = {}

    def write(self, *records: SnapshotRecord, retried: bool = False) -> list[Outcome]:
        """Plan on all that is stored, and apply."""
        changes = Plan()
        versions, children = self.versions.values(), self.children.values()
        outcomes = plan(records, versions, children, changes, retried=retried)
        self._apply(changes)
        return outcomes

    def state(self, second: int) -> dict[bytes, bytes] | None:
        """Child contents at an instant; None where no version is valid."""
        if not any(_valid(v.valid_from, v.valid_to, second) for v in self.versions.values()):
            return None
        rows = [c for c in self.children.values() if _valid(c.valid_from, c.valid_to, second)]
        assert len({c.child_id for c in rows}) == len(rows)
        return {c.child_id: c.content_hash for c in rows}

    def _apply(self, changes: Plan) -> None:
        for changed in changes.changed_versions:
            old = self.versions[changed.snapshot_id]
            new = old._replace(
                last_confirmed_at=changed.last_confirmed_at, valid_to=changed.valid_to
            )
            self.versions[changed.snapshot_id] = new
        for version in changes.new_versions:
            record = version.record
            assert record.snapshot_id not in self.versions
            self.versions[record.snapshot_id] = StoredVersion(
                record.snapshot_id, record.content_hash, *version[1:]
            )
        for ended in itertools.chain(*changes.ended_children.values()):
            key = (ended.child_id, ended.snapshot_id)
            self.children[key] = self.children[key]._replace(valid_to=ended.valid_to)
        for child in itertools.chain(*changes.new_children.values()):
            self._add(
                StoredChild(
                    0,
                    child.child_id,
                    child.snapshot_id,
                    child.content_hash,
                    child.valid_from,
                    child.valid_to,
                )
            )
        for resumed in itertools.chain(*changes.resumed_children.values()):
            source = self.children[(resumed.child_id, resumed.source_id)]
            self._add(
                source._replace(
                    snapshot_id=resumed.snapshot_id,
                    valid_from=resumed.valid_from,
                    valid_to=resumed.valid_to,
                )
            )
        open_rows = [c.child_id for c in self.children.values() if c.valid_to is None]
        assert len(set(open_rows)) == len(open_rows)

    def _add(self, row: StoredChild) -> None:
        assert row.snapshot_id in self.versions
        assert (row.child_id, row.snapshot_id) not in self.children
        self.children[(row.child_id, row.snapshot_id)] = row


def _valid(start: dt.datetime, end: dt.datetime | None, second: int) -> bool:
    return start <= at(second) and (end is None or at(second) < end)


def content(record: SnapshotRecord) -> dict[bytes, bytes]:
    """Give what `Memory.state` must say of a record."""
    return {child.child_id: child.content_hash for child in record.children[0]}


_children = st.dictionaries(st.sampled_from("abc"), st.integers(0, 2), max_size=3)


@given(
    contents=st.lists(_children, min_size=1, max_size=8),
    shuffled=st.randoms(use_true_random=False),
    cuts=st.lists(st.booleans(), min_size=8, max_size=8),
)
def test_every_order_of_arrival_keeps_the_law(
    contents: Sequence[Mapping[str, int]], shuffled: random.Random, cuts: Sequence[bool]
) -> None:
    """Intervals tile, one is open, and each observation is the state at its own time.

    The exception is case 4: the version of no length of an observation that was merged over.
    """
    records = [observed(second, **children) for second, children in enumerate(contents)]
    arrivals = records[:]
    shuffled.shuffle(arrivals)
    memory = Memory()

    batch: list[SnapshotRecord] = []
    for record, cut in zip(arrivals, cuts, strict=False):
        batch.append(record)
        if cut:
            memory.write(*batch)
            batch = []
    if batch:
        memory.write(*batch)

    versions = sorted(memory.versions.values(), key=lambda v: v.valid_from)
    lasting = [v for v in versions if v.valid_to != v.valid_from]
    assert all(one.valid_to == two.valid_from for one, two in itertools.pairwise(lasting))
    assert [v.valid_to for v in lasting if v.valid_to is None] == [None]
    merged_over = {v.snapshot_id for v in versions if v.valid_to == v.valid_from}
    for second, record in enumerate(records):
        if record.snapshot_id not in merged_over:
            assert memory.state(second) == content(record)


@given(contents=st.lists(_children, min_size=1, max_size=6), again=st.data())
def test_any_batch_sent_again_changes_nothing(
    contents: Sequence[Mapping[str, int]], again: st.DataObject
) -> None:
    """A retry, and a replay at any later time, find what they would write."""
    records = [observed(second, **children) for second, children in enumerate(contents)]
    memory = Memory()
    first = memory.write(*records)
    before = (dict(memory.versions), dict(memory.children))
    start = again.draw(st.integers(0, len(records) - 1))

    outcomes = memory.write(*records[start:], retried=True)

    assert (memory.versions, memory.children) == before
    if start == 0:
        assert outcomes == first


def test_unchanged_children_are_not_written_again() -> None:
    """A revision writes the child that changed, and no other."""
    memory = Memory()
    memory.write(observed(1, a=1, b=1, c=1))
    changes = Plan()

    plan([observed(2, a=1, b=2, c=1)], memory.versions.values(), memory.children.values(), changes)

    assert [child.values for child in changes.new_children[0]] == [("b", 2)]
    assert [ended.child_id.strip() for ended in changes.ended_children[0]] == [b"b"]


def test_row_that_goes_on_behind_a_late_version_is_cut_in_two() -> None:
    """Its second piece belongs to the version that it starts with."""
    memory = Memory()
    memory.write(observed(1, a=1, b=1))
    memory.write(observed(9, a=1, b=2))

    assert memory.write(observed(5, b=1)) == [Outcome.REVISED]

    rows = {
        (row.valid_from, row.valid_to)
        for row in memory.children.values()
        if row.child_id.strip() == b"a"
    }
    assert rows == {(at(1), at(5)), (at(9), None)}


def test_of_two_observations_of_one_instant_the_first_stays() -> None:
    """The second is kept without length, and what is current does not change."""
    memory = Memory()
    memory.write(observed(1, a=1))

    memory.write(observed(1, a=2))

    assert memory.state(1) == content(observed(1, a=1))
    assert len(memory.versions) == 2


STORED = StoredVersion(1, observed(1, a=1).content_hash, at(1), at(5), None)


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([observed(6, a=1)], Reading.NOTHING),
        ([observed(3, a=1)], Reading.NOTHING),
        ([observed(6, a=2)], Reading.CURRENT_CHILDREN),
        ([observed(6, a=2), observed(7, a=1)], Reading.CURRENT_CHILDREN),
        ([observed(5, a=2)], Reading.HISTORY),
        ([observed(0, a=1)], Reading.HISTORY),
        ([observed(7, a=2), observed(6, a=3)], Reading.HISTORY),
    ],
    ids=["same", "same, late", "changed", "and back", "tie", "before", "out of order"],
)
def test_no_more_is_read_than_the_plan_needs(
    records: Sequence[SnapshotRecord], expected: Reading
) -> None:
    """Beside the current version: nothing, its children, or what was valid since."""
    assert reading(STORED, records) == expected


def test_new_entity_needs_no_reading() -> None:
    """Where nothing is stored, nothing can be read."""
    assert reading(None, [observed(1)]) == Reading.NOTHING
