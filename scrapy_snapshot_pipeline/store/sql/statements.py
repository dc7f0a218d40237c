"""The SQL for the tables of one declaration: one set of statements for every database.

A statement takes the rows of a batch at once, or as many as its database can take, and names the
entities that it is about beside any join: of a table that was never analysed the planner thinks
that nearly nothing is current, and to read that whole looks cheaper to it than to look up a batch.
No sequence, no server clock, no temporary table and no SELECT FOR UPDATE, which distributed
databases refuse or serve badly.
Identifiers come from declarations only, and are quoted; values are always parameters.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from sqlalchemy.engine import Connection

from scrapy_snapshot_pipeline.scd2.timeline import (
    ChangedVersion,
    EndedChild,
    NewChild,
    NewVersion,
    ResumedChild,
    StoredChild,
    StoredVersion,
)
from scrapy_snapshot_pipeline.store.schema.tables import EntityTables
from scrapy_snapshot_pipeline.store.sql.columns import Columns
from scrapy_snapshot_pipeline.store.sql.dialects import Row, features_of, in_slices
from scrapy_snapshot_pipeline.store.sql.insert import InsertTable
from scrapy_snapshot_pipeline.store.sql.script import Script


class Statements:
    """Reads and writes of one declaration's tables, inside the caller's transaction."""

    def __init__(self, tables: EntityTables, connection: Connection) -> None:
        """`tables` must be there; `connection` is only asked of them."""
        self._driver = features_of(connection.dialect)
        self._versions = InsertTable(tables.versions, connection)
        self._children = [InsertTable(table, connection) for table in tables.children]

    def confirm(
        self,
        connection: Connection,
        rows: Sequence[tuple[bytes, bytes, dt.datetime, dt.datetime | None]],
    ) -> set[bytes]:
        """Move `last_confirmed_at` where the current version has the same content.

        A row is entity id, content hash, first and last time it was observed with that content;
        None: once.  Returns the ids of the entities that were confirmed.  They are locked in the
        order of their ids, as in `lock_current`.

        IS TRUE keeps the planner from joining by the hashes, whose order would be another one.
        """
        d = self._driver
        table = self._versions.name
        among, ids = self._beside_join(f"{table}.entity_id", [row[0] for row in rows])
        confirmed: set[bytes] = set()
        for source, parameters in d.sources((d.digest, d.hash, d.time, d.time), rows):
            sql = f"""{d.in_order}
                WITH v(entity_id, content_hash, first_at, last_at) AS ({source})
                UPDATE {table} SET last_confirmed_at = CASE
                    WHEN {table}.last_confirmed_at < coalesce(v.last_at, v.first_at)
                    THEN coalesce(v.last_at, v.first_at)
                    ELSE {table}.last_confirmed_at END
                FROM v
                WHERE {table}.entity_id = v.entity_id AND {table}.valid_to IS NULL
                    AND ({table}.content_hash = v.content_hash) IS TRUE
                    AND {table}.valid_from <= v.first_at {among}
                RETURNING {d.digest.selected.format(f"{table}.entity_id")}"""  # noqa: S608 - declared, quoted names
            found = connection.exec_driver_sql(sql, (*parameters, *ids))
            confirmed.update(map(d.digest.read, found.scalars().all()))
        return confirmed

    def lock_current(
        self, connection: Connection, entity_ids: Sequence[bytes]
    ) -> dict[bytes, StoredVersion]:
        """The current versions of `entity_ids`, sorted, owned until the transaction ends.

        An id that is missing in the answer has no current version.  Every writer locks in the
        order of the ids, so two of them never wait for each other.
        """
        build = self._select_current if self._driver.exclusive else self._upsert_current
        current: dict[bytes, StoredVersion] = {}
        for among, parameters in self._driver.among(entity_ids):
            found = connection.exec_driver_sql(build(among), parameters)
            current.update(map(self._version, found.all()))
        return current

    def history(
        self, connection: Connection, since: Sequence[tuple[bytes, dt.datetime]]
    ) -> Iterator[tuple[bytes, StoredVersion]]:
        """All versions of the entities that were valid at or after a time, per entity."""
        columns = self._version_columns()
        return map(self._version, self._since(connection, self._versions.name, columns, since))

    def current_children(
        self, connection: Connection, entity_ids: Sequence[bytes]
    ) -> dict[bytes, list[dict[bytes, int]]]:
        """The current rows of all child tables of each entity, as `CurrentChildren`."""
        current: dict[bytes, list[dict[bytes, int]]] = {
            entity_id: [{} for _ in self._children] for entity_id in entity_ids
        }
        d = self._driver
        asked = itertools.product(enumerate(self._children), d.among(entity_ids))
        for (place, table), (among, parameters) in asked:
            sql = f"""
                SELECT {d.digest.selected.format("x.entity_id")}, {d.packed_children}
                FROM {table.name} AS x
                WHERE x.entity_id {among} AND x.valid_to IS NULL
                {d.packed_by}"""  # noqa: S608
            for row in connection.exec_driver_sql(sql, parameters).all():
                current[d.digest.read(row[0])][place].update(d.unpack_children(row[1:]))
        return current

    def child_history(
        self, connection: Connection, since: Sequence[tuple[bytes, dt.datetime]]
    ) -> Iterator[tuple[bytes, StoredChild]]:
        """All rows of all child tables that were valid at or after a time, per entity."""
        columns = self._child_columns()
        for place, table in enumerate(self._children):
            for row in self._since(connection, table.name, columns, since):
                yield self._child(place, row)

    def change_versions(self, writing: Script, rows: Sequence[ChangedVersion]) -> None:
        """Set `last_confirmed_at` and `valid_to` of stored versions."""
        d = self._driver
        table = self._versions.name
        for source, parameters in d.sources((d.digest, d.bigint, d.time, d.time), rows):
            sql = f"""
                WITH v(entity_id, snapshot_id, last_confirmed_at, valid_to) AS ({source})
                UPDATE {table} SET last_confirmed_at = v.last_confirmed_at, valid_to = v.valid_to
                FROM v
                WHERE {table}.entity_id = v.entity_id
                    AND {table}.snapshot_id = v.snapshot_id"""  # noqa: S608
            writing.send(sql, parameters)

    def insert_versions(self, writing: Script, rows: Sequence[NewVersion]) -> None:
        """Insert versions that no one else can insert, or fail on the conflict."""
        if rows:
            self._versions.insert(writing, map(_version_columns, in_slices(rows, _PIECE)))

    def insert_absent_versions(self, writing: Script, rows: Sequence[NewVersion]) -> int:
        """Insert versions in the order given, passing over conflicts; return how many went in."""
        return self._versions.insert_absent(writing, _version_columns(rows)) if rows else 0

    def end_children(self, writing: Script, table: int, rows: Sequence[EndedChild]) -> None:
        """Set `valid_to` of stored child rows."""
        d = self._driver
        name = self._children[table].name
        for source, parameters in d.sources((d.digest, d.digest, d.bigint, d.time), rows):
            sql = f"""
                WITH v(entity_id, child_id, snapshot_id, valid_to) AS ({source})
                UPDATE {name} SET valid_to = v.valid_to
                FROM v
                WHERE {name}.entity_id = v.entity_id AND {name}.child_id = v.child_id
                    AND {name}.snapshot_id = v.snapshot_id"""  # noqa: S608
            writing.send(sql, parameters)

    def insert_children(self, writing: Script, table: int, rows: Sequence[NewChild]) -> None:
        """Insert child rows of versions that this transaction inserted or owns."""
        if rows:
            child = self._children[table]
            columns = partial(_child_columns, nested=child.nested)
            child.insert(writing, map(columns, in_slices(rows, _PIECE)))

    def resume_children(self, writing: Script, table: int, rows: Sequence[ResumedChild]) -> None:
        """Insert the second pieces of child rows that were cut in two."""
        d = self._driver
        types = (d.digest, d.digest, d.bigint, d.bigint, d.time, d.time)
        child = self._children[table]
        copied = ", ".join(f"x.{column}" for column in child.copied)
        columns = ", ".join(child.copied)
        for source, parameters in d.sources(types, rows):
            sql = f"""
                WITH v(entity_id, child_id, source_id, snapshot_id, valid_from, valid_to)
                    AS ({source})
                INSERT INTO {child.name}
                    (entity_id, child_id, snapshot_id, valid_from, valid_to, {columns})
                SELECT v.entity_id, v.child_id, v.snapshot_id, v.valid_from, v.valid_to, {copied}
                FROM v CROSS JOIN {child.name} AS x
                WHERE x.entity_id = v.entity_id AND x.child_id = v.child_id
                    AND x.snapshot_id = v.source_id"""  # noqa: S608
            writing.send(sql, parameters)

    def _since(
        self,
        connection: Connection,
        table: str,
        columns: str,
        since: Sequence[tuple[bytes, dt.datetime]],
    ) -> Iterator[Row]:
        """The `columns` of all rows of a table that were valid at or after a time, per entity."""
        d = self._driver
        among, ids = self._beside_join("x.entity_id", [entity_id for entity_id, _ in since])
        for source, parameters in d.sources((d.digest, d.time), since):
            sql = f"""
                WITH v(entity_id, since) AS ({source})
                SELECT {columns}
                FROM v CROSS JOIN {table} AS x
                WHERE x.entity_id = v.entity_id {among}
                    AND (x.valid_to IS NULL OR x.valid_to >= v.since)"""  # noqa: S608
            yield from connection.exec_driver_sql(sql, (*parameters, *ids))

    def _beside_join(self, column: str, entity_ids: Sequence[bytes]) -> tuple[str, tuple[Any, ...]]:
        """The condition that names the entities once more, for a planner that could go astray."""
        if self._driver.exclusive:
            return "", ()  # SQLite keeps to the order of the join, and its parameters are few
        [(among, ids)] = self._driver.among(entity_ids)
        return f"AND {column} {among}", ids

    def _select_current(self, among: str) -> str:
        return f"""
            SELECT {self._version_columns()}
            FROM {self._versions.name} AS x
            WHERE x.entity_id {among} AND x.valid_to IS NULL"""  # noqa: S608

    def _upsert_current(self, among: str) -> str:
        """Offer each current version to itself, in order: the conflict locks it and returns it.

        The portable form of SELECT ... ORDER BY ... FOR UPDATE, which Citus refuses, and only the
        ids cross the wire.  A version that another writer closed in the meantime is not locked,
        but the one that took its place.
        """
        name, columns = self._versions.name, self._versions.columns
        return f"""
            INSERT INTO {name} AS x ({columns})
            SELECT {columns} FROM {name}
            WHERE entity_id {among} AND valid_to IS NULL
            ORDER BY entity_id
            ON CONFLICT (entity_id) WHERE valid_to IS NULL
                DO UPDATE SET last_confirmed_at = x.last_confirmed_at
            RETURNING {self._version_columns()}"""  # noqa: S608

    def _version_columns(self) -> str:
        return self._columns("entity_id", *StoredVersion._fields)

    def _child_columns(self) -> str:
        return self._columns("entity_id", *StoredChild._fields[1:])

    def _columns(self, *names: str) -> str:
        digest = self._driver.digest.selected
        return ", ".join(
            (digest if name in _DIGESTS else "{}").format(f"x.{name}") for name in names
        )

    def _version(self, row: Row) -> tuple[bytes, StoredVersion]:
        d = self._driver
        entity_id, snapshot_id, content_hash, valid_from, last_confirmed_at, valid_to = row
        return d.digest.read(entity_id), StoredVersion(
            snapshot_id,
            d.hash.read(content_hash),
            d.time.read(valid_from),
            d.time.read(last_confirmed_at),
            d.time.read(valid_to),
        )

    def _child(self, table: int, row: Row) -> tuple[bytes, StoredChild]:
        d = self._driver
        entity_id, child_id, snapshot_id, content_hash, valid_from, valid_to = row
        return d.digest.read(entity_id), StoredChild(
            table,
            d.digest.read(child_id),
            snapshot_id,
            d.hash.read(content_hash),
            d.time.read(valid_from),
            d.time.read(valid_to),
        )


_PIECE = 250
"""Rows that are turned for the database at a time, so that it stores some while others are turned:
84 microseconds an entity with 5 children, 99 in one piece, as bare COPY takes."""
_DIGESTS = frozenset({"entity_id", "child_id"})


def _version_columns(rows: Sequence[NewVersion]) -> Columns:
    records, valid_from, last_confirmed_at, valid_to = zip(*rows, strict=True)
    return [
        [record.entity_id for record in records],
        [record.snapshot_id for record in records],
        *zip(*[record.values for record in records], strict=True),
        [record.content_hash for record in records],
        valid_from,
        last_confirmed_at,
        valid_to,
        [record.run_id for record in records],
    ]


def _child_columns(rows: Sequence[NewChild], *, nested: bool) -> Columns:
    entity_id, snapshot_id, child_id, parent_id, *rest = zip(*rows, strict=True)
    content_hash, valid_from, valid_to, values = rest
    parents = (parent_id,) if nested else ()
    own = zip(*values, strict=True)
    return [entity_id, child_id, snapshot_id, *parents, *own, content_hash, valid_from, valid_to]
