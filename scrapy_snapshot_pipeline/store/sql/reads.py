"""What a batch reads of one declaration's tables, inside the caller's transaction.

Beside any join a statement names its entities in a list: PostgreSQL's planner assumes that hardly
any row of a table that was never analysed is current, and would read all of these rather than look
up a batch.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from sqlalchemy.engine import Connection, CursorResult, Dialect

from scrapy_snapshot_pipeline.evolution.rehash import Values
from scrapy_snapshot_pipeline.evolution.second_look import (
    StoredEntity,
    ValuedChild,
    ValuedVersion,
)
from scrapy_snapshot_pipeline.scd2.plan import StoredChild, StoredVersion
from scrapy_snapshot_pipeline.store.schema.tables import EntityTables
from scrapy_snapshot_pipeline.store.sql.dialects import DatabaseFeatures, Row, features_of
from scrapy_snapshot_pipeline.store.sql.insert import WritableTable
from scrapy_snapshot_pipeline.store.sql.stored_values import StoredValues

ChildLookup: TypeAlias = dict[bytes, int]
"""The current rows of one child table of one entity: from `ChildRecord.id_and_hash`, 16 and 16
bytes, to `snapshot_id`."""


class Reads:
    """Reads of one declaration's tables; a reading under lock locks the current versions."""

    def __init__(
        self,
        tables: EntityTables,
        dialect: Dialect,
        versions: WritableTable,
        children: Sequence[WritableTable],
    ) -> None:
        """`versions` and `children` name the tables as SQL does."""
        self._features = features_of(dialect)
        self._shaped = tables.shape is not None
        self._versions, self._children = versions, children
        declared = tables.declaration
        self._own_values = StoredValues(tables.versions, declared.columns, dialect)
        self._child_values = [
            StoredValues(table, child.columns, dialect)
            for table, child in zip(tables.children, declared.children, strict=True)
        ]

    def known(self, connection: Connection, entity_ids: Sequence[bytes]) -> set[bytes]:
        """Those of `entity_ids` that have a current version by now; nothing is locked."""
        db, table, known = self._features, self._versions.name, set[bytes]()
        selected = db.digest.selected.format("entity_id")
        for among, ids in db.among(entity_ids):
            sql = f"SELECT {selected} FROM {table} WHERE entity_id {among} AND valid_to IS NULL"  # noqa: S608
            known.update(map(db.digest.read, connection.exec_driver_sql(sql, ids).scalars()))
        return known

    def lock_current(
        self, connection: Connection, entity_ids: Sequence[bytes]
    ) -> dict[bytes, StoredVersion]:
        """The current versions of `entity_ids`, locked until the transaction ends.

        An id that is missing in the answer has no current version.  `entity_ids` must be sorted:
        writers that lock in the same order never wait for each other in a circle.
        """
        build = self._select_current if self._features.exclusive else self._upsert_current
        current: dict[bytes, StoredVersion] = {}
        for among, parameters in self._features.among(entity_ids):
            found = connection.exec_driver_sql(build(among), parameters)
            current.update(map(self._version, found.all()))
        return current

    def history(
        self, connection: Connection, since: Sequence[tuple[bytes, dt.datetime]]
    ) -> Iterator[tuple[bytes, StoredVersion]]:
        """The versions that were valid at or after a time, or ended then; one time an entity."""
        columns = self._version_columns()
        for found in self._since(connection, self._versions.name, columns, since):
            yield from map(self._version, found)

    def current_children(
        self, connection: Connection, entity_ids: Sequence[bytes]
    ) -> tuple[dict[bytes, list[ChildLookup]], dict[bytes, set[int]]]:
        """The current child rows of each entity: one lookup a child table, and all their shapes."""
        current: dict[bytes, list[ChildLookup]] = {
            entity_id: [{} for _ in self._children] for entity_id in entity_ids
        }
        shapes: defaultdict[bytes, set[int]] = defaultdict(set)
        db = self._features
        queries = itertools.product(enumerate(self._children), db.among(entity_ids))
        for (index, table), (among, parameters) in queries:
            sql = f"""
                SELECT {db.digest.selected.format("x.entity_id")}, {db.child_packing.select}
                FROM {table.name} AS x
                WHERE x.entity_id {among} AND x.valid_to IS NULL
                {db.child_packing.group_by}"""  # noqa: S608
            for row in connection.exec_driver_sql(sql, parameters).all():
                entity_id = db.digest.read(row[0])
                lookup, seen = current[entity_id][index], shapes[entity_id]
                for id_and_hash, snapshot_id, shape in db.unpack_children(row[1:]):
                    lookup[id_and_hash] = snapshot_id
                    seen.add(shape)
        return current, shapes

    def current_values(
        self, connection: Connection, entity_ids: Sequence[bytes]
    ) -> dict[bytes, Values]:
        """The values of the current versions, by the names of their columns."""
        db, own, current = self._features, self._own_values, dict[bytes, Values]()
        selected = f"{db.digest.selected.format('x.entity_id')}, {own.selected}"
        for among, parameters in db.among(entity_ids):
            sql = f"""
                SELECT {selected}
                FROM {self._versions.name} AS x
                WHERE x.entity_id {among} AND x.valid_to IS NULL"""  # noqa: S608
            for head, values in own.rows(connection.exec_driver_sql(sql, parameters)):
                current[db.digest.read(head[0])] = values
        return current

    def entities(
        self, connection: Connection, since: Sequence[tuple[bytes, dt.datetime]]
    ) -> dict[bytes, StoredEntity]:
        """What `history` and `child_history` read, with all values."""
        found = {entity_id: StoredEntity([], []) for entity_id, _ in since}
        columns, own = self._version_columns(), self._own_values
        for head, values in self._valued(connection, self._versions, columns, own, since):
            entity_id, version = self._version(head)
            found[entity_id].versions.append(ValuedVersion(version, values))
        columns = self._child_columns()
        for index, (table, own) in enumerate(zip(self._children, self._child_values, strict=True)):
            for head, values in self._valued(connection, table, columns, own, since):
                entity_id, child = self._child(index, head)
                found[entity_id].children.append(ValuedChild(child, values))
        return found

    def child_history(
        self, connection: Connection, since: Sequence[tuple[bytes, dt.datetime]]
    ) -> Iterator[tuple[bytes, StoredChild]]:
        """The child rows that were valid at or after a time, or ended then; one time an entity."""
        columns = self._child_columns()
        for index, table in enumerate(self._children):
            for found in self._since(connection, table.name, columns, since):
                for row in found:
                    yield self._child(index, row)

    def _valued(
        self,
        connection: Connection,
        table: WritableTable,
        columns: str,
        own: StoredValues,
        since: Sequence[tuple[bytes, dt.datetime]],
    ) -> Iterator[tuple[Row, Values]]:
        selected = f"{columns}, {own.selected}"
        for found in self._since(connection, table.name, selected, since):
            yield from own.rows(found)

    def _since(
        self,
        connection: Connection,
        table: str,
        columns: str,
        since: Sequence[tuple[bytes, dt.datetime]],
    ) -> Iterator[CursorResult[Any]]:
        """The rows of a table that were valid at or after a time, or ended then.

        What ends exactly there may be what an observation of that time belongs to.
        """
        db = self._features
        among, ids = beside_join(db, "x.entity_id", [entity_id for entity_id, _ in since])
        for source, parameters in db.sources((db.digest, db.time), since):
            sql = f"""
                WITH v(entity_id, since) AS ({source})
                SELECT {columns}
                FROM v CROSS JOIN {table} AS x
                WHERE x.entity_id = v.entity_id {among}
                    AND (x.valid_to IS NULL OR x.valid_to >= v.since)"""  # noqa: S608
            yield connection.exec_driver_sql(sql, (*parameters, *ids))

    def _select_current(self, among: str) -> str:
        return f"""
            SELECT {self._version_columns()}
            FROM {self._versions.name} AS x
            WHERE x.entity_id {among} AND x.valid_to IS NULL"""  # noqa: S608

    def _upsert_current(self, among: str) -> str:
        """Offer each current version to itself, in order: the conflict locks it and returns it.

        This is the portable form of SELECT ... ORDER BY ... FOR UPDATE, which Citus refuses, and
        only the ids cross the wire.  Where another writer has closed a version in the meantime, the
        one that took its place is locked instead.
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
        digest, run = self._features.digest.selected, self._features.run.selected
        shape = "coalesce(x.snapshot_shape, 1)" if self._shaped else "1"
        selected = {"entity_id": digest, "child_id": digest, "run_id": run, "shape": shape}
        return ", ".join(selected.get(name, "{}").format(f"x.{name}") for name in names)

    def _version(self, row: Row) -> tuple[bytes, StoredVersion]:
        db = self._features
        entity_id, snapshot_id, content_hash, valid_from, last_confirmed_at, valid_to, *rest = row
        run_id, shape = rest
        return db.digest.read(entity_id), StoredVersion(
            snapshot_id,
            db.hash.read(content_hash),
            db.time.read(valid_from),
            db.time.read(last_confirmed_at),
            db.time.read(valid_to),
            db.run.read(run_id),
            shape,
        )

    def _child(self, table: int, row: Row) -> tuple[bytes, StoredChild]:
        db = self._features
        entity_id, child_id, snapshot_id, content_hash, valid_from, valid_to, shape = row
        return db.digest.read(entity_id), StoredChild(
            table,
            db.digest.read(child_id),
            snapshot_id,
            db.hash.read(content_hash),
            db.time.read(valid_from),
            db.time.read(valid_to),
            shape,
        )


def beside_join(
    features: DatabaseFeatures, column: str, entity_ids: Sequence[bytes]
) -> tuple[str, tuple[Any, ...]]:
    """A condition that names the entities once more, for the planner."""
    if features.exclusive:
        return "", ()  # SQLite keeps the order of the join, and takes few parameters
    [(among, ids)] = features.among(entity_ids)
    return f"AND {column} {among}", ids
