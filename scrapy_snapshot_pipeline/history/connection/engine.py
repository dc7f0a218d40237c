"""A SQLAlchemy engine that can only read, each transaction one consistent view."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine

from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.store.connection.url import UnusableUrlError, parse_url

_UUID_OID = 2950


def read_engine(url: str) -> Engine:
    """An engine that has not connected yet.  Raises HistoryError, never with the password."""
    try:
        parsed = parse_url(url)
    except UnusableUrlError as error:
        raise HistoryError(f"the history's URL {error}") from None
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed)
    return _server(parsed)


def _sqlite(url: URL) -> Engine:
    named = url.database or ""
    path = Path(unquote(named.removeprefix("file:")) if "uri" in url.query else named)
    if not path.is_file():
        raise HistoryError(f"there is no file {path}; run a crawl first, or correct the path")
    # With mode=ro SQLite does not create a file that has vanished meanwhile.
    read_only = url.set(
        database=f"file:{quote(str(path.absolute()))}", query={"mode": "ro", "uri": "true"}
    )
    engine = sa.create_engine(
        read_only, connect_args={"check_same_thread": False}, hide_parameters=True
    )
    sa.event.listen(engine, "connect", _set_up_sqlite)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _set_up_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # the driver would begin no transaction for a read
    connection.execute("PRAGMA query_only=ON")
    connection.execute("PRAGMA trusted_schema=OFF")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _server(url: URL) -> Engine:
    try:
        engine = sa.create_engine(url, hide_parameters=True, isolation_level="REPEATABLE READ")
    except ImportError:
        raise HistoryError(
            "the history's URL names PostgreSQL, but its driver is not installed; "
            'pip install "scrapy-snapshot-pipeline[postgresql]"'
        ) from None
    sa.event.listen(engine, "connect", _uuids_as_text(engine.dialect.dbapi))
    sa.event.listen(engine, "begin", _read_in_utc)
    return engine.execution_options(postgresql_readonly=True)


def _read_in_utc(connection: Connection) -> None:
    """For this transaction only: a pooler may give the session to others after it.

    In other zones the first and the last hours of the calendar are in years that Python lacks.
    """
    connection.exec_driver_sql("SET LOCAL TIME ZONE 'UTC'")


def _uuids_as_text(driver: Any) -> Callable[[Any, object], None]:
    """Ids as text: most of what is read is ids, and objects are slow (see the benchmark, F)."""
    as_text = driver.extensions.new_type((_UUID_OID,), "uuid as text", lambda value, _: value)

    def register(connection: Any, _: object) -> None:
        driver.extensions.register_type(as_text, connection)

    return register
