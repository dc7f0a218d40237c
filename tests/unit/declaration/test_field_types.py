"""What the annotation of a field means."""

from __future__ import annotations

import collections
import datetime as dt
import enum
import typing
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal, NewType, Optional

import pytest
from sqlalchemy import JSON, LargeBinary, Numeric, String
from typing_extensions import TypeAliasType

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
        (dt.timedelta, None),
        (list[dt.timedelta], None),
        (int | dt.timedelta, None),
        (type[int], None),
        ("Nowhere", None),
    ],
    ids=str,
)
def test_an_annotation_has_its_kind(annotation: Any, kind: Kind | None) -> None:
    """None is for what no column can hold."""
    assert read_annotation(annotation).kind is kind


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
