"""New databases, on a private PostgreSQL server and as SQLite files."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from benchmarks.items import declaration
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from tests.postgresql import start_private_server

_USUAL_SETTINGS = {"shared_buffers": "4GB", "max_wal_size": "4GB", "deadlock_timeout": "1s"}
"""The defaults are for a machine with very little memory, where the server would have to read every
page of a large table from outside.  A deadlock costs what it costs by default."""


class Databases:
    """Creates empty databases."""

    def __init__(self, server_url: str, port: int, folder: Path) -> None:
        self.port = port
        self._server_url = server_url
        self._folder = folder
        self._numbers = itertools.count()

    def postgresql(self) -> str:
        """SQLAlchemy URL of a new PostgreSQL database."""
        name = f"bench_{next(self._numbers)}"
        self.administer(f"CREATE DATABASE {name}")
        return sa.make_url(self._server_url).set(database=name).render_as_string()

    def sqlite(self) -> str:
        """SQLAlchemy URL of a SQLite file that does not exist yet."""
        return f"sqlite:///{self._folder / f'bench_{next(self._numbers)}.db'}"

    def drop(self, url: str) -> None:
        """Remove a database: it takes room, and background work of the server."""
        parsed = sa.make_url(url)
        if parsed.get_backend_name() == "sqlite":
            for file in self._folder.glob(f"{Path(str(parsed.database)).name}*"):
                file.unlink()
        else:
            self.administer(f"DROP DATABASE {parsed.database} WITH (FORCE)")

    def administer(self, statement: str) -> None:
        """Run one statement outside of any transaction."""
        engine = sa.create_engine(
            self._server_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
        )
        with engine.connect() as connection:
            connection.execute(sa.text(statement))


@contextlib.contextmanager
def running_databases() -> Iterator[Databases]:
    """Run a private server for as long as the context lasts."""
    server = start_private_server(**_USUAL_SETTINGS)
    try:
        with tempfile.TemporaryDirectory(prefix="snapshot-bench-") as folder:
            yield Databases(server.url, server.port, Path(folder))
    finally:
        server.remove()


def open_store(url: str) -> SnapshotStore:
    """Open our store, and create the tables of `Event`."""
    store = SnapshotStore(connect_engine(url, connect_timeout=10))
    store.declare([declaration()])
    return store
