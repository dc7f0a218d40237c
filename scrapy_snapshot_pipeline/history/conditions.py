"""Conditions on the ids and times of stored rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection
from sqlalchemy.sql.expression import ColumnElement, FromClause

Condition = ColumnElement[bool]


def one_of(connection: Connection, column: ColumnElement[Any], ids: Sequence[bytes]) -> Condition:
    """Whether the id is among these: one array on a server, which then has little to parse."""
    if connection.dialect.name == "sqlite":
        return column.in_(ids)
    return column == sa.any_(sa.bindparam(None, list(ids), postgresql.ARRAY(column.type)))


def in_time(
    time: ColumnElement[Any], after: dt.datetime | None, until: dt.datetime | None
) -> Condition:
    """Later than `after`, and not later than `until`; None: no bound."""
    bounds = []
    if after is not None:
        bounds.append(time > after)
    if until is not None:
        bounds.append(time <= until)
    return sa.and_(sa.true(), *bounds)


def at_time(table: FromClause, time: dt.datetime | None) -> Condition:
    """Valid at that instant; None: now, whatever the clocks say."""
    if time is None:
        return table.c.valid_to.is_(None)
    return sa.and_(
        table.c.valid_from <= time, sa.or_(table.c.valid_to.is_(None), table.c.valid_to > time)
    )


def overlapping(table: FromClause, a: dt.datetime | None, b: dt.datetime | None) -> Condition:
    """Lasting, and valid at some instant from `a` to `b`; None: no bound."""
    conditions = [lasting(table)]
    if a is not None:
        conditions.append(sa.or_(table.c.valid_to.is_(None), table.c.valid_to > a))
    if b is not None:
        conditions.append(table.c.valid_from <= b)
    return sa.and_(*conditions)


def lasting(table: FromClause) -> Condition:
    """Not one of those that came late, whose time has no length."""
    return sa.or_(table.c.valid_to.is_(None), table.c.valid_to > table.c.valid_from)
