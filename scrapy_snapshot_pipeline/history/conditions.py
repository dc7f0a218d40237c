"""SQL conditions on the ids and times of stored rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection
from sqlalchemy.sql.expression import ColumnElement, FromClause

Condition = ColumnElement[bool]
NEVER: Condition = sa.false()


def one_of(connection: Connection, column: ColumnElement[Any], ids: Sequence[bytes]) -> Condition:
    """The id is one of these; on a server they are one array, so that there is little to parse."""
    if connection.dialect.name == "sqlite":
        return column.in_(ids)
    return column == sa.any_(sa.bindparam(None, list(ids), postgresql.ARRAY(column.type)))


def in_time(
    time: ColumnElement[Any], after: dt.datetime | None, until: dt.datetime | None
) -> Condition:
    """Later than `after` and no later than `until`; None: no bound."""
    bounds = []
    if after is not None:
        bounds.append(time > after)
    if until is not None:
        bounds.append(time <= until)
    return sa.and_(sa.true(), *bounds)


def at_time(table: FromClause, time: dt.datetime | None) -> Condition:
    """Valid at that instant; None: current, whatever the clocks say."""
    if time is None:
        return table.c.valid_to.is_(None)
    return sa.and_(
        table.c.valid_from <= time, sa.or_(table.c.valid_to.is_(None), table.c.valid_to > time)
    )


def overlapping(table: FromClause, start: dt.datetime | None, end: dt.datetime | None) -> Condition:
    """Lasting, and valid at some instant from `start` to `end`; None: no bound."""
    conditions = [lasting(table)]
    if start is not None:
        conditions.append(sa.or_(table.c.valid_to.is_(None), table.c.valid_to > start))
    if end is not None:
        conditions.append(table.c.valid_from <= end)
    return sa.and_(*conditions)


def lasting(table: FromClause) -> Condition:
    """Valid for some time; a row that came late is valid for none."""
    return sa.or_(table.c.valid_to.is_(None), table.c.valid_to > table.c.valid_from)


def bounds(
    time: ColumnElement[Any], start: dt.datetime | None, end: dt.datetime | None
) -> list[Condition]:
    """From `start` on, and before `end`; None: no bound."""
    limits = [] if start is None else [time >= start]
    return limits if end is None else [*limits, time < end]
