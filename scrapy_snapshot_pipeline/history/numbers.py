"""Movers, statistics and steps of one numeric field."""

from __future__ import annotations

import datetime as dt
import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal

from sqlalchemy.engine import Connection

from scrapy_snapshot_pipeline.history.answers import Fields, FieldStatistics, Mover, Step
from scrapy_snapshot_pipeline.history.compare import key_order
from scrapy_snapshot_pipeline.history.queries import ChildRow, Queries, VersionRow, overlapping
from scrapy_snapshot_pipeline.history.series import NumberPath, Span, clipped, joined, mean
from scrapy_snapshot_pipeline.history.states import Enclosing, chunks, enclosing_keys
from scrapy_snapshot_pipeline.history.values import bytes_id

_EXACT = Context(prec=100)


@dataclass(frozen=True, slots=True)
class Line:
    """The values of one field of one entity or child row, oldest first, at least one."""

    version: VersionRow
    """The last of the entity within the time."""
    key: Fields
    child: tuple[Fields, ...]
    spans: list[Span]


def lines(
    connection: Connection,
    queries: Queries,
    path: NumberPath,
    entity_ids: Iterable[bytes],
    within: tuple[dt.datetime | None, dt.datetime | None],
) -> Iterator[Line]:
    """Of all these entities; a line has what was valid at some instant within the two times."""
    for ids in chunks(entity_ids):
        v = queries.v
        found = queries.versions(connection, v.c.entity_id.in_(ids), overlapping(v, *within))
        versions: defaultdict[bytes, list[VersionRow]] = defaultdict(list)
        for version in found:
            versions[version.entity_id].append(version)
        if path.child is None:
            yield from _own_lines(queries, path, versions.values())
        else:
            yield from _child_lines(connection, queries, path, versions, within)


def _own_lines(
    queries: Queries, path: NumberPath, histories: Iterable[Sequence[VersionRow]]
) -> Iterator[Line]:
    for versions in histories:
        spans = [
            Span(number, v.valid_from, v.valid_to, v.last_confirmed_at)
            for v in versions
            if (number := path.of(v.values)) is not None
        ]
        if spans:
            yield Line(versions[-1], queries.own.key(versions[-1].values), (), joined(spans))


def _child_lines(
    connection: Connection,
    queries: Queries,
    path: NumberPath,
    versions: defaultdict[bytes, list[VersionRow]],
    within: tuple[dt.datetime | None, dt.datetime | None],
) -> Iterator[Line]:
    place = path.child or 0
    rows: defaultdict[tuple[bytes, bytes], list[ChildRow]] = defaultdict(list)
    ids = list(versions)
    for row in queries.children(connection, ids, lambda t: overlapping(t, *within), [place]):
        rows[row.entity_id, row.child_id].append(row)
    around = enclosing_keys(connection, queries, ids)
    found: defaultdict[bytes, list[Line]] = defaultdict(list)
    for (entity, _), history in rows.items():
        line = _child_line(queries, path, versions[entity], history, around)
        if line is not None:
            found[entity].append(line)
    for entity in ids:
        yield from sorted(found[entity], key=lambda line: [key_order(key) for key in line.child])


def _child_line(
    queries: Queries,
    path: NumberPath,
    versions: Sequence[VersionRow],
    rows: Sequence[ChildRow],
    around: Enclosing,
) -> Line | None:
    spans = [
        Span(number, row.valid_from, row.valid_to, _seen(row, versions))
        for row in rows
        if (number := path.of(row.values)) is not None
    ]
    if not spans or not versions:
        return None
    key = queries.child_columns[rows[0].table].key(rows[0].values)
    version = versions[-1]
    child = (*around.of(rows[0]), key)
    return Line(version, queries.own.key(version.values), child, joined(spans))


def _seen(row: ChildRow, versions: Sequence[VersionRow]) -> dt.datetime:
    """The last confirmation of the last version that the row was part of."""
    within = [v for v in versions if row.valid_to is None or v.valid_from < row.valid_to]
    return within[-1].last_confirmed_at if within else row.valid_from


def steps(found: Iterable[Line]) -> Iterator[Step]:
    """All values."""
    for line in found:
        for span in line.spans:
            yield Step(line.key, line.child, span.value, span.start, span.end, span.seen)


def movers(
    table: str, found: Iterable[Line], until: dt.datetime | None, by: str, top: int | None
) -> list[Mover]:
    """The furthest first; equally far in the order of ids."""
    moved = (m for line in found if (m := _mover(table, line, until)) is not None)
    ranked = (m for m in moved if by == "absolute" or m.relative is not None)
    if top is None:
        return sorted(ranked, key=lambda m: _distance(m, by), reverse=True)
    return heapq.nlargest(top, ranked, key=lambda m: _distance(m, by))


def _distance(mover: Mover, by: str) -> Decimal:
    if by == "absolute":
        return abs(mover.absolute)
    return abs(_EXACT.divide(mover.absolute, mover.old))


def _mover(table: str, line: Line, until: dt.datetime | None) -> Mover | None:
    last = line.spans[-1]
    # What ended before that time has no value there.
    if last.end is not None and (until is None or last.end <= until):
        return None
    old, new = line.spans[0].value, last.value
    if old == new:
        return None
    absolute = _EXACT.subtract(new, old)
    return Mover(
        table=table,
        entity_id=bytes_id(line.version.entity_id),
        key=line.key,
        child=line.child,
        old=old,
        new=new,
        absolute=absolute,
        relative=float(_EXACT.divide(absolute, abs(old))) if old else None,
        changed_at=line.version.valid_from,
        last_confirmed_at=line.version.last_confirmed_at,
        run_at=line.version.run_at,
    )


def statistics(
    table: str, found: Iterable[Line], start: dt.datetime, end: dt.datetime
) -> Iterator[FieldStatistics]:
    """One for each line, in their order."""
    for line in found:
        spans = clipped(line.spans, start, end)
        lowest = min(spans, key=lambda span: span.value)
        highest = max(spans, key=lambda span: span.value)
        yield FieldStatistics(
            table=table,
            entity_id=bytes_id(line.version.entity_id),
            key=line.key,
            child=line.child,
            lowest=lowest.value,
            lowest_at=lowest.start,
            highest=highest.value,
            highest_at=highest.start,
            mean=mean(spans),
            last=spans[-1].value,
            values=len(spans),
        )
