"""What an exception of the database means: the one place where foreign errors are classified.

Three inputs decide: the phase, the SQLSTATE or SQLite code if there is one, and whether the
connection was lost.  Texts are never read, they are localised; and never repeated, they hold
scraped values.
"""

from __future__ import annotations

import enum

from sqlalchemy.exc import DBAPIError

from scrapy_snapshot_pipeline.errors import ContentionError, RetriableWriteError, SnapshotError

_CONTENTION_STATES = frozenset(
    {"40001", "40P01", "55P03", "23505", "23P01"}
    | {"42P07", "42710"}  # a table or index that another crawler has just created
)
_SQLITE_BUSY = frozenset({5, 6})  # BUSY, LOCKED, and their extended codes


class Phase(enum.Enum):
    """Where in the transaction a failure came."""

    CONNECT = "connecting"
    STATEMENT = "writing"
    COMMIT = "committing"


def write_error(error: Exception, phase: Phase) -> SnapshotError:
    """The exception of ours that `error` stands for."""
    if isinstance(error, SnapshotError):
        return error
    text = f"{phase.value} failed: {_describe(error)}"
    if _is_contention(_driver_error(error)):
        return ContentionError(text)
    return RetriableWriteError(text)


def _driver_error(error: Exception) -> BaseException:
    return error.orig if isinstance(error, DBAPIError) and error.orig is not None else error


def _is_contention(error: BaseException) -> bool:
    if getattr(error, "pgcode", None) in _CONTENTION_STATES:
        return True
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _SQLITE_BUSY


def _describe(error: Exception) -> str:
    """Class, code, table and constraint; nothing that could hold a value."""
    cause = _driver_error(error)
    kind = type(cause)
    parts = [f"{kind.__module__}.{kind.__qualname__}"]
    state = getattr(cause, "pgcode", None) or getattr(cause, "sqlite_errorname", None)
    if state:
        parts.append(str(state))
    diagnostics = getattr(cause, "diag", None)
    for name in ("table_name", "column_name", "constraint_name"):
        value = getattr(diagnostics, name, None)
        if value:
            parts.append(f"{name.removesuffix('_name')} {value}")
    return ", ".join(parts)
