"""Which entities get a page."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from scrapy_snapshot_pipeline.history import Change, ChangeKind, Mover, State, TableInfo
from scrapy_snapshot_pipeline.history.results import FieldValue
from scrapy_snapshot_pipeline.report.table_data import (
    TableData,
    entity_ref,
    labels_of,
    name_anchors,
)

TIME = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
RUN = uuid.UUID(int=0)


def mover(entity: int) -> tuple[str, Mover]:
    """A number of this entity that moved."""
    one, two = Decimal(1), Decimal(2)
    return "price", Mover(
        "match", uuid.UUID(int=entity), {}, (), one, two, one, 1.0, TIME, TIME, None
    )


def change(entity: int) -> Change:
    """A change of this entity."""
    return Change(
        "match", uuid.UUID(int=entity), {}, ChangeKind.NEW, TIME, TIME, None, RUN, None, {}, (), ()
    )


def state(entity: int) -> State:
    """The state of this entity."""
    return State("match", uuid.UUID(int=entity), {}, {}, {}, TIME, TIME, None, RUN, None)


def table(
    name: str = "match",
    movers: Sequence[int] = (),
    changes: Sequence[int] = (),
    new: Sequence[int] = (),
    not_seen: Sequence[int] = (),
) -> TableData:
    """A table with these entities in its lists."""
    return TableData(
        info=TableInfo(name, (), (), (), (), (), untyped=False),
        fields=(),
        changes=list(map(change, changes)),
        movers=list(map(mover, movers)),
        signed_fields=frozenset(),
        new=list(map(change, new)),
        not_seen=list(map(state, not_seen)),
        new_count=len(new),
        not_seen_count=len(not_seen),
        change_count=len(changes),
    )


def test_lists_take_turns() -> None:
    """A long one leaves room for the others, and a short one for the long."""
    found = table(movers=[1, 2, 3], changes=[4], new=[5, 6], not_seen=[7]).all()
    assert [result.entity_id.int for result in found] == [1, 4, 5, 7, 2, 6, 3]


def test_entity_in_several_lists_has_one_page() -> None:
    """And takes the room of one."""
    anchors = name_anchors([table(movers=[1, 2], changes=[1, 3])], top=2)
    assert anchors == {("match", uuid.UUID(int=1)): "e1", ("match", uuid.UUID(int=2)): "e2"}


def test_anchors_are_numbered_through_all_tables() -> None:
    """Each table has its own room for `top` entities."""
    anchors = name_anchors([table(movers=[1, 2, 3]), table(new=[4, 5])], top=2)
    assert list(anchors.values()) == ["e1", "e2", "e3", "e4"]


def test_nothing_to_show_has_no_anchor() -> None:
    """As in a table in which nothing happened."""
    assert name_anchors([table(), table()], top=2) == {}


def test_entity_is_known_by_table_and_id() -> None:
    """Whatever kind of result it is in."""
    results = (mover(1)[1], change(1), state(1))
    assert {entity_ref(result) for result in results} == {("match", uuid.UUID(int=1))}


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ({"title": "Emma"}, ["Emma"]),
        ({"title": "E\u202emma"}, [r"E\u202emma"]),
        ({"title": ""}, []),
        ({"title": None}, []),
        ({"title": ["x"]}, []),
        ({}, []),
    ],
)
def test_label_is_that_of_the_state_where_there_is_one(
    values: dict[str, FieldValue], labels: list[str]
) -> None:
    """Made safe to show; a state says it rather than an older change."""
    data = table("a", changes=[1], not_seen=[1])
    data = replace(data, info=replace(data.info, label="title"))
    old = [replace(each, values={"title": "Old"}) for each in data.changes]
    now = [replace(each, values=values) for each in data.not_seen]
    found = labels_of([replace(data, changes=old, not_seen=now)])
    assert list(found.values()) == (labels or ["Old"])


def test_without_a_declared_label_there_is_none() -> None:
    """Whatever the fields are called."""
    assert labels_of([table("a", changes=[1])]) == {}
