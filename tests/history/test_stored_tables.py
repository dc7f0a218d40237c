"""What the database says of its tables."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history import SnapshotHistory, TableInfo
from scrapy_snapshot_pipeline.store.schema.tables import SCHEMA, SCHEMA_VERSION
from tests.history.filled import TABLE, fill


def test_table_has_all_that_a_question_can_name(database_url: str) -> None:
    """Without the class, which need not be importable."""
    fill(database_url, [])
    with SnapshotHistory(database_url) as history:
        assert history.tables() == (history.table(TABLE),)
        assert history.table(TABLE) == TableInfo(
            name=TABLE,
            key=("name",),
            fields=("name", "score", "url"),
            children=("markets", "markets.selections"),
            numeric=("score", "markets.price", "markets.selections.odds"),
            untracked=("url",),
            untyped=False,
        )


def test_table_of_a_newer_version_is_refused(database_url: str) -> None:
    """What its rows mean is not known here."""
    fill(database_url, [])
    engine = sa.create_engine(database_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.update(SCHEMA).values(version=SCHEMA_VERSION + 1))
    with pytest.raises(HistoryError, match=f"table {TABLE} is of version {SCHEMA_VERSION + 1}"):
        SnapshotHistory(database_url)


def test_missing_file_is_no_new_database(tmp_path: Path) -> None:
    """Asking creates nothing."""
    file = tmp_path / "none.db"
    with pytest.raises(HistoryError, match="there is no file"):
        SnapshotHistory(f"sqlite:///{file}")
    assert not file.exists()


def test_database_without_history_is_refused(tmp_path: Path) -> None:
    """An empty file is no history."""
    (tmp_path / "empty.db").touch()
    with pytest.raises(HistoryError, match="no snapshot tables"):
        SnapshotHistory(f"sqlite:///{tmp_path / 'empty.db'}")
