"""The statements that read the rows whose numbers may have moved in a window, and no others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.expression import ColumnElement, FromClause

from scrapy_snapshot_pipeline.history.conditions import Condition, in_time, lasting
from scrapy_snapshot_pipeline.history.numeric.paths import NumberPath
from scrapy_snapshot_pipeline.history.queries import Queries
from scrapy_snapshot_pipeline.history.values import OwnColumns, stored_id

HOLDS = 3
"""Index of the column that says whether the row is valid at the end of the window.  Before it come
the ids of the entity, the row and the enclosing row; after it the item's own columns."""


@dataclass(frozen=True, slots=True)
class Window:
    """Whose numbers are read, and for which time."""

    since: dt.datetime
    until: dt.datetime | None
    """None: now."""
    where: Sequence[Condition]
    """On `Queries.v`."""


def mover_rows(
    queries: Queries, paths: Sequence[NumberPath], window: Window
) -> tuple[OwnColumns, sa.Select[Any]]:
    """Columns and statement for the one table of these paths; by entity and row, oldest first."""
    child, names = paths[0].child, {path.column for path in paths}
    if child is None:
        own = queries.own.only(names)
        return own, _own_rows(queries, own, window)
    own = queries.child_columns[child].only(names)
    return own, _child_rows(queries, child, own, window)


def _own_rows(queries: Queries, own: OwnColumns, window: Window) -> sa.Select[Any]:
    """A union, because each part is one range of an index; for an OR, SQLite reads every row."""
    v = queries.v
    began = in_time(v.c.valid_from, window.since, window.until)
    ended = in_time(v.c.valid_to, window.since, window.until)
    parts = (
        sa.select(
            stored_id(v.c.entity_id).label("entity_id"),
            v.c.snapshot_id.label("snapshot_id"),
            _open(v, window.until).label("still"),
            *_labelled(own.selected(v)),
        ).where(condition, lasting(v), *window.where)
        for condition in (began, sa.and_(ended, v.c.valid_from <= window.since))
    )
    both = sa.union_all(*parts).subquery()
    entity, snapshot, still, *values = both.c
    return sa.select(entity, sa.null(), sa.null(), still, *values).order_by(entity, snapshot)


def _child_rows(queries: Queries, child: int, own: OwnColumns, window: Window) -> sa.Select[Any]:
    """Found by the entities that changed, because child rows have no index by time."""
    c = queries.child_rows[child]
    parent = stored_id(c.c.parent_id) if "parent_id" in c.c else sa.null()
    touched = queries.touched(window.since, window.until, *window.where)
    times = (c.c.valid_from, c.c.valid_to)
    changed = sa.or_(*(in_time(time, window.since, window.until) for time in times))
    found = (
        sa.select(
            c.c.snapshot_id.label("snapshot_id"),
            stored_id(c.c.entity_id).label("entity_id"),
            stored_id(c.c.child_id).label("child_id"),
            parent.label("parent_id"),
            _open(c, window.until).label("still"),
            *_labelled(own.selected(c)),
        )
        .where(changed, lasting(c), c.c.entity_id.in_(sa.select(touched.c.entity_id)))
        .cte()
        # PostgreSQL assumes that little of a cursor is read, and would walk an index, not sort.
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    snapshot, entity, row, *others = found.c
    return sa.select(entity, row, *others).order_by(entity, row, snapshot)


def _labelled(columns: Sequence[ColumnElement[Any]]) -> list[sa.Label[Any]]:
    return [column.label(f"own_{index}") for index, column in enumerate(columns)]


def _open(table: FromClause, until: dt.datetime | None) -> Condition:
    holds = table.c.valid_to.is_(None)
    return holds if until is None else sa.or_(holds, table.c.valid_to > until)
