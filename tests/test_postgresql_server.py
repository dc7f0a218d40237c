"""The suite's own PostgreSQL server does what the other tests take for granted."""

from __future__ import annotations

import sqlalchemy as sa

from tests.postgresql import PostgresServer


def _value(url: str, query: str) -> object:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        return connection.scalar(sa.text(query))


def test_each_kind_of_database_starts_empty(database_url: str) -> None:
    """The URL opens a database in which a table can be made anew."""
    engine = sa.create_engine(database_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE book (url text)"))
    assert sa.inspect(engine).get_table_names() == ["book"]


def test_deadlocks_are_found_early(postgresql_url: str) -> None:
    """The server looks for deadlocks after a fifth of a second."""
    assert _value(postgresql_url, "SHOW deadlock_timeout") == "200ms"


def test_restart_after_a_crash_keeps_what_was_checkpointed(
    private_postgresql: PostgresServer,
) -> None:
    """A server of the test's own comes back on its port with its data."""
    engine = sa.create_engine(private_postgresql.url, poolclass=sa.NullPool)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("CREATE TABLE book (url text)"))
        connection.execute(sa.text("CHECKPOINT"))
    private_postgresql.restart("immediate")
    assert _value(private_postgresql.url, "SELECT count(*) FROM book") == 0
