"""Answers of the history as rows of the page.  Pure."""

from __future__ import annotations

from scrapy_snapshot_pipeline.history import Change, Mover, Run, State
from scrapy_snapshot_pipeline.report.formatting import (
    key_text,
    number_text,
    relative_text,
    time_text,
)
from scrapy_snapshot_pipeline.report.page import EntityRow, MoverRow, RunRow
from scrapy_snapshot_pipeline.report.table_data import Anchors, place_of
from scrapy_snapshot_pipeline.safe_text import printable


def run_row(run: Run) -> RunRow:
    """A crawl and what it counted."""
    counted = run.counters
    reason = run.finish_reason
    return RunRow(
        spider=printable(run.spider),
        started_at=time_text(run.started_at),
        finished_at=time_text(run.finished_at),
        status=run.status if reason in {None, run.status} else f"{run.status}: {reason}",
        new=counted.get("inserted", 0),
        changed=counted.get("revised", 0),
        confirmed=counted.get("confirmed", 0),
        failed=counted.get("failed", 0),
    )


def mover_row(anchors: Anchors, field: str, mover: Mover) -> MoverRow:
    """A number that moved."""
    child = f"{key_text(*mover.child)}: " if mover.child else ""
    return MoverRow(
        table=mover.table,
        key=key_text(mover.key),
        anchor=anchors.get(place_of(mover)),
        field=child + printable(field),
        old=number_text(mover.old),
        new=number_text(mover.new),
        absolute=number_text(mover.absolute, signed=True),
        percent=relative_text(mover.relative),
        changed_at=time_text(mover.changed_at),
        last_confirmed_at=time_text(mover.last_confirmed_at),
    )


def entity_row(anchors: Anchors, of: Change | State) -> EntityRow:
    """An entity that is new, or was not seen."""
    return EntityRow(
        table=of.table,
        key=key_text(of.key),
        anchor=anchors.get(place_of(of)),
        changed_at=time_text(of.changed_at),
        last_confirmed_at=time_text(of.last_confirmed_at),
    )
