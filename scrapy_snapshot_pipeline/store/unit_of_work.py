"""The steps in which a batch is written: confirm, insert new, plan, apply.

Each takes few statements a table, however many records there are:

1. confirm: current versions of equal content get a later `last_confirmed_at`.  In a repeated crawl
   this is nearly everything, and only ids, hashes and times cross the wire.
2. insert new: entities of which nothing is stored are inserted, in the order of their ids.
3. plan: lock the current versions of what is left, in the order of their ids; read under that lock
   what else the law of history needs to know; let it decide what is to be written.
4. apply: close what ended, insert what began.

The `Strategy` of a table says whether step 1, or the locking in step 3, is left out.

Step 2 is why several writers never wait for each other in a circle.  An insert waits for whoever
has inserted or locked the same entity meanwhile.  It comes before the first lock, so a writer that
waits in it holds nothing but what it has inserted, and who holds a lock never waits for that: locks
are taken on committed rows only.  Without step 2 the plan takes an entity that it does not find for
new, and `apply` inserts it under all locks of the batch.  That is right as well, and enough where a
transaction locks the whole database.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.engine import Connection

from scrapy_snapshot_pipeline.records import Batch, Outcome, SnapshotRecord, WriteResult
from scrapy_snapshot_pipeline.scd2.conflicts import count_conflicts
from scrapy_snapshot_pipeline.scd2.plan import (
    Plan,
    StoredVersion,
)
from scrapy_snapshot_pipeline.store.connection.transactions import is_remote
from scrapy_snapshot_pipeline.store.lately_seen import LatelySeen
from scrapy_snapshot_pipeline.store.prediction import Strategy
from scrapy_snapshot_pipeline.store.sql.script import Script
from scrapy_snapshot_pipeline.store.sql.statements import Confirmation, Statements
from scrapy_snapshot_pipeline.store.stored_histories import StoredHistories


@dataclass(slots=True)
class _TableWork:
    """The records of one table in the batch, and what is to be done about them."""

    name: str
    statements: Statements
    strategy: Strategy
    positions: dict[bytes, list[int]] = field(default_factory=dict)
    """By entity id: the indexes of its records in the batch.  A confirmed entity is removed."""
    current: Mapping[bytes, StoredVersion] = field(default_factory=dict)
    """By entity id: the current version, which is locked; nothing where there is none."""
    new: Plan = field(default_factory=Plan)
    """What is inserted before anything is locked."""
    changes: Plan = field(default_factory=Plan)
    """All else."""
    conflicts: int = 0


class UnitOfWork:
    """One batch on its way into the database.

    `insert_new`, `plan` and `apply` belong in one transaction; `confirm` comes before them, in the
    same one or in one of its own.  A unit serves one try: make a new one after a failure.
    """

    def __init__(
        self,
        batch: Batch,
        statements: Mapping[str, Statements],
        strategies: Mapping[str, Strategy],
        lately: LatelySeen,
        horizon: dt.datetime,
        *,
        rivals: bool = False,
    ) -> None:
        """`strategies` has every table of the batch and no other.

        What is stored as confirmed after `horizon` was written by a clock that is ahead.

        `rivals`: other writers may be inserting the same new entities.  An insert then skips what
        they were first with, which takes longer than COPY, but need not be repeated.
        """
        self._records = batch.records
        self._lately = lately
        self._horizon = horizon
        self._ahead: list[dt.datetime] = []
        self.retried = batch.attempt > 1
        """An earlier attempt has failed, or nobody knows."""
        self._outcomes: list[Outcome | None] = [None] * len(batch.records)
        # By name, so that two crawlers lock the tables in the same order.
        tables = {
            name: _TableWork(name, statements[name], strategy)
            for name, strategy in sorted(strategies.items())
        }
        for position, record in enumerate(batch.records):
            tables[record.table].positions.setdefault(record.entity_id, []).append(position)
        self._tables = tuple(tables.values())
        self.inserts_blind = False
        """Known after `plan`: entities are inserted as new although nobody looked for them."""
        self._rivals = rivals or self.retried
        self.was_second: bool | None = None
        """Known after `insert_new`: another writer was first with a new entity.  None: there was no
        new one, or an error would tell."""

    @property
    def confirms(self) -> bool:
        """There is something to try in `confirm`."""
        return any(work.strategy is Strategy.CONFIRM_FIRST for work in self._tables)

    @property
    def unfinished(self) -> bool:
        """There is something left to plan."""
        return any(work.positions for work in self._tables)

    def confirm(self, connection: Connection) -> None:
        """Confirm every entity whose records all say what is current already."""
        for work in self._tables:
            if work.strategy is Strategy.CONFIRM_FIRST:
                self._confirm_table(connection, work)

    def insert_new(self, connection: Connection) -> None:
        """Insert the entities of which nothing is stored, before anything is locked."""
        script = Script(connection)
        for work in self._tables:
            if work.positions:
                self._insert_new_of(script, work)
        script.flush()

    def plan(self, connection: Connection) -> None:
        """Lock and read what is stored of the remaining entities; decide what is to be written."""
        for work in self._tables:
            if work.positions:
                self._plan_table(connection, work)

    def apply(self, connection: Connection) -> None:
        """Write what was planned; where the server is far, the commit still has to send it."""
        script = Script(connection)
        for work in self._tables:
            _apply(script, work.statements, work.changes)
        script.finish()

    def result(self) -> WriteResult:
        """What was done; true once the transaction is committed."""
        changes = [each for work in self._tables for each in (work.new, work.changes)]
        return WriteResult(
            tuple(filter(None, self._outcomes)),
            children_inserted=sum(
                _count(each.new_children) + _count(each.copied_children) for each in changes
            ),
            children_ended=sum(_count(each.ended_children) for each in changes),
            late=sum(each.late for each in changes),
            extended=sum(v.extended for each in changes for v in each.new_versions),
            conflicts={work.name: work.conflicts for work in self._tables if work.conflicts},
            ahead=tuple(self._ahead),
        )

    def _confirm_table(self, connection: Connection, work: _TableWork) -> None:
        # In the order of the ids: two crawlers that see the same entities in two orders would
        # deadlock otherwise.
        in_order = map(work.positions.__getitem__, sorted(work.positions))
        rows = [row for row in map(self._confirmation, in_order) if row is not None]
        if not rows:
            return
        confirmed = work.statements.confirm(connection, rows, self._horizon)
        self._ahead += filter(None, confirmed.values())
        for entity_id in confirmed:
            positions = work.positions.pop(entity_id)
            self._outcomes[positions[0]] = Outcome.CONFIRMED
            if len(positions) > 1:
                for position in positions[1:]:
                    self._outcomes[position] = Outcome.COALESCED

    def _confirmation(self, positions: Sequence[int]) -> Confirmation | None:
        """What the records of one entity confirm; None where they contradict each other."""
        first = self._records[positions[0]]
        if len(positions) == 1:
            return Confirmation(first.entity_id, first.content_hash, first.observed_at, None)
        content = first.content_hash
        records = [self._records[position] for position in positions]
        if any(record.content_hash != content for record in records):
            return None
        times = [record.observed_at for record in records]
        return Confirmation(first.entity_id, content, min(times), max(times))

    def _insert_new_of(self, script: Script, work: _TableWork) -> None:
        entity_ids = sorted(work.positions)
        known = work.statements.reads.known(script.connection, entity_ids)
        new = [entity_id for entity_id in entity_ids if entity_id not in known]
        if not new:
            return
        work.new = self._planned_as_new(work, new)
        if self._rivals:
            new = self._insert_first(script, work, new)
        _apply(script, work.statements, work.new)
        for entity_id in new:
            work.conflicts += self._conflicts(work, work.positions.pop(entity_id), ())

    def _insert_first(self, script: Script, work: _TableWork, new: list[bytes]) -> list[bytes]:
        """Insert the current versions of `new` entities; return those of which nobody had any.

        All else that is planned of these is left to do, and for the others nothing.
        """
        current = [v for v in work.new.new_versions if v.valid_to is None]
        first = work.statements.insert_absent_versions(script, current)
        second = len(first) < len(new)
        self.was_second = bool(self.was_second) or second
        if second:
            new = [entity_id for entity_id in new if entity_id in first]
            work.new = self._planned_as_new(work, new)
        work.new.new_versions = [v for v in work.new.new_versions if v.valid_to is not None]
        return new

    def _planned_as_new(self, work: _TableWork, entity_ids: Sequence[bytes]) -> Plan:
        into, nothing = Plan(), self._histories(work)
        for entity_id in entity_ids:
            self._plan_entity(nothing, entity_id, work.positions[entity_id], into)
        return into

    def _plan_table(self, connection: Connection, work: _TableWork) -> None:
        entity_ids = sorted(work.positions)
        # COPY is how rows get to a server that is near, and it cannot begin a transaction.
        if work.strategy is Strategy.INSERT_BLIND and is_remote(connection):
            self.inserts_blind = True
        else:
            work.current = work.statements.reads.lock_current(connection, entity_ids)
            times = (version.last_confirmed_at for version in work.current.values())
            self._ahead += (time for time in times if time > self._horizon)
        stored = self._histories(work)
        stored.read(connection, work.statements.reads, self._records_of(work))
        for entity_id in entity_ids:
            positions = work.positions[entity_id]
            work.conflicts += self._conflicts(work, positions, stored.versions(entity_id))
            self._plan_entity(stored, entity_id, positions, work.changes)

    def _histories(self, work: _TableWork) -> StoredHistories:
        look = work.statements.second_look
        return StoredHistories(look, work.current, retried=self.retried)

    def _records_of(self, work: _TableWork) -> Mapping[bytes, Sequence[SnapshotRecord]]:
        records, positions = self._records, work.positions
        return {each: [records[position] for position in positions[each]] for each in work.current}

    def _plan_entity(
        self, stored: StoredHistories, entity_id: bytes, positions: Sequence[int], into: Plan
    ) -> None:
        records = [self._records[position] for position in positions]
        outcomes = stored.plan(entity_id, records, into)
        for position, outcome in zip(positions, outcomes, strict=True):
            self._outcomes[position] = outcome

    def _conflicts(
        self, work: _TableWork, positions: Sequence[int], versions: Sequence[StoredVersion]
    ) -> int:
        if not versions and len(positions) == 1:
            return 0
        records = [self._records[position] for position in positions]
        remembered = self._lately.content_hash(work.name, records[0].entity_id)
        return count_conflicts(records, versions, remembered)


def _apply(script: Script, statements: Statements, changes: Plan) -> None:
    statements.change_versions(script, changes.changed_versions)
    statements.insert_versions(script, changes.new_versions)
    statements.copy_versions(script, changes.copied_versions)
    for table, moved in changes.moved_children.items():
        statements.move_children(script, table, moved)
    for table, ended in changes.ended_children.items():
        statements.end_children(script, table, ended)
    for table, new in changes.new_children.items():
        statements.insert_children(script, table, new)
    for table, copied in changes.copied_children.items():
        statements.copy_children(script, table, copied)
    statements.renew_versions(script, changes.renewed_versions)
    statements.extend_versions(script, changes.extended_versions)
    for table, renewed in changes.renewed_children.items():
        statements.renew_children(script, table, renewed)


def _count(rows_by_table: Mapping[int, Sequence[object]]) -> int:
    return sum(map(len, rows_by_table.values()))
