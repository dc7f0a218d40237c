"""What must hold for every history: as_of is the fold, changes replay to it, diff leads on."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.history import (
    ChangeKind,
    ChildChange,
    ChildKind,
    FieldChange,
    SnapshotHistory,
    Step,
)
from tests.history.filled import TABLE, Content, Observation, at, content_of, fill, plain_fold

observations = st.lists(
    st.builds(
        Observation,
        name=st.sampled_from(["a", "b"]),
        second=st.integers(0, 12),
        score=st.integers(0, 2),
        markets=st.dictionaries(st.sampled_from("xyz"), st.integers(0, 5), max_size=3),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda o: (o.name, o.second),
)
in_order = observations.map(lambda seen: sorted(seen, key=lambda o: o.second))
FEW = settings(max_examples=60, deadline=None)
NUMBERS = ("score", "markets.price", "markets.selections.odds")


@contextmanager
def history_of(seen: Iterable[Observation]) -> Iterator[SnapshotHistory]:
    """The history of these observations, in a database of its own."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'snapshots.db'}"
        fill(url, seen)
        with SnapshotHistory(url) as history:
            yield history


def as_of(history: SnapshotHistory, second: int) -> dict[str, Content]:
    """Every entity's content by its name."""
    return {s.key["name"]: content_of(s) for s in history.as_of(TABLE, at(second))}


def apply(
    content: Content | None,
    fields: Iterable[FieldChange],
    children: Iterable[ChildChange],
) -> Content:
    """The content after these changes."""
    rows = dict(content["rows"]) if content else {}  # type: ignore[call-overload]
    score = content["score"] if content else None
    for change in fields:
        score = change.new if change.field == "score" else score
    for child in children:
        place = (*(v for key in child.within for v in key.values()), *child.key.values())
        if child.kind is ChildKind.REMOVED:
            del rows[place]
            continue
        row = {**child.key, **rows.get(place, {})}
        rows[place] = {**row, **{change.field: change.new for change in child.fields}}
    return {"score": score, "rows": rows}


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
@given(observations, st.integers(0, 13), st.integers(0, 13))
def test_diff_applied_to_one_state_gives_the_other(
    seen: list[Observation], before: int, after: int
) -> None:
    """The difference of two times leads from one to the other, in either direction."""
    with history_of(seen) as history:
        replayed = as_of(history, before)
        for change in history.diff(TABLE, at(before), at(after)):
            name = change.key["name"]
            if change.kind is ChildKind.REMOVED:
                del replayed[name]
                continue
            replayed[name] = apply(replayed.get(name), change.fields, change.children)
        assert replayed == as_of(history, after)


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
