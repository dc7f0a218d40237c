"""The two ordinary cases of the law, without the working copy of a history.

In a first crawl nearly every record is the first of its entity, and what a later crawl does not
confirm is one change of what is current.  Most of what `timeline.plan` does for these is about
rows that stay as they are.  A change also needs no more of a stored child than its id and hash,
which spares reading the rest.  What they write is what `timeline.plan` would write; a property test
compares them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from scrapy_snapshot_pipeline.records import ChildRecord, Outcome, SnapshotRecord
from scrapy_snapshot_pipeline.scd2.plan import (
    ChangedVersion,
    EndedChild,
    NewChild,
    NewVersion,
    Plan,
    StoredVersion,
)

CurrentChildren: TypeAlias = Sequence[Mapping[bytes, int]]
"""The current rows of an entity, one mapping a child table: from `child_id` and `content_hash`,
16 bytes each, as one key, to `snapshot_id`."""

_ID = 16


def plan_first(record: SnapshotRecord, into: Plan) -> Outcome:
    """Plan the only record of an entity of which nothing is stored."""
    _insert(record, into)
    for table, rows in enumerate(record.children):
        _insert_children(record, table, rows, into)
    return Outcome.INSERTED


def plan_change(
    record: SnapshotRecord, current: StoredVersion, children: CurrentChildren, into: Plan
) -> Outcome:
    """Plan the only record of an entity; it differs from `current` and was observed later."""
    time = record.observed_at
    into.changed_versions.append(
        ChangedVersion(
            record.entity_id,
            current.snapshot_id,
            current.valid_from,
            current.last_confirmed_at,
            time,
        )
    )
    _insert(record, into)
    for table, stored in enumerate(children):
        left = dict(stored)
        added = [row for row in record.children[table] if left.pop(row.id_and_hash, None) is None]
        _insert_children(record, table, added, into)
        if left:
            into.ended_children.setdefault(table, []).extend(
                EndedChild(record.entity_id, key[:_ID], snapshot_id, time)
                for key, snapshot_id in left.items()
            )
    return Outcome.REVISED


def _insert(record: SnapshotRecord, into: Plan) -> None:
    into.new_versions.append(NewVersion(record, record.observed_at, record.observed_at, None))


def _insert_children(
    record: SnapshotRecord, table: int, rows: Sequence[ChildRecord], into: Plan
) -> None:
    if not rows:
        return
    entity_id, snapshot_id, time = record.entity_id, record.snapshot_id, record.observed_at
    into.new_children.setdefault(table, []).extend(
        NewChild(
            entity_id,
            snapshot_id,
            row.child_id,
            row.parent_id,
            row.content_hash,
            time,
            None,
            row.values,
        )
        for row in rows
    )
