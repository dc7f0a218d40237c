"""The order in which a batch locks what it writes, which keeps two crawlers out of deadlocks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from tests.contract.entities import Observation, record
from tests.contract.stores import DatabaseStore, write

pytestmark = pytest.mark.postgresql

NAMES = sorted(
    (f"e{number}" for number in range(100)),
    key=lambda name: record(Observation(name, 0, 0, {})).entity_id,
)
"""In the order of their ids."""
LOCK = "SELECT name FROM contract_match WHERE name = '{}' FOR UPDATE"
FREE = "SELECT name FROM contract_match WHERE valid_to IS NULL FOR UPDATE SKIP LOCKED"
WAITING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@pytest.fixture
def other(postgresql_url: str) -> Iterator[sa.Engine]:
    """Connections beside the store's."""
    engine = sa.create_engine(postgresql_url, poolclass=sa.NullPool)
    yield engine
    engine.dispose()


def stored_by(url: str) -> DatabaseStore:
    """A crawler that has stored all of them, and has seen that they may be unchanged."""
    store = DatabaseStore(url)
    for second in (0, 1):
        write(store, *(Observation(name, second, 0, {}) for name in NAMES))
    return store


def wait_until(met: Callable[[], bool]) -> None:
    """Come back when it is so."""
    deadline = time.monotonic() + 20
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def locked_while_waiting_for(name: str, work: Callable[[], object], other: sa.Engine) -> list[str]:
    """Hold a lock on one entity; which others `work` has locked when it comes to that one."""
    with other.connect() as holding, other.connect() as looking:
        holding.exec_driver_sql(LOCK.format(name))
        working = threading.Thread(target=work)
        working.start()
        wait_until(lambda: looking.exec_driver_sql(WAITING).scalar_one() == 1)
        free = set(looking.exec_driver_sql(FREE).scalars())
        looking.rollback()
        holding.rollback()
        working.join()
    return [each for each in NAMES if each not in free and each != name]


@pytest.mark.parametrize("score", [0, 1], ids=["unchanged", "changed"])
@pytest.mark.parametrize("arriving", [NAMES, NAMES[::-1]], ids=["forwards", "backwards"])
def test_entities_are_locked_in_the_order_of_their_ids(
    postgresql_url: str, other: sa.Engine, arriving: list[str], score: int
) -> None:
    """In whichever order they were scraped: no two crawlers wait for each other."""
    store = stored_by(postgresql_url)
    seen = [Observation(name, 2, score, {}) for name in arriving]
    middle = len(NAMES) // 2
    locked = locked_while_waiting_for(NAMES[middle], lambda: write(store, *seen), other)
    store.close()
    assert locked == NAMES[:middle]
