"""What must be done before a crawl can write: planned from what is stored and what is declared.

Pure: the database is looked at, and the steps are run, in `create`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import sqlalchemy as sa

from scrapy_snapshot_pipeline.declaration.catalog import describe, kinds
from scrapy_snapshot_pipeline.store.schema.tables import SCHEMA_VERSION, SYSTEM, EntityTables
from scrapy_snapshot_pipeline.store.schema.views import View, entity_views


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
    views: frozenset[str] = frozenset()
    catalogue: Mapping[str, CatalogueEntry] = field(default_factory=dict)
    """By table."""
    max_columns: int | None = None
    """How many columns a table or a view can have; None: nobody knows of a limit."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Do nothing, since a crawl must not write into these tables."""

    reason: str
    """What is wrong, where, and what the user can do about it."""


@dataclass(frozen=True, slots=True)
class CreateTable:
    """Create a table and its indexes."""

    table: sa.Table


@dataclass(frozen=True, slots=True)
class AddColumn:
    """Add a nullable column to a table that an older release created."""

    column: sa.Column[object]


@dataclass(frozen=True, slots=True)
class SetStorage:
    """Set how the database lays out an entity's versions on disk."""

    entity: EntityTables


@dataclass(frozen=True, slots=True)
class MakeView:
    """Create a view."""

    view: View
    replace: bool
    """Drop an old view of this name first."""


@dataclass(frozen=True, slots=True)
class Record:
    """Record in the catalogue what a table was created for."""

    table: str
    entry: CatalogueEntry
    replace: bool = False
    """There is an entry from an older release."""


Step: TypeAlias = Refuse | CreateTable | AddColumn | SetStorage | MakeView | Record

SYSTEM_ENTRY = "snapshot_runs"
"""The entry in the catalogue that holds the version of the system tables.

Release 0.1.0 wrote none; its tables are of version 1."""
_NO_COLUMNS = "{}"


def schema_plan(
    stored: StoredSchema, declared: Sequence[EntityTables], *, create: bool = True
) -> list[Step]:
    """The steps, in order, after which a crawl can write into the `declared` tables.

    None where all is there already; a single Refuse where a table is not as declared, was made by a
    newer release, or is missing and `create` is off.
    """
    reason = next(_reasons_to_refuse(stored, declared, create=create), None)
    if reason is not None:
        return [Refuse(reason)]
    missing = _missing(stored, declared)
    new = {table.name for table in missing}
    # Other views are not looked at: a role that may not create one must still be able to crawl.
    fresh = [entity for entity in declared if entity.versions.name in new]
    return [
        *map(CreateTable, missing),
        *map(AddColumn, _lacking_columns(stored)),
        *map(SetStorage, fresh),
        *_views(stored, fresh, new),
        *(
            Record(name, CatalogueEntry(SCHEMA_VERSION, text))
            for name, text in sorted(_texts(declared).items())
            if name in new
        ),
        *_system_version(stored),
    ]


def _lacking_columns(stored: StoredSchema) -> list[sa.Column[object]]:
    """What this release adds to the system tables of an older one."""
    return [
        column
        for table in SYSTEM.sorted_tables
        for column in table.columns
        if column.nullable and column.name not in stored.columns.get(table.name, _names(table))
    ]


def _system_version(stored: StoredSchema) -> Iterator[Record]:
    entry = stored.catalogue.get(SYSTEM_ENTRY)
    if entry is None or entry.version < SCHEMA_VERSION:
        current = CatalogueEntry(SCHEMA_VERSION, _NO_COLUMNS)
        yield Record(SYSTEM_ENTRY, current, replace=entry is not None)


def _missing(stored: StoredSchema, declared: Sequence[EntityTables]) -> list[sa.Table]:
    tables = (table for entity in declared for table in entity.all)
    return [t for t in (*SYSTEM.sorted_tables, *tables) if t.name not in stored.tables]


def _texts(declared: Sequence[EntityTables]) -> dict[str, str]:
    """What to record of each declared table."""
    return {
        name: text for entity in declared for name, text in describe(entity.declaration).items()
    }


