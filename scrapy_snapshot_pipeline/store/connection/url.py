"""The URL of a database: which ones are taken, and what the others lack.  Pure."""

from __future__ import annotations

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from scrapy_snapshot_pipeline.safe_text import printable

_SQLITE = "sqlite:///"
_PSYCOPG2 = "postgresql+psycopg2://"

_DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "sqlite+pysqlite": "sqlite+pysqlite",
    # What hosters hand out.  SQLAlchemy does not know the first, and takes the second for psycopg 3
    # from 2.1 on.
    "postgres": "postgresql+psycopg2",
    "postgresql": "postgresql+psycopg2",
    "postgresql+psycopg2": "postgresql+psycopg2",
}
"""The names that a URL may begin with, and the driver that each means."""

_ASYNCHRONOUS = "is a driver for asyncio, and the writer has a thread of its own"
_WHY_NOT = {
    "sqlite+aiosqlite": _ASYNCHRONOUS,
    "postgresql+asyncpg": _ASYNCHRONOUS,
    "postgresql+psycopg_async": _ASYNCHRONOUS,
    "postgresql+psycopg": "is psycopg 3, which is not supported yet",
}
_UNKNOWN = {
    "sqlite": "is not the driver that Python brings along",
    "postgresql": "is not the driver with which the statements are tested",
}
_OTHER_DATABASE = "is neither SQLite nor PostgreSQL"
_CURES = {"sqlite": _SQLITE, "postgresql": _PSYCOPG2}


class UnusableUrlError(ValueError):
    """The text says why, and what to write, as a phrase that follows the name of the URL."""


def parse_url(text: str) -> URL:
    """The URL with the driver that it means.

    Raises UnusableUrlError, whose text repeats nothing of the URL but the driver's name.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        raise UnusableUrlError(
            f"is not a SQLAlchemy URL; write it like {_SQLITE}snapshots.db or "
            f"{_PSYCOPG2}user@host/database"
        ) from None
    driver = _DRIVERS.get(url.drivername)
    if driver is None:
        raise UnusableUrlError(_refusal(url))
    return url.set(drivername=driver)


def in_memory(url: URL) -> bool:
    """Whether this is a SQLite database that no file keeps."""
    if url.get_backend_name() != "sqlite":
        return False
    named = url.database or ""
    return named in ("", ":memory:") or ":memory:" in named or url.query.get("mode") == "memory"


def _refusal(url: URL) -> str:
    name = url.drivername
    backend = url.get_backend_name()
    why = _WHY_NOT.get(name) or _UNKNOWN.get(backend, _OTHER_DATABASE)
    cure = _CURES.get(backend, f"{_SQLITE} or {_PSYCOPG2}")
    return f"names {printable(name)}, which {why}; begin it with {cure}"
