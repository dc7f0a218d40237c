"""Other ways to bring the same rows into the same tables, as people usually write them.

They only insert, and compare nothing with what is stored.  All begin with captured records, as our
store does, and commit once a batch, except row by row.
"""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import psycopg2
import sqlalchemy as sa
from psycopg2.extras import execute_values
from sqlalchemy.orm import Session, registry

from benchmarks.items import BATCH, declaration
from scrapy_snapshot_pipeline.records import SnapshotRecord
from scrapy_snapshot_pipeline.store.schema.tables import EntityTables, entity_tables

Records: TypeAlias = Sequence[SnapshotRecord]
Write: TypeAlias = Callable[[Records], None]

_TABLES: EntityTables = entity_tables(declaration(), sa.MetaData(), None)
_VERSIONS, _MARKETS = _TABLES.versions, _TABLES.children[0]
_VERSION_COLUMNS = [column.name for column in _VERSIONS.columns]
_MARKET_COLUMNS = [column.name for column in _MARKETS.columns]


def bare_copy(url: str) -> Write:
    """The csv module into COPY: the usual fast way into PostgreSQL from Python."""
    connection = _connect(url)

    def write(records: Records) -> None:
        _copy_all(connection, records)
        connection.commit()

    return write


def rewrite_all(url: str) -> Write:
    """End all old rows of a changed entity, and insert its new version with all its children.

    This is what a history costs that does not compare child by child.
    """
    connection = _connect(url)

    def write(records: Records) -> None:
        ends = [(record.entity_id.hex(), record.observed_at) for record in records]
        with connection.cursor() as cursor:
            for table in (_VERSIONS, _MARKETS):
                execute_values(cursor, _END_CURRENT.format(table.name), ends, page_size=BATCH)
        _copy_all(connection, records)
        connection.commit()

    return write


def values_lists(url: str) -> Write:
    """psycopg2's execute_values, with a page size that fits the batch."""
    connection = _connect(url)

    def write(records: Records) -> None:
        with connection, connection.cursor() as cursor:
            rows = list(_version_rows(records, id_of=bytes.hex))
            execute_values(cursor, f"INSERT INTO {_VERSIONS.name} VALUES %s", rows, page_size=500)
            rows = list(_market_rows(records, id_of=bytes.hex))
            if rows:
                into = f"INSERT INTO {_MARKETS.name} VALUES %s"
                execute_values(cursor, into, rows, page_size=1000)

    return write


def core_lists(url: str) -> Write:
    """SQLAlchemy Core: `insert()` with a list of dicts."""
    engine = sa.create_engine(url)

    def write(records: Records) -> None:
        with engine.begin() as connection:
            for table, names, rows in _tables(records):
                dicts = [dict(zip(names, row, strict=True)) for row in rows]
                if dicts:
                    connection.execute(table.insert(), dicts)

    return write


def orm_session(url: str) -> Write:
    """An ORM session: objects, `add_all`, one commit a batch."""
    engine = sa.create_engine(url)

    def write(records: Records) -> None:
        with Session(engine) as session:
            for mapped, (_, names, rows) in zip(_MAPPED, _tables(records), strict=True):
                session.add_all(mapped(**dict(zip(names, row, strict=True))) for row in rows)
                session.flush()
            session.commit()

    return write


def row_by_row(url: str) -> Write:
    """One INSERT a row and one commit an item, as in most pipelines on the web."""
    connection = _connect(url)
    into_versions = _insert_of(_VERSIONS, _VERSION_COLUMNS, "%s")
    into_markets = _insert_of(_MARKETS, _MARKET_COLUMNS, "%s")

    def write(records: Records) -> None:
        with connection.cursor() as cursor:
            for record in records:
                for row in _version_rows([record], id_of=bytes.hex):
                    cursor.execute(into_versions, row)
                for row in _market_rows([record], id_of=bytes.hex):
                    cursor.execute(into_markets, row)
                connection.commit()

    return write


