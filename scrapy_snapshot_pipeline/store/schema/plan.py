"""What must be done before a crawl can write: planned from what is stored and what is declared.

Pure: the database is looked at, and the steps are run, in `create`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import sqlalchemy as sa

from scrapy_snapshot_pipeline.declaration.catalog import describe, labelled
from scrapy_snapshot_pipeline.store.schema.refusals import reasons_to_refuse
from scrapy_snapshot_pipeline.store.schema.stored import (
    SYSTEM_ENTRY,
    CatalogueEntry,
    StoredSchema,
    lacking_columns,
    missing_tables,
)
from scrapy_snapshot_pipeline.store.schema.tables import SCHEMA_VERSION, EntityTables
from scrapy_snapshot_pipeline.store.schema.views import View, entity_views


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
    """There is an entry: of an older release, or of a table that was dropped."""


Step: TypeAlias = Refuse | CreateTable | AddColumn | SetStorage | MakeView | Record

_NO_COLUMNS = "{}"


def schema_plan(
    stored: StoredSchema, declared: Sequence[EntityTables], *, create: bool = True
) -> list[Step]:
    """The steps, in order, after which a crawl can write into the `declared` tables.

    None where all is there already; a single Refuse where a table is not as declared, was made by a
    newer release, or is missing and `create` is off.
    """
    reason = next(reasons_to_refuse(stored, declared, create=create), None)
    if reason is not None:
        return [Refuse(reason)]
    missing = missing_tables(stored, declared)
    new = {table.name for table in missing}
    # Other views are not looked at: a role that may not create one must still be able to crawl.
    fresh = [entity for entity in declared if entity.versions.name in new]
    return [
        *map(CreateTable, missing),
        *map(AddColumn, lacking_columns(stored)),
        *map(SetStorage, fresh),
        *_views(stored, fresh, new),
        *(
            Record(name, CatalogueEntry(SCHEMA_VERSION, text), replace=name in stored.catalogue)
            for name, text in sorted(_texts(declared).items())
            if name in new or name not in stored.catalogue
        ),
        *_other_labels(stored, declared, new),
        *_system_version(stored),
    ]


def _system_version(stored: StoredSchema) -> Iterator[Record]:
    entry = stored.catalogue.get(SYSTEM_ENTRY)
    if entry is None or entry.version < SCHEMA_VERSION:
        current = CatalogueEntry(SCHEMA_VERSION, _NO_COLUMNS)
        yield Record(SYSTEM_ENTRY, current, replace=entry is not None)


def _other_labels(
    stored: StoredSchema, declared: Sequence[EntityTables], new: set[str]
) -> Iterator[Record]:
    """A label says nothing of what is stored, so it may change at any time."""
    for entity in declared:
        name = entity.versions.name
        entry = stored.catalogue.get(name)
        if entry is None or name in new:
            continue
        text = labelled(entry.columns, entity.declaration.label)
        if text != entry.columns:
            yield Record(name, replace(entry, columns=text), replace=True)


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
