"""The SQL of the questions about one declaration's tables."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql.expression import ColumnElement, FromClause

from scrapy_snapshot_pipeline.history.answers import FieldValue
from scrapy_snapshot_pipeline.history.values import OwnColumns
from scrapy_snapshot_pipeline.schema import RUNS, EntityTables

CHUNK = 500
"""Entities whose children are asked for at once; also rows fetched at once."""

Condition = ColumnElement[bool]

_OPEN_RESULTS = "snapshot_open_results"


class VersionRow(NamedTuple):
    """A stored version."""

    entity_id: bytes
    snapshot_id: int
    valid_from: dt.datetime
    last_confirmed_at: dt.datetime
    valid_to: dt.datetime | None
    run_id: uuid.UUID
    run_at: dt.datetime | None
    values: dict[str, FieldValue]


class StepRow(NamedTuple):
    """A version and the one before it; or, where `ended`, a version that no other followed."""

    version: VersionRow
    previous_end: dt.datetime | None
    previous: dict[str, FieldValue] | None
    ended: bool


class ChildRow(NamedTuple):
    """A stored child row."""

    table: int
    entity_id: bytes
    child_id: bytes
    parent_id: bytes | None
    snapshot_id: int
    valid_from: dt.datetime
    valid_to: dt.datetime | None
    values: dict[str, FieldValue]


class Queries:
    """Statements over the tables of one declaration, and their rows as values."""

    def __init__(self, entity: EntityTables) -> None:
        self.entity = entity
        self.own = OwnColumns(entity.declaration.columns, untyped=entity.declaration.untyped)
        self.child_columns = [OwnColumns(child.columns) for child in entity.declaration.children]
        self.v = entity.versions.alias("v")

    def versions(self, connection: Connection, *where: Condition) -> Iterator[VersionRow]:
        """The versions that meet all conditions on `self.v`, by entity and time; streamed."""
        v = self.v
        statement = (
            sa.select(*_head(v), *self.own.selected(v))
            .select_from(v.outerjoin(RUNS, RUNS.c.run_id == v.c.run_id))
            .where(*where)
            .order_by(v.c.entity_id, v.c.snapshot_id)
        )
        for row in stream(connection, statement):
            yield VersionRow._make((*row[:7], self.own.read(row[7:])))

    def steps(
        self, connection: Connection, *where: Condition, newest_first: bool
    ) -> Iterator[StepRow]:
        """Versions by `valid_from`, each beside the lasting one before it; streamed."""
        v, p = self.v, self.entity.versions.alias("p")
        e = self.entity.versions.alias("e")
        before = (
            sa.select(e.c.snapshot_id)
            .where(e.c.entity_id == v.c.entity_id, e.c.snapshot_id < v.c.snapshot_id, lasting(e))
            .order_by(e.c.snapshot_id.desc())
            .limit(1)
            .scalar_subquery()
        )
        previous = sa.and_(p.c.entity_id == v.c.entity_id, p.c.snapshot_id == before)
        own = self.own.selected(v)
        statement = (
            sa.select(*_head(v), p.c.valid_to, *own, *self.own.selected(p), p.c.snapshot_id)
            .select_from(v.outerjoin(RUNS, RUNS.c.run_id == v.c.run_id).outerjoin(p, previous))
            .where(*where)
            .order_by(*_by_time(v.c.valid_from, v, newest_first=newest_first))
        )
        end = 8 + len(own)
        for row in stream(connection, statement):
            version = VersionRow._make((*row[:7], self.own.read(row[8:end])))
            previous_values = None if row[-1] is None else self.own.read(row[end:-1])
            yield StepRow(version, row[7], previous_values, ended=False)

    def ends(
        self, connection: Connection, *where: Condition, newest_first: bool
    ) -> Iterator[StepRow]:
        """Lasting versions that ended without another following at once, by their end; streamed."""
        v, n = self.v, self.entity.versions.alias("n")
        followed = sa.exists().where(
            n.c.entity_id == v.c.entity_id,
            n.c.snapshot_id > v.c.snapshot_id,
            n.c.valid_from == v.c.valid_to,
            lasting(n),
        )
        statement = (
            sa.select(*_head(v), *self.own.selected(v))
            .select_from(v.outerjoin(RUNS, RUNS.c.run_id == v.c.run_id))
            .where(v.c.valid_to.is_not(None), lasting(v), ~followed, *where)
            .order_by(*_by_time(v.c.valid_to, v, newest_first=newest_first))
        )
        for row in stream(connection, statement):
            version = VersionRow._make((*row[:7], self.own.read(row[7:])))
            yield StepRow(version, None, None, ended=True)

    def entity_ids(self, connection: Connection, *where: Condition) -> Iterator[bytes]:
        """The entities with a version that meets the conditions on `self.v`, sorted; streamed."""
        column = self.v.c.entity_id
        statement = sa.select(column).where(*where).distinct().order_by(column)
        for row in stream(connection, statement):
            yield row[0]

    def touched(
        self, connection: Connection, a: dt.datetime, b: dt.datetime, *where: Condition
    ) -> Iterator[bytes]:
        """Entities with a version that began or ended after `a` and until `b`; streamed."""
        v = self.v
        parts = (
            sa.select(v.c.entity_id).where(time > a, time <= b, *where)
            for time in (v.c.valid_from, v.c.valid_to)
        )
        both = sa.union(*parts).subquery()
        for row in stream(connection, sa.select(both.c.entity_id).order_by(both.c.entity_id)):
            yield row[0]

    def children(
        self,
        connection: Connection,
        entity_ids: Sequence[bytes],
        condition: Callable[[FromClause], Condition],
        tables: Sequence[int] | None = None,
    ) -> Iterator[ChildRow]:
        """Lasting child rows of these entities; `condition` makes one of a table."""
        for place, table in enumerate(self.entity.children):
            if tables is not None and place not in tables:
                continue
            c, own = table.alias("c"), self.child_columns[place]
            parent = c.c.parent_id if "parent_id" in c.c else sa.null()
            times = (c.c.snapshot_id, c.c.valid_from, c.c.valid_to)
            statement = (
                sa.select(c.c.entity_id, c.c.child_id, parent, *times, *own.selected(c))
                .where(c.c.entity_id.in_(entity_ids), condition(c))
                .order_by(c.c.entity_id, c.c.child_id, c.c.snapshot_id)
            )
            found: Iterable[Any] = connection.execute(statement)
            for row in found:
                yield ChildRow._make((place, *row[:6], own.read(row[6:])))

    def neighbours(
        self, connection: Connection, first: object, most: int
    ) -> Iterator[dict[str, FieldValue]]:
        """Keys of current versions around a value of the first key field, from its index."""
        v = self.v
        keys = [v.c[name] for name in self.own.key_names]
        sides = (
            (keys[0] >= first, [k.asc() for k in keys]),
            (
                keys[0] < first,
                [k.desc() for k in keys],
            ),
        )
        for side, ordering in sides:
            statement = (
                sa.select(*keys).where(v.c.valid_to.is_(None), side).order_by(*ordering).limit(most)
            )
            for row in connection.execute(statement):
                yield dict(zip(self.own.key_names, row, strict=True))


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


def stream(connection: Connection, statement: sa.Select[Any]) -> Iterator[Any]:
    """Rows of a cursor on the server, a chunk at a time."""
    open_results = connection.info.setdefault(_OPEN_RESULTS, set())
    with connection.execute(statement.execution_options(yield_per=CHUNK)) as result:
        open_results.add(result)
        try:
            yield from result
        finally:
            open_results.discard(result)


def close_streams(connection: Connection) -> None:
    """Close the cursors of streams that were not read to their end, while they still can be."""
    for result in tuple(connection.info.get(_OPEN_RESULTS, ())):
        result.close()


def _head(v: FromClause) -> list[ColumnElement[Any]]:
    names = ("entity_id", "snapshot_id", "valid_from", "last_confirmed_at", "valid_to", "run_id")
    return [*(v.c[name] for name in names), RUNS.c.started_at]


def _by_time(
    time: ColumnElement[Any], v: FromClause, *, newest_first: bool
) -> list[ColumnElement[Any]]:
    columns = (time, v.c.entity_id, v.c.snapshot_id)
    return [c.desc() if newest_first else c.asc() for c in columns]
