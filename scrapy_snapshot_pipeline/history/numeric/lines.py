"""Statistics and steps of numeric fields."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy.engine import Connection

from scrapy_snapshot_pipeline.history.assemble import Enclosing, enclosing_keys
from scrapy_snapshot_pipeline.history.compare import key_order
from scrapy_snapshot_pipeline.history.conditions import one_of, overlapping
from scrapy_snapshot_pipeline.history.connection.streams import chunks
from scrapy_snapshot_pipeline.history.numeric.results import FieldStatistics, Step
from scrapy_snapshot_pipeline.history.numeric.spans import NumberPath, Span, clipped, joined, mean
from scrapy_snapshot_pipeline.history.queries import ChildRow, Queries, VersionRow
from scrapy_snapshot_pipeline.history.results import Fields
from scrapy_snapshot_pipeline.history.values import bytes_id

Time: TypeAlias = "tuple[dt.datetime | None, dt.datetime | None]"
"""From, and until; None: no bound."""


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
    within: Time,
) -> Iterator[Line]:
    """Of all these entities; a line has what was valid at some instant within the two times."""
    for ids in chunks(entity_ids):
        yield from Numbers(connection, queries, ids, within).lines(path)


class Numbers:
    """The numbers of a few entities within a time; each table is read once, for all its fields."""

    def __init__(
        self, connection: Connection, queries: Queries, ids: Sequence[bytes], within: Time
    ) -> None:
        self._connection = connection
        self._queries = queries
        self._within = within
        self._versions: defaultdict[bytes, list[VersionRow]] = defaultdict(list)
        v = queries.v
        wanted = one_of(connection, v.c.entity_id, ids)
        found = queries.versions(connection, wanted, overlapping(v, *within))
        for version in found:
            self._versions[version.entity_id].append(version)
        self._rows: dict[int, list[list[ChildRow]]] = {}
        self._around: Enclosing | None = None

    def lines(self, path: NumberPath) -> Iterator[Line]:
        """By entity, and by the keys of its rows."""
        return self._own_lines(path) if path.child is None else self._child_lines(path)

    def _own_lines(self, path: NumberPath) -> Iterator[Line]:
        for versions in self._versions.values():
            spans = [
                Span(number, v.valid_from, v.valid_to, v.last_confirmed_at)
                for v in versions
                if (number := path.of(v.values)) is not None
            ]
            if spans:
                key = self._queries.own.key(versions[-1].values)
                yield Line(versions[-1], key, (), joined(spans))

    def _child_lines(self, path: NumberPath) -> Iterator[Line]:
        found: defaultdict[bytes, list[Line]] = defaultdict(list)
        around = self._enclosing()
        for history in self._histories(path.child or 0):
            entity = history[0].entity_id
            line = _child_line(self._queries, path, self._versions[entity], history, around)
            if line is not None:
                found[entity].append(line)
        for entity in self._versions:
            yield from sorted(
                found[entity], key=lambda line: [key_order(key) for key in line.child]
            )

    def _histories(self, place: int) -> list[list[ChildRow]]:
        """The rows of a list, those of one child row together."""
        if place not in self._rows:
            by_child: defaultdict[tuple[bytes, bytes], list[ChildRow]] = defaultdict(list)
            for row in self._queries.children(
                self._connection,
                list(self._versions),
                lambda table: overlapping(table, *self._within),
                [place],
            ):
                by_child[row.entity_id, row.child_id].append(row)
            self._rows[place] = list(by_child.values())
        return self._rows[place]

    def _enclosing(self) -> Enclosing:
        if self._around is None:
            self._around = enclosing_keys(self._connection, self._queries, list(self._versions))
        return self._around


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
    child = (*around.of(rows[0].entity_id, rows[0].parent_id), key)
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
