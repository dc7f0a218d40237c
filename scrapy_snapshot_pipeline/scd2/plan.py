"""What the law of history is told about one entity, and what it answers: values only.

The law itself stands in `timeline`; its two ordinary cases, made quick, in `fast_path`.
"""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from scrapy_snapshot_pipeline.records import SnapshotRecord, Value


class StoredVersion(NamedTuple):
    """A version as the database has it."""

    snapshot_id: int
    content_hash: bytes
    valid_from: dt.datetime
    last_confirmed_at: dt.datetime
    valid_to: dt.datetime | None
    run_id: uuid.UUID | None = None
    """The run that first stored it; None where it is not stored yet."""
    shape: int = 1
    """The shape of the class under which the hash was made."""


class StoredChild(NamedTuple):
    """A child row as the database has it."""

    table: int
    """Index in the declaration's child tables."""
    child_id: bytes
    snapshot_id: int
    content_hash: bytes
    valid_from: dt.datetime
    valid_to: dt.datetime | None
    shape: int = 1
    """The shape of the class under which the hash was made."""


class NewVersion(NamedTuple):
    """A version to insert."""

    record: SnapshotRecord
    valid_from: dt.datetime
    last_confirmed_at: dt.datetime
    valid_to: dt.datetime | None
    extended: bool = False
    """It differs from the version before it in nothing but fields that are new to the class."""


class ChangedVersion(NamedTuple):
    """New times of a stored version."""

    entity_id: bytes
    snapshot_id: int
    valid_from: dt.datetime
    last_confirmed_at: dt.datetime
    valid_to: dt.datetime | None


class CopiedVersion(NamedTuple):
    """A piece that was split off a stored version; its values and run are copied there."""

    entity_id: bytes
    source_id: int
    """`snapshot_id` of the stored version."""
    snapshot_id: int
    """Of the piece."""
    valid_from: dt.datetime
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


class CopiedChild(NamedTuple):
    """The other piece of a stored child row that was cut in two; its values are copied there."""

    entity_id: bytes
    child_id: bytes
    source_id: int
    """`snapshot_id` of the stored row."""
    snapshot_id: int
    """Of a version within the piece."""
    valid_from: dt.datetime
    valid_to: dt.datetime | None


class MovedChild(NamedTuple):
    """Another begin of a stored child row."""

    entity_id: bytes
    child_id: bytes
    snapshot_id: int
    valid_from: dt.datetime


class EndedChild(NamedTuple):
    """The end of a stored child row."""

    entity_id: bytes
    child_id: bytes
    snapshot_id: int
    valid_to: dt.datetime


class RenewedVersion(NamedTuple):
    """The hash of a stored version under a newer shape of the class, which has confirmed it."""

    entity_id: bytes
    snapshot_id: int
    content_hash: bytes
    last_confirmed_at: dt.datetime
    shape: int


class ExtendedVersion(NamedTuple):
    """A stored version that is no change any more, since one of an older class came before it."""

    entity_id: bytes
    snapshot_id: int


class RenewedChild(NamedTuple):
    """The hash of a stored child row under a newer shape of the class."""

    entity_id: bytes
    child_id: bytes
    snapshot_id: int
    content_hash: bytes
    shape: int


@dataclass(slots=True)
class Plan:
    """What to write for the records of one table: changes of stored rows before insertions.

    Child rows are listed by the index of their table.
    """

    changed_versions: list[ChangedVersion] = field(default_factory=list)
    new_versions: list[NewVersion] = field(default_factory=list)
    copied_versions: list[CopiedVersion] = field(default_factory=list)
    moved_children: dict[int, list[MovedChild]] = field(default_factory=dict)
    ended_children: dict[int, list[EndedChild]] = field(default_factory=dict)
    new_children: dict[int, list[NewChild]] = field(default_factory=dict)
    copied_children: dict[int, list[CopiedChild]] = field(default_factory=dict)
    renewed_versions: list[RenewedVersion] = field(default_factory=list)
    extended_versions: list[ExtendedVersion] = field(default_factory=list)
    renewed_children: dict[int, list[RenewedChild]] = field(default_factory=dict)
    late: int = 0
    """Records that became a version of the past; what is current stayed as it was."""


class Reading(enum.Enum):
    """What must be known of an entity's stored history before its records can be planned."""

    NOTHING = "nothing"
    CURRENT_CHILDREN = "current children"
    HISTORY = "history"
    """The versions and child rows that are valid at or after the earliest record, or end there."""


def reading(current: StoredVersion | None, records: Sequence[SnapshotRecord]) -> Reading:
    """What to read for `records`, all of one entity, in order of arrival, beside `current`.

    Nothing for what only confirms the current version, and no history for what changes it later
    than all that is known of it.
    """
    if current is None:
        return Reading.NOTHING
    latest = current.last_confirmed_at
    changed = False
    for record in records:
        same = not changed and record.content_hash == current.content_hash
        if record.observed_at < current.valid_from if same else record.observed_at <= latest:
            return Reading.HISTORY
        changed = not same
        latest = max(latest, record.observed_at)
    return Reading.CURRENT_CHILDREN if changed else Reading.NOTHING
