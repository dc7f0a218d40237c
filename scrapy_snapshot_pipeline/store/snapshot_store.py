"""The blocking side: one batch, one transaction.  Everything here runs on the writer thread.

`unit_of_work` has the steps in which a batch is written, and `prediction` says which of them may be
left out.  On a server the confirmations are committed by themselves, before the rest.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.errors import (
    BadDataError,
    ConflictError,
    RetriableWriteError,
    UnknownShapeError,
)
from scrapy_snapshot_pipeline.records import Batch, WriteResult
from scrapy_snapshot_pipeline.store.connection.address import address
from scrapy_snapshot_pipeline.store.connection.checked_transactions import CheckedTransactions
from scrapy_snapshot_pipeline.store.connection.progress import Progress
from scrapy_snapshot_pipeline.store.connection.socket_cut import SocketCut
from scrapy_snapshot_pipeline.store.connection.transactions import is_remote
from scrapy_snapshot_pipeline.store.error_names import SchemaNames
from scrapy_snapshot_pipeline.store.lately_seen import LatelySeen
from scrapy_snapshot_pipeline.store.normal_form.sample import tables_to_normalize, warn_of_pairs
from scrapy_snapshot_pipeline.store.prediction import Prediction, Strategy
from scrapy_snapshot_pipeline.store.schema import runs
from scrapy_snapshot_pipeline.store.schema.create import ensure_schema
from scrapy_snapshot_pipeline.store.schema.key_index import refused_by_key_index, shorten_key_index
from scrapy_snapshot_pipeline.store.schema.shape_use import note_use
from scrapy_snapshot_pipeline.store.schema.tables import SYSTEM, EntityTables, entity_tables
from scrapy_snapshot_pipeline.store.sql.dialects import features_of
from scrapy_snapshot_pipeline.store.sql.insert import json_tables
from scrapy_snapshot_pipeline.store.sql.statements import Statements
from scrapy_snapshot_pipeline.store.unit_of_work import UnitOfWork

_CLOCKS_DIFFER = dt.timedelta(minutes=1)
"""By so much two clocks may differ without a word."""


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)


class SnapshotStore:
    """Versions of entities in a SQL database.

    `engine` must allow one connection and belongs to the store.  All methods block.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        create_tables: bool = True,
        evolve: bool = True,
        now: Callable[[], dt.datetime] = _utc_now,
    ) -> None:
        """`now` is the wall clock, in UTC; it only says which stored times are to come.

        `evolve`: tables may be altered where their class has changed.
        """
        self._engine = engine
        self._now = now
        self.address = address(engine.url, os.environ)
        """Where the database is, in words without a secret."""
        self._names = SchemaNames(SYSTEM.sorted_tables)
        self._transactions = CheckedTransactions(engine, self._names)
        self._socket = SocketCut(engine)
        self._progress = Progress(engine)
        self._features = features_of(engine.dialect)
        self._create_tables = create_tables
        self._evolve = evolve
        self._tables: dict[str, EntityTables] = {}
        self._statements: dict[str, Statements] = {}
        self._expected: dict[str, Declaration] = {}
        self._prediction = Prediction()
        self._lately = LatelySeen()

    def declare(self, declarations: Iterable[Declaration], *, in_use: bool = True) -> None:
        """Create or check the tables of `declarations` that the store does not know yet.

        `in_use`: a class is declared so by now, and not only in what is written afterwards.

        Raises SchemaMismatchError, and WriteError where the database could not be asked; it may
        be called again then.
        """
        new = [d for d in declarations if d.table not in self._tables]
        tables = [entity_tables(d, sa.MetaData()) for d in new]
        self._names.add(each for entity in tables for each in entity.all)
        with self._transactions.begin() as connection:
            tables = ensure_schema(
                connection, tables, create=self._create_tables, evolve=self._evolve
            )
            if in_use:
                note_use(connection, tables, self._now())
            fit_json = json_tables(connection, [each for t in tables for each in t.all])
            paired = tables_to_normalize(connection, tables)
        dialect = self._engine.dialect
        statements = {t.declaration.table: Statements(t, dialect, fit_json) for t in tables}
        self._tables |= {entity.declaration.table: entity for entity in tables}
        self._statements |= statements
        for table in paired:
            warn_of_pairs(table)

    def expect(self, declarations: Iterable[Declaration]) -> None:
        """Have `write` declare these before the first batch that needs them; any thread."""
        new = {declaration.table: declaration for declaration in declarations}
        self._expected = {**self._expected, **new}  # the writer may be reading the old one

    def tables(self, name: str) -> EntityTables:
        """The tables of a declaration that was declared, by its table name."""
        return self._tables[name]

    def write(self, batch: Batch) -> WriteResult:
        """Commit `batch` whole, or raise a WriteError and leave nothing of it but confirmations.

        Every record's table must have been declared, or be expected.  An attempt above 1 finds
        again what an earlier one may have committed, and writes nothing twice.
        """
        try:
            return self._write_batch(batch)
        except UnknownShapeError:
            self._look_at_tables_again(batch)
        except BadDataError as error:
            if not self._makes_room_for_long_keys(batch, error):
                raise
        return self._write_batch(batch)

    def start_run(self, run: runs.Run) -> None:
        """Write the run's row; raises WriteError."""
        with self._transactions.begin() as connection:
            runs.start(connection, run)

    def finish_run(self, end: runs.RunEnd) -> None:
        """Complete the run's row; raises WriteError."""
        with self._transactions.begin() as connection:
            runs.finish(connection, end)
            note_use(connection, self._tables.values(), self._now())

    def close(self) -> None:
        """Release the connection."""
        self._engine.dispose()

    def idle(self) -> float:
        """Seconds since the database last answered; any thread."""
        return self._progress.idle

    def cut(self) -> bool:
        """Have what is under way fail at once, as by a lost connection; any thread, at any time.

        False where nothing can be cut: SQLite, or a server that is still being connected to.
        """
        return self._socket.cut()

    def _write_batch(self, batch: Batch) -> WriteResult:
        tables = {record.table for record in batch.records}
        self._declare_expected(tables)
        if batch.attempt == 1:
            strategies = {table: self._prediction.strategy(table) for table in tables}
            result = self._write_optimistically(batch, strategies)
        else:
            # Only a plan can tell what an earlier attempt has written.
            result = self._write(self._unit_of_work(batch, dict.fromkeys(tables, Strategy.PLAN)))
        written = zip(batch.records, result.outcomes, strict=True)
        self._prediction.learn((record.table, outcome) for record, outcome in written)
        for table in tables:
            of_table = (record for record in batch.records if record.table == table)
            self._lately.note(table, batch.records if len(tables) == 1 else of_table)
        return result

    def _look_at_tables_again(self, batch: Batch) -> None:
        """Learn of the shapes that another crawl has brought into the tables of the batch."""
        known = {record.table for record in batch.records} & self._tables.keys()
        declared = [self._tables.pop(table).declaration for table in sorted(known)]
        self.declare(declared)

    def _makes_room_for_long_keys(self, batch: Batch, error: BadDataError) -> bool:
        """Whether the index on the key refused a key, and does so no longer."""
        tables = {record.table for record in batch.records} & self._tables.keys()
        refusing = [t for t in tables if refused_by_key_index(error, self._tables[t])]
        if not refusing or not self._create_tables:
            return False
        statements = shorten_key_index(self._tables[refusing[0]], self._engine.dialect)
        with self._transactions.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        return True

    def _declare_expected(self, tables: set[str]) -> None:
        missing = sorted(tables & self._expected.keys() - self._tables.keys())
        if missing:
            self.declare([self._expected[table] for table in missing])

    def _write_optimistically(
        self, batch: Batch, strategies: Mapping[str, Strategy]
    ) -> WriteResult:
        """Write as predicted; where a blind insert is refused, once more with all questions."""
        unit = self._unit_of_work(batch, strategies)
        try:
            return self._write(unit)
        except RetriableWriteError as error:
            if not unit.inserts_blind:
                raise
            self._prediction.penalize(strategies)
            if not isinstance(error, ConflictError):
                raise
        confirm_first = dict.fromkeys(strategies, Strategy.CONFIRM_FIRST)
        return self._write(self._unit_of_work(batch, confirm_first))

    def _unit_of_work(self, batch: Batch, strategies: Mapping[str, Strategy]) -> UnitOfWork:
        horizon = self._now() + _CLOCKS_DIFFER
        rivals = self._prediction.rivals
        return UnitOfWork(batch, self._statements, strategies, self._lately, horizon, rivals=rivals)

    def _write(self, unit: UnitOfWork) -> WriteResult:
        try:
            if self._features.exclusive:
                self._write_at_once(unit)
            else:
                self._write_in_two(unit)
        except ConflictError:
            self._prediction.was_second(second=True)
            raise
        if unit.was_second is not None:
            self._prediction.was_second(second=unit.was_second)
        return unit.result()

    def _write_at_once(self, unit: UnitOfWork) -> None:
        with self._transactions.begin() as connection:
            unit.confirm(connection)
            unit.plan(connection)
            unit.apply(connection)

    def _write_in_two(self, unit: UnitOfWork) -> None:
        """A confirmation is true by itself: alone it needs neither BEGIN nor COMMIT."""
        if unit.confirms:
            with self._transactions.begin(autocommit=True) as connection:
                unit.confirm(connection)
        if unit.unfinished:
            with self._transactions.begin() as connection:
                if unit.retried or not is_remote(connection):
                    unit.insert_new(connection)
                unit.plan(connection)
                unit.apply(connection)
