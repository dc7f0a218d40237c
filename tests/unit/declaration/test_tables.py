"""What columns and child tables say of themselves."""

from __future__ import annotations

import pytest

from scrapy_snapshot_pipeline.declaration.tables import ChildTable, Column, Kind, Role

POSITION = Column("position", Kind.INTEGER, Role.KEY)
NAMED_POSITION = Column("position", Kind.INTEGER, Role.KEY, annotation=int)


@pytest.mark.parametrize("role", Role)
def test_only_key_columns_are_never_none(role: Role) -> None:
    """Optional fields come and go."""
    assert Column("x", Kind.TEXT, role).nullable is (role is not Role.KEY)


@pytest.mark.parametrize(
    ("first", "positional"),
    [(POSITION, True), (NAMED_POSITION, False), (Column("id", Kind.INTEGER, Role.KEY), False)],
)
def test_a_list_is_positional_by_a_column_of_no_field(first: Column, *, positional: bool) -> None:
    """A field that is called `position` is an ordinary key."""
    other = Column("text", Kind.TEXT, Role.TRACKED)
    table = ChildTable("page_tags", ("tags",), None, (first, other), object)
    assert table.positional is positional
