"""How much a batch reads of what is stored, where nobody has analysed the tables yet."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from scrapy_snapshot_pipeline.records import Batch, SnapshotRecord
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from tests.contract.entities import Observation, declaration, record

pytestmark = pytest.mark.postgresql

STORED, TOUCHED = 4_000, 20
ROWS = 3
"""Of an entity: itself, a market, a selection."""

SEEN_AGAIN: dict[str, Callable[[int], SnapshotRecord]] = {
    "unchanged": lambda n: record(Observation(f"e{n}", 100, 0, {"m": 0})),
    "changed": lambda n: record(Observation(f"e{n}", 100, 1, {"m": 4})),
    "new": lambda n: record(Observation(f"new {n}", 100, 0, {"m": 0})),
    "late": lambda n: record(Observation(f"e{n}", -100, 1, {"m": 4})),
}


def index_entries_read(engine: Engine) -> int:
    """By all sessions so far, once this engine's has told its own."""
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT pg_stat_force_next_flush()")
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT pg_stat_clear_snapshot()")
        found = connection.exec_driver_sql("SELECT sum(idx_tup_read) FROM pg_stat_user_indexes")
        return int(found.scalar_one())


@pytest.mark.parametrize("seen", SEEN_AGAIN.values(), ids=SEEN_AGAIN)
def test_a_batch_reads_its_own_entities_only(
    seen: Callable[[int], SnapshotRecord], postgresql_url: str
) -> None:
    """The planner, which takes a never analysed table for nearly empty, reads no whole index."""
    engine = connect_engine(postgresql_url, connect_timeout=10)
    with engine.connect() as connection:
        if connection.exec_driver_sql("SHOW server_version_num").scalar_one() < "150000":
            pytest.skip("before PostgreSQL 15 a server tells its statistics when it likes")
    with closing(SnapshotStore(engine)) as store:
        store.declare([declaration()])
        with engine.begin() as connection:
            for table in sa.inspect(connection).get_table_names():
                connection.exec_driver_sql(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
        stored = [record(Observation(f"e{n}", 0, 0, {"m": 0})) for n in range(STORED)]
        store.write(Batch(tuple(stored)))
        store.write(Batch((record(Observation("e0", 50, 0, {"m": 0})),)))  # or no confirm is tried
        before = index_entries_read(engine)
        store.write(Batch(tuple(map(seen, range(TOUCHED)))))
        assert index_entries_read(engine) - before < 10 * ROWS * TOUCHED
