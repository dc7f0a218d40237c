"""What the history answers with: frozen values, the same on every database.

Three times are never mixed: `changed_at`, when a crawl first saw this state; `last_confirmed_at`,
when a crawl saw it last; `run_at`, when the crawl that first saw it started.  All are aware, UTC.
"""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from scrapy_snapshot_pipeline.capture.canonical import same

FieldValue: TypeAlias = Any
"""A column's value as Python has it: None, bool, int, float, str, bytes, Decimal, datetime, date,
time, UUID; of a JSON column the parsed JSON, its objects sorted by name."""

Fields: TypeAlias = Mapping[str, FieldValue]
FlatRow: TypeAlias = dict[str, FieldValue]
"""One line of a table, a CSV file or a data frame."""


class ChangeKind(enum.Enum):
    """What a change is to its entity."""

    NEW = "new"
    """The entity was seen for the first time; every field that is not None is in `fields`."""
    CHANGED = "changed"
    RETURNED = "returned"
    """Seen again after it was retired; told like NEW, since before it there was no state."""
    RETIRED = "retired"
    """Its state ended and no other followed; `values` are the last."""
    LATE = "late"
    """An observation that came too late to become the state of any instant; only in the versions
    of one entity.  It is compared with the state of the instant when it was made."""


class ChildKind(enum.Enum):
    """What happened to a child row, or to an entity between two times."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class TableInfo:
    """A table of entities, and what is stored of them."""

    name: str
    key: tuple[str, ...]
    fields: tuple[str, ...]
    """All own columns, the key's included; of an untyped class `data` stands for its fields."""
    children: tuple[str, ...]
    """Names of the lists as field paths begin with them: `markets`, `markets.selections`."""
    numeric: tuple[str, ...]
    """Paths of the fields, also of children, that are numbers by declaration."""
    untracked: tuple[str, ...]
    """Paths of the fields, also of children, whose change makes no version."""
    untyped: bool

    def rows(self) -> Iterator[FlatRow]:
        """One row."""
        yield {
            "table": self.name,
            "key": ", ".join(self.key),
            "fields": ", ".join(self.fields),
            "children": ", ".join(self.children),
        }


@dataclass(frozen=True, slots=True)
class Run:
    """One crawl."""

    run_id: uuid.UUID
    spider: str
    started_at: dt.datetime
    finished_at: dt.datetime | None
    """None: it is still running, or was killed."""
    status: str
    """`running`, `finished` or `incomplete`."""
    finish_reason: str | None
    counters: Mapping[str, int]
    """`accepted`, `inserted`, `revised`, `confirmed`, `failed` and so on."""

    def rows(self) -> Iterator[FlatRow]:
        """One row."""
        yield {
            "run_id": self.run_id,
            "spider": self.spider,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "status": self.status,
            "finish_reason": self.finish_reason,
            **self.counters,
        }


@dataclass(frozen=True, slots=True)
class ChildState:
    """One row of a nested list, as it was at some time."""

    path: str
    """The list's field names, joined with dots: `markets`, `markets.selections`."""
    child_id: uuid.UUID
    """The same for all versions of this row of this entity."""
    key: Fields
    values: Fields
    """All columns, the key's included."""
    changed_at: dt.datetime
    children: Mapping[str, tuple[ChildState, ...]] = field(default_factory=dict)
    """By the name of the list's field; rows are sorted by their key."""


@dataclass(frozen=True, slots=True)
class State:
    """One entity as it was at some time, its children included."""

    table: str
    entity_id: uuid.UUID
    key: Fields
    values: Fields
    """All fields, the key's included, without the lists."""
    children: Mapping[str, tuple[ChildState, ...]]
    """By the name of the list's field; rows are sorted by their key."""
    changed_at: dt.datetime
    last_confirmed_at: dt.datetime
    valid_to: dt.datetime | None
    """When it ceased to be so; None: it is the current state."""
    run_id: uuid.UUID
    run_at: dt.datetime | None
    """None: the run's row was deleted."""

    def rows(self) -> Iterator[FlatRow]:
        """One row, without the children."""
        yield {**self.values, **times(self), "valid_to": self.valid_to, "run_id": self.run_id}

    def child_rows(self, path: str) -> Iterator[FlatRow]:
        """One row for each child in a list, `markets` or `markets.selections`.

        The entity's key comes before it, then the keys of the rows around it, as `markets.name`.
        A child's field that is called like one of the entity's key comes as `<path>.<field>`.
        """
        for child, around in _in_list(self.children, tuple(path.split(".")), {}):
            own = {f"{path}.{k}" if k in self.key else k: v for k, v in child.values.items()}
            yield {**self.key, **around, **own, "changed_at": child.changed_at}


