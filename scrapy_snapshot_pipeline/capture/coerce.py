"""Turns one scraped value into a value of a column's kind, or raises an error without the value.

There is one function for each kind, and its docstring says what it accepts.  For all of them:

* A bool is not a number.
* Space around numeric text is ignored.  Other decoration, such as a currency sign or a thousands
  separator, is refused: only the spider knows what it means.
* The result is of exactly the built-in type, never of a subclass.
* NUL and lone surrogates in text pass, because capture finds them in the encoded row.
"""

from __future__ import annotations

import datetime as dt
import enum
import math
import re
import uuid
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeAlias, TypeVar

from scrapy_snapshot_pipeline.capture.canonical import DECIMAL_CONTEXT
from scrapy_snapshot_pipeline.capture.iso_times import parse_date, parse_datetime, parse_time
from scrapy_snapshot_pipeline.declaration.tables import Column, Kind
from scrapy_snapshot_pipeline.records import Value

Coerce: TypeAlias = "Callable[[Any], Value]"
"""Takes any value but None.  Raises `CoerceError`."""

MAX_DIGITS = 1_000
"""The limit of a decimal's digits before the point, and after it, as in PostgreSQL's NUMERIC."""

_INTEGER_DIGITS = 19
_NUMBER = re.compile(r"\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,6})?\s*")
_BOOLEANS: dict[object, bool] = {0: False, 1: True, "false": False, "true": True}
_CONVERT = "convert it in the spider, or change the field's type"
_TOO_LARGE = ("an int within 64 bits", "declare the field as Decimal or str")

T = TypeVar("T")


class CoerceError(Exception):
    """What is wrong with a value, where it is, and the cure; never the value itself."""

    def __init__(self, problem: str, cure: str = _CONVERT, path: str = "") -> None:
        super().__init__(problem, cure, path)
        self.problem = problem
        self.cure = cure
        self.path = path

    def inside(self, step: str) -> CoerceError:
        """The same error, seen from one level further out; `step` is like `[3]` or `.name`."""
        return CoerceError(self.problem, self.cure, step + self.path)


def expected(what: str, value: object, cure: str = _CONVERT) -> CoerceError:
    """The error for a value of another type than `what`."""
    return CoerceError(f"expected {what}, got {type(value).__name__}", cure)


def unfit(what: str, cure: str = _CONVERT) -> CoerceError:
    """The error for a value that has the right type, but is not `what`."""
    return CoerceError(f"expected {what}", cure)


def unexpected(error: Exception) -> CoerceError:
    """The error for a value whose own code fails; its text may quote the value, so it is left out.

    As with an Enum whose `_missing_` raises, or a `pandas.NaT`.
    """
    problem = f"{type(error).__name__} was raised while the value was read"
    return CoerceError(problem, "correct it in the spider or in the item's class")


def coercer(column: Column, naive_timezone: dt.tzinfo | None = None) -> Coerce:
    """The function for one column of any kind but JSON, for which there is `json_coercer`."""
    if column.kind is Kind.DECIMAL:
        return _decimal_of(column.precision, column.scale)
    if column.length is not None:
        return _of_length(_plain_coercer(column.kind, column.annotation, None), column.length)
    return _plain_coercer(column.kind, column.annotation, naive_timezone)


def _plain_coercer(kind: Kind, annotation: object, naive_timezone: dt.tzinfo | None) -> Coerce:
    if kind is Kind.ENUM and isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return _member_of(annotation)
    if kind is Kind.DATETIME:
        return lambda value: to_utc(value, naive_timezone)
    return _SIMPLE[kind]


def to_text(value: object) -> str:
    """Accepts str, and Enum, int, Decimal, UUID and finite float by their text."""
    if type(value) is str:
        return value
    if isinstance(value, enum.Enum):
        return enum_text(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, uuid.UUID)):
        raise expected("str", value)
    if isinstance(value, (float, Decimal)):
        _finite_decimal(value)  # raises for NaN and infinity
    return _or_unfit("a number with fewer digits", lambda: str(value))


