"""Rows as columns, so that values are converted for a driver one column at a time.

A batch has many rows and few kinds of values: see the benchmark, section D.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from scrapy_snapshot_pipeline.scd2.plan import NewChild, NewVersion

Columns: TypeAlias = Sequence[Sequence[Any]]
"""The rows of a batch turned by 90 degrees: one sequence a column, all equally long."""

_REPEATING = frozenset({bytes, dt.datetime, uuid.UUID, type(None)})


def version_columns(rows: Sequence[NewVersion], shape: int | None = None) -> Columns:
    """What a table of versions has of them, in the order of its columns.

    `shape` is that of the records; None: the table has no column for it.
    """
    records, valid_from, last_confirmed_at, valid_to, extended = zip(*rows, strict=True)
    shapes: list[list[Any]] = []
    if shape is not None:
        shapes = [[shape] * len(rows), [each or None for each in extended]]
    return [
        [record.entity_id for record in records],
        [record.snapshot_id for record in records],
        *zip(*[record.values for record in records], strict=True),
        [record.content_hash for record in records],
        valid_from,
        last_confirmed_at,
        valid_to,
        [record.run_id for record in records],
        *shapes,
    ]


def child_columns(
    rows: Sequence[NewChild], *, has_parent: bool, shape: int | None = None
) -> Columns:
    """The same of a child table; `has_parent`: its rows are nested in another list."""
    entity_id, snapshot_id, child_id, parent_id, *rest = zip(*rows, strict=True)
    content_hash, valid_from, valid_to, values = rest
    parents = (parent_id,) if has_parent else ()
    own = zip(*values, strict=True)
    shapes = [] if shape is None else [[shape] * len(rows)]
    times = (valid_from, valid_to)
    return [entity_id, child_id, snapshot_id, *parents, *own, content_hash, *times, *shapes]


def types_in(column: Sequence[Any]) -> set[type]:
    """The types of the values."""
    return set(map(type, column))


def convert_column(convert: Callable[[Any], Any], column: Sequence[Any]) -> Sequence[Any]:
    """Convert each value; ids and times, which repeat within a batch, once each.

    Values that may be equal and still have different texts are converted one by one: decimals, and
    times in several zones.
    """
    types = types_in(column)
    if not types <= _REPEATING or (dt.datetime in types and not _in_utc(column)):
        return list(map(convert, column))
    converted = {value: convert(value) for value in set(column)}
    return [converted[value] for value in column]


def _in_utc(times: Sequence[dt.datetime | None]) -> bool:
    return {time.tzinfo for time in times if time is not None} == {dt.timezone.utc}
