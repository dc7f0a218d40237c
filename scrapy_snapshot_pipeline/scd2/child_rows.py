"""The child rows of one entity: how they follow its versions.

A row lasts as long as the entity is seen with it, over as many versions as that takes.  It carries
the id of one version within its time, as a rule of the one that brought it, and so its
`snapshot_id` holds a time at which it is valid.  Rows of one child do not overlap; hence no two of
them ever carry the same id, however often a row is cut.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import TypeAlias

from scrapy_snapshot_pipeline.records import ChildRecord, SnapshotRecord, seen_at
from scrapy_snapshot_pipeline.scd2.plan import (
    CopiedChild,
    EndedChild,
    MovedChild,
    NewChild,
    Plan,
    StoredChild,
)

Time: TypeAlias = "dt.datetime"
FirstSeenFrom: TypeAlias = "Callable[[Time], int]"
"""The id of the first version whose own observation is at that time or later."""
_Content: TypeAlias = "tuple[int, bytes, bytes]"
"""Table, `child_id` and content hash."""


class _Row:
    """A row being worked on; it has one of three origins."""

    __slots__ = (
        "child_id",
        "content_hash",
        "record",
        "snapshot_id",
        "source_id",
        "stored",
        "table",
        "valid_from",
        "valid_to",
    )

    def __init__(
        self,
        row: StoredChild,
        *,
        stored: StoredChild | None = None,
        record: ChildRecord | None = None,
        source_id: int | None = None,
    ) -> None:
        """Take the times and ids of `row`, and one of the others.

        `stored`: the row as it is stored; `record`: what a new row is made of; `source_id`: the
        stored row that a piece is copied from.
        """
        (
            self.table,
            self.child_id,
            self.snapshot_id,
            self.content_hash,
            self.valid_from,
            self.valid_to,
            _,
        ) = row
        self.stored = stored
        self.record = record
        self.source_id = source_id

    @property
    def content(self) -> _Content:
        return self.table, self.child_id, self.content_hash

    def contains(self, time: Time) -> bool:
        return self.valid_from <= time and (self.valid_to is None or time < self.valid_to)

    def piece(self, snapshot_id: int, valid_from: Time, valid_to: Time | None) -> _Row:
        """A part of this row as a row of its own."""
        row = StoredChild(
            self.table, self.child_id, snapshot_id, self.content_hash, valid_from, valid_to
        )
        source_id = self.snapshot_id if self.stored is not None else self.source_id
        return _Row(row, record=self.record, source_id=source_id)


class ChildRows:
    """The rows of all child tables of one entity, as far as they matter here."""

    def __init__(self, rows: Iterable[StoredChild]) -> None:
        self._rows = [_Row(row, stored=row) for row in rows]

    def replace(
        self, record: SnapshotRecord, end: Time | None, first_seen_from: FirstSeenFrom
    ) -> None:
        """From the time of `record` to `end`, have its rows and no others."""
        start = record.observed_at
        missing = _rows_of(record)
        following = self._beginning_at(end)
        for row in [row for row in self._rows if row.contains(start)]:
            # Databases from before the normal form have rows of equal content that touch.  They
            # must go on to touch where a version begins: the second then begins earlier.
            if row.content in missing and row.content not in following:
                del missing[row.content]
            else:
                self._cut(row, start, end, first_seen_from)
        for content, child in missing.items():
            if content in following:
                following[content].valid_from = start
            else:
                self._add(record, content, child, end)

    def add_moment(self, record: SnapshotRecord) -> None:
        """Keep the rows of `record` without length, beside those that are valid at its time."""
        for content, child in _rows_of(record).items():
            self._add(record, content, child, record.observed_at)

    def changes(self, entity_id: bytes, into: Plan) -> None:
        """Add to `into` what differs from the stored rows."""
        for row in self._rows:
            if row.stored is not None:
                _stored_change(entity_id, row, row.stored, into)
            elif row.record is not None:
                new = _new_child(entity_id, row, row.record)
                into.new_children.setdefault(row.table, []).append(new)
            elif row.source_id is not None:
                copied = _copied_child(entity_id, row, row.source_id)
                into.copied_children.setdefault(row.table, []).append(copied)

    def _cut(
        self, row: _Row, start: Time, end: Time | None, first_seen_from: FirstSeenFrom
    ) -> None:
        """Take the time from `start` to `end` out of a row.

        Where it goes on behind, the row itself keeps the piece with the observation of its id.
        """
        if end is None or row.valid_to == end:
            row.valid_to = start
        elif seen_at(row.snapshot_id) < start:
            behind = row.piece(first_seen_from(end), end, row.valid_to)
            row.valid_to = start
            self._rows.append(behind)
        else:
            before = row.piece(first_seen_from(row.valid_from), row.valid_from, start)
            row.valid_from = end
            self._rows.append(before)

    def _beginning_at(self, time: Time | None) -> dict[_Content, _Row]:
        """The rows that begin at a time, without those of a moment."""
        if time is None:
            return {}
        return {
            row.content: row
            for row in self._rows
            if row.valid_from == time and row.valid_to != time
        }

    def _add(
        self, record: SnapshotRecord, content: _Content, child: ChildRecord, end: Time | None
    ) -> None:
        table, child_id, content_hash = content
        row = StoredChild(
            table, child_id, record.snapshot_id, content_hash, record.observed_at, end
        )
        self._rows.append(_Row(row, record=child))


def _rows_of(record: SnapshotRecord) -> dict[_Content, ChildRecord]:
    return {
        (table, child.child_id, child.content_hash): child
        for table, rows in enumerate(record.children)
        for child in rows
    }


def _stored_change(entity_id: bytes, row: _Row, stored: StoredChild, into: Plan) -> None:
    if row.valid_from != stored.valid_from:
        moved = MovedChild(entity_id, row.child_id, row.snapshot_id, row.valid_from)
        into.moved_children.setdefault(row.table, []).append(moved)
    if row.valid_to is not None and row.valid_to != stored.valid_to:
        ended = EndedChild(entity_id, row.child_id, row.snapshot_id, row.valid_to)
        into.ended_children.setdefault(row.table, []).append(ended)


def _new_child(entity_id: bytes, row: _Row, record: ChildRecord) -> NewChild:
    return NewChild(
        entity_id,
        row.snapshot_id,
        row.child_id,
        record.parent_id,
        row.content_hash,
        row.valid_from,
        row.valid_to,
        record.values,
    )


def _copied_child(entity_id: bytes, row: _Row, source_id: int) -> CopiedChild:
    return CopiedChild(
        entity_id, row.child_id, source_id, row.snapshot_id, row.valid_from, row.valid_to
    )
