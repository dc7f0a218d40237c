"""What a database has, as far as a plan for its tables depends on it.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from scrapy_snapshot_pipeline.declaration.catalog import declarations
from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.evolution.shapes import Shape
from scrapy_snapshot_pipeline.store.schema.tables import (
    FIRST_SHAPE,
    SHAPE_COLUMNS,
    SYSTEM,
    EntityTables,
    entity_tables,
)

SYSTEM_ENTRY = "snapshot_runs"
"""The entry in the catalogue that holds the version of the system tables.

Release 0.1.0 wrote none; its tables are of version 1."""


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A row of `snapshot_schema`."""

    version: int
    """The SCHEMA_VERSION of the release that created the table."""
    columns: str
    """What the table was created for, as `catalog` describes it."""


@dataclass(frozen=True, slots=True)
class StoredSchema:
    """What the database has, as far as a plan depends on it."""

    tables: frozenset[str] = frozenset()
    """All of them, whoever made them."""
    columns: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Of the system tables and the declared tables that are there, by table."""
    required: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Those columns that must not be NULL and have no default, by table."""
    views: frozenset[str] = frozenset()
    catalogue: Mapping[str, CatalogueEntry] = field(default_factory=dict)
    """By table."""
    shapes: Mapping[str, Sequence[Shape]] = field(default_factory=dict)
    """By the entity's table; none of a table that has had a single one."""
    max_columns: int | None = None
    """How many columns a table or a view can have; None: nobody knows of a limit."""
    other_schema: str | None = None
    """The schema of the system tables, where that is not the one in which tables are created."""
    own_columns: frozenset[str] = frozenset()
    """Names of columns that the database gives to every table."""

    def declarations(self) -> dict[str, Declaration]:
        """What the tables of entities that are there hold, by the entity's table.

        A list's table may be gone; one that the catalogue does not know is not in it.
        """
        texts = {
            name: entry.columns for name, entry in self.catalogue.items() if name != SYSTEM_ENTRY
        }
        return {known.table: known for known in declarations(texts) if known.table in self.tables}


def lacking_columns(stored: StoredSchema) -> list[sa.Column[object]]:
    """What this release adds to the system tables of an older one."""
    return [
        column
        for table in SYSTEM.sorted_tables
        for column in table.columns
        if column.nullable
        and column.name not in stored.columns.get(table.name, column_names(table))
    ]


def lacking_shape_columns(
    stored: StoredSchema, declared: Iterable[EntityTables]
) -> list[sa.Column[object]]:
    """The columns that name the shapes of rows, in the tables of an older release.

    Of all tables that are there, those of lists too that the class no longer has.
    """
    known, lacking = stored.declarations(), []
    for entity in declared:
        holds = known.get(entity.declaration.table, entity.declaration)
        for table in entity_tables(holds, sa.MetaData(), FIRST_SHAPE).all:
            there = stored.columns.get(table.name, frozenset(SHAPE_COLUMNS))
            lacking += [c for c in table.columns if c.name in SHAPE_COLUMNS and c.name not in there]
    return lacking


def missing_tables(stored: StoredSchema, declared: Sequence[EntityTables]) -> list[sa.Table]:
    """The system tables and the declared ones that are not there; parents first."""
    tables = (table for entity in declared for table in entity.all)
    return [t for t in (*SYSTEM.sorted_tables, *tables) if t.name not in stored.tables]


def column_names(table: sa.Table) -> frozenset[str]:
    """Of what is declared."""
    return frozenset(column.name for column in table.columns)
