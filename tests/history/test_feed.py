"""The feed, with more changes than are read at once."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from scrapy_snapshot_pipeline.history import ChangeKind, SnapshotHistory
from scrapy_snapshot_pipeline.store.schema.types import UtcDateTime
from tests.history.filled import TABLE, Observation, at, fill

ENTITIES = 700
GONE = 40


@pytest.fixture
def filled(database_url: str) -> str:
    """All were seen at four instants; some retired between the second and the third."""
    seen = [
        Observation(f"e{number}", second, second, {"x": second})
        for second in (0, 10, 20, 30)
        for number in range(ENTITIES)
    ]
    fill(database_url, seen, one_by_one=False)
    retire(database_url, [f"e{number}" for number in range(GONE)], second=15)
    return database_url


def retire(url: str, names: list[str], second: int) -> None:
    """End their state of that time, and delete what came later."""
    table = sa.table(
        TABLE, sa.column("name"), sa.column("valid_from"), sa.column("valid_to", UtcDateTime())
    )
    later = sa.table(TABLE, sa.column("name"), sa.column("valid_from", UtcDateTime()))
    market = sa.table(f"{TABLE}_markets", sa.column("valid_from", UtcDateTime()))
    selection = sa.table(f"{TABLE}_markets_selections", sa.column("valid_from", UtcDateTime()))
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for child in (selection, market):
            connection.execute(sa.delete(child).where(child.c.valid_from > at(second)))
        chosen = later.c.name.in_(names)
        connection.execute(sa.delete(later).where(chosen, later.c.valid_from > at(second)))
        ended = sa.update(table).where(table.c.name.in_(names), table.c.valid_to == at(20))
        connection.execute(ended.values(valid_to=at(second)))


def test_feed_is_whole_and_in_order(filled: str) -> None:
    """Every version and every end comes once, by time, even if hundreds share one time."""
    with SnapshotHistory(filled) as history:
        newest = [(c.changed_at, c.kind, c.entity_id) for c in history.changes(TABLE)]
        oldest = [
            (c.changed_at, c.kind, c.entity_id) for c in history.changes(TABLE, newest_first=False)
        ]
    kinds = [kind for _, kind, _ in newest]
    assert newest == oldest[::-1]
    assert len(set(newest)) == len(newest) == 4 * ENTITIES - 2 * GONE + GONE
    assert kinds.count(ChangeKind.RETIRED) == GONE
    assert [time for time, _, _ in oldest] == sorted(time for time, _, _ in oldest)


def test_count_is_the_number_of_results(filled: str) -> None:
    """Counted by the database or by reading, up to a bound."""
    with SnapshotHistory(filled) as history:
        answers = (
            history.changes(TABLE),
            history.changes(TABLE, since=at(12), until=at(25)),
            history.current(TABLE),
            history.as_of(TABLE, at(12)),
            history.new(TABLE, since=at(0)),
            history.not_seen(TABLE, since=at(40)),
            history.movers(TABLE, "score", since=at(12), top=None),
        )
        for answer in answers:
            number = sum(1 for _ in answer)
            assert number > 10
            assert answer.count() == number
            assert answer.count(10) == 10
