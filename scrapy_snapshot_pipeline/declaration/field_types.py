"""Reads what a field's annotation means: a column of some kind, or a list of rows.

The rules, of which the first match wins:

* `Optional`, `Annotated`, `NewType` and type aliases are unwrapped.
* A scalar class, or a subclass of one, is a column of its kind.  An `Enum` is ENUM.  A `Literal`
  has the kind of its members, if they are all of one type.
* A list, tuple or sequence of one class may be a child table (`list_member` gives that class),
  unless it is annotated with a SQL type of its own.
* Every container, union, `Any` and item class is JSON.
* Anything else is unsupported.
"""

from __future__ import annotations

import collections.abc
import datetime as dt
import enum
import types
import typing
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from itemadapter import ItemAdapter

from scrapy_snapshot_pipeline.declaration.tables import Kind

SCALARS: dict[type, Kind] = {
    str: Kind.TEXT,
    bool: Kind.BOOLEAN,
    int: Kind.INTEGER,
    float: Kind.FLOAT,
    Decimal: Kind.DECIMAL,
    dt.datetime: Kind.DATETIME,
    dt.date: Kind.DATE,
    dt.time: Kind.TIME,
    uuid.UUID: Kind.UUID,
    bytes: Kind.BYTES,
    bytearray: Kind.BYTES,
}
SUPPORTED = (
    "str, int, float, bool, Decimal, datetime, date, time, UUID, bytes, an Enum, a list, a dict "
    "or another item class"
)

_UNIONS = (typing.Union, types.UnionType)
_LISTS = (list, tuple, collections.abc.Sequence)
_HAS_LENGTH = frozenset({Kind.TEXT, Kind.BYTES, Kind.ENUM})


@dataclass(frozen=True, slots=True)
class FieldType:
    """What one annotation means."""

    annotation: Any
    """Without `Optional` and `Annotated`."""
    kind: Kind | None
    """None if no column can hold it."""
    sql_type: Any = None
    length: int | None = None
    precision: int | None = None
    scale: int | None = None


def read_annotation(annotation: Any) -> FieldType:
    """Unwrap the annotation and find the kind of what is inside, and its limits."""
    bare, metadata = unwrap(annotation)
    kind = kind_of(bare)
    sql_type = next(filter(_is_sql_type, metadata), None)
    is_decimal = kind is Kind.DECIMAL
    return FieldType(
        annotation=bare,
        kind=kind,
        sql_type=sql_type,
        length=_limit(sql_type, "length") if kind in _HAS_LENGTH else None,
        precision=_limit(sql_type, "precision") if is_decimal else None,
        scale=_limit(sql_type, "scale") if is_decimal else None,
    )


def unwrap(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """The type without its wrappers, and the metadata of every `Annotated`, innermost first."""
    if typing.get_origin(annotation) is typing.Annotated:
        bare, metadata = unwrap(annotation.__origin__)
        return bare, (*metadata, *annotation.__metadata__)
    if typing.get_origin(annotation) in _UNIONS:
        members = [m for m in typing.get_args(annotation) if m is not type(None)]
        return unwrap(members[0]) if len(members) == 1 else (typing.Union[tuple(members)], ())  # noqa: UP007 - made at run time
    aliased = getattr(annotation, "__supertype__", None) or _alias_value(annotation)
    return (annotation, ()) if aliased is None else unwrap(aliased)


def list_member(annotation: Any) -> type | None:
    """The one class that an unwrapped list annotation holds; None if it is not such a list."""
    if typing.get_origin(annotation) not in _LISTS:
        return None
    members = [m for m in typing.get_args(annotation) if m is not Ellipsis]
    if len(members) != 1:
        return None
    member, _ = unwrap(members[0])
    return member if isinstance(member, type) else None


def kind_of(annotation: Any) -> Kind | None:
    """The kind of an unwrapped annotation; None when it is unsupported."""
    origin = typing.get_origin(annotation)
    if origin is typing.Literal:
        return _kind_of_literal(typing.get_args(annotation))
    if origin is not None:
        return _kind_of_generic(origin, typing.get_args(annotation))
    if annotation is Any or isinstance(annotation, typing.TypeVar):
        return Kind.JSON
    return _kind_of_class(annotation) if isinstance(annotation, type) else None


def _kind_of_class(cls: type) -> Kind | None:
    if issubclass(cls, enum.Enum):
        return Kind.ENUM
    # The nearest base counts: a bool is also an int, and a datetime is also a date.
    scalar = next((SCALARS[base] for base in cls.__mro__ if base in SCALARS), None)
    if scalar is not None:
        return scalar
    if cls is object or issubclass(cls, collections.abc.Collection):
        return Kind.JSON
    return Kind.JSON if ItemAdapter.is_item_class(cls) else None


def _kind_of_literal(members: tuple[object, ...]) -> Kind | None:
    classes = {type(member) for member in members if member is not None}
    return kind_of(classes.pop()) if len(classes) == 1 else Kind.JSON


def _kind_of_generic(origin: Any, members: tuple[Any, ...]) -> Kind | None:
    if origin not in _UNIONS and _kind_of_class(origin) is not Kind.JSON:
        return None
    supported = all(m is Ellipsis or kind_of(unwrap(m)[0]) for m in members if m is not type(None))
    return Kind.JSON if supported else None


def _alias_value(annotation: Any) -> Any:
    """The type behind `type Price = Decimal` (Python 3.12 and typing_extensions)."""
    named_alias = type(annotation).__name__ == "TypeAliasType"
    return annotation.__value__ if named_alias else None


def _is_sql_type(candidate: Any) -> bool:
    """Whether it is a SQLAlchemy type, recognised by name, since this module knows no SQL."""
    cls = candidate if isinstance(candidate, type) else type(candidate)
    return any(base.__name__ == "TypeEngine" for base in cls.__mro__)


def _limit(sql_type: Any, name: str) -> int | None:
    limit = getattr(sql_type, name, None)
    return limit if isinstance(limit, int) else None
