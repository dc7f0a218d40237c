"""States and changes: as_of is the fold of what was seen, and changes replay to it."""

from __future__ import annotations

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.history import (
    ChangeKind,
    ChildKind,
    FieldChange,
    SnapshotHistory,
)
from scrapy_snapshot_pipeline.store.schema.tables import entity_tables
from tests.contract.entities import declaration
from tests.history.filled import (
    TABLE,
    Content,
    Observation,
    at,
    content_of,
    fill,
    plain_fold,
)
from tests.history.observations import FEW, apply, as_of, history_of, in_order, observations


@FEW
@given(in_order, st.integers(0, 13))
def test_as_of_is_the_fold_of_what_was_seen_until_then(
    seen: list[Observation], second: int
) -> None:
    """The state at any time is the last observation of each entity until that time."""
    with history_of(seen) as history:
        assert as_of(history, second) == plain_fold(seen, second)


@FEW
@given(observations)
def test_changes_replayed_from_empty_give_the_current_state(seen: list[Observation]) -> None:
    """The feed of changes tells all that there is, whatever came late."""
    with history_of(seen) as history:
        replayed: dict[str, Content] = {}
        for change in history.changes(TABLE, newest_first=False):
            name = change.key["name"]
            if change.kind is ChangeKind.RETIRED:
                del replayed[name]
                continue
            before = replayed.get(name) if change.kind is ChangeKind.CHANGED else None
            replayed[name] = apply(before, change.fields, change.children)
        current = {s.key["name"]: content_of(s) for s in history.current(TABLE)}
        assert replayed == current


@FEW
@given(observations)
def test_versions_tell_every_change_of_the_entity_and_what_came_late(
    seen: list[Observation],
) -> None:
    """An entity's versions are its part of the feed, in order, with the late ones besides."""
    with history_of(seen) as history:
        name = seen[0].name
        feed = list(history.changes(TABLE, where={"name": name}, newest_first=False))
        versions = list(history.versions(TABLE, name))
        assert [v for v in versions if v.kind is not ChangeKind.LATE] == feed
        assert [v.changed_at for v in versions] == sorted(v.changed_at for v in versions)


def test_entity_that_is_seen_again_returned(database_url: str) -> None:
    """After its state had ended; then all that it has is told, as of a new one."""
    fill(database_url, [Observation("a", 0, 1, {"x": 1}), Observation("a", 20, 2, {"x": 8})])
    end_earlier(database_url)
    with SnapshotHistory(database_url) as history:
        new, retired, returned = history.versions(TABLE, "a")
    assert [each.kind for each in (new, retired, returned)] == [
        ChangeKind.NEW,
        ChangeKind.RETIRED,
        ChangeKind.RETURNED,
    ]
    assert [each.changed_at for each in (new, retired, returned)] == [at(0), at(15), at(20)]
    assert (retired.fields, retired.children, retired.values) == ((), (), new.values)
    assert FieldChange("score", None, 2) in returned.fields
    assert [child.kind for child in returned.children] == [ChildKind.ADDED] * 2


def end_earlier(url: str) -> None:
    """Let what ended at second 20 have ended at second 15."""
    tables = entity_tables(declaration(), sa.MetaData())
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for table in (tables.versions, *tables.children):
            ended = sa.update(table).where(table.c.valid_to == at(20))
            connection.execute(ended.values(valid_to=at(15)))


def test_late_version_is_compared_with_the_state_of_its_time(database_url: str) -> None:
    """Own fields and rows, at every level; nothing of what came after it."""
    seen = [
        Observation("a", 0, 1, {"x": 1}),
        Observation("a", 12, 1, {"x": 1}),
        Observation("a", 20, 9, {"z": 9}),
        Observation("a", 10, 2, {"x": 4, "y": 1}),
    ]
    fill(database_url, seen)
    with SnapshotHistory(database_url) as history:
        [late] = [v for v in history.versions(TABLE, "a") if v.kind is ChangeKind.LATE]
    before, after = plain_fold(seen[:1], 10)["a"], plain_fold(seen, 10)["a"]
    assert late.changed_at == late.valid_to == at(10)
    assert apply(before, late.fields, late.children) == after
