"""How a transaction on a server begins and ends: BEGIN travels with its first statement.

The driver would send it alone, and after a statement in autocommit another one to set the isolation
level back: two round trips of the eight that a batch of new entities had.  COPY goes past
SQLAlchemy, so it must not be the first statement.
"""

from __future__ import annotations

import contextlib
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import ConnectionPoolEntry

SINGLE_STATEMENT = "snapshot_single_statement"
"""Execution option of an engine: a statement is a transaction by itself, without BEGIN and COMMIT.
Servers only."""

_TRANSACTION, _DUE, _BEGUN = "snapshot_transaction", "due", "begun"
"""What a connection's `info` says of its transaction, and under which name."""


def say_begin_and_commit(engine: Engine) -> None:
    """Begin and end the transactions of an engine whose driver is in autocommit."""
    sa.event.listen(engine, "begin", _begin_with_next)
    sa.event.listen(engine, "before_cursor_execute", _begin_now, retval=True)
    sa.event.listen(engine, "commit", lambda connection: _end(connection, "COMMIT"))
    sa.event.listen(engine, "rollback", _roll_back)
    sa.event.listen(engine, "reset", _reset)


def _begin_with_next(connection: Connection) -> None:
    connection.info[_TRANSACTION] = _DUE if _begins(connection) else None


def _begin_now(
    connection: Connection, _: object, statement: str, parameters: Any, *__: object
) -> tuple[str, Any]:
    if connection.info.get(_TRANSACTION) != _DUE:
        return statement, parameters
    connection.info[_TRANSACTION] = _BEGUN
    return f"BEGIN; {statement}", parameters


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
