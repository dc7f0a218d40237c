"""Changes as entries of the page.  Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from decimal import Decimal

from scrapy_snapshot_pipeline.history import (
    Change,
    ChangeKind,
    ChildChange,
    FieldChange,
    TableInfo,
)
from scrapy_snapshot_pipeline.history.results import FieldValue
from scrapy_snapshot_pipeline.history.values import to_number
from scrapy_snapshot_pipeline.report.formatting import (
    NOTHING,
    key_text,
    percent_text,
    time_text,
    value_text,
)
from scrapy_snapshot_pipeline.report.page import Entry, Line

LINES = 12
"""Most lines of one change."""


def entry(change: Change, anchor: str | None, info: TableInfo) -> Entry:
    """A change with its lines, most of them, those of untracked fields last."""
    lines = tuple(_lines(change, info.untracked))
    return Entry(
        table=change.table,
        key=key_text(change.key),
        anchor=anchor,
        kind=change.kind.value,
        changed_at=time_text(change.changed_at),
        last_confirmed_at=time_text(change.last_confirmed_at),
        valid_to=time_text(change.valid_to),
        run_at=time_text(change.run_at),
        lines=lines[:LINES],
        more=max(0, len(lines) - LINES),
    )


def _lines(change: Change, untracked: Collection[str]) -> Iterator[Line]:
    fields = () if change.kind is ChangeKind.RETIRED else change.fields
    for field in fields:
        if field.field not in untracked:
            yield from _field_lines("", field)
    for child in change.children:
        yield from _child_lines(child)
    for field in fields:
        if field.field in untracked:
            yield from _field_lines("", field)


def _child_lines(child: ChildChange) -> Iterator[Line]:
    where = f"{child.path} / {key_text(*child.within, child.key)}"
    if not child.fields:
        yield Line(where, NOTHING, child.kind.value, "")
    for field in child.fields:
        yield from _field_lines(f"{where}: ", field)


def _field_lines(where: str, field: FieldChange) -> Iterator[Line]:
    for leaf in field.leaves():
        percent = percent_text(_number(leaf, field), _number(leaf, field, new=True))
        name = value_text(leaf.field)
        yield Line(where + name, *_told_apart(leaf), percent)


def _told_apart(leaf: FieldChange) -> tuple[str, str]:
    """With quotes around texts where both would read alike: the text "10" and the number 10."""
    old, new = value_text(leaf.old), value_text(leaf.new)
    return (_quoted(leaf.old, old), _quoted(leaf.new, new)) if old == new else (old, new)


def _quoted(value: FieldValue, text: str) -> str:
    return f'"{text}"' if isinstance(value, str) else text


def _number(leaf: FieldChange, field: FieldChange, *, new: bool = False) -> Decimal | None:
    """A text is a number only inside JSON, where decimals are stored so."""
    value = leaf.new if new else leaf.old
    return None if isinstance(value, str) and leaf is field else to_number(value)
