"""The results of questions about numbers."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from scrapy_snapshot_pipeline.history.results import (
    Fields,
    FlatRow,
    key_columns,
    key_path_text,
    times_of,
)


@dataclass(frozen=True, slots=True)
class Step:
    """One value of one numeric field, and how long it held."""

    key: Fields
    """The entity's."""
    child: tuple[Fields, ...]
    """Keys of the child row and of the rows that enclose it, outermost first; empty if the field is
    the entity's own."""
    value: Decimal
    changed_at: dt.datetime
    valid_to: dt.datetime | None
    last_confirmed_at: dt.datetime
    """Of the last version that had this value.  From then until `valid_to` nobody looked."""

    def rows(self) -> Iterator[FlatRow]:
        """One row."""
        yield {
            **key_columns(self.key),
            "child": key_path_text(self.child),
            "value": self.value,
            "changed_at": self.changed_at,
            "valid_to": self.valid_to,
            "last_confirmed_at": self.last_confirmed_at,
        }


@dataclass(frozen=True, slots=True)
class Mover:
    """How far one numeric field moved between two times."""

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
    """When the entity reached the state that it had at the later time."""
    last_confirmed_at: dt.datetime
    run_at: dt.datetime | None

    def rows(self) -> Iterator[FlatRow]:
        """One row."""
        yield {
            **key_columns(self.key),
            "child": key_path_text(self.child),
            "old": self.old,
            "new": self.new,
            "absolute": self.absolute,
            "relative": self.relative,
            **times_of(self),
        }


@dataclass(frozen=True, slots=True)
class FieldStatistics:
    """Lowest, highest and mean of one numeric field over a period."""

    table: str
    entity_id: uuid.UUID
    key: Fields
    child: tuple[Fields, ...]
    """As in `Step`."""
    lowest: Decimal
    lowest_at: dt.datetime
    """When the field was first so low; the start of the period if it was so before."""
    highest: Decimal
    highest_at: dt.datetime
    mean: Decimal
    """Weighted by how long each value was valid in the period, the last one until its last
    confirmation; the plain mean if none of them lasted.  Twelve significant digits."""
    last: Decimal
    """The last value in the period."""
    values: int
    """How many values it had, one after the other."""

    def rows(self) -> Iterator[FlatRow]:
        """One row."""
        yield {
            **key_columns(self.key),
            "child": key_path_text(self.child),
            "lowest": self.lowest,
            "lowest_at": self.lowest_at,
            "highest": self.highest,
            "highest_at": self.highest_at,
            "mean": self.mean,
            "last": self.last,
            "values": self.values,
        }
