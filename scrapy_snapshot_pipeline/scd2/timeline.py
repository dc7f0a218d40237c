"""What observations change in the history of one entity: a pure plan, slowly changing dimension 2.

The law.  A history is a row of versions whose intervals [valid_from, valid_to) never overlap; the
last one is open, valid_to None.  An observation of content C at time t

1. falls into a version of content C: that version is confirmed, its last_confirmed_at is at
   least t;
2. falls before, between or after all versions: C is a version of its own from t to the next one;
3. falls into a version of other content, after the last confirmation of that version: the version
   ends at t, and C is valid from t to where it ended.  Where that version was the current one,
   this is the ordinary change; where not, C came late, and what is current stays as it was;
4. falls into a version of other content at or before its last confirmation: a later look has
   already been merged over t.  C is kept as a closed version of no length, [t, t).

So the state at the time of every observation is that observation, except in case 4; and of two
observations of one instant the one that was committed first stays.

Children follow their version: a row ends where the entity is seen without it or with another
content of it, and starts where it is seen.  A row that goes on behind a late version of which it
is no part is cut in two, and the second piece belongs to the version it starts with.  The state
of an entity at t is the version and the child rows valid at t; the children of a version of no
length are the rows that it introduced.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from scrapy_snapshot_pipeline.records import ChildRecord, Outcome, SnapshotRecord, Value


class StoredVersion(NamedTuple):
    """A version as the database has it."""

    snapshot_id: int
    content_hash: bytes
    valid_from: dt.datetime
    last_confirmed_at: dt.datetime
    valid_to: dt.datetime | None


class StoredChild(NamedTuple):
    """A child row as the database has it."""

    table: int
    """Index in the declaration's child tables."""
    child_id: bytes
    snapshot_id: int
    content_hash: bytes
    valid_from: dt.datetime
    valid_to: dt.datetime | None


class NewVersion(NamedTuple):
    """A version to insert."""

    record: SnapshotRecord
    valid_from: dt.datetime
    last_confirmed_at: dt.datetime
    valid_to: dt.datetime | None


class ChangedVersion(NamedTuple):
    """New times of a stored version."""

    entity_id: bytes
    snapshot_id: int
    last_confirmed_at: dt.datetime
    valid_to: dt.datetime | None


class NewChild(NamedTuple):
    """A child row to insert."""

    entity_id: bytes
    snapshot_id: int
    child_id: bytes
    parent_id: bytes | None
    content_hash: bytes
    valid_from: dt.datetime
    valid_to: dt.datetime | None
    values: tuple[Value, ...]


class ResumedChild(NamedTuple):
    """The second piece of a stored child row that was cut in two; its values are copied there."""

    entity_id: bytes
    child_id: bytes
    source_id: int
    """`snapshot_id` of the stored row."""
    snapshot_id: int
    """Of the version that the second piece starts with."""
    valid_from: dt.datetime
    valid_to: dt.datetime | None


class EndedChild(NamedTuple):
    """The end of a stored child row."""

    entity_id: bytes
    child_id: bytes
    snapshot_id: int
    valid_to: dt.datetime


@dataclass(slots=True)
class Plan:
    """What to write for the records of one table, closings before insertions."""

    new_versions: list[NewVersion] = field(default_factory=list)
    changed_versions: list[ChangedVersion] = field(default_factory=list)
    new_children: dict[int, list[NewChild]] = field(default_factory=dict)
    """By the index of the child table."""
    ended_children: dict[int, list[EndedChild]] = field(default_factory=dict)
    resumed_children: dict[int, list[ResumedChild]] = field(default_factory=dict)
    late: int = 0


class Reading(enum.Enum):
    """What must be known of an entity's stored history before its records can be planned."""

    NOTHING = "nothing"
    CURRENT_CHILDREN = "current children"
    HISTORY = "history"
    """The versions and child rows that are valid at or after the earliest record."""


def reading(current: StoredVersion | None, records: Sequence[SnapshotRecord]) -> Reading:
    """What to read for `records`, all of one entity, in order of arrival, beside `current`."""
    if current is None:
        return Reading.NOTHING
    latest = current.last_confirmed_at
    changed = False
    for record in records:
        same = not changed and record.content_hash == current.content_hash
        if record.observed_at < (current.valid_from if same else latest):
            return Reading.HISTORY
        if not same and record.observed_at == latest:
            return Reading.HISTORY
        changed = changed or not same
        latest = max(latest, record.observed_at)
    return Reading.CURRENT_CHILDREN if changed else Reading.NOTHING


