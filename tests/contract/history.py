"""What a store keeps of an entity, in one form for every store."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import sqlalchemy as sa

from scrapy_snapshot_pipeline.store.schema.tables import EntityTables
from tests.contract.entities import START


class Version(NamedTuple):
    """A stored version; times are seconds."""

    score: int
    valid_from: int
    last_confirmed_at: int
    valid_to: int | None


class Row(NamedTuple):
    """A stored child row; `path` is the names from the entity down."""

    path: tuple[str, ...]
    content: int
    valid_from: int
    valid_to: int | None

    def valid_at(self, second: int) -> bool:
        """Whether the row is part of the state at `second`."""
        return self.valid_from <= second and (self.valid_to is None or second < self.valid_to)


class History(NamedTuple):
    """All that is stored of one entity."""

    versions: tuple[Version, ...]
    """By `valid_from`, a version of no length first."""
    rows: frozenset[Row]

    def state_at(self, second: int) -> tuple[int, frozenset[tuple[tuple[str, ...], int]]] | None:
        """Score, and content by path, as of `second`."""
        for version in self.versions:
            if version.valid_from <= second and (
                version.valid_to is None or second < version.valid_to
            ):
                rows = frozenset((r.path, r.content) for r in self.rows if r.valid_at(second))
                return version.score, rows
        return None


def read(connection: sa.Connection, tables: EntityTables, name: str) -> History:
    """Read the history of the entity called `name`."""
    versions = tables.versions
    markets, selections = tables.children
    own = versions.c.name == name
    stored = connection.execute(sa.select(versions).where(own)).all()
    if not stored:
        return History((), frozenset())
    entity_id = stored[0].entity_id
    market_rows = connection.execute(
        sa.select(markets).where(markets.c.entity_id == entity_id)
    ).all()
    names = {row.child_id: row.name for row in market_rows}
    rows = {
        Row((row.name,), row.price, _second(row.valid_from), _end(row.valid_to))
        for row in market_rows
    }
    for row in connection.execute(sa.select(selections).where(selections.c.entity_id == entity_id)):
        path = (names[row.parent_id], row.name)
        rows.add(Row(path, row.odds, _second(row.valid_from), _end(row.valid_to)))
    return History(
        tuple(
            sorted(
                (
                    Version(
                        int(row.score),
                        _second(row.valid_from),
                        _second(row.last_confirmed_at),
                        _end(row.valid_to),
                    )
                    for row in stored
                ),
                key=lambda v: (v.valid_from, v.valid_to is None, v.valid_to),
            )
        ),
        frozenset(rows),
    )


def _second(moment: dt.datetime) -> int:
    return round((moment - START).total_seconds())


def _end(moment: dt.datetime | None) -> int | None:
    return None if moment is None else _second(moment)
