"""The SQL for the tables of one declaration: one set of statements for every database.

A statement takes all rows of a batch, or as many as its database can take.  Beside any join it
names its entities in a list: PostgreSQL's planner assumes that hardly any row of a table that was
never analysed is current, and would read all of these rather than look up a batch.

There is no sequence, no server clock, no temporary table and no SELECT FOR UPDATE, since
distributed databases refuse them or are slow with them.
Identifiers come only from declarations, and are quoted; values are always parameters.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy.engine import Connection, Dialect

from scrapy_snapshot_pipeline.scd2.plan import (
    ChangedVersion,
    CopiedChild,
    CopiedVersion,
    EndedChild,
    MovedChild,
    NewChild,
    NewVersion,
    StoredChild,
    StoredVersion,
)
from scrapy_snapshot_pipeline.store.schema.tables import EntityTables
from scrapy_snapshot_pipeline.store.sql.columns import child_columns, version_columns
from scrapy_snapshot_pipeline.store.sql.dialects import Row, SystemType, features_of, in_slices
from scrapy_snapshot_pipeline.store.sql.insert import WritableTable
from scrapy_snapshot_pipeline.store.sql.script import Script

_KEY = frozenset({"entity_id", "child_id", "snapshot_id"})
_PIECE = 250
"""Rows that are converted at a time, so that the database stores some while others are converted:
see the benchmark, section D."""


class Confirmation(NamedTuple):
    """A content with which one entity was seen, to be compared with its current version."""

    entity_id: bytes
    content_hash: bytes
    first_at: dt.datetime
    last_at: dt.datetime | None
    """When it was last seen with that content; None where it was seen once."""


ChildLookup: TypeAlias = dict[bytes, int]
"""The current rows of one child table of one entity: from `ChildRecord.id_and_hash`, 16 and 16
bytes, to `snapshot_id`."""


class Statements:
    """Reads and writes of one declaration's tables, inside the caller's transaction."""

    def __init__(
        self, tables: EntityTables, dialect: Dialect, fit_json: Collection[str] = ()
    ) -> None:
        """`fit_json` names those tables whose rows may travel as JSON: see `json_tables`."""
        self._features = features_of(dialect)
        self._versions, *self._children = [
            WritableTable(table, dialect, fits_json=table.name in fit_json) for table in tables.all
        ]

    def confirm(
        self, connection: Connection, rows: Sequence[Confirmation], horizon: dt.datetime
    ) -> dict[bytes, dt.datetime | None]:
        """Move `last_confirmed_at` where the current version has the same content.

        Returns the ids of the entities that were confirmed, with `last_confirmed_at` where that is
        after `horizon`.  They are locked in the order of their ids, as in `lock_current`.

        IS TRUE keeps the planner from joining by the hashes, whose order would be another one.
        """
        db = self._features
        table = self._versions.name
        among, ids = self._beside_join(f"{table}.entity_id", [row.entity_id for row in rows])
        confirmed: dict[bytes, dt.datetime | None] = {}
        for source, parameters in db.sources((db.digest, db.hash, db.time, db.time), rows):
            sql = f"""{db.in_order}
                WITH v(entity_id, content_hash, first_at, last_at) AS ({source})
                UPDATE {table} SET last_confirmed_at = CASE
                    WHEN {table}.last_confirmed_at < coalesce(v.last_at, v.first_at)
                    THEN coalesce(v.last_at, v.first_at)
                    ELSE {table}.last_confirmed_at END
                FROM v
                WHERE {table}.entity_id = v.entity_id AND {table}.valid_to IS NULL
                    AND ({table}.content_hash = v.content_hash) IS TRUE
                    AND {table}.valid_from <= v.first_at {among}
                RETURNING {db.digest.selected.format(f"{table}.entity_id")}, CASE
                    WHEN {table}.last_confirmed_at > {db.placeholder}
                    THEN {table}.last_confirmed_at END"""  # noqa: S608 - declared, quoted names
            found = connection.exec_driver_sql(sql, (*parameters, *ids, db.time.write(horizon)))
            for entity_id, ahead in found.all():
                confirmed[db.digest.read(entity_id)] = ahead and db.time.read(ahead)
        return confirmed

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
        return map(self._version, self._since(connection, self._versions.name, columns, since))

    def current_children(
        self, connection: Connection, entity_ids: Sequence[bytes]
    ) -> dict[bytes, list[ChildLookup]]:
        """The current child rows of each entity: one lookup a child table."""
        current: dict[bytes, list[ChildLookup]] = {
            entity_id: [{} for _ in self._children] for entity_id in entity_ids
        }
        db = self._features
        queries = itertools.product(enumerate(self._children), db.among(entity_ids))
        for (index, table), (among, parameters) in queries:
            sql = f"""
                SELECT {db.digest.selected.format("x.entity_id")}, {db.child_packing.select}
                FROM {table.name} AS x
                WHERE x.entity_id {among} AND x.valid_to IS NULL
                {db.child_packing.group_by}"""  # noqa: S608
            for row in connection.exec_driver_sql(sql, parameters).all():
                current[db.digest.read(row[0])][index].update(db.unpack_children(row[1:]))
        return current

    def child_history(
        self, connection: Connection, since: Sequence[tuple[bytes, dt.datetime]]
    ) -> Iterator[tuple[bytes, StoredChild]]:
        """The child rows that were valid at or after a time, or ended then; one time an entity."""
        columns = self._child_columns()
        for index, table in enumerate(self._children):
            for row in self._since(connection, table.name, columns, since):
                yield self._child(index, row)

    def change_versions(self, script: Script, rows: Sequence[ChangedVersion]) -> None:
        """Set the times of stored versions."""
        self._update(script, self._versions, ChangedVersion._fields, rows)

    def insert_versions(self, script: Script, rows: Sequence[NewVersion]) -> None:
        """Insert versions; one that conflicts with another writer's raises the driver's error."""
        if rows:
            self._versions.insert(script, map(version_columns, in_slices(rows, _PIECE)))

    def insert_absent_versions(self, script: Script, rows: Sequence[NewVersion]) -> set[bytes]:
        """Insert versions in the order given, skipping conflicts; return whose went in."""
        return self._versions.insert_absent(script, version_columns(rows))

    def copy_versions(self, script: Script, rows: Sequence[CopiedVersion]) -> None:
        """Insert the pieces that were split off stored versions."""
        self._copy(script, self._versions, CopiedVersion._fields, rows)

    def move_children(self, script: Script, table: int, rows: Sequence[MovedChild]) -> None:
        """Set `valid_from` of stored child rows."""
        self._update(script, self._children[table], MovedChild._fields, rows)

    def end_children(self, script: Script, table: int, rows: Sequence[EndedChild]) -> None:
        """Set `valid_to` of stored child rows."""
        self._update(script, self._children[table], EndedChild._fields, rows)

    def insert_children(self, script: Script, table: int, rows: Sequence[NewChild]) -> None:
        """Insert child rows of versions that this transaction has inserted or locked."""
        if rows:
            child = self._children[table]
            columns = partial(child_columns, has_parent=child.has_parent)
            child.insert(script, map(columns, in_slices(rows, _PIECE)))

    def copy_children(self, script: Script, table: int, rows: Sequence[CopiedChild]) -> None:
        """Insert the other pieces of stored child rows that were cut in two."""
        self._copy(script, self._children[table], CopiedChild._fields, rows)

    def _update(
        self, script: Script, table: WritableTable, fields: Sequence[str], rows: Sequence[Row]
    ) -> None:
        """Set what `rows` have beside the key; `fields` are the names of their columns."""
        name = table.name
        same_row = " AND ".join(f"{name}.{key} = v.{key}" for key in fields if key in _KEY)
        changes = ", ".join(f"{column} = v.{column}" for column in fields if column not in _KEY)
        for source, parameters in self._features.sources(self._types(fields), rows):
            sql = f"""
                WITH v({", ".join(fields)}) AS ({source})
                UPDATE {name} SET {changes}
                FROM v
                WHERE {same_row}"""  # noqa: S608
            script.send(sql, parameters)

    def _copy(
        self, script: Script, table: WritableTable, fields: Sequence[str], rows: Sequence[Row]
    ) -> None:
        """Insert copies of the stored rows `source_id`, with ids and times of their own.

        `fields` are the names of what `rows` have.
        """
        own = [name for name in fields if name != "source_id"]
        columns = ", ".join([*own, *table.content])
        values = ", ".join([*map("v.{}".format, own), *map("x.{}".format, table.content)])
        same_child = " AND x.child_id = v.child_id" if "child_id" in fields else ""
        for source, parameters in self._features.sources(self._types(fields), rows):
            sql = f"""
                WITH v({", ".join(fields)}) AS ({source})
                INSERT INTO {table.name} ({columns})
                SELECT {values}
                FROM v CROSS JOIN {table.name} AS x
                WHERE x.entity_id = v.entity_id{same_child} AND x.snapshot_id = v.source_id"""  # noqa: S608
            script.send(sql, parameters)

    def _types(self, fields: Sequence[str]) -> list[SystemType]:
        """The types of system columns, by their names."""
        db = self._features
        ids = {
            "entity_id": db.digest,
            "child_id": db.digest,
            "snapshot_id": db.bigint,
            "source_id": db.bigint,
        }
        return [ids.get(name, db.time) for name in fields]

    def _since(
        self,
        connection: Connection,
        table: str,
        columns: str,
        since: Sequence[tuple[bytes, dt.datetime]],
    ) -> Iterator[Row]:
        """The rows of a table that were valid at or after a time, or ended then.

        What ends exactly there may be what an observation of that time belongs to.
        """
        db = self._features
        among, ids = self._beside_join("x.entity_id", [entity_id for entity_id, _ in since])
        for source, parameters in db.sources((db.digest, db.time), since):
            sql = f"""
                WITH v(entity_id, since) AS ({source})
                SELECT {columns}
                FROM v CROSS JOIN {table} AS x
                WHERE x.entity_id = v.entity_id {among}
                    AND (x.valid_to IS NULL OR x.valid_to >= v.since)"""  # noqa: S608
            yield from connection.exec_driver_sql(sql, (*parameters, *ids))

    def _beside_join(self, column: str, entity_ids: Sequence[bytes]) -> tuple[str, tuple[Any, ...]]:
        """A condition that names the entities once more, for the planner."""
        if self._features.exclusive:
            return "", ()  # SQLite keeps the order of the join, and takes few parameters
        [(among, ids)] = self._features.among(entity_ids)
        return f"AND {column} {among}", ids

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
        selected = {"entity_id": digest, "child_id": digest, "run_id": run}
        return ", ".join(selected.get(name, "{}").format(f"x.{name}") for name in names)

    def _version(self, row: Row) -> tuple[bytes, StoredVersion]:
        db = self._features
        entity_id, snapshot_id, content_hash, valid_from, last_confirmed_at, valid_to, run_id = row
        return db.digest.read(entity_id), StoredVersion(
            snapshot_id,
            db.hash.read(content_hash),
            db.time.read(valid_from),
            db.time.read(last_confirmed_at),
            db.time.read(valid_to),
            db.run.read(run_id),
        )

    def _child(self, table: int, row: Row) -> tuple[bytes, StoredChild]:
        db = self._features
        entity_id, child_id, snapshot_id, content_hash, valid_from, valid_to = row
        return db.digest.read(entity_id), StoredChild(
            table,
            db.digest.read(child_id),
            snapshot_id,
            db.hash.read(content_hash),
            db.time.read(valid_from),
            db.time.read(valid_to),
        )
