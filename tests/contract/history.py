"""What a store keeps of an entity, in one form for every store."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
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

    @property
    def lasting(self) -> tuple[Version, ...]:
        """Versions that are no moments."""
        return tuple(v for v in self.versions if v.valid_to != v.valid_from)

    @property
    def moments(self) -> tuple[int, ...]:
        """The seconds of versions of no length."""
        return tuple(v.valid_from for v in self.versions if v.valid_to == v.valid_from)

    @property
    def lasting_rows(self) -> frozenset[Row]:
        """Rows that are none of a moment."""
        return frozenset(row for row in self.rows if row.valid_to != row.valid_from)

    def fault(self) -> str | None:
        """What is wrong with a history by itself; None: it is one, and in normal form."""
        lasting = self.lasting
        if [v.valid_to for v in lasting].count(None) != 1 or lasting[-1].valid_to is not None:
            return "not exactly one version is current, the last"
        for version in lasting:
            if not version.valid_from <= version.last_confirmed_at:
                return f"{version} is confirmed before it begins"
            if version.valid_to is not None and version.last_confirmed_at >= version.valid_to:
                return f"{version} is confirmed after its end"
        for one, two in pairwise(lasting):
            if one.valid_to != two.valid_from:
                return f"{one} and {two} do not touch"
            if self.state_at(one.valid_from) == self.state_at(two.valid_from):
                return f"{one} and {two} are equal"
        return self._rows_fault()

    def _rows_fault(self) -> str | None:
        bounds = {None, *(v.valid_from for v in self.lasting)}
        by_path: defaultdict[tuple[str, ...], list[Row]] = defaultdict(list)
        for row in sorted(self.lasting_rows, key=lambda row: row.valid_from):
            by_path[row.path].append(row)
            if not {row.valid_from, row.valid_to} <= bounds:
                return f"{row} begins or ends within a version"
        return next(filter(None, map(_neighbours_fault, by_path.values())), None)


def _neighbours_fault(rows: Sequence[Row]) -> str | None:
    for one, two in pairwise(rows):
        if one.valid_to is None or one.valid_to > two.valid_from:
            return f"{one} and {two} overlap"
        if one.valid_to == two.valid_from and one.content == two.content:
            return f"{one} and {two} touch and are equal"
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
    rows = [
        Row((row.name,), row.price, _second(row.valid_from), _end(row.valid_to))
        for row in market_rows
    ]
    for row in connection.execute(sa.select(selections).where(selections.c.entity_id == entity_id)):
        path = (names[row.parent_id], row.name)
        rows.append(Row(path, row.odds, _second(row.valid_from), _end(row.valid_to)))
    lasting = [row for row in rows if row.valid_to != row.valid_from]
    assert len(set(lasting)) == len(lasting), "a row is stored twice"
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
