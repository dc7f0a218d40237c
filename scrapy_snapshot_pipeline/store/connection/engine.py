"""The SQLAlchemy engine: one connection, set up as the store needs it."""

from __future__ import annotations

import logging
import os
import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from scrapy_snapshot_pipeline.errors import SettingsError
from scrapy_snapshot_pipeline.safe_text import printable
from scrapy_snapshot_pipeline.store.connection.tls import unverified_host
from scrapy_snapshot_pipeline.store.connection.transaction_settings import transaction_settings
from scrapy_snapshot_pipeline.store.connection.transactions import IS_REMOTE, send_begin_and_commit
from scrapy_snapshot_pipeline.store.connection.url import UnusableUrlError, in_memory, parse_url

logger = logging.getLogger(__name__)

_REMOTE_ROUND_TRIP = 0.005
"""Seconds; a server whose round trip takes longer is far, and is written to as in `script`."""
_PROBES = 5
"""Round trips to measure.  The shortest counts, as a busy reactor gives the interpreter lock back
late."""
_SQLITE_BUSY_TIMEOUT = 1.0  # seconds; a busy wait cannot be interrupted, so retries do the rest


def connect_engine(
    url: str, *, connect_timeout: float, write_timeout: float | None = None
) -> Engine:
    """An engine with at most one connection; nothing is connected yet.

    Both timeouts are in seconds.  A server that still answers gives up a statement before
    `write_timeout`; None leaves its own limits in force.  Raises SettingsError where the URL or its
    driver cannot be used; the text never repeats the URL, which may hold a password.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        _warn_in_memory(parsed)
        return _sqlite_engine(parsed)
    engine = _server_engine(parsed, connect_timeout)
    send_begin_and_commit(engine, transaction_settings(write_timeout))
    _warn_unverified(parsed)
    return engine


def shown_url(url: str) -> str:
    """The URL of a database as it may be logged: without password and query."""
    parsed = _parse(url).set(query={})
    if parsed.get_backend_name() == "sqlite":
        parsed = parsed.set(drivername="sqlite")  # it has one driver, which nobody writes
    return parsed.render_as_string(hide_password=True)


def _parse(url: str) -> URL:
    try:
        return parse_url(url)
    except UnusableUrlError as error:
        raise SettingsError(f"SNAPSHOT_DATABASE_URL {error}") from None


def _sqlite_engine(url: URL) -> Engine:
    engine = sa.create_engine(
        url,
        connect_args={"timeout": _SQLITE_BUSY_TIMEOUT, "check_same_thread": False},
        hide_parameters=True,
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
    )
    sa.event.listen(engine, "connect", _set_up_sqlite)
    sa.event.listen(engine, "begin", _begin_immediate)
    return engine


def _set_up_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would leave reads outside
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA trusted_schema=OFF")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _server_engine(url: URL, connect_timeout: float) -> Engine:
    timeout = max(2, round(connect_timeout))  # libpq takes whole seconds, at least two
    arguments = {} if "connect_timeout" in url.query else {"connect_timeout": timeout}
    try:
        engine = sa.create_engine(
            url,
            connect_args=arguments,
            hide_parameters=True,
            isolation_level="AUTOCOMMIT",  # `send_begin_and_commit` does what the driver would do
            pool_size=1,
            max_overflow=0,
        )
    except ImportError:
        raise SettingsError(
            "SNAPSHOT_DATABASE_URL names PostgreSQL, but its driver is not installed; "
            'pip install "scrapy-snapshot-pipeline[postgresql]"'
        ) from None
    sa.event.listen(engine, "connect", _measure_distance)
    return engine


def _warn_in_memory(url: URL) -> None:
    if in_memory(url):
        logger.warning(
            "SNAPSHOT_DATABASE_URL is a SQLite database in memory: all that is stored is gone when "
            "the process ends; name a file, as in sqlite:///snapshots.db"
        )


def _warn_unverified(url: URL) -> None:
    host = unverified_host(url, os.environ)
    if host is None:
        return
    logger.warning(
        "SNAPSHOT_DATABASE_URL names the server %s, and nothing proves that this server is the one "
        "that answers: whoever is between could read the password and the data; end the URL with "
        "?sslmode=verify-full (and &sslrootcert=FILE, the certificate of its authority)",
        printable(host),
    )


def _measure_distance(connection: Any, record: ConnectionPoolEntry) -> None:
    with connection.cursor() as cursor:
        shortest = min(_round_trip(cursor) for _ in range(_PROBES))
    record.info[IS_REMOTE] = shortest > _REMOTE_ROUND_TRIP


def _round_trip(cursor: Any) -> float:
    started = time.perf_counter()
    cursor.execute("SELECT 1")
    return time.perf_counter() - started
