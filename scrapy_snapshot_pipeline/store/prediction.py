"""What the next batch will probably find stored, by what the last ones found.

A question whose answer is known costs as much as any other: in a first crawl nothing is there to be
confirmed, or to be locked.  Every guess is checked where it matters, in the database: that an
entity was new after all, by the unique index on current versions.  A wrong one costs time and dead
rows, never what is stored.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scrapy_snapshot_pipeline.records import Outcome

_PATIENCE = 10
"""Batches of nothing but new entities after a guess that failed before the next one; twice as many
after each further one, since a batch that was written in vain leaves dead rows behind."""


class Expected(enum.Enum):
    """What most of a table's records in a batch are thought to be."""

    UNCHANGED = "unchanged"
    """Worth confirming before anything else."""
    CHANGED = "changed"
    """Not worth that; the current versions are needed."""
    NEW = "new"
    """Of entities without a current version, all of them."""


@dataclass(slots=True)
class _Experience:
    """With one table."""

    confirms: bool = True
    new_in_a_row: int = 0
    """Batches."""
    needed: int = 1
    """As many of these before a guess."""


class Prediction:
    """One crawl's experience with each table."""

    def __init__(self) -> None:
        self._tables: defaultdict[str, _Experience] = defaultdict(_Experience)

    def of(self, table: str) -> Expected:
        """What is expected of a first attempt; UNCHANGED where nothing is known."""
        known = self._tables[table]
        if known.new_in_a_row >= known.needed:
            return Expected.NEW
        return Expected.UNCHANGED if known.confirms else Expected.CHANGED

    def learn(self, found: Iterable[tuple[str, Outcome]]) -> None:
        """Take note of a batch that is committed: the table and outcome of each record."""
        by_table: defaultdict[str, set[Outcome]] = defaultdict(set)
        for table, outcome in found:
            by_table[table].add(outcome)
        for table, outcomes in by_table.items():
            known = self._tables[table]
            known.confirms = Outcome.CONFIRMED in outcomes
            known.new_in_a_row = known.new_in_a_row + 1 if outcomes == {Outcome.INSERTED} else 0

    def penalize(self, expected: Mapping[str, Expected]) -> None:
        """Take note that a batch failed in which what was expected NEW was not asked about."""
        for table, guess in expected.items():
            if guess is Expected.NEW:
                known = self._tables[table]
                known.new_in_a_row = 0
                known.needed = max(_PATIENCE, 2 * known.needed)
