"""The batch that is being written, in the parts into which it had to be split."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from scrapy_snapshot_pipeline.delivery.bisect import Bisection
from scrapy_snapshot_pipeline.records import Batch, DeliveryReport, SnapshotRecord


@dataclass(slots=True, eq=False)
class Pending:
    """A submitted record without a report, as it lies in the queue."""

    record: SnapshotRecord
    size: int
    tell: Callable[[DeliveryReport], object]
    """Hears the last word, once."""


@dataclass(frozen=True, slots=True)
class Part:
    """What goes into one transaction."""

    entries: tuple[Pending, ...]
    attempt: int = 1
    """Starts at 1, and goes on with the parts of a split; 0: never tried."""
    possibly_stored: bool = False
    """An earlier attempt may have committed without an answer."""

    @property
    def records(self) -> tuple[SnapshotRecord, ...]:
        """In the order of their admission."""
        return tuple(entry.record for entry in self.entries)

    @property
    def batch(self) -> Batch:
        """For the store."""
        return Batch(self.records, self.attempt)


class InFlight:
    """Parts without a last word, in the order in which they are written."""

    def __init__(self, entries: tuple[Pending, ...] = ()) -> None:
        self._parts = deque([Part(entries)] if entries else ())
        self._bisection = Bisection(len(entries))

    def __len__(self) -> int:
        """Records without a last word."""
        return sum(len(part.entries) for part in self._parts)

    def __bool__(self) -> bool:
        return bool(self._parts)

    @property
    def first(self) -> Part:
        """The part whose turn it is."""
        return self._parts[0]

    def remove_first(self) -> Part:
        """Take the first part out."""
        return self._parts.popleft()

    def reject_first(self) -> Part:
        """Take the first part out, and count it as a bad record for later splits."""
        self._bisection.rejected()
        return self._parts.popleft()

    def remove_all(self) -> Iterable[Part]:
        """Take everything out."""
        parts, self._parts = self._parts, deque()
        return parts

    def count_attempt(self) -> None:
        """Count an attempt of the first part."""
        self._parts[0] = replace(self.first, attempt=self.first.attempt + 1)

    def mark_possibly_stored(self) -> None:
        """Note that the first part may be stored."""
        self._parts[0] = replace(self.first, possibly_stored=True)

    def split_first(self) -> None:
        """Put the parts of the first part in its place."""
        part = self._parts.popleft()
        parts = self._bisection.split(part.entries)
        self._parts.extendleft(replace(part, entries=entries) for entries in reversed(parts))
