"""The statements that carry out a plan for the tables, and those that would create them all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import schema
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import CompileError
from sqlalchemy.sql.expression import ClauseElement

from scrapy_snapshot_pipeline.declaration.catalog import shape_text
from scrapy_snapshot_pipeline.errors import SchemaMismatchError
from scrapy_snapshot_pipeline.store.schema.plan import (
    AddColumn,
    AddShape,
    CreateTable,
    DropView,
    ForgetShapes,
    MakeView,
    Record,
    Refuse,
    SetStorage,
    Step,
    WidenColumn,
)
from scrapy_snapshot_pipeline.store.schema.refusals import names_of_the_database
from scrapy_snapshot_pipeline.store.schema.tables import (
    SCHEMA,
    SHAPES,
    SYSTEM,
    EntityTables,
    storage_ddl,
)
from scrapy_snapshot_pipeline.store.schema.views import entity_views

_POSTGRESQL_OWN = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})


def step_statements(dialect: Dialect, step: Step) -> list[str]:
    """The statements of a step of a plan, in order; a Refuse raises SchemaMismatchError.

    A statement has all values in it, and each % twice, as the driver wants it.
    """
    match step:
        case Refuse(reason):
            raise SchemaMismatchError(reason)
        case CreateTable(table):
            return _table_ddl(dialect, table)
        case AddColumn() | WidenColumn():
            return _column_ddl(dialect, step)
        case SetStorage(entity):
            return storage_ddl(entity, dialect)
        case DropView() | MakeView():
            return _view_ddl(dialect, step)
        case _:
            return [_with_values(dialect, _catalogue_statement(step))]


def _catalogue_statement(step: Record | AddShape | ForgetShapes) -> ClauseElement:
    match step:
        case AddShape(table, shape):
            text = shape_text(shape.declaration)
            return SHAPES.insert().values(table_name=table, shape=shape.number, declaration=text)
        case ForgetShapes(table):
            return SHAPES.delete().where(SHAPES.c.table_name == table)
        case Record(table, entry, is_there):
            values = {"version": entry.version, "columns": entry.columns}
            if is_there:
                return SCHEMA.update().where(SCHEMA.c.table_name == table).values(**values)
            return SCHEMA.insert().values(table_name=table, **values)


def _column_ddl(dialect: Dialect, step: AddColumn | WidenColumn) -> list[str]:
    preparer, column = dialect.identifier_preparer, step.column
    alter = f"ALTER TABLE {preparer.format_table(column.table)}"
    if isinstance(step, AddColumn):
        return [f"{alter} ADD COLUMN {schema.CreateColumn(column).compile(dialect=dialect)}"]
    if dialect.name == "sqlite":  # where the type of a column limits nothing
        return []
    name, own = preparer.format_column(column), column.type.compile(dialect=dialect)
    return [f"{alter} ALTER COLUMN {name} TYPE {own}"]


def _view_ddl(dialect: Dialect, step: DropView | MakeView) -> list[str]:
    name = step.name if isinstance(step, DropView) else step.view.name
    drop = f"DROP VIEW {dialect.identifier_preparer.quote(name)}"
    if isinstance(step, DropView):
        return [drop]
    return [*([drop] if step.replace else []), step.view.ddl(dialect)]


def ddl(dialect: Dialect, tables: Iterable[EntityTables]) -> str:
    """The statements that create the system tables and `tables`, each ended by a semicolon.

    Raises SchemaMismatchError for names and types that the database does not take.
    """
    tables = list(tables)
    for reason in names_of_the_database(own_columns(dialect), tables):
        raise SchemaMismatchError(reason)
    statements: list[str] = []
    for table in SYSTEM.sorted_tables:
        statements += _table_ddl(dialect, table)
    for entity in tables:
        statements += _table_ddl(dialect, entity.versions)
        statements += storage_ddl(entity, dialect)
        for child in entity.children:
            statements += _table_ddl(dialect, child)
        statements += [view.ddl(dialect) for view in entity_views(entity)]
    return ";\n\n".join(statements) + ";\n"


def own_columns(dialect: Dialect) -> frozenset[str]:
    return _POSTGRESQL_OWN if dialect.name == "postgresql" else frozenset()


def _with_values(dialect: Dialect, statement: ClauseElement) -> str:
    return str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def _table_ddl(dialect: Dialect, table: sa.Table) -> list[str]:
    for column in table.columns:
        _check_type(dialect, column)
    indexes = sorted(table.indexes, key=lambda index: str(index.name))
    created = str(schema.CreateTable(table).compile(dialect=dialect)).strip()
    return [
        created,
        *(str(schema.CreateIndex(i).compile(dialect=dialect)).strip() for i in indexes),
    ]


def _check_type(dialect: Dialect, column: sa.Column[Any]) -> None:
    try:
        column.type.compile(dialect=dialect)
    except CompileError:
        name = type(column.type).__name__
        raise SchemaMismatchError(
            f"column {column.name} of table {column.table.name} has the SQL type {name}, which "
            f"{dialect.name} does not have; use another one, or give it a variant for "
            f'{dialect.name}, as in String().with_variant({name}(), "postgresql")'
        ) from None
