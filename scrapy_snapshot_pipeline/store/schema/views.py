"""Views for people who live in SQL: what is current, and what changed from what to what.

Every table gets `<table>_current` and `<table>_changes`.  Times have the names that they have in
Python: changed_at, last_confirmed_at, run_at.  A field has its own name, and what is ours another
one where they meet, as `our_names` has it.  Decimals are numbers, and therefore inexact on SQLite;
the tables have the exact text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.sql.expression import ColumnElement, FromClause

from scrapy_snapshot_pipeline.declaration.our_names import OurNames
from scrapy_snapshot_pipeline.declaration.tables import Column, Declaration, Kind, Role
from scrapy_snapshot_pipeline.store.schema.tables import RUNS, EntityTables, object_name


@dataclass(frozen=True, slots=True)
class View:
    """A view over the tables of one declaration."""

    name: str
    query: Callable[[Dialect], sa.SelectBase]

    @property
    def width(self) -> int:
        """The number of its columns, which is the same on every database."""
        return len(self.query(DefaultDialect()).selected_columns)

    def ddl(self, dialect: Dialect) -> str:
        """The CREATE VIEW statement."""
        quoted = dialect.identifier_preparer.quote(self.name)
        body = self.query(dialect).compile(dialect=dialect, compile_kwargs={"literal_binds": True})
        return f"CREATE VIEW {quoted} AS {body}"


def entity_views(entity: EntityTables) -> Iterator[View]:
    """The views over the tables of one declaration, two a table.

    What is current is shown by the newest shape, and what changed by all of them.
    """
    own, versions = entity.declaration.columns, entity.versions
    fields = _newest(entity, (), own)
    yield View(object_name(versions.name, "current"), partial(_current, versions, fields))
    yield View(object_name(versions.name, "changes"), partial(_changes, entity, own))
    for child, table in zip(entity.declaration.children, entity.children, strict=True):
        fields = _newest(entity, child.path, child.columns)
        current = partial(_child_current, entity, table, fields, child.path)
        yield View(object_name(table.name, "current"), current)
        changes = partial(_child_changes, entity, table, child.columns)
        yield View(object_name(table.name, "changes"), changes)


def _has_changed(entity: EntityTables) -> bool:
    return len(_shapes(entity)) > 1


def _shapes(entity: EntityTables) -> Mapping[int, Declaration]:
    return {} if entity.shape is None else entity.shape.shapes


def _newest(
    entity: EntityTables, path: tuple[str, ...], columns: Sequence[Column]
) -> Sequence[Column]:
    """Those that the newest shape has; all of a list that it does not have."""
    if not _has_changed(entity):
        return columns
    shapes = _shapes(entity)
    newest = shapes[max(shapes)]
    tables = {(): newest.columns, **{child.path: child.columns for child in newest.children}}
    names = {column.name for column in tables.get(path, columns)}
    return [column for column in columns if column.name in names]


def _has_list(
    entity: EntityTables, path: tuple[str, ...], versions: FromClause
) -> ColumnElement[bool]:
    """The class of the version has the list."""
    if not _has_changed(entity):
        return sa.true()
    shapes = _shapes(entity).items()
    having = [n for n, shape in shapes if path in {child.path for child in shape.children}]
    return sa.func.coalesce(versions.c.snapshot_shape, 1).in_(having)


def _told(entity: EntityTables, versions: FromClause) -> ColumnElement[bool]:
    """The version is more than the first one with a field that is new to the class."""
    if not _has_changed(entity):
        return sa.true()
    return versions.c.snapshot_extended.isnot(sa.true())


_NUMBERS_AS_TEXT = (Kind.DECIMAL, Kind.DURATION)
"""What SQLite has as text, and the views as numbers; of a duration the seconds."""


def _value(dialect: Dialect, table: FromClause, column: Column) -> ColumnElement[object]:
    own: ColumnElement[object] = table.c[column.name]
    if column.kind in _NUMBERS_AS_TEXT and dialect.name == "sqlite":
        return sa.cast(own, sa.REAL())
    return own


def _values(
    dialect: Dialect, table: FromClause, columns: Iterable[Column]
) -> list[ColumnElement[object]]:
    return [_value(dialect, table, c).label(c.name) for c in columns]


def _names(*tables: Iterable[Column]) -> OurNames:
    """Names beside the fields of these columns."""
    fields = (column.name for columns in tables for column in columns)
    return OurNames(fields, fit=object_name)


def _current(table: sa.Table, columns: Sequence[Column], dialect: Dialect) -> sa.SelectBase:
    names = _names(columns)
    return (
        sa.select(
            *_values(dialect, table, columns),
            table.c.valid_from.label(names.name("changed_at")),
            table.c.last_confirmed_at,
            RUNS.c.started_at.label(names.name("run_at")),
            table.c.run_id,
            table.c.entity_id,
        )
        .select_from(table.outerjoin(RUNS, RUNS.c.run_id == table.c.run_id))
        .where(table.c.valid_to.is_(None))
    )


def _child_current(
    entity: EntityTables,
    table: sa.Table,
    columns: Sequence[Column],
    path: tuple[str, ...],
    dialect: Dialect,
) -> sa.SelectBase:
    versions, keys = entity.versions, _keys(entity.declaration.columns)
    joined = table.join(versions, versions.c.entity_id == table.c.entity_id)
    names = _names(columns, keys)
    return (
        sa.select(
            *_parent_key(dialect, entity, versions, columns, names),
            *_values(dialect, table, columns),
            table.c.valid_from.label(names.name("changed_at")),
            versions.c.last_confirmed_at,
            table.c.entity_id,
            table.c.child_id,
        )
        .select_from(joined)
        .where(
            table.c.valid_to.is_(None),
            versions.c.valid_to.is_(None),
            _has_list(entity, path, versions),
        )
    )


def _changes(entity: EntityTables, columns: Sequence[Column], dialect: Dialect) -> sa.SelectBase:
    """A row for each version that was valid for some time, and one where no other followed."""
    table = entity.versions
    new, old = table.alias("new"), table.alias("old")
    keys, others = _keys(columns), _others(columns)
    before = sa.and_(_same_entity(new, old), _follows(new, old))
    names = _ChangeNames(_names(columns), others)
    begun = (
        sa.select(
            *_values(dialect, new, keys),
            _kind(old, "new").label(names.kind),
            new.c.valid_from.label(names.changed_at),
            *names.both(dialect, old, new),
            new.c.last_confirmed_at,
            RUNS.c.started_at.label(names.name("run_at")),
            new.c.run_id,
            new.c.entity_id,
        )
        .select_from(new.outerjoin(old, before).outerjoin(RUNS, RUNS.c.run_id == new.c.run_id))
        .where(_lasting(new), _differs(new, old), _told(entity, new))
    )
    next_one = table.alias("next")
    follows = sa.exists().where(_same_entity(next_one, old), _follows(next_one, old))
    ended = (
        sa.select(
            *_values(dialect, old, keys),
            sa.literal_column("'retired'").label(names.kind),
            old.c.valid_to.label(names.changed_at),
            *names.old_alone(dialect, old),
            old.c.last_confirmed_at,
            RUNS.c.started_at,
            old.c.run_id,
            old.c.entity_id,
        )
        .select_from(old.outerjoin(RUNS, RUNS.c.run_id == old.c.run_id))
        .where(old.c.valid_to.is_not(None), _lasting(old), ~follows)
    )
    return sa.union_all(begun, ended)


def _child_changes(
    entity: EntityTables, table: sa.Table, columns: Sequence[Column], dialect: Dialect
) -> sa.SelectBase:
    """A row for each child row that began, and one where it ended and no other followed."""
    new, old, parent = table.alias("new"), table.alias("old"), entity.versions.alias("parent")
    keys = _keys(columns)
    before = sa.and_(_same_entity(new, old), _same_child(new, old), _follows(new, old))
    ours = _names(columns, _keys(entity.declaration.columns))
    parent_key = _parent_key(dialect, entity, parent, columns, ours)
    names = _ChangeNames(ours, _others(columns))
    begun = (
        sa.select(
            *parent_key,
            *_values(dialect, new, keys),
            _kind(old, "added").label(names.kind),
            new.c.valid_from.label(names.changed_at),
            *names.both(dialect, old, new),
            new.c.entity_id,
            new.c.child_id,
        )
        .select_from(new.join(parent, _version_of(new, parent)).outerjoin(old, before))
        .where(_lasting(new), _differs(new, old), _told(entity, parent))
    )
    next_one = table.alias("next")
    same = _same_entity(next_one, old), _same_child(next_one, old)
    follows = sa.exists().where(*same, _follows(next_one, old))
    ended = (
        sa.select(
            *parent_key,
            *_values(dialect, old, keys),
            sa.literal_column("'removed'").label(names.kind),
            old.c.valid_to.label(names.changed_at),
            *names.old_alone(dialect, old),
            old.c.entity_id,
            old.c.child_id,
        )
        .select_from(old.join(parent, _version_of(old, parent)))
        .where(old.c.valid_to.is_not(None), _lasting(old), ~follows)
    )
    return sa.union_all(begun, ended)


class _ChangeNames:
    """The names of the columns of a view of changes that both of its halves have."""

    def __init__(self, names: OurNames, others: Sequence[Column]) -> None:
        """`others`: the columns that are in no key."""
        self.name = names.name
        self.kind = names.name("kind")
        self.changed_at = names.name("changed_at")
        self._others = [
            (column, names.name(f"old_{column.name}"), names.name(f"new_{column.name}"))
            for column in others
        ]

    def both(
        self, dialect: Dialect, old: FromClause, new: FromClause
    ) -> Iterator[ColumnElement[object]]:
        """What each field was before and what it is after."""
        for column, old_name, new_name in self._others:
            yield _value(dialect, old, column).label(old_name)
            yield _value(dialect, new, column).label(new_name)

    def old_alone(self, dialect: Dialect, old: FromClause) -> Iterator[ColumnElement[object]]:
        """The same where nothing is after."""
        for column, old_name, new_name in self._others:
            value = _value(dialect, old, column)
            yield value.label(old_name)
            yield sa.cast(sa.null(), value.type).label(new_name)


def _keys(columns: Iterable[Column]) -> list[Column]:
    return [c for c in columns if c.role is Role.KEY]


def _others(columns: Iterable[Column]) -> list[Column]:
    return [c for c in columns if c.role is not Role.KEY]


def _parent_key(
    dialect: Dialect,
    entity: EntityTables,
    versions: FromClause,
    columns: Sequence[Column],
    names: OurNames,
) -> list[ColumnElement[object]]:
    """The entity's key; a name that the child has too is prefixed with the entity's table."""
    taken = {column.name.lower() for column in columns}
    return [
        _value(dialect, versions, c).label(
            names.name(f"{entity.declaration.table}_{c.name}")
            if c.name.lower() in taken
            else c.name
        )
        for c in _keys(entity.declaration.columns)
    ]


def _kind(old: FromClause, first: str) -> ColumnElement[object]:
    absent: ColumnElement[str] = sa.literal_column(f"'{first}'")
    changed: ColumnElement[str] = sa.literal_column("'changed'")
    return sa.case((old.c.entity_id.is_(None), absent), else_=changed)


def _lasting(table: FromClause) -> ColumnElement[bool]:
    return sa.or_(table.c.valid_to.is_(None), table.c.valid_to > table.c.valid_from)


def _differs(new: FromClause, old: FromClause) -> ColumnElement[bool]:
    """There is no `old` row, or its content is another; release 0.1.0 wrote equal ones too."""
    return sa.or_(old.c.entity_id.is_(None), old.c.content_hash != new.c.content_hash)


def _same_entity(one: FromClause, other: FromClause) -> ColumnElement[bool]:
    return one.c.entity_id == other.c.entity_id


def _same_child(one: FromClause, other: FromClause) -> ColumnElement[bool]:
    return one.c.child_id == other.c.child_id


def _follows(new: FromClause, old: FromClause) -> ColumnElement[bool]:
    """`old` ends where `new` begins.  The ids, which sort by time, let the primary key be used."""
    return sa.and_(
        old.c.valid_to == new.c.valid_from,
        old.c.valid_from < new.c.valid_from,
        old.c.snapshot_id < new.c.snapshot_id,
        _lasting(new),
    )


def _version_of(child: FromClause, parent: FromClause) -> ColumnElement[bool]:
    return sa.and_(
        parent.c.entity_id == child.c.entity_id, parent.c.snapshot_id == child.c.snapshot_id
    )
