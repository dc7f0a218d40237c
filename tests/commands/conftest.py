"""Databases for the commands: the example's real odds, and an empty one."""

from __future__ import annotations

import pytest

from tests.history.filled import fill
from tests.history.odds import store_odds, store_our_odds


@pytest.fixture(scope="session")
def odds_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """SQLAlchemy URL of a SQLite file with the example's odds.

    All tests share it, so they must only read it.
    """
    url = f"sqlite:///{tmp_path_factory.mktemp('odds') / 'odds.db'}"
    store_odds(url)
    return url


@pytest.fixture(scope="session")
def two_tables_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same with our own odds beside them, as after the example's tour; only to be read."""
    url = f"sqlite:///{tmp_path_factory.mktemp('two') / 'odds.db'}"
    store_odds(url)
    store_our_odds(url)
    return url


@pytest.fixture
def empty_url(sqlite_url: str) -> str:
    """SQLAlchemy URL of a database whose tables are empty."""
    fill(sqlite_url, [])
    return sqlite_url
