"""Results as lines and as flat rows: history/results.py and history/numeric/results.py."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from decimal import Decimal

import pytest

from scrapy_snapshot_pipeline.history import (
    Change,
    ChangeKind,
    ChildChange,
    ChildKind,
    ChildState,
    Difference,
    FieldChange,
    FieldStatistics,
    Mover,
    Run,
    State,
    Step,
    TableInfo,
)

START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
SEEN = START + dt.timedelta(seconds=9)
ID, RUN = uuid.UUID(int=1), uuid.UUID(int=2)
TIMES = {"changed_at": START, "last_confirmed_at": SEEN, "run_at": None}

URL = FieldChange("url", "a", "b")
PRICE = FieldChange("price", 1, 2)
ROW = ChildChange("markets", ChildKind.CHANGED, ID, {"name": "x"}, (), (FieldChange("odds", 3, 4),))
GONE = ChildChange(
    "markets.selections", ChildKind.REMOVED, ID, {"name": "home"}, ({"name": "y", "line": 1},), ()
)


def change(*fields: FieldChange, children: tuple[ChildChange, ...] = ()) -> Change:
    """A change of these."""
    return Change(
        "match",
        ID,
        {"sku": 7},
        ChangeKind.CHANGED,
        START,
        SEEN,
        None,
        RUN,
        None,
        {"sku": 7},
        fields,
        children,
    )


def difference(*fields: FieldChange, children: tuple[ChildChange, ...] = ()) -> Difference:
    """A difference of these."""
    return Difference(
        "match", ID, {"sku": 7}, ChildKind.CHANGED, fields, children, before=None, after=None
    )


@pytest.mark.parametrize("make", [change, difference])
def test_lines_are_own_fields_then_children_then_untracked_fields(
    make: Callable[..., Change | Difference],
) -> None:
    """The one order in which tables, pages and data frames show what changed."""
    result = make(URL, PRICE, children=(ROW, GONE))
    assert list(result.lines({"url"})) == [PRICE, ROW, GONE, URL]
    assert list(result.lines()) == [URL, PRICE, ROW, GONE]


def test_change_has_a_row_for_each_field() -> None:
    """In the entity or in a row of it; a row that is gone without a field has one too."""
    head = {"table": "match", "key.sku": 7, "kind": "changed", **TIMES}
    own = {"list": "", "child": "", "child_kind": ""}
    assert list(change(PRICE, children=(ROW, GONE)).rows()) == [
        {**head, **own, "field": "price", "old": 1, "new": 2},
        {
            **head,
            "list": "markets",
            "child": "x",
            "child_kind": "changed",
            "field": "odds",
            "old": 3,
            "new": 4,
        },
        {
            **head,
            "list": "markets.selections",
            "child": "y, 1 / home",
            "child_kind": "removed",
            "field": "",
            "old": None,
            "new": None,
        },
    ]


def test_change_without_fields_has_one_row() -> None:
    """Otherwise a retired entity would be in no table."""
    [row] = change().rows()
    assert (row["kind"], row["field"], row["old"], row["new"]) == ("changed", "", None, None)


def test_rows_of_a_result_have_one_header() -> None:
    """A CSV file takes its columns from the first row."""
    for make in (change, difference):
        rows = [*make(PRICE, children=(ROW, GONE)).rows(), *make().rows()]
        assert len({tuple(row) for row in rows}) == 1


def test_json_change_has_a_leaf_for_each_member_that_differs() -> None:
    """At every depth, sorted; one that is missing is None."""
    old = {"home": 1, "same": 2, "in": {"a": 1, "gone": 3}}
    new = {"home": 4, "same": 2, "in": {"a": 1, "b": 5}}
    assert list(FieldChange("prices", old, new).leaves()) == [
        FieldChange("prices.home", 1, 4),
        FieldChange("prices.in.b", None, 5),
        FieldChange("prices.in.gone", 3, None),
    ]


@pytest.mark.parametrize(("old", "new"), [(1, 2), (None, {"a": 1}), ({"a": 1}, [1])])
def test_other_changes_are_their_own_leaf(old: object, new: object) -> None:
    """Nothing can be split where one side is no object."""
    whole = FieldChange("prices", old, new)
    assert list(whole.leaves()) == [whole]


def test_child_rows_begin_with_the_keys_that_lead_to_them() -> None:
    """And a field with the name of the entity's key does not overwrite it."""
    inner = ChildState("markets.selections", ID, {"name": "home"}, {"name": "home", "sku": 8}, SEEN)
    outer = ChildState("markets", ID, {"name": "x"}, {"name": "x"}, START, {"selections": (inner,)})
    state = State(
        "match", ID, {"sku": 7}, {"sku": 7, "price": 1}, {"markets": (outer,)}, START, SEEN, None,
        RUN, None,
    )  # fmt: skip
    assert list(state.child_rows("markets.selections")) == [
        {
            "sku": 7,
            "markets.name": "x",
            "name": "home",
            "markets.selections.sku": 8,
            "changed_at": SEEN,
        }
    ]
    assert list(state.child_rows("markets")) == [{"sku": 7, "name": "x", "changed_at": START}]
    assert list(state.child_rows("nothing")) == []
    assert list(state.rows()) == [{"sku": 7, "price": 1, **TIMES, "valid_to": None, "run_id": RUN}]


def test_run_and_table_are_one_row() -> None:
    """A run with what it counted, a table with its names in one cell each."""
    run = Run(RUN, "odds", START, None, "running", None, {"accepted": 3})
    [row] = run.rows()
    assert (row["run_id"], row["finished_at"], row["accepted"]) == (RUN, None, 3)
    info = TableInfo("match", ("a", "b"), ("a", "b", "c"), ("markets",), (), (), untyped=False)
    assert list(info.rows()) == [
        {"table": "match", "key": "a, b", "fields": "a, b, c", "children": "markets"}
    ]


def test_numbers_are_one_row_with_the_keys_that_lead_to_them() -> None:
    """Steps, movers and statistics alike."""
    child = ({"name": "x", "line": 1}, {"name": "home"})
    one, two = Decimal(1), Decimal(2)
    results: list[Step | Mover | FieldStatistics] = [
        Step({"sku": 7}, child, one, START, None, SEEN),
        Mover("match", ID, {"sku": 7}, child, one, two, one, 1.0, START, SEEN, None),
        FieldStatistics("match", ID, {"sku": 7}, child, one, START, two, SEEN, one, two, 2),
    ]
    assert [row for result in results for row in result.rows()] == [
        {
            "key.sku": 7,
            "child": "x, 1 / home",
            "value": one,
            "changed_at": START,
            "valid_to": None,
            "last_confirmed_at": SEEN,
        },
        {
            "key.sku": 7,
            "child": "x, 1 / home",
            "old": one,
            "new": two,
            "absolute": one,
            "relative": 1.0,
            **TIMES,
        },
        {
            "key.sku": 7,
            "child": "x, 1 / home",
            "lowest": one,
            "lowest_at": START,
            "highest": two,
            "highest_at": SEEN,
            "mean": one,
            "last": two,
            "values": 2,
        },
    ]
