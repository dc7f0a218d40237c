"""Puts rows together: whole states with their children, and changes with what changed below."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql.expression import FromClause

from scrapy_snapshot_pipeline.history.chains import whole_children, whole_versions
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
    FieldChange,
    Fields,
    State,
)
from scrapy_snapshot_pipeline.history.shapes import InUse
from scrapy_snapshot_pipeline.history.values import bytes_id

_RowsBelow: TypeAlias = "Mapping[tuple[int, bytes | None], Sequence[ChildRow]]"
"""By the index of the child table and the id of the enclosing row."""
_RowsByTime: TypeAlias = "defaultdict[tuple[bytes, dt.datetime], dict[bytes, ChildRow]]"
"""By entity and time, then by child id."""


def states(
    connection: Connection,
    queries: Queries,
    versions: Iterable[VersionRow],
    at: dt.datetime | None,
) -> Iterator[State]:
    """The whole states of versions that are valid at `at` (None: now), in their order."""
    use = None if queries.shapes is None else queries.shapes.in_use(at)
    for chunk in chunks(versions):
        ids = [version.entity_id for version in chunk]
        rows = queries.children(connection, ids, lambda table: at_time(table, at))
        whole = whole_versions(connection, queries, chunk)
        of_whole = whole_children(connection, queries, ids, rows)
        for state in _with_children(queries, whole, of_whole):
            yield state if use is None else _shown(use, state)


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
        values=_known(queries, version.values, version.shape),
        children=_lists(queries, None, None, below),
        changed_at=version.valid_from,
        last_confirmed_at=version.last_confirmed_at,
        valid_to=version.valid_to,
        run_id=version.run_id,
        run_at=version.run_at,
    )


def _lists(
    queries: Queries, enclosing: int | None, parent_id: bytes | None, below: _RowsBelow
) -> dict[str, tuple[ChildState, ...]]:
    """The lists in one row of the table with the index `enclosing`; None: in the entity."""
    lists: dict[str, tuple[ChildState, ...]] = {}
    for index, child in enumerate(queries.entity.declaration.children):
        if child.parent == enclosing:
            rows = [
                _child_state(queries, row, _lists(queries, index, row.child_id, below))
                for row in below.get((index, parent_id), ())
            ]
            lists[child.path[-1]] = tuple(sorted(rows, key=lambda row: key_order(row.key)))
    return lists


def _child_state(
    queries: Queries, row: ChildRow, children: dict[str, tuple[ChildState, ...]] | None = None
) -> ChildState:
    return ChildState(
        path=queries.child_paths[row.table],
        child_id=bytes_id(row.child_id),
        key=queries.child_columns[row.table].key(row.values),
        values=_known_of_child(queries, row),
        changed_at=row.valid_from,
        children=children or {},
    )


def changes(connection: Connection, queries: Queries, steps: Iterable[StepRow]) -> Iterator[Change]:
    """What each step changed, in their order."""
    for chunk in chunks(steps):
        below = _ChildSteps(connection, queries, chunk)
        whole = whole_versions(connection, queries, [step.version for step in chunk])
        for step, version in zip(chunk, whole, strict=True):
            yield _change(connection, queries, step._replace(version=version), below)


def _change(connection: Connection, queries: Queries, step: StepRow, below: _ChildSteps) -> Change:
    version, kind = step.version, _kind(step)
    fields = _step_fields(queries, step, kind)
    children: tuple[ChildChange, ...] = ()
    if kind is ChangeKind.RETIRED:
        fields = ()
    elif kind is ChangeKind.LATE:
        then, seen = _late_states(connection, queries, version)
        fields = field_changes(then.values if then else {}, version.values, queries.own.key_names)
        children = child_changes(then, seen)
    else:
        children = below.changes(step, fresh=kind not in _FOLLOWING)
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
        values=_known(queries, version.values, version.shape),
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
    if step.previous_end != step.version.valid_from:
        return ChangeKind.RETURNED
    return ChangeKind.EXTENDED if step.version.extended else ChangeKind.CHANGED


_FOLLOWING = (ChangeKind.CHANGED, ChangeKind.EXTENDED)
"""What happens to a state that was there just before."""


def _step_fields(queries: Queries, step: StepRow, kind: ChangeKind) -> tuple[FieldChange, ...]:
    """The fields that differ from the version before; of an extension those that are new."""
    new, keys = step.version.values, queries.own.key_names
    if step.previous is None or kind not in _FOLLOWING:
        return field_changes({}, new, keys)
    now = _known(queries, new, step.version.shape)
    if kind is ChangeKind.EXTENDED:
        return field_changes({name: step.previous.get(name) for name in now}, now, keys)
    return field_changes(_known(queries, step.previous, step.previous_shape), now, keys)


def _known(queries: Queries, values: Fields, shape: int) -> Fields:
    return values if queries.shapes is None else queries.shapes.known(values, shape)


def _known_of_child(queries: Queries, row: ChildRow) -> Fields:
    if queries.shapes is None:
        return row.values
    path = queries.entity.declaration.children[row.table].path
    return queries.shapes.known(row.values, row.shape, path)


def _shown(use: InUse, state: State) -> State:
    """The state without what the classes of its time do not have."""
    return replace(
        state, values=use.shown(state.values), children=_shown_lists(use, (), state.children)
    )


def _shown_lists(
    use: InUse, path: tuple[str, ...], lists: Mapping[str, tuple[ChildState, ...]]
) -> dict[str, tuple[ChildState, ...]]:
    return {
        name: tuple(
            replace(
                row,
                values=use.shown(row.values, (*path, name)),
                children=_shown_lists(use, (*path, name), row.children),
            )
            for row in rows
        )
        for name, rows in lists.items()
        if use.has_list((*path, name))
    }


def _time(step: StepRow) -> dt.datetime:
    if step.ended and step.version.valid_to is not None:
        return step.version.valid_to
    return step.version.valid_from


def _late_states(
    connection: Connection, queries: Queries, late: VersionRow
) -> tuple[State | None, State]:
    """The state at the instant of a late observation, and the state that it observed."""
    time, v = late.valid_from, queries.v
    there = queries.versions(connection, v.c.entity_id == late.entity_id, at_time(v, time))
    then = next(states(connection, queries, list(there), time), None)
    rows = queries.children(
        connection,
        [late.entity_id],
        lambda table: sa.and_(table.c.snapshot_id == late.snapshot_id, ~lasting(table)),
    )
    return then, next(_with_children(queries, [late], rows))


class _ChildSteps:
    """The child rows that began or ended with a chunk of steps."""

    def __init__(self, connection: Connection, queries: Queries, steps: Sequence[StepRow]) -> None:
        self._queries = queries
        self._begun: _RowsByTime = defaultdict(dict)
        self._ended: _RowsByTime = defaultdict(dict)
        self._enclosing = Enclosing()
        times = [step.version.valid_from for step in steps if not step.ended]
        if times and queries.entity.children:
            ids = sorted({step.version.entity_id for step in steps if not step.ended})
            self._read(connection, ids, min(times), max(times))

    def _read(
        self, connection: Connection, ids: Sequence[bytes], first: dt.datetime, last: dt.datetime
    ) -> None:
        for row in self._queries.children(connection, ids, lambda t: _moved(t, first, last)):
            # Only a beginning within the chunk is ever looked up, and hashing a time is slow.
            if row.valid_from >= first:
                self._begun[row.entity_id, row.valid_from][row.child_id] = row
            if row.valid_to is not None:
                self._ended[row.entity_id, row.valid_to][row.child_id] = row
        self._enclosing = enclosing_keys(connection, self._queries, ids)

    def changes(self, step: StepRow, *, fresh: bool) -> tuple[ChildChange, ...]:
        """The child changes of one step; `fresh`: the entity had no state before it."""
        instant = step.version.entity_id, step.version.valid_from
        new = self._begun.get(instant, {})
        old = {} if fresh else self._ended.get(instant, {})
        found = [
            change
            for child_id, row in {**old, **new}.items()
            if (change := self._change(row, old.get(child_id), new.get(child_id))) is not None
        ]
        return tuple(sorted(found, key=order) if len(found) > 1 else found)

    def _change(
        self, row: ChildRow, old: ChildRow | None, new: ChildRow | None
    ) -> ChildChange | None:
        """`row`: whichever of the two exists."""
        within = self._enclosing.of(row.entity_id, row.parent_id)
        old_values, new_values = (
            None if each is None else _known_of_child(self._queries, each) for each in (old, new)
        )
        return child_change(_child_state(self._queries, row), within, old_values, new_values)


def _moved(table: FromClause, first: dt.datetime, last: dt.datetime) -> Condition:
    return sa.and_(
        lasting(table),
        sa.or_(table.c.valid_from.between(first, last), table.c.valid_to.between(first, last)),
    )


class Enclosing:
    """The keys of child rows that have lists of their own."""

    def __init__(self) -> None:
        self._keys: dict[tuple[bytes, bytes], tuple[bytes | None, Fields]] = {}

    def add(self, row: ChildRow, key: Fields) -> None:
        """Any version of the row will do, because its key never changes."""
        self._keys[row.entity_id, row.child_id] = row.parent_id, key

    def of(self, entity_id: bytes, parent: bytes | None) -> tuple[Fields, ...]:
        """The keys of the rows that enclose a row directly below `parent`, outermost first."""
        keys: list[Fields] = []
        while parent is not None:
            parent, key = self._keys[entity_id, parent]
            keys.insert(0, key)
        return tuple(keys)


def enclosing_keys(connection: Connection, queries: Queries, ids: Sequence[bytes]) -> Enclosing:
    """The keys for these entities; nothing is read unless some list is inside another."""
    found = Enclosing()
    children = queries.entity.declaration.children
    tables = {child.parent for child in children if child.parent is not None}
    if not tables or not ids:
        return found
    for row in queries.children(connection, ids, _every, tables):
        found.add(row, queries.child_columns[row.table].key(row.values))
    return found


def _every(_table: FromClause) -> Condition:
    return sa.true()
