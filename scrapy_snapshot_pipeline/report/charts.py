"""Steps and runs as charts.  Pure."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence

from scrapy_snapshot_pipeline.history import Run, Step
from scrapy_snapshot_pipeline.report.formatting import key_text, number_text
from scrapy_snapshot_pipeline.report.page import Chart, Series, StepPoints
from scrapy_snapshot_pipeline.safe_text import counted

LINES = 12
"""Most lines in one chart."""
STEPS = 2_000
"""Most steps of one line, the latest ones."""

_COUNTERS = {
    "new": "inserted",
    "changed": "revised",
    "confirmed": "confirmed",
    "failed": "failed",
}


def step_chart(field: str, steps: Iterable[Step]) -> Chart | None:
    """One line for each child row, or one for the entity; None if there is nothing to draw."""
    lines: defaultdict[str, list[Step]] = defaultdict(list)
    for step in steps:
        lines[key_text(*step.child)].append(step)
    if not lines:
        return None
    # The lines with most steps; equal ones in the order of their keys.
    shown = sorted(lines, key=lambda label: -len(lines[label]))[:LINES]
    series = tuple(_series(label or field, lines[label]) for label in lines if label in shown)
    return Chart(field, stepped=True, series=series, summary=_summary(lines, shown))


def run_charts(runs: Sequence[Run]) -> tuple[Chart, ...]:
    """One for each spider, with what its crawls counted."""
    by_spider: defaultdict[str, list[Run]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: run.started_at):
        by_spider[run.spider].append(run)
    return tuple(_run_chart(spider, own) for spider, own in sorted(by_spider.items()))


def _run_chart(spider: str, runs: Sequence[Run]) -> Chart:
    series = tuple(
        Series(name, tuple(_point(run.started_at, run.counters.get(counter, 0)) for run in runs))
        for name, counter in _COUNTERS.items()
    )
    summary = f"{counted(len(runs), 'crawl')} of {spider}; the table below has the numbers"
    return Chart(spider, stepped=False, series=series, summary=summary)


def _series(label: str, steps: Sequence[Step]) -> Series:
    return Series(label, tuple(_step(step) for step in steps[-STEPS:]))


def _step(step: Step) -> StepPoints:
    end = None if step.valid_to is None else step.valid_to.timestamp()
    start, seen = step.changed_at.timestamp(), step.last_confirmed_at.timestamp()
    # A confirmation by another crawler after the end belongs to the next version.
    seen = max(start, seen if end is None else min(seen, end))
    return start, seen, end, float(step.value)


def _point(at: dt.datetime, count: int) -> StepPoints:
    time = at.timestamp()
    return time, time, None, float(count)


def _summary(lines: dict[str, list[Step]], shown: Sequence[str]) -> str:
    steps = [step for label in shown for step in lines[label]]
    values = [step.value for step in steps]
    summary = (
        f"{counted(len(shown), 'line')}, {counted(len(steps), 'value')} "
        f"from {number_text(min(values))} to {number_text(max(values))}"
    )
    hidden = len(lines) - len(shown)
    return f"{summary}; {hidden} more rows are left out" if hidden else summary
