"""What is put to the test: the store, and a naive writer that must not pass."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from scrapy_snapshot_pipeline.errors import WriteError
from scrapy_snapshot_pipeline.records import Batch
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from tests.contract.entities import Observation, declaration, record
from tests.contract.history import History, Version, read
from tests.contract.stores import fold

ATTEMPTS = 8


class Writer(Protocol):
    """Writes batches until they are in the database."""

    def write(self, batch: tuple[Observation, ...], between: Callable[[], None]) -> None:
        """Write, and call `between` before each attempt above the first."""

    def history(self, name: str) -> History:
        """What is stored of an entity."""


class StoreWriter:
    """The real store, with the attempts as delivery counts them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._store = SnapshotStore(engine)
        self._store.declare([declaration()])

    def write(self, batch: tuple[Observation, ...], between: Callable[[], None]) -> None:
        """See `Writer`."""
        records = tuple(map(record, batch))
        for attempt in range(1, ATTEMPTS + 1):
            try:
                result = self._store.write(Batch(records, attempt))
            except WriteError:
                if attempt == ATTEMPTS:
                    raise
                between()
            else:
                assert len(result.outcomes) == len(records)
                return

    def history(self, name: str) -> History:
        """See `Writer`."""
        with self._engine.connect() as connection:
            return read(connection, self._store.tables(declaration().table), name)


_naive = sa.Table(
    "naive",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("seen_at", sa.Integer, nullable=False),
    sa.Column("last_seen_at", sa.Integer, nullable=False),
)


class NaiveWriter:
    """Compares with the latest row and inserts: right until a retry meets what was committed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        _naive.create(engine, checkfirst=True)

    def write(self, batch: tuple[Observation, ...], between: Callable[[], None]) -> None:
        """See `Writer`."""
        for _ in range(ATTEMPTS):
            try:
                with self._engine.begin() as connection:
                    for one in batch:
                        self._observe(connection, one)
            except sa.exc.DBAPIError:
                between()
            else:
                return

    def history(self, name: str) -> History:
        """See `Writer`."""
        query = sa.select(_naive).where(_naive.c.name == name).order_by(_naive.c.id)
        with self._engine.connect() as connection:
            found = connection.execute(query).all()
        ends = [*(row.seen_at for row in found[1:]), None]
        versions, seen = [], []
        for row, end in zip(found, ends, strict=True):
            score, markets = json.loads(row.content)
            versions.append(Version(score, row.seen_at, row.last_seen_at, end))
            seen.append(Observation(name, row.seen_at, score, markets))
        return History(tuple(versions), fold(seen).rows)

    def _observe(self, connection: sa.Connection, one: Observation) -> None:
        content = json.dumps([one.score, dict(one.markets)], sort_keys=True)
        own = _naive.c.name == one.name
        latest = connection.execute(
            sa.select(_naive).where(own).order_by(_naive.c.id.desc()).limit(1)
        ).first()
        if latest is not None and latest.content == content:
            seen = _naive.update().where(_naive.c.id == latest.id)
            connection.execute(seen.values(last_seen_at=one.second))
            return
        connection.execute(
            _naive.insert().values(
                name=one.name, content=content, seen_at=one.second, last_seen_at=one.second
            )
        )
