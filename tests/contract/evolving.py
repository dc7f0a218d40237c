"""Classes that change, and crawls of them straight into a store."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, make_dataclass
from typing import Any

from scrapy_snapshot_pipeline.capture.compile import compile_capture
from scrapy_snapshot_pipeline.declaration.registry import Declarations
from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.history import SnapshotHistory
from scrapy_snapshot_pipeline.records import Batch, WriteResult
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore

START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
RUN = uuid.UUID(int=1)


def at(second: float) -> dt.datetime:
    """A time of a crawl."""
    return START + dt.timedelta(seconds=second)


@dataclass(frozen=True)
class Row:
    """The class of a list, as its fields and their types."""

    fields: Mapping[str, Any]
    key: str | None = "size"
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Class:
    """An item class with the key `sku`, as its fields and their types; a Row makes a list."""

    fields: Mapping[str, Any]
    options: Mapping[str, Any] = field(default_factory=dict)

    def declaration(self) -> Declaration:
        """What it declares of table `offer`."""
        options: dict[type | str, Any] = {}
        item_class = _make("Offer", {"sku": str, **self.fields}, options)
        options[item_class] = {"key": "sku", "table": "offer", **self.options}
        found = Declarations(options).of(item_class)
        assert found is not None
        return found


def _make(name: str, fields: Mapping[str, Any], options: dict[type | str, Any]) -> type:
    made = {each: _type(each, kind, options) for each, kind in fields.items()}
    defaults = [(each, kind, field(default=None)) for each, kind in made.items()]
    return make_dataclass(name, defaults)


def _type(name: str, kind: Any, options: dict[type | str, Any]) -> Any:
    if not isinstance(kind, Row):
        return kind
    row = _make(name.title(), kind.fields, options)
    options[row] = {**({"key": kind.key} if kind.key else {}), **kind.options}
    return list[row]  # type: ignore[valid-type]  # made at run time


def item(declaration: Declaration, values: Mapping[str, Any]) -> Any:
    """An item of the class; a list of mappings makes rows, and unknown names are left out."""
    return _item(declaration, declaration.item_class, (), values)


def _item(
    declaration: Declaration, item_class: type, path: tuple[str, ...], values: Mapping[str, Any]
) -> Any:
    rows = {child.path: child.item_class for child in declaration.children}
    given = {}
    for name in (each.name for each in dataclasses.fields(item_class)):
        value = values.get(name)
        place = (*path, name)
        if place in rows and value is not None:
            row_class = rows[place]
            value = [_item(declaration, row_class, place, row) for row in value]
        given[name] = value
    return item_class(**given)


class Crawler:
    """A crawl of one class."""

    def __init__(self, url: str, of: Class, **store: Any) -> None:
        self.declaration = of.declaration()
        self._store = SnapshotStore(connect_engine(url, connect_timeout=10), **store)
        self._store.declare([self.declaration])
        self._capture = compile_capture(self.declaration)

    def crawl(self, second: float, items: Iterable[Mapping[str, Any]]) -> WriteResult:
        """See all items at one time, in one batch."""
        made = [item(self.declaration, values) for values in items]
        records = [self._capture(each, at(second), RUN) for each in made]
        return self._store.write(Batch(tuple(records)))

    def close(self) -> None:
        """Let go of the database."""
        self._store.close()


def crawl(
    url: str, of: Class, second: float, *items: Mapping[str, Any], **store: Any
) -> WriteResult:
    """A whole crawl of a class."""
    with closing(Crawler(url, of, **store)) as crawler:
        return crawler.crawl(second, items)


def outcomes(result: WriteResult) -> list[str]:
    """The outcome of each item."""
    return [outcome.value for outcome in result.outcomes]


def current(url: str) -> list[dict[str, Any]]:
    """The values of all current states, with their lists."""
    with SnapshotHistory(url) as history:
        return [_state(state) for state in history.current("offer")]


def _state(state: Any) -> dict[str, Any]:
    lists = {name: [_state(row) for row in rows] for name, rows in state.children.items()}
    return {**state.values, **lists}
