"""Turns one scraped value into a value of a column's kind, or raises an error without the value.

There is one function for each kind, and its docstring says what it accepts.  For all of them:

* A bool is not a number.
* Space around numeric text is ignored.  Other decoration, such as a currency sign or a thousands
  separator, is refused: only the spider knows what it means.
* The result is of exactly the built-in type, never of a subclass.
* What the column's SQL type would cut, round or pad is cut, rounded or padded here.
* NUL and lone surrogates in text pass, because capture finds them in the encoded row.
"""

from __future__ import annotations

import datetime as dt
import enum
import ipaddress
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from pathlib import PurePath
from typing import Any, TypeAlias

from scrapy_snapshot_pipeline.capture.values.coerce_error import (
    CoerceError,
    expected,
    or_unfit,
    unfit,
)
from scrapy_snapshot_pipeline.capture.values.notices import Notices, silent
from scrapy_snapshot_pipeline.capture.values.numbers import (
    builtin,
    decimal_of,
    finite_decimal,
    float_of,
    integer_of,
    to_integer,
    to_single,
)
from scrapy_snapshot_pipeline.capture.values.times import time_of, to_date, to_duration, to_utc
from scrapy_snapshot_pipeline.declaration.field_types import is_pydantic_text
from scrapy_snapshot_pipeline.declaration.sql_types import INTEGER_BITS, PADDED, SINGLE
from scrapy_snapshot_pipeline.declaration.tables import Column, Kind
from scrapy_snapshot_pipeline.records import Value

Coerce: TypeAlias = "Callable[[Any], Value]"
"""Takes any value but None.  Raises `CoerceError`."""

_BOOLEANS: dict[object, bool] = {0: False, 1: True, "false": False, "true": True}
_WITH_TEXT = (
    uuid.UUID,
    PurePath,
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
)
"""Classes whose text is all that they are; interfaces are addresses."""


def coercer(
    column: Column, naive_timezone: dt.tzinfo | None = None, notify: Notices = silent
) -> Coerce:
    """The function for one column of any kind but JSON, for which there is `json_coercer`."""
    coerce = _OF_KIND[column.kind](column, naive_timezone, notify)
    if column.length is None:
        return coerce
    return (_padded if column.fit == PADDED else _of_length)(coerce, column.length)


def to_text(value: object) -> str:
    """Accepts str, and by its text an Enum, finite number, UUID, path, IP address or URL."""
    if type(value) is str:
        return value
    if isinstance(value, enum.Enum):
        return enum_text(value)
    if isinstance(value, str):
        return str.__str__(value)
    value = builtin(value)
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        finite_decimal(value)  # raises for NaN and infinity
        return or_unfit("a number with fewer digits", lambda: str(value))
    return other_text(value, "str")


def other_text(value: object, wanted: str) -> str:
    """The text of a value that has one; raises `expected` for any other."""
    if isinstance(value, _WITH_TEXT):
        return str(value)
    if is_pydantic_text(type(value)):
        return or_unfit("text", lambda: str(value))
    raise expected(wanted, value)


def to_boolean(value: object) -> bool:
    """Accepts bool, 0 and 1, "true" and "false" in any case."""
    if isinstance(value, bool):
        return value
    value = builtin(value)
    if isinstance(value, bool):
        return value
    if not isinstance(value, (int, str)):
        raise expected("bool", value)
    known = _BOOLEANS.get(value.lower() if isinstance(value, str) else value)
    if known is None:
        raise unfit('bool, 0, 1, "true" or "false"')
    return known


def to_uuid(value: object) -> uuid.UUID:
    """Accepts UUID or its text."""
    if isinstance(value, uuid.UUID):
        return value if type(value) is uuid.UUID else uuid.UUID(int=value.int)
    if not isinstance(value, str):
        raise expected("UUID", value)
    return or_unfit("the text of a UUID", lambda: uuid.UUID(value))


def to_bytes(value: object) -> bytes:
    """Accepts bytes, bytearray and memoryview."""
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise expected("bytes", value)
    return bytes(value)


def enum_text(member: enum.Enum) -> str:
    """The member's value if that is a string, else its name."""
    text = member.value if isinstance(member.value, str) else member.name
    if not isinstance(text, str):
        raise unfit("a member of the Enum that has a name")
    return str.__str__(text)


def _member_of(enum_class: type[enum.Enum]) -> Coerce:
    """Accepts a member, a member's value or a member's name."""

    def to_enum(value: object) -> str:
        if isinstance(value, enum_class):
            return enum_text(value)
        if isinstance(value, enum.Enum):
            raise expected(enum_class.__name__, value)
        try:
            return enum_text(enum_class(value))
        except ValueError:
            member = enum_class.__members__.get(value) if isinstance(value, str) else None
        if member is None:
            raise expected(f"a member of {enum_class.__name__}, its value or its name", value)
        return enum_text(member)

    return to_enum


def _of_length(inner: Coerce, length: int) -> Coerce:
    def limited(value: object) -> Value:
        result = inner(value)
        if isinstance(result, (str, bytes)) and len(result) > length:
            cure = "shorten it in the spider, or declare a longer column"
            raise CoerceError(f"expected a length of at most {length}, got {len(result)}", cure)
        return result

    return limited


def _padded(inner: Coerce, length: int) -> Coerce:
    """As a CHAR has it: spaces at the end say nothing, and all values are equally long."""

    def padded(value: object) -> Value:
        text = str(inner(value)).rstrip(" ")
        return str(limited(text)).ljust(length)

    limited = _of_length(lambda text: text, length)
    return padded


def _datetime(_: Column, zone: dt.tzinfo | None, notify: Notices) -> Coerce:
    return lambda value: to_utc(value, zone, notify)


def _time(column: Column, _: dt.tzinfo | None, notify: Notices) -> Coerce:
    return time_of(column.scale, notify)


def _enum(column: Column, _zone: dt.tzinfo | None, _notify: Notices) -> Coerce:
    annotation = column.annotation
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return _member_of(annotation)
    return to_text


_Make: TypeAlias = "Callable[[Column, dt.tzinfo | None, Notices], Coerce]"
_OF_KIND: Mapping[Kind, _Make] = {
    Kind.TEXT: lambda *_: to_text,
    Kind.INTEGER: lambda c, *_: integer_of(INTEGER_BITS[c.fit]) if c.fit else to_integer,
    Kind.FLOAT: lambda c, *_: to_single if c.fit == SINGLE else float_of(c.precision, c.scale),
    Kind.BOOLEAN: lambda *_: to_boolean,
    Kind.DECIMAL: lambda c, *_: decimal_of(c.precision, c.scale),
    Kind.DATETIME: _datetime,
    Kind.DATE: lambda *_: to_date,
    Kind.TIME: _time,
    Kind.DURATION: lambda _column, _zone, notify: partial(to_duration, notify=notify),
    Kind.UUID: lambda *_: to_uuid,
    Kind.BYTES: lambda *_: to_bytes,
    Kind.ENUM: _enum,
}
