"""COPY: the fastest way into PostgreSQL, in its text format.

It cannot pass over a conflict, so it serves rows that no one else can have, and first attempts.
The format: https://www.postgresql.org/docs/current/sql-copy.html, "Text Format".
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy.engine import Connection

from scrapy_snapshot_pipeline.store.sql.columns import Columns, convert_column, types_in

_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def _needs_escape(text: str) -> bool:
    return "\\" in text or "\n" in text or "\t" in text or "\r" in text


_WRITERS: Mapping[type, Callable[[Any], str]] = {
    type(None): lambda _: "\\N",
    bool: lambda value: "t" if value else "f",
    int: int.__repr__,
    float: float.__repr__,
    Decimal: str,
    str: lambda value: value.translate(_ESCAPES),
    bytes: lambda value: "\\\\x" + value.hex(),
    dt.datetime: dt.datetime.isoformat,
    dt.date: dt.date.isoformat,
    dt.time: dt.time.isoformat,
    dt.timedelta: lambda value: f"{value.days} days {value.seconds}.{value.microseconds:06}",
    uuid.UUID: str,
}


def escaped(value: Any) -> str:
    """One value as COPY takes it; raises TypeError for a type that it cannot write."""
    return _writer(type(value))(value)


def _writer(kind: type) -> Callable[[Any], str]:
    for base in kind.__mro__:
        if base in _WRITERS:
            return _WRITERS[base]
    raise TypeError(f"the SQLAlchemy type of a column gives values of type {kind.__qualname__}")


def copy_text(columns: Columns) -> str:
    """The rows, each with its line end."""
    texts = [_encode(column) for column in columns]
    lines = map("\t".join, zip(*texts, strict=True))
    return "\n".join([*lines, ""])


def _encode(column: Sequence[Any]) -> Sequence[str]:
    types = types_in(column)
    if len(types) > 1:
        return list(map(escaped, column))
    if types == {str} and not _needs_escape("".join(column)):
        return column
    return convert_column(_writer(types.pop()), column)


def copy_rows(connection: Connection, sql: str, pieces: Iterable[Columns]) -> None:
    """Run the COPY statement `sql`, with what `pieces` bring, rows at least one.

    Raises the driver's own errors, and what `pieces` raise.
    """
    # copy_expert is psycopg2's own, beyond the DBAPI that SQLAlchemy types.
    cursor: Any = connection.connection.cursor()
    file = _Pieces(pieces, _encoding(connection))
    try:
        cursor.copy_expert(sql, file)
    except Exception:
        if file.error is not None:
            raise file.error from None
        raise
    finally:
        cursor.close()


def _encoding(connection: Connection) -> str:
    """Python's name for the encoding in which the connection sends texts."""
    driver: Any = connection.dialect.loaded_dbapi
    raw: Any = connection.connection.dbapi_connection
    name: str = driver.extensions.encodings[raw.encoding]
    return name


class _Pieces:
    """What psycopg2 takes for a file: the server stores one piece while the next is written.

    Pieces are large, since psycopg2 hands the interpreter lock over with each, and a busy reactor
    gives it back late.
    """

    def __init__(self, pieces: Iterable[Columns], encoding: str) -> None:
        # No `map`, which would take a StopIteration of a user's type for its own end.
        self._texts = (copy_text(columns).encode(encoding) for columns in pieces)
        self.error: BaseException | None = None

    def read(self, _: int) -> bytes:
        """Give the next piece, of whatever size; psycopg2 asks for 8 KiB and takes what it gets."""
        try:
            return next(self._texts, b"")
        except BaseException as error:  # noqa: BLE001 - `copy_rows` raises it again
            # psycopg2 tells the server the text of what is raised here, which may quote a value.
            self.error = error
            raise _UnreadableError from None


class _UnreadableError(Exception):
    """Ends a COPY without a word."""
