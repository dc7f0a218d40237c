"""The rows whose numbers may have moved within a time, and no others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.expression import ColumnElement, FromClause

from scrapy_snapshot_pipeline.history.conditions import Condition, in_time, lasting
from scrapy_snapshot_pipeline.history.numeric.spans import NumberPath
from scrapy_snapshot_pipeline.history.queries import Queries
from scrapy_snapshot_pipeline.history.stored_ids import stored_id
from scrapy_snapshot_pipeline.history.values import OwnColumns

HOLDS = 3
"""Place of the column that says whether the row is valid at the end of the time; before it are the
ids of the entity, the row and the row around it, behind it the item's own columns."""


@dataclass(frozen=True, slots=True)
class Within:
    """Whose numbers, and from when to when."""

    after: dt.datetime
    until: dt.datetime | None
    """None: now."""
    filters: Sequence[Condition]
    """On `Queries.v`."""


def mover_rows(
    queries: Queries, paths: Sequence[NumberPath], within: Within
) -> tuple[OwnColumns, sa.Select[Any]]:
    """How the one table that all paths lead to is read: by entity and row, oldest first."""
    place, names = paths[0].child, {path.column for path in paths}
    if place is None:
        return queries.own.only(names), _own_rows(queries, queries.own.only(names), within)
    own = queries.child_columns[place].only(names)
    return own, _child_rows(queries, place, own, within)


def _own_rows(queries: Queries, own: OwnColumns, within: Within) -> sa.Select[Any]:
    """Each of both parts is one range of an index; with OR, SQLite reads all in their order."""
    v = queries.v
    began = in_time(v.c.valid_from, within.after, within.until)
    ended = in_time(v.c.valid_to, within.after, within.until)
    parts = (
        sa.select(
            stored_id(v.c.entity_id).label("entity_id"),
            v.c.snapshot_id.label("snapshot_id"),
            _open(v, within.until).label("still"),
            *_labelled(own.selected(v)),
        ).where(condition, lasting(v), *within.filters)
        for condition in (began, sa.and_(ended, v.c.valid_from <= within.after))
    )
    both = sa.union_all(*parts).subquery()
    entity, snapshot, still, *values = both.c
    return sa.select(entity, sa.null(), sa.null(), still, *values).order_by(entity, snapshot)


def _child_rows(queries: Queries, place: int, own: OwnColumns, within: Within) -> sa.Select[Any]:
    """Child rows have no index by time; they change only when their entity does."""
    c = queries.child_rows[place]
    parent = stored_id(c.c.parent_id) if "parent_id" in c.c else sa.null()
    touched = queries.touched(within.after, within.until, *within.filters)
    times = (c.c.valid_from, c.c.valid_to)
    changed = sa.or_(*(in_time(time, within.after, within.until) for time in times))
    found = (
        sa.select(
            c.c.snapshot_id.label("snapshot_id"),
            stored_id(c.c.entity_id).label("entity_id"),
            stored_id(c.c.child_id).label("child_id"),
            parent.label("parent_id"),
            _open(c, within.until).label("still"),
            *_labelled(own.selected(c)),
        )
        .where(changed, lasting(c), c.c.entity_id.in_(sa.select(touched.c.entity_id)))
        .cte()
        # Of a cursor PostgreSQL expects a tenth to be read, and would sort by reading the index.
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    snapshot, entity, child, *others = found.c
    return sa.select(entity, child, *others).order_by(entity, child, snapshot)


def _labelled(columns: Sequence[ColumnElement[Any]]) -> list[sa.Label[Any]]:
    return [column.label(f"own_{place}") for place, column in enumerate(columns)]


def _open(table: FromClause, until: dt.datetime | None) -> Condition:
    holds = table.c.valid_to.is_(None)
    return holds if until is None else sa.or_(holds, table.c.valid_to > until)
