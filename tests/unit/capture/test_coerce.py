"""From scraped values to the values of columns, one kind at a time."""

from __future__ import annotations

import datetime as dt
import enum
import math
import time
import uuid
from decimal import Decimal, localcontext
from typing import Any
from zoneinfo import ZoneInfo

import pydantic
import pytest

from scrapy_snapshot_pipeline.capture.coerce import coercer
from scrapy_snapshot_pipeline.capture.values.coerce_error import CoerceError
from scrapy_snapshot_pipeline.declaration.sql_types import PADDED
from scrapy_snapshot_pipeline.declaration.tables import Column, Kind, Role
from tests.unit.item_classes import Colour

UTC = dt.timezone.utc
NOON = dt.datetime(2024, 5, 1, 12, tzinfo=UTC)
NAIVE = dt.datetime(2024, 5, 1, 14)  # noqa: DTZ001 - that it has no zone is the point
PARIS = ZoneInfo("Europe/Paris")
SCRAPED = "hunter2"


class Text(str):
    """A str that is not exactly str."""

    __slots__ = ()


class Ident(uuid.UUID):
    """A UUID that is not exactly UUID."""


class Right(enum.Flag):
    """Flags; a value without any has no name."""

    READ = 1


class Whole(int):
    """An int that is not exactly int."""


class Exact(Decimal):
    """A Decimal that is not exactly Decimal."""


def coerced(kind: Kind, value: object, zone: dt.tzinfo | None = None, **facts: Any) -> object:
    """What a column of this kind makes of a value."""
    return coercer(Column("x", kind, Role.TRACKED, **facts), zone)(value)


def refusal(kind: Kind, value: object, **facts: Any) -> CoerceError:
    """The error that a column of this kind raises for a value."""
    with pytest.raises(CoerceError) as caught:
        coerced(kind, value, **facts)
    return caught.value


@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [
        (Kind.TEXT, "x", "x"),
        (Kind.TEXT, Text("subclass"), "subclass"),
        (Kind.TEXT, 5, "5"),
        (Kind.TEXT, 1.5, "1.5"),
        (Kind.TEXT, Decimal("1.50"), "1.50"),
        (Kind.TEXT, uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Kind.TEXT, Colour.RED, "red"),
        (Kind.INTEGER, Whole(3), 3),
        (Kind.INTEGER, " 12 ", 12),
        (Kind.INTEGER, 3.0, 3),
        (Kind.INTEGER, Decimal("4.0"), 4),
        (Kind.INTEGER, 2**63 - 1, 2**63 - 1),
        (Kind.FLOAT, "1e3", 1000.0),
        (Kind.FLOAT, 2, 2.0),
        (Kind.FLOAT, Decimal("0.5"), 0.5),
        (Kind.BOOLEAN, True, True),
        (Kind.BOOLEAN, "TRUE", True),
        (Kind.BOOLEAN, 0, False),
        (Kind.DECIMAL, 0.1, Decimal("0.1")),
        (Kind.DECIMAL, "1E+2", Decimal(100)),
        (Kind.DECIMAL, Exact("1.5"), Decimal("1.5")),
        (Kind.DECIMAL, 7, Decimal(7)),
        (Kind.DATETIME, "2024-05-01T14:00:00+02:00", NOON),
        (Kind.DATETIME, "2024-05-01 12:00Z", NOON),
        (Kind.DATETIME, dt.datetime(2024, 5, 1, 14, tzinfo=PARIS), NOON),
        (Kind.DATE, "2024-05-01", dt.date(2024, 5, 1)),
        (Kind.DATE, dt.date(2024, 5, 1), dt.date(2024, 5, 1)),
        (Kind.TIME, "12:30", dt.time(12, 30)),
        (Kind.TIME, "12:30:15,25", dt.time(12, 30, 15, 250_000)),
        (Kind.UUID, "00000000-0000-0000-0000-000000000001", uuid.UUID(int=1)),
        (Kind.UUID, uuid.UUID(int=1), uuid.UUID(int=1)),
        (Kind.UUID, Ident(int=1), uuid.UUID(int=1)),
        (Kind.BYTES, bytearray(b"x"), b"x"),
        (Kind.BYTES, memoryview(b"x"), b"x"),
    ],
)
def test_a_value_is_coerced_to_the_kind(kind: Kind, value: object, stored: object) -> None:
    """To exactly the built-in type that the column holds."""
    result = coerced(kind, value)
    assert (result, type(result)) == (stored, type(stored))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1E+2"), "100"),
        ("1E+1", "10"),
        ("1E+999", f"1{'0' * 999}"),
        ("1E-1000", "1E-1000"),
        (Decimal("-0.00"), "0.00"),
        ("0E+1", "0"),
        ("0E-1000", "0E-1000"),
        ("0E-1001", "0"),
    ],
)
def test_a_decimal_has_no_positive_exponent_and_no_more_digits_than_the_limit(
    value: object, text: str
) -> None:
    """All that is before the point is written out."""
    assert str(coerced(Kind.DECIMAL, value)) == text


