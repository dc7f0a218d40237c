"""Shapes: which are the same, what tables hold of them, and what two have in common."""

from __future__ import annotations

from dataclasses import replace

from scrapy_snapshot_pipeline.declaration.catalog import shape_declaration, shape_text
from scrapy_snapshot_pipeline.declaration.tables import ChildTable, Column, Declaration, Kind, Role
from scrapy_snapshot_pipeline.evolution.shapes import (
    Shape,
    common,
    find_shape,
    hides,
    same_lists,
    same_shape,
    union,
)

SKU = Column("sku", Kind.TEXT, Role.KEY)
SHOP = Column("shop", Kind.TEXT, Role.TRACKED, length=5)
PRICE = Column("price", Kind.DECIMAL, Role.TRACKED)
SIZE = Column("size", Kind.TEXT, Role.KEY)
LEFT = Column("left", Kind.INTEGER, Role.TRACKED)
ROWS = ChildTable("offer_rows", ("rows",), None, (SIZE, LEFT), object)
DEEP = ChildTable("offer_rows_deep", ("rows", "deep"), 0, (SIZE,), object)
OFFER = Declaration(object, "offer", (SKU, SHOP, PRICE), (ROWS, DEEP))
ONLY_PRICE = replace(OFFER, columns=(SKU, PRICE), children=())


def names(declaration: Declaration) -> list[str]:
    """Of its own columns."""
    return [column.name for column in declaration.columns]


def test_a_shape_is_known_by_its_content() -> None:
    """In another order, with another label, and read back from its text."""
    moved = replace(OFFER, columns=(PRICE, SKU, SHOP), label="shop")
    assert same_shape(OFFER, moved)
    assert same_shape(OFFER, shape_declaration(shape_text(moved)))
    assert not same_shape(OFFER, ONLY_PRICE)


def test_the_newest_of_equal_shapes_is_found() -> None:
    """None for one that was never declared."""
    shapes = [Shape(1, OFFER), Shape(2, ONLY_PRICE), Shape(3, OFFER)]
    assert find_shape(shapes, OFFER) == Shape(3, OFFER)
    assert find_shape(shapes[1:2], OFFER) is None


def test_the_union_has_everything_and_the_widest() -> None:
    """What is declared comes first, and lists keep their enclosing ones."""
    longer = replace(SHOP, length=None)
    more = Column("more", Kind.TEXT, Role.TRACKED)
    held = union(OFFER, replace(OFFER, columns=(SKU, more, longer), children=()))
    assert names(held) == ["sku", "more", "shop", "price"]
    assert held.columns[2].length is None
    assert [(child.path, child.parent) for child in held.children] == [
        (("rows",), None),
        (("rows", "deep"), 0),
    ]
    shorter = union(OFFER, replace(OFFER, columns=(SKU, replace(SHOP, length=2), PRICE)))
    assert shorter.columns[1].length == SHOP.length


def test_what_is_common_is_tracked_by_both() -> None:
    """And no path in it is left out by either."""
    beside = replace(SHOP, role=Role.UNTRACKED)
    assert names(common(OFFER, replace(OFFER, columns=(SKU, beside, PRICE)))) == ["sku", "price"]
    data = Column("data", Kind.JSON, Role.TRACKED, untracked_paths=("a",))
    other = replace(data, untracked_paths=("b",), excluded_paths=("c",))
    [both] = common(replace(OFFER, columns=(data,)), replace(OFFER, columns=(other,))).columns
    assert (both.untracked_paths, both.excluded_paths) == (("a", "b"), ("c",))
    without_rows = replace(OFFER, children=())
    assert common(OFFER, without_rows).children == ()


def test_lists_are_the_same_whatever_the_entity_has() -> None:
    """What is not tracked in them is in no hash."""
    assert same_lists(OFFER, ONLY_PRICE)
    other = replace(ROWS, columns=(SIZE, replace(LEFT, kind=Kind.DECIMAL)))
    assert not same_lists(OFFER, replace(OFFER, children=(other, DEEP)))
    noted = replace(ROWS, columns=(SIZE, LEFT, Column("note", Kind.TEXT, Role.UNTRACKED)))
    assert same_lists(OFFER, replace(OFFER, children=(noted, DEEP)))


def test_rows_hide_what_their_hash_leaves_out() -> None:
    """A field that came back, one that is tracked again, and nothing that was never there."""
    assert hides(ONLY_PRICE, [OFFER], OFFER)
    assert not hides(ONLY_PRICE, [], OFFER)
    assert not hides(OFFER, [ONLY_PRICE], ONLY_PRICE)
    beside = replace(OFFER, columns=(SKU, replace(SHOP, role=Role.UNTRACKED), PRICE))
    assert hides(beside, [], OFFER)
    assert not hides(OFFER, [], beside)
    without_rows = replace(OFFER, children=())
    assert hides(without_rows, [OFFER], OFFER)
    assert not hides(without_rows, [], OFFER)
    data = Column("data", Kind.JSON, Role.TRACKED)
    part = replace(OFFER, columns=(SKU, replace(data, untracked_paths=("a",))))
    assert hides(part, [], replace(OFFER, columns=(SKU, data)))
