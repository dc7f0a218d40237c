"""The values of numeric fields over time as lines, and the steps and statistics of a line."""

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
from scrapy_snapshot_pipeline.history.numeric.readings import NumberReader
from scrapy_snapshot_pipeline.history.numeric.results import FieldStatistics, Step
from scrapy_snapshot_pipeline.history.numeric.spans import Span, clipped, joined, mean
from scrapy_snapshot_pipeline.history.queries import ChildRow, Queries, VersionRow
from scrapy_snapshot_pipeline.history.results import Fields
from scrapy_snapshot_pipeline.history.values import bytes_id

Period: TypeAlias = "tuple[dt.datetime | None, dt.datetime | None]"
"""From, and until; None: no bound."""


@dataclass(frozen=True, slots=True)
class Line:
    """The values of one field of one entity or child row, oldest first; at least one."""

    version: VersionRow
    """The entity's last one in the period."""
    key: Fields
    child: tuple[Fields, ...]
    spans: list[Span]


def lines_of(
    connection: Connection,
    queries: Queries,
    reader: NumberReader,
    entity_ids: Iterable[bytes],
    period: Period,
) -> Iterator[Line]:
    """The lines of these entities, with the values that were valid at any time in the period."""
    for ids in chunks(entity_ids):
        yield from Numbers(connection, queries, ids, period).lines(reader)


class Numbers:
    """The numbers of a few entities in a period; each table is read once, for all its fields."""

    def __init__(
        self, connection: Connection, queries: Queries, ids: Sequence[bytes], period: Period
    ) -> None:
        self._connection = connection
        self._queries = queries
        self._period = period
        self._versions: defaultdict[bytes, list[VersionRow]] = defaultdict(list)
        v = queries.v
        wanted = one_of(connection, v.c.entity_id, ids)
        found = queries.versions(connection, wanted, overlapping(v, *period))
        for version in found:
            self._versions[version.entity_id].append(version)
        self._rows: dict[int, list[list[ChildRow]]] = {}
        self._enclosing: Enclosing | None = None

    def lines(self, reader: NumberReader) -> Iterator[Line]:
        """By entity, then by the keys that lead to the row."""
        child = reader.path.child
        if child is None:
            return self._own_lines(reader)
        return self._child_lines(reader, child)

    def _own_lines(self, reader: NumberReader) -> Iterator[Line]:
        for versions in self._versions.values():
            spans = [
                Span(number, v.valid_from, v.valid_to, v.last_confirmed_at)
                for v in versions
                if (number := reader.of(v.values)) is not None
            ]
            if spans:
                key = self._queries.own.key(versions[-1].values)
                yield Line(versions[-1], key, (), joined(spans))

    def _child_lines(self, reader: NumberReader, child: int) -> Iterator[Line]:
        found: defaultdict[bytes, list[Line]] = defaultdict(list)
        enclosing = self._enclosing_keys()
        for history in self._histories(child):
            entity = history[0].entity_id
            line = _child_line(self._queries, reader, self._versions[entity], history, enclosing)
            if line is not None:
                found[entity].append(line)
        for entity in self._versions:
            yield from sorted(
                found[entity], key=lambda line: [key_order(key) for key in line.child]
            )

    def _histories(self, child: int) -> list[list[ChildRow]]:
        """All versions of each row in a child table."""
        if child not in self._rows:
            by_child: defaultdict[tuple[bytes, bytes], list[ChildRow]] = defaultdict(list)
            for row in self._queries.children(
                self._connection,
                list(self._versions),
                lambda table: overlapping(table, *self._period),
                [child],
            ):
                by_child[row.entity_id, row.child_id].append(row)
            self._rows[child] = list(by_child.values())
        return self._rows[child]

    def _enclosing_keys(self) -> Enclosing:
        if self._enclosing is None:
            ids = list(self._versions)
            self._enclosing = enclosing_keys(self._connection, self._queries, ids)
        return self._enclosing


def _child_line(
    queries: Queries,
    reader: NumberReader,
    versions: Sequence[VersionRow],
    rows: Sequence[ChildRow],
    enclosing: Enclosing,
) -> Line | None:
    spans = [
        Span(number, row.valid_from, row.valid_to, _seen(row, versions))
        for row in rows
        if (number := reader.of(row.values)) is not None
    ]
    if not spans or not versions:
        return None
    key = queries.child_columns[rows[0].table].key(rows[0].values)
    version = versions[-1]
    child = (*enclosing.of(rows[0].entity_id, rows[0].parent_id), key)
    return Line(version, queries.own.key(version.values), child, joined(spans))


def _seen(row: ChildRow, versions: Sequence[VersionRow]) -> dt.datetime:
    """The last confirmation of the last version that included the row."""
    within = [v for v in versions if row.valid_to is None or v.valid_from < row.valid_to]
    return within[-1].last_confirmed_at if within else row.valid_from


def steps_of(lines: Iterable[Line]) -> Iterator[Step]:
    """All values, line by line."""
    for line in lines:
        for span in line.spans:
            yield Step(line.key, line.child, span.value, span.start, span.end, span.seen)


def statistics_of(
    table: str, lines: Iterable[Line], start: dt.datetime, end: dt.datetime
) -> Iterator[FieldStatistics]:
    """One for each line, in their order."""
    for line in lines:
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
