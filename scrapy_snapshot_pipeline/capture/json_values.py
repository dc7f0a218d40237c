"""Turns a nested value into canonical JSON text, which is what a JSON column holds.

First the value becomes plain: only dicts, lists, strings, finite numbers, booleans and None.

* Where the annotation names the inner types (`dict[str, Decimal]`, `list[int]`), inner values are
  coerced to them.
* Decimal, datetime, date, time, timedelta, UUID, Enum and bytes become strings, as in `canonical`;
  so do paths, IP addresses and URLs of pydantic.
* Tuples and other sequences become lists, and sets become sorted lists.
* A nested item becomes an object without its fields that are None, so that a field added to a
  nested class changes no hash.  A dict keeps its None values.
* The keys of a dict are strings, or scalars that have a text.  Two that become equal are refused.

Everything else is refused, and so are NaN, infinity, NUL, and nesting deeper than `MAX_DEPTH`, as
in a value that contains itself.  An error's path shows list indexes and field names.  A dict's key,
which may have been scraped, is shown as `{}`.
"""

from __future__ import annotations

import datetime as dt
import enum
import math
import typing
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from typing import Any, TypeAlias

from itemadapter import ItemAdapter

from scrapy_snapshot_pipeline.capture.canonical import RENDER, canonical_json, normal_json
from scrapy_snapshot_pipeline.capture.coerce import (
    Coerce,
    coercer,
    enum_text,
    other_text,
    to_bytes,
)
from scrapy_snapshot_pipeline.capture.values.coerce_error import (
    CoerceError,
    expected,
    unexpected,
    unfit,
)
from scrapy_snapshot_pipeline.capture.values.notices import Notices, silent
from scrapy_snapshot_pipeline.capture.values.numbers import builtin, to_decimal
from scrapy_snapshot_pipeline.capture.values.times import to_duration, to_time, to_utc
from scrapy_snapshot_pipeline.declaration.field_types import read_annotation
from scrapy_snapshot_pipeline.declaration.tables import Column, Kind, Role

MAX_DEPTH = 100

ToPlain: TypeAlias = "Callable[[Any, int], object]"
"""Takes a value that is not None and its depth, from 1, and gives the plain value."""


def json_coercer(
    annotation: object, naive_timezone: dt.tzinfo | None = None, notify: Notices = silent
) -> Coerce:
    """The function for a JSON column, which gives canonical JSON text."""
    plain = plain_reader(annotation, naive_timezone, notify)
    return lambda value: to_json(plain(value))


def plain_reader(
    annotation: object, naive_timezone: dt.tzinfo | None = None, notify: Notices = silent
) -> Callable[[Any], object]:
    """The function that makes values of a JSON column plain.  It raises `CoerceError`."""
    plain = _to_plain_by(annotation, _AnyValue(naive_timezone, notify))
    return lambda value: plain(value, 1)


def plain_fields(
    fields: Iterable[tuple[object, object]],
    naive_timezone: dt.tzinfo | None,
    notify: Notices = silent,
) -> dict[str, object]:
    """The fields of an item of a class without types, made plain.  Raises `CoerceError`."""
    return _object(fields, _AnyValue(naive_timezone, notify).plain, 1, is_item=True)


def to_json(plain: object) -> str:
    """The text of a plain value.  Raises `CoerceError` for an integer with too many digits."""
    try:
        return canonical_json(plain)
    except (ValueError, RecursionError):
        raise unfit("a value that JSON can hold") from None


def _normal(plain: object) -> str:
    """What members of a set are sorted by, so that equal sets have equal lists."""
    return normal_json(to_json(plain))


