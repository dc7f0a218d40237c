"""How each entity differs between two times."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from sqlalchemy.engine import Connection

from scrapy_snapshot_pipeline.history.assemble import states
from scrapy_snapshot_pipeline.history.compare import child_changes, field_changes
from scrapy_snapshot_pipeline.history.conditions import Condition, at_time, one_of
from scrapy_snapshot_pipeline.history.connection.streams import chunks
from scrapy_snapshot_pipeline.history.queries import Queries
from scrapy_snapshot_pipeline.history.results import ChildKind, Difference, State


def differences(
    connection: Connection,
    queries: Queries,
    old: dt.datetime,
    new: dt.datetime,
    filters: Sequence[Condition],
) -> Iterator[Difference]:
    """One for each entity that differs, by id; either time may be the earlier one."""
    touched = queries.touched_ids(connection, min(old, new), max(old, new), *filters)
    for ids in chunks(touched):
        before = _states_at(connection, queries, ids, old)
        after = _states_at(connection, queries, ids, new)
        for entity in ids:
            difference = _difference(before.get(entity), after.get(entity))
            if difference is not None:
                yield difference


def _states_at(
    connection: Connection, queries: Queries, ids: list[bytes], at: dt.datetime
) -> dict[bytes, State]:
    v = queries.v
    wanted = one_of(connection, v.c.entity_id, ids)
    there = queries.versions(connection, wanted, at_time(v, at))
    return {state.entity_id.bytes: state for state in states(connection, queries, there, at)}


def _difference(old: State | None, new: State | None) -> Difference | None:
    state = new or old
    if state is None:
        return None
    fields = field_changes(old.values if old else {}, new.values if new else {}, state.key)
    children = child_changes(old, new)
    if old and new and not fields and not children:
        return None
    kind = ChildKind.CHANGED
    if old is None or new is None:
        kind = ChildKind.ADDED if old is None else ChildKind.REMOVED
    return Difference(
        state.table, state.entity_id, state.key, kind, fields, children, before=old, after=new
    )
