"""Reads what a field's annotation means: a column of some kind, or a list of rows.

The rules, of which the first match wins:

* `Optional`, `Annotated`, `Final`, `NewType` and type aliases are unwrapped.  An alias that
  contains itself is `Any`.
* A scalar class, or a subclass of one, is a column of its kind.  An `Enum` is ENUM.  A `Literal`
  has the kind of its members, if they are all of one type.  Types of pydantic that stand for a text
  or a time are recognised by name, since pydantic need not be there.
* A list, tuple or sequence of one class may be a child table (`list_member` gives that class),
  unless it is annotated with a SQL type of its own.
* Every container, union, `Any` and item class is JSON.
* Anything else is unsupported.
"""

from __future__ import annotations

import collections.abc
import datetime as dt
import enum
import ipaddress
import types
import typing
import uuid
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePath
from typing import Any

from itemadapter import ItemAdapter

from scrapy_snapshot_pipeline.declaration.sql_types import is_sql_type, limit
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
    dt.timedelta: Kind.DURATION,
    uuid.UUID: Kind.UUID,
    bytes: Kind.BYTES,
    bytearray: Kind.BYTES,
    PurePath: Kind.TEXT,
    ipaddress.IPv4Address: Kind.TEXT,
    ipaddress.IPv6Address: Kind.TEXT,
    ipaddress.IPv4Network: Kind.TEXT,
    ipaddress.IPv6Network: Kind.TEXT,
}
SUPPORTED = (
    "str, int, float, bool, Decimal, datetime, date, time, timedelta, UUID, bytes, Path, an IP "
    "address, an Enum, a list, a dict or another item class"
)

_PYDANTIC_TEXTS = frozenset({"_BaseUrl", "_BaseMultiHostUrl", "Url", "MultiHostUrl", "NameEmail"})
_PYDANTIC_SECRETS = frozenset({"Secret", "SecretStr", "SecretBytes"})
_PYDANTIC: dict[str, Kind] = {
    **dict.fromkeys(_PYDANTIC_TEXTS, Kind.TEXT),
    "EmailStr": Kind.TEXT,
    "IPvAnyAddress": Kind.TEXT,
    "IPvAnyInterface": Kind.TEXT,
    "IPvAnyNetwork": Kind.TEXT,
    "AwareDatetime": Kind.DATETIME,
    "NaiveDatetime": Kind.DATETIME,
    "PastDatetime": Kind.DATETIME,
    "FutureDatetime": Kind.DATETIME,
    "PastDate": Kind.DATE,
    "FutureDate": Kind.DATE,
    "Json": Kind.JSON,
}

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
    bare = _enum_of_literal(bare) or bare
    kind = kind_of(bare)
    sql_type = next(filter(is_sql_type, metadata), None)
    is_decimal = kind is Kind.DECIMAL
    return FieldType(
        annotation=bare,
        kind=kind,
        sql_type=sql_type,
        length=limit(sql_type, "length") if kind in _HAS_LENGTH else None,
        precision=limit(sql_type, "precision") if is_decimal else None,
        scale=limit(sql_type, "scale") if is_decimal else None,
    )


def unwrap(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """The type without its wrappers, and the metadata of every `Annotated`, innermost first."""
    if typing.get_origin(annotation) is typing.Annotated:
        bare, metadata = unwrap(annotation.__origin__)
        return bare, (*metadata, *annotation.__metadata__)
    if typing.get_origin(annotation) in _UNIONS:
        members = [m for m in typing.get_args(annotation) if m is not type(None)]
        return unwrap(members[0]) if len(members) == 1 else (typing.Union[tuple(members)], ())  # noqa: UP007 - made at run time
    if annotation is typing.Final:
        return Any, ()
    if typing.get_origin(annotation) is typing.Final:
        return unwrap(typing.get_args(annotation)[0])
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


def generic_member(annotation: Any) -> type | None:
    """The class that a list holds with type arguments: of `list[Row[int]]` it is `Row`."""
    members = [m for m in typing.get_args(annotation) if m is not Ellipsis]
    if typing.get_origin(annotation) not in _LISTS or len(members) != 1:
        return None
    member, _ = unwrap(members[0])
    of_pydantic = getattr(member, "__pydantic_generic_metadata__", {})
    origin = typing.get_origin(member) or of_pydantic.get("origin")
    is_generic = isinstance(origin, type) and issubclass(origin, typing.Generic)
    return origin if is_generic else None


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
    scalar = _pydantic_kind(cls) if scalar is None else scalar
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


def _enum_of_literal(annotation: Any) -> type | None:
    """The Enum that all members of a Literal are of."""
    if typing.get_origin(annotation) is not typing.Literal:
        return None
    classes = {type(member) for member in typing.get_args(annotation) if member is not None}
    found = classes.pop() if len(classes) == 1 else object
    return found if issubclass(found, enum.Enum) else None


def is_pydantic_text(cls: type[Any]) -> bool:
    """Whether it is a class of pydantic whose values are what their text is, such as a URL."""
    return bool(_pydantic_names(cls) & _PYDANTIC_TEXTS)


def is_secret(annotation: Any) -> bool:
    """Whether an unwrapped annotation is that of a secret, which pydantic shows to nobody."""
    cls = typing.get_origin(annotation) or annotation
    return isinstance(cls, type) and bool(_pydantic_names(cls) & _PYDANTIC_SECRETS)


def _pydantic_kind(cls: type) -> Kind | None:
    names = _pydantic_names(cls)
    return next((kind for name, kind in _PYDANTIC.items() if name in names), None)


def _pydantic_names(cls: type) -> frozenset[str]:
    """The names of the classes of pydantic itself that it is or inherits from."""
    return frozenset(
        base.__name__
        for base in cls.__mro__
        if base.__module__.partition(".")[0] in {"pydantic", "pydantic_core"}
    )


def _alias_value(annotation: Any) -> Any:
    """The type behind `type Price = Decimal` and `type Prices[T] = list[T]`; None: no alias.

    Of Python 3.12 and typing_extensions.
    """
    alias = typing.get_origin(annotation) or annotation
    if type(alias).__name__ != "TypeAliasType":
        return None
    if _mentions(alias.__value__, alias, set()):
        return Any  # as a JSON value, which holds others
    return _with_arguments(alias.__value__, alias.__type_params__, typing.get_args(annotation))


def _mentions(annotation: Any, alias: Any, seen: set[int]) -> bool:
    """Whether an annotation contains the alias, or its name, directly or through others."""
    name = getattr(annotation, "__forward_arg__", annotation)
    if annotation is alias or (isinstance(name, str) and name == alias.__name__):
        return True
    if id(annotation) in seen:
        return False
    seen.add(id(annotation))
    inner = [typing.get_origin(annotation), *typing.get_args(annotation)]
    inner.append(getattr(annotation, "__value__", None))
    return any(_mentions(each, alias, seen) for each in inner if each is not None)


def _with_arguments(value: Any, parameters: tuple[Any, ...], given: tuple[Any, ...]) -> Any:
    """The value of a generic alias, with its parameters replaced as far as they are given."""
    arguments = list(zip(parameters, given, strict=False))

    def argument(parameter: Any) -> Any:
        return next((each for name, each in arguments if name is parameter), parameter)

    inner = getattr(value, "__parameters__", ())
    return value[tuple(map(argument, inner))] if inner else argument(value)
