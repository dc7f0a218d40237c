"""Turns scraped numbers into int, float or Decimal where nothing is lost.

A float takes

* an int from -2**53 to 2**53, between which it holds every one;
* a Decimal that it holds exactly, or as its shortest text, or else one of at most 17 digits between
  the same bounds, as many as any float needs;
* numeric text, as the nearest float, and a whole number as a Decimal of the same value.

A scalar of numpy is taken as Python's number or bool of the same value.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from scrapy_snapshot_pipeline.capture.canonical import DECIMAL_CONTEXT
from scrapy_snapshot_pipeline.capture.values.coerce_error import (
    CoerceError,
    expected,
    or_unfit,
    unfit,
)

MAX_DIGITS = 1_000
"""The limit of a decimal's digits before the point, and after it, as in PostgreSQL's NUMERIC."""

_INTEGER_DIGITS = 19
_TOO_LARGE = ("an int within 64 bits", "declare the field as Decimal or str")
_NUMBER = re.compile(r"\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,6})?\s*")
_WHOLE_FLOATS = 2**53
_FLOAT_DIGITS = 17
_SINGLE_DIGITS = 9
"""Digits that tell all floats of 32 bits apart."""
_NUMPY = frozenset({"bool", "bool_", "integer", "floating"})


def builtin(value: Any) -> Any:
    """Python's value of the same worth for a number or bool of numpy; else the value itself."""
    cls = type(value)
    if cls.__module__ != "numpy" or not any(base.__name__ in _NUMPY for base in cls.__mro__):
        return value
    plain = value.item()
    return plain if type(plain) in {bool, int, float} else value  # a longdouble stays one


def to_integer(value: object) -> int:
    """Accepts int, and float, Decimal or numeric text without a fraction; within 64 bits."""
    number = _integral(value)
    if not -(2**63) <= number < 2**63:
        raise unfit(*_TOO_LARGE)
    return number


def integer_of(bits: int) -> Callable[[object], int]:
    """Accepts what `to_integer` does, within so many bits."""

    def to_small(value: object) -> int:
        number = to_integer(value)
        if not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
            raise unfit(f"an int within {bits} bits", "use BigInteger, or leave the SQL type out")
        return number

    return to_small


def to_float(value: object) -> float:
    """Accepts float, int, Decimal and numeric text; finite.  -0.0 becomes 0.0."""
    if type(value) is not float:
        value = builtin(value)
    if isinstance(value, bool) or not isinstance(value, (float, int, Decimal, str)):
        raise expected("float", value)
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise unfit("float, got text that is not a number")
    number = or_unfit("a float in range", lambda: float(value))
    if not math.isfinite(number):
        raise unfit("a finite float")
    if not isinstance(value, float):
        _check_kept(value, number)
    return number + 0.0  # turns -0.0 into 0.0


def to_decimal(value: object) -> Decimal:
    """Accepts Decimal, int, numeric text, and float by its repr; finite."""
    if type(value) is Decimal and _is_plain(value):
        return value
    number = finite_decimal(value)
    if not number:
        return number.copy_abs() if -MAX_DIGITS <= number.adjusted() <= 0 else Decimal(0)
    exponent = number.as_tuple().exponent
    if number.adjusted() >= MAX_DIGITS or not isinstance(exponent, int) or exponent < -MAX_DIGITS:
        raise unfit(f"at most {MAX_DIGITS} digits before the point and after it")
    if exponent > 0:
        return number.quantize(Decimal(1), context=DECIMAL_CONTEXT)
    return number if type(number) is Decimal else Decimal(number)


def decimal_of(precision: int | None, scale: int | None) -> Callable[[Any], Decimal]:
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


def float_of(precision: int | None, scale: int | None) -> Callable[[Any], float]:
    """Accepts what `to_float` does, and rounds it half up to `scale`, as it is written."""
    if scale is None:
        return to_float
    to_scaled = decimal_of(precision, scale)
    return lambda value: float(to_scaled(to_float(value)))


def to_single(value: object) -> float:
    """Accepts what `to_float` does, and takes the nearest float of 32 bits.

    It is written with as few digits as tell it from others, as a database shows it.
    """
    number = to_float(value)
    nearest = _single(number)
    if not math.isfinite(nearest):
        raise unfit("a float within 32 bits")
    written = (float(f"{nearest:.{digits}g}") for digits in range(1, _SINGLE_DIGITS + 1))
    return next(text for text in written if _tells(text, nearest)) + 0.0


def finite_decimal(value: object) -> Decimal:
    """The number as it is written; a float by its shortest text, not by its binary value."""
    value = builtin(value)
    if isinstance(value, bool) or not isinstance(value, (Decimal, int, float, str)):
        raise expected("Decimal", value)
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise unfit("Decimal, got text that is not a number")
    number = value if isinstance(value, Decimal) else _exact(value)
    if not number.is_finite():
        raise unfit("a finite number")
    return number


def _check_kept(value: int | Decimal | str, number: float) -> None:
    """Raise unless the float is the number that was scraped, as the module's docstring says."""
    if isinstance(value, int):
        if abs(value) > _WHOLE_FLOATS:
            raise _lost("an int from -2**53 to 2**53")
        return
    exact = Decimal(value)
    if isinstance(value, str) and exact != exact.to_integral_value():
        return
    if exact in (number, Decimal(repr(number))):
        return
    digits = len(exact.normalize(DECIMAL_CONTEXT).as_tuple().digits)
    if not number or abs(exact) > _WHOLE_FLOATS or digits > _FLOAT_DIGITS:
        raise _lost(f"a number of at most {_FLOAT_DIGITS} digits")


def _lost(what: str) -> CoerceError:
    return unfit(f"{what} for a float", "declare the field as Decimal or int, or round it")


def _single(number: float) -> float:
    try:
        rounded: float = struct.unpack("<f", struct.pack("<f", number))[0]
    except OverflowError:
        return math.inf
    return rounded


def _tells(text: float, single: float) -> bool:
    """Whether a reader takes it for that float of 32 bits, however it rounds half of a step."""
    mirrored = single + 2 * (text - single)
    is_half = mirrored != single and _single(mirrored) == mirrored
    return _single(text) == single and not is_half


def _integral(value: object) -> int:
    value = builtin(value)
    if isinstance(value, bool):
        raise expected("int", value)
    if isinstance(value, int):
        return int(value)
    if not isinstance(value, (float, Decimal, str)):
        raise expected("int", value)
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise unfit("int, got text that is not a number")
    number = finite_decimal(value)
    if number.adjusted() > _INTEGER_DIGITS:  # 1e999999 must not be written out below
        raise unfit(*_TOO_LARGE)
    if number != number.to_integral_value():
        raise unfit("a number without a fraction for int")
    return int(number)


def _is_plain(number: Decimal) -> bool:
    """Whether a quick look is enough to accept the number as it is; for the hot path."""
    if not number.is_finite() or not number:
        return False
    text = str(number)
    return "E" not in text and len(text) < MAX_DIGITS


def _exact(value: float | str) -> Decimal:
    return Decimal(float.__repr__(value) if isinstance(value, float) else value)
