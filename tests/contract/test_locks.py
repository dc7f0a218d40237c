"""The order in which a batch locks what it writes, which keeps two crawlers out of deadlocks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

import pytest
import sqlalchemy as sa

from tests.contract.entities import Observation, record
from tests.contract.stores import DatabaseStore, write

pytestmark = pytest.mark.postgresql

FEW, MANY = 7, 100
"""Entities; the server has a plan for each."""
LOCK = "SELECT name FROM contract_match WHERE name = '{}' FOR UPDATE"
FREE = "SELECT name FROM contract_match WHERE valid_to IS NULL FOR UPDATE SKIP LOCKED"
WAITING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@pytest.fixture
def other(postgresql_url: str) -> Iterator[sa.Engine]:
    """Connections beside the store's."""
    engine = sa.create_engine(postgresql_url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    yield engine
    engine.dispose()


def sorted_names(count: int) -> list[str]:
    """So many, in the order of their ids."""
    names = map("e{}".format, range(count))
    return sorted(names, key=lambda name: record(Observation(name, 0, 0, {})).entity_id)


def store_in_pieces(store: DatabaseStore, names: Sequence[str]) -> None:
    """Store all of them, in another order than that of their ids; let the store see them again."""
    for piece in (names[1::2], names[::2], names[:1]):
        write(store, *(Observation(name, 0, 0, {}) for name in piece))


def locked_before(name: str, work: Callable[[], object], other: sa.Engine) -> set[str]:
    """Hold a lock on one entity; which others `work` has locked when it comes to that one."""
    with other.connect() as holding, other.connect() as looking:
        every = set(looking.exec_driver_sql(FREE).scalars())
        holding.exec_driver_sql("BEGIN")
        holding.exec_driver_sql(LOCK.format(name))
        working = threading.Thread(target=work, daemon=True)
        working.start()
        deadline = time.monotonic() + 20
        while not looking.exec_driver_sql(WAITING).scalar_one():
            assert time.monotonic() < deadline, "nobody waits for the lock"
            time.sleep(0.01)
        free = set(looking.exec_driver_sql(FREE).scalars())
        holding.exec_driver_sql("ROLLBACK")
        working.join()
    return every - free - {name}


@pytest.mark.parametrize("count", [FEW, MANY])
@pytest.mark.parametrize("analyzed", [False, True], ids=["new table", "analyzed table"])
@pytest.mark.parametrize("score", [0, 1], ids=["unchanged", "changed"])
@pytest.mark.parametrize("step", [1, -1], ids=["forwards", "backwards"])
def test_entities_are_locked_in_the_order_of_their_ids(
    postgresql_url: str, other: sa.Engine, *, count: int, analyzed: bool, score: int, step: int
) -> None:
    """In whichever order they were scraped: no two crawlers wait for each other."""
    names = sorted_names(count)
    with closing(DatabaseStore(postgresql_url)) as store:
        store_in_pieces(store, names)
        if analyzed:
            with other.connect() as connection:
                connection.exec_driver_sql("ANALYZE contract_match")
        seen = [Observation(name, 2, score, {}) for name in names[::step]]
        middle = count // 2
        locked = locked_before(names[middle], lambda: write(store, *seen), other)
    assert locked == set(names[:middle])
