"""Which numbers moved within a time: history/numeric/movers.py and mover_statements.py."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.history import SnapshotHistory, Step
from tests.history.filled import TABLE, Observation, at, fill
from tests.history.observations import FEW, history_of, observations

NUMBERS = ("score", "markets.price", "markets.selections.odds")


@FEW
@given(observations, st.integers(0, 13), st.integers(0, 13))
def test_movers_go_from_the_first_step_within_a_time_to_the_last(
    seen: list[Observation], one: int, other: int
) -> None:
    """Of each number, in the entity, in its rows and in theirs, if the last step outlasts it."""
    since, until = at(min(one, other)), at(max(one, other))
    with history_of(seen) as history:
        found = history.movers_by_field(
            TABLE, NUMBERS, since=since, until=until, by="absolute", top=None
        )
        for field in NUMBERS:
            moved = {(m.key["name"], str(m.child)): (m.old, m.new) for m in found[field]}
            expected = {}
            for name in {o.name for o in seen}:
                for child, steps in steps_within(history, name, field, since, until).items():
                    first, last = steps[0], steps[-1]
                    holds = last.valid_to is None or last.valid_to > until
                    if holds and first.value != last.value:
                        expected[name, child] = first.value, last.value
            assert moved == expected
            alone = history.movers(TABLE, field, since=since, until=until, by="absolute", top=None)
            assert list(alone) == found[field]


def steps_within(
    history: SnapshotHistory, name: str, field: str, since: dt.datetime, until: dt.datetime
) -> dict[str, list[Step]]:
    """The steps of each row that held at some instant within the time."""
    found: dict[str, list[Step]] = {}
    for step in history.steps_by_field(TABLE, name, [field])[field]:
        if step.changed_at <= until and (step.valid_to is None or step.valid_to > since):
            found.setdefault(str(step.child), []).append(step)
    return found


def test_equally_far_movers_come_by_id_and_key(database_url: str) -> None:
    """On each database alike, and the first of them where not all have room."""
    seen = [
        Observation(name, second, 1, dict.fromkeys("yxz", second))
        for second in (0, 1)
        for name in "abc"
    ]
    fill(database_url, seen)
    with SnapshotHistory(database_url) as history:
        moved = [
            (m.entity_id.bytes, m.child)
            for m in history.movers(TABLE, "markets.price", since=at(0), by="absolute", top=None)
        ]
        few = history.movers(TABLE, "markets.price", since=at(0), by="absolute", top=4)
        assert [(m.entity_id.bytes, m.child) for m in few] == moved[:4]
    assert len(moved) == 9
    assert moved == sorted(moved, key=lambda each: (each[0], each[1][0]["name"]))


def test_mover_has_the_times_of_its_entity_at_the_end(database_url: str) -> None:
    """Of the last version within the time, and only of the entities that are asked for."""
    fill(
        database_url,
        [Observation(name, second, second, {}) for second in (0, 10, 20) for name in "ab"],
    )
    with SnapshotHistory(database_url) as history:
        [mover] = history.movers(
            TABLE, "score", since=at(5), until=at(15), by="absolute", where={"name": "a"}
        )
    assert mover.key["name"] == "a"
    assert [mover.old, mover.new, mover.absolute] == [0, 10, 10]
    assert mover.relative is None
    assert (mover.changed_at, mover.last_confirmed_at) == (at(10), at(10))
