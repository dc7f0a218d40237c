"""Rows as one JSON text, which PostgreSQL splits again: a bulk insert in a plain statement.

Unlike COPY, it can travel with other statements, as `script` has it where the server is far.
Like COPY, and unlike a cast, it has the input function of each column read the value: what is too
long is refused, not cut.  JSON columns are the exception: for them a string would become a JSON
string, and a null becomes SQL's NULL.
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
    """The rows as an array of objects; `raw` has the indexes of the columns that hold JSON."""
    keys = (json.dumps(name).replace("%", "%%") for name in names)
    one = "{" + ", ".join(f"{key}: %s" for key in keys) + "}"
    texts = [
        _raw(column) if index in raw else _strings(column) for index, column in enumerate(columns)
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
    return f'"{escaped(value)}"'  # COPY and JSON escape a backslash alike
