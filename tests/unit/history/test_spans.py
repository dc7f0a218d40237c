"""The spans of the values of a number."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.history.numeric.spans import (
    Span,
    clipped,
    joined,
    mean,
)

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
