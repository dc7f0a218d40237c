"""What an exception of the database means: the one place where foreign errors are mapped to ours.

Three things decide: the phase, the SQLSTATE or SQLite code if there is one, and whether the
connection was lost.  The texts of a server are not read, since they are translated, and not
repeated, since they may quote scraped values.  The exception is a connection that is refused, of
which there is nothing but a text: see `connect_errors`.
"""

from __future__ import annotations

import enum
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import exc

from scrapy_snapshot_pipeline.errors import (
    AmbiguousCommitError,
    BadDataError,
    Cause,
    ConflictError,
    ContentionError,
    FatalWriteError,
    OutageError,
    RefusedError,
    SnapshotError,
    SystemicError,
    TooSlowError,
    WriteError,
)
from scrapy_snapshot_pipeline.store.connect_errors import LOCKED, NO_FILE, refusal, words

_CANCELLED = "57014"
"""Cancelled by a timeout, or by somebody.  A COMMIT that has taken effect cannot be cancelled."""
_STATES: Mapping[str, type[WriteError]] = {
    "08007": AmbiguousCommitError,  # transaction resolution unknown
    "40003": AmbiguousCommitError,  # statement completion unknown
    "23505": ConflictError,
    "23P01": ConflictError,
    "25006": OutageError,  # read-only: a standby, or a primary that became one
    "42501": SystemicError,  # permission
    "42703": SystemicError,  # no such column
    "42710": ConflictError,  # the object exists: another crawler has created it meanwhile
    "42883": SystemicError,  # no such function
    "42P01": SystemicError,  # no such table
    "42P07": ConflictError,  # the table exists, as for 42710
    "55P03": ContentionError,  # lock timeout
    _CANCELLED: TooSlowError,
    "XX001": FatalWriteError,
    "XX002": FatalWriteError,
}
"""By SQLSTATE.  A state that is not listed is mapped by its class, the first two characters."""

_STATE_CLASSES: Mapping[str, type[WriteError]] = {
    "08": OutageError,
    "0A": SystemicError,  # not supported
    "25": SystemicError,  # a transaction in the wrong state
    "28": SystemicError,  # not authorised
    "3D": SystemicError,
    "3F": SystemicError,
    "40": ContentionError,  # serialization failure, deadlock
    "53": OutageError,  # disk full, out of memory, too many connections
    "55": SystemicError,
    "57": OutageError,  # shutting down, crashed, starting up
    "58": SystemicError,  # input and output
    "XX": SystemicError,
}

_SQLITE_CODES: Mapping[int, type[WriteError]] = {
    1032: FatalWriteError,  # READONLY_DBMOVED
    1555: ConflictError,  # CONSTRAINT_PRIMARYKEY
    2067: ConflictError,  # CONSTRAINT_UNIQUE
}
"""By extended result code.  One that is not listed is mapped by its primary code, the last byte."""

_SQLITE_PRIMARY_CODES: Mapping[int, type[WriteError]] = {
    3: SystemicError,  # PERM
    5: ContentionError,  # BUSY
    6: ContentionError,  # LOCKED
    8: SystemicError,  # READONLY
    9: ContentionError,  # INTERRUPT
    10: SystemicError,  # IOERR
    11: FatalWriteError,  # CORRUPT
    13: SystemicError,  # FULL
    14: SystemicError,  # CANTOPEN
    15: ContentionError,  # PROTOCOL: lost the race for a lock
    17: ContentionError,  # SCHEMA: changed under the statement
    21: SystemicError,  # MISUSE
    23: SystemicError,  # AUTH
    26: FatalWriteError,  # NOTADB
}

_SQLITE_ERROR = 1
"""The primary code for all that can be wrong with the SQL itself."""

_SQLITE_TEXTS = {
    "access permission denied": 3,
    "database is locked": 5,
    "database table is locked": 6,
    "out of memory": 7,
    "attempt to write a readonly database": 8,
    "interrupted": 9,
    "disk I/O error": 10,
    "database disk image is malformed": 11,
    "database or disk is full": 13,
    "unable to open database file": 14,
    "locking protocol": 15,
    "database schema has changed": 17,
    "string or blob too big": 18,
    "UNIQUE constraint failed": 2067,
    "constraint failed": 19,
    "datatype mismatch": 20,
    "not authorized": 23,
    "column index out of range": 25,
    "file is not a database": 26,
}
"""The codes of SQLite's own texts, for Python 3.10, whose exceptions have no code.  SQLite never
translates them: https://www.sqlite.org/rescode.html."""

_WRONG_CONFIGURATION = (exc.ArgumentError, exc.NoSuchModuleError, TypeError, ValueError)

_CURES: Mapping[type[WriteError], str] = {
    SystemicError: "; check the tables, the rights of this user and the disk",
    FatalWriteError: "; restore the database before anything is written to it",
}


class Phase(enum.Enum):
    """Where in a transaction it failed."""

    CONNECT = "connecting"
    STATEMENT = "writing"
    COMMIT = "committing"


@dataclass(frozen=True, slots=True)
class Database:
    """What may be shown of a database, and what may not."""

    address: str = ""
    secrets: frozenset[str] = frozenset()


UNNAMED = Database()


