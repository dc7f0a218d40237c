"""The tables of the declarations and of the plugin itself, as SQLAlchemy objects.

The same schema serves SQLite, PostgreSQL, and what speaks PostgreSQL.  `entity_id` comes first in
every primary key and unique index, so that the tables can be distributed by it; and there is no
sequence, no identity column and no server clock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
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

_MAX_IDENTIFIER = 63
"""Bytes of a name; PostgreSQL cuts longer ones silently."""
_FILLFACTOR = 80
"""Percent of each page that PostgreSQL fills with new rows.  The rest lets a confirmation stay on
its page (a HOT update), so that it touches no index."""


@dataclass(frozen=True, slots=True)
class EntityTables:
    """The tables of one declaration."""

    declaration: Declaration
    versions: sa.Table
    children: tuple[sa.Table, ...]
    """In the order of the declaration's child tables."""

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


def entity_tables(declaration: Declaration, metadata: sa.MetaData) -> EntityTables:
    """Build the tables of `declaration` into `metadata`."""
    versions = _version_table(declaration, metadata)
    children = tuple(_child_table(child, versions, metadata) for child in declaration.children)
    return EntityTables(declaration, versions, children)


def _version_table(declaration: Declaration, metadata: sa.MetaData) -> sa.Table:
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


def _child_table(child: ChildTable, versions: sa.Table, metadata: sa.MetaData) -> sa.Table:
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
