"""COPY: the fastest way into PostgreSQL, in its text format.

COPY cannot skip a conflict, so it serves first attempts, and rows that nobody else can insert.
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
    """The text of one value for COPY; raises TypeError for a type that has none."""
    return _writer(type(value))(value)


def _writer(kind: type) -> Callable[[Any], str]:
    for base in kind.__mro__:
        if base in _WRITERS:
            return _WRITERS[base]
    raise TypeError(f"the SQLAlchemy type of a column gives values of type {kind.__qualname__}")


def copy_text(columns: Columns) -> str:
    """The rows, one line each; the last line ends too."""
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
    """Run the COPY statement `sql` with the rows of all `pieces`, at least one.

    Raises the driver's own errors, and whatever `pieces` raise.
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
    psycopg2: Any = connection.dialect.loaded_dbapi
    raw: Any = connection.connection.dbapi_connection
    name: str = psycopg2.extensions.encodings[raw.encoding]
    return name


class _Pieces:
    """A file for psycopg2 to read; the server stores one piece while we write the next.

    Pieces are large, since psycopg2 releases the interpreter lock with each, and a busy reactor
    gives it back late.
    """

    def __init__(self, pieces: Iterable[Columns], encoding: str) -> None:
        # Not `map`: it would end without an error if a type of the user's raised StopIteration.
        self._texts = (copy_text(columns).encode(encoding) for columns in pieces)
        self.error: BaseException | None = None

    def read(self, _: int) -> bytes:
        """Return the next piece; psycopg2 also takes more than the 8 KiB that it asks for."""
        try:
            return next(self._texts, b"")
        except BaseException as error:  # noqa: BLE001 - `copy_rows` raises it again
            # psycopg2 sends the text of an exception to the server, and it may quote a value.
            self.error = error
            raise _UnreadableError from None


class _UnreadableError(Exception):
    """Ends a COPY; its text is empty."""
