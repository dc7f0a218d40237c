"""Which fields a stored row has, where its class has changed since.

A row that was written for one class has nothing to say of a field that only another class has.  So
the field is not shown there, and never compared.  What is stored counts: a field that the class of
a version lost afterwards is still what was seen with it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from scrapy_snapshot_pipeline.declaration.our_names import LooseFields
from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.history.results import Fields

Path: TypeAlias = tuple[str, ...]
"""Of a list; empty for the entity's own fields."""


class UsedShape(NamedTuple):
    """A shape of a class, and its last use."""

    number: int
    declaration: Declaration
    last_used_at: dt.datetime | None


class Shapes:
    """All shapes of one entity's tables."""

    def __init__(self, shapes: Iterable[UsedShape]) -> None:
        self._shapes = sorted(shapes)
        self._fields = {each.number: _fields(each.declaration) for each in self._shapes}

    def known(self, values: Fields, shape: int, path: Path = ()) -> Fields:
        """The values without those of which the row knows nothing."""
        if isinstance(values, LooseFields):
            return values
        names = self._fields[shape].get(path, frozenset())
        return {name: v for name, v in values.items() if v is not None or name in names}

    def in_use(self, time: dt.datetime | None) -> InUse:
        """What a state at a time may show; None: now.

        Of the classes that were used at that time or later, or where none was, of the last one.
        """
        latest = max((e.last_used_at for e in self._shapes if e.last_used_at), default=None)
        since = latest if time is None or latest is None else min(time, latest)
        used = [
            each
            for each in self._shapes
            if since is None or (each.last_used_at is not None and each.last_used_at >= since)
        ]
        return InUse([self._fields[each.number] for each in used])


class InUse:
    """The fields and lists of the classes that were in use at a time."""

    def __init__(self, fields: Sequence[Mapping[Path, frozenset[str]]]) -> None:
        self._fields: dict[Path, frozenset[str]] = {}
        for each in fields:
            for path, names in each.items():
                self._fields[path] = self._fields.get(path, frozenset()) | names

    def has_list(self, path: Path) -> bool:
        """Whether one of them has the list."""
        return path in self._fields

    def shown(self, values: Fields, path: Path = ()) -> Fields:
        """The values of their fields."""
        if isinstance(values, LooseFields):
            return values
        names = self._fields.get(path, frozenset())
        return {name: value for name, value in values.items() if name in names}


def _fields(declaration: Declaration) -> dict[Path, frozenset[str]]:
    lists = {child.path: child.columns for child in declaration.children}
    tables = {(): declaration.columns, **lists}
    return {path: frozenset(c.name for c in columns) for path, columns in tables.items()}