def _in_list(
    children: Mapping[str, tuple[ChildState, ...]], names: tuple[str, ...], around: FlatRow
) -> Iterator[tuple[ChildState, FlatRow]]:
    for child in children.get(names[0], ()):
        if len(names) == 1:
            yield child, around
        else:
            keys = {f"{child.path}.{name}": value for name, value in child.key.items()}
            yield from _in_list(child.children, names[1:], {**around, **keys})


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field before and after."""

    field: str
    old: FieldValue
    new: FieldValue

    def leaves(self) -> Iterator[FieldChange]:
        """The same change told by the members of JSON objects that differ: `prices.home`."""
        if not (isinstance(self.old, dict) and isinstance(self.new, dict)):
            yield self
            return
        alone = self.old.keys() ^ self.new.keys()
        if any(self.old.get(name) is None and self.new.get(name) is None for name in alone):
            yield self  # a None beside a missing member would read like no change
            return
        for name in sorted({*self.old, *self.new}):
            old, new = self.old.get(name), self.new.get(name)
            if not same(old, new):
                yield from FieldChange(f"{self.field}.{name}", old, new).leaves()


@dataclass(frozen=True, slots=True)
class ChildChange:
    """What happened to one child row."""

    path: str
    """Of its list: `markets`, `markets.selections`."""
    kind: ChildKind
    child_id: uuid.UUID
    key: Fields
    within: tuple[Fields, ...]
    """Keys of the rows that enclose it, outermost first; empty directly below the entity."""
    fields: tuple[FieldChange, ...]
    """Of an added or removed row all that is not None, without its key."""


@dataclass(frozen=True, slots=True)
class Change:
    """One step in an entity's history; also one version of it."""

    table: str
    entity_id: uuid.UUID
    key: Fields
    kind: ChangeKind
    changed_at: dt.datetime
    last_confirmed_at: dt.datetime
    valid_to: dt.datetime | None
    run_id: uuid.UUID
    """Of the crawl that saw it; of RETIRED, of the version that ended."""
    run_at: dt.datetime | None
    values: Fields
    """The entity's own fields after it."""
    fields: tuple[FieldChange, ...]
    children: tuple[ChildChange, ...]

    def rows(self) -> Iterator[FlatRow]:
        """One row for each field that changed; one alone where none did."""
        head = {"table": self.table, **keyed(self.key), "kind": self.kind.value, **times(self)}
        yield from _change_rows(head, self.fields, self.children)


@dataclass(frozen=True, slots=True)
class Difference:
    """What is different about one entity between two times, whatever happened in between."""

    table: str
    entity_id: uuid.UUID
    key: Fields
    kind: ChildKind
    fields: tuple[FieldChange, ...]
    children: tuple[ChildChange, ...]
    before: State | None
    """None: it was not there."""
    after: State | None

    def rows(self) -> Iterator[FlatRow]:
        """One row for each field that differs."""
        head = {"table": self.table, **keyed(self.key), "kind": self.kind.value}
        yield from _change_rows(head, self.fields, self.children)


class _Seen(Protocol):
    @property
    def changed_at(self) -> dt.datetime: ...
    @property
    def last_confirmed_at(self) -> dt.datetime: ...
    @property
    def run_at(self) -> dt.datetime | None: ...


def times(answer: _Seen) -> FlatRow:
    """The three times."""
    return {
        "changed_at": answer.changed_at,
        "last_confirmed_at": answer.last_confirmed_at,
        "run_at": answer.run_at,
    }


def keyed(key: Fields) -> FlatRow:
    """A key apart from the fields."""
    return {f"key.{name}": value for name, value in key.items()}


def shown(keys: tuple[Fields, ...]) -> str:
    """Keys on the way to a row, in one text."""
    return " / ".join(", ".join(map(str, key.values())) for key in keys)


def _change_rows(
    head: FlatRow, fields: tuple[FieldChange, ...], children: tuple[ChildChange, ...]
) -> Iterator[FlatRow]:
    nothing = {"list": "", "child": "", "child_kind": "", "field": "", "old": None, "new": None}
    if not fields and not children:
        yield {**head, **nothing}
    for change in fields:
        yield {**head, **nothing, "field": change.field, "old": change.old, "new": change.new}
    for child in children:
        where = {"list": child.path, "child": shown((*child.within, child.key))}
        told = {**head, **nothing, **where, "child_kind": child.kind.value}
        if not child.fields:
            yield told
        for change in child.fields:
            yield {**told, "field": change.field, "old": change.old, "new": change.new}
