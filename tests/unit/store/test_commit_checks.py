"""What no driver checks before a COMMIT, on real SQLite files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from scrapy_snapshot_pipeline.errors import FatalWriteError, SystemicError
from scrapy_snapshot_pipeline.store.connection.commit_checks import (
    SameFileCheck,
    refuse_dead_transaction,
)
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[Engine]:
    """Make an engine on a new file."""
    engine = connect_engine(sqlite_url, connect_timeout=10)
    yield engine
    engine.dispose()


def write(engine: Engine, file: SameFileCheck, number: int) -> None:
    """Commit a row, with the check before it."""
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE IF NOT EXISTS t (n INTEGER)"))
        connection.execute(sa.text("INSERT INTO t VALUES (:n)"), {"n": number})
        file.check()


def remove(path: Path) -> None:
    """Delete the file."""
    path.unlink()


def replace(path: Path) -> None:
    """Put another one in its place."""
    path.with_suffix(".new").touch()
    os.replace(path.with_suffix(".new"), path)  # noqa: PTH105


def remove_log(path: Path) -> None:
    """Delete the write-ahead log."""
    path.with_name(f"{path.name}-wal").unlink()


@pytest.mark.parametrize("harm", [remove, replace, remove_log])
def test_a_file_replaced_under_us_is_told(
    engine: Engine, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    """SQLite itself would go on committing into nowhere."""
    file = SameFileCheck(engine)
    write(engine, file, 1)
    write(engine, file, 2)
    harm(tmp_path / "snapshots.db")
    with pytest.raises(FatalWriteError, match="deleted or replaced"):
        write(engine, file, 3)


def test_a_new_connection_finds_the_same_file(engine: Engine) -> None:
    """A reconnect begins a new log, which is no harm."""
    file = SameFileCheck(engine)
    write(engine, file, 1)
    engine.dispose()
    write(engine, file, 2)


def test_a_transaction_that_has_ended_is_told(engine: Engine) -> None:
    """Its COMMIT would succeed and store nothing."""
    with engine.connect() as connection:
        transaction = connection.begin()
        refuse_dead_transaction(connection)
        connection.exec_driver_sql("ROLLBACK")
        with pytest.raises(SystemicError, match="had ended before its COMMIT"):
            refuse_dead_transaction(connection)
        transaction.close()