def sqlite_executemany(url: str) -> Write:
    """The sqlite3 module's executemany, as durable as ours (WAL, synchronous=FULL)."""
    connection = sqlite3.connect(str(sa.make_url(url).database), isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    into_versions = _insert_of(_VERSIONS, _VERSION_COLUMNS, "?")
    into_markets = _insert_of(_MARKETS, _MARKET_COLUMNS, "?")

    def write(records: Records) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(into_versions, map(_texts, _version_rows(records)))
        connection.executemany(into_markets, map(_texts, _market_rows(records)))
        connection.execute("COMMIT")

    return write


POSTGRESQL: dict[str, Callable[[str], Write]] = {
    "bare COPY": bare_copy,
    "execute_values": values_lists,
    "Core insert() with a list": core_lists,
    "ORM session": orm_session,
    "row by row": row_by_row,
}


_END_CURRENT = (
    "UPDATE {0} AS x SET valid_to = v.ended FROM (VALUES %s) AS v (entity_id, ended) "
    "WHERE x.entity_id = v.entity_id::uuid AND x.valid_to IS NULL"
)


class _MappedEvent:
    """Mapped to the table of the parents."""


class _MappedMarket:
    """Mapped to the table of the children."""


_MAPPED = (_MappedEvent, _MappedMarket)
for _class, _table in zip(_MAPPED, _TABLES.all, strict=True):
    registry().map_imperatively(_class, _table)


def _connect(url: str) -> Any:
    parsed = sa.make_url(url)
    return psycopg2.connect(
        host=parsed.host, port=parsed.port, user=parsed.username, dbname=parsed.database
    )


def _copy_all(connection: Any, records: Records) -> None:
    _copy(connection, _VERSIONS, _version_rows(records, id_of=bytes.hex, hash_of=_hex_bytes))
    _copy(connection, _MARKETS, _market_rows(records, id_of=bytes.hex, hash_of=_hex_bytes))


def _copy(connection: Any, table: sa.Table, rows: Iterator[tuple[Any, ...]]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    text.seek(0)
    with connection.cursor() as cursor:
        columns = ", ".join(column.name for column in table.columns)
        cursor.copy_expert(f"COPY {table.name} ({columns}) FROM STDIN (FORMAT csv)", text)


def _insert_of(table: sa.Table, columns: Sequence[str], placeholder: str) -> str:
    placeholders = ", ".join([placeholder] * len(columns))
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({placeholders})"


def _tables(records: Records) -> Iterator[tuple[sa.Table, list[str], Iterator[tuple[Any, ...]]]]:
    yield _VERSIONS, _VERSION_COLUMNS, _version_rows(records)
    yield _MARKETS, _MARKET_COLUMNS, _market_rows(records)


def _same(value: bytes) -> Any:
    return value


def _hex_bytes(value: bytes) -> str:
    return f"\\x{value.hex()}"


def _texts(row: tuple[Any, ...]) -> tuple[Any, ...]:
    # SQLite has no type for a time, a decimal or a UUID.
    plain = (bytes, int, type(None))
    return tuple(value if isinstance(value, plain) else str(value) for value in row)


def _version_rows(
    records: Records,
    *,
    id_of: Callable[[bytes], Any] = _same,
    hash_of: Callable[[bytes], Any] = _same,
) -> Iterator[tuple[Any, ...]]:
    for r in records:
        seen = r.observed_at
        times = (seen, seen, None, str(r.run_id) if id_of is not _same else r.run_id)
        yield id_of(r.entity_id), r.snapshot_id, *r.values, hash_of(r.content_hash), *times


def _market_rows(
    records: Records,
    *,
    id_of: Callable[[bytes], Any] = _same,
    hash_of: Callable[[bytes], Any] = _same,
) -> Iterator[tuple[Any, ...]]:
    for r in records:
        entity_id, seen = id_of(r.entity_id), r.observed_at
        for child in r.children[0]:
            content = (*child.values, hash_of(child.content_hash), seen, None)
            yield entity_id, id_of(child.child_id), r.snapshot_id, *content
