"""The format of dead letters, version 1: one JSON line holds all that is known about a record.

Pure.  Values carry their types, and a line names its table but no class, so that nothing has to be
imported or evaluated to read it.  The table's name finds the declaration again.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from scrapy_snapshot_pipeline.declaration.tables import Column, Declaration, Role
from scrapy_snapshot_pipeline.errors import (
    AbandonedError,
    Cause,
    DeadLetterError,
    FatalWriteError,
    RetriableWriteError,
    SystemicError,
    TooSlowError,
    WriteError,
)
from scrapy_snapshot_pipeline.records import ChildRecord, SnapshotRecord, Value

VERSION = 1
_TYPE, _VALUE = "$t", "v"
_CHECKSUM = ',"sha256":"'
_CHECKSUM_LENGTH = len(_CHECKSUM) + 64 + len('"}')
_MAX_MESSAGE = 200  # characters


_REASONS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (AbandonedError, "shutdown"),
    (TooSlowError, "timeout"),
    ((SystemicError, FatalWriteError, SystemExit, KeyboardInterrupt), "systemic"),
)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that was not stored, and why."""

    record: SnapshotRecord
    spider: str
    failed_at: dt.datetime
    """Aware, UTC."""
    reason: str
    """data, integrity, unserialisable, too_large, timeout, systemic, exhausted or shutdown."""
    attempts: int
    possibly_stored: bool
    """Whether an attempt got no answer, or was cut off."""
    error_class: str
    message: str
    """The text of an error of ours, without a scraped value."""
    cause: Cause


def reason_of(error: BaseException) -> str:
    """Why a record is a dead letter, in one word."""
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return reason
    return _reason_of_cause(error) if isinstance(error, WriteError) else "unserialisable"


def _reason_of_cause(error: WriteError) -> str:
    if "MemoryError" in error.cause.driver_class:
        return "too_large"
    if error.cause.code.startswith(("23", "SQLITE_CONSTRAINT", "19")):
        return "integrity"
    if isinstance(error, RetriableWriteError):
        return "exhausted"
    return "data" if error.cause.code else "unserialisable"


def encode(letter: DeadLetter, declaration: Declaration) -> bytes:
    """The line of a letter, with its newline; `declaration` is that of the record's table."""
    record = letter.record
    fields = {
        "v": VERSION,
        "table": record.table,
        "key": _row(declaration.columns, record.values, only_key=True),
        "observed_at": record.observed_at.isoformat(),
        "failed_at": letter.failed_at.isoformat(),
        "reason": letter.reason,
        "attempts": letter.attempts,
        "persistence": "possibly_persisted" if letter.possibly_stored else "not_persisted",
        "error": letter.error_class,
        "message": letter.message[:_MAX_MESSAGE],
        "exc": letter.cause.driver_class,
        "code": letter.cause.code,
        "error_table": letter.cause.table,
        "column": letter.cause.column,
        "constraint": letter.cause.constraint,
        "spider": letter.spider,
        "run_id": str(record.run_id),
        "entity_id": record.entity_id.hex(),
        "snapshot_id": record.snapshot_id,
        "content_hash": record.content_hash.hex(),
        "size": record.size,
        "values": _row(declaration.columns, record.values),
        "children": {
            table.name: [_child(child, table.columns) for child in rows]
            for table, rows in zip(declaration.children, record.children, strict=True)
        },
    }
    return _with_checksum(json.dumps(fields, separators=(",", ":"), allow_nan=False)) + b"\n"


def read_fields(line: bytes) -> Mapping[str, Any]:
    """The JSON object of a line; raises DeadLetterError if it is torn or was changed."""
    text = line.rstrip(b"\n").decode("ascii", errors="replace")
    body = text[:-_CHECKSUM_LENGTH] + "}"
    if _with_checksum(body) != text.encode("ascii", errors="replace"):
        raise DeadLetterError("the line is torn or was changed: its sha256 does not match")
    fields: Mapping[str, Any] = json.loads(body)
    if fields.get("v") != VERSION:
        raise DeadLetterError("the line has another format version; replay it with a newer release")
    return fields


def decode(fields: Mapping[str, Any], declaration: Declaration) -> DeadLetter:
    """The letter of a line; raises DeadLetterError for a declaration of another key or columns."""
    _check_key(fields["key"], declaration)
    cause = ("exc", "code", "error_table", "column", "constraint")
    return DeadLetter(
        record=_record(fields, declaration),
        spider=fields["spider"],
        failed_at=dt.datetime.fromisoformat(fields["failed_at"]),
        reason=fields["reason"],
        attempts=fields["attempts"],
        possibly_stored=fields["persistence"] != "not_persisted",
        error_class=fields["error"],
        message=fields["message"],
        cause=Cause(*(fields[name] for name in cause)),
    )


