"""The difference between two times."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.history import ChildKind, SnapshotHistory
from tests.history.filled import TABLE, Observation, at, fill
from tests.history.observations import FEW, apply, as_of, history_of, observations


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


def test_difference_has_both_states(database_url: str) -> None:
    """None where there was none; what changed and changed back in between is left out."""
    fill(
        database_url,
        [
            Observation("back", 0, 1, {"x": 1}),
            Observation("changed", 0, 1, {}),
            Observation("back", 10, 2, {"x": 2}),
            Observation("changed", 10, 2, {}),
            Observation("added", 10, 3, {}),
            Observation("back", 20, 1, {"x": 1}),
        ],
    )
    with SnapshotHistory(database_url) as history:
        found = {d.key["name"]: d for d in history.diff(TABLE, at(5), at(25))}
    assert {name: d.kind for name, d in found.items()} == {
        "added": ChildKind.ADDED,
        "back": ChildKind.CHANGED,
        "changed": ChildKind.CHANGED,
    }
    assert [change.field for change in found["back"].fields] == ["url"]
    assert found["back"].children == ()
    before, after = found["changed"].before, found["changed"].after
    assert before is not None
    assert after is not None
    assert (before.values["score"], after.values["score"]) == (1, 2)
    assert found["added"].before is None
