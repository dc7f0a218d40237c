"""The canonical encoding, version 1, and the ids and hashes that follow from it.

This is a law, not an implementation detail.  Stored histories are compared by these hashes, so
every Python, platform and database must come to the same bytes, and a change to any rule here makes
one needless version of every entity.

*A row* is a JSON object of the fields that are not None.  It is encoded in UTF-8, sorted by field
name (by code point), has no spaces, and leaves non-ASCII characters as they are.  A field is named
`<name>:<kind>`, so that the text "1" and the number 1 differ, and its value is

===================  ==========================================================================
text, enum           a string
integer              a number of 64 bits
float                the shortest number that reads back equal; -0.0 is 0.0
boolean              `true`, `false`
decimal              a string without exponent and without trailing zeros: 1.10 is "1.1"
datetime             a string, UTC with microseconds: "2024-05-01T12:00:00.000000Z"
date, time           a string: "2024-05-01"; "12:00:00.000000"
duration             a string: seconds, written as a decimal is: "5400", "-0.5"
uuid                 a string with hyphens, lower case
bytes                a string in base64
json                 a string that holds JSON, objects sorted by name, without spaces, a number
                     without a fraction as an integer: 10.0 and 1e+16 are 10 and 10000000000000000
===================  ==========================================================================

So numbers are equal by value, and a boolean is no number; a decimal inside JSON is a text.  What is
stored stays as it was observed: only the encoding takes 10.0 for 10.  Whatever compares values
compares hashes of this encoding, or asks `same`, which gives the same answer for stored values.

*Hashes* are BLAKE2b digests of 16 bytes, with the personalisation named here, over

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
from scrapy_snapshot_pipeline.records import seconds_text

Render: TypeAlias = "Callable[[Any], str]"
Hasher: TypeAlias = "Callable[[bytes], bytes]"

DECIMAL_CONTEXT = Context(prec=2_100)
"""Wide enough for any decimal that capture accepts, whatever the process has set as its own."""

_TOP = bytes(16)

_row_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
canonical_json = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, sort_keys=True
).encode
"""JSON text of plain dicts, lists, strings, finite numbers, booleans and None."""

_CONTAINERS = (list, dict)
_IN_JSON_TEXT = (bool, int, float, str, *_CONTAINERS)


def normal_json(text: str) -> str:
    """Canonical JSON text in the one form that all texts of equal values have.

    PostgreSQL's JSONB keeps 10.0 and 10 apart, but not 1e+16 and 10000000000000000; so numbers are
    equal if their decimal texts are, whatever a float's binary value is.
    """
    if _may_hold_whole_float(text):
        return _row_json(_read_json(text))
    return text


def read_json(text: str) -> Any:
    """The plain value of a stored JSON text, whose numbers `normal_json` writes in one form."""
    return _read_json(text)


def _may_hold_whole_float(text: str) -> bool:
    """Nearly no text does, and a search is much faster than to read it."""
    return ".0," in text or ".0}" in text or ".0]" in text or "e+" in text or text.endswith(".0")


def _number(text: str) -> float | int:
    number = float(text)
    return int(Decimal(text)) if number.is_integer() else number


_read_json = json.JSONDecoder(parse_float=_number).decode


def same(one: object, other: object) -> bool:
    """Whether two values of one field are equal; those of a JSON column come parsed."""
    if type(one) is type(other) and not isinstance(one, _CONTAINERS):
        return one == other
    if isinstance(one, _IN_JSON_TEXT) and isinstance(other, _IN_JSON_TEXT):
        return normal_json(canonical_json(one)) == normal_json(canonical_json(other))
    return one == other


def decimal_text(value: Decimal) -> str:
    """The number without exponent and trailing zeros, so that equal numbers have equal texts."""
    if not value:
        return "0"
    text = str(value)
    if "E" in text:
        return format(value.normalize(DECIMAL_CONTEXT), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def datetime_text(value: dt.datetime) -> str:
    """An aware UTC time, always with microseconds."""
    # This is a hot path, and `isoformat(timespec="microseconds")` is slower.
    text = value.isoformat()[: -len("+00:00")]
    return f"{text}Z" if value.microsecond else f"{text}.000000Z"


def time_text(value: dt.time) -> str:
    """A time of day, always with microseconds, so that texts sort as times do."""
    return value.isoformat(timespec="microseconds")


def bytes_text(value: bytes) -> str:
    """Bytes in base64."""
    return base64.b64encode(value).decode("ascii")


RENDER: Mapping[Kind, Render] = {
    Kind.DECIMAL: decimal_text,
    Kind.DATETIME: datetime_text,
    Kind.DATE: dt.date.isoformat,
    Kind.TIME: time_text,
    Kind.DURATION: seconds_text,
    Kind.UUID: str,
    Kind.BYTES: bytes_text,
}
"""The text of values of the kinds that JSON does not know."""


def _quoted(render: Callable[[Any], str]) -> Render:
    """The text in quotes; for texts in which JSON has nothing to escape."""
    return lambda value: f'"{render(value)}"'


_IN_JSON: Mapping[Kind, Render] = {
    Kind.TEXT: encode_basestring,
    Kind.ENUM: encode_basestring,
    Kind.JSON: lambda text: encode_basestring(normal_json(text)),
    Kind.INTEGER: int.__repr__,
    Kind.FLOAT: float.__repr__,
    Kind.BOOLEAN: lambda value: "true" if value else "false",
    **{kind: _quoted(render) for kind, render in RENDER.items()},
}


def field_tag(column: Column) -> str:
    """The field's name in a row, as JSON, with the comma before it and the colon after it."""
    return f",{encode_basestring(f'{column.name}:{column.kind.value}')}:"