@pytest.mark.parametrize("value", [Colour.BLUE, 2, "BLUE"])
def test_a_member_of_an_enum_is_taken_by_value_and_by_name(value: object) -> None:
    """And stored by its name, since its value is not a string."""
    assert coerced(Kind.ENUM, value, annotation=Colour) == "BLUE"


def test_an_enum_with_text_is_stored_by_its_value() -> None:
    """Whatever its name is."""
    assert coerced(Kind.ENUM, "red", annotation=Colour) == "red"
    assert coerced(Kind.ENUM, "RED", annotation=Colour) == "red"
    assert coerced(Kind.ENUM, "RED", annotation=Colour, length=3) == "red"


def test_the_kind_decides_what_a_member_of_an_enum_becomes() -> None:
    """A class may state another one for its column."""

    class Size(enum.IntEnum):
        SMALL = 1

    assert coerced(Kind.INTEGER, Size.SMALL, annotation=Size) == 1


def test_a_number_with_too_many_digits_for_python_is_no_text() -> None:
    """Its error would show some of them."""
    assert refusal(Kind.TEXT, 10**5000).problem == "expected a number with fewer digits"


def test_a_member_of_another_enum_is_refused() -> None:
    """Even one with the same value."""

    class Other(enum.Enum):
        RED = "red"

    assert refusal(Kind.ENUM, Other.RED, annotation=Colour).problem == "expected Colour, got Other"


@pytest.mark.parametrize(("value", "kind"), [("green", "str"), (3, "int"), ([], "list")])
def test_what_is_no_member_of_the_enum_is_refused(value: object, kind: str) -> None:
    """With the kind of what was scraped."""
    error = refusal(Kind.ENUM, value, annotation=Colour)
    assert error.problem == f"expected a member of Colour, its value or its name, got {kind}"


def test_negative_zero_becomes_zero() -> None:
    """Otherwise an unchanged value would have two hashes."""
    assert math.copysign(1, coerced(Kind.FLOAT, -0.0)) == 1  # type: ignore[arg-type]
    assert not coerced(Kind.DECIMAL, Decimal("-0.00")).is_signed()  # type: ignore[attr-defined]
    small = coerced(Kind.DECIMAL, "-0.001", scale=2)
    assert str(small) == "0.00"


@pytest.mark.parametrize(
    ("value", "stored"), [(1.005, "1.01"), ("1.0049", "1.00"), (-2.5, "-2.50")]
)
def test_a_decimal_is_rounded_half_up_to_its_scale(value: object, stored: str) -> None:
    """Whatever the process's own context says."""
    with localcontext() as context:
        context.prec = 2
        assert str(coerced(Kind.DECIMAL, value, precision=6, scale=2)) == stored


CURES = {
    "expected an int within 64 bits": "declare the field as Decimal or str",
    "expected a datetime with a time zone": "attach its time zone, or set SNAPSHOT_NAIVE_TIMEZONE",
    "expected date, got datetime": "take its date() in the spider, in the zone that you mean",
    "expected a time without a time zone": "use a datetime, or drop the zone",
}
"""By problem; all others have the same one."""


