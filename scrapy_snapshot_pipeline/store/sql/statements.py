"""The SQL for the tables of one declaration: one set of statements for every database.

A statement takes all rows of a batch, or as many as its database can take.

There is no sequence, no server clock, no temporary table and no SELECT FOR UPDATE, since
distributed databases refuse them or are slow with them.
Identifiers come only from declarations, and are quoted; values are always parameters.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from functools import partial
from typing import NamedTuple

from sqlalchemy.engine import Connection, Dialect

from scrapy_snapshot_pipeline.evolution.second_look import SecondLook
from scrapy_snapshot_pipeline.scd2.plan import (
    ChangedVersion,
    CopiedChild,
    CopiedVersion,
    EndedChild,
    ExtendedVersion,
    MovedChild,
    NewChild,
    NewVersion,
    RenewedChild,
    RenewedVersion,
)
from scrapy_snapshot_pipeline.store.schema.tables import FIRST_SHAPE, EntityTables
from scrapy_snapshot_pipeline.store.sql.columns import child_columns, version_columns
from scrapy_snapshot_pipeline.store.sql.dialects import Row, SystemType, features_of, in_slices
from scrapy_snapshot_pipeline.store.sql.insert import WritableTable
from scrapy_snapshot_pipeline.store.sql.reads import Reads, beside_join
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


class Statements:
    """Writes of one declaration's tables, and its `reads`, inside the caller's transaction."""

    def __init__(
        self, tables: EntityTables, dialect: Dialect, fit_json: Collection[str] = ()
    ) -> None:
        """`fit_json` names those tables whose rows may travel as JSON: see `json_tables`."""
        self._features = features_of(dialect)
        shape = tables.shape or FIRST_SHAPE
        shaped = len(shape.shapes) > 1
        self._versions, *self._children = [
            WritableTable(
                table,
                dialect,
                fits_json=table.name in fit_json,
                others=shape.others.get(table.name, ()),
                shaped=shaped,
            )
            for table in tables.all
        ]
        self._shape = shape.number if shaped else None
        """None: the only one, which needs not be written."""
        self.reads = Reads(tables, dialect, self._versions, self._children)
        self.second_look = SecondLook(shape.number, tables.declaration, shape.shapes)

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
        among, ids = beside_join(db, f"{table}.entity_id", [row.entity_id for row in rows])
        confirmed: dict[bytes, dt.datetime | None] = {}
        for source, parameters in db.sources((db.digest, db.hash, db.time, db.time), rows):
            sql = f"""{db.in_order}
                WITH v(entity_id, content_hash, first_at, last_at) AS ({source})
                UPDATE {table} SET last_confirmed_at = CASE
                    WHEN {table}.last_confirmed_at < coalesce(v.last_at, v.first_at)
                    THEN coalesce(v.last_at, v.first_at)
                    ELSE {table}.last_confirmed_at END{self._newer_shape(table)}
                FROM v
                WHERE {table}.entity_id = v.entity_id AND {table}.valid_to IS NULL
                    AND ({table}.content_hash = v.content_hash) IS TRUE
                    AND {table}.valid_from <= v.first_at {among}{self._decided(table)}
                RETURNING {db.digest.selected.format(f"{table}.entity_id")}, CASE
                    WHEN {table}.last_confirmed_at > {db.placeholder}
                    THEN {table}.last_confirmed_at END"""  # noqa: S608 - declared, quoted names
            found = connection.exec_driver_sql(sql, (*parameters, *ids, db.time.write(horizon)))
            for entity_id, ahead in found.all():
                confirmed[db.digest.read(entity_id)] = ahead and db.time.read(ahead)
        return confirmed

    def change_versions(self, script: Script, rows: Sequence[ChangedVersion]) -> None:
        """Set the times of stored versions."""
        self._update(script, self._versions, ChangedVersion._fields, rows)

    def insert_versions(self, script: Script, rows: Sequence[NewVersion]) -> None:
        """Insert versions; one that conflicts with another writer's raises the driver's error."""
        if rows:
            columns = partial(version_columns, shape=self._shape)
            self._versions.insert(script, map(columns, in_slices(rows, _PIECE)))

    def insert_absent_versions(self, script: Script, rows: Sequence[NewVersion]) -> set[bytes]:
        """Insert versions in the order given, skipping conflicts; return whose went in."""
        return self._versions.insert_absent(script, version_columns(rows, self._shape))

    def copy_versions(self, script: Script, rows: Sequence[CopiedVersion]) -> None:
        """Insert the pieces that were split off stored versions."""
        self._copy(script, self._versions, CopiedVersion._fields, rows)

    def renew_versions(self, script: Script, rows: Sequence[RenewedVersion]) -> None:
        """Set hashes and shapes of stored versions."""
        self._update(script, self._versions, _renewed(RenewedVersion), rows)

    def extend_versions(self, script: Script, rows: Sequence[ExtendedVersion]) -> None:
        """Mark stored versions in which nothing differs but what is new to the class."""
        name = self._versions.name
        types = self._types(ExtendedVersion._fields)
        for source, parameters in self._features.sources(types, rows):
            sql = f"""
                WITH v(entity_id, snapshot_id) AS ({source})
                UPDATE {name} SET snapshot_extended = TRUE
                FROM v
                WHERE {name}.entity_id = v.entity_id AND {name}.snapshot_id = v.snapshot_id"""  # noqa: S608
            script.send(sql, parameters)

    def renew_children(self, script: Script, table: int, rows: Sequence[RenewedChild]) -> None:
        """Set hashes and shapes of stored child rows."""
        self._update(script, self._children[table], _renewed(RenewedChild), rows)

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
            columns = partial(child_columns, has_parent=child.has_parent, shape=self._shape)
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
            "content_hash": db.hash,
            "snapshot_shape": db.bigint,
        }
        return [ids.get(name, db.time) for name in fields]

    def _decided(self, table: str) -> str:
        """The rest of a WHERE that confirms: equal hashes mean equal content."""
        shapes = ", ".join(map(str, sorted(self.second_look.undecided)))
        return f" AND coalesce({table}.snapshot_shape, 1) NOT IN ({shapes})" if shapes else ""

    def _newer_shape(self, table: str) -> str:
        """The rest of a SET that confirms: what has the same hash has it under this shape too."""
        if self._shape is None:
            return ""
        stored = f"{table}.snapshot_shape"
        return f""", snapshot_shape = CASE
                    WHEN coalesce({stored}, 1) < {self._shape} THEN {self._shape}
                    ELSE {stored} END"""


def _renewed(row: type[RenewedVersion | RenewedChild]) -> list[str]:
    return [*row._fields[:-1], "snapshot_shape"]
