"""The tables of the declarations and of the plugin itself, as SQLAlchemy objects.

The same schema serves SQLite, PostgreSQL, and what speaks PostgreSQL.  `entity_id` comes first in
every primary key and unique index, so that the tables can be distributed by it; and there is no
sequence, no identity column and no server clock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from scrapy_snapshot_pipeline.declaration.tables import ChildTable, Column, Declaration, Role
from scrapy_snapshot_pipeline.records import COUNTERS
from scrapy_snapshot_pipeline.store.schema.types import (
    Digest,
    PortableUuid,
    UtcDateTime,
    column_type,
)

SCHEMA_VERSION = 2
"""The version of the system columns and tables; stored in `snapshot_schema`."""

SHAPE_COLUMNS = ("snapshot_shape", "snapshot_extended")
"""What tables of older releases lack; child tables have the first one only."""

_MAX_IDENTIFIER = 63
"""Bytes of a name; PostgreSQL cuts longer ones silently."""
_FILLFACTOR = 80
"""Percent of each page that PostgreSQL fills with new rows.  The rest lets a confirmation stay on
its page (a HOT update), so that it touches no index."""


@dataclass(frozen=True, slots=True)
class StoredShape:
    """How a declaration stands to the shapes that its tables hold."""

    number: int
    """That of the declaration."""
    shapes: Mapping[int, Declaration]
    """All of them, by number."""
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By table: stored columns of ours that the declaration does not have."""


FIRST_SHAPE = StoredShape(1, {})
"""That of tables whose class has never changed."""


@dataclass(frozen=True, slots=True)
class EntityTables:
    """The tables of one declaration."""

    declaration: Declaration
    versions: sa.Table
    children: tuple[sa.Table, ...]
    """In the order of the declaration's child tables."""
    shape: StoredShape | None = None
    """None: the columns that name the shapes of rows are not known to be there."""

    @property
    def all(self) -> tuple[sa.Table, ...]:
        """Parents first, as they must be created."""
        return (self.versions, *self.children)


def key_index(tables: EntityTables) -> sa.Index:
    """The index on the natural key of what is current."""
    name = object_name("ix", tables.versions.name, "key")
    return next(index for index in tables.versions.indexes if index.name == name)


def storage_ddl(tables: EntityTables, dialect: Dialect) -> list[str]:
    """The statements that set the storage of new `tables`; none where there is nothing to set."""
    if dialect.name != "postgresql":
        return []
    table = dialect.identifier_preparer.format_table(tables.versions)
    return [f"ALTER TABLE {table} SET (fillfactor = {_FILLFACTOR})"]


def entity_tables(
    declaration: Declaration, metadata: sa.MetaData, shape: StoredShape | None = FIRST_SHAPE
) -> EntityTables:
    """Build the tables of `declaration` into `metadata`, with all columns that it writes.

    `shape` None: leave out the columns that tables of older releases lack.
    """
    shaped = shape is not None
    versions = _version_table(declaration, metadata, shaped=shaped)
    children = tuple(
        _child_table(child, versions, metadata, shaped=shaped) for child in declaration.children
    )
    return EntityTables(declaration, versions, children, shape)


def _version_shape_columns() -> list[sa.Column[Any]]:
    return [*_child_shape_columns(), sa.Column("snapshot_extended", sa.Boolean(), nullable=True)]


def _child_shape_columns() -> list[sa.Column[Any]]:
    # NULL is the first shape, so that a class that never changes need not write it.
    return [sa.Column("snapshot_shape", sa.SmallInteger(), nullable=True)]


def _version_table(declaration: Declaration, metadata: sa.MetaData, *, shaped: bool) -> sa.Table:
    name = declaration.table
    table = sa.Table(
        name,
        metadata,
        sa.Column("entity_id", Digest(), nullable=False),
        sa.Column("snapshot_id", sa.BigInteger(), nullable=False, autoincrement=False),
        *_own_columns(declaration.columns),
        sa.Column("content_hash", sa.LargeBinary(16), nullable=False),
        sa.Column("valid_from", UtcDateTime(), nullable=False),
        sa.Column("last_confirmed_at", UtcDateTime(), nullable=False),
        sa.Column("valid_to", UtcDateTime(), nullable=True),
        sa.Column("run_id", PortableUuid(), nullable=False),
        *(_version_shape_columns() if shaped else ()),
        sa.PrimaryKeyConstraint("entity_id", "snapshot_id", name=object_name("pk", name)),
    )
    _current_index(table, object_name("uq", name, "current"), ["entity_id"], unique=True)
    key = [column.name for column in declaration.columns if column.role is Role.KEY]
    _current_index(table, object_name("ix", name, "key"), key, unique=False)
    # These two find what changed in a period.  A confirmation touches neither column.
    sa.Index(object_name("ix", name, "from"), table.c.valid_from)
    ended = table.c.valid_to.is_not(None)
    sa.Index(
        object_name("ix", name, "to"), table.c.valid_to, postgresql_where=ended, sqlite_where=ended
    )
    return table


