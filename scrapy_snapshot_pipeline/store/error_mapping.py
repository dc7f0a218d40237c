"""What an exception of the database means: the one place where foreign errors are classified.

Three inputs decide: the phase, the SQLSTATE or SQLite code if there is one, and whether the
connection was lost.  The texts of a server are never read, they are localised; and no text is
ever repeated, since it may quote scraped values.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from sqlalchemy import exc

from scrapy_snapshot_pipeline.errors import (
    AmbiguousCommitError,
    BadDataError,
    Cause,
    ConflictError,
    ContentionError,
    FatalWriteError,
    OutageError,
    SnapshotError,
    SystemicError,
    TooSlowError,
    WriteError,
)
from scrapy_snapshot_pipeline.store.sqlite_codes import sqlite_code, sqlite_name

_CANCELLED = "57014"
"""By a timeout, or by somebody.  A COMMIT that has taken effect is not cancelled any more."""
_STATES: Mapping[str, type[WriteError]] = {
    "08007": AmbiguousCommitError,  # transaction resolution unknown
    "40003": AmbiguousCommitError,  # statement completion unknown
    "23505": ConflictError,
    "23P01": ConflictError,
    "25006": OutageError,  # read-only: a standby, or a primary that has become one
    "42501": SystemicError,  # permission
    "42703": SystemicError,  # no such column
    "42710": ConflictError,  # an object is there that another crawler has created meanwhile
    "42883": SystemicError,  # no such function
    "42P01": SystemicError,  # no such table
    "42P07": ConflictError,  # a table is there, as 42710
    "55P03": ContentionError,  # lock timeout
    _CANCELLED: TooSlowError,
    "XX001": FatalWriteError,
    "XX002": FatalWriteError,
}
"""By the whole SQLSTATE; what is not here goes by its class."""

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
"""By the extended code; what is not here goes by the primary one, its last byte."""

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

_WRONG_CONFIGURATION = (exc.ArgumentError, exc.NoSuchModuleError, TypeError, ValueError)


_CURE_AT_CONNECT = "; see that the database of SNAPSHOT_DATABASE_URL is there and lets this user in"
_CURES: Mapping[type[WriteError], str] = {
    SystemicError: "; see to the tables, the rights of this user and the disk",
    FatalWriteError: "; restore the database before anything is written to it",
}


class Phase(enum.Enum):
    """Where in the transaction a failure came."""

    CONNECT = "connecting"
    STATEMENT = "writing"
    COMMIT = "committing"


def write_error(error: Exception, phase: Phase, *, lost: bool = False) -> SnapshotError:
    """The exception of ours that `error` stands for.

    `lost` says that the connection is closed, where the driver's exception does not know.
    """
    if isinstance(error, SnapshotError):
        return error
    cause = _cause(error)
    meaning = _meaning(error, phase, lost=lost or _says_lost(error))
    cure = _CURE_AT_CONNECT if phase is Phase.CONNECT else _CURES.get(meaning, "")
    return meaning(f"{phase.value} failed: {cause}{cure}", cause)


def _meaning(error: Exception, phase: Phase, *, lost: bool) -> type[WriteError]:
    driver_error = _driver_error(error)
    code = sqlite_code(driver_error)
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
    if code & 0xFF == 1 and _names_what_is_missing(error):
        return SystemicError
    if code in _SQLITE_CODES:
        return _SQLITE_CODES[code]
    return _SQLITE_PRIMARY_CODES.get(code & 0xFF, BadDataError)


def _names_what_is_missing(error: BaseException) -> bool:
    """SQLite has one code for all that SQL can have wrong; its texts are never translated."""
    return str(error).startswith(("no such ", "table "))


def _meaning_at_connect(error: Exception, driver_error: BaseException) -> type[WriteError]:
    """A server that refuses gives no code here, whatever its reason: nothing can be told apart."""
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
    """Class, code and names; nothing that could hold a value."""
    driver_error = _driver_error(error)
    kind = type(driver_error)
    diagnostics = getattr(driver_error, "diag", None)
    return Cause(
        driver_class=f"{kind.__module__}.{kind.__qualname__}",
        code=getattr(driver_error, "pgcode", None) or sqlite_name(driver_error),
        table=getattr(diagnostics, "table_name", None) or "",
        column=getattr(diagnostics, "column_name", None) or "",
        constraint=getattr(diagnostics, "constraint_name", None) or "",
    )
