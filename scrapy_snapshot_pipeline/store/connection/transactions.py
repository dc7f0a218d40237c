"""How a transaction on a server begins and ends: in few round trips.

BEGIN travels with the first statement.  The driver would send it alone, and after a statement in
autocommit another one to set the isolation level back: two round trips of the eight that a batch of
new entities had.  COPY goes past SQLAlchemy, so it must not be the first statement; YugabyteDB has
committed such a one at once, and CockroachDB refuses it.

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

_TRANSACTION, _DUE, _BEGUN = "snapshot_transaction", "due", "begun"
"""What a connection's `info` says of its transaction, and under which name."""
_LAST = "snapshot_last_script"


def is_remote(connection: Connection) -> bool:
    """Whether a round trip to the server takes long; False for SQLite."""
    return bool(connection.info.get(IS_REMOTE))


def say_begin_and_commit(engine: Engine) -> None:
    """Begin and end the transactions of an engine whose driver is in autocommit."""
    sa.event.listen(engine, "begin", _begin_with_next)
    sa.event.listen(engine, "before_cursor_execute", _begin_now, retval=True)
    sa.event.listen(engine, "commit", _commit)
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
    connection.info[_TRANSACTION] = _DUE if _begins(connection) else None


def _begin_now(
    connection: Connection, _: object, statement: str, parameters: Any, *__: object
) -> tuple[str, Any]:
    if connection.info.get(_TRANSACTION) != _DUE:
        return statement, parameters
    connection.info[_TRANSACTION] = _BEGUN
    return f"BEGIN; {statement}", parameters


def _commit(connection: Connection) -> None:
    begin = b"BEGIN; " if begins_with_commit(connection) else b""
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


def _begins(connection: Connection) -> bool:
    return not connection.get_execution_options().get(SINGLE_STATEMENT, False)
