"""The order in which a batch locks what it writes, which keeps two crawlers out of deadlocks.

Whatever is stored already, and whatever the planner knows of it.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

import pytest
import sqlalchemy as sa

from tests.contract.entities import Observation, record
from tests.contract.rivals import insert_as_another_writer, wait_until_blocked
from tests.contract.stores import DatabaseStore, write

pytestmark = pytest.mark.postgresql

FEW, MANY = 7, 100
"""Entities; the server has a plan for each."""
STORED, VERSIONS = 2_000, 4
"""Entities of which there is a history, and as many versions of each."""
LOCK = "SELECT name FROM contract_match WHERE name = '{}' AND valid_to IS NULL FOR UPDATE"
FREE = "SELECT name FROM contract_match WHERE valid_to IS NULL FOR UPDATE SKIP LOCKED"


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


def store_history(store: DatabaseStore, names: Sequence[str]) -> None:
    """Store some versions of all of them, the current ones anywhere in the table.

    The store sees one of them again, or it would not try to confirm the next ones.
    """
    for look in range(VERSIONS):
        order = random.Random(look).sample(names, len(names))  # noqa: S311 - of what is scraped
        write(store, *(Observation(name, look, look, {}) for name in order[::2]))
        write(store, *(Observation(name, look, look, {}) for name in order[1::2]))
    write(store, Observation(names[0], VERSIONS - 1, VERSIONS - 1, {}))


def analyze(other: sa.Engine) -> None:
    """As autovacuum does it sooner or later."""
    with other.connect() as connection:
        connection.exec_driver_sql("ANALYZE contract_match")


def locked_before(name: str, work: Callable[[], object], other: sa.Engine) -> set[str]:
    """Hold a lock on one entity; which others `work` has locked when it comes to that one."""
    return locked_beside(lambda c: c.exec_driver_sql(LOCK.format(name)), work, other) - {name}


def locked_beside(
    hold: Callable[[sa.Connection], object], work: Callable[[], object], other: sa.Engine
) -> set[str]:
    """Be in the way of `work`; which entities are locked while it waits for us."""
    with other.connect() as holding, other.connect() as looking:
        every = set(looking.exec_driver_sql(FREE).scalars())
        holding.exec_driver_sql("BEGIN")
        hold(holding)
        working = threading.Thread(target=work, daemon=True)
        working.start()
        wait_until_blocked(looking)
        free = set(looking.exec_driver_sql(FREE).scalars())
        holding.exec_driver_sql("ROLLBACK")
        working.join()
    return every - free


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
            analyze(other)
        seen = [Observation(name, 2, score, {}) for name in names[::step]]
        middle = count // 2
        locked = locked_before(names[middle], lambda: write(store, *seen), other)
    assert locked == set(names[:middle])


@pytest.mark.parametrize("count", [FEW, MANY, 5 * MANY, STORED])
@pytest.mark.parametrize("analyzed", [False, True], ids=["new table", "analyzed table"])
def test_entities_with_a_history_are_confirmed_in_the_order_of_their_ids(
    postgresql_url: str, other: sa.Engine, *, count: int, analyzed: bool
) -> None:
    """Every second one of the batch; the heap has them in another order."""
    names = sorted_names(STORED)
    with closing(DatabaseStore(postgresql_url)) as store:
        store_history(store, names)
        if analyzed:
            analyze(other)
        seen = [names[n] for n in sorted(random.Random(count).sample(range(STORED), count))]  # noqa: S311
        unchanged = seen[::2]
        held = unchanged[len(unchanged) // 2]
        looks = [Observation(name, VERSIONS, VERSIONS - 1, {}) for name in unchanged]
        looks += [Observation(name, VERSIONS, VERSIONS, {}) for name in seen[1::2]]
        locked = locked_before(held, lambda: write(store, *looks), other)
    assert locked == set(unchanged[: unchanged.index(held)])


@pytest.mark.parametrize("attempt", [1, 2])
def test_nothing_is_locked_while_another_writer_inserts_a_new_entity(
    postgresql_url: str, other: sa.Engine, attempt: int
) -> None:
    """Who waits for that writer is in its way nowhere, whichever of the entities it comes to."""
    *stored, new = sorted_names(FEW)
    with closing(DatabaseStore(postgresql_url)) as store:
        store_in_pieces(store, stored)
        seen = [Observation(name, 2, 1, {}) for name in (*stored, new)]
        locked = locked_beside(
            lambda connection: insert_as_another_writer(connection, new),
            lambda: write(store, *seen, attempt=attempt),
            other,
        )
        assert [version.score for version in store.history(new).versions] == [1]
    assert locked == set()
