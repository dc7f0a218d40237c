"""Rows as one array a column, in PostgreSQL's text: an INSERT of many rows without COPY.

The format: https://www.postgresql.org/docs/current/arrays.html, "Array Input and Output Syntax".
psycopg2's own way adapts every value by itself, in Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from scrapy_snapshot_pipeline.columns import Columns, convert_column, types_in
from scrapy_snapshot_pipeline.copying import PLAIN

_QUOTES = str.maketrans({"\\": "\\\\", '"': '\\"'})


def rows_of_arrays(types: Sequence[str], columns: Columns) -> tuple[str, tuple[str, ...]]:
    """A query that yields the rows, at least one, with columns of these SQL types.

    And its parameters.
    """
    casts = ", ".join(f"%s::{sql_type}[]" for sql_type in types)
    source = f"SELECT * FROM unnest({casts})"  # noqa: S608 - types of our own tables
    return source, tuple(array_text(_elements(column)) for column in columns)


def array_text(elements: Iterable[str]) -> str:
    """An array of elements that are written already."""
    return "{" + ",".join(elements) + "}"


def _elements(column: Sequence[Any]) -> Sequence[str]:
    types = types_in(column)
    if len(types) > 1:
        return [_WRITERS[type(value)](value) for value in column]
    return convert_column(_WRITERS[types.pop()], column)


_WRITERS: Mapping[type, Callable[[Any], str]] = {
    **PLAIN,
    type(None): lambda _: "NULL",
    str: lambda value: f'"{value.translate(_QUOTES)}"',
    bytes: lambda value: f'"\\\\x{value.hex()}"',
}