def write_error(
    error: Exception,
    phase: Phase,
    *,
    lost: bool = False,
    database: Database = UNNAMED,
) -> SnapshotError:
    """Our exception for `error`.

    `lost`: the connection is closed, which the driver's exception may not know.
    """
    if isinstance(error, SnapshotError):
        return error
    cause = _cause(error)
    if phase is Phase.CONNECT:
        return _connect_error(error, cause, database)
    meaning = _meaning(error, phase, lost=lost or _says_lost(error))
    return meaning(f"{phase.value} failed: {cause}{_CURES.get(meaning, '')}", cause)


def _connect_error(error: Exception, cause: Cause, database: Database) -> WriteError:
    text = _refusal_text(error)
    meaning = _meaning(error, Phase.CONNECT, lost=False)
    found = refusal(text)
    if isinstance(_driver_error(error), sqlite3.Error):
        found = LOCKED if meaning is ContentionError else NO_FILE
    cause = replace(cause, code=cause.code or found.code)
    if found.hopeless and meaning is OutageError:
        meaning = RefusedError
    said = f": {words(text, database.secrets)}" if text else ""
    where = f" ({database.address})" if database.address else ""
    return meaning(f"{Phase.CONNECT.value} failed: {cause}{where}{said}; {found.cure}", cause)


def _refusal_text(error: Exception) -> str:
    """What libpq says of a connection that was not made; empty where the text is another's."""
    driver_error = _driver_error(error)
    libpq = ("OperationalError", "ProgrammingError")
    known = hasattr(driver_error, "pgcode") and type(driver_error).__name__ in libpq
    return str(driver_error) if known else ""


def _meaning(error: Exception, phase: Phase, *, lost: bool) -> type[WriteError]:
    driver_error = _driver_error(error)
    code = _sqlite_code(driver_error)
    if code is not None:
        return _meaning_of_sqlite(code, driver_error)
    state = getattr(driver_error, "pgcode", None)
    if phase is Phase.CONNECT:
        return _meaning_at_connect(error, driver_error)
    if lost or state is None:
        return _meaning_without_state(phase, lost=lost)
    if phase is Phase.COMMIT and state[:2] in ("08", "57") and state != _CANCELLED:
        return AmbiguousCommitError
    return _STATES.get(state) or _STATE_CLASSES.get(state[:2], BadDataError)


def _meaning_of_sqlite(code: int, error: BaseException) -> type[WriteError]:
    if code & 0xFF == _SQLITE_ERROR and _names_what_is_missing(error):
        return SystemicError
    if code in _SQLITE_CODES:
        return _SQLITE_CODES[code]
    return _SQLITE_PRIMARY_CODES.get(code & 0xFF, BadDataError)


def _names_what_is_missing(error: BaseException) -> bool:
    """Whether a table or a column is missing, which only the text says."""
    return str(error).startswith(("no such ", "table "))


def _meaning_at_connect(error: Exception, driver_error: BaseException) -> type[WriteError]:
    """A server that refuses gives no code at connect."""
    if isinstance(error, exc.TimeoutError):
        return ContentionError
    wrong = isinstance(error, _WRONG_CONFIGURATION) and not isinstance(error, exc.DBAPIError)
    if wrong or type(driver_error).__name__ == "ProgrammingError":
        return SystemicError
    return OutageError


def _meaning_without_state(phase: Phase, *, lost: bool) -> type[WriteError]:
    if phase is Phase.COMMIT:
        return AmbiguousCommitError
    return OutageError if lost else BadDataError


def _says_lost(error: Exception) -> bool:
    return isinstance(error, exc.DBAPIError) and error.connection_invalidated


def _driver_error(error: Exception) -> BaseException:
    if isinstance(error, exc.StatementError) and error.orig is not None:
        return error.orig
    return error


def _cause(error: Exception) -> Cause:
    """Class, code and names: nothing that could quote a value."""
    driver_error = _driver_error(error)
    kind = type(driver_error)
    diagnostics = getattr(driver_error, "diag", None)
    return Cause(
        driver_class=f"{kind.__module__}.{kind.__qualname__}",
        code=getattr(driver_error, "pgcode", None) or _sqlite_name(driver_error),
        table=getattr(diagnostics, "table_name", None) or "",
        column=getattr(diagnostics, "column_name", None) or "",
        constraint=getattr(diagnostics, "constraint_name", None) or "",
    )


def _sqlite_code(error: BaseException) -> int | None:
    """The extended result code; None for an error that is not SQLite's.

    One that the `sqlite3` module raises by itself, as for a type that it cannot bind, is none.
    """
    if not isinstance(error, sqlite3.Error):
        return None
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return code
    return _sqlite_code_of_text(error)


def _sqlite_name(error: BaseException) -> str:
    """The name of the code, or its number where Python has no name for it; may be empty."""
    name: str = getattr(error, "sqlite_errorname", "")
    code = _sqlite_code(error)
    return name or (str(code) if code is not None else "")


def _sqlite_code_of_text(error: sqlite3.Error) -> int | None:
    text = str(error)
    for part, code in _SQLITE_TEXTS.items():
        if part in text:
            return code
    return _SQLITE_ERROR if type(error) is sqlite3.OperationalError else None
