"""What differs between the stored declaration of a table and the one of today."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from scrapy_snapshot_pipeline.declaration.differences import Aspect, differences
from scrapy_snapshot_pipeline.declaration.tables import (
    ChildTable,
    Column,
    Declaration,
    Kind,
    Role,
)

SKU = Column("sku", Kind.TEXT, Role.KEY)
SHOP = Column("shop", Kind.TEXT, Role.TRACKED)
TITLE = Column("title", Kind.TEXT, Role.TRACKED, length=5)
PRICE = Column("price", Kind.DECIMAL, Role.TRACKED, precision=10, scale=2)
RAW = Column("raw", Kind.BYTES, Role.UNTRACKED)
SIZE = ChildTable("offer_sizes", ("sizes",), None, (Column("name", Kind.TEXT, Role.KEY),), object)
STOCK = ChildTable(
    "offer_sizes_stock", ("sizes", "stock"), 0, (Column("place", Kind.TEXT, Role.KEY),), object
)
OFFER = Declaration(object, "offer", (SKU, SHOP, TITLE, PRICE, RAW), (SIZE, STOCK))


def _with(*columns: Column) -> Declaration:
    """With other forms of these columns."""
    changed = {column.name: column for column in columns}
    return replace(OFFER, columns=tuple(changed.get(c.name, c) for c in OFFER.columns))


def _with_lists(*children: ChildTable) -> Declaration:
    return replace(OFFER, children=children)


def test_a_class_does_not_differ_from_itself() -> None:
    """Nor does one whose fields were only moved."""
    assert differences(OFFER, OFFER) == []
    assert differences(OFFER, replace(OFFER, columns=OFFER.columns[::-1])) == []


def test_a_column_of_one_side_only_is_no_difference_here() -> None:
    """It is found in the table itself."""
    assert differences(OFFER, replace(OFFER, columns=OFFER.columns[:-1])) == []


@pytest.mark.parametrize(
    ("declared", "aspect", "text"),
    [
        (
            lambda: _with(replace(SHOP, role=Role.KEY)),
            Aspect.KEY,
            "the key was (sku) and is now (sku, shop)",
        ),
        (
            lambda: _with(replace(TITLE, kind=Kind.INTEGER, length=None)),
            Aspect.KIND,
            "column title was created for text values and is now declared as integer",
        ),
        (
            lambda: _with(replace(TITLE, role=Role.UNTRACKED)),
            Aspect.ROLE,
            "column title was tracked and is now untracked",
        ),
        (
            lambda: _with(replace(TITLE, length=20)),
            Aspect.LIMIT,
            "column title was created for 5 characters and is now declared for 20 characters",
        ),
        (
            lambda: _with(replace(RAW, length=1000)),
            Aspect.LIMIT,
            "column raw was created for any number of bytes and is now declared for 1,000 bytes",
        ),
        (
            lambda: _with(replace(PRICE, scale=4)),
            Aspect.LIMIT,
            (
                "column price was created for 10 digits, 2 of them after the point "
                "and is now declared for 10 digits, 4 of them after the point"
            ),
        ),
        (
            lambda: _with(replace(PRICE, precision=None, scale=None)),
            Aspect.LIMIT,
            (
                "column price was created for 10 digits, 2 of them after the point "
                "and is now declared for any number of digits"
            ),
        ),
        (
            lambda: replace(OFFER, untyped=True),
            Aspect.TYPES,
            "the class was with types and is now without types",
        ),
        (
            lambda: _with_lists(SIZE),
            Aspect.LIST,
            "the list sizes.stock was declared and is now not",
        ),
    ],
)
def test_what_differs_is_named(
    declared: Callable[[], Declaration], aspect: Aspect, text: str
) -> None:
    """In what, and in the words of the declaration."""
    [found] = differences(OFFER, declared())
    assert (found.table, found.aspect, found.text) == ("offer", aspect, text)


def test_a_list_is_new() -> None:
    """With the name of the entity's table, since its own is not there."""
    [found] = differences(_with_lists(SIZE), OFFER)
    assert found.text == "the list sizes.stock was not declared and is now declared"


def test_a_list_that_is_gone_takes_its_own_lists_along() -> None:
    """One difference says it."""
    [found] = differences(OFFER, _with_lists())
    assert found.text == "the list sizes was declared and is now not"


def test_a_list_has_another_key() -> None:
    """Its rows would get other ids."""
    keyed = replace(SIZE, columns=(Column("position", Kind.INTEGER, Role.KEY),))
    [found] = differences(OFFER, _with_lists(keyed, STOCK))
    assert found.table == "offer_sizes"
    assert found.text == "the key was (name) and is now (position)"
