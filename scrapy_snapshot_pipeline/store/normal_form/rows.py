"""The rows of one declaration's tables: read and joined an entity at a time, for a few entities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from scrapy_snapshot_pipeline.declaration.tables import Column, Kind, Role
from scrapy_snapshot_pipeline.store.normal_form.join import (
    ChangedChild,
    DeletedChild,
    DeletedVersion,
    Joins,
    StoredChild,
    StoredVersion,
    Values,
    WidenedVersion,
)
from scrapy_snapshot_pipeline.store.schema.tables import EntityTables
from scrapy_snapshot_pipeline.store.sql.dialects import features_of
from scrapy_snapshot_pipeline.store.sql.statements import Statements

NormalJson: TypeAlias = Callable[[str], str]
"""Makes of a stored JSON text the one text that all texts of equal values have."""


class HistoryRows:
    """Reads and writes inside the caller's transaction."""

    def __init__(
        self, entity: EntityTables, connection: Connection, normal_json: NormalJson
    ) -> None:
        """`connection` is used here only."""
        self._entity = entity
        self._features = features_of(connection.dialect)
        self._statements = Statements(entity, connection.dialect, frozenset())
        format_table = connection.dialect.identifier_preparer.format_table
        self._versions_name = format_table(entity.versions)
        self._child_names = [format_table(table) for table in entity.children]
        columns = [entity.declaration.columns, *(c.columns for c in entity.declaration.children)]
        by_value = [any(c.kind is Kind.JSON for c in each) for each in columns]
        # A version's hash covers its children too, whose JSON may be what differs.
        by_value[0] = any(by_value)
        self._own, *self._of_children = [
            _Content(*each, normal_json) for each in zip(entity.all, columns, by_value, strict=True)
        ]

    def count_entities(self, connection: Connection) -> int:
        """How many entities have a current version."""
        current = self._entity.versions.c.valid_to.is_(None)
        counted = sa.select(sa.func.count()).select_from(self._entity.versions).where(current)
        return connection.execute(counted).scalar_one()

    def page(
        self, connection: Connection, after: bytes | None, most: int
    ) -> list[tuple[bytes, int]]:
        """The next `most` entities by id, each with the number of its rows in all tables."""
        column = self._entity.versions.c.entity_id
        ids = sa.select(column, sa.func.count()).group_by(column).order_by(column).limit(most)
        if after is not None:
            ids = ids.where(column > after)
        counts = Counter(dict(map(tuple, connection.execute(ids))))
        found = sorted(counts)
        for table in self._entity.children if found else ():
            column = table.c.entity_id
            below = sa.select(column, sa.func.count()).group_by(column)
            here = column.between(found[0], found[-1])
            counts.update(dict(map(tuple, connection.execute(below.where(here)))))
        return sorted(counts.items())

    def joins(self, connection: Connection, entity_ids: Sequence[bytes]) -> Joins:
        """What is to be joined of these entities."""
        versions: dict[bytes, list[StoredVersion]] = {each: [] for each in entity_ids}
        children: dict[bytes, list[StoredChild]] = {each: [] for each in entity_ids}
        for entity_id, *head, confirmed, own in self._own.read(connection, entity_ids):
            versions[entity_id].append(StoredVersion._make((*head, own, confirmed)))
        for index, content in enumerate(self._of_children):
            for entity_id, *head, child_id, own in content.read(connection, entity_ids):
                children[entity_id].append(StoredChild._make((*head, own, index, child_id)))
        found = Joins()
        for entity_id in entity_ids:
            found.add(entity_id, versions[entity_id], children[entity_id])
        return found

    def join(self, connection: Connection, entity_ids: Sequence[bytes]) -> Joins:
        """Join what is to be joined of these entities, which must be sorted.

        Their current versions are locked first, as a crawl does that writes them.
        """
        self._statements.reads.lock_current(connection, entity_ids)
        joins = self.joins(connection, entity_ids)
        for index, name in enumerate(self._child_names):
            self._delete_children(connection, name, joins.deleted_children[index])
            self._change_children(connection, name, joins.changed_children[index])
        self._delete_versions(connection, joins.deleted_versions)
        self._widen_versions(connection, joins.widened_versions)
        return joins

    def _delete_children(
        self, connection: Connection, name: str, rows: Sequence[DeletedChild]
    ) -> None:
        db = self._features
        for source, parameters in db.sources((db.digest, db.digest, db.bigint), rows):
            sql = f"""
                WITH v(entity_id, child_id, snapshot_id) AS ({source})
                DELETE FROM {name} WHERE (entity_id, child_id, snapshot_id) IN
                    (SELECT entity_id, child_id, snapshot_id FROM v)"""  # noqa: S608 - declared, quoted names
            connection.exec_driver_sql(sql, parameters)

    def _change_children(
        self, connection: Connection, name: str, rows: Sequence[ChangedChild]
    ) -> None:
        db = self._features
        types = (db.digest, db.digest, db.bigint, db.bigint, db.time)
        for source, parameters in db.sources(types, rows):
            sql = f"""
                WITH v(entity_id, child_id, snapshot_id, new_id, valid_from) AS ({source})
                UPDATE {name} SET snapshot_id = v.new_id, valid_from = v.valid_from
                FROM v
                WHERE {name}.entity_id = v.entity_id AND {name}.child_id = v.child_id
                    AND {name}.snapshot_id = v.snapshot_id"""  # noqa: S608
            connection.exec_driver_sql(sql, parameters)

    def _delete_versions(self, connection: Connection, rows: Sequence[DeletedVersion]) -> None:
        db, name = self._features, self._versions_name
        for source, parameters in db.sources((db.digest, db.bigint), rows):
            sql = f"""
                WITH v(entity_id, snapshot_id) AS ({source})
                DELETE FROM {name} WHERE (entity_id, snapshot_id) IN
                    (SELECT entity_id, snapshot_id FROM v)"""  # noqa: S608
            connection.exec_driver_sql(sql, parameters)

    def _widen_versions(self, connection: Connection, rows: Sequence[WidenedVersion]) -> None:
        db, name = self._features, self._versions_name
        for source, parameters in db.sources((db.digest, db.bigint, db.time, db.time), rows):
            sql = f"""
                WITH v(entity_id, snapshot_id, valid_from, last_confirmed_at) AS ({source})
                UPDATE {name}
                SET valid_from = v.valid_from, last_confirmed_at = v.last_confirmed_at
                FROM v
                WHERE {name}.entity_id = v.entity_id
                    AND {name}.snapshot_id = v.snapshot_id"""  # noqa: S608
            connection.exec_driver_sql(sql, parameters)


