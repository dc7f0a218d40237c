"""What must be done before a crawl can write: planned from what is stored and what is declared.

Pure: the database is looked at, and the steps are run, in `create`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import sqlalchemy as sa

from scrapy_snapshot_pipeline.declaration.catalog import describe, labelled
from scrapy_snapshot_pipeline.evolution.shapes import Shape
from scrapy_snapshot_pipeline.store.schema.evolution import (
    Evolution,
    evolution_of,
    with_shape,
)
from scrapy_snapshot_pipeline.store.schema.refusals import reasons_to_refuse
from scrapy_snapshot_pipeline.store.schema.stored import (
    SYSTEM_ENTRY,
    CatalogueEntry,
    StoredSchema,
    lacking_columns,
    lacking_shape_columns,
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
class WidenColumn:
    """Give a column the type that takes longer values too."""

    column: sa.Column[object]


@dataclass(frozen=True, slots=True)
class SetStorage:
    """Set how the database lays out an entity's versions on disk."""

    entity: EntityTables


@dataclass(frozen=True, slots=True)
class DropView:
    """Drop a view that is made again when its tables were altered."""

    name: str


@dataclass(frozen=True, slots=True)
class MakeView:
    """Create a view."""

    view: View
    replace: bool
    """Drop an old view of this name first."""


@dataclass(frozen=True, slots=True)
class AddShape:
    """Record a shape of an entity's tables."""

    table: str
    shape: Shape


@dataclass(frozen=True, slots=True)
class ForgetShapes:
    """Forget the shapes of tables that were dropped."""

    table: str


@dataclass(frozen=True, slots=True)
class Record:
    """Record in the catalogue what a table holds."""

    table: str
    entry: CatalogueEntry
    replace: bool = False
    """There is an entry: of an older release, or of a table that was dropped."""


Step: TypeAlias = (
    Refuse
    | CreateTable
    | AddColumn
    | WidenColumn
    | SetStorage
    | DropView
    | MakeView
    | AddShape
    | ForgetShapes
    | Record
)

_NO_COLUMNS = "{}"
_NO_VIEWS: frozenset[str] = frozenset()


def schema_plan(
    stored: StoredSchema,
    declared: Sequence[EntityTables],
    *,
    create: bool = True,
    evolve: bool = True,
) -> list[Step]:
    """The steps, in order, after which a crawl can write into the `declared` tables.

    None where all is there already; a single Refuse where a table is not as declared, was made by a
    newer release, or must be created while `create` is off, or altered while `create` or `evolve`
    is.
    """
    reason = next(reasons_to_refuse(stored, declared, create=create, evolve=evolve), None)
    if reason is not None:
        return [Refuse(reason)]
    declared = [with_shape(stored, entity) for entity in declared]
    evolutions = [e for d in declared if (e := evolution_of(stored, d.declaration)) is not None]
    missing = missing_tables(stored, declared)
    new = {table.name for table in missing}
    # Other views are not looked at: a role that may not create one must still be able to crawl.
    fresh = [entity for entity in declared if entity.versions.name in new]
    remade = replace(stored, views=_NO_VIEWS)
    return [
        *map(CreateTable, missing),
        *map(AddColumn, lacking_columns(stored)),
        *map(AddColumn, lacking_shape_columns(stored, declared)),
        *(step for evolution in evolutions for step in _altered(stored, evolution)),
        *map(SetStorage, fresh),
        *_views(stored, fresh, new),
        *_views(remade, [evolution.tables for evolution in evolutions], new),
        *_new_records(stored, declared, new),
        *(step for evolution in evolutions for step in _recorded(stored, evolution, new)),
        *(ForgetShapes(e.versions.name) for e in fresh if e.versions.name in stored.shapes),
        *_other_labels(stored, declared, new),
        *_system_version(stored),
    ]


def _new_records(
    stored: StoredSchema, declared: Sequence[EntityTables], new: set[str]
) -> Iterator[Record]:
    """Of tables that are made, and of those that nobody recorded."""
    for name, text in sorted(_texts(declared).items()):
        if name in new or name not in stored.catalogue:
            entry = CatalogueEntry(SCHEMA_VERSION, text)
            yield Record(name, entry, replace=name in stored.catalogue)


def _altered(stored: StoredSchema, evolution: Evolution) -> Iterator[Step]:
    """What tables that are there get.  A view on a column keeps it from getting another type."""
    there = stored.tables
    names = [view.name for view in entity_views(evolution.tables)]
    yield from (DropView(name) for name in names if name in stored.views)
    yield from (AddColumn(c) for c in evolution.new_columns() if c.table.name in there)
    yield from (WidenColumn(c) for c in evolution.wider_columns() if c.table.name in there)


def _recorded(stored: StoredSchema, evolution: Evolution, new: set[str]) -> Iterator[Step]:
    """What the catalogue says of these tables from now on."""
    for name, text in sorted(describe(evolution.after).items()):
        entry = stored.catalogue.get(name)
        if entry is not None and name not in new and entry.columns != text:
            yield Record(name, replace(entry, columns=text), replace=True)
    for shape in evolution.shapes:
        yield AddShape(evolution.after.table, shape)


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
        if text != entry.columns and evolution_of(stored, entity.declaration) is None:
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
