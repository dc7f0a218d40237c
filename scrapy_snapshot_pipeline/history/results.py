"""The results of the history: frozen values, the same on every database.

Three times are never mixed: `changed_at`, when a crawl first saw this state; `last_confirmed_at`,
when a crawl saw it last; `run_at`, when the crawl that first saw it started.  All are aware, in
UTC.
"""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from scrapy_snapshot_pipeline.capture.canonical import same
from scrapy_snapshot_pipeline.declaration.our_names import OurNames

FieldValue: TypeAlias = Any
"""A column's value in Python: None, bool, int, float, str, bytes, Decimal, datetime, date, time or
UUID; for a JSON column the parsed JSON, with the members of each object sorted by name."""

Fields: TypeAlias = Mapping[str, FieldValue]
FlatRow: TypeAlias = dict[str, FieldValue]
"""One line of a table, a CSV file or a data frame."""


class ChangeKind(enum.Enum):
    """What a change means for its entity."""

    NEW = "new"
    """The entity was seen for the first time; `fields` has every field that is not None."""
    CHANGED = "changed"
    EXTENDED = "extended"
    """The class has fields that it did not have before, and nothing else differs; `fields` has
    those.  It is left out unless it is asked for, but for the history of one entity."""
    RETURNED = "returned"
    """The entity was seen again after it had been retired.  `fields` are as for NEW, because there
    was no state just before it."""
    RETIRED = "retired"
    """The state ended and no other followed; `values` are the last ones."""
    LATE = "late"
    """An observation that arrived too late to become the state at any instant.  It appears only
    among the versions of one entity, and is compared with the state at the instant when it was
    made."""


class ChildKind(enum.Enum):
    """What happened to a child row, or to an entity between two times."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class TableInfo:
    """A table of entities, and what is stored about them."""

    name: str
    key: tuple[str, ...]
    fields: tuple[str, ...]
    """The entity's own columns, including the key; for an untyped class `data` stands for its
    fields."""
    children: tuple[str, ...]
    """The lists, named as field paths name them: `markets`, `markets.selections`."""
    numeric: tuple[str, ...]
    """Paths of the fields that are declared as numbers, including those of children."""
    untracked: tuple[str, ...]
    """Paths of the fields whose change makes no version, including those of children."""
    untyped: bool
    label: str | None = None
    """The field that people know an entity by; None: its key."""

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
    kind: str = "crawl"
    """`crawl` or `parse`."""
    resumes: uuid.UUID | None = None
    """The run whose JOBDIR this one went on with."""
    seen: Mapping[str, int] | None = None
    """How many records it stored or confirmed, by table; None: not known, or not ended."""

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
            "kind": self.kind,
            "resumes": self.resumes,
            "seen": None if self.seen is None else dict(self.seen),
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
    """All columns, including the key."""
    changed_at: dt.datetime
    children: Mapping[str, tuple[ChildState, ...]] = field(default_factory=dict)
    """By the name of the list's field; rows are sorted by their key."""


