"""Which databases and drivers a URL may name."""

from __future__ import annotations

import logging

import pytest
from sqlalchemy.engine import make_url

from scrapy_snapshot_pipeline.errors import HistoryError, SettingsError
from scrapy_snapshot_pipeline.history import SnapshotHistory
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine, shown_url
from scrapy_snapshot_pipeline.store.connection.url import UnusableUrlError, in_memory, parse_url


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_every_spelling_of_postgresql_means_psycopg2(scheme: str) -> None:
    """Whatever SQLAlchemy takes it for; the rest of the URL stays."""
    url = parse_url(f"{scheme}://me:hunter2@host:5433/odds?sslmode=require")
    assert url == make_url("postgresql+psycopg2://me:hunter2@host:5433/odds?sslmode=require")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///a.db", "sqlite:///a.db"),
        ("postgres://me:hunter2@host/odds?passfile=p", "postgresql+psycopg2://me:***@host/odds"),
    ],
)
def test_a_url_is_shown_as_it_is_written_and_without_secrets(url: str, shown: str) -> None:
    """In the closing line of a crawl, for one."""
    assert shown_url(url) == shown


def test_sqlite_means_the_driver_of_python() -> None:
    """With and without its name."""
    assert parse_url("sqlite:///a.db") == parse_url("sqlite+pysqlite:///a.db")


@pytest.mark.parametrize(
    ("url", "why", "cure"),
    [
        ("sqlite+aiosqlite:///a.db", "aiosqlite, which is a driver for asyncio", "sqlite:///"),
        ("postgresql+asyncpg://u:hunter2@h/d", "is a driver for asyncio", "postgresql+psycopg2://"),
        ("postgresql+psycopg://u:hunter2@h/d", "is psycopg 3", "postgresql+psycopg2://"),
        ("postgresql+pg8000://u:hunter2@h/d", "is not the driver", "postgresql+psycopg2://"),
        ("sqlite+pysqlcipher://:hunter2@/a.db", "is not the driver", "sqlite:///"),
        ("mysql://u:hunter2@h/d", "mysql, which is neither SQLite nor PostgreSQL", "sqlite:///"),
        ("odds", "is not a SQLAlchemy URL", "sqlite:///snapshots.db"),
        ("postgresql://u:hunter2@h:port/d", "is not a SQLAlchemy URL", "postgresql+psycopg2://"),
    ],
)
def test_any_other_is_refused_with_the_reason_and_the_cure(url: str, why: str, cure: str) -> None:
    """By writer and reader alike, and without the password."""
    with pytest.raises(UnusableUrlError) as refused:
        parse_url(url)
    with pytest.raises(SettingsError) as at_start:
        connect_engine(url, connect_timeout=10)
    with pytest.raises(HistoryError) as for_a_question:
        SnapshotHistory(url)
    for text in map(str, (refused.value, at_start.value, for_a_question.value)):
        assert why in text
        assert cure in text
        assert "hunter2" not in text


@pytest.mark.parametrize(
    ("url", "memory"),
    [
        ("sqlite://", True),
        ("sqlite:///:memory:", True),
        ("sqlite:///file::memory:?uri=true", True),
        ("sqlite:///file:a?mode=memory&uri=true", True),
        ("sqlite:///a.db", False),
        ("postgresql://host", False),
    ],
)
def test_a_database_in_memory_is_warned_of(
    url: str, memory: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Since nothing of it is left when the crawl has ended."""
    assert in_memory(parse_url(url)) is memory
    if url.startswith("sqlite"):
        with caplog.at_level(logging.WARNING):
            connect_engine(url, connect_timeout=10)
        assert ("in memory" in caplog.text) is memory
