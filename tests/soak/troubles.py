"""The databases of the soak, and how each comes by its faults."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from tests.contract.stores import place
from tests.faults.proxy import Proxy, Trouble
from tests.soak.histories import Fault

BUSY_MILLISECONDS = 10


class Database(Protocol):
    """A database and its troubles."""

    engine: Engine
    """As the crawl has it: it gets the faults."""
    rival: Engine
    """As another crawler has it: it gets none."""

    @property
    def troubles(self) -> int:
        """COMMITs so far that were troubled."""

    def arm(self, fault: Fault) -> None:
        """Have the next attempt meet `fault`."""

    def disarm(self) -> None:
        """Forget what did not happen."""


class ServerDatabase:
    """PostgreSQL behind the proxy."""

    def __init__(self, url: str, *, far: bool = False) -> None:
        """`far`: both engines take the server for one that is."""
        parsed = sa.make_url(url)
        assert parsed.port is not None
        self._proxy = Proxy(parsed.port)
        through = parsed.set(host="127.0.0.1", port=self._proxy.port)
        self.engine = _engine(through.render_as_string(hide_password=False))
        self.rival = _engine(url)
        for engine in (self.engine, self.rival):
            place(engine, far=far)

    def arm(self, fault: Fault) -> None:
        """See `Database`; who holds a lock is a session that the server can end."""
        if fault in (Fault.BEFORE, Fault.TWICE):
            self._proxy.arm(Trouble.BEFORE_COMMIT)
        if fault is Fault.AFTER:
            self._proxy.arm(Trouble.AFTER_COMMIT)
        if fault is Fault.TWICE:
            self._proxy.arm(Trouble.AFTER_COMMIT, nth=3)  # the second is of the new connection
        if fault in (Fault.STALE, Fault.LOCKED):
            self._proxy.reset_all()

    @property
    def troubles(self) -> int:
        """See `Database`."""
        return self._proxy.troubles

    def disarm(self) -> None:
        """See `Database`."""
        self._proxy.disarm()

    def close(self) -> None:
        """Let go of it."""
        self.engine.dispose()
        self.rival.dispose()
        self._proxy.close()


class FileDatabase:
    """SQLite: its COMMIT is ours to break, since no network does."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._troubles: list[Fault] = []
        self.troubles = 0
        self._blocker: sqlite3.Connection | None = None
        self.rival = _engine(f"sqlite:///{path}")
        self.engine = _engine(f"sqlite:///{path}")
        sa.event.listen(self.engine, "connect", _hurry)
        self._commit = self.engine.dialect.do_commit
        self.engine.dialect.do_commit = self._troubled_commit  # type: ignore[method-assign, assignment]

    def arm(self, fault: Fault) -> None:
        """See `Database`."""
        if fault is Fault.TWICE:
            self._troubles = [Fault.BEFORE, Fault.AFTER]
        elif fault is Fault.LOCKED:
            self._blocker = sqlite3.connect(self._path, isolation_level=None)
            self._blocker.execute("BEGIN IMMEDIATE")
        elif fault is Fault.STALE:
            self.engine.dispose()
        elif fault is not Fault.NONE:
            self._troubles = [fault]

    def disarm(self) -> None:
        """See `Database`."""
        self._troubles = []
        if self._blocker is not None:
            self._blocker.close()
            self._blocker = None

    def close(self) -> None:
        """Let go of it."""
        self.disarm()
        self.engine.dispose()
        self.rival.dispose()

    def _troubled_commit(self, connection: Any) -> None:
        trouble = self._troubles.pop(0) if self._troubles else None
        if trouble is Fault.AFTER:
            self._commit(connection)
        if trouble is not None:
            self.troubles += 1
            raise sqlite3.OperationalError("disk I/O error")
        self._commit(connection)


@contextmanager
def opened(database: ServerDatabase | FileDatabase) -> Iterator[ServerDatabase | FileDatabase]:
    """Close it at the end, whatever state its connections are in."""
    try:
        yield database
    finally:
        with suppress(sa.exc.DBAPIError):
            database.close()


def _engine(url: str) -> Engine:
    return connect_engine(url, connect_timeout=5)


def _hurry(connection: sqlite3.Connection, _: object) -> None:
    connection.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
