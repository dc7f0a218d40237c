"""What becomes of a transaction, on real SQLite files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from scrapy_snapshot_pipeline.errors import (
    BadDataError,
    ConflictError,
    QueueClosedError,
    SystemicError,
)
from scrapy_snapshot_pipeline.store.connection.checked_transactions import CheckedTransactions
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[Engine]:
    """Make an engine on a new file that has a table."""
    engine = connect_engine(sqlite_url, connect_timeout=10)
    with CheckedTransactions(engine).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE seen (n INTEGER UNIQUE NOT NULL)")
    yield engine
    engine.dispose()


def insert(engine: Engine, number: int | None, then: Exception | None = None) -> None:
    """Insert a row, and go on with an error or not."""
    with CheckedTransactions(engine).begin() as connection:
        connection.exec_driver_sql("INSERT INTO seen VALUES (?)", (number,))
        if then is not None:
            raise then


def insert_and_end(engine: Engine, number: int) -> None:
    """Insert a row, after which there is no transaction any more."""
    with CheckedTransactions(engine).begin() as connection:
        connection.exec_driver_sql("INSERT INTO seen VALUES (?)", (number,))
        connection.exec_driver_sql("ROLLBACK")


def seen(engine: Engine) -> list[int]:
    """Give what is committed."""
    with engine.connect() as connection:
        return list(connection.exec_driver_sql("SELECT n FROM seen ORDER BY n").scalars())


def test_a_block_is_committed(engine: Engine) -> None:
    """At its end, by itself."""
    insert(engine, 1)
    insert(engine, 2)
    assert seen(engine) == [1, 2]


def test_an_error_of_the_database_becomes_ours(engine: Engine) -> None:
    """And the next transaction gets a connection that is sound."""
    insert(engine, 1)
    with pytest.raises(ConflictError, match="writing failed"):
        insert(engine, 1)
    with pytest.raises(BadDataError, match="writing failed"):
        insert(engine, None)
    insert(engine, 2)
    assert seen(engine) == [1, 2]


def test_an_error_of_ours_is_passed_on(engine: Engine) -> None:
    """Nothing of the block is committed."""
    with pytest.raises(QueueClosedError):
        insert(engine, 1, QueueClosedError())
    assert seen(engine) == []


def test_a_transaction_that_ended_by_itself_is_no_success(engine: Engine) -> None:
    """As SQLite ends one when the disk is full."""
    with pytest.raises(SystemicError, match="had ended before its COMMIT"):
        insert_and_end(engine, 1)
    insert(engine, 2)
    assert seen(engine) == [2]


def test_a_database_that_cannot_be_opened_is_named_as_such(tmp_path: Path) -> None:
    """The text says at which step, and names the setting."""
    engine = connect_engine(f"sqlite:///{tmp_path / 'none' / 'x.db'}", connect_timeout=10)
    with pytest.raises(SystemicError, match=r"connecting failed: .*SNAPSHOT_DATABASE_URL"):
        insert(engine, 1)
    engine.dispose()