def _views(
    stored: StoredSchema, fresh: Sequence[EntityTables], new: set[str]
) -> Iterator[MakeView]:
    """Those whose names no table has, and that are not too wide: some have a column twice."""
    for view in (view for entity in fresh for view in entity_views(entity)):
        taken = view.name in stored.tables or view.name in new
        if not taken and (stored.max_columns is None or view.width <= stored.max_columns):
            yield MakeView(view, replace=view.name in stored.views)


def _reasons_to_refuse(
    stored: StoredSchema, declared: Sequence[EntityTables], *, create: bool
) -> Iterator[str]:
    """The first one counts: the later ones may only follow from it."""
    yield from _newer_versions(stored)
    yield from _unfit_system_tables(stored)
    there = [t for entity in declared for t in entity.all if t.name in stored.tables]
    yield from _other_columns(stored, there)
    yield from _old_system_tables(stored, create=create)
    missing = _missing(stored, declared)
    if missing and not create:
        names = ", ".join(table.name for table in missing)
        yield (
            f"the database lacks the table(s) {names}, and SNAPSHOT_CREATE_TABLES is off; create "
            "them with `scrapy snapshots init` under a role that may, or from "
            "`scrapy snapshots init --sql`"
        )
    yield from _too_wide(stored, missing)
    texts = _texts(declared)
    for table in there:
        yield from _other_kinds(stored, table.name, texts[table.name])


def _newer_versions(stored: StoredSchema) -> Iterator[str]:
    for name, entry in sorted(stored.catalogue.items()):
        if entry.version > SCHEMA_VERSION:
            yield (
                f"table {name} was created in version {entry.version} of the schema, and this "
                f"release of scrapy-snapshot-pipeline writes version {SCHEMA_VERSION}; upgrade it, "
                "or use another database"
            )


def _old_system_tables(stored: StoredSchema, *, create: bool) -> Iterator[str]:
    lacking = frozenset(column.name for column in _lacking_columns(stored))
    if lacking and not create:
        yield (
            f"the system tables are those of an older release and lack {_listed(lacking)}, and "
            "SNAPSHOT_CREATE_TABLES is off; run `scrapy snapshots init` under a role that may "
            "alter them"
        )


def _unfit_system_tables(stored: StoredSchema) -> Iterator[str]:
    for table in SYSTEM.sorted_tables:
        required = frozenset(column.name for column in table.columns if not column.nullable)
        lacking = required - stored.columns.get(table.name, required)
        if lacking:
            yield (
                f"table {table.name} is there, but lacks {_listed(lacking)}; add what was removed "
                "from it, or use another database"
            )


def _other_columns(stored: StoredSchema, there: Sequence[sa.Table]) -> Iterator[str]:
    for table in there:
        names, found = _names(table), stored.columns[table.name]
        faults = [f"lacks {_listed(names - found)}"] if names - found else []
        if found - names:
            faults.append(f"also has {_listed(found - names)}")
        if faults:
            yield (
                f"table {table.name} is there with other columns: it {' and '.join(faults)}; alter "
                "it, or give the declaration another table name"
            )


def _too_wide(stored: StoredSchema, missing: Sequence[sa.Table]) -> Iterator[str]:
    limit = stored.max_columns
    for table in missing:
        if limit is not None and len(table.columns) > limit:
            yield (
                f"table {table.name} would have {len(table.columns):,} columns, our own among "
                f"them, and the database takes {limit:,} in a table; put some of the fields into "
                "one field of type dict, which is one column"
            )


def _other_kinds(stored: StoredSchema, table: str, declared: str) -> Iterator[str]:
    entry = stored.catalogue.get(table)
    known = kinds(entry.columns) if entry is not None else {}
    for column, kind in kinds(declared).items():
        if known.get(column, kind) != kind:
            yield (
                f"table {table}: column {column} was created for {known[column]} values and is "
                f"now declared as {kind}; restore the annotation, or give the declaration "
                "another table name"
            )


def _names(table: sa.Table) -> frozenset[str]:
    return frozenset(column.name for column in table.columns)


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
