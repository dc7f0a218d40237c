"""The table of errors: what each one of PostgreSQL, SQLite and Python means."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy import exc

from scrapy_snapshot_pipeline.errors import (
    AmbiguousCommitError,
    BadDataError,
    ConflictError,
    ContentionError,
    FatalWriteError,
    OutageError,
    QueueClosedError,
    RefusedError,
    SystemicError,
    TooSlowError,
    WriteError,
)
from scrapy_snapshot_pipeline.store.error_classes import Database, Phase, write_error

SECRET = "hunter2 at 9.99"  # noqa: S105 - the point of the tests
CONNECT, STATEMENT, COMMIT = Phase.CONNECT, Phase.STATEMENT, Phase.COMMIT


class PsycopgError(Exception):
    """What psycopg2 raises, as far as it is looked at."""

    def __init__(self, pgcode: str | None) -> None:
        super().__init__(SECRET)
        self.pgcode = pgcode


class OperationalError(PsycopgError):
    """psycopg2's, of a connection that is refused."""


class ProgrammingError(PsycopgError):
    """psycopg2's, of a wrong DSN or a type that it cannot adapt."""


def of_server(
    state: str | None, *, lost: bool = False, kind: type[PsycopgError] = PsycopgError
) -> Exception:
    """An error of psycopg2 as SQLAlchemy passes it on."""
    return exc.DBAPIError(f"INSERT {SECRET}", None, kind(state), connection_invalidated=lost)


def of_sqlite(code: int, text: str = SECRET) -> Exception:
    """An error of SQLite as SQLAlchemy passes it on."""
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code  # type: ignore[attr-defined,unused-ignore]
    return exc.OperationalError("INSERT", None, error)


SERVER = [
    (None, CONNECT, OutageError),
    ("57P03", CONNECT, OutageError),
    ("40001", STATEMENT, ContentionError),
    ("40001", COMMIT, ContentionError),
    ("40P01", STATEMENT, ContentionError),
    ("40003", COMMIT, AmbiguousCommitError),
    ("08007", COMMIT, AmbiguousCommitError),
    ("08006", STATEMENT, OutageError),
    ("08006", COMMIT, AmbiguousCommitError),
    ("57P01", STATEMENT, OutageError),
    ("57P01", COMMIT, AmbiguousCommitError),
    ("57P02", COMMIT, AmbiguousCommitError),
    ("57P03", COMMIT, AmbiguousCommitError),
    (None, COMMIT, AmbiguousCommitError),
    ("55P03", STATEMENT, ContentionError),
    ("57014", STATEMENT, TooSlowError),
    ("57014", COMMIT, TooSlowError),
    ("25006", STATEMENT, OutageError),
    ("25P02", STATEMENT, SystemicError),
    ("53100", STATEMENT, OutageError),
    ("53200", STATEMENT, OutageError),
    ("53400", STATEMENT, OutageError),
    ("58030", STATEMENT, SystemicError),
    ("XX000", STATEMENT, SystemicError),
    ("XX001", STATEMENT, FatalWriteError),
    ("XX002", STATEMENT, FatalWriteError),
    ("22001", STATEMENT, BadDataError),
    ("22003", STATEMENT, BadDataError),
    ("22007", STATEMENT, BadDataError),
    ("22008", STATEMENT, BadDataError),
    ("22021", STATEMENT, BadDataError),
    ("22P02", STATEMENT, BadDataError),
    ("22P05", STATEMENT, BadDataError),
    ("23502", STATEMENT, BadDataError),
    ("23503", STATEMENT, BadDataError),
    ("23514", STATEMENT, BadDataError),
    ("23505", STATEMENT, ConflictError),
    ("23505", COMMIT, ConflictError),
    ("23514", COMMIT, BadDataError),
    ("23P01", STATEMENT, ConflictError),
    ("21000", STATEMENT, BadDataError),
    ("54000", STATEMENT, BadDataError),
    ("54001", STATEMENT, BadDataError),
    ("42P01", STATEMENT, SystemicError),
    ("42P07", STATEMENT, ConflictError),
    ("42710", STATEMENT, ConflictError),
    ("42703", STATEMENT, SystemicError),
    ("42883", STATEMENT, SystemicError),
    ("3F000", STATEMENT, SystemicError),
    ("42501", STATEMENT, SystemicError),
    ("28000", STATEMENT, SystemicError),
    ("42601", STATEMENT, BadDataError),
    ("42804", STATEMENT, BadDataError),
    ("0A000", STATEMENT, SystemicError),
    ("55000", STATEMENT, SystemicError),
    ("P0001", STATEMENT, BadDataError),
    ("99999", STATEMENT, BadDataError),
    (None, STATEMENT, BadDataError),
]
"""Of psycopg2 on a connection that is alive; the last three lines are what nobody knows."""


@pytest.mark.parametrize(("state", "phase", "expected"), SERVER)
def test_an_error_of_postgresql(
    state: str | None, phase: Phase, expected: type[WriteError]
) -> None:
    """By its SQLSTATE and its phase."""
    assert type(write_error(of_server(state), phase)) is expected


