"""The example's real odds in a SQLite file, once for all tests."""

from __future__ import annotations

import pytest

from tests.history.odds import store_odds


@pytest.fixture(scope="session")
def odds_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """SQLAlchemy URL of it; only read it."""
    url = f"sqlite:///{tmp_path_factory.mktemp('odds') / 'odds.db'}"
    store_odds(url)
    return url
