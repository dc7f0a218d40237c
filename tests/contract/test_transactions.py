"""What a server is told of the begin and the end of a transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg2
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.connection.transactions import (
    SINGLE_STATEMENT,
    begins_with_commit,
    send_with_commit,
)

pytestmark = pytest.mark.postgresql


@pytest.fixture
def engine(postgresql_url: str) -> Iterator[Engine]:
    """As the store has it, with a table to write into."""
    made = connect_engine(postgresql_url, connect_timeout=10)
    with made.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE seen (n integer PRIMARY KEY)")
    yield made
    made.dispose()


@pytest.fixture
def other(postgresql_url: str) -> Iterator[Engine]:
    """Somebody else's."""
    made = sa.create_engine(postgresql_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    yield made
    made.dispose()


def seen(other: Engine) -> list[int]:
    """Give what is committed."""
    with other.connect() as connection:
        return list(connection.exec_driver_sql("SELECT n FROM seen ORDER BY n").scalars())


def insert(engine: Engine, *numbers: int) -> None:
    """A statement for each, in one transaction."""
    with engine.begin() as connection:
        for number in numbers:
            connection.exec_driver_sql("INSERT INTO seen VALUES (%s)", (number,))


def insert_without_connection(engine: Engine, other: Engine) -> None:
    """The server ends it in the middle of the transaction."""
    with engine.begin() as connection:
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with other.connect() as admin:
            admin.exec_driver_sql("SELECT pg_terminate_backend(%s)", (pid,))
        connection.exec_driver_sql("INSERT INTO seen VALUES (1)")


def test_a_transaction_is_committed_whole(engine: Engine, other: Engine) -> None:
    """Nobody sees its first statement before its last."""
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO seen VALUES (1)")
        assert seen(other) == []
        connection.exec_driver_sql("INSERT INTO seen VALUES (2)")
    assert seen(other) == [1, 2]


def test_a_failed_transaction_leaves_nothing(engine: Engine, other: Engine) -> None:
    """Neither in the table, nor in the connection, which serves the next one."""
    with pytest.raises(sa.exc.IntegrityError):
        insert(engine, 1, 1)
    assert seen(other) == []
    insert(engine, 3)
    assert seen(other) == [3]


def test_a_single_statement_is_committed_by_itself(engine: Engine, other: Engine) -> None:
    """Without BEGIN and COMMIT."""
    single = engine.execution_options(**{SINGLE_STATEMENT: True})
    with single.connect() as connection:
        connection.exec_driver_sql("INSERT INTO seen VALUES (1)")
        assert seen(other) == [1]


def test_a_transaction_without_statements_says_nothing(engine: Engine) -> None:
    """No BEGIN is due afterwards either."""
    with engine.begin():
        pass
    with engine.connect() as connection, connection.begin() as transaction:
        transaction.rollback()
    with engine.execution_options(**{SINGLE_STATEMENT: True}).connect() as connection:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        connection.exec_driver_sql("SELECT 1")
        assert raw.info.transaction_status == 0


def test_the_error_that_cost_the_connection_is_the_one_that_is_raised(
    engine: Engine, other: Engine
) -> None:
    """Not the one of the ROLLBACK that could not be sent any more."""
    with pytest.raises(sa.exc.DBAPIError) as caught:
        insert_without_connection(engine, other)
    assert caught.value.statement == "INSERT INTO seen VALUES (1)"
    insert(engine, 2)
    assert seen(other) == [2]


def insert_with_commit(engine: Engine, number: int, script: bytes) -> None:
    """One statement, and others that travel with the COMMIT."""
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO seen VALUES (%s)", (number,))
        send_with_commit(connection, script)


def test_what_travels_with_the_commit_is_committed(engine: Engine, other: Engine) -> None:
    """With the rest of the transaction, once, and percent signs mean nothing."""
    insert_with_commit(engine, 1, b"INSERT INTO seen SELECT 7 % 5; INSERT INTO seen VALUES (3)")
    assert seen(other) == [1, 2, 3]
    insert(engine, 4)
    assert seen(other) == [1, 2, 3, 4]


def test_what_fails_on_its_way_with_the_commit_commits_nothing(
    engine: Engine, other: Engine
) -> None:
    """The COMMIT behind it is not run, and the connection serves the next transaction."""
    with pytest.raises(psycopg2.errors.UniqueViolation):
        insert_with_commit(engine, 1, b"INSERT INTO seen VALUES (2); INSERT INTO seen VALUES (2)")
    assert seen(other) == []
    insert(engine, 3)
    assert seen(other) == [3]


def test_a_transaction_may_consist_of_what_travels_with_the_commit(
    engine: Engine, other: Engine
) -> None:
    """BEGIN travels too: what fails undoes what came before it."""
    with engine.begin() as connection:
        assert not begins_with_commit(connection)
        send_with_commit(connection, b"INSERT INTO seen VALUES (1); INSERT INTO seen VALUES (2)")
        assert begins_with_commit(connection)
    assert seen(other) == [1, 2]
    with engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        assert raw.notices == []  # as of a COMMIT without BEGIN
    with pytest.raises(psycopg2.errors.UniqueViolation), engine.begin() as connection:
        send_with_commit(connection, b"INSERT INTO seen VALUES (3); INSERT INTO seen VALUES (1)")
    assert seen(other) == [1, 2]
    insert(engine, 5)
    assert seen(other) == [1, 2, 5]


def roll_back(engine: Engine) -> None:
    """Change one's mind when all is ready."""
    with engine.connect() as connection, connection.begin() as transaction:
        connection.exec_driver_sql("SELECT 1")
        send_with_commit(connection, b"INSERT INTO seen VALUES (1)")
        transaction.rollback()


def leave(engine: Engine) -> None:
    """Give the connection back without a word."""
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
        send_with_commit(connection, b"INSERT INTO seen VALUES (1)")


@pytest.mark.parametrize("end", [roll_back, leave])
def test_what_should_have_travelled_with_a_commit_is_forgotten(
    engine: Engine, other: Engine, end: Callable[[Engine], None]
) -> None:
    """It goes with no other one."""
    end(engine)
    insert(engine, 2)
    assert seen(other) == [2]
