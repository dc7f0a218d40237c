# ruff: noqa: S608 - the names in the statements are the tests' own
"""The questions of docs/sql.md, on each database; and the views against the Python answers."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from scrapy_snapshot_pipeline.history import ChangeKind, SnapshotHistory
from tests.history import odds
from tests.history.filled import TABLE as CONTRACT
from tests.history.filled import Observation, fill
from tests.history.odds import TABLE

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sql.md"
QUESTIONS = re.findall(r"```sql\n(.*?);\n```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def plain(value: Any) -> object:
    """SQLite has times and exact decimals as text."""
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d ", value):
        return dt.datetime.fromisoformat(value)
    if isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value):
        value = float(value)
    return round(float(value), 6) if hasattr(value, "__float__") else value


def ask(url: str, question: str) -> list[tuple[object, ...]]:
    """The rows of a statement, in a form that is equal for both databases."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET TIME ZONE 'UTC'")
        rows = connection.execute(sa.text(question.replace(":", r"\:")))
        return [tuple(map(plain, row)) for row in rows]


@pytest.fixture
def filled(database_url: str) -> str:
    """The example's odds on each database."""
    odds.store_odds(database_url)
    return database_url


def test_page_has_ten_questions() -> None:
    """As many as it says."""
    assert len(QUESTIONS) == 10


def test_questions_of_the_page_are_answered_alike(sqlite_url: str, postgresql_url: str) -> None:
    """Every one has an answer, and the same rows on both databases."""
    for url in (sqlite_url, postgresql_url):
        odds.store_odds(url)
    for question in QUESTIONS:
        answers = [sorted(ask(url, question), key=repr) for url in (sqlite_url, postgresql_url)]
        assert answers[0], question
        assert answers[0] == answers[1], question


def test_current_view_has_the_current_states(filled: str) -> None:
    """As many rows as there are entities, with the three times."""
    rows = ask(
        filled,
        f"SELECT match, bookmaker, changed_at, last_confirmed_at, run_at FROM {TABLE}_current",
    )
    with SnapshotHistory(filled) as history:
        expected = {
            (*s.key.values(), s.changed_at, s.last_confirmed_at, s.run_at)
            for s in history.current(TABLE)
        }
    assert set(rows) == expected
    assert len(rows) == len(expected)


def test_changes_view_has_the_changes(filled: str) -> None:
    """The same kinds at the same times as in the feed."""
    rows = ask(filled, f"SELECT match, bookmaker, kind, changed_at FROM {TABLE}_changes")
    with SnapshotHistory(filled) as history:
        feed = [(*c.key.values(), c.kind.value, c.changed_at) for c in history.changes(TABLE)]
    assert sorted(rows) == sorted(feed)


def test_child_changes_view_has_the_changes_of_rows(filled: str) -> None:
    """Added, removed and changed rows, as many as the feed tells."""
    rows = ask(filled, f"SELECT kind, COUNT(*) FROM {TABLE}_markets_changes GROUP BY kind")
    counted = {kind: count for kind, count in rows}  # noqa: C416 - typed, unlike dict()
    with SnapshotHistory(filled) as history:
        kinds = [x.kind.value for c in history.changes(TABLE) for x in c.children]
    assert counted == {kind: kinds.count(kind) for kind in set(kinds)}


def test_views_leave_out_what_came_late(database_url: str) -> None:
    """A version of no length is in no view, and in the versions of its entity it is LATE."""
    seen = [Observation("a", 1, 1, {}), Observation("a", 9, 1, {}), Observation("a", 5, 2, {})]
    fill(database_url, seen)
    assert len(ask(database_url, f"SELECT kind FROM {CONTRACT}_changes")) == 1
    with SnapshotHistory(database_url) as history:
        kinds = [version.kind for version in history.versions(CONTRACT, "a")]
    assert kinds == [ChangeKind.NEW, ChangeKind.LATE]
