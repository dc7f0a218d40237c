"""What a class that has changed makes of its tables.  Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import sqlalchemy as sa

from scrapy_snapshot_pipeline.declaration.tables import Column, Declaration, Kind
from scrapy_snapshot_pipeline.evolution.rules import refused_changes
from scrapy_snapshot_pipeline.evolution.shapes import Shape, find_shape, union
from scrapy_snapshot_pipeline.store.schema.stored import StoredSchema
from scrapy_snapshot_pipeline.store.schema.tables import (
    EntityTables,
    StoredShape,
    entity_tables,
)

_LIMITED = (Kind.TEXT, Kind.DECIMAL, Kind.FLOAT)


class Evolution(NamedTuple):
    """A class whose shape is new to tables that are there."""

    before: Declaration
    """What the tables hold."""
    after: Declaration
    """What they will hold."""
    shapes: tuple[Shape, ...]
    """Those to record: the new one, and with the first change the one that was there."""
    known: tuple[Shape, ...]
    """All, the new one among them."""
    tables: EntityTables
    """All that will be there, with the columns of every shape."""

    def new_columns(self) -> Iterator[sa.Column[object]]:
        """The columns that tables which are there lack."""
        known = _columns(self.before)
        for table in self.tables.all:
            if table.name in known:
                own = _columns(self.after)[table.name]
                yield from (table.c[name] for name in own if name not in known[table.name])

    def wider_columns(self) -> Iterator[sa.Column[object]]:
        """The columns that take longer values than the tables do by now."""
        before, after = _columns(self.before), _columns(self.after)
        for table in self.tables.all:
            for name, column in after[table.name].items():
                stored = before.get(table.name, {}).get(name)
                if stored is not None and _limits(stored) != _limits(column):
                    yield table.c[name]


def evolution_of(stored: StoredSchema, declared: Declaration) -> Evolution | None:
    """How `declared` changes what is stored; None where its shape is known, or may not be stored.

    None as well for tables that are not there yet.
    """
    before = stored.declarations().get(declared.table)
    known = _known_shapes(stored, before)
    if before is None or find_shape(known, declared) or refused_changes(before, declared):
        return None
    new = Shape(max(shape.number for shape in known) + 1, declared)
    recorded = declared.table in stored.shapes
    after = union(before, declared)
    shapes = {each.number: each.declaration for each in (*known, new)}
    tables = entity_tables(after, sa.MetaData(), StoredShape(new.number, shapes))
    to_record = (new,) if recorded else (*known, new)
    return Evolution(before, after, to_record, (*known, new), tables)


def with_shape(stored: StoredSchema, entity: EntityTables) -> EntityTables:
    """The tables as they will be written, once the plan for them was carried out."""
    declared = entity.declaration
    evolution = evolution_of(stored, declared)
    holds = stored.declarations().get(declared.table, declared)
    shapes = _known_shapes(stored, holds)
    if evolution is not None:
        holds, shapes = evolution.after, list(evolution.known)
    found = find_shape(shapes, declared) or Shape(1, declared)
    by_number = {each.number: each.declaration for each in shapes}
    shape = StoredShape(found.number, by_number, _others(holds, declared))
    return entity_tables(declared, sa.MetaData(), shape)


def _known_shapes(stored: StoredSchema, before: Declaration | None) -> list[Shape]:
    if before is None:
        return []
    if before.table not in stored.tables:
        return [Shape(1, before)]
    return list(stored.shapes.get(before.table, ())) or [Shape(1, before)]


def _others(holds: Declaration, declared: Declaration) -> dict[str, tuple[str, ...]]:
    own = _columns(declared)
    return {
        table: tuple(name for name in columns if name not in own[table])
        for table, columns in _columns(holds).items()
        if table in own
    }


def _columns(declaration: Declaration) -> Mapping[str, Mapping[str, Column]]:
    """The columns of each table by name."""
    tables = [(declaration.table, declaration.columns)]
    tables += [(child.name, child.columns) for child in declaration.children]
    return {table: {column.name: column for column in columns} for table, columns in tables}


def _limits(column: Column) -> tuple[int | None, int | None] | None:
    """What the type of the column limits; None where no type does."""
    return (column.length, column.precision) if column.kind in _LIMITED else None
