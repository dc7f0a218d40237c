"""The blocking side: one batch, one transaction.  Everything here runs on the writer thread.

A batch is written in these steps, each one statement a table, or a few where a database cannot take
all rows in one:

1. confirm: current versions of equal content get a later `last_confirmed_at`; in a repeated
   crawl this is nearly all, and only ids, hashes and times cross the wire, in the order of the
   ids; left out after a batch in which nothing was confirmed, as in a first crawl;
2. own: lock the current versions of what is left, in the order of their ids; where the server is
   far this is left out after batches of nothing but new entities: the unique index on current
   versions refuses the next ones if one of them is known after all;
3. plan: what `scd2` says is to be written, what is stored being read under that lock;
4. write: close what ended, insert what began, commit.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.errors import ConflictError, ContentionError, RetriableWriteError
from scrapy_snapshot_pipeline.records import Batch, Outcome, SnapshotRecord, WriteResult
from scrapy_snapshot_pipeline.scd2.fast_path import CurrentChildren, plan_change, plan_first
from scrapy_snapshot_pipeline.scd2.plan import (
    Plan,
    Reading,
    StoredChild,
    StoredVersion,
    reading,
)
from scrapy_snapshot_pipeline.scd2.timeline import plan
from scrapy_snapshot_pipeline.store.connection.commit_checks import (
    SameFile,
    refuse_dead_transaction,
)
from scrapy_snapshot_pipeline.store.connection.socket_cut import SocketCut
from scrapy_snapshot_pipeline.store.connection.transactions import (
    SINGLE_STATEMENT,
    begins_with_commit,
)
from scrapy_snapshot_pipeline.store.error_mapping import Phase, write_error
from scrapy_snapshot_pipeline.store.prediction import Expected, Prediction
from scrapy_snapshot_pipeline.store.schema import runs as ledger
from scrapy_snapshot_pipeline.store.schema.create import ensure_schema
from scrapy_snapshot_pipeline.store.schema.tables import EntityTables, entity_tables
from scrapy_snapshot_pipeline.store.sql.dialects import features_of
from scrapy_snapshot_pipeline.store.sql.script import Script
from scrapy_snapshot_pipeline.store.sql.statements import Statements


@dataclass(slots=True)
class _Group:
    """The records of one table in a batch that are not dealt with yet."""

    statements: Statements
    entities: dict[bytes, list[int]] = field(default_factory=dict)
    """Entity id to the places of its records in the batch, in order."""


class SnapshotStore:
    """Versions of entities in a SQL database.

    `engine` must allow one connection and belongs to the store.  All methods block.
    """

    def __init__(self, engine: Engine, *, create_tables: bool = True) -> None:
        self._engine = engine
        self._single_statements = engine.execution_options(**{SINGLE_STATEMENT: True})
        self._lifeline = SocketCut(engine)
        self._file = SameFile(engine)
        self._driver = features_of(engine.dialect)
        self._create_tables = create_tables
        self._tables: dict[str, EntityTables] = {}
        self._statements: dict[str, Statements] = {}
        self._expectation = Prediction()

    def declare(self, declarations: Iterable[Declaration]) -> None:
        """Create or check the tables of `declarations` that the store does not know yet.

        Raises SchemaMismatchError, and WriteError where the database could not be asked; it may
        be called again then.
        """
        new = [d for d in declarations if d.table not in self._tables]
        tables = [entity_tables(d, sa.MetaData()) for d in new]
        with self._transaction() as connection:
            ensure_schema(connection, tables, create=self._create_tables)
            statements = {t.declaration.table: Statements(t, connection) for t in tables}
        self._tables |= {entity.declaration.table: entity for entity in tables}
        self._statements |= statements

    def tables(self, name: str) -> EntityTables:
        """The tables of a declaration that was declared, by its table name."""
        return self._tables[name]

    def write(self, batch: Batch) -> WriteResult:
        """Commit `batch` whole, or raise a WriteError and leave nothing of it but confirmations.

        Every record's table must have been declared.  An attempt above 1 finds again what an
        earlier one may have committed, and writes nothing twice.
        """
        tables = {record.table for record in batch.records}
        # A retry plans everything: only there what an earlier attempt wrote is told apart.
        expected = {
            table: self._expectation.of(table) if batch.attempt == 1 else Expected.CHANGED
            for table in tables
        }
        work = _Work(batch, self._statements, expected)
        try:
            self._write(work)
        except RetriableWriteError as error:
            if not work.guessed:
                raise
            self._expectation.penalize(expected)
            if not isinstance(error, ConflictError):
                raise
            work = _Work(batch, self._statements, dict.fromkeys(tables, Expected.UNCHANGED))
            self._write(work)
        result = work.result()
        found = zip(batch.records, result.outcomes, strict=True)
        self._expectation.learn((record.table, outcome) for record, outcome in found)
        return result

    def start_run(self, run: ledger.Run) -> None:
        """Write the run's row; raises WriteError."""
        with self._transaction() as connection:
            ledger.start(connection, run)

    def finish_run(self, end: ledger.RunEnd) -> None:
        """Complete the run's row; raises WriteError."""
        with self._transaction() as connection:
            ledger.finish(connection, end)

    def close(self) -> None:
        """Release the connection."""
        self._engine.dispose()

    def cut(self) -> bool:
        """Have what is under way fail at once, as by a lost connection; any thread, at any time.

        False where nothing can be cut: SQLite, or a server that is still being connected to.
        """
        return self._lifeline.cut()

    def _write(self, work: _Work) -> None:
        if self._driver.exclusive:
            with self._transaction() as connection:
                work.confirm(connection)
                work.change(connection)
            return
        self._confirm_apart(work)
        if work.unfinished:
            with self._transaction() as connection:
                work.change(connection)

    def _confirm_apart(self, work: _Work) -> None:
        """A confirmation is a whole truth of its own: alone it needs neither BEGIN nor COMMIT."""
        if not work.confirmable:
            return
        with self._transaction(self._single_statements) as connection:
            work.confirm(connection)

    @contextmanager
    def _transaction(self, engine: Engine | None = None) -> Iterator[Connection]:
        progress = _Progress()
        try:
            with (engine or self._engine).connect() as connection:
                progress.phase = Phase.STATEMENT
                with _cut_on_failure(connection, progress), connection.begin() as transaction:
                    yield connection
                    self._file.check()
                    if engine is None and not begins_with_commit(connection):
                        refuse_dead_transaction(connection)
                    progress.phase = Phase.COMMIT
                    transaction.commit()
        except Exception as error:  # noqa: BLE001
            # A connection lost on its way back into the pool would keep its only place for ever.
            self._engine.dispose()
            raise write_error(error, progress.phase, lost=progress.lost) from None


