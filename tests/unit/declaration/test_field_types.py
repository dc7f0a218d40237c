"""What the annotation of a field means."""

from __future__ import annotations

import collections
import datetime as dt
import enum
import ipaddress
import pathlib
import typing
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal, NewType, Optional

import pydantic
import pytest
from sqlalchemy import JSON, LargeBinary, Numeric, String
from typing_extensions import TypeAliasType

from scrapy_snapshot_pipeline.capture.json_values import json_coercer
from scrapy_snapshot_pipeline.declaration.field_types import (
    SCALARS,
    list_member,
    read_annotation,
    unwrap,
)
from scrapy_snapshot_pipeline.declaration.tables import Kind
from tests.unit.item_classes import Colour, Price, PydanticItem, ScrapyItem

Euro = NewType("Euro", Decimal)
Key = typing.TypeVar("Key")


class Url(str):
    """A scalar of a class of its own."""

    __slots__ = ()


class Level(enum.IntEnum):
    """An Enum that is also a scalar."""

    LOW = 1


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        *SCALARS.items(),
        (Url, Kind.TEXT),
        (Colour, Kind.ENUM),
        (Level, Kind.ENUM),
        (int | None, Kind.INTEGER),
        (Optional[dt.date], Kind.DATE),  # noqa: UP045 - as older code writes it
        (Euro, Kind.DECIMAL),
        (Annotated[uuid.UUID | None, "anything"], Kind.UUID),
        (Literal["a", "b"], Kind.TEXT),
        (Literal["a", None], Kind.TEXT),  # noqa: PYI061 - it is what is tested
        (Literal["a", 1], Kind.JSON),
        (int | str, Kind.JSON),
        (Any, Kind.JSON),
        (object, Kind.JSON),
        (Key, Kind.JSON),
        (dict[str, Any], Kind.JSON),
        (list[int | None], Kind.JSON),
        (tuple[int, ...], Kind.JSON),
        (collections.Counter[str], Kind.JSON),
        (Price, Kind.JSON),
        (ScrapyItem, Kind.JSON),
        (PydanticItem | None, Kind.JSON),
        (typing.Final[str], Kind.TEXT),
        (typing.Final, Kind.JSON),
        (Annotated[typing.Final[int | None], "x"], Kind.INTEGER),
        (Literal[Colour.RED, Colour.BLUE], Kind.ENUM),
        (Literal[Colour.RED, None], Kind.ENUM),  # noqa: PYI061
        (Literal[Colour.RED, "x"], Kind.JSON),
        (pathlib.Path, Kind.TEXT),
        (ipaddress.IPv6Interface | None, Kind.TEXT),
        (pydantic.HttpUrl, Kind.TEXT),
        (pydantic.PostgresDsn, Kind.TEXT),
        (pydantic.EmailStr, Kind.TEXT),
        (pydantic.NameEmail, Kind.TEXT),
        (pydantic.IPvAnyAddress, Kind.TEXT),
        (pydantic.FilePath, Kind.TEXT),
        (pydantic.AwareDatetime, Kind.DATETIME),
        (pydantic.NaiveDatetime, Kind.DATETIME),
        (pydantic.PastDatetime, Kind.DATETIME),
        (pydantic.PastDate, Kind.DATE),
        (pydantic.FutureDate | None, Kind.DATE),
        (pydantic.UUID4, Kind.UUID),
        (pydantic.PositiveInt, Kind.INTEGER),
        (pydantic.ByteSize, Kind.INTEGER),
        (pydantic.Json, Kind.JSON),
        (pydantic.Json[list[int]], Kind.JSON),
        (pydantic.JsonValue, Kind.JSON),
        (list[pydantic.HttpUrl], Kind.JSON),
        (pydantic.SecretStr, None),
        (pydantic.Secret[int], None),
        (complex, None),
        (list[complex], None),
        (int | complex, None),
        (type[int], None),
        ("Nowhere", None),
    ],
    ids=str,
)
def test_an_annotation_has_its_kind(annotation: Any, kind: Kind | None) -> None:
    """None is for what no column can hold."""
    assert read_annotation(annotation).kind is kind


