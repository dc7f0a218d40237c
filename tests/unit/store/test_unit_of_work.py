"""The steps of a batch, by the statements that reach a SQLite database in memory."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from scrapy_snapshot_pipeline.capture.compile import compile_capture
from scrapy_snapshot_pipeline.declaration.registry import Declarations, snapshot
from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.records import Batch, Outcome, SnapshotRecord, WriteResult
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.lately_seen import LatelySeen
from scrapy_snapshot_pipeline.store.prediction import Strategy
from scrapy_snapshot_pipeline.store.schema.create import ensure_schema
from scrapy_snapshot_pipeline.store.schema.tables import entity_tables
from scrapy_snapshot_pipeline.store.sql.statements import Statements
from scrapy_snapshot_pipeline.store.unit_of_work import UnitOfWork

START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
RUN = uuid.UUID(int=1)
HORIZON = START + dt.timedelta(hours=1)
VERB = re.compile(r"\b(SELECT|UPDATE|INSERT)\b.*?\b(arena|team)\b", re.DOTALL)


@snapshot(key="name")
@dataclass
class Arena:
    """The table that comes first by name."""

    name: str
    seats: int


@snapshot(key="name")
@dataclass
class Team:
    """The other one."""

    name: str
    points: int


def _declaration(item_class: type) -> Declaration:
    found = Declarations().of(item_class)
    assert found is not None
    return found


DECLARATIONS = {c: _declaration(c) for c in (Arena, Team)}
CAPTURES = {c: compile_capture(declaration) for c, declaration in DECLARATIONS.items()}


def at(second: int, item: Arena | Team, run: uuid.UUID = RUN) -> SnapshotRecord:
    """See an item in a second."""
    return CAPTURES[type(item)](item, START + dt.timedelta(seconds=second), run)


class Database:
    """The tables of both, and what is said to the database."""

    def __init__(self) -> None:
        self._engine = connect_engine("sqlite://", connect_timeout=10)
        self.lately = LatelySeen()
        self.said: list[str] = []
        """Verb and table of each statement."""
        tables = [entity_tables(each, sa.MetaData()) for each in DECLARATIONS.values()]
        with self._engine.begin() as connection:
            ensure_schema(connection, tables, create=True)
        dialect = self._engine.dialect
        self._statements = {t.versions.name: Statements(t, dialect) for t in tables}
        sa.event.listen(self._engine, "before_cursor_execute", self._note)

    def unit(
        self,
        *records: SnapshotRecord,
        strategy: Strategy,
        attempt: int = 1,
        rivals: bool = False,
    ) -> UnitOfWork:
        """A batch of these; the same strategy for all tables."""
        strategies = dict.fromkeys((record.table for record in records), strategy)
        batch = Batch(records, attempt)
        statements = self._statements
        return UnitOfWork(batch, statements, strategies, self.lately, HORIZON, rivals=rivals)

    def write(
        self, *records: SnapshotRecord, strategy: Strategy = Strategy.PLAN, attempt: int = 1
    ) -> WriteResult:
        """Confirm, plan, apply, in one transaction."""
        unit = self.unit(*records, strategy=strategy, attempt=attempt)
        self.said.clear()
        with self._engine.begin() as connection:
            unit.confirm(connection)
            unit.plan(connection)
            unit.apply(connection)
        return unit.result()

    def write_among_writers(self, *records: SnapshotRecord, rivals: bool = False) -> UnitOfWork:
        """What follows a confirm where several write at a time, in one transaction."""
        unit = self.unit(*records, strategy=Strategy.PLAN, rivals=rivals)
        self.said.clear()
        with self._engine.begin() as connection:
            unit.insert_new(connection)
            unit.plan(connection)
            unit.apply(connection)
        return unit

    def overlook(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """From now on nothing is there yet when somebody looks."""
        for statements in self._statements.values():
            monkeypatch.setattr(statements.reads, "known", lambda *_: set())

    def plan(self, unit: UnitOfWork) -> None:
        """The third step alone."""
        with self._engine.begin() as connection:
            unit.plan(connection)

    def close(self) -> None:
        """Let go of it."""
        self._engine.dispose()

    def _note(self, _: object, __: object, statement: str, *___: Any) -> None:
        if found := VERB.search(statement):
            self.said.append(f"{found[1].lower()} {found[2]}")


@pytest.fixture
def database() -> Iterator[Database]:
    """An empty one."""
    made = Database()
    yield made
    made.close()


def test_all_tables_are_read_in_the_order_of_their_names_before_the_first_is_written(
    database: Database,
) -> None:
    """Whatever the order of the records: two crawlers lock their tables in the same order."""
    database.write(at(1, Team("a", 1)), at(1, Arena("b", 1)))
    assert database.said == ["select arena", "select team", "insert arena", "insert team"]


def test_what_was_confirmed_is_not_planned(database: Database) -> None:
    """The rest of the batch is."""
    database.write(at(1, Team("a", 1)), at(1, Arena("b", 1)))
    result = database.write(
        at(2, Team("a", 1)), at(2, Arena("b", 2)), strategy=Strategy.CONFIRM_FIRST
    )
    assert result.outcomes == (Outcome.CONFIRMED, Outcome.REVISED)
    assert database.said == [
        "update arena",
        "update team",
        "select arena",
        "update arena",
        "insert arena",
    ]


def test_a_plan_finds_what_is_unchanged_as_well(database: Database) -> None:
    """Nothing is asked for the sake of a confirmation."""
    database.write(at(1, Team("a", 1)))
    assert not database.unit(at(2, Team("a", 1)), strategy=Strategy.PLAN).confirms
    assert database.write(at(2, Team("a", 1))).outcomes == (Outcome.CONFIRMED,)
    assert database.said == ["select team", "update team"]


def test_an_entity_seen_twice_is_confirmed_once(database: Database) -> None:
    """With its last time; the other records are coalesced."""
    database.write(at(1, Team("a", 1)))
    seen = [at(second, Team("a", 1)) for second in (3, 2)]
    result = database.write(*seen, strategy=Strategy.CONFIRM_FIRST)
    assert result.outcomes == (Outcome.CONFIRMED, Outcome.COALESCED)
    assert database.write(at(3, Team("a", 2))).late == 1


def test_an_entity_seen_with_two_contents_is_left_to_the_plan(database: Database) -> None:
    """No single confirmation says both."""
    database.write(at(1, Team("a", 1)))
    seen = [at(2, Team("a", 1)), at(3, Team("a", 2))]
    result = database.write(*seen, strategy=Strategy.CONFIRM_FIRST)
    assert result.outcomes == (Outcome.CONFIRMED, Outcome.REVISED)
    assert database.said[0] == "select team"


def test_a_database_that_is_near_is_never_written_blind(database: Database) -> None:
    """The prediction does not know how far it is."""
    database.write(at(1, Team("a", 1)))
    unit = database.unit(at(2, Team("a", 2)), strategy=Strategy.INSERT_BLIND)
    assert unit.unfinished
    database.plan(unit)
    assert not unit.inserts_blind
    assert unit.result().outcomes == (Outcome.REVISED,)


def test_a_repeated_attempt_finds_what_the_first_has_written(database: Database) -> None:
    """It inserts nothing twice, and says what the first would have said."""
    seen = (at(1, Team("a", 1)), at(2, Team("a", 2)))
    first = database.write(*seen)
    assert database.write(*seen, attempt=2) == first
    assert "insert team" not in database.said


def test_a_content_that_contradicts_what_the_run_has_stored_is_a_conflict(
    database: Database,
) -> None:
    """In the same batch or in a later one; counted by table."""
    first = database.write(at(1, Team("a", 1)), at(1, Arena("b", 1)), at(2, Arena("b", 2)))
    assert first.conflicts == {"arena": 1}
    for strategy in (Strategy.CONFIRM_FIRST, Strategy.PLAN):
        points = 2 if strategy is Strategy.PLAN else 3
        later = database.write(at(points, Team("a", points)), strategy=strategy)
        assert later.conflicts == {"team": 1}


def test_what_another_run_has_stored_is_no_conflict(database: Database) -> None:
    """Nor is a second look at the same content."""
    database.write(at(1, Team("a", 1)))
    other = uuid.UUID(int=2)
    changed = [at(second, Team("a", 2), other) for second in (2, 3)]
    assert database.write(*changed).conflicts == {}
    assert database.write(at(4, Team("a", 2), other)).conflicts == {}
    assert database.write(at(5, Team("a", 1))).conflicts == {}


def test_what_the_run_is_known_to_have_confirmed_is_a_conflict(database: Database) -> None:
    """Although another one has stored it."""
    other = uuid.UUID(int=2)
    database.write(at(1, Team("a", 1)), at(1, Arena("a", 1)))
    database.lately.note("team", [at(2, Team("a", 1), other)])
    assert database.write(at(3, Arena("a", 2), other)).conflicts == {}
    assert database.write(at(3, Team("a", 2), other)).conflicts == {"team": 1}


@pytest.mark.parametrize("strategy", [Strategy.CONFIRM_FIRST, Strategy.PLAN])
@pytest.mark.parametrize("points", [1, 2], ids=["the same", "changed"])
def test_a_version_from_a_clock_that_is_ahead_is_reported(
    database: Database, strategy: Strategy, points: int
) -> None:
    """Whether the entity is confirmed or changed; a version at the horizon itself is not."""
    database.write(at(1, Team("a", 1)), at(1, Team("b", 1)))
    database.write(at(3600, Team("a", 1)), at(3601, Team("b", 1)))
    result = database.write(at(5, Team("a", points)), at(6, Team("b", points)), strategy=strategy)
    assert result.ahead == (HORIZON + dt.timedelta(seconds=1),)
    assert result.late == 2 * (points - 1)


def test_new_entities_of_all_tables_are_inserted_before_others_are_read(
    database: Database,
) -> None:
    """Who waits for another writer of a new entity has locked nothing yet."""
    database.write(at(1, Team("a", 1)), at(1, Arena("b", 1)))
    unit = database.write_among_writers(
        at(2, Team("a", 2)), at(2, Arena("c", 1)), at(2, Team("d", 1))
    )
    assert unit.result().outcomes == (Outcome.REVISED, Outcome.INSERTED, Outcome.INSERTED)
    looks_and_inserts = ["select arena", "insert arena", "select team", "insert team"]
    assert database.said == [*looks_and_inserts, "select team", "update team", "insert team"]


def test_where_all_is_new_nothing_is_asked_twice(database: Database) -> None:
    """A first crawl looks once."""
    unit = database.write_among_writers(at(1, Team("a", 1)), at(2, Team("a", 2)))
    assert unit.result().outcomes == (Outcome.INSERTED, Outcome.REVISED)
    assert unit.result().conflicts == {"team": 1}
    assert unit.was_second is None
    assert database.said == ["select team", "insert team"]


def test_an_entity_that_somebody_stored_since_the_look_is_planned_anew(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that is known, from its first record on; the others are inserted."""
    database.write(at(1, Team("a", 1)))
    database.overlook(monkeypatch)
    unit = database.write_among_writers(
        at(2, Team("a", 2)), at(3, Team("a", 1)), at(3, Team("b", 1)), rivals=True
    )
    assert unit.was_second is True
    assert unit.result().outcomes == (Outcome.REVISED, Outcome.REVISED, Outcome.INSERTED)
    assert unit.result().conflicts == {"team": 2}
    assert database.write(at(4, Team("a", 1)), at(4, Team("b", 1))).outcomes == (
        Outcome.CONFIRMED,
        Outcome.CONFIRMED,
    )


def test_who_was_first_with_all_says_so(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then there is nobody to mind, and without new entities nobody knows."""
    unit = database.write_among_writers(at(1, Team("a", 1)), at(2, Team("a", 2)), rivals=True)
    assert unit.was_second is False
    assert unit.result().outcomes == (Outcome.INSERTED, Outcome.REVISED)
    assert database.write_among_writers(at(3, Team("a", 3)), rivals=True).was_second is None
    database.overlook(monkeypatch)
    with pytest.raises(sa.exc.IntegrityError):
        database.write_among_writers(at(4, Team("a", 4)))
