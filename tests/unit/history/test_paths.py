"""Paths of numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest

from scrapy_snapshot_pipeline.declaration.registry import Declarations
from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history.numeric.paths import (
    NumberPath,
    number_path,
    numeric_paths,
    untracked_paths,
)
from tests.unit.item_classes import Everything, OddsSnapshot


def declaration_of(item_class: type) -> Declaration:
    """What the class comes to."""
    found = Declarations({dict: {"table": "book", "key": "isbn"}}).of(item_class)
    assert found is not None
    return found


ODDS, EVERYTHING, BOOK = map(declaration_of, (OddsSnapshot, Everything, dict))


@pytest.mark.parametrize(
    ("declaration", "path", "expected"),
    [
        (EVERYTHING, "amount", NumberPath(None, "amount", ())),
        (EVERYTHING, "prices.home", NumberPath(None, "prices", ("home",), declared=False)),
        (EVERYTHING, "nested.a.b", NumberPath(None, "nested", ("a", "b"), declared=False)),
        (ODDS, "markets.line", NumberPath(0, "line", ())),
        (ODDS, "markets.prices.price", NumberPath(1, "price", ())),
        (BOOK, "stock", NumberPath(None, "stock", (), declared=False)),
        (BOOK, "offer.price", NumberPath(None, "offer", ("price",), declared=False)),
    ],
)
def test_path_is_understood(declaration: Declaration, path: str, expected: NumberPath) -> None:
    """In the entity, in a list at any depth, inside JSON, or in a class without types."""
    assert number_path(declaration, path) == expected


@pytest.mark.parametrize(
    ("declaration", "path"),
    [
        (EVERYTHING, "nothing"),
        (EVERYTHING, "prices"),
        (EVERYTHING, "amount.x"),
        (ODDS, "markets"),
        (ODDS, "markets.prices"),
        (EVERYTHING, ""),
    ],
)
def test_path_to_no_number_is_refused(declaration: Declaration, path: str) -> None:
    """The error has the paths that there are."""
    known = ", ".join(numeric_paths(declaration))
    with pytest.raises(HistoryError, match=f"no numeric field {path}; its numbers are {known}, "):
        number_path(declaration, path)


def test_paths_of_numbers_and_of_untracked_fields() -> None:
    """By declaration, those of the lists included."""
    assert numeric_paths(EVERYTHING) == ("whole", "real", "amount", "exact")
    assert "markets.line" in numeric_paths(ODDS)
    assert "markets.prices.price" in numeric_paths(ODDS)
    assert untracked_paths(ODDS) == ("url", "markets.note")
    assert numeric_paths(BOOK) == ()


@pytest.mark.parametrize(
    ("values", "number"),
    [
        ({"prices": {"home": {"min": "1.50"}}}, Decimal("1.50")),
        ({"prices": {"home": {"min": "none"}}}, None),
        ({"prices": {"home": 3}}, None),
        ({"prices": None}, None),
        ({}, None),
    ],
)
def test_number_inside_json_may_be_missing(
    values: dict[str, object], number: Decimal | None
) -> None:
    """At every step of the path."""
    path = NumberPath(None, "prices", ("home", "min"))
    assert path.number(path.found(values)) == number


def test_text_is_a_number_only_where_the_user_says_so() -> None:
    """The error says how; nothing else becomes one by it."""
    with pytest.raises(HistoryError, match=r"field text of table everything is text; read the num"):
        number_path(EVERYTHING, "text")
    path = number_path(EVERYTHING, "text", as_number=True)
    assert path == NumberPath(None, "text", (), declared=False, as_number=True)
    assert path.number("£9.99") == Decimal("9.99")
    with pytest.raises(HistoryError, match="no numeric field uuid"):
        number_path(EVERYTHING, "uuid", as_number=True)


@pytest.mark.parametrize(
    ("path", "number"),
    [("prices.over_2.5", 4), ("prices.a.b", 5), ("prices.a.b.c", None), ("prices.x.y.z", 6)],
)
def test_name_may_have_dots(path: str, number: int | None) -> None:
    """As of a member of JSON; the longest name that is there counts."""
    values = {"prices": {"over_2.5": 4, "a.b": 5, "a": {"b": 7}, "x": {"y.z": 6}}}
    found = number_path(EVERYTHING, path)
    assert found.number(found.found(values)) == number


def test_field_of_an_item_without_types_may_have_dots() -> None:
    """An item of a dict has such names."""
    found = number_path(BOOK, "offer.price")
    assert found.found({"offer.price": 3}) == 3
    assert found.found({"offer": {"price": 4}}) == 4
