"""Two states compared."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.declaration.our_names import LooseFields
from scrapy_snapshot_pipeline.history import ChildChange, ChildKind, ChildState, FieldChange, State
from scrapy_snapshot_pipeline.history.compare import (
    child_change,
    child_changes,
    field_changes,
    key_order,
)

START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
ENTITY = uuid.UUID(int=1)

Markets = Mapping[str, Mapping[str, int]]
"""The odds of each selection, by market."""

markets = st.dictionaries(
    st.sampled_from("xyz"), st.dictionaries(st.sampled_from("ab"), st.integers(0, 2))
)


def row(path: str, names: tuple[str, ...], *below: ChildState, **values: object) -> ChildState:
    """A row with an id that follows from the names that lead to it."""
    child_id = uuid.uuid5(uuid.NAMESPACE_OID, "/".join((path, *names)))
    key = {"name": names[-1]}
    children = {"selections": below} if below else {}
    return ChildState(path, child_id, key, {**key, **values}, START, children)


def state(content: Markets) -> State:
    """An entity with two levels of rows."""
    rows = [
        row(
            "markets",
            (market,),
            *(
                row("markets.selections", (market, name), odds=odds)
                for name, odds in selections.items()
            ),
            count=len(selections),
        )
        for market, selections in content.items()
    ]
    return State(
        "match", ENTITY, {}, {}, {"markets": tuple(rows)}, START, START, None, ENTITY, None
    )


def flat(content: Markets) -> dict[tuple[str, ...], dict[str, object]]:
    """The values of all rows, without their keys, by the names that lead to them."""
    rows: dict[tuple[str, ...], dict[str, object]] = {}
    for market, selections in content.items():
        rows[market,] = {"count": len(selections)}
        rows.update({(market, name): {"odds": odds} for name, odds in selections.items()})
    return rows


def names_of(change: ChildChange) -> tuple[str, ...]:
    """The names that lead to a changed row."""
    return tuple(key["name"] for key in (*change.within, change.key))


def test_field_that_a_loose_item_lacks_counts_as_none() -> None:
    """On either side; a field that is None on both is no change."""
    old = LooseFields({"a": 1, "gone": 2, "same": 3})
    found = field_changes(old, LooseFields({"a": 5, "same": 3, "new": 4, "b": None}))
    assert found == (
        FieldChange("a", 1, 5),
        FieldChange("new", None, 4),
        FieldChange("gone", 2, None),
    )


def test_field_that_a_class_lacks_is_not_compared() -> None:
    """Nothing is known of it, unless there was nothing at all on that side."""
    assert field_changes({"a": 1, "gone": 2}, {"a": 5, "new": 4}) == (FieldChange("a", 1, 5),)
    assert field_changes({}, {"a": 5}) == (FieldChange("a", None, 5),)


def test_skipped_fields_are_no_change() -> None:
    """Such as the key, of which an added row has a value and nothing had one before."""
    assert field_changes({}, {"sku": 1, "price": 2}, skip=["sku"]) == (
        FieldChange("price", None, 2),
    )


@given(markets, markets)
def test_child_changes_lead_from_one_state_to_the_other(before: Markets, after: Markets) -> None:
    """Applied to all rows of the one they give all rows of the other, at every level."""
    rows = flat(before)
    for change in child_changes(state(before), state(after)):
        assert change.fields or change.kind is not ChildKind.CHANGED
        if change.kind is ChildKind.REMOVED:
            del rows[names_of(change)]
            continue
        assert (names_of(change) in rows) == (change.kind is ChildKind.CHANGED)
        own = rows.setdefault(names_of(change), {})
        own.update({field.field: field.new for field in change.fields})
    assert rows == flat(after)


def test_changes_come_by_list_and_key() -> None:
    """Not in the order of the rows, which differs between databases."""
    after = {"y": {"b": 1}, "x": {"b": 1, "a": 1}}
    found = child_changes(None, state(after))
    assert [(change.path, names_of(change)) for change in found] == [
        ("markets", ("x",)),
        ("markets", ("y",)),
        ("markets.selections", ("x", "a")),
        ("markets.selections", ("x", "b")),
        ("markets.selections", ("y", "b")),
    ]


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (None, {"name": "x", "odds": 1}, ChildKind.ADDED),
        ({"name": "x", "odds": 1}, None, ChildKind.REMOVED),
        ({"name": "x", "odds": 1}, {"name": "x", "odds": 2}, ChildKind.CHANGED),
    ],
)
def test_change_of_a_row_has_its_identity(
    old: Mapping[str, object] | None, new: Mapping[str, object] | None, kind: ChildKind
) -> None:
    """List, id, key and the keys around it, which are those of any version of the row."""
    child, within = row("markets.selections", ("m", "x")), ({"name": "m"},)
    change = child_change(child, within, old, new)
    assert change is not None
    assert (change.kind, change.path, change.child_id) == (kind, child.path, child.child_id)
    assert (change.key, change.within) == ({"name": "x"}, within)
    assert [field.field for field in change.fields] == ["odds"]


def test_equal_versions_of_a_row_are_no_change() -> None:
    """A row that was written again, with the same values."""
    values = {"name": "x", "odds": 1}
    assert child_change(row("markets", ("x",)), (), values, dict(values)) is None


def test_keys_sort_by_their_values() -> None:
    """Numbers as numbers: 9 comes before 10."""
    keys = [{"position": 10}, {"position": 9}]
    assert sorted(keys, key=key_order) == keys[::-1]
