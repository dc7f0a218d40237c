"""Creating the tables and views that are missing, and printing the statements that would."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy import schema
from sqlalchemy.engine import Connection, Dialect

from scrapy_snapshot_pipeline.errors import SchemaMismatchError
from scrapy_snapshot_pipeline.store.schema.plan import (
    AddColumn,
    CatalogueEntry,
    CreateTable,
    MakeView,
    Record,
    Refuse,
    SetStorage,
    Step,
    StoredSchema,
    schema_plan,
)
from scrapy_snapshot_pipeline.store.schema.tables import (
    SCHEMA,
    SYSTEM,
    EntityTables,
    storage_ddl,
)
from scrapy_snapshot_pipeline.store.schema.views import entity_views


def ensure_schema(connection: Connection, tables: Sequence[EntityTables], *, create: bool) -> None:
    """Create what is missing and check what is there, inside the caller's transaction.

    Raises SchemaMismatchError where a table is not as its declaration or this release needs it, or
    is missing and may not be created.
    """
    for step in schema_plan(stored_schema(connection, tables), tables, create=create):
        apply_step(connection, step)


def stored_schema(connection: Connection, declared: Iterable[EntityTables]) -> StoredSchema:
    """What the database has of the system tables and the `declared` ones."""
    inspector = sa.inspect(connection)
    tables = frozenset(inspector.get_table_names())
    ours = (*SYSTEM.sorted_tables, *(table for entity in declared for table in entity.all))
    columns = {
        table.name: frozenset(column["name"] for column in inspector.get_columns(table.name))
        for table in ours
        if table.name in tables
    }
    return StoredSchema(
        tables,
        columns,
        frozenset(inspector.get_view_names()),
        _catalogue(connection, columns.get(SCHEMA.name, frozenset())),
    )


def apply_step(connection: Connection, step: Step) -> None:
    """Run a step of a plan; a Refuse raises SchemaMismatchError."""
    match step:
        case Refuse(reason):
            raise SchemaMismatchError(reason)
        case CreateTable(table):
            table.create(connection)
        case AddColumn(column):
            connection.exec_driver_sql(_add_column(connection.dialect, column))
        case SetStorage(entity):
            for statement in storage_ddl(entity, connection.dialect):
                connection.exec_driver_sql(statement)
        case MakeView():
            _make_view(connection, step)
        case Record():
            _record(connection, step)


def ddl(dialect: Dialect, tables: Iterable[EntityTables]) -> str:
    """The statements that create the system tables and `tables`, each ended by a semicolon."""
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


def _catalogue(connection: Connection, columns: frozenset[str]) -> dict[str, CatalogueEntry]:
    """Nothing where the table is missing, or is not one that this release can read."""
    if not columns.issuperset(column.name for column in SCHEMA.columns):
        return {}
    return {
        row.table_name: CatalogueEntry(row.version, row.columns)
        for row in connection.execute(sa.select(SCHEMA))
    }


def _record(connection: Connection, step: Record) -> None:
    if step.replace:
        connection.execute(SCHEMA.delete().where(SCHEMA.c.table_name == step.table))
    entry = step.entry
    connection.execute(
        SCHEMA.insert().values(table_name=step.table, version=entry.version, columns=entry.columns)
    )


def _make_view(connection: Connection, step: MakeView) -> None:
    if step.replace:
        quoted = connection.dialect.identifier_preparer.quote(step.view.name)
        connection.exec_driver_sql(f"DROP VIEW {quoted}")
    connection.exec_driver_sql(step.view.ddl(connection.dialect))


def _add_column(dialect: Dialect, column: sa.Column[object]) -> str:
    table = dialect.identifier_preparer.format_table(column.table)
    return f"ALTER TABLE {table} ADD COLUMN {schema.CreateColumn(column).compile(dialect=dialect)}"


def _table_ddl(dialect: Dialect, table: sa.Table) -> list[str]:
    indexes = sorted(table.indexes, key=lambda index: str(index.name))
    created = str(schema.CreateTable(table).compile(dialect=dialect)).strip()
    return [
        created,
        *(str(schema.CreateIndex(i).compile(dialect=dialect)).strip() for i in indexes),
    ]
