"""Numbers in texts."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.history.numeric.text_numbers import number_in


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("£9.99", "9.99"),
        ("9,99 €", "9.99"),
        ("£1,299.00", "1299.00"),
        ("1.299,00 €", "1299.00"),
        ("$1,299", "1299"),
        ("1.299", "1.299"),
        ("1.234.567", "1234567"),
        ("12\u00a0500 kr", "12500"),
        ("1 234 567,89", "1234567.89"),
        ("CHF 1'299.50", "1299.50"),
        ("-3%", "-3"),
        ("\u2212 £5", "-5"),
        ("In stock (22 available)", "22"),
        ("iPhone-15", "15"),
        ("0,125", "0.125"),
        ("2 for 5", None),
        ("3-5 days", None),
        ("1 2", None),
        ("1,23,4.5", None),
        ("1.2.3", None),
        ("n/a", None),
        ("", None),
        ("9" * 300, None),
    ],
)
def test_text_has_one_number_or_none(text: str, number: str | None) -> None:
    """As people and shops write it."""
    assert number_in(text) == (None if number is None else Decimal(number))


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    """Whatever was scraped."""
    found = number_in(text)
    assert found is None or found.is_finite()


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=0, max_value=10**9))
def test_grouped_number_is_read_back(value: Decimal) -> None:
    """In both of the usual forms."""
    english = f"{value:,.2f}"
    assert number_in(f"£{english}") == value
    assert number_in(english.translate({44: ".", 46: ","}) + " €") == value
