"""Finding the bad records of a batch: how it is split, and when that is no use.  Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Sequence
from typing import Protocol, TypeVar

from scrapy_snapshot_pipeline.errors import Cause
from scrapy_snapshot_pipeline.records import SnapshotRecord

MANY_BAD = 0.1
"""Share of a batch's records above which halving costs more than trying each by itself."""
IN_A_ROW = 20
"""So many bad records with the same cause, and no good one between, are not the records' fault."""
WINDOW = 50
"""Nor is it when more than half of so many records, the latest, are bad."""


class HasRecord(Protocol):
    """What is split: anything that carries a record."""

    @property
    def record(self) -> SnapshotRecord:
        """The record."""


T = TypeVar("T", bound=HasRecord)


def halves(entries: Sequence[T]) -> list[tuple[T, ...]]:
    """Split two or more entries in two, all of one entity into the same half if there are two.

    The order of an entity's records is kept when the halves are written one after the other.
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
    """Split into single entries, those of one entity in their order."""
    return [(entry,) for entry in entries]


class Bisection:
    """How the search goes in one batch."""

    def __init__(self, records: int) -> None:
        """For a batch of so many records."""
        self._records = records
        self._bad = 0

    def rejected(self) -> None:
        """Count a record that was found to be bad."""
        self._bad += 1

    def split(self, entries: Sequence[T]) -> list[tuple[T, ...]]:
        """The parts in which to write two or more entries, one after the other."""
        return singles(entries) if self._bad > MANY_BAD * self._records else halves(entries)


class CircuitBreaker:
    """Tells "this table is broken" from "these records are bad", over all batches of a crawl."""

    def __init__(self) -> None:
        self._latest: deque[bool] = deque(maxlen=WINDOW)
        self._signature: Hashable = None
        self._in_a_row = 0

    def stored(self, records: int) -> None:
        """Count good records."""
        self._in_a_row = 0
        self._latest.extend([False] * min(records, WINDOW))

    def rejected(self, kind: type[BaseException], cause: Cause) -> bool:
        """Count a bad record; True when the table must be broken."""
        signature = (kind, cause)
        self._in_a_row = self._in_a_row + 1 if signature == self._signature else 1
        self._signature = signature
        self._latest.append(True)
        return self._in_a_row >= IN_A_ROW or self._mostly_bad()

    def _mostly_bad(self) -> bool:
        return len(self._latest) == WINDOW and 2 * sum(self._latest) > WINDOW


def _by_entity(entries: Sequence[T]) -> list[list[T]]:
    groups: dict[tuple[str, bytes], list[T]] = {}
    for entry in entries:
        groups.setdefault((entry.record.table, entry.record.entity_id), []).append(entry)
    return list(groups.values())