@pytest.mark.parametrize("state", [None, "57P01", "57P02", "08006"])
@pytest.mark.parametrize(
    ("phase", "expected"), [(STATEMENT, OutageError), (COMMIT, AmbiguousCommitError)]
)
def test_a_lost_connection(state: str | None, phase: Phase, expected: type[WriteError]) -> None:
    """Before the COMMIT nothing is stored; after it nobody knows."""
    assert type(write_error(of_server(state, lost=True), phase)) is expected
    assert type(write_error(PsycopgError(state), phase, lost=True)) is expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (5, ContentionError),
        (6, ContentionError),
        (517, ContentionError),
        (261, ContentionError),
        (773, ContentionError),
        (13, SystemicError),
        (778, SystemicError),
        (10, SystemicError),
        (14, SystemicError),
        (8, SystemicError),
        (1544, SystemicError),
        (3, SystemicError),
        (23, SystemicError),
        (1032, FatalWriteError),
        (11, FatalWriteError),
        (26, FatalWriteError),
        (19, BadDataError),
        (2067, ConflictError),
        (1555, ConflictError),
        (1299, BadDataError),
        (787, BadDataError),
        (275, BadDataError),
        (1811, BadDataError),
        (18, BadDataError),
        (20, BadDataError),
        (25, BadDataError),
        (7, BadDataError),
        (9, ContentionError),
        (1, BadDataError),
        (99, BadDataError),
    ],
)
@pytest.mark.parametrize("phase", Phase)
def test_an_error_of_sqlite(code: int, phase: Phase, expected: type[WriteError]) -> None:
    """By its code, in every phase: a local COMMIT that failed has not stored anything."""
    assert type(write_error(of_sqlite(code), phase)) is expected


@pytest.mark.parametrize("text", ["no such table: odds", "table odds has no column named price"])
def test_a_changed_sqlite_schema(text: str) -> None:
    """SQLite has one code for it and for much else."""
    assert type(write_error(of_sqlite(1, text), STATEMENT)) is SystemicError


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("database is locked", sqlite3.OperationalError, ContentionError),
        ("database table is locked: odds", sqlite3.OperationalError, ContentionError),
        ("attempt to write a readonly database", sqlite3.OperationalError, SystemicError),
        ("database or disk is full", sqlite3.OperationalError, SystemicError),
        ("disk I/O error", sqlite3.OperationalError, SystemicError),
        ("unable to open database file", sqlite3.OperationalError, SystemicError),
        ("no such table: odds", sqlite3.OperationalError, SystemicError),
        ("database disk image is malformed", sqlite3.DatabaseError, FatalWriteError),
        ("file is not a database", sqlite3.DatabaseError, FatalWriteError),
        ("UNIQUE constraint failed: odds.entity_id", sqlite3.IntegrityError, ConflictError),
        ("NOT NULL constraint failed: odds.price", sqlite3.IntegrityError, BadDataError),
        ("Error binding parameter 1", sqlite3.InterfaceError, BadDataError),
    ],
)
def test_sqlite_without_codes(
    text: str, kind: type[sqlite3.Error], expected: type[WriteError]
) -> None:
    """Python 3.10 has no codes, but SQLite's texts are never translated."""
    assert type(write_error(kind(text), STATEMENT)) is expected


@pytest.mark.parametrize(
    "error",
    [
        ValueError("A string literal cannot contain NUL"),
        UnicodeEncodeError("utf-8", SECRET, 0, 1, "surrogates not allowed"),
        OverflowError("Python int too large"),
        RecursionError(SECRET),
        MemoryError(),
        KeyError(SECRET),
        exc.StatementError(SECRET, None, None, TypeError(SECRET)),
        of_server(None, kind=ProgrammingError),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_the_driver_could_not_send(error: Exception) -> None:
    """It may be one record's fault, also when it is a bug: nothing is tried for ever."""
    assert type(write_error(error, STATEMENT)) is BadDataError


@pytest.mark.parametrize(
    "error",
    [
        exc.ArgumentError("Could not parse"),
        exc.NoSuchModuleError("no dialect"),
        ValueError("port"),
        of_server(None, kind=ProgrammingError),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_wrong_url_at_connect(error: Exception) -> None:
    """It will not get better by waiting."""
    assert type(write_error(error, CONNECT)) is SystemicError


def test_a_refusal_that_waiting_cannot_mend_has_its_code_and_words() -> None:
    """Libpq keeps the server's text only; the password is not in ours."""
    text = (
        f'connection to server at "h", port 1 failed: FATAL:  database "d" does not exist {SECRET}'
    )
    driver_error = OperationalError(None)
    driver_error.args = (text,)
    error = write_error(
        exc.OperationalError("", None, driver_error),
        CONNECT,
        database=Database("the database d on h, port 1", frozenset({SECRET})),
    )
    assert type(error) is RefusedError
    assert error.cause.code == "3D000"
    assert str(error) == (
        "connecting failed: tests.unit.store.test_error_classes.OperationalError, 3D000 "
        '(the database d on h, port 1): connection to server at "h", port 1 failed: FATAL: '
        'database "d" does not exist ***; create the database, or correct its name in '
        "SNAPSHOT_DATABASE_URL"
    )


def test_no_file_at_connect() -> None:
    """The file is named."""
    database = Database("the SQLite file /x/y.db")
    error = write_error(of_sqlite(14), CONNECT, database=database)
    assert "(the SQLite file /x/y.db); see that" in str(error)


def test_no_connection_free() -> None:
    """The pool has one connection for the one thread: somebody else uses it just now."""
    assert type(write_error(exc.TimeoutError("QueuePool"), CONNECT)) is ContentionError


def test_our_own_errors_pass() -> None:
    """What was classified already stays what it is."""
    error = QueueClosedError("closed")
    assert write_error(error, STATEMENT) is error


def test_no_text_of_a_driver_is_repeated() -> None:
    """It may quote a value; class, code and names are all there is."""
    error = write_error(of_server("22003"), STATEMENT)
    assert SECRET not in str(error)
    assert str(error) == "writing failed: tests.unit.store.test_error_classes.PsycopgError, 22003"
