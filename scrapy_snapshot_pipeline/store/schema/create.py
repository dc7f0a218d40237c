"""Creating the tables and views that are missing, and altering those of a class that changed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from sqlalchemy.engine import Connection
from sqlalchemy.types import SchemaType

from scrapy_snapshot_pipeline.store.schema.ddl import step_statements
from scrapy_snapshot_pipeline.store.schema.evolution import with_shape
from scrapy_snapshot_pipeline.store.schema.kept_views import keep_views
from scrapy_snapshot_pipeline.store.schema.plan import AddShape, CreateTable, Step, schema_plan
from scrapy_snapshot_pipeline.store.schema.reflect import stored_schema
from scrapy_snapshot_pipeline.store.schema.tables import SCHEMA, EntityTables

_FIRST_TEXT = 25
"""Statements in the first text, which show how fast the server is: while it works on a text, it
cannot be told from one that is frozen."""
_QUICK = 1.0
"""Seconds; where a text takes less, the next one has four times as many statements."""


def ensure_schema(
    connection: Connection,
    tables: Sequence[EntityTables],
    *,
    create: bool,
    evolve: bool = True,
) -> list[EntityTables]:
    """Create what is missing and check what is there, inside the caller's transaction.

    Where a class has changed, its tables are altered.  Returns the tables as they are written from
    now on.

    Raises SchemaMismatchError where a table is not as its declaration or this release needs it, or
    is missing and may not be created, or altered.
    """
    stored = stored_schema(connection, tables)
    steps = schema_plan(stored, tables, create=create, evolve=evolve)
    if any(isinstance(step, AddShape) for step in steps):
        # Crawls that start together give one number to one shape.
        _lock_catalogue(connection)
        stored = stored_schema(connection, tables)
        steps = schema_plan(stored, tables, create=create, evolve=evolve)
    _create_types(connection, steps)
    steps, grants = keep_views(connection, steps)
    statements = [text for step in steps for text in step_statements(connection.dialect, step)]
    _run(connection, [*statements, *grants])
    return [with_shape(stored, entity) for entity in tables]


def _lock_catalogue(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":  # which locks the whole database
        connection.exec_driver_sql(f"LOCK TABLE {SCHEMA.name} IN SHARE ROW EXCLUSIVE MODE")


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
