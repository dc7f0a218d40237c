"""What must hold whatever went wrong: the oracles O1 to O8, O10 and O11, for database and crawl.

O9, that every Deferred fires exactly once, belongs to the unit tests of the delivery.  A Deferred
that fires twice raises there, and one that never fires hangs a crawl here (O6).
"""

from __future__ import annotations

import collections
import itertools
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from tests.crawl.database import connected
from tests.faults.crawling import Look, Looking

GAP = 0.5
"""Seconds that O10 allows between two beats of the reactor.  On a shared machine a shorter stall
cannot be told from a busy neighbour; a fault lasts seconds."""
FORBIDDEN = ("canary0secret", "\x1b", "\x00")
"""A password, and control characters of a terminal."""


@dataclass(frozen=True)
class Stored:
    """The tables `ticker` and `ticker_legs`, read with plain SQL."""

    versions: dict[str, list[Any]]
    """Rows by sku, in the order of `valid_from`."""
    legs: dict[bytes, list[Any]]
    """Rows by entity id."""

    @property
    def looks(self) -> dict[str, list[int]]:
        """The numbers of each entity's versions, in the order of time."""
        return {sku: [row.look for row in rows] for sku, rows in self.versions.items()}


def stored(url: str) -> Stored:
    """Read both tables."""
    with connected(url) as connection:
        versions = connection.execute(sa.text("SELECT * FROM ticker")).all()
        legs = connection.execute(sa.text("SELECT * FROM ticker_legs")).all()
    by_sku: dict[str, list[Any]] = collections.defaultdict(list)
    for row in sorted(versions, key=lambda row: (row.valid_from, row.snapshot_id)):
        by_sku[row.sku].append(row)
    by_entity: dict[bytes, list[Any]] = collections.defaultdict(list)
    for leg in legs:
        by_entity[_key(leg.entity_id)].append(leg)
    return Stored(by_sku, by_entity)


def lost(expected: list[Look], found: Stored) -> list[Look]:
    """O4: the observations that were expected, and are not stored."""
    there = {Look(sku, look) for sku, looks in found.looks.items() for look in looks}
    return sorted(set(expected) - there)


def doubled(found: Stored) -> list[Look]:
    """O2: the observations that are stored more than once.

    Equal content is seen in consecutive looks of one crawl, so it is one version, whichever of them
    is stored first.
    """
    return [
        Look(sku, look)
        for sku, looks in found.looks.items()
        for look, times in collections.Counter(looks).items()
        if times > 1
    ]


def assert_normal_form(found: Stored) -> None:
    """O11: no two versions that touch have equal content, nor two rows of one leg."""
    for sku, rows in found.versions.items():
        legs = found.legs[_key(rows[0].entity_id)]
        sides = [[leg for leg in legs if leg.side == side] for side in ("buy", "sell")]
        for stored_rows in (rows, *sides):
            lasting = [row for row in stored_rows if row.valid_to != row.valid_from]
            for a, b in itertools.pairwise(sorted(lasting, key=lambda row: row.valid_from)):
                assert (a.look, a.valid_to) != (b.look, b.valid_from), f"{sku}: {a} and {b}"


def assert_ordered(found: Stored) -> None:
    """O3: the versions of each entity are in the order in which they were seen."""
    for sku, looks in found.looks.items():
        assert looks == sorted(looks), f"{sku} is out of order"


def assert_intervals(found: Stored) -> None:
    """The last version of an entity is current, and each one before ends where the next begins."""
    for sku, rows in found.versions.items():
        assert rows[-1].valid_to is None, sku
        assert all(a.valid_to == b.valid_from for a, b in itertools.pairwise(rows)), sku
        assert all(row.valid_from <= row.last_confirmed_at for row in rows), sku


def assert_no_overlap(found: Stored) -> None:
    """The same after several crawlers, where a late record may be a version of no length."""
    for sku, rows in found.versions.items():
        assert [row.valid_to for row in rows].count(None) == 1, sku
        lasting = [row for row in rows if row.valid_to != row.valid_from]
        assert all(a.valid_to == b.valid_from for a, b in itertools.pairwise(lasting)), sku


def assert_whole(found: Stored) -> None:
    """O7: every version has the two legs of its content, from its beginning to its end."""
    for sku, rows in found.versions.items():
        legs = found.legs[_key(rows[0].entity_id)]
        assert len(legs) == 2 * len(rows), sku
        of_look = collections.defaultdict(list)
        for leg in legs:
            of_look[leg.look].append((leg.valid_from, leg.valid_to))
        for row in rows:
            assert of_look[row.look] == [(row.valid_from, row.valid_to)] * 2, sku


def assert_accounted(looking: Looking) -> None:
    """O1: the outcomes add up to what was accepted."""
    parts = ("inserted", "revised", "confirmed", "coalesced", "dead_lettered", "dropped", "failed")
    assert looking.stat("accepted") == sum(map(looking.stat, parts)), looking.crawl.stats


def assert_bounded(looking: Looking, queue_size: int = 2_000) -> None:
    """O5: the queue never held more than its bound."""
    assert looking.stat("queue_records_max") <= queue_size


def assert_beating(looking: Looking) -> None:
    """O10: the reactor never stood still."""
    assert looking.longest_gap < GAP


def assert_discreet(looking: Looking) -> None:
    """O8: the log has no secret and no control character."""
    for text in FORBIDDEN:
        assert text not in looking.crawl.log


def database_of(url: str) -> str:
    """The kind of database, as the table of faults names it."""
    return url.partition(":")[0].partition("+")[0]


def _key(entity_id: Any) -> bytes:
    return entity_id if isinstance(entity_id, bytes) else entity_id.bytes