def generic(name: str, value: Any) -> Any:
    """An alias with one parameter."""
    make: Any = TypeAliasType
    return make(name, value, type_params=(Key,))


ANY_KEY: Any = Key
Prices = generic("Prices", list[ANY_KEY])
Maybe = generic("Maybe", ANY_KEY | None)
Same = generic("Same", Key)


@pytest.mark.parametrize(
    ("annotation", "bare", "kind"),
    [
        (Prices[Decimal], list[Decimal], Kind.JSON),
        (Prices, list[ANY_KEY], Kind.JSON),
        (Maybe[int], int, Kind.INTEGER),
        (Same[str], str, Kind.TEXT),
        (pydantic.JsonValue, Any, Kind.JSON),
        (list[pydantic.JsonValue], list[pydantic.JsonValue], Kind.JSON),
    ],
    ids=str,
)
def test_an_alias_with_arguments_or_around_itself(
    annotation: Any, bare: object, kind: Kind
) -> None:
    """The arguments take their places; what contains itself is anything."""
    found = read_annotation(annotation)
    assert (found.annotation, found.kind) == (bare, kind)
    assert json_coercer(list[pydantic.JsonValue])([{"a": [1, None]}]) == '[{"a":[1,null]}]'


def test_an_alias_is_unwrapped() -> None:
    """As `type alias = Decimal | None` makes it in newer Pythons."""
    alias = TypeAliasType("alias", Decimal | None)
    assert read_annotation(alias).kind is Kind.DECIMAL
    assert read_annotation(alias).annotation is Decimal


def test_the_metadata_of_nested_annotated_comes_innermost_first() -> None:
    """Through `Optional` too."""
    assert unwrap(Annotated[Annotated[str, 1], 2]) == (str, (1, 2))
    assert unwrap(Annotated[Annotated[str, 1] | None, 2]) == (str, (1, 2))
    assert unwrap(int | str) == (int | str, ())


@pytest.mark.parametrize(
    ("annotation", "limits"),
    [
        (Annotated[str, String(20)], (20, None, None)),
        (Annotated[bytes, LargeBinary(16)], (16, None, None)),
        (Annotated[Colour, String(8)], (8, None, None)),
        (Annotated[Decimal, Numeric(6, 2)], (None, 6, 2)),
        (Annotated[Decimal, Numeric(9)], (None, 9, None)),
        (Annotated[int, Numeric(6, 2)], (None, None, None)),
        (Annotated[str, String], (None, None, None)),
        (Annotated[str, "no SQL"], (None, None, None)),
    ],
    ids=str,
)
def test_a_sql_type_limits_the_kinds_that_have_its_limit(annotation: Any, limits: object) -> None:
    """Length of text and bytes, precision and scale of a decimal."""
    field = read_annotation(annotation)
    assert (field.length, field.precision, field.scale) == limits


def test_a_sql_type_is_passed_on_whether_class_or_instance() -> None:
    """The first one counts, and other metadata is passed over."""
    assert read_annotation(Annotated[str, "doc", JSON, String(3)]).sql_type is JSON
    length = read_annotation(Annotated[str, String(3)]).sql_type
    assert isinstance(length, String)
    assert read_annotation(Annotated[str, "doc"]).sql_type is None


@pytest.mark.parametrize(
    ("annotation", "member"),
    [
        (list[Price], Price),
        (Sequence[Price], Price),
        (tuple[Price, ...], Price),
        (list[Annotated[Price | None, "doc"]], Price),
        (list[int], int),
        (tuple[Price, Price], None),
        (set[Price], None),
        (list, None),
        (list[int | str], None),
        (dict[str, Price], None),
        (Price, None),
    ],
    ids=str,
)
def test_a_list_has_one_class(annotation: Any, member: type | None) -> None:
    """Or it can be no child table."""
    assert list_member(annotation) is member
