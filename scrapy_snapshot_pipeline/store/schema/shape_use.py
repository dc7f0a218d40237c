"""When the shapes of tables were used, which tells what their states showed at a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from scrapy_snapshot_pipeline.store.schema.tables import SHAPES, EntityTables


def note_use(connection: Connection, tables: Iterable[EntityTables], now: dt.datetime) -> None:
    """Note that `tables` are written by now under their shapes.

    Nothing is noted of classes that have never changed.  Of a shape that was there before anything
    was noted, this is the last use that anyone knows of.
    """
    for entity in tables:
        if entity.shape is None or len(entity.shape.shapes) == 1:
            continue
        of_table = SHAPES.c.table_name == entity.versions.name
        this = sa.or_(SHAPES.c.shape == entity.shape.number, SHAPES.c.last_used_at.is_(None))
        used = sa.update(SHAPES).where(of_table, this)
        first = sa.case(
            (SHAPES.c.shape == entity.shape.number, sa.func.coalesce(SHAPES.c.first_used_at, now)),
            else_=SHAPES.c.first_used_at,
        )
        connection.execute(used.values(first_used_at=first, last_used_at=now))
