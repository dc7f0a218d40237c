"""Rows of equal content that touch are shown as one.

Only release 0.1.0 has written such chains, and `scrapy snapshots normalize` joins them.  A table
that was created later, or was normalized, is in normal form, and costs nothing here.  Of a chain
the first version is a change, and the others are none; each has the times of the whole chain.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql.expression import FromClause

from scrapy_snapshot_pipeline.history.conditions import lasting, one_of
from scrapy_snapshot_pipeline.history.connection.streams import stream
from scrapy_snapshot_pipeline.history.queries import ChildRow, Queries, VersionRow
from scrapy_snapshot_pipeline.history.values import stored_id


class _Link(NamedTuple):
    """A lasting row, as far as chains depend on it."""

    entity_id: bytes
    child_id: bytes | None
    snapshot_id: int
    content_hash: bytes
    valid_from: dt.datetime
    valid_to: dt.datetime | None
    last_confirmed_at: dt.datetime | None


_RowId: TypeAlias = "tuple[bytes, bytes | None, int]"
_Chain: TypeAlias = Sequence[_Link]


def whole_versions(
    connection: Connection, queries: Queries, versions: Sequence[VersionRow]
) -> Sequence[VersionRow]:
    """The same versions, each with the times of its chain."""
    if queries.normal_form or not versions:
        return versions
    ids = sorted({version.entity_id for version in versions})
    chains = _chains(_links(connection, queries.v, ids))
    return [_whole_version(v, chains.get((v.entity_id, None, v.snapshot_id))) for v in versions]


def whole_children(
    connection: Connection, queries: Queries, entity_ids: Sequence[bytes], rows: Iterable[ChildRow]
) -> Iterable[ChildRow]:
    """The same rows of these entities, each with the times of its chain."""
    if queries.normal_form:
        yield from rows
        return
    for table, of_table in groupby(rows, key=lambda row: row.table):
        chains = _chains(_links(connection, queries.child_rows[table], entity_ids))
        for row in of_table:
            chain = chains.get((row.entity_id, row.child_id, row.snapshot_id))
            yield row if chain is None else _whole_child(row, chain)


def _links(connection: Connection, table: FromClause, ids: Sequence[bytes]) -> Iterator[_Link]:
    """By entity and child, oldest first; streamed."""
    c = table.c
    child = [c.child_id] if "child_id" in c else []
    statement = (
        sa.select(
            stored_id(c.entity_id),
            stored_id(c.child_id) if child else sa.null(),
            *(c.snapshot_id, c.content_hash, c.valid_from, c.valid_to),
            sa.null() if child else c.last_confirmed_at,
        )
        .where(one_of(connection, c.entity_id, ids), lasting(table))
        .order_by(c.entity_id, *child, c.snapshot_id)
    )
    return map(_Link._make, stream(connection, statement))


def _chains(links: Iterable[_Link]) -> dict[_RowId, _Chain]:
    """The chain of each row that is in one with others."""
    found: dict[_RowId, _Chain] = {}
    chain: list[_Link] = []
    for link in links:
        if chain and _continues(chain[-1], link):
            chain.append(link)
            found |= {each[:3]: chain for each in chain[-2:]}
        else:
            chain = [link]
    return found


def _continues(one: _Link, other: _Link) -> bool:
    return (
        one[:2] == other[:2]
        and one.valid_to == other.valid_from
        and one.content_hash == other.content_hash
    )


def _whole_version(version: VersionRow, chain: _Chain | None) -> VersionRow:
    if chain is None:
        return version
    confirmed = [link.last_confirmed_at for link in chain if link.last_confirmed_at is not None]
    return version._replace(
        valid_from=chain[0].valid_from,
        last_confirmed_at=max(confirmed),
        valid_to=chain[-1].valid_to,
    )


def _whole_child(row: ChildRow, chain: _Chain) -> ChildRow:
    return row._replace(valid_from=chain[0].valid_from, valid_to=chain[-1].valid_to)
