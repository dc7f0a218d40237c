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


def test_a_column_of_one_side_only_differs() -> None:
    """Either way; one of a key makes another key of it."""
    fewer = replace(OFFER, columns=OFFER.columns[:-1])
    [gone], [new] = differences(OFFER, fewer), differences(fewer, OFFER)
    assert (gone.aspect, gone.text) == (Aspect.COLUMN, "column raw was declared and is now not")
    assert (new.aspect, new.text) == (
        Aspect.COLUMN,
        "column raw was not declared and is now declared",
    )
    [key] = differences(OFFER, replace(OFFER, columns=OFFER.columns[1:]))
    assert key.aspect is Aspect.KEY


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


PLAIN = Column("rate", Kind.FLOAT, Role.TRACKED)
ROUNDED = replace(PLAIN, precision=10, scale=2)
SINGLE = replace(PLAIN, fit="single")
CODE = Column("code", Kind.TEXT, Role.TRACKED, length=5)
PAPER = Column("paper", Kind.ENUM, Role.TRACKED)
TIME = Column("time", Kind.TIME, Role.TRACKED, scale=0)
META = Column("meta", Kind.JSON, Role.TRACKED)


def _texts(stored: Column, declared: Column) -> list[str]:
    """What differs between two forms of one column."""
    one, other = (Declaration(object, "offer", (SKU, column)) for column in (stored, declared))
    return [each.text for each in differences(one, other)]


@pytest.mark.parametrize(
    ("stored", "declared", "text"),
    [
        (
            ROUNDED,
            PLAIN,
            (
                "column rate was created for 10 digits, 2 of them after the point "
                "and is now declared for any number of digits"
            ),
        ),
        (
            SINGLE,
            PLAIN,
            (
                "column rate was created for floats of 32 bits "
                "and is now declared for any number of digits"
            ),
        ),
        (
            replace(CODE, fit="padded"),
            CODE,
            (
                "column code was created for 5 characters, padded with spaces "
                "and is now declared for 5 characters"
            ),
        ),
        (
            TIME,
            replace(TIME, scale=3),
            (
                "column time was created for 0 digits of a second "
                "and is now declared for 3 digits of a second"
            ),
        ),
        (
            META,
            replace(META, untracked_paths=("a.b",)),
            "what is untracked in meta was () and is now (a.b)",
        ),
        (
            replace(META, excluded_paths=("a", "b")),
            replace(META, excluded_paths=("b",)),
            "what is left out of meta was (a, b) and is now (b)",
        ),
    ],
)
def test_what_capture_does_with_values_may_differ(
    stored: Column, declared: Column, text: str
) -> None:
    """It is part of what is compared."""
    assert _texts(stored, declared) == [text]


@pytest.mark.parametrize(
    ("stored", "declared"),
    [
        (PLAIN, ROUNDED),
        (PLAIN, SINGLE),
        (CODE, replace(CODE, fit="padded")),
        (replace(CODE, length=None), replace(CODE, length=1, fit="padded")),
        (replace(PAPER, length=5), PAPER),
        (replace(TIME, scale=None), TIME),
        (replace(META, untracked_paths=("a", "b")), replace(META, untracked_paths=("b", "a"))),
    ],
)
def test_what_an_older_release_did_not_store_is_not_compared(
    stored: Column, declared: Column
) -> None:
    """The same declaration starts as it did; and an order is nothing."""
    assert _texts(stored, declared) == []


def test_a_class_without_types_may_track_something_else() -> None:
    """Its fields are in one column, whose paths differ."""
    one, other = (
        Declaration(object, "book", (SKU, replace(META, untracked_paths=paths)), untyped=True)
        for paths in (("scrapped_at",), ("scraped_at",))
    )
    [difference] = differences(one, other)
    assert difference.aspect is Aspect.UNTRACKED
