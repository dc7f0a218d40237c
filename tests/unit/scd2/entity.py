"""Observations of one entity, as the tests of the law write them."""

from __future__ import annotations

import datetime as dt
import uuid
from hashlib import blake2b
from typing import NamedTuple

from scrapy_snapshot_pipeline.records import ChildRecord, SnapshotRecord, Value, snapshot_id

ENTITY = b"e" * 16
START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
TABLES = 2
PARENT = b"p" * 16
"""The `parent_id` of every child row."""


class Content(NamedTuple):
    """What an observation saw: the entity's own value, and values by child."""

    own: str
    children: tuple[tuple[str, int], ...] = ()
    """Sorted by name; of children whose name begins with n in the second table, else in the first.
    """

    @property
    def hash(self) -> bytes:
        """The content hash."""
        return blake2b(repr(tuple(self)).encode(), digest_size=16).digest()


def content_of(values: tuple[Value, ...]) -> Content:
    """The content that a record with these values saw."""
    own, *children = values
    pairs = zip(map(str, children[::2]), map(int, map(str, children[1::2])), strict=True)
    return Content(str(own), tuple(pairs))


class Seen(NamedTuple):
    """One observation."""

    second: int
    content: Content


def seen(second: int, own: str, **children: int) -> Seen:
    """See the entity."""
    return Seen(second, Content(own, tuple(sorted(children.items()))))


def at(second: int) -> dt.datetime:
    """The time of a second."""
    return START + dt.timedelta(seconds=second)


def second(time: dt.datetime | None) -> int | None:
    """The second of a time; None stays None."""
    return None if time is None else round((time - START).total_seconds())


def table_of(child: str) -> int:
    """The index of a child's table."""
    return int(child.startswith("n"))


def child_id(name: str) -> bytes:
    """The id of a child."""
    return name.encode().ljust(16)


def child_hash(value: int) -> bytes:
    """The content hash of a child."""
    return bytes([value]) * 16


def record(one: Seen, run: int = 1) -> SnapshotRecord:
    """The record that capture would make."""
    tables: list[list[ChildRecord]] = [[] for _ in range(TABLES)]
    for name, value in one.content.children:
        row = ChildRecord(child_id(name) + child_hash(value), PARENT, (name, value))
        tables[table_of(name)].append(row)
    return SnapshotRecord(
        table="t",
        entity_id=ENTITY,
        snapshot_id=snapshot_id(at(one.second), one.content.hash),
        content_hash=one.content.hash,
        observed_at=at(one.second),
        run_id=uuid.UUID(int=run),
        values=(one.content.own, *(part for child in one.content.children for part in child)),
        children=tuple(map(tuple, tables)),
        size=1,
    )