def plan(
    records: Sequence[SnapshotRecord],
    versions: Iterable[StoredVersion],
    children: Iterable[StoredChild],
    into: Plan,
    *,
    retried: bool = False,
) -> list[Outcome]:
    """Add to `into` what `records` of one entity change, and return their outcomes.

    `versions` and `children` are what `reading` asked for, the current version always included.
    With `retried` a stored version with a record's own id counts as written by that record: an
    earlier attempt committed, and its answer was lost.
    """
    history = _History(records[0].entity_id, versions, children, retried=retried)
    outcomes = [history.observe(record) for record in records]
    history.changes(into)
    return outcomes


class _Version:
    """A version being worked on; `record` is set on one that is not stored yet."""

    __slots__ = (
        "changed",
        "content_hash",
        "last_confirmed_at",
        "record",
        "snapshot_id",
        "valid_from",
        "valid_to",
    )

    def __init__(self, stored: StoredVersion, record: SnapshotRecord | None = None) -> None:
        (
            self.snapshot_id,
            self.content_hash,
            self.valid_from,
            self.last_confirmed_at,
            self.valid_to,
        ) = stored
        self.record = record
        self.changed = False

    def contains(self, time: dt.datetime) -> bool:
        return self.valid_from <= time and (self.valid_to is None or time < self.valid_to)


class _Child:
    """A child row being worked on.

    `record` is set on one that is not stored yet, `source_id` on the second piece of a stored one.
    """

    __slots__ = (
        "child_id",
        "content_hash",
        "ended",
        "record",
        "snapshot_id",
        "source_id",
        "table",
        "valid_from",
        "valid_to",
    )

    def __init__(self, row: StoredChild, record: ChildRecord | None = None) -> None:
        (
            self.table,
            self.child_id,
            self.snapshot_id,
            self.content_hash,
            self.valid_from,
            self.valid_to,
        ) = row
        self.record = record
        self.source_id: int | None = None
        self.ended = False

    def contains(self, time: dt.datetime) -> bool:
        return self.valid_from <= time and (self.valid_to is None or time < self.valid_to)

    def end(self, time: dt.datetime) -> None:
        self.valid_to = time
        self.ended = True

    def resumed(self, version: _Version) -> _Child:
        """The piece of this row that starts with `version`."""
        piece = _Child(
            StoredChild(
                self.table,
                self.child_id,
                version.snapshot_id,
                self.content_hash,
                version.valid_from,
                self.valid_to,
            ),
            self.record,
        )
        if self.record is None:
            piece.source_id = self.snapshot_id if self.source_id is None else self.source_id
        return piece


