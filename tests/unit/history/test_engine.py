"""URLs that the history cannot use, without any database."""

from __future__ import annotations

import pytest

from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history.connection.engine import read_engine


@pytest.mark.parametrize(
    "url", ["odds.db", "postgresql+psycopg2://anna:s3cr3t@localhost:port/odds"]
)
def test_what_is_no_url_is_an_error_with_the_cure_and_no_password(url: str) -> None:
    """A port that is no number makes SQLAlchemy raise another error than the rest."""
    with pytest.raises(HistoryError, match="not a SQLAlchemy URL") as caught:
        read_engine(url)
    assert "s3cr3t" not in str(caught.value)
