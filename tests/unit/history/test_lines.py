"""Steps and statistics of lines.

How lines are read is in tests/history/test_movers.py and tests/history/test_snapshot_history.py.
"""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

from scrapy_snapshot_pipeline.history import Step
from scrapy_snapshot_pipeline.history.numeric.lines import (
    Line,
    _seen,
    statistics_of,
    steps_of,
)
from scrapy_snapshot_pipeline.history.numeric.spans import Span
from scrapy_snapshot_pipeline.history.queries import ChildRow, VersionRow

START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
ENTITY = uuid.UUID(int=1)
RUN = uuid.UUID(int=2)


def at(second: int) -> dt.datetime:
    """The time of a second."""
    return START + dt.timedelta(seconds=second)


def version(start: int, end: int | None, seen: int) -> VersionRow:
    """A version from one second to another."""
    valid_to = None if end is None else at(end)
    return VersionRow(ENTITY.bytes, start, at(start), at(seen), valid_to, RUN, None, {})


def line(*values: int, child: str = "x") -> Line:
    """These values, each for ten seconds and confirmed in the ninth, the last one open."""
    spans = [
        Span(Decimal(value), at(10 * n), at(10 * n + 10), at(10 * n + 9))
        for n, value in enumerate(values)
    ]
    spans[-1] = Span(spans[-1].value, spans[-1].start, None, spans[-1].seen)
    return Line(version(0, None, 9), {"sku": 1}, ({"name": child},), spans)


def test_steps_are_all_values_line_by_line() -> None:
    """With the keys of their line."""
    key = {"sku": 1}
    assert list(steps_of([line(3, 4), line(5, child="y")])) == [
        Step(key, ({"name": "x"},), Decimal(3), at(0), at(10), at(9)),
        Step(key, ({"name": "x"},), Decimal(4), at(10), None, at(19)),
        Step(key, ({"name": "y"},), Decimal(5), at(0), None, at(9)),
    ]


def test_statistics_are_of_the_period() -> None:
    """The lowest and highest with the first time of each, and the mean by length."""
    [found] = statistics_of("match", [line(3, 5, 3, 5)], at(5), at(25))
    assert (found.table, found.entity_id, found.key) == ("match", ENTITY, {"sku": 1})
    assert (found.lowest, found.lowest_at) == (Decimal(3), at(5))
    assert (found.highest, found.highest_at) == (Decimal(5), at(10))
    assert found.mean == Decimal(4)


def test_last_value_weighs_until_it_was_seen() -> None:
    """Nobody knows how long it lasted after that."""
    [found] = statistics_of("match", [line(1, 10)], at(0), at(1_000))
    assert (found.last, found.values) == (Decimal(10), 2)
    assert found.mean == Decimal("5.26315789474")  # (1 * 10 + 10 * 9) / 19


def test_each_line_has_its_own_statistics() -> None:
    """In the order of the lines."""
    found = statistics_of("match", [line(1), line(2, child="y")], at(0), at(5))
    assert [(each.child[0]["name"], each.last) for each in found] == [
        ("x", Decimal(1)),
        ("y", Decimal(2)),
    ]


def child_row(start: int, end: int | None) -> ChildRow:
    """A row from one second to another."""
    valid_to = None if end is None else at(end)
    return ChildRow(0, ENTITY.bytes, b"c", None, start, at(start), valid_to, {})


def test_row_was_seen_when_the_last_version_with_it_was() -> None:
    """A row outlives versions in which only other things changed."""
    versions = [version(0, 10, 8), version(10, 20, 18), version(20, None, 25)]
    assert _seen(child_row(0, 20), versions) == at(18)
    assert _seen(child_row(10, None), versions) == at(25)


def test_row_without_a_version_was_seen_when_it_began() -> None:
    """As where the versions of its time are not read."""
    assert _seen(child_row(5, 10), [version(10, None, 25)]) == at(5)
