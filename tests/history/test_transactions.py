"""Transactions that end early: a database that fails while an answer is read."""

from __future__ import annotations

import sqlite3
import uuid
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history import SnapshotHistory
from tests.history import odds
from tests.history.filled import TABLE, Observation, fill

MANY = [Observation(f"secret-{second}", second, second, {}) for second in range(1_500)]
"""More rows than are fetched at once."""


def test_error_of_a_lost_server_shows_no_values(postgresql_url: str) -> None:
    """Reading on after the server ended the session raises our error, with a clean text."""
    fill(postgresql_url, MANY, one_by_one=False)
    with SnapshotHistory(postgresql_url) as history:
        answer = iter(history.current(TABLE))
        next(answer)
        end_other_sessions(postgresql_url)
        with pytest.raises(HistoryError, match=r"gave no answer \([^)]+\); ask again") as caught:
            list(answer)
        assert caught.value.__cause__ is None
        assert "secret" not in str(caught.value)


def test_history_is_usable_after_a_lost_session(postgresql_url: str) -> None:
    """The next question gets a connection of its own."""
    fill(postgresql_url, MANY[:1])
    with SnapshotHistory(postgresql_url) as history:
        end_other_sessions(postgresql_url)
        with pytest.raises(HistoryError):
            list(history.current(TABLE))
        assert len(list(history.current(TABLE))) == 1


def test_overwritten_file_is_an_error(sqlite_url: str, tmp_path: Path) -> None:
    """A file that is no longer a database raises our error."""
    fill(sqlite_url, MANY[:3])
    with SnapshotHistory(sqlite_url) as history:
        for file in tmp_path.iterdir():
            file.write_bytes(b"no database" * 10_000)
        with pytest.raises(HistoryError, match="it is damaged, or no database: restore it"):
            list(history.current(TABLE))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("DROP TABLE {0}_markets_selections", r"{0}_markets_selections\); restore the table"),
        (
            "ALTER TABLE {0}_markets_selections DROP COLUMN odds",
            r"column odds\); restore the column",
        ),
    ],
)
def test_what_is_gone_is_named_with_its_cure(database_url: str, change: str, problem: str) -> None:
    """To ask again would not help, and is not advised."""
    fill(database_url, [Observation("a", 1, 1, {"x": 2})])
    with SnapshotHistory(database_url) as history:
        _drop_views(database_url)
        _execute(database_url, change.format(TABLE))
        with pytest.raises(HistoryError, match=problem.format(TABLE)) as caught:
            list(history.current(TABLE))
    assert "ask again" not in str(caught.value)


def test_file_without_our_tables_says_so(tmp_path: Path) -> None:
    """It may be another program's, or no crawl was there yet."""
    url = f"sqlite:///{tmp_path / 'other.db'}"
    _execute(url, "CREATE TABLE other (id INTEGER)")
    with pytest.raises(HistoryError, match="it has no snapshot tables: run a crawl first, or corr"):
        SnapshotHistory(url)


def test_locked_file_is_asked_again_later(sqlite_url: str) -> None:
    """Somebody has it for himself alone."""
    fill(sqlite_url, MANY[:1])
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(HistoryError, match="ask again when nobody else has it locked"):
            SnapshotHistory(sqlite_url)


@pytest.mark.postgresql
def test_role_without_the_right_to_read_is_told_what_it_lacks(postgresql_url: str) -> None:
    """The table is named, and the right."""
    fill(postgresql_url, MANY[:1])
    role = f"reader_{uuid.uuid4().hex[:12]}"
    _execute(postgresql_url, f"CREATE ROLE {role} LOGIN PASSWORD 'x'")
    _execute(postgresql_url, f"GRANT SELECT ON snapshot_schema, snapshot_shapes TO {role}")
    try:
        url = sa.make_url(postgresql_url).set(username=role, password="x")  # noqa: S106
        with SnapshotHistory(url.render_as_string(hide_password=False)) as history:
            problem = rf"table {TABLE}\); grant this user the right to SELECT from it"
            with pytest.raises(HistoryError, match=problem):
                list(history.current(TABLE))
    finally:
        _execute(postgresql_url, f"DROP OWNED BY {role}; DROP ROLE {role}")


def _execute(url: str, statement: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)


def _drop_views(url: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    names = sa.inspect(engine).get_view_names()
    for name in names:
        cascade = " CASCADE" if engine.dialect.name == "postgresql" else ""
        _execute(url, f"DROP VIEW IF EXISTS {name}{cascade}")


def end_other_sessions(url: str) -> None:
    """As an administrator does, until none is left."""
    engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        while connection.exec_driver_sql(END_OTHERS).all():
            pass


END_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def test_a_file_may_be_named_as_a_uri(sqlite_url: str) -> None:
    """As a crawl may have written it."""
    odds.store_odds(sqlite_url)
    named = sqlite_url.replace("sqlite:///", "sqlite:///file:") + "?uri=true"
    with SnapshotHistory(named) as history:
        assert history.tables()
