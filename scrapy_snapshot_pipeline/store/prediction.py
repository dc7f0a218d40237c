"""How the next batch of a table is best written, judged by what the last ones turned out to be.

A question whose answer is known costs as much as any other: in a first crawl there is nothing to
confirm and nothing to lock.  The database checks every prediction where it matters: the unique
index on current versions refuses an entity that was not new after all.  A wrong prediction costs
time and dead rows, and never changes what is stored.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scrapy_snapshot_pipeline.records import Outcome

_PROBATION = 10
"""Batches of nothing but new entities that must follow a blind insert that failed before the next
one is tried.  The number doubles with each further failure, since each leaves dead rows behind."""

COMPANY = 20
"""Batches with new entities for which a crawler counts on others that store the same ones."""


class Strategy(enum.Enum):
    """How the records of one table in a batch are written."""

    CONFIRM_FIRST = "confirm first"
    """Confirm what is unchanged, then plan the rest: for when some of it probably is."""
    PLAN = "plan"
    """Lock and read the current versions of all entities at once: nothing is probably unchanged, or
    it must be found out what an earlier attempt has written."""
    INSERT_BLIND = "insert blind"
    """Insert all as new without looking: no entity is probably stored yet.  Only for a server that
    is far; where it is near, the same as PLAN."""


@dataclass(slots=True)
class _Experience:
    """With one table."""

    confirms: bool = True
    """The last batch confirmed something; also true before the first batch."""
    new_in_a_row: int = 0
    """The last batches that held nothing but new entities."""
    new_required: int = 1
    """How many such batches must precede a blind insert."""


class Prediction:
    """One crawl's experience with each table."""

    def __init__(self) -> None:
        self._tables: defaultdict[str, _Experience] = defaultdict(_Experience)
        self._in_company = 0

    def strategy(self, table: str) -> Strategy:
        """The strategy for a first attempt; CONFIRM_FIRST where nothing is known."""
        known = self._tables[table]
        if known.new_in_a_row >= known.new_required:
            return Strategy.INSERT_BLIND
        return Strategy.CONFIRM_FIRST if known.confirms else Strategy.PLAN

    def learn(self, written: Iterable[tuple[str, Outcome]]) -> None:
        """Take note of a committed batch: the table and the outcome of each record."""
        by_table: defaultdict[str, set[Outcome]] = defaultdict(set)
        for table, outcome in written:
            by_table[table].add(outcome)
        for table, outcomes in by_table.items():
            known = self._tables[table]
            known.confirms = Outcome.CONFIRMED in outcomes
            known.new_in_a_row = known.new_in_a_row + 1 if outcomes == {Outcome.INSERTED} else 0

    def penalize(self, strategies: Mapping[str, Strategy]) -> None:
        """Take note that a batch failed whose tables were written by these strategies."""
        for table, strategy in strategies.items():
            if strategy is Strategy.INSERT_BLIND:
                known = self._tables[table]
                known.new_in_a_row = 0
                known.new_required = max(_PROBATION, 2 * known.new_required)

    @property
    def rivals(self) -> bool:
        """Whether another crawler was lately first with a new entity."""
        return self._in_company > 0

    def was_second(self, *, second: bool) -> None:
        """Take note of a batch with new entities: whether another crawler had stored one first."""
        self._in_company = COMPANY if second else max(0, self._in_company - 1)
