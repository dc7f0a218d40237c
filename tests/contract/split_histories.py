"""Histories as release 0.1.0 could leave them: rows of equal content, side by side."""

from __future__ import annotations

import datetime as dt
import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from scrapy_snapshot_pipeline.delivery.retry import RetryPolicy
from scrapy_snapshot_pipeline.history.values import normal_json_text
from scrapy_snapshot_pipeline.records import snapshot_id
from scrapy_snapshot_pipeline.store.connection.checked_transactions import CheckedTransactions
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.normal_form.normalizer import Normalized, Normalizer
from scrapy_snapshot_pipeline.store.schema.tables import SCHEMA, EntityTables, entity_tables
from tests.contract.entities import at, declaration

TABLE = declaration().table

Row = Mapping[str, Any]


def contract_tables() -> EntityTables:
    """The tables of the suite's class."""
    return entity_tables(declaration(), sa.MetaData())


@contextmanager
def transaction(url: str) -> Iterator[sa.Connection]:
    """A transaction of the test's own."""
    engine = connect_engine(url, connect_timeout=10)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def normalizer(url: str, slice_rows: int = 5_000) -> Iterator[Normalizer]:
    """As the command makes it."""
    engine = connect_engine(url, connect_timeout=10)
    transactions, policy = CheckedTransactions(engine), RetryPolicy(outage_timeout=20)
    try:
        yield Normalizer(
            transactions,
            normal_json_text,
            policy,
            time.sleep,
            time.monotonic,
            random.random,
            slice_rows,
        )
    finally:
        engine.dispose()


def normalize(url: str, table: str = TABLE, *, dry_run: bool = False) -> Normalized:
    """Walk through a whole table."""
    with normalizer(url) as walk:
        return sum(walk.normalize(table, dry_run=dry_run), Normalized())


def split(
    url: str,
    seconds: Collection[int],
    cuts: Callable[[], bool] = lambda: True,
    tables: EntityTables | None = None,
) -> None:
    """Cut versions where they were confirmed, and child rows where `cuts` says so.

    Afterwards the tables count as those of an older release.
    """
    entity = tables or contract_tables()
    with transaction(url) as connection:
        connection.execute(sa.update(SCHEMA).values(version=1))
        for row in _lasting(connection, entity.versions):
            _cut_version(connection, entity.versions, row, sorted(seconds))
        starts = {
            (row["entity_id"], row["valid_from"]): row["snapshot_id"]
            for row in _lasting(connection, entity.versions)
        }
        for table in entity.children:
            for row in _lasting(connection, table):
                here = {
                    t: own
                    for (entity_id, t), own in starts.items()
                    if entity_id == row["entity_id"]
                }
                _cut_child(connection, table, row, {t: here[t] for t in sorted(here) if cuts()})


def _lasting(connection: sa.Connection, table: sa.Table) -> list[Row]:
    lasts = sa.or_(table.c.valid_to.is_(None), table.c.valid_to > table.c.valid_from)
    rows = connection.execute(sa.select(table).where(lasts).order_by(*table.primary_key))
    return [dict(row) for row in rows.mappings()]


def _cut_version(connection: sa.Connection, table: sa.Table, row: Row, seconds: list[int]) -> None:
    """The first piece keeps the id; only the last one was confirmed later than it began."""
    times = [at(s) for s in seconds if row["valid_from"] < at(s) <= row["last_confirmed_at"]]
    pieces = [
        {**row, "snapshot_id": snapshot_id(t, row["content_hash"]), "valid_from": t} for t in times
    ]
    whole = [{**row}, *pieces]
    for one, other in zip(whole, pieces, strict=False):
        one |= {"last_confirmed_at": one["valid_from"], "valid_to": other["valid_from"]}
    _replace(connection, table, row, whole)


def _cut_child(
    connection: sa.Connection, table: sa.Table, row: Row, starts: Mapping[dt.datetime, int]
) -> None:
    """A piece has the id of the version with which it begins."""
    end = row["valid_to"]
    times = [t for t in starts if row["valid_from"] < t and (end is None or t < end)]
    pieces = [{**row, "snapshot_id": starts[t], "valid_from": t} for t in times]
    whole = [{**row}, *pieces]
    for one, other in zip(whole, pieces, strict=False):
        one["valid_to"] = other["valid_from"]
    _replace(connection, table, row, whole)


def _replace(connection: sa.Connection, table: sa.Table, row: Row, pieces: list[Any]) -> None:
    if len(pieces) == 1:
        return
    own = sa.and_(*(column == row[column.name] for column in table.primary_key))
    first = {"valid_to": pieces[0]["valid_to"]}
    if "last_confirmed_at" in table.c:
        first["last_confirmed_at"] = pieces[0]["last_confirmed_at"]
    connection.execute(sa.update(table).where(own).values(first))
    connection.execute(sa.insert(table), pieces[1:])
