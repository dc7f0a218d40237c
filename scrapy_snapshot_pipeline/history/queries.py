"""The SQL that reads the tables of one declaration."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql.expression import ColumnElement, FromClause

from scrapy_snapshot_pipeline.history.conditions import Condition, in_time, lasting, one_of
from scrapy_snapshot_pipeline.history.connection.streams import stream
from scrapy_snapshot_pipeline.history.results import FieldValue
from scrapy_snapshot_pipeline.history.runs import look_starts
from scrapy_snapshot_pipeline.history.shapes import Shapes
from scrapy_snapshot_pipeline.history.values import OwnColumns, stored_id, stored_uuid
from scrapy_snapshot_pipeline.store.schema.tables import RUNS, EntityTables


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
    shape: int = 1
    """The newest class under which its content was seen."""
    extended: bool = False
    """Only fields that were new to the class differ from the version before it."""


class StepRow(NamedTuple):
    """A version and the one before it; if `ended`, a version that no other followed."""

    version: VersionRow
    previous_end: dt.datetime | None
    previous: dict[str, FieldValue] | None
    ended: bool
    previous_shape: int = 1


class ChildRow(NamedTuple):
    """A stored child row."""

    table: int
    """Index in `Declaration.children`."""
    entity_id: bytes
    child_id: bytes
    parent_id: bytes | None
    snapshot_id: int
    valid_from: dt.datetime
    valid_to: dt.datetime | None
    values: dict[str, FieldValue]
    shape: int = 1


class Queries:
    """Statements on the tables of one declaration, and the values of their rows.

    Where a method takes conditions, they are on `v`, the versions.
    """

    def __init__(
        self, entity: EntityTables, *, normal_form: bool = True, shapes: Shapes | None = None
    ) -> None:
        """`normal_form`: no two versions that touch have equal content, as `chains` explains.

        `shapes` are those of a class that has changed; else its tables may lack the columns for it.
        """
        self.entity = entity
        self.shapes = shapes
        self.normal_form = normal_form
        self.own = OwnColumns(entity.declaration.columns, untyped=entity.declaration.untyped)
        self.child_columns = [OwnColumns(child.columns) for child in entity.declaration.children]
        self.child_paths = [".".join(child.path) for child in entity.declaration.children]
        # An alias copies all columns, so each is made only once.
        self.v = entity.versions.alias("v")
        self._other = entity.versions.alias("o")
        self._previous = entity.versions.alias("p")
        self.child_rows = [child.alias("c") for child in entity.children]

    @property
    def extended(self) -> Condition:
        """The version differs from the one before only in fields that were new to the class."""
        return sa.false() if self.shapes is None else self.v.c.snapshot_extended.is_(sa.true())

    @property
    def told(self) -> Condition:
        """The version is a change of which people want to know."""
        if self.shapes is None:
            return self.begins
        return sa.and_(self.begins, self.v.c.snapshot_extended.isnot(sa.true()))

    @property
    def begins(self) -> Condition:
        """The version does not just repeat the content of the one that it touches."""
        if self.normal_form:
            return sa.true()
        v, e = self.v, self._other
        same_before = sa.exists().where(
            e.c.entity_id == v.c.entity_id,
            e.c.snapshot_id < v.c.snapshot_id,
            e.c.valid_to == v.c.valid_from,
            e.c.content_hash == v.c.content_hash,
            lasting(e),
            lasting(v),
        )
        return ~same_before

    @property
    def ended(self) -> Condition:
        """The version lasted, and no other followed it at once."""
        v, n = self.v, self._other
        followed = sa.exists().where(
            n.c.entity_id == v.c.entity_id,
            n.c.snapshot_id > v.c.snapshot_id,
            n.c.valid_from == v.c.valid_to,
            lasting(n),
        )
        return sa.and_(v.c.valid_to.is_not(None), lasting(v), ~followed)

    @property
    def first(self) -> Condition:
        """The version lasted, and none that lasted came before it."""
        v, e = self.v, self._other
        earlier = sa.exists().where(
            e.c.entity_id == v.c.entity_id, e.c.snapshot_id < v.c.snapshot_id, lasting(e)
        )
        return sa.and_(lasting(v), ~earlier)

    def missed(self, connection: Connection) -> Condition:
        """The version was not confirmed since the last complete look of its spider started."""
        # These go in as values, because a subquery would be evaluated again for every version.
        return sa.or_(
            sa.false(),
            *(
                sa.and_(RUNS.c.spider == spider, self.v.c.last_confirmed_at < started_at)
                for spider, started_at in look_starts(connection).items()
            ),
        )

    def count(self, connection: Connection, *where: Condition, most: int | None) -> int:
        """The number of versions that meet all conditions, counted up to `most`."""
        v = self.v
        found = (
            sa.select(sa.literal(1).label("one"))
            .select_from(v.outerjoin(RUNS, RUNS.c.run_id == v.c.run_id))
            .where(*where)
            .limit(most)
            .subquery()
        )
        return connection.execute(sa.select(sa.func.count()).select_from(found)).scalar_one()

    def versions(self, connection: Connection, *where: Condition) -> Iterator[VersionRow]:
        """The versions that meet all conditions, by entity and time; streamed."""
        v = self.v
        statement = (
            sa.select(*_head(v), *self.own.selected(v), *self._of_class(v))
            .select_from(v.outerjoin(RUNS, RUNS.c.run_id == v.c.run_id))
            .where(*where)
            .order_by(v.c.entity_id, v.c.snapshot_id)
        )
        for row in stream(connection, statement):
            yield self._version(row)

    def steps(
        self, connection: Connection, *where: Condition, newest_first: bool, most: int
    ) -> Iterator[StepRow]:
        """The first `most` versions by `valid_from`, each with the lasting one before it.

        Streamed.  The limit makes a server choose the index.
        """
        v, p, e = self.v, self._previous, self._other
        earlier = (
            sa.select(e.c.snapshot_id)
            .where(e.c.entity_id == v.c.entity_id, e.c.snapshot_id < v.c.snapshot_id, lasting(e))
            .order_by(e.c.snapshot_id.desc())
            .limit(1)
            .scalar_subquery()
        )
        previous = sa.and_(p.c.entity_id == v.c.entity_id, p.c.snapshot_id == earlier)
        own = [*self.own.selected(v), *self._of_class(v)]
        before = [*self.own.selected(p), *self._of_class(p)]
        statement = (
            sa.select(*_head(v), *own, *before, p.c.valid_to, p.c.snapshot_id)
            .select_from(v.outerjoin(RUNS, RUNS.c.run_id == v.c.run_id).outerjoin(p, previous))
            .where(*where)
            .order_by(*_by_time(v.c.valid_from, v, newest_first=newest_first))
            .limit(most)
        )
        end = _HEAD + len(own)
        for row in stream(connection, statement):
            version, end_before = self._version(row[:end]), row[-2]
            if row[-1] is None:
                yield StepRow(version, end_before, None, ended=False)
            else:
                values, shape, _ = self._content(row[end:-2])
                yield StepRow(version, end_before, values, ended=False, previous_shape=shape)

    def ends(
        self, connection: Connection, *where: Condition, newest_first: bool
    ) -> Iterator[StepRow]:
        """Versions that ended and were not followed, by their end; streamed."""
        v = self.v
        statement = (
            sa.select(*_head(v), *self.own.selected(v), *self._of_class(v))
            .select_from(v.outerjoin(RUNS, RUNS.c.run_id == v.c.run_id))
            .where(self.ended, *where)
            .order_by(*_by_time(v.c.valid_to, v, newest_first=newest_first))
        )
        for row in stream(connection, statement):
            yield StepRow(self._version(row), None, None, ended=True)

    def entity_ids(self, connection: Connection, *where: Condition) -> Iterator[bytes]:
        """The entities with a version that meets all conditions, sorted; streamed."""
        column = self.v.c.entity_id
        statement = sa.select(column).where(*where).distinct().order_by(column)
        for row in stream(connection, statement):
            yield row[0]

    def touched(
        self, after: dt.datetime, until: dt.datetime | None, *where: Condition
    ) -> sa.Subquery:
        """Ids of entities with a version that began or ended later than `after`, until `until`."""
        v = self.v
        parts = (
            sa.select(v.c.entity_id).where(in_time(time, after, until), *where)
            for time in (v.c.valid_from, v.c.valid_to)
        )
        return sa.union(*parts).subquery()

    def touched_ids(
        self, connection: Connection, after: dt.datetime, until: dt.datetime, *where: Condition
    ) -> Iterator[bytes]:
        """The ids of `touched`, sorted; streamed."""
        found = self.touched(after, until, *where).c.entity_id
        for row in stream(connection, sa.select(found).order_by(found)):
            yield row[0]

    def children(
        self,
        connection: Connection,
        entity_ids: Sequence[bytes],
        condition: Callable[[FromClause], Condition],
        tables: Collection[int] | None = None,
    ) -> Iterator[ChildRow]:
        """The child rows of these entities that meet the condition made for their table.

        `tables`: indexes of the child tables to read; None: all.
        """
        for index, c in enumerate(self.child_rows):
            if tables is not None and index not in tables:
                continue
            own = self.child_columns[index]
            parent = stored_id(c.c.parent_id) if "parent_id" in c.c else sa.null()
            ids = (stored_id(c.c.entity_id), stored_id(c.c.child_id), parent)
            times = (c.c.snapshot_id, c.c.valid_from, c.c.valid_to)
            statement = (
                sa.select(*ids, *times, *own.selected(c), *self._of_class(c)[:1])
                .where(one_of(connection, c.c.entity_id, entity_ids), condition(c))
                .order_by(c.c.entity_id, c.c.child_id, c.c.snapshot_id)
            )
            # Fetching all of them at once is faster, and the rows of a few entities fit in memory.
            for row in connection.execute(statement).all():
                end, shape = (len(row), 1) if self.shapes is None else (-1, row[-1])
                yield ChildRow._make((index, *row[:6], own.read(row[6:end]), shape))

    def neighbours(
        self, connection: Connection, first: object, most: int
    ) -> Iterator[dict[str, FieldValue]]:
        """Keys of current versions around a value of the first key field, `most` on each side."""
        v = self.v
        keys = [v.c[name] for name in self.own.key_names]
        sides = (
            (keys[0] >= first, [key.asc() for key in keys]),
            (keys[0] < first, [key.desc() for key in keys]),
        )
        for side, ordering in sides:
            statement = (
                sa.select(*keys).where(v.c.valid_to.is_(None), side).order_by(*ordering).limit(most)
            )
            for row in connection.execute(statement):
                yield dict(zip(self.own.key_names, row, strict=True))

    def _of_class(self, table: FromClause) -> list[ColumnElement[Any]]:
        """What is selected behind the values of a row whose class has changed."""
        if self.shapes is None:
            return []
        shape: ColumnElement[Any] = sa.func.coalesce(table.c.snapshot_shape, 1)
        return [shape, table.c.snapshot_extended] if "snapshot_extended" in table.c else [shape]

    def _version(self, row: Sequence[Any]) -> VersionRow:
        return VersionRow._make((*row[:_HEAD], *self._content(row[_HEAD:])))

    def _content(self, row: Sequence[Any]) -> tuple[dict[str, FieldValue], int, bool]:
        """The values, the shape, and whether only new fields differ."""
        if self.shapes is None:
            return self.own.read(row), 1, False
        return self.own.read(row[:-2]), row[-2], bool(row[-1])


_HEAD = 7
"""How much of a version is selected before its values."""


def _head(v: FromClause) -> list[ColumnElement[Any]]:
    times = (v.c.snapshot_id, v.c.valid_from, v.c.last_confirmed_at, v.c.valid_to)
    return [stored_id(v.c.entity_id), *times, stored_uuid(v.c.run_id), RUNS.c.started_at]


def _by_time(
    time: ColumnElement[Any], v: FromClause, *, newest_first: bool
) -> list[ColumnElement[Any]]:
    columns = (time, v.c.entity_id, v.c.snapshot_id)
    return [c.desc() if newest_first else c.asc() for c in columns]
