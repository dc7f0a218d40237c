"""How a transaction on a server begins and ends: in few round trips.

BEGIN travels with the first statement, and so does what a transaction sets for itself.  The driver
would send BEGIN alone, and after a statement in autocommit another one to set the isolation level
back: two round trips of the eight that a batch of new entities had.  COPY goes past SQLAlchemy, so
it must not be the first statement; YugabyteDB has committed such a one at once, and CockroachDB
refuses it.

What needs no answer may travel with COMMIT.
"""

from __future__ import annotations

import contextlib
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import ConnectionPoolEntry

IS_REMOTE = "snapshot_remote"
"""In the `info` of a connection: whether a round trip to its server takes long."""
SINGLE_STATEMENT = "snapshot_single_statement"
"""Execution option of an engine: a statement is a transaction by itself, without BEGIN and COMMIT.
Servers only."""

_TRANSACTION, _DUE, _BEGUN, _SINGLE = "snapshot_transaction", "due", "begun", "single"
"""What a connection's `info` says of its transaction, and under which name."""
_LAST = "snapshot_last_script"


def say_begin_and_commit(engine: Engine, settings: str) -> None:
    """Begin and end the transactions of an engine whose driver is in autocommit.

    `settings`, a statement without parameters, comes first in each, a single statement's too: all
    statements of one text are one transaction.
    """
    say = _Say(settings)
    sa.event.listen(engine, "begin", _begin_with_next)
    sa.event.listen(engine, "before_cursor_execute", say.begin_now, retval=True)
    sa.event.listen(engine, "commit", say.commit)
    sa.event.listen(engine, "rollback", _roll_back)
    sa.event.listen(engine, "reset", _reset)


def send_with_commit(connection: Connection, script: bytes) -> None:
    """Have `script`, statements with all values in them, run when the transaction is committed.

    If one of them fails, nothing is committed: the server runs none that come after it.
    """
    connection.info[_LAST] = script


def begins_with_commit(connection: Connection) -> bool:
    """Whether all of the transaction travels with its COMMIT: the server knows of none yet."""
    return _LAST in connection.info and bool(connection.info.get(_TRANSACTION) == _DUE)


def _begin_with_next(connection: Connection) -> None:
    connection.info.pop(_LAST, None)  # of a transaction that was rolled back
    connection.info[_TRANSACTION] = _SINGLE if _is_single(connection) else _DUE


class _Say:
    """What is said with the first statement of a transaction, and with its last."""

    def __init__(self, settings: str) -> None:
        self._single = f"{settings}; "
        self._begin = f"BEGIN; {settings}; "

    def begin_now(
        self, connection: Connection, _: object, statement: str, parameters: Any, *__: object
    ) -> tuple[str, Any]:
        transaction = connection.info.get(_TRANSACTION)
        if transaction == _SINGLE:
            return self._single + statement, parameters
        if transaction != _DUE:
            return statement, parameters
        connection.info[_TRANSACTION] = _BEGUN
        return self._begin + statement, parameters

    def commit(self, connection: Connection) -> None:
        begin = self._begin.encode() if begins_with_commit(connection) else b""
        script = connection.info.pop(_LAST, None)
        if script is None:
            _end(connection, "COMMIT")
            return
        connection.info[_TRANSACTION] = _BEGUN
        cursor: Any = connection.connection.cursor()  # since SQLAlchemy takes no bytes
        cursor.execute(begin + script + b"; COMMIT")
        cursor.close()
        connection.info.pop(_TRANSACTION, None)


def _roll_back(connection: Connection) -> None:
    # The error that led here is the one to be seen, not that the connection is gone with it.
    with contextlib.suppress(exc.DBAPIError):
        _end(connection, "ROLLBACK")


def _reset(connection: Any, record: ConnectionPoolEntry, _: object) -> None:
    """Of a connection on its way back into the pool; the driver's own rollback would do nothing."""
    if record.info.pop(_TRANSACTION, None) == _BEGUN:
        with connection.cursor() as cursor:
            cursor.execute("ROLLBACK")


def _end(connection: Connection, how: str) -> None:
    if connection.invalidated:
        return
    transaction = connection.info.pop(_TRANSACTION, None)
    if transaction == _BEGUN:
        connection.exec_driver_sql(how)


def _is_single(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get(SINGLE_STATEMENT, False))
