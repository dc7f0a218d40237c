"""A history of a hundred days, made by the database itself, for the queries of section F."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from benchmarks.databases import open_store
from benchmarks.items import START, declaration, event
from scrapy_snapshot_pipeline.history import keys
from scrapy_snapshot_pipeline.store.schema.runs import FINISHED
from scrapy_snapshot_pipeline.store.schema.tables import RUNS
from scrapy_snapshot_pipeline.store.schema.types import (
    Digest,
    ExactDecimal,
    PortableUuid,
    UtcDateTime,
)

VERSIONS = 10
"""Versions of each entity, one every ten days."""
MARKETS = 3
"""Child rows of each entity; each version after the first changes one of them."""
DAYS = 100
"""Days of hourly crawls; each day a tenth of the entities changes, spread over its hours."""
END = START + dt.timedelta(days=DAYS)

_HOURS = 24 * DAYS
_EVERY = _HOURS // VERSIONS
"""Hours from one version of an entity to the next."""
_PRICES = 300
_STRAY = 100
"""One entity in this number was not seen any more after its last version began."""

_HELPERS = sa.MetaData()
_ENTITY = sa.Table(
    "bench_entity",
    _HELPERS,
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", Digest),
    sa.Column("event_id", sa.Text),
    sa.Column("slot", sa.Integer),
)
_HOUR = sa.Table(
    "bench_hour",
    _HELPERS,
    sa.Column("h", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", UtcDateTime),
    sa.Column("run_id", PortableUuid),
)
_VERSION = sa.Table(
    "bench_version",
    _HELPERS,
    sa.Column("v", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary),
)
_PRICE = sa.Table(
    "bench_price",
    _HELPERS,
    sa.Column("p", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("price", ExactDecimal),
)
_MARKET = sa.Table(
    "bench_market",
    _HELPERS,
    sa.Column("m", sa.Integer),
    sa.Column("v", sa.Integer),
    sa.Column("next_v", sa.Integer),
    sa.Column("id", Digest),
    sa.Column("name", sa.Text),
)


@dataclass(frozen=True)
class LongHistory:
    """A database with `VERSIONS` versions of each entity."""

    url: str
    entities: int

    def fill(self) -> None:
        """Store the versions in the order of the crawls, and have a server analyse the tables."""
        open_store(self.url).close()
        engine = sa.create_engine(self.url)
        sa.event.listen(engine, "connect", _hurry)
        with engine.begin() as connection:
            _HELPERS.create_all(connection)
            self._help(connection)
            connection.execute(sa.text(_FILL_VERSIONS))
            connection.execute(sa.text(_FILL_MARKETS))
            _HELPERS.drop_all(connection)
        if engine.dialect.name == "postgresql":
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(sa.text("VACUUM ANALYZE"))
        engine.dispose()

    def key(self, number: int) -> tuple[str, str]:
        """The natural key of an entity."""
        return event(number, 0).event_id, "bench"

    def _help(self, connection: sa.Connection) -> None:
        declared = declaration()
        entities = [
            {
                "n": n,
                "id": keys.entity_id(declared, keys.read_key(declared, self.key(n))),
                "event_id": self.key(n)[0],
                "slot": n % VERSIONS * 24 + n // VERSIONS % 24,
            }
            for n in range(self.entities)
        ]
        hours = [
            {"h": h, "at": START + h * dt.timedelta(hours=1), "run_id": uuid.UUID(int=h + 1)}
            for h in range(_HOURS)
        ]
        prices = [{"p": p, "price": Decimal(150 + p) / 100} for p in range(_PRICES)]
        connection.execute(_ENTITY.insert(), entities)
        connection.execute(_HOUR.insert(), hours)
        connection.execute(_PRICE.insert(), prices)
        connection.execute(
            _VERSION.insert(), [{"v": v, "hash": bytes(16)} for v in range(VERSIONS)]
        )
        connection.execute(_MARKET.insert(), _markets())
        connection.execute(RUNS.insert(), [_run(hour) for hour in hours])


def _run(hour: dict[str, object]) -> dict[str, object]:
    at = hour["at"]
    return {
        "run_id": hour["run_id"],
        "spider": "bench",
        "started_at": at,
        "finished_at": at,
        "status": FINISHED,
        "finish_reason": "finished",
    }


def _markets() -> list[dict[str, object]]:
    """The child rows: for each market, the versions with which its rows begin and end."""
    rows: list[dict[str, object]] = []
    for m in range(MARKETS):
        begins = [v for v in range(VERSIONS) if v == 0 or v % MARKETS == m]
        for v, next_v in zip(begins, [*begins[1:], None], strict=True):
            digest = hashlib.blake2b(b"%d" % m, digest_size=16).digest()
            rows.append({"m": m, "v": v, "next_v": next_v, "id": digest, "name": f"market-{m}"})
    return rows


def _hurry(connection: sa.engine.interfaces.DBAPIConnection, _: object) -> None:
    if hasattr(connection, "enable_load_extension"):  # SQLite, whose file may be lost here
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-500000")


# Prices go up and down as if by chance, and each version has other prices.
_FILL_VERSIONS = f"""
    INSERT INTO event (
        entity_id, snapshot_id, event_id, bookmaker, home_team, away_team, kickoff, price, url,
        content_hash, valid_from, last_confirmed_at, valid_to, run_id)
    SELECT e.id, v.v, e.event_id, 'bench', 'Home Rovers', 'Away United', last.at, p.price,
        'https://odds.example/events/' || e.n || '?lang=en', v.hash, s.at,
        COALESCE(t.at, CASE WHEN e.n % {_STRAY} = 0 THEN s.at ELSE last.at END), t.at, s.run_id
    FROM bench_entity e
    CROSS JOIN bench_version v
    JOIN bench_hour s ON s.h = e.slot + v.v * {_EVERY}
    LEFT JOIN bench_hour t ON t.h = e.slot + (v.v + 1) * {_EVERY}
    JOIN bench_price p ON p.p = (e.n * 7919 + v.v * 131 + e.n / 7 * v.v) % {_PRICES}
    JOIN bench_hour last ON last.h = {_HOURS - 1}
    ORDER BY s.h, e.n"""
_FILL_MARKETS = f"""
    INSERT INTO event_markets (
        entity_id, child_id, snapshot_id, market, line, home, draw, away,
        content_hash, valid_from, valid_to)
    SELECT e.id, m.id, m.v, m.name, NULL, p.price, q.price, p.price, v.hash, s.at, t.at
    FROM bench_entity e
    CROSS JOIN bench_market m
    JOIN bench_version v ON v.v = m.v
    JOIN bench_hour s ON s.h = e.slot + m.v * {_EVERY}
    LEFT JOIN bench_hour t ON t.h = e.slot + m.next_v * {_EVERY}
    JOIN bench_price p ON p.p = (e.n * 7919 + m.m * 17 + m.v * 131) % {_PRICES}
    JOIN bench_price q ON q.p = (e.n * 7919 + m.m * 17 + m.v * 37) % {_PRICES}
    ORDER BY s.h, e.n"""
