"""Which tables are in normal form, as `snapshot_schema` tells by their version."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from scrapy_snapshot_pipeline.declaration import catalog
from scrapy_snapshot_pipeline.store.schema.tables import (
    SCHEMA,
    SCHEMA_VERSION,
    SYSTEM,
    EntityTables,
    entity_tables,
)

NORMAL_FORM_VERSION = 2
"""A table of this version or a later one has been in normal form since it was created, or was
brought into it."""


def entity_tables_of(connection: Connection, name: str) -> EntityTables:
    """The tables of a stored entity table, without the user's class."""
    rows = connection.execute(sa.select(SCHEMA.c.table_name, SCHEMA.c.columns))
    texts = {row.table_name: row.columns for row in rows if row.table_name not in SYSTEM.tables}
    found = next(each for each in catalog.declarations(texts) if each.table == name)
    return entity_tables(found, sa.MetaData(), None)


def older_tables(connection: Connection, names: Collection[str]) -> list[str]:
    """Those of the tables that were never in normal form, by name."""
    older = SCHEMA.c.version < NORMAL_FORM_VERSION
    named = SCHEMA.c.table_name.in_(sorted(names))
    statement = sa.select(SCHEMA.c.table_name).where(older, named).order_by(SCHEMA.c.table_name)
    return list(connection.execute(statement).scalars())


def record_normal_form(connection: Connection, entity: EntityTables) -> None:
    """Note that the tables of an entity are in normal form now."""
    names = [table.name for table in entity.all]
    older = sa.and_(SCHEMA.c.table_name.in_(names), SCHEMA.c.version < NORMAL_FORM_VERSION)
    connection.execute(sa.update(SCHEMA).where(older).values(version=SCHEMA_VERSION))
