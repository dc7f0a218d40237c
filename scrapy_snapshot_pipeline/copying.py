"""COPY: the fastest way into PostgreSQL, in its text format.

It cannot pass over a conflict, so it serves rows that no one else can have, and first attempts.
The format: https://www.postgresql.org/docs/current/sql-copy.html, "Text Format".
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Mapping, Sequence
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


def copy_rows(connection: Connection, sql: str, columns: Columns) -> None:
    """Run the COPY statement `sql`; `columns` hold at least one row.

    Raises the driver's own errors.
    """
    # copy_expert is psycopg2's own, beyond the DBAPI that SQLAlchemy types.
    cursor: Any = connection.connection.cursor()
    text = copy_text(columns)
    try:
        # In one piece: by default psycopg2 sends 8 KiB at a time and hands the interpreter lock
        # over with each, which a busy reactor gives back up to 5 ms later.
        cursor.copy_expert(sql, io.StringIO(text), len(text))
    finally:
        cursor.close()
