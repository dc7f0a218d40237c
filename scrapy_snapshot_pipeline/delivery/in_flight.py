"""The batch that is being written, in the parts into which it had to be split."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from scrapy_snapshot_pipeline.delivery.bisect import Bisection
from scrapy_snapshot_pipeline.records import Batch, DeliveryReport, SnapshotRecord


@dataclass(slots=True, eq=False)
class Pending:
    """A submitted record that has no report yet."""

    record: SnapshotRecord
    size: int
    """Bytes, for the queue."""
    notify: Callable[[DeliveryReport], object]
    """Called once, with the report."""


@dataclass(frozen=True, slots=True)
class Part:
    """What goes into one transaction; make it with `of`."""

    entries: tuple[Pending, ...]
    batch: Batch
    """The records of the entries, in the same order.

    Its attempt is 0 if the part was never tried, and goes on in the parts of a split.
    """
    possibly_stored: bool = False
    """Whether an earlier attempt may have been committed although its answer was lost."""

    @classmethod
    def of(
        cls, entries: tuple[Pending, ...], attempt: int = 1, *, possibly_stored: bool = False
    ) -> Part:
        """Make a part whose batch has the records of `entries`."""
        batch = Batch(tuple(entry.record for entry in entries), attempt)
        return cls(entries, batch, possibly_stored)


class InFlight:
    """The parts that are not settled, in the order in which they are written."""

    def __init__(self, entries: tuple[Pending, ...] = ()) -> None:
        self._parts = deque([Part.of(entries)] if entries else ())
        self._bisection = Bisection(len(entries))

    def __len__(self) -> int:
        """The number of records."""
        return sum(len(part.entries) for part in self._parts)

    def __bool__(self) -> bool:
        return bool(self._parts)

    @property
    def first(self) -> Part:
        """The part that is written next."""
        return self._parts[0]

    def count_attempt(self) -> None:
        """Make the next write of the first part another attempt."""
        batch = self.first.batch
        self._parts[0] = replace(self.first, batch=replace(batch, attempt=batch.attempt + 1))

    def mark_possibly_stored(self) -> None:
        """Note that the first part may be stored."""
        self._parts[0] = replace(self.first, possibly_stored=True)

    def split_first(self) -> None:
        """Replace the first part by the parts into which the search splits it."""
        part = self._parts.popleft()
        for entries in reversed(self._bisection.split(part.entries)):
            self._parts.appendleft(
                Part.of(entries, part.batch.attempt, possibly_stored=part.possibly_stored)
            )

    def remove_first(self) -> Part:
        """Take the first part out, to be settled."""
        return self._parts.popleft()

    def reject_first(self) -> Part:
        """Take the first part out, which is a bad record; the search takes note of it."""
        self._bisection.found_bad()
        return self._parts.popleft()

    def remove_all(self) -> Iterable[Part]:
        """Take all parts out, to be settled."""
        parts, self._parts = self._parts, deque()
        return parts
