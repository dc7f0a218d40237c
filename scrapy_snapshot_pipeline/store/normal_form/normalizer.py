"""Walks through a table of entities and joins what is to be joined, a few entities at a time.

Each slice is a transaction of its own, so a walk that is interrupted leaves a correct database and
may be started again.  Crawls may run meanwhile: only entities with something to join are locked,
in the order of their ids and for one slice at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from sqlalchemy.engine import Connection

from scrapy_snapshot_pipeline.delivery.retry import FailureTracker, Retry, RetryPolicy
from scrapy_snapshot_pipeline.errors import WriteError
from scrapy_snapshot_pipeline.store.connection.checked_transactions import CheckedTransactions
from scrapy_snapshot_pipeline.store.normal_form.catalogue import (
    entity_tables_of,
    record_normal_form,
)
from scrapy_snapshot_pipeline.store.normal_form.join import Joins
from scrapy_snapshot_pipeline.store.normal_form.rows import HistoryRows, NormalJson

T = TypeVar("T")

_PAGE = 500
"""Entities whose sizes are asked for at once."""


@dataclass(frozen=True, slots=True)
class Normalized:
    """What was looked at, and what was joined or would be."""

    entities: int = 0
    versions: int = 0
    """That went into a later one."""
    children: int = 0
    """Child rows that went into a later one."""

    def __add__(self, other: Normalized) -> Normalized:
        return Normalized(
            self.entities + other.entities,
            self.versions + other.versions,
            self.children + other.children,
        )


@dataclass(slots=True)
class Normalizer:
    """Blocks.  Every method raises WriteError where the database fails for longer than `policy`."""

    transactions: CheckedTransactions
    normal_json: NormalJson
    policy: RetryPolicy
    sleep: Callable[[float], object]
    now: Callable[[], float]
    """Seconds, on a clock that never goes back."""
    chance: Callable[[], float]
    """A number in [0, 1], for the jitter of a retry."""
    slice_rows: int = 5_000
    """Most rows that are held in memory, unless a single entity has more."""

    def count_entities(self, table: str) -> int:
        """How many entities are about to be looked at."""
        return self._retried(self._rows(table).count_entities)

    def normalize(self, table: str, *, dry_run: bool = False) -> Iterator[Normalized]:
        """Bring one table of entities, with its child tables, into normal form.

        Yields the counts of each slice after its commit.  With `dry_run` nothing is written.
        """
        rows = self._rows(table)
        for entity_ids in self._slices(rows):
            joins = self._retried(partial(rows.joins, entity_ids=entity_ids))
            if joins.entity_ids and not dry_run:
                joins = self._retried(partial(rows.join, entity_ids=joins.entity_ids))
            yield _counted(len(entity_ids), joins)
        if not dry_run:
            self._retried(lambda c: record_normal_form(c, entity_tables_of(c, table)))

    def _rows(self, table: str) -> HistoryRows:
        return self._retried(lambda c: HistoryRows(entity_tables_of(c, table), c, self.normal_json))

    def _slices(self, rows: HistoryRows) -> Iterator[list[bytes]]:
        """The ids of all entities, sorted, in lists whose rows fit into memory."""
        after: bytes | None = None
        while page := self._retried(partial(rows.page, after=after, most=_PAGE)):
            yield from slices(page, self.slice_rows)
            after = page[-1][0]

    def _retried(self, work: Callable[[Connection], T]) -> T:
        """Do the work in one transaction; again where that may help."""
        failures = FailureTracker()
        while True:
            try:
                with self.transactions.begin() as connection:
                    return work(connection)
            except WriteError as error:
                state = failures.failed(error, self.now(), records=1)
                verdict = self.policy.decide(error, state, self.chance())
                if not isinstance(verdict, Retry):
                    raise
            self.sleep(verdict.delay)


def slices(sizes: Sequence[tuple[bytes, int]], most: int) -> Iterator[list[bytes]]:
    """The ids in lists whose sizes add up to `most`; an id of a larger size stands alone."""
    ids: list[bytes] = []
    total = 0
    for entity_id, size in sizes:
        if ids and total + size > most:
            yield ids
            ids, total = [], 0
        ids.append(entity_id)
        total += size
    if ids:
        yield ids


def _counted(entities: int, joins: Joins) -> Normalized:
    children = sum(map(len, joins.deleted_children.values()))
    return Normalized(entities, len(joins.deleted_versions), children)
