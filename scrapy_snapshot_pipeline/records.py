"""The frozen values that cross every border: from capture through the queue to the store and back.

Nothing here can change after it was made, so a record may be read by the reactor thread and by
the writer thread at once.  Nothing here knows Scrapy, Twisted or SQL.
"""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, TypeAlias

Value: TypeAlias = (
    None | bool | int | float | str | bytes | Decimal | dt.datetime | dt.date | dt.time | uuid.UUID
)
"""What a column holds.  A JSON column holds its canonical JSON text, a datetime is aware UTC."""


class ChildRecord(NamedTuple):
    """One row of a nested list, with its own key inside the entity.

    A tuple, since there are many: made in 0.3 microseconds, a frozen dataclass in 0.9.
    """

    id_and_hash: bytes
    """`child_id` and `content_hash` as one: it says whether the row is stored as it is."""
    parent_id: bytes | None
    """`child_id` of the enclosing child row; None directly below the entity."""
    values: tuple[Value, ...]
    """In the order of the child table's columns."""

    @property
    def child_id(self) -> bytes:
        """16 bytes, derived from the keys on the path from the entity down to this row."""
        return self.id_and_hash[:16]

    @property
    def content_hash(self) -> bytes:
        """16 bytes over this row's own tracked values, without the rows nested in it."""
        return self.id_and_hash[16:]


class SnapshotRecord(NamedTuple):
    """One observation: an entity's whole state at `observed_at`.

    A tuple as well: every item makes one, in 0.4 microseconds instead of 1.6.
    """

    table: str
    """The declared table name; it finds the declaration again."""
    entity_id: bytes
    """16 bytes, derived from the natural key."""
    snapshot_id: int
    """Signed 64 bit; sorts by time; the function `snapshot_id` makes it."""
    content_hash: bytes
    """16 bytes over all tracked values and all children."""
    observed_at: dt.datetime
    """Aware, UTC, microseconds."""
    run_id: uuid.UUID
    """The crawl that observed it."""
    values: tuple[Value, ...]
    """In the order of the declaration's columns."""
    children: tuple[tuple[ChildRecord, ...], ...]
    """One tuple a child table, in the order of the declaration's child tables."""
    size: int
    """Bytes of the canonical encoding; what the queue's byte bound counts."""


_EPOCH = dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)
_MICROSECOND = dt.timedelta(microseconds=1)
_HASH_BITS = 12
_TIME_LIMIT = 1 << (63 - _HASH_BITS)


def snapshot_id(observed_at: dt.datetime, content_hash: bytes) -> int:
    """The id of an observation, from its aware time and its content.

    The microseconds since 2020-01-01 UTC, shifted left by 12, and the first 12 bits of the hash:
    64 bits with the sign.  It is the same on every machine and in every attempt, and never changes
    its rules, like the hashes of `capture.canonical`.

    Raises `OverflowError` before 1948 and after 2091.
    """
    microseconds = (observed_at - _EPOCH) // _MICROSECOND
    if not -_TIME_LIMIT <= microseconds < _TIME_LIMIT:
        raise OverflowError("the time does not fit into 64 bits")
    return microseconds << _HASH_BITS | int.from_bytes(content_hash[:2], "big") >> 4


def seen_at(snapshot_id: int) -> dt.datetime:
    """The time of the observation that has this id, to the microsecond."""
    return _EPOCH + (snapshot_id >> _HASH_BITS) * _MICROSECOND


class Outcome(enum.Enum):
    """What became of one record; its value is the name of the counter."""

    INSERTED = "inserted"
    """The entity's first version."""
    REVISED = "revised"
    """A new version of a known entity."""
    CONFIRMED = "confirmed"
    """Unchanged; `last_confirmed_at` moved."""
    COALESCED = "coalesced"
    """Equal to the record of the same entity just before it in the same batch."""
    DEAD_LETTERED = "dead_lettered"
    """Not stored, but kept in the run's file of dead letters, from which it can be replayed."""
    DROPPED = "dropped"
    """Refused by the database and not kept, as SNAPSHOT_ON_REJECT says."""
    FAILED = "failed"
    """Neither stored nor kept: its dead letter could not be written either."""


NOT_STORED = frozenset({Outcome.DEAD_LETTERED, Outcome.DROPPED, Outcome.FAILED})
"""Outcomes of records that are not in the database, as far as anyone knows."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that go into one transaction, in the order of their admission."""

    records: tuple[SnapshotRecord, ...]
    attempt: int = 1
    """Starts at 1; above 1 an earlier attempt may have committed without an answer."""


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What a committed batch did."""

    outcomes: tuple[Outcome, ...]
    """One a record, in the order of the batch."""
    children_inserted: int = 0
    """Child rows written."""
    children_ended: int = 0
    """Stored child rows that got a `valid_to`."""
    late: int = 0
    """Records that became a version of the past, and so changed nothing that is current.  A
    confirmation is not counted, even if it reaches back."""


class DeliveryReport(NamedTuple):
    """The last word on one record; exactly one comes for each that was submitted."""

    record: SnapshotRecord
    outcome: Outcome
    attempts: int
    """Write attempts of its batch, 0 when none was made."""
    error: BaseException | None = None
    """Why, when the outcome is one of NOT_STORED."""
