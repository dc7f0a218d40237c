"""What is different between two states: pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from scrapy_snapshot_pipeline.capture.canonical import same
from scrapy_snapshot_pipeline.history.results import (
    ChildChange,
    ChildKind,
    ChildState,
    FieldChange,
    Fields,
    State,
)

_Rows: TypeAlias = "dict[tuple[str, bytes], tuple[ChildState, tuple[Fields, ...]]]"


def field_changes(old: Fields, new: Fields, skip: Iterable[str] = ()) -> tuple[FieldChange, ...]:
    """The fields that differ, in their order; one that is missing is None."""
    found = []
    for name in {**new, **old}:
        before, after = old.get(name), new.get(name)
        if name not in skip and not same(before, after):
            found.append(FieldChange(name, before, after))
    return tuple(found)


def child_changes(before: State | None, after: State | None) -> tuple[ChildChange, ...]:
    """The child rows that were added, removed or changed, sorted by list and key."""
    old, new = _rows(before), _rows(after)
    found = [
        change
        for place in {**old, **new}
        if (change := _child_change(old.get(place), new.get(place))) is not None
    ]
    return tuple(sorted(found, key=order))


def order(change: ChildChange) -> tuple[object, ...]:
    """Sorts child changes alike on every database."""
    keys = tuple(key_order(key) for key in (*change.within, change.key))
    return change.path, keys, change.child_id.bytes


def key_order(key: Fields) -> tuple[object, ...]:
    """Sorts keys of one table; no value of a key is None."""
    return tuple(str(v) if isinstance(v, (dict, list)) else v for v in key.values())


def child_change(
    path: str,
    old: Fields | None,
    new: Fields | None,
    identity: ChildState,
    within: tuple[Fields, ...],
) -> ChildChange | None:
    """The change of one row; None where it is equal."""
    fields = field_changes(old or {}, new or {}, skip=identity.key)
    if old is not None and new is not None and not fields:
        return None
    kind = ChildKind.CHANGED
    if old is None or new is None:
        kind = ChildKind.ADDED if old is None else ChildKind.REMOVED
    return ChildChange(path, kind, identity.child_id, identity.key, within, fields)


def _child_change(
    old: tuple[ChildState, tuple[Fields, ...]] | None,
    new: tuple[ChildState, tuple[Fields, ...]] | None,
) -> ChildChange | None:
    identity, within = new or old  # type: ignore[misc] # one of them is there
    return child_change(
        identity.path,
        None if old is None else old[0].values,
        None if new is None else new[0].values,
        identity,
        within,
    )


def _rows(state: State | None) -> _Rows:
    if state is None:
        return {}
    return {(c.path, c.child_id.bytes): (c, within) for c, within in _walk(state.children, ())}


def _walk(
    children: Mapping[str, tuple[ChildState, ...]], within: tuple[Fields, ...]
) -> Iterator[tuple[ChildState, tuple[Fields, ...]]]:
    for rows in children.values():
        for child in rows:
            yield child, within
            yield from _walk(child.children, (*within, child.key))
