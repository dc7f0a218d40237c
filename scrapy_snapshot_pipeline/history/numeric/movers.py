"""Movers: how far numbers moved in a window of time, for several fields in one read of a table.

What did not change in the window cannot have moved.  So only rows that began or ended in it are
read, and only their numbers; whole versions are read for the few that moved furthest.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from itertools import count, groupby
from operator import attrgetter, itemgetter
from typing import TypeAlias

from sqlalchemy.engine import Connection

from scrapy_snapshot_pipeline.history.assemble import Enclosing, enclosing_keys
from scrapy_snapshot_pipeline.history.chains import whole_versions
from scrapy_snapshot_pipeline.history.compare import key_order
from scrapy_snapshot_pipeline.history.conditions import one_of, overlapping
from scrapy_snapshot_pipeline.history.connection.streams import chunks, stream
from scrapy_snapshot_pipeline.history.numeric.mover_statements import HOLDS, Window, mover_rows
from scrapy_snapshot_pipeline.history.numeric.paths import NumberPath
from scrapy_snapshot_pipeline.history.numeric.readings import NumberReader
from scrapy_snapshot_pipeline.history.numeric.results import Mover
from scrapy_snapshot_pipeline.history.queries import Queries, VersionRow
from scrapy_snapshot_pipeline.history.results import Fields
from scrapy_snapshot_pipeline.history.values import bytes_id

_EXACT = Context(prec=100)


@dataclass(frozen=True, slots=True)
class _Move:
    """One number that moved."""

    distance: Decimal
    old: Decimal
    new: Decimal


@dataclass(frozen=True, slots=True)
class _Row:
    """An entity, or a row of a list, in which some numbers moved."""

    entity_id: bytes
    child_id: bytes | None
    parent_id: bytes | None
    key: Fields
    moves: list[_Move | None]
    """One for each ranking."""


_RowPath: TypeAlias = "tuple[bytes, tuple[Fields, ...]]"
"""The entity, and the keys that lead to the row."""


class _Ranking:
    """The furthest moves of one number, at most `top`; of equally far ones the first."""

    def __init__(self, reader: NumberReader, by: str, top: int | None) -> None:
        self._reader = reader
        self._by = by
        self._top = top
        self._heap: list[tuple[Decimal, int, _RowPath, _Move]] = []
        self._order = count(0, -1)

    def move(self, values: Sequence[Fields]) -> _Move | None:
        """From the first value to the last; None if it did not move, or not far enough to rank."""
        new = self._reader.of(values[-1])
        if new is None:
            return None
        old = next(number for each in values if (number := self._reader.of(each)) is not None)
        distance = _distance(old, new, self._by)
        if not distance or (self._full and distance < self._heap[0][0]):
            return None
        return _Move(distance, old, new)

    def offer(self, row_path: _RowPath, move: _Move) -> None:
        """Rank a move if it is among the furthest; they come in the order of ids and keys."""
        heapq.heappush(self._heap, (move.distance, next(self._order), row_path, move))
        if self._top is not None and len(self._heap) > self._top:
            heapq.heappop(self._heap)

    def ranked(self) -> list[tuple[_RowPath, _Move]]:
        """The furthest first."""
        ranked = sorted(self._heap, key=itemgetter(0, 1), reverse=True)
        return [(row_path, move) for *_, row_path, move in ranked]

    @property
    def path(self) -> NumberPath:
        """Of the number."""
        return self._reader.path

    @property
    def _full(self) -> bool:
        return bool(self._top) and len(self._heap) == self._top


def _distance(old: Decimal, new: Decimal, by: str) -> Decimal | None:
    """How far; None for a relative distance from 0."""
    if by == "absolute":
        return abs(_EXACT.subtract(new, old))
    return abs(_EXACT.divide(_EXACT.subtract(new, old), old)) if old else None


def furthest(
    connection: Connection,
    queries: Queries,
    readers: Sequence[NumberReader],
    window: Window,
    by: str,
    top: int | None,
) -> list[list[Mover]]:
    """The `top` movers of each number, furthest first; equally far ones by their ids and keys."""
    rankings = [_Ranking(reader, by, top) for reader in readers]
    for table in dict.fromkeys(ranking.path.child for ranking in rankings):
        here = [ranking for ranking in rankings if ranking.path.child == table]
        rows = _moved(connection, queries, here, window)
        for row_path, row in _with_paths(connection, queries, rows):
            for ranking, move in zip(here, row.moves, strict=True):
                if move is not None:
                    ranking.offer(row_path, move)
    ranked = [ranking.ranked() for ranking in rankings]
    ids = {entity for moves in ranked for (entity, _), _ in moves}
    last = _last_versions(connection, queries, sorted(ids), window)
    return [[_mover(queries, last, *each) for each in moves] for moves in ranked]


def _moved(
    connection: Connection, queries: Queries, rankings: Sequence[_Ranking], window: Window
) -> Iterator[_Row]:
    """By entity and child row."""
    own, statement = mover_rows(queries, [ranking.path for ranking in rankings], window)
    for _, group in groupby(stream(connection, statement), key=itemgetter(0, 1)):
        rows = list(group)
        # A move needs two rows, and the last one must hold at the end of the window.
        if len(rows) < 2 or not rows[-1][HOLDS]:  # noqa: PLR2004 - old and new
            continue
        values = [own.read(row[HOLDS + 1 :]) for row in rows]
        moves = [ranking.move(values) for ranking in rankings]
        if any(moves):
            entity, child, parent, *_ = rows[0]
            yield _Row(entity, child, parent, own.key(values[0]), moves)


def _with_paths(
    connection: Connection, queries: Queries, rows: Iterator[_Row]
) -> Iterator[tuple[_RowPath, _Row]]:
    """Each row with its path; the rows of one entity in the order of their keys."""
    entities = (list(group) for _, group in groupby(rows, key=attrgetter("entity_id")))
    for chunk in chunks(entities):
        inner = {row.entity_id for group in chunk for row in group if row.parent_id is not None}
        enclosing = enclosing_keys(connection, queries, sorted(inner))
        for group in chunk:
            found = [((row.entity_id, _keys_to(row, enclosing)), row) for row in group]
            yield from sorted(found, key=lambda each: [key_order(key) for key in each[0][1]])


def _keys_to(row: _Row, enclosing: Enclosing) -> tuple[Fields, ...]:
    if row.child_id is None:
        return ()
    return (*enclosing.of(row.entity_id, row.parent_id), row.key)


def _last_versions(
    connection: Connection, queries: Queries, entity_ids: Sequence[bytes], window: Window
) -> dict[bytes, VersionRow]:
    """The last version of each entity in the window."""
    last: dict[bytes, VersionRow] = {}
    v = queries.v
    there = overlapping(v, window.since, window.until)
    for ids in chunks(entity_ids):
        found = queries.versions(connection, one_of(connection, v.c.entity_id, ids), there)
        latest = {version.entity_id: version for version in found}
        last |= zip(latest, whole_versions(connection, queries, list(latest.values())), strict=True)
    return last


def _mover(
    queries: Queries, last: Mapping[bytes, VersionRow], row_path: _RowPath, move: _Move
) -> Mover:
    entity, child = row_path
    version, absolute = last[entity], _EXACT.subtract(move.new, move.old)
    return Mover(
        table=queries.entity.declaration.table,
        entity_id=bytes_id(entity),
        key=queries.own.key(version.values),
        child=child,
        old=move.old,
        new=move.new,
        absolute=absolute,
        relative=float(_EXACT.divide(absolute, abs(move.old))) if move.old else None,
        changed_at=version.valid_from,
        last_confirmed_at=version.last_confirmed_at,
        run_at=version.run_at,
    )