def _check_key(key: Mapping[str, object], declaration: Declaration) -> None:
    """The record's id follows from its key, and would be that of no entity of today's."""
    names = {column.name for column in declaration.columns if column.role is Role.KEY}
    if set(key) != names:
        raise DeadLetterError(
            f"the record has another key than table {declaration.table} is declared with; "
            "replay it with the item class it was scraped with"
        )


def _record(fields: Mapping[str, Any], declaration: Declaration) -> SnapshotRecord:
    return SnapshotRecord(
        table=fields["table"],
        entity_id=bytes.fromhex(fields["entity_id"]),
        snapshot_id=fields["snapshot_id"],
        content_hash=bytes.fromhex(fields["content_hash"]),
        observed_at=_utc(fields["observed_at"]),
        run_id=uuid.UUID(fields["run_id"]),
        values=_values(fields["values"], declaration.columns, declaration.table),
        children=_children(fields["children"], declaration),
        size=fields["size"],
    )


def _with_checksum(body: str) -> bytes:
    digest = hashlib.sha256(body.encode("ascii", errors="replace")).hexdigest()
    return f'{body[:-1]}{_CHECKSUM}{digest}"}}'.encode("ascii", errors="replace")


# Rows are by column name, since people read them and the order of the columns may change.


def _row(
    columns: Sequence[Column], values: Sequence[Value], *, only_key: bool = False
) -> dict[str, object]:
    named = zip(columns, values, strict=True)
    return {c.name: _tag(v) for c, v in named if not only_key or c.role is Role.KEY}


def _child(child: ChildRecord, columns: Sequence[Column]) -> dict[str, object]:
    return {
        "child_id": child.child_id.hex(),
        "parent_id": child.parent_id.hex() if child.parent_id is not None else None,
        "content_hash": child.content_hash.hex(),
        "values": _row(columns, child.values),
    }


def _values(row: Mapping[str, object], columns: Sequence[Column], table: str) -> tuple[Value, ...]:
    names = [column.name for column in columns]
    if set(row) != set(names):
        raise DeadLetterError(
            f"the record has other columns than table {table} is declared with; "
            "replay it with the item class it was scraped with"
        )
    return tuple(_untag(row[name]) for name in names)


def _children(
    tables: Mapping[str, Sequence[Mapping[str, Any]]], declaration: Declaration
) -> tuple[tuple[ChildRecord, ...], ...]:
    names = [table.name for table in declaration.children]
    if set(tables) != set(names):
        raise DeadLetterError(
            f"the record has other child tables than {declaration.table} is declared with; "
            "replay it with the item class it was scraped with"
        )
    return tuple(
        tuple(_child_record(row, table.columns, table.name) for row in tables[table.name])
        for table in declaration.children
    )


def _child_record(row: Mapping[str, Any], columns: Sequence[Column], table: str) -> ChildRecord:
    parent = row["parent_id"]
    return ChildRecord(
        id_and_hash=bytes.fromhex(row["child_id"]) + bytes.fromhex(row["content_hash"]),
        parent_id=None if parent is None else bytes.fromhex(parent),
        values=_values(row["values"], columns, table),
    )


# Values with their types

_MICROSECOND = dt.timedelta(microseconds=1)

_TAGS: Mapping[type, tuple[str, Callable[[Any], str]]] = {
    Decimal: ("decimal", str),
    dt.datetime: ("datetime", dt.datetime.isoformat),
    dt.date: ("date", dt.date.isoformat),
    dt.time: ("time", dt.time.isoformat),
    dt.timedelta: ("microseconds", lambda value: str(value // _MICROSECOND)),
    uuid.UUID: ("uuid", str),
    bytes: ("bytes", lambda value: base64.b64encode(value).decode("ascii")),
    float: ("float", repr),
}


def _utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).astimezone(dt.timezone.utc)


_READERS: Mapping[str, Callable[[str], Value]] = {
    "decimal": Decimal,
    "datetime": _utc,
    "date": dt.date.fromisoformat,
    "time": dt.time.fromisoformat,
    "microseconds": lambda text: int(text) * _MICROSECOND,
    "uuid": uuid.UUID,
    "bytes": base64.b64decode,
    "float": float,
}


def _tag(value: Value) -> object:
    # JSON's own types stay as they are.  A record has no dicts, so no value looks like a tag.
    if isinstance(value, float) and math.isfinite(value):
        return value
    if type(value) not in _TAGS:
        return value
    name, write = _TAGS[type(value)]
    return {_TYPE: name, _VALUE: write(value)}


def _untag(stored: Any) -> Value:
    if not isinstance(stored, dict):
        value: Value = stored
        return value
    return _READERS[stored[_TYPE]](stored[_VALUE])
