"""Creating the tables, and refusing tables that are there with other columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.schema import CreateIndex, CreateTable

from scrapy_snapshot_pipeline.declaration.catalog import describe, kinds
from scrapy_snapshot_pipeline.errors import SchemaMismatchError
from scrapy_snapshot_pipeline.store.schema.tables import (
    SCHEMA,
    SCHEMA_VERSION,
    SYSTEM,
    EntityTables,
    storage_ddl,
)
from scrapy_snapshot_pipeline.store.schema.views import view_ddl


def ensure_schema(connection: Connection, tables: Sequence[EntityTables], *, create: bool) -> None:
    """Create what is missing and check what is there, inside the caller's transaction.

    Raises SchemaMismatchError where a table has other columns than its declaration, or is missing
    and may not be created.
    """
    there = set(sa.inspect(connection).get_table_names())
    declared = [table for entity in tables for table in entity.all]
    for table in declared:
        if table.name in there:
            _check_names(connection, table)  # before others are made that refer to it
    missing = [table for table in (*SYSTEM.sorted_tables, *declared) if table.name not in there]
    if missing and not create:
        raise SchemaMismatchError(_missing(missing))
    for table in missing:
        table.create(connection)
    new = {table.name for table in missing}
    # With new tables only: a role that may not create must not fail for want of a view.
    fresh = [entity for entity in tables if entity.versions.name in new]
    for statement in (s for entity in fresh for s in storage_ddl(entity, connection.dialect)):
        connection.exec_driver_sql(statement)
    _create_views(connection, fresh, there | new)
    _check(connection, tables, new)


def _create_views(
    connection: Connection, tables: Iterable[EntityTables], taken: Collection[str]
) -> None:
    """Create the views whose names no table has; an old view of that name is replaced."""
    old = set(sa.inspect(connection).get_view_names())
    for entity in tables:
        for name, statement in view_ddl(connection.dialect, entity):
            if name in taken:
                continue
            if name in old:
                quoted = connection.dialect.identifier_preparer.quote(name)
                connection.exec_driver_sql(f"DROP VIEW {quoted}")
            connection.exec_driver_sql(statement)


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
        statements += [statement for _, statement in view_ddl(dialect, entity)]
    return ";\n\n".join(statements) + ";\n"


def _table_ddl(dialect: Dialect, table: sa.Table) -> list[str]:
    indexes = sorted(table.indexes, key=lambda index: str(index.name))
    created = str(CreateTable(table).compile(dialect=dialect)).strip()
    return [created, *(str(CreateIndex(i).compile(dialect=dialect)).strip() for i in indexes)]


def _missing(tables: Sequence[sa.Table]) -> str:
    names = ", ".join(table.name for table in tables)
    return (
        f"the database lacks the table(s) {names}, and SNAPSHOT_CREATE_TABLES is off; create them "
        "with `scrapy snapshots init` under a role that may, or from `scrapy snapshots init --sql`"
    )


def _check(connection: Connection, tables: Sequence[EntityTables], new: set[str]) -> None:
    texts = {n: text for entity in tables for n, text in describe(entity.declaration).items()}
    for name in sorted(new & set(texts)):
        row = {"table_name": name, "version": SCHEMA_VERSION, "columns": texts[name]}
        connection.execute(SCHEMA.insert().values(row))
    old = [table for entity in tables for table in entity.all if table.name not in new]
    stored = {row.table_name: row.columns for row in connection.execute(SCHEMA.select())}
    for table in old:
        _check_names(connection, table)
        known = kinds(stored[table.name]) if table.name in stored else {}
        _check_kinds(table.name, known, kinds(texts[table.name]))


def _check_names(connection: Connection, table: sa.Table) -> None:
    stored = {column["name"] for column in sa.inspect(connection).get_columns(table.name)}
    declared = {column.name for column in table.columns}
    if stored == declared:
        return
    faults = [f"lacks {', '.join(sorted(declared - stored))}"] if declared - stored else []
    if stored - declared:
        faults.append(f"has besides {', '.join(sorted(stored - declared))}")
    raise SchemaMismatchError(
        f"table {table.name} is there with other columns: it {' and '.join(faults)}; alter it, "
        "or give the declaration another table name"
    )


def _check_kinds(table: str, stored: dict[str, str], declared: dict[str, str]) -> None:
    for column, kind in declared.items():
        if stored.get(column, kind) != kind:
            raise SchemaMismatchError(
                f"table {table}: column {column} was created for {stored[column]} values and is "
                f"now declared as {kind}; restore the annotation, or give the declaration "
                "another table name"
            )