class _Content:
    """How the rows of one table are read to be compared."""

    def __init__(
        self,
        table: sa.Table,
        columns: Sequence[Column],
        by_value: bool,  # noqa: FBT001 - one of a row of such flags
        normal_json: NormalJson,
    ) -> None:
        """`by_value`: read the tracked values too, since equal ones may have different hashes."""
        self._table = table
        self._tracked = [c for c in columns if by_value and c.role is Role.TRACKED]
        self._by_value = by_value
        self._normal_json = normal_json

    def read(
        self, connection: Connection, entity_ids: Sequence[bytes]
    ) -> Iterator[tuple[Any, ...]]:
        """Of each row: entity, id, hash, start and end, what only its table has, and its values."""
        c = self._table.c
        extra = c.child_id if "child_id" in c else c.last_confirmed_at
        head = (c.entity_id, c.snapshot_id, c.content_hash, c.valid_from, c.valid_to, extra)
        own = [
            sa.cast(c[each.name], sa.Text()) if each.kind is Kind.JSON else c[each.name]
            for each in self._tracked
        ]
        statement = sa.select(*head, *own).where(c.entity_id.in_(entity_ids))
        for row in connection.execute(statement):
            yield (*row[: len(head)], self._values(row[len(head) :]))

    def _values(self, stored: Sequence[Any]) -> Values:
        if not self._by_value:
            return None
        return tuple(
            self._normal_json(value) if c.kind is Kind.JSON and value is not None else value
            for value, c in zip(stored, self._tracked, strict=True)
        )
