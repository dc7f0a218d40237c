"""The statements of the history read no whole table, but use an index."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from scrapy_snapshot_pipeline.history import SnapshotHistory
from scrapy_snapshot_pipeline.history.lazy_result import Answer
from tests.history.filled import TABLE, Observation, at, fill

ENTITIES = 100
VERSIONS = 100
LAST = ENTITIES * VERSIONS
SINCE = at(LAST - 5)

Ask = Callable[[SnapshotHistory], "Answer[Any]"]
QUESTIONS: dict[str, Ask] = {
    "one entity's history": lambda h: h.versions(TABLE, "e7"),
    "one entity's number": lambda h: h.steps(TABLE, "e7", "markets.price"),
    "what is current of a key": lambda h: h.current(TABLE, where={"name": "e7"}),
    "what is current of some keys": lambda h: h.current(TABLE, where={"name": ["e7", "e8"]}),
    "changes since a time": lambda h: h.changes(TABLE, since=SINCE),
    "what is new since a time": lambda h: h.new(TABLE, since=SINCE),
    "what was not seen since a time": lambda h: h.not_seen(TABLE, since=at(LAST - ENTITIES)),
    "movers since a time": lambda h: h.movers(TABLE, "score", since=SINCE),
}
FULL_SCAN = re.compile(
    # SQLite: a table without an index.  PostgreSQL: a table from one end to the other.
    rf"SCAN (?:v|o|p|c|{TABLE}\w*)\b(?! USING)|Seq Scan on {TABLE}"
)


@pytest.fixture
def filled(database_url: str) -> str:
    """Each second one of the entities changes; afterwards the database gathers statistics."""
    seen = [
        Observation(f"e{second % ENTITIES}", second, second % 7, {"x": second // ENTITIES % 5})
        for second in range(LAST)
    ]
    fill(database_url, seen, one_by_one=False)
    engine = sa.create_engine(database_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
    return database_url


def plans(engine: Engine, ask: Callable[[], object]) -> Iterator[str]:
    """The plan of each statement that `ask` runs."""
    ran: list[tuple[str, Any]] = []

    def note(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:
        ran.append((statement, parameters))

    sa.event.listen(engine, "before_cursor_execute", note)
    ask()
    sa.event.remove(engine, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    with engine.connect() as connection:
        for statement, parameters in ran:
            if statement.startswith(("SELECT", "WITH")):
                found = connection.exec_driver_sql(f"{explain} {statement}", parameters)
                yield "\n".join(str(row[-1]) for row in found)


def test_questions_read_no_whole_table(filled: str) -> None:
    """Neither the versions nor the rows of their lists are read from one end to the other."""
    full = {}
    with SnapshotHistory(filled) as history:
        for name, question in QUESTIONS.items():
            found = list(plans(history._reader._engine, partial(list, question(history))))
            assert found, name
            full[name] = [plan for plan in found if FULL_SCAN.search(plan)]
    assert full == {name: [] for name in QUESTIONS}


def test_feed_without_bounds_begins_at_the_end_of_an_index(sqlite_url: str) -> None:
    """The latest change comes without a look at the older ones, although nothing ever ended.

    PostgreSQL chooses by cost, and in this way only for more versions than a test can store.
    """
    fill(sqlite_url, [Observation("a", second, second % 7, {}) for second in range(20)])
    with SnapshotHistory(sqlite_url) as history:
        found = list(plans(history._reader._engine, lambda: next(iter(history.changes(TABLE)))))
    assert f"SCAN v USING INDEX ix_{TABLE}_from" in found[0]
    assert not [plan for plan in found if FULL_SCAN.search(plan)]


def test_full_scan_would_be_seen(filled: str) -> None:
    """The other tests could fail: a plan that reads a whole table is recognized."""
    engine = sa.create_engine(filled, poolclass=sa.NullPool)

    def ask() -> None:
        with engine.connect() as connection:
            connection.execute(sa.select(sa.column("score")).select_from(sa.table(TABLE))).all()

    assert [plan for plan in plans(engine, ask) if FULL_SCAN.search(plan)]
