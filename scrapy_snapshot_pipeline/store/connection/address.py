"""Where a database is, in words that may be shown: no user, no password, no option."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.engine import URL

from scrapy_snapshot_pipeline.safe_text import printable


def address(url: URL, environ: Mapping[str, str]) -> str:
    """Name the file, or the database with its host and port.

    `environ` holds PGHOST, PGPORT and PGDATABASE, which count where the URL says nothing.
    """
    if url.get_backend_name() == "sqlite":
        return printable(f"the SQLite file {url.database}") if url.database else "a new database"
    host = url.host or _queried(url, "host") or environ.get("PGHOST") or "the local socket"
    port = url.port or _queried(url, "port") or environ.get("PGPORT") or 5432
    name = url.database or _queried(url, "dbname") or environ.get("PGDATABASE") or url.username
    return printable(f"the database {name or 'of this user'} on {host}, port {port}")


def _queried(url: URL, name: str) -> str:
    value = url.query.get(name, "")
    return value if isinstance(value, str) else ", ".join(value)
