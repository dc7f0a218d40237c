"""Errors name the table and the column, on every database."""

from __future__ import annotations

import contextlib
import dataclasses

import pytest
import sqlalchemy as sa

from scrapy_snapshot_pipeline.declaration.registry import Declarations, snapshot
from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.errors import SchemaMismatchError, SystemicError, WriteError
from scrapy_snapshot_pipeline.records import Batch
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from tests.contract.entities import Observation, declaration, record
from tests.contract.stores import DATABASES, found_at, place

WRITES = [
    [Observation("a", 1, 1, {"x": 4}), Observation("b", 1, 2, {})],
    [Observation("a", 2, 1, {"x": 5})],
]
TABLE = declaration().table
CHILD = declaration().children[0].name


def _error_after(url: str, *, far: bool, statement: str) -> WriteError:
    """What a crawl meets after somebody has altered the tables in the middle of it."""
    engine = connect_engine(url, connect_timeout=10)
    place(engine, far=far)
    with contextlib.closing(SnapshotStore(engine)) as store:
        store.declare([declaration()])
        store.write(Batch(tuple(map(record, WRITES[0]))))
        other = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with other.connect() as connection:
            if not url.startswith("sqlite"):
                for table in (TABLE, CHILD):
                    for view in ("current", "changes"):
                        connection.exec_driver_sql(f"DROP VIEW {table}_{view} CASCADE")
            connection.exec_driver_sql(statement)
        with pytest.raises(SystemicError) as caught:
            store.write(Batch(tuple(map(record, WRITES[1]))))
    return caught.value


@pytest.mark.parametrize("database", DATABASES)
@pytest.mark.parametrize(("table", "column"), [(TABLE, "content_hash"), (CHILD, "price")])
def test_a_column_that_is_gone(
    request: pytest.FixtureRequest, database: str, table: str, column: str
) -> None:
    """Today's text had a code alone."""
    url, far = found_at(request, database)
    statement = f"ALTER TABLE {table} RENAME COLUMN {column} TO gone"
    error = _error_after(url, far=far, statement=statement)
    assert (error.cause.table, error.cause.column) == (table, column)
    assert f"table {table}, column {column}; " in str(error)


@pytest.mark.parametrize("database", DATABASES)
def test_a_table_that_is_gone(request: pytest.FixtureRequest, database: str) -> None:
    """It is named."""
    url, far = found_at(request, database)
    error = _error_after(url, far=far, statement=f"ALTER TABLE {CHILD} RENAME TO gone")
    assert error.cause.table == CHILD


@pytest.mark.postgresql
def test_a_right_that_is_missing(postgresql_url: str) -> None:
    """The table is named."""
    role = f"writer_{sa.make_url(postgresql_url).database}"
    engine = sa.create_engine(postgresql_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    store = SnapshotStore(connect_engine(postgresql_url, connect_timeout=10))
    store.declare([declaration()])
    store.close()
    url = sa.make_url(postgresql_url).set(username=role).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN")
        connection.exec_driver_sql(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
        connection.exec_driver_sql(f"REVOKE ALL ON {CHILD} FROM {role}")
        with contextlib.closing(SnapshotStore(connect_engine(url, connect_timeout=10))) as store:
            store.declare([declaration()])
            with pytest.raises(SystemicError, match=f"42501, table {CHILD}; grant"):
                store.write(Batch(tuple(map(record, WRITES[0]))))
        connection.exec_driver_sql(f"DROP OWNED BY {role}")
        connection.exec_driver_sql(f"DROP ROLE {role}")


def test_a_table_that_is_too_wide(database_url: str) -> None:
    """The number of columns and the limit are said at the start; the widest that fits works."""
    limit = 2_000 if database_url.startswith("sqlite") else 1_600
    engine = connect_engine(database_url, connect_timeout=10)
    with contextlib.closing(SnapshotStore(engine)) as store:
        own = 9
        text = f"table wide would have {limit + 1:,} columns, .* takes {limit:,} in a table"
        with pytest.raises(SchemaMismatchError, match=text):
            store.declare([_wide(limit - own + 1)])
        store.declare([_wide(limit - own)])


def _wide(fields: int) -> Declaration:
    names = [("sku", str), *((f"f{number}", int) for number in range(fields - 1))]
    wide = snapshot(key="sku", table="wide")(dataclasses.make_dataclass("Wide", names))
    found = Declarations().of(wide)
    assert found is not None
    return found
