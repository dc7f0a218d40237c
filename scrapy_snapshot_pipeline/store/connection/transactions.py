"""How a transaction on a server begins and ends, in as few round trips as possible.

BEGIN travels with the first statement, and so does what the transaction sets for itself.  The
driver would send BEGIN alone, and would need another
round trip to set the isolation level back after a statement in autocommit.  COPY goes past
SQLAlchemy, so it must not be the first statement: YugabyteDB has committed such a COPY at once, and
CockroachDB refuses it.

Statements whose answer nobody needs may travel with COMMIT.
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import ConnectionPoolEntry

IS_REMOTE = "snapshot_remote"
"""Key in the `info` of a connection: whether a round trip to its server takes long."""
SINGLE_STATEMENT = "snapshot_single_statement"
"""Execution option of an engine: each statement is a transaction by itself, without BEGIN and
COMMIT.  Servers only."""

_TRANSACTION = "snapshot_transaction"


class _Begin(enum.Enum):
    """Whether the server knows of the transaction."""

    NONE = "none"
    """There is no transaction of ours."""
    SINGLE = "single"
    """There will be none: each statement commits by itself."""
    DUE = "due"
    """BEGIN is yet to be sent, with the next statement."""
    SENT = "sent"


@dataclass(slots=True)
class _Transaction:
    """What has been sent of a connection's transaction, and what is still to be sent."""

    begin: _Begin = _Begin.NONE
    script: bytes | None = None
    """To be sent with COMMIT."""


def is_remote(connection: Connection) -> bool:
    """Whether a round trip to the server takes long; False for SQLite."""
    return bool(connection.info.get(IS_REMOTE))


def send_begin_and_commit(engine: Engine, settings: str) -> None:
    """Begin and end the transactions of an engine whose driver is in autocommit.

    `settings`, a statement without parameters, comes first in each transaction.  It also travels
    with a single statement, since the statements of one text are one transaction.
    """
    opening = _Opening(settings)
    sa.event.listen(engine, "begin", _begin_with_next)
    sa.event.listen(engine, "before_cursor_execute", opening.begin_now, retval=True)
    sa.event.listen(engine, "commit", opening.commit)
    sa.event.listen(engine, "rollback", _roll_back)
    sa.event.listen(engine, "reset", _reset)


def send_with_commit(connection: Connection, script: bytes) -> None:
    """Run `script`, statements that have all values in them, when the transaction is committed.

    If one of them fails, nothing is committed: the server runs no statement after it.
    """
    _transaction(connection.info).script = script


def begins_with_commit(connection: Connection) -> bool:
    """Whether the whole transaction travels with its COMMIT: the server knows nothing of it yet."""
    transaction = _transaction(connection.info)
    return transaction.script is not None and transaction.begin is _Begin.DUE


def _transaction(info: MutableMapping[Any, Any]) -> _Transaction:
    """The transaction that a connection's `info` remembers."""
    found: _Transaction = info.setdefault(_TRANSACTION, _Transaction())
    return found


def _forget(info: MutableMapping[Any, Any]) -> _Transaction:
    """The same, which is over now."""
    ended: _Transaction = info.pop(_TRANSACTION, _Transaction())
    return ended


def _begin_with_next(connection: Connection) -> None:
    single = connection.get_execution_options().get(SINGLE_STATEMENT, False)
    # A script that was left behind belonged to a transaction that was rolled back.
    connection.info[_TRANSACTION] = _Transaction(_Begin.SINGLE if single else _Begin.DUE)


class _Opening:
    """What opens a transaction, and travels with its first statement."""

    def __init__(self, settings: str) -> None:
        self._single = f"{settings}; "
        self._begin = f"BEGIN; {settings}; "

    def begin_now(
        self, connection: Connection, _: object, statement: str, parameters: Any, *__: object
    ) -> tuple[str, Any]:
        transaction = _transaction(connection.info)
        if transaction.begin is _Begin.SINGLE:
            return self._single + statement, parameters
        if transaction.begin is not _Begin.DUE:
            return statement, parameters
        transaction.begin = _Begin.SENT
        return self._begin + statement, parameters

    def commit(self, connection: Connection) -> None:
        transaction = _transaction(connection.info)
        if transaction.script is None:
            _end(connection, "COMMIT")
            return
        begin = self._begin.encode() if transaction.begin is _Begin.DUE else b""
        script = begin + transaction.script + b"; COMMIT"
        connection.info[_TRANSACTION] = _Transaction(_Begin.SENT)
        cursor: Any = connection.connection.cursor()  # since SQLAlchemy takes no bytes
        cursor.execute(script)
        cursor.close()
        _forget(connection.info)


def _roll_back(connection: Connection) -> None:
    # The user needs the error that led here, not that the connection was lost with it.
    with contextlib.suppress(exc.DBAPIError):
        _end(connection, "ROLLBACK")


def _reset(connection: Any, record: ConnectionPoolEntry, _: object) -> None:
    """Roll back on the way into the pool, which the driver would not do in autocommit."""
    if _forget(record.info).begin is _Begin.SENT:
        with connection.cursor() as cursor:
            cursor.execute("ROLLBACK")


def _end(connection: Connection, command: str) -> None:
    if connection.invalidated:
        return
    if _forget(connection.info).begin is _Begin.SENT:
        connection.exec_driver_sql(command)