class _History:
    """One entity's versions and child rows, as far as they matter here."""

    def __init__(
        self,
        entity_id: bytes,
        versions: Iterable[StoredVersion],
        children: Iterable[StoredChild],
        *,
        retried: bool,
    ) -> None:
        self._entity_id = entity_id
        self._versions = sorted((_Version(v) for v in versions), key=lambda v: v.valid_from)
        self._children = [_Child(row) for row in children]
        self._retried = retried
        self._previous_hash: bytes | None = None
        self._late = 0

    def observe(self, record: SnapshotRecord) -> Outcome:
        repeats = record.content_hash == self._previous_hash
        self._previous_hash = record.content_hash
        version = self._at(record.observed_at)
        if version is None:
            return self._insert(record, self._next(record.observed_at))
        if version.content_hash == record.content_hash:
            outcome = self._confirm(version, record)
            return Outcome.COALESCED if repeats else outcome
        if any(v.snapshot_id == record.snapshot_id for v in self._versions):
            return Outcome.REVISED if self._retried else Outcome.CONFIRMED
        if record.observed_at > version.last_confirmed_at:
            return self._revise(version, record)
        return self._keep_beside(record)

    def changes(self, into: Plan) -> None:
        into.late += self._late
        for version in self._versions:
            self._version_change(version, into)
        for child in self._children:
            self._child_change(child, into)

    def _at(self, time: dt.datetime) -> _Version | None:
        return next((v for v in reversed(self._versions) if v.contains(time)), None)

    def _next(self, time: dt.datetime) -> _Version | None:
        later = (v for v in self._versions if v.valid_from > time and v.valid_to != v.valid_from)
        return next(later, None)

    def _confirm(self, version: _Version, record: SnapshotRecord) -> Outcome:
        if record.observed_at > version.last_confirmed_at:
            version.last_confirmed_at = record.observed_at
            version.changed = True
        mine = version.record is None and version.snapshot_id == record.snapshot_id
        if not (mine and self._retried):
            return Outcome.CONFIRMED
        first = not any(v.valid_from < version.valid_from for v in self._versions)
        return Outcome.INSERTED if first else Outcome.REVISED

    def _insert(self, record: SnapshotRecord, following: _Version | None) -> Outcome:
        outcome = Outcome.REVISED if self._versions else Outcome.INSERTED
        if following is not None:
            self._late += 1
        end = following.valid_from if following is not None else None
        self._add(record, end)
        self._start_children(record, record.children, end)
        return outcome

    def _revise(self, version: _Version, record: SnapshotRecord) -> Outcome:
        end = version.valid_to
        following = self._next(version.valid_from) if end is not None else None
        if end is not None:
            self._late += 1
        version.valid_to = record.observed_at
        version.changed = True
        self._add(record, end)
        self._replace_children(record, end, following)
        return Outcome.REVISED

    def _keep_beside(self, record: SnapshotRecord) -> Outcome:
        self._late += 1
        self._add(record, record.observed_at)
        self._start_children(record, record.children, record.observed_at)
        return Outcome.REVISED

    def _add(self, record: SnapshotRecord, end: dt.datetime | None) -> None:
        time = record.observed_at
        stored = StoredVersion(record.snapshot_id, record.content_hash, time, time, end)
        self._versions.append(_Version(stored, record))
        self._versions.sort(key=lambda v: v.valid_from)

    def _replace_children(
        self, record: SnapshotRecord, end: dt.datetime | None, following: _Version | None
    ) -> None:
        time = record.observed_at
        seen = {
            (table, child.child_id): child.content_hash
            for table, rows in enumerate(record.children)
            for child in rows
        }
        kept = set()
        for child in [c for c in self._children if c.contains(time)]:
            key = (child.table, child.child_id)
            if seen.get(key) == child.content_hash:
                kept.add(key)
                continue
            if following is not None and child.valid_to != end:
                self._children.append(child.resumed(following))
            child.end(time)
        added = [
            [child for child in rows if (table, child.child_id) not in kept]
            for table, rows in enumerate(record.children)
        ]
        self._start_children(record, added, end)

    def _start_children(
        self,
        record: SnapshotRecord,
        tables: Sequence[Sequence[ChildRecord]],
        end: dt.datetime | None,
    ) -> None:
        for table, rows in enumerate(tables):
            self._children.extend(
                _Child(_started(table, child, record, end), child) for child in rows
            )

    def _version_change(self, version: _Version, into: Plan) -> None:
        times = (version.last_confirmed_at, version.valid_to)
        if version.record is not None:
            into.new_versions.append(NewVersion(version.record, version.valid_from, *times))
        elif version.changed:
            changed = ChangedVersion(self._entity_id, version.snapshot_id, *times)
            into.changed_versions.append(changed)

    def _child_change(self, child: _Child, into: Plan) -> None:
        if child.record is not None:
            new = _new_child(self._entity_id, child, child.record)
            into.new_children.setdefault(child.table, []).append(new)
        elif child.source_id is not None:
            resumed = _resumed_child(self._entity_id, child, child.source_id)
            into.resumed_children.setdefault(child.table, []).append(resumed)
        elif child.ended and child.valid_to is not None:
            ended = EndedChild(self._entity_id, child.child_id, child.snapshot_id, child.valid_to)
            into.ended_children.setdefault(child.table, []).append(ended)


def _started(
    table: int, child: ChildRecord, record: SnapshotRecord, end: dt.datetime | None
) -> StoredChild:
    return StoredChild(
        table, child.child_id, record.snapshot_id, child.content_hash, record.observed_at, end
    )


def _new_child(entity_id: bytes, child: _Child, record: ChildRecord) -> NewChild:
    return NewChild(
        entity_id,
        child.snapshot_id,
        child.child_id,
        record.parent_id,
        child.content_hash,
        child.valid_from,
        child.valid_to,
        record.values,
    )


def _resumed_child(entity_id: bytes, child: _Child, source_id: int) -> ResumedChild:
    return ResumedChild(
        entity_id, child.child_id, source_id, child.snapshot_id, child.valid_from, child.valid_to
    )