@dataclass(slots=True)
class _Progress:
    """How far a transaction got, for the classification of its failure."""

    phase: Phase = Phase.CONNECT
    lost: bool = False


@contextmanager
def _cut_on_failure(connection: Connection, progress: _Progress) -> Iterator[None]:
    """After a failure the connection is not trusted again: it may be lost, or to a standby."""
    try:
        yield
    except Exception:  # it goes on from here
        # COPY goes past SQLAlchemy, which would have seen this.
        raw = None if connection.invalidated else connection.connection.dbapi_connection
        progress.lost = raw is None or bool(getattr(raw, "closed", False))
        connection.invalidate()
        raise


class _Work:
    """One batch on its way into the database."""

    def __init__(
        self, batch: Batch, statements: Mapping[str, Statements], expected: Mapping[str, Expected]
    ) -> None:
        self._records = batch.records
        self._retried = batch.attempt > 1
        self._expected = expected
        self.guessed = False
        """Entities were inserted as new without a question."""
        self._outcomes: list[Outcome | None] = [None] * len(batch.records)
        self._groups: dict[str, _Group] = {}
        self._children_inserted = 0
        self._children_ended = 0
        self._late = 0
        for place, record in enumerate(batch.records):
            group = self._groups.get(record.table)
            if group is None:
                group = self._groups[record.table] = _Group(statements[record.table])
            group.entities.setdefault(record.entity_id, []).append(place)

    @property
    def confirmable(self) -> bool:
        return Expected.UNCHANGED in self._expected.values()

    @property
    def unfinished(self) -> bool:
        return any(group.entities for group in self._groups.values())

    def confirm(self, connection: Connection) -> None:
        """Confirm every entity whose records all say what is current already."""
        for table, group in self._groups.items():
            if self._expected[table] is not Expected.UNCHANGED:
                continue
            # Or two crawlers that see the same in two orders would deadlock.
            rows = sorted(row for row in map(self._confirm_row, group.entities.values()) if row)
            if not rows:
                continue
            for entity_id in group.statements.confirm(connection, rows):
                first, *others = group.entities.pop(entity_id)
                self._outcomes[first] = Outcome.CONFIRMED
                for place in others:
                    self._outcomes[place] = Outcome.COALESCED

    def change(self, connection: Connection) -> None:
        """Plan and write all that was not confirmed."""
        writing = Script(connection)
        for table, group in sorted(self._groups.items()):
            if group.entities:
                self._change_group(writing, group, self._expected[table])
        writing.finish()

    def result(self) -> WriteResult:
        """What was done, once it is committed."""
        return WriteResult(
            tuple(outcome for outcome in self._outcomes if outcome is not None),
            children_inserted=self._children_inserted,
            children_ended=self._children_ended,
            late=self._late,
        )

    def _confirm_row(
        self, places: Sequence[int]
    ) -> tuple[bytes, bytes, dt.datetime, dt.datetime | None] | None:
        first = self._records[places[0]]
        content = first.content_hash
        if len(places) == 1:
            return first.entity_id, content, first.observed_at, None
        records = [self._records[place] for place in places]
        if any(record.content_hash != content for record in records):
            return None
        times = [record.observed_at for record in records]
        return first.entity_id, content, min(times), max(times)

    def _change_group(self, writing: Script, group: _Group, expected: Expected) -> None:
        entity_ids = sorted(group.entities)
        current: Mapping[bytes, StoredVersion] = {}
        if expected is Expected.NEW and writing.together:
            self.guessed = True
        else:
            writing.flush()
            current = group.statements.lock_current(writing.connection, entity_ids)
        known = self._read(writing.connection, group, current)
        changes = Plan()
        for entity_id in entity_ids:
            places = group.entities[entity_id]
            records = [self._records[place] for place in places]
            outcomes = known.plan(entity_id, records, changes, retried=self._retried)
            for place, outcome in zip(places, outcomes, strict=True):
                self._outcomes[place] = outcome
        self._write(writing, group.statements, changes, current)

    def _read(
        self, connection: Connection, group: _Group, current: Mapping[bytes, StoredVersion]
    ) -> _Known:
        """Read what the plan must know beside the current versions, all of it under their lock."""
        known = _Known(current)
        changed: list[bytes] = []
        since: list[tuple[bytes, dt.datetime]] = []
        for entity_id in current:
            records = [self._records[place] for place in group.entities[entity_id]]
            need = Reading.HISTORY if self._retried else reading(current[entity_id], records)
            if need is Reading.NOTHING:
                continue
            if need is Reading.CURRENT_CHILDREN and len(records) == 1:
                changed.append(entity_id)
            else:
                since.append((entity_id, min(record.observed_at for record in records)))
        if changed:
            known.changed = group.statements.current_children(connection, changed)
        if since:
            known.replace_versions(group.statements.history(connection, since))
            known.add_children(group.statements.child_history(connection, since))
        return known

    def _write(
        self,
        writing: Script,
        statements: Statements,
        changes: Plan,
        current: Mapping[bytes, StoredVersion],
    ) -> None:
        statements.change_versions(writing, changes.changed_versions)
        self._insert_versions(writing, statements, changes, current)
        for table, ended in changes.ended_children.items():
            statements.end_children(writing, table, ended)
            self._children_ended += len(ended)
        for table, new in changes.new_children.items():
            statements.insert_children(writing, table, new)
            self._children_inserted += len(new)
        for table, resumed in changes.resumed_children.items():
            statements.resume_children(writing, table, resumed)
            self._children_inserted += len(resumed)
        self._late += changes.late

    def _insert_versions(
        self,
        writing: Script,
        statements: Statements,
        changes: Plan,
        current: Mapping[bytes, StoredVersion],
    ) -> None:
        if not self._retried:
            statements.insert_versions(writing, changes.new_versions)
            return
        owned = [v for v in changes.new_versions if v.record.entity_id in current]
        first = [v for v in changes.new_versions if v.record.entity_id not in current]
        statements.insert_versions(writing, owned)
        if statements.insert_absent_versions(writing, first) != len(first):
            raise ContentionError("another crawler stored one of the new entities first")


