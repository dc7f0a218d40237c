"""How a batch gets at what is stored, and how much of that it reads, whatever the planner knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, TypeAlias

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from scrapy_snapshot_pipeline.records import Batch, SnapshotRecord
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from tests.contract.entities import Observation, declaration, record

pytestmark = pytest.mark.postgresql

Seen: TypeAlias = Callable[[int, int], SnapshotRecord]
"""A look at the entity of a number, whose current version has that score."""

STORED, TOUCHED = 2_000, 20
ROWS = 3
"""Of an entity: itself, a market, a selection."""
FILLED = pytest.mark.parametrize(
    ("versions", "analyzed"),
    [(1, False), (4, False), (4, True)],
    ids=["new table", "a history", "analyzed history"],
)
"""How many versions there are of each entity, and whether the planner knows."""

SEEN_AGAIN: dict[str, Seen] = {
    "unchanged": lambda n, score: record(Observation(f"e{n}", 100, score, {"m": 0})),
    "changed": lambda n, score: record(Observation(f"e{n}", 100, score + 1, {"m": 4})),
    "new": lambda n, score: record(Observation(f"new {n}", 100, score, {"m": 0})),
    "late": lambda n, score: record(Observation(f"e{n}", -100, score + 1, {"m": 4})),
}


@pytest.fixture
def engine(postgresql_url: str) -> Iterator[Engine]:
    """As the store has it."""
    made = connect_engine(postgresql_url, connect_timeout=10)
    yield made
    made.dispose()


def filled(engine: Engine, versions: int, *, analyzed: bool) -> SnapshotStore:
    """A store of all entities, which saw one of them again, or no confirm would be tried."""
    store = SnapshotStore(engine)
    store.declare([declaration()])
    tables = [table.name for table in store.tables(declaration().table).all]
    with engine.begin() as connection:
        for table in tables:
            connection.exec_driver_sql(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
    for score in range(versions):
        seen = (Observation(f"e{n}", score, score, {"m": 0}) for n in range(STORED))
        store.write(Batch(tuple(map(record, seen))))
    store.write(Batch((record(Observation("e0", 50, versions - 1, {"m": 0})),)))
    if analyzed:
        with engine.begin() as connection:
            for table in tables:
                connection.exec_driver_sql(f"ANALYZE {table}")
    return store


def index_entries_read(engine: Engine) -> int:
    """By all sessions so far, once this engine's has told its own."""
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT pg_stat_force_next_flush()")
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT pg_stat_clear_snapshot()")
        found = connection.exec_driver_sql("SELECT sum(idx_tup_read) FROM pg_stat_user_indexes")
        return int(found.scalar_one())


@FILLED
@pytest.mark.parametrize("seen", SEEN_AGAIN.values(), ids=SEEN_AGAIN)
def test_a_batch_reads_its_own_entities_only(
    seen: Seen, engine: Engine, *, versions: int, analyzed: bool
) -> None:
    """The planner, which takes a never analysed table for nearly empty, reads no whole index."""
    with engine.connect() as connection:
        if connection.exec_driver_sql("SHOW server_version_num").scalar_one() < "150000":
            pytest.skip("before PostgreSQL 15 a server tells its statistics when it likes")
    with closing(filled(engine, versions, analyzed=analyzed)) as store:
        before = index_entries_read(engine)
        store.write(Batch(tuple(seen(n, versions - 1) for n in range(TOUCHED))))
        assert index_entries_read(engine) - before < 10 * ROWS * TOUCHED


def plan_of_confirm(engine: Engine, store: SnapshotStore, batch: Batch) -> str:
    """The plan of the server, under all that the confirm sets for itself."""
    asked: list[tuple[str, Any]] = []

    def note(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:
        if "UPDATE" in statement:
            asked.append((statement.replace("WITH v(", "EXPLAIN WITH v(", 1), parameters))

    sa.event.listen(engine, "before_cursor_execute", note)
    store.write(batch)
    sa.event.remove(engine, "before_cursor_execute", note)
    plain = sa.create_engine(engine.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with plain.connect() as connection:
        return "\n".join(connection.exec_driver_sql(*asked[0]).scalars())


@FILLED
def test_a_confirm_takes_its_rows_in_the_order_of_their_ids(
    engine: Engine, *, versions: int, analyzed: bool
) -> None:
    """By a merge join on them alone, however it gets at the rows, and no whole table is read."""
    with closing(filled(engine, versions, analyzed=analyzed)) as store:
        for touched in (1, 7, 100, 500, STORED):
            seen = [SEEN_AGAIN["unchanged"](n, versions - 1) for n in range(touched)]
            plan = plan_of_confirm(engine, store, Batch(tuple(seen)))
            assert "Merge Join" in plan, plan
            assert "Merge Cond: (contract_match.entity_id = unnest.unnest)" in plan, plan
            assert "Hash" not in plan, plan
            assert "Seq Scan" not in plan, plan
