"""What must hold when a transaction is about to commit, and what no driver checks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from scrapy_snapshot_pipeline.errors import FatalWriteError, SystemicError

_IN_TRANSACTION = 2  # libpq's PQTRANS_INTRANS: begun, and no statement of it has failed

_Identity: TypeAlias = tuple[int, int]
"""Device and inode."""


def refuse_dead_transaction(connection: Connection) -> None:
    """Raise SystemicError where COMMIT would succeed and store nothing.

    PostgreSQL answers COMMIT with a rollback after a failed statement, and SQLite may have rolled
    back by itself when the disk was full.
    """
    raw: Any = connection.connection.dbapi_connection
    info = getattr(raw, "info", None)
    alive = raw.in_transaction if info is None else info.transaction_status == _IN_TRANSACTION
    if not alive:
        raise SystemicError("the transaction had ended before its COMMIT; nothing was stored")


class SameFileCheck:
    """Notices that the SQLite file was deleted or replaced since the first connection to it.

    SQLite would go on writing into the old file, and every commit would succeed.
    """

    def __init__(self, engine: Engine) -> None:
        """Follow the connections of `engine`; a server or a database in memory has no file."""
        self._seen: dict[Path, _Identity] = {}
        self._file: Path | None = None
        if engine.dialect.name == "sqlite":
            sa.event.listen(engine, "connect", self._connected)

    def check(self) -> None:
        """Raise FatalWriteError if the file, or its write-ahead log, was deleted or replaced."""
        if self._file is None:
            return
        self._check(self._file, required=True)
        self._check(self._file.with_name(self._file.name + "-wal"), required=False)

    def _connected(self, connection: Any, _: object) -> None:
        cursor = connection.execute("PRAGMA database_list")
        name = next((row[2] for row in cursor if row[1] == "main"), "")
        cursor.close()
        # A new connection may begin a new log, but the database must stay the same.
        self._seen = {path: seen for path, seen in self._seen.items() if path == self._file}
        self._file = Path(name) if name else None

    def _check(self, path: Path, *, required: bool) -> None:
        found = _identity(path)
        known = self._seen.get(path)
        if known is None and found is not None:
            self._seen[path] = found
        elif known != found or (required and found is None):
            raise FatalWriteError(
                "the SQLite file of SNAPSHOT_DATABASE_URL was deleted or replaced during the crawl"
            )


def _identity(path: Path) -> _Identity | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - cheaper than Path.stat, and called twice a commit
    except OSError:
        return None
    return found.st_dev, found.st_ino
