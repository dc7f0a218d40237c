"""Transactions that end early: a database that fails while an answer is read."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history import SnapshotHistory
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
        with pytest.raises(HistoryError, match=r"gave no answer \(\w+\); ask again") as caught:
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
        with pytest.raises(HistoryError, match=r"gave no answer \(DatabaseError\)"):
            list(history.current(TABLE))


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
