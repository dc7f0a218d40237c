"""Transactions that are checked before their COMMIT, and fail with an error of ours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.engine import Connection, Engine

from scrapy_snapshot_pipeline.store.connect_errors import secrets_of
from scrapy_snapshot_pipeline.store.connection.address import address
from scrapy_snapshot_pipeline.store.connection.commit_checks import (
    SameFileCheck,
    refuse_dead_transaction,
)
from scrapy_snapshot_pipeline.store.connection.transactions import (
    SINGLE_STATEMENT,
    begins_with_commit,
)
from scrapy_snapshot_pipeline.store.error_classes import Database, Phase, write_error


class CheckedTransactions:
    """The transactions of an engine that allows one connection.

    Each of them commits at the end of its block, or raises what `write_error` makes of the failure.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._single_statements = engine.execution_options(**{SINGLE_STATEMENT: True})
        self._file = SameFileCheck(engine)
        url = engine.url
        self._database = Database(address(url, os.environ), secrets_of(url, os.environ))

    @contextmanager
    def begin(self, *, autocommit: bool = False) -> Iterator[Connection]:
        """Run the block as one transaction.

        With `autocommit` each statement of it is a transaction by itself; servers only.
        """
        engine = self._single_statements if autocommit else self._engine
        with self._connect(engine) as (connection, progress), connection.begin() as transaction:
            yield connection
            if not autocommit:
                self._check(connection)
            progress.phase = Phase.COMMIT
            transaction.commit()

    def _check(self, connection: Connection) -> None:
        self._file.check()
        if not begins_with_commit(connection):
            refuse_dead_transaction(connection)

    @contextmanager
    def _connect(self, engine: Engine) -> Iterator[tuple[Connection, _Progress]]:
        progress = _Progress()
        try:
            with engine.connect() as connection:
                progress.phase = Phase.STATEMENT
                with _cut_on_failure(connection, progress):
                    yield connection, progress
        except Exception as error:  # noqa: BLE001 - all of them are mapped
            # The pool has one place.  A connection that is lost on its way back would hold it.
            self._engine.dispose()
            raise write_error(
                error, progress.phase, lost=progress.lost, database=self._database
            ) from None


@dataclass(slots=True)
class _Progress:
    """How far a transaction got, for the mapping of its failure."""

    phase: Phase = Phase.CONNECT
    lost: bool = False


@contextmanager
def _cut_on_failure(connection: Connection, progress: _Progress) -> Iterator[None]:
    """Close a connection that failed: it may be half dead, or lead to a standby by now."""
    try:
        yield
    except Exception:
        # SQLAlchemy notices a lost connection, but COPY goes past it.
        raw = None if connection.invalidated else connection.connection.dbapi_connection
        progress.lost = raw is None or bool(getattr(raw, "closed", False))
        connection.invalidate()
        raise
