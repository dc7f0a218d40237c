"""A quick look at the start of a crawl for tables with many versions that should be joined."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql.expression import ColumnElement

from scrapy_snapshot_pipeline.store.normal_form.catalogue import older_tables
from scrapy_snapshot_pipeline.store.schema.tables import EntityTables
from scrapy_snapshot_pipeline.store.sql.dialects import in_slices

logger = logging.getLogger(__name__)

_SAMPLE = 2_000
"""How many versions of a table are looked at, so that no start waits for a large one."""
_AT_ONCE = 100
"""Tables in one query: a start on a server that is far must not take a round trip for each."""
_FEW = 3
"""So many pairs are not worth a warning."""


def tables_to_normalize(connection: Connection, tables: Sequence[EntityTables]) -> list[str]:
    """The tables of an older release whose first versions hold more than a few touching pairs."""
    older = older_tables(connection, [entity.versions.name for entity in tables])
    sampled = [entity.versions for entity in tables if entity.versions.name in older]
    found: list[str] = []
    for some in in_slices(sampled, _AT_ONCE):
        counts = [sa.select(sa.literal(t.name), _touching_pairs(t, _SAMPLE)) for t in some]
        rows = connection.execute(sa.union_all(*counts))
        found += [name for name, pairs in rows if pairs > _FEW]
    return found


def warn_of_pairs(table: str) -> None:
    """Tell the user what to do about a table that `tables_to_normalize` has found."""
    logger.warning(
        "Table %s holds versions of equal content side by side, which an older release has "
        "written; `scrapy snapshots normalize %s` joins them, also while crawls are running",
        table,
        table,
    )


def _touching_pairs(versions: sa.Table, most: int) -> sa.ScalarSelect[int]:
    """The number of touching pairs of equal hash among the first `most` lasting versions."""
    v = versions.c
    first = (
        sa.select(v.entity_id, v.snapshot_id, v.content_hash, v.valid_from, v.valid_to)
        .where(sa.or_(v.valid_to.is_(None), v.valid_to > v.valid_from))
        .order_by(v.entity_id, v.snapshot_id)
        .limit(most)
        .subquery()
    )
    beside = sa.select(
        first.c.content_hash,
        first.c.valid_from,
        _before(first, first.c.content_hash).label("hash_before"),
        _before(first, first.c.valid_to).label("end_before"),
    ).subquery()
    equal = sa.and_(
        beside.c.hash_before == beside.c.content_hash, beside.c.end_before == beside.c.valid_from
    )
    return sa.select(sa.func.count()).select_from(beside).where(equal).scalar_subquery()


def _before(rows: sa.Subquery, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The value in the version before, of the same entity."""
    return sa.func.lag(column).over(partition_by=rows.c.entity_id, order_by=rows.c.snapshot_id)
