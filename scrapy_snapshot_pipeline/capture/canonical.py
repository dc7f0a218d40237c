"""The canonical encoding, version 1, and the ids and hashes that follow from it.

This is a law, not an implementation detail: stored histories are compared by these hashes, so
every Python, platform and database must come to the same bytes, and a change of any rule here
makes one needless version of every entity.

*A row* is the JSON object of its fields that are not None, encoded in UTF-8, sorted by field name
(by code point), without spaces, non-ASCII characters as they are.  A field's name in it is
`<name>:<kind>`, so that the text "1" and the number 1 differ, and its value is

===================  ==========================================================================
text, enum           a string
integer              a number of 64 bits
float                the shortest number that reads back equal; -0.0 is 0.0
boolean              `true`, `false`
decimal              a string without exponent and without trailing zeros: 1.10 is "1.1"
datetime             a string, UTC with microseconds: "2024-05-01T12:00:00.000000Z"
date, time           a string: "2024-05-01"; "12:00:00.000000"
uuid                 a string with hyphens, lower case
bytes                a string in base64
json                 a string that holds JSON, objects sorted by name, without spaces
===================  ==========================================================================

*Hashes* are BLAKE2b with 16 bytes and the personalisation named here, over

* `entity_id` ("entity/1"): the row of the key fields;
* `child_id` ("child/1"): the parent row's `child_id` (16 zero bytes at the top), the JSON list of
  the field names from the entity down to the list, and the row of the child's key fields;
* a child's `content_hash` ("row/1"): the row of its tracked fields;
* a record's `content_hash` ("record/1"): the row of its tracked fields, and for each list that
  has rows, sorted by its field names: the JSON list of the field names, the number of rows in
  decimal, and `child_id` and `content_hash` of each row, sorted.

Key fields are in no content hash.

A `snapshot_id` is made of the time and the first bits of the hash: see `records.snapshot_id`.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Context, Decimal
from hashlib import blake2b
from json.encoder import encode_basestring
from typing import Any, TypeAlias

from scrapy_snapshot_pipeline.declaration.tables import Column, Kind

Render: TypeAlias = "Callable[[Any], str]"
Hasher: TypeAlias = "Callable[[bytes], bytes]"

DECIMAL_CONTEXT = Context(prec=2_100)
"""Wider than any decimal that capture lets pass, and deaf to what the process sets."""

_TOP = bytes(16)

_row_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
canonical_json = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, sort_keys=True
).encode
"""JSON text of plain dicts, lists, strings, finite numbers, booleans and None."""


def decimal_text(value: Decimal) -> str:
    """Without exponent and trailing zeros, so that equal numbers have equal texts."""
    if not value:
        return "0"
    text = str(value)
    if "E" in text:
        return format(value.normalize(DECIMAL_CONTEXT), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def datetime_text(value: dt.datetime) -> str:
    """Of an aware UTC time."""
    # Half the time of `isoformat(timespec="microseconds")`, on a hot path.
    text = value.isoformat()[: -len("+00:00")]
    return f"{text}Z" if value.microsecond else f"{text}.000000Z"


def time_text(value: dt.time) -> str:
    """With microseconds always, so that it sorts."""
    return value.isoformat(timespec="microseconds")


def bytes_text(value: bytes) -> str:
    """In base64."""
    return base64.b64encode(value).decode("ascii")


RENDER: Mapping[Kind, Render] = {
    Kind.DECIMAL: decimal_text,
    Kind.DATETIME: datetime_text,
    Kind.DATE: dt.date.isoformat,
    Kind.TIME: time_text,
    Kind.UUID: str,
    Kind.BYTES: bytes_text,
}
"""How a value that JSON does not know is written; the other kinds are JSON's own."""


def _quoted(render: Callable[[Any], str]) -> Render:
    """For texts in which JSON has nothing to escape."""
    return lambda value: f'"{render(value)}"'


_IN_JSON: Mapping[Kind, Render] = {
    Kind.TEXT: encode_basestring,
    Kind.ENUM: encode_basestring,
    Kind.JSON: encode_basestring,
    Kind.INTEGER: int.__repr__,
    Kind.FLOAT: float.__repr__,
    Kind.BOOLEAN: lambda value: "true" if value else "false",
    **{kind: _quoted(render) for kind, render in RENDER.items()},
}


def field_tag(column: Column) -> str:
    """The field's name in a row, in JSON, with the comma before and the colon behind it."""
    return f",{encode_basestring(f'{column.name}:{column.kind.value}')}:"


def field_text(column: Column) -> Render:
    """How a value of the column, not None, is written in its row: tag and value in JSON."""
    tag, render = field_tag(column), _IN_JSON[column.kind]
    return lambda value: tag + render(value)


def row_order(columns: Sequence[Column], wanted: Callable[[Column], bool]) -> tuple[int, ...]:
    """The indexes of the wanted columns, in the order of a row."""
    named = sorted((column.name, index) for index, column in enumerate(columns) if wanted(column))
    return tuple(index for _, index in named)


def row_bytes(texts: str) -> bytes:
    r"""The row of fields that are written already, in order; those without a value are not there.

    Raises `UnicodeEncodeError` for a lone surrogate; a NUL is in it as `\u0000`.

    Put together by hand, since a JSON encoder sets itself up anew for each object: 3.2 instead of
    5.3 microseconds for key and values of a child row, and there are many rows.
    """
    return f"{{{texts[1:]}}}".encode()


def encode_path(path: Sequence[str]) -> bytes:
    """Field names from the entity down to a list."""
    return _row_json(list(path)).encode("utf-8")


def _hasher(person: bytes, prefix: bytes = b"") -> Hasher:
    """16 bytes of `prefix` and what it is given.

    A copy takes 0.4 microseconds where a new object with its arguments takes 0.7; an item with 5
    children has 11 hashes.
    """
    begun = blake2b(prefix, digest_size=16, person=person)

    def digest(data: bytes) -> bytes:
        hashed = begun.copy()
        hashed.update(data)
        return hashed.digest()

    return digest


entity_id = _hasher(b"entity/1")
"""16 bytes of the key fields' row."""

row_hash = _hasher(b"row/1")
"""16 bytes of a child's own tracked values."""


_RECORD = blake2b(digest_size=16, person=b"record/1")


def child_ids(parent_id: bytes | None, path: bytes) -> Hasher:
    """For the rows of one list of one parent: 16 bytes of a key fields' row.

    No other row of the entity has them, in this list or another.
    """
    return _hasher(b"child/1", (parent_id or _TOP) + path)


def record_hash(tracked_row: bytes, lists: Iterable[tuple[bytes, Sequence[bytes]]]) -> bytes:
    """16 bytes of an entity's whole content; `lists` are sorted by their path.

    Each list comes with its encoded path and, for each row, `child_id` and `content_hash` as one.
    """
    digest = _RECORD.copy()
    digest.update(tracked_row)
    for path, rows in lists:
        if rows:
            digest.update(path + str(len(rows)).encode() + b"".join(sorted(rows)))
    return digest.digest()
