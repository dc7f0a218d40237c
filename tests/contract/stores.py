"""The stores that keep the contract: the fake in memory, SQLite and PostgreSQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Protocol

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import ConnectionPoolEntry

from scrapy_snapshot_pipeline.records import Batch, Outcome, SnapshotRecord, WriteResult
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.connection.transactions import IS_REMOTE
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from tests.contract.entities import Observation, declaration, record
from tests.contract.history import History, Row, Version, read


class Store(Protocol):
    """What the suite asks of a store."""

    def write(self, batch: Batch) -> WriteResult:
        """Commit a batch."""

    def history(self, name: str) -> History:
        """Read back an entity."""

    def close(self) -> None:
        """Let go of it."""


def write(store: Store, *observations: Observation, attempt: int = 1) -> tuple[Outcome, ...]:
    """Write observations as one batch."""
    return store.write(Batch(tuple(map(record, observations)), attempt)).outcomes


class DatabaseStore:
    """The real store on a database of its own."""

    def __init__(self, url: str, *, far: bool = False) -> None:
        self._engine = connect_engine(url, connect_timeout=10)
        place(self._engine, far=far)
        self._store = SnapshotStore(self._engine)
        self._store.declare([declaration()])
        self.write = self._store.write

    def history(self, name: str) -> History:
        """See `Store`."""
        tables = self._store.tables(declaration().table)
        with self._engine.connect() as connection:
            return read(connection, tables, name)

    def stored_versions(self, name: str) -> Sequence[sa.Row[Any]]:
        """The versions of an entity as their table has them, by `valid_from`."""
        table = self._store.tables(declaration().table).versions
        with self._engine.connect() as connection:
            return connection.execute(
                sa.select(table).where(table.c.name == name).order_by(table.c.valid_from)
            ).all()

    def close(self) -> None:
        """See `Store`."""
        self._store.close()


DATABASES = ["sqlite", "postgresql", "far postgresql"]


def found_at(request: pytest.FixtureRequest, database: str) -> tuple[str, bool]:
    """The URL of a new one of `DATABASES`, and whether it is to count as far."""
    url: str = request.getfixturevalue(f"{database.rsplit(maxsplit=1)[-1]}_url")
    return url, database.startswith("far")


def place(engine: sa.Engine, *, far: bool) -> None:
    """Have the server of an engine count as far or near, whatever is measured."""

    def set_distance(_: object, record: ConnectionPoolEntry) -> None:
        record.info[IS_REMOTE] = far

    sa.event.listen(engine, "connect", set_distance)


class MemoryStore:
    """The plain fold: what every store must come to, for observations that come in order."""

    def __init__(self) -> None:
        self._seen: defaultdict[bytes, list[SnapshotRecord]] = defaultdict(list)
        self._names: dict[str, bytes] = {}

    def write(self, batch: Batch) -> WriteResult:
        """See `Store`."""
        previous: dict[bytes, bytes] = {}
        outcomes = []
        for one in batch.records:
            outcomes.append(self._observe(one, previous.get(one.entity_id)))
            previous[one.entity_id] = one.content_hash
        return WriteResult(tuple(outcomes))

    def _observe(self, one: SnapshotRecord, in_batch: bytes | None) -> Outcome:
        seen = self._seen[one.entity_id]
        self._names[str(one.values[0])] = one.entity_id
        last = seen[-1].content_hash if seen else None
        if any(old.snapshot_id == one.snapshot_id for old in seen):
            return Outcome.CONFIRMED
        seen.append(one)
        if last is None:
            return Outcome.INSERTED
        if last != one.content_hash:
            return Outcome.REVISED
        return Outcome.COALESCED if in_batch == one.content_hash else Outcome.CONFIRMED

    def history(self, name: str) -> History:
        """See `Store`."""
        seen = self._seen[self._names[name]] if name in self._names else []
        return fold([_observation(one) for one in seen])

    def close(self) -> None:
        """See `Store`."""


def _observation(one: SnapshotRecord) -> Observation:
    from_name = {m.child_id: str(m.values[0]) for m in one.children[0]}
    odds = {str(from_name[s.parent_id or b""]): s.values[1] for s in one.children[1]}
    markets = {
        name: int(str(odds[name])) * 3 + int(str(m.values[1]))
        for m in one.children[0]
        for name in [str(m.values[0])]
    }
    second = round(one.observed_at.timestamp() - record(_EPOCH).observed_at.timestamp())
    return Observation(str(one.values[0]), second, int(str(one.values[1])), markets)


_EPOCH = Observation("epoch", 0, 0, {})


def fold(observations: list[Observation]) -> History:
    """Fold observations of one entity, in the order of their times, into its history."""
    versions: list[Version] = []
    open_rows: dict[tuple[str, ...], tuple[int, int]] = {}
    rows: set[Row] = set()
    previous: Observation | None = None
    for seen in observations:
        if previous is not None and _same(previous, seen):
            versions[-1] = versions[-1]._replace(last_confirmed_at=seen.second)
            continue
        if versions:
            versions[-1] = versions[-1]._replace(valid_to=seen.second)
        versions.append(Version(seen.score, seen.second, seen.second, None))
        content = _content(seen)
        for path, (value, since) in list(open_rows.items()):
            if content.get(path) != value:
                rows.add(Row(path, value, since, seen.second))
                del open_rows[path]
        for path, value in content.items():
            open_rows.setdefault(path, (value, seen.second))
        previous = seen
    rows.update(Row(path, value, since, None) for path, (value, since) in open_rows.items())
    return History(tuple(versions), frozenset(rows))


def _same(one: Observation, other: Observation) -> bool:
    return (one.score, dict(one.markets)) == (other.score, dict(other.markets))


def _content(seen: Observation) -> dict[tuple[str, ...], int]:
    content: dict[tuple[str, ...], int] = {}
    for name, number in seen.markets.items():
        content[(name,)] = number % 3
        content[(name, "home")] = number // 3
    return content