def _child_table(
    child: ChildTable, versions: sa.Table, metadata: sa.MetaData, *, shaped: bool
) -> sa.Table:
    nested: list[sa.Column[Any]] = []
    if child.parent is not None:
        nested.append(sa.Column("parent_id", Digest(), nullable=False))
    table = sa.Table(
        child.name,
        metadata,
        sa.Column("entity_id", Digest(), nullable=False),
        sa.Column("child_id", Digest(), nullable=False),
        sa.Column("snapshot_id", sa.BigInteger(), nullable=False, autoincrement=False),
        *nested,
        *_own_columns(child.columns),
        sa.Column("content_hash", sa.LargeBinary(16), nullable=False),
        sa.Column("valid_from", UtcDateTime(), nullable=False),
        sa.Column("valid_to", UtcDateTime(), nullable=True),
        *(_child_shape_columns() if shaped else ()),
        sa.PrimaryKeyConstraint(
            "entity_id", "child_id", "snapshot_id", name=object_name("pk", child.name)
        ),
        sa.ForeignKeyConstraint(
            ["entity_id", "snapshot_id"],
            [versions.c.entity_id, versions.c.snapshot_id],
            name=object_name("fk", child.name, "version"),
        ),
    )
    ids = ["entity_id", "child_id"]
    _current_index(table, object_name("uq", child.name, "current"), ids, unique=True)
    return table


def _own_columns(columns: Iterable[Column]) -> list[sa.Column[Any]]:
    return [sa.Column(c.name, column_type(c), nullable=c.nullable) for c in columns]


def _current_index(table: sa.Table, name: str, columns: list[str], *, unique: bool) -> None:
    current = table.c.valid_to.is_(None)
    sa.Index(
        name,
        *(table.c[column] for column in columns),
        unique=unique,
        postgresql_where=current,
        sqlite_where=current,
    )


def object_name(*parts: str) -> str:
    """The parts joined, and shortened to what every database takes; still unique."""
    name = "_".join(parts)
    if len(name.encode()) <= _MAX_IDENTIFIER:
        return name
    digest = hashlib.blake2b(name.encode(), digest_size=4).hexdigest()
    start = name.encode()[: _MAX_IDENTIFIER - 9].decode(errors="ignore")
    return f"{start}_{digest}"


SYSTEM = sa.MetaData()

RUNS = sa.Table(
    "snapshot_runs",
    SYSTEM,
    sa.Column("run_id", PortableUuid(), primary_key=True),
    sa.Column("spider", sa.Text(), nullable=False),
    sa.Column("started_at", UtcDateTime(), nullable=False),
    sa.Column("finished_at", UtcDateTime(), nullable=True),
    sa.Column("status", sa.Text(), nullable=False),
    sa.Column("finish_reason", sa.Text(), nullable=True),
    *(sa.Column(name, sa.BigInteger(), nullable=False, default=0) for name in COUNTERS),
    # Since version 2.  What is added to a stored table must be nullable.
    sa.Column("kind", sa.Text(), nullable=True),
    sa.Column("resumes", PortableUuid(), nullable=True),
    sa.Column("seen", sa.Text(), nullable=True),
)
"""One row a run.

`status` is running, finished or incomplete.  A NULL `kind` is a crawl, as in version 1.  `resumes`
is the run whose JOBDIR this one goes on with.  `seen` is a JSON object of how many records each
table stored or confirmed, and NULL until the run has ended.
"""

SCHEMA = sa.Table(
    "snapshot_schema",
    SYSTEM,
    sa.Column("table_name", sa.Text(), primary_key=True),
    sa.Column("version", sa.Integer(), nullable=False),
    sa.Column("columns", sa.Text(), nullable=False),
)
"""What each table was created for, as `catalog` describes it."""

SHAPES = sa.Table(
    "snapshot_shapes",
    SYSTEM,
    sa.Column("table_name", sa.Text(), primary_key=True),
    sa.Column("shape", sa.Integer(), primary_key=True, autoincrement=False),
    sa.Column("declaration", sa.Text(), nullable=False),
    sa.Column("first_used_at", UtcDateTime(), nullable=True),
    sa.Column("last_used_at", UtcDateTime(), nullable=True),
)
"""The shapes of each entity's table, from its first change on: what a class declared of the entity
and its lists, as `catalog` describes it.  Before that there is one, which `snapshot_schema` has."""
