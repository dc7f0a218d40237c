"""What one table has to show, asked from the history within limits."""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Iterable, Iterator, Sequence
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
from scrapy_snapshot_pipeline.history.results import Fields, FieldValue
from scrapy_snapshot_pipeline.history.values import to_number
from scrapy_snapshot_pipeline.report.options import ReportOptions
from scrapy_snapshot_pipeline.report.table_data import TableData

NUMERIC_FIELDS = 12
"""Most numeric fields of a table; stored JSON may hold hundreds."""
_SAMPLES = 20
"""How many changes, and how many states, are searched for numbers inside JSON."""

ResultT = TypeVar("ResultT", Change, State)


def query_table(
    history: SnapshotHistory, info: TableInfo, options: ReportOptions, since: dt.datetime
) -> TableData:
    """All lists of one table.  Raises HistoryError for a value that no key can have."""
    name, where, limit = info.name, options.where, options.top + 1
    changes, change_count = _first(
        history.changes(name, since=since, where=where), options.feed + 1
    )
    new, new_count = _first(history.new(name, since=since, where=where), limit)
    not_seen, not_seen_count = _first(history.not_seen(name, where=where), limit)
    samples = [change.values for change in changes[:_SAMPLES]]
    samples += [state.values for state in not_seen[:_SAMPLES]]
    fields = _wanted(numeric_fields(info, samples), options)
    movers, signed = _movers(history, info, fields[:NUMERIC_FIELDS], options, since)
    return TableData(
        info=info,
        fields=fields,
        changes=changes,
        movers=movers,
        signed_fields=signed,
        new=new,
        not_seen=not_seen,
        new_count=new_count,
        not_seen_count=not_seen_count,
        change_count=change_count,
    )


def numeric_fields(info: TableInfo, samples: Iterable[Fields]) -> tuple[str, ...]:
    """Paths of declared numbers, then of those in JSON and untyped `samples`; no key fields."""
    found = dict.fromkeys(path for path in info.numeric if path not in info.key)
    words = set[str]()
    for values in samples:
        found.update(dict.fromkeys(_undeclared(info, values)))
        words.update(_words(values))
    return tuple(path for path in found if path not in words and _can_be_asked(path, info))


def _can_be_asked(path: str, info: TableInfo) -> bool:
    """An untyped item may have a field without a name, which no path leads to."""
    return not info.untyped or all(path.split("."))


def _words(values: Fields) -> Iterator[str]:
    """The fields that hold a text which is no number."""
    return (
        name
        for name, value in values.items()
        if isinstance(value, str) and to_number(value) is None
    )


def _wanted(found: tuple[str, ...], options: ReportOptions) -> tuple[str, ...]:
    """Those that the user names, in that order, or all."""
    return tuple(name for name in options.fields if name in found) if options.fields else found


def distance(moved: tuple[str, Mover]) -> float:
    """How far a field moved, up or down."""
    return abs(moved[1].relative or 0)


def _first(answer: Answer[ResultT], limit: int) -> tuple[list[ResultT], int]:
    """The first `limit` results, and how many there are."""
    results = list(islice(answer, limit))
    return results, len(results) if len(results) < limit else answer.count()


def _movers(
    history: SnapshotHistory,
    info: TableInfo,
    fields: Sequence[str],
    options: ReportOptions,
    since: dt.datetime,
) -> tuple[list[tuple[str, Mover]], frozenset[str]]:
    """Those that moved furthest, and the fields whose values cross zero."""
    limit = options.top + 1
    fields = [field for field in fields if not _is_untracked(field, info)]
    found = history.movers_by_field(info.name, fields, since=since, top=limit, where=options.where)
    signed = frozenset(field for field in fields if _crosses_zero(found[field]))
    ranked = [
        (field in signed, rank, field, mover)
        for field in fields
        for rank, mover in enumerate(found[field])
    ]
    # By rank, so that a field near zero, whose percentages are huge, does not hide the others.
    best = heapq.nsmallest(limit, ranked, key=lambda each: (*each[:2], -distance(each[2:])))
    return [(field, mover) for _, _, field, mover in best], signed


def _is_untracked(field: str, info: TableInfo) -> bool:
    return any(field == path or field.startswith(f"{path}.") for path in info.untracked)


def _crosses_zero(movers: Sequence[Mover]) -> bool:
    """As a handicap does, of which a step from +0.25 to -0.25 is no -200 %.

    A stock that is sold out does not: it ends at zero.
    """
    values = [value for mover in movers for value in (mover.old, mover.new)]
    return bool(values) and min(values) < 0 < max(values)


def _undeclared(info: TableInfo, values: Fields) -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _inside(name, value)
        elif info.untyped and name not in info.key:
            yield from [name] if to_number(value) is not None else []


def _inside(path: str, value: FieldValue) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _inside(f"{path}.{name}", member)
    elif to_number(value) is not None:
        yield path
