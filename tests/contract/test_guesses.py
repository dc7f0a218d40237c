"""A store that has seen nothing but new entities inserts the next ones without asking.

Nobody may see a difference, but for the number of statements.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from scrapy_snapshot_pipeline.connect import connect_engine
from scrapy_snapshot_pipeline.records import Batch, Outcome
from scrapy_snapshot_pipeline.store import SnapshotStore
from tests.contract.entities import Observation, declaration, record
from tests.contract.history import History, read
from tests.contract.stores import DATABASES, fold, found_at, place


class Crawler:
    """A store of its own in a database that others may write to as well."""

    def __init__(self, url: str, *, far: bool) -> None:
        self._engine = connect_engine(url, connect_timeout=10)
        place(self._engine, far=far)
        self._store = SnapshotStore(self._engine)
        self._store.declare([declaration()])
        self._questions = 0
        sa.event.listen(self._engine, "before_cursor_execute", self._count)

    def write(self, *seen: Observation, attempt: int = 1) -> tuple[Outcome, ...]:
        """Write observations as one batch."""
        return self._store.write(Batch(tuple(map(record, seen)), attempt)).outcomes

    def questions(self, *seen: Observation) -> int:
        """As many statements with an answer as a batch of these takes."""
        before = self._questions
        self.write(*seen)
        return self._questions - before

    def history(self, name: str) -> History:
        """Read an entity back."""
        with self._engine.connect() as connection:
            return read(connection, self._store.tables(declaration().table), name)

    def close(self) -> None:
        """Let go of the database."""
        self._store.close()

    def _count(self, _: object, __: object, statement: str, *___: Any) -> None:
        self._questions += "SELECT" in statement or "RETURNING" in statement


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> tuple[str, bool]:
    """Each database in turn, empty: its URL, and whether it is far."""
    return found_at(request, request.param)


@contextmanager
def crawler(database: tuple[str, bool], *, guessing: bool = True) -> Iterator[Crawler]:
    """One that has stored some entities, and expects more of them or does not."""
    url, far = database
    made = Crawler(url, far=far)
    made.write(*(Observation(f"first {n}", 0, 0, {"m": 1}) for n in range(3)))
    if not guessing:
        made.write(Observation("first 0", 1, 0, {"m": 1}))
    yield made
    made.close()


def seen(name: str, second: int, **markets: int) -> Observation:
    """See an entity."""
    return Observation(name, second, 0, markets)


def test_new_entities_are_inserted_without_a_question(database: tuple[str, bool]) -> None:
    """Where the store expects nothing else; their unique index would refuse known ones."""
    with crawler(database) as guessing:
        assert guessing.questions(seen("a", 1), seen("b", 1, x=1)) == 0
        assert guessing.history("b") == fold([seen("b", 1, x=1)])
    with crawler(database, guessing=False) as asking:
        assert asking.questions(seen("c", 1), seen("d", 1, x=1)) > 0


def test_a_wrong_guess_is_written_as_if_it_had_not_been_made(database: tuple[str, bool]) -> None:
    """Known entities are confirmed and revised, the new ones among them inserted."""
    with crawler(database) as guessing:
        outcomes = guessing.write(
            seen("first 0", 5, m=1), seen("first 1", 5, m=2), seen("new", 5, m=1)
        )
        assert outcomes == (Outcome.CONFIRMED, Outcome.REVISED, Outcome.INSERTED)
        for name, last in (("first 0", seen("first 0", 5, m=1)), ("first 1", seen("", 5, m=2))):
            before = seen(name, 0, m=1)
            assert guessing.history(name) == fold([before, last._replace(name=name)])
        assert guessing.history("new") == fold([seen("new", 5, m=1)])


def test_after_a_wrong_guess_the_store_asks_again(database: tuple[str, bool]) -> None:
    """Although the next batch is of new entities only."""
    with crawler(database) as guessing:
        guessing.write(seen("first 0", 5, m=1))
        assert guessing.questions(seen("a", 6)) > 0
        assert guessing.questions(seen("b", 7)) > 0


def test_an_entity_that_another_crawler_has_stored_is_found(database: tuple[str, bool]) -> None:
    """What this store has seen says nothing of it."""
    with crawler(database) as one, crawler(database, guessing=False) as other:
        other.write(seen("shared", 3, m=1))
        assert one.write(seen("mine", 4), seen("shared", 4, m=2)) == (
            Outcome.INSERTED,
            Outcome.REVISED,
        )
        assert one.history("shared") == fold([seen("shared", 3, m=1), seen("shared", 4, m=2)])


def test_an_entity_may_be_seen_often_in_a_guessed_batch(database: tuple[str, bool]) -> None:
    """All its versions go in at once."""
    looks = [seen("a", 1, m=1), seen("a", 2, m=1), seen("a", 3, m=2), seen("a", 4, m=1)]
    with crawler(database) as guessing:
        assert guessing.write(*looks) == (
            Outcome.INSERTED,
            Outcome.COALESCED,
            Outcome.REVISED,
            Outcome.REVISED,
        )
        assert guessing.history("a") == fold(looks)


def test_a_repeated_attempt_never_guesses(database: tuple[str, bool]) -> None:
    """The first one may have committed."""
    with crawler(database) as guessing:
        outcomes = guessing.write(seen("a", 1, m=1), seen("b", 1))
        assert guessing.write(seen("a", 1, m=1), seen("b", 1), attempt=2) == outcomes
        assert guessing.history("a") == fold([seen("a", 1, m=1)])
