"""Rows as one JSON text, which PostgreSQL takes apart again: a bulk insert in a plain statement.

Unlike COPY it can travel with other statements, which `writing` does where the server is far.
Like COPY, and unlike a cast, it has each value read by the input function of its column: what is
too long is refused, not cut.  Not so for JSON: a string becomes a JSON string, and null SQL's NULL.
The rule: https://www.postgresql.org/docs/current/functions-json.html, "json_populate_record".
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from json.encoder import encode_basestring
from typing import Any

from scrapy_snapshot_pipeline.store.sql.columns import Columns, convert_column, types_in
from scrapy_snapshot_pipeline.store.sql.copy_text import escaped


def json_rows_text(names: Sequence[str], columns: Columns, raw: Collection[int]) -> str:
    """The rows as an array of objects; `raw` are the places of columns that hold JSON texts."""
    keys = (json.dumps(name).replace("%", "%%") for name in names)
    one = "{" + ", ".join(f"{key}: %s" for key in keys) + "}"
    texts = [
        _raw(column) if place in raw else _strings(column) for place, column in enumerate(columns)
    ]
    return f"[{','.join(map(one.__mod__, zip(*texts, strict=True)))}]"


def _raw(column: Sequence[Any]) -> Sequence[str]:
    return ["null" if text is None else text for text in column]


def _strings(column: Sequence[Any]) -> Sequence[str]:
    if types_in(column) == {str}:
        return list(map(encode_basestring, column))
    return convert_column(_string, column)


def _string(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return encode_basestring(value)
    return f'"{escaped(value)}"'  # a backslash is escaped alike in both
