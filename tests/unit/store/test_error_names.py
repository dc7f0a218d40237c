"""Our own names in the texts of databases."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from scrapy_snapshot_pipeline.store.error_names import Named, SchemaNames


def _table(name: str, *columns: str) -> sa.Table:
    return sa.Table(name, sa.MetaData(), *(sa.Column(each, sa.Text()) for each in columns))


NAMES = SchemaNames(
    [
        _table("ticker", "entity_id", "look", "price"),
        _table("ticker_legs", "entity_id", "look", "size"),
        _table("column", "does", "exist"),
    ]
)
UPDATE = "UPDATE ticker SET valid_to = v.valid_to FROM v"


@pytest.mark.parametrize(
    ("text", "statement", "expected"),
    [
        ('column "look" of relation "ticker" does not exist', "", ("ticker", "look")),
        ('column "look" of relation "ticker_legs" does not exist', "", ("ticker_legs", "look")),
        ("column ticker.look does not exist", "", ("ticker", "look")),
        ("column x.look does not exist", "SELECT x.look FROM ticker AS x", ("ticker", "look")),
        ("column x.size does not exist", "", ("ticker_legs", "size")),
        ("column x.look does not exist", "", ("", "look")),
        ("Spalte »look« von Relation »ticker« existiert nicht", "", ("ticker", "look")),
        ("la colonne « look » de la relation « ticker » n'existe pas", "", ("ticker", "look")),
        ("table ticker has no column named look", "", ("ticker", "look")),
        ("no such column: look", UPDATE, ("ticker", "look")),
        ("no such column: ticker.price", "", ("ticker", "price")),
        ('column "hunter2" of relation "secret" does not exist', "", ("", "")),
        ("column x.hunter2 does not exist", UPDATE, ("ticker", "")),
    ],
)
def test_a_column(text: str, statement: str, expected: tuple[str, str]) -> None:
    """In any language; a word of the text is no name, and a name that is not ours is not shown."""
    assert NAMES.column_in(text, statement) == expected


@pytest.mark.parametrize(
    ("text", "statement", "expected"),
    [
        ('relation "ticker" does not exist', "", "ticker"),
        ("permission denied for table ticker", "", "ticker"),
        ("keine Berechtigung für Tabelle ticker_legs", "", "ticker_legs"),
        ("no such table: main.ticker", "", "ticker"),
        ("table ticker already exists", "", "ticker"),
        ("permission denied", UPDATE, "ticker"),
        ("permission denied", "SELECT FROM ticker, ticker_legs", ""),
        ("permission denied for schema public", "", ""),
    ],
)
def test_a_table(text: str, statement: str, expected: str) -> None:
    """Of the text, or else the only one of the statement."""
    assert NAMES.table_in(text, statement) == Named(expected)


def test_names_that_came_later() -> None:
    """Those of a class that was declared in a callback."""
    names = SchemaNames()
    assert names.table_in('relation "late" does not exist', "") == Named()
    names.add([_table("late")])
    assert names.table_in('relation "late" does not exist', "") == Named("late")
