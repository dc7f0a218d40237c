"""What the database stores of a declaration; old databases hold these texts, so they are pinned."""

from __future__ import annotations

import dataclasses

from scrapy_snapshot_pipeline.declaration import catalog
from scrapy_snapshot_pipeline.declaration.tables import ChildTable, Column, Declaration, Kind, Role

MARKET = Column("market", Kind.TEXT, Role.KEY)
PRICE = Column("price", Kind.DECIMAL, Role.TRACKED, precision=6, scale=2)
DECLARATION = Declaration(
    item_class=object,
    table="odds",
    columns=(
        Column("event", Kind.TEXT, Role.KEY, length=20),
        Column("url", Kind.TEXT, Role.UNTRACKED),
    ),
    children=(
        ChildTable("odds_markets", ("markets",), None, (MARKET,), object),
        ChildTable("odds_markets_prices", ("markets", "prices"), 0, (MARKET, PRICE), object),
        ChildTable("odds_tags", ("tags",), None, (MARKET,), object),
    ),
)
BOOK = Declaration(
    object,
    "book",
    (Column("url", Kind.TEXT, Role.KEY), Column("data", Kind.JSON, Role.TRACKED)),
    untyped=True,
)
MARKET_TEXT = '"market": {"kind": "text", "role": "key"}'
PRICE_TEXT = '"price": {"kind": "decimal", "role": "tracked", "precision": 6, "scale": 2}'
TEXTS = {
    "odds": (
        '{"columns": {"event": {"kind": "text", "role": "key", "length": 20}, '
        '"url": {"kind": "text", "role": "untracked"}}, "untyped": false}'
    ),
    "odds_markets": f'{{"columns": {{{MARKET_TEXT}}}, "root": "odds", "path": ["markets"]}}',
    "odds_markets_prices": (
        f'{{"columns": {{{MARKET_TEXT}, {PRICE_TEXT}}}, '
        '"root": "odds", "path": ["markets", "prices"]}'
    ),
    "odds_tags": f'{{"columns": {{{MARKET_TEXT}}}, "root": "odds", "path": ["tags"]}}',
}


def without_classes(declaration: Declaration) -> Declaration:
    """The declaration as the database knows it."""
    children = tuple(
        dataclasses.replace(child, item_class=object) for child in declaration.children
    )
    return dataclasses.replace(declaration, item_class=object, children=children)


def test_each_table_has_its_text() -> None:
    """Its columns with their limits, and of a list where it is."""
    assert catalog.describe(DECLARATION) == TEXTS


def test_declarations_are_read_back_from_their_texts() -> None:
    """Whatever order the rows of the database come in."""
    texts = {**catalog.describe(BOOK), **catalog.describe(DECLARATION)}
    for given in (texts, dict(reversed(texts.items()))):
        found = catalog.declarations(given)
        assert [without_classes(each) for each in found] == [BOOK, DECLARATION]


LENIENT = Column("code", Kind.TEXT, Role.TRACKED, length=5, fit="padded")
NESTED = Column("meta", Kind.JSON, Role.TRACKED, untracked_paths=("a.b",), excluded_paths=("c",))


def test_how_values_are_fitted_and_what_is_untracked_inside_is_stored() -> None:
    """And read back."""
    fitted = Declaration(object, "fitted", (MARKET, LENIENT, NESTED))
    [found] = catalog.declarations(catalog.describe(fitted))
    assert without_classes(found) == fitted


def test_a_label_is_stored_beside_the_columns() -> None:
    """And read back; another one takes its place, and none leaves the text as it was."""
    named = dataclasses.replace(DECLARATION, label="url")
    texts = catalog.describe(named)
    assert texts == {**TEXTS, "odds": TEXTS["odds"][:-1] + ', "label": "url"}'}
    assert [without_classes(each) for each in catalog.declarations(texts)] == [named]
    assert catalog.labelled(texts["odds"], None) == TEXTS["odds"]
