"""Creating the tables and views that are missing, and printing the statements that would."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import schema
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.exc import CompileError
from sqlalchemy.sql.expression import ClauseElement
from sqlalchemy.types import SchemaType

from scrapy_snapshot_pipeline.errors import SchemaMismatchError
from scrapy_snapshot_pipeline.store.schema.plan import (
    AddColumn,
    CreateTable,
    MakeView,
    Record,
    Refuse,
    SetStorage,
    Step,
    schema_plan,
)
from scrapy_snapshot_pipeline.store.schema.refusals import names_of_the_database
from scrapy_snapshot_pipeline.store.schema.stored import CatalogueEntry, StoredSchema
from scrapy_snapshot_pipeline.store.schema.tables import (
    SCHEMA,
    SYSTEM,
    EntityTables,
    storage_ddl,
)
from scrapy_snapshot_pipeline.store.schema.views import entity_views

_POSTGRESQL_COLUMNS = 1_600
_SQLITE_COLUMNS = 2_000
"""The most in a table or a view; of SQLite unless it was built with another limit."""
_POSTGRESQL_OWN = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})
_LIMIT_COLUMN = 2  # sqlite3.SQLITE_LIMIT_COLUMN, which Python 3.10 lacks

_OTHER_SCHEMA = """
SELECT n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass('snapshot_schema') AND n.nspname <> current_schema()
"""

_FIRST_TEXT = 25
"""Statements in the first text, which show how fast the server is: while it works on a text, it
cannot be told from one that is frozen."""
_QUICK = 1.0
"""Seconds; where a text takes less, the next one has four times as many statements."""


def ensure_schema(connection: Connection, tables: Sequence[EntityTables], *, create: bool) -> None:
    """Create what is missing and check what is there, inside the caller's transaction.

    Raises SchemaMismatchError where a table is not as its declaration or this release needs it, or
    is missing and may not be created.
    """
    steps = schema_plan(stored_schema(connection, tables), tables, create=create)
    _create_types(connection, steps)
    statements = [text for step in steps for text in step_statements(connection.dialect, step)]
    _run(connection, statements)


def stored_schema(connection: Connection, declared: Iterable[EntityTables]) -> StoredSchema:
    """What the database has of the system tables and the `declared` ones."""
    inspector = sa.inspect(connection)
    tables = frozenset(inspector.get_table_names())
    ours = (*SYSTEM.sorted_tables, *(table for entity in declared for table in entity.all))
    there = [table.name for table in ours if table.name in tables]
    columns = {
        name: frozenset(column["name"] for column in stored)
        for name, stored in columns_of(connection, there).items()
    }
    return StoredSchema(
        tables,
        columns,
        frozenset(inspector.get_view_names()),
        _catalogue(connection, columns.get(SCHEMA.name, frozenset())),
        _max_columns(connection),
        other_schema(connection),
        _own_columns(connection.dialect),
    )


def columns_of(connection: Connection, tables: Sequence[str]) -> dict[str, list[ReflectedColumn]]:
    """The stored columns of `tables`, which must be there; all of them in a few round trips."""
    if not tables:
        return {}  # SQLAlchemy takes an empty filter for none
    found = sa.inspect(connection).get_multi_columns(filter_names=tables)
    return {name: columns for (_, name), columns in found.items()}


def step_statements(dialect: Dialect, step: Step) -> list[str]:
    """The statements of a step of a plan, in order; a Refuse raises SchemaMismatchError.

    A statement has all values in it, and each % twice, as the driver wants it.
    """
    match step:
        case Refuse(reason):
            raise SchemaMismatchError(reason)
        case CreateTable(table):
            return _table_ddl(dialect, table)
        case AddColumn(column):
            return [_add_column(dialect, column)]
        case SetStorage(entity):
            return storage_ddl(entity, dialect)
        case MakeView():
            return _view_ddl(dialect, step)
        case Record():
            return _record(dialect, step)


def ddl(dialect: Dialect, tables: Iterable[EntityTables]) -> str:
    """The statements that create the system tables and `tables`, each ended by a semicolon.

    Raises SchemaMismatchError for names and types that the database does not take.
    """
    tables = list(tables)
    for reason in names_of_the_database(_own_columns(dialect), tables):
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


def _own_columns(dialect: Dialect) -> frozenset[str]:
    return _POSTGRESQL_OWN if dialect.name == "postgresql" else frozenset()


def _catalogue(connection: Connection, columns: frozenset[str]) -> dict[str, CatalogueEntry]:
    """Nothing where the table is missing, or is not one that this release can read."""
    if not columns.issuperset(column.name for column in SCHEMA.columns):
        return {}
    return {
        row.table_name: CatalogueEntry(row.version, row.columns)
        for row in connection.execute(sa.select(SCHEMA))
    }


def other_schema(connection: Connection) -> str | None:
    """The schema in which the search_path finds our catalogue; None where it is the first, or none.

    Tables are created in the first schema of the path, and looked for in all of them.
    """
    if connection.dialect.name != "postgresql":
        return None
    schema_name: str | None = connection.exec_driver_sql(_OTHER_SCHEMA).scalar()
    return schema_name


def _max_columns(connection: Connection) -> int:
    if connection.dialect.name != "sqlite":
        return _POSTGRESQL_COLUMNS
    raw: Any = connection.connection.driver_connection
    if not hasattr(raw, "getlimit"):  # Python 3.10
        return _SQLITE_COLUMNS
    limit: int = raw.getlimit(_LIMIT_COLUMN)
    return limit


def _create_types(connection: Connection, steps: Iterable[Step]) -> None:
    """Create what only a type of the user's own has: a type in the database, such as an enum."""
    for step in steps:
        if isinstance(step, CreateTable):
            for column in step.table.columns:
                if isinstance(column.type, SchemaType):
                    column.type.create(connection, checkfirst=True)


def _run(connection: Connection, statements: Sequence[str]) -> None:
    """Run statements that have no parameters; on a server many of them in one round trip."""
    if connection.dialect.name == "sqlite":  # which takes one at a time, and is not far
        for statement in statements:
            connection.exec_driver_sql(statement)
        return
    done, size = 0, _FIRST_TEXT
    while done < len(statements):
        began = time.monotonic()
        connection.exec_driver_sql(";\n".join(statements[done : done + size]))
        done += size
        if time.monotonic() - began < _QUICK:
            size *= 4


def _record(dialect: Dialect, step: Record) -> list[str]:
    values = {"version": step.entry.version, "columns": step.entry.columns}
    if step.replace:
        known = SCHEMA.update().where(SCHEMA.c.table_name == step.table).values(**values)
        return [_with_values(dialect, known)]
    return [_with_values(dialect, SCHEMA.insert().values(table_name=step.table, **values))]


def _with_values(dialect: Dialect, statement: ClauseElement) -> str:
    return str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def _view_ddl(dialect: Dialect, step: MakeView) -> list[str]:
    drop = f"DROP VIEW {dialect.identifier_preparer.quote(step.view.name)}"
    return [*([drop] if step.replace else []), step.view.ddl(dialect)]


def _add_column(dialect: Dialect, column: sa.Column[object]) -> str:
    table = dialect.identifier_preparer.format_table(column.table)
    return f"ALTER TABLE {table} ADD COLUMN {schema.CreateColumn(column).compile(dialect=dialect)}"


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
