"""The index on the natural key, for people's own queries; it must not limit the key.

PostgreSQL refuses an entry of more than 2.7 kB in an index (54000).  Hardly any key is that long,
and whoever asks by a key should find it by an index on the key itself.  So the index is made on
the whole key, and on the start of its texts when the first key comes that is too long.  Pure.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateIndex, DropIndex

from scrapy_snapshot_pipeline.errors import BadDataError
from scrapy_snapshot_pipeline.store.schema.tables import EntityTables, key_index, object_name

_TOO_LONG = "54000"
_START = 200
"""Characters or bytes; PostgreSQL takes some thousand bytes an entry, of all columns together."""


def refused_by_key_index(error: BadDataError, entity: EntityTables) -> bool:
    """Whether a row was refused since its key is too long for the index."""
    return error.cause.code == _TOO_LONG and error.cause.constraint == key_index(entity).name


def shorten_key_index(entity: EntityTables, dialect: Dialect) -> list[str]:
    """The statements that replace the index on the whole key by one on its start."""
    whole = key_index(entity)
    table = entity.versions.to_metadata(sa.MetaData())
    start = sa.Index(
        object_name(str(whole.name), "start"),
        *(_start_of(table.c[column.name]) for column in whole.columns),
        postgresql_where=table.c.valid_to.is_(None),
        _table=table,
    )
    return [
        str(DropIndex(whole, if_exists=True).compile(dialect=dialect)),
        str(CreateIndex(start, if_not_exists=True).compile(dialect=dialect)),
    ]


def _start_of(column: sa.Column[object]) -> sa.ColumnElement[object]:
    if not isinstance(column.type, sa.String | sa.LargeBinary):
        return column
    return sa.func.substr(column, 1, _START)
