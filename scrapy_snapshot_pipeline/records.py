"""The frozen values that pass from capture through the queue to the store, and back.

None of them changes once it is made, so the reactor thread and the writer thread may read a record
at the same time.  Nothing here knows Scrapy, Twisted or SQL.
"""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple, TypeAlias

Value: TypeAlias = (
    None
    | bool
    | int
    | float
    | str
    | bytes
    | Decimal
    | dt.datetime
    | dt.date
    | dt.time
    | dt.timedelta
    | uuid.UUID
)
"""What a column holds.  A JSON column holds its canonical JSON text, a datetime is aware UTC."""


class ChildRecord(NamedTuple):
    """One row of a nested list, with its own key inside the entity.

    It is a tuple because an item has many of them, and a frozen dataclass costs more to make.
    """

    id_and_hash: bytes
    """`child_id` and `content_hash` joined: a stored row with both is this row, unchanged."""
    parent_id: bytes | None
    """The `child_id` of the enclosing child row; None directly below the entity."""
    values: tuple[Value, ...]
    """In the order of the child table's columns."""

    @property
    def child_id(self) -> bytes:
        """16 bytes, derived from the keys of the child rows on the path down to this one."""
        return self.id_and_hash[:16]

    @property
    def content_hash(self) -> bytes:
        """16 bytes, over this row's own tracked values but not the rows nested in it."""
        return self.id_and_hash[16:]


class SnapshotRecord(NamedTuple):
    """One observation of an entity: its whole state at `observed_at`.

    It is a tuple for the same reason as `ChildRecord`.
    """

    table: str
    """The declared table name, by which the declaration is looked up."""
    entity_id: bytes
    """16 bytes, derived from the natural key."""
    snapshot_id: int
    """A signed 64-bit number that sorts by time; the function `snapshot_id` makes it."""
    content_hash: bytes
    """16 bytes, over all tracked values and all children."""
    observed_at: dt.datetime
    """Aware, in UTC, to the microsecond."""
    run_id: uuid.UUID
    """The crawl that observed it."""
    values: tuple[Value, ...]
    """In the order of the declaration's columns."""
    children: tuple[tuple[ChildRecord, ...], ...]
    """One tuple for each child table, in the order of the declaration's child tables."""
    size: int
    """Bytes of the canonical encoding, which is what SNAPSHOT_QUEUE_BYTES counts."""


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


def seconds_text(length: dt.timedelta) -> str:
    """The exact number of seconds, without zeros at its end: `5400`, `-0.5`."""
    microseconds = length // _MICROSECOND
    seconds, fraction = divmod(abs(microseconds), 1_000_000)
    text = f"{seconds}.{fraction:06}".rstrip("0") if fraction else str(seconds)
    return f"-{text}" if microseconds < 0 else text


class Outcome(enum.Enum):
    """What became of one record; the value is the name of its counter."""

    INSERTED = "inserted"
    """The entity's first version."""
    REVISED = "revised"
    """A new version of a known entity."""
    CONFIRMED = "confirmed"
    """Unchanged, so only `last_confirmed_at` moved."""
    COALESCED = "coalesced"
    """Equal to the record of the same entity just before it in the same batch."""
    DEAD_LETTERED = "dead_lettered"
    """Not stored, but written to the run's dead letters, from which it can be replayed."""
    DROPPED = "dropped"
    """Refused by the database and dropped, as SNAPSHOT_ON_REJECT asks for."""
    FAILED = "failed"
    """Not stored, and its dead letter could not be written either."""


NOT_STORED = frozenset({Outcome.DEAD_LETTERED, Outcome.DROPPED, Outcome.FAILED})
"""The outcomes of records that are, as far as anyone knows, not in the database."""

OUTCOME_COUNTERS = tuple(outcome.value for outcome in Outcome)
"""Each accepted record is counted in exactly one of these, so they add up to "accepted"."""

COUNTERS = (
    "accepted",
    *OUTCOME_COUNTERS,
    "rejected",
    "ignored",
    "late",
    "children_inserted",
    "children_ended",
)
"""The counters of a run: columns of `snapshot_runs`, in this order, and stats `snapshots/<name>`.

`crawl.stats.STATS` says what each of them counts.
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that go into one transaction, in the order in which the queue took them."""

    records: tuple[SnapshotRecord, ...]
    attempt: int = 1
    """From 1; above 1, an earlier attempt may have committed without an answer."""


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What a committed batch did."""

    outcomes: tuple[Outcome, ...]
    """One for each record, in the order of the batch."""
    children_inserted: int = 0
    """Child rows written."""
    children_ended: int = 0
    """Stored child rows that were given a `valid_to`."""
    late: int = 0
    """Records that became a version of the past, and so changed nothing that is current.

    A confirmation is not counted, even if it reaches back.
    """
    extended: int = 0
    """New versions that differ from the one before only in fields that are new to their class."""
    conflicts: Mapping[str, int] = field(default_factory=dict)
    """By table: records that differ from what their run had seen of the same entity before."""
    ahead: tuple[dt.datetime, ...] = ()
    """When the current versions were last confirmed of which the clock says that it is to come."""


class DeliveryReport(NamedTuple):
    """The final word on one record; each record that was submitted gets exactly one."""

    record: SnapshotRecord
    outcome: Outcome
    attempts: int
    """Write attempts of its batch; 0 if none was made."""
    error: BaseException | None = None
    """Why it was not stored, if the outcome is one of NOT_STORED."""