def field_text(column: Column) -> Render:
    """The function that writes a value of the column, not None, with its tag, as JSON."""
    tag, render = field_tag(column), _IN_JSON[column.kind]
    return lambda value: tag + render(value)


def row_order(columns: Sequence[Column], wanted: Callable[[Column], bool]) -> tuple[int, ...]:
    """The indexes of the wanted columns, in the order of a row."""
    named = sorted((column.name, index) for index, column in enumerate(columns) if wanted(column))
    return tuple(index for _, index in named)


def row_bytes(texts: str) -> bytes:
    r"""The row of the given fields, which `field_text` has written, joined in order.

    A NUL in a text is encoded as `\u0000`.  Raises `UnicodeEncodeError` for a lone surrogate.

    The row is put together by hand, because a JSON encoder is set up anew for each object and is
    slower for so many small ones (see the benchmark, section D).
    """
    return f"{{{texts[1:]}}}".encode()


def encode_path(path: Sequence[str]) -> bytes:
    """The encoded field names from the entity down to a list."""
    return _row_json(list(path)).encode("utf-8")


def _hasher(person: bytes, prefix: bytes = b"") -> Hasher:
    """A function that hashes `prefix` and the bytes that it is given, to 16 bytes.

    Each hash begins as a copy, since a new object with its arguments costs more.
    """
    begun = blake2b(prefix, digest_size=16, person=person)

    def digest(data: bytes) -> bytes:
        hashed = begun.copy()
        hashed.update(data)
        return hashed.digest()

    return digest


entity_id = _hasher(b"entity/1")
"""Hashes the row of the key fields to 16 bytes."""

row_hash = _hasher(b"row/1")
"""Hashes the row of a child's own tracked fields to 16 bytes."""


_RECORD = blake2b(digest_size=16, person=b"record/1")


def child_ids(parent_id: bytes | None, path: bytes) -> Hasher:
    """The function that makes a `child_id` of 16 bytes from the row of the key fields.

    It serves one list below one parent, and no row of another list of the entity gets the same id.
    `parent_id` is the `child_id` of the enclosing row, None directly below the entity.
    """
    return _hasher(b"child/1", (parent_id or _TOP) + path)


def record_hash(tracked_row: bytes, lists: Iterable[tuple[bytes, Sequence[bytes]]]) -> bytes:
    """The hash of an entity's whole content, 16 bytes.

    `lists` are sorted by their field names.  Each is its encoded path and, for each of its rows,
    `child_id` and `content_hash` joined.
    """
    digest = _RECORD.copy()
    digest.update(tracked_row)
    for path, rows in lists:
        if rows:
            digest.update(path + str(len(rows)).encode() + b"".join(sorted(rows)))
    return digest.digest()
