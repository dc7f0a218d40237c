"""A new entity, of which another writer stores the first version at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
import sqlalchemy as sa

from scrapy_snapshot_pipeline.errors import ConflictError
from scrapy_snapshot_pipeline.records import Outcome
from scrapy_snapshot_pipeline.store.prediction import COMPANY
from tests.contract.entities import Observation
from tests.contract.rivals import insert_as_another_writer, wait_until_blocked
from tests.contract.stores import DatabaseStore, fold, write

pytestmark = pytest.mark.postgresql

FIRST = Observation("arsenal", 0, 0, {})
"""What the other writer saw."""


class Race:
    """A store, and the writer that is always a little earlier."""

    def __init__(self, url: str, *, far: bool) -> None:
        self.store = DatabaseStore(url, far=far)
        self._engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        write(self.store, Observation("burnley", 0, 0, {}))

    def second(self, *seen: Observation, attempt: int = 1) -> tuple[Outcome, ...]:
        """Write a batch, which meets the version of the other writer before it has committed."""
        with (
            self._engine.connect() as first,
            self._engine.connect() as looking,
            ThreadPoolExecutor(1) as thread,
        ):
            first.exec_driver_sql("BEGIN")
            insert_as_another_writer(first, seen[0].name)
            written = thread.submit(write, self.store, *seen, attempt=attempt)
            wait_until_blocked(looking)
            first.exec_driver_sql("COMMIT")
            return written.result(20)

    def close(self) -> None:
        """Let go of the database."""
        self.store.close()
        self._engine.dispose()


@pytest.fixture(params=["near", "far"])
def race(request: pytest.FixtureRequest, postgresql_url: str) -> Iterator[Race]:
    """On a server of each distance."""
    with closing(Race(postgresql_url, far=request.param == "far")) as made:
        yield made


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        ([FIRST._replace(second=3)], Outcome.CONFIRMED),
        ([FIRST._replace(second=3, score=1)], Outcome.REVISED),
        ([FIRST._replace(second=3, markets={"x": 1})], Outcome.REVISED),
        (
            [FIRST._replace(second=3, score=1, markets={"x": 1}), FIRST._replace(second=4)],
            Outcome.REVISED,
        ),
    ],
    ids=["equal", "another score", "another market", "two contents"],
)
def test_a_repeated_attempt_that_is_second_goes_on(
    race: Race, seen: list[Observation], outcome: Outcome
) -> None:
    """Its record is compared with the version of the first; what else is new is stored."""
    other = Observation("chelsea", 3, 0, {"y": 2})
    outcomes = race.second(*seen, other, attempt=2)
    assert outcomes == (*[outcome] * len(seen), Outcome.INSERTED)
    assert race.store.history("arsenal") == fold([FIRST, *seen])
    assert race.store.history("chelsea") == fold([other])


def test_after_a_conflict_the_next_ones_are_met_at_the_first_attempt(postgresql_url: str) -> None:
    """Where there is another writer, its entities are skipped, instead of failing for each."""
    with closing(Race(postgresql_url, far=False)) as race:
        with pytest.raises(ConflictError):
            race.second(FIRST._replace(second=3))
        for name in ("chelsea", "dover"):
            assert race.second(Observation(name, 3, 0, {})) == (Outcome.CONFIRMED,)
        for number in range(COMPANY):
            assert write(race.store, Observation(f"e{number}", 3, 0, {})) == (Outcome.INSERTED,)
        with pytest.raises(ConflictError):  # for nobody was in the way of the last ones
            race.second(Observation("fulham", 3, 0, {}))