class _Known:
    """What was read of the entities' histories."""

    def __init__(self, current: Mapping[bytes, StoredVersion]) -> None:
        self._versions = {entity_id: [version] for entity_id, version in current.items()}
        self._children: defaultdict[bytes, list[StoredChild]] = defaultdict(list)
        self.changed: Mapping[bytes, CurrentChildren] = {}
        """Of the entities with one record, which changes what is current."""

    def plan(
        self, entity_id: bytes, records: Sequence[SnapshotRecord], into: Plan, *, retried: bool
    ) -> Sequence[Outcome]:
        versions: Sequence[StoredVersion] = self._versions.get(entity_id, ())
        if not versions and len(records) == 1:
            return (plan_first(records[0], into),)
        if entity_id in self.changed:
            return (plan_change(records[0], versions[0], self.changed[entity_id], into),)
        return plan(records, versions, self._children.get(entity_id, ()), into, retried=retried)

    def add_children(self, rows: Iterable[tuple[bytes, StoredChild]]) -> None:
        for entity_id, child in rows:
            self._children[entity_id].append(child)

    def replace_versions(self, rows: Iterable[tuple[bytes, StoredVersion]]) -> None:
        histories: defaultdict[bytes, list[StoredVersion]] = defaultdict(list)
        for entity_id, version in rows:
            histories[entity_id].append(version)
        self._versions.update(histories)
