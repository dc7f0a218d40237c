"""COPY: the fastest way into PostgreSQL, in its text format.

It cannot pass over a conflict, so it serves rows that no one else can have, and first attempts.
The format: https://www.postgresql.org/docs/current/sql-copy.html, "Text Format".
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy.engine import Connection

from scrapy_snapshot_pipeline.columns import Columns, convert_column, types_in

_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def _needs_escape(text: str) -> bool:
    return "\\" in text or "\n" in text or "\t" in text or "\r" in text


_WRITERS: Mapping[type, Callable[[Any], str]] = {
    type(None): lambda _: "\\N",
    bool: lambda value: "t" if value else "f",
    int: str,
    float: repr,
    Decimal: str,
    str: lambda value: value.translate(_ESCAPES),
    bytes: lambda value: "\\\\x" + value.hex(),
    dt.datetime: dt.datetime.isoformat,
    dt.date: dt.date.isoformat,
    dt.time: dt.time.isoformat,
}


def escaped(value: Any) -> str:
    """One value as COPY takes it."""
    return _WRITERS[type(value)](value)


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
    return convert_column(_WRITERS[types.pop()], column)


def copy_rows(connection: Connection, sql: str, pieces: Iterator[Columns]) -> None:
    """Run the COPY statement `sql`, with what `pieces` bring, rows at least one.

    Raises the driver's own errors, and what `pieces` raise.
    """
    # copy_expert is psycopg2's own, beyond the DBAPI that SQLAlchemy types.
    cursor: Any = connection.connection.cursor()
    file = _Pieces(pieces)
    try:
        cursor.copy_expert(sql, file)
    except Exception:
        if file.error is not None:
            raise file.error from None
        raise
    finally:
        cursor.close()


class _Pieces:
    """What psycopg2 takes for a file: the server stores one piece while the next is written.

    Pieces are large, since psycopg2 hands the interpreter lock over with each, and a busy reactor
    gives it back late.
    """

    def __init__(self, pieces: Iterator[Columns]) -> None:
        self._texts = map(copy_text, pieces)
        self.error: Exception | None = None

    def read(self, _: int) -> str:
        """Give the next piece, of whatever size; psycopg2 asks for 8 KiB and takes what it gets."""
        try:
            return next(self._texts, "")
        except Exception as error:  # noqa: BLE001 - `copy_rows` raises it again
            # psycopg2 tells the server the text of what is raised here, which may quote a value.
            self.error = error
            raise _UnreadableError from None


class _UnreadableError(Exception):
    """Ends a COPY without a word."""
