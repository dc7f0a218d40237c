"""Paths of numbers, and the spans of their values."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.declaration.registry import Declarations
from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history.numeric.spans import (
    NumberPath,
    Span,
    clipped,
    joined,
    mean,
    number_path,
    numeric_paths,
    untracked_paths,
)
from tests.unit.item_classes import Everything, OddsSnapshot

START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)


def at(second: int) -> dt.datetime:
    """The time of a second."""
    return START + dt.timedelta(seconds=second)


def span(value: int, start: int, end: int | None, seen: int | None = None) -> Span:
    """A value from one second to another."""
    return Span(
        Decimal(value),
        at(start),
        None if end is None else at(end),
        at(start if seen is None else seen),
    )


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
        (EVERYTHING, "prices.home", NumberPath(None, "prices", ("home",))),
        (EVERYTHING, "nested.a.b", NumberPath(None, "nested", ("a", "b"))),
        (ODDS, "markets.line", NumberPath(0, "line", ())),
        (ODDS, "markets.prices.price", NumberPath(1, "price", ())),
        (BOOK, "stock", NumberPath(None, "stock", ())),
        (BOOK, "offer.price", NumberPath(None, "offer", ("price",))),
    ],
)
def test_path_is_understood(declaration: Declaration, path: str, expected: NumberPath) -> None:
    """In the entity, in a list at any depth, inside JSON, or in a class without types."""
    assert number_path(declaration, path) == expected


@pytest.mark.parametrize(
    ("declaration", "path"),
    [
        (EVERYTHING, "text"),
        (EVERYTHING, "nothing"),
        (EVERYTHING, "prices"),
        (EVERYTHING, "amount.x"),
        (ODDS, "markets"),
        (ODDS, "markets.note"),
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
    assert NumberPath(None, "prices", ("home", "min")).of(values) == number


def test_equal_values_without_a_gap_are_one_span() -> None:
    """As when another field changed; it was seen until the later confirmation."""
    spans = [span(1, 0, 5, 4), span(1, 5, 9, 7), span(2, 9, 12, 9), span(2, 13, None, 15)]
    assert joined(spans) == [span(1, 0, 9, 7), span(2, 9, 12, 9), span(2, 13, None, 15)]


def test_later_version_may_be_confirmed_earlier() -> None:
    """Nothing is lost of what was seen."""
    assert joined([span(1, 0, 5, 8), span(1, 5, 9, 6)]) == [span(1, 0, 9, 8)]


def test_spans_are_cut_to_the_period() -> None:
    """An open one lasts until its confirmation, not until now."""
    spans = [span(1, 0, 10, 9), span(2, 10, None, 14)]
    assert clipped(spans, at(4), at(12)) == [span(1, 4, 10, 9), span(2, 10, 12, 14)]
    assert clipped(spans, at(4), at(20)) == [span(1, 4, 10, 9), span(2, 10, 14, 14)]


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([span(2, 0, 1), span(1, 1, 3)], "1.33333333333"),
        ([span(10, 0, 3), span(0, 3, 4)], "7.5"),
        ([span(3, 0, 0), span(4, 0, 0)], "3.5"),
        ([span(3, 0, 5), span(9, 5, 5)], "3"),
        ([span(3, 5, 0), span(4, 5, 6)], "4"),
    ],
)
def test_mean_is_weighted_by_length(spans: list[Span], expected: str) -> None:
    """Plain where none has a length; a span that ends before it starts has none."""
    assert mean(spans) == Decimal(expected)


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 5)), min_size=1))
def test_mean_is_between_the_values(parts: list[tuple[int, int]]) -> None:
    """However long each of them was valid."""
    spans = [span(value, 0, length) for value, length in parts]
    values = [value for value, _ in parts]
    assert min(values) <= mean(spans) <= max(values)
