"""What questions about numbers are answered with."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from scrapy_snapshot_pipeline.history.results import Fields, FlatRow, keyed, shown, times


@dataclass(frozen=True, slots=True)
class Step:
    """One value of one numeric field, and how long it held."""

    key: Fields
    """The entity's."""
    child: tuple[Fields, ...]
    """Keys of the child row and of those around it, outermost first; empty: the entity's own."""
    value: Decimal
    changed_at: dt.datetime
    valid_to: dt.datetime | None
    last_confirmed_at: dt.datetime
    """Of the entity's version that was valid when this value was valid last: beyond it and before
    `valid_to` nobody looked."""

    def rows(self) -> Iterator[FlatRow]:
        """One row."""
        yield {
            **keyed(self.key),
            "child": shown(self.child),
            "value": self.value,
            "changed_at": self.changed_at,
            "valid_to": self.valid_to,
            "last_confirmed_at": self.last_confirmed_at,
        }


@dataclass(frozen=True, slots=True)
class Mover:
    """How far one numeric field came between two times."""

    table: str
    entity_id: uuid.UUID
    key: Fields
    child: tuple[Fields, ...]
    """As in `Step`."""
    old: Decimal
    new: Decimal
    absolute: Decimal
    """`new - old`."""
    relative: float | None
    """`(new - old) / |old|`, so 0.05 is 5 percent up; None where `old` is 0."""
    changed_at: dt.datetime
    """When the entity came to its state at the end of the time."""
    last_confirmed_at: dt.datetime
    run_at: dt.datetime | None

    def rows(self) -> Iterator[FlatRow]:
        """One row."""
        yield {
            **keyed(self.key),
            "child": shown(self.child),
            "old": self.old,
            "new": self.new,
            "absolute": self.absolute,
            "relative": self.relative,
            **times(self),
        }


@dataclass(frozen=True, slots=True)
class FieldStatistics:
    """Lowest, highest and mean of one numeric field over a time."""

    table: str
    entity_id: uuid.UUID
    key: Fields
    child: tuple[Fields, ...]
    """As in `Step`."""
    lowest: Decimal
    lowest_at: dt.datetime
    """When it was first so low; the start of the time, where it was so before."""
    highest: Decimal
    highest_at: dt.datetime
    mean: Decimal
    """Each value weighs as long as it was valid within the time, the last one up to its last
    confirmation; the plain mean where none of them lasted.  Twelve significant digits."""
    last: Decimal
    """The value that was valid last within the time."""
    values: int
    """How many values in a row it had."""

    def rows(self) -> Iterator[FlatRow]:
        """One row."""
        yield {
            **keyed(self.key),
            "child": shown(self.child),
            "lowest": self.lowest,
            "lowest_at": self.lowest_at,
            "highest": self.highest,
            "highest_at": self.highest_at,
            "mean": self.mean,
            "last": self.last,
            "values": self.values,
        }
