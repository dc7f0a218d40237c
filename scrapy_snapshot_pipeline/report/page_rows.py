"""Results of the history as rows of the page.  Pure."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from scrapy_snapshot_pipeline.history import (
    Change,
    ChildChange,
    FieldChange,
    Mover,
    Run,
    State,
    TableInfo,
)
from scrapy_snapshot_pipeline.history.results import FieldValue
from scrapy_snapshot_pipeline.history.values import to_number
from scrapy_snapshot_pipeline.report.formatting import (
    NOTHING,
    key_text,
    number_text,
    percent_text,
    relative_text,
    time_text,
    told_apart,
    value_text,
)
from scrapy_snapshot_pipeline.report.page import EntityRow, Entry, Line, MoverRow, RunRow
from scrapy_snapshot_pipeline.report.table_data import NO_LABELS, Anchors, Labels, entity_ref
from scrapy_snapshot_pipeline.safe_text import printable

LINES = 12
"""Most lines shown for one change."""


def entry(change: Change, anchor: str | None, info: TableInfo, labels: Labels = NO_LABELS) -> Entry:
    """A change with its first lines; those of untracked fields come last."""
    lines = [line for part in change.lines(info.untracked) for line in _lines(part, info)]
    return Entry(
        table=change.table,
        key=key_text(change.key),
        anchor=anchor,
        kind=change.kind.value,
        changed_at=time_text(change.changed_at),
        last_confirmed_at=time_text(change.last_confirmed_at),
        valid_to=time_text(change.valid_to),
        run_at=time_text(change.run_at),
        lines=tuple(lines[:LINES]),
        more=max(0, len(lines) - LINES),
        label=labels.get(entity_ref(change), ""),
    )


def run_row(run: Run) -> RunRow:
    """A crawl and what it counted."""
    counters = run.counters
    reason = run.finish_reason
    return RunRow(
        spider=printable(run.spider),
        started_at=time_text(run.started_at),
        finished_at=time_text(run.finished_at),
        status=run.status if reason in {None, run.status} else f"{run.status}: {reason}",
        new=counters.get("inserted", 0),
        changed=counters.get("revised", 0),
        confirmed=counters.get("confirmed", 0),
        failed=counters.get("failed", 0),
    )


def mover_row(anchors: Anchors, field: str, mover: Mover, labels: Labels = NO_LABELS) -> MoverRow:
    """A number that moved."""
    child = f"{key_text(*mover.child)}: " if mover.child else ""
    return MoverRow(
        table=mover.table,
        key=key_text(mover.key),
        anchor=anchors.get(entity_ref(mover)),
        field=child + printable(field),
        old=number_text(mover.old),
        new=number_text(mover.new),
        absolute=number_text(mover.absolute, signed=True),
        percent=relative_text(mover.relative),
        changed_at=time_text(mover.changed_at),
        last_confirmed_at=time_text(mover.last_confirmed_at),
        label=labels.get(entity_ref(mover), ""),
    )


def entity_row(anchors: Anchors, of: Change | State, labels: Labels = NO_LABELS) -> EntityRow:
    """An entity that is new, or was not seen."""
    return EntityRow(
        table=of.table,
        key=key_text(of.key),
        anchor=anchors.get(entity_ref(of)),
        changed_at=time_text(of.changed_at),
        last_confirmed_at=time_text(of.last_confirmed_at),
        label=labels.get(entity_ref(of), ""),
    )


def _lines(part: FieldChange | ChildChange, info: TableInfo) -> Iterator[Line]:
    if isinstance(part, ChildChange):
        return _child_lines(part)
    return _field_lines("", part, untyped=info.untyped)


def _child_lines(child: ChildChange) -> Iterator[Line]:
    row = f"{child.path} / {key_text(*child.within, child.key)}"
    if not child.fields:
        yield Line(row, NOTHING, child.kind.value, "")
    for field in child.fields:
        yield from _field_lines(f"{row}: ", field, untyped=False)


def _field_lines(prefix: str, field: FieldChange, *, untyped: bool) -> Iterator[Line]:
    for leaf in field.leaves():
        in_json = untyped or leaf is not field
        percent = percent_text(_number(leaf.old, in_json), _number(leaf.new, in_json))
        name = prefix + value_text(leaf.field)
        yield Line(name, *told_apart(leaf.old, leaf.new), percent)


def _number(value: FieldValue, in_json: bool) -> Decimal | None:  # noqa: FBT001 - private
    """A text is a number only inside JSON, where decimals are stored as texts."""
    return None if isinstance(value, str) and not in_json else to_number(value)
