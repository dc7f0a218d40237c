"""Results as rows of the page."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import replace
from decimal import Decimal

import pytest

from scrapy_snapshot_pipeline.history import (
    Change,
    ChangeKind,
    ChildChange,
    ChildKind,
    FieldChange,
    Mover,
    Run,
    TableInfo,
)
from scrapy_snapshot_pipeline.report.page import Line, RunRow
from scrapy_snapshot_pipeline.report.page_rows import LINES, entity_row, entry, mover_row, run_row

START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
LATER = START + dt.timedelta(hours=1)
ID, RUN = uuid.UUID(int=1), uuid.UUID(int=2)
INFO = TableInfo(
    "match", ("sku",), ("sku", "price", "url"), (), ("price",), ("url",), untyped=False
)


def change(*fields: FieldChange, children: tuple[ChildChange, ...] = ()) -> Change:
    """A change of these."""
    return Change(
        "match", ID, {"sku": 7}, ChangeKind.CHANGED, START, LATER, None, RUN, None, {"sku": 7},
        fields, children,
    )  # fmt: skip


def child(kind: ChildKind, *fields: FieldChange) -> ChildChange:
    """A change of a row in a row."""
    return ChildChange(
        "markets.selections", kind, ID, {"name": "home"}, ({"market": "1x2", "line": 1},), fields
    )


def test_lines_are_in_reading_order() -> None:
    """Own fields, rows with the keys that lead to them, and untracked fields last."""
    row = entry(
        change(
            FieldChange("url", "a", "b"),
            FieldChange("price", Decimal(2), Decimal(3)),
            children=(
                child(ChildKind.CHANGED, FieldChange("odds", 4, 5)),
                child(ChildKind.REMOVED),
            ),
        ),
        "e1",
        INFO,
    )
    where = "markets.selections / 1x2, 1 / home"
    assert row.lines == (
        Line("price", "2", "3", "+50.0 %"),
        Line(f"{where}: odds", "4", "5", "+25.0 %"),
        Line(where, "\N{EN DASH}", "removed", ""),
        Line("url", "a", "b", ""),
    )
    assert (row.key, row.anchor, row.kind, row.more) == ("7", "e1", "changed", 0)
    assert (row.changed_at, row.last_confirmed_at) == ("2026-01-01 00:00:00", "2026-01-01 01:00:00")
    assert (row.valid_to, row.run_at) == ("\N{EN DASH}", "\N{EN DASH}")


def test_many_lines_are_cut_and_counted() -> None:
    """The first ones stay."""
    fields = [FieldChange(f"f{n:02}", n, n + 1) for n in range(LINES + 3)]
    row = entry(change(*fields), None, INFO)
    assert [line.field for line in row.lines] == [f"f{n:02}" for n in range(LINES)]
    assert row.more == 3


@pytest.mark.parametrize(
    ("field", "lines"),
    [
        (FieldChange("sku", "2", "3"), [("sku", "")]),
        (FieldChange("prices", {"a": "2"}, {"a": "3"}), [("prices.a", "+50.0 %")]),
        (FieldChange("prices", None, {"a": "3"}), [("prices", "")]),
    ],
)
def test_text_is_a_number_only_inside_json(
    field: FieldChange, lines: list[tuple[str, str]]
) -> None:
    """Where decimals are stored as texts; digits in a text field are an id or a name."""
    row = entry(change(field), None, INFO)
    assert [(line.field, line.percent) for line in row.lines] == lines


def test_text_of_an_untyped_item_is_a_number_where_it_can_be() -> None:
    """As for `stats`."""
    fields = (FieldChange("price", "2", "3"), FieldChange("title", "Two", "Three"))
    row = entry(change(*fields), None, replace(INFO, untyped=True))
    assert [(line.field, line.percent) for line in row.lines] == [
        ("price", "+50.0 %"),
        ("title", ""),
    ]


def test_entity_is_shown_by_its_label() -> None:
    """Beside its key, and only where it has one."""
    labels = {("match", ID): "Wolves v Arsenal"}
    row = entry(change(), None, INFO, labels)
    assert (row.label, row.key) == ("Wolves v Arsenal", "7")
    assert entity_row({}, change(), labels).label == "Wolves v Arsenal"
    assert (entry(change(), None, INFO).label, entity_row({}, change()).label) == ("", "")


def test_run_is_shown_with_what_it_counted() -> None:
    """And with the reason why it ended, if that says more than its status."""
    run = Run(RUN, "o\u202edds", START, None, "finished", "finished", {"inserted": 1, "revised": 2})
    assert run_row(run) == RunRow(
        spider=r"o\u202edds",
        started_at="2026-01-01 00:00:00",
        finished_at="\N{EN DASH}",
        status="finished",
        new=1,
        changed=2,
        confirmed=0,
        failed=0,
    )
    assert run_row(replace(run, finish_reason="shutdown")).status == "finished: shutdown"
    assert run_row(replace(run, finish_reason=None)).status == "finished"


def test_mover_is_named_by_its_row_and_field() -> None:
    """With its sign, and a link where its entity has a page."""
    mover = Mover(
        "match", ID, {"sku": 7}, ({"market": "1x2"}, {"name": "home"}), Decimal(4), Decimal(3),
        Decimal(-1), -0.25, START, LATER, None,
    )  # fmt: skip
    row = mover_row({("match", ID): "e3"}, "markets.selections.odds", mover)
    assert (row.field, row.anchor) == ("1x2 / home: markets.selections.odds", "e3")
    assert (row.old, row.new, row.absolute, row.percent) == ("4", "3", "-1", "-25.0 %")
    own = mover_row({}, "price", replace(mover, child=(), relative=None))
    assert (own.field, own.anchor, own.percent) == ("price", None, "")


def test_entity_has_a_link_where_it_has_a_page() -> None:
    """By table and id, since two tables may have one id."""
    assert entity_row({("match", ID): "e1"}, change()).anchor == "e1"
    assert entity_row({("other", ID): "e1"}, change()).anchor is None
