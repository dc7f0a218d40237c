"""Steps and runs as charts."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

from scrapy_snapshot_pipeline.history import Run, Step
from scrapy_snapshot_pipeline.report.charts import LINES, STEPS, run_charts, step_chart

START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
ZERO = START.timestamp()


def _step(child: str, start: int, seen: int, end: int | None, value: str = "1") -> Step:
    times = [None if at is None else START + dt.timedelta(seconds=at) for at in (start, end, seen)]
    assert times[0] is not None
    assert times[2] is not None
    key = ({"name": child},) if child else ()
    return Step({"sku": 1}, key, Decimal(value), times[0], times[1], times[2])


def test_line_ends_with_the_last_confirmation() -> None:
    """Neither the end of validity nor the present stretches it."""
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


def test_child_rows_have_a_line_each() -> None:
    """In one chart, each with its key as its name."""
    chart = step_chart("m.price", [_step("a", 0, 1, None), _step("b", 0, 1, None)])

    assert chart is not None
    assert [series.label for series in chart.series] == ["a", "b"]


def test_too_many_lines_are_left_out() -> None:
    """Those with most steps stay; the summary says how many do not."""
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


def test_long_line_has_its_latest_steps() -> None:
    """The first ones are left out."""
    chart = step_chart("price", [_step("", n, n, n + 1) for n in range(STEPS + 5)])

    assert chart is not None
    [series] = chart.series
    assert len(series.steps) == STEPS
    assert series.steps[0][0] == ZERO + 5


def test_each_spider_has_a_chart_of_its_crawls() -> None:
    """Oldest first; a counter that a crawl lacks is zero."""
    runs = [
        Run(
            uuid.UUID(int=hour),
            spider,
            START + dt.timedelta(hours=hour),
            None,
            "finished",
            None,
            {"inserted": hour},
        )
        for hour, spider in ((3, "shop"), (2, "odds"), (1, "shop"))
    ]
    odds, shop = run_charts(runs)

    assert (odds.title, shop.title) == ("odds", "shop")
    assert shop.summary == "2 crawls of shop; the table below has the numbers"
    lines = {series.label: [step[3] for step in series.steps] for series in shop.series}
    assert lines == {"new": [1, 3], "changed": [0, 0], "confirmed": [0, 0], "failed": [0, 0]}
