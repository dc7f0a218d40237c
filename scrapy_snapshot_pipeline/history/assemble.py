"""Rows put together: whole states with their children, and changes with what changed below."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql.expression import FromClause

from scrapy_snapshot_pipeline.history.compare import (
    child_change,
    child_changes,
    field_changes,
    key_order,
    order,
)
from scrapy_snapshot_pipeline.history.conditions import Condition, at_time, lasting
from scrapy_snapshot_pipeline.history.connection.streams import chunks
from scrapy_snapshot_pipeline.history.queries import ChildRow, Queries, StepRow, VersionRow
from scrapy_snapshot_pipeline.history.results import (
    Change,
    ChangeKind,
    ChildChange,
    ChildState,
    Fields,
    State,
)
from scrapy_snapshot_pipeline.history.values import bytes_id

ChildCondition: TypeAlias = "Callable[[FromClause], Condition]"
_Within: TypeAlias = "dict[tuple[bytes, bytes], tuple[bytes | None, Fields]]"


def states(
    connection: Connection,
    queries: Queries,
    versions: Iterable[VersionRow],
    at: dt.datetime | None,
) -> Iterator[State]:
    """Whole states of versions that are valid at `at` (None: now), in their order."""
    for chunk in chunks(versions):
        ids = [version.entity_id for version in chunk]
        rows = queries.children(connection, ids, lambda table: at_time(table, at))
        yield from _with_children(queries, chunk, rows)


def _with_children(
    queries: Queries, versions: Sequence[VersionRow], rows: Iterable[ChildRow]
) -> Iterator[State]:
    by_entity: defaultdict[bytes, list[ChildRow]] = defaultdict(list)
    for row in rows:
        by_entity[row.entity_id].append(row)
    for version in versions:
        yield _state(queries, version, by_entity[version.entity_id])


def _state(queries: Queries, version: VersionRow, rows: Iterable[ChildRow]) -> State:
    below: defaultdict[tuple[int, bytes | None], list[ChildRow]] = defaultdict(list)
    for row in rows:
        below[row.table, row.parent_id].append(row)
    return State(
        table=queries.entity.declaration.table,
        entity_id=bytes_id(version.entity_id),
        key=queries.own.key(version.values),
        values=version.values,
        children=_lists(queries, None, None, below),
        changed_at=version.valid_from,
        last_confirmed_at=version.last_confirmed_at,
        valid_to=version.valid_to,
        run_id=version.run_id,
        run_at=version.run_at,
    )


def _lists(
    queries: Queries,
    enclosing: int | None,
    parent_id: bytes | None,
    below: defaultdict[tuple[int, bytes | None], list[ChildRow]],
) -> dict[str, tuple[ChildState, ...]]:
    lists: dict[str, tuple[ChildState, ...]] = {}
    for place, child in enumerate(queries.entity.declaration.children):
        if child.parent == enclosing:
            found = [
                child_state(queries, row, _lists(queries, place, row.child_id, below))
                for row in below.get((place, parent_id), ())
            ]
            lists[child.path[-1]] = tuple(sorted(found, key=lambda c: key_order(c.key)))
    return lists


def child_state(
    queries: Queries, row: ChildRow, children: dict[str, tuple[ChildState, ...]] | None = None
) -> ChildState:
    """The row with the rows below it."""
    return ChildState(
        path=queries.child_paths[row.table],
        child_id=bytes_id(row.child_id),
        key=queries.child_columns[row.table].key(row.values),
        values=row.values,
        changed_at=row.valid_from,
        children=children or {},
    )


def changes(connection: Connection, queries: Queries, steps: Iterable[StepRow]) -> Iterator[Change]:
    """What each step changed, in their order."""
    for chunk in chunks(steps):
        below = _Below(connection, queries, chunk)
        for step in chunk:
            yield _change(connection, queries, step, below)


def _change(connection: Connection, queries: Queries, step: StepRow, below: _Below) -> Change:
    version, kind = step.version, _kind(step)
    before = step.previous if kind is ChangeKind.CHANGED else None
    fields = field_changes(before or {}, version.values, queries.own.key_names)
    children: tuple[ChildChange, ...] = ()
    if kind is ChangeKind.RETIRED:
        fields = ()
    elif kind is ChangeKind.LATE:
        stood, seen = _beside(connection, queries, version)
        fields = field_changes(stood.values if stood else {}, version.values, queries.own.key_names)
        children = child_changes(stood, seen)
    else:
        children = below.changes(step, fresh=kind is not ChangeKind.CHANGED)
    return Change(
        table=queries.entity.declaration.table,
        entity_id=bytes_id(version.entity_id),
        key=queries.own.key(version.values),
        kind=kind,
        changed_at=_time(step),
        last_confirmed_at=version.last_confirmed_at,
        valid_to=version.valid_to,
        run_id=version.run_id,
        run_at=version.run_at,
        values=version.values,
        fields=fields,
        children=children,
    )


def _kind(step: StepRow) -> ChangeKind:
    if step.ended:
        return ChangeKind.RETIRED
    if step.version.valid_to == step.version.valid_from:
        return ChangeKind.LATE
    if step.previous is None:
        return ChangeKind.NEW
    follows = step.previous_end == step.version.valid_from
    return ChangeKind.CHANGED if follows else ChangeKind.RETURNED


def _time(step: StepRow) -> dt.datetime:
    if step.ended and step.version.valid_to is not None:
        return step.version.valid_to
    return step.version.valid_from


def _beside(
    connection: Connection, queries: Queries, late: VersionRow
) -> tuple[State | None, State]:
    """The state of the instant of a late observation, and what the observation saw."""
    time, v = late.valid_from, queries.v
    there = queries.versions(connection, v.c.entity_id == late.entity_id, at_time(v, time))
    stood = next(states(connection, queries, list(there), time), None)
    rows = queries.children(
        connection,
        [late.entity_id],
        lambda table: sa.and_(table.c.snapshot_id == late.snapshot_id, ~lasting(table)),
    )
    return stood, next(_with_children(queries, [late], rows))


class _Below:
    """The child rows that began or ended with a chunk of steps."""

    def __init__(self, connection: Connection, queries: Queries, steps: Sequence[StepRow]) -> None:
        self._queries = queries
        self._begun: defaultdict[tuple[bytes, dt.datetime], dict[bytes, ChildRow]]
        self._begun = defaultdict(dict)
        self._ended: defaultdict[tuple[bytes, dt.datetime], dict[bytes, ChildRow]]
        self._ended = defaultdict(dict)
        times = [step.version.valid_from for step in steps if not step.ended]
        ids = sorted({step.version.entity_id for step in steps if not step.ended})
        if not times or not queries.entity.children:
            return
        first, last = min(times), max(times)
        for row in queries.children(connection, ids, lambda t: _moved(t, first, last)):
            # Most rows either began or ended here, and to hash a time takes long.
            if row.valid_from >= first:
                self._begun[row.entity_id, row.valid_from][row.child_id] = row
            if row.valid_to is not None:
                self._ended[row.entity_id, row.valid_to][row.child_id] = row
        self._within = enclosing_keys(connection, queries, ids)

    def changes(self, step: StepRow, *, fresh: bool) -> tuple[ChildChange, ...]:
        """Those of one step; `fresh`: nothing was there before it."""
        place = step.version.entity_id, step.version.valid_from
        new = self._begun.get(place, {})
        old = {} if fresh else self._ended.get(place, {})
        found = [
            change
            for child_id in {**old, **new}
            if (change := self._change(old.get(child_id), new.get(child_id))) is not None
        ]
        return tuple(sorted(found, key=order) if len(found) > 1 else found)

    def _change(self, old: ChildRow | None, new: ChildRow | None) -> ChildChange | None:
        row = new or old
        if row is None:
            return None
        identity = child_state(self._queries, row)
        old_values, new_values = (None if each is None else each.values for each in (old, new))
        within = self._within.of(row.entity_id, row.parent_id)
        return child_change(identity.path, old_values, new_values, identity, within)


def _moved(table: FromClause, first: dt.datetime, last: dt.datetime) -> Condition:
    return sa.and_(
        lasting(table),
        sa.or_(table.c.valid_from.between(first, last), table.c.valid_to.between(first, last)),
    )


class Enclosing:
    """The keys of child rows that have lists of their own."""

    def __init__(self) -> None:
        self._keys: _Within = {}

    def add(self, row: ChildRow, key: Fields) -> None:
        """A row's key never changes, so any version of it tells."""
        self._keys[row.entity_id, row.child_id] = row.parent_id, key

    def of(self, entity_id: bytes, parent: bytes | None) -> tuple[Fields, ...]:
        """Keys of the rows around one that is directly below `parent`, outermost first."""
        keys: list[Fields] = []
        while parent is not None:
            parent, key = self._keys[entity_id, parent]
            keys.insert(0, key)
        return tuple(keys)


def enclosing_keys(connection: Connection, queries: Queries, ids: Sequence[bytes]) -> Enclosing:
    """For the child rows of these entities; asks nothing where no list is inside another."""
    found = Enclosing()
    outer = {child.parent for child in queries.entity.declaration.children} - {None}
    if not outer or not ids:
        return found
    tables = [place for place in outer if place is not None]
    condition: Any = lambda _table: sa.true()  # noqa: E731
    for row in queries.children(connection, ids, condition, tables):
        found.add(row, queries.child_columns[row.table].key(row.values))
    return found
