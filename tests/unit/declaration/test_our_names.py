"""Columns of ours beside fields."""

from __future__ import annotations

import pytest

from scrapy_snapshot_pipeline.declaration.our_names import OurNames, is_ours


def test_a_field_keeps_its_name() -> None:
    """And a column of ours that meets it has a longer one, whatever the capitals."""
    names = OurNames(["Changed_At", "price"])
    assert [names.name(each) for each in ("changed_at", "run_at")] == [
        "snapshot_changed_at",
        "run_at",
    ]


def test_two_columns_never_have_one_name() -> None:
    """Not even two of ours."""
    names = OurNames(["kind"])
    assert [names.name("kind") for _ in range(2)] == ["snapshot_kind", "snapshot_snapshot_kind"]
    assert [names.name("x") for _ in range(2)] == ["x", "snapshot_x"]


def test_a_row_has_the_values_under_those_names() -> None:
    """In their order."""
    row = OurNames(["run_id"]).row({"changed_at": 1, "run_id": 2})
    assert list(row.items()) == [("changed_at", 1), ("snapshot_run_id", 2)]


def test_a_name_is_compared_as_it_will_be() -> None:
    """Cut to what a database takes."""
    names = OurNames(["abc"], fit=lambda name: name[:3])
    assert names.name("abcd") == "sna"


@pytest.mark.parametrize("name", ["snapshot_x", "Snapshot_id", "SNAPSHOT_"])
def test_a_name_is_ours_by_how_it_begins(name: str) -> None:
    """In any case of the letters."""
    assert is_ours(name)
    assert not is_ours(name[1:])