def to_integer(value: object) -> int:
    """Accepts int, and float, Decimal or numeric text without a fraction; within 64 bits."""
    number = _integral(value)
    if not -(2**63) <= number < 2**63:
        raise unfit(*_TOO_LARGE)
    return number


def to_float(value: object) -> float:
    """Accepts float, int, Decimal and numeric text; finite.  -0.0 becomes 0.0."""
    if isinstance(value, bool) or not isinstance(value, (float, int, Decimal, str)):
        raise expected("float", value)
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise unfit("float, got text that is not a number")
    number = _or_unfit("a float in range", lambda: float(value))
    if not math.isfinite(number):
        raise unfit("a finite float")
    return number + 0.0  # turns -0.0 into 0.0


def to_boolean(value: object) -> bool:
    """Accepts bool, 0 and 1, "true" and "false" in any case."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, (int, str)):
        raise expected("bool", value)
    known = _BOOLEANS.get(value.lower() if isinstance(value, str) else value)
    if known is None:
        raise unfit('bool, 0, 1, "true" or "false"')
    return known


def to_decimal(value: object) -> Decimal:
    """Accepts Decimal, int, numeric text, and float by its repr; finite."""
    if type(value) is Decimal and _is_plain(value):
        return value
    number = _finite_decimal(value)
    if not number:
        return number.copy_abs() if -MAX_DIGITS <= number.adjusted() <= 0 else Decimal(0)
    exponent = number.as_tuple().exponent
    if number.adjusted() >= MAX_DIGITS or not isinstance(exponent, int) or exponent < -MAX_DIGITS:
        raise unfit(f"at most {MAX_DIGITS} digits before the point and after it")
    if exponent > 0:
        return number.quantize(Decimal(1), context=DECIMAL_CONTEXT)
    return number if type(number) is Decimal else Decimal(number)


def to_utc(value: object, naive_timezone: dt.tzinfo | None) -> dt.datetime:
    """Accepts datetime or its ISO 8601 text, and converts it to UTC.

    One that states no zone is read in `naive_timezone`; None refuses it.
    """
    if type(value) is dt.datetime and value.tzinfo is dt.timezone.utc:
        return value
    moment = _iso_datetime(value) if isinstance(value, str) else value
    if not isinstance(moment, dt.datetime):
        raise expected("datetime", value)
    if moment.utcoffset() is None:
        if naive_timezone is None:
            cure = "attach its time zone, or set SNAPSHOT_NAIVE_TIMEZONE"
            raise unfit("a datetime with a time zone", cure)
        moment = moment.replace(tzinfo=naive_timezone)
    return _or_unfit("a datetime from year 1 to 9999 in UTC", lambda: _utc(moment))


def to_date(value: object) -> dt.date:
    """Accepts date or its ISO 8601 text, but no datetime: its date depends on the zone."""
    if isinstance(value, dt.datetime):
        raise expected("date", value, "take its date() in the spider, in the zone that you mean")
    if isinstance(value, dt.date):
        return dt.date(value.year, value.month, value.day)
    if not isinstance(value, str):
        raise expected("date", value)
    existing = "a date that exists in the calendar"
    return _from_iso(value, parse_date, "a date as YYYY-MM-DD", existing)


def to_time(value: object) -> dt.time:
    """Accepts time without a zone, or its ISO 8601 text."""
    moment = _iso_time(value) if isinstance(value, str) else value
    if not isinstance(moment, dt.time):
        raise expected("time", value)
    if moment.tzinfo is not None:
        raise unfit("a time without a time zone", "use a datetime, or drop the zone")
    return dt.time(moment.hour, moment.minute, moment.second, moment.microsecond)


def to_uuid(value: object) -> uuid.UUID:
    """Accepts UUID or its text."""
    if isinstance(value, uuid.UUID):
        return value if type(value) is uuid.UUID else uuid.UUID(int=value.int)
    if not isinstance(value, str):
        raise expected("UUID", value)
    return _or_unfit("the text of a UUID", lambda: uuid.UUID(value))


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


_SIMPLE: dict[Kind, Coerce] = {
    Kind.TEXT: to_text,
    Kind.INTEGER: to_integer,
    Kind.FLOAT: to_float,
    Kind.BOOLEAN: to_boolean,
    Kind.DATE: to_date,
    Kind.TIME: to_time,
    Kind.UUID: to_uuid,
    Kind.BYTES: to_bytes,
}


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


def _decimal_of(precision: int | None, scale: int | None) -> Coerce:
    """Accepts what `to_decimal` does, and rounds it half up to `scale`."""
    if scale is None:
        return to_decimal
    step = Decimal(1).scaleb(-scale)
    most = MAX_DIGITS if precision is None else precision - scale

    def to_scaled(value: object) -> Decimal:
        number = to_decimal(value).quantize(step, ROUND_HALF_UP, DECIMAL_CONTEXT)
        if number and number.adjusted() >= most:
            cure = "widen the column's precision, or correct the value in the spider"
            raise unfit(f"at most {most} digits before the point", cure)
        return number or number.copy_abs()  # no negative zero

    return to_scaled


def _of_length(inner: Coerce, length: int) -> Coerce:
    def limited(value: object) -> Value:
        result = inner(value)
        if isinstance(result, (str, bytes)) and len(result) > length:
            cure = "shorten it in the spider, or declare a longer column"
            raise CoerceError(f"expected a length of at most {length}, got {len(result)}", cure)
        return result

    return limited


def _integral(value: object) -> int:
    if isinstance(value, bool):
        raise expected("int", value)
    if isinstance(value, int):
        return int(value)
    if not isinstance(value, (float, Decimal, str)):
        raise expected("int", value)
    number = _finite_decimal(value)
    if number.adjusted() > _INTEGER_DIGITS:  # 1e999999 must not be written out below
        raise unfit(*_TOO_LARGE)
    if number != number.to_integral_value():
        raise unfit("a number without a fraction for int")
    return int(number)


def _finite_decimal(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (Decimal, int, float, str)):
        raise expected("Decimal", value)
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise unfit("Decimal, got text that is not a number")
    number = value if isinstance(value, Decimal) else _exact(value)
    if not number.is_finite():
        raise unfit("a finite number")
    return number


def _is_plain(number: Decimal) -> bool:
    """Whether a quick look is enough to accept the number as it is; for the hot path."""
    if not number.is_finite() or not number:
        return False
    text = str(number)
    return "E" not in text and len(text) < MAX_DIGITS


def _exact(value: float | str) -> Decimal:
    """A float is taken by its shortest text, as it was written, not by its binary value."""
    return Decimal(float.__repr__(value) if isinstance(value, float) else value)


def _utc(moment: dt.datetime) -> dt.datetime:
    shifted = moment.astimezone(dt.timezone.utc)
    return dt.datetime.combine(shifted.date(), shifted.time(), dt.timezone.utc)


def _iso_datetime(text: str) -> dt.datetime:
    form = "a datetime in ISO 8601, such as 2024-05-01T12:00:00Z"
    return _from_iso(text, parse_datetime, form, "a datetime that exists in the calendar")


def _iso_time(text: str) -> dt.time:
    return _from_iso(text, parse_time, "a time as HH:MM:SS", "a time of day")


def _from_iso(text: str, parse: Callable[[str], T | None], form: str, existing: str) -> T:
    parsed = _or_unfit(existing, lambda: parse(text))
    if parsed is None:
        raise unfit(form)
    return parsed


def _or_unfit(what: str, convert: Callable[[], T]) -> T:
    try:
        return convert()
    except (ValueError, OverflowError):
        # The inner error is not chained, since its text may show the value.
        raise unfit(what) from None
