"""What a failed read means, and what helps: asking again, or something else first."""

from __future__ import annotations

from sqlalchemy.exc import PendingRollbackError

from scrapy_snapshot_pipeline.errors import (
    BadDataError,
    Cause,
    ContentionError,
    FatalWriteError,
    SystemicError,
    TooSlowError,
    WriteError,
)
from scrapy_snapshot_pipeline.store.error_classes import Database, Phase, write_error
from scrapy_snapshot_pipeline.store.schema.tables import SCHEMA

_CURES: tuple[tuple[type[WriteError], str], ...] = (
    (ContentionError, "ask again when nobody else has it locked"),
    (TooSlowError, "ask for less, or raise the server's statement_timeout for this user"),
    (SystemicError, "check the tables, the rights of this user and the disk"),
    (FatalWriteError, "it is damaged, or no database: restore it from a backup"),
    (BadDataError, "it does not take this question; please report it with the command or the code"),
)
"""The first one of these kinds counts."""
_GRANT = "grant this user the right to SELECT from it"


def problem_of(error: Exception, phase: Phase, database: Database) -> str:
    """One sentence with the cure; no value, and no secret."""
    lost = isinstance(error, PendingRollbackError)  # as of a stream whose connection is gone
    meaning = write_error(error, phase, lost=lost, database=database)
    if not isinstance(meaning, WriteError):
        return str(meaning)
    if phase is Phase.CONNECT:
        return f"the database could not be asked: {meaning}"
    return f"the database gave no answer ({_told(meaning.cause)}); {_cure(meaning)}"


def _told(cause: Cause) -> str:
    """Without the driver's module."""
    driver_class = cause.driver_class.rpartition(".")[2]
    return str(Cause(driver_class, cause.code, cause.table, cause.column))


def _cure(error: WriteError) -> str:
    cause = error.cause
    if cause.code == "42501":
        return _GRANT
    if isinstance(error, SystemicError) and cause.column:
        return "restore the column"
    if isinstance(error, SystemicError) and cause.table == SCHEMA.name:
        return "it has no snapshot tables: run a crawl first, or correct the URL"
    if isinstance(error, SystemicError) and cause.table:
        return "restore the table, or let the next crawl create it"
    return next((cure for kind, cure in _CURES if isinstance(error, kind)), "ask again")
