"""The differences between two states.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from scrapy_snapshot_pipeline.capture.canonical import same
from scrapy_snapshot_pipeline.declaration.our_names import LooseFields
from scrapy_snapshot_pipeline.history.results import (
    ChildChange,
    ChildKind,
    ChildState,
    FieldChange,
    Fields,
    State,
)


class _Row(NamedTuple):
    """A child row, and the keys of the rows that enclose it."""

    child: ChildState
    within: tuple[Fields, ...]


def field_changes(old: Fields, new: Fields, skip: Iterable[str] = ()) -> tuple[FieldChange, ...]:
    """The fields that differ, in their order.

    A field that one side lacks counts as None for a class without types.  For any other its class
    did not have the field, so nothing is known of it; with no fields at all, there is no such side.
    """
    found = []
    loose = isinstance(new, LooseFields) or isinstance(old, LooseFields)
    for name in {**new, **old} if loose or not (old and new) else [n for n in new if n in old]:
        before, after = old.get(name), new.get(name)
        if name not in skip and not same(before, after):
            found.append(FieldChange(name, before, after))
    return tuple(found)


def child_changes(before: State | None, after: State | None) -> tuple[ChildChange, ...]:
    """The child rows that were added, removed or changed, sorted by list and key."""
    old, new = _rows(before), _rows(after)
    found = [
        change
        for identity, row in {**old, **new}.items()
        if (change := child_change(*row, _values(old, identity), _values(new, identity)))
        is not None
    ]
    return tuple(sorted(found, key=order))


def child_change(
    child: ChildState, within: tuple[Fields, ...], old: Fields | None, new: Fields | None
) -> ChildChange | None:
    """The change of one row from `old` to `new` values; None if they are equal.

    `child` is any version of the row: list, id and key are the same in all of them.
    """
    fields = field_changes(old or {}, new or {}, skip=child.key)
    if old is not None and new is not None and not fields:
        return None
    kind = ChildKind.CHANGED
    if old is None or new is None:
        kind = ChildKind.ADDED if old is None else ChildKind.REMOVED
    return ChildChange(child.path, kind, child.child_id, child.key, within, fields)


def order(change: ChildChange) -> tuple[object, ...]:
    """Sorts child changes in the same way on every database."""
    keys = tuple(key_order(key) for key in (*change.within, change.key))
    return change.path, keys, change.child_id.bytes


def key_order(key: Fields) -> tuple[object, ...]:
    """Sorts the keys of one table: their values are of one type, and never None."""
    return tuple(key.values())


def _rows(state: State | None) -> dict[tuple[str, bytes], _Row]:
    if state is None:
        return {}
    return {(row.child.path, row.child.child_id.bytes): row for row in _walk(state.children, ())}


def _walk(
    children: Mapping[str, tuple[ChildState, ...]], within: tuple[Fields, ...]
) -> Iterator[_Row]:
    for rows in children.values():
        for child in rows:
            yield _Row(child, within)
            yield from _walk(child.children, (*within, child.key))


def _values(rows: Mapping[tuple[str, bytes], _Row], identity: tuple[str, bytes]) -> Fields | None:
    row = rows.get(identity)
    return None if row is None else row.child.values
