"""Creating the tables, and refusing tables that are there with other columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.schema import CreateIndex, CreateTable

from scrapy_snapshot_pipeline.errors import SchemaMismatchError
from scrapy_snapshot_pipeline.schema import SCHEMA, SCHEMA_VERSION, SYSTEM, EntityTables


def provision(connection: Connection, tables: Sequence[EntityTables], *, create: bool) -> None:
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
    _check(connection, tables, {table.name for table in missing})


def ddl(dialect: Dialect, tables: Iterable[EntityTables]) -> str:
    """The statements that create the system tables and `tables`, each ended by a semicolon."""
    statements: list[str] = []
    for table in [*SYSTEM.sorted_tables, *(t for entity in tables for t in entity.all)]:
        statements.append(str(CreateTable(table).compile(dialect=dialect)).strip())
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        statements.extend(str(CreateIndex(i).compile(dialect=dialect)).strip() for i in indexes)
    return ";\n\n".join(statements) + ";\n"


def _missing(tables: Sequence[sa.Table]) -> str:
    names = ", ".join(table.name for table in tables)
    return (
        f"the database lacks the table(s) {names}, and SNAPSHOT_CREATE_TABLES is off; create them "
        "with `scrapy snapshots init` under a role that may, or from `scrapy snapshots init --sql`"
    )


def _check(connection: Connection, tables: Sequence[EntityTables], new: set[str]) -> None:
    kinds = _kinds(tables)
    for name in sorted(new & set(kinds)):
        connection.execute(
            SCHEMA.insert().values(
                table_name=name, version=SCHEMA_VERSION, columns=json.dumps(kinds[name])
            )
        )
    old = [table for entity in tables for table in entity.all if table.name not in new]
    stored = {row.table_name: json.loads(row.columns) for row in connection.execute(SCHEMA.select())}
    for table in old:
        _check_kinds(table.name, stored.get(table.name, {}), kinds[table.name])


def _kinds(tables: Iterable[EntityTables]) -> dict[str, dict[str, str]]:
    kinds: dict[str, dict[str, str]] = {}
    for entity in tables:
        declaration = entity.declaration
        columns = [declaration.columns, *(child.columns for child in declaration.children)]
        for table, own in zip(entity.all, columns, strict=True):
            kinds[table.name] = {column.name: column.kind.value for column in own}
    return kinds


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
