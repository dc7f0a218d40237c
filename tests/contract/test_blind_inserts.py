"""A store that is far from its server and has seen only new entities inserts the next ones blind.

Nobody may see a difference, except in the number of statements; and other stores never do it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import psycopg2
import pytest
import sqlalchemy as sa

from scrapy_snapshot_pipeline.capture.compile import compile_capture
from scrapy_snapshot_pipeline.declaration.registry import Declarations, snapshot
from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.errors import AmbiguousCommitError
from scrapy_snapshot_pipeline.records import Batch, Outcome
from tests.contract.entities import RUN, Observation, at, record
from tests.contract.stores import DATABASES, DatabaseStore, fold, found_at, write

Outcomes: TypeAlias = tuple[Outcome, ...]


@snapshot(key="name", table="contract_team")
@dataclass
class Team:
    """What is crawled beside matches."""

    name: str
    points: int


def _team_declaration() -> Declaration:
    found = Declarations().of(Team)
    assert found is not None
    return found


_capture_team = compile_capture(_team_declaration())


class Crawler(DatabaseStore):
    """A store of its own in a database that others may write to as well."""

    def __init__(self, url: str, *, far: bool) -> None:
        super().__init__(url, far=far)
        self._store.declare([_team_declaration()])
        self._questions = 0
        sa.event.listen(self._engine, "before_cursor_execute", self._count)

    def write_teams(self, second: int, *teams: Team, also: Sequence[Observation] = ()) -> Outcomes:
        """Write teams, and matches after them, as one batch."""
        records = [_capture_team(team, at(second), RUN) for team in teams]
        return self.write(Batch((*records, *map(record, also)))).outcomes

    def questions(self, *seen: Observation) -> int:
        """How many statements with an answer a batch of these takes."""
        before = self._questions
        write(self, *seen)
        return self._questions - before

    def lose_next_commit(self) -> None:
        """Have the connection lost when the next transaction commits."""

        def lose(_: object) -> None:
            sa.event.remove(self._engine, "commit", lose)
            raise psycopg2.OperationalError

        sa.event.listen(self._engine, "commit", lose, insert=True)

    def _count(self, _: object, __: object, statement: str, *___: Any) -> None:
        self._questions += "SELECT" in statement or "RETURNING" in statement


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> tuple[str, bool]:
    """Each database in turn, empty: its URL, and whether it is far."""
    return found_at(request, request.param)


@contextmanager
def crawler(database: tuple[str, bool], *, blind: bool = True) -> Iterator[Crawler]:
    """One that has stored new entities, and inserts the next ones blind or does not."""
    url, far = database
    made = Crawler(url, far=far)
    write(made, *(Observation(f"first {n}", 0, 0, {"m": 1}) for n in range(3)))
    if not blind:
        write(made, Observation("first 0", 1, 0, {"m": 1}))
    yield made
    made.close()


def seen(name: str, second: int, **markets: int) -> Observation:
    """See an entity."""
    return Observation(name, second, 0, markets)


def test_new_entities_are_inserted_without_a_question(postgresql_url: str) -> None:
    """The unique index would refuse known ones."""
    with crawler((postgresql_url, True)) as store:
        assert store.questions(seen("a", 1), seen("b", 1, x=1)) == 0
        assert store.history("b") == fold([seen("b", 1, x=1)])
    with crawler((postgresql_url, True), blind=False) as asking:
        assert asking.questions(seen("c", 1), seen("d", 1, x=1)) > 0


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_where_a_question_costs_little_it_is_asked(
    request: pytest.FixtureRequest, kind: str
) -> None:
    """A COPY must not be the first statement of a transaction, and SQLite is near anyway."""
    with crawler(found_at(request, kind)) as store:
        assert store.questions(seen("a", 1)) > 0


def test_a_refused_blind_insert_is_written_as_if_it_had_not_been_tried(
    database: tuple[str, bool],
) -> None:
    """Known entities are confirmed and revised, the new ones among them inserted."""
    with crawler(database) as store:
        outcomes = write(
            store, seen("first 0", 5, m=1), seen("first 1", 5, m=2), seen("new", 5, m=1)
        )
        assert outcomes == (Outcome.CONFIRMED, Outcome.REVISED, Outcome.INSERTED)
        for name, last in (("first 0", seen("first 0", 5, m=1)), ("first 1", seen("", 5, m=2))):
            before = seen(name, 0, m=1)
            assert store.history(name) == fold([before, last._replace(name=name)])
        assert store.history("new") == fold([seen("new", 5, m=1)])


def test_after_a_refused_blind_insert_the_store_asks_again(postgresql_url: str) -> None:
    """Although a batch of new entities only has come in between."""
    with crawler((postgresql_url, True)) as store:
        write(store, seen("first 0", 5, m=1))
        write(store, seen("a", 6))
        assert store.questions(seen("b", 7)) > 0


def test_after_a_blind_insert_without_an_answer_the_store_asks_again(postgresql_url: str) -> None:
    """The retry finds out what was stored, and the probation is that of a refused one."""
    with crawler((postgresql_url, True)) as store:
        store.lose_next_commit()
        with pytest.raises(AmbiguousCommitError):
            write(store, seen("a", 1, m=1))
        assert write(store, seen("a", 1, m=1), attempt=2) == (Outcome.INSERTED,)
        assert store.history("a") == fold([seen("a", 1, m=1)])
        assert store.questions(seen("b", 2)) > 0


def test_an_entity_that_another_crawler_has_stored_is_found(database: tuple[str, bool]) -> None:
    """What this store has seen says nothing of it."""
    with crawler(database) as one, crawler(database, blind=False) as other:
        write(other, seen("shared", 3, m=1))
        assert write(one, seen("mine", 4), seen("shared", 4, m=2)) == (
            Outcome.INSERTED,
            Outcome.REVISED,
        )
        assert one.history("shared") == fold([seen("shared", 3, m=1), seen("shared", 4, m=2)])


def test_an_entity_may_be_seen_often_in_a_blind_insert(database: tuple[str, bool]) -> None:
    """All its versions go in at once."""
    looks = [seen("a", 1, m=1), seen("a", 2, m=1), seen("a", 3, m=2), seen("a", 4, m=1)]
    with crawler(database) as store:
        assert write(store, *looks) == (
            Outcome.INSERTED,
            Outcome.COALESCED,
            Outcome.REVISED,
            Outcome.REVISED,
        )
        assert store.history("a") == fold(looks)


def test_a_refused_blind_insert_of_one_table_harms_no_other(database: tuple[str, bool]) -> None:
    """What was confirmed of the other one before the refusal is confirmed again."""
    with crawler(database) as store:
        store.write_teams(1, Team("x", 1))
        store.write_teams(2, Team("x", 1))
        matches = [seen("first 0", 3, m=2), seen("new", 3, m=1)]
        assert store.write_teams(3, Team("x", 1), Team("y", 1), also=matches) == (
            Outcome.CONFIRMED,
            Outcome.INSERTED,
            Outcome.REVISED,
            Outcome.INSERTED,
        )
        assert store.history("first 0") == fold([seen("first 0", 0, m=1), matches[0]])


def test_a_repeated_attempt_is_never_blind(database: tuple[str, bool]) -> None:
    """The first one may have committed."""
    with crawler(database) as store:
        outcomes = write(store, seen("a", 1, m=1), seen("b", 1))
        assert write(store, seen("a", 1, m=1), seen("b", 1), attempt=2) == outcomes
        assert store.history("a") == fold([seen("a", 1, m=1)])