def _to_plain_by(annotation: object, any_value: _AnyValue) -> ToPlain:
    """The function for values of an unwrapped type; any value, where it names no inner types."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if not isinstance(origin, type):
        return any_value.plain
    if issubclass(origin, Mapping) and len(inner) > 1:  # a Counter only names the type of its keys
        return _mapping_of(_member_by(inner[-1], any_value))
    members = [member for member in inner if member is not Ellipsis]
    if len(members) == 1 and issubclass(origin, AbstractSet):
        return _set_of(_member_by(members[0], any_value))
    if len(members) == 1 and issubclass(origin, Sequence):
        return _list_of(_member_by(members[0], any_value))
    return any_value.plain


def _member_by(annotation: object, any_value: _AnyValue) -> ToPlain:
    field = read_annotation(annotation)
    if field.kind is None or field.kind is Kind.JSON:
        return _to_plain_by(field.annotation, any_value)
    column = Column(
        "", field.kind, Role.TRACKED, field.annotation, None,
        field.length, field.precision, field.scale,
    )  # fmt: skip
    return _scalar_by(column, any_value)


def _scalar_by(column: Column, any_value: _AnyValue) -> ToPlain:
    coerce = coercer(column, any_value.naive_timezone, any_value.notify)
    render = RENDER.get(column.kind)
    if column.kind in (Kind.TEXT, Kind.ENUM):
        return lambda value, _depth: _text(str(coerce(value)))
    if render is None:
        return lambda value, _depth: coerce(value)
    return lambda value, _depth: render(coerce(value))


def _mapping_of(member: ToPlain) -> ToPlain:
    def plain(value: object, depth: int) -> object:
        if not isinstance(value, Mapping):
            raise expected("dict", value)
        return _object(value.items(), member, depth)

    return plain


def _list_of(member: ToPlain) -> ToPlain:
    def plain(value: object, depth: int) -> object:
        if not isinstance(value, Sequence) or isinstance(value, (str, bytes, bytearray)):
            raise expected("list", value)
        return _array(value, member, depth)

    return plain


def _set_of(member: ToPlain) -> ToPlain:
    def plain(value: object, depth: int) -> object:
        if not isinstance(value, AbstractSet):
            raise expected("set", value)
        return sorted(_array(value, member, depth), key=_normal)

    return plain


class _AnyValue:
    """Makes a value plain by its own type, since no annotation names one."""

    def __init__(self, naive_timezone: dt.tzinfo | None, notify: Notices) -> None:
        self.naive_timezone = naive_timezone
        self.notify = notify

    def plain(self, value: Any, depth: int) -> object:
        if isinstance(value, str) and not isinstance(value, enum.Enum):
            return _text(value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, (int, float)) and not isinstance(value, enum.Enum):
            return _number(value)
        number = builtin(value)
        if number is not value:
            return self.plain(number, depth)
        scalar = self._scalar_text(value)
        return scalar if scalar is not None else self._container(value, depth)

    def _scalar_text(self, value: object) -> str | None:  # noqa: PLR0911 - one line a type
        if isinstance(value, enum.Enum):
            return _text(enum_text(value))
        if isinstance(value, Decimal):
            return RENDER[Kind.DECIMAL](to_decimal(value))
        if isinstance(value, dt.datetime):
            return RENDER[Kind.DATETIME](to_utc(value, self.naive_timezone, self.notify))
        if isinstance(value, dt.date):
            return value.isoformat()
        if isinstance(value, dt.time):
            return RENDER[Kind.TIME](to_time(value, self.notify))
        if isinstance(value, dt.timedelta):
            return RENDER[Kind.DURATION](to_duration(value, self.notify))
        if isinstance(value, uuid.UUID):
            return str(value)
        return RENDER[Kind.BYTES](to_bytes(value)) if _is_bytes(value) else None

    def _container(self, value: Any, depth: int) -> object:
        if isinstance(value, dict):
            return _object(value.items(), self.plain, depth)
        if isinstance(value, Sequence):
            return _array(value, self.plain, depth)
        if isinstance(value, AbstractSet):
            return sorted(_array(value, self.plain, depth), key=_normal)
        if ItemAdapter.is_item(value):
            present = [(k, v) for k, v in ItemAdapter(value).items() if v is not None]
            return _object(present, self.plain, depth, is_item=True)
        if isinstance(value, Mapping):
            return _object(value.items(), self.plain, depth)
        return other_text(value, "a value that JSON can hold")


def _object(
    members: Iterable[tuple[object, object]], plain: ToPlain, depth: int, *, is_item: bool = False
) -> dict[str, object]:
    _check_depth(depth)
    result: dict[str, object] = {}
    for key, value in members:
        try:
            name = _new_name(key, result)
            result[name] = None if value is None else plain(value, depth + 1)
        except Exception as error:  # noqa: BLE001, PERF203 - the error needs the key
            is_name = is_item and isinstance(key, str) and key.isidentifier()
            raise _inside(f".{key}" if is_name else "{}", error) from None
    return result


def _array(members: Iterable[object], plain: ToPlain, depth: int) -> list[object]:
    _check_depth(depth)
    result: list[object] = []
    for index, value in enumerate(members):
        try:
            result.append(None if value is None else plain(value, depth + 1))
        except Exception as error:  # noqa: BLE001, PERF203 - the error needs the index
            raise _inside(f"[{index}]", error) from None
    return result


def _inside(step: str, error: Exception) -> CoerceError:
    """The error of a member, seen from its container; a class of the user's may raise anything."""
    known = error if isinstance(error, CoerceError) else unexpected(error)
    return known.inside(step)


def _new_name(key: object, taken: Mapping[str, object]) -> str:
    name = _key_text(key)
    if name in taken:
        raise unfit("dict keys that still differ as text")
    return name


def _key_text(key: object) -> str:
    if isinstance(key, str) and not isinstance(key, enum.Enum):
        return _text(key)
    if isinstance(key, (bool, dt.datetime, bytes)) or not isinstance(
        key, (int, enum.Enum, Decimal, dt.date, uuid.UUID)
    ):
        raise expected("str as a dict key", key)
    return str(_AnyValue(None, silent).plain(key, MAX_DEPTH))


def _text(value: str) -> str:
    if "\x00" in value:
        raise unfit("text without NUL characters", "remove them in the spider")
    return value if type(value) is str else str.__str__(value)


def _number(value: float) -> float:
    if isinstance(value, int):
        return int(value)
    if not math.isfinite(value):
        raise unfit("a finite number", "use None for a value that is not known")
    return value + 0.0  # turns -0.0 into 0.0


def _is_bytes(value: object) -> bool:
    return isinstance(value, (bytes, bytearray, memoryview))


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise unfit(f"at most {MAX_DEPTH} levels, and no value that contains itself")
