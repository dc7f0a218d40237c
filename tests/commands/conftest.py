"""The example's real odds in a SQLite file, once for all tests."""

from __future__ import annotations

import pytest

from tests.history.filled import fill
from tests.history.odds import store_odds


@pytest.fixture(scope="session")
def odds_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """SQLAlchemy URL of it; only read it."""
    url = f"sqlite:///{tmp_path_factory.mktemp('odds') / 'odds.db'}"
    store_odds(url)
    return url


@pytest.fixture
def empty_url(sqlite_url: str) -> str:
    """Of a database that has its tables and nothing in them."""
    fill(sqlite_url, [])
    return sqlite_url
