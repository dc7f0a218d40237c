"""The result code of a SQLite error, also on Python 3.10, whose exceptions do not have it."""

from __future__ import annotations

import sqlite3

_TEXTS = {
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
"""SQLite's own texts, which are never translated: https://www.sqlite.org/rescode.html."""

_GENERIC = 1  # SQLITE_ERROR


def sqlite_code(error: BaseException) -> int | None:
    """The extended result code; None where `error` is not one of SQLite's own.

    What the `sqlite3` module raises by itself, as for a type that it cannot bind, has none.
    """
    if not isinstance(error, sqlite3.Error):
        return None
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return code
    return _code_of_text(error)


def sqlite_name(error: BaseException) -> str:
    """The name of the code, or its number where Python does not tell the name; may be empty."""
    name: str = getattr(error, "sqlite_errorname", "")
    code = sqlite_code(error)
    return name or (str(code) if code is not None else "")


def _code_of_text(error: sqlite3.Error) -> int | None:
    text = str(error)
    for part, code in _TEXTS.items():
        if part in text:
            return code
    return _GENERIC if type(error) is sqlite3.OperationalError else None
