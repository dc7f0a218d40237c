"""Tables that are left to the first batch that needs them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from scrapy_snapshot_pipeline.errors import RetriableWriteError
from scrapy_snapshot_pipeline.records import Batch, Outcome
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from tests.contract.entities import Observation, declaration, record

BATCH = Batch((record(Observation("arsenal", 1, 0, {"a": 1})),))


@pytest.fixture
def store(database_url: str) -> Iterator[SnapshotStore]:
    """A crawl's, at a time when the class is not known."""
    made = SnapshotStore(connect_engine(database_url, connect_timeout=10))
    made.declare([])
    yield made
    made.close()


def tables(url: str) -> set[str]:
    """Those that are there."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    return set(sa.inspect(engine).get_table_names())


def test_expected_tables_are_created_before_the_first_batch_for_them(
    store: SnapshotStore, database_url: str
) -> None:
    """And not before that."""
    store.expect([declaration()])
    assert "contract_match" not in tables(database_url)
    assert store.write(BATCH).outcomes == (Outcome.INSERTED,)
    assert "contract_match_markets_selections" in tables(database_url)
    assert store.write(BATCH).outcomes == (Outcome.CONFIRMED,)


def test_a_batch_whose_tables_cannot_be_created_now_is_written_later(sqlite_url: str) -> None:
    """Its error is that of any batch; the next attempt creates them."""
    store = SnapshotStore(connect_engine(sqlite_url, connect_timeout=10))
    store.declare([])
    store.expect([declaration()])
    other = sa.create_engine(sqlite_url, poolclass=sa.NullPool)
    with other.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(RetriableWriteError):
            store.write(BATCH)
        connection.rollback()
    assert store.write(Batch(BATCH.records, attempt=2)).outcomes == (Outcome.INSERTED,)
    store.close()
