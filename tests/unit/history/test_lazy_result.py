"""Answers that are asked only when they are read.

Data frames are in tests/history/test_pandas.py.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history import Answer
from scrapy_snapshot_pipeline.history.results import FlatRow


@dataclass(frozen=True)
class Result:
    """A result with two rows."""

    number: int

    def rows(self) -> Iterator[FlatRow]:
        """The number, and its negative."""
        yield {"number": self.number}
        yield {"number": -self.number}


class Numbers:
    """Counts how many results were produced, and for how many readings."""

    def __init__(self) -> None:
        self.readings = 0
        self.produced = 0

    def read(self) -> Iterator[Result]:
        """One to five."""
        self.readings += 1
        for number in range(1, 6):
            self.produced += 1
            yield Result(number)


def test_nothing_is_asked_before_it_is_read() -> None:
    """And then only as far as it is read."""
    numbers = Numbers()
    answer = Answer(numbers.read)
    assert numbers.readings == 0

    assert next(iter(answer)) == Result(1)
    assert (numbers.readings, numbers.produced) == (1, 1)


def test_each_reading_asks_again() -> None:
    """Two readings that overlap do not share what is left."""
    numbers = Numbers()
    answer = Answer(numbers.read)
    assert len(list(zip(answer, answer, strict=True))) == 5
    assert numbers.readings == 2


@pytest.mark.parametrize(("most", "counted"), [(None, 5), (3, 3), (9, 5)])
def test_count_reads_where_nothing_else_counts(most: int | None, counted: int) -> None:
    """Up to the limit, and no further."""
    numbers = Numbers()
    assert Answer(numbers.read).count(most) == counted
    assert numbers.produced == counted


def test_count_is_asked_where_it_can_be() -> None:
    """Nothing is read for it."""
    numbers = Numbers()
    assert Answer(numbers.read, lambda most: 100 + (most or 0)).count(7) == 107
    assert numbers.produced == 0


def test_rows_are_those_of_all_results() -> None:
    """In their order, produced as they are read."""
    numbers = Numbers()
    rows = Answer(numbers.read).rows()
    assert [next(rows), next(rows), next(rows)] == [{"number": 1}, {"number": -1}, {"number": 2}]
    assert numbers.produced == 2


def test_frame_without_pandas_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is asked."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    numbers = Numbers()
    with pytest.raises(HistoryError, match=r"scrapy-snapshot-pipeline\[pandas\]"):
        Answer(numbers.read).to_pandas()
    assert numbers.readings == 0
