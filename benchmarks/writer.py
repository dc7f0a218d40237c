"""Section A: the writer alone, in one thread and without Scrapy."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from benchmarks import changed_class, rivals
from benchmarks.databases import Databases, open_store
from benchmarks.items import BATCH, START, event, records
from benchmarks.measure import Row, interleaved, timed
from scrapy_snapshot_pipeline.records import Batch, Outcome, SnapshotRecord
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore

Write: TypeAlias = Callable[[tuple[SnapshotRecord, ...]], object]
Look: TypeAlias = Callable[[], list[SnapshotRecord]]
Side: TypeAlias = Callable[[], float]
"""Entities a second."""

_DAY = dt.timedelta(days=1)
_CHANGING = 500_000_000
"""Number of the first of the entities that change."""


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    entities: int
    """A fifth of these if they have many children."""
    children: Sequence[int]
    """Numbers of children of an entity; the goals are for 5."""
    runs: int

    def entities_with(self, children: int) -> int:
        """The number of entities, in whole batches."""
        entities = self.entities // 5 if children >= _MANY else self.entities
        return max(BATCH, entities // BATCH * BATCH)


class Load:
    """The same entities, seen again and again; they are captured outside of the measured time."""

    def __init__(self, entities: int, children: int) -> None:
        self.entities = entities
        self.children = children
        self._look = 0
        self._first = 0

    def new(self) -> list[SnapshotRecord]:
        """Entities never seen before."""
        self._first += self.entities
        return self._seen(lambda number: event(number + self._first, self.children))

    def unchanged(self) -> list[SnapshotRecord]:
        """Entities that never change."""
        return self._seen(lambda number: event(number, self.children))

    def some_changed(self) -> list[SnapshotRecord]:
        """Other entities, one in ten of which has a price that it never had before."""
        look = self._look + 1
        return self._seen(
            lambda n: event(_CHANGING + n, self.children, price=0 if n % 10 else look)
        )

    def child_changed(self) -> list[SnapshotRecord]:
        """Entities with one child each that has a price it never had before."""
        look = self._look + 1
        return self._seen(lambda number: event(number, self.children, moved_child=look))

    def _seen(self, make: Callable[[int], object]) -> list[SnapshotRecord]:
        self._look += 1
        return records(map(make, range(self.entities)), START + self._look * _DAY)  # type: ignore[arg-type]


def _batches(seen: Sequence[SnapshotRecord]) -> Iterator[tuple[SnapshotRecord, ...]]:
    for first in range(0, len(seen), BATCH):
        yield tuple(seen[first : first + BATCH])


def _rate(write: Write, seen: list[SnapshotRecord]) -> float:
    """Entities a second."""
    batches = list(_batches(seen))

    def write_all() -> None:
        for batch in batches:
            write(batch)

    return len(seen) / timed(write_all)


def _ours(store: SnapshotStore) -> Write:
    return lambda batch: store.write(Batch(batch))


@contextmanager
def _sides_of_ours(url: str, looks: Mapping[str, Look]) -> Iterator[dict[str, Side]]:
    """A side for each look at the entities, after a first look.

    Each has a store of its own, since a store learns from batch to batch whether entities are new.
    """
    with ExitStack() as stack:
        sides: dict[str, Side] = {}
        for name, look in looks.items():
            store = stack.enter_context(closing(open_store(url)))
            side = partial(_look_rate, _ours(store), look)
            side()
            sides[name] = side
        yield sides


def _look_rate(write: Write, look: Look) -> float:
    return _rate(write, look())


def measure(databases: Databases, size: Size) -> Iterator[Row]:
    """All of section A except dlt."""
    for children in size.children:
        yield from _postgresql(databases, children, size)
        yield from _sqlite(databases, children, size)
    yield from _one_child_changed(databases, size)
    yield from changed_class.measure(databases, size.entities_with(5), size.runs)


def _postgresql(databases: Databases, children: int, size: Size) -> Iterator[Row]:
    url = databases.postgresql()
    load = Load(size.entities_with(children), children)
    writers = {name: make(url) for name, make in rivals.POSTGRESQL.items()}
    looks = {
        "ours, new": load.new,
        "ours, unchanged": load.unchanged,
        "ours, 10 % changed": load.some_changed,
    }
    with _sides_of_ours(url, looks) as ours:
        rivals_new = {name: _new(write, load) for name, write in writers.items()}
        medians = interleaved(ours | rivals_new, size.runs)
    databases.drop(url)
    yield from _report("PostgreSQL", "bare COPY", children, medians, size.runs)


def _one_child_changed(databases: Databases, size: Size) -> Iterator[Row]:
    """Each side has a database of its own: what the other leaves behind would slow it down."""
    urls = [databases.postgresql(), databases.postgresql()]
    stores = [open_store(url) for url in urls]
    loads = [Load(size.entities_with(_MANY), _MANY) for _ in urls]
    for store, load in zip(stores, loads, strict=True):
        _rate(_ours(store), load.unchanged())
    rewrite = rivals.rewrite_all(urls[1])
    sides = {
        _ONE_CHANGED: lambda: _rate(_ours(stores[0]), loads[0].child_changed()),
        _REWRITING: lambda: _rate(rewrite, loads[1].child_changed()),
    }
    medians = interleaved(sides, size.runs)
    yield from _report("PostgreSQL", _REWRITING, _MANY, medians, size.runs)
    yield _rows_written(stores[0], loads[0])
    for store, url in zip(stores, urls, strict=True):
        store.close()
        databases.drop(url)


def _rows_written(store: SnapshotStore, load: Load) -> Row:
    seen = load.child_changed()[:BATCH]
    result = store.write(Batch(tuple(seen)))
    revised = result.outcomes.count(Outcome.REVISED)
    detail = (
        f"of {len(seen)} entities: {revised} versions and {result.children_inserted} children in, "
        f"{result.children_ended} children ended"
    )
    name = f"PostgreSQL, {load.children} children, one changed: child rows written / entities"
    return Row("A", name, result.children_inserted / len(seen), "<= 1", detail)


def _new(write: Write, load: Load) -> Side:
    def rate() -> float:
        seen = load.new()
        return _rate(write, seen[:_FEW] if _is_row_by_row(write) else seen)

    return rate


def _is_row_by_row(write: Callable[..., object]) -> bool:
    return write.__qualname__.startswith(rivals.row_by_row.__name__)


def _sqlite(databases: Databases, children: int, size: Size) -> Iterator[Row]:
    url = databases.sqlite()
    load = Load(size.entities_with(children), children)
    with _sides_of_ours(url, {"ours, new": load.new, "ours, unchanged": load.unchanged}) as ours:
        plain = rivals.sqlite_executemany(url)
        rival = {"executemany": lambda: _rate(plain, load.new())}
        medians = interleaved(ours | rival, size.runs)
    databases.drop(url)
    yield from _report("SQLite", "executemany", children, medians, size.runs)


_FEW = 100
"""Entities that are written row by row, which is too slow for more."""
_MANY = 50
_ONE_CHANGED = "ours, one child changed"
_REWRITING = "ending and copying all rows again"
_GOALS = {
    ("PostgreSQL", 5, "ours, new"): ">= 0.9",
    ("PostgreSQL", 5, "ours, unchanged"): ">= 2.0",
    ("SQLite", 5, "ours, new"): ">= 0.7",
}


def _report(
    database: str, base: str, children: int, medians: dict[str, float], runs: int
) -> Iterator[Row]:
    for name, rate in medians.items():
        if name == base:
            continue
        goal = ">= 10" if base == _REWRITING else _GOALS.get((database, children, name), "")
        title = f"{database}, {children} children: {name} / {base}"
        detail = f"{rate:,.0f}/s against {medians[base]:,.0f}/s"
        yield Row("A", title, rate / medians[base], goal, detail, runs)
