"""The search for the bad records of a batch, and when to stop searching.  Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Sequence
from typing import Protocol, TypeVar

from scrapy_snapshot_pipeline.errors import Cause
from scrapy_snapshot_pipeline.records import SnapshotRecord

MAX_BAD_SHARE = 0.1
"""Above this share of bad records in a batch, halving takes more writes than single records do."""
SAME_CAUSE_LIMIT = 20
"""This many bad records in a row, all with the same cause, show that the table is at fault."""
WINDOW = 50
"""The table is also at fault if more than half of the latest WINDOW records were bad."""


class HasRecord(Protocol):
    """Anything that carries a record."""

    @property
    def record(self) -> SnapshotRecord:
        """The record."""


T = TypeVar("T", bound=HasRecord)


def halves(entries: Sequence[T]) -> list[tuple[T, ...]]:
    """Split two or more entries into two parts, to be written one after the other.

    The records of an entity stay together, unless there is only one entity, and in their order.
    """
    groups = _by_entity(entries)
    if len(groups) == 1:
        middle = len(entries) // 2
        return [tuple(entries[:middle]), tuple(entries[middle:])]
    left: list[T] = []
    while 2 * (len(left) + len(groups[0])) <= len(entries) or not left:
        left += groups.pop(0)
    return [tuple(left), tuple(entry for group in groups for entry in group)]


def singles(entries: Sequence[T]) -> list[tuple[T, ...]]:
    """Split into single entries, in their order."""
    return [(entry,) for entry in entries]


class Bisection:
    """The search in one batch."""

    def __init__(self, records: int) -> None:
        """Begin the search in a batch of this many records."""
        self._records = records
        self._bad = 0

    def found_bad(self) -> None:
        """Count a record that turned out to be bad."""
        self._bad += 1

    def split(self, entries: Sequence[T]) -> list[tuple[T, ...]]:
        """The parts in which two or more entries are to be written, one after the other."""
        return singles(entries) if self._bad > MAX_BAD_SHARE * self._records else halves(entries)


class CircuitBreaker:
    """Distinguishes a broken table from bad records, over all batches of a crawl."""

    def __init__(self) -> None:
        self._latest: deque[bool] = deque(maxlen=WINDOW)
        """Whether each of the latest records was bad."""
        self._signature: Hashable = None
        self._in_a_row = 0

    def stored(self, records: int) -> None:
        """Count good records."""
        self._in_a_row = 0
        self._latest.extend([False] * min(records, WINDOW))

    def rejected(self, kind: type[BaseException], cause: Cause) -> bool:
        """Count a bad record; True if the breaker trips because the table must be broken."""
        signature = (kind, cause)
        self._in_a_row = self._in_a_row + 1 if signature == self._signature else 1
        self._signature = signature
        self._latest.append(True)
        return self._in_a_row >= SAME_CAUSE_LIMIT or self._mostly_bad()

    def _mostly_bad(self) -> bool:
        return len(self._latest) == WINDOW and 2 * sum(self._latest) > WINDOW


def _by_entity(entries: Sequence[T]) -> list[list[T]]:
    groups: dict[tuple[str, bytes], list[T]] = {}
    for entry in entries:
        groups.setdefault((entry.record.table, entry.record.entity_id), []).append(entry)
    return list(groups.values())