@pytest.mark.parametrize(
    ("kind", "value", "problem"),
    [
        (Kind.TEXT, True, "expected str, got bool"),
        (Kind.TEXT, math.nan, "expected a finite number"),
        (Kind.TEXT, [], "expected str, got list"),
        (Kind.TEXT, Right(0), "expected a member of the Enum that has a name"),
        (Kind.INTEGER, True, "expected int, got bool"),
        (Kind.INTEGER, 1.5, "expected a number without a fraction for int"),
        (Kind.INTEGER, 2**63, "expected an int within 64 bits"),
        (Kind.INTEGER, "1_000", "expected int, got text that is not a number"),
        (Kind.INTEGER, "1e999999", "expected an int within 64 bits"),
        (Kind.INTEGER, -(2**63) - 1, "expected an int within 64 bits"),
        (Kind.INTEGER, [], "expected int, got list"),
        (Kind.INTEGER, 10**19, "expected an int within 64 bits"),
        (Kind.INTEGER, "1e19", "expected an int within 64 bits"),
        (Kind.INTEGER, f"{10**19}.5", "expected a number without a fraction for int"),
        (Kind.FLOAT, math.inf, "expected a finite float"),
        (Kind.FLOAT, "nan", "expected float, got text that is not a number"),
        (Kind.FLOAT, True, "expected float, got bool"),
        (Kind.FLOAT, [], "expected float, got list"),
        (Kind.FLOAT, 10**400, "expected a float in range"),
        (Kind.BOOLEAN, 2, 'expected bool, 0, 1, "true" or "false"'),
        (Kind.BOOLEAN, "yes", 'expected bool, 0, 1, "true" or "false"'),
        (Kind.BOOLEAN, 1.0, "expected bool, got float"),
        (Kind.DECIMAL, Decimal("sNaN"), "expected a finite number"),
        (Kind.DECIMAL, "1e1000", "expected at most 1000 digits before the point and after it"),
        (Kind.DECIMAL, "1e-1001", "expected at most 1000 digits before the point and after it"),
        (Kind.DECIMAL, "$1", "expected Decimal, got text that is not a number"),
        (Kind.DECIMAL, True, "expected Decimal, got bool"),
        (Kind.DECIMAL, [], "expected Decimal, got list"),
        (Kind.DATETIME, NAIVE, "expected a datetime with a time zone"),
        (
            Kind.DATETIME,
            "yesterday",
            "expected a datetime in ISO 8601, such as 2024-05-01T12:00:00Z",
        ),
        (Kind.DATETIME, "2024-02-30T12:00:00Z", "expected a datetime that exists in the calendar"),
        (Kind.DATETIME, dt.date(2024, 5, 1), "expected datetime, got date"),
        (
            Kind.DATETIME,
            "0001-01-01T00:00:00+14:00",
            "expected a datetime from year 1 to 9999 in UTC",
        ),
        (Kind.DATETIME, "2024-05-01T24:00:00Z", "expected a datetime that exists in the calendar"),
        (Kind.DATE, NOON, "expected date, got datetime"),
        (Kind.DATE, "01.05.2024", "expected a date as YYYY-MM-DD"),
        (Kind.DATE, "2024-02-30", "expected a date that exists in the calendar"),
        (Kind.DATE, 1, "expected date, got int"),
        (Kind.TIME, dt.time(12, tzinfo=UTC), "expected a time without a time zone"),
        (Kind.TIME, "24:30", "expected a time of day"),
        (Kind.TIME, "noon", "expected a time as HH:MM:SS"),
        (Kind.TIME, 1, "expected time, got int"),
        (Kind.UUID, "x", "expected the text of a UUID"),
        (Kind.UUID, 1, "expected UUID, got int"),
        (Kind.BYTES, "x", "expected bytes, got str"),
    ],
)
def test_an_unfit_value_is_refused(kind: Kind, value: object, problem: str) -> None:
    """With what was expected, and a cure."""
    error = refusal(kind, value)
    cure = CURES.get(problem, "convert it in the spider, or change the field's type")
    assert (error.problem, error.cure, error.path) == (problem, cure, "")


