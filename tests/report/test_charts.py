from __future__ import annotations

import datetime as dt
from decimal import Decimal

from scrapy_snapshot_pipeline.history import Step
from scrapy_snapshot_pipeline.report.charts import LINES, step_chart

START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
ZERO = START.timestamp()


def _step(child: str, start: int, seen: int, end: int | None, value: str = "1") -> Step:
    times = [None if at is None else START + dt.timedelta(seconds=at) for at in (start, end, seen)]
    assert times[0] is not None
    assert times[2] is not None
    key = ({"name": child},) if child else ()
    return Step({"sku": 1}, key, Decimal(value), times[0], times[1], times[2])


def test_line_ends_with_the_last_confirmation() -> None:
    """Neither the end of validity nor now stretches it."""
    chart = step_chart("price", [_step("", 0, 20, 50, "1"), _step("", 50, 60, None, "2")])

    assert chart is not None
    [series] = chart.series
    assert series.steps == (
        (ZERO, ZERO + 20, ZERO + 50, 1.0),
        (ZERO + 50, ZERO + 60, None, 2.0),
    )


def test_confirmation_after_the_end_is_cut() -> None:
    """A value that was replaced is not drawn beside the one that replaced it."""
    chart = step_chart("price", [_step("", 0, 90, 50)])

    assert chart is not None
    assert chart.series[0].steps[0][1] == ZERO + 50


def test_child_rows_are_overlaid_by_key() -> None:
    """One line a row, with the key as its name."""
    chart = step_chart("m.price", [_step("a", 0, 1, None), _step("b", 0, 1, None)])

    assert chart is not None
    assert [series.label for series in chart.series] == ["a", "b"]


def test_too_many_lines_are_left_out_aloud() -> None:
    """Those that moved most stay; the summary says how many do not."""
    still = [_step(f"row {n:02}", 0, 1, None) for n in range(LINES + 3)]
    moving = [_step("moving", 0, 1, 5), _step("moving", 5, 6, None, "2")]
    chart = step_chart("m.price", [*still, *moving])

    assert chart is not None
    assert len(chart.series) == LINES
    assert "moving" in [series.label for series in chart.series]
    assert "4 more rows are left out" in chart.summary


def test_nothing_to_draw_is_no_chart() -> None:
    """An empty frame would say that something is missing."""
    assert step_chart("price", []) is None
