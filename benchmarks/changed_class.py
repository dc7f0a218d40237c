"""Section A, too: the first crawls after a class lost a field, against one of the same class."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace

from benchmarks.databases import Databases
from benchmarks.items import BATCH, START, declaration, event, records
from benchmarks.measure import Row, timed
from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.records import Batch, Outcome
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore

_DAY = dt.timedelta(days=1)
_LOST = "away_team"
_CHILDREN = 5


def measure(databases: Databases, entities: int, runs: int) -> Iterator[Row]:
    """Each run has a database of its own, which has seen the entities twice."""
    for name, make in (("PostgreSQL", databases.postgresql), ("SQLite", databases.sqlite)):
        ratios = [_ratios(databases, make(), entities) for _ in range(runs)]
        first, second = (statistics.median(column) for column in zip(*ratios, strict=True))
        what = f"{name}, {_CHILDREN} children, class lost a field"
        yield Row("A", f"{what}: first crawl / unchanged", first, ">= 0.3", runs=runs)
        yield Row("A", f"{what}: second crawl / unchanged", second, "", runs=runs)


def _ratios(databases: Databases, url: str, entities: int) -> tuple[float, float]:
    whole = declaration()
    fewer = replace(whole, columns=tuple(c for c in whole.columns if c.name != _LOST))
    classes: Sequence[Declaration] = (whole, whole, whole, fewer, fewer)
    rates = [_rate(url, each, entities, look) for look, each in enumerate(classes)]
    databases.drop(url)
    _, _, unchanged, first, second = rates
    return first / unchanged, second / unchanged


def _rate(url: str, declared: Declaration, entities: int, look: int) -> float:
    """Entities a second, in one crawl of the class."""
    events = (event(number, _CHILDREN) for number in range(entities))
    seen = records(events, START + look * _DAY, declared)
    batches = [Batch(tuple(seen[at : at + BATCH])) for at in range(0, entities, BATCH)]
    with closing(SnapshotStore(connect_engine(url, connect_timeout=10))) as store:
        store.declare([declared])
        found: list[Outcome] = []

        def write_all() -> None:
            for batch in batches:
                found.extend(store.write(batch).outcomes)

        seconds = timed(write_all)
    if look and set(found) != {Outcome.CONFIRMED}:
        raise RuntimeError("a crawl that saw nothing new has stored something")
    return entities / seconds