SCALARS = [kind for kind in Kind if kind not in (Kind.TEXT, Kind.JSON)]


@pytest.mark.parametrize("kind", SCALARS)
def test_a_refusal_never_shows_the_value(kind: Kind) -> None:
    """Not in an exception that is chained to it either."""
    error = refusal(kind, SCRAPED, annotation=Colour if kind is Kind.ENUM else None)
    chained = [error.__cause__, None if error.__suppress_context__ else error.__context__]
    shown = [error.problem, error.cure, *map(str, chained)]
    assert not any(SCRAPED in text for text in shown)


@pytest.mark.parametrize("kind", [Kind.TEXT, Kind.BYTES])
def test_a_length_is_a_limit(kind: Kind) -> None:
    """In characters or in bytes."""
    fits: object = "é" * 4 if kind is Kind.TEXT else b"1234"
    assert coerced(kind, fits, length=4) == fits
    error = refusal(kind, fits, length=3)
    assert error.problem == "expected a length of at most 3, got 4"
    assert error.cure == "shorten it in the spider, or declare a longer column"


def test_a_padded_text_is_filled_with_spaces_to_its_length() -> None:
    """And spaces at its end say nothing, as in a CHAR; those before it do."""
    for scraped in ("ab", "ab ", "ab       "):
        assert coerced(Kind.TEXT, scraped, length=4, fit=PADDED) == "ab  "
    assert coerced(Kind.TEXT, " ab\t", length=4, fit=PADDED) == " ab\t"
    assert coerced(Kind.TEXT, "XabX ", length=4, fit=PADDED) == "XabX"
    error = refusal(Kind.TEXT, "abcde", length=4, fit=PADDED)
    assert error.problem == "expected a length of at most 4, got 5"


def test_a_time_has_the_digits_of_its_column() -> None:
    """The rest is cut."""
    assert coerced(Kind.TIME, "12:30:15.25", scale=1) == dt.time(12, 30, 15, 200_000)


@pytest.mark.parametrize("annotation", [None, str])
def test_an_enum_without_a_class_is_text(annotation: object) -> None:
    """As SQLAlchemy's own Enum of texts has it."""
    assert coerced(Kind.ENUM, "x", annotation=annotation) == "x"


def test_a_text_that_cannot_be_written_is_refused() -> None:
    """As a class of somebody else's may do."""

    class Odd(pydantic.AnyUrl):
        def __str__(self) -> str:
            raise ValueError(SCRAPED)

    assert refusal(Kind.TEXT, Odd("http://example.com")).problem == "expected text"


def test_a_precision_is_a_limit() -> None:
    """On the digits that it leaves before the point, counted after rounding."""
    assert coerced(Kind.DECIMAL, "9999.99", precision=6, scale=2) == Decimal("9999.99")
    error = refusal(Kind.DECIMAL, "9999.995", precision=6, scale=2)
    assert error.problem == "expected at most 4 digits before the point"
    assert error.cure == "widen the column's precision, or correct the value in the spider"


def test_a_naive_datetime_is_read_in_the_given_zone() -> None:
    """And stored in UTC."""
    assert coerced(Kind.DATETIME, NAIVE, PARIS) == NOON
    assert coerced(Kind.DATETIME, "2024-05-01T14:00", PARIS) == NOON
    assert "SNAPSHOT_NAIVE_TIMEZONE" in refusal(Kind.DATETIME, NAIVE).cure


def test_the_zone_of_the_machine_changes_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only that of the value does."""
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        found = coerced(Kind.DATETIME, NAIVE, PARIS)
    time.tzset()
    assert found == NOON


def test_an_error_collects_its_path_from_inside_out() -> None:
    """Each level that it passes puts its own step in front."""
    error = CoerceError("problem", "cure").inside(".price").inside("[3]").inside(".prices")
    assert (error.problem, error.cure, error.path) == ("problem", "cure", ".prices[3].price")
    assert error.args == ("problem", "cure", ".prices[3].price")