@dataclass(frozen=True, slots=True)
class State:
    """One entity as it was at some time, including its children."""

    table: str
    entity_id: uuid.UUID
    key: Fields
    values: Fields
    """All fields, including the key, without the lists."""
    children: Mapping[str, tuple[ChildState, ...]]
    """By the name of the list's field; rows are sorted by their key."""
    changed_at: dt.datetime
    last_confirmed_at: dt.datetime
    valid_to: dt.datetime | None
    """When this state ended; None: it is the current one."""
    run_id: uuid.UUID
    run_at: dt.datetime | None
    """None: the run's row was deleted."""

    def rows(self, met: Iterable[str] = ()) -> Iterator[FlatRow]:
        """One row, without the children.

        A column of ours is called `snapshot_...` where a field has its name.  `met` are such fields
        of other results beside which the row will stand.
        """
        ours = {**times_of(self), "valid_to": self.valid_to, "run_id": self.run_id}
        yield {**self.values, **OurNames([*self.values, *met]).row(ours)}

    def child_rows(self, path: str) -> Iterator[FlatRow]:
        """One row for each child in a list, `markets` or `markets.selections`.

        A row begins with the entity's key and the keys of the rows that enclose it, as
        `markets.name`.  A child's field that shares its name with one of the entity's key is called
        `<path>.<field>`.
        """
        for child, around in _in_list(self.children, tuple(path.split(".")), {}):
            own = {f"{path}.{k}" if k in self.key else k: v for k, v in child.values.items()}
            names = OurNames([*child.values, *self.key])
            yield {**self.key, **around, **own, **names.row({"changed_at": child.changed_at})}


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
        """The same change, split into the members of JSON objects that differ: `prices.home`."""
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
    """For an added or removed row, every field that is not None, without its key."""


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
    """Of the crawl that saw it; for RETIRED, of the version that ended."""
    run_at: dt.datetime | None
    values: Fields
    """The entity's own fields after the change."""
    fields: tuple[FieldChange, ...]
    """Empty for RETIRED, as is `children`."""
    children: tuple[ChildChange, ...]

    def lines(self, untracked: Collection[str] = ()) -> Iterator[FieldChange | ChildChange]:
        """What changed, in reading order: own fields, children, and own fields in `untracked`."""
        return _in_reading_order(self.fields, self.children, untracked)

    def rows(self) -> Iterator[FlatRow]:
        """One row for each field that changed; a single row if none did."""
        head = {"table": self.table, **key_columns(self.key), "kind": self.kind.value}
        return _change_rows({**head, **times_of(self)}, self.lines())


@dataclass(frozen=True, slots=True)
class Difference:
    """How one entity differs between two times, whatever happened in between."""

    table: str
    entity_id: uuid.UUID
    key: Fields
    kind: ChildKind
    fields: tuple[FieldChange, ...]
    children: tuple[ChildChange, ...]
    before: State | None
    """None: the entity had no state then."""
    after: State | None

    def lines(self, untracked: Collection[str] = ()) -> Iterator[FieldChange | ChildChange]:
        """What differs, in reading order: own fields, children, and own fields in `untracked`."""
        return _in_reading_order(self.fields, self.children, untracked)

    def rows(self) -> Iterator[FlatRow]:
        """One row for each field that differs."""
        head = {"table": self.table, **key_columns(self.key), "kind": self.kind.value}
        return _change_rows(head, self.lines())


class _Seen(Protocol):
    @property
    def changed_at(self) -> dt.datetime: ...
    @property
    def last_confirmed_at(self) -> dt.datetime: ...
    @property
    def run_at(self) -> dt.datetime | None: ...


def times_of(result: _Seen) -> FlatRow:
    """The three times."""
    return {
        "changed_at": result.changed_at,
        "last_confirmed_at": result.last_confirmed_at,
        "run_at": result.run_at,
    }


def key_columns(key: Fields) -> FlatRow:
    """A key under names that no field can have."""
    return {f"key.{name}": value for name, value in key.items()}


def key_path_text(keys: tuple[Fields, ...]) -> str:
    """The keys that lead to a row, in one text."""
    return " / ".join(", ".join(map(str, key.values())) for key in keys)


def _in_reading_order(
    fields: tuple[FieldChange, ...],
    children: tuple[ChildChange, ...],
    untracked: Collection[str],
) -> Iterator[FieldChange | ChildChange]:
    yield from (change for change in fields if change.field not in untracked)
    yield from children
    yield from (change for change in fields if change.field in untracked)


_NO_LINE: FlatRow = {
    "list": "",
    "child": "",
    "child_kind": "",
    "field": "",
    "old": None,
    "new": None,
}


def _change_rows(head: FlatRow, lines: Iterable[FieldChange | ChildChange]) -> Iterator[FlatRow]:
    rows = [row for line in lines for row in _line_rows(line)]
    for row in rows or [{}]:
        yield {**head, **_NO_LINE, **row}


def _line_rows(line: FieldChange | ChildChange) -> Iterator[FlatRow]:
    if isinstance(line, FieldChange):
        yield _field_row(line)
        return
    path = key_path_text((*line.within, line.key))
    child = {"list": line.path, "child": path, "child_kind": line.kind.value}
    if not line.fields:
        yield child
    for change in line.fields:
        yield {**child, **_field_row(change)}


def _field_row(change: FieldChange) -> FlatRow:
    return {"field": change.field, "old": change.old, "new": change.new}
