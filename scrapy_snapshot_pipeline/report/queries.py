"""What one table has to show, asked from the history within bounds."""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Sequence
from itertools import islice
from typing import TypeVar

from scrapy_snapshot_pipeline.history import (
    Answer,
    Change,
    Mover,
    SnapshotHistory,
    State,
    TableInfo,
)
from scrapy_snapshot_pipeline.report.fields import MOST, numeric_fields
from scrapy_snapshot_pipeline.report.options import ReportOptions
from scrapy_snapshot_pipeline.report.table_data import TableData

COUNTED = 5_000
"""New and not seen entities are not counted further."""
_SAMPLES = 20

ResultT = TypeVar("ResultT", Change, State)


def find(
    history: SnapshotHistory, info: TableInfo, choice: ReportOptions, since: dt.datetime
) -> TableData:
    """All lists of one table.  Raises HistoryError for a value that no key can have."""
    name, where, more = info.name, choice.where, choice.top + 1
    changes = list(islice(history.changes(name, since=since, where=where), choice.feed + 1))
    new, new_count = _counted(history.new(name, since=since, where=where), more)
    not_seen, not_seen_count = _counted(history.not_seen(name, where=where), more)
    samples = [change.values for change in changes[:_SAMPLES]]
    samples += [state.values for state in not_seen[:_SAMPLES]]
    fields = numeric_fields(info, samples)
    return TableData(
        info=info,
        fields=fields,
        changes=changes,
        movers=_movers(history, info, fields[:MOST], choice, since),
        new=new,
        not_seen=not_seen,
        new_count=new_count,
        not_seen_count=not_seen_count,
    )


def distance(moved: tuple[str, Mover]) -> float:
    """How far, up or down."""
    return abs(moved[1].relative or 0)


def _counted(answer: Answer[ResultT], keep: int) -> tuple[list[ResultT], int]:
    """The first few, and how many there are."""
    kept = list(islice(answer, keep))
    return kept, len(kept) if len(kept) < keep else answer.count(COUNTED + 1)


def _movers(
    history: SnapshotHistory,
    info: TableInfo,
    fields: Sequence[str],
    choice: ReportOptions,
    since: dt.datetime,
) -> list[tuple[str, Mover]]:
    more = choice.top + 1
    found = history.movers_by_field(info.name, fields, since=since, top=more, where=choice.where)
    ranked = [(rank, field, mover) for field in fields for rank, mover in enumerate(found[field])]
    # By rank, so that a field near zero, whose percentages are huge, does not hide the others.
    best = heapq.nsmallest(more, ranked, key=lambda each: (each[0], -distance(each[1:])))
    return [(field, mover) for _, field, mover in best]
